//! What is a load balancer? Where requests come in.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    attributes, listener,
    network::{self, Placement},
    region::hosted_zone_id,
    request::{check_name, invalid, page, tags_at_create},
};
use crate::sandbox::{
    call::{Call, Parameters},
    clock::Moment,
    fault::Fault,
    iam,
    pace::Doing,
    tags::Tags,
    world::Context,
};

/// The region's default quota (aws-behaviour §5).
const MOST_LOAD_BALANCERS: usize = 50;

#[derive(Debug, Serialize)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    pub dns_name: String,
    pub hosted_zone_id: String,
    pub created: Moment,
    pub scheme: String,
    pub vpc_id: String,
    /// None while it is provisioning.
    pub active_since: Option<Moment>,
    pub placements: Vec<Placement>,
    pub security_groups: Vec<String>,
    pub ip_address_type: String,
    pub attributes: BTreeMap<String, String>,
    pub tags: Tags,
}

impl LoadBalancer {
    fn to_value(&self) -> Value {
        let zones: Value = self
            .placements
            .iter()
            .map(|placement| {
                json!({
                    "ZoneName": placement.zone,
                    "SubnetId": placement.subnet_id,
                    "LoadBalancerAddresses": [],
                })
            })
            .collect();
        let state = match self.active_since {
            Some(_) => "active",
            None => "provisioning",
        };
        json!({
            "LoadBalancerArn": self.arn,
            "DNSName": self.dns_name,
            "CanonicalHostedZoneId": self.hosted_zone_id,
            "CreatedTime": self.created,
            "LoadBalancerName": self.name,
            "Scheme": self.scheme,
            "VpcId": self.vpc_id,
            "State": {"Code": state},
            "Type": "application",
            "AvailabilityZones": zones,
            "SecurityGroups": self.security_groups,
            "IpAddressType": self.ip_address_type,
        })
    }

    /// What its ARN and those of its listeners and rules share: `app/NAME/ID`.
    pub fn path(&self) -> &str {
        self.arn
            .split_once(":loadbalancer/")
            .map_or("", |(_, path)| path)
    }

    pub fn is_internet_facing(&self) -> bool {
        self.scheme == "internet-facing"
    }

    fn subnets(&self) -> Vec<&str> {
        let mut subnets: Vec<&str> = self
            .placements
            .iter()
            .map(|placement| placement.subnet_id.as_str())
            .collect();
        subnets.sort_unstable();
        subnets
    }
}

pub fn not_found() -> Fault {
    Fault::new(
        "LoadBalancerNotFound",
        "One or more load balancers not found",
    )
}

/// What a create asks for, defaults filled in. Tags are not settings: a load balancer with other tags is still the same one.
struct Wanted<'a> {
    name: &'a str,
    scheme: &'a str,
    ip_address_type: &'a str,
    subnets: Vec<&'a str>,
    security_groups: Vec<String>,
    vpc_id: String,
}

impl<'a> Wanted<'a> {
    fn read(context: &Context<'_>, parameters: Parameters<'a>) -> Result<Self, Fault> {
        let name = parameters.required_string("Name")?;
        check_name("Load balancer", name)?;
        if name.starts_with("internal-") {
            return Err(invalid(format!(
                "Load balancer name '{name}' cannot begin with 'internal-'"
            )));
        }
        let kind = parameters.string("Type").unwrap_or("application");
        if kind != "application" {
            return Err(Fault::new(
                "NotImplemented",
                format!("the sandbox serves application load balancers only, not {kind} ones; docs/SANDBOX.md lists what it serves"),
            )
            .with_status(501));
        }
        let scheme = parameters.string("Scheme").unwrap_or("internet-facing");
        if !["internet-facing", "internal"].contains(&scheme) {
            return Err(Fault::new(
                "InvalidScheme",
                format!("Scheme '{scheme}' is not valid"),
            ));
        }
        let mut subnets = parameters.strings("Subnets");
        let mappings = parameters.list("SubnetMappings");
        for mapping in &mappings {
            subnets.push(mapping.required_string("SubnetId")?);
        }
        let vpc_id = network::check_subnets(&context.region.ec2, &subnets)?;
        let security_groups = network::groups_or_default(
            &context.region.ec2,
            &vpc_id,
            &parameters.strings("SecurityGroups"),
        )?;
        Ok(Self {
            name,
            scheme,
            ip_address_type: parameters.string("IpAddressType").unwrap_or("ipv4"),
            subnets,
            security_groups,
            vpc_id,
        })
    }

    fn is_like(&self, existing: &LoadBalancer) -> bool {
        let mut subnets = self.subnets.clone();
        subnets.sort_unstable();
        let sorted = |groups: &[String]| {
            let mut groups = groups.to_vec();
            groups.sort_unstable();
            groups
        };
        existing.scheme == self.scheme
            && existing.ip_address_type == self.ip_address_type
            && existing.subnets() == subnets
            && sorted(&existing.security_groups) == sorted(&self.security_groups)
    }
}

/// Same name and settings: the existing one (aws-behaviour §2, name-idempotent).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let tags = tags_at_create(&parameters)?;
    let wanted = Wanted::read(context, parameters)?;
    let load_balancers = &context.region.elb.load_balancers;
    if let Some(existing) = load_balancers
        .values()
        .find(|existing| existing.name == wanted.name)
    {
        if wanted.is_like(existing) {
            return Ok(json!({"LoadBalancers": [existing.to_value()]}));
        }
        return Err(Fault::new(
            "DuplicateLoadBalancerName",
            format!(
                "A load balancer with the same name '{}' exists, but with different settings",
                wanted.name
            ),
        ));
    }
    if load_balancers.len() >= MOST_LOAD_BALANCERS {
        return Err(Fault::new(
            "TooManyLoadBalancers",
            format!("The maximum number of load balancers has been reached: {MOST_LOAD_BALANCERS}"),
        ));
    }
    // Asked at once, unlike a NAT gateway's (aws-behaviour §1 row 13).
    let is_internet_facing = wanted.scheme == "internet-facing";
    if is_internet_facing && !context.region.ec2.has_internet_gateway(&wanted.vpc_id) {
        return Err(Fault::new(
            "InvalidSubnet",
            format!("VPC {} has no internet gateway", wanted.vpc_id),
        ));
    }
    let answer = make(context, &wanted, tags)?;
    Ok(json!({"LoadBalancers": [answer]}))
}

fn make(context: &mut Context<'_>, wanted: &Wanted<'_>, tags: Tags) -> Result<Value, Fault> {
    let Wanted { name, scheme, .. } = *wanted;
    let id = context.ids.hexadecimal(16);
    let is_internet_facing = scheme == "internet-facing";
    let number = 100_000_000 + context.ids.below(1_900_000_000);
    let prefix = if is_internet_facing { "" } else { "internal-" };
    let path = format!("app/{name}/{id}");
    let mut load_balancer = LoadBalancer {
        arn: context.arn("elasticloadbalancing", format_args!("loadbalancer/{path}")),
        name: name.to_owned(),
        // Names of load balancers keep their capitals, DNS does not mind.
        dns_name: format!(
            "{prefix}{name}-{number}.{}.elb.amazonaws.com",
            context.region_name
        ),
        hosted_zone_id: hosted_zone_id(context.region_name),
        created: context.now,
        scheme: scheme.to_owned(),
        vpc_id: wanted.vpc_id.clone(),
        active_since: None,
        placements: Vec::new(),
        security_groups: wanted.security_groups.clone(),
        ip_address_type: wanted.ip_address_type.to_owned(),
        attributes: attributes::of_new_load_balancer(),
        tags,
    };
    for subnet in &wanted.subnets {
        let placement = network::place(context, &load_balancer, subnet)?;
        load_balancer.placements.push(placement);
    }
    // The first load balancer of an account brings the service's role (aws-behaviour §2.9).
    iam::ensure_service_linked_role(context, "elasticloadbalancing.amazonaws.com");
    let answer = load_balancer.to_value();
    let arn = load_balancer.arn.clone();
    context
        .region
        .elb
        .load_balancers
        .insert(arn.clone(), load_balancer);
    context.schedule(Doing::LoadBalancerBecomesActive, move |context| {
        let now = context.now;
        if let Ok(load_balancer) = context.region.elb.load_balancer_mut(&arn) {
            load_balancer.active_since = Some(now);
        }
    });
    Ok(answer)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let elb = &context.region.elb;
    let arns = parameters.strings("LoadBalancerArns");
    let names = parameters.strings("Names");
    for arn in &arns {
        elb.load_balancer(arn)?;
    }
    let has_name = |name: &&str| {
        elb.load_balancers
            .values()
            .any(|existing| existing.name == *name)
    };
    if !names.iter().all(has_name) {
        return Err(Fault::new(
            "LoadBalancerNotFound",
            format!("Load balancers '[{}]' not found", names.join(", ")),
        ));
    }
    let shown = elb
        .load_balancers
        .iter()
        .filter(|(arn, _)| arns.is_empty() || arns.contains(&arn.as_str()))
        .filter(|(_, existing)| names.is_empty() || names.contains(&existing.name.as_str()))
        .map(|(arn, existing)| (arn.clone(), existing.to_value()))
        .collect();
    page(&parameters, "LoadBalancers", shown)
}

/// Deleting twice succeeds; listeners and rules go at once, the interfaces some time later (aws-behaviour §2.13).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("LoadBalancerArn")?;
    let elb = &mut context.region.elb;
    let Some(load_balancer) = elb.load_balancers.get(arn) else {
        return Ok(json!({}));
    };
    if load_balancer
        .attributes
        .get("deletion_protection.enabled")
        .map(String::as_str)
        == Some("true")
    {
        return Err(Fault::new(
            "OperationNotPermitted",
            format!(
                "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            ),
        ));
    }
    let listeners: Vec<String> = elb
        .listeners_of(arn)
        .into_iter()
        .map(|listener| listener.arn.clone())
        .collect();
    for listener in listeners {
        listener::remove(elb, &listener);
    }
    if let Some(load_balancer) = elb.load_balancers.remove(arn) {
        network::release(context, load_balancer.placements);
    }
    Ok(json!({}))
}
