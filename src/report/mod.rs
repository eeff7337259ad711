//! How is a run told to the person, or the program, that watches it? One event enum and its renderers.

mod advice;
mod columns;
pub mod event;
mod foreign_text;
mod group;
mod json;
mod live;
mod markdown;
mod page;
mod palette;
mod plain;
mod quiet;
mod record;
mod step_line;
mod summary;
mod terminal;
mod timeline;
mod tty;

pub use columns::{Cell, columns};
pub use event::{Action, After, Command, Event, LeftBehind, Sink, Until, id_of};
pub use foreign_text::for_terminal;
pub use json::JsonLines;
pub use markdown::markdown;
pub use palette::Palette;
pub use plain::Plain;
pub use quiet::Quiet;
pub use record::{LastRun, Recorder, RunRecord};
pub use step_line::{age, code_line, counted, duration};
pub use summary::{Outcome, Summary, SummaryContext};
pub use timeline::{Link, StepTimes, Timeline};
pub use tty::LiveView;

use std::sync::Arc;

/// Several who watch one run.
pub struct Sinks(pub Vec<Arc<dyn Sink>>);

impl Sink for Sinks {
    fn event(&self, event: &Event) {
        for sink in &self.0 {
            sink.event(event);
        }
    }
}
