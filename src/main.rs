//! What does navi's process do? Arguments → runtime → `cli::run` → exit code; or an answer to the shell that completes a line.

use std::process::ExitCode;

fn main() -> ExitCode {
    if navi::cli::answer_completion() {
        return ExitCode::SUCCESS;
    }
    let arguments = match navi::cli::parse() {
        Ok(arguments) => arguments,
        Err(code) => return ExitCode::from(code),
    };
    // Two workers: navi waits on a network, it does not compute.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => ExitCode::from(runtime.block_on(navi::cli::run(arguments))),
        Err(error) => {
            eprintln!("error: could not start navi's runtime: {error}");
            ExitCode::from(navi::cli::exit_code::ERROR)
        }
    }
}
