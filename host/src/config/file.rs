//! Settings in a file: what it says stands behind the arguments and the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};
use toml::{Table, Value};

use super::Arguments;

/// The most bytes of the file.
const BYTES_MAX: u64 = 1 << 20;

/// Adds to the arguments of `loci serve` what the file says that `--config` names, as far as they
/// and the environment say nothing. Any others stay as they are.
///
/// # Errors
///
/// Fails if the file cannot be read, is no TOML, or has a setting that there is not.
pub fn complete(mut given: Vec<OsString>) -> Result<Vec<OsString>> {
    let mut program = Arguments::command();
    program.build();
    // What is wrong or missing is told once the file's part is there.
    let Ok(found) = program.clone().ignore_errors(true).try_get_matches_from(&given) else {
        return Ok(given);
    };
    let Some(("serve", said)) = found.subcommand() else { return Ok(given) };
    let Some(path) = said.get_one::<PathBuf>("config") else { return Ok(given) };
    let serve = program.find_subcommand("serve").context("`serve` is a command")?;
    given.extend(settings(path, serve, said)?);
    Ok(given)
}

/// The settings of a file as arguments, but for those that were said already.
fn settings(path: &Path, serve: &Command, said: &ArgMatches) -> Result<Vec<OsString>> {
    let name = || format!("`{}`", path.display());
    let bytes = std::fs::metadata(path).with_context(|| format!("cannot read {}", name()))?.len();
    ensure!(bytes <= BYTES_MAX, "{} has more than {BYTES_MAX} bytes", name());
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", name()))?;
    let table: Table = text.parse().with_context(|| format!("{} is no TOML", name()))?;
    let mut settings = Vec::new();
    for (key, value) in &table {
        let argument = argument(serve, key).with_context(|| {
            format!("{} has `{key}`, which is no setting: `loci serve --help` lists all", name())
        })?;
        if is_said(serve, said, argument) {
            continue;
        }
        settings.extend(written(key, value, argument).with_context(name)?.map(OsString::from));
    }
    Ok(settings)
}

/// The argument of this name, if it can stand in a file.
fn argument<'a>(serve: &'a Command, key: &str) -> Option<&'a Arg> {
    let named = |argument: &&Arg| argument.get_long() == Some(key);
    serve.get_arguments().find(named).filter(|_| !["config", "help"].contains(&key))
}

/// Whether an argument or a variable says it, or something that goes in its place.
fn is_said(serve: &Command, said: &ArgMatches, argument: &Arg) -> bool {
    let is = |argument: &Arg| {
        let source = said.value_source(argument.get_id().as_str());
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let excludes = |one: &Arg, other: &Arg| serve.get_arg_conflicts_with(one).contains(&other);
    let instead =
        |other: &&Arg| is(other) && (excludes(argument, other) || excludes(other, argument));
    is(argument) || serve.get_arguments().any(|other| instead(&other))
}

/// A setting as it is written among arguments; none for a switch that is off.
fn written(key: &str, value: &Value, argument: &Arg) -> Result<Option<String>> {
    let takes_value = argument.get_action().takes_values();
    Ok(match value {
        Value::Boolean(on) if !takes_value => on.then(|| format!("--{key}")),
        _ if !takes_value => bail!("`{key}` must be `true` or `false`"),
        Value::String(text) => Some(format!("--{key}={text}")),
        Value::Integer(number) => Some(format!("--{key}={number}")),
        _ => bail!("`{key}` must be a string or a whole number"),
    })
}
