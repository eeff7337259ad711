//! How did a run go, step by step? What is kept of it to be told again later, without a secret and of bounded size.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::advice::advice;
use super::event::{Action, Command, Event, LeftBehind, Sink};
use super::palette::Palette;
use super::step_line::{code_line, held_by, left_behind};
use super::timeline::{Link, StepTimes, Timeline};
use crate::picture::{Mark, Marks, Picture};
use crate::plan::{self, Plan, readable};
use crate::resource::{Address, CallCount, CallError, Cause, Effect, Holder};

/// A text that AWS or a stack file made long.
const LONGEST: usize = 300;
/// What one step waited for, at different times.
const MOST_NOTES: usize = 12;
const MOST_FIELDS: usize = 40;
const MOST_WARNINGS: usize = 50;

/// Everything that a page about a run tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// The form that it is kept in.
    pub version: u32,
    /// Which navi it was.
    pub navi: String,
    /// When it began, in UTC.
    pub began: String,
    /// Where, for people: what a sandbox is not mistaken for.
    pub place: String,
    pub run: RunRecord,
    pub picture: Picture,
    /// What the environment tells others: name and value.
    pub outputs: Vec<(String, String)>,
    pub urls: Vec<String>,
}

impl LastRun {
    /// Of another form nothing is read.
    pub const VERSION: u32 = 1;

    /// Two runs that one command made, as one: `down` once more, for what no state had recorded.
    pub fn and(self, later: LastRun) -> Self {
        LastRun {
            run: self.run.and(later.run),
            outputs: later.outputs,
            urls: later.urls,
            ..self
        }
    }
}

/// The run itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub command: Option<Command>,
    pub stack: String,
    pub milliseconds: u64,
    /// In the order in which they began.
    pub steps: Vec<StepRecord>,
    /// Blocked, or never begun.
    pub not_begun: Vec<NotBegun>,
    /// The chain that decided how long it took.
    pub path: Vec<Link>,
    /// The looks at all that was waited for.
    pub looks: Vec<CallCount>,
    /// What an earlier, interrupted run had left open.
    pub recovered: Vec<(Address, String)>,
    pub warnings: Vec<String>,
    pub interrupted: bool,
    pub timed_out: bool,
}

/// A step that began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub times: StepTimes,
    pub id: Option<String>,
    pub calls: Vec<CallCount>,
    /// What it waited for, and when that changed, in milliseconds since it began.
    pub notes: Vec<(u64, String)>,
    pub failure: Option<FailureRecord>,
    pub change: ChangeRecord,
}

/// Why a step failed. AWS's free text can quote what was sent, so only what navi itself found is told in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureRecord {
    pub operation: String,
    pub code: Option<String>,
    pub request_id: Option<String>,
    pub message: Option<String>,
    /// Who holds it up, what is left, what to do.
    pub further: Vec<String>,
}

/// A step that did not begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotBegun {
    pub address: Address,
    pub action: Action,
    /// What failed that it needs; nothing where the run came to no end.
    pub blocked_by: Vec<Address>,
    pub change: ChangeRecord,
}

/// What a step was to change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeRecord {
    pub fields: Vec<FieldRecord>,
    /// What somebody outside may notice.
    pub notice: Option<String>,
}

/// One field, as a plan shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldRecord {
    pub field: String,
    pub old: String,
    pub new: String,
    /// Whether it takes a new resource.
    pub replaces: bool,
}

impl StepRecord {
    /// Whether it is a link of the chain that decided the time.
    pub fn is_critical(&self, path: &[Link]) -> bool {
        path.iter().any(|link| {
            link.address == self.times.address && link.at_milliseconds == self.times.began
        })
    }

    /// Its bad end; a step without one is done, or was under way when the run ended.
    pub fn mark(&self) -> Mark {
        match (&self.failure, self.times.ended) {
            (Some(_), _) => Mark::Failed,
            (None, None) => Mark::Open,
            (None, Some(_)) => mark_of(self.times.action),
        }
    }
}

impl RunRecord {
    /// This run, and right after it another.
    fn and(mut self, later: RunRecord) -> Self {
        let offset = self.milliseconds;
        let shifted = |mut step: StepRecord| {
            step.times.begins_later_by(offset);
            step
        };
        self.steps.extend(later.steps.into_iter().map(shifted));
        self.path.extend(later.path.into_iter().map(|mut link| {
            link.at_milliseconds += offset;
            link
        }));
        self.not_begun.extend(later.not_begun);
        self.looks.extend(later.looks);
        self.recovered.extend(later.recovered);
        self.warnings.extend(later.warnings);
        self.milliseconds += later.milliseconds;
        self.interrupted |= later.interrupted;
        self.timed_out |= later.timed_out;
        self
    }

    /// What has become of each resource.
    pub fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        for step in &self.steps {
            let waited = step.times.action == Action::Wait && step.mark() == Mark::Change;
            if !step.times.address.is_deposed() && !waited {
                marks.set(&step.times.address, step.mark());
            }
        }
        for step in &self.not_begun {
            marks.set(&step.address, Mark::Open);
        }
        marks
    }

    /// All calls of the run: of its steps, and of its looks.
    pub fn calls(&self) -> impl Iterator<Item = &CallCount> {
        self.steps
            .iter()
            .flat_map(|step| &step.calls)
            .chain(&self.looks)
    }
}

fn mark_of(action: Action) -> Mark {
    match action {
        Action::Create | Action::Adopt => Mark::Create,
        Action::Update | Action::Wait => Mark::Change,
        Action::Replace => Mark::Replace,
        Action::Delete => Mark::Remove,
    }
}

/// Listens to a run and keeps what a page tells of it.
pub struct Recorder {
    /// By address, what the plan says of it.
    changes: Vec<(Address, ChangeRecord)>,
    record: Mutex<RunRecord>,
}

impl Recorder {
    pub fn of(plan: &Plan) -> Self {
        let acting = plan.steps.iter().filter(|step| step.acts());
        Recorder {
            changes: acting
                .map(|step| (step.address.clone(), ChangeRecord::of(step)))
                .collect(),
            record: Mutex::default(),
        }
    }

    /// The run as far as it got.
    pub fn record(&self, timeline: &Timeline) -> RunRecord {
        let mut record = self.kept().clone();
        for (step, times) in record.steps.iter_mut().zip(timeline.steps()) {
            step.times = times;
        }
        record.path = timeline.critical_path();
        record
    }

    fn change(&self, address: &Address) -> ChangeRecord {
        let known = self.changes.iter().find(|(other, _)| other == address);
        known.map(|(_, change)| change.clone()).unwrap_or_default()
    }

    fn kept(&self) -> MutexGuard<'_, RunRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address can have two steps, one after the other: the latest is meant.
    fn note(&self, address: &Address, write: impl FnOnce(&mut StepRecord)) {
        let mut record = self.kept();
        let mut latest_first = record.steps.iter_mut().rev();
        if let Some(step) = latest_first.find(|step| step.times.address == *address) {
            write(step);
        }
    }

    fn not_begun(&self, address: &Address, action: Action, by: Option<&Address>) {
        let change = self.change(address);
        let mut record = self.kept();
        // What had begun has a row of its own.
        if record
            .steps
            .iter()
            .any(|step| step.times.address == *address)
        {
            return;
        }
        record.not_begun.push(NotBegun {
            address: address.clone(),
            action,
            blocked_by: by.into_iter().cloned().collect(),
            change,
        });
    }
}

impl Sink for Recorder {
    fn event(&self, event: &Event) {
        match event {
            Event::RunBegan { command, stack, .. } => {
                let mut record = self.kept();
                record.command = Some(*command);
                record.stack.clone_from(stack);
            }
            Event::Recovered { address, what } => {
                let mut record = self.kept();
                record.recovered.push((address.clone(), short(what)));
            }
            Event::StepBegan {
                address,
                action,
                at_milliseconds,
                after,
                ..
            } => {
                let times = StepTimes::begun(address, *action, after.as_ref(), *at_milliseconds);
                let change = self.change(address);
                self.kept().steps.push(StepRecord {
                    times,
                    id: None,
                    calls: Vec::new(),
                    notes: Vec::new(),
                    failure: None,
                    change,
                });
            }
            Event::StepProgress {
                address,
                message,
                milliseconds,
            } => self.note(address, |step| {
                // The last one is worth most: it says what the end was about.
                if step.notes.len() == MOST_NOTES {
                    step.notes.remove(MOST_NOTES / 2);
                }
                step.notes.push((*milliseconds, short(message)));
            }),
            Event::StepCalled { address, calls } => {
                self.note(address, |step| step.calls.clone_from(calls));
            }
            Event::StepExists { address, id, .. } | Event::StepDone { address, id, .. } => {
                self.note(address, |step| step.id = id.clone().or(step.id.take()));
            }
            Event::StepFailed {
                address,
                code,
                error,
                holders,
                leftover,
                ..
            } => self.note(address, |step| {
                step.failure = Some(FailureRecord::of(error, *code, holders, leftover));
            }),
            Event::StepBlocked {
                address,
                action,
                by,
            } => self.not_begun(address, *action, Some(by)),
            Event::StepBlockedToo { address, by } => {
                let mut record = self.kept();
                let mut blocked = record.not_begun.iter_mut();
                if let Some(step) = blocked.find(|step| step.address == *address) {
                    step.blocked_by.push(by.clone());
                }
            }
            Event::StepSkipped { address, action } => self.not_begun(address, *action, None),
            Event::Interrupted { .. } => self.kept().interrupted = true,
            Event::TimedOut => self.kept().timed_out = true,
            Event::Looked { calls } => self.kept().looks.clone_from(calls),
            Event::Warning { message } => {
                let mut record = self.kept();
                if record.warnings.len() < MOST_WARNINGS {
                    record.warnings.push(short(message));
                }
            }
            Event::RunEnded { milliseconds, .. } => self.kept().milliseconds = *milliseconds,
            // The timeline has these.
            Event::StepGoing { .. } | Event::StepServes { .. } => {}
            // What a step waits for says the first, and the second is free text of AWS's.
            Event::RolloutProgress { .. } | Event::ServiceEvent { .. } => {}
        }
    }
}

impl ChangeRecord {
    fn of(step: &plan::Step) -> Self {
        let fields = step.change.fields.iter().take(MOST_FIELDS);
        ChangeRecord {
            fields: fields
                .map(|field| FieldRecord {
                    field: field.field.clone(),
                    old: short(&readable(&field.old)),
                    new: short(&readable(&field.new)),
                    replaces: field.effect == Effect::Replace,
                })
                .collect(),
            notice: step.notice.as_deref().map(short),
        }
    }
}

impl FailureRecord {
    fn of(
        error: &CallError,
        cause: Option<Cause>,
        holders: &[Holder],
        leftover: &LeftBehind,
    ) -> Self {
        let by_navi = error.code.is_none() && !error.operation.contains(':');
        let further = [
            held_by(holders),
            left_behind(leftover),
            advice(error, cause).map(str::to_owned),
            cause.map(|cause| code_line(cause, &Palette::plain())),
        ];
        FailureRecord {
            operation: error.operation.clone(),
            code: error.code.clone(),
            request_id: error.request_id.clone(),
            message: by_navi.then(|| short(&error.message)),
            further: further
                .into_iter()
                .flatten()
                .map(|text| short(&text))
                .collect(),
        }
    }
}

/// A text that stays within what is kept.
fn short(text: &str) -> String {
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::plain::tests::eventful_run;

    pub fn recorded(events: &[Event]) -> RunRecord {
        let (recorder, timeline) = (Recorder::of(&Plan::default()), Timeline::default());
        for event in events {
            recorder.event(event);
            timeline.event(event);
        }
        recorder.record(&timeline)
    }

    #[test]
    fn every_step_is_there_once_with_what_became_of_it() {
        let record = recorded(&eventful_run());
        let marks: Vec<(String, Mark)> = record
            .steps
            .iter()
            .map(|step| (step.times.address.to_string(), step.mark()))
            .collect();
        assert_eq!(
            marks,
            [
                ("nat_gateway.1a".to_owned(), Mark::Create),
                ("service.backend".to_owned(), Mark::Failed),
            ]
        );
        assert_eq!(record.steps[0].calls[0].requests, 3);
        assert_eq!(
            record.steps[0].notes,
            [(1_900, "state is pending".to_owned())]
        );
        let blocked = &record.not_begun[0];
        assert_eq!(blocked.blocked_by.len(), 2, "{blocked:?}");
        assert_eq!(record.not_begun[1].blocked_by, []);
        assert!(record.interrupted);
    }

    #[test]
    fn two_runs_of_one_command_are_told_one_after_the_other() {
        let one = recorded(&eventful_run());
        let both = one.clone().and(one.clone());
        assert_eq!(both.milliseconds, 210_000);
        let (first, again) = (&both.steps[0].times, &both.steps[2].times);
        assert_eq!(
            (again.began, again.ended),
            (105_000, first.ended.map(|end| end + 105_000))
        );
        let critical = |step: &&StepRecord| step.is_critical(&both.path);
        assert_eq!(
            both.steps.iter().filter(critical).count(),
            2 * one.path.len()
        );
    }

    #[test]
    fn the_free_text_of_aws_is_not_kept() {
        let kept = serde_json::to_string(&recorded(&eventful_run())).unwrap();
        assert!(kept.contains("InvalidParameterException"), "{kept}");
        assert!(!kept.contains("Unable to assume"), "{kept}");
    }

    #[test]
    fn what_is_kept_of_a_step_has_bounds() {
        let address = Address::new("ecs_service", "web");
        let mut events = vec![Event::StepBegan {
            address: address.clone(),
            action: Action::Create,
            at_milliseconds: 0,
            after: None,
            expected_milliseconds: 0,
            remaining_milliseconds: 0,
            awaited_by: Vec::new(),
        }];
        events.extend((0..1000).map(|milliseconds| Event::StepProgress {
            address: address.clone(),
            message: format!("{milliseconds}{}", "x".repeat(5000)),
            milliseconds,
        }));
        let record = recorded(&events);
        let notes = &record.steps[0].notes;
        assert_eq!(notes.len(), MOST_NOTES);
        assert_eq!((notes[0].0, notes[MOST_NOTES - 1].0), (0, 999));
        assert!(serde_json::to_vec(&record).unwrap().len() < 10_000);
    }
}
