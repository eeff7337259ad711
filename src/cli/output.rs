//! How does text leave navi? Data to standard output, everything else to standard error.

use std::io::{self, ErrorKind, Write};

use super::arguments::GlobalOptions;
use super::error::CommandError;
use crate::report::{Event, JsonLines, Palette, Sink};

/// Writes data. A reader that went away (`navi plan | head`) is no error: the command's own exit code stands.
pub fn data(text: &str) -> Result<(), CommandError> {
    passed_on(text).map(|_| ())
}

/// The same, for who would go on writing: whether there still is a reader.
pub fn passed_on(text: &str) -> Result<bool, CommandError> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| match text.ends_with('\n') {
            true => Ok(()),
            false => stdout.write_all(b"\n"),
        })
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CommandError::Output(error)),
        Ok(()) => Ok(true),
    }
}

/// Writes data as one JSON document.
pub fn document(value: &serde_json::Value) -> Result<(), CommandError> {
    data(&format!("{value:#}"))
}

/// Tells the person at the terminal something. A closed standard error is not worth stopping for.
pub fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What navi is at, before there are events to say so; a program hears those only.
pub fn progress(global: &GlobalOptions, text: &str) {
    if !global.json() && !global.quiet {
        notice(text);
    }
}

/// Something to know that stops nothing: an event for a program, a line for a person.
pub fn warning(global: &GlobalOptions, message: &str) {
    if global.json() {
        let message = message.to_owned();
        return JsonLines::new(io::stderr()).event(&Event::Warning { message });
    }
    let style = Palette::for_stderr().warning;
    notice(&format!("{style}warning{style:#}: {message}"));
}
