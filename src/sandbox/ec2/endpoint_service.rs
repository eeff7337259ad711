//! To which of AWS's services does a VPC endpoint lead, and by what names?

use serde_json::{Value, json};

use super::vpc_endpoint::EndpointKind;
use crate::sandbox::{call::Call, fault::Fault, ids::Ids, world::Context};

/// What follows `com.amazonaws.REGION.` in the names of services that offer interface endpoints: those that containers talk to, and some more.
const WITH_INTERFACES: [&str; 24] = [
    "application-autoscaling",
    "dynamodb",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "ecs-agent",
    "ecs-telemetry",
    "elasticfilesystem",
    "elasticloadbalancing",
    "events",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
];

/// The two that offer gateway endpoints.
const WITH_GATEWAYS: [&str; 2] = ["dynamodb", "s3"];

/// The service of that full name, if it offers endpoints of that kind in the region.
pub fn find(region: &str, full_name: &str, kind: EndpointKind) -> Result<&'static str, Fault> {
    let prefix = format!("com.amazonaws.{region}.");
    let name = full_name
        .strip_prefix(&prefix)
        .and_then(|short| WITH_INTERFACES.into_iter().find(|known| *known == short))
        .ok_or_else(|| {
            Fault::new(
                "InvalidServiceName",
                format!("The Vpc Endpoint Service '{full_name}' does not exist"),
            )
        })?;
    let kinds = kinds_of(name);
    if !kinds.contains(&kind) {
        let offered: Vec<&str> = kinds.into_iter().map(EndpointKind::text).collect();
        return Err(Fault::new(
            "InvalidParameter",
            format!(
                "Endpoint type ({}) does not match available service types ([{}]).",
                kind.text(),
                offered.join(", ")
            ),
        ));
    }
    Ok(name)
}

fn kinds_of(service: &str) -> Vec<EndpointKind> {
    let mut kinds = vec![EndpointKind::Interface];
    if WITH_GATEWAYS.contains(&service) {
        kinds.push(EndpointKind::Gateway);
    }
    kinds
}

/// How the service is called in DNS: `ecr.dkr` is `dkr.ecr.REGION`.
pub fn dns_label(service: &str, region: &str) -> String {
    let mut parts: Vec<&str> = service.split('.').collect();
    parts.reverse();
    format!("{}.{region}", parts.join("."))
}

/// The names that a private hosted zone gives to the endpoint's addresses; registries are all below their service's name.
pub fn private_dns_names(service: &str, region: &str) -> Vec<String> {
    let name = format!("{}.amazonaws.com", dns_label(service, region));
    match service {
        "ecr.dkr" => vec![format!("*.{name}"), name],
        _ => vec![name],
    }
}

/// AWS's own list of the service's addresses in the region, to which the route of a gateway endpoint leads.
/// The identifier is always the same, but not the one that it has on AWS.
pub fn prefix_list_id(service: &str, region: &str) -> String {
    let text = format!("{region}/{service}");
    // FNV-1a spreads the name over the seed.
    let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("pl-{}", Ids::new(seed).hexadecimal(8))
}

pub fn describe_prefix_lists(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let region = context.region_name;
    let wanted = parameters.strings("PrefixListId");
    let filters = super::describe::Filters::of(&parameters)?;
    let mut found = Vec::new();
    for service in WITH_GATEWAYS {
        let (id, name) = (
            prefix_list_id(service, region),
            format!("com.amazonaws.{region}.{service}"),
        );
        let is_wanted = wanted.is_empty() || wanted.contains(&id.as_str());
        let matches = filters.matches(|filter| match filter {
            "prefix-list-id" => Some(vec![id.clone()]),
            "prefix-list-name" => Some(vec![name.clone()]),
            _ => None,
        })?;
        if is_wanted && matches {
            // One block of the range that is kept for benchmarks; nobody answers there.
            found.push((
                id.clone(),
                json!({"prefixListId": id, "prefixListName": name, "cidrSet": ["198.18.0.0/15"]}),
            ));
        }
    }
    if let Some(unknown) = wanted
        .iter()
        .find(|id| found.iter().all(|(known, _)| known != *id))
    {
        return Err(Fault::new(
            "InvalidPrefixListId.NotFound",
            format!("The Prefix List ID '{unknown}' does not exist"),
        ));
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    super::describe::page(&parameters, "prefixListSet", found, None)
}
