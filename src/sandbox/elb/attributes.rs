//! Which attributes do load balancers, listeners and target groups have? Texts under dotted names, with AWS's defaults.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::invalid;
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    world::Context,
};

pub type Attributes = BTreeMap<String, String>;

const OF_LOAD_BALANCERS: [(&str, &str); 20] = [
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.enabled", "false"),
    ("connection_logs.s3.bucket", ""),
    ("connection_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
    ),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("waf.fail_open.enabled", "false"),
    ("zonal_shift.config.enabled", "false"),
    ("ipv6.deny_all_igw_traffic", "false"),
];

/// How long a target drains; it decides how long services take to go (aws-behaviour §2.14).
pub const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

const OF_TARGET_GROUPS: [(&str, &str); 15] = [
    (DEREGISTRATION_DELAY, "300"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.algorithm.type", "round_robin"),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.enabled", "false"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
    ),
    ("lambda.multi_value_headers.enabled", "false"),
];

/// Only listeners for HTTPS have them: what the headers that tell of the client's certificate are called.
const OF_HTTPS_LISTENERS: [(&str, &str); 8] = [
    (
        "routing.http.request.x_amzn_mtls_clientcert.header_name",
        "X-Amzn-Mtls-Clientcert",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_issuer.header_name",
        "X-Amzn-Mtls-Clientcert-Issuer",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_leaf.header_name",
        "X-Amzn-Mtls-Clientcert-Leaf",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
        "X-Amzn-Mtls-Clientcert-Serial-Number",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_subject.header_name",
        "X-Amzn-Mtls-Clientcert-Subject",
    ),
    (
        "routing.http.request.x_amzn_mtls_clientcert_validity.header_name",
        "X-Amzn-Mtls-Clientcert-Validity",
    ),
    (
        "routing.http.request.x_amzn_tls_cipher_suite.header_name",
        "X-Amzn-Tls-Cipher-Suite",
    ),
    (
        "routing.http.request.x_amzn_tls_version.header_name",
        "X-Amzn-Tls-Version",
    ),
];

/// Headers of responses that the load balancer sets, when they have a value.
const OF_LISTENERS: [(&str, &str); 11] = [
    ("routing.http.response.server.enabled", "true"),
    (
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_headers.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_methods.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_allow_origin.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_expose_headers.header_value",
        "",
    ),
    (
        "routing.http.response.access_control_max_age.header_value",
        "",
    ),
    (
        "routing.http.response.content_security_policy.header_value",
        "",
    ),
    (
        "routing.http.response.strict_transport_security.header_value",
        "",
    ),
    (
        "routing.http.response.x_content_type_options.header_value",
        "",
    ),
    ("routing.http.response.x_frame_options.header_value", ""),
];

pub fn of_new_load_balancer() -> Attributes {
    // Only shown for dual-stack load balancers.
    defaults(&OF_LOAD_BALANCERS, "ipv6.deny_all_igw_traffic")
}

pub fn of_new_target_group() -> Attributes {
    // Only shown for groups of lambda functions.
    defaults(&OF_TARGET_GROUPS, "lambda.multi_value_headers.enabled")
}

/// Those that a listener of this protocol has: as they were before, or AWS's defaults.
pub fn of_listener(protocol: &str, before: &Attributes) -> Attributes {
    let secure: &[(&str, &str)] = match protocol {
        "HTTPS" => &OF_HTTPS_LISTENERS,
        _ => &[],
    };
    OF_LISTENERS
        .iter()
        .chain(secure)
        .map(|(name, value)| {
            let kept = before.get(*name).map_or(*value, String::as_str);
            ((*name).to_owned(), kept.to_owned())
        })
        .collect()
}

fn defaults(table: &[(&str, &str)], hidden: &str) -> Attributes {
    table
        .iter()
        .filter(|(name, _)| *name != hidden)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn to_value(attributes: &Attributes) -> Value {
    let list: Value = attributes
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"Attributes": list})
}

/// All of the request's attributes, or none.
fn change(
    attributes: &mut Attributes,
    what: &str,
    parameters: &Parameters<'_>,
) -> Result<(), Fault> {
    let mut changed = attributes.clone();
    for attribute in parameters.list("Attributes") {
        let key = attribute.required_string("Key")?;
        let value = attribute.string("Value").unwrap_or_default();
        if !changed.contains_key(key) {
            return Err(invalid(format!(
                "{what} attribute key '{key}' is not recognized"
            )));
        }
        check(key, value)?;
        changed.insert(key.to_owned(), value.to_owned());
    }
    *attributes = changed;
    Ok(())
}

fn check(key: &str, value: &str) -> Result<(), Fault> {
    let range = match key {
        DEREGISTRATION_DELAY => 0..=3600,
        "idle_timeout.timeout_seconds" => 1..=4000,
        _ if key.ends_with(".enabled") && !key.starts_with("load_balancing.cross_zone") => {
            return match value {
                "true" | "false" => Ok(()),
                _ => Err(invalid(format!(
                    "'{key}' must be true or false, not '{value}'"
                ))),
            };
        }
        _ => return Ok(()),
    };
    match value.parse::<u32>() {
        Ok(number) if range.contains(&number) => Ok(()),
        _ => Err(invalid(format!(
            "'{key}' value must be between '{}' and '{}' inclusive",
            range.start(),
            range.end()
        ))),
    }
}

pub fn describe_load_balancer(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("LoadBalancerArn")?;
    Ok(to_value(&context.region.elb.load_balancer(arn)?.attributes))
}

/// Taken while the load balancer is still provisioning, too (aws-behaviour §1 row 16).
pub fn modify_load_balancer(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("LoadBalancerArn")?;
    let attributes = &mut context.region.elb.load_balancer_mut(arn)?.attributes;
    change(attributes, "Load balancer", &parameters)?;
    Ok(to_value(attributes))
}

/// Nobody reserves capacity here. It may be decreased twice a day, says the user guide.
pub fn describe_capacity_reservation(
    context: &mut Context<'_>,
    call: &Call,
) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("LoadBalancerArn")?;
    context.region.elb.load_balancer(arn)?;
    Ok(json!({"DecreaseRequestsRemaining": 2, "CapacityReservationState": []}))
}

pub fn describe_listener(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("ListenerArn")?;
    Ok(to_value(&context.region.elb.listener(arn)?.attributes))
}

pub fn modify_listener(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("ListenerArn")?;
    let attributes = &mut context.region.elb.listener_mut(arn)?.attributes;
    change(attributes, "Listener", &parameters)?;
    Ok(to_value(attributes))
}

pub fn describe_target_group(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("TargetGroupArn")?;
    Ok(to_value(&context.region.elb.target_group(arn)?.attributes))
}

pub fn modify_target_group(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("TargetGroupArn")?;
    let attributes = &mut context.region.elb.target_group_mut(arn)?.attributes;
    change(attributes, "Target group", &parameters)?;
    Ok(to_value(attributes))
}
