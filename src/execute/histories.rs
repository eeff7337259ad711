//! Whatever happens to a stack over many runs, does it end as its file says, with nothing lost and nothing twice?
//!
//! Random histories in virtual time: the file is edited, `up` and `down` run, are killed at any instant and meet faults, and
//! others change and remove things in between. A history that fails is shrunk to the least that still fails, and its seed is
//! written into `histories.regressions`, from which every later run replays it first. `NAVI_HISTORIES` says how many are run.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::simulation::Fault;
use super::tests::{Bench, RandomResource, graph_of, stacks, virtual_time};

/// So many unless `NAVI_HISTORIES` says otherwise.
const HISTORIES: u32 = 10_000;
/// Runs that a stack may need to get over what the history has left, once nothing goes wrong any more.
const MOST_RUNS: usize = 3;
/// Longer than any run without faults.
const LONGEST_RUN: Duration = Duration::from_secs(4 * 3600);

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// The stack file says something else from now on.
    Edited(Vec<RandomResource>),
    Up(Run),
    Down(Run),
    RemovedByAnother(usize),
    ChangedByAnother(usize, u32),
}

/// A run of navi.
#[derive(Clone, Debug)]
struct Run {
    /// After how many milliseconds it is killed, if it is.
    killed_after: Option<u64>,
    /// At which of its mutating calls what goes wrong.
    faults: Vec<(usize, Fault)>,
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Refused),
        Just(Fault::AnswerLost),
        Just(Fault::RequestLost),
        Just(Fault::Throttled),
        Just(Fault::Late),
    ]
}

fn runs() -> impl Strategy<Value = Run> {
    let killed_after = prop::option::of(0u64..200_000);
    let faults = prop::collection::vec((0usize..20, faults()), 0..3);
    (killed_after, faults).prop_map(|(killed_after, faults)| Run {
        killed_after,
        faults,
    })
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => stacks().prop_map(Happening::Edited),
        4 => runs().prop_map(Happening::Up),
        1 => runs().prop_map(Happening::Down),
        1 => any::<usize>().prop_map(Happening::RemovedByAnother),
        1 => (any::<usize>(), 0u32..3).prop_map(|(which, setting)| Happening::ChangedByAnother(which, setting)),
    ]
}

/// Carries out one run of a history. One that nobody would ever answer is killed in the end.
async fn carry_out(bench: &Bench, desired: Option<&[RandomResource]>, run: &Run) {
    let graph = desired.map(graph_of);
    let before = bench.cloud.calls().len();
    for (call, fault) in &run.faults {
        bench.cloud.arm(before + call, *fault);
    }
    let after = run.killed_after.map_or(LONGEST_RUN, Duration::from_millis);
    bench.killed(graph.as_ref(), after).await;
    bench.cloud.disarm();
    // The process is gone; what it had asked for may still happen before the next one begins.
    bench.cloud.carry_out_late();
}

/// Runs until there is nothing left to do.
async fn until_complete(bench: &Bench, desired: Option<&[RandomResource]>) {
    let graph = desired.map(graph_of);
    for _ in 0..MOST_RUNS {
        if bench.run(graph.as_ref()).await.complete() {
            return;
        }
    }
    panic!("not complete after {MOST_RUNS} runs without a fault");
}

async fn live(first: &[RandomResource], history: &[Happening]) {
    let bench = Bench::new();
    let mut desired = first;
    for happening in history {
        match happening {
            Happening::Edited(stack) => desired = stack,
            Happening::Up(run) => carry_out(&bench, Some(desired), run).await,
            Happening::Down(run) => carry_out(&bench, None, run).await,
            Happening::RemovedByAnother(which) => bench.cloud.removed_by_another(*which),
            Happening::ChangedByAnother(which, setting) => {
                bench.cloud.changed_by_another(*which, *setting);
            }
        }
    }
    until_complete(&bench, Some(desired)).await;
    let calls = bench.cloud.calls().len();
    assert!(bench.run(Some(&graph_of(desired))).await.complete());
    assert_eq!(
        bench.cloud.calls().len(),
        calls,
        "a further run changed something"
    );

    // The model: what one undisturbed run makes of the last file.
    let fresh = Bench::new();
    assert!(fresh.run(Some(&graph_of(desired))).await.complete());
    assert_eq!(bench.shapes(), fresh.shapes());
    let mut recorded: Vec<String> = {
        let state = bench.open().await.state();
        let addresses = state.resources.keys();
        addresses.map(|address| address.name().to_owned()).collect()
    };
    recorded.sort();
    assert_eq!(recorded, bench.there(), "the records are not what is there");
    assert_eq!(bench.cloud.violations(), Vec::<String>::new());

    until_complete(&bench, None).await;
    assert_eq!(bench.there(), Vec::<String>::new());
    // A create of unknown fate is looked for until five minutes by the wall clock are over, which no history lasts.
    let state = bench.open().await.state();
    assert!(state.resources.is_empty() && state.pending.is_empty());
}

fn configuration() -> ProptestConfig {
    let wanted = std::env::var("NAVI_HISTORIES").ok();
    ProptestConfig {
        cases: wanted
            .and_then(|count| count.parse().ok())
            .unwrap_or(HISTORIES),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "src/execute/histories.regressions",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn every_history_ends_as_the_last_file_says(
        first in stacks(),
        history in prop::collection::vec(happenings(), 1..8),
    ) {
        virtual_time().block_on(live(&first, &history));
    }
}

/// What this found: a removal that had begun goes on before what it leads to is taken away.
#[test]
fn what_a_resource_leads_to_stays_while_its_removal_goes_on() {
    let resource = |needs: &[(usize, bool)], shape| (0, 2, 0, needs.to_vec(), shape);
    let first = [resource(&[], 0), resource(&[(0, false)], 0)];
    let edited = [resource(&[], 1), resource(&[(0, false)], 0)];
    let refused = Run {
        killed_after: None,
        faults: vec![(0, Fault::Refused)],
    };
    let up = Run {
        killed_after: None,
        faults: Vec::new(),
    };
    let history = [
        Happening::Up(up),
        Happening::Edited(edited.to_vec()),
        Happening::Down(refused),
    ];
    virtual_time().block_on(live(&first, &history));
}
