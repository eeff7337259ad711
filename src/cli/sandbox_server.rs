//! How does the sandbox live on between commands? As a process of its own, found through `sandbox/.server/server.json`.
//!
//! Its files have a hidden directory of their own: beside them lie the states of stacks, and no stack's name begins
//! with a dot. The process holds `lock` for as long as it lives, so there is one per state directory and a crashed one
//! leaves nothing that has to be cleaned up. A server counts as running only when it answers and says the process
//! ID that the file names: a stranger on the same port is never taken for it, and no process is ever killed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use atomic_write_file::AtomicWriteFile;
use axum::http::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use super::error::CommandError;
use super::sandbox_settings::SandboxSettings;
use crate::sandbox::{Options, Sandbox};

/// A starting sandbox needs a few hundredths of a second; a laden machine more.
const START_WITHIN: Duration = Duration::from_secs(15);
const STOP_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What can go wrong with the process. Each says what was attempted.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("could not use {} for the sandbox", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("could not start the sandbox")]
    Spawn(#[source] io::Error),
    #[error("the sandbox ended while it started; its log ends with:\n{log}")]
    EndedAtOnce { log: String },
    #[error("the sandbox did not answer within {} s", START_WITHIN.as_secs())]
    Silent { log: PathBuf },
    #[error("could not listen on 127.0.0.1:{port}")]
    Listen { port: u16, source: io::Error },
    #[error("the sandbox can't be served")]
    Serve(#[source] io::Error),
    #[error("{what} of the sandbox at {endpoint} failed: {reason}")]
    Call {
        what: &'static str,
        endpoint: String,
        reason: String,
    },
    #[error("the sandbox at {endpoint} (process {pid}) was asked to stop and still answers")]
    StillRunning { endpoint: String, pid: u32 },
    #[error("no sandbox runs here")]
    NotRunning,
    #[error("the sandbox that runs at {endpoint} has {}", differences.join(", and "))]
    Other {
        endpoint: String,
        differences: Vec<String>,
    },
}

impl SandboxError {
    pub fn hint(&self) -> Option<String> {
        match self {
            SandboxError::Listen { .. } => Some(
                "another program has the port: choose one with --port, or 0 for a free one"
                    .to_owned(),
            ),
            SandboxError::Silent { log } => Some(format!("its log is {}", log.display())),
            SandboxError::StillRunning { pid, .. } => Some(format!("end it with `kill {pid}`")),
            SandboxError::Other { .. } => Some(
                "nothing was changed. `navi sandbox stop` ends it with all that is in it, and then this starts one that is \
                 as asked; or give this one a --state-dir of its own"
                    .to_owned(),
            ),
            SandboxError::NotRunning => Some("`navi sandbox start` starts one".to_owned()),
            _ => None,
        }
    }
}

/// What `server.json` holds. No host: whatever came into the file, a sandbox is on this machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ServerFile {
    pid: u32,
    port: u16,
}

impl ServerFile {
    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A sandbox that answers.
#[derive(Clone, Debug)]
pub struct Running {
    pub pid: u32,
    pub port: u16,
    pub endpoint: String,
    /// What it says of itself: pace, uptime, calls, resources.
    pub status: Value,
}

pub struct Started {
    pub running: Running,
    /// It did not run before.
    pub anew: bool,
}

/// The sandbox of one state directory, running or not.
pub struct SandboxServer {
    state_dir: PathBuf,
    directory: PathBuf,
}

impl SandboxServer {
    /// The directory below the state directory where the sandbox and the state of its stacks live.
    pub fn directory(state_dir: &Path) -> PathBuf {
        state_dir.join("sandbox")
    }

    pub fn of(state_dir: &Path) -> Result<Self, SandboxError> {
        // The process in the background is told the path: it must not depend on a working directory.
        let state_dir =
            std::path::absolute(state_dir).map_err(|source| SandboxError::Directory {
                path: state_dir.to_owned(),
                source,
            })?;
        let directory = Self::directory(&state_dir).join(".server");
        Ok(SandboxServer {
            state_dir,
            directory,
        })
    }

    /// The sandbox, if one runs here.
    pub async fn running(&self) -> Option<Running> {
        let text = fs::read(self.file()).ok()?;
        let file: ServerFile = serde_json::from_slice(&text).ok()?;
        let endpoint = file.endpoint();
        let status = call("GET", &endpoint, "status").await.ok()?;
        (status["pid"] == file.pid).then_some(Running {
            pid: file.pid,
            port: file.port,
            endpoint,
            status,
        })
    }

    /// Starts the sandbox in the background, or finds the one that runs, if it is as it is asked to be.
    pub async fn start(&self, settings: &SandboxSettings) -> Result<Started, CommandError> {
        let options = settings.options()?;
        let started = self.find_or_start(settings).await?;
        let differences = settings.differences(&options, &started.running.status);
        match differences.is_empty() {
            true => Ok(started),
            false => Err(CommandError::Sandbox(SandboxError::Other {
                endpoint: started.running.endpoint,
                differences,
            })),
        }
    }

    async fn find_or_start(&self, settings: &SandboxSettings) -> Result<Started, SandboxError> {
        if let Some(running) = self.running().await {
            return Ok(Started {
                running,
                anew: false,
            });
        }
        self.make_directory()?;
        let mut child = self.spawn(settings)?;
        let deadline = Instant::now() + START_WITHIN;
        loop {
            // Another command may have started one at the same moment; either will do.
            if let Some(running) = self.running().await {
                return Ok(Started {
                    running,
                    anew: true,
                });
            }
            match child.try_wait().map_err(SandboxError::Spawn)? {
                Some(status) if !status.success() => {
                    return Err(SandboxError::EndedAtOnce {
                        log: self.log_end(),
                    });
                }
                // It left the field to another one, which may have been about to end.
                Some(_) => child = self.spawn(settings)?,
                None => {}
            }
            if Instant::now() > deadline {
                return Err(SandboxError::Silent { log: self.log() });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Stops it; `None` when none runs.
    pub async fn stop(&self) -> Result<Option<Running>, SandboxError> {
        let Some(running) = self.running().await else {
            return Ok(None);
        };
        control("POST", &running.endpoint, "stop").await?;
        let deadline = Instant::now() + STOP_WITHIN;
        // Silent is not enough: the next start needs the lock, which goes with the process.
        while self.running().await.is_some() || self.lock()?.is_none() {
            if Instant::now() > deadline {
                return Err(SandboxError::StillRunning {
                    endpoint: running.endpoint,
                    pid: running.pid,
                });
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(Some(running))
    }

    /// Empties it.
    pub async fn reset(&self) -> Result<Running, SandboxError> {
        let running = self.running().await.ok_or(SandboxError::NotRunning)?;
        control("POST", &running.endpoint, "reset").await?;
        Ok(running)
    }

    /// Is the sandbox, until it is told to stop.
    pub async fn serve(&self, settings: &SandboxSettings) -> Result<(), CommandError> {
        let options = settings.options()?;
        Ok(self.serve_with(settings.port, options).await?)
    }

    async fn serve_with(&self, port: u16, options: Options) -> Result<(), SandboxError> {
        self.make_directory()?;
        let Some(_lock) = self.lock()? else {
            // Another one was faster; whoever started this one will find that one.
            return Ok(());
        };
        let listen = |source| SandboxError::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        self.write_file(&ServerFile {
            pid: std::process::id(),
            port,
        })?;
        let served = serve_until_stopped(listener, options).await;
        // The next start writes a new one; a file left behind names a process that does not answer.
        let _ = fs::remove_file(self.file());
        served
    }

    fn spawn(&self, settings: &SandboxSettings) -> Result<std::process::Child, SandboxError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.log())
            .map_err(SandboxError::Spawn)?;
        Command::new(std::env::current_exe().map_err(SandboxError::Spawn)?)
            .args(["sandbox", "serve"])
            .args(settings.arguments().map_err(SandboxError::Spawn)?)
            .arg("--state-dir")
            .arg(&self.state_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // A group of its own: Ctrl-C in the terminal must not reach it.
            .process_group(0)
            .spawn()
            .map_err(SandboxError::Spawn)
    }

    fn make_directory(&self) -> Result<(), SandboxError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            |source| SandboxError::Directory { path, source }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(at(&self.directory))?;
        // The state store ignores a directory it makes; this one is made here.
        let ignore = self.state_dir.join(".gitignore");
        match ignore.exists() {
            true => Ok(()),
            false => fs::write(&ignore, "*\n").map_err(at(&ignore)),
        }
    }

    /// `None` when another process has it.
    fn lock(&self) -> Result<Option<File>, SandboxError> {
        let path = self.directory.join("lock");
        let at = |source| SandboxError::Directory {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(at)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(at(source)),
        }
    }

    fn write_file(&self, content: &ServerFile) -> Result<(), SandboxError> {
        let write = || -> io::Result<()> {
            let mut file = AtomicWriteFile::open(self.file())?;
            serde_json::to_writer(&mut file, content)?;
            file.flush()?;
            file.commit()
        };
        write().map_err(|source| SandboxError::Directory {
            path: self.file(),
            source,
        })
    }

    fn file(&self) -> PathBuf {
        self.directory.join("server.json")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn log_end(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

async fn serve_until_stopped(listener: TcpListener, options: Options) -> Result<(), SandboxError> {
    let sandbox = Sandbox::new(options);
    let mut terminated = signal(SignalKind::terminate()).map_err(SandboxError::Serve)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(SandboxError::Serve)?;
    tokio::select! {
        served = sandbox.clone().serve(listener) => served.map_err(SandboxError::Serve),
        () = sandbox.stop_requested() => {
            // The answer to the request that asked for it is still on its way out.
            sleep(Duration::from_millis(50)).await;
            Ok(())
        }
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    }
}

async fn control(
    method: &'static str,
    endpoint: &str,
    what: &'static str,
) -> Result<Value, SandboxError> {
    call(method, endpoint, what)
        .await
        .map_err(|reason| SandboxError::Call {
            what,
            endpoint: endpoint.to_owned(),
            reason,
        })
}

/// What the sandbox's control says to this, from whoever has its endpoint.
pub async fn ask(endpoint: &str, what: &'static str, body: &Value) -> Result<Value, SandboxError> {
    let body = Bytes::from(body.to_string());
    let answer = call_with("POST", endpoint, what, body).await;
    answer.map_err(|reason| SandboxError::Call {
        what,
        endpoint: endpoint.to_owned(),
        reason,
    })
}

/// One call of the sandbox's control, `/_navi/…`.
async fn call(method: &str, endpoint: &str, what: &str) -> Result<Value, String> {
    call_with(method, endpoint, what, Bytes::new()).await
}

async fn call_with(method: &str, endpoint: &str, what: &str, body: Bytes) -> Result<Value, String> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{endpoint}/_navi/{what}"))
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = async {
        let answer = client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        match status.is_success() {
            true => serde_json::from_slice(&body).map_err(|error| error.to_string()),
            false => Err(format!("{status}: {}", String::from_utf8_lossy(&body))),
        }
    };
    timeout(ANSWER_WITHIN, answer)
        .await
        .unwrap_or_else(|_| Err("no answer".to_owned()))
}
