//! Which availability zones and regions are there?

use serde_json::{Value, json};

use super::describe::Filters;
use crate::sandbox::{call::Call, fault::Fault, world::Context};

#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub name: String,
    pub id: String,
}

/// The letters of the zones that a new account sees, where they aren't a, b and c; a digit in the place of each gives the zone's number.
const LETTERS: [(&str, &str, &str); 6] = [
    ("ap-northeast-1", "acd", "412"),
    ("ap-northeast-2", "abcd", "1234"),
    ("ca-central-1", "abd", "124"),
    ("us-east-1", "abcdef", "124635"),
    ("us-west-1", "ac", "13"),
    ("us-west-2", "abcd", "2134"),
];

const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

pub fn of(region: &str) -> Vec<Zone> {
    let (letters, numbers) = LETTERS
        .iter()
        .find(|(listed, _, _)| *listed == region)
        .map_or(("abc", "123"), |(_, letters, numbers)| (letters, numbers));
    let prefix = zone_id_prefix(region);
    letters
        .chars()
        .zip(numbers.chars())
        .map(|(letter, number)| Zone {
            name: format!("{region}{letter}"),
            id: format!("{prefix}-az{number}"),
        })
        .collect()
}

/// `ap-northeast-1` → `apne1`.
fn zone_id_prefix(region: &str) -> String {
    region
        .split('-')
        .enumerate()
        .map(|(position, part)| match (position, part) {
            (1, "northeast") => "ne",
            (1, "northwest") => "nw",
            (1, "southeast") => "se",
            (1, "southwest") => "sw",
            (1, direction) => direction.get(..1).unwrap_or_default(),
            _ => part,
        })
        .collect()
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let (names, ids) = (parameters.strings("ZoneName"), parameters.strings("ZoneId"));
    let filters = Filters::of(&parameters)?;
    let region = context.region_name;
    let zones = of(region);
    if let Some(unknown) = names
        .iter()
        .find(|name| zones.iter().all(|zone| zone.name != **name))
    {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Invalid availability zone: [{unknown}]"),
        ));
    }
    let mut found = Vec::new();
    for zone in zones {
        let is_named = (names.is_empty() || names.contains(&zone.name.as_str()))
            && (ids.is_empty() || ids.contains(&zone.id.as_str()));
        let is_wanted = filters.matches(|filter| {
            let value = match filter {
                "zone-name" => zone.name.as_str(),
                "zone-id" => zone.id.as_str(),
                "state" | "zone-state" => "available",
                "region-name" | "group-name" => region,
                "opt-in-status" => "opt-in-not-required",
                "zone-type" => "availability-zone",
                _ => return None,
            };
            Some(vec![value.to_owned()])
        })?;
        if is_named && is_wanted {
            found.push(json!({
                "zoneName": zone.name,
                "zoneId": zone.id,
                "zoneState": "available",
                "zoneType": "availability-zone",
                "optInStatus": "opt-in-not-required",
                "regionName": region,
                "groupName": region,
                "networkBorderGroup": region,
                "messageSet": [],
            }));
        }
    }
    Ok(json!({"availabilityZoneInfo": found}))
}

pub fn describe_regions(_context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let names = parameters.strings("RegionName");
    if let Some(unknown) = names.iter().find(|name| !REGIONS.contains(name)) {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Invalid region names: [{unknown}]"),
        ));
    }
    let filters = Filters::of(&parameters)?;
    let mut found = Vec::new();
    for region in REGIONS {
        let endpoint = format!("ec2.{region}.amazonaws.com");
        let is_wanted = filters.matches(|filter| {
            let value = match filter {
                "region-name" => region,
                "endpoint" => &endpoint,
                "opt-in-status" => "opt-in-not-required",
                _ => return None,
            };
            Some(vec![value.to_owned()])
        })?;
        if is_wanted && (names.is_empty() || names.contains(&region)) {
            found.push(json!({
                "regionName": region,
                "regionEndpoint": endpoint,
                "optInStatus": "opt-in-not-required",
            }));
        }
    }
    Ok(json!({"regionInfo": found}))
}

/// The default quotas of a region (aws-behaviour §5).
pub fn describe_account_attributes(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let names = call.parameters().strings("AttributeName");
    let default_vpc = context
        .region
        .ec2
        .default_vpc()
        .map_or("none", |vpc| vpc.id.as_str());
    let attributes = [
        ("supported-platforms", "VPC"),
        ("default-vpc", default_vpc),
        ("vpc-max-security-groups-per-interface", "5"),
        ("max-elastic-ips", "5"),
        ("vpc-max-elastic-ips", "5"),
        ("max-instances", "20"),
    ];
    let found: Value = attributes
        .into_iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .map(|(name, value)| {
            json!({"attributeName": name, "attributeValueSet": [{"attributeValue": value}]})
        })
        .collect();
    Ok(json!({"accountAttributeSet": found}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_names_that_accounts_see() {
        let names = |region| {
            of(region)
                .into_iter()
                .map(|zone| zone.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("ap-northeast-1"),
            ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"]
        );
        assert_eq!(names("us-east-1").len(), 6);
        assert_eq!(
            names("eu-west-1"),
            ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
        );
        assert_eq!(of("ap-northeast-1")[0].id, "apne1-az4");
        assert_eq!(of("eu-central-1")[0].id, "euc1-az1");
    }

    #[test]
    fn odd_region_names_are_no_problem() {
        assert_eq!(of("").len(), 3);
        assert_eq!(of("x--é").len(), 3);
    }
}
