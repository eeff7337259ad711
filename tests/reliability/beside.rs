//! What if two of navi are at work on one stack?

use super::fault::{self, released};
use super::scenario::Scenario;
use super::stage::Stage;

/// The mutating call in which the first of them is when the second begins.
const IN_MID_RUN: usize = 3;
const LOCKED: i32 = 4;

/// The row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beside {
    TheSame,
    /// `down` beside `up`, `up` beside `down`.
    TheOpposite,
    /// The first is stopped (SIGSTOP) while the second tries, and goes on afterwards.
    OfAStopped,
}

impl Beside {
    pub const ALL: [Beside; 3] = [Beside::TheSame, Beside::TheOpposite, Beside::OfAStopped];

    pub fn title(self) -> &'static str {
        match self {
            Beside::TheSame => "the same command twice at once",
            Beside::TheOpposite => "`up` and `down` at once",
            Beside::OfAStopped => "the lock's holder stopped, and resumed",
        }
    }

    /// The second is refused, changes nothing and names the first, which ends well.
    pub fn run(self, stage: &Stage, scenario: &Scenario) -> Result<(), String> {
        let file = scenario.file();
        let process = stage.spawn(&file, &[scenario.command, "--yes"]);
        let process = fault::hold(stage, process, IN_MID_RUN)?;
        let second = match (self, scenario.command) {
            (Beside::TheOpposite, "up") => "down",
            (Beside::TheOpposite, _) => "up",
            (_, command) => command,
        };
        if self == Beside::OfAStopped {
            fault::signal(&process, "STOP")?;
        }
        let refused = stage.run(&file, &[second, "--yes"]).ended(&[LOCKED])?;
        if !refused.stderr.contains(&process.id().to_string()) {
            return Err(format!(
                "process {} is not named: {}",
                process.id(),
                refused.stderr
            ));
        }
        if self == Beside::OfAStopped {
            fault::signal(&process, "CONT")?;
        }
        match released(stage, process)? {
            0 => Ok(()),
            code => Err(format!("the first ended with {code}")),
        }
    }
}
