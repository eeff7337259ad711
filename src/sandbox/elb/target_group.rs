//! What is a target group? Who may answer, and how it is found out that they can.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    attributes,
    request::{check_name, invalid, page, required_integer, tags_at_create},
    state::Elb,
    target::Target,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

/// The region's default quota (aws-behaviour §5).
const MOST_TARGET_GROUPS: usize = 3000;

#[derive(Debug, Serialize)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub settings: Settings,
    pub health_check: HealthCheck,
    pub attributes: BTreeMap<String, String>,
    /// By address and port.
    pub targets: BTreeMap<String, Target>,
    pub tags: Tags,
}

/// What can't be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    pub protocol: String,
    pub protocol_version: String,
    pub port: i64,
    pub vpc_id: String,
    pub target_type: String,
    pub ip_address_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    pub is_enabled: bool,
    pub protocol: String,
    pub port: String,
    pub path: String,
    pub interval: i64,
    pub timeout: i64,
    pub healthy_threshold: i64,
    pub unhealthy_threshold: i64,
    pub matcher: String,
}

impl HealthCheck {
    fn of_new(protocol: &str) -> Self {
        Self {
            is_enabled: true,
            protocol: protocol.to_owned(),
            port: "traffic-port".to_owned(),
            path: "/".to_owned(),
            interval: 30,
            timeout: 5,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }

    /// The request's members over the ones there are.
    fn changed(mut self, parameters: &Parameters<'_>) -> Result<Self, Fault> {
        let texts = [
            ("HealthCheckProtocol", &mut self.protocol),
            ("HealthCheckPort", &mut self.port),
            ("HealthCheckPath", &mut self.path),
        ];
        for (name, member) in texts {
            if let Some(text) = parameters.string(name) {
                text.clone_into(member);
            }
        }
        if let Some(code) = parameters
            .structure("Matcher")
            .and_then(|matcher| matcher.string("HttpCode"))
        {
            code.clone_into(&mut self.matcher);
        }
        if let Some(is_enabled) = parameters.boolean("HealthCheckEnabled")? {
            self.is_enabled = is_enabled;
        }
        let numbers = [
            ("HealthCheckIntervalSeconds", &mut self.interval, 5..=300),
            ("HealthCheckTimeoutSeconds", &mut self.timeout, 2..=120),
            ("HealthyThresholdCount", &mut self.healthy_threshold, 2..=10),
            (
                "UnhealthyThresholdCount",
                &mut self.unhealthy_threshold,
                2..=10,
            ),
        ];
        for (name, member, range) in numbers {
            let Some(number) = parameters.integer(name)? else {
                continue;
            };
            if !range.contains(&number) {
                return Err(invalid(format!(
                    "{name} must be between '{}' and '{}' inclusive, not '{number}'",
                    range.start(),
                    range.end()
                )));
            }
            *member = number;
        }
        if self.timeout >= self.interval {
            return Err(invalid(format!(
                "Health check timeout '{}' must be smaller than the interval '{}'",
                self.timeout, self.interval
            )));
        }
        if !self.path.starts_with('/') {
            return Err(invalid(format!(
                "Health check path '{}' must begin with '/'",
                self.path
            )));
        }
        Ok(self)
    }
}

impl TargetGroup {
    fn to_value(&self, elb: &Elb) -> Value {
        let (settings, check) = (&self.settings, &self.health_check);
        json!({
            "TargetGroupArn": self.arn,
            "TargetGroupName": self.name,
            "Protocol": settings.protocol,
            "Port": settings.port,
            "VpcId": settings.vpc_id,
            "HealthCheckProtocol": check.protocol,
            "HealthCheckPort": check.port,
            "HealthCheckEnabled": check.is_enabled,
            "HealthCheckIntervalSeconds": check.interval,
            "HealthCheckTimeoutSeconds": check.timeout,
            "HealthyThresholdCount": check.healthy_threshold,
            "UnhealthyThresholdCount": check.unhealthy_threshold,
            "HealthCheckPath": check.path,
            "Matcher": {"HttpCode": check.matcher},
            "LoadBalancerArns": elb.load_balancers_using(&self.arn),
            "TargetType": settings.target_type,
            "ProtocolVersion": settings.protocol_version,
            "IpAddressType": settings.ip_address_type,
        })
    }

    pub fn deregistration_delay(&self) -> u64 {
        self.attributes
            .get(attributes::DEREGISTRATION_DELAY)
            .and_then(|delay| delay.parse().ok())
            .unwrap_or_default()
    }
}

pub fn not_found() -> Fault {
    Fault::new("TargetGroupNotFound", "One or more target groups not found")
}

fn read_settings(context: &Context<'_>, parameters: &Parameters<'_>) -> Result<Settings, Fault> {
    let protocol = parameters.required_string("Protocol")?;
    if !["HTTP", "HTTPS"].contains(&protocol) {
        return Err(invalid(format!(
            "Target group protocol '{protocol}' must be one of 'HTTP, HTTPS'"
        )));
    }
    let port = required_integer(parameters, "Port")?;
    if !(1..=65535).contains(&port) {
        return Err(invalid(format!(
            "Port '{port}' must be between 1 and 65535"
        )));
    }
    let vpc_id = parameters.required_string("VpcId")?;
    if context.region.ec2.vpc(vpc_id).is_err() {
        return Err(invalid(format!("The VPC ID '{vpc_id}' is not found")));
    }
    let target_type = parameters.string("TargetType").unwrap_or("instance");
    if !["instance", "ip"].contains(&target_type) {
        return Err(invalid(format!(
            "The sandbox has no targets of the type '{target_type}'"
        )));
    }
    Ok(Settings {
        protocol: protocol.to_owned(),
        // Terraform sends an empty one where it means the default.
        protocol_version: parameters
            .string("ProtocolVersion")
            .filter(|version| !version.is_empty())
            .unwrap_or("HTTP1")
            .to_owned(),
        port,
        vpc_id: vpc_id.to_owned(),
        target_type: target_type.to_owned(),
        ip_address_type: parameters
            .string("IpAddressType")
            .unwrap_or("ipv4")
            .to_owned(),
    })
}

/// Same name and settings: the existing one (aws-behaviour §2, name-idempotent).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("Name")?;
    check_name("Target group", name)?;
    let tags = tags_at_create(&parameters)?;
    let settings = read_settings(context, &parameters)?;
    let health_check = HealthCheck::of_new("HTTP").changed(&parameters)?;
    let elb = &context.region.elb;
    if let Some(existing) = elb
        .target_groups
        .values()
        .find(|existing| existing.name == name)
    {
        if existing.settings == settings && existing.health_check == health_check {
            return Ok(json!({"TargetGroups": [existing.to_value(elb)]}));
        }
        return Err(Fault::new(
            "DuplicateTargetGroupName",
            format!(
                "A target group with the same name '{name}' exists, but with different settings"
            ),
        ));
    }
    if elb.target_groups.len() >= MOST_TARGET_GROUPS {
        return Err(Fault::new(
            "TooManyTargetGroups",
            format!("The maximum number of target groups has been reached: {MOST_TARGET_GROUPS}"),
        ));
    }
    let id = context.ids.hexadecimal(16);
    let group = TargetGroup {
        arn: context.arn(
            "elasticloadbalancing",
            format_args!("targetgroup/{name}/{id}"),
        ),
        name: name.to_owned(),
        settings,
        health_check,
        attributes: attributes::of_new_target_group(),
        targets: BTreeMap::new(),
        tags,
    };
    let elb = &mut context.region.elb;
    let answer = group.to_value(elb);
    elb.target_groups.insert(group.arn.clone(), group);
    Ok(json!({"TargetGroups": [answer]}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let elb = &context.region.elb;
    let arns = parameters.strings("TargetGroupArns");
    let names = parameters.strings("Names");
    let load_balancer = parameters.string("LoadBalancerArn");
    for arn in &arns {
        elb.target_group(arn)?;
    }
    let has_name = |name: &&str| elb.target_groups.values().any(|group| group.name == *name);
    if !names.iter().all(has_name) {
        return Err(not_found());
    }
    if let Some(arn) = load_balancer {
        elb.load_balancer(arn)?;
    }
    let shown = elb
        .target_groups
        .iter()
        .filter(|(arn, _)| arns.is_empty() || arns.contains(&arn.as_str()))
        .filter(|(_, group)| names.is_empty() || names.contains(&group.name.as_str()))
        .filter(|(arn, _)| {
            load_balancer
                .is_none_or(|load_balancer| elb.load_balancers_using(arn).contains(load_balancer))
        })
        .map(|(arn, group)| (arn.clone(), group.to_value(elb)))
        .collect();
    page(&parameters, "TargetGroups", shown)
}

/// Health checks only (aws-behaviour §2.14).
pub fn modify(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("TargetGroupArn")?;
    let elb = &mut context.region.elb;
    let group = elb.target_group_mut(arn)?;
    group.health_check = group.health_check.clone().changed(&parameters)?;
    Ok(json!({"TargetGroups": [elb.target_group(arn)?.to_value(elb)]}))
}

/// Refused while a rule leads to it (aws-behaviour §2.14). The API model knows no refusal for one that does not exist.
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("TargetGroupArn")?;
    let elb = &mut context.region.elb;
    if !elb.load_balancers_using(arn).is_empty() {
        return Err(Fault::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    elb.target_groups.remove(arn);
    Ok(json!({}))
}
