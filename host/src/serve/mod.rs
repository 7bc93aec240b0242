//! The server: binds its port at once, loads the application, answers, maintains, and ends in
//! order.

mod admin;
mod app;
mod body;
mod connection;
mod foreign;
mod gate;
mod guest;
pub mod local;
mod log;
mod mcp;
mod models;
mod reply;
mod route;
mod services;
pub mod shutdown;
mod worker;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpSocket};
use tracing::{info, warn};

use crate::backup;
use crate::config::ServeConfig;
use crate::engine::Engines;
use crate::manifest;
use crate::traces::Traces;
use app::{App, Maintained};
use gate::Gate;
use services::Services;
use shutdown::{Alive, Stop};

/// The connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// The time between two rounds of maintenance.
const MAINTENANCE: Duration = Duration::from_secs(30);

/// The pause where there is more to do: those who talk go first.
const MORE_MAINTENANCE: Duration = Duration::from_millis(50);

/// How soon the first round is repeated while it fails: until it is done, nothing is served.
const FIRST_MAINTENANCE_AGAIN: Duration = Duration::from_secs(2);

/// What the connections see of the host: the application, once there is one that can answer.
struct Site {
    app: OnceLock<App>,
    traces: Option<Traces>,
}

impl Site {
    fn app(&self) -> Option<&App> {
        self.app.get()
    }

    fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }
}

/// Serves until the process is asked to end.
///
/// # Errors
///
/// Fails if the port cannot be had, or the application cannot be loaded.
pub async fn run(config: ServeConfig) -> Result<()> {
    let start = Instant::now();
    let mut stop = shutdown::on_signal().context("cannot listen for signals")?;
    let listener = bind(config.listen)?;
    let address = listener.local_addr().context("the port has no address")?;
    info!("Loci listens on http://{address}");
    let (alive, finished) = shutdown::alive();
    let traces = config.traces_url.as_deref().map(Traces::open).transpose()?;
    let site = Arc::new(Site { app: OnceLock::new(), traces });
    let accepting = connection::accept(listener, Arc::clone(&site), stop.clone(), alive.clone());
    tokio::spawn(accepting);
    let stop_time_max = config.stop_time_max;
    // Port 0 was any that is free; now it is one.
    let config = ServeConfig { listen: address, ..config };
    let serving = serve(config, &site, stop.clone(), &alive, start);
    tokio::select! {
        () = stop.asked() => {}
        served = serving => served?,
    }
    drop(alive);
    if tokio::time::timeout(stop_time_max, finished.wait()).await.is_err() {
        let seconds = stop_time_max.as_secs();
        warn!("Loci ends, and breaks off answers that were not done after {seconds} s");
    }
    let closing = tokio::task::spawn_blocking(move || {
        site.traces().map(Traces::close);
        site.app().map(App::close)
    });
    closing.await.context("closing the database broke down")?;
    info!("Loci has ended");
    Ok(())
}

/// Loads the application, lets it answer, and maintains it until the host is asked to end.
async fn serve(
    config: ServeConfig,
    site: &Site,
    mut stop: Stop,
    alive: &Alive,
    start: Instant,
) -> Result<()> {
    let loading = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || load(&config, &stop)
    });
    let app = loading.await.context("loading the application broke down")??;
    let mut round = app.maintain(alive).await;
    while round == Maintained::Failed {
        warn!("Loci is not ready: its first maintenance failed, and is tried again");
        tokio::time::sleep(FIRST_MAINTENANCE_AGAIN).await;
        round = app.maintain(alive).await;
    }
    let app = site.app.get_or_init(|| app);
    info!("Loci is ready after {} ms", start.elapsed().as_millis());
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(pause(round)) => {}
        }
        round = app.maintain(alive).await;
    }
}

/// How long to wait after a round of maintenance.
fn pause(round: Maintained) -> Duration {
    match round {
        Maintained::More => MORE_MAINTENANCE,
        Maintained::Done | Maintained::Failed => MAINTENANCE,
    }
}

fn load(config: &ServeConfig, stop: &Stop) -> Result<App> {
    let manifest = manifest::read(&config.app)?;
    info!("Loading the application `{}` from `{}`", manifest.name, config.app.display());
    // What a restore that was cut short left is in nobody's way, but large.
    if let Err(error) = backup::clear(&config.data) {
        warn!("What a restore left in `{}` stays: {error}", config.data.display());
    }
    let gate = Gate::open(&config.data, config.listen, config.require_keys)?;
    let engines = Engines::with_stack(&config.data.join("cache"), config.policies.stack_bytes())?;
    let services = Services::open(config, &manifest, engines.clone())?;
    App::load(&manifest, &engines, services, gate, stop)
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listen = || -> std::io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A host that starts again need not wait until the old connections are forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| format!("cannot listen on `{address}`"))
}
