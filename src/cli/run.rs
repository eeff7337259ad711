//! How is a plan carried out in front of a person? Question, progress, Ctrl-C, summary, exit code. Shared by `up` and `down`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::drawing::Drawing;
use super::error::CommandError;
use super::plan::{self, steps_document};
use super::{exit_code, last_run, output, prompt, protection, timings};
use crate::aws::Moment;
use crate::execute::{self, Interrupt, RunReport, execute};
use crate::plan::{Action, LeftOut, Plan, Step};
use crate::report::{
    Command, Event, JsonLines, LastRun, LiveView, Outcome, Palette, Plain, Quiet, Recorder,
    RunRecord, Sink, Sinks, Summary, SummaryContext, Timeline, event,
};
use crate::resource::Protection;
use crate::state::Session;

/// Everything that one run is about.
pub struct Run<'a> {
    pub global: &'a GlobalOptions,
    pub command: Command,
    pub connection: &'a Connection,
    pub session: &'a Session,
    pub wait: bool,
    pub timeout: Option<Duration>,
    /// What the plan leaves out of all that there is to do.
    pub left_out: &'a LeftOut,
    /// Whether services that go let open requests end.
    pub drain: bool,
    /// Whether to tell how long every step took.
    pub timings: bool,
    /// Where a page about the run goes.
    pub report: Option<&'a Path>,
    /// The run of the same command that this one goes on with.
    pub earlier: Option<LastRun>,
    /// What is protected from here on; what is recorded stays so without it.
    pub protection: Option<&'a Protection>,
}

/// How it ended: for the exit code, and for the JSON document.
pub struct Ended {
    pub exit_code: u8,
    pub document: Map<String, Value>,
    /// What a page tells of it; none where nothing was to do and no page was asked for.
    pub last: Option<LastRun>,
}

impl Run<'_> {
    /// Shows the plan, asks, carries it out, tells how it ended. `resume` is what to type after `navi` to go on.
    pub async fn carry_out(
        &self,
        plan: &Plan,
        view: Arc<dyn Sink>,
        resume: &str,
    ) -> Result<Ended, CommandError> {
        let recorded = self.session.with_state(|state| state.protection.clone());
        let protection = self.protection.unwrap_or(&recorded);
        let news = protection::news(&recorded, protection);
        if plan.mutates() {
            self.show_and_ask(plan, news.as_deref())?;
        } else if let Some(news) = &news {
            output::progress(self.global, &format!("{}: {news}", self.session.stack()));
        }
        // Before anything is made, so that it holds however the run ends.
        self.session.protect(protection.clone()).await?;
        let (began, caption) = (Moment::now(), format!("after navi {}", self.command));
        let drawing = Drawing::planned(plan, &self.session.state(), caption);
        // From here on the steps' addresses are those of the records.
        for (from, to) in &plan.moved {
            self.session.relocate(from, to).await?;
        }
        let summary = Arc::new(Summary::default());
        let timeline = Arc::new(Timeline::default());
        let recorder = Arc::new(Recorder::of(plan));
        let sinks = Sinks(vec![
            Arc::clone(&summary) as Arc<dyn Sink>,
            Arc::clone(&timeline) as Arc<dyn Sink>,
            Arc::clone(&recorder) as Arc<dyn Sink>,
            view,
        ]);
        let experience = timings::experience(self.session).await;
        sinks.event(&Event::RunBegan {
            command: self.command,
            stack: self.session.stack().to_owned(),
            account: self.connection.account.clone(),
            region: self.connection.region.clone(),
            steps: plan.steps.iter().filter(|step| is_shown(step)).count(),
            schema: event::SCHEMA,
        });
        let (interrupt, interrupts) = watch::channel(Interrupt::None);
        let listener = listen_for_interrupts(interrupt)?;
        let options = execute::Options {
            wait: self.wait,
            timeout: self.timeout,
            drain: self.drain,
            experience: experience.clone(),
        };
        let report = execute(
            plan,
            self.session,
            &self.connection.aws,
            &sinks,
            options,
            interrupts,
        )
        .await;
        listener.abort();
        let has_steps = plan.steps.iter().any(is_shown);
        if has_steps {
            timings::keep(self.session, &timeline, experience).await;
            self.tell(&summary, &timeline, resume);
        }
        let last = (has_steps || self.report.is_some()).then(|| {
            let record = recorder.record(&timeline);
            self.account(record, drawing, began.to_string())
        });
        if let Some(last) = &last {
            if has_steps {
                last_run::keep(self.session, last).await;
            }
            last_run::write_page(self.global, self.report, last);
        }
        Ok(Ended {
            exit_code: exit_code_of(summary.outcome(), &report),
            document: self.document(&summary, &timeline, plan, resume),
            last,
        })
    }

    /// What a page tells of the run, and of the one that it goes on with.
    fn account(&self, record: RunRecord, drawing: Drawing, began: String) -> LastRun {
        let state = self.session.state();
        let picture = drawing.carried_out(&state, record.marks()).picture();
        let last = last_run::of(record, picture, &state, self.connection.place(), began);
        match self.earlier.clone() {
            Some(earlier) => earlier.and(last),
            None => last,
        }
    }

    fn show_and_ask(&self, plan: &Plan, news: Option<&str>) -> Result<(), CommandError> {
        let asks = !self.global.yes;
        if asks || !(self.global.json() || self.global.quiet) {
            let palette = Palette::for_stderr();
            let heading = palette.heading;
            let news = news.map_or_else(String::new, |news| format!("From here on {news}.\n"));
            output::notice(&format!(
                "{heading}{}{heading:#}: {}\n\n{}{news}",
                self.session.stack(),
                self.connection.place(),
                plan::text(plan, self.left_out, &palette)
            ));
        }
        let account = &self.connection.account;
        let question = match self.command {
            Command::Up | Command::Redeploy | Command::Scale => {
                format!("Do this in account {account}?")
            }
            Command::Down => format!("Remove all of this from account {account}?"),
        };
        prompt::confirm(self.global, &question)
    }

    fn tell(&self, summary: &Summary, timeline: &Timeline, resume: &str) {
        let well = summary.outcome() == Outcome::Done;
        if self.global.json() || (self.global.quiet && well) {
            return;
        }
        let palette = Palette::for_stderr();
        let path = match self.timings {
            true => format!(
                "{}{}\n\n",
                timeline.render(&palette),
                timings::written(self.session.written())
            ),
            false => timeline.render_path(&palette),
        };
        let resume = self.global.spelled_out(resume);
        let context = SummaryContext {
            resume: &resume,
            path: &path,
        };
        output::notice(summary.render(&context, &palette).trim_end());
    }

    fn document(
        &self,
        summary: &Summary,
        timeline: &Timeline,
        plan: &Plan,
        resume: &str,
    ) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("command".to_owned(), json!(self.command));
        document.insert("stack".to_owned(), json!(self.session.stack()));
        document.insert("account".to_owned(), json!(self.connection.account));
        document.insert("region".to_owned(), json!(self.connection.region));
        document.insert("plan".to_owned(), steps_document(plan));
        document.insert("left_out".to_owned(), json!(self.left_out));
        document.extend(summary.document());
        document.insert("timeline".to_owned(), timeline.document());
        let written = timings::written_document(self.session.written());
        document.insert("state_written".to_owned(), written);
        document.insert("resume".to_owned(), json!(self.global.spelled_out(resume)));
        document
    }
}

/// Whoever watches: a program, nobody unless there is trouble, a terminal, or a log.
pub fn view(global: &GlobalOptions) -> Arc<dyn Sink> {
    let stderr = std::io::stderr();
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    if global.json() {
        Arc::new(JsonLines::new(stderr))
    } else if global.quiet {
        Arc::new(Quiet::new(stderr, Palette::for_stderr()))
    } else if stderr.is_terminal() && !dumb && global.verbose == 0 {
        Arc::new(LiveView::new(Palette::for_stderr()))
    } else {
        // Trace lines would tear a live view apart.
        Arc::new(Plain::new(stderr, Palette::for_stderr()))
    }
}

/// Whether the run was started with `nohup`, and is to go on without its terminal. Only Linux tells.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, SIGHUP (proc_pid_status(5)).
    ignored.is_some_and(|mask| mask & 1 != 0)
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Ctrl-C once, twice, and a third time for whoever has lost patience. SIGTERM, which pipelines
/// send before they kill, counts as the first, and so does SIGHUP, for the terminal that was closed.
fn listen_for_interrupts(
    interrupt: watch::Sender<Interrupt>,
) -> Result<JoinHandle<()>, CommandError> {
    let mut keyboard = signal(SignalKind::interrupt()).map_err(CommandError::Signals)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(CommandError::Signals)?;
    let mut hung_up = match ignores_hang_up() {
        true => None,
        false => Some(signal(SignalKind::hangup()).map_err(CommandError::Signals)?),
    };
    Ok(tokio::spawn(async move {
        for step in [Interrupt::Once, Interrupt::Twice] {
            tokio::select! {
                _ = keyboard.recv() => {}
                _ = terminated.recv() => {}
                () = received(hung_up.as_mut()) => {}
            }
            interrupt.send_replace(step);
        }
        keyboard.recv().await;
        // Every intent is in the journal: leaving at any instant loses nothing.
        std::process::exit(exit_code::INTERRUPTED.into());
    }))
}

/// Looking up and forgetting touch nothing and send no events.
fn is_shown(step: &Step) -> bool {
    step.mutates() || step.action == Action::Wait
}

fn exit_code_of(outcome: Outcome, report: &RunReport) -> u8 {
    match outcome {
        Outcome::Interrupted => exit_code::INTERRUPTED,
        Outcome::Partial => exit_code::PARTLY_APPLIED,
        Outcome::Failed => exit_code::ERROR,
        Outcome::Done if report.complete() => exit_code::DONE,
        // The state could not be kept: say so even if every step went well.
        Outcome::Done => exit_code::PARTLY_APPLIED,
    }
}
