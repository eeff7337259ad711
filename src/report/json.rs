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
    use crate::report::event::SCHEMA;
    use crate::report::plain::tests::eventful_run;
    use crate::resource::Address;

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

    /// Every event that a run can tell, and every field of it.
    #[test]
    fn the_page_on_events_names_every_event_and_every_field() {
        let page = include_str!("../../docs/EVENTS.md");
        assert!(page.contains(&format!("now {SCHEMA}.")), "{SCHEMA}");
        let mut all = eventful_run();
        all.extend(rare_events());
        for event in all {
            let value = serde_json::to_value(&event).unwrap();
            let name = value["event"].as_str().unwrap();
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")))
                .unwrap_or_else(|| panic!("docs/EVENTS.md has no row for {name}"));
            for field in value.as_object().unwrap().keys() {
                assert!(
                    field == "event" || row.contains(&format!("`{field}`")),
                    "docs/EVENTS.md says nothing of {field} of {name}"
                );
            }
        }
    }

    /// Those that the eventful run has not. The match fails to compile when an event is added.
    fn rare_events() -> Vec<Event> {
        let address = || Address::new("vpc", "main");
        let known = |event: &Event| match event {
            Event::RunBegan { .. }
            | Event::Recovered { .. }
            | Event::StepBegan { .. }
            | Event::StepProgress { .. }
            | Event::StepCalled { .. }
            | Event::Looked { .. }
            | Event::RolloutProgress { .. }
            | Event::ServiceEvent { .. }
            | Event::StepExists { .. }
            | Event::StepGoing { .. }
            | Event::StepServes { .. }
            | Event::StepDone { .. }
            | Event::StepFailed { .. }
            | Event::StepBlocked { .. }
            | Event::StepBlockedToo { .. }
            | Event::StepSkipped { .. }
            | Event::Interrupted { .. }
            | Event::TimedOut
            | Event::Warning { .. }
            | Event::RunEnded { .. } => true,
        };
        let rare = vec![
            Event::StepGoing {
                address: address(),
                milliseconds: 1,
            },
            Event::StepServes {
                address: address(),
                milliseconds: 1,
            },
            Event::TimedOut,
        ];
        assert!(rare.iter().all(known));
        rare
    }
}
