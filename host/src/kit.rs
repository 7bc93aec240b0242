//! The conformance kit: does a component keep the contract of its world?
//!
//! The same kit runs at `loci policy check` and before the server takes a policy. It loads the
//! component as a slot does, then asks it hundreds of requests, each twice: recorded ones, random
//! ones, hostile ones. What it tried, what failed with which input, and what the calls took, stands
//! in a [`Report`].

mod assembly;
pub mod command;
mod condensation;
mod documents;
mod golden;
mod input;
mod ranking;
mod report;
mod subject;
mod timing;
mod truncation;

use wasmtime::Engine;

use crate::capability::policy::{
    Assembly, Chunking, Condensation, Extraction, Ranking, Truncation,
};
use crate::slot::{self, Allowance, Grant, Interface as _, Linked, OF_A_TURN, Size};
pub use report::Report;
use timing::Timing;

/// A world that policies implement.
struct World {
    /// Its name in WIT.
    name: &'static str,
    /// The interface that tells it from the others.
    interface: &'static str,
    /// What one call may take, of the standard size.
    allowance: Allowance,
    /// Runs the kit.
    check: fn(&Linked, &Allowance, &mut Report),
    /// Times a usual call.
    time: fn(&Linked, &Allowance) -> Option<Timing>,
}

macro_rules! worlds {
    ($($name:literal $interface:ty),*) => {
        [$(World {
            name: $name,
            interface: <$interface>::NAME,
            allowance: <$interface>::ALLOWANCE,
            check: subject::check::<$interface>,
            time: timing::time::<$interface>,
        }),*]
    };
}

const WORLDS: [World; 6] = worlds![
    "prompt-assembly" Assembly,
    "prompt-truncation" Truncation,
    "passage-ranking" Ranking,
    "passage-condensation" Condensation,
    "text-extraction" Extraction,
    "document-chunking" Chunking
];

/// Checks a component. `world` is the name of the world that it must be of; none takes any.
///
/// Compiles, and calls the component some hundred times: it blocks, for a second as a rule.
/// `engine` is that of policies: it counts fuel, and its epoch ticks.
pub fn check(engine: &Engine, bytes: &[u8], world: Option<&str>, grant: Grant) -> Report {
    let report = check_as(engine, bytes, world, grant);
    // What is only too large for this size is told so: there is nothing wrong with it.
    if !report.passed && grant.policy_size == Size::Standard && report.is_short() {
        let large = check_as(engine, bytes, world, grant.sized(Size::Large));
        return report.beside(&large);
    }
    report
}

/// Times usual calls of a component that passed. None where its world has no usual request. Blocks,
/// for a second as a rule.
pub fn time(engine: &Engine, bytes: &[u8], grant: Grant) -> Option<Timing> {
    let linked = Linked::new(engine, bytes, grant.of(OF_A_TURN).component_bytes).ok()?;
    let exports = linked.exports();
    let world = WORLDS.iter().find(|world| exports.iter().any(|name| name == world.interface))?;
    (world.time)(&linked, &grant.of(world.allowance))
}

fn check_as(engine: &Engine, bytes: &[u8], world: Option<&str>, grant: Grant) -> Report {
    let mut report = Report::new(bytes.len(), slot::digest(bytes));
    let bytes_max = grant.of(OF_A_TURN).component_bytes;
    let exports = match slot::exports(bytes, bytes_max) {
        Ok(exports) => exports,
        Err(refusal) => {
            report.fail_to_load(&refusal);
            return report;
        }
    };
    let found = WORLDS.iter().find(|known| match world {
        Some(world) => known.name == world,
        None => exports.iter().any(|name| name == known.interface),
    });
    match found {
        Some(found) => {
            report.world = Some(found.name);
            match Linked::new(engine, bytes, bytes_max) {
                Ok(linked) => (found.check)(&linked, &grant.of(found.allowance), &mut report),
                Err(refusal) => report.fail_to_load(&refusal),
            }
        }
        None => report.fail_without_world(world, &exports, &WORLDS.map(|known| known.interface)),
    }
    report
}
