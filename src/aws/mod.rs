//! How does navi talk to AWS? Clients, error classes, retries and tags. No kind of resource in here.

mod calls;
mod clients;
mod configuration;
mod errors;
mod interfaces;
mod memo;
pub mod tags;

pub use calls::{Settle, send, settle};
pub use clients::Aws;
pub use configuration::{ConfigurationError, Options, load};
pub use errors::classify;
pub use interfaces::{InterfaceFilter, holders_among_interfaces};
pub use memo::Memo;
