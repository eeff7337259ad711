//! Do the VPC endpoints of the file go together with its subnets, and do its services find all that they need?

use crate::stack::endpoints::{Endpoint, is_within_reach, needed_by};
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{Nat, Service, Stack, Tier};

use super::relations::place_of_tier;

/// Each once, in the order of the file.
pub(super) fn resolve(
    endpoints: Option<&Vec<Endpoint>>,
    place: &Place,
    problems: &mut Problems,
) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for (index, endpoint) in endpoints.into_iter().flatten().enumerate() {
        if found.contains(endpoint) {
            problems
                .error(
                    &place.item(index),
                    format!("the endpoint `{}` is named twice", endpoint.as_str()),
                )
                .hint("remove one");
            continue;
        }
        found.push(*endpoint);
    }
    found
}

pub(super) fn check(stack: &Stack, place: &Place, problems: &mut Problems) {
    let network = &stack.network;
    if network.endpoints.is_empty() {
        return;
    }
    let here = place.at("network");
    let subnets = here.at("subnets");
    if subnets.is_given() && subnets.at("private").keys().is_empty() {
        problems
            .error(
                here.key_of("endpoints"),
                "endpoints are for private subnets, and there is none",
            )
            .hint("add some under `network.subnets.private`, or leave out `subnets` to have them made");
    }
    let has_interfaces = network.endpoints.iter().any(|own| !own.is_gateway());
    if has_interfaces && !(network.dns_support && network.dns_hostnames) {
        let key = match network.dns_support {
            true => "dns_hostnames",
            false => "dns_support",
        };
        // aws-behaviour §1 row 2: AWS refuses private DNS without them.
        problems
            .error(
                &here.at(key),
                "the names of AWS's services can't lead to endpoints in this VPC",
            )
            .also(here.key_of("endpoints"), "endpoints wanted here")
            .hint("set `dns_support` and `dns_hostnames` to true: endpoints need both");
    }
    if has_interfaces
        && stack
            .region
            .as_deref()
            .is_some_and(|region| region.starts_with("cn-"))
    {
        problems
            .error(
                here.key_of("endpoints"),
                "navi doesn't know what endpoints are called in China's regions",
            )
            .hint("set `network.nat: single`; only `s3` and `dynamodb` are called as elsewhere");
    }
    if network.nat != Nat::None || here.at("nat").is_faulty() || here.at("endpoints").is_faulty() {
        return;
    }
    for service in stack
        .services
        .iter()
        .filter(|own| own.subnets == Tier::Private)
    {
        check_needs(stack, service, place, problems);
        check_images(stack, service, place, problems);
    }
}

/// Without a NAT gateway there is no other way.
fn check_needs(stack: &Stack, service: &Service, place: &Place, problems: &mut Problems) {
    let endpoints = &stack.network.endpoints;
    let missing: Vec<(Endpoint, &str)> = needed_by(service)
        .into_iter()
        .filter(|(endpoint, _)| !endpoints.contains(endpoint))
        .collect();
    if missing.is_empty() {
        return;
    }
    let reasons: Vec<String> = missing
        .iter()
        .map(|(endpoint, reason)| format!("`{}` for {reason}", endpoint.as_str()))
        .collect();
    let words: Vec<&str> = missing
        .iter()
        .map(|(endpoint, _)| endpoint.as_str())
        .collect();
    problems
        .error(
            place.at("network").key_of("endpoints"),
            format!(
                "`{}` runs in private subnets with no NAT gateway and needs more endpoints: {}",
                service.name,
                reasons.join(", ")
            ),
        )
        .hint(format!("add {} to `network.endpoints`", words.join(", ")));
}

fn check_images(stack: &Stack, service: &Service, place: &Place, problems: &mut Problems) {
    for container in &service.containers {
        if is_within_reach(&container.image, stack.region.as_deref()) {
            continue;
        }
        let containers = place.at("services").at(&service.name).at("containers");
        let image = containers.at(&container.name).at("image");
        let here = match image.is_given() {
            true => image,
            false => place_of_tier(service, place),
        };
        problems
            .error(
                &here,
                format!(
                    "`{}` runs in private subnets with no NAT gateway, from where its image cannot be pulled",
                    service.name
                ),
            )
            .label("not in this region's ECR")
            .hint("endpoints lead to the region's own ECR only: push the image there (a pull-through cache rule does it), or set `network.nat`");
    }
}
