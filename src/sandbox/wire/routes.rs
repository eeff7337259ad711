//! Which verb and path is which Route 53 operation? From the API model's `http` traits.

/// Verb, path below the API version, operation.
const ROUTES: [(&str, &str, &str); 18] = [
    ("POST", "hostedzone", "CreateHostedZone"),
    ("GET", "hostedzone", "ListHostedZones"),
    ("GET", "hostedzone/{Id}", "GetHostedZone"),
    ("POST", "hostedzone/{Id}", "UpdateHostedZoneComment"),
    ("DELETE", "hostedzone/{Id}", "DeleteHostedZone"),
    ("GET", "hostedzonecount", "GetHostedZoneCount"),
    ("GET", "hostedzonesbyname", "ListHostedZonesByName"),
    ("GET", "hostedzonesbyvpc", "ListHostedZonesByVPC"),
    ("POST", "hostedzone/{Id}/rrset", "ChangeResourceRecordSets"),
    ("GET", "hostedzone/{Id}/rrset", "ListResourceRecordSets"),
    (
        "POST",
        "hostedzone/{Id}/associatevpc",
        "AssociateVPCWithHostedZone",
    ),
    (
        "POST",
        "hostedzone/{Id}/disassociatevpc",
        "DisassociateVPCFromHostedZone",
    ),
    ("GET", "hostedzone/{Id}/dnssec", "GetDNSSEC"),
    ("GET", "hostedzonelimit/{Id}/{Type}", "GetHostedZoneLimit"),
    ("GET", "change/{Id}", "GetChange"),
    (
        "POST",
        "tags/{ResourceType}/{ResourceId}",
        "ChangeTagsForResource",
    ),
    (
        "GET",
        "tags/{ResourceType}/{ResourceId}",
        "ListTagsForResource",
    ),
    ("POST", "tags/{ResourceType}", "ListTagsForResources"),
];

/// The operation and what the path says, still percent-encoded.
pub fn find<'a>(
    method: &str,
    path: &'a str,
) -> Option<(&'static str, Vec<(&'static str, &'a str)>)> {
    let path = path.trim_matches('/').strip_prefix("2013-04-01/")?;
    ROUTES
        .into_iter()
        .filter(|(verb, _, _)| *verb == method)
        .find_map(|(_, template, operation)| Some((operation, labels(template, path)?)))
}

/// Creates answer 201 and carry a `Location` header.
pub fn answers_created(operation: &str) -> bool {
    operation == "CreateHostedZone"
}

fn labels<'a>(template: &'static str, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let (expected, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    if expected.len() != given.len() {
        return None;
    }
    let mut labels = Vec::new();
    for (expected, given) in expected.into_iter().zip(given) {
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => labels.push((name, given)),
            None if expected == given => {}
            None => return None,
        }
    }
    Some(labels)
}
