//! How is one step carried out? Intent, call, outcome: the intent is durable before the call, the
//! outcome before anybody may build on it (design of the journal: docs/STATE.md).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::plan::{Action, Reason, Step};
use crate::resource::{
    AnyContext, AnyLookup, AnyResource, CallError, Certainty, Changing, Cloud, ErrorClass, Holder,
    Known, Leftover, Observed, StepError,
};
use crate::state::{Intent, Outcome, Sequence, Session, StateError, new_token};

/// How a step's calls ended.
pub(super) enum End {
    /// It exists; whether it is usable has to be polled.
    Exists { outputs: Value },
    /// It exists and is usable.
    Ready { outputs: Value },
    /// AWS took the delete; whether it is gone has to be polled.
    Going { intent: Sequence },
    /// It is gone, or forgotten.
    Gone,
    /// It failed.
    Failed(StepError),
    /// The state could not be written. What the call did is found again by the next run.
    StateBroken(StateError),
}

/// What a step works with.
#[derive(Clone)]
pub(super) struct Work<'a> {
    pub cloud: &'a dyn Cloud,
    pub session: &'a Session,
    pub known: Arc<Known>,
    /// What the plan changes in place.
    pub changing: Arc<Changing>,
    /// See [`super::Options::drain`].
    pub drain: bool,
    /// Says what holds a step up.
    pub progress: mpsc::UnboundedSender<(usize, String)>,
    /// Turns true when nothing more may be started, retries included.
    pub stop: watch::Receiver<bool>,
}

/// Carries out the calls of a step.
pub(super) async fn run(index: usize, step: &Step, work: Work<'_>) -> End {
    let result = match step.action {
        Action::Create => create(index, step, &work).await,
        Action::Update => update(step, &work).await,
        Action::Delete => match &step.outputs {
            Some(outputs) => delete(index, step, &step.resource, outputs, &work).await,
            None => Ok(End::Gone),
        },
        Action::Wait => Ok(End::Exists {
            outputs: step.outputs.clone().unwrap_or_default(),
        }),
        Action::LookUp => look_up(step, &work).await,
        Action::Record => record(step, &work).await,
        Action::Forget => work.session.forget(&step.address).await.map(|()| End::Gone),
        Action::Replace => replace(step, &work).await,
        Action::Noop => Ok(End::Ready {
            outputs: step.outputs.clone().unwrap_or_default(),
        }),
    };
    result.unwrap_or_else(End::StateBroken)
}

fn context(step: &Step, token: &str, work: &Work<'_>) -> AnyContext {
    AnyContext {
        address: step.address.clone(),
        token: token.to_owned(),
        known: work.known.clone(),
        changing: work.changing.clone(),
        drain: work.drain,
    }
}

async fn create(index: usize, step: &Step, work: &Work<'_>) -> Result<End, StateError> {
    let recorded = work
        .session
        .with_state(|state| state.resources.get(&step.address).cloned());
    if let (Some(old), Some(record)) = (&step.remove_first, &recorded) {
        if let Some(failed) = finish_removal(index, step, old, &record.outputs, work).await? {
            return Ok(failed);
        }
    } else if recorded.is_some() {
        // It vanished from AWS: its record must not outlive it.
        work.session.forget(&step.address).await?;
    }
    let (sequence, result) = make(step, work).await?;
    made(step, sequence, result, work).await
}

/// Makes a successor. The old object keeps its record, at another address, and goes in a step of its own
/// once the new one does its work. Where AWS made nothing, the old one is put back in its place.
async fn replace(step: &Step, work: &Work<'_>) -> Result<End, StateError> {
    let Some(deposed) = &step.deposes else {
        let error = CallError::local("navi", "a replacement without a place for the old object");
        return Ok(End::Failed(error.into()));
    };
    work.session.relocate(&step.address, deposed).await?;
    let (sequence, result) = make(step, work).await?;
    let nothing_made = matches!(&result, Err(error) if error.leftover == Leftover::None);
    let end = made(step, sequence, result, work).await?;
    if nothing_made {
        work.session.relocate(deposed, &step.address).await?;
    }
    Ok(end)
}

/// The create itself: intent, call, and a look if the answer was lost.
async fn make(
    step: &Step,
    work: &Work<'_>,
) -> Result<(Sequence, Result<Value, StepError>), StateError> {
    let spec = step.resource.value();
    let token = work
        .session
        .with_state(|state| state.token_for(&step.address, &spec));
    let intent = Intent::Create {
        token: token.clone(),
        spec,
    };
    let sequence = work.session.intend(&step.address, intent).await?;
    let context = context(step, &token, work);
    let mut result = work.cloud.create(&*step.resource, &context).await;
    if let Err(error) = &result
        && error.leftover == Leftover::Maybe
        && let Some(outputs) = look_for(step, &context, work).await
    {
        result = finish(step, &context, outputs, work).await;
    }
    Ok((sequence, result))
}

/// A create whose answer was lost: what it made shows up within seconds, or was never made
/// (aws-behaviour §2, EC2 eventual consistency).
async fn look_for(step: &Step, context: &AnyContext, work: &Work<'_>) -> Option<Value> {
    for pause in [0, 500, 1000, 2000] {
        sleep(Duration::from_millis(pause)).await;
        if let Ok(Some(outputs)) = work.cloud.find(&*step.resource, context).await {
            return Some(outputs);
        }
    }
    None
}

/// What an earlier call of the same create made may lack what later calls would have set.
async fn finish(
    step: &Step,
    context: &AnyContext,
    outputs: Value,
    work: &Work<'_>,
) -> Result<Value, StepError> {
    let attempt = async {
        let Some(seen) = look(step, &step.resource, &outputs, work).await? else {
            return Ok(outputs.clone());
        };
        let change = step.resource.diff(&seen, None, &work.known);
        if change.is_empty() || change.replaces() {
            return Ok(outputs.clone());
        }
        work.cloud
            .update(&*step.resource, context, &outputs, &seen, &change)
            .await
    };
    attempt
        .await
        .map_err(|error: StepError| StepError::after(&outputs, error.source))
}

async fn look(
    step: &Step,
    resource: &Arc<dyn AnyResource>,
    outputs: &Value,
    work: &Work<'_>,
) -> Result<Option<Observed>, CallError> {
    let lookup = AnyLookup {
        address: step.address.clone(),
        resource: resource.clone(),
        outputs: outputs.clone(),
        waiting: false,
    };
    let seen = work
        .cloud
        .read(
            step.address.kind(),
            std::slice::from_ref(&lookup),
            &work.known,
        )
        .await?;
    Ok(seen.into_iter().next().flatten())
}

async fn update(step: &Step, work: &Work<'_>) -> Result<End, StateError> {
    // After a bridge the outputs are those that it answered.
    let outputs = step.outputs.as_ref().or(work.known.value(&step.address));
    let (Some(outputs), Some(seen)) = (outputs, &step.seen) else {
        let error = CallError::local("navi", "an update without a look; this is a defect of navi");
        return Ok(End::Failed(error.into()));
    };
    let token = new_token();
    let intent = Intent::Update {
        token: token.clone(),
        spec: step.resource.value(),
    };
    let recorded = work.session.with_state(|state| {
        let record = state.resources.get(&step.address);
        record.map(|record| record.spec.clone())
    });
    let sequence = work.session.intend(&step.address, intent).await?;
    let context = context(step, &token, work);
    let mut result = work
        .cloud
        .update(&*step.resource, &context, outputs, seen, &step.change)
        .await;
    for pause in [500, 1000, 2000] {
        match &result {
            Err(error) if error.source.certainty == Certainty::Ambiguous => {}
            _ => break,
        }
        // What a step has set aside for the time being would be a difference, and is none.
        if step.reason == Reason::HandsOver || *work.stop.borrow() {
            break;
        }
        sleep(Duration::from_millis(pause)).await;
        if let Some(again) = go_on(step, &context, outputs, recorded.as_ref(), work).await {
            result = again;
        }
    }
    made(step, sequence, result, work).await
}

/// An update whose answer was lost: what of it AWS did is seen, and the rest is asked for again. None if nothing can be seen.
async fn go_on(
    step: &Step,
    context: &AnyContext,
    outputs: &Value,
    recorded: Option<&Value>,
    work: &Work<'_>,
) -> Option<Result<Value, StepError>> {
    let seen = look(step, &step.resource, outputs, work).await.ok()??;
    let change = step.resource.diff(&seen, recorded, &work.known);
    if change.replaces() {
        return None;
    }
    if change.is_empty() {
        return Some(Ok(step.resource.outputs(&seen)));
    }
    let cloud = work.cloud;
    let update = cloud.update(&*step.resource, context, outputs, &seen, &change);
    Some(update.await)
}

/// Records what a create or an update came to.
async fn made(
    step: &Step,
    intent: Sequence,
    result: Result<Value, StepError>,
    work: &Work<'_>,
) -> Result<End, StateError> {
    let immediate = step.resource.timing().is_ready_at_once();
    match result {
        Ok(outputs) => {
            let outcome = Outcome::Done {
                outputs: outputs.clone(),
                ready: immediate,
            };
            work.session.settle(intent, outcome).await?;
            Ok(match immediate {
                true => End::Ready { outputs },
                false => End::Exists { outputs },
            })
        }
        Err(error) => {
            work.session.settle(intent, Outcome::failed(&error)).await?;
            Ok(End::Failed(error))
        }
    }
}

async fn look_up(step: &Step, work: &Work<'_>) -> Result<End, StateError> {
    let outputs = step.outputs.clone().unwrap_or_default();
    work.session
        .looked_up(&step.address, step.resource.value(), outputs.clone())
        .await?;
    Ok(End::Ready { outputs })
}

/// An update that takes no call: the new spec counts from here on.
async fn record(step: &Step, work: &Work<'_>) -> Result<End, StateError> {
    let outputs = step.outputs.clone().unwrap_or_default();
    let intent = Intent::Update {
        token: new_token(),
        spec: step.resource.value(),
    };
    let sequence = work.session.intend(&step.address, intent).await?;
    let outcome = Outcome::Done {
        outputs: outputs.clone(),
        ready: true,
    };
    work.session.settle(sequence, outcome).await?;
    Ok(End::Ready { outputs })
}

/// Deletes, again and again while something else still uses it: AWS lets go of network interfaces
/// minutes after their owner is gone (aws-behaviour §2.13, §3), and no event says when.
async fn delete(
    index: usize,
    step: &Step,
    resource: &Arc<dyn AnyResource>,
    outputs: &Value,
    work: &Work<'_>,
) -> Result<End, StateError> {
    let sequence = work.session.intend(&step.address, Intent::Delete).await?;
    let context = context(step, &new_token(), work);
    let timing = resource.timing();
    let began = Instant::now();
    let mut pause = Duration::from_millis(250);
    let result = loop {
        let error = match work.cloud.delete(&**resource, &context, outputs).await {
            Ok(()) => break Ok(()),
            Err(error) => error,
        };
        // A delete may be sent again whatever became of the last one.
        let passes = matches!(
            error.source.class,
            ErrorClass::InUse | ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::NotYet
        ) || error.source.certainty == Certainty::Ambiguous;
        let holders = match error.source.class {
            ErrorClass::InUse => work.cloud.holders(&**resource, &context, outputs).await,
            _ => Vec::new(),
        };
        if !passes || began.elapsed() + pause > timing.gone_within || *work.stop.borrow() {
            break Err(StepError { holders, ..error });
        }
        // Nobody listens any more only when the run is over.
        let _ = work.progress.send((index, held_up(&error, &holders)));
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    };
    match result {
        Ok(()) if timing.is_gone_at_once() => {
            work.session.settle(sequence, Outcome::Gone).await?;
            Ok(End::Gone)
        }
        // The outcome is recorded once a look shows that it is gone.
        Ok(()) => Ok(End::Going { intent: sequence }),
        Err(error) => {
            work.session
                .settle(sequence, Outcome::failed(&error))
                .await?;
            Ok(End::Failed(error))
        }
    }
}

fn held_up(error: &StepError, holders: &[Holder]) -> String {
    if !holders.is_empty() {
        return Holder::sentence(holders);
    }
    // Each attempt has a request ID of its own, and the same refusal is news only once.
    let source = CallError {
        request_id: None,
        ..error.source.clone()
    };
    format!("AWS still refuses: {source}")
}

/// Finishes a removal that an earlier run had begun, so that the same resource can be made anew.
/// Answers how the step ended if the removal failed.
async fn finish_removal(
    index: usize,
    step: &Step,
    old: &Arc<dyn AnyResource>,
    outputs: &Value,
    work: &Work<'_>,
) -> Result<Option<End>, StateError> {
    let intent = match delete(index, step, old, outputs, work).await? {
        End::Going { intent } => intent,
        End::Gone => return Ok(None),
        failed => return Ok(Some(failed)),
    };
    match wait_until_gone(step, old, outputs, work).await {
        Ok(()) => work
            .session
            .settle(intent, Outcome::Gone)
            .await
            .map(|()| None),
        Err(failure) => {
            work.session
                .settle(intent, Outcome::failed(&failure))
                .await?;
            Ok(Some(End::Failed(failure)))
        }
    }
}

async fn wait_until_gone(
    step: &Step,
    resource: &Arc<dyn AnyResource>,
    outputs: &Value,
    work: &Work<'_>,
) -> Result<(), StepError> {
    let timing = resource.timing();
    let began = Instant::now();
    let mut pause = Duration::from_millis(100);
    while began.elapsed() < timing.gone_within {
        if look(step, resource, outputs, work).await?.is_none() {
            return Ok(());
        }
        sleep(pause).await;
        pause = (pause * 2).min(timing.look_every);
    }
    Err(CallError::local(
        "navi",
        format!(
            "{} was still there after {} s",
            step.address,
            timing.gone_within.as_secs()
        ),
    )
    .into())
}
