//! Which VPC and which subnets of somebody else's does the stack use, and do they suit it as far as a file can tell?

use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{ExistingVpc, Nat, Network, Stack, Tier};

use super::network::DEFAULT_CIDR;
use super::relations::place_of_tier;

/// Keys of `network` that say how a VPC is made.
const FOR_MADE_ONES: [&str; 7] = [
    "cidr",
    "dns_support",
    "dns_hostnames",
    "nat",
    "endpoints",
    "public_ip_on_launch",
    "subnets",
];

pub(super) fn resolve(vpc: &file::ExistingVpc, place: &Place, problems: &mut Problems) -> Network {
    for key in FOR_MADE_ONES {
        if place.at(key).is_given() {
            let report = problems
                .error(
                    place.key_of(key),
                    format!("`{key}` says how a VPC is made, and this one exists already"),
                )
                .also(place.key_of("vpc"), "looked up here");
            match key {
                "subnets" => report.hint("name its subnets under `network.vpc.subnets`"),
                "nat" => report.hint("the routes of an existing VPC are its owner's; remove `nat`"),
                _ => report.hint(format!("remove `{key}`, or remove `vpc` to have one made")),
            };
        }
    }
    let place = place.at("vpc");
    Network {
        cidr: DEFAULT_CIDR,
        dns_support: true,
        dns_hostnames: true,
        nat: Nat::None,
        endpoints: Vec::new(),
        subnets: Vec::new(),
        existing: Some(ExistingVpc {
            find: name(vpc.find.as_deref(), &place.at("find"), problems),
            subnets: subnets(vpc.subnets.as_ref(), &place.at("subnets"), problems),
        }),
    }
}

/// An ID or the value of a tag, without the white space that neither has around it.
fn name(text: Option<&str>, place: &Place, problems: &mut Problems) -> String {
    let name = text.unwrap_or_default().trim();
    if name.is_empty() && text.is_some() {
        problems
            .error(place, "an empty text finds nothing")
            .hint("write an ID, or the value of the tag `Name`");
    }
    name.to_owned()
}

fn subnets(
    subnets: Option<&file::ExistingSubnets>,
    place: &Place,
    problems: &mut Problems,
) -> Vec<(Tier, String)> {
    let mut found: Vec<(Tier, String)> = Vec::new();
    let Some(subnets) = subnets else { return found };
    for (tier, names) in [
        (Tier::Public, &subnets.public),
        (Tier::Private, &subnets.private),
    ] {
        let place = place.at(tier.as_str());
        for (index, text) in names.iter().flatten().enumerate() {
            let here = place.item(index);
            let text = name(Some(text), &here, problems);
            match found.iter().find(|(_, other)| *other == text) {
                Some((other, _)) if *other == tier => {
                    problems
                        .error(&here, format!("the subnet `{text}` is named twice"))
                        .hint("remove one");
                }
                Some(_) => {
                    problems
                        .error(
                            &here,
                            format!(
                                "the subnet `{text}` is named as a public and as a private one"
                            ),
                        )
                        .hint("a subnet whose default route is an internet gateway is public");
                }
                None => found.push((tier, text)),
            }
        }
    }
    if found.is_empty() && problems.error_count() == 0 {
        problems
            .error(place, "no subnet of the VPC is named")
            .hint("name the ones to use under `public`, `private` or both");
    }
    found
}

/// Whether load balancer and services find a place in the subnets that are named.
pub(super) fn check(stack: &Stack, place: &Place, problems: &mut Problems) {
    let Some(existing) = &stack.network.existing else {
        return;
    };
    if stack.names.vpc.is_some() {
        problems
            .error(
                &place.at("names").at("vpc"),
                "a VPC that is looked up keeps its name",
            )
            .hint("remove `names.vpc`");
    }
    let subnets = place.at("network").at("vpc").at("subnets");
    if subnets.keys().is_empty() {
        return;
    }
    // What the file names counts, even if it is faulty.
    let count = |tier: Tier| subnets.at(tier.as_str()).items().len();
    if stack.ingress.is_some() && count(Tier::Public) < 2 {
        let there = match count(Tier::Public) {
            0 => "none",
            _ => "one",
        };
        // Two zones (aws-behaviour §1 row 14): in which zones they lie, only AWS can tell.
        problems
            .error(
                &subnets.at(Tier::Public.as_str()),
                format!("a load balancer needs public subnets in two zones, and {there} is named"),
            )
            .hint("name two subnets in different zones under `network.vpc.subnets.public`");
    }
    for service in &stack.services {
        if count(service.subnets) == 0 && existing.subnets_of(service.subnets).next().is_none() {
            let tier = service.subnets.as_str();
            problems
                .error(
                    &place_of_tier(service, place),
                    format!(
                        "`{}` runs in {tier} subnets, and none is named",
                        service.name
                    ),
                )
                .label(format!("no {tier} subnets"))
                .hint(format!("name some under `network.vpc.subnets.{tier}`"));
        }
    }
}
