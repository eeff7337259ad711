//! kill -9 during `up`: the next run converges, nothing is there twice, `down` leaves nothing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, get_json, inventory, post_json};

/// How many objects of each kind an inventory holds.
fn counts(inventory: &Value) -> Value {
    let kinds = inventory.as_object().unwrap();
    kinds
        .iter()
        .map(|(kind, ids)| (kind.clone(), json!(ids.as_array().unwrap().len())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Kills `up` at its nth mutating call, held by the sandbox before or after it was carried out.
fn kill_at(navi: &Navi, endpoint: &str, call: u32, when: &str) {
    let fault = json!({"at_mutating_call": call, "when": when, "do": "hold"});
    post_json(endpoint, "/_navi/faults", &fault);
    let file = Navi::shipped("ecs-navi.yaml");
    let file = file.to_str().unwrap();
    let mut process = navi
        .command(&["up", "--yes", "--sandbox", "-f", file])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // The limit only ends a test that hangs; an armed fault is gone from the list once it has struck.
    let limit = Instant::now() + Duration::from_secs(120);
    while get_json(endpoint, "/_navi/faults") != json!([]) {
        assert!(
            Instant::now() < limit,
            "the fault at call {call} never struck"
        );
        assert!(
            process.try_wait().unwrap().is_none(),
            "`up` ended before call {call}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_killed_run_is_taken_up_again() {
    // The totals of a run that nobody disturbed.
    let undisturbed = {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        navi.sandboxed(&Navi::shipped("ecs-navi.yaml"), &["up", "--yes"])
            .expect(0);
        counts(&inventory(&endpoint, &Inventory::Ids))
    };
    // The first call of all; one of the token-less creates; one in the middle; one near the end.
    for (call, when) in [
        (1, "after"),
        (4, "before"),
        (9, "after"),
        (30, "after"),
        (45, "after"),
    ] {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let before = inventory(&endpoint, &Inventory::Ids);
        kill_at(&navi, &endpoint, call, when);

        let file = Navi::shipped("ecs-navi.yaml");
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        let there = inventory(&endpoint, &Inventory::Ids);
        assert_eq!(counts(&there), undisturbed, "killed {when} call {call}");
        navi.forget_calls();
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());

        navi.sandboxed(&file, &["down", "--yes"]).expect(0);
        let after = inventory(&endpoint, &Inventory::Ids);
        assert_eq!(before, after, "killed {when} call {call}");
    }
}
