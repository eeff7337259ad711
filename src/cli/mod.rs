//! What did the user ask for? One command is one file, with its arguments (whose doc comments are the help text) and its `run`.

mod adopt;
mod arguments;
mod causes;
mod check;
mod chosen_services;
mod completing;
mod completions;
mod config;
mod context;
mod discover;
mod down;
mod drawing;
mod drift;
mod error;
mod events;
mod exec;
pub mod exit_code;
mod explain;
mod following;
mod graph;
mod image_digests;
mod init;
mod last_run;
mod logging;
mod logs;
mod man;
mod output;
mod outputs;
mod plan;
mod planning;
mod policy;
mod prompt;
mod protection;
mod reading;
mod rebuilding;
mod redeploy;
mod report;
mod run;
mod running_services;
mod sandbox;
mod sandbox_server;
mod sandbox_settings;
mod scale;
mod schema;
mod stack_file;
mod state;
mod status;
mod targets;
mod tasks;
mod timings;
mod unlock;
mod up;
mod verify;
mod visitors;

pub use arguments::Arguments;
pub use completing::answer as answer_completion;

use arguments::Command;
use clap::Parser;
use error::CommandError;

use crate::report::Palette;

/// Reads the command line. `Err` holds the exit code: clap has printed the help or what is wrong already.
pub fn parse() -> Result<Arguments, u8> {
    Arguments::try_parse().map_err(|error| {
        // A closed output must not become a panic.
        let _ = error.print();
        // clap's own code for wrong usage is 2, which means "changes pending" here.
        if error.use_stderr() {
            exit_code::ERROR
        } else {
            exit_code::DONE
        }
    })
}

/// Runs one command and says what to tell the shell.
pub async fn run(arguments: Arguments) -> u8 {
    if arguments.global.no_color {
        anstream::ColorChoice::Never.write_global();
    }
    logging::begin(arguments.global.verbose);
    match route(&arguments).await {
        Ok(code) => code,
        Err(error) => {
            output::notice(&match arguments.global.json() {
                true => error.document().to_string(),
                false => error.render(&Palette::for_stderr()),
            });
            error.exit_code()
        }
    }
}

async fn route(arguments: &Arguments) -> Result<u8, CommandError> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Init(arguments) => init::run(global, arguments),
        Command::Up(arguments) => up::run(global, arguments).await,
        Command::Down(arguments) => down::run(global, arguments).await,
        Command::Plan(arguments) => plan::run(global, arguments).await,
        Command::Check(arguments) => check::run(global, arguments).await,
        Command::Drift(arguments) => drift::run(global, arguments).await,
        Command::Redeploy(arguments) => redeploy::run(global, arguments).await,
        Command::Scale(arguments) => scale::run(global, arguments).await,
        Command::Status(arguments) => status::run(global, arguments).await,
        Command::Logs(arguments) => logs::run(global, arguments).await,
        Command::Tasks(arguments) => tasks::run(global, arguments).await,
        Command::Events(arguments) => events::run(global, arguments).await,
        Command::Exec(arguments) => exec::run(global, arguments).await,
        Command::Discover(arguments) => discover::run(global, arguments).await,
        Command::Verify(arguments) => verify::run(global, arguments).await,
        Command::Graph(arguments) => graph::run(global, arguments).await,
        Command::Report(arguments) => report::run(global, arguments),
        Command::Outputs(arguments) => outputs::run(global, arguments).await,
        Command::Policy(arguments) => policy::run(global, arguments).await,
        Command::Config(_) => config::run(global).map(|()| exit_code::DONE),
        Command::Schema(_) => schema::run().map(|()| exit_code::DONE),
        Command::Adopt(arguments) => adopt::run(global, arguments).await,
        Command::State(arguments) => state::run(global, arguments).await,
        Command::Unlock(arguments) => unlock::run(global, arguments),
        Command::Sandbox(arguments) => sandbox::run(global, arguments).await,
        Command::Explain(arguments) => explain::run(global, arguments).map(|()| exit_code::DONE),
        Command::Completions(arguments) => completions::run(arguments).map(|()| exit_code::DONE),
        Command::Man(arguments) => man::run(arguments).map(|()| exit_code::DONE),
    }
}
