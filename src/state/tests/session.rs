//! Does a session keep its promises to many tasks at once, and when writing fails?

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::state::{Identity, Outcome, State, Status};

fn number(index: usize) -> Address {
    Address::new("vpc", format!("v{index}"))
}

fn done() -> Outcome {
    Outcome::Done {
        outputs: outputs("vpc-1"),
        ready: false,
    }
}

fn disk_full() -> StateError {
    StateError::storage(
        "write the journal",
        "demo.journal",
        &std::io::Error::from(std::io::ErrorKind::StorageFull),
    )
}

/// What a second machine would read now.
async fn on_disk(store: &MemoryStore) -> State {
    open(&store.after_crash(), Access::Read).await.state()
}

#[tokio::test]
async fn an_entry_is_durable_when_its_call_returns() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    let intent = session.intend(&vpc(), create("t1")).await.unwrap();
    assert_eq!(on_disk(&store).await, session.state());
    session.settle(intent, done()).await.unwrap();
    assert_eq!(on_disk(&store).await, session.state());
    session.ready(&vpc(), outputs("vpc-2")).await.unwrap();
    session.choose_zones(vec!["a".into()]).await.unwrap();
    session
        .looked_up(&number(1), spec(), outputs("Z1"))
        .await
        .unwrap();
    session.forget(&number(1)).await.unwrap();
    let state = on_disk(&store).await;
    assert_eq!(state, session.state());
    assert_eq!(state.resources[&vpc()].status, Status::Ready);
    assert_eq!(session.known().value(&vpc()), Some(&outputs("vpc-2")));
    assert_eq!(state.zones, ["a"]);
}

/// The machine loses power before each write in turn, of two whole lives.
#[tokio::test]
async fn a_crash_before_any_write_loses_nothing_that_was_told_durable() {
    let world = MemoryStore::default();
    let told = Arc::new(Mutex::new(State::new(STACK)));
    let crashes = Arc::new(Mutex::new(Vec::new()));
    let mut store = HookedStore::new({
        let (world, told, crashes) = (world.clone(), told.clone(), crashes.clone());
        move |write| {
            let crash = (write, world.after_crash(), told.lock().unwrap().clone());
            crashes.lock().unwrap().push(crash);
            Ok(())
        }
    });
    store.inner = world;
    for life in 0..2 {
        let session = open(&store, up()).await;
        for index in 0..3 {
            let address = number(10 * life + index);
            let intent = session.intend(&address, create("t")).await.unwrap();
            *told.lock().unwrap() = session.state();
            if index > 0 {
                session.settle(intent, done()).await.unwrap();
                *told.lock().unwrap() = session.state();
            }
        }
        session.close().await.unwrap();
    }
    let crashes = std::mem::take(&mut *crashes.lock().unwrap());
    let count = |wanted| {
        crashes
            .iter()
            .filter(|(write, ..)| *write == wanted)
            .count()
    };
    assert_eq!(
        (
            count(Write::Append),
            count(Write::Replace),
            count(Write::Clear)
        ),
        (12, 2, 2)
    );
    for (write, store, told) in &crashes {
        let state = open(store, up()).await.state();
        assert_eq!(state.resources, told.resources, "before {write:?}");
        assert_eq!(state.pending, told.pending, "before {write:?}");
        assert!(state.sequence >= told.sequence);
    }
}

#[tokio::test]
async fn what_arrives_during_a_write_goes_out_together() {
    let (entered, mut writing) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let store = HookedStore::new(move |_| {
        // Nobody listens after the first write, and nothing holds up the later ones.
        let _ = entered.send(());
        let _ = released.lock().unwrap().recv();
        Ok(())
    });
    let session = open(&store, up()).await;
    let handle = session.clone();
    let first = tokio::spawn(async move { handle.intend(&vpc(), create("t")).await });
    writing.recv().await.unwrap();

    let addresses: Vec<_> = (0..100).map(number).collect();
    let mut others = Vec::new();
    for half in addresses.chunks(50) {
        for address in half {
            let mut other = Box::pin(session.intend(address, create("t")));
            assert!(futures::poll!(&mut other).is_pending());
            others.push(other);
        }
        // A second task that writes would take this half now, and could overtake the first.
        tokio::task::yield_now().await;
    }
    assert_eq!(store.inner.appends(STACK), 0);
    drop(release);
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap();
    }
    assert_eq!(store.inner.appends(STACK), 2, "101 intents, two writes");
    assert_eq!(on_disk(&store.inner).await.pending.len(), 101);
}

#[tokio::test]
async fn an_entry_whose_caller_is_gone_is_written_all_the_same() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let store = HookedStore::new(move |_| {
        released.lock().unwrap().recv().unwrap();
        Ok(())
    });
    let session = open(&store, up()).await;
    {
        let address = vpc();
        let mut intend = Box::pin(session.intend(&address, create("t")));
        assert!(futures::poll!(&mut intend).is_pending());
    }
    release.send(()).unwrap();
    release.send(()).unwrap();
    session.choose_zones(vec![]).await.unwrap();
    assert!(on_disk(&store.inner).await.pending.contains_key(&vpc()));
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_begun_and_the_close_keeps_what_is_known() {
    let writes = AtomicUsize::new(0);
    let store = HookedStore::new(move |write| match write {
        Write::Append => match writes.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(()),
            1 => Err(disk_full()),
            _ => panic!("an append was tried after one had failed"),
        },
        Write::Replace | Write::Clear => Ok(()),
    });
    let session = open(&store, up()).await;
    let intent = session.intend(&vpc(), create("t1")).await.unwrap();
    let error = session.settle(intent, done()).await.unwrap_err();
    assert_eq!(error, disk_full());
    assert!(error.to_string().contains("Free some space"), "{error}");
    let refused = session.intend(&number(1), create("t2")).await.unwrap_err();
    assert_eq!(refused, disk_full());
    assert!(!session.state().pending.contains_key(&number(1)));
    assert!(on_disk(&store.inner).await.pending.contains_key(&vpc()));

    // The snapshot takes what the journal could not: AWS did make the VPC.
    session.close().await.unwrap();
    let state = on_disk(&store.inner).await;
    assert_eq!(state.resources[&vpc()].outputs, outputs("vpc-1"));
    assert!(state.pending.is_empty());
}

#[tokio::test]
async fn an_impossible_entry_is_refused_and_the_session_goes_on() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    let refused = session.intend(&vpc(), Intent::Delete).await.unwrap_err();
    assert!(refused.to_string().contains("delete vpc.main"), "{refused}");
    session.intend(&vpc(), create("t1")).await.unwrap();
    assert_eq!(on_disk(&store).await, session.state());
}

#[tokio::test]
async fn a_reader_sees_a_run_in_progress_and_can_change_nothing() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    session.intend(&vpc(), create("t1")).await.unwrap();
    let reader = open(&store, Access::Read).await;
    assert_eq!(reader.state(), session.state());
    assert_eq!(reader.beside().unwrap().command, "up");
    let refused = reader.intend(&number(1), create("t2")).await.unwrap_err();
    assert_eq!(refused, StateError::ReadOnly(STACK.into()));
    assert_eq!(reader.state(), session.state());
    reader.close().await.unwrap();
    session.close().await.unwrap();
    assert_eq!(open(&store, Access::Read).await.beside(), None);
}

#[tokio::test]
async fn a_stack_stays_in_its_account_and_region() {
    let identity = |account: &str| Identity {
        account: account.into(),
        region: "eu-west-1".into(),
        endpoint: Some("http://127.0.0.1:1".into()),
    };
    let store = MemoryStore::default();
    let reader = open(&store, Access::Read).await;
    reader.identify(identity("1")).await.unwrap();
    assert_eq!(reader.state().identity, None, "a look settles nothing");
    let session = open(&store, up()).await;
    session.identify(identity("1")).await.unwrap();
    let written = store.appends(STACK);
    session.identify(identity("1")).await.unwrap();
    assert_eq!(store.appends(STACK), written, "known already");
    let refused = session.identify(identity("2")).await.unwrap_err();
    assert!(matches!(refused, StateError::OtherIdentity { .. }));
    session.close().await.unwrap();
    let reader = open(&store, Access::Read).await;
    reader.identify(identity("1")).await.unwrap();
    assert!(reader.state().check_identity("1", "us-east-1").is_err());
}

#[tokio::test]
async fn a_closed_session_refuses_its_other_handles() {
    let store = MemoryStore::default();
    let session = open(&store, up()).await;
    let handle = session.clone();
    session.intend(&vpc(), create("t1")).await.unwrap();
    session.close().await.unwrap();
    let refused = handle.choose_zones(vec![]).await.unwrap_err();
    assert_eq!(refused, StateError::Closed(STACK.into()));
    // The lock is free although a handle is left.
    let session = open(&store, up()).await;
    assert!(
        session.state().pending.contains_key(&vpc()),
        "kept for recovery"
    );
}

#[tokio::test]
async fn a_run_that_ends_and_another_that_begins_between_two_reads_confuse_no_reader() {
    let store = HookedStore::new(|_| Ok(()));
    let session = open(&store.inner, up()).await;
    session.intend(&vpc(), create("t1")).await.unwrap();
    let meanwhile = store.inner.clone();
    store.after_next_read(move || {
        futures::executor::block_on(async {
            session.close().await.unwrap();
            // Written, and dropped as a crash would: the journal goes on from the snapshot.
            let lines = crate::state::journal::encode(
                &open(&meanwhile, Access::Read).await.state().lineage,
                vec![crate::state::Stamped {
                    sequence: crate::state::Sequence::from(4),
                    at: 0,
                    entry: crate::state::Entry::Zones { zones: vec![] },
                }],
            );
            let holder = Holder::this_process("up");
            let mut files = meanwhile.lock(STACK, &holder).unwrap();
            files.append_journal(&lines.unwrap()).unwrap();
        });
    });
    let reader = open(&store, Access::Read).await;
    assert!(reader.state().pending.contains_key(&vpc()));
    assert_eq!(
        reader.state().serial,
        1,
        "the snapshot was read after the run had ended"
    );
}

#[tokio::test]
async fn a_line_half_written_by_a_run_in_progress_is_no_warning() {
    let store = MemoryStore::default();
    let holder = Holder::this_process("up");
    let mut files = store.lock(STACK, &holder).unwrap();
    files.append_journal(b"{\"version\":1,").unwrap();
    assert_eq!(open(&store, Access::Read).await.warnings(), []);
    drop(files);
    assert_eq!(open(&store, Access::Read).await.warnings().len(), 1);
}
