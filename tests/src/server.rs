//! A real `loci serve` in a process and a data folder of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::client::Client;

/// Longer than any start on a busy machine; a server that needs more is broken.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// The binary that `cargo xtask build` leaves.
pub fn binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    target.join("release/loci")
}

/// A running server. Dropping it kills the process and removes its data.
pub struct Server {
    child: Child,
    address: String,
    data: tempfile::TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    starts: u32,
    audited: bool,
}

impl Server {
    /// Starts a server with an empty data folder and these arguments besides `--listen` and
    /// `--data`, and waits until it can serve.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        Self::start_in(tempfile::tempdir()?, arguments)
    }

    /// As [`Server::start`], with these variables in its environment.
    pub fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let mut server = Self::launch(tempfile::tempdir()?, arguments, environment)?;
        server.wait_until_healthy()?;
        server.wait_for_model()?;
        Ok(server)
    }

    /// As [`Server::start`], in a data folder that may already hold a database.
    pub fn start_in(data: tempfile::TempDir, arguments: &[&str]) -> Result<Self> {
        let mut server = Self::spawn(data, arguments)?;
        server.wait_until_healthy()?;
        server.wait_for_model()?;
        Ok(server)
    }

    /// Starts the process and returns as soon as it listens, before it can serve.
    pub fn spawn(data: tempfile::TempDir, arguments: &[&str]) -> Result<Self> {
        Self::launch(data, arguments, &[])
    }

    fn launch(
        data: tempfile::TempDir,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Vec<(String, String)> = environment.iter().map(owned).collect();
        share_compiled_code(data.path())?;
        let child = launch(data.path(), &arguments, &environment, 0)?;
        let address = String::new();
        let (starts, audited) = (0, true);
        let mut server = Self { child, address, data, arguments, environment, starts, audited };
        server.find_address()?;
        Ok(server)
    }

    /// The folder with its database and logs.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The id of the process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// A client of this server, as it runs now: a restart changes the port.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Ends the process as a power cut would, as far as a process can tell.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end and returns how it did.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        signal(self.child.id(), "TERM")?;
        self.wait_for_exit()
    }

    /// Waits until the process has ended by itself.
    pub fn wait_for_exit(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end within {STOP_TIMEOUT:?}\n{}", self.log())
    }

    /// Starts a new process over the same data, after [`Server::kill`] or [`Server::terminate`].
    pub fn restart(&mut self) -> Result<()> {
        self.starts += 1;
        self.child = launch(self.data.path(), &self.arguments, &self.environment, self.starts)?;
        self.find_address()?;
        self.wait_until_healthy()?;
        self.wait_for_model()
    }

    /// As [`Server::restart`], with other arguments.
    pub fn restart_with(&mut self, arguments: &[&str]) -> Result<()> {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.restart()
    }

    /// What the process that runs now has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.data.path(), self.starts)).unwrap_or_default()
    }

    fn find_address(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let log = self.log();
            if let Some(at) = log.find("http://127.0.0.1:") {
                // For programs, a line is JSON.
                let ends = |symbol: char| symbol.is_whitespace() || symbol == '"';
                let address = log[at..].split(ends).next().unwrap_or_default();
                // A line that is still being written could end in the middle of the port.
                if log[at..].contains('\n') {
                    address.trim_end_matches(['/', '.', ',']).clone_into(&mut self.address);
                    return Ok(());
                }
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at its start with {status}\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server did not say where it listens\n{}", self.log())
    }

    /// Waits until `GET /health` answers 200.
    pub fn wait_until_healthy(&mut self) -> Result<()> {
        let client = self.client();
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if client.health().is_ok_and(|status| status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it was healthy, with {status}\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not become healthy\n{}", self.log())
    }
}

impl Server {
    /// Waits until the chat model answers, or will never: it is loaded beside the serving.
    fn wait_for_model(&mut self) -> Result<()> {
        let client = self.client();
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let status = client.get("/api/v1/llm/status")?.expect(200)?;
            if status["status"] != "loading" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the model was not loaded within {START_TIMEOUT:?}\n{}", self.log())
    }
}

impl Server {
    /// This server, whose replies nobody replays in the end: there are too many of them.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Replays every reply that this server gave, from its receipt and from what is exported of it:
    /// each prompt must become the same, bit for bit. Only what a test took away may be missing.
    /// Does nothing where the server is not there any more, or cannot serve.
    fn audit(&mut self) -> Result<()> {
        let client = self.client();
        let is_alive = self.child.try_wait().is_ok_and(|ended| ended.is_none());
        match is_alive && client.health().is_ok_and(|status| status == 200) {
            true => client.audit().context("not every reply can be replayed"),
            false => Ok(()),
        }
    }
}

impl Server {
    fn show_log(&self) {
        let log = self.log();
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        eprintln!("the end of the server's log:");
        tail.iter().rev().for_each(|line| eprintln!("  {line}"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let is_audited = self.audited && !std::thread::panicking();
        let audited = if is_audited { self.audit() } else { Ok(()) };
        // Whatever came of it: a process that outlives its test outlives all of them.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Err(error) = audited {
            self.show_log();
            panic!("{error:#}");
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// Compiling the api takes seconds, and every test has a data folder of its own: what one server
/// has compiled, the others of the run load.
fn share_compiled_code(data: &Path) -> Result<()> {
    static SHARED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let shared = SHARED.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
    let link = data.join("cache");
    if !link.exists() {
        std::os::unix::fs::symlink(shared.path(), link)?;
    }
    Ok(())
}

/// Sends a signal by name. The standard library has no way to; `kill` is everywhere.
pub fn signal(process: u32, name: &str) -> Result<()> {
    let status = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
    if !status.success() {
        bail!("`kill -{name} {process}` failed");
    }
    Ok(())
}

fn log_path(data: &Path, starts: u32) -> PathBuf {
    data.join(format!("test-server-{starts}.log"))
}

fn launch(
    data: &Path,
    arguments: &[String],
    environment: &[(String, String)],
    starts: u32,
) -> Result<Child> {
    let log = File::create(log_path(data, starts))?;
    let binary = binary();
    Command::new(&binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run `{}`: `cargo xtask build` makes it", binary.display()))
}
