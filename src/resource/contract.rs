//! What must every kind of resource be able to do? Start here to understand `kinds/`.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    Address, CallError, Change, Changing, Diagnosis, Known, Readiness, Ref, RolloutProgress,
    StepError, UniqueName,
};

/// How long a kind takes and how often to look. The durations only order the work and bound the
/// waits; no wait is ever longer than AWS's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Expected time from the create call to usable.
    pub ready: Duration,
    /// Expected time from the delete call to gone.
    pub gone: Duration,
    /// Longest pause between two looks.
    pub look_every: Duration,
    /// When to give up waiting for usable.
    pub ready_within: Duration,
    /// When to give up waiting for gone, and retrying a delete that AWS refuses as still in use.
    pub gone_within: Duration,
}

impl Timing {
    /// For kinds that are usable when the create call returns and gone when the delete call does.
    pub const IMMEDIATE: Timing = Timing {
        ready: Duration::from_millis(500),
        gone: Duration::from_millis(500),
        look_every: Duration::from_secs(2),
        ready_within: Duration::from_secs(300),
        // DependencyViolation budget of aws-behaviour §3: 10 to 20 minutes.
        gone_within: Duration::from_secs(1200),
    };

    /// Whether a returned create or update is all there is: nothing is polled after it.
    pub fn is_ready_at_once(&self) -> bool {
        self.ready <= Timing::IMMEDIATE.ready
    }

    /// Whether a returned delete is all there is: nothing is polled after it.
    pub fn is_gone_at_once(&self) -> bool {
        self.gone <= Timing::IMMEDIATE.gone
    }
}

/// One resource to be read: what it was asked to be and what is known of it.
#[derive(Debug)]
pub struct Lookup<'a, K: Resource> {
    /// Its address, for messages.
    pub address: &'a Address,
    /// The wanted spec, or the recorded one when the stack no longer wants it.
    pub spec: &'a K,
    /// What the create call told of it.
    pub outputs: &'a K::Outputs,
    /// The outputs of all others.
    pub known: &'a Known,
    /// Whether somebody waits for it to be usable: only then is a read allowed extra calls to tell
    /// (a service's target health). A sweep of a whole stack asks for plain values.
    pub waiting: bool,
}

/// What a step may use.
#[derive(Debug)]
pub struct Context<'a, C> {
    /// The clients.
    pub cloud: &'a C,
    /// The resource at work.
    pub address: &'a Address,
    /// The step's own token, 32 characters of hexadecimal: the client token where the API has one,
    /// else the tag `navi:op`. The same on every attempt of one logical create.
    pub token: &'a str,
    /// The outputs of everything that exists.
    pub known: &'a Known,
    /// What the run changes in place, this one included. Empty outside a run.
    pub changing: &'a Changing,
    /// Whether open requests may end as slowly as the stack file allows, also where everything goes.
    pub drain: bool,
}

impl<C> Context<'_, C> {
    /// The outputs of a dependency. The graph makes sure that they are there, so their absence is
    /// a defect of navi and said as such, before any call.
    pub fn outputs<K: Resource>(&self, reference: &Ref<K>) -> Result<K::Outputs, CallError> {
        self.known.outputs(reference).ok_or_else(|| {
            CallError::local(
                "navi",
                format!(
                    "{} needs {}, which is not known yet; this is a defect of navi",
                    self.address,
                    reference.address()
                ),
            )
        })
    }

    /// One field of the outputs of every reference.
    pub fn all<K: Resource, T>(
        &self,
        references: &[Ref<K>],
        field: impl Fn(K::Outputs) -> T,
    ) -> Result<Vec<T>, CallError> {
        references
            .iter()
            .map(|reference| self.outputs(reference).map(&field))
            .collect()
    }
}

/// Something that keeps a resource from being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// AWS's ID of the holder, `eni-…`.
    pub id: String,
    /// What it is and for whom, `network interface of load balancer ecs-navi-lb`.
    pub what: String,
}

impl Holder {
    /// Who holds it, for a person: three of them by name.
    pub fn sentence(holders: &[Holder]) -> String {
        let named: Vec<String> = holders
            .iter()
            .take(3)
            .map(|holder| format!("{} ({})", holder.id, holder.what))
            .collect();
        let more = match holders.len().saturating_sub(3) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("held by {}{more}", named.join(", "))
    }
}

/// What a resource is in between, while the objects that it leads to change places.
#[derive(Clone, Debug)]
pub struct Bridge<K> {
    /// The spec that serves the old and the new ones alike.
    pub spec: K,
    /// The fields that are left to bring to what is wanted, once traffic has moved.
    pub fields: &'static [&'static str],
}

/// One kind of AWS resource. The value itself is the spec: what the stack wants.
///
/// Rules for every implementation:
/// - `diff`, `outputs` and `readiness` are pure.
/// - `diff` compares only what the stack sets; what AWS fills in or normalises is no difference.
/// - `create` makes one logical object. If a later call of it fails, it says what is left
///   (`StepError::after`); the next run's `diff` then finishes the object.
/// - `delete` treats "not there" as success, may be called again after any failure, and returns
///   once AWS accepted the request. Gone is what `read` then says with `None`.
/// - `find` looks for what a create call with this token made, by token, tag or name, and answers
///   `None` for a stranger of the same name.
pub trait Resource:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind's name in addresses, AWS's word in snake case.
    const KIND: &'static str;
    /// How long it takes. The engine asks [`Resource::timing`].
    const TIMING: Timing = Timing::IMMEDIATE;
    /// Whether its readiness is the user's own programs' doing (an ECS service) and not AWS's.
    /// `--no-wait` does not wait for those, not even where a dependent would like it to.
    const WORKLOAD: bool = false;
    /// Whether it decides which workload gets the visitors (a listener rule, a DNS name): it turns to
    /// what is new only when that serves.
    const DIRECTS_TRAFFIC: bool = false;
    /// Whether workloads stand on parts of it (a route table's subnets, what a role lets them read): it lets go of
    /// one only when nobody stands on it any more. Its bridge keeps those that it is to let go of.
    const CARRIES_TRAFFIC: bool = false;
    /// The fields that AWS can change and that make an object what it is all the same, so that one which differs in them
    /// is another one: what is looked for among objects that are there is not found in it.
    const KNOWN_BY: &'static [&'static str] = &[];
    /// Whether a stack that looked one up at the last run may go over to one of its own.
    const FOLLOWS_LOOKUP: bool = true;
    /// The clients its calls go through.
    type Cloud: Send + Sync + 'static;
    /// What AWS has, as far as navi compares it.
    type Observed: Clone + Debug + Send + Sync + 'static;
    /// What dependents may read, and what finds the object again: IDs, ARNs, DNS names.
    type Outputs: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// How long this one takes, where that depends on what is wanted of it.
    fn timing(&self) -> Timing {
        Self::TIMING
    }

    /// Whether the stack only looks the object up: it is never created, changed or deleted.
    fn is_lookup(&self) -> bool {
        false
    }

    /// What only one object of the kind can have at a time, whatever its address (a listener's port).
    /// What wants it waits until what had it at the last run has let go of it.
    fn claim(&self) -> Option<String> {
        None
    }

    /// By what its object is known again when the stack calls it otherwise: what is no longer wanted at one address and
    /// is wanted at a new one with the same identity stays, and moves there.
    fn identity(&self) -> Option<String> {
        self.claim()
    }

    /// Whether the two can't stand side by side, so that one can't be made while the other is there.
    fn excludes(&self, other: &Self) -> bool {
        let claim = Resource::claim(self);
        claim.is_some() && claim == Resource::claim(other)
    }

    /// Its physical name, where only one object can have it and a successor may have another.
    fn unique_name(&self) -> Option<UniqueName> {
        None
    }

    /// The same by another name. Only for kinds with a [`Resource::unique_name`].
    fn renamed(&self, _name: String) -> Self {
        self.clone()
    }

    /// What serves only one object at a time (a gateway's Elastic IP): a successor gets one of its own.
    fn exclusive(&self) -> Vec<Address> {
        Vec::new()
    }

    /// What it serves, and no other of its kind at the same time: a subnet follows one route table. Where another
    /// takes one over, it is usable before, and this one lets go after.
    fn serves(&self) -> Vec<Address> {
        Vec::new()
    }

    /// What it adds something of its own to, without being a part of it: a gateway endpoint adds routes to tables.
    /// Such a one gives up nothing before this one is there, and this one does not go before it has something else.
    fn adds_to(&self) -> Vec<Address> {
        Vec::new()
    }

    /// What it is while what it leads to changes places, so that nobody is turned away meanwhile.
    /// `recorded` names the old objects by their deposed addresses. `None` where one step will do.
    fn bridge(&self, _recorded: &Self) -> Option<Bridge<Self>> {
        None
    }

    /// What it is at first where one of these, which are there already, serves its visitors now: it leads them to where they
    /// are led until what it is to lead to serves. Answers which of them that is.
    fn begins_as(&self, _others: &[(&Address, &Self)]) -> Option<(Address, Bridge<Self>)> {
        None
    }

    /// What somebody outside may notice of the change, in words for whoever reads the plan.
    fn notice(&self, _change: &Change) -> Option<String> {
        None
    }

    /// What differs from what AWS has. `recorded` is the spec as of the last run, for the little
    /// that a batched read can't tell (tags of some services).
    fn diff(&self, seen: &Self::Observed, recorded: Option<&Self>, known: &Known) -> Change;

    /// What dependents may read.
    fn outputs(&self, seen: &Self::Observed) -> Self::Outputs;

    /// Whether it is usable.
    fn readiness(&self, _seen: &Self::Observed) -> Readiness {
        Readiness::Ready
    }

    /// Why it is not usable, for who was waiting for it in vain.
    fn diagnosis(&self, _seen: &Self::Observed) -> Diagnosis {
        Diagnosis::default()
    }

    /// Whether dependents that need it ready may go on, though it is not all that was asked for yet:
    /// the first healthy task of three.
    fn serves_already(&self, _seen: &Self::Observed) -> bool {
        false
    }

    /// How far its tasks are, where it has some.
    fn rollout(&self, _seen: &Self::Observed) -> Option<RolloutProgress> {
        None
    }

    /// Whether this change gives new outputs, so that dependents change too
    /// (a task definition's new revision).
    fn renews_outputs(&self, _change: &Change) -> bool {
        false
    }

    /// Reads many resources of this kind with as few calls as AWS allows. Same order as asked;
    /// `None` for one that is gone or as good as gone.
    fn read(
        cloud: &Self::Cloud,
        lookups: &[Lookup<'_, Self>],
    ) -> impl Future<Output = Result<Vec<Option<Self::Observed>>, CallError>> + Send;

    /// Looks for what a create with this token made, or for the existing object of a lookup.
    fn find(
        &self,
        context: &Context<'_, Self::Cloud>,
    ) -> impl Future<Output = Result<Option<Self::Outputs>, CallError>> + Send;

    /// Makes the object.
    fn create(
        &self,
        context: &Context<'_, Self::Cloud>,
    ) -> impl Future<Output = Result<Self::Outputs, StepError>> + Send;

    /// Brings the fields in `change` to their wanted values, in place.
    fn update(
        &self,
        context: &Context<'_, Self::Cloud>,
        outputs: &Self::Outputs,
        seen: &Self::Observed,
        change: &Change,
    ) -> impl Future<Output = Result<Self::Outputs, StepError>> + Send;

    /// Asks AWS to remove the object.
    fn delete(
        &self,
        context: &Context<'_, Self::Cloud>,
        outputs: &Self::Outputs,
    ) -> impl Future<Output = Result<(), StepError>> + Send;

    /// Who keeps the object from being deleted, as far as AWS tells.
    fn holders(
        &self,
        _context: &Context<'_, Self::Cloud>,
        _outputs: &Self::Outputs,
    ) -> impl Future<Output = Vec<Holder>> + Send {
        async { Vec::new() }
    }
}
