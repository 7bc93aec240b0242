//! What a call into each shipped policy costs, beside the budget of the design:
//! `cargo xtask bench policy`. The program itself measures, as `loci policy check --time` does: a
//! fresh store, a request of 40 passages in, the answer out and checked.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use loci_tests::server::{binary, repository};
use serde_json::Value;

/// The most that a call may take at the median, in microseconds.
const BUDGET_MICROS: f64 = 100.0;

/// Those of which a turn asks one each.
const POLICIES: [&str; 7] = [
    "prompt-assembly",
    "prompt-assembly-classic",
    "prompt-assembly-recency",
    "prompt-assembly-compact",
    "truncation",
    "ranking",
    "condensation",
];

fn main() -> Result<()> {
    println!("a call with 40 passages; the budget is {BUDGET_MICROS} us at the median\n");
    println!("{:24} {:>9} {:>9} {:>9}", "policy", "p50 us", "p99 us", "fuel");
    for name in POLICIES {
        let file = repository().join(format!("target/components/{name}.wasm"));
        let output = Command::new(binary())
            .args(["policy", "check", "--json", "--time"])
            .arg(&file)
            .output();
        let output = output.context("the program cannot be started")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let number = |key: &str| report["timing"][key].as_f64().context("it was not timed");
        let half = number("micros_median")?;
        let mark = if half <= BUDGET_MICROS { "" } else { "   over the budget" };
        let (most, fuel) = (number("micros_99")?, number("fuel")?);
        println!("{name:24} {half:>9.1} {most:>9.1} {fuel:>9}{mark}");
    }
    Ok(())
}
