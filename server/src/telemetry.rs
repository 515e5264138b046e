//! Tracing set-up. One line per thing that happened; a line reads alone and carries its fields.
//!
//! Never in a log: e-mail addresses, names, access codes, tokens.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Writes logs to standard error: as text, or as JSON lines with `LOG_FORMAT=json`. `RUST_LOG`
/// chooses what; the default is `info`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_target(false)
        // Colours stand between a field's name and its value, where no grep finds them together.
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        logs.json().init();
    } else {
        logs.init();
    }
}
