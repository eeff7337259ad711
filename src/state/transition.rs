//! What does one journal entry do to the state? The same for a running command and for a journal read back.

use serde_json::Value;

use super::{
    Entry, GivenBack, Intent, Outcome, Pending, Record, Run, Sequence, Stamped, State, Status,
    Unresolved,
};
use crate::resource::{Address, Leftover, redirect};

/// An entry that can't follow on what the state says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {sequence} ({entry}) is impossible: {reason}")]
pub struct IllegalEntry {
    /// Its number.
    pub sequence: Sequence,
    /// What it is.
    pub entry: String,
    /// Why it can't be.
    pub reason: String,
}

impl State {
    /// Takes in one entry, or leaves everything as it was and says why it can't be.
    ///
    /// Pure: the outcome depends on the state and the entry alone. The table is in docs/STATE.md.
    pub fn apply(&mut self, stamped: &Stamped) -> Result<(), IllegalEntry> {
        self.transition(stamped).map_err(|reason| IllegalEntry {
            sequence: stamped.sequence,
            entry: stamped.entry.to_string(),
            reason,
        })?;
        self.sequence = stamped.sequence;
        Ok(())
    }

    /// Every check of every arm comes before its first change.
    fn transition(&mut self, stamped: &Stamped) -> Result<(), String> {
        if stamped.sequence != self.sequence.next() {
            return Err(format!("it does not follow entry {}", self.sequence));
        }
        match &stamped.entry {
            Entry::RunBegan {
                run,
                command,
                stack,
                navi_version: _,
            } => {
                if *stack != self.stack {
                    return Err(format!("it is of stack `{stack}`, not `{}`", self.stack));
                }
                self.run = Some(Run {
                    id: run.clone(),
                    command: command.clone(),
                    began: stamped.at,
                });
            }
            Entry::RunEnded { run } => {
                if self.run.as_ref().map(|current| &current.id) != Some(run) {
                    return Err(format!("run {run} has not begun"));
                }
                self.run = None;
            }
            Entry::Identified(identity) => {
                if let Some(recorded) = &self.identity {
                    return Err(format!(
                        "the stack is in account {} and region {} already",
                        recorded.account, recorded.region
                    ));
                }
                self.identity = Some(identity.clone());
            }
            Entry::Zones { zones } => self.zones.clone_from(zones),
            Entry::Protected { what } => self.protection.clone_from(what),
            Entry::Intent { address, intent } => self.begin(stamped, address, intent)?,
            Entry::Outcome { intent, outcome } => self.finish(*intent, outcome)?,
            Entry::Ready { address, outputs } => {
                self.no_pending(address)?;
                let record = self
                    .resources
                    .get_mut(address)
                    .ok_or("no such resource is recorded")?;
                // Also from Deleting: what was seen usable after all (a delete that was refused,
                // or never sent) is usable.
                record.status = Status::Ready;
                record.outputs = outputs.clone();
            }
            Entry::LookedUp {
                address,
                spec,
                outputs,
            } => {
                self.no_pending(address)?;
                if self
                    .resources
                    .get(address)
                    .is_some_and(|record| !record.lookup)
                {
                    return Err("navi made this resource, so it is no lookup".to_owned());
                }
                // As with a create: recovery looked for it at the start of this run.
                self.unresolved.remove(address);
                self.resources.insert(
                    address.clone(),
                    Record {
                        spec: spec.clone(),
                        outputs: outputs.clone(),
                        status: Status::Ready,
                        token: String::new(),
                        lookup: true,
                        stands_for: None,
                    },
                );
            }
            Entry::Adopted {
                address,
                spec,
                outputs,
                token,
                ready,
                stands_for,
            } => {
                self.no_pending(address)?;
                if self.resources.contains_key(address) {
                    return Err("a resource is recorded at this address".to_owned());
                }
                self.unresolved.remove(address);
                self.take_back(address, spec, outputs, token);
                self.resources.insert(
                    address.clone(),
                    Record {
                        spec: spec.clone(),
                        outputs: outputs.clone(),
                        status: usable(*ready),
                        token: token.clone(),
                        lookup: false,
                        stands_for: stands_for.clone(),
                    },
                );
            }
            Entry::Moved { from, to } => self.relocate(from, to)?,
            Entry::Forgotten { address } => {
                self.no_pending(address)?;
                if !self.resources.contains_key(address) && !self.unresolved.contains_key(address) {
                    return Err("no such resource is recorded".to_owned());
                }
                self.resources.remove(address);
                self.unresolved.remove(address);
            }
            Entry::GivenBack { address } => self.give_back(address)?,
            Entry::Untagged { address, id } => {
                let mut of_it = self
                    .given_back
                    .iter_mut()
                    .filter(|given| given.address == *address && given.id() == *id);
                let given = of_it.next().ok_or("no such object was given back")?;
                given.tagged = false;
            }
        }
        Ok(())
    }

    fn give_back(&mut self, address: &Address) -> Result<(), String> {
        self.no_pending(address)?;
        let (spec, outputs, token) =
            match (self.resources.get(address), self.unresolved.get(address)) {
                (Some(record), _) if record.lookup => {
                    return Err(
                        "the resource is only looked up, and never was the stack's".to_owned()
                    );
                }
                (Some(record), _) => (&record.spec, record.outputs.clone(), &record.token),
                (None, Some(unresolved)) => (&unresolved.spec, Value::Null, &unresolved.token),
                (None, None) => return Err("no such resource is recorded".to_owned()),
            };
        let given_back = GivenBack {
            address: address.clone(),
            outputs,
            token: token.clone(),
            tagged: takes_tags(spec),
        };
        self.resources.remove(address);
        self.unresolved.remove(address);
        self.given_back.push(given_back);
        Ok(())
    }

    /// What is recorded as the stack's is nobody else's any more: an object that is adopted again, and one that has the
    /// name, and so the ID, of one that went.
    fn take_back(&mut self, address: &Address, spec: &Value, outputs: &Value, token: &str) {
        let at = (!takes_tags(spec)).then_some(address);
        self.given_back
            .retain(|given| !given.is(address.kind(), outputs, token, at));
    }

    /// The record moves as it is, and the records that refer to it follow: what is recorded of the
    /// others goes on naming the object that they were made with.
    /// The state once these have moved; what can't move stays.
    pub fn relocated(mut self, moves: &[(Address, Address)]) -> State {
        for (from, to) in moves {
            // The session refuses it as well, and says so, before anything is done.
            let _ = self.relocate(from, to);
        }
        self
    }

    fn relocate(&mut self, from: &Address, to: &Address) -> Result<(), String> {
        if from.kind() != to.kind() {
            return Err(format!("{to} is of another kind"));
        }
        self.no_pending(from)?;
        self.no_pending(to)?;
        if self.resources.contains_key(to) || self.unresolved.contains_key(to) {
            return Err(format!("{to} is taken"));
        }
        let record = self
            .resources
            .remove(from)
            .ok_or("no such resource is recorded")?;
        self.resources.insert(to.clone(), record);
        for record in self.resources.values_mut() {
            redirect(&mut record.spec, from, to);
        }
        Ok(())
    }

    fn begin(
        &mut self,
        stamped: &Stamped,
        address: &Address,
        intent: &Intent,
    ) -> Result<(), String> {
        self.no_pending(address)?;
        match (intent, self.resources.get_mut(address)) {
            (Intent::Create { .. }, None) => {
                // The attempt at hand takes the unresolved one's place: recovery looked for that
                // one at the start of this run, and an equal spec carries the same token.
                self.unresolved.remove(address);
            }
            (Intent::Create { .. }, Some(_)) => {
                return Err("a resource is recorded at this address".to_owned());
            }
            (Intent::Update { .. } | Intent::Delete, None) => {
                return Err("no such resource is recorded".to_owned());
            }
            (Intent::Update { .. } | Intent::Delete, Some(record)) if record.lookup => {
                return Err("the resource is only looked up, never changed".to_owned());
            }
            (Intent::Update { .. }, Some(_)) => {}
            (Intent::Delete, Some(record)) => record.status = Status::Deleting,
        }
        self.pending.insert(
            address.clone(),
            Pending {
                sequence: stamped.sequence,
                intent: intent.clone(),
                at: stamped.at,
            },
        );
        Ok(())
    }

    fn finish(&mut self, intent: Sequence, outcome: &Outcome) -> Result<(), String> {
        let (address, pending) = self
            .pending
            .iter()
            .find(|(_, pending)| pending.sequence == intent)
            .map(|(address, pending)| (address.clone(), pending.clone()))
            .ok_or_else(|| format!("intent {intent} is not open"))?;
        match pending.intent {
            Intent::Create { token, spec } => {
                self.finish_create(&address, token, spec, pending.at, outcome)?;
            }
            Intent::Update { spec, .. } => self.finish_update(&address, spec, outcome)?,
            Intent::Delete => self.finish_delete(&address, outcome)?,
        }
        self.pending.remove(&address);
        Ok(())
    }

    fn finish_create(
        &mut self,
        address: &Address,
        token: String,
        spec: Value,
        at: u64,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let (outputs, ready) = match outcome {
            Outcome::Done { outputs, ready } => (outputs, *ready),
            Outcome::Failed {
                leftover: Leftover::Known(outputs),
                ..
            } => (outputs, false),
            Outcome::Failed {
                leftover: Leftover::None,
                ..
            } => return Ok(()),
            Outcome::Failed {
                leftover: Leftover::Maybe,
                ..
            }
            | Outcome::NotApplied => {
                let unresolved = Unresolved { token, spec, at };
                self.unresolved.insert(address.clone(), unresolved);
                return Ok(());
            }
            Outcome::Gone => return Err("a create can't end in `gone`".to_owned()),
        };
        self.take_back(address, &spec, outputs, &token);
        self.resources.insert(
            address.clone(),
            Record {
                spec,
                outputs: outputs.clone(),
                status: usable(ready),
                token,
                lookup: false,
                stands_for: None,
            },
        );
        Ok(())
    }

    fn finish_update(
        &mut self,
        address: &Address,
        spec: Value,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let record = self
            .resources
            .get_mut(address)
            .ok_or("the resource is not recorded")?;
        match outcome {
            Outcome::Done { outputs, ready } => {
                record.spec = spec;
                record.outputs = outputs.clone();
                record.status = usable(*ready);
            }
            // Half of it was done: the old spec stays, so that the next diff does the rest.
            Outcome::Failed {
                leftover: Leftover::Known(outputs),
                ..
            } => {
                record.outputs = outputs.clone();
                record.status = Status::Created;
            }
            Outcome::Failed {
                leftover: Leftover::None | Leftover::Maybe,
                ..
            }
            | Outcome::NotApplied => {}
            Outcome::Gone => return Err("an update can't end in `gone`".to_owned()),
        }
        Ok(())
    }

    fn finish_delete(&mut self, address: &Address, outcome: &Outcome) -> Result<(), String> {
        match outcome {
            Outcome::Gone => {
                self.resources.remove(address);
                Ok(())
            }
            // It stays Deleting: the next run looks, and asks again for what is still there.
            Outcome::Failed { .. } | Outcome::NotApplied => Ok(()),
            Outcome::Done { .. } => Err("a delete ends in `gone`, not in `done`".to_owned()),
        }
    }

    fn no_pending(&self, address: &Address) -> Result<(), String> {
        match self.pending.get(address) {
            Some(pending) => Err(format!(
                "intent {} to {} {address} has no outcome yet",
                pending.sequence,
                pending.intent.verb()
            )),
            None => Ok(()),
        }
    }
}

/// Whether objects of the spec's kind carry tags, and so IDs of their own.
fn takes_tags(spec: &Value) -> bool {
    spec.get("tags").is_some()
}

fn usable(ready: bool) -> Status {
    if ready {
        Status::Ready
    } else {
        Status::Created
    }
}
