//! What does the engine run against in its own tests? A cloud of simulated kinds in virtual time, with
//! latencies, faults and a memory of every call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::resource::{
    Address, AnyContext, AnyLookup, AnyResource, BoxFuture, CallError, Certainty, Change, Cloud,
    Context, DecodeError, Effect, ErrorClass, Gate, Holder, Known, Lookup, Observed, Readiness,
    Ref, Resource, StepError, Timing, UniqueName, dispatch,
};

/// The latency of every simulated call.
pub(super) const CALL: Duration = Duration::from_millis(500);

/// A resource that takes its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Slow {
    /// Only one object can have it at a time; empty for those that have none.
    pub name: String,
    pub setting: u32,
    /// Can't be changed in place.
    pub shape: u32,
    pub ready_after_seconds: u64,
    /// Dependents may go on after this time, though it is not ready.
    pub serves_after_seconds: u64,
    pub gone_after_seconds: u64,
    pub needs: Vec<Ref<Slow>>,
}

/// What the simulated cloud has of one.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: String,
    pub address: Address,
    pub token: String,
    pub name: String,
    pub setting: u32,
    pub shape: u32,
    /// The IDs of the objects that it was last told to lead to.
    pub leads_to: Vec<String>,
    ready_at: Instant,
    serves_at: Instant,
    gone_after: Duration,
    gone_at: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    id: String,
    name: String,
    setting: u32,
    shape: u32,
    leads_to: Vec<String>,
    ready: bool,
    serves: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SlowOutputs {
    id: String,
}

/// What happens to a mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// AWS refuses it.
    Refused,
    /// AWS carries it out, and the answer is lost.
    AnswerLost,
    /// AWS never gets it, and nobody says so.
    RequestLost,
    /// AWS takes too many already.
    Throttled,
    /// Nobody answers a create, and AWS carries it out when it is told to. Other calls are answered.
    Late,
}

#[derive(Default)]
struct World {
    objects: Vec<Object>,
    made: usize,
    calls: Vec<String>,
    faults: BTreeMap<usize, Fault>,
    /// What creates asked for that are carried out late.
    late: Vec<Object>,
    /// How many of the next reads show nothing.
    blind_reads: usize,
    /// What AWS would have refused: an object taken from under another, a name given twice.
    violations: Vec<String>,
}

/// The cloud.
#[derive(Clone, Default)]
pub(super) struct Simulation {
    world: Arc<Mutex<World>>,
}

impl World {
    fn there(&self, now: Instant) -> impl Iterator<Item = &Object> {
        self.objects
            .iter()
            .filter(move |object| object.gone_at.is_none_or(|at| at > now))
    }
}

impl Simulation {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What exists now.
    pub(super) fn objects(&self) -> Vec<Object> {
        let now = Instant::now();
        let mut objects = self.world().objects.clone();
        objects.retain(|object| object.gone_at.is_none_or(|at| at > now));
        objects
    }

    /// The mutating calls so far, `create slow.a`.
    pub(super) fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// What AWS would have refused.
    pub(super) fn violations(&self) -> Vec<String> {
        self.world().violations.clone()
    }

    /// Lets the mutating call of this index (from 0, over the simulation's life) fail.
    pub(super) fn arm(&self, call: usize, fault: Fault) {
        self.world().faults.insert(call, fault);
    }

    /// No call fails any more.
    pub(super) fn disarm(&self) {
        self.world().faults.clear();
    }

    /// Carries out what creates asked for that nobody waits for any more.
    pub(super) fn carry_out_late(&self) {
        let mut world = self.world();
        let late = std::mem::take(&mut world.late);
        world.objects.extend(late);
    }

    /// Somebody else removes one of the objects that nothing leads to, as AWS lets them. `which` goes round.
    pub(super) fn removed_by_another(&self, which: usize) {
        let now = Instant::now();
        let mut world = self.world();
        let there: Vec<Object> = world.there(now).cloned().collect();
        let is_led_to = |id: &String| there.iter().any(|other| other.leads_to.contains(id));
        let free: Vec<&String> = there
            .iter()
            .map(|object| &object.id)
            .filter(|id| !is_led_to(id))
            .collect();
        if let Some(id) = free.get(which % free.len().max(1)) {
            let objects = world.objects.iter_mut();
            objects
                .filter(|object| object.id == **id)
                .for_each(|object| object.gone_at = Some(now));
        }
    }

    /// Somebody else sets one of the objects otherwise. `which` goes round.
    pub(super) fn changed_by_another(&self, which: usize, setting: u32) {
        let now = Instant::now();
        let mut world = self.world();
        let mut there: Vec<&mut Object> = world
            .objects
            .iter_mut()
            .filter(|object| object.gone_at.is_none_or(|at| at > now))
            .collect();
        let count = there.len().max(1);
        if let Some(object) = there.get_mut(which % count) {
            object.setting = setting;
        }
    }

    /// Lets the next reads show nothing, as AWS may of what is fresh.
    pub(super) fn hide_from_reads(&self, count: usize) {
        self.world().blind_reads = count;
    }

    fn sees(&self) -> bool {
        let mut world = self.world();
        let sees = world.blind_reads == 0;
        world.blind_reads = world.blind_reads.saturating_sub(1);
        sees
    }

    /// Notes a mutating call and answers what happens to it.
    fn called(&self, what: &str, address: &Address) -> Option<Fault> {
        let mut world = self.world();
        let index = world.calls.len();
        world.calls.push(format!("{what} {address}"));
        world.faults.get(&index).copied()
    }
}

fn failure(what: &str, fault: Fault) -> CallError {
    let refused = matches!(fault, Fault::Refused | Fault::Throttled);
    CallError {
        operation: format!("sim:{what}"),
        code: refused.then(|| "Refused".to_owned()),
        message: "a fault of the simulation".to_owned(),
        request_id: None,
        class: match fault {
            Fault::Refused => ErrorClass::Other,
            Fault::Throttled => ErrorClass::Throttled,
            _ => ErrorClass::Transient,
        },
        certainty: match refused {
            true => Certainty::Rejected,
            false => Certainty::Ambiguous,
        },
    }
}

impl Slow {
    /// The IDs that it is told of, or nothing while one of them is unknown. An edge for the removal alone
    /// tells it nothing.
    fn leads_to(&self, known: &Known) -> Option<Vec<String>> {
        AnyResource::edges(self)
            .into_iter()
            .filter(|edge| edge.gate != Gate::None)
            .map(|edge| Some(known.value(&edge.to)?["id"].as_str()?.to_owned()))
            .collect()
    }
}

impl Resource for Slow {
    const KIND: &'static str = "slow";
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(60),
        gone: Duration::from_secs(30),
        look_every: Duration::from_secs(1),
        ready_within: Duration::from_secs(3600),
        gone_within: Duration::from_secs(3600),
    };
    type Cloud = Simulation;
    type Observed = Seen;
    type Outputs = SlowOutputs;

    fn claim(&self) -> Option<String> {
        (!self.name.is_empty()).then(|| self.name.clone())
    }

    fn unique_name(&self) -> Option<UniqueName> {
        Resource::claim(self).map(|name| UniqueName { name, longest: 12 })
    }

    fn renamed(&self, name: String) -> Self {
        Slow {
            name,
            ..self.clone()
        }
    }

    fn diff(&self, seen: &Seen, _recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        change.field("name", &seen.name, &self.name, Effect::Replace);
        change.field("shape", &seen.shape, &self.shape, Effect::Replace);
        change.reference(
            "needs",
            &seen.leads_to,
            self.leads_to(known).as_ref(),
            Effect::InPlace,
        );
        change.field("setting", &seen.setting, &self.setting, Effect::InPlace);
        change
    }

    fn outputs(&self, seen: &Seen) -> SlowOutputs {
        SlowOutputs {
            id: seen.id.clone(),
        }
    }

    fn readiness(&self, seen: &Seen) -> Readiness {
        match seen.ready {
            true => Readiness::Ready,
            false => Readiness::Pending("it takes its time".to_owned()),
        }
    }

    fn serves_already(&self, seen: &Seen) -> bool {
        seen.serves
    }

    async fn read(
        cloud: &Simulation,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<Seen>>, CallError> {
        sleep(CALL).await;
        let now = Instant::now();
        let objects = match cloud.sees() {
            true => cloud.objects(),
            false => Vec::new(),
        };
        Ok(lookups
            .iter()
            .map(|lookup| {
                let object = objects
                    .iter()
                    .find(|object| object.id == lookup.outputs.id)?;
                Some(Seen {
                    id: object.id.clone(),
                    name: object.name.clone(),
                    setting: object.setting,
                    shape: object.shape,
                    leads_to: object.leads_to.clone(),
                    ready: object.ready_at <= now,
                    serves: object.serves_at <= now,
                })
            })
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Simulation>,
    ) -> Result<Option<SlowOutputs>, CallError> {
        sleep(CALL).await;
        Ok(context
            .cloud
            .objects()
            .into_iter()
            .find(|object| object.token == context.token)
            .map(|object| SlowOutputs { id: object.id }))
    }

    async fn create(&self, context: &Context<'_, Simulation>) -> Result<SlowOutputs, StepError> {
        context.all(&self.needs, |other| other.id)?;
        let leads_to = self.leads_to(context.known).unwrap_or_default();
        // The request travels, AWS carries it out, the answer travels: a run may be cut off before or after.
        sleep(CALL / 2).await;
        let fault = context.cloud.called("create", context.address);
        let id = {
            let mut world = context.cloud.world();
            world.made += 1;
            let id = format!("id-{}", world.made);
            let now = Instant::now();
            if !self.name.is_empty() && world.there(now).any(|object| object.name == self.name) {
                let violation = format!("{} is made though its name is taken", context.address);
                world.violations.push(violation);
            }
            if matches!(fault, None | Some(Fault::AnswerLost | Fault::Late)) {
                let object = Object {
                    id: id.clone(),
                    address: context.address.clone(),
                    token: context.token.to_owned(),
                    name: self.name.clone(),
                    setting: self.setting,
                    shape: self.shape,
                    leads_to,
                    ready_at: Instant::now() + Duration::from_secs(self.ready_after_seconds),
                    serves_at: Instant::now() + Duration::from_secs(self.serves_after_seconds),
                    gone_after: Duration::from_secs(self.gone_after_seconds),
                    gone_at: None,
                };
                match fault {
                    Some(Fault::Late) => world.late.push(object),
                    _ => world.objects.push(object),
                }
            }
            id
        };
        if fault == Some(Fault::Late) {
            std::future::pending::<()>().await;
        }
        sleep(CALL / 2).await;
        match fault {
            None => Ok(SlowOutputs { id }),
            Some(fault) => Err(failure("Create", fault).into()),
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Simulation>,
        outputs: &SlowOutputs,
        _seen: &Seen,
        _change: &Change,
    ) -> Result<SlowOutputs, StepError> {
        context.all(&self.needs, |other| other.id)?;
        let leads_to = self.leads_to(context.known).unwrap_or_default();
        sleep(CALL / 2).await;
        let fault = context.cloud.called("update", context.address);
        if fault.is_none() || fault == Some(Fault::AnswerLost) {
            for object in &mut context.cloud.world().objects {
                if object.id == outputs.id {
                    object.setting = self.setting;
                    object.leads_to.clone_from(&leads_to);
                }
            }
        }
        sleep(CALL / 2).await;
        match fault {
            None => Ok(outputs.clone()),
            Some(fault) => Err(failure("Update", fault).into()),
        }
    }

    async fn delete(
        &self,
        context: &Context<'_, Simulation>,
        outputs: &SlowOutputs,
    ) -> Result<(), StepError> {
        sleep(CALL / 2).await;
        let fault = context.cloud.called("delete", context.address);
        if fault.is_none() || fault == Some(Fault::AnswerLost) {
            let now = Instant::now();
            let mut world = context.cloud.world();
            let user = world
                .there(now)
                .find(|other| other.leads_to.contains(&outputs.id))
                .map(|other| format!("{} is removed under {}", context.address, other.address));
            world.violations.extend(user);
            for object in &mut world.objects {
                if object.id == outputs.id && object.gone_at.is_none() {
                    object.gone_at = Some(now + object.gone_after);
                }
            }
        }
        sleep(CALL / 2).await;
        match fault {
            None => Ok(()),
            Some(fault) => Err(failure("Delete", fault).into()),
        }
    }
}

impl Cloud for Simulation {
    fn decode(&self, _kind: &str, spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError> {
        dispatch::decode::<Slow>(spec)
    }

    fn begin_sweep(&self) {}

    fn read<'a>(
        &'a self,
        _kind: &'a str,
        lookups: &'a [AnyLookup],
        known: &'a Known,
    ) -> BoxFuture<'a, Result<Vec<Option<Observed>>, CallError>> {
        Box::pin(dispatch::read::<Slow>(self, lookups, known))
    }

    fn find<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Option<Value>, CallError>> {
        Box::pin(dispatch::find::<Slow>(self, resource, context))
    }

    fn create<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(dispatch::create::<Slow>(self, resource, context))
    }

    fn update<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
        seen: &'a Observed,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(dispatch::update::<Slow>(
            self, resource, context, outputs, seen, change,
        ))
    }

    fn delete<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(dispatch::delete::<Slow>(self, resource, context, outputs))
    }

    fn holders<'a>(
        &'a self,
        _resource: &'a dyn AnyResource,
        _context: &'a AnyContext,
        _outputs: &'a Value,
    ) -> BoxFuture<'a, Vec<Holder>> {
        Box::pin(async { Vec::new() })
    }
}
