//! What does a live view show right now? Counts, what runs and who waits for it, how services get on, and what is done.
//! Knows no clock and no terminal: both come as values.

use std::collections::{BTreeMap, VecDeque};

use super::columns::{Cell, columns};
use super::event::{Action, Event};
use super::group::group;
use super::palette::Palette;
use super::step_line::{ADDRESS_WIDTH, Tally, busy, duration};
use super::terminal::{COLUMNS_LEFT_FREE, Screen};
use crate::resource::{Address, RolloutCounts};

/// Rows of the terminal that stay free for the lasting lines.
const ROWS_LEFT_FREE: usize = 4;
/// So many of ECS's latest sentences are shown.
const SENTENCES: usize = 3;
/// The widest bar.
const BAR_WIDTH: usize = 30;
/// A step that is expected to take less is over before anybody has read how long it takes, in milliseconds.
const WORTH_A_FORECAST: u64 = 5_000;

/// What the moving part shows.
#[derive(Default)]
pub(super) struct Live {
    pub tally: Tally,
    /// The view may stand before the run begins, while the user is asked.
    run_began_at: u64,
    /// In the order of their beginning: the longest wait stands on top.
    running: Vec<Running>,
    /// Of services that are waited for.
    rollouts: BTreeMap<Address, RolloutCounts>,
    /// What ECS said last, oldest first.
    said: VecDeque<String>,
    /// How many steps of each group are done.
    done: BTreeMap<&'static str, usize>,
}

struct Running {
    address: Address,
    action: Action,
    exists: bool,
    message: Option<String>,
    began_at: u64,
    /// Milliseconds that the step itself is expected to take, and the run from its beginning on.
    expected: u64,
    remaining: u64,
    awaited_by: Vec<Address>,
}

impl Live {
    pub fn hear(&mut self, event: &Event, now: u64) {
        self.tally.count(event);
        match event {
            Event::RunBegan { .. } => self.run_began_at = now,
            Event::StepBegan {
                address,
                action,
                expected_milliseconds,
                remaining_milliseconds,
                awaited_by,
                ..
            } => self.running.push(Running {
                address: address.clone(),
                action: *action,
                exists: false,
                message: None,
                began_at: now,
                expected: *expected_milliseconds,
                remaining: *remaining_milliseconds,
                awaited_by: awaited_by.clone(),
            }),
            Event::StepExists { address, id, .. } => {
                if let Some(running) = self.find(address) {
                    running.exists = true;
                    running.message = id.clone();
                }
            }
            Event::StepProgress {
                address, message, ..
            } => {
                if let Some(running) = self.find(address) {
                    running.message = Some(message.clone());
                }
            }
            Event::RolloutProgress { address, counts } => {
                self.rollouts.insert(address.clone(), *counts);
            }
            Event::ServiceEvent { address, message } => {
                if self.said.len() == SENTENCES {
                    self.said.pop_front();
                }
                self.said
                    .push_back(format!("{}: {message}", address.name()));
            }
            Event::StepDone { address, .. } => {
                *self.done.entry(group(address.kind())).or_default() += 1;
                self.ended(address);
            }
            Event::StepFailed { address, .. }
            | Event::StepBlocked { address, .. }
            | Event::StepSkipped { address, .. } => self.ended(address),
            _ => {}
        }
    }

    fn ended(&mut self, address: &Address) {
        self.running.retain(|running| running.address != *address);
        self.rollouts.remove(address);
    }

    fn find(&mut self, address: &Address) -> Option<&mut Running> {
        self.running
            .iter_mut()
            .find(|running| running.address == *address)
    }

    /// What the run is expected to take from now on; every step that has not begun waits for one that runs.
    fn left(&self, now: u64) -> String {
        let left = self.running.iter().map(|running| running.left(now)).max();
        match left.unwrap_or_default() {
            // Less than a look's pause is no news.
            0..2000 => String::new(),
            left => format!(", about {} left", whole_seconds(left)),
        }
    }

    /// The lines, none longer than the screen is wide: one that wraps would be miscounted when it is redrawn.
    pub fn lines(&self, now: u64, screen: Screen, palette: &Palette) -> Vec<String> {
        let width = usize::from(screen.columns).saturating_sub(COLUMNS_LEFT_FREE);
        let heading = palette.heading;
        let head = self.head(now, width);
        let mut lines = vec![format!("{heading}{head}{heading:#}")];
        let below = self.below(width, palette);
        let rows = usize::from(screen.rows).saturating_sub(ROWS_LEFT_FREE);
        // Where not all of it fits in, what runs is worth more than what is below.
        let below = match self.running.len().min(3) + 1 + below.len() <= rows {
            true => below,
            false => Vec::new(),
        };
        let room = rows.saturating_sub(lines.len() + below.len()).max(1);
        let shown = &self.running[..room.min(self.running.len())];
        let addresses = shown
            .iter()
            .map(|one| one.address.to_string().chars().count());
        let address_width = addresses.max().unwrap_or_default().min(ADDRESS_WIDTH);
        lines.extend(
            shown
                .iter()
                .map(|running| running.line(now, address_width, width, palette)),
        );
        if self.running.len() > room {
            lines.push(format!("    and {} more", self.running.len() - room));
        }
        lines.extend(below);
        lines
    }

    fn head(&self, now: u64, width: usize) -> String {
        let Tally { total, ended } = self.tally;
        let bar = BAR_WIDTH.min(width / 4);
        let filled = (bar * ended).checked_div(total).unwrap_or(bar).min(bar);
        let head = format!(
            "[{}{}] {ended} of {total}, {} running, {}{}",
            "#".repeat(filled),
            "-".repeat(bar - filled),
            self.running.len(),
            duration(now.saturating_sub(self.run_began_at)),
            self.left(now)
        );
        cut(&head, width)
    }

    /// How the services get on, what ECS said last, and what is done.
    fn below(&self, width: usize, palette: &Palette) -> Vec<String> {
        let faint = palette.faint;
        let mut lines = Vec::new();
        if !self.rollouts.is_empty() {
            lines.push(String::new());
            lines.extend(self.rollout_table().lines().map(|line| cut(line, width)));
        }
        let quiet = |text: &str| format!("{faint}{}{faint:#}", cut(text, width));
        lines.extend(self.said.iter().map(|said| quiet(&format!("  {said}"))));
        if !self.done.is_empty() {
            let done: Vec<String> = self
                .done
                .iter()
                .map(|(group, count)| format!("{group} {count}"))
                .collect();
            lines.push(String::new());
            lines.push(quiet(&format!("done: {}", done.join(", "))));
        }
        lines
    }

    fn rollout_table(&self) -> String {
        let title = [
            "  service",
            "wanted",
            "running",
            "pending",
            "healthy",
            "failed",
        ];
        let mut rows = vec![title.map(Cell::from).to_vec()];
        for (address, counts) in &self.rollouts {
            let healthy = counts.healthy.map_or("-".to_owned(), |one| one.to_string());
            rows.push(vec![
                format!("  {}", address.name()).into(),
                counts.wanted.to_string().into(),
                counts.running.to_string().into(),
                counts.pending.to_string().into(),
                healthy.into(),
                counts.failed.to_string().into(),
            ]);
        }
        columns(&rows)
    }
}

impl Running {
    /// A step that takes longer than expected is expected to end now: what waits for it stays.
    fn left(&self, now: u64) -> u64 {
        let behind = self.remaining.saturating_sub(self.expected);
        let own = (self.began_at + self.expected).saturating_sub(now);
        behind + own
    }

    fn line(&self, now: u64, address_width: usize, width: usize, palette: &Palette) -> String {
        let faint = palette.faint;
        let head = format!(
            "  {:<11} {:<address_width$} {:>7}",
            busy(self.action, self.exists),
            self.address,
            duration(now.saturating_sub(self.began_at))
        );
        let room = width.saturating_sub(head.chars().count() + 2);
        let about = cut(&self.about(), room);
        let head = cut(&head, width);
        format!("{head}  {faint}{about}{faint:#}")
    }

    /// How long it usually takes, what AWS says of it, and who waits for it.
    fn about(&self) -> String {
        let mut parts = Vec::new();
        if self.expected >= WORTH_A_FORECAST {
            parts.push(format!("of about {}", whole_seconds(self.expected)));
        }
        parts.extend(self.message.clone());
        let waiting: Vec<&str> = self.awaited_by.iter().map(Address::name).collect();
        match waiting[..] {
            [] => {}
            [one] => parts.push(format!("{one} waits for it")),
            [one, other] => parts.push(format!("{one} and {other} wait for it")),
            [one, ref more @ ..] => {
                parts.push(format!("{one} and {} more wait for it", more.len()));
            }
        }
        parts.join("; ")
    }
}

/// A forecast pretends to no tenths.
fn whole_seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..60_000 => format!("{}s", milliseconds / 1000),
        _ => duration(milliseconds),
    }
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plain::tests::eventful_run;

    fn after(events: usize, now: u64, columns: u16, rows: u16) -> String {
        let mut live = Live::default();
        for event in &eventful_run()[..events] {
            live.hear(event, 0);
        }
        live.lines(now, Screen { columns, rows }, &Palette::plain())
            .join("\n")
    }

    #[test]
    fn running_steps_say_what_they_wait_for_since_when_and_who_waits_for_them() {
        insta::assert_snapshot!(after(8, 12_300, 140, 24));
    }

    #[test]
    fn a_small_terminal_gets_fewer_and_shorter_lines() {
        let text = after(8, 12_300, 40, 3);
        assert!(
            text.lines()
                .all(|line| line.trim_end().chars().count() < 40),
            "{text}"
        );
        assert!(text.ends_with("and 1 more"), "{text}");
    }

    #[test]
    fn an_ended_step_is_folded_into_its_group() {
        let text = after(9, 104_000, 100, 24);
        assert!(text.contains("1 of 12, 1 running"), "{text}");
        assert!(!text.contains("nat_gateway.1a "), "{text}");
        assert!(text.ends_with("done: network 1"), "{text}");
    }

    #[test]
    fn a_failed_service_has_no_row_any_more() {
        let text = after(11, 104_000, 100, 24);
        assert!(!text.contains("wanted"), "{text}");
    }
}
