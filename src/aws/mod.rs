//! How does navi talk to AWS? Clients, error classes, retries and tags. No kind of resource in here.

mod call_error;
mod call_log;
mod calls;
mod causes;
pub mod certificates;
mod change_batch_refusal;
mod clients;
pub mod cloud_map;
mod command_session;
mod configuration;
#[cfg(test)]
mod error_shapes;
mod errors;
mod host_request;
mod http_client;
mod images;
mod interfaces;
mod last_lines;
mod listings;
mod log_events;
mod memo;
mod moment;
pub mod namesakes;
mod ownership;
pub mod quotas;
mod role_policies;
mod routing;
mod services;
pub mod tags;
mod target_health;
mod tasks;
pub mod usage;
mod way_to_service;
mod ways_out;
mod zone_records;

pub use call_log::CallLog;
pub use calls::{Settle, send, settle};
pub use causes::cause_of;
pub use clients::Aws;
pub use command_session::{CommandSession, CommandTarget, execute_command, task_role};
pub use configuration::{ConfigurationError, Options, for_sandbox, load};
pub use errors::classify;
pub use host_request::{HostAnswer, addresses_of_host, request_host};
pub use images::{ImageAnswer, Unanswered, ecr_repository, look_up_images};
pub use interfaces::{InterfaceFilter, holders_among_interfaces};
pub use last_lines::last_lines;
pub use listings::describe_present;
pub use log_events::{LogEvent, LogPace, LogPages, LogQuery};
pub use memo::Memo;
pub use moment::Moment;
pub use ownership::{ours_or_taken, taken};
pub use role_policies::{Allowance, role_allows};
pub use routing::holders_among_rules;
pub use services::{DeploymentNow, ServiceEvent, ServiceNow, services_now};
pub use target_health::{Target, targets_of};
pub use tasks::{Task, TaskContainer, Wanted, tasks_of};
pub use way_to_service::{WayToService, way_to_service};
pub use ways_out::{WayOut, WaysOut, ways_out};
pub use zone_records::{
    AddressRecord, address_records, canonical_name, canonical_target, change_records,
    fresh_zone_records, remove_records, zone_records,
};
