//! Who works on a stack right now? The kernel says so: it frees a file's lock when its holder ends, however it ends.
//!
//! The lock is on a file of its own, because snapshots are replaced and a lock on a replaced file
//! locks nothing. What the file says about its holder is for messages only.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::now;

/// A process that works on a stack, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process ID.
    pub pid: u32,
    /// The host it runs on; the directory may be shared.
    pub host: String,
    /// The command, `up` or `down`.
    pub command: String,
    /// When it took the lock, in milliseconds since 1970.
    pub started: u64,
}

impl Holder {
    /// This process, at work on `command`.
    pub fn this_process(command: &str) -> Self {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Holder {
            pid: std::process::id(),
            host,
            command: command.to_owned(),
            started: now(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = now().saturating_sub(self.started) / 1000;
        let age = match seconds {
            0..60 => format!("{seconds} s"),
            60..3600 => format!("{} min", seconds / 60),
            _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        };
        write!(
            formatter,
            "`navi {}` (process {} on {}, begun {age} ago)",
            self.command, self.pid, self.host
        )
    }
}

/// What a look at a lock shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Who took it last.
    pub holder: Holder,
    /// Whether that process still has it. If not, it was killed, and nobody need do anything:
    /// the lock is free.
    pub live: bool,
}

/// Why a lock can't be had.
#[derive(Debug)]
pub(super) enum LockError {
    Held(Option<Holder>),
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        LockError::Io(error)
    }
}

/// A lock that is held. Dropping it frees it and leaves the holder's name, as a crash would.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
}

/// A look at the lock holds it for an instant. Whoever finds it held tries again a few times
/// before believing it.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);

impl LockFile {
    /// Takes the lock and says who has it now.
    pub(super) fn acquire(path: &Path, holder: &Holder) -> Result<Self, LockError> {
        let mut lock = Self::acquire_nameless(path)?;
        let text = serde_json::to_vec(holder).map_err(io::Error::other)?;
        lock.file.set_len(0)?;
        lock.file.rewind()?;
        lock.file.write_all(&text)?;
        Ok(lock)
    }

    /// Frees the lock and leaves no name.
    pub(super) fn release(self) {
        // If it fails, a later look finds a name on a free lock, and says so.
        let _ = self.file.set_len(0);
    }

    fn acquire_nameless(path: &Path) -> Result<Self, LockError> {
        let mut attempt = 1;
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .mode(0o600)
                .open(path)?;
            match file.try_lock() {
                // Somebody may have removed the file meanwhile; a lock on it would lock nothing.
                Ok(()) if file.metadata()?.nlink() > 0 => return Ok(LockFile { file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if attempt == ATTEMPTS => {
                    return Err(LockError::Held(read_holder(path)?));
                }
                Err(TryLockError::WouldBlock) => {
                    attempt += 1;
                    thread::sleep(BETWEEN_ATTEMPTS);
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }
}

/// Who took the lock last, and whether that process still has it. `None` if it was freed by a
/// clean end, or never taken.
pub(super) fn inspect(path: &Path) -> io::Result<Option<Inspection>> {
    let Some(holder) = read_holder(path)? else {
        return Ok(None);
    };
    let live = match File::open(path)?.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    Ok(Some(Inspection { holder, live }))
}

/// Removes the name that a killed holder left, and says whose it was.
pub(super) fn forget_holder(path: &Path) -> Result<Option<Holder>, LockError> {
    let holder = read_holder(path)?;
    if holder.is_some() {
        LockFile::acquire_nameless(path)?.release();
    }
    Ok(holder)
}

/// The holder that the file names. A name that is being written this instant reads as none.
fn read_holder(path: &Path) -> io::Result<Option<Holder>> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_slice(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufRead;
    use std::process::{Command, Stdio};

    /// Set in a copy of this test program that is to hold the lock.
    const CHILD: &str = "NAVI_TEST_LOCK_HOLDER";

    #[test]
    fn a_killed_process_leaves_its_name_and_a_free_lock() {
        if let Ok(path) = std::env::var(CHILD) {
            let _lock = LockFile::acquire(Path::new(&path), &Holder::this_process("up")).unwrap();
            println!("\nheld");
            io::stdin().read_line(&mut String::new()).unwrap();
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo.lock");
        let (_, test) = concat!(
            module_path!(),
            "::a_killed_process_leaves_its_name_and_a_free_lock"
        )
        .split_once("::")
        .unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", test])
            .env(CHILD, &path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = io::BufReader::new(child.stdout.take().unwrap());
        assert!(output.lines().any(|line| line.unwrap() == "held"));

        let seen = inspect(&path).unwrap().unwrap();
        assert!(seen.live);
        assert_eq!(seen.holder.pid, child.id());
        let me = Holder::this_process("down");
        let refused = LockFile::acquire(&path, &me).unwrap_err();
        assert!(matches!(refused, LockError::Held(Some(holder)) if holder.pid == child.id()));
        assert!(matches!(forget_holder(&path), Err(LockError::Held(_))));

        child.kill().unwrap();
        child.wait().unwrap();
        let seen = inspect(&path).unwrap().unwrap();
        assert!(!seen.live, "the kernel frees the lock of a killed process");
        LockFile::acquire(&path, &me).unwrap().release();
        assert_eq!(inspect(&path).unwrap(), None);
    }

    #[test]
    fn the_name_of_a_dead_holder_can_be_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo.lock");
        assert_eq!(forget_holder(&path).unwrap(), None);
        assert!(!path.exists(), "a look makes no file");
        let holder = Holder::this_process("up");
        drop(LockFile::acquire(&path, &holder).unwrap());
        assert_eq!(forget_holder(&path).unwrap(), Some(holder));
        assert_eq!(inspect(&path).unwrap(), None);
    }

    #[test]
    fn a_lock_file_that_was_removed_locks_nothing_and_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("demo.lock");
        let holder = Holder::this_process("up");
        drop(LockFile::acquire(&path, &holder).unwrap());
        std::fs::remove_file(&path).unwrap();
        let _lock = LockFile::acquire(&path, &holder).unwrap();
        assert!(path.exists());
        assert!(inspect(&path).unwrap().unwrap().live);
    }
}
