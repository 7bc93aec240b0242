//! Ending: the first signal asks for it, and whoever holds an [`Alive`] delays it.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::info;

/// Whoever holds one has work that should be finished before the host ends.
#[derive(Clone)]
pub struct Alive {
    _work: mpsc::Sender<()>,
}

/// Waits until all work is finished.
pub struct Finished(mpsc::Receiver<()>);

impl Finished {
    /// Returns when the last [`Alive`] is gone.
    pub async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

/// Makes the two ends: one to hold during work, one to wait for its end.
pub fn alive() -> (Alive, Finished) {
    let (work, finished) = mpsc::channel(1);
    (Alive { _work: work }, Finished(finished))
}

/// Tells whether the host was asked to end.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns when the host was asked to end.
    pub async fn asked(&mut self) {
        // The sender lives as long as the process.
        drop(self.0.wait_for(|asked| *asked).await);
    }

    /// Tells whether the host was asked to end.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

/// Asks by hand, where the host is part of something that ends without a signal.
pub struct End(watch::Sender<bool>);

impl End {
    /// Asks the host to end.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

/// Makes the two ends: one to ask, one to listen.
pub fn by_hand() -> (End, Stop) {
    let (asked, stop) = watch::channel(false);
    (End(asked), Stop(stop))
}

/// Listens for Ctrl-C and SIGTERM. The first one asks the host to end; the second one ends the
/// process at once.
///
/// # Errors
///
/// Fails if this process cannot listen for signals.
pub fn on_signal() -> std::io::Result<Stop> {
    let (asked, stop) = watch::channel(false);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        info!("Loci ends when running requests are finished; Ctrl-C again ends it at once");
        asked.send_replace(true);
        signals.next().await;
        std::process::exit(130);
    });
    Ok(Stop(stop))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
