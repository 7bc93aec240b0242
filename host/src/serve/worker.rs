//! Instances of one component, and how long each is used: up to 16 requests at once, many one after
//! the other, and as many instances as there is work for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use tracing::error;
use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::serve::guest::{Grants, Guest};
use crate::serve::shutdown::{Alive, Stop};

/// The most requests that one instance answers at once.
const REQUESTS_AT_ONCE_MAX: usize = 16;

/// The most requests that one instance answers in its life. What a guest leaks ends with it.
const REQUESTS_MAX: usize = 4096;

/// How long an instance that has nothing to do is kept.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// How long a request may go unanswered, or work go on after the last answer: far longer than a
/// slow model needs for a long reply.
const REQUEST_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// A component that is ready to be instantiated.
pub struct Workers {
    engine: Engine,
    service: ServicePre<Guest>,
    grants: Grants,
    stop: Stop,
}

impl Workers {
    /// Makes the instances' pattern of a component that was linked.
    pub fn new(engine: Engine, service: ServicePre<Guest>, grants: Grants, stop: Stop) -> Self {
        Self { engine, service, grants, stop }
    }
}

impl HandlerState for Workers {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let mut store = Guest::store(&self.engine, &self.grants);
        let pre = ProxyPre::P3(self.service.clone());
        let proxy = pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Expiration { sleep: Box::pin(tokio::time::sleep(IDLE_MAX)) },
            state: Worker { component: self.grants.component.clone(), stop: self.stop.clone() },
        })
    }
}

/// One instance.
pub struct Worker {
    component: String,
    stop: Stop,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Alive;

    fn should_accept_request(&self, at_once: usize, in_total: usize) -> ShouldAccept {
        if in_total >= REQUESTS_MAX {
            ShouldAccept::Never
        } else if at_once >= REQUESTS_AT_ONCE_MAX {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    /// The future holds `alive`, and is dropped when the guest has answered: so a host that ends
    /// waits for the answer even if the client does not.
    fn on_request_start(
        &self,
        _store: StoreContextMut<'_, Guest>,
        alive: Alive,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(async move {
            tokio::time::sleep(REQUEST_MAX).await;
            drop(alive);
        })
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        // What still runs when the host ends is broken off, and that is no failure.
        if let Err(failure) = result
            && !self.stop.is_asked()
        {
            error!("An instance of component `{}` broke down: {failure:#}", self.component);
        }
        drop(store);
    }
}

/// Ends an instance that is idle, or that does not answer.
pub struct Expiration {
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE_MAX,
            WorkerStatus::Requests | WorkerStatus::PostReturn => REQUEST_MAX,
        };
        let deadline = tokio::time::Instant::from_std(start + limit);
        if deadline != self.sleep.deadline() {
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(cx)
    }
}
