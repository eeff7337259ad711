//! What does `-v` show? navi's own trace on standard error; never the SDK's, whose bodies may hold secrets.

use tracing_subscriber::EnvFilter;

pub fn begin(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "navi=info",
        _ => "navi=debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
        .with_target(false)
        .init();
}
