//! What do snapshot and journal say together?

use super::{State, StateError, Store, Warning, journal, snapshot};

/// A state as read back.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) state: State,
    pub(super) warnings: Vec<Warning>,
    /// Whether the journal holds anything, so that it should go into a snapshot.
    pub(super) journaled: bool,
}

/// Reads snapshot and journal and puts them together. Changes nothing.
///
/// The journal is read first: a run in progress may replace the snapshot in between, which then
/// holds all that was read here and more, and the older entries are skipped. The other way round
/// the old snapshot could meet a journal that goes on from a newer one.
pub(super) fn load(store: &dyn Store, stack: &str) -> Result<Loaded, StateError> {
    let journal_file = store.journal_name(stack);
    let snapshot_file = store.snapshot_name(stack);
    let journal_bytes = store.read_journal(stack)?;
    let snapshot_bytes = store.read_snapshot(stack)?;
    let backup = store.backup_name(stack);

    let journal = journal::decode(&journal_bytes, &journal_file)?;
    let mut warnings = Vec::new();
    let mut state = match snapshot_bytes {
        Some(bytes) if !bytes.is_empty() => {
            snapshot::decode(&bytes, stack, &snapshot_file, backup.as_deref())?
        }
        Some(_) => {
            // navi never writes an empty file. With a backup there was a state, and to begin anew
            // would forget it; a person decides.
            if journal.entries.is_empty() && backup.is_some() {
                return Err(snapshot::damaged(
                    &snapshot_file,
                    "it is empty",
                    backup.as_deref(),
                ));
            }
            warnings.push(Warning::EmptySnapshot(snapshot_file.clone()));
            beginning(stack, journal.lineage.as_deref())
        }
        None => beginning(stack, journal.lineage.as_deref()),
    };
    if let Some((line, bytes)) = journal.torn {
        warnings.push(Warning::TornJournal {
            file: journal_file.clone(),
            line,
            bytes,
        });
    }
    replay(
        &mut state,
        &journal,
        &journal_file,
        &snapshot_file,
        backup.as_deref(),
    )?;
    Ok(Loaded {
        state,
        warnings,
        journaled: !journal_bytes.is_empty(),
    })
}

/// The state before any entry, of the lineage that the journal continues.
fn beginning(stack: &str, lineage: Option<&str>) -> State {
    let mut state = State::new(stack);
    if let Some(lineage) = lineage {
        state.lineage = lineage.to_owned();
    }
    state
}

fn replay(
    state: &mut State,
    journal: &journal::Journal,
    journal_file: &str,
    snapshot_file: &str,
    backup: Option<&str>,
) -> Result<(), StateError> {
    if journal
        .lineage
        .as_ref()
        .is_some_and(|lineage| *lineage != state.lineage)
    {
        return Err(snapshot::damaged(
            snapshot_file,
            &format!("`{journal_file}` continues another state than this one"),
            backup,
        ));
    }
    if let Some((_, first)) = journal.entries.first()
        && first.sequence > state.sequence.next()
    {
        return Err(snapshot::damaged(
            snapshot_file,
            &format!(
                "it ends at entry {}, and `{journal_file}` goes on from entry {}; what lies between is missing",
                state.sequence, first.sequence
            ),
            backup,
        ));
    }
    for (line, stamped) in &journal.entries {
        // A crash after the snapshot was replaced and before the journal was cleared leaves
        // entries that the snapshot holds already.
        if stamped.sequence <= state.sequence {
            continue;
        }
        state
            .apply(stamped)
            .map_err(|illegal| journal::damaged(journal_file, *line, &illegal.to_string()))?;
    }
    Ok(())
}
