//! Do tasks in private subnets live by VPC endpoints alone, with no NAT gateway and no public address?

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, inventory, post_json, stranger, told};

/// A stack with these endpoints; `web` is visited, `job` only runs.
fn file(navi: &Navi, endpoints: &str, exec: bool) -> PathBuf {
    let image = "${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com";
    let text = format!(
        "\
stack: shut
network: {{ endpoints: [{endpoints}] }}
namespace: {{ name: shut.local }}
defaults: {{ exec: {exec} }}
services:
  web:
    route: {{}}
    containers:
      web: {{ image: \"{image}/web\", ports: [80] }}
  job:
    containers:
      job: {{ image: \"{image}/job\" }}
"
    );
    navi.write("shut.yaml", &text)
}

fn call(endpoint: &str, service: &str, operation: &str, parameters: &Value) -> Value {
    stranger(
        endpoint,
        &["call", service, operation, &parameters.to_string()],
    )
}

#[track_caller]
fn visit(endpoint: &str) {
    let balancers = call(endpoint, "elbv2", "describe_load_balancers", &json!({}));
    let name = &balancers["LoadBalancers"][0]["DNSName"];
    let visit = json!({"scheme": "http", "host": name, "path": "/"});
    assert_eq!(post_json(endpoint, "/_navi/http", &visit)["status"], 200);
}

#[track_caller]
fn changes_nothing_more(navi: &Navi, file: &std::path::Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

#[test]
fn private_tasks_live_by_endpoints_alone() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);

    let shut = file(&navi, "ecr, s3, logs", false);
    navi.sandboxed(&shut, &["up", "--yes"]).expect(0);
    let found = inventory(&endpoint, &Inventory::Values { stack: "shut" });
    assert_eq!(found["nat_gateways"], json!([]));
    assert_eq!(found["elastic_ips"], json!([]));
    insta::assert_snapshot!(format!("{:#}", found["vpc_endpoints"]));
    assert_eq!(
        found["security_groups"]["shut-vpc-endpoints-sg"]["ingress"],
        json!([
            "tcp 443-443 from shut-job-sg",
            "tcp 443-443 from shut-web-sg"
        ])
    );
    // The route of the gateway endpoint is no business of the table's.
    assert_eq!(
        found["route_tables"]["shut-route-table-private"]["routes"],
        json!(["10.0.0.0/16 to local"])
    );
    for service in ["shut-web-service", "shut-job-service"] {
        let service = &found["services"][service];
        assert_eq!(service["running"], 1, "{service}");
        assert_eq!(service["public_ip"], "DISABLED");
    }
    visit(&endpoint);
    changes_nothing_more(&navi, &shut);

    navi.sandboxed(&shut, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn endpoints_come_and_go_with_the_file() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&file(&navi, "ecr, s3, logs", false), &["up", "--yes"])
        .expect(0);
    let first = inventory(&endpoint, &Inventory::Values { stack: "shut" });

    // Sessions need an endpoint more. Tasks that already run keep what they started with.
    let open = file(&navi, "ecr, s3, logs, ssmmessages", true);
    let plan = navi.sandboxed(&open, &["plan", "--exit-code"]).expect(2);
    navi.sandboxed(&open, &["up", "--yes"]).expect(0);
    let second = inventory(&endpoint, &Inventory::Values { stack: "shut" });
    insta::assert_snapshot!("an_endpoint_added", told(&plan.stdout, &first, &second));
    visit(&endpoint);
    changes_nothing_more(&navi, &open);
    navi.sandboxed(&open, &["redeploy", "web", "--yes"])
        .expect(0);
    let tasks = call(
        &endpoint,
        "ecs",
        "list_tasks",
        &json!({"cluster": "shut-cluster", "serviceName": "shut-web-service"}),
    );
    let session = json!({"task": tasks["taskArns"][0], "container": "web", "command": "nslookup web.shut.local"});
    let answer = post_json(&endpoint, "/_navi/exec", &session);
    assert_eq!(answer["exit_code"], 0, "{answer}");

    let shut = file(&navi, "ecr, s3, logs", false);
    let plan = navi.sandboxed(&shut, &["plan", "--exit-code"]).expect(2);
    navi.sandboxed(&shut, &["up", "--yes"]).expect(0);
    changes_nothing_more(&navi, &shut);
    let last = inventory(&endpoint, &Inventory::Values { stack: "shut" });
    insta::assert_snapshot!("an_endpoint_removed", told(&plan.stdout, &second, &last));
    assert_eq!(first["vpc_endpoints"], last["vpc_endpoints"]);
    assert_eq!(first["security_groups"], last["security_groups"]);

    navi.sandboxed(&shut, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn what_somebody_changes_of_an_endpoint_is_brought_back() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let shut = file(&navi, "ecr, s3, logs", false);
    navi.sandboxed(&shut, &["up", "--yes"]).expect(0);
    let first = inventory(&endpoint, &Inventory::Values { stack: "shut" });
    let ids = call(&endpoint, "ec2", "describe_vpc_endpoints", &json!({}));
    let id_of = |service: &str| {
        let endpoints = ids["VpcEndpoints"].as_array().unwrap();
        let found = endpoints
            .iter()
            .find(|one| one["ServiceName"].as_str().unwrap().ends_with(service));
        found.unwrap().clone()
    };
    let (logs, s3) = (id_of(".logs"), id_of(".s3"));
    let modify = |parameters: Value| call(&endpoint, "ec2", "modify_vpc_endpoint", &parameters);
    modify(json!({
        "VpcEndpointId": logs["VpcEndpointId"],
        "RemoveSubnetIds": [logs["SubnetIds"][0]],
        "PrivateDnsEnabled": false,
    }));
    modify(json!({
        "VpcEndpointId": s3["VpcEndpointId"],
        "RemoveRouteTableIds": s3["RouteTableIds"],
    }));
    call(
        &endpoint,
        "ec2",
        "delete_vpc_endpoints",
        &json!({"VpcEndpointIds": [id_of(".ecr.dkr")["VpcEndpointId"]]}),
    );
    let plan = navi.sandboxed(&shut, &["plan", "--exit-code"]).expect(2);
    for line in [
        "~ vpc_endpoint.logs",
        "private_dns_enabled: false → true",
        "~ vpc_endpoint.s3",
        "+ vpc_endpoint.ecr.dkr",
    ] {
        assert!(plan.stdout.contains(line), "{line}\n{}", plan.stdout);
    }
    navi.sandboxed(&shut, &["up", "--yes"]).expect(0);
    changes_nothing_more(&navi, &shut);
    let last = inventory(&endpoint, &Inventory::Values { stack: "shut" });
    assert_eq!(first["vpc_endpoints"], last["vpc_endpoints"]);
    navi.sandboxed(&shut, &["down", "--yes"]).expect(0);
}
