//! How do many tasks at once get their entries onto the disk, in order and with few waits?
//!
//! Group commit: while one batch is being written, all that arrives waits and goes out together as
//! the next one. Every caller is answered after the batch with its entry is durable, not before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{LockedStore, Stamped, StateError, journal};

type Answer = oneshot::Sender<Result<(), StateError>>;

/// The only way to a locked stack's files.
pub(super) struct Writer {
    stack: String,
    lineage: String,
    /// Whether the store's calls wait for something, see [`super::Store::blocks`].
    blocks: bool,
    queue: Mutex<Queue>,
    written: Mutex<Written>,
    /// `None` once closed.
    files: Mutex<Option<Box<dyn LockedStore>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Stamped>,
    answers: Vec<Answer>,
    /// Whether a task is at work that will also see what arrives now.
    busy: bool,
    /// Once a write failed, none is tried again: after a failed fsync the system may have dropped
    /// the bytes and report success the next time.
    failed: Option<StateError>,
}

/// What a session has written to its journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How often it was written to and synced.
    pub batches: u64,
    pub bytes: usize,
    /// How long somebody waited for the disk.
    pub took: Duration,
}

/// The promise of an answer once the entry is durable.
pub(super) struct Receipt(oneshot::Receiver<Result<(), StateError>>);

impl Writer {
    pub(super) fn new(
        stack: &str,
        lineage: &str,
        blocks: bool,
        files: Box<dyn LockedStore>,
    ) -> Arc<Self> {
        Arc::new(Writer {
            stack: stack.to_owned(),
            lineage: lineage.to_owned(),
            blocks,
            queue: Mutex::default(),
            written: Mutex::default(),
            files: Mutex::new(Some(files)),
        })
    }

    /// The error of the first write that failed.
    pub(super) fn failure(&self) -> Option<StateError> {
        locked(&self.queue).failed.clone()
    }

    /// Queues entries. They are written in the order of the calls, also if nobody waits.
    pub(super) fn submit(self: &Arc<Self>, entries: Vec<Stamped>) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        let start = {
            let mut queue = locked(&self.queue);
            queue.waiting.extend(entries);
            queue.answers.push(answer);
            !std::mem::replace(&mut queue.busy, true)
        };
        if start {
            // A task of its own, so that a caller that is dropped half-way stops nobody's write.
            tokio::spawn(Arc::clone(self).write_all());
        }
        Receipt(receipt)
    }

    async fn write_all(self: Arc<Self>) {
        while let Some((entries, answers)) = self.take_batch() {
            let result = match self.failure() {
                Some(failure) => Err(failure),
                None => self.write(entries).await,
            };
            if let Err(error) = &result {
                locked(&self.queue).failed = Some(error.clone());
            }
            for answer in answers {
                // A caller that is gone needs no answer.
                let _ = answer.send(result.clone());
            }
        }
    }

    fn take_batch(&self) -> Option<(Vec<Stamped>, Vec<Answer>)> {
        let mut queue = locked(&self.queue);
        if queue.waiting.is_empty() && queue.answers.is_empty() {
            queue.busy = false;
            return None;
        }
        let entries = std::mem::take(&mut queue.waiting);
        Some((entries, std::mem::take(&mut queue.answers)))
    }

    async fn write(self: &Arc<Self>, entries: Vec<Stamped>) -> Result<(), StateError> {
        let line = journal::encode(&self.lineage, entries)
            .map_err(|error| unwritable("write down the journal of", &self.stack, &error))?;
        let began = Instant::now();
        let bytes = line.len();
        let result = self
            .with_files(move |files| files.append_journal(&line))
            .await;
        let mut written = locked(&self.written);
        written.batches += 1;
        written.bytes += bytes;
        written.took += began.elapsed();
        result
    }

    /// Replaces the snapshot by one that holds all entries so far, and empties the journal.
    pub(super) async fn fold(self: &Arc<Self>, snapshot: Vec<u8>) -> Result<(), StateError> {
        self.with_files(move |files| {
            files.replace_snapshot(&snapshot)?;
            files.clear_journal()
        })
        .await
    }

    pub(super) async fn read_timings(self: &Arc<Self>) -> Result<Option<Vec<u8>>, StateError> {
        self.with_files(|files| files.read_timings()).await
    }

    pub(super) async fn replace_timings(
        self: &Arc<Self>,
        bytes: Vec<u8>,
    ) -> Result<(), StateError> {
        self.with_files(move |files| files.replace_timings(&bytes))
            .await
    }

    pub(super) async fn replace_last_run(
        self: &Arc<Self>,
        bytes: Vec<u8>,
    ) -> Result<(), StateError> {
        self.with_files(move |files| files.replace_last_run(&bytes))
            .await
    }

    /// What was written since the session began.
    pub(super) fn written(&self) -> Written {
        *locked(&self.written)
    }

    /// Frees the lock. Nothing can be written any more.
    pub(super) async fn release(self: &Arc<Self>) {
        let writer = Arc::clone(self);
        let release = move || {
            if let Some(files) = locked(&writer.files).take() {
                files.release();
            }
        };
        if self.blocks {
            // It fails only if the runtime shuts down; dropping the files frees the lock as well.
            let _ = tokio::task::spawn_blocking(release).await;
        } else {
            release();
        }
    }

    async fn with_files<F, T>(self: &Arc<Self>, work: F) -> Result<T, StateError>
    where
        F: FnOnce(&mut dyn LockedStore) -> Result<T, StateError> + Send + 'static,
        T: Send + 'static,
    {
        let writer = Arc::clone(self);
        let run = move || match locked(&writer.files).as_deref_mut() {
            Some(files) => work(files),
            None => Err(StateError::Closed(writer.stack.clone())),
        };
        if !self.blocks {
            return run();
        }
        tokio::task::spawn_blocking(run)
            .await
            .unwrap_or_else(|_| Err(StateError::Closed(self.stack.clone())))
    }
}

impl Receipt {
    /// Waits until the entry is durable.
    pub(super) async fn durable(self, stack: &str) -> Result<(), StateError> {
        self.0
            .await
            .unwrap_or_else(|_| Err(StateError::Closed(stack.to_owned())))
    }
}

/// The error for a state that serde refuses to write down.
pub(super) fn unwritable(
    attempted: &'static str,
    stack: &str,
    error: &serde_json::Error,
) -> StateError {
    StateError::storage(attempted, stack, &std::io::Error::other(error.to_string()))
}

/// No code panics while it holds one of this room's locks half-way through a change,
/// so a poisoned one is as good as any.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
