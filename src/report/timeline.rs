//! What decided how long the run took? When each step began, existed, served and ended, what it had waited for,
//! and the one chain of them that ends with the run.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::event::{Action, After, Event, Sink, Until};
use super::palette::Palette;
use super::step_line::{ADDRESS_WIDTH, duration};
use crate::resource::Address;

/// Of the chain, what took less than this share of it is told only on request.
const WORTH_TELLING: u64 = 50;

/// Listens to a run and keeps when everything happened.
#[derive(Default)]
pub struct Timeline {
    kept: Mutex<Kept>,
}

/// Milliseconds since the run began, everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// From the first step's beginning to the end of the last.
    milliseconds: u64,
    /// In the order in which they began.
    steps: Vec<StepTimes>,
}

/// When one step came how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTimes {
    pub address: Address,
    pub action: Action,
    /// What it had waited for last.
    pub after: Option<After>,
    pub began: u64,
    /// Its calls had returned.
    pub returned: Option<u64>,
    /// It served before it was complete.
    pub served: Option<u64>,
    pub ended: Option<u64>,
    /// Whether it came to its good end, and was waited for.
    pub complete: bool,
}

/// A step's part of the chain that decided how long the run took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub address: Address,
    pub action: Action,
    /// How far the next one needed it; none for the last.
    pub until: Option<Until>,
    pub at_milliseconds: u64,
    pub milliseconds: u64,
}

impl Timeline {
    /// The chain from the run's beginning to its end, without gaps: each link lasts until the next one begins.
    pub fn critical_path(&self) -> Vec<Link> {
        self.kept().critical_path()
    }

    /// The steps, in the order in which they began.
    pub fn steps(&self) -> Vec<StepTimes> {
        self.kept().steps.clone()
    }

    /// Everything as a JSON object.
    pub fn document(&self) -> serde_json::Value {
        let kept = self.kept();
        serde_json::json!({
            "milliseconds": kept.milliseconds,
            "critical_path": kept.critical_path(),
            "steps": kept.steps,
        })
    }

    /// The chain as text, without what hardly counts; empty for a run of one step.
    pub fn render_path(&self, palette: &Palette) -> String {
        let kept = self.kept();
        let path = kept.critical_path();
        let mut text = String::new();
        if kept.steps.len() > 1 {
            let heading = palette.heading;
            line(
                &mut text,
                format_args!("{heading}what decided the time{heading:#}"),
            );
            let least = kept.milliseconds / WORTH_TELLING;
            let longest = path.iter().filter(|link| link.milliseconds >= least);
            longest.for_each(|link| render_link(&mut text, link));
        }
        text
    }

    /// The whole chain, and every step with what it waited for.
    pub fn render(&self, palette: &Palette) -> String {
        let kept = self.kept();
        let Palette { heading, faint, .. } = palette;
        let mut text = String::new();
        let path = kept.critical_path();
        let total = duration(path.iter().map(|link| link.milliseconds).sum());
        line(
            &mut text,
            format_args!("{heading}the chain that decided the time{heading:#} ({total})"),
        );
        path.iter().for_each(|link| render_link(&mut text, link));
        line(
            &mut text,
            format_args!(
                "\n{heading}{:>8} {:>8} {:>8}  {:<9}{:<ADDRESS_WIDTH$} started after{heading:#}",
                "began", "calls", "wait", "", "step"
            ),
        );
        for step in &kept.steps {
            let [calls, wait] = [step.calls(), step.wait()].map(|part| part.map(duration));
            let began = duration(step.began);
            let after = step.after.as_ref().map(started_after).unwrap_or_default();
            let row = format!(
                "{began:>8} {:>8} {:>8}  {:<9}{:<ADDRESS_WIDTH$} {faint}{after}{faint:#}",
                calls.as_deref().unwrap_or("-"),
                wait.as_deref().unwrap_or(""),
                step.action.attempt(),
                step.address,
            );
            line(&mut text, format_args!("{}", row.trim_end()));
        }
        text
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Timeline {
    fn event(&self, event: &Event) {
        self.kept().hear(event);
    }
}

impl Kept {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::StepBegan {
                address,
                action,
                at_milliseconds,
                after,
                ..
            } => {
                let step = StepTimes::begun(address, *action, after.as_ref(), *at_milliseconds);
                self.steps.push(step);
            }
            Event::StepExists {
                address,
                milliseconds,
                ..
            }
            | Event::StepGoing {
                address,
                milliseconds,
            } => self.note(address, |step| {
                step.returned = Some(step.began + milliseconds)
            }),
            Event::StepServes {
                address,
                milliseconds,
            } => self.note(address, |step| {
                step.served = Some(step.began + milliseconds)
            }),
            Event::StepDone {
                address,
                awaited,
                milliseconds,
                ..
            } => self.note(address, |step| {
                step.ended = Some(step.began + milliseconds);
                step.complete = *awaited;
            }),
            Event::StepFailed {
                address,
                milliseconds,
                ..
            } => self.note(address, |step| step.ended = Some(step.began + milliseconds)),
            Event::RunEnded { milliseconds, .. } => self.milliseconds = *milliseconds,
            Event::RunBegan { .. }
            | Event::Recovered { .. }
            | Event::StepProgress { .. }
            | Event::RolloutProgress { .. }
            | Event::ServiceEvent { .. }
            | Event::StepCalled { .. }
            | Event::Looked { .. }
            | Event::StepBlocked { .. }
            | Event::StepBlockedToo { .. }
            | Event::StepSkipped { .. }
            | Event::Interrupted { .. }
            | Event::TimedOut
            | Event::Warning { .. } => {}
        }
    }

    /// An address can have two steps, one after the other (a rule that serves both sides first): the latest is meant.
    fn note(&mut self, address: &Address, write: impl FnOnce(&mut StepTimes)) {
        let mut latest_first = self.steps.iter_mut().rev();
        if let Some(step) = latest_first.find(|step| step.address == *address) {
            write(step);
        }
    }

    fn critical_path(&self) -> Vec<Link> {
        let ended = self.steps.iter().filter(|step| step.ended.is_some());
        let Some(mut step) = ended.max_by_key(|step| step.ended) else {
            return Vec::new();
        };
        let end = step.ended.unwrap_or(self.milliseconds);
        let mut path = vec![step.link(None, end)];
        while let Some(after) = &step.after {
            // Only what began earlier can have been waited for, so that this comes to an end.
            let Some(before) = self
                .steps
                .iter()
                .take_while(|earlier| !std::ptr::eq(*earlier, step))
                .filter(|earlier| earlier.address == after.address)
                .last()
            else {
                break;
            };
            path.push(before.link(Some(after.until), step.began));
            step = before;
        }
        path.reverse();
        path
    }
}

impl StepTimes {
    /// A step that has begun and got nowhere yet.
    pub fn begun(address: &Address, action: Action, after: Option<&After>, began: u64) -> Self {
        StepTimes {
            address: address.clone(),
            action,
            after: after.cloned(),
            began,
            returned: None,
            served: None,
            ended: None,
            complete: false,
        }
    }

    /// The same after something else.
    pub(super) fn begins_later_by(&mut self, milliseconds: u64) {
        self.began += milliseconds;
        for moment in [&mut self.returned, &mut self.served, &mut self.ended] {
            *moment = moment.map(|moment| moment + milliseconds);
        }
    }

    /// How long its calls took: all there was to it where nothing had to be waited for.
    pub fn calls(&self) -> Option<u64> {
        Some(self.returned.or(self.ended)?.saturating_sub(self.began))
    }

    /// How long it was waited for after its calls had returned.
    pub fn wait(&self) -> Option<u64> {
        Some(self.ended?.saturating_sub(self.returned?))
    }

    /// How long all of it took.
    pub fn whole(&self) -> Option<u64> {
        Some(self.ended?.saturating_sub(self.began))
    }

    fn link(&self, until: Option<Until>, end: u64) -> Link {
        Link {
            address: self.address.clone(),
            action: self.action,
            until,
            at_milliseconds: self.began,
            milliseconds: end.saturating_sub(self.began),
        }
    }
}

fn render_link(text: &mut String, link: &Link) {
    let until = link
        .until
        .map_or_else(String::new, |until| format!(", until it {}", state(until)));
    let row = format!(
        "    {:<ADDRESS_WIDTH$} {:>7}  {}{until}",
        link.address,
        duration(link.milliseconds),
        link.action.attempt(),
    );
    line(text, format_args!("{row}"));
}

pub(super) fn started_after(after: &After) -> String {
    format!("{} {}", after.address, state(after.until))
}

pub(super) fn state(until: Until) -> &'static str {
    match until {
        Until::Exists => "existed",
        Until::Ready => "was ready",
        Until::Complete => "was complete",
        Until::Gone => "was gone",
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{arguments}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(name: &str, at: u64, after: Option<(&str, Until)>) -> Event {
        Event::StepBegan {
            address: address(name),
            action: Action::Create,
            at_milliseconds: at,
            after: after.map(|(name, until)| After {
                address: address(name),
                until,
            }),
            expected_milliseconds: 0,
            remaining_milliseconds: 0,
            awaited_by: Vec::new(),
        }
    }

    fn exists(name: &str, milliseconds: u64) -> Event {
        Event::StepExists {
            address: address(name),
            id: None,
            milliseconds,
        }
    }

    fn done(name: &str, milliseconds: u64) -> Event {
        Event::StepDone {
            address: address(name),
            action: Action::Create,
            id: None,
            awaited: true,
            milliseconds,
        }
    }

    fn address(name: &str) -> Address {
        name.parse().unwrap()
    }

    /// A gateway whose service needs it ready, beside a load balancer that is nearly as long.
    fn run() -> Timeline {
        let timeline = Timeline::default();
        for event in [
            began("vpc.main", 0, None),
            done("vpc.main", 400),
            began("nat_gateway.1a", 410, Some(("vpc.main", Until::Exists))),
            began("load_balancer.main", 415, Some(("vpc.main", Until::Exists))),
            exists("nat_gateway.1a", 300),
            exists("load_balancer.main", 500),
            done("nat_gateway.1a", 90_500),
            began(
                "ecs_service.web",
                90_920,
                Some(("nat_gateway.1a", Until::Ready)),
            ),
            exists("ecs_service.web", 600),
            done("load_balancer.main", 121_000),
            done("ecs_service.web", 50_080),
            Event::RunEnded {
                done: 4,
                failed: 0,
                blocked: 0,
                skipped: 0,
                milliseconds: 141_010,
            },
        ] {
            timeline.event(&event);
        }
        timeline
    }

    #[test]
    fn the_chain_has_no_gaps_and_ends_with_the_run() {
        let path = run().critical_path();
        let names: Vec<&str> = path.iter().map(|link| link.address.name()).collect();
        assert_eq!(names, ["main", "1a", "web"]);
        assert_eq!(path[0].at_milliseconds, 0);
        let total: u64 = path.iter().map(|link| link.milliseconds).sum();
        assert_eq!(total, 141_000);
    }

    #[test]
    fn a_run_tells_its_chain_and_on_request_every_step() {
        let timeline = run();
        insta::assert_snapshot!(format!(
            "{}\n{}",
            timeline.render_path(&Palette::plain()),
            timeline.render(&Palette::plain())
        ));
    }
}
