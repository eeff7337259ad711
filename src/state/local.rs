//! How are states kept in a local directory? Six files a stack: snapshot, its backup, journal, lock, timings, last run.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;
use atomic_write_file::unix::OpenOptionsExt as _;

use super::lock::{self, LockError, LockFile};
use super::{Holder, Inspection, LockedStore, StateError, Store};

/// States in a directory, `.navi/` unless told otherwise. Nobody but the user may read it: specs
/// hold what the stack file holds, environment variables among it.
#[derive(Clone, Debug)]
pub struct LocalStore {
    directory: PathBuf,
}

impl LocalStore {
    /// The store in `directory`, which is made when something is first written.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        LocalStore {
            directory: directory.into(),
        }
    }

    fn files(&self, stack: &str) -> Files {
        let path = |end: &str| self.directory.join(format!("{stack}.{end}"));
        Files {
            directory: self.directory.clone(),
            snapshot: path("json"),
            backup: path("json.backup"),
            journal: path("journal"),
            lock: path("lock"),
            timings: path("timings"),
            last_run: path("last-run"),
        }
    }
}

#[derive(Clone, Debug)]
struct Files {
    directory: PathBuf,
    snapshot: PathBuf,
    backup: PathBuf,
    journal: PathBuf,
    lock: PathBuf,
    timings: PathBuf,
    last_run: PathBuf,
}

impl Store for LocalStore {
    fn snapshot_name(&self, stack: &str) -> String {
        self.files(stack).snapshot.display().to_string()
    }

    fn journal_name(&self, stack: &str) -> String {
        self.files(stack).journal.display().to_string()
    }

    fn read_snapshot(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        read("read the state", &self.files(stack).snapshot)
    }

    fn backup_name(&self, stack: &str) -> Option<String> {
        let backup = self.files(stack).backup;
        backup.exists().then(|| backup.display().to_string())
    }

    fn read_journal(&self, stack: &str) -> Result<Vec<u8>, StateError> {
        let journal = read("read the journal", &self.files(stack).journal)?;
        Ok(journal.unwrap_or_default())
    }

    fn read_last_run(&self, stack: &str) -> Result<Option<Vec<u8>>, StateError> {
        read("read the last run", &self.files(stack).last_run)
    }

    fn lock(&self, stack: &str, holder: &Holder) -> Result<Box<dyn LockedStore>, StateError> {
        let files = self.files(stack);
        make_directory(&files.directory)?;
        refuse_links([&files.lock, &files.journal])?;
        let lock = LockFile::acquire(&files.lock, holder)
            .map_err(|error| refused("lock", stack, &files.lock, error))?;
        Ok(Box::new(LockedFiles {
            files,
            journal: None,
            lock,
        }))
    }

    fn inspect(&self, stack: &str) -> Result<Option<Inspection>, StateError> {
        let path = self.files(stack).lock;
        lock::inspect(&path)
            .map_err(|error| StateError::storage("look at the lock", path.display(), &error))
    }

    fn unlock(&self, stack: &str) -> Result<Option<Holder>, StateError> {
        let path = self.files(stack).lock;
        lock::forget_holder(&path).map_err(|error| refused("unlock", stack, &path, error))
    }
}

/// One stack's files, locked.
struct LockedFiles {
    files: Files,
    /// Opened with the first entry, so that a run that changes nothing makes no file.
    journal: Option<File>,
    lock: LockFile,
}

impl LockedStore for LockedFiles {
    fn append_journal(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let path = &self.files.journal;
        let failed = |error| StateError::storage("write the journal", path.display(), &error);
        let journal = match &mut self.journal {
            Some(journal) => journal,
            None => self
                .journal
                .insert(open_journal(&self.files).map_err(failed)?),
        };
        journal.write_all(bytes).map_err(failed)?;
        // The length is among the data that it takes to read the file back, so this is enough.
        journal.sync_data().map_err(failed)
    }

    fn replace_snapshot(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let Files {
            directory,
            snapshot,
            backup,
            ..
        } = &self.files;
        // Somebody may have removed the directory under a running command. What this run learned
        // is worth making it anew.
        make_directory(directory)?;
        if let Some(previous) = read("read the state", snapshot)?
            && !previous.is_empty()
        {
            replace("write the state", backup, &previous)?;
        }
        replace("write the state", snapshot, bytes)
    }

    fn clear_journal(&mut self) -> Result<(), StateError> {
        let path = &self.files.journal;
        let clear = || match OpenOptions::new().write(true).open(path) {
            Ok(journal) => {
                journal.set_len(0)?;
                journal.sync_data()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        clear().map_err(|error| StateError::storage("empty the journal", path.display(), &error))
    }

    fn read_timings(&mut self) -> Result<Option<Vec<u8>>, StateError> {
        read("read the timings", &self.files.timings)
    }

    fn replace_timings(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        replace("write the timings", &self.files.timings, bytes)
    }

    fn replace_last_run(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        replace("write the last run", &self.files.last_run, bytes)
    }

    fn release(self: Box<Self>) {
        self.lock.release();
    }
}

fn open_journal(files: &Files) -> io::Result<File> {
    let journal = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&files.journal)?;
    // The file may be new: its name has to survive a power failure as well.
    sync_directory(&files.directory)?;
    Ok(journal)
}

/// Writes a file as a whole or not at all: a new file, synced, renamed over the old one, and the
/// directory synced.
fn replace(attempted: &'static str, path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let write = || {
        let mut file = AtomicWriteFile::options()
            .preserve_mode(false)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.commit()
    };
    write().map_err(|error| StateError::storage(attempted, path.display(), &error))
}

fn read(attempted: &'static str, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::storage(attempted, path.display(), &error)),
    }
}

/// The directory's usual name. One of this name is navi's, whoever made it first; into another
/// that was there already (`--state-dir .`), no `.gitignore` is put.
const USUAL_NAME: &str = ".navi";

/// Makes the directory, closed to others and ignored by git.
fn make_directory(directory: &Path) -> Result<(), StateError> {
    let make = || {
        let ours = !directory.is_dir();
        if ours {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
            match directory.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent)?,
                _ => sync_directory(Path::new("."))?,
            }
        }
        let ignore = directory.join(".gitignore");
        if (ours || directory.ends_with(USUAL_NAME)) && !ignore.exists() {
            fs::write(ignore, "*\n")?;
        }
        Ok(())
    };
    make().map_err(|error| {
        StateError::storage("make the state directory", directory.display(), &error)
    })
}

/// Both are written in place, and navi makes neither a link: one that came with somebody's repository
/// would have navi empty whatever file it points to.
fn refuse_links<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), StateError> {
    for path in paths {
        if path.is_symlink() {
            let why = io::Error::other("it is a symbolic link, which navi never makes; remove it");
            return Err(StateError::storage("use", path.display(), &why));
        }
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn refused(attempted: &'static str, stack: &str, path: &Path, error: LockError) -> StateError {
    match error {
        LockError::Held(holder) => StateError::Locked {
            stack: stack.to_owned(),
            holder,
        },
        LockError::Io(error) => StateError::storage(attempted, path.display(), &error),
    }
}
