//! What does navi remember, and how can it not lose it? Start with `session.rs`; docs/STATE.md has the whole picture.

mod entry;
mod error;
mod journal;
mod load;
mod local;
mod lock;
mod memory;
mod model;
mod recovery;
mod session;
mod snapshot;
mod store;
mod transition;
mod writer;

#[cfg(test)]
mod tests;

pub use entry::{Entry, Failure, Intent, Outcome, Sequence, Stamped};
pub use error::{StateError, Warning};
pub use local::LocalStore;
pub use lock::{Holder, Inspection};
pub use memory::MemoryStore;
pub use model::{
    FORMAT_VERSION, GivenBack, Identity, Pending, Record, Run, State, Status, Unresolved, new_token,
};
pub use recovery::{Finding, Recovered, RecoveryError, recover};
pub use session::{Access, Session};
pub use store::{LockedStore, Store};
pub use transition::IllegalEntry;
pub use writer::Written;
