//! What happens in one case, and what must hold after it?

use std::fs;
use std::path::Path;

use super::beside::Beside;
use super::fault::{self, Call, Fault};
use super::machine::Trouble;
use super::other::Other;
use super::scenario::Scenario;
use super::stage::{SECRET, Stage};

/// A read that so many runs in a row did without is no call of the command.
const TRIES: usize = 5;

/// One disturbed command.
#[derive(Clone, Debug)]
pub struct Case {
    pub scenario: Scenario,
    pub disturbance: Disturbance,
}

/// What happens to it.
#[derive(Clone, Debug)]
pub enum Disturbance {
    Once(Fault, Call),
    /// Killed when AWS has carried the call out, and again at so many mutating calls of the recovery.
    Again(Call, usize),
    Machine(Trouble),
    Beside(Beside),
    Other(Other),
}

/// How a case went that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Held,
    /// The recovery had no such call, or no run had such a read, so that there was nothing to see.
    NotReached,
}

impl Case {
    /// How it is called, to be run again alone.
    pub fn name(&self) -> String {
        let what = match &self.disturbance {
            Disturbance::Once(fault, call) => format!("{fault:?} at {call}"),
            Disturbance::Again(call, number) => {
                format!("KillTwice at {call}, and at call {number} of the recovery")
            }
            Disturbance::Machine(trouble) => format!("{trouble:?}"),
            Disturbance::Beside(beside) => format!("{beside:?}"),
            Disturbance::Other(other) => format!("another {other}"),
        };
        format!("{}: {what}", self.scenario.name)
    }

    /// Whether most of its time is a client's waiting for an answer.
    pub fn waits_for_no_answer(&self) -> bool {
        matches!(self.disturbance, Disturbance::Once(Fault::TimeOut, _))
    }

    pub fn run(&self, stage: &mut Stage) -> Result<Outcome, String> {
        self.scenario.prepare(stage)?;
        match &self.disturbance {
            Disturbance::Once(fault, call) => {
                let mut tries = 1;
                while !fault::disturb(stage, &self.scenario, *fault, call)? {
                    if tries == TRIES {
                        return Ok(Outcome::NotReached);
                    }
                    tries += 1;
                    self.scenario.prepare(stage)?;
                }
            }
            Disturbance::Again(call, number) => {
                fault::disturb(stage, &self.scenario, Fault::KillAfter, call)?;
                if !fault::kill_at(stage, &self.scenario, *number)? {
                    return Ok(Outcome::NotReached);
                }
            }
            Disturbance::Machine(trouble) => trouble.strike(stage, &self.scenario)?,
            Disturbance::Beside(beside) => beside.run(stage, &self.scenario)?,
            Disturbance::Other(other) => other.interfere(stage, &self.scenario)?,
        }
        holds(stage, &self.scenario)?;
        Ok(Outcome::Held)
    }
}

/// The command again ends well, once more it changes nothing, and everything is where it belongs.
pub fn holds(stage: &Stage, scenario: &Scenario) -> Result<(), String> {
    let file = scenario.file();
    let again = [scenario.command, "--yes"];
    stage.run(&file, &again).ended(&[0])?;
    stage.forget_calls();
    stage.run(&file, &again).ended(&[0])?;
    let calls = stage.calls(true);
    if !calls.is_empty() {
        return Err(format!("a further run called {calls:?}"));
    }
    if scenario.command == "up" {
        is_recorded(stage, scenario)?;
        let losses = stage.before.losses(&stage.world());
        // What was adopted was somebody else's before.
        if !losses.is_empty() {
            return Err(format!("strangers were touched: {}", losses.join("\n")));
        }
        stage.run(&file, &["down", "--yes"]).ended(&[0])?;
    }
    let differences = stage.before.differences(&stage.world());
    if !differences.is_empty() {
        return Err(format!("left after `down`: {}", differences.join("\n")));
    }
    let free = stage.run(&file, &["unlock"]).ended(&[0])?;
    if !["is free", "is not locked"]
        .iter()
        .any(|word| free.stderr.contains(word))
    {
        return Err(format!("the lock is not free: {}", free.stderr));
    }
    holds_no_secret(stage.folder(), &file)
}

/// Every object with the stack's tags is in the state, at its address, and no address has two (but revisions of a task definition).
fn is_recorded(stage: &Stage, scenario: &Scenario) -> Result<(), String> {
    let tagged = stage.world().tagged(scenario.stack);
    if tagged.len() < 10 {
        return Err(format!("only {} objects carry the tags", tagged.len()));
    }
    for pair in tagged.windows(2) {
        // A family keeps its revisions: the record of the latest names the earlier ones.
        let is_family = pair[0].kind == "ecs.task_definitions";
        if !is_family && pair[0].address == pair[1].address && pair[0].kind == pair[1].kind {
            return Err(format!("two objects of one address: {pair:?}"));
        }
    }
    let pulled = ["state", "pull", "--stack", scenario.stack];
    let state = stage.run(&scenario.file(), &pulled).ended(&[0])?.stdout;
    let state: serde_json::Value =
        serde_json::from_str(&state).map_err(|error| error.to_string())?;
    for object in tagged {
        let record = &state["resources"][&object.address];
        if !record.to_string().contains(&object.id) {
            return Err(format!("{object:?} is not in the state: {record}"));
        }
    }
    Ok(())
}

fn holds_no_secret(folder: &Path, stack_file: &str) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            holds_no_secret(&path, stack_file)?;
            continue;
        }
        let is_its_own = path.file_name().is_some_and(|name| name == stack_file);
        let content = fs::read(&path).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&content);
        if !is_its_own && text.contains(SECRET) {
            return Err(format!("{} holds the secret", path.display()));
        }
    }
    Ok(())
}
