//! What does a Terraform state hold that navi has a kind for?

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The only format that Terraform has written since 0.12 (2019), and OpenTofu writes.
const VERSION: u64 = 4;

/// Terraform's type, navi's kind, and the attribute by which AWS knows the object.
const KINDS: [(&str, &str, &str); 28] = [
    ("aws_vpc", "vpc", "id"),
    ("aws_subnet", "subnet", "id"),
    ("aws_internet_gateway", "internet_gateway", "id"),
    ("aws_eip", "elastic_ip", "id"),
    ("aws_nat_gateway", "nat_gateway", "id"),
    ("aws_route_table", "route_table", "id"),
    ("aws_vpc_endpoint", "vpc_endpoint", "id"),
    ("aws_security_group", "security_group", "id"),
    ("aws_iam_role", "role", "name"),
    ("aws_cloudwatch_log_group", "log_group", "name"),
    ("aws_route53_zone", "hosted_zone", "zone_id"),
    ("aws_acm_certificate", "certificate", "arn"),
    ("aws_lb", "load_balancer", "arn"),
    ("aws_alb", "load_balancer", "arn"),
    ("aws_lb_target_group", "target_group", "arn"),
    ("aws_alb_target_group", "target_group", "arn"),
    ("aws_lb_listener", "listener", "arn"),
    ("aws_alb_listener", "listener", "arn"),
    ("aws_lb_listener_rule", "listener_rule", "arn"),
    ("aws_alb_listener_rule", "listener_rule", "arn"),
    (
        "aws_service_discovery_private_dns_namespace",
        "namespace",
        "id",
    ),
    ("aws_service_discovery_service", "discovery_service", "id"),
    ("aws_ecs_cluster", "cluster", "arn"),
    ("aws_ecs_task_definition", "task_definition", "arn"),
    ("aws_ecs_service", "ecs_service", "id"),
    (
        "aws_appautoscaling_target",
        "scalable_target",
        "resource_id",
    ),
    ("aws_appautoscaling_policy", "scaling_policy", "name"),
    // Its own route table, which Terraform only takes under its wing.
    ("aws_default_route_table", "route_table", "id"),
];

/// Terraform's types that are a part of something else here, and of what.
const PARTS: [(&str, &str); 15] = [
    ("aws_internet_gateway_attachment", "internet_gateway"),
    ("aws_route", "route_table"),
    ("aws_route_table_association", "route_table"),
    ("aws_vpc_endpoint_route_table_association", "vpc_endpoint"),
    ("aws_security_group_rule", "security_group"),
    ("aws_vpc_security_group_ingress_rule", "security_group"),
    ("aws_vpc_security_group_egress_rule", "security_group"),
    ("aws_iam_role_policy", "role"),
    ("aws_iam_role_policy_attachment", "role"),
    ("aws_acm_certificate_validation", "certificate"),
    ("aws_route53_record", "alias_records"),
    ("aws_lb_listener_certificate", "listener"),
    ("aws_lb_target_group_attachment", "target_group"),
    ("aws_alb_target_group_attachment", "target_group"),
    ("aws_ecs_cluster_capacity_providers", "cluster"),
];

/// A Terraform state that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TerraformStateError {
    /// It can't be read.
    #[error("could not read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{} is no Terraform state: {why}", path.display())]
    NoState {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// One object of a Terraform state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerraformObject {
    /// As `terraform state list` writes it.
    pub address: String,
    /// What it is to navi.
    pub role: Role,
}

/// What an object of Terraform's is to navi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An object of a kind of navi's.
    Object {
        /// navi's kind.
        kind: &'static str,
        /// By which AWS knows it.
        id: String,
    },
    /// A part of an object of this kind.
    Part(&'static str),
    /// Nothing that navi makes.
    Other,
}

#[derive(Deserialize)]
struct Document {
    version: Option<u64>,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    #[serde(default)]
    index_key: Option<serde_json::Value>,
    // Only a few are looked at, and none is kept: a state holds secrets in the clear.
    #[serde(default)]
    attributes: serde_json::Map<String, serde_json::Value>,
}

/// The objects that Terraform manages, in the order of the file. What it only reads (`data`) is not among them.
pub fn read(path: &Path) -> Result<Vec<TerraformObject>, TerraformStateError> {
    let text = std::fs::read_to_string(path).map_err(|source| TerraformStateError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|why| TerraformStateError::NoState {
        path: path.to_owned(),
        why,
    })
}

fn parse(text: &str) -> Result<Vec<TerraformObject>, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match document.version {
        Some(VERSION) => {}
        Some(version) => {
            return Err(format!(
                "its format is {version}, and navi reads format {VERSION}"
            ));
        }
        None => return Err("it names no format version".to_owned()),
    }
    let managed = document
        .resources
        .iter()
        .filter(|resource| resource.mode == "managed");
    Ok(managed
        .flat_map(|resource| {
            let instances = resource.instances.iter();
            instances.map(|instance| TerraformObject {
                address: address(resource, instance),
                role: role(&resource.kind, instance),
            })
        })
        .collect())
}

fn address(resource: &Resource, instance: &Instance) -> String {
    let module = resource.module.as_ref();
    let module = module.map_or_else(String::new, |module| format!("{module}."));
    // A number is written bare, a key in quotes, and so does JSON.
    let index = instance.index_key.as_ref();
    let index = index.map_or_else(String::new, |key| format!("[{key}]"));
    format!("{module}{}.{}{index}", resource.kind, resource.name)
}

fn role(kind: &str, instance: &Instance) -> Role {
    if let Some((_, kind, attribute)) = KINDS.iter().find(|(terraform, _, _)| *terraform == kind)
        && let Some(id) = instance.attributes.get(*attribute)
        && let Some(id) = id.as_str()
    {
        return Role::Object {
            kind,
            id: id.to_owned(),
        };
    }
    match PARTS.iter().find(|(terraform, _)| *terraform == kind) {
        Some((_, part_of)) => Role::Part(part_of),
        None => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_objects_are_read_with_module_and_index() {
        let objects = parse(
            r#"{"version": 4, "terraform_version": "1.9.0", "serial": 3, "resources": [
                {"mode": "data", "type": "aws_route53_zone", "name": "main",
                 "instances": [{"attributes": {"zone_id": "Z1"}}]},
                {"mode": "managed", "type": "aws_vpc", "name": "main", "instances": [{"attributes": {"id": "vpc-1"}}]},
                {"module": "module.net", "mode": "managed", "type": "aws_subnet", "name": "public", "instances": [
                    {"index_key": 0, "attributes": {"id": "subnet-0"}},
                    {"index_key": "1a", "attributes": {"id": "subnet-1"}}]},
                {"mode": "managed", "type": "aws_route_table_association", "name": "a",
                 "instances": [{"attributes": {"id": "rtbassoc-1"}}]},
                {"mode": "managed", "type": "random_id", "name": "x", "instances": [{"attributes": {"id": "9"}}]}
            ]}"#,
        )
        .unwrap();
        let object = |kind, id: &str| Role::Object {
            kind,
            id: id.to_owned(),
        };
        let expected = [
            ("aws_vpc.main", object("vpc", "vpc-1")),
            (
                "module.net.aws_subnet.public[0]",
                object("subnet", "subnet-0"),
            ),
            (
                "module.net.aws_subnet.public[\"1a\"]",
                object("subnet", "subnet-1"),
            ),
            ("aws_route_table_association.a", Role::Part("route_table")),
            ("random_id.x", Role::Other),
        ];
        let found: Vec<(&str, Role)> = objects
            .iter()
            .map(|object| (object.address.as_str(), object.role.clone()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_state_is_refused_with_its_reason() {
        for (text, reason) in [
            ("terraform {}", "expected ident"),
            ("{}", "names no format version"),
            (r#"{"version": 3, "modules": []}"#, "its format is 3"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn every_kind_named_here_is_one_of_navi_s() {
        let kinds: Vec<&str> = crate::kinds::Kind::ALL
            .iter()
            .map(|kind| kind.name())
            .collect();
        let named = KINDS.iter().map(|(_, kind, _)| kind);
        for kind in named.chain(PARTS.iter().map(|(_, kind)| kind)) {
            assert!(kinds.contains(kind), "{kind}");
        }
    }
}
