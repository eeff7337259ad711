//! How is the journal written down, and what of it can be believed after a crash?
//!
//! One line is one batch: the entries that went to disk in one write. It is JSON and carries a
//! checksum, so a batch is there as a whole or not at all, wherever the write was cut off.

use serde::{Deserialize, Serialize};

use super::{FORMAT_VERSION, Stamped, StateError};

/// What a line looks like, without its checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    version: u32,
    lineage: String,
    entries: Vec<Stamped>,
}

/// The one field that every version of the format has.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// Between the checked text and the checksum: `{…` + `,"checksum":"` + eight digits + `"}`.
const BEFORE_CHECKSUM: &str = r#","checksum":""#;
const CHECKSUM_LENGTH: usize = BEFORE_CHECKSUM.len() + 8 + 2;

/// One batch as a line of the journal.
pub(super) fn encode(lineage: &str, entries: Vec<Stamped>) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Line {
        version: FORMAT_VERSION,
        lineage: lineage.to_owned(),
        entries,
    })?;
    // The closing brace makes room for the last field.
    line.pop();
    let checksum = crc32fast::hash(&line);
    line.extend_from_slice(format!("{BEFORE_CHECKSUM}{checksum:08x}\"}}\n").as_bytes());
    Ok(line)
}

/// A journal as read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Journal {
    /// The lineage of the state that it continues; `None` if it holds no entry.
    pub(super) lineage: Option<String>,
    /// The entries, each with its line, counted from 1.
    pub(super) entries: Vec<(usize, Stamped)>,
    /// The line that was cut off, and its length.
    pub(super) torn: Option<(usize, usize)>,
}

/// Reads a journal. `file` is its name for messages.
pub(super) fn decode(bytes: &[u8], file: &str) -> Result<Journal, StateError> {
    let mut journal = Journal::default();
    let mut lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        let Some(text) = checked(line) else {
            if lines.peek().is_none() && is_torn(line) {
                journal.torn = Some((number, line.len()));
                break;
            }
            return Err(damaged(file, number, "its checksum is wrong"));
        };
        let line = parse(&text, file, number)?;
        match &journal.lineage {
            Some(lineage) if *lineage != line.lineage => {
                return Err(damaged(file, number, "it belongs to another state"));
            }
            _ => journal.lineage = Some(line.lineage),
        }
        let entries = line.entries.into_iter().map(|entry| (number, entry));
        journal.entries.extend(entries);
    }
    Ok(journal)
}

/// The line as JSON without its checksum, if the checksum is right.
fn checked(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let (text, end) = line.split_at_checked(line.len().checked_sub(CHECKSUM_LENGTH)?)?;
    let expected = format!("{BEFORE_CHECKSUM}{:08x}\"}}", crc32fast::hash(text));
    (end == expected.as_bytes()).then(|| [text, b"}"].concat())
}

/// Whether a last line that fails its checksum was cut off, and nobody was told that it was
/// written: it lacks its end, or the disk kept the length and not the bytes, which then are zero.
/// A whole line of text with a wrong checksum is damage instead.
fn is_torn(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || line.contains(&0)
}

fn parse(text: &[u8], file: &str, number: usize) -> Result<Line, StateError> {
    let unreadable = |error: serde_json::Error| damaged(file, number, &error.to_string());
    let Version { version } = serde_json::from_slice(text).map_err(unreadable)?;
    if version > u64::from(FORMAT_VERSION) {
        return Err(StateError::Newer {
            file: file.to_owned(),
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    serde_json::from_slice(text).map_err(unreadable)
}

/// The error for a line that can't be believed.
pub(super) fn damaged(file: &str, line: usize, reason: &str) -> StateError {
    StateError::Damaged {
        place: format!("line {line} of `{file}`"),
        reason: reason.to_owned(),
        advice: format!(
            "Restore `{file}` from a copy. Without one, move it away: navi then starts from the last snapshot, and finds by its tags what was made since"
        ),
    }
}
