//! What must a place that keeps states be able to do? Local files do it today; a bucket can.
//!
//! All calls may block: a session makes them on a thread of their own. A store over a network
//! waits there for its own client.

use std::fmt::Debug;

use super::{Holder, Inspection, StateError};

/// A place that keeps states. Reading takes no lock.
pub trait Store: Debug + Send + Sync {
    /// The name of a stack's snapshot, for messages: a path, a URL.
    fn snapshot_name(&self, stack: &str) -> String;

    /// The name of a stack's journal, for messages.
    fn journal_name(&self, stack: &str) -> String;

    /// The snapshot as it was written last; `None` if there never was one.
    fn read_snapshot(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// The name of the snapshot before the last one, if it is there.
    fn backup_name(&self, stack: &str) -> Option<String>;

    /// All that was appended to the journal since it was last cleared.
    fn read_journal(&self, stack: &str) -> Result<Vec<u8>, StateError>;

    /// What the last run left of how it went, as it was kept; `None` if there is nothing.
    fn read_last_run(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// Locks the stack, or says who holds the lock. Never waits for the holder to end.
    fn lock(&self, stack: &str, holder: &Holder) -> Result<Box<dyn LockedStore>, StateError>;

    /// Who holds the stack's lock, or left a trace of having held it.
    fn inspect(&self, stack: &str) -> Result<Option<Inspection>, StateError>;

    /// Removes the trace of a holder that is no more, and says who it was. A holder that lives
    /// keeps its lock; that is the error.
    fn unlock(&self, stack: &str) -> Result<Option<Holder>, StateError>;

    /// Whether calls wait for a disk or a network. If not, a session makes them in place,
    /// which keeps runs in virtual time deterministic.
    fn blocks(&self) -> bool {
        true
    }
}

/// One stack, locked. Only who holds the lock can write: there is no other way to this trait.
/// Dropping it frees the lock and leaves everything else as a crash would.
pub trait LockedStore: Send {
    /// Appends to the journal. When it returns, a power failure can't take the bytes away.
    /// After an error nothing may be appended any more: what the file ends in is unknown.
    fn append_journal(&mut self, bytes: &[u8]) -> Result<(), StateError>;

    /// Puts a new snapshot in the place of the old one, whole or not at all, and keeps the old one
    /// as backup. When it returns, a power failure can't take it away.
    fn replace_snapshot(&mut self, bytes: &[u8]) -> Result<(), StateError>;

    /// Empties the journal, after its content went into a snapshot.
    fn clear_journal(&mut self) -> Result<(), StateError>;

    /// What the last run left of how long things take. It is nobody's loss when it is gone.
    fn read_timings(&mut self) -> Result<Option<Vec<u8>>, StateError>;

    /// Puts new timings in the place of the old ones, whole or not at all.
    fn replace_timings(&mut self, bytes: &[u8]) -> Result<(), StateError>;

    /// Puts a new account of a run in the place of the last one, whole or not at all.
    fn replace_last_run(&mut self, bytes: &[u8]) -> Result<(), StateError>;

    /// Frees the lock at a clean end.
    fn release(self: Box<Self>);
}

/// A stack's name becomes a file's name: nothing that leads out of the directory, nothing hidden.
pub(super) fn check_stack_name(stack: &str) -> Result<(), StateError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if stack.is_empty() || stack.starts_with('.') || !stack.chars().all(plain) {
        return Err(StateError::StackName(stack.to_owned()));
    }
    Ok(())
}
