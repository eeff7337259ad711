//! Is what tests/terraform.py makes the article's environment, running, told by its state and nobody's in navi's eyes?

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, get_text, inventory, post_json, terraform};

/// Terraform's type, the attribute by which AWS knows the object, and the inventory's kind.
const IDENTITIES: [(&str, &str, &str); 19] = [
    ("aws_vpc", "id", "vpcs"),
    ("aws_subnet", "id", "subnets"),
    ("aws_internet_gateway", "id", "internet_gateways"),
    ("aws_eip", "id", "elastic_ips"),
    ("aws_nat_gateway", "id", "nat_gateways"),
    ("aws_route_table", "id", "route_tables"),
    ("aws_security_group", "id", "security_groups"),
    ("aws_iam_role", "name", "roles"),
    ("aws_cloudwatch_log_group", "name", "log_groups"),
    ("aws_acm_certificate", "arn", "certificates"),
    ("aws_lb", "arn", "load_balancers"),
    ("aws_lb_target_group", "arn", "target_groups"),
    ("aws_lb_listener", "arn", "listeners"),
    (
        "aws_service_discovery_private_dns_namespace",
        "id",
        "namespaces",
    ),
    ("aws_service_discovery_service", "id", "discovery_services"),
    ("aws_ecs_cluster", "arn", "clusters"),
    ("aws_ecs_task_definition", "arn", "task_definitions"),
    ("aws_ecs_service", "id", "services"),
    ("aws_route53_zone", "zone_id", "hosted_zones"),
];

fn instances<'a>(state: &'a Value, kind: &str) -> Vec<&'a Value> {
    let resources = state["resources"].as_array().unwrap().iter();
    resources
        .filter(|resource| resource["type"] == kind)
        .flat_map(|resource| resource["instances"].as_array().unwrap())
        .map(|instance| &instance["attributes"])
        .collect()
}

#[test]
fn what_terraform_made_serves_and_its_state_tells_of_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let state = terraform(&endpoint);

    for (host, service) in [
        ("ecs-navi.site", "ecs-navi-nginx-proxy-service"),
        ("api.ecs-navi.site", "ecs-navi-backend-service"),
    ] {
        let visit = json!({"host": host, "path": "/"});
        let answer = post_json(&endpoint, "/_navi/http", &visit);
        assert_eq!(answer["status"], 200, "{host}: {answer}");
        assert_eq!(answer["served_by"]["service"], service, "{answer}");
    }

    let ids = inventory(&endpoint, &Inventory::Ids);
    for (kind, attribute, listed) in IDENTITIES {
        let objects = instances(&state, kind);
        assert!(!objects.is_empty(), "no {kind}");
        for object in objects {
            let id = object[attribute].as_str().unwrap();
            let found = ids[listed].as_array().unwrap().iter();
            let is_it = |listed: &Value| {
                let listed = listed.as_str().unwrap();
                listed == id || listed.strip_prefix("/hostedzone/") == Some(id)
            };
            assert!(found.clone().any(is_it), "{kind} {id} is not in {found:?}");
        }
    }

    // The world shows tags, and none of them is navi's.
    let world = get_text(&endpoint, "/_navi/world");
    assert!(world.contains("ecs-navi-subnet-public-1a"), "{world}");
    assert!(!world.contains("navi:"), "{world}");
}
