//! Which VPC and which subnets does a stack mean that names existing ones? Used by `vpc` and `subnet`.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, Subnet, VpcAttributeName};

use super::vpc::attribute;
use crate::aws::{Aws, send, tags};
use crate::resource::CallError;

const VPCS: &str = "ec2:DescribeVpcs";
const SUBNETS: &str = "ec2:DescribeSubnets";

/// A load balancer needs at least a /27 in each of its subnets (aws-behaviour §1 row 14).
const SMALLEST_FOR_LOAD_BALANCER: u8 = 27;

/// The ID of the VPC that `name` means. All that a stack looks up asks for it, in one call.
pub async fn vpc_called(aws: &Aws, name: &str) -> Result<Option<String>, CallError> {
    let asked = async {
        let call = aws.ec2.describe_vpcs().filters(by(name, "vpc"));
        let answer = send(VPCS, call.send()).await?;
        Ok(answer
            .vpcs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|vpc| vpc.vpc_id)
            .collect::<Vec<String>>())
    };
    let found = aws
        .memo
        .once(format!("{VPCS} called {name}"), asked)
        .await?;
    one_of(&found, VPCS, "VPCs", name)
}

/// The subnet of the VPC that `name` means. One that lies in another VPC is told as such.
pub async fn subnet_called(
    aws: &Aws,
    vpc_id: &str,
    name: &str,
) -> Result<Option<Subnet>, CallError> {
    let subnets = subnets_of(aws, vpc_id).await?;
    let found: Vec<&Subnet> = subnets
        .iter()
        .filter(|subnet| is_called(subnet, name))
        .collect();
    let ids: Vec<String> = found
        .iter()
        .filter_map(|subnet| subnet.subnet_id.clone())
        .collect();
    if one_of(&ids, SUBNETS, "subnets of the VPC", name)?.is_some() {
        return Ok(found.first().map(|subnet| (*subnet).clone()));
    }
    let elsewhere = list(aws, by(name, "subnet")).await?;
    match elsewhere.first().and_then(|subnet| subnet.vpc_id.clone()) {
        Some(other) => Err(CallError::local(
            SUBNETS,
            format!("the subnet `{name}` lies in {other}, and the stack's VPC is {vpc_id}"),
        )),
        None => Ok(None),
    }
}

/// Whether a load balancer can stand in these subnets. Those that are not there are told elsewhere.
pub async fn check_for_load_balancer(
    aws: &Aws,
    vpc_id: &str,
    names: &[String],
) -> Result<(), CallError> {
    let subnets = subnets_of(aws, vpc_id).await?;
    let mut by_zone: BTreeMap<&str, &str> = BTreeMap::new();
    let mut missing = false;
    for name in names {
        let Some(subnet) = subnets.iter().find(|subnet| is_called(subnet, name)) else {
            missing = true;
            continue;
        };
        let range = subnet.cidr_block().unwrap_or_default();
        let length = range
            .rsplit('/')
            .next()
            .and_then(|length| length.parse::<u8>().ok());
        if length.is_some_and(|length| length > SMALLEST_FOR_LOAD_BALANCER) {
            return Err(unsuitable(format!(
                "the subnet `{name}` ({range}) is too small for a load balancer, which needs a /{SMALLEST_FOR_LOAD_BALANCER} or larger"
            )));
        }
        let zone = subnet.availability_zone().unwrap_or_default();
        if let Some(other) = by_zone.insert(zone, name) {
            return Err(unsuitable(format!(
                "the public subnets `{other}` and `{name}` both lie in the zone {zone}, and a load balancer takes one subnet in a zone; name one of them"
            )));
        }
    }
    match by_zone.len() < 2 && !missing {
        true => Err(unsuitable(
            "a load balancer needs public subnets in two zones; name one in another zone"
                .to_owned(),
        )),
        false => Ok(()),
    }
}

/// A private hosted zone answers only in a VPC with both attributes (aws-behaviour §1 row 2), and navi
/// changes nothing of a VPC that it looked up.
pub async fn check_for_namespace(aws: &Aws, vpc_id: &str) -> Result<(), CallError> {
    let (support, hostnames) = tokio::try_join!(
        attribute(aws, vpc_id, VpcAttributeName::EnableDnsSupport),
        attribute(aws, vpc_id, VpcAttributeName::EnableDnsHostnames),
    )?;
    let off: Vec<&str> = [
        (support, "enableDnsSupport"),
        (hostnames, "enableDnsHostnames"),
    ]
    .into_iter()
    .filter(|(is_on, _)| !is_on)
    .map(|(_, name)| name)
    .collect();
    match off.is_empty() {
        true => Ok(()),
        false => Err(CallError::local(
            "ec2:DescribeVpcAttribute",
            format!(
                "names of the namespace would not resolve in {vpc_id}, where {} is off: a private hosted zone needs \
                 both DNS attributes. navi does not change a VPC that it looks up: turn them on, or remove `namespace`",
                off.join(" and ")
            ),
        )),
    }
}

fn unsuitable(message: String) -> CallError {
    CallError::local(SUBNETS, message)
}

async fn subnets_of(aws: &Aws, vpc_id: &str) -> Result<Arc<Vec<Subnet>>, CallError> {
    let filter = Filter::builder().name("vpc-id").values(vpc_id).build();
    let key = format!("{SUBNETS} of {vpc_id}");
    aws.memo.once(key, list(aws, filter)).await
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<Subnet>, CallError> {
    let pages = aws.ec2.describe_subnets().filters(filter).into_paginator();
    send(SUBNETS, pages.items().send().collect::<Result<Vec<_>, _>>()).await
}

fn is_called(subnet: &Subnet, name: &str) -> bool {
    let tags = tags::from_ec2(subnet.tags.clone());
    match is_id(name, "subnet") {
        true => subnet.subnet_id() == Some(name),
        false => tags.get("Name").is_some_and(|tag| tag == name),
    }
}

/// A filter for the object that `name` means.
fn by(name: &str, kind: &str) -> Filter {
    let filter = match is_id(name, kind) {
        true => Filter::builder().name(format!("{kind}-id")),
        false => Filter::builder().name("tag:Name"),
    };
    filter.values(name).build()
}

/// `vpc-0123456789abcdef0` is an ID, `vpc-main` is somebody's name for one.
fn is_id(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|rest| rest.len() >= 8 && rest.chars().all(|digit| digit.is_ascii_hexdigit()))
}

/// The only one, or an error that names them all.
fn one_of(
    ids: &[String],
    operation: &str,
    what: &str,
    name: &str,
) -> Result<Option<String>, CallError> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(id.clone())),
        many => Err(CallError::local(
            operation,
            format!(
                "{} {what} carry the tag Name `{name}` ({}); write the ID of the one that is meant",
                many.len(),
                many.join(", ")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        assert!(is_id("vpc-0123456789abcdef0", "vpc"));
        assert!(is_id("subnet-12345678", "subnet"));
        for name in ["vpc-main", "vpc", "vpc-", "main", "subnet-12345678"] {
            assert!(!is_id(name, "vpc"), "{name}");
        }
    }

    #[test]
    fn a_name_that_several_have_is_no_name() {
        let ids = ["vpc-1".to_owned(), "vpc-2".to_owned()];
        let error = one_of(&ids, VPCS, "VPCs", "main").unwrap_err();
        assert!(error.message.contains("2 VPCs") && error.message.contains("vpc-1, vpc-2"));
        assert_eq!(
            one_of(&ids[..1], VPCS, "VPCs", "main").unwrap().as_deref(),
            Some("vpc-1")
        );
        assert_eq!(one_of(&[], VPCS, "VPCs", "main").unwrap(), None);
    }
}
