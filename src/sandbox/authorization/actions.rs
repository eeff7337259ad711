//! Which actions does a call take? Mostly the one of its own name, and some draw in further ones.

use serde_json::Value;

use super::{Asked, Keys, Target, resources};
use crate::sandbox::{call::Call, service::Service, world::Context};

/// The call's own action first.
pub fn of(context: &mut Context<'_>, call: &Call) -> Vec<Asked> {
    // "No permissions are required to perform this operation" (STS's API reference).
    if call.service == Service::Sts && call.operation == "GetCallerIdentity" {
        return Vec::new();
    }
    let prefix = call.service.signing_name();
    let keys = request_keys(call);
    let mut all = vec![Asked {
        action: format!("{prefix}:{}", call.operation),
        on: resources::of(context, call),
        keys: keys.clone(),
    }];
    all.extend(tagging(call, &keys));
    all.extend(drawn_in(context, call, &keys));
    all
}

/// What a condition can ask of the request itself.
fn request_keys(call: &Call) -> Keys {
    let mut keys = Keys::new();
    for (key, value) in tags_of(call) {
        keys.insert(format!("aws:RequestTag/{key}"), vec![value]);
    }
    keys.insert("aws:RequestedRegion".to_owned(), vec![call.region.clone()]);
    let parameters = call.parameters();
    match (call.service, call.operation.as_str()) {
        (Service::Route53, "ChangeResourceRecordSets") => {
            let batch = parameters.structure("ChangeBatch");
            let changes = batch.map(|batch| batch.list("Changes")).unwrap_or_default();
            let names = changes
                .iter()
                .filter_map(|change| change.structure("ResourceRecordSet")?.string("Name"));
            keys.insert(
                "route53:ChangeResourceRecordSetsNormalizedRecordNames".to_owned(),
                names.map(normalized).collect(),
            );
        }
        (Service::Acm, "RequestCertificate") => {
            let mut names = vec![parameters.string("DomainName").unwrap_or_default()];
            names.extend(parameters.strings("SubjectAlternativeNames"));
            let names = names.into_iter().map(str::to_owned).collect();
            keys.insert("acm:DomainNames".to_owned(), names);
        }
        (Service::ApplicationAutoScaling, _) => {
            let namespace = parameters.string("ServiceNamespace").unwrap_or_default();
            let key = "application-autoscaling:service-namespace";
            keys.insert(key.to_owned(), vec![namespace.to_owned()]);
        }
        (Service::Iam, "CreateServiceLinkedRole") => {
            let name = parameters.string("AWSServiceName").unwrap_or_default();
            keys.insert("iam:AWSServiceName".to_owned(), vec![name.to_owned()]);
        }
        _ => {}
    }
    keys
}

/// In lower case, without the last dot, and with a code in place of a `*` (developer guide, "normalized" names).
fn normalized(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.trim_end_matches('.').replace('*', r"\052")
}

/// The tags in a call, wherever the service has them.
fn tags_of(call: &Call) -> Vec<(String, String)> {
    let lists: &[&str] = match call.service {
        Service::Ec2 => &["Tag"],
        Service::Ecs | Service::Logs => &["tags"],
        _ => &["Tags"],
    };
    let parameters = call.parameters();
    let mut found = Vec::new();
    let specifications = parameters.list("TagSpecification");
    let inside = specifications.iter().map(|one| one.value().get("Tag"));
    let direct = lists.iter().map(|name| call.parameters.get(*name));
    for tags in inside.chain(direct).flatten() {
        match tags {
            Value::Array(list) => found.extend(list.iter().filter_map(|tag| {
                let member = |name: &str| tag.get(name)?.as_str().map(str::to_owned);
                let key = member("Key").or_else(|| member("key"))?;
                let value = member("Value").or_else(|| member("value"));
                Some((key, value.unwrap_or_default()))
            })),
            Value::Object(map) => {
                found.extend(map.iter().map(|(key, value)| {
                    (key.clone(), value.as_str().unwrap_or_default().to_owned())
                }))
            }
            _ => {}
        }
    }
    found
}

/// Tags in a creating call are an action of their own, on what is made.
fn tagging(call: &Call, keys: &Keys) -> Option<Asked> {
    let is_create = ["Create", "Allocate", "Register", "Request"]
        .iter()
        .any(|verb| call.operation.starts_with(verb));
    let has_tags = keys.keys().any(|key| key.starts_with("aws:RequestTag/"));
    if !is_create || !has_tags || call.operation == "CreateTags" {
        return None;
    }
    let (action, create_action) = match call.service {
        Service::Ec2 => ("ec2:CreateTags", Some("ec2:CreateAction")),
        Service::ElasticLoadBalancing => (
            "elasticloadbalancing:AddTags",
            Some("elasticloadbalancing:CreateAction"),
        ),
        Service::Ecs => ("ecs:TagResource", Some("ecs:CreateAction")),
        Service::Acm => ("acm:AddTagsToCertificate", None),
        Service::ApplicationAutoScaling => ("application-autoscaling:TagResource", None),
        Service::CloudMap => ("servicediscovery:TagResource", None),
        Service::Iam => ("iam:TagRole", None),
        Service::Logs => ("logs:TagResource", None),
        _ => return None,
    };
    let mut keys = keys.clone();
    if let Some(key) = create_action {
        keys.insert(key.to_owned(), vec![call.operation.clone()]);
    }
    Some(Asked {
        action: action.to_owned(),
        on: resources::made(call),
        keys,
    })
}

fn drawn_in(context: &mut Context<'_>, call: &Call, keys: &Keys) -> Vec<Asked> {
    let anywhere = |action: &str| Asked {
        action: action.to_owned(),
        on: Vec::new(),
        keys: keys.clone(),
    };
    let all = |actions: &[&str]| actions.iter().map(|action| anywhere(action)).collect();
    let mut drawn: Vec<Asked> = match (call.service, call.operation.as_str()) {
        // The developer guide's "API permissions reference".
        (Service::CloudMap, "CreatePrivateDnsNamespace") => all(&[
            "ec2:DescribeRegions",
            "ec2:DescribeVpcs",
            "route53:CreateHostedZone",
            "route53:ListHostedZonesByName",
        ]),
        (Service::Ec2, "CreateVpcEndpoint") => {
            let mut drawn: Vec<Asked> = all(&[
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ]);
            if call.parameters().string("VpcEndpointType") == Some("Interface") {
                drawn.push(anywhere("route53:AssociateVPCWithHostedZone"));
            }
            drawn
        }
        // The user guide's "Permissions validation": tried with requests that name no alarm.
        (Service::ApplicationAutoScaling, "RegisterScalableTarget") => all(&[
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
        ]),
        _ => Vec::new(),
    };
    if call.service == Service::ApplicationAutoScaling && call.operation == "RegisterScalableTarget"
    {
        let id = call.parameters().string("ResourceId").unwrap_or_default();
        for action in ["ecs:DescribeServices", "ecs:UpdateService"] {
            drawn.push(Asked {
                action: action.to_owned(),
                on: vec![Target::of(context, context.arn("ecs", id))],
                keys: Keys::new(),
            });
        }
    }
    drawn.extend(passed_roles(call));
    drawn.extend(service_linked_role(context, call));
    drawn
}

fn passed_roles(call: &Call) -> Vec<Asked> {
    if (call.service, call.operation.as_str()) != (Service::Ecs, "RegisterTaskDefinition") {
        return Vec::new();
    }
    let parameters = call.parameters();
    let mut roles: Vec<&str> = ["taskRoleArn", "executionRoleArn"]
        .into_iter()
        .filter_map(|name| parameters.string(name))
        .collect();
    roles.dedup();
    let service = vec!["ecs-tasks.amazonaws.com".to_owned()];
    let passed = |arn: &str| Asked {
        action: "iam:PassRole".to_owned(),
        on: vec![Target::plain(arn.to_owned())],
        keys: Keys::from([("iam:PassedToService".to_owned(), service.clone())]),
    };
    roles.into_iter().map(passed).collect()
}

/// A service makes its role at its first use in an account, in the name of who uses it (aws-behaviour §2.9). ECS takes
/// the cluster without it and can't run a service then; here the cluster is refused, which says the same sooner **[I]**.
fn service_linked_role(context: &Context<'_>, call: &Call) -> Option<Asked> {
    let (service, role) = match (call.service, call.operation.as_str()) {
        (Service::Ecs, "CreateCluster") => ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
        (Service::ElasticLoadBalancing, "CreateLoadBalancer") => (
            "elasticloadbalancing.amazonaws.com",
            "AWSServiceRoleForElasticLoadBalancing",
        ),
        (Service::ApplicationAutoScaling, "RegisterScalableTarget") => (
            "ecs.application-autoscaling.amazonaws.com",
            "AWSServiceRoleForApplicationAutoScaling_ECSService",
        ),
        _ => return None,
    };
    if context.global.iam.roles.contains_key(role) {
        return None;
    }
    let account = context.account;
    let keys = Keys::from([("iam:AWSServiceName".to_owned(), vec![service.to_owned()])]);
    Some(Asked {
        action: "iam:CreateServiceLinkedRole".to_owned(),
        on: vec![Target::plain(format!(
            "arn:aws:iam::{account}:role/aws-service-role/{service}/{role}"
        ))],
        keys,
    })
}
