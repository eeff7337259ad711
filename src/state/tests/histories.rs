//! Is what is read back the same as what was in memory, after any history, cut anywhere, folded anywhere?

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::resource::id_of;
use crate::state::load::load;
use crate::state::{Entry, Identity, Outcome, Stamped, State, journal, snapshot};

/// One thing that may happen to one of a few resources.
#[derive(Clone, Copy, Debug)]
struct Event {
    what: u8,
    resource: u8,
    detail: u8,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0_u8..17, 0_u8..4, 0_u8..4).prop_map(|(what, resource, detail)| Event {
        what,
        resource,
        detail,
    });
    vec(event, 0..80)
}

impl Event {
    /// The entry, legal or not in this state.
    fn entry(self, state: &State) -> Entry {
        let address = Address::new("vpc", format!("v{}", self.resource));
        let value = json!({"n": self.detail, "of": address});
        let token = format!("t{}", self.detail);
        let begin = |intent| Entry::Intent {
            address: address.clone(),
            intent,
        };
        let finish = |outcome| Entry::Outcome {
            // One that has no intent open gets a wrong number.
            intent: state
                .pending
                .get(&address)
                .map_or(state.sequence, |pending| pending.sequence),
            outcome,
        };
        let leftover = match self.detail {
            0 => Leftover::None,
            1 => Leftover::Maybe,
            _ => Leftover::Known(value.clone()),
        };
        match self.what {
            0 | 1 => begin(Intent::Create { token, spec: value }),
            2 => begin(Intent::Update { token, spec: value }),
            3 => begin(Intent::Delete),
            4 | 5 => finish(Outcome::Done {
                outputs: value,
                ready: self.detail > 1,
            }),
            6 => finish(Outcome::Gone),
            7 => finish(Outcome::failed(&step_error(leftover))),
            8 => finish(Outcome::NotApplied),
            9 => Entry::Ready {
                address,
                outputs: value,
            },
            10 => Entry::LookedUp {
                address,
                spec: value.clone(),
                outputs: value,
            },
            11 => Entry::Forgotten { address },
            12 => Entry::Moved {
                from: address,
                to: Address::new("vpc", format!("v{}", self.detail)),
            },
            13 => Entry::Adopted {
                address,
                spec: value.clone(),
                outputs: value,
                token,
                ready: self.detail > 1,
                stands_for: (self.detail == 0).then(|| "wanted".to_owned()),
            },
            14 => Entry::GivenBack { address },
            15 => Entry::Untagged {
                id: id_of(&value),
                address,
            },
            _ => match self.detail {
                0 if self.resource == 0 => Entry::Protected {
                    what: match state.protection {
                        Protection::Nothing => Protection::Everything,
                        _ => Protection::Nothing,
                    },
                },
                0 => Entry::Zones {
                    zones: vec![format!("zone-{}", self.resource)],
                },
                1 => Entry::Identified(Identity {
                    account: "1".into(),
                    region: "r".into(),
                    endpoint: None,
                }),
                2 => Entry::RunBegan {
                    run: token,
                    command: "up".into(),
                    stack: STACK.into(),
                    navi_version: "0".into(),
                },
                _ => Entry::RunEnded { run: "t2".into() },
            },
        }
    }
}

/// The legal part of a history: the entries, and the state before the first and after each.
fn live(events: &[Event]) -> (Vec<Stamped>, Vec<State>) {
    let mut states = vec![State::new(STACK)];
    let mut entries = Vec::new();
    for event in events {
        let mut state = states[states.len() - 1].clone();
        let before = state.clone();
        let stamped = Stamped {
            sequence: state.sequence.next(),
            at: entries.len() as u64,
            entry: event.entry(&state),
        };
        match state.apply(&stamped) {
            Ok(()) => {
                one_fate_each(&state);
                entries.push(stamped);
                states.push(state);
            }
            Err(_) => assert_eq!(state, before, "a refused entry changed something"),
        }
    }
    (entries, states)
}

/// What is recorded at an address is not being made there, nor of unknown fate.
fn one_fate_each(state: &State) {
    for address in state.unresolved.keys() {
        assert!(!state.resources.contains_key(address));
        assert!(!state.pending.contains_key(address));
    }
    for (address, pending) in &state.pending {
        let creates = matches!(pending.intent, Intent::Create { .. });
        assert_ne!(state.resources.contains_key(address), creates);
    }
}

/// The entries as lines, `size` to a line.
fn lines(lineage: &str, entries: &[Stamped], size: usize) -> Vec<Vec<u8>> {
    entries
        .chunks(size)
        .map(|batch| journal::encode(lineage, batch.to_vec()).unwrap())
        .collect()
}

/// What is read back from these files.
fn read_back(snapshot: Option<&[u8]>, journal: &[u8]) -> State {
    let store = MemoryStore::default();
    let mut files = store.lock(STACK, &Holder::this_process("up")).unwrap();
    if let Some(snapshot) = snapshot {
        files.replace_snapshot(snapshot).unwrap();
    }
    files.append_journal(journal).unwrap();
    load(&store, STACK).unwrap().state
}

proptest! {
    #[test]
    fn a_journal_read_back_gives_the_live_state_at_every_prefix(
        events in events(),
        size in 1_usize..5,
    ) {
        let (entries, states) = live(&events);
        for (length, state) in states.iter().enumerate().skip(1) {
            let journal = lines(&state.lineage, &entries[..length], size).concat();
            prop_assert_eq!(&read_back(None, &journal), state);
        }
    }

    /// The journal may still hold what the snapshot has (a crash before it was cleared),
    /// and its older part may be gone (cleared at an earlier fold).
    #[test]
    fn a_snapshot_at_any_point_and_the_journal_around_it_give_the_live_state(
        events in events(),
        size in 1_usize..5,
        fold in any::<Index>(),
        from in any::<Index>(),
    ) {
        let (entries, states) = live(&events);
        let fold = fold.index(states.len());
        let from = from.index(fold + 1);
        let snapshot = snapshot::encode(&states[fold]).unwrap();
        let journal = lines(&states[0].lineage, &entries[from..], size).concat();
        prop_assert_eq!(&read_back(Some(&snapshot), &journal), &states[states.len() - 1]);
        // And a stale journal beside a newer snapshot changes nothing.
        let stale = lines(&states[0].lineage, &entries[from..fold], size).concat();
        prop_assert_eq!(&read_back(Some(&snapshot), &stale), &states[fold]);
    }

    #[test]
    fn a_journal_cut_anywhere_gives_the_state_after_its_last_whole_line(
        events in events(),
        size in 1_usize..5,
        cut in any::<Index>(),
    ) {
        let (entries, states) = live(&events);
        let lines = lines(&states[0].lineage, &entries, size);
        let journal = lines.concat();
        let cut = cut.index(journal.len() + 1);
        let mut whole = 0;
        let mut end = 0;
        for line in &lines {
            end += line.len();
            // The line's end alone may be missing.
            if end <= cut + 1 { whole += 1; }
        }
        let expected = &states[(whole * size).min(entries.len())];
        let mut read = read_back(None, &journal[..cut]);
        // Without a single line, the lineage is a new one.
        read.lineage.clone_from(&expected.lineage);
        prop_assert_eq!(&read, expected);
    }
}
