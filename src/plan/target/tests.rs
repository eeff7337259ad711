//! Is a limited plan whole in itself, whatever it is limited to?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::graph::GraphBuilder;
use crate::observe::Observation;
use crate::plan::{PlanText, Recorded, plan_down, plan_up};
use crate::resource::{
    AnyResource, CallError, Change, Context, Effect, Gate, Known, Lookup, Observed, Ref, Resource,
    StepError, edges_in, redirect,
};
use crate::state::{Record, State, Status};

/// A resource with nothing but fields and references. Nobody calls AWS for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    in_place: u8,
    replaces: u8,
    needs: Vec<Ref<Thing>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ThingOutputs {
    id: String,
}

impl Resource for Thing {
    const KIND: &'static str = "thing";
    type Cloud = ();
    type Observed = Thing;
    type Outputs = ThingOutputs;

    fn diff(&self, seen: &Thing, _recorded: Option<&Thing>, known: &Known) -> Change {
        let mut change = Change::default();
        change.field("in_place", &seen.in_place, &self.in_place, Effect::InPlace);
        change.field("replaces", &seen.replaces, &self.replaces, Effect::Replace);
        let targets = |thing: &Thing| -> Vec<String> {
            let names = thing.needs.iter().map(|need| need.address().to_string());
            names.collect()
        };
        change.field("needs", &targets(seen), &targets(self), Effect::InPlace);
        for need in &self.needs {
            if known.value(need.address()).is_none() {
                let old = need.address().to_string();
                change.note("needs", old, "(new)".to_owned(), Effect::InPlace);
            }
        }
        change
    }

    fn outputs(&self, _seen: &Thing) -> ThingOutputs {
        ThingOutputs {
            id: "t-1".to_owned(),
        }
    }

    async fn read(_: &(), _: &[Lookup<'_, Self>]) -> Result<Vec<Option<Thing>>, CallError> {
        unreachable!("a plan is pure")
    }

    async fn find(&self, _: &Context<'_, ()>) -> Result<Option<ThingOutputs>, CallError> {
        unreachable!("a plan is pure")
    }

    async fn create(&self, _: &Context<'_, ()>) -> Result<ThingOutputs, StepError> {
        unreachable!("a plan is pure")
    }

    async fn update(
        &self,
        _: &Context<'_, ()>,
        _: &ThingOutputs,
        _: &Thing,
        _: &Change,
    ) -> Result<ThingOutputs, StepError> {
        unreachable!("a plan is pure")
    }

    async fn delete(&self, _: &Context<'_, ()>, _: &ThingOutputs) -> Result<(), StepError> {
        unreachable!("a plan is pure")
    }
}

/// What becomes of one of a few things: by its bits it is recorded, wanted, still there; and what differs.
#[derive(Clone, Debug)]
struct Fate {
    recorded: bool,
    wanted: bool,
    there: bool,
    deleting: bool,
    in_place: u8,
    replaces: u8,
    /// Which of the things before it it needs, as recorded and as wanted.
    recorded_needs: u8,
    wanted_needs: u8,
    unordered: bool,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let flags = (
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        any::<bool>(),
    );
    let fields = (0_u8..3, 0_u8..5, any::<u8>(), any::<u8>());
    let fate = (flags, fields).prop_map(
        |(
            (recorded, wanted, there, deleting, unordered),
            (in_place, replaces, recorded_needs, wanted_needs),
        )| Fate {
            recorded,
            wanted,
            there,
            deleting,
            in_place: u8::from(in_place == 0),
            replaces: u8::from(replaces == 0),
            recorded_needs,
            wanted_needs,
            unordered,
        },
    );
    vec(fate, 1..9)
}

fn name(index: usize) -> String {
    format!("t{index}")
}

/// Thing `at`; it needs those of `mask` that come before it and are among `there`.
fn thing(at: usize, fate: &Fate, mask: u8, among: impl Fn(usize) -> bool, new: bool) -> Thing {
    let needs = (0..at).filter(|&other| mask & (1 << other) != 0 && among(other));
    Thing {
        in_place: if new { fate.in_place } else { 0 },
        replaces: if new { fate.replaces } else { 0 },
        needs: needs
            .map(|other| {
                let need = Ref::exists(name(other));
                match fate.unordered {
                    true => need.unordered_on_delete(),
                    false => need,
                }
            })
            .collect(),
    }
}

struct Scene {
    state: State,
    resources: BTreeMap<Address, Arc<dyn AnyResource>>,
    plan: Plan,
}

fn scene(fates: &[Fate]) -> Scene {
    let mut state = State::new("demo");
    let mut resources: BTreeMap<Address, Arc<dyn AnyResource>> = BTreeMap::new();
    let mut observation = Observation::default();
    let mut desired = GraphBuilder::default();
    for (at, fate) in fates.iter().enumerate() {
        let address = Address::new("thing", name(at));
        if fate.recorded {
            let old = thing(
                at,
                fate,
                fate.recorded_needs,
                |other| fates[other].recorded,
                false,
            );
            let record = Record {
                spec: json!(old),
                outputs: json!({"id": name(at)}),
                status: match fate.deleting {
                    true => Status::Deleting,
                    false => Status::Ready,
                },
                token: String::new(),
                lookup: false,
                stands_for: None,
            };
            state.resources.insert(address.clone(), record);
            if fate.there {
                observation
                    .seen
                    .insert(address.clone(), Observed::new(old.clone()));
            }
            resources.insert(address, Arc::new(old));
        }
        if fate.wanted {
            let new = thing(
                at,
                fate,
                fate.wanted_needs,
                |other| fates[other].wanted,
                true,
            );
            desired.add(name(at), new);
        }
    }
    let recorded = Recorded::new(&state, resources.clone());
    let plan = plan_up(&desired.finish().unwrap(), &observation, &recorded).unwrap();
    Scene {
        state,
        resources,
        plan,
    }
}

/// What would be recorded once the plan is carried out: specs by address.
fn afterwards(state: &State, plan: &Plan) -> BTreeMap<Address, serde_json::Value> {
    let mut specs: BTreeMap<Address, serde_json::Value> = state
        .resources
        .iter()
        .map(|(address, record)| (address.clone(), record.spec.clone()))
        .collect();
    for step in &plan.steps {
        if let Some(deposed) = &step.deposes {
            let old = specs.remove(&step.address).unwrap();
            specs.insert(deposed.clone(), old);
            for spec in specs.values_mut() {
                redirect(spec, &step.address, deposed);
            }
        }
    }
    for step in &plan.steps {
        match step.action {
            Action::Create | Action::Update | Action::Replace | Action::Record => {
                specs.insert(step.address.clone(), step.resource.value());
            }
            Action::Delete | Action::Forget => {
                specs.remove(&step.address);
            }
            Action::Wait | Action::LookUp | Action::Noop => {}
        }
    }
    specs
}

fn identity(step: &Step) -> String {
    format!(
        "{} {:?} {}",
        step.address,
        step.action,
        step.resource.value()
    )
}

/// Every acting step of the limited plan waits for just what it waits for in the whole plan.
fn waits_as_in_the_whole(limited: &Plan, whole: &Plan) {
    let needs = |plan: &Plan| -> BTreeMap<String, BTreeSet<String>> {
        let steps = plan.steps.iter().enumerate();
        steps
            .filter(|(_, step)| step.acts())
            .map(|(at, step)| {
                let needs = plan.needs[at].iter();
                let needs = needs
                    .map(|need| format!("{} {:?}", identity(&plan.steps[need.step]), need.until));
                (identity(step), needs.collect())
            })
            .collect()
    };
    let whole = needs(whole);
    for (step, needs) in needs(limited) {
        assert_eq!(whole[&step], needs, "{step}");
    }
}

/// Nothing that is left refers to something that went.
fn nothing_dangles(state: &State, plan: &Plan, is_there: impl Fn(&Address) -> bool) {
    let specs = afterwards(state, plan);
    let made = |address: &Address| {
        let mut steps = plan.steps.iter();
        steps.any(|step| step.acts() && step.address == *address)
    };
    for (address, spec) in &specs {
        if !is_there(address) && !made(address) {
            continue;
        }
        for edge in edges_in(spec) {
            assert!(
                edge.gate == Gate::None || specs.contains_key(&edge.to),
                "{address} refers to {}, which is gone:\n{}",
                edge.to,
                PlanText(plan)
            );
        }
    }
}

fn limited(plan: &Plan, target: &str) -> (Plan, LeftOut) {
    limit(plan.clone(), &[target.parse().unwrap()]).unwrap()
}

proptest! {
    #[test]
    fn a_limited_up_is_whole_in_itself(fates in fates(), target in any::<prop::sample::Index>()) {
        let scene = scene(&fates);
        prop_assume!(!scene.plan.steps.is_empty());
        let target = &scene.plan.steps[target.index(scene.plan.steps.len())];
        let (plan, left_out) = limited(&scene.plan, &target.address.to_string());
        prop_assert_eq!(plan.needs.len(), plan.steps.len());
        waits_as_in_the_whole(&plan, &scene.plan);
        // The record of what AWS no longer has may name anything.
        let index = |address: &Address| address.name()[1..].split('~').next().unwrap().parse::<usize>();
        nothing_dangles(&scene.state, &plan, |address| fates[index(address).unwrap()].there);
        prop_assert!(!target.acts() || plan.steps.iter().any(|step| identity(step) == identity(target)));
        let acting = |plan: &Plan| plan.steps.iter().filter(|step| step.acts()).count();
        prop_assert_eq!(acting(&plan) + left_out.steps.len(), acting(&scene.plan));
    }

    #[test]
    fn a_limited_down_takes_the_dependents_along_and_nothing_else(
        fates in fates(),
        target in any::<prop::sample::Index>(),
    ) {
        let scene = scene(&fates);
        prop_assume!(!scene.resources.is_empty());
        let whole = plan_down(&Recorded::new(&scene.state, scene.resources.clone()));
        let target = target.index(whole.steps.len());
        let target = whole.steps[target].address.clone();
        let (plan, _) = limited(&whole, &target.to_string());
        waits_as_in_the_whole(&plan, &whole);
        nothing_dangles(&scene.state, &plan, |_| true);
        // What goes is the target and what leads to it, by whatever detour.
        let gone: BTreeSet<Address> = plan.steps.iter().map(|step| step.address.clone()).collect();
        for address in &gone {
            let leads_on = scene.state.resources[address].edges().iter().any(|edge| gone.contains(&edge.to));
            prop_assert!(*address == target || leads_on, "{} goes for no reason", address);
        }
    }

    #[test]
    fn all_targets_are_the_whole_plan(fates in fates()) {
        let scene = scene(&fates);
        prop_assume!(!scene.plan.steps.is_empty());
        let (plan, left_out) = limited(&scene.plan, "thing.*");
        prop_assert!(left_out.is_empty());
        prop_assert_eq!(plan.needs, scene.plan.needs);
    }
}

fn fate(recorded: bool, wanted: bool, needs: u8) -> Fate {
    Fate {
        recorded,
        wanted,
        there: true,
        deleting: false,
        in_place: 0,
        replaces: 0,
        recorded_needs: needs,
        wanted_needs: needs,
        unordered: false,
    }
}

#[test]
fn what_is_left_out_is_said() {
    // t0 is new and t2 needs it; t1 is new and nobody needs it; t3 is no longer wanted.
    let scene = scene(&[
        fate(false, true, 0),
        fate(false, true, 0),
        fate(false, true, 1),
        fate(true, false, 0),
    ]);
    let (plan, left_out) = limited(&scene.plan, "thing.t2");
    insta::assert_snapshot!(format!("{}{left_out}", PlanText(&plan)), @r"
    + thing.t0
    + thing.t2

    Plan: 2 to create.
    Limited to thing.t2 and what that takes. Left out: + thing.t1, - thing.t3.
    ");
    let (_, left_out) = limited(&scene.plan, "thing.*");
    insta::assert_snapshot!(left_out.to_string(), @"Limited to thing.* and what that takes. There is nothing else to do.");
    let (whole, left_out) = limit(scene.plan.clone(), &[]).unwrap();
    assert_eq!(whole.needs, scene.plan.needs);
    assert_eq!(left_out.to_string(), "");
}

#[test]
fn a_replacement_takes_those_along_that_refer_to_the_old_one() {
    let mut old = fate(true, true, 0);
    old.replaces = 1;
    let scene = scene(&[old, fate(true, true, 1), fate(false, true, 0)]);
    let (plan, left_out) = limited(&scene.plan, "thing.t0");
    let acting = plan.steps.iter().filter(|step| step.acts());
    let acting: Vec<String> = acting
        .map(|step| format!("{} {}", sign(step.action), step.address))
        .collect();
    assert_eq!(acting, ["± thing.t0", "~ thing.t1", "- thing.t0~1"]);
    assert_eq!(left_out.steps.len(), 1);
}

#[test]
fn an_unknown_target_is_an_error() {
    let scene = scene(&[fate(true, true, 0)]);
    let error = limit(scene.plan, &["thing.t9".parse().unwrap()]).unwrap_err();
    assert_eq!(error.nearest.as_deref(), Some("thing.t0"));
}
