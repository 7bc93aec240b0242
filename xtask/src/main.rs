//! Builds, tests and runs Loci.

mod guests;
mod machine;
mod run;
mod spin;
mod vendor;

use anyhow::{Result, bail};

/// What `cargo xtask` says when it is not told what to do.
const HELP: &str = "\
Builds, tests and runs Loci

Usage: cargo xtask COMMAND

  up [ARGS]               install what is missing, build, serve on 127.0.0.1:3000
                          (ARGS go to `loci serve`: try `cargo xtask up --help`)
  test [ARGS]             formatting, lints and every test (ARGS go to `cargo test`)
  build [--spin]          build components and host; with --spin what stock Spin runs, no host
  bench [NAME ARGS]       measure: `turn`, `swap`, `policy`, `zoo`, `vectors --data FILE`
  bless                   rewrite the expected output of the golden tests; read the difference
  vendor-wit --spin PATH  copy the WIT of Spin and WASI from a checkout of Spin";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = dispatch(&arguments) {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match (command, rest) {
        ("up", _) => run::up(rest),
        ("test", _) => run::test(rest),
        ("build", []) => run::build(),
        ("build", [flag]) if flag == "--spin" => run::build_for_spin(),
        ("bench", _) => run::bench(rest),
        ("bless", []) => run::bless(),
        ("vendor-wit", [flag, path]) if flag == "--spin" => vendor::vendor(path.as_ref()),
        ("help" | "--help" | "-h", _) => {
            println!("{HELP}");
            Ok(())
        }
        ("build" | "bless" | "vendor-wit", _) => {
            bail!("`{command}` does not take `{}`\n\n{HELP}", rest.join(" "))
        }
        _ => bail!("there is no command `{command}`\n\n{HELP}"),
    }
}
