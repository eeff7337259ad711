//! Does what a stack only looks up stay as it was? A hosted zone and a VPC of somebody else's, through a whole life.

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, inventory, post_json, stranger};

/// Makes the zone, as another team would.
const OWNER: &str = "\
stack: owner
ingress:
  zone: { create: example.test }
services:
  web:
    route: { host: owner.example.test }
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
";

/// Puts its name into the other's zone.
const GUEST: &str = "\
stack: guest
ingress:
  zone: { find: example.test }
services:
  web:
    route: { host: guest.example.test }
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
";

#[test]
fn a_looked_up_zone_gets_the_records_and_stays_when_they_go() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let owner = navi.write("owner.yaml", OWNER);
    let guest = navi.write("guest.yaml", GUEST);

    let alone = navi.sandboxed(&guest, &["up", "--yes"]).expect(1);
    assert!(alone.stderr.contains("example.test"), "{}", alone.stderr);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));

    navi.sandboxed(&owner, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&guest, &["up", "--yes"]).expect(0);
    let visit = json!({"scheme": "http", "host": "guest.example.test", "path": "/"});
    assert_eq!(post_json(&endpoint, "/_navi/http", &visit)["status"], 200);
    navi.forget_calls();
    navi.sandboxed(&guest, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&guest, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
    navi.sandboxed(&owner, &["up", "--yes"]).expect(0);
    navi.sandboxed(&owner, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}

/// The guest's state is lost, and its file has come to want a zone of its own: the owner's must not become it.
#[test]
fn another_s_zone_is_not_taken_for_the_stack_s_when_the_state_is_lost() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let owner = navi.write("owner.yaml", OWNER);
    let guest = navi.write("guest.yaml", GUEST);
    navi.sandboxed(&owner, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&guest, &["up", "--yes"]).expect(0);
    navi.lose_state("guest");
    let create = GUEST.replace("find:", "create:");
    let create = navi.write("guest.yaml", &create);
    navi.sandboxed(&create, &["state", "rebuild", "--yes"])
        .expect(0);
    let recorded = navi.sandboxed(&create, &["state", "list"]).expect(0).stdout;
    assert!(!recorded.contains("hosted_zone"), "{recorded}");
    navi.sandboxed(&create, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// A stack in a VPC that it doesn't make; `vpc` and the subnets are IDs or names.
fn tenant(vpc: &str, public: &[&str], private: &[&str]) -> String {
    format!(
        "\
stack: tenant
network:
  vpc:
    find: {vpc}
    subnets: {{ public: {public:?}, private: {private:?} }}
namespace: {{ name: tenant.local }}
services:
  web:
    route: {{}}
    containers:
      web: {{ image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }}
"
    )
}

/// What boto3 reads of the VPC and its parts, tags and attributes included.
fn as_it_is(endpoint: &str, vpc: &str) -> Vec<Value> {
    let filters = json!([{"Name": "vpc-id", "Values": [vpc]}]);
    let call = |operation: &str, parameters: Value| {
        stranger(
            endpoint,
            &["call", "ec2", operation, &parameters.to_string()],
        )
    };
    let mut subnets = call("describe_subnets", json!({"Filters": filters}));
    for subnet in subnets["Subnets"].as_array_mut().unwrap() {
        // Depends on who stands in it.
        subnet["AvailableIpAddressCount"] = Value::Null;
    }
    vec![
        call("describe_vpcs", json!({"Filters": filters})),
        subnets,
        call("describe_route_tables", json!({"Filters": filters})),
        call("describe_internet_gateways", json!({})),
        call(
            "describe_vpc_attribute",
            json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"}),
        ),
    ]
}

#[test]
fn a_stack_lives_in_somebody_else_s_vpc_and_leaves_it_as_it_was() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let network = stranger(&endpoint, &["network"]);
    let id = |path: &str| network.pointer(path).unwrap().as_str().unwrap().to_owned();
    let (vpc, zones) = (id("/vpc"), [id("/zones/0"), id("/zones/1")]);
    let (first, second) = (id("/public/0"), id("/public/1"));
    // One by its ID, one by its name.
    let private = [id("/private/0"), format!("private {}", zones[1])];
    let private: Vec<&str> = private.iter().map(String::as_str).collect();
    let before = inventory(&endpoint, &Inventory::Ids);
    let untouched = as_it_is(&endpoint, &vpc);

    let file = navi.write("tenant.yaml", &tenant("main", &[&first, &second], &private));
    let plan = navi.sandboxed(&file, &["plan", "--exit-code"]).expect(2);
    assert!(
        plan.stdout.contains("? vpc.main  looked up"),
        "{}",
        plan.stdout
    );
    for kind in [
        "route_table",
        "internet_gateway",
        "nat_gateway",
        "elastic_ip",
    ] {
        assert!(!plan.stdout.contains(kind), "{}", plan.stdout);
    }
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let found = inventory(&endpoint, &Inventory::Values { stack: "tenant" });
    let balancer = &found["load_balancers"]["tenant-lb"];
    assert_eq!(balancer["vpc"], "main", "{balancer}");
    let public = json!([
        format!("public {}", zones[0]),
        format!("public {}", zones[1])
    ]);
    assert_eq!(balancer["subnets"], public);
    let service = &found["services"]["tenant-web-service"];
    let expected = json!([
        format!("private {}", zones[0]),
        format!("private {}", zones[1])
    ]);
    assert_eq!(service["subnets"], expected);
    assert_eq!(
        (&service["running"], &service["public_ip"]),
        (&json!(1), &json!("DISABLED"))
    );
    assert_eq!(untouched, as_it_is(&endpoint, &vpc));
    let name = load_balancer_name(&endpoint);
    let visit = json!({"scheme": "http", "host": name, "path": "/"});
    assert_eq!(post_json(&endpoint, "/_navi/http", &visit)["status"], 200);

    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    // What refers to the other's VPC is as it was set.
    let drift = navi.sandboxed(&file, &["drift"]).expect(0).stdout;
    assert!(drift.contains("No drift"), "{drift}");
    // The same VPC under its ID is no other one.
    let by_id = navi.write("by-id.yaml", &tenant(&vpc, &[&first, &second], &private));
    navi.sandboxed(&by_id, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    // Neither way can a stack change between a VPC of its own and somebody else's.
    let own = "stack: tenant\nservices:\n  web:\n    route: {}\n    containers:\n      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }\n";
    let own = navi.write("own.yaml", own);
    let refused = navi.sandboxed(&own, &["up", "--yes"]).expect(1);
    insta::assert_snapshot!("a_vpc_of_the_stack_s_own", refused.stderr);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&by_id, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
    assert_eq!(untouched, as_it_is(&endpoint, &vpc));

    navi.sandboxed(&own, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let refused = navi.sandboxed(&file, &["up", "--yes"]).expect(1);
    insta::assert_snapshot!("somebody_else_s_vpc", refused.stderr);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&own, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// The only load balancer's own name.
fn load_balancer_name(endpoint: &str) -> String {
    let found = stranger(
        endpoint,
        &["call", "elbv2", "describe_load_balancers", "{}"],
    );
    found["LoadBalancers"][0]["DNSName"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_existing_network_that_does_not_suit_is_told_before_anything_is_made() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let network = stranger(&endpoint, &["network"]);
    let id = |path: &str| network.pointer(path).unwrap().as_str().unwrap().to_owned();
    let (vpc, first, second) = (id("/vpc"), id("/public/0"), id("/public/1"));
    let private = id("/private/0");
    let call = |operation: &str, parameters: Value| {
        stranger(
            &endpoint,
            &["call", "ec2", operation, &parameters.to_string()],
        )
    };
    let refused = |text: &str, expected: &str| {
        let file = navi.write("unsuitable.yaml", text);
        let ended = navi.sandboxed(&file, &["up", "--yes"]).expect(1);
        // Lines are broken for the terminal.
        let told = ended
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(told.contains(expected), "{expected}\n{}", ended.stderr);
    };
    let before = inventory(&endpoint, &Inventory::Ids);
    let both: [&str; 2] = [&first, &second];
    refused(
        &tenant("vpc-00000000000000000", &both, &[&private]),
        "vpc.main is looked up, but there is none",
    );
    refused(
        &tenant(&vpc, &both, &["no such"]),
        "subnet.no such is looked up, but there is none",
    );
    // Both public ones in one zone.
    let twin = call(
        "create_subnet",
        json!({"VpcId": vpc, "CidrBlock": "10.7.9.0/24", "AvailabilityZone": network["zones"][0]}),
    );
    let twin = twin["Subnet"]["SubnetId"].as_str().unwrap().to_owned();
    refused(
        &tenant(&vpc, &[&first, &twin], &[&private]),
        "a load balancer takes one subnet in a zone",
    );
    let small = call(
        "create_subnet",
        json!({"VpcId": vpc, "CidrBlock": "10.7.10.0/28", "AvailabilityZone": network["zones"][1]}),
    );
    let small = small["Subnet"]["SubnetId"].as_str().unwrap().to_owned();
    refused(
        &tenant(&vpc, &[&first, &small], &[&private]),
        "too small for a load balancer",
    );
    // Another VPC, of the same name, with a subnet.
    let other = call("create_vpc", json!({"CidrBlock": "10.8.0.0/16"}));
    let other = other["Vpc"]["VpcId"].as_str().unwrap().to_owned();
    let away = call(
        "create_subnet",
        json!({"VpcId": other, "CidrBlock": "10.8.0.0/24"}),
    );
    let away = away["Subnet"]["SubnetId"].as_str().unwrap().to_owned();
    refused(
        &tenant(&vpc, &both, &[&away]),
        &format!("lies in {other}, and the stack's VPC is {vpc}"),
    );
    let name = json!({"Resources": [other], "Tags": [{"Key": "Name", "Value": "main"}]});
    call("create_tags", name);
    refused(
        &tenant("main", &both, &[&private]),
        "2 VPCs carry the tag Name `main`",
    );
    // Names of a private zone don't resolve.
    let off = json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": false}});
    call("modify_vpc_attribute", off);
    refused(
        &tenant(&vpc, &both, &[&private]),
        "where enableDnsHostnames is off",
    );

    for subnet in [twin, small, away] {
        call("delete_subnet", json!({"SubnetId": subnet}));
    }
    call("delete_vpc", json!({"VpcId": other}));
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}
