//! What belongs to one instance of a component: its WASI, its grants, its limits.

use std::time::Duration;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{CallHook, Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::capability::{embeddings, former, inference, llm, policy, search, sqlite, variables};
use crate::engine::TICK;
use crate::serve::log::GuestLog;

/// The most memory of one instance, in bytes.
const MEMORY_BYTES_MAX: usize = 512 << 20;

/// The most resources that one instance may hold of the host: streams, rows, bodies.
const RESOURCES_MAX: usize = 16 << 10;

/// How long an instance may compute on end before it is taken for a runaway. An instance that waits
/// begins anew.
const COMPUTE_MAX: Duration = Duration::from_secs(30);

/// What a component is granted. One for each component; every instance has a clone.
#[derive(Clone)]
pub struct Grants {
    /// The name of the component, for the log.
    pub component: String,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Its variables.
    pub variables: variables::Ctx,
    /// Its databases.
    pub sqlite: sqlite::Ctx,
    /// Its models of `fermyon:spin/llm`.
    pub llm: llm::Ctx,
    /// The chat model, if it depends on one.
    pub inference: Option<inference::Ctx>,
    /// The embedding model, if it depends on one.
    pub embeddings: Option<embeddings::Ctx>,
    /// The embedding models besides, if it depends on them.
    pub former: Option<former::Ctx>,
    /// The policies, if it depends on them.
    pub policy: Option<policy::Ctx>,
    /// The vector index, if it depends on one.
    pub search: Option<search::Ctx>,
}

/// The data of a store: one instance of a component.
pub struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoOutboundHttp,
    limits: StoreLimits,
    grants: Grants,
    computing: Computing,
}

impl Guest {
    /// Makes a store for one instance. It has a clock, random numbers, its environment and a log,
    /// and nothing else of WASI: no files, no arguments, no input, no network.
    pub fn store(engine: &Engine, grants: &Grants) -> Store<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.envs(&grants.environment)
            .stdout(GuestLog::new(&grants.component))
            .stderr(GuestLog::new(&grants.component))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES_MAX).build();
        let guest = Self {
            table,
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: NoOutboundHttp,
            limits,
            grants: grants.clone(),
            computing: Computing::default(),
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        store.call_hook(|mut store, hook| {
            if let CallHook::CallingWasm = hook {
                store.data_mut().computing.begins();
            }
            Ok(())
        });
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| match store.data_mut().computing.goes_on() {
            true => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
            false => Err(wasmtime::Error::msg(format!(
                "the component computed for {} s on end without an answer",
                COMPUTE_MAX.as_secs()
            ))),
        });
        store
    }

    /// Links WASI, and what `grants` has.
    ///
    /// # Errors
    ///
    /// Fails only if two capabilities have the same interface.
    pub fn link(linker: &mut Linker<Self>, grants: &Grants) -> wasmtime::Result<()> {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        wasmtime_wasi::p3::add_to_linker(linker)?;
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
        variables::add_to_linker(linker, |guest| guest.grants.variables.view())?;
        sqlite::add_to_linker(linker, |guest| guest.grants.sqlite.view(&mut guest.table))?;
        llm::add_to_linker(linker, |guest| guest.grants.llm.view())?;
        if grants.inference.is_some() {
            inference::add_to_linker(linker, |guest| linked(&mut guest.grants.inference).view())?;
        }
        if grants.policy.is_some() {
            policy::add_to_linker(linker, |guest| linked(&mut guest.grants.policy).view())?;
        }
        if grants.embeddings.is_some() {
            embeddings::add_to_linker(linker, |guest| linked(&mut guest.grants.embeddings).view())?;
        }
        if grants.former.is_some() {
            former::add_to_linker(linker, |guest| linked(&mut guest.grants.former).view())?;
        }
        if grants.search.is_some() {
            search::add_to_linker(linker, |guest| linked(&mut guest.grants.search).view())?;
        }
        Ok(())
    }
}

/// What a component was linked to when it was loaded, and all its instances have.
fn linked<T>(capability: &mut Option<T>) -> &mut T {
    capability.as_mut().expect("an interface is linked only where it is granted")
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Notices an instance that computes and never comes back: every tick of the epoch that it meets
/// counts, and each time that it is entered anew the count begins again.
#[derive(Default)]
struct Computing {
    ticks: u128,
}

impl Computing {
    fn begins(&mut self) {
        self.ticks = 0;
    }

    fn goes_on(&mut self) -> bool {
        self.ticks += 1;
        self.ticks * TICK.as_millis() < COMPUTE_MAX.as_millis()
    }
}

/// No component reaches another host through this one: see `serve::app`, which refuses one that
/// would need it.
struct NoOutboundHttp;

type Sent = Result<(http::Response<WasiBody>, Body), HttpError>;
type Body = Box<dyn Future<Output = Result<(), HttpError>> + Send>;

impl WasiHttpHooks for NoOutboundHttp {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Body,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(HttpError::HttpRequestDenied)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_computes_on_end_is_stopped() {
        let mut computing = Computing::default();
        let ticks = COMPUTE_MAX.as_millis() / TICK.as_millis();
        assert!((1..ticks).all(|_| computing.goes_on()));
        assert!(!computing.goes_on());
    }

    #[test]
    fn who_comes_back_in_between_is_not() {
        let mut computing = Computing::default();
        for _ in 0..100_000 {
            assert!(computing.goes_on());
            computing.begins();
        }
    }
}
