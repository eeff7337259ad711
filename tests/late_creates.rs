//! What becomes of a create that AWS carries out after everybody has stopped looking for it?

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, REGION, inventory, killed_by, post_json};

/// Creates that take no idempotency token, and whose objects have no name of their own: AWS makes as many as it is asked for.
const CREATES: [(&str, &str); 2] = [
    ("CreateVpc", "vpc.main"),
    ("AllocateAddress", "elastic_ip."),
];

/// `up` dies in the create, another makes the whole stack, and then AWS carries out the first.
fn carried_out_late(navi: &Navi, endpoint: &str, file: &Path, operation: &str) {
    let fault = json!({"operation": operation, "at_call": 1, "when": "before", "do": "late"});
    assert!(
        killed_by(navi, endpoint, file, &fault, |_| ()),
        "no {operation} came"
    );
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    post_json(endpoint, "/_navi/late", &Value::Null);
}

#[test]
fn a_rebuilt_state_knows_it_and_up_removes_it() {
    for (operation, address) in CREATES {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let file = Navi::shipped("ecs-navi.yaml");
        carried_out_late(&navi, &endpoint, &file, operation);
        let both = inventory(&endpoint, &Inventory::Ids);

        // Nothing recorded is lost: the state does not go with the wrong one of the two.
        navi.forget_calls();
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());
        let rebuilt = navi.sandboxed(&file, &["state", "rebuild"]).expect(0);
        let found: Vec<&str> = rebuilt.stdout.lines().collect();
        assert!(
            matches!(found[..], [only] if only.starts_with(address) && only.contains('~')),
            "{found:?}"
        );
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        let one = inventory(&endpoint, &Inventory::Ids);
        assert_ne!(one, both);
        let again = navi.sandboxed(&file, &["state", "rebuild"]).expect(0);
        assert_eq!(again.stdout, "");
        navi.forget_calls();
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    }
}

#[test]
fn down_finds_and_removes_it() {
    for (operation, _) in CREATES {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let empty = inventory(&endpoint, &Inventory::Ids);
        let file = Navi::shipped("ecs-navi.yaml");
        carried_out_late(&navi, &endpoint, &file, operation);
        let down = ["down", "--yes", "--sandbox", "--region", REGION];
        let down = [down.as_slice(), &["--stack", "ecs-navi"]].concat();
        let ended = navi.run(&down).expect(0);
        let said = "1 resource is in AWS with its tags, though nothing recorded it; it goes too";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(inventory(&endpoint, &Inventory::Ids), empty, "{operation}");
    }
}
