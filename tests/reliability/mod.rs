//! Is nothing lost at any instant? The real binary in the sandbox, with a fault at every call.
//!
//! A plain test run takes a sample, chosen by a seed; `NAVI_RELIABILITY=whole` takes all cases and writes docs/RELIABILITY.md,
//! or as many as fit into `NAVI_RELIABILITY_MINUTES`.
//! `NAVI_RELIABILITY_ONLY='minimal up: KillAfter'` takes the cases whose name holds the text, `NAVI_RELIABILITY_SEED` another sample.

mod beside;
mod case;
mod document;
mod fault;
mod machine;
mod matrix;
mod other;
mod query;
mod scenario;
mod stage;
mod world;

use matrix::Asked;

#[test]
fn whatever_happens_at_whichever_call_nothing_is_lost() {
    let asked = Asked::of_environment();
    let results = matrix::run(&asked);
    if asked.whole && asked.only.is_none() {
        document::write(&asked, &results);
    }
    let held: usize = results.counts.values().map(|count| count.held).sum();
    assert!(held > 0 || !results.failures.is_empty(), "no case was run");
    let names: Vec<&str> = results
        .failures
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        names.is_empty(),
        "{} of {} cases failed (what was wrong with each stands above):\n{}\nOne of them again: NAVI_RELIABILITY_ONLY='{}' tests/run reliability",
        names.len(),
        held + names.len(),
        names.join("\n"),
        names[0]
    );
}

/// What the proof of the matrix breaks is still where it says, so that a person who runs `tests/reliability/prove` gets an answer.
#[test]
fn the_defects_of_the_proof_can_be_put_in() {
    let ran = std::process::Command::new("python3")
        .args(["tests/reliability/prove", "--check"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert_eq!(told.trim(), "3 defects can be put in");
}
