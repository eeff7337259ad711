//! What can go wrong with the state, and what should the person at the terminal do?

use super::{Holder, Identity, IllegalEntry};

/// Why the state can't be used or kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Another process works on the stack.
    #[error(
        "stack `{stack}` is locked by {}; wait for it to end, or end that process: its lock is then free by itself",
        holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::to_string)
    )]
    Locked {
        /// The stack.
        stack: String,
        /// Who works on it, if it said so.
        holder: Option<Holder>,
    },
    /// A file, or the disk below it, failed.
    #[error("can't {attempted} `{file}`: {reason}{}", advice(*.kind))]
    Storage {
        /// What was attempted, `read the state`.
        attempted: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
        /// The kind of error.
        kind: std::io::ErrorKind,
    },
    /// A newer navi wrote it.
    #[error(
        "`{file}` is in format {found}, and this navi reads formats up to {supported}: a newer navi wrote it, use that one (nothing was changed)"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        found: u64,
        /// The newest format that this navi reads.
        supported: u32,
    },
    /// The file does not hold what navi wrote.
    #[error("{place} is damaged: {reason}. Nothing was changed. {advice}")]
    Damaged {
        /// The file, and the line where there are lines.
        place: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The state is another stack's.
    #[error(
        "`{file}` is the state of stack `{found}`, not of `{asked}`: was it copied or renamed? (nothing was changed)"
    )]
    OtherStack {
        /// The file.
        file: String,
        /// The stack it is of.
        found: String,
        /// The stack that was asked for.
        asked: String,
    },
    /// The state is of another account or region.
    #[error(
        "stack `{stack}` lives in account {} in {}, but the credentials and region at hand are account {account} in {region}: switch profile or region, or give the stack another name",
        recorded.account, recorded.region
    )]
    OtherIdentity {
        /// The stack.
        stack: String,
        /// Where it lives.
        recorded: Box<Identity>,
        /// The account at hand.
        account: String,
        /// The region at hand.
        region: String,
    },
    /// An entry was to be written that can't follow on the state.
    #[error("{0}; this is a defect of navi")]
    Illegal(#[from] IllegalEntry),
    /// The name can't be a file's.
    #[error("`{0}` can't be a stack's name: letters, digits, `-` and `_` can")]
    StackName(String),
    /// The session was opened for reading.
    #[error("stack `{0}` was opened for reading only; this is a defect of navi")]
    ReadOnly(String),
    /// The session is closed, or its runtime is gone.
    #[error("the session of stack `{0}` is closed; this is a defect of navi")]
    Closed(String),
}

impl StateError {
    /// Wraps what the system said of a file.
    pub(super) fn storage(
        attempted: &'static str,
        file: impl std::fmt::Display,
        error: &std::io::Error,
    ) -> Self {
        StateError::Storage {
            attempted,
            file: file.to_string(),
            reason: error.to_string(),
            kind: error.kind(),
        }
    }
}

fn advice(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ". Free some space and run the same command again: it goes on from here"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ". Make it writable for you, or choose another place with --state-dir"
        }
        ErrorKind::Unsupported => {
            ". This file system has no locks; choose another place with --state-dir"
        }
        _ => "",
    }
}

/// Something worth telling that keeps nobody from going on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The last write was cut off; nobody had been told that it was done.
    #[error(
        "line {line} of `{file}` was cut off while it was written ({bytes} bytes dropped); navi looks for what it may have announced"
    )]
    TornJournal {
        /// The journal.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// Its length.
        bytes: usize,
    },
    /// The snapshot was there, without content.
    #[error("`{0}` is empty; the state was built from the journal alone")]
    EmptySnapshot(String),
}
