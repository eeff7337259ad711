//! What becomes of something in a picture? A sign and a word say it, and a colour besides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::{Action, Plan};
use crate::resource::{Address, is_of_service};

/// What a plan does, or a run has done. The later one counts where two are said of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Change,
    Create,
    Replace,
    Remove,
    /// A run came to no end with it: it was blocked, or never begun.
    Open,
    Failed,
}

impl Mark {
    pub const ALL: [Mark; 6] = [
        Mark::Create,
        Mark::Change,
        Mark::Replace,
        Mark::Remove,
        Mark::Open,
        Mark::Failed,
    ];

    /// As a plan's lines begin.
    pub fn sign(self) -> &'static str {
        match self {
            Mark::Create => "+",
            Mark::Change => "~",
            Mark::Replace => "±",
            Mark::Remove => "-",
            Mark::Open => "…",
            Mark::Failed => "!",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Mark::Create => "create",
            Mark::Change => "change",
            Mark::Replace => "replace",
            Mark::Remove => "remove",
            Mark::Open => "not done",
            Mark::Failed => "failed",
        }
    }

    /// For style sheets.
    pub(super) fn class(self) -> &'static str {
        match self {
            Mark::Create => "create",
            Mark::Change => "change",
            Mark::Replace => "replace",
            Mark::Remove => "remove",
            Mark::Open => "open",
            Mark::Failed => "failed",
        }
    }
}

/// What becomes of which resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<Address, Mark>);

impl Marks {
    /// What a plan does. What it deposes goes unmarked: its successor says so.
    pub fn of(plan: &Plan) -> Self {
        let mut marks = Marks::default();
        for step in &plan.steps {
            let mark = match step.action {
                Action::Create => Mark::Create,
                Action::Update => Mark::Change,
                Action::Replace => Mark::Replace,
                Action::Delete => Mark::Remove,
                Action::Wait | Action::LookUp | Action::Record | Action::Forget | Action::Noop => {
                    continue;
                }
            };
            if !step.address.is_deposed() {
                marks.set(&step.address, mark);
            }
        }
        marks
    }

    pub fn set(&mut self, address: &Address, mark: Mark) {
        let known = self.0.entry(address.clone()).or_insert(mark);
        *known = mark.max(*known);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of_address(&self, address: &Address) -> Option<Mark> {
        self.0.get(address).copied()
    }

    pub(super) fn at(&self, kind: &str, name: &str) -> Option<Mark> {
        self.of_address(&Address::new(kind, name))
    }

    /// A service stands for all that is its own: anything that happens to a part of it changes it.
    pub(super) fn of_service(&self, service: &str) -> Option<Mark> {
        let parts = self
            .0
            .iter()
            .filter(|(address, _)| is_of_service(address, service));
        self.of_whole("ecs_service", service, parts.map(|(_, mark)| *mark))
    }

    /// The load balancer with its listeners, its certificate and the names that lead to it.
    pub(super) fn of_entrance(&self) -> Option<Mark> {
        const PARTS: [&str; 6] = [
            "load_balancer",
            "listener",
            "certificate",
            "hosted_zone",
            "alias_records",
            "security_group",
        ];
        let parts = self.0.iter().filter(|(address, _)| {
            PARTS.contains(&address.kind())
                && (address.kind() != "security_group" || address.name() == "ingress")
        });
        let whole = self.0.iter().find_map(|(address, mark)| {
            (address.kind() == "load_balancer").then(|| (address.name().to_owned(), *mark))
        });
        let name = whole.map_or_else(String::new, |(name, _)| name);
        self.of_whole("load_balancer", &name, parts.map(|(_, mark)| *mark))
    }

    /// What the main resource of something says, or that something about it changes.
    fn of_whole(&self, kind: &str, name: &str, parts: impl Iterator<Item = Mark>) -> Option<Mark> {
        let worst = parts.max();
        match self.at(kind, name) {
            Some(Mark::Change) | None => worst.map(|mark| match mark {
                Mark::Open | Mark::Failed => mark,
                _ => Mark::Change,
            }),
            Some(main) => Some(worst.filter(|worst| *worst >= Mark::Open).unwrap_or(main)),
        }
    }
}
