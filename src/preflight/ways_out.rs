//! Do the subnets lead out in which tasks are to start? Looked at where they are somebody else's: what navi makes, leads out.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::finding::{Check, Finding};
use super::wanted::Wanted;
use crate::aws::{Aws, WayOut, WaysOut, ways_out};
use crate::kinds::ecs_service::EcsService;
use crate::resource::{Address, Cause, Resource};

/// A service whose tasks are to start in existing subnets.
struct Guest<'a> {
    address: &'a Address,
    /// Their IDs, by their addresses.
    subnets: BTreeMap<&'a Address, String>,
    has_public_ip: bool,
}

pub async fn findings(aws: &Aws, wanted: Wanted<'_>) -> Vec<Finding> {
    let mut by_vpc: BTreeMap<String, Vec<Guest<'_>>> = BTreeMap::new();
    for (step, service) in wanted.touched::<EcsService>() {
        let vpc = service.vpc.as_ref().and_then(|vpc| wanted.outputs(vpc));
        let subnets: BTreeMap<&Address, String> = service
            .subnets
            .iter()
            .filter(|subnet| wanted.spec(subnet).is_some_and(Resource::is_lookup))
            .filter_map(|subnet| Some((subnet.address(), wanted.outputs(subnet)?.subnet_id)))
            .collect();
        if let (Some(vpc), false) = (vpc, subnets.is_empty()) {
            let guest = Guest {
                address: &step.address,
                subnets,
                has_public_ip: service.assign_public_ip,
            };
            by_vpc.entry(vpc.vpc_id).or_default().push(guest);
        }
    }
    let looks = by_vpc
        .iter()
        .map(async |(vpc_id, guests)| match ways_out(aws, vpc_id).await {
            Ok(ways) => guests.iter().map(|guest| judge(guest, &ways)).collect(),
            Err(error) => {
                let what = format!("whether the subnets of {vpc_id} lead out");
                vec![Finding::unanswered(Check::Network, &what, &error)]
            }
        });
    join_all(looks).await.concat()
}

fn judge(guest: &Guest<'_>, ways: &WaysOut) -> Finding {
    let cut_off = |way: WayOut| match way {
        WayOut::Translated => false,
        WayOut::InternetGateway => !guest.has_public_ip,
        WayOut::Partly | WayOut::Nowhere => true,
    };
    let mut cut: BTreeSet<String> = BTreeSet::new();
    let mut partly = false;
    for (address, subnet) in &guest.subnets {
        let way = ways.of(subnet);
        if cut_off(way) {
            partly |= way == WayOut::Partly;
            cut.insert(format!("{address} ({subnet})"));
        }
    }
    let finding = match (cut.is_empty(), ways.has_registry_endpoint || partly) {
        (true, _) => return Finding::ok(Check::Network, "its subnets lead out").at(guest.address),
        // What leads there may be all that is needed: a registry within reach, a proxy.
        (false, true) => Finding::warning(Check::Network, no_way(&cut)),
        (false, false) => Finding::error(Check::Network, no_way(&cut)),
    };
    finding
        .at(guest.address)
        .cause(Cause::NoWayToRegistry)
        .because(
            "tasks there could pull no image from the internet, and reach none of AWS's services",
        )
        .hint(
            "give the subnets a route to a NAT gateway, or to an internet gateway and the service \
             `subnets: public`; or endpoints for ECR, S3 and logs",
        )
}

fn no_way(cut: &BTreeSet<String>) -> String {
    let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
    format!("no way out of {}", cut.join(", "))
}
