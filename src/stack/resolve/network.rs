//! Which VPC and which subnets?

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::stack::entries::Entries;
use crate::stack::file;
use crate::stack::place::Place;
use crate::stack::problem::Problems;
use crate::stack::resolved::{Nat, Network, Subnet, Tier, Zone};
use crate::stack::scalars;

use super::{endpoints, existing};

pub(super) const DEFAULT_CIDR: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 16);

/// What EC2 takes for a VPC and for a subnet.
const PREFIX_LENGTHS: std::ops::RangeInclusive<u8> = 16..=28;

/// A load balancer needs at least a /27 in each of its subnets (aws-behaviour §1 row 14).
pub(super) const LOAD_BALANCER_PREFIX: u8 = 27;

pub(super) fn resolve(
    network: Option<&file::Network>,
    place: &Place,
    region: Option<&str>,
    problems: &mut Problems,
) -> Network {
    let fallback = file::Network::default();
    let network = network.unwrap_or(&fallback);
    if let Some(existing) = &network.vpc {
        return existing::resolve(existing, place, problems);
    }
    let errors = problems.error_count();
    let cidr = match network.cidr.as_deref() {
        Some(text) => sized_range(text, &place.at("cidr"), "VPC", problems),
        None => (!place.at("cidr").is_given()).then_some(DEFAULT_CIDR),
    };
    let nat = match network.nat {
        Some(file::Nat::Single) => Nat::Single,
        Some(file::Nat::PerZone) => Nat::PerZone,
        Some(file::Nat::None) | None => Nat::None,
    };
    let endpoints =
        endpoints::resolve(network.endpoints.as_ref(), &place.at("endpoints"), problems);
    let has_private = nat != Nat::None || !endpoints.is_empty();
    let public_ip = network.public_ip_on_launch.unwrap_or(true);
    let subnets_place = place.at("subnets");
    let subnets = match &network.subnets {
        Some(subnets) => given_subnets(subnets, &subnets_place, region, public_ip, problems),
        None if subnets_place.is_given() => Vec::new(),
        None => derived_subnets(cidr, has_private, public_ip, place, problems),
    };
    check_ranges(cidr, &subnets, &subnets_place, problems);
    // A subnet that is left out for its faults may be the one the NAT gateway needs.
    if problems.error_count() == errors {
        check_nat(nat, &subnets, place, problems);
    }
    check_dns(network, place, problems);
    Network {
        cidr: cidr.unwrap_or(DEFAULT_CIDR),
        dns_support: network.dns_support.unwrap_or(true),
        dns_hostnames: network.dns_hostnames.unwrap_or(true),
        nat,
        endpoints,
        subnets,
        existing: None,
    }
}

fn sized_range(text: &str, place: &Place, what: &str, problems: &mut Problems) -> Option<Ipv4Net> {
    let range = scalars::address_range(text, place, problems)?;
    if !PREFIX_LENGTHS.contains(&range.prefix_len()) {
        problems
            .error(
                place,
                format!("a {what} cannot be a /{}", range.prefix_len()),
            )
            .label("wrong size")
            .hint("AWS takes /16 (the largest) to /28 (the smallest)");
        return None;
    }
    Some(range)
}

/// Public subnets from the start of the VPC, private ones from its middle, so that both can grow.
fn derived_subnets(
    cidr: Option<Ipv4Net>,
    has_private: bool,
    public_ip: bool,
    place: &Place,
    problems: &mut Problems,
) -> Vec<Subnet> {
    let Some(cidr) = cidr else { return Vec::new() };
    let prefix = (cidr.prefix_len() + 4)
        .min(LOAD_BALANCER_PREFIX)
        .max(cidr.prefix_len() + 2);
    let Some(blocks) = cidr
        .subnets(prefix)
        .ok()
        .filter(|_| prefix <= *PREFIX_LENGTHS.end())
    else {
        problems
            .error(
                &place.at("cidr"),
                format!("{cidr} is too small to be divided into subnets"),
            )
            .hint("take at least a /26, or name the subnets under `network.subnets`");
        return Vec::new();
    };
    let blocks: Vec<Ipv4Net> = blocks.collect();
    let half = blocks.len() / 2;
    let tiers: &[(Tier, usize)] = match has_private {
        false => &[(Tier::Public, 0)],
        true => &[(Tier::Public, 0), (Tier::Private, half)],
    };
    let zones = [1, 2];
    tiers
        .iter()
        .flat_map(|(tier, first)| {
            blocks[*first..]
                .iter()
                .zip(zones)
                .map(move |(block, zone)| (*tier, *block, zone))
        })
        .map(|(tier, cidr, zone)| subnet(tier, Zone::Ordinal(zone), cidr, public_ip))
        .collect()
}

fn subnet(tier: Tier, zone: Zone, cidr: Ipv4Net, public_ip: bool) -> Subnet {
    Subnet {
        tier,
        zone,
        cidr,
        public_ip_on_launch: public_ip && tier == Tier::Public,
    }
}

fn given_subnets(
    subnets: &file::Subnets,
    place: &Place,
    region: Option<&str>,
    public_ip: bool,
    problems: &mut Problems,
) -> Vec<Subnet> {
    let mut resolved: Vec<Subnet> = Vec::new();
    for (tier, entries) in [
        (Tier::Public, &subnets.public),
        (Tier::Private, &subnets.private),
    ] {
        let place = place.at(tier.as_str());
        for (key, text) in entries.iter().flat_map(|Entries(entries)| entries) {
            let zone = zone(key, region, &place, problems);
            let cidr = sized_range(text, &place.at(key), "subnet", problems);
            let (Some(zone), Some(cidr)) = (zone, cidr) else {
                continue;
            };
            if resolved
                .iter()
                .any(|other| other.tier == tier && other.zone == zone)
            {
                problems
                    .error(place.key_of(key), format!("the zone {} has two {} subnets", zone.label(), tier.as_str()))
                    .hint("a load balancer takes one subnet in a zone; remove one, or move it to another zone");
                continue;
            }
            resolved.push(subnet(tier, zone, cidr, public_ip));
        }
    }
    check_zone_kinds(&resolved, place, problems);
    resolved
}

/// A zone by its number may turn out to be one that is also named.
fn check_zone_kinds(subnets: &[Subnet], place: &Place, problems: &mut Problems) {
    let ordinals = subnets
        .iter()
        .filter(|subnet| matches!(subnet.zone, Zone::Ordinal(_)))
        .count();
    if ordinals != 0 && ordinals != subnets.len() {
        problems
            .error(place, "some subnets name their zone and others number it")
            .hint("write all zones as `1a`, or all as `zone-1`: both could be the same zone");
    }
}

fn zone(key: &str, region: Option<&str>, place: &Place, problems: &mut Problems) -> Option<Zone> {
    if let Some(ordinal) = key
        .strip_prefix("zone-")
        .and_then(|ordinal| ordinal.parse::<u8>().ok())
        && (1..=6).contains(&ordinal)
    {
        return Some(Zone::Ordinal(ordinal));
    }
    let (prefix, suffix) = key
        .rfind('-')
        .map_or(("", key), |hyphen| key.split_at(hyphen + 1));
    let digits = suffix.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let is_suffix = digits.parse::<u8>().is_ok() && suffix.len() == digits.len() + 1;
    if !is_suffix {
        problems
            .error(place.key_of(key), format!("`{key}` is not an availability zone"))
            .label("not a zone")
            .hint("write `1a` or `ap-northeast-1a`, or `zone-1` for the region's first available zone");
        return None;
    }
    let belongs = region.is_none_or(|region| {
        region.ends_with(&format!("-{digits}"))
            && (prefix.is_empty() || region == format!("{prefix}{digits}"))
    });
    if let Some(region) = region.filter(|_| !belongs) {
        problems
            .error(
                place.key_of(key),
                format!("the zone `{key}` is not in the region {region}"),
            )
            .label("another region's zone")
            .hint(format!(
                "the zones of {region} are `{region}a`, `{region}b` and so on"
            ));
        return None;
    }
    Some(Zone::Suffix(suffix.to_owned()))
}

fn check_ranges(cidr: Option<Ipv4Net>, subnets: &[Subnet], place: &Place, problems: &mut Problems) {
    for (index, subnet) in subnets.iter().enumerate() {
        let here = place_of(subnet, place);
        if let Some(cidr) = cidr.filter(|cidr| !cidr.contains(&subnet.cidr)) {
            problems
                .error(
                    &here,
                    format!("{} does not lie within the VPC's {cidr}", subnet.cidr),
                )
                .label("outside the VPC")
                .hint(format!(
                    "the VPC goes from {} to {}",
                    cidr.network(),
                    cidr.broadcast()
                ));
        }
        let overlapping = subnets[..index]
            .iter()
            .find(|other| other.cidr.contains(&subnet.cidr) || subnet.cidr.contains(&other.cidr));
        if let Some(other) = overlapping {
            problems
                .error(
                    &here,
                    format!(
                        "{} overlaps {}, the {} subnet of {}",
                        subnet.cidr,
                        other.cidr,
                        other.tier.as_str(),
                        other.zone.label()
                    ),
                )
                .label("overlaps")
                .also(place_of(other, place).span(), "with this one");
        }
    }
}

/// Where a subnet's range stands. The key may be the zone's full name.
pub(super) fn place_of<'tree>(subnet: &Subnet, subnets: &Place<'tree>) -> Place<'tree> {
    let tier = subnets.at(subnet.tier.as_str());
    let label = subnet.zone.label();
    let key = tier
        .keys()
        .into_iter()
        .find(|key| *key == label || key.ends_with(&format!("-{label}")));
    tier.at(key.unwrap_or(&label))
}

fn check_nat(nat: Nat, subnets: &[Subnet], place: &Place, problems: &mut Problems) {
    let zones = |tier: Tier| -> BTreeSet<&Zone> {
        subnets
            .iter()
            .filter(|subnet| subnet.tier == tier)
            .map(|subnet| &subnet.zone)
            .collect()
    };
    let (public, private) = (zones(Tier::Public), zones(Tier::Private));
    if nat == Nat::None || subnets.is_empty() {
        return;
    }
    if private.is_empty() {
        problems
            .warning(
                &place.at("nat"),
                "a NAT gateway is paid for, but there is no private subnet to use it",
            )
            .hint("add private subnets, or set `nat: none`");
    } else if public.is_empty() {
        problems
            .error(
                &place.at("nat"),
                "a NAT gateway stands in a public subnet, and there is none",
            )
            .hint("add one under `network.subnets.public`");
    } else if nat == Nat::PerZone
        && let Some(zone) = private.difference(&public).next()
    {
        problems
            .error(
                &place.at("nat"),
                format!(
                    "the zone {} has a private subnet, but no public one for its NAT gateway",
                    zone.label()
                ),
            )
            .hint("add a public subnet in that zone, or set `nat: single`");
    }
}

fn check_dns(network: &file::Network, place: &Place, problems: &mut Problems) {
    // AWS refuses host names without the resolver (aws-behaviour §1 row 3).
    if network.dns_support == Some(false) && network.dns_hostnames != Some(false) {
        problems
            .error(
                &place.at("dns_support"),
                "a VPC cannot have DNS host names without DNS support",
            )
            .hint("set `dns_hostnames: false` too, or leave both on");
    }
}
