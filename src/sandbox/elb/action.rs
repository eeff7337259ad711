//! What is an action? What a rule does with a request.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{request::invalid, state::Elb};
use crate::sandbox::{call::Parameters, fault::Fault};

/// Target groups per action (aws-behaviour §2.13).
const MOST_GROUPS: usize = 5;
/// A group of weight 0 belongs to the load balancer and gets no request (the API model's TargetGroupTuple).
const WEIGHTS: std::ops::RangeInclusive<i64> = 0..=999;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Forward {
        /// ARN and weight.
        groups: Vec<(String, i64)>,
        /// Seconds for which a client stays with a group.
        stickiness: Option<i64>,
    },
    FixedResponse(FixedResponse),
    Redirect(Redirect),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FixedResponse {
    pub status: String,
    pub content_type: String,
    pub body: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect {
    pub protocol: String,
    pub port: String,
    pub host: String,
    pub path: String,
    pub query: String,
    pub status: String,
}

impl Action {
    pub fn leads_to(&self, target_group: &str) -> bool {
        matches!(self, Self::Forward { groups, .. } if groups.iter().any(|(arn, _)| arn == target_group))
    }

    /// Normalised as AWS shows it: one target group comes back both ways (aws-behaviour §2.15).
    pub fn to_value(&self) -> Value {
        match self {
            Self::Forward { groups, stickiness } => {
                let mut value = Map::from_iter([("Type".to_owned(), json!("forward"))]);
                if let [(arn, _)] = groups.as_slice() {
                    value.insert("TargetGroupArn".to_owned(), json!(arn));
                }
                let tuples: Value = groups
                    .iter()
                    .map(|(arn, weight)| json!({"TargetGroupArn": arn, "Weight": weight}))
                    .collect();
                let stickiness =
                    json!({"Enabled": stickiness.is_some(), "DurationSeconds": stickiness});
                value.insert(
                    "ForwardConfig".to_owned(),
                    json!({"TargetGroups": tuples, "TargetGroupStickinessConfig": stickiness}),
                );
                value.into()
            }
            Self::FixedResponse(response) => json!({
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "MessageBody": response.body,
                    "StatusCode": response.status,
                    "ContentType": response.content_type,
                },
            }),
            Self::Redirect(redirect) => json!({
                "Type": "redirect",
                "RedirectConfig": {
                    "Protocol": redirect.protocol,
                    "Port": redirect.port,
                    "Host": redirect.host,
                    "Path": redirect.path,
                    "Query": redirect.query,
                    "StatusCode": redirect.status,
                },
            }),
        }
    }
}

pub fn to_list(actions: &[Action]) -> Value {
    actions.iter().map(Action::to_value).collect()
}

/// Reads a list of actions for a listener of a load balancer.
pub fn read(elb: &Elb, load_balancer: &str, list: &[Parameters<'_>]) -> Result<Vec<Action>, Fault> {
    if list.len() != 1 {
        return Err(match list.len() {
            0 => invalid("A rule must have at least one action"),
            _ => Fault::new(
                "InvalidLoadBalancerAction",
                "Exactly one of the actions must be of the type forward, redirect or fixed-response, and the sandbox serves no others",
            ),
        });
    }
    list.iter()
        .map(|action| read_one(elb, load_balancer, action))
        .collect()
}

fn read_one(elb: &Elb, load_balancer: &str, action: &Parameters<'_>) -> Result<Action, Fault> {
    match action.required_string("Type")? {
        "forward" => read_forward(elb, load_balancer, action),
        "fixed-response" => read_fixed_response(action),
        "redirect" => read_redirect(action),
        other => Err(Fault::new(
            "InvalidLoadBalancerAction",
            format!("The action type '{other}' is not valid, or not served by the sandbox"),
        )),
    }
}

fn read_forward(elb: &Elb, load_balancer: &str, action: &Parameters<'_>) -> Result<Action, Fault> {
    let mut groups = Vec::new();
    let mut stickiness = None;
    if let Some(config) = action.structure("ForwardConfig") {
        for tuple in config.list("TargetGroups") {
            let weight = tuple.integer("Weight")?.unwrap_or(1);
            if !WEIGHTS.contains(&weight) {
                return Err(invalid(format!(
                    "The weight '{weight}' of a target group must be between 0 and 999"
                )));
            }
            groups.push((tuple.required_string("TargetGroupArn")?.to_owned(), weight));
        }
        if let Some(asked) = config.structure("TargetGroupStickinessConfig")
            && asked.boolean("Enabled")? == Some(true)
        {
            stickiness = asked.integer("DurationSeconds")?;
        }
    }
    if let Some(arn) = action.string("TargetGroupArn")
        && groups.is_empty()
    {
        groups.push((arn.to_owned(), 1));
    }
    if groups.is_empty() || groups.len() > MOST_GROUPS {
        return Err(invalid(format!(
            "A forward action must name between 1 and {MOST_GROUPS} target groups"
        )));
    }
    let names: std::collections::BTreeSet<_> = groups.iter().map(|(arn, _)| arn).collect();
    if names.len() < groups.len() {
        return Err(invalid(
            "A forward action must not name a target group twice",
        ));
    }
    for (arn, _) in &groups {
        check_group(elb, load_balancer, arn)?;
    }
    Ok(Action::Forward { groups, stickiness })
}

/// A group belongs to one load balancer at a time, and stands in its VPC.
fn check_group(elb: &Elb, load_balancer: &str, arn: &str) -> Result<(), Fault> {
    let group = elb.target_group(arn)?;
    if group.settings.vpc_id != elb.load_balancer(load_balancer)?.vpc_id {
        return Err(Fault::new(
            "InvalidConfigurationRequest",
            format!(
                "The target group '{arn}' is not in the same VPC as load balancer '{load_balancer}'"
            ),
        ));
    }
    if elb
        .load_balancers_using(arn)
        .iter()
        .any(|other| *other != load_balancer)
    {
        return Err(Fault::new(
            "TargetGroupAssociationLimit",
            format!(
                "The following target groups cannot be associated with more than one load balancer: {arn}"
            ),
        ));
    }
    Ok(())
}

fn read_fixed_response(action: &Parameters<'_>) -> Result<Action, Fault> {
    let config = action
        .structure("FixedResponseConfig")
        .ok_or_else(|| invalid("A fixed-response action must have a FixedResponseConfig"))?;
    let status = config.required_string("StatusCode")?;
    if status.len() != 3 || !status.starts_with(['2', '4', '5']) {
        return Err(invalid(format!(
            "The status code '{status}' of a fixed response must be of the form 2XX, 4XX or 5XX"
        )));
    }
    Ok(Action::FixedResponse(FixedResponse {
        status: status.to_owned(),
        content_type: config
            .string("ContentType")
            .unwrap_or("text/plain")
            .to_owned(),
        body: config.string("MessageBody").map(str::to_owned),
    }))
}

/// What is not given stays as it was in the request.
fn read_redirect(action: &Parameters<'_>) -> Result<Action, Fault> {
    let config = action
        .structure("RedirectConfig")
        .ok_or_else(|| invalid("A redirect action must have a RedirectConfig"))?;
    let part = |name: &str, kept: &str| config.string(name).unwrap_or(kept).to_owned();
    let redirect = Redirect {
        protocol: part("Protocol", "#{protocol}"),
        port: part("Port", "#{port}"),
        host: part("Host", "#{host}"),
        path: part("Path", "/#{path}"),
        query: part("Query", "#{query}"),
        status: config.required_string("StatusCode")?.to_owned(),
    };
    let keeps_all = redirect.protocol == "#{protocol}"
        && redirect.port == "#{port}"
        && redirect.host == "#{host}"
        && redirect.path == "/#{path}";
    if keeps_all {
        return Err(invalid(
            "The redirect would lead to itself: at least one of protocol, port, host and path must change",
        ));
    }
    Ok(Action::Redirect(redirect))
}
