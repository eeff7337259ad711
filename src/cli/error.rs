//! What can keep a command from its end, and what is there to do about it?

use std::error::Error;
use std::fmt::Write;
use std::io;

use super::exit_code;
use super::sandbox_server::SandboxError;
use crate::report::Palette;

/// Everything that ends a command early. The variants say what was attempted; `hint` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("could not write to standard output")]
    Output(#[source] io::Error),
    #[error("could not ask for a confirmation")]
    Prompt(#[source] io::Error),
    #[error("`navi {command}` asks before it changes anything, and nobody can answer here")]
    NobodyToAsk { command: &'static str },
    #[error("nothing was changed: the answer was no")]
    Declined,
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl CommandError {
    pub fn exit_code(&self) -> u8 {
        exit_code::ERROR
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            CommandError::NobodyToAsk { command } => Some(format!(
                "look at `navi plan` first, then say `navi {command} --yes`"
            )),
            CommandError::Sandbox(error) => error.hint(),
            CommandError::Output(_) | CommandError::Prompt(_) | CommandError::Declined => None,
        }
    }

    /// The error with its causes and hint, for standard error.
    pub fn render(&self, palette: &Palette) -> String {
        let Palette { bad, heading, .. } = palette;
        let mut text = format!("{bad}error{bad:#}: {self}");
        let mut last = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some errors repeat their source in their own text.
            if !last.contains(&message) {
                // Writing to a string can't fail.
                let _ = write!(text, "\n  because: {message}");
            }
            last = message;
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\n{heading}hint{heading:#}: {hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_causes_and_what_to_do() {
        let error = CommandError::Prompt(io::Error::other("the terminal is gone"));
        assert_eq!(
            error.render(&Palette::plain()),
            "error: could not ask for a confirmation\n  because: the terminal is gone"
        );
        let error = CommandError::NobodyToAsk { command: "up" };
        assert_eq!(
            error.render(&Palette::plain()),
            "error: `navi up` asks before it changes anything, and nobody can answer here\n\
             hint: look at `navi plan` first, then say `navi up --yes`"
        );
    }
}
