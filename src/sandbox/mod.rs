//! What would AWS do? A simulated AWS on the laptop that knows AWS's documented behaviour (aws-behaviour) and no other room of navi.
//!
//! request ─▶ wire (protocol → `Call`) ─▶ dispatch ─▶ one operation of one noun on the `World` ─▶ wire (answer → protocol)

mod acm;
mod application_auto_scaling;
mod authorization;
mod call;
mod call_log;
mod client_token;
mod clock;
mod cloud_map;
mod container_shell;
mod control;
mod dispatch;
mod ec2;
mod ecr;
mod ecs;
mod elb;
mod fault;
mod fault_injection;
mod figures;
mod freshness;
mod iam;
mod ids;
mod images;
mod limits;
mod logs;
mod pace;
mod pagination;
mod reach;
mod route53;
mod secrets;
mod server;
mod service;
mod serving;
mod sts;
mod tags;
mod task_outcome;
#[cfg(test)]
mod test_client;
#[cfg(test)]
mod test_stage;
mod violations;
mod visit;
mod wildcard;
mod wire;
mod world;

pub use figures::{BUILT_IN as BUILT_IN_FIGURES, Figures, FiguresProblem};
pub use pace::{NoPace, Pace};
pub use server::{ConnectionDropped, Options, Sandbox};
pub use wire::DEFAULT_ACCOUNT;
