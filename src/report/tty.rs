//! How does a run look on a terminal? Ended steps scroll by; below them stand the counts and what runs right now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::event::{Action, Event, Sink};
use super::palette::Palette;
use super::step_line::{ADDRESS_WIDTH, Tally, busy, duration, lasting_lines};
use super::terminal::{COLUMNS_LEFT_FREE, Screen, Terminal};
use crate::resource::Address;

/// Rows of the terminal that stay free for the lasting lines.
const ROWS_LEFT_FREE: u16 = 6;
const REDRAWS_PER_SECOND: u8 = 20;

/// The live view. The whole moving part is one `indicatif` bar of several lines, so one thread redraws it.
pub struct LiveView {
    bar: ProgressBar,
    live: Arc<Mutex<Live>>,
    began: Instant,
    palette: Palette,
}

/// What the moving part shows. Knows no clock and no terminal.
#[derive(Default)]
struct Live {
    tally: Tally,
    /// The view may stand before the run begins, while the user is asked.
    run_began_at: u64,
    /// In the order of their beginning: the longest wait stands on top.
    running: Vec<Running>,
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
}

impl LiveView {
    pub fn new(palette: Palette) -> Self {
        let live = Arc::new(Mutex::new(Live::default()));
        let began = Instant::now();
        let bar = ProgressBar::with_draw_target(
            None,
            ProgressDrawTarget::term_like_with_hz(
                Box::new(Terminal::default()),
                REDRAWS_PER_SECOND,
            ),
        );
        let drawn = Arc::clone(&live);
        let style = ProgressStyle::default_spinner()
            .with_key(
                "live",
                move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                    let lines =
                        lock(&drawn).lines(milliseconds(began), Screen::current(), &palette);
                    // The bar's buffer takes everything.
                    let _ = text.write_str(&lines.join("\n"));
                },
            )
            .template("{live}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        LiveView {
            bar,
            live,
            began,
            palette,
        }
    }
}

impl Sink for LiveView {
    fn event(&self, event: &Event) {
        let lines = {
            // The bar locks the live part while it draws: never hold both.
            let mut live = lock(&self.live);
            live.hear(event, milliseconds(self.began));
            lasting_lines(event, live.tally, &self.palette)
        };
        if matches!(event, Event::RunBegan { .. }) {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        for line in lines {
            self.bar.println(line);
        }
        if matches!(event, Event::RunEnded { .. }) {
            self.bar.finish_and_clear();
        }
    }
}

impl Live {
    fn hear(&mut self, event: &Event, now: u64) {
        self.tally.count(event);
        match event {
            Event::RunBegan { .. } => self.run_began_at = now,
            Event::StepBegan {
                address,
                action,
                expected_milliseconds,
                remaining_milliseconds,
                ..
            } => self.running.push(Running {
                address: address.clone(),
                action: *action,
                exists: false,
                message: None,
                began_at: now,
                expected: *expected_milliseconds,
                remaining: *remaining_milliseconds,
            }),
            Event::StepExists { address, id, .. } => {
                if let Some(running) = self.find(address) {
                    running.exists = true;
                    running.message = id.clone();
                }
            }
            Event::StepProgress { address, message } => {
                if let Some(running) = self.find(address) {
                    running.message = Some(message.clone());
                }
            }
            Event::StepDone { address, .. }
            | Event::StepFailed { address, .. }
            | Event::StepBlocked { address, .. }
            | Event::StepSkipped { address, .. } => {
                self.running.retain(|running| running.address != *address);
            }
            _ => {}
        }
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
            left @ 2000..60_000 => format!(", about {}s left", left / 1000),
            left => format!(", about {} left", duration(left)),
        }
    }

    fn lines(&self, now: u64, screen: Screen, palette: &Palette) -> Vec<String> {
        let heading = palette.heading;
        let Tally { total, ended } = self.tally;
        let columns = usize::from(screen.columns).saturating_sub(COLUMNS_LEFT_FREE);
        let head = format!(
            "{ended} of {total}, {} running, {}{}",
            self.running.len(),
            duration(now.saturating_sub(self.run_began_at)),
            self.left(now)
        );
        // A line that wraps would be miscounted when it is redrawn.
        let head: String = head.chars().take(columns).collect();
        let mut lines = vec![format!("{heading}{head}{heading:#}")];
        let room = usize::from(screen.rows.saturating_sub(ROWS_LEFT_FREE).max(1));
        lines.extend(
            self.running
                .iter()
                .take(room)
                .map(|running| running.line(now, columns, palette)),
        );
        if self.running.len() > room {
            lines.push(format!("    and {} more", self.running.len() - room));
        }
        lines
    }
}

impl Running {
    /// A step that takes longer than expected is expected to end now: what waits for it stays.
    fn left(&self, now: u64) -> u64 {
        let behind = self.remaining.saturating_sub(self.expected);
        let own = (self.began_at + self.expected).saturating_sub(now);
        behind + own
    }

    fn line(&self, now: u64, columns: usize, palette: &Palette) -> String {
        let faint = palette.faint;
        let head = format!(
            "  {:<11} {:<ADDRESS_WIDTH$} {:>7}",
            busy(self.action, self.exists),
            self.address,
            duration(now.saturating_sub(self.began_at))
        );
        let room = columns.saturating_sub(head.chars().count() + 2);
        let message: String = self
            .message
            .iter()
            .flat_map(|message| message.chars())
            .take(room)
            .collect();
        let head: String = head.chars().take(columns).collect();
        format!("{head}  {faint}{message}{faint:#}")
    }
}

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
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
    fn running_steps_say_what_they_wait_for_and_since_when() {
        insta::assert_snapshot!(after(6, 12_300, 100, 24));
    }

    #[test]
    fn a_small_terminal_gets_fewer_and_shorter_lines() {
        let text = after(6, 12_300, 40, 3);
        assert!(
            text.lines()
                .all(|line| line.trim_end().chars().count() < 40),
            "{text}"
        );
        assert!(text.ends_with("and 1 more"), "{text}");
    }

    #[test]
    fn an_ended_step_leaves_the_moving_part() {
        let text = after(7, 104_000, 100, 24);
        assert!(text.starts_with("1 of 12, 1 running"), "{text}");
        assert!(!text.contains("nat_gateway"), "{text}");
    }
}
