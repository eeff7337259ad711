//! In which of AWS's own hosted zones are a region's load balancers? Published with the service's endpoints.

const ZONES: [(&str, &str); 18] = [
    ("us-east-1", "Z35SXDOTRQ7X7K"),
    ("us-east-2", "Z3AADJGX6KTTL2"),
    ("us-west-1", "Z368ELLRRE2KJ0"),
    ("us-west-2", "Z1H1FL5HABSF5"),
    ("ca-central-1", "ZQSVJUPU6J1EY"),
    ("sa-east-1", "Z2P70J7HTTTPLU"),
    ("eu-west-1", "Z32O12XQLNTSW2"),
    ("eu-west-2", "ZHURV8PSTC4K8"),
    ("eu-west-3", "Z3Q77PNBQS71R4"),
    ("eu-central-1", "Z215JYRZR1TBD5"),
    ("eu-north-1", "Z23TAZ6LKFMNIO"),
    ("eu-south-1", "Z3ULH7SSC9OV64"),
    ("ap-northeast-1", "Z14GRHDCWA56QT"),
    ("ap-northeast-2", "ZWKZPGTI48KDX"),
    ("ap-northeast-3", "Z5LXEXXYW11ES"),
    ("ap-southeast-1", "Z1LMS91P8CMLE5"),
    ("ap-southeast-2", "Z1GM3OXH4ZPM65"),
    ("ap-south-1", "ZP97RAFLXTNZK"),
];

/// What the zone of a region without an entry is called: its own name keeps regions apart.
const UNLISTED: &str = "ZSANDBOX";

pub fn hosted_zone_id(region: &str) -> String {
    ZONES.iter().find(|(name, _)| *name == region).map_or_else(
        || format!("{UNLISTED}{}", region.replace('-', "").to_uppercase()),
        |(_, zone)| (*zone).to_owned(),
    )
}

/// The domain below which the names of the load balancers of that zone are; none for a zone that is not of load balancers.
pub fn domain_of_zone(zone_id: &str) -> Option<String> {
    match ZONES.iter().find(|(_, zone)| *zone == zone_id) {
        Some((region, _)) => Some(format!("{region}.elb.amazonaws.com")),
        None => zone_id
            .starts_with(UNLISTED)
            .then(|| "elb.amazonaws.com".to_owned()),
    }
}
