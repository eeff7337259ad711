//! Does the account have room for what the plan makes? The quotas that stacks really meet
//! (aws-behaviour §5); the others are a hundred times what a stack needs.

use std::collections::BTreeMap;
use std::future::Future;

use futures::future::{BoxFuture, join_all};
use futures::join;

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::aws::{Aws, quotas, usage};
use crate::kinds::ecs_service::EcsService;
use crate::kinds::elastic_ip::ElasticIp;
use crate::kinds::internet_gateway::InternetGateway;
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::namespace::Namespace;
use crate::kinds::nat_gateway::NatGateway;
use crate::kinds::security_group::SecurityGroup;
use crate::kinds::security_group_rules::SecurityGroupRules;
use crate::kinds::subnet::{AvailabilityZone, Subnet};
use crate::kinds::target_group::TargetGroup;
use crate::kinds::task_definition::TaskDefinition;
use crate::kinds::vpc::Vpc;
use crate::plan::{Action, Step};
use crate::resource::{CallError, Cause, ErrorClass};

/// One quota: AWS's names for it, and what it is for accounts that never asked for more.
#[derive(Clone, Copy, Debug)]
struct Quota {
    /// What is counted, as a person calls it.
    what: &'static str,
    service_code: &'static str,
    quota_code: &'static str,
    /// aws-behaviour §5.
    default: f64,
}

const VPCS: Quota = quota("VPCs", "vpc", "L-F678F1CE", 5.0);
const INTERNET_GATEWAYS: Quota = quota("internet gateways", "vpc", "L-A4707A72", 5.0);
const NAT_GATEWAYS: Quota = quota("NAT gateways", "vpc", "L-FE5A380F", 5.0);
const SECURITY_GROUP_RULES: Quota = quota("rules of a security group", "vpc", "L-0EA8095F", 60.0);
const ELASTIC_IPS: Quota = quota("elastic IPs", "ec2", "L-0263D0A3", 5.0);
const LOAD_BALANCERS: Quota = quota(
    "application load balancers",
    "elasticloadbalancing",
    "L-53DA6B97",
    50.0,
);
const TARGET_GROUPS: Quota = quota(
    "target groups",
    "elasticloadbalancing",
    "L-B22855CB",
    3000.0,
);
const NAMESPACES: Quota = quota("Cloud Map namespaces", "AWSCloudMap", "L-0FE3F50E", 50.0);
/// Of a new account: AWS raises it by itself as the account is used.
const FARGATE: Quota = quota("Fargate On-Demand vCPU", "fargate", "L-3032A538", 6.0);

/// CPU units of one vCPU.
const UNITS: f64 = 1024.0;
/// CPU units of the largest Fargate task.
const LARGEST_TASK: u64 = 16 * 1024;

const fn quota(
    what: &'static str,
    service_code: &'static str,
    quota_code: &'static str,
    default: f64,
) -> Quota {
    Quota {
        what,
        service_code,
        quota_code,
        default,
    }
}

/// How much there may be, and how sure that is.
#[derive(Clone, Debug, PartialEq)]
enum Limit {
    /// Service Quotas says so.
    Applied(f64),
    /// Service Quotas knows no value of the account's own, so AWS's default applies.
    Default(f64),
    /// Nobody could be asked: AWS's default, unless somebody had it raised.
    Assumed(f64, String),
}

impl Limit {
    fn value(&self) -> f64 {
        match self {
            Limit::Applied(value) | Limit::Default(value) | Limit::Assumed(value, _) => *value,
        }
    }
}

pub async fn findings(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let regional = [
        room(aws, VPCS, wanted.made::<Vpc>().count(), usage::vpcs(aws)),
        room(
            aws,
            INTERNET_GATEWAYS,
            wanted.made::<InternetGateway>().count(),
            usage::internet_gateways(aws),
        ),
        room(
            aws,
            ELASTIC_IPS,
            wanted.made::<ElasticIp>().count(),
            usage::elastic_ips(aws),
        ),
        room(
            aws,
            LOAD_BALANCERS,
            wanted.made::<LoadBalancer>().count(),
            usage::application_load_balancers(aws),
        ),
        room(
            aws,
            TARGET_GROUPS,
            wanted.made::<TargetGroup>().count(),
            usage::target_groups(aws),
        ),
        room(
            aws,
            NAMESPACES,
            wanted.made::<Namespace>().count(),
            usage::namespaces(aws),
        ),
    ];
    let (regional, gateways, rules, fargate) = join!(
        join_all(regional),
        nat_gateways(aws, wanted),
        security_group_rules(aws, wanted),
        fargate(aws, wanted),
    );
    let regional = regional.into_iter().flatten().collect();
    [regional, gateways, rules, fargate].concat()
}

/// Whether the region has room for `needed` more, if any is needed. AWS's default is raised for who asks and lowered for
/// nobody, so the account's own value is asked for only where the default would not do.
fn room<'a>(
    aws: &'a Aws,
    quota: Quota,
    needed: usize,
    used: impl Future<Output = Result<usize, CallError>> + Send + 'a,
) -> BoxFuture<'a, Option<Finding>> {
    Box::pin(async move {
        if needed == 0 {
            return None;
        }
        let used = match used.await {
            Ok(used) => count(used),
            Err(error) => return Some(unanswered(quota, &error)),
        };
        let needed = count(needed);
        let limit = match used + needed <= quota.default {
            true => Limit::Default(quota.default),
            false => limit(aws, quota).await,
        };
        Some(judge(quota, quota.what, &limit, used, needed))
    })
}

async fn limit(aws: &Aws, quota: Quota) -> Limit {
    match quotas::applied(aws, quota.service_code, quota.quota_code).await {
        Ok(Some(value)) => Limit::Applied(value),
        Ok(None) => Limit::Default(quota.default),
        Err(error) => Limit::Assumed(
            quota.default,
            match error.class {
                ErrorClass::Denied => "the caller may not ask Service Quotas".to_owned(),
                _ => format!("Service Quotas did not answer: {error}"),
            },
        ),
    }
}

/// Whether `needed` more fit beside `used`. `what` names what is counted, with its place if it has one.
fn judge(quota: Quota, what: &str, limit: &Limit, used: f64, needed: f64) -> Finding {
    let allowed = limit.value();
    let default = match limit {
        Limit::Applied(_) => "",
        Limit::Default(_) | Limit::Assumed(..) => ", the default limit",
    };
    let found = format!(
        "{what}: {} in use, {} more wanted, {} allowed{default}",
        number(used),
        number(needed),
        number(allowed)
    );
    if used + needed <= allowed {
        return Finding::ok(Check::Quotas, found);
    }
    let cause = match quota.quota_code == FARGATE.quota_code {
        true => Cause::FargateQuota,
        false => Cause::QuotaReached,
    };
    let ask = format!(
        "ask for more: `aws service-quotas request-service-quota-increase --service-code {} --quota-code {} \
         --desired-value {}`; or remove some that are not used",
        quota.service_code,
        quota.quota_code,
        number((used + needed).ceil()),
    );
    match limit {
        Limit::Assumed(_, why) => Finding::warning(Check::Quotas, found)
            .cause(cause)
            .because(format!(
                "{why}, so the account's own limit may be higher; if it is not, AWS refuses the last of them"
            ))
            .hint(ask),
        _ => Finding::error(Check::Quotas, found)
            .cause(cause)
            .because("AWS would refuse the last of them, halfway through")
            .hint(ask),
    }
}

fn unanswered(quota: Quota, error: &CallError) -> Finding {
    Finding::unanswered(
        Check::Quotas,
        &format!("the number of {}", quota.what),
        error,
    )
}

/// NAT gateways count by zone. The zones of those that are there are asked for only where all of them
/// in one zone would be too many.
async fn nat_gateways(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let mut needed: BTreeMap<String, usize> = BTreeMap::new();
    for (_, gateway) in wanted.made::<NatGateway>() {
        *needed.entry(zone_of(wanted, gateway)).or_default() += 1;
    }
    if needed.is_empty() {
        return Vec::new();
    }
    let zones = match zones_in_use(aws, needed.values().sum()).await {
        Ok(zones) => zones,
        Err(error) => return vec![unanswered(NAT_GATEWAYS, &error)],
    };
    let most = |zone: &String| zones.get(zone).copied().unwrap_or_default();
    let fits = needed
        .iter()
        .all(|(zone, needed)| count(most(zone) + needed) <= NAT_GATEWAYS.default);
    let limit = match fits {
        true => Limit::Default(NAT_GATEWAYS.default),
        false => limit(aws, NAT_GATEWAYS).await,
    };
    needed
        .iter()
        .map(|(zone, needed)| {
            let what = format!("NAT gateways in {zone}");
            judge(
                NAT_GATEWAYS,
                &what,
                &limit,
                count(most(zone)),
                count(*needed),
            )
        })
        .collect()
}

/// How many NAT gateways each zone has; empty when so few are there that it doesn't matter.
async fn zones_in_use(aws: &Aws, needed: usize) -> Result<BTreeMap<String, usize>, CallError> {
    let subnets = usage::nat_gateways(aws).await?;
    let mut zones = BTreeMap::new();
    if count(subnets.len() + needed) <= NAT_GATEWAYS.default {
        return Ok(zones);
    }
    let zone_of = usage::zones_of_subnets(aws, &subnets).await?;
    for subnet in &subnets {
        if let Some(zone) = zone_of.get(subnet) {
            *zones.entry(zone.clone()).or_default() += 1;
        }
    }
    Ok(zones)
}

/// The zone of a gateway that is to be made, as far as it is known before its subnet is.
fn zone_of(wanted: Wanted<'_>, gateway: &NatGateway) -> String {
    if let Some(subnet) = wanted.outputs::<Subnet>(&gateway.subnet) {
        return subnet.availability_zone;
    }
    match wanted
        .spec(&gateway.subnet)
        .map(|subnet| &subnet.availability_zone)
    {
        Some(AvailabilityZone::Name(name)) => name.clone(),
        Some(AvailabilityZone::Ordinal(number)) => format!("zone {number} of the region"),
        None => gateway.subnet.address().to_string(),
    }
}

/// Rules count by group and direction. A stack's groups are its own, so the file alone tells.
async fn security_group_rules(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let most = wanted
        .all::<SecurityGroup>()
        .map(|(address, group)| {
            let peers: usize = wanted
                .all::<SecurityGroupRules>()
                .filter(|(_, rules)| rules.group.address() == address)
                .map(|(_, rules)| rules.rules.len())
                .sum();
            let rules = (group.ingress.len() + peers).max(group.egress.len());
            (rules, address)
        })
        .max();
    let touched = wanted.touched::<SecurityGroup>().next().is_some()
        || wanted.touched::<SecurityGroupRules>().next().is_some();
    match most {
        Some((rules, address)) if touched => {
            let limit = match count(rules) <= SECURITY_GROUP_RULES.default {
                true => Limit::Default(SECURITY_GROUP_RULES.default),
                false => limit(aws, SECURITY_GROUP_RULES).await,
            };
            let what = SECURITY_GROUP_RULES.what;
            vec![judge(SECURITY_GROUP_RULES, what, &limit, 0.0, count(rules)).at(address)]
        }
        _ => Vec::new(),
    }
}

/// Tasks that don't fit are never started, and `up` would wait for them in vain. What a rollout needs
/// for a while is not counted: ECS goes on task by task.
async fn fargate(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let needed: u64 = wanted
        .touched::<EcsService>()
        .map(|(step, service)| more_units(wanted, step, service))
        .sum::<u64>()
        + grown_definitions(wanted);
    if needed == 0 {
        return Vec::new();
    }
    let (limit, busy) = join!(limit(aws, FARGATE), usage::busy_clusters(aws));
    let room = (limit.value() * UNITS) as u64;
    let used = match busy {
        // Even if each of them were as large as a task can be.
        Ok(busy) if busy.values().sum::<u64>() * LARGEST_TASK + needed <= room => {
            return vec![Finding::ok(
                Check::Quotas,
                format!(
                    "{}: {} more wanted, far below the {} allowed",
                    FARGATE.what,
                    number(needed as f64 / UNITS),
                    number(limit.value())
                ),
            )];
        }
        Ok(busy) => usage::fargate_units(aws, busy.keys()).await,
        Err(error) => Err(error),
    };
    let used = match used {
        Ok(units) => units.on_demand as f64 / UNITS,
        Err(error) => return vec![unanswered(FARGATE, &error)],
    };
    let needed = needed as f64 / UNITS;
    vec![judge(FARGATE, FARGATE.what, &limit, used, needed)]
}

/// How many CPU units more a service would use for good.
fn more_units(wanted: Wanted<'_>, step: &Step, service: &EcsService) -> u64 {
    let Some(definition) = wanted.spec::<TaskDefinition>(&service.task_definition) else {
        return 0;
    };
    let now = u64::from(service.desired_count) * u64::from(definition.cpu);
    let before = match step.action {
        Action::Update => {
            let count = old_value(step, "desired_count").unwrap_or(service.desired_count.into());
            count * u64::from(definition.cpu)
        }
        _ => 0,
    };
    now.saturating_sub(before)
}

/// What grown task definitions take more, for the tasks that their services have.
fn grown_definitions(wanted: Wanted<'_>) -> u64 {
    wanted
        .touched::<TaskDefinition>()
        .filter(|(step, _)| step.action == Action::Update)
        .filter_map(|(step, definition)| {
            let grown = u64::from(definition.cpu).checked_sub(old_value(step, "cpu")?)?;
            let tasks: u64 = wanted
                .all::<EcsService>()
                .filter(|(_, service)| *service.task_definition.address() == step.address)
                .map(|(_, service)| u64::from(service.desired_count))
                .sum();
            Some(grown * tasks)
        })
        .sum()
}

/// The number that a field of a step's change had.
fn old_value(step: &Step, field: &str) -> Option<u64> {
    let change = step
        .change
        .fields
        .iter()
        .find(|change| change.field == field)?;
    change.old.trim_matches('"').parse().ok()
}

/// A count as Service Quotas counts.
fn count(number: usize) -> f64 {
    number as f64
}

/// Without a fraction where there is none.
fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    fn judged(limit: Limit, used: f64, needed: f64) -> Finding {
        judge(VPCS, VPCS.what, &limit, used, needed)
    }

    #[test]
    fn the_last_one_that_fits_is_fine_and_the_next_is_not() {
        let fits = judged(Limit::Applied(5.0), 4.0, 1.0);
        assert_eq!(fits.severity, Severity::Ok);
        assert_eq!(fits.what, "VPCs: 4 in use, 1 more wanted, 5 allowed");
        let full = judged(Limit::Applied(5.0), 5.0, 1.0);
        assert_eq!(full.severity, Severity::Error);
        let hint = full.hint.unwrap();
        assert!(
            hint.contains("--quota-code L-F678F1CE --desired-value 6"),
            "{hint}"
        );
    }

    #[test]
    fn a_default_that_applies_stops_and_one_that_is_only_assumed_warns() {
        let full = judged(Limit::Default(5.0), 5.0, 1.0);
        assert_eq!(full.severity, Severity::Error);
        assert!(full.what.contains("the default limit"), "{}", full.what);
        let unknown = judged(Limit::Assumed(5.0, "denied".to_owned()), 5.0, 1.0);
        assert_eq!(unknown.severity, Severity::Warning);
        assert!(unknown.why.unwrap().starts_with("denied"));
    }

    #[test]
    fn parts_of_a_vcpu_are_told() {
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(6.0), "6");
        assert_eq!(number(1.0 / 3.0), "0.33");
    }
}
