//! What is there to draw of a stack? What is recorded, what its file wants, or what a plan makes of the one and the other.

use super::arguments::GlobalOptions;
use super::error::CommandError;
use crate::environment::{Environment, Specs, Way, recorded_rules};
use crate::graph::ResourceGraph;
use crate::model;
use crate::picture::{Marks, Picture, Resources, Subject};
use crate::plan::{Action, Plan, Reason, Step};
use crate::resource::{Address, Edge};
use crate::stack::Stack;
use crate::state::State;

/// Everything that a picture is made of.
#[derive(Clone, Debug)]
pub struct Drawing {
    pub stack: String,
    /// Said above it.
    pub caption: String,
    specs: Specs,
    edges: Vec<(Address, Vec<Edge>)>,
    before: Option<Vec<Way>>,
    after: Vec<Way>,
    pub marks: Marks,
}

impl Drawing {
    /// What is recorded, without asking AWS.
    pub fn recorded(state: &State) -> Self {
        let specs = Specs::recorded(state);
        let place = state.identity.as_ref();
        let place = place.map_or_else(String::new, |place| format!(", {}", place.region));
        let records = state.resources.iter();
        Drawing {
            stack: state.stack.clone(),
            caption: format!("as recorded{place}"),
            after: ways(&specs),
            before: None,
            edges: records
                .filter(|(address, _)| !address.is_deposed())
                .map(|(address, record)| (address.clone(), record.edges()))
                .collect(),
            marks: Marks::default(),
            specs,
        }
    }

    /// What the stack file wants, without asking AWS.
    pub fn wanted(global: &GlobalOptions, stack: &Stack) -> Result<Self, CommandError> {
        let region = global.region.as_deref().or(stack.region.as_deref());
        // Without a region the zones have no full names, and nothing else of a picture needs one.
        let graph = model::build(stack, region.unwrap_or_default())?;
        let specs = Specs::wanted(&graph);
        Ok(Drawing {
            stack: stack.name.clone(),
            caption: "as the stack file wants it".to_owned(),
            after: ways(&specs),
            before: None,
            edges: edges(&graph),
            marks: Marks::default(),
            specs,
        })
    }

    /// What is recorded and what a plan makes of it, side by side, with a mark at all that changes.
    pub fn planned(plan: &Plan, state: &State, caption: String) -> Self {
        let state = state.clone().relocated(&plan.moved);
        let before = Specs::recorded(&state);
        let stays = |step: &&Step| {
            !matches!(step.action, Action::Delete | Action::Forget)
                && step.reason != Reason::HandsOver
        };
        let resources = plan.steps.iter().filter(stays).map(|step| {
            let outputs = step.outputs.clone().unwrap_or_default();
            (step.address.clone(), step.resource.value(), outputs)
        });
        let after = Specs::these(resources);
        let records = state.resources.iter();
        let mut edges: Vec<(Address, Vec<Edge>)> = records
            .filter(|(address, _)| !address.is_deposed())
            .map(|(address, record)| (address.clone(), record.edges()))
            .collect();
        // Where both have it, what is wanted counts.
        let wanted = plan.steps.iter().filter(stays);
        edges.extend(wanted.map(|step| (step.address.clone(), step.resource.edges())));
        Drawing {
            stack: state.stack.clone(),
            caption,
            before: Some(ways(&before)),
            after: ways(&after),
            specs: after.over(&before),
            edges,
            marks: Marks::of(plan),
        }
    }

    /// The same after a run: with what AWS told meanwhile, and with what has become of it.
    pub fn carried_out(mut self, state: &State, marks: Marks) -> Self {
        self.specs = self.specs.over(&Specs::recorded(state));
        self.marks = marks;
        self
    }

    pub fn picture(&self) -> Picture {
        let subject = Subject {
            stack: &self.stack,
            caption: self.caption.clone(),
            environment: &Environment::of(&self.specs),
            before: self.before.as_deref(),
            after: &self.after,
        };
        Picture::of(&subject, &self.marks)
    }

    pub fn resources(&self) -> Resources {
        Resources::of(&self.stack, &self.caption, self.edges.clone(), &self.marks)
    }
}

fn ways(specs: &Specs) -> Vec<Way> {
    recorded_rules(specs).ways(specs)
}

fn edges(graph: &ResourceGraph) -> Vec<(Address, Vec<Edge>)> {
    let nodes = graph.in_order();
    nodes
        .map(|node| (node.address.clone(), node.edges.clone()))
        .collect()
}
