//! How is a run told to the person, or the program, that watches it? One event enum and its renderers.

pub mod event;

pub use event::{Action, Command, Event, LeftBehind, Sink};
