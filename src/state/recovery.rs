//! What became of the steps that a killed run had begun? Every command asks first; nobody edits JSON by hand.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::model::now;
use super::{Entry, Intent, Outcome, Sequence, Session, StateError};
use crate::resource::{
    Address, AnyContext, AnyResource, CallError, Cloud, DecodeError, Known, edges_in,
};

/// How long after a create call its object may still be invisible to a look (aws-behaviour §2:
/// "for seconds"). What shows up later still is found at the next start.
const VISIBLE_WITHIN: Duration = Duration::from_secs(5);

/// When a create whose object never showed up counts as not carried out. The longest that anybody
/// waits for a fresh ID is five minutes (aws-behaviour §2, EC2 eventual consistency).
const GIVEN_UP_AFTER: Duration = Duration::from_secs(300);

/// The pause between two looks for an object that may still show up.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// One step of an earlier run whose fate was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The resource.
    pub address: Address,
    /// What is known now.
    pub finding: Finding,
}

/// What recovery found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The create had been carried out: the object is recorded now.
    Created,
    /// Nothing of the create is there. While something may still show up, it is looked for at every
    /// start, and an attempt of the same carries the same token.
    NotCreated,
    /// An update was cut off: the next diff tells what of it is left to do.
    UpdateCutOff,
    /// A delete was cut off: the resource stays marked, and is deleted if it is still there.
    DeleteCutOff,
}

/// Why the fate of a step can't be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// AWS did not answer the look.
    #[error(
        "an earlier run was cut off while it created {address}, and looking for it failed: {source}. Nothing was changed; mend the cause and run the command again"
    )]
    Look {
        /// The resource.
        address: Address,
        /// What AWS said.
        source: Box<CallError>,
    },
    /// The recorded spec can't be read.
    #[error("an earlier run was cut off while it created {address}: {source}")]
    Decode {
        /// The resource.
        address: Address,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// The state can't be kept.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Finds out what became of every step that has no outcome, and of every create whose fate stayed
/// unknown, and records it. A session that only reads learns it for itself and writes nothing;
/// beside a run in progress it leaves that run's steps alone.
pub async fn recover(
    session: &Session,
    cloud: &dyn Cloud,
) -> Result<Vec<Recovered>, RecoveryError> {
    if session.beside().is_some() {
        return Ok(Vec::new());
    }
    let state = session.state();
    let mut recovered = Vec::new();
    let mut searches = Vec::new();
    for (address, pending) in state.pending {
        let finding = match pending.intent {
            Intent::Create { token, spec } => {
                let intent = Some(pending.sequence);
                searches.push(Search::new(
                    cloud, address, intent, token, spec, pending.at,
                )?);
                continue;
            }
            Intent::Update { .. } => Finding::UpdateCutOff,
            Intent::Delete => Finding::DeleteCutOff,
        };
        settle(session, pending.sequence, Outcome::NotApplied).await?;
        recovered.push(Recovered { address, finding });
    }
    for (address, unresolved) in state.unresolved {
        let (token, spec) = (unresolved.token, unresolved.spec);
        searches.push(Search::new(
            cloud,
            address,
            None,
            token,
            spec,
            unresolved.at,
        )?);
    }
    recovered.extend(search(session, cloud, searches).await?);
    Ok(recovered)
}

/// One create to look for.
struct Search {
    address: Address,
    resource: Arc<dyn AnyResource>,
    /// The open intent; `None` for one that was given up earlier.
    intent: Option<Sequence>,
    token: String,
    spec: Value,
    /// How long ago it was begun.
    age: Duration,
    /// Until when its object may be invisible.
    until: Instant,
}

impl Search {
    fn new(
        cloud: &dyn Cloud,
        address: Address,
        intent: Option<Sequence>,
        token: String,
        spec: Value,
        at: u64,
    ) -> Result<Self, RecoveryError> {
        let resource = match cloud.decode(address.kind(), &spec) {
            Ok(resource) => resource,
            Err(source) => {
                let source = Box::new(source);
                return Err(RecoveryError::Decode { address, source });
            }
        };
        // A clock that was set back makes an age below zero: as young as can be.
        let age = Duration::from_millis(now().saturating_sub(at));
        Ok(Search {
            address,
            resource,
            intent,
            token,
            spec,
            age,
            until: Instant::now() + VISIBLE_WITHIN.saturating_sub(age),
        })
    }

    async fn look(
        &self,
        cloud: &dyn Cloud,
        known: &Arc<Known>,
    ) -> Result<Option<Value>, CallError> {
        // What it depended on is forgotten, because it is gone, so nothing was made of it.
        let edges = edges_in(&self.spec);
        if edges.iter().any(|edge| known.value(&edge.to).is_none()) {
            return Ok(None);
        }
        let context = AnyContext {
            address: self.address.clone(),
            token: self.token.clone(),
            known: Arc::clone(known),
            changing: Arc::default(),
            drain: false,
        };
        match cloud.find(&*self.resource, &context).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => answer,
        }
    }

    async fn found(self, session: &Session, outputs: Value) -> Result<Recovered, StateError> {
        let intent = match self.intent {
            Some(intent) => intent,
            None => {
                let (token, spec) = (self.token, self.spec);
                let intent = Entry::Intent {
                    address: self.address.clone(),
                    intent: Intent::Create { token, spec },
                };
                session.append(intent).await?
            }
        };
        // Not ready: the kind's own calls after the first may be missing; the diff tells.
        let done = Outcome::Done {
            outputs,
            ready: false,
        };
        settle(session, intent, done).await?;
        Ok(Recovered {
            address: self.address,
            finding: Finding::Created,
        })
    }

    async fn not_found(self, session: &Session) -> Result<Recovered, StateError> {
        match self.intent {
            Some(intent) => settle(session, intent, Outcome::NotApplied).await?,
            None if self.age > GIVEN_UP_AFTER => {
                let address = self.address.clone();
                session.append(Entry::Forgotten { address }).await?;
            }
            None => {}
        }
        Ok(Recovered {
            address: self.address,
            finding: Finding::NotCreated,
        })
    }
}

/// Looks for all at once, and again for those that may still show up. What can be settled is
/// settled, also if another look fails.
async fn search(
    session: &Session,
    cloud: &dyn Cloud,
    mut searches: Vec<Search>,
) -> Result<Vec<Recovered>, RecoveryError> {
    let mut recovered = Vec::new();
    let mut failure = None;
    while !searches.is_empty() {
        cloud.begin_sweep();
        let known = Arc::new(session.known());
        let began = Instant::now();
        let looks = join_all(searches.iter().map(|search| search.look(cloud, &known))).await;
        let mut invisible = Vec::new();
        for (search, look) in searches.into_iter().zip(looks) {
            match look {
                Ok(Some(outputs)) => recovered.push(search.found(session, outputs).await?),
                Ok(None) if began < search.until => invisible.push(search),
                Ok(None) => recovered.push(search.not_found(session).await?),
                Err(source) => {
                    let (address, source) = (search.address, Box::new(source));
                    failure.get_or_insert(RecoveryError::Look { address, source });
                }
            }
        }
        if !invisible.is_empty() {
            sleep(BETWEEN_LOOKS).await;
        }
        searches = invisible;
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(recovered),
    }
}

async fn settle(session: &Session, intent: Sequence, outcome: Outcome) -> Result<(), StateError> {
    session
        .append(Entry::Outcome { intent, outcome })
        .await
        .map(drop)
}
