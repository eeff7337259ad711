//! Which cases are run, by whom, and what came of them?

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::beside::Beside;
use super::case::{Case, Disturbance, Outcome};
use super::fault::{Call, Calls, Fault};
use super::machine::Trouble;
use super::other::{self, Moment, Other};
use super::scenario::{self, Scenario};
use super::stage::Stage;

/// Cases at one time. More than processors: a run that looks for a lost create waits for seconds.
const WORKERS: usize = 4;
/// Those that wait for an answer that never comes.
const WAITERS: usize = 12;
/// An undisturbed run is looked at so often: what AWS refuses for a moment is called again, sometimes more often.
const BASELINES: usize = 3;

/// What is asked for by the environment.
pub struct Asked {
    /// Every case, or a sample.
    pub whole: bool,
    pub seed: u64,
    /// After so long no further case is begun.
    pub minutes: Option<Duration>,
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
            minutes: variable("NAVI_RELIABILITY_MINUTES")
                .and_then(|minutes| minutes.parse().ok())
                .map(|minutes: u64| Duration::from_secs(60 * minutes)),
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
    pub sizes: BTreeMap<usize, Sizes>,
}

/// What an undisturbed run of a scenario is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub mutating: usize,
    pub objects: usize,
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
    Machine(Trouble),
    Beside(Beside),
    Changed,
    Deleted,
}

impl Row {
    pub fn all() -> Vec<Row> {
        let mut rows: Vec<Row> = Fault::ALL.map(Row::Once).to_vec();
        rows.push(Row::Again);
        rows.extend(Trouble::ALL.map(Row::Machine));
        rows.extend(Beside::ALL.map(Row::Beside));
        rows.extend([Row::Changed, Row::Deleted]);
        rows
    }

    fn of(disturbance: &Disturbance) -> Row {
        match disturbance {
            Disturbance::Once(fault, _) => Row::Once(*fault),
            Disturbance::Again(..) => Row::Again,
            Disturbance::Machine(trouble) => Row::Machine(*trouble),
            Disturbance::Beside(beside) => Row::Beside(*beside),
            Disturbance::Other(other) if other.deletes() => Row::Deleted,
            Disturbance::Other(_) => Row::Changed,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Row::Once(fault) => fault.title(),
            Row::Again => "kill -9 again during the recovery",
            Row::Machine(trouble) => trouble.title(),
            Row::Beside(beside) => beside.title(),
            Row::Changed => "a resource changed by another during the run",
            Row::Deleted => "a resource deleted by another during the run",
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
fn cases(scenario: Scenario, baseline: &Baseline) -> Vec<Disturbance> {
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
        let once = |call: &Call| Disturbance::Once(fault, call.clone());
        cases.extend(calls.into_iter().map(once));
    }
    for call in &baseline.mutating {
        let numbers = 1..=baseline.mutating.len();
        cases.extend(numbers.map(|number| Disturbance::Again(call.clone(), number)));
    }
    // What only looks at what is there has no call to be disturbed at.
    if !baseline.mutating.is_empty() {
        cases.extend(Trouble::ALL.map(Disturbance::Machine));
        cases.extend(Beside::ALL.map(Disturbance::Beside));
    }
    if scenario.name == other::SCENARIO {
        for moment in [Moment::First, Moment::Last(baseline.mutating.len())] {
            cases.extend(Other::all(moment).map(Disturbance::Other));
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
        Row::Machine(_) | Row::Beside(_) if scenario.is_of_the_sample() => usize::MAX,
        Row::Machine(_) | Row::Beside(_) => 0,
        Row::Changed | Row::Deleted => usize::MAX,
        _ => 4,
    }
}

/// Of the whole, a second kill is sampled outside the minimal stack.
const AGAIN_OF_LARGER: usize = 120;

/// The cases to run, each with the part of its cell that comes before it.
fn chosen(asked: &Asked, scenario: &Scenario, all: Vec<Disturbance>) -> Vec<(f64, Case)> {
    let scenario = *scenario;
    let all = all.into_iter().map(|disturbance| Case {
        scenario,
        disturbance,
    });
    if let Some(only) = &asked.only {
        let named = all.filter(|case| case.name().contains(only));
        return named.map(|case| (0.0, case)).collect();
    }
    let mut rows: BTreeMap<Row, Vec<Case>> = BTreeMap::new();
    for case in all {
        let row = Row::of(&case.disturbance);
        rows.entry(row).or_default().push(case);
    }
    let mut chosen = Vec::new();
    for (row, mut cases) in rows {
        let most = match (asked.whole, row) {
            (true, Row::Again) if !scenario.is_minimal() => AGAIN_OF_LARGER,
            (true, _) => usize::MAX,
            (false, _) => sample(&scenario, row),
        };
        cases.sort_by_key(|case| drawn(asked.seed, &case.name()));
        let size = cases.len() as f64;
        let cases = cases.into_iter().enumerate().take(most);
        chosen.extend(cases.map(|(at, case)| (at as f64 / size, case)));
    }
    chosen
}

/// Runs what is asked for.
pub fn run(asked: &Asked) -> Results {
    let results = Mutex::new(Results::default());
    let queue: Mutex<Vec<(f64, Case)>> = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut stage = Stage::new();
                while let Some(scenario) = scenario::ALL.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let baseline = match baseline(&mut stage, scenario) {
                        Ok(baseline) => baseline,
                        Err(error) => {
                            let name = format!("{}: undisturbed", scenario.name);
                            results.lock().unwrap().fail(name, error);
                            continue;
                        }
                    };
                    let all = cases(*scenario, &baseline);
                    let mut results = results.lock().unwrap();
                    for disturbance in &all {
                        let cell = (scenario.number(), Row::of(disturbance));
                        results.counts.entry(cell).or_default().of += 1;
                    }
                    let sizes = Sizes {
                        mutating: baseline.mutating.len(),
                        objects: baseline.objects,
                    };
                    results.sizes.insert(scenario.number(), sizes);
                    queue.lock().unwrap().extend(chosen(asked, scenario, all));
                }
            });
        }
    });
    let mut queue = queue.into_inner().unwrap();
    // Whenever the time is over, every cell has had the same part of its cases.
    queue.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (waiting, working): (Vec<_>, Vec<_>) = queue
        .into_iter()
        .map(|(_, case)| case)
        .partition(Case::waits_for_no_answer);
    eprintln!(
        "reliability: {} cases, {} of them wait for an answer that never comes; seed {}",
        waiting.len() + working.len(),
        waiting.len(),
        asked.seed
    );
    let end = asked.minutes.map(|minutes| Instant::now() + minutes);
    std::thread::scope(|scope| {
        scope.spawn(|| work_off(waiting, WAITERS, end, &results));
        scope.spawn(|| work_off(working, WORKERS, end, &results));
    });
    results.into_inner().unwrap()
}

fn work_off(cases: Vec<Case>, workers: usize, end: Option<Instant>, results: &Mutex<Results>) {
    let workers = workers.min(cases.len());
    let cases = Mutex::new(cases.into_iter());
    let next = || {
        let is_over = end.is_some_and(|end| Instant::now() > end);
        cases.lock().unwrap().next().filter(|_| !is_over)
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut stage = Stage::new();
                while let Some(case) = next() {
                    let outcome = case.run(&mut stage);
                    if outcome.is_err() {
                        // What went wrong may still hold something; the next case must not suffer from it.
                        stage = Stage::new();
                    }
                    let cell = (case.scenario.number(), Row::of(&case.disturbance));
                    let mut results = results.lock().unwrap();
                    match outcome {
                        Ok(Outcome::Held) => results.counts.entry(cell).or_default().held += 1,
                        Ok(Outcome::NotReached) => results.counts.entry(cell).or_default().of -= 1,
                        Err(error) => results.fail(case.name(), error),
                    }
                }
            });
        }
    });
}
