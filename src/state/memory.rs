//! How are states kept without a disk? For runs in virtual time, by the thousand, that can be cut off anywhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::store::{LockedStore, Store};
use super::writer::locked;
use super::{Holder, Inspection, StateError};

/// States in memory. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    stacks: Arc<Mutex<BTreeMap<String, Files>>>,
}

#[derive(Clone, Debug, Default)]
struct Files {
    snapshot: Option<Vec<u8>>,
    backup: Option<Vec<u8>>,
    journal: Vec<u8>,
    appends: usize,
    timings: Option<Vec<u8>>,
    last_run: Option<Vec<u8>>,
    holder: Option<Holder>,
}

impl MemoryStore {
    /// What a machine finds that lost power now: all that was written, and no lock held.
    pub fn after_crash(&self) -> MemoryStore {
        let mut stacks = locked(&self.stacks).clone();
        for files in stacks.values_mut() {
            files.holder = None;
        }
        MemoryStore {
            stacks: Arc::new(Mutex::new(stacks)),
        }
    }

    /// How often the stack's journal was appended to: what would be an fsync on a disk.
    pub fn appends(&self, stack: &str) -> usize {
        self.with(stack, |files| files.appends)
    }

    fn with<T>(&self, stack: &str, work: impl FnOnce(&mut Files) -> T) -> T {
        work(locked(&self.stacks).entry(stack.to_owned()).or_default())
    }
}

impl Store for MemoryStore {
    fn snapshot_name(&self, stack: &str) -> String {
        format!("memory:{stack}.json")
    }

    fn journal_name(&self, stack: &str) -> String {
        format!("memory:{stack}.journal")
    }

    fn read_snapshot(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.with(stack, |files| files.snapshot.clone()))
    }

    fn backup_name(&self, stack: &str) -> Option<String> {
        let backup = format!("memory:{stack}.json.backup");
        self.with(stack, |files| files.backup.as_ref().map(|_| backup))
    }

    fn read_journal(&self, stack: &str) -> Result<Vec<u8>, StateError> {
        Ok(self.with(stack, |files| files.journal.clone()))
    }

    fn read_last_run(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.with(stack, |files| files.last_run.clone()))
    }

    fn lock(&self, stack: &str, holder: &Holder) -> Result<Box<dyn LockedStore>, StateError> {
        self.with(stack, |files| match &files.holder {
            Some(other) => Err(StateError::Locked {
                stack: stack.to_owned(),
                holder: Some(other.clone()),
            }),
            None => {
                files.holder = Some(holder.clone());
                Ok(())
            }
        })?;
        Ok(Box::new(LockedMemory {
            store: self.clone(),
            stack: stack.to_owned(),
        }))
    }

    fn inspect(&self, stack: &str) -> Result<Option<Inspection>, StateError> {
        let holder = self.with(stack, |files| files.holder.clone());
        Ok(holder.map(|holder| Inspection { holder, live: true }))
    }

    fn unlock(&self, stack: &str) -> Result<Option<Holder>, StateError> {
        // A holder in memory is never a dead one.
        match self.with(stack, |files| files.holder.clone()) {
            None => Ok(None),
            holder => Err(StateError::Locked {
                stack: stack.to_owned(),
                holder,
            }),
        }
    }

    fn blocks(&self) -> bool {
        false
    }
}

struct LockedMemory {
    store: MemoryStore,
    stack: String,
}

impl LockedStore for LockedMemory {
    fn append_journal(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.store.with(&self.stack, |files| {
            files.journal.extend_from_slice(bytes);
            files.appends += 1;
        });
        Ok(())
    }

    fn replace_snapshot(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.store.with(&self.stack, |files| {
            files.backup = files.snapshot.replace(bytes.to_vec());
        });
        Ok(())
    }

    fn clear_journal(&mut self) -> Result<(), StateError> {
        self.store.with(&self.stack, |files| files.journal.clear());
        Ok(())
    }

    fn read_timings(&mut self) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.store.with(&self.stack, |files| files.timings.clone()))
    }

    fn replace_timings(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.store.with(&self.stack, |files| {
            files.timings = Some(bytes.to_vec());
        });
        Ok(())
    }

    fn replace_last_run(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.store.with(&self.stack, |files| {
            files.last_run = Some(bytes.to_vec());
        });
        Ok(())
    }

    fn release(self: Box<Self>) {}
}

impl Drop for LockedMemory {
    fn drop(&mut self) {
        self.store.with(&self.stack, |files| files.holder = None);
    }
}
