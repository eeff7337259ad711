//! How does a run look on a terminal? One moving part shows how far it is; only what went wrong stays above it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::event::{Event, Sink};
use super::live::Live;
use super::palette::Palette;
use super::step_line::lasting_lines;
use super::terminal::{Screen, Terminal};

const REDRAWS_PER_SECOND: u8 = 20;

/// The live view. The whole moving part is one `indicatif` bar of several lines, so one thread redraws it.
pub struct LiveView {
    bar: ProgressBar,
    live: Arc<Mutex<Live>>,
    began: Instant,
    palette: Palette,
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
            match event {
                // The moving part counts it, and the end of the run says what it came to.
                Event::StepDone { .. } => Vec::new(),
                _ => lasting_lines(event, live.tally, &self.palette),
            }
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

fn lock(live: &Mutex<Live>) -> MutexGuard<'_, Live> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
