//! What becomes of a stack whose removal was broken off and which is then wanted again?

use serde_json::json;

use crate::support::{Navi, post_json};

fn delays_set(navi: &Navi) -> usize {
    let calls = navi.mutating_calls();
    let sets = |call: &&String| *call == "ModifyTargetGroupAttributes";
    calls.iter().filter(sets).count()
}

#[test]
fn what_a_removal_shortened_is_made_long_again() {
    let navi = Navi::new();
    let file = Navi::shipped("minimal.yaml");
    let endpoint = navi.endpoint();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);

    // The service goes, and its target group drains fast for that; then the rule is refused, so the group stays.
    navi.forget_calls();
    let refusal = json!({"operation": "DeleteRule", "do": "deny"});
    post_json(&endpoint, "/_navi/faults", &refusal);
    navi.sandboxed(&file, &["down", "--yes"]).expect(3);
    assert_eq!(delays_set(&navi), 1);

    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(delays_set(&navi), 1, "{:?}", navi.mutating_calls());
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}
