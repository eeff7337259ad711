//! `navi completions`: how does a shell learn to complete navi's commands, options and the names in them?

use clap_complete::Shell;
use clap_complete::env::Shells;

use super::completing::VARIABLE;
use super::error::CommandError;
use super::output;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Besides commands and options it completes the names of stacks, services, addresses and outputs:
the script asks navi, which looks into the state and the stack file, and calls nobody. Let the
shell read it when it starts, so that it is always that of the navi installed.

Examples:
  eval \"$(navi completions bash)\"    in ~/.bashrc
  eval \"$(navi completions zsh)\"     in ~/.zshrc, after compinit
  navi completions fish | source       in ~/.config/fish/completions/navi.fish
  navi completions powershell | Out-String | Invoke-Expression    in $PROFILE")]
pub struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// zsh runs a script that it found in its `fpath` itself as the completion, the first time: it has to answer then, too.
const ZSH_AUTOLOADED: &str = r#"
if [ "${funcstack[1]}" = "_navi" ]; then
    _clap_dynamic_completer_navi "$@"
fi
"#;

pub fn run(arguments: &CompletionsArguments) -> Result<(), CommandError> {
    let shells = Shells::builtins();
    let mut script = Vec::new();
    if let Some(shell) = shells.completer(&arguments.shell.to_string()) {
        shell
            .write_registration(VARIABLE, "navi", "navi", "navi", &mut script)
            .map_err(CommandError::Output)?;
    }
    if arguments.shell == Shell::Zsh {
        script.extend(ZSH_AUTOLOADED.bytes());
    }
    output::data(&String::from_utf8_lossy(&script))
}
