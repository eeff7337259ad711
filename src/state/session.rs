//! How does a command use a stack's state? Open, use, close.
//!
//! START HERE. A session holds the state in memory. Each change is one [`Entry`]: [`Session::append`]
//! applies it to the state in memory, queues it for the journal under the same lock, so that both
//! have one order, and waits until it is durable. `close` writes the snapshot and empties the
//! journal. A session that is dropped instead leaves what a crash leaves: the journal, which the
//! next `open` reads back through the same [`State::apply`].

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::load::{Loaded, load};
use super::model::now;
use super::store::check_stack_name;
use super::writer::{Writer, locked, unwritable};
use super::{
    Entry, Holder, Identity, Intent, LockedStore, Outcome, Sequence, Stamped, State, StateError,
    Store, Warning, Written, new_token, snapshot,
};
use crate::resource::{Address, AnyResource, Known, Protection};

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Looking. Takes no lock, writes nothing, and sees a run in progress as far as it got.
    Read,
    /// Changing, under the stack's lock.
    Write {
        /// The command, `up` or `down`; others that find the stack locked are told.
        command: String,
    },
}

/// One stack's state, open. Clones are handles of the same session, for use from many tasks.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    stack: String,
    live: Mutex<Live>,
    warnings: Vec<Warning>,
    role: Role,
}

/// What differs between the two kinds of access.
enum Role {
    Reader {
        /// The run in progress beside which this session reads.
        beside: Option<Holder>,
    },
    Owner {
        command: String,
        run: String,
        writer: Arc<Writer>,
    },
}

struct Live {
    state: State,
    /// Whether this run's first entry is written. A run that changes nothing writes nothing.
    began: bool,
    closed: bool,
}

/// What opening found, and the lock if one was asked for.
type Opened = (Loaded, Option<Box<dyn LockedStore>>, Option<Holder>);

impl Session {
    /// Opens the state of `stack`, reading back what an earlier run may have left in the journal.
    /// A stack without a state gets a new one, which is written with the first change.
    pub async fn open(
        store: Arc<dyn Store>,
        stack: &str,
        access: Access,
    ) -> Result<Session, StateError> {
        check_stack_name(stack)?;
        let blocks = store.blocks();
        let (loaded, files, beside) = open_files(store, stack, &access).await?;
        let role = match (access, files) {
            (Access::Write { command }, Some(files)) => Role::Owner {
                command,
                run: new_token(),
                writer: Writer::new(stack, &loaded.state.lineage, blocks, files),
            },
            _ => Role::Reader { beside },
        };
        let session = Session {
            shared: Arc::new(Shared {
                stack: stack.to_owned(),
                live: Mutex::new(Live {
                    state: loaded.state,
                    began: false,
                    closed: false,
                }),
                warnings: loaded.warnings,
                role,
            }),
        };
        if loaded.journaled {
            session.fold().await?;
        }
        Ok(session)
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.shared.stack
    }

    /// A copy of the state as of now.
    pub fn state(&self) -> State {
        self.with_state(State::clone)
    }

    /// Looks at the state without copying it. Nobody can change it meanwhile, so look briefly.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&locked(&self.shared.live).state)
    }

    /// The outputs of everything that exists.
    pub fn known(&self) -> Known {
        self.with_state(State::known)
    }

    /// What opening has to tell.
    pub fn warnings(&self) -> &[Warning] {
        &self.shared.warnings
    }

    /// The run in progress beside which this session only reads.
    pub fn beside(&self) -> Option<&Holder> {
        match &self.shared.role {
            Role::Reader { beside } => beside.as_ref(),
            Role::Owner { .. } => None,
        }
    }

    /// Records where the stack lives, or makes sure that it lives there. A reader only makes sure.
    pub async fn identify(&self, identity: Identity) -> Result<(), StateError> {
        let recorded = self.with_state(|state| {
            state.check_identity(&identity.account, &identity.region)?;
            Ok::<_, StateError>(state.identity.is_some())
        })?;
        let reads = matches!(self.shared.role, Role::Reader { .. });
        if !recorded && !reads {
            self.write(Entry::Identified(identity)).await?;
        }
        Ok(())
    }

    /// Records the availability zones chosen for the stack.
    pub async fn choose_zones(&self, zones: Vec<String>) -> Result<(), StateError> {
        self.write(Entry::Zones { zones }).await.map(drop)
    }

    /// Records what may neither be replaced nor removed from here on, where that is news.
    pub async fn protect(&self, what: Protection) -> Result<(), StateError> {
        if self.with_state(|state| state.protection == what) {
            return Ok(());
        }
        self.write(Entry::Protected { what }).await.map(drop)
    }

    /// Announces a call that changes a resource. The call may be made once this returned, and not
    /// before: only then does a crash leave a trace to look for it.
    pub async fn intend(&self, address: &Address, intent: Intent) -> Result<Sequence, StateError> {
        let address = address.clone();
        self.write(Entry::Intent { address, intent }).await
    }

    /// Records what came of an intent. The step is done once this returned, and not before.
    pub async fn settle(&self, intent: Sequence, outcome: Outcome) -> Result<(), StateError> {
        self.write(Entry::Outcome { intent, outcome })
            .await
            .map(drop)
    }

    /// Records that a resource is usable.
    pub async fn ready(&self, address: &Address, outputs: Value) -> Result<(), StateError> {
        let address = address.clone();
        self.write(Entry::Ready { address, outputs })
            .await
            .map(drop)
    }

    /// Records a resource that the stack only looks up.
    pub async fn looked_up(
        &self,
        address: &Address,
        spec: Value,
        outputs: Value,
    ) -> Result<(), StateError> {
        self.write(Entry::LookedUp {
            address: address.clone(),
            spec,
            outputs,
        })
        .await
        .map(drop)
    }

    /// Forgets a resource that is gone without navi's doing, or that was only looked up.
    pub async fn forget(&self, address: &Address) -> Result<(), StateError> {
        let address = address.clone();
        self.write(Entry::Forgotten { address }).await.map(drop)
    }

    /// Gives a resource back to its owner: the stack never takes it for its own again, unless it is adopted.
    pub async fn give_back(&self, address: &Address) -> Result<(), StateError> {
        let address = address.clone();
        self.write(Entry::GivenBack { address }).await.map(drop)
    }

    /// Records that the stack's tags are off an object that was given back.
    pub async fn untagged(&self, address: &Address, id: Option<String>) -> Result<(), StateError> {
        let address = address.clone();
        self.write(Entry::Untagged { address, id }).await.map(drop)
    }

    /// Records an object that no run made a record of.
    pub async fn adopt(
        &self,
        address: &Address,
        resource: &dyn AnyResource,
        outputs: Value,
        token: String,
        ready: bool,
        stands_for: Option<String>,
    ) -> Result<(), StateError> {
        let entry = Entry::Adopted {
            address: address.clone(),
            spec: resource.value(),
            outputs,
            token,
            ready,
            stands_for,
        };
        // A reader learns it for itself, as it does what recovery finds.
        self.append(entry).await.map(drop)
    }

    /// Records a resource under another address; the records that refer to it follow.
    pub async fn relocate(&self, from: &Address, to: &Address) -> Result<(), StateError> {
        let (from, to) = (from.clone(), to.clone());
        self.write(Entry::Moved { from, to }).await.map(drop)
    }

    /// What the last run left of how long things take, as it was kept. A reader has no use for it.
    pub async fn timings(&self) -> Result<Option<Vec<u8>>, StateError> {
        match &self.shared.role {
            Role::Owner { writer, .. } => writer.read_timings().await,
            Role::Reader { .. } => Ok(None),
        }
    }

    /// Keeps how long things took, for the next run.
    pub async fn keep_timings(&self, bytes: Vec<u8>) -> Result<(), StateError> {
        match &self.shared.role {
            Role::Owner { writer, .. } => writer.replace_timings(bytes).await,
            Role::Reader { .. } => Err(StateError::ReadOnly(self.shared.stack.clone())),
        }
    }

    /// Keeps how this run went, for whoever asks later.
    pub async fn keep_last_run(&self, bytes: Vec<u8>) -> Result<(), StateError> {
        match &self.shared.role {
            Role::Owner { writer, .. } => writer.replace_last_run(bytes).await,
            Role::Reader { .. } => Err(StateError::ReadOnly(self.shared.stack.clone())),
        }
    }

    /// What this session has written to the journal so far.
    pub fn written(&self) -> Written {
        match &self.shared.role {
            Role::Owner { writer, .. } => writer.written(),
            Role::Reader { .. } => Written::default(),
        }
    }

    /// Ends the session: writes the snapshot, empties the journal, frees the lock. Also after a
    /// failed write, as it is the last chance to keep what this run learned. A session that
    /// changed nothing leaves the files as they are.
    pub async fn close(self) -> Result<(), StateError> {
        let Role::Owner { run, writer, .. } = &self.shared.role else {
            return Ok(());
        };
        let changed = {
            let live = locked(&self.shared.live);
            live.began || live.state.run.is_some()
        };
        if changed && writer.failure().is_none() {
            let run = run.clone();
            // A failure is kept by the writer; the snapshot below is what counts now.
            let _ = self.append(Entry::RunEnded { run }).await;
        }
        locked(&self.shared.live).closed = true;
        let folded = if changed { self.fold().await } else { Ok(()) };
        writer.release().await;
        folded
    }

    async fn write(&self, entry: Entry) -> Result<Sequence, StateError> {
        match &self.shared.role {
            Role::Owner { .. } => self.append(entry).await,
            Role::Reader { .. } => Err(StateError::ReadOnly(self.shared.stack.clone())),
        }
    }

    /// Applies an entry and waits until it is durable. A reader only applies it to its own view.
    pub(super) async fn append(&self, entry: Entry) -> Result<Sequence, StateError> {
        let (sequence, receipt) = {
            let mut live = locked(&self.shared.live);
            match &self.shared.role {
                Role::Reader { .. } => (live.apply(entry)?.sequence, None),
                Role::Owner {
                    command,
                    run,
                    writer,
                } => {
                    if live.closed {
                        return Err(StateError::Closed(self.shared.stack.clone()));
                    }
                    if let Some(failure) = writer.failure() {
                        return Err(failure);
                    }
                    let mut entries = Vec::new();
                    if !live.began {
                        entries.push(live.apply(Entry::RunBegan {
                            run: run.clone(),
                            command: command.clone(),
                            stack: self.shared.stack.clone(),
                            navi_version: env!("CARGO_PKG_VERSION").to_owned(),
                        })?);
                        live.began = true;
                    }
                    let applied = live.apply(entry);
                    entries.extend(applied.clone().ok());
                    // Also when the entry is refused: the beginning of the run is applied by now,
                    // and the journal must follow the state without a gap.
                    let receipt = (!entries.is_empty()).then(|| writer.submit(entries));
                    (applied?.sequence, receipt)
                }
            }
        };
        if let Some(receipt) = receipt {
            receipt.durable(&self.shared.stack).await?;
        }
        Ok(sequence)
    }

    /// Moves the journal into the snapshot.
    async fn fold(&self) -> Result<(), StateError> {
        let Role::Owner { writer, .. } = &self.shared.role else {
            return Ok(());
        };
        let bytes = {
            let mut live = locked(&self.shared.live);
            live.state.serial += 1;
            snapshot::encode(&live.state)
        };
        let bytes = bytes
            .map_err(|error| unwritable("write down the state of", &self.shared.stack, &error))?;
        writer.fold(bytes).await
    }
}

impl Live {
    fn apply(&mut self, entry: Entry) -> Result<Stamped, StateError> {
        let stamped = Stamped {
            sequence: self.state.sequence.next(),
            at: now(),
            entry,
        };
        self.state.apply(&stamped)?;
        Ok(stamped)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Session({})", self.shared.stack)
    }
}

/// Locks, if asked to, and reads, away from the runtime's threads.
async fn open_files(
    store: Arc<dyn Store>,
    stack: &str,
    access: &Access,
) -> Result<Opened, StateError> {
    let blocks = store.blocks();
    let command = match access {
        Access::Read => None,
        Access::Write { command } => Some(command.clone()),
    };
    let name = stack.to_owned();
    let open = move || match command {
        Some(command) => {
            let files = store.lock(&name, &Holder::this_process(&command))?;
            Ok((load(&*store, &name)?, Some(files), None))
        }
        None => {
            let mut loaded = load(&*store, &name)?;
            let live = store.inspect(&name)?.filter(|found| found.live);
            if live.is_some() {
                // A line half-written is a write going on, not one cut off.
                loaded.warnings.clear();
            }
            Ok((loaded, None, live.map(|found| found.holder)))
        }
    };
    if !blocks {
        return open();
    }
    tokio::task::spawn_blocking(open)
        .await
        .unwrap_or_else(|_| Err(StateError::Closed(stack.to_owned())))
}
