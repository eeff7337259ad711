//! How does a run read for somebody who only wants to hear of trouble?

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::event::{Event, Sink};
use super::palette::Palette;
use super::step_line::{Tally, lasting_lines};

/// Writes warnings, failures and interruptions to any writer; navi gives it standard error.
pub struct Quiet<W> {
    inner: Mutex<(W, Tally)>,
    palette: Palette,
}

impl<W: Write> Quiet<W> {
    pub fn new(writer: W, palette: Palette) -> Self {
        Quiet {
            inner: Mutex::new((writer, Tally::default())),
            palette,
        }
    }
}

impl<W: Write + Send> Sink for Quiet<W> {
    fn event(&self, event: &Event) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, tally) = &mut *inner;
        tally.count(event);
        let told = matches!(
            event,
            Event::StepFailed { .. }
                | Event::Warning { .. }
                | Event::Interrupted { .. }
                | Event::TimedOut
        );
        for line in told
            .then(|| lasting_lines(event, *tally, &self.palette))
            .into_iter()
            .flatten()
        {
            // A closed standard error must not stop a run that is changing an account.
            let _ = writeln!(writer, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plain::tests::eventful_run;

    #[test]
    fn only_trouble_is_told() {
        let quiet = Quiet::new(Vec::new(), Palette::plain());
        for event in eventful_run() {
            quiet.event(&event);
        }
        let (told, _) = quiet.inner.into_inner().unwrap();
        insta::assert_snapshot!(String::from_utf8(told).unwrap());
    }
}
