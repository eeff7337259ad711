//! Which cases are run, by whom, and what came of them?

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::case::{Case, Outcome};
use super::fault::{Call, Calls, Fault};
use super::scenario::{self, Scenario};
use super::stage::Stage;

/// Cases that work on the processor at one time.
const WORKERS: usize = 2;
/// Those that wait for an answer that never comes.
const WAITERS: usize = 12;
/// An undisturbed run is looked at so often: what AWS refuses for a moment is called again, sometimes more often.
const BASELINES: usize = 3;

/// What is asked for by the environment.
pub struct Asked {
    /// Every case, or a sample.
    pub whole: bool,
    pub seed: u64,
    /// Only cases whose name holds this.
    pub only: Option<String>,
}

impl Asked {
    pub fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Asked {
            whole: variable("NAVI_RELIABILITY").is_some_and(|what| what == "whole"),
            seed: variable("NAVI_RELIABILITY_SEED")
                .and_then(|seed| seed.parse().ok())
                .unwrap_or(1),
            only: variable("NAVI_RELIABILITY_ONLY"),
        }
    }
}

/// How many cases of a cell of the table there are, and how many have been run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub held: usize,
    pub of: usize,
}

/// What came of it.
#[derive(Default)]
pub struct Results {
    pub counts: BTreeMap<(usize, Row), Count>,
    pub failures: Vec<(String, String)>,
    pub mutating: BTreeMap<usize, usize>,
    pub objects: BTreeMap<usize, usize>,
}

impl Results {
    fn fail(&mut self, name: String, error: String) {
        eprintln!("FAILED {name}\n{error}\n");
        self.failures.push((name, error));
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    Once(Fault),
    /// kill -9 again during the recovery.
    Again,
}

impl Row {
    pub const ALL: [Row; 12] = [
        Row::Once(Fault::KillBefore),
        Row::Once(Fault::KillAfter),
        Row::Once(Fault::KillUnwritten),
        Row::Again,
        Row::Once(Fault::Drop),
        Row::Once(Fault::TimeOut),
        Row::Once(Fault::Status500),
        Row::Once(Fault::Status503),
        Row::Once(Fault::Throttle),
        Row::Once(Fault::Deny),
        Row::Once(Fault::Quota),
        Row::Once(Fault::Late),
    ];

    pub fn title(self) -> &'static str {
        match self {
            Row::Once(fault) => fault.title(),
            Row::Again => "kill -9 again during the recovery",
        }
    }
}

/// The calls of an undisturbed run, each by its occurrence; those that come every time.
struct Baseline {
    calls: Vec<Call>,
    mutating: Vec<Call>,
    objects: usize,
}

fn baseline(stage: &mut Stage, scenario: &Scenario) -> Result<Baseline, String> {
    let mut all: Option<HashMap<String, usize>> = None;
    let mut mutating: Option<HashMap<String, usize>> = None;
    let mut objects = 0;
    for _ in 0..BASELINES {
        scenario.prepare(stage)?;
        stage
            .run(&scenario.file(), &[scenario.command, "--yes"])
            .ended(&[0])?;
        all = Some(fewest(all, stage.calls(false)));
        mutating = Some(fewest(mutating, stage.calls(true)));
        objects = stage.world().len() - stage.before.len().min(stage.world().len());
    }
    Ok(Baseline {
        calls: occurrences(&all.unwrap_or_default()),
        mutating: occurrences(&mutating.unwrap_or_default()),
        objects,
    })
}

fn fewest(known: Option<HashMap<String, usize>>, calls: Vec<String>) -> HashMap<String, usize> {
    let mut counted = HashMap::new();
    for call in calls {
        *counted.entry(call).or_insert(0) += 1;
    }
    match known {
        None => counted,
        Some(mut known) => {
            known.retain(|name, count| {
                *count = (*count).min(counted.get(name).copied().unwrap_or(0));
                *count > 0
            });
            known
        }
    }
}

fn occurrences(counts: &HashMap<String, usize>) -> Vec<Call> {
    let mut calls: Vec<Call> = counts
        .iter()
        .flat_map(|(operation, count)| {
            (1..=*count).map(|occurrence| Call {
                operation: operation.clone(),
                occurrence,
            })
        })
        .collect();
    calls.sort();
    calls
}

fn is_create(call: &Call) -> bool {
    [
        "Create",
        "Allocate",
        "Register",
        "Request",
        "Put",
        "Authorize",
    ]
    .iter()
    .any(|verb| call.operation.starts_with(verb))
        && !["CreateTags", "CreateServiceLinkedRole"].contains(&call.operation.as_str())
}

/// Every case of a scenario.
fn cases(scenario: Scenario, baseline: &Baseline) -> Vec<(Row, Case)> {
    let mut cases = Vec::new();
    for fault in Fault::ALL {
        let calls: Vec<&Call> = match fault.calls() {
            Calls::All => baseline.calls.iter().collect(),
            Calls::Mutating => baseline.mutating.iter().collect(),
            Calls::Creates => baseline
                .mutating
                .iter()
                .filter(|call| is_create(call))
                .collect(),
        };
        cases.extend(calls.into_iter().map(|call| {
            let case = Case {
                scenario,
                fault,
                call: call.clone(),
                again: None,
            };
            (Row::Once(fault), case)
        }));
    }
    for call in &baseline.mutating {
        for number in 1..=baseline.mutating.len() {
            let case = Case {
                scenario,
                fault: Fault::KillAfter,
                call: call.clone(),
                again: Some(number),
            };
            cases.push((Row::Again, case));
        }
    }
    cases
}

/// A number that a seed gives to a name: the same every time, and without order.
fn drawn(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ (hash >> 29)
}

/// How many cases of a cell are run when not all are.
fn sample(scenario: &Scenario, row: Row) -> usize {
    match row {
        // The minimal stack is killed everywhere, every time.
        Row::Once(Fault::KillAfter) if scenario.is_minimal() => usize::MAX,
        Row::Once(Fault::TimeOut) => 1,
        _ => 4,
    }
}

/// Of the whole, a second kill is sampled outside the minimal stack.
const AGAIN_OF_LARGER: usize = 120;

fn chosen(asked: &Asked, scenario: &Scenario, all: Vec<(Row, Case)>) -> Vec<(Row, Case)> {
    if let Some(only) = &asked.only {
        return all
            .into_iter()
            .filter(|(_, case)| case.name().contains(only))
            .collect();
    }
    let mut rows: BTreeMap<Row, Vec<Case>> = BTreeMap::new();
    for (row, case) in all {
        rows.entry(row).or_default().push(case);
    }
    let mut chosen = Vec::new();
    for (row, mut cases) in rows {
        let most = match (asked.whole, row) {
            (true, Row::Again) if !scenario.is_minimal() => AGAIN_OF_LARGER,
            (true, _) => usize::MAX,
            (false, _) => sample(scenario, row),
        };
        cases.sort_by_key(|case| drawn(asked.seed, &case.name()));
        chosen.extend(cases.into_iter().take(most).map(|case| (row, case)));
    }
    chosen
}

/// Runs what is asked for.
pub fn run(asked: &Asked) -> Results {
    let results = Mutex::new(Results::default());
    let queue: Mutex<Vec<(usize, Row, Case)>> = Mutex::new(Vec::new());
    // What the undisturbed commands call.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut stage = Stage::new();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(scenario) = scenario::ALL.get(number) else {
                        return;
                    };
                    match baseline(&mut stage, scenario) {
                        Ok(baseline) => {
                            let all = cases(*scenario, &baseline);
                            let mut results = results.lock().unwrap();
                            results.mutating.insert(number, baseline.mutating.len());
                            results.objects.insert(number, baseline.objects);
                            for (row, _) in &all {
                                results.counts.entry((number, *row)).or_default().of += 1;
                            }
                            let chosen = chosen(asked, scenario, all);
                            let cases = chosen.into_iter().map(|(row, case)| (number, row, case));
                            queue.lock().unwrap().extend(cases);
                        }
                        Err(error) => {
                            let name = format!("{}: undisturbed", scenario.name);
                            results.lock().unwrap().fail(name, error);
                        }
                    }
                }
            });
        }
    });
    let (waiting, working): (Vec<_>, Vec<_>) = queue
        .into_inner()
        .unwrap()
        .into_iter()
        .partition(|(_, _, case)| case.fault == Fault::TimeOut);
    eprintln!(
        "reliability: {} cases, {} of them wait for an answer that never comes; seed {}",
        waiting.len() + working.len(),
        waiting.len(),
        asked.seed
    );
    work_off(working, WORKERS, &results);
    work_off(waiting, WAITERS, &results);
    results.into_inner().unwrap()
}

fn work_off(cases: Vec<(usize, Row, Case)>, workers: usize, results: &Mutex<Results>) {
    let workers = workers.min(cases.len());
    let cases = Mutex::new(cases.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut stage = Stage::new();
                loop {
                    let Some((number, row, case)) = cases.lock().unwrap().next() else {
                        return;
                    };
                    let outcome = case.run(&mut stage);
                    if outcome.is_err() {
                        // What went wrong may still hold something; the next case must not suffer from it.
                        stage = Stage::new();
                    }
                    let mut results = results.lock().unwrap();
                    match outcome {
                        Ok(Outcome::Held) => {
                            results.counts.entry((number, row)).or_default().held += 1;
                        }
                        Ok(Outcome::NotReached) => {
                            results.counts.entry((number, row)).or_default().of -= 1;
                        }
                        Err(error) => {
                            results.fail(case.name(), error);
                        }
                    }
                }
            });
        }
    });
}
