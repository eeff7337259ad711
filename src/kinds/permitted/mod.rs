//! Which of IAM's actions do each kind's calls take? One file per concern, as in `model/`.
//!
//! The names, what an action can be tied to, and which further ones it draws in are AWS's service authorization
//! reference's. A listing can be tied to nothing, so what is only read is allowed everywhere.

mod compute;
mod discovery;
mod dns;
mod identity;
mod ingress;
mod network;
mod scaling;

use crate::resource::{Permissions, Scope, Territory};

/// The role that one of AWS's services makes for itself at its first use in an account (aws-behaviour §2.9).
fn service_linked_role(
    permissions: Permissions,
    territory: &Territory,
    service: &str,
) -> Permissions {
    let path = format!("role/aws-service-role/{service}/*");
    let scope = territory
        .on("iam", [path])
        .when("StringEquals", "iam:AWSServiceName", [service]);
    permissions.make(scope, &["iam:CreateServiceLinkedRole"])
}

/// To set tags in a creating call, which is an action of its own.
fn tag_on_create(
    territory: &Territory,
    service: &str,
    key: &'static str,
    paths: &[&str],
    creates: &[&str],
) -> Scope {
    territory
        .on(service, paths)
        .when("StringEquals", key, creates.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use crate::kinds::{Kind, permissions};
    use crate::model;
    use crate::resource::Territory;
    use crate::stack::{self, Variables};

    /// What a stack may be made of: together they have every kind, own and looked up.
    const STACKS: [&str; 2] = [include_str!("../../../stacks/full.yaml"), EVERYTHING];
    const EVERYTHING: &str = "
stack: every
network: { nat: single, endpoints: [s3, logs, ecr] }
namespace: { name: every.local }
ingress: { certificate: { request: [example.com] }, zone: { create: example.com } }
services:
  web:
    count: { min: 1, max: 3, cpu: 60, requests: 100 }
    route: { host: example.com }
    exec: true
    containers: { web: { image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/web, ports: [80] } }
";

    /// Calls for what no stack file can ask for yet.
    const NOT_YET: [&str; 2] = [
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
    ];

    /// Calls that need no permission.
    const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

    fn granted() -> BTreeSet<(String, &'static str)> {
        let mut granted = BTreeSet::new();
        for text in STACKS {
            let variables = Variables::new([]).with_account_id("123456789012");
            let loaded = stack::load("stack", text, &variables.with_region("eu-west-1")).unwrap();
            let graph = model::build(&loaded.stack, "eu-west-1").unwrap();
            for node in graph.in_order() {
                let told = permissions(&*node.resource, &Territory::default()).unwrap();
                let kind = node.resource.kind();
                granted.extend(told.0.into_iter().map(|one| (kind.to_owned(), one.action)));
            }
        }
        granted
    }

    /// The operations that a source names, as IAM calls them.
    fn operations(path: &Path) -> BTreeSet<String> {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        code.split('"')
            .skip(1)
            .step_by(2)
            .filter_map(|text| {
                let (service, operation) = text.split_once(':')?;
                let is_call = operation.starts_with(|first: char| first.is_ascii_uppercase())
                    && operation.chars().all(char::is_alphanumeric)
                    && service
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
                    // A filter's key; a condition's; what tasks call and navi only speaks of.
                    && service != "tag"
                    && service != "ssmmessages"
                    && service != "aws";
                let service = match service {
                    "elb" => "elasticloadbalancing",
                    other => other,
                };
                is_call.then(|| format!("{service}:{operation}"))
            })
            .collect()
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files.extend(sources(&path)),
                false => files.push(path),
            }
        }
        files
    }

    #[test]
    fn each_kind_tells_what_its_own_calls_take() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
        let granted = granted();
        for kind in Kind::ALL {
            let mut files = sources(&folder.join(kind.name()));
            files.push(folder.join(format!("{}.rs", kind.name())));
            for operation in files.iter().flat_map(|file| operations(file)) {
                let told = granted
                    .iter()
                    .any(|(of, action)| of == kind.name() && *action == operation);
                let fine = told || NOT_YET.contains(&operation.as_str());
                assert!(fine, "{} does not tell {operation}", kind.name());
            }
        }
    }

    #[test]
    fn whatever_navi_calls_is_told_by_some_kind_or_command() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut told: BTreeSet<String> = granted()
            .into_iter()
            .map(|(_, action)| action.to_owned())
            .collect();
        let territory = Territory {
            existing_vpcs: ["vpc-1".to_owned()].into(),
            ..Territory::default()
        };
        let commands = crate::permission::of_commands(&territory);
        told.extend(commands.0.iter().map(|one| one.action.to_owned()));
        told.extend(FREE.map(str::to_owned));
        told.extend(NOT_YET.map(str::to_owned));
        for room in ["aws", "kinds", "preflight", "environment"] {
            for file in sources(&folder.join(room)) {
                // Neither calls anything: one holds these very tables, the others tell of answers.
                let about_others = [
                    "permitted",
                    "errors.rs",
                    "error_shapes",
                    "policy_document.rs",
                ];
                let shown = file.to_string_lossy().into_owned();
                if about_others.iter().any(|part| shown.contains(part)) {
                    continue;
                }
                for operation in operations(&file) {
                    assert!(told.contains(&operation), "{operation} in {shown}");
                }
            }
        }
    }
}
