//! What does an environment look like to a person? Services and what leads to them, from the stack's specs; and how they do now.

mod command_requirements;
mod costs;
mod layout;
mod log_lines;
mod names;
mod now;
mod reach;
mod specs;
mod verification;

pub use command_requirements::{Met, Requirement, command_requirements};
pub use costs::{Costs, Driver, costs};
pub use layout::{Container, Entrance, Environment, LogTarget, Route, Scaling, Service, Subnet};
pub use log_lines::{LogLine, LogReader, LogSources, LogWindow, Seen};
pub use names::{Entry, Name, NameNow, names_now};
pub use now::{Now, TargetGroupNow, now};
pub use reach::{Party, Rules, Way, recorded_rules, seen_rules};
pub use specs::Specs;
pub use verification::{Check, Request, Verdict, Visit, What, checks, requests};
