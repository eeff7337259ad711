//! Does each entry do to the state what docs/STATE.md says, and is every other one refused?

use serde_json::json;

use super::*;
use crate::state::{Entry, Identity, Outcome, Sequence, Stamped, State, Status};

/// A state that has taken in these entries.
fn after(entries: Vec<Entry>) -> State {
    let mut state = State::new(STACK);
    for entry in entries {
        let stamped = next(&state, entry);
        state.apply(&stamped).unwrap();
    }
    state
}

fn next(state: &State, entry: Entry) -> Stamped {
    Stamped {
        sequence: state.sequence.next(),
        at: 1_700_000_000_000,
        entry,
    }
}

fn intent(intent: Intent) -> Entry {
    Entry::Intent {
        address: vpc(),
        intent,
    }
}

fn outcome(intent: u64, outcome: Outcome) -> Entry {
    Entry::Outcome {
        intent: Sequence::from(intent),
        outcome,
    }
}

fn done(ready: bool) -> Outcome {
    Outcome::Done {
        outputs: outputs("vpc-1"),
        ready,
    }
}

fn failed(leftover: Leftover) -> Outcome {
    Outcome::failed(&step_error(leftover))
}

fn update() -> Intent {
    Intent::Update {
        token: "t2".into(),
        spec: json!({"cidr": "10.0.0.0/16", "tags": {"a": "b"}}),
    }
}

fn ready() -> Entry {
    Entry::Ready {
        address: vpc(),
        outputs: outputs("vpc-2"),
    }
}

fn lookup() -> Entry {
    Entry::LookedUp {
        address: vpc(),
        spec: json!({"name": "example.org"}),
        outputs: outputs("Z1"),
    }
}

fn forgotten() -> Entry {
    Entry::Forgotten { address: vpc() }
}

fn given_back() -> Entry {
    Entry::GivenBack { address: vpc() }
}

fn untagged(id: &str) -> Entry {
    Entry::Untagged {
        address: vpc(),
        id: Some(id.to_owned()),
    }
}

fn adopted(address: Address, id: &str, token: &str) -> Entry {
    Entry::Adopted {
        address,
        spec: json!({"tags": {}}),
        outputs: outputs(id),
        token: token.to_owned(),
        ready: true,
        stands_for: None,
    }
}

fn run(run: &str) -> Entry {
    Entry::RunBegan {
        run: run.into(),
        command: "up".into(),
        stack: STACK.into(),
        navi_version: "0".into(),
    }
}

/// Entries that make a resource: two of them.
fn made() -> Vec<Entry> {
    vec![intent(create("t1")), outcome(1, done(false))]
}

fn made_then(entries: impl IntoIterator<Item = Entry>) -> State {
    after(made().into_iter().chain(entries).collect())
}

#[test]
fn a_create_that_made_something_is_recorded() {
    let half_done = failed(Leftover::Known(outputs("vpc-1")));
    for (what, status) in [
        (done(false), Status::Created),
        (done(true), Status::Ready),
        (half_done, Status::Created),
    ] {
        let state = after(vec![intent(create("t1")), outcome(1, what)]);
        let record = &state.resources[&vpc()];
        assert_eq!((record.status, record.lookup), (status, false));
        assert_eq!(record.token, "t1");
        assert_eq!(
            (&record.spec, &record.outputs),
            (&spec(), &outputs("vpc-1"))
        );
        assert!(state.pending.is_empty() && state.unresolved.is_empty());
        assert_eq!(state.known().value(&vpc()), Some(&outputs("vpc-1")));
    }
}

#[test]
fn a_create_that_left_nothing_leaves_nothing() {
    let state = after(vec![
        intent(create("t1")),
        outcome(1, failed(Leftover::None)),
    ]);
    assert!(state.is_empty());
}

#[test]
fn a_create_of_unknown_fate_keeps_its_token_until_the_next_attempt() {
    for what in [failed(Leftover::Maybe), Outcome::NotApplied] {
        let mut state = after(vec![intent(create("t1")), outcome(1, what)]);
        assert!(state.resources.is_empty() && state.pending.is_empty());
        assert_eq!(state.unresolved[&vpc()].token, "t1");
        assert_eq!(state.token_for(&vpc(), &spec()), "t1");
        assert!(!state.is_empty());

        let again = next(&state, intent(create("t1")));
        state.apply(&again).unwrap();
        assert!(state.unresolved.is_empty());
        assert_eq!(state.pending[&vpc()].intent, create("t1"));
    }
}

#[test]
fn an_updates_spec_counts_once_it_is_done() {
    let begun = made_then([ready(), intent(update())]);
    assert_eq!(begun.resources[&vpc()].spec, spec());
    assert_eq!(begun.resources[&vpc()].status, Status::Ready);

    for what in [
        Outcome::NotApplied,
        failed(Leftover::None),
        failed(Leftover::Maybe),
    ] {
        let state = made_then([ready(), intent(update()), outcome(4, what)]);
        assert_eq!(state.resources, begun.resources);
        assert!(state.pending.is_empty());
    }
    let half = failed(Leftover::Known(outputs("vpc-3")));
    let state = made_then([ready(), intent(update()), outcome(4, half)]);
    assert_eq!(state.resources[&vpc()].spec, spec());
    assert_eq!(state.resources[&vpc()].outputs, outputs("vpc-3"));
    assert_eq!(state.resources[&vpc()].status, Status::Created);

    let state = made_then([ready(), intent(update()), outcome(4, done(false))]);
    let record = &state.resources[&vpc()];
    assert_eq!(record.spec["tags"]["a"], "b");
    assert_eq!(record.outputs, outputs("vpc-1"));
    assert_eq!(record.status, Status::Created);
    assert_eq!(record.token, "t1", "the token tells who made it");
}

#[test]
fn a_delete_ends_when_the_resource_is_gone() {
    for what in [Outcome::NotApplied, failed(Leftover::Maybe)] {
        let state = made_then([intent(Intent::Delete), outcome(3, what)]);
        assert_eq!(state.resources[&vpc()].status, Status::Deleting);
        assert!(state.pending.is_empty());
    }
    let begun = made_then([intent(Intent::Delete)]);
    assert_eq!(begun.resources[&vpc()].status, Status::Deleting);
    assert!(made_then([intent(Intent::Delete), outcome(3, Outcome::Gone)]).is_empty());
}

#[test]
fn what_a_refused_delete_left_usable_is_usable() {
    let refused = outcome(3, failed(Leftover::None));
    let state = made_then([intent(Intent::Delete), refused, ready()]);
    assert_eq!(state.resources[&vpc()].status, Status::Ready);
    assert_eq!(state.resources[&vpc()].outputs, outputs("vpc-2"));
}

#[test]
fn a_lookup_is_recorded_renewed_and_forgotten() {
    let state = after(vec![lookup(), lookup()]);
    assert!(state.resources[&vpc()].lookup);
    assert_eq!(state.known().value(&vpc()), Some(&outputs("Z1")));
    assert!(after(vec![lookup(), forgotten()]).is_empty());
}

#[test]
fn what_is_given_back_is_remembered_until_it_is_the_stack_s_again() {
    let state = after(vec![adopted(vpc(), "vpc-1", "t1"), given_back()]);
    assert!(state.is_empty());
    let given = &state.given_back[0];
    assert_eq!((given.id(), given.tagged), (Some("vpc-1".into()), true));
    assert!(given.is("vpc", &outputs("vpc-1"), "", None));
    assert!(given.is("vpc", &outputs("vpc-2"), "t1", None));
    assert!(!given.is("vpc", &outputs("vpc-2"), "", None));
    assert!(!given.is("subnet", &outputs("vpc-1"), "t1", None));
    assert!(!given.is(
        "vpc",
        &outputs("vpc-1"),
        "t1",
        Some(&Address::new("vpc", "other"))
    ));

    let remembered = |entries: Vec<Entry>| {
        let first = vec![adopted(vpc(), "vpc-1", "t1"), given_back()];
        let state = after(first.into_iter().chain(entries).collect());
        let given_back = state.given_back.into_iter();
        given_back.map(|given| given.tagged).collect::<Vec<_>>()
    };
    assert_eq!(remembered(vec![untagged("vpc-1")]), [false]);
    // Another in its place is another; the same one at another place is the same.
    let elsewhere = Address::new("vpc", "other");
    assert_eq!(remembered(vec![adopted(vpc(), "vpc-2", "")]), [true]);
    let nothing = Vec::<bool>::new();
    assert_eq!(remembered(vec![adopted(elsewhere, "vpc-1", "")]), nothing);
    // One that is made anew may have the ID of one that went, where the ID is a name.
    let made = vec![intent(create("t2")), outcome(3, done(true))];
    assert_eq!(remembered(made), nothing);
}

#[test]
fn a_create_of_unknown_fate_is_given_back_by_its_token() {
    let state = after(vec![
        intent(create("t1")),
        outcome(1, Outcome::NotApplied),
        given_back(),
    ]);
    assert!(state.is_empty());
    let given = &state.given_back[0];
    assert!(!given.is_to_be_untagged());
    assert!(given.is("vpc", &outputs("vpc-9"), "t1", None));
    assert!(!given.is("vpc", &outputs("vpc-9"), "t2", None));
}

#[test]
fn a_forgotten_create_of_unknown_fate_leaves_nothing() {
    let state = after(vec![
        intent(create("t1")),
        outcome(1, Outcome::NotApplied),
        forgotten(),
    ]);
    assert!(state.is_empty());
}

#[test]
fn a_run_is_known_from_its_beginning_to_its_end() {
    let state = after(vec![run("a"), run("b")]);
    assert_eq!(state.run.as_ref().unwrap().id, "b", "a was cut off");
    let ended = Entry::RunEnded { run: "b".into() };
    assert_eq!(after(vec![run("b"), ended]).run, None);
}

#[test]
fn an_impossible_entry_is_named_and_changes_nothing() {
    let cases = [
        ("created twice", made(), intent(create("t3"))),
        (
            "two at once",
            vec![intent(create("t1"))],
            intent(create("t1")),
        ),
        (
            "delete in an update",
            made().into_iter().chain([intent(update())]).collect(),
            intent(Intent::Delete),
        ),
        ("update of nothing", vec![], intent(update())),
        ("delete of nothing", vec![], intent(Intent::Delete)),
        ("update of a lookup", vec![lookup()], intent(update())),
        ("delete of a lookup", vec![lookup()], intent(Intent::Delete)),
        ("outcome of nothing", vec![], outcome(1, done(true))),
        ("outcome twice", made(), outcome(1, done(true))),
        (
            "create gone",
            vec![intent(create("t1"))],
            outcome(1, Outcome::Gone),
        ),
        (
            "update gone",
            made().into_iter().chain([intent(update())]).collect(),
            outcome(3, Outcome::Gone),
        ),
        (
            "delete done",
            made().into_iter().chain([intent(Intent::Delete)]).collect(),
            outcome(3, done(true)),
        ),
        ("ready before created", vec![intent(create("t1"))], ready()),
        ("nothing is ready", vec![], ready()),
        ("lookup of ours", made(), lookup()),
        (
            "forgotten half way",
            vec![intent(create("t1"))],
            forgotten(),
        ),
        ("forgotten nothing", vec![], forgotten()),
        (
            "given back half way",
            vec![intent(create("t1"))],
            given_back(),
        ),
        ("given back nothing", vec![], given_back()),
        ("given back a lookup", vec![lookup()], given_back()),
        (
            "untagged what was never given back",
            made(),
            untagged("vpc-1"),
        ),
        ("end of no run", vec![], Entry::RunEnded { run: "b".into() }),
        (
            "end of another run",
            vec![run("a")],
            Entry::RunEnded { run: "b".into() },
        ),
        (
            "another stack",
            vec![],
            Entry::RunBegan {
                run: "a".into(),
                command: "up".into(),
                stack: "other".into(),
                navi_version: "0".into(),
            },
        ),
        (
            "nothing to move",
            vec![],
            Entry::Moved {
                from: vpc(),
                to: Address::new("vpc", "other"),
            },
        ),
        (
            "moved onto itself",
            made(),
            Entry::Moved {
                from: vpc(),
                to: vpc(),
            },
        ),
        (
            "moved to another kind",
            made(),
            Entry::Moved {
                from: vpc(),
                to: Address::new("subnet", "main"),
            },
        ),
        (
            "moved while something is under way",
            [made(), vec![intent(Intent::Delete)]].concat(),
            Entry::Moved {
                from: vpc(),
                to: Address::new("vpc", "other"),
            },
        ),
        (
            "moved",
            vec![Entry::Identified(Identity {
                account: "1".into(),
                region: "a".into(),
                endpoint: None,
            })],
            Entry::Identified(Identity {
                account: "2".into(),
                region: "a".into(),
                endpoint: None,
            }),
        ),
    ];
    for (case, before, entry) in cases {
        let mut state = after(before);
        let unchanged = state.clone();
        let stamped = next(&state, entry);
        let error = state.apply(&stamped).expect_err(case);
        assert_eq!(state, unchanged, "{case}");
        assert_eq!(error.sequence, stamped.sequence, "{case}");
        assert!(
            error.to_string().contains(&stamped.entry.to_string()),
            "{case}"
        );
    }
}

#[test]
fn a_moved_record_keeps_everything_and_is_still_referred_to() {
    let subnet = Address::new("subnet", "a");
    let moved = Address::new("vpc", "main~1");
    let state = made_then([
        Entry::Intent {
            address: subnet.clone(),
            intent: Intent::Create {
                token: "t3".into(),
                spec: json!({"vpcs": [{"$ref": vpc(), "gate": "exists", "on_delete": "gone"}]}),
            },
        },
        outcome(3, done(true)),
        Entry::Moved {
            from: vpc(),
            to: moved.clone(),
        },
        // The address is free for a successor.
        intent(create("t4")),
    ]);
    assert_eq!(state.resources[&moved].outputs, outputs("vpc-1"));
    assert_eq!(state.resources[&moved].token, "t1");
    assert_eq!(state.resources[&subnet].edges()[0].to, moved);
    assert!(!state.resources.contains_key(&vpc()));
}

#[test]
fn an_entry_out_of_order_is_refused() {
    let mut state = State::new(STACK);
    for sequence in [0, 2] {
        let stamped = Stamped {
            sequence: Sequence::from(sequence),
            at: 0,
            entry: Entry::Zones { zones: vec![] },
        };
        state.apply(&stamped).unwrap_err();
    }
}

#[test]
fn awss_free_text_is_not_kept_for_it_may_quote_a_session_token() {
    let entry = outcome(1, failed(Leftover::Maybe));
    let text = serde_json::to_string(&entry).unwrap();
    assert!(text.contains("InternalError") && text.contains("r-1"));
    assert!(!text.contains("security-token"), "{text}");
}
