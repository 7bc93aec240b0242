//! WASI 0.2 for policies of languages that cannot do without it: deaf and blind. There are no
//! files, no arguments and no environment; the network refuses; what is written goes nowhere; the
//! clocks stand still, and random bytes are the same in every call. Whoever waits waits for no
//! time, since none passes. So a policy that imports it decides by its request alone, as one does
//! that imports nothing.

use std::sync::LazyLock;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, add_to_linker_async, subscribe};
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView,
    WasiView, async_trait,
};

use super::limits::Limits;

/// The packages of which a policy may import anything, at version 0.2 of any patch.
const PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// The streams, pollables and the like that one call may hold at once.
const RESOURCES_MAX: usize = 1_024;

/// The random bytes of one request, in bytes.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Whether an import is one that a policy may have.
pub fn offers(import: &str) -> bool {
    let of_package = PACKAGES.iter().any(|package| import.starts_with(package));
    of_package && import.split('@').nth(1).is_some_and(|version| version.starts_with("0.2."))
}

/// A linker that offers all of it.
///
/// # Errors
///
/// Fails if an interface is there twice.
pub fn linker(engine: &Engine) -> Result<Linker<Limits>> {
    let mut linker: Linker<Limits> = Linker::new(engine);
    add_to_linker_async(&mut linker)?;
    // The clock of the library can wait.
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Limits, Still>(&mut linker, |it| it.wasi().table())?;
    linker.allow_shadowing(false);
    Ok(linker)
}

/// What one call sees of the world.
pub struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    /// The same for every call.
    pub fn new() -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let mut ctx = WasiCtxBuilder::new();
        let random = || Deterministic::new(RANDOM.clone());
        ctx.secure_random(random())
            .insecure_random(random())
            .insecure_random_seed(u128::from_le_bytes(*RANDOM.first_chunk().expect("16 bytes")))
            .max_random_size(RANDOM_BYTES_MAX)
            .wall_clock(Stopped)
            .monotonic_clock(Stopped)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        Self { ctx: ctx.build(), table }
    }

    fn table(&mut self) -> Still<'_> {
        Still(&mut self.table)
    }
}

impl WasiView for Limits {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

/// What is handed out as random, over and over: the sha256 of 0, 1, 2 and so on.
static RANDOM: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..128_u32).flat_map(|block| Sha256::digest(block.to_le_bytes())).collect());

/// A clock that stands at its beginning: 1 January 1970.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// The clock that tells how much time has passed: none. What waits for a time need not wait.
struct Still<'a>(&'a mut ResourceTable);

impl HasData for Still<'static> {
    type Data<'a> = Still<'a>;
}

impl monotonic_clock::Host for Still<'_> {
    fn now(&mut self) -> Result<u64> {
        Ok(0)
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, _: u64) -> Result<Resource<DynPollable>> {
        let ready = self.0.push(Ready)?;
        subscribe(self.0, ready)
    }

    fn subscribe_duration(&mut self, _: u64) -> Result<Resource<DynPollable>> {
        self.subscribe_instant(0)
    }
}

/// Something that has happened already.
struct Ready;

#[async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasi_of_one_version_is_offered() {
        for offered in ["wasi:cli/environment@0.2.0", "wasi:sockets/tcp@0.2.6"] {
            assert!(offers(offered), "{offered}");
        }
        for refused in [
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/environment@0.3.0",
            "wasi:clocks/wall-clock",
            "spin:sqlite/sqlite@3.0.0",
            "loci:inference/tokenizer@0.1.0",
        ] {
            assert!(!offers(refused), "{refused}");
        }
    }
}
