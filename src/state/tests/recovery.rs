//! Is the fate of every step that a killed run had begun found out, against a small simulated AWS?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::resource::{
    AnyContext, AnyLookup, AnyResource, BoxFuture, Change, Cloud, Context, DecodeError, Known,
    Lookup, Observed, Ref, Resource, dispatch,
};
use crate::state::{Finding, Outcome, Recovered, RecoveryError, Status, recover};

/// A kind that only can be found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    parent: Option<Ref<Thing>>,
}

impl Resource for Thing {
    const KIND: &'static str = "thing";
    type Cloud = Simulated;
    type Observed = ();
    type Outputs = Value;

    fn diff(&self, _: &(), _: Option<&Self>, _: &Known) -> Change {
        Change::default()
    }
    fn outputs(&self, _: &()) -> Value {
        Value::Null
    }
    async fn read(_: &Simulated, _: &[Lookup<'_, Self>]) -> Result<Vec<Option<()>>, CallError> {
        Err(unexpected())
    }
    async fn find(&self, context: &Context<'_, Simulated>) -> Result<Option<Value>, CallError> {
        context.cloud.look(context.token)
    }
    async fn create(&self, _: &Context<'_, Simulated>) -> Result<Value, StepError> {
        Err(unexpected().into())
    }
    async fn update(
        &self,
        _: &Context<'_, Simulated>,
        _: &Value,
        _: &(),
        _: &Change,
    ) -> Result<Value, StepError> {
        Err(unexpected().into())
    }
    async fn delete(&self, _: &Context<'_, Simulated>, _: &Value) -> Result<(), StepError> {
        Err(unexpected().into())
    }
}

/// Recovery looks, it changes nothing.
fn unexpected() -> CallError {
    CallError::local("test", "recovery must only look")
}

/// What AWS answers, once it has hidden it from this many looks.
type Hidden = (usize, Result<Value, CallError>);

/// What AWS has, by token.
#[derive(Debug, Default)]
struct Simulated {
    things: Mutex<BTreeMap<String, Hidden>>,
    looks: Mutex<Vec<String>>,
}

impl Simulated {
    fn has(self, token: &str, hidden_for: usize) -> Self {
        self.answers(token, hidden_for, Ok(outputs(token)))
    }

    fn answers(self, token: &str, after: usize, answer: Result<Value, CallError>) -> Self {
        let answer = (after, answer);
        self.things.lock().unwrap().insert(token.to_owned(), answer);
        self
    }

    fn look(&self, token: &str) -> Result<Option<Value>, CallError> {
        self.looks.lock().unwrap().push(token.to_owned());
        match self.things.lock().unwrap().get_mut(token) {
            None => Ok(None),
            Some((0, answer)) => answer.clone().map(Some),
            Some((hidden_for, _)) => {
                *hidden_for -= 1;
                Ok(None)
            }
        }
    }

    fn looks(&self) -> usize {
        self.looks.lock().unwrap().len()
    }
}

impl Cloud for Simulated {
    fn decode(&self, kind: &str, spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError> {
        match kind {
            Thing::KIND => dispatch::decode::<Thing>(spec),
            other => Err(DecodeError::UnknownKind(other.to_owned())),
        }
    }
    fn begin_sweep(&self) {}
    fn read<'a>(
        &'a self,
        _: &'a str,
        _: &'a [AnyLookup],
        _: &'a Known,
    ) -> BoxFuture<'a, Result<Vec<Option<Observed>>, CallError>> {
        Box::pin(async { Err(unexpected()) })
    }
    fn find<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Option<Value>, CallError>> {
        Box::pin(dispatch::find::<Thing>(self, resource, context))
    }
    fn create<'a>(
        &'a self,
        _: &'a dyn AnyResource,
        _: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async { Err(unexpected().into()) })
    }
    fn update<'a>(
        &'a self,
        _: &'a dyn AnyResource,
        _: &'a AnyContext,
        _: &'a Value,
        _: &'a Observed,
        _: &'a Change,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async { Err(unexpected().into()) })
    }
    fn delete<'a>(
        &'a self,
        _: &'a dyn AnyResource,
        _: &'a AnyContext,
        _: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async { Err(unexpected().into()) })
    }
    fn holders<'a>(
        &'a self,
        _: &'a dyn AnyResource,
        _: &'a AnyContext,
        _: &'a Value,
    ) -> BoxFuture<'a, Vec<crate::resource::Holder>> {
        Box::pin(async { Vec::new() })
    }
}

fn thing(name: &str) -> Address {
    Address::new(Thing::KIND, name)
}

fn spec_of(parent: Option<&str>) -> Value {
    let parent = parent.map(Ref::exists);
    serde_json::to_value(Thing { parent }).unwrap()
}

fn create_thing(token: &str) -> Intent {
    Intent::Create {
        token: token.into(),
        spec: spec_of(None),
    }
}

fn recovered(name: &str, finding: Finding) -> Recovered {
    Recovered {
        address: thing(name),
        finding,
    }
}

/// A store as a run leaves it that was killed after it announced this create.
async fn killed_while_creating(name: &str, token: &str) -> MemoryStore {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    let intent = create_thing(token);
    session.intend(&thing(name), intent).await.unwrap();
    store.after_crash()
}

#[tokio::test(start_paused = true)]
async fn a_create_that_went_through_is_recorded_and_still_to_be_finished() {
    let store = killed_while_creating("a", "t1").await;
    let cloud = Simulated::default().has("t1", 0);
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::Created)]);
    let record = &session.state().resources[&thing("a")];
    assert_eq!(record.status, Status::Created);
    assert_eq!((&*record.token, &record.outputs), ("t1", &outputs("t1")));

    // It is durable, and a second recovery has nothing to do.
    let session = open(&store.after_crash(), up()).await;
    assert_eq!(recover(&session, &cloud).await.unwrap(), []);
    assert_eq!(session.state().resources.len(), 1);
    assert_eq!(cloud.looks(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_young_create_that_shows_up_late_is_waited_for() {
    let store = killed_while_creating("a", "t1").await;
    let cloud = Simulated::default().has("t1", 6);
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::Created)]);
    assert_eq!(cloud.looks(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_shows_up_keeps_its_token_and_is_looked_for_at_each_start() {
    let store = killed_while_creating("a", "t1").await;
    let cloud = Simulated::default();
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::NotCreated)]);
    assert!(
        cloud.looks() > 5,
        "it was young, so it was looked for again"
    );
    let state = session.state();
    assert!(state.resources.is_empty() && state.pending.is_empty());
    assert_eq!(state.token_for(&thing("a"), &spec_of(None)), "t1");
    session.close().await.unwrap();

    // It was there all along, only invisible.
    let cloud = Simulated::default().has("t1", 0);
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::Created)]);
    let state = session.state();
    assert_eq!(state.resources[&thing("a")].token, "t1");
    assert!(state.unresolved.is_empty());
}

/// The store, as if everything in it had been begun in 1970.
async fn aged(store: &MemoryStore) -> MemoryStore {
    let mut state = open(store, Access::Read).await.state();
    state
        .pending
        .values_mut()
        .for_each(|pending| pending.at = 0);
    state
        .unresolved
        .values_mut()
        .for_each(|unresolved| unresolved.at = 0);
    let aged = MemoryStore::default();
    let mut files = aged.lock(STACK, &Holder::this_process("up")).unwrap();
    files
        .replace_snapshot(&crate::state::snapshot::encode(&state).unwrap())
        .unwrap();
    aged.after_crash()
}

#[tokio::test(start_paused = true)]
async fn an_old_create_is_looked_for_once_at_each_of_two_starts_and_then_forgotten() {
    let store = aged(&killed_while_creating("a", "t1").await).await;
    let cloud = Simulated::default();
    let session = open(&store, up()).await;
    let not_created = [recovered("a", Finding::NotCreated)];
    assert_eq!(recover(&session, &cloud).await.unwrap(), not_created);
    assert_eq!(cloud.looks(), 1);
    assert!(session.state().unresolved.contains_key(&thing("a")));
    assert_eq!(recover(&session, &cloud).await.unwrap(), not_created);
    assert_eq!(cloud.looks(), 2);
    assert!(session.state().is_empty());
    assert_eq!(recover(&session, &cloud).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn updates_and_deletes_cut_off_are_left_to_the_next_diff() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    for name in ["a", "b"] {
        let intent = session.intend(&thing(name), create_thing(name)).await;
        let done = Outcome::Done {
            outputs: outputs(name),
            ready: true,
        };
        session.settle(intent.unwrap(), done).await.unwrap();
    }
    let update = Intent::Update {
        token: "t2".into(),
        spec: json!({"parent": null, "new": true}),
    };
    session.intend(&thing("a"), update).await.unwrap();
    session.intend(&thing("b"), Intent::Delete).await.unwrap();
    drop(session);

    let cloud = Simulated::default();
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    let expected = [
        recovered("a", Finding::UpdateCutOff),
        recovered("b", Finding::DeleteCutOff),
    ];
    assert_eq!(answer, expected);
    let state = session.state();
    assert!(state.pending.is_empty());
    assert_eq!(state.resources[&thing("a")].status, Status::Ready);
    assert_eq!(state.resources[&thing("a")].spec, spec_of(None));
    assert_eq!(state.resources[&thing("b")].status, Status::Deleting);
    assert_eq!(cloud.looks(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_look_that_fails_keeps_its_intent_and_settles_the_others() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    for name in ["a", "b", "c"] {
        let intent = create_thing(name);
        session.intend(&thing(name), intent).await.unwrap();
    }
    drop(session);
    let denied = CallError {
        class: ErrorClass::Denied,
        ..step_error(Leftover::None).source
    };
    let cloud = Simulated::default()
        .has("a", 0)
        .answers("b", 0, Err(denied.clone()))
        .has("c", 2);
    let session = open(&store, up()).await;
    let error = recover(&session, &cloud).await.unwrap_err();
    let expected = RecoveryError::Look {
        address: thing("b"),
        source: Box::new(denied),
    };
    assert_eq!(error, expected);
    let state = session.state();
    assert_eq!(state.resources.len(), 2);
    assert_eq!(state.pending.keys().collect::<Vec<_>>(), [&thing("b")]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_not_found_is_no_failure() {
    let missing = CallError {
        class: ErrorClass::NotFound,
        ..step_error(Leftover::None).source
    };
    let store = killed_while_creating("a", "t1").await;
    let cloud = Simulated::default().answers("t1", 0, Err(missing));
    let session = open(&store, up()).await;
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::NotCreated)]);
}

#[tokio::test(start_paused = true)]
async fn what_hung_on_a_resource_that_is_forgotten_is_not_looked_for() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    let intent = Intent::Create {
        token: "t1".into(),
        spec: spec_of(Some("parent")),
    };
    let intent = session.intend(&thing("child"), intent).await.unwrap();
    session.settle(intent, Outcome::NotApplied).await.unwrap();
    let cloud = Simulated::default().has("t1", 0);
    let answer = recover(&session, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("child", Finding::NotCreated)]);
    assert_eq!(cloud.looks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_spec_of_a_newer_navi_is_refused_before_any_look() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    session.intend(&vpc(), create("t1")).await.unwrap();
    let cloud = Simulated::default();
    let error = recover(&session, &cloud).await.unwrap_err();
    assert!(error.to_string().contains("vpc.main"), "{error}");
    assert!(error.to_string().contains("unknown kind"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_learns_the_fate_for_itself_and_leaves_a_run_in_progress_alone() {
    let store = killed_while_creating("a", "t1").await;
    let journal = store.read_journal(STACK).unwrap();
    let cloud = Simulated::default().has("t1", 0);
    let reader = open(&store, Access::Read).await;
    let answer = recover(&reader, &cloud).await.unwrap();
    assert_eq!(answer, [recovered("a", Finding::Created)]);
    assert_eq!(reader.known().value(&thing("a")), Some(&outputs("t1")));
    assert_eq!(store.read_journal(STACK).unwrap(), journal);

    let owner = open(&store, up()).await;
    let reader = open(&store, Access::Read).await;
    assert_eq!(recover(&reader, &cloud).await.unwrap(), []);
    assert!(owner.state().pending.contains_key(&thing("a")));
}
