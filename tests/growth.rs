//! How does the number of AWS calls grow with a stack? With the pages of AWS's listings, where AWS has one.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::support::{Inventory, Navi, get_json, inventory};

/// So many services behind one load balancer.
fn stack(services: usize) -> String {
    let mut text = "\
stack: grown
ingress: { zone: { create: grown.test } }
namespace: { name: grown.local }
services:
"
    .to_owned();
    for number in 0..services {
        write!(
            text,
            "  s{number}:
    deregistration_delay: 0s
    route: {{ host: s{number}.grown.test, to: \"web:80\" }}
    containers:
      web: {{ image: \"public.ecr.aws/grown/s{number}:1\", ports: [80] }}
"
        )
        .unwrap();
    }
    text
}

/// How often each operation was called.
fn calls(endpoint: &str) -> BTreeMap<String, usize> {
    let calls = get_json(endpoint, "/_navi/calls");
    let mut counted = BTreeMap::new();
    for call in calls.as_array().unwrap() {
        let operation = call["operation"].as_str().unwrap().to_owned();
        *counted.entry(operation).or_default() += 1;
    }
    counted
}

#[test]
fn a_plan_s_calls_grow_with_pages() {
    const SERVICES: usize = 45;
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = navi.write("grown.yaml", &stack(SERVICES));
    navi.sandboxed(&file, &["up", "--yes", "--skip-check"])
        .expect(0);

    navi.forget_calls();
    let plan = navi.sandboxed(&file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    let mut counted = calls(&endpoint);
    // The most that AWS takes or answers at once: the API models of DescribeServices (10 names), DescribeTargetGroups (20
    // names or ARNs) and DescribeRules (20 ARNs).
    for (operation, page) in [
        ("DescribeServices", 10),
        ("DescribeTargetGroups", 20),
        ("DescribeRules", 20),
    ] {
        let pages = counted.remove(operation);
        assert_eq!(pages, Some(SERVICES.div_ceil(page)), "{operation}");
    }
    // AWS describes task definitions one at a time only.
    assert_eq!(counted.remove("DescribeTaskDefinition"), Some(SERVICES));
    // And so the two attributes of a VPC.
    assert_eq!(counted.remove("DescribeVpcAttribute"), Some(2));
    for (operation, times) in counted {
        assert_eq!(times, 1, "{operation}");
    }

    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes", "--skip-check"])
        .expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}
