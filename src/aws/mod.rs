//! How does navi talk to AWS? Clients, error classes, retries and tags. No kind of resource in here.

mod call_error;
mod calls;
pub mod certificates;
mod change_batch_refusal;
mod clients;
pub mod cloud_map;
mod configuration;
#[cfg(test)]
mod error_shapes;
mod errors;
mod http_client;
mod images;
mod interfaces;
mod listings;
mod memo;
pub mod namesakes;
mod ownership;
pub mod quotas;
mod routing;
pub mod tags;
pub mod usage;
mod zone_records;

pub use calls::{Settle, send, settle};
pub use clients::Aws;
pub use configuration::{ConfigurationError, Options, for_sandbox, load};
pub use errors::classify;
pub use images::{ImageAnswer, Unanswered, look_up_images};
pub use interfaces::{InterfaceFilter, holders_among_interfaces};
pub use listings::describe_present;
pub use memo::Memo;
pub use ownership::{ours_or_taken, taken};
pub use routing::holders_among_rules;
pub use zone_records::{
    canonical_name, canonical_target, change_records, fresh_zone_records, remove_records,
    zone_records,
};
