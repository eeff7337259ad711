//! How does one event read as lines of text? Shared by the plain view and the lasting lines of the live view.

use super::event::{Action, Event, LeftBehind};
use super::foreign_text::for_terminal;
use super::palette::Palette;
use crate::resource::{Cause, Holder, LogExcerpt};

/// Wide enough for nearly all addresses; a longer one only pushes its own line.
pub(super) const ADDRESS_WIDTH: usize = 40;

/// Counts the steps that came to an end, for `[ 3/50]`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub total: usize,
    pub ended: usize,
}

impl Tally {
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::RunBegan { steps, .. } => {
                *self = Tally {
                    total: *steps,
                    ended: 0,
                }
            }
            Event::StepDone { .. }
            | Event::StepFailed { .. }
            | Event::StepBlocked { .. }
            | Event::StepSkipped { .. } => self.ended += 1,
            _ => {}
        }
    }

    fn label(self) -> String {
        let width = self.total.to_string().len();
        format!("[{:>width$}/{}]", self.ended, self.total)
    }
}

/// The lines that stay on the screen. `tally` has counted this event already.
pub(super) fn lasting_lines(event: &Event, tally: Tally, palette: &Palette) -> Vec<String> {
    let Palette {
        good,
        bad,
        warning,
        faint,
        heading,
        ..
    } = palette;
    match event {
        // A run with nothing to do is told at its end.
        Event::RunBegan { steps: 0, .. } => Vec::new(),
        Event::RunBegan {
            command,
            stack,
            account,
            region,
            steps,
            ..
        } => vec![format!(
            "{heading}{command} {stack}{heading:#}: {}, account {account}, {region}",
            counted(*steps, "step")
        )],
        Event::Recovered { address, what } => vec![format!("recovered {address}: {what}")],
        Event::StepDone {
            address,
            action,
            id,
            awaited,
            milliseconds,
        } => {
            let state = match awaited {
                true => action.done(),
                false => "exists",
            };
            let id = id.as_deref().unwrap_or_default();
            let line = format!(
                "{} {good}{:<8}{good:#} {address:<ADDRESS_WIDTH$} {:>7}  {faint}{id}{faint:#}",
                tally.label(),
                state,
                duration(*milliseconds)
            );
            vec![line.trim_end().to_owned()]
        }
        Event::StepFailed {
            address,
            code,
            error,
            logs,
            holders,
            leftover,
            milliseconds,
            ..
        } => {
            let mut lines = vec![
                format!(
                    "{} {bad}{:<8}{bad:#} {address:<ADDRESS_WIDTH$} {:>7}",
                    tally.label(),
                    "FAILED",
                    duration(*milliseconds)
                ),
                format!("    {error}"),
            ];
            lines.extend(
                last_words(logs, palette)
                    .into_iter()
                    .map(|text| format!("    {text}")),
            );
            lines.extend(held_by(holders).map(|text| format!("    {text}")));
            lines.extend(left_behind(leftover).map(|text| format!("    {text}")));
            lines.extend(code.map(|cause| format!("    {}", code_line(cause, palette))));
            lines
        }
        Event::StepBlocked { address, by, .. } => vec![format!(
            "{} {warning}{:<8}{warning:#} {address:<ADDRESS_WIDTH$} by {by}",
            tally.label(),
            "blocked"
        )],
        Event::StepSkipped { address, .. } => vec![format!(
            "{} {warning}{:<8}{warning:#} {address}",
            tally.label(),
            "skipped"
        )],
        Event::Interrupted { again: false } => vec![format!(
            "{warning}interrupted{warning:#}: nothing more is started; what runs is finished first (Ctrl-C again stops at once)"
        )],
        Event::Interrupted { again: true } => vec![format!(
            "{warning}interrupted again{warning:#}: stopping at once; the journal holds what was under way"
        )],
        Event::TimedOut => vec![format!(
            "{warning}out of time{warning:#}: nothing more is started or waited for"
        )],
        Event::Warning { message } => vec![format!("{warning}warning{warning:#}: {message}")],
        // The end of the run says it.
        Event::StepBlockedToo { .. }
        | Event::StepBegan { .. }
        | Event::StepProgress { .. }
        | Event::StepCalled { .. }
        | Event::Looked { .. }
        | Event::StepExists { .. }
        | Event::StepGoing { .. }
        | Event::StepServes { .. }
        | Event::RolloutProgress { .. }
        | Event::ServiceEvent { .. }
        | Event::RunEnded { .. } => Vec::new(),
    }
}

/// Where there is more to read about a failure.
pub fn code_line(cause: Cause, palette: &Palette) -> String {
    let heading = palette.heading;
    format!("{heading}code{heading:#}: {cause}, see `navi explain {cause}`")
}

/// What containers wrote last, for the eyes of who is there.
pub(super) fn last_words(logs: &[LogExcerpt], palette: &Palette) -> Vec<String> {
    let Palette { faint, heading, .. } = palette;
    let mut lines = Vec::new();
    for excerpt in logs {
        lines.push(format!(
            "{heading}last lines{heading:#} of container {}, shown here only {faint}({}, {}){faint:#}",
            excerpt.container, excerpt.group, excerpt.stream
        ));
        let shown = excerpt
            .lines
            .iter()
            .map(|line| format!("{faint}|{faint:#} {}", for_terminal(line, false)));
        lines.extend(shown);
    }
    lines
}

/// Who kept AWS from doing it.
pub(super) fn held_by(holders: &[Holder]) -> Option<String> {
    (!holders.is_empty()).then(|| Holder::sentence(holders))
}

/// What is left in the account, as a sentence.
pub(super) fn left_behind(leftover: &LeftBehind) -> Option<String> {
    match leftover {
        LeftBehind::Nothing => None,
        LeftBehind::Perhaps => Some(
            "it is unknown whether AWS did it: the next run looks for it before anything else"
                .to_owned(),
        ),
        LeftBehind::Exists { id } => Some(format!(
            "left behind: {}; it is recorded, the next run goes on with it",
            id.as_deref().unwrap_or("the unfinished resource")
        )),
    }
}

/// What a step is busy with, for the live view: `creating`, `waiting for`.
pub(super) fn busy(action: Action, exists: bool) -> &'static str {
    match action {
        Action::Create | Action::Replace if exists => "waiting",
        other => other.running(),
    }
}

/// `1 step`, `2 steps`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A duration as a person reads it: `85ms`, `1.4s`, `12.3s`, `2m05s`, `1h02m`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds}ms"),
        1..60 => format!("{seconds}.{}s", milliseconds % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long ago something was, in its two largest units at most: `45s`, `12m`, `3h20m`, `5d`.
pub fn age(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match minutes {
        0 => format!("{}s", milliseconds / 1000),
        1..60 => format!("{minutes}m"),
        60..1440 => format!("{}h{:02}m", minutes / 60, minutes % 60),
        _ => format!("{}d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_at_a_glance() {
        for (milliseconds, shown) in [
            (999, "0s"),
            (45_000, "45s"),
            (725_000, "12m"),
            (12_000_000, "3h20m"),
            (86_400_000, "1d"),
        ] {
            assert_eq!(age(milliseconds), shown);
        }
    }

    #[test]
    fn durations_read_like_a_stopwatch() {
        let read = |milliseconds| duration(milliseconds);
        assert_eq!(read(0), "0ms");
        assert_eq!(read(999), "999ms");
        assert_eq!(read(1_000), "1.0s");
        assert_eq!(read(59_999), "59.9s");
        assert_eq!(read(60_000), "1m00s");
        assert_eq!(read(125_400), "2m05s");
        assert_eq!(read(3_720_000), "1h02m");
    }
}
