//! How does a program follow a run? One JSON object per line, each an event as `event.rs` defines it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::event::{Event, Sink};

/// Writes newline-delimited JSON; navi gives it standard error, since standard output holds one final document.
pub struct JsonLines<W> {
    writer: Mutex<W>,
}

impl<W: Write> JsonLines<W> {
    pub fn new(writer: W) -> Self {
        JsonLines {
            writer: Mutex::new(writer),
        }
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn event(&self, event: &Event) {
        let line = match serde_json::to_string(event) {
            Ok(line) => line,
            Err(error) => {
                serde_json::json!({"event": "warning", "message": error.to_string()}).to_string()
            }
        };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // One write per line, so that lines of several writers don't mix. A closed reader must not
        // stop a run that is changing an account.
        let _ = writer.write_all(format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plain::tests::eventful_run;

    #[test]
    fn every_event_is_one_line_of_json() {
        let lines = JsonLines::new(Vec::new());
        for event in eventful_run() {
            lines.event(&event);
        }
        let text = String::from_utf8(lines.writer.into_inner().unwrap()).unwrap();
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["event"].is_string(), "{line}");
        }
        assert_eq!(text.lines().count(), eventful_run().len());
        insta::assert_snapshot!(text);
    }
}
