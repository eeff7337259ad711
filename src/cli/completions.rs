//! `navi completions`: how does a shell learn to complete navi's commands and options?

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::error::CommandError;
use super::output;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  navi completions bash > ~/.local/share/bash-completion/completions/navi
  navi completions zsh > ~/.zfunc/_navi
  navi completions fish > ~/.config/fish/completions/navi.fish")]
pub struct CompletionsArguments {
    shell: Shell,
}

pub fn run(arguments: &CompletionsArguments) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "navi",
        &mut script,
    );
    output::data(&String::from_utf8_lossy(&script))
}
