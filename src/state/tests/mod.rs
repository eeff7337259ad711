//! Does the state survive everything? What the tests of this room share.

mod files;
mod histories;
mod recovery;
mod session;
mod torn;
mod transitions;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Access, Intent, LockedStore, Session, StateError, Store};
use super::{Holder, Inspection, MemoryStore};
use crate::resource::{
    Address, CallError, Certainty, ErrorClass, Leftover, LogExcerpt, Protection, StepError,
};

const STACK: &str = "demo";

fn vpc() -> Address {
    Address::new("vpc", "main")
}

fn spec() -> Value {
    json!({"cidr": "10.0.0.0/16"})
}

fn outputs(id: &str) -> Value {
    json!({ "id": id })
}

fn create(token: &str) -> Intent {
    Intent::Create {
        token: token.to_owned(),
        spec: spec(),
    }
}

fn step_error(leftover: Leftover) -> StepError {
    StepError {
        leftover,
        logs: vec![LogExcerpt {
            container: "web".into(),
            group: "/ecs/web".into(),
            stream: "ecs/web/0aa1".into(),
            lines: vec!["x-amz-security-token:FwoGZXIvYXdzE".into()],
        }],
        ..StepError::from(CallError {
            operation: "ec2:CreateVpc".into(),
            code: Some("InternalError".into()),
            message: "x-amz-security-token:FwoGZXIvYXdzE".into(),
            request_id: Some("r-1".into()),
            class: ErrorClass::Transient,
            certainty: Certainty::Ambiguous,
        })
    }
}

fn up() -> Access {
    Access::Write {
        command: "up".into(),
    }
}

async fn open(store: &(impl Store + Clone + 'static), access: Access) -> Session {
    Session::open(Arc::new(store.clone()), STACK, access)
        .await
        .unwrap()
}

async fn refusal(store: &(impl Store + Clone + 'static), access: Access) -> StateError {
    Session::open(Arc::new(store.clone()), STACK, access)
        .await
        .unwrap_err()
}

/// What is about to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Append,
    Replace,
    Clear,
}

/// What a test does before each write.
type Hook = Arc<dyn Fn(Write) -> Result<(), StateError> + Send + Sync>;

/// A store in memory whose writes can be held up or fail, and that something can happen to
/// between two reads.
#[derive(Clone)]
struct HookedStore {
    inner: MemoryStore,
    before_write: Hook,
    after_read: Arc<Mutex<Option<Interruption>>>,
}

type Interruption = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for HookedStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "HookedStore")
    }
}

impl HookedStore {
    fn new(hook: impl Fn(Write) -> Result<(), StateError> + Send + Sync + 'static) -> Self {
        HookedStore {
            inner: MemoryStore::default(),
            before_write: Arc::new(hook),
            after_read: Arc::default(),
        }
    }

    /// Lets this happen once, right after the next read.
    fn after_next_read(&self, interruption: impl FnOnce() + Send + 'static) {
        *self.after_read.lock().unwrap() = Some(Box::new(interruption));
    }

    fn interrupted<T>(&self, read: T) -> T {
        let interruption = self.after_read.lock().unwrap().take();
        if let Some(interruption) = interruption {
            interruption();
        }
        read
    }
}

impl Store for HookedStore {
    fn snapshot_name(&self, stack: &str) -> String {
        self.inner.snapshot_name(stack)
    }
    fn journal_name(&self, stack: &str) -> String {
        self.inner.journal_name(stack)
    }
    fn read_snapshot(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.interrupted(self.inner.read_snapshot(stack))
    }
    fn backup_name(&self, stack: &str) -> Option<String> {
        self.inner.backup_name(stack)
    }
    fn read_journal(&self, stack: &str) -> Result<Vec<u8>, StateError> {
        self.interrupted(self.inner.read_journal(stack))
    }
    fn read_last_run(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.inner.read_last_run(stack)
    }
    fn lock(&self, stack: &str, holder: &Holder) -> Result<Box<dyn LockedStore>, StateError> {
        Ok(Box::new(HookedFiles {
            inner: self.inner.lock(stack, holder)?,
            before_write: Arc::clone(&self.before_write),
        }))
    }
    fn inspect(&self, stack: &str) -> Result<Option<Inspection>, StateError> {
        self.inner.inspect(stack)
    }
    fn unlock(&self, stack: &str) -> Result<Option<Holder>, StateError> {
        self.inner.unlock(stack)
    }
}

struct HookedFiles {
    inner: Box<dyn LockedStore>,
    before_write: Hook,
}

impl LockedStore for HookedFiles {
    fn append_journal(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        (self.before_write)(Write::Append)?;
        self.inner.append_journal(bytes)
    }
    fn replace_snapshot(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        (self.before_write)(Write::Replace)?;
        self.inner.replace_snapshot(bytes)
    }
    fn clear_journal(&mut self) -> Result<(), StateError> {
        (self.before_write)(Write::Clear)?;
        self.inner.clear_journal()
    }
    fn read_timings(&mut self) -> Result<Option<Vec<u8>>, StateError> {
        self.inner.read_timings()
    }

    fn replace_timings(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.inner.replace_timings(bytes)
    }

    fn replace_last_run(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.inner.replace_last_run(bytes)
    }

    fn release(self: Box<Self>) {
        self.inner.release();
    }
}
