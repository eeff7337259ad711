//! What does `-v` show? navi's own trace on standard error; never the SDK's, whose bodies may hold secrets.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

pub fn begin(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(Targets::new().with_target("navi", level))
        .init();
}
