//! What does docs/RELIABILITY.md say of a run?

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::matrix::{Asked, Results, Row};
use super::scenario;

const BEFORE: &str = "\
Each case is the real binary in a sandbox of its own kind of trouble: it runs a command, a fault strikes, and then it is run again as
a user would. After it:

- the command again ends with 0, and once more without a mutating call;
- every object with the stack's tags is in the state, at its address, and no address has two;
- strangers are as they were: objects of the same names with other tags, another stack of navi's, the default VPC;
- `down` leaves the account exactly as it was before the stack, by the sandbox's own inventory, not by navi's records;
- the lock is free, and no file that navi wrote holds the secret of the stack file's environment.

A cell says how many cases held of how many there are. The calls of a command are those that every one of three undisturbed runs makes;
a call is named by its operation and by how many of that operation came before it, for steps run side by side.

";

const AFTER: &str = "
A second kill is tried at every pair of calls of the minimal stack, and at a sample of them for the others, by the seed. Where AWS itself
refuses what a row would do, the case is not counted, and neither is a read that five disturbed runs did without: a run that waits reads
more or less often. \"Deleted by another\" are those resources that AWS lets go while others use
them; the rest it protects itself with `DependencyViolation` and `ResourceInUse`.

## How to repeat it

| command | what it runs |
|---|---|
| `tests/run reliability` | a sample, as every test run does |
| `NAVI_RELIABILITY_SEED=7 tests/run reliability` | another sample |
| `NAVI_RELIABILITY=whole tests/run reliability` | all of it, and writes this page |
| `NAVI_RELIABILITY=whole NAVI_RELIABILITY_MINUTES=30 tests/run reliability` | the same part of every cell, as much as fits into the time |
| `NAVI_RELIABILITY_ONLY='minimal up: KillAfter at CreateVpc 1' tests/run reliability` | the cases whose name holds the text |
| `NAVI_HISTORIES=100000 tests/run --lib histories` | random histories, below |
| `tests/reliability/prove` | breaks navi in three ways, and shows that the matrix turns red each time |

## What else is shown

- **The files.** A journal torn at every byte of its last record, a zeroed tail, bytes that changed, a stale snapshot with a newer journal
  and the reverse, an empty and a missing state: exhaustively, in `src/state/tests/`.
- **Random histories.** Edits, `up`, `down`, kills at any millisecond, refused, throttled, lost and late calls, and what others change and
  remove, against a model in virtual time: `src/execute/histories.rs`. Every test run lives through 10,000 of them. One that fails is
  shrunk, and its seed is written beside the test, which replays it from then on.

## What can't be closed

A create that AWS carries out after everybody has stopped looking. navi writes down what it is about to make before it asks, with a token
that AWS keeps with the object: the idempotency token where the call takes one, and the tag `navi:op` where AWS takes tags in the same
call. A run that finds such an intent without an outcome looks for the object for five seconds, and goes on looking at every start for
five minutes; a create of the same carries the same token, so that AWS answers with the object it has. If AWS carries the first one out
later still, there is one object more than the state knows. It carries the stack's tags: `navi state rebuild` finds it, lists it and records
it, and the next `up` or `down` removes it. A `down` that has removed everything looks for it by itself before it says that nothing is left.
";

pub fn write(asked: &Asked, results: &Results) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RELIABILITY.md");
    fs::write(path, text(asked, results)).unwrap();
}

fn text(asked: &Asked, results: &Results) -> String {
    // A second kill is sampled anyway: the other rows tell whether the time was enough.
    let mut but_again = results
        .counts
        .iter()
        .filter(|((_, row), _)| *row != Row::Again);
    let cut = but_again.any(|(_, count)| count.held < count.of);
    let part = asked.minutes.filter(|_| cut).map_or_else(String::new, |minutes| {
        let minutes = minutes.as_secs() / 60;
        format!(", here within {minutes} minutes (`NAVI_RELIABILITY_MINUTES={minutes}`), so that each cell has had part of its cases")
    });
    let mut text = format!(
        "# Nothing lost\n\nWritten by `NAVI_RELIABILITY=whole tests/run reliability`{part}; edited by nobody.\n\n{BEFORE}"
    );
    let mut line = |cells: &[String]| writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    let heading = |first: &str| {
        let names = scenario::ALL.map(|scenario| scenario.name.to_owned());
        [&[first.to_owned()], &names[..]].concat()
    };
    line(&heading("fault"));
    line(&vec!["---".to_owned(); 1 + scenario::ALL.len()]);
    for row in Row::all() {
        let cell = |number| match results.counts.get(&(number, row)) {
            Some(count) => format!("{} of {}", count.held, count.of),
            None => "–".to_owned(),
        };
        let cells = (0..scenario::ALL.len()).map(cell).collect::<Vec<_>>();
        line(&[&[row.title().to_owned()], &cells[..]].concat());
    }
    let size = |of: fn(&super::matrix::Sizes) -> usize| {
        (0..scenario::ALL.len())
            .map(|number| {
                let size = results.sizes.get(&number).map(of);
                size.map_or_else(|| "–".to_owned(), |size| size.to_string())
            })
            .collect::<Vec<_>>()
    };
    line(
        &[
            &["mutating calls, undisturbed".to_owned()],
            &size(|sizes| sizes.mutating)[..],
        ]
        .concat(),
    );
    line(
        &[
            &["objects there afterwards".to_owned()],
            &size(|sizes| sizes.objects)[..],
        ]
        .concat(),
    );
    let held: usize = results.counts.values().map(|count| count.held).sum();
    writeln!(
        text,
        "\n{held} cases held and {} failed, with seed {}.",
        results.failures.len(),
        asked.seed
    )
    .unwrap();
    for (name, _) in &results.failures {
        writeln!(text, "- failed: {name}").unwrap();
    }
    text.push_str(AFTER);
    text
}
