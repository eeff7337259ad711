//! How does a session go over to session-manager-plugin? As the AWS CLI hands it over: by seven words on its command line,
//! of which the session itself goes by the environment where the plugin can take it from there.

use std::io::{self, IsTerminal};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{ExecError, systems_manager};
use crate::aws::{CommandSession, CommandTarget};
use crate::cli::arguments::GlobalOptions;
use crate::cli::context::Connection;
use crate::environment::Requirement;

pub const NAME: &str = "session-manager-plugin";

/// The plugin reads the session from this variable when its first argument is the variable's name.
const VARIABLE: &str = "AWS_SSM_START_SESSION_RESPONSE";
/// The last version that can't (AWS CLI, `sessionmanager.py`).
const LAST_WITHOUT_VARIABLE: [u32; 4] = [1, 2, 497, 0];

const INSTALL: &str = "install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html";

/// The plugin of this machine.
pub struct Plugin {
    version: String,
}

/// Whether it is there, as the first of what a command needs.
pub fn requirement(plugin: &Result<Plugin, io::Error>) -> Requirement {
    match plugin {
        Ok(plugin) => Requirement::met(NAME, format!("version {}", plugin.version)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Requirement::missing(NAME, "there is none on PATH", INSTALL)
        }
        Err(error) => Requirement::missing(NAME, format!("it does not start: {error}"), INSTALL),
    }
}

impl Plugin {
    /// Asks the plugin on PATH for its version.
    pub fn find() -> Result<Self, io::Error> {
        let output = Command::new(NAME)
            .arg("--version")
            .stdin(Stdio::null())
            .output()?;
        match output.status.success() {
            true => Ok(Plugin {
                version: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            }),
            false => Err(io::Error::other(output.status.to_string())),
        }
    }

    /// What `ps` shows is open to everybody on this machine; a process's environment is its user's alone.
    fn reads_variable(&self) -> bool {
        let parts: Option<Vec<u32>> = self
            .version
            .split('.')
            .map(|part| part.parse().ok())
            .collect();
        parts.is_some_and(|parts| parts.as_slice() > LAST_WITHOUT_VARIABLE.as_slice())
    }

    fn command(
        &self,
        global: &GlobalOptions,
        connection: &Connection,
        target: &CommandTarget,
        session: &CommandSession,
    ) -> Command {
        let mut command = Command::new(NAME);
        let answer = session.answer.reveal().unwrap_or_default();
        match self.reads_variable() {
            true => command.arg(VARIABLE).env(VARIABLE, answer),
            false => command.arg(answer),
        };
        let profile = global.profile.clone();
        let profile = profile.or_else(|| std::env::var("AWS_PROFILE").ok());
        command
            .arg(&connection.region)
            .arg("StartSession")
            .arg(profile.unwrap_or_default())
            .arg(json!({"Target": target.name()}).to_string())
            .arg(systems_manager(connection));
        command
    }

    /// From here on the plugin has the terminal, and its end is navi's.
    pub fn take_over(
        &self,
        global: &GlobalOptions,
        connection: &Connection,
        target: &CommandTarget,
        session: &CommandSession,
    ) -> Result<u8, ExecError> {
        let mut command = self.command(global, connection, target, session);
        if io::stdin().is_terminal() {
            // In navi's place: keys, signals and the exit code are the plugin's with nobody in between.
            return Err(ExecError::Plugin(command.exec()));
        }
        self.hold_input(command).map_err(ExecError::Plugin)
    }

    /// The plugin breaks a session off where its input ends ("Cannot perform start session: EOF", amazon-ssm-agent issue
    /// 354), before the command has said anything: in a pipeline its input has to stay open until the session is over.
    fn hold_input(&self, mut command: Command) -> io::Result<u8> {
        // Ctrl-C is the plugin's, which passes it on to the command.
        let _interrupts = signal(SignalKind::interrupt())?;
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        thread::spawn(move || {
            if let Some(mut input) = input {
                // Whoever doesn't read what is left has its reasons.
                let _ = io::copy(&mut io::stdin(), &mut input);
                loop {
                    thread::park();
                }
            }
        });
        Ok(code(child.wait()?))
    }
}

/// As a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let signalled = || status.signal().map(|signal| 128 + signal);
    let code = status.code().or_else(signalled).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_tells_whether_the_session_may_stay_off_the_command_line() {
        for (version, reads) in [
            ("1.2.497.0", false),
            ("1.2.498.0", true),
            ("1.2.707.0", true),
            ("1.3", true),
            ("1.2.54.0", false),
            ("", false),
            ("development", false),
        ] {
            let plugin = Plugin {
                version: version.to_owned(),
            };
            assert_eq!(plugin.reads_variable(), reads, "{version}");
        }
    }
}
