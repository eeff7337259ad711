//! What would the plan make or change? The checks look at nothing else.

use std::collections::BTreeSet;

use crate::plan::{Action, Plan, Step};
use crate::resource::{Address, Known, Ref, Resource};

/// A plan, asked for resources of one kind.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    plan: &'a Plan,
}

impl<'a> Wanted<'a> {
    pub fn of(plan: &'a Plan) -> Self {
        Wanted { plan }
    }

    /// The resources of kind `K` that would be made, or made anew.
    pub fn made<K: Resource>(self) -> impl Iterator<Item = (&'a Address, &'a K)> {
        self.steps::<K>()
            .filter(|(step, _)| makes(step))
            .map(|(step, spec)| (&step.address, spec))
    }

    /// The steps that would make something that is not there.
    pub fn created(self) -> impl Iterator<Item = &'a Step> {
        let steps = self.plan.steps.iter();
        steps.filter(|step| step.action == Action::Create)
    }

    /// The outputs of everything that is there and stays.
    pub fn known(self) -> Known {
        let mut known = Known::default();
        let steps = self.plan.steps.iter();
        for step in steps.filter(|step| !makes(step) && !goes(step)) {
            if let Some(outputs) = &step.outputs {
                known.insert(step.address.clone(), outputs.clone());
            }
        }
        known
    }

    /// Whether the stack has something at the address already.
    pub fn is_there(self, address: &Address) -> bool {
        let mut steps = self.plan.steps.iter();
        steps.any(|step| step.address == *address && step.outputs.is_some() && !makes(step))
    }

    /// The steps that would make or change a resource of kind `K`.
    pub fn touched<K: Resource>(self) -> impl Iterator<Item = (&'a Step, &'a K)> {
        self.steps::<K>()
            .filter(|(step, _)| makes(step) || step.action == Action::Update)
    }

    /// Everything of kind `K` that there would be in the end.
    pub fn all<K: Resource>(self) -> impl Iterator<Item = (&'a Address, &'a K)> {
        self.steps::<K>()
            .filter(|(step, _)| !goes(step))
            .map(|(step, spec)| (&step.address, spec))
    }

    /// The spec at the far end of a reference.
    pub fn spec<K: Resource>(self, reference: &Ref<K>) -> Option<&'a K> {
        self.all::<K>()
            .find(|(address, _)| *address == reference.address())
            .map(|(_, spec)| spec)
    }

    /// The outputs at the far end of a reference, if that is there and stays.
    pub fn outputs<K: Resource>(self, reference: &Ref<K>) -> Option<K::Outputs> {
        let step = self
            .plan
            .steps
            .iter()
            .find(|step| step.address == *reference.address() && !makes(step) && !goes(step))?;
        serde_json::from_value(step.outputs.clone()?).ok()
    }

    /// What would go, or make room for a successor: its names become free in time.
    pub fn leaving(self) -> BTreeSet<&'a Address> {
        self.plan
            .steps
            .iter()
            .filter(|step| goes(step) || step.action == Action::Replace)
            .map(|step| &step.address)
            .collect()
    }

    fn steps<K: Resource>(self) -> impl Iterator<Item = (&'a Step, &'a K)> {
        self.plan
            .steps
            .iter()
            .filter_map(|step| Some((step, step.resource.as_any().downcast_ref::<K>()?)))
    }
}

fn makes(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Replace)
}

fn goes(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::Forget)
}
