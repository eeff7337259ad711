//! How did the run end? What is done, what failed and why, what that blocked, how to go on.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::advice::advice;
use super::event::{Action, Event, LeftBehind, Sink};
use super::palette::Palette;
use super::step_line::{code_line, counted, duration, held_by, last_words, left_behind};
use crate::resource::{Address, CallError, Cause, Holder, LogExcerpt};

/// Listens to a run and keeps what its end has to say.
#[derive(Default)]
pub struct Summary {
    told: Mutex<Told>,
}

/// Everything the end has to say; also the JSON document of `--output json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Told {
    done: usize,
    failed: Vec<Failed>,
    blocked: Vec<Blocked>,
    skipped: Vec<Address>,
    /// Began and never ended: what the second Ctrl-C left under way.
    unfinished: BTreeSet<Address>,
    interrupted: bool,
    timed_out: bool,
    milliseconds: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Failed {
    address: Address,
    action: Action,
    code: Option<Cause>,
    error: CallError,
    logs: Vec<LogExcerpt>,
    holders: Vec<Holder>,
    leftover: LeftBehind,
    /// What the person can do about it.
    hint: Option<&'static str>,
    milliseconds: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Blocked {
    address: Address,
    /// All that failed and that it needs: mending one of several is not enough.
    by: BTreeSet<Address>,
}

/// How a run ended, as far as the exit code is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// It failed before it had changed anything.
    Failed,
    /// Some of it is done, or may be; running it again goes on.
    Partial,
    Interrupted,
}

/// What the end of a run says that the run itself does not know.
#[derive(Clone, Debug, Default)]
pub struct SummaryContext<'a> {
    /// The command that goes on where this run stopped.
    pub resume: &'a str,
    /// The chain of steps that decided how long it took, as text.
    pub path: &'a str,
}

impl Summary {
    pub fn outcome(&self) -> Outcome {
        self.told().outcome()
    }

    /// The run's end as text.
    pub fn render(&self, context: &SummaryContext<'_>, palette: &Palette) -> String {
        self.told().render(context, palette)
    }

    /// The run's end as a JSON object.
    pub fn document(&self) -> serde_json::Map<String, serde_json::Value> {
        let told = self.told();
        let mut document = serde_json::Map::new();
        document.insert("outcome".to_owned(), to_value(&told.outcome()));
        if let serde_json::Value::Object(members) = to_value(&*told) {
            document.extend(members);
        }
        document
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Summary {
    fn event(&self, event: &Event) {
        self.told().hear(event);
    }
}

impl Told {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::StepBegan { address, .. } => {
                self.unfinished.insert(address.clone());
            }
            Event::StepDone { address, .. } => {
                self.done += 1;
                self.unfinished.remove(address);
            }
            Event::StepFailed {
                address,
                action,
                code,
                error,
                logs,
                holders,
                leftover,
                milliseconds,
            } => {
                self.failed.push(Failed {
                    address: address.clone(),
                    action: *action,
                    code: *code,
                    error: error.clone(),
                    logs: logs.clone(),
                    holders: holders.clone(),
                    leftover: leftover.clone(),
                    hint: advice(error, *code),
                    milliseconds: *milliseconds,
                });
                // In which order they failed was told when they did; two equal runs end alike.
                self.failed
                    .sort_by(|one, other| one.address.cmp(&other.address));
                self.unfinished.remove(address);
            }
            Event::StepBlocked { address, by, .. } => self.blocked.push(Blocked {
                address: address.clone(),
                by: BTreeSet::from([by.clone()]),
            }),
            Event::StepBlockedToo { address, by } => {
                let blocked = self.blocked.iter_mut();
                for blocked in blocked.filter(|blocked| blocked.address == *address) {
                    blocked.by.insert(by.clone());
                }
            }
            // What had begun stays among the unfinished.
            Event::StepSkipped { address, .. } if !self.unfinished.contains(address) => {
                self.skipped.push(address.clone());
            }
            Event::Interrupted { .. } => self.interrupted = true,
            Event::TimedOut => self.timed_out = true,
            Event::RunEnded { milliseconds, .. } => self.milliseconds = *milliseconds,
            Event::RunBegan { .. }
            | Event::Recovered { .. }
            | Event::StepProgress { .. }
            | Event::RolloutProgress { .. }
            | Event::ServiceEvent { .. }
            | Event::StepCalled { .. }
            | Event::Looked { .. }
            | Event::StepExists { .. }
            | Event::StepGoing { .. }
            | Event::StepServes { .. }
            | Event::StepSkipped { .. }
            | Event::Warning { .. } => {}
        }
    }

    fn outcome(&self) -> Outcome {
        let complete = self.failed.is_empty()
            && self.blocked.is_empty()
            && self.skipped.is_empty()
            && self.unfinished.is_empty();
        let untouched = self.done == 0
            && self.unfinished.is_empty()
            && self
                .failed
                .iter()
                .all(|failed| failed.leftover == LeftBehind::Nothing);
        match (complete, untouched) {
            // A Ctrl-C that came when all was done anyway changes nothing.
            (true, _) if !self.timed_out => Outcome::Done,
            _ if self.interrupted => Outcome::Interrupted,
            (_, true) => Outcome::Failed,
            _ => Outcome::Partial,
        }
    }

    fn render(&self, context: &SummaryContext<'_>, palette: &Palette) -> String {
        let mut text = String::new();
        // What went wrong stands last, where the eye is when the run is over.
        text.push_str(context.path);
        self.render_failures(&mut text, palette);
        self.render_totals(&mut text, palette);
        if self.outcome() != Outcome::Done {
            line(
                &mut text,
                format_args!("to go on where it stopped: {}", context.resume),
            );
        }
        text
    }

    fn render_failures(&self, text: &mut String, palette: &Palette) {
        let Palette {
            bad,
            warning,
            heading,
            ..
        } = palette;
        let mut hints = BTreeSet::new();
        for failed in &self.failed {
            line(
                text,
                format_args!(
                    "{bad}failed{bad:#}: could not {} {} ({})",
                    failed.action.attempt(),
                    failed.address,
                    duration(failed.milliseconds)
                ),
            );
            line(text, format_args!("    {}", failed.error));
            let known = last_words(&failed.logs, palette).into_iter();
            let known = known.chain(held_by(&failed.holders));
            for sentence in known.chain(left_behind(&failed.leftover)) {
                line(text, format_args!("    {sentence}"));
            }
            // What holds for several failures is said once.
            if let Some(hint) = failed.hint.filter(|hint| hints.insert(*hint)) {
                line(text, format_args!("    {heading}hint{heading:#}: {hint}"));
            }
            if let Some(cause) = failed.code {
                line(text, format_args!("    {}", code_line(cause, palette)));
            }
            let blocked: BTreeSet<&Address> = self
                .blocked
                .iter()
                .filter(|blocked| blocked.by.contains(&failed.address))
                .map(|blocked| &blocked.address)
                .collect();
            if !blocked.is_empty() {
                line(
                    text,
                    format_args!("    {warning}blocked{warning:#} by it: {}", joined(blocked)),
                );
            }
        }
        if !self.unfinished.is_empty() {
            line(
                text,
                format_args!(
                    "{warning}left under way{warning:#}: {}",
                    joined(&self.unfinished)
                ),
            );
        }
        if !self.skipped.is_empty() {
            line(
                text,
                format_args!("{warning}not started{warning:#}: {}", joined(&self.skipped)),
            );
        }
    }

    fn render_totals(&self, text: &mut String, palette: &Palette) {
        let heading = palette.heading;
        let mut parts = vec![format!("{} done", counted(self.done, "step"))];
        let others = [
            (self.failed.len(), "failed"),
            (self.blocked.len(), "blocked"),
            (self.unfinished.len(), "left under way"),
            (self.skipped.len(), "not started"),
        ];
        parts.extend(
            others
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{count} {word}")),
        );
        let took = duration(self.milliseconds);
        let how = match self.outcome() {
            Outcome::Done => format!(" in {took}"),
            Outcome::Interrupted => format!(" (interrupted after {took})"),
            _ if self.timed_out => format!(" (out of time after {took})"),
            _ => format!(" (after {took})"),
        };
        line(
            text,
            format_args!("{heading}{}{how}{heading:#}", parts.join(", ")),
        );
    }
}

fn joined<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let texts: Vec<String> = addresses.into_iter().map(Address::to_string).collect();
    texts.join(", ")
}

fn to_value(value: &impl Serialize) -> serde_json::Value {
    // Addresses, numbers and texts always have a JSON form.
    serde_json::to_value(value).unwrap_or_default()
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{arguments}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plain::tests::eventful_run;

    const CONTEXT: SummaryContext<'_> = SummaryContext {
        resume: "navi up -f stacks/ecs-navi.yaml",
        path: "",
    };

    fn summary_of(events: impl IntoIterator<Item = Event>) -> Summary {
        let summary = Summary::default();
        for event in events {
            summary.event(&event);
        }
        summary
    }

    #[test]
    fn a_partial_run_says_what_failed_and_how_to_go_on() {
        let summary = summary_of(
            eventful_run()
                .into_iter()
                .filter(|event| !matches!(event, Event::Interrupted { .. })),
        );
        assert_eq!(summary.outcome(), Outcome::Partial);
        insta::assert_snapshot!(summary.render(&CONTEXT, &Palette::plain()));
    }

    #[test]
    fn the_document_holds_all_that_the_text_says() {
        let document = summary_of(eventful_run()).document();
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }

    #[test]
    fn an_interrupted_run_is_told_apart_from_a_failed_one() {
        assert_eq!(summary_of(eventful_run()).outcome(), Outcome::Interrupted);
    }

    #[test]
    fn a_run_that_failed_before_it_changed_anything_is_not_partial() {
        let failed = eventful_run().into_iter().filter_map(|event| match event {
            Event::StepFailed {
                address,
                action,
                code,
                error,
                logs,
                holders,
                milliseconds,
                ..
            } => Some(Event::StepFailed {
                address,
                action,
                code,
                error,
                logs,
                holders,
                milliseconds,
                leftover: LeftBehind::Nothing,
            }),
            _ => None,
        });
        assert_eq!(summary_of(failed).outcome(), Outcome::Failed);
    }
}
