//! The native host: runs a Spin application, and grants its components SQLite and llama.cpp.

mod authoring;
mod backup;
mod bindings;
mod capability;
mod config;
mod engine;
mod eval;
mod file;
mod keys;
mod kit;
mod manifest;
mod metrics;
mod model;
mod models;
mod near;
mod policies;
mod serve;
mod slot;
mod store;
mod traces;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

use config::{Arguments, Command, LogFormat, ServeArguments};

/// How long threads that are busy when the host ends are waited for.
const END_TIME_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let command = match Arguments::read() {
        Ok(arguments) => arguments.command,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let serves = matches!(command, Command::Serve(_));
    // What llama.cpp has to say of a file stands in the error that a command ends with.
    // What serves MCP would tell of every request, three times.
    let usual = if serves { "info,rmcp=warn" } else { "error" };
    let done = match command {
        Command::Probe { kind, model } => return model::llama::probe(kind, &model),
        Command::Serve(serve) => {
            start_log(usual, serve.log_format);
            run(*serve)
        }
        Command::Eval(eval) => {
            start_log(usual, LogFormat::Text);
            eval::run(eval)
        }
        Command::Models(models) => {
            start_log(usual, LogFormat::Text);
            models::command::run(models)
        }
        Command::Policy(policy) => {
            start_log(usual, LogFormat::Text);
            policies::command::run(policy)
        }
        Command::Keys(keys) => keys::command::run(keys),
        Command::Backup(arguments) => backup::make(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if serves {
                tracing::error!("Loci cannot go on: {error:#}");
            } else {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(serve: ServeArguments) -> Result<()> {
    let config = serve.complete()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the server")?;
    let result = runtime.block_on(serve::run(config));
    runtime.shutdown_timeout(END_TIME_MAX);
    result
}

/// Writes the log to standard error. `RUST_LOG` says how much of it; `usual` holds otherwise.
fn start_log(usual: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            log.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
        }
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
