//! What if somebody else changes or deletes a resource while navi is at work?

use std::fmt;

use super::fault::{self, released};
use super::scenario::Scenario;
use super::stage::Stage;
use crate::drift::{CHANGED, DELETED, Deed};
use crate::support::stranger;

/// The scenario that is interfered with.
pub const SCENARIO: &str = "in-place update";

/// When in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The plan is made, and nothing is done yet.
    First,
    /// In the last mutating call, whose number this is.
    Last(usize),
}

/// What somebody does, and when.
#[derive(Clone, Copy, Debug)]
pub struct Other {
    deed: &'static Deed,
    deletes: bool,
    moment: Moment,
}

impl fmt::Display for Other {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.deletes {
            true => "deletes from",
            false => "changes",
        };
        let when = match self.moment {
            Moment::First => "first",
            Moment::Last(_) => "last",
        };
        write!(formatter, "{verb} {} in the {when} call", self.deed.1)
    }
}

impl Other {
    pub fn all(moment: Moment) -> impl Iterator<Item = Other> {
        let each = move |deletes| {
            move |deed| Other {
                deed,
                deletes,
                moment,
            }
        };
        let changed = CHANGED.iter().map(each(false));
        changed.chain(DELETED.iter().map(each(true)))
    }

    pub fn deletes(&self) -> bool {
        self.deletes
    }

    /// Runs the scenario's command, and does it in between.
    pub fn interfere(&self, stage: &Stage, scenario: &Scenario) -> Result<(), String> {
        let number = match self.moment {
            Moment::First => 1,
            Moment::Last(number) => number,
        };
        let process = stage.spawn(&scenario.file(), &[scenario.command, "--yes"]);
        let process = fault::hold(stage, process, number)?;
        stranger(&stage.endpoint, &["do", self.deed.0]);
        match released(stage, process)? {
            0 | 1 | 3 => Ok(()),
            code => Err(format!("it ended with {code}")),
        }
    }
}
