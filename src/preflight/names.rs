//! Are the names free that the plan gives? A stranger's object of the same name stops it before
//! anything is made; what carries this stack's tags is its own, left by a run that broke off.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{BoxFuture, join_all};

use super::finding::{Check, Finding};
use super::given_back::GivenBack;
use super::wanted::Wanted;
use crate::aws::namesakes::{self, Namesake};
use crate::aws::{Aws, canonical_name, canonical_target, tags};
use crate::kinds::alias_records::{AliasRecords, AliasRecordsOutputs};
use crate::kinds::cluster::Cluster;
use crate::kinds::discovery_service::DiscoveryService;
use crate::kinds::ecs_service::EcsService;
use crate::kinds::hosted_zone::{self, HostedZone};
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::log_group::{self, LogGroup};
use crate::kinds::namespace::Namespace;
use crate::kinds::role::Role;
use crate::kinds::security_group::SecurityGroup;
use crate::kinds::target_group::TargetGroup;
use crate::resource::{Address, CallError, Cause, Resource};

/// Names of one kind in one place, and who has them.
struct Asked<'a> {
    /// The kind as a person calls it, with its place if it has one.
    what: &'static str,
    /// Who wants which name.
    wanted: BTreeMap<String, Address>,
    /// For records: their zone.
    zone: Option<String>,
    /// The look.
    namesakes: BoxFuture<'a, Result<Vec<Namesake>, CallError>>,
}

pub async fn findings(
    aws: &Aws,
    wanted: Wanted<'_>,
    stack: &str,
    given_back: &[GivenBack],
) -> Vec<Finding> {
    let ours = Ours {
        stack,
        leaving: wanted.leaving(),
        given_back,
    };
    let asked = asked(aws, wanted);
    let number: usize = asked.iter().map(|asked| asked.wanted.len()).sum();
    if number == 0 {
        return Vec::new();
    }
    let looks = asked
        .into_iter()
        .map(async |asked| match asked.namesakes.await {
            Ok(namesakes) => {
                let mut findings = Vec::new();
                for namesake in &namesakes {
                    let Some(address) = asked.wanted.get(&namesake.name) else {
                        continue;
                    };
                    let finding = judge(asked.what, address, namesake, &ours);
                    findings.extend(match (finding, &asked.zone) {
                        (Some(finding), Some(zone_id)) => {
                            let recorded = wanted.is_there(address);
                            let way = way_of_record(aws, zone_id, address, namesake, recorded);
                            Some(finding.hint(way.await))
                        }
                        (finding, _) => finding,
                    });
                }
                findings
            }
            Err(error) => vec![Finding::unanswered(
                Check::Names,
                &format!("whether the name of the {} is free", asked.what),
                &error,
            )],
        });
    let findings = join_all(looks).await.concat();
    match findings.is_empty() {
        true => vec![Finding::ok(
            Check::Names,
            match number {
                1 => "the one name that is given is free".to_owned(),
                _ => format!("{number} names are free"),
            },
        )],
        false => findings,
    }
}

/// Whose a namesake is.
struct Ours<'a> {
    stack: &'a str,
    leaving: BTreeSet<&'a Address>,
    given_back: &'a [GivenBack],
}

impl Ours<'_> {
    /// Whether the object is this stack's at this address, or at one that gives the name away.
    fn holds(&self, address: &Address, namesake: &Namesake) -> bool {
        let tags = &namesake.tags;
        let at = tags.get(tags::ADDRESS);
        !self.gave_back(address, namesake)
            && tags
                .get(tags::STACK)
                .is_some_and(|stack| stack == self.stack)
            && at.is_some_and(|at| {
                *at == address.to_string()
                    || self
                        .leaving
                        .iter()
                        .any(|leaving| *at == leaving.to_string())
            })
    }

    /// Whether the object was the stack's once.
    fn gave_back(&self, address: &Address, namesake: &Namesake) -> bool {
        let mut given_back = self.given_back.iter();
        given_back.any(|given| {
            let mut words = given.known_as.iter();
            given.address.kind() == address.kind()
                && words.any(|word| *word == namesake.id || *word == namesake.name)
        })
    }
}

/// What to say of an object that has a name which `address` wants; nothing if it is ours.
fn judge(what: &str, address: &Address, namesake: &Namesake, ours: &Ours<'_>) -> Option<Finding> {
    if ours.holds(address, namesake) {
        return None;
    }
    let other = namesake.tags.get(tags::STACK);
    let other = other.filter(|stack| *stack != ours.stack);
    let owner = match (
        ours.gave_back(address, namesake) && other.is_none(),
        namesake.tags.get(tags::STACK),
        namesake.tags.get(tags::ADDRESS),
    ) {
        (true, ..) => "`navi state forget` gave it back".to_owned(),
        (_, Some(stack), Some(at)) => format!("it is {at} of the stack `{stack}`"),
        (_, Some(stack), None) => format!("it belongs to the stack `{stack}`"),
        (_, None, _) => "navi did not make it".to_owned(),
    };
    Some(
        Finding::error(
            Check::Names,
            format!(
                "the {what} `{}` is there already ({}); {owner}",
                namesake.name, namesake.id
            ),
        )
        .at(address)
        .cause(Cause::NameTaken)
        .because("only one can have the name, and navi changes nothing that is not the stack's")
        .hint(match other {
            Some(stack) => format!(
                "give yours another name in the stack file; or, if it is meant to be this stack's: `navi state forget` \
                 it where the state of `{stack}` is, then `navi adopt {address} {}`",
                namesake.id
            ),
            None => format!(
                "give yours another name in the stack file; or, if it is meant to be the stack's: `navi adopt \
                 {address} {}`",
                namesake.id
            ),
        }),
    )
}

/// What to do about a record that stands where the stack wants one. An alias may be taken over; where the stack has
/// records in the zone already, or the record is none that it could have, it has to go.
async fn way_of_record(
    aws: &Aws,
    zone_id: &str,
    address: &Address,
    namesake: &Namesake,
    recorded: bool,
) -> String {
    let other = "give yours another host in the stack file";
    match namesakes::standing_record(aws, zone_id, &namesake.name).await {
        Ok(Some(record)) => {
            let first = "`navi up --target 'ecs_service.*'` makes all but the record";
            let then = match record.is_plain_alias && !recorded {
                true => format!(
                    "`navi adopt {address} {}` takes the record over, and `navi up` turns it to the stack's load balancer",
                    namesake.name
                ),
                false => format!(
                    "`{}` is about that one, and `navi up` makes yours",
                    record.way
                ),
            };
            format!("{other}; or, if it is meant to be the stack's: {first}, {then}")
        }
        _ => other.to_owned(),
    }
}

fn asked<'a>(aws: &'a Aws, wanted: Wanted<'a>) -> Vec<Asked<'a>> {
    let mut all = Vec::new();
    let mut ask = |what, names: BTreeMap<String, Address>, namesakes| {
        all.push(Asked {
            what,
            wanted: names,
            zone: None,
            namesakes,
        });
    };
    let groups = made(wanted, |group: &LogGroup| &group.log_group_name);
    let names = keys(&groups);
    ask(
        "log group",
        groups,
        Box::pin(log_groups(aws, names)) as BoxFuture<'a, _>,
    );

    let roles = made(wanted, |role: &Role| &role.role_name);
    let names = keys(&roles);
    ask(
        "role",
        roles,
        Box::pin(async move { namesakes::roles(aws, &names).await }),
    );

    let clusters = made(wanted, |cluster: &Cluster| &cluster.name);
    let names = keys(&clusters);
    ask(
        "cluster",
        clusters,
        Box::pin(async move { namesakes::clusters(aws, &names).await }),
    );

    let balancers = made(wanted, |balancer: &LoadBalancer| &balancer.name);
    let names = keys(&balancers);
    ask(
        "load balancer",
        balancers,
        Box::pin(async move { namesakes::load_balancers(aws, &names).await }),
    );

    let groups = made(wanted, |group: &TargetGroup| &group.name);
    let names = keys(&groups);
    ask(
        "target group",
        groups,
        Box::pin(async move { namesakes::target_groups(aws, &names).await }),
    );

    let zones = made(wanted, |zone: &HostedZone| &zone.name);
    let names = keys(&zones);
    ask(
        "public hosted zone",
        zones,
        Box::pin(async move { zones_named(aws, names).await }),
    );
    all.extend(within_others(aws, wanted));
    all.retain(|asked| !asked.wanted.is_empty());
    all
}

/// Names that are unique only within something else. Where that is still to be made, nobody has them.
fn within_others<'a>(aws: &'a Aws, wanted: Wanted<'a>) -> Vec<Asked<'a>> {
    let mut all = Vec::new();
    let groups = within(wanted, |group: &SecurityGroup| {
        let vpc = wanted.outputs(&group.vpc)?;
        Some((vpc.vpc_id, group.group_name.clone()))
    });
    for (vpc_id, names) in groups {
        let asked = keys(&names);
        all.push(Asked {
            what: "security group",
            wanted: names,
            zone: None,
            namesakes: Box::pin(
                async move { namesakes::security_groups(aws, &vpc_id, &asked).await },
            ),
        });
    }
    let services = within(wanted, |service: &EcsService| {
        let cluster = wanted.outputs(&service.cluster)?;
        Some((cluster.arn, service.name.clone()))
    });
    for (cluster, names) in services {
        let asked = keys(&names);
        all.push(Asked {
            what: "ECS service",
            wanted: names,
            zone: None,
            namesakes: Box::pin(async move { namesakes::services(aws, &cluster, &asked).await }),
        });
    }
    let namespaces = within(wanted, |namespace: &Namespace| {
        let vpc = wanted.outputs(&namespace.vpc)?;
        Some((vpc.vpc_id, canonical_name(&namespace.name)))
    });
    for (vpc_id, names) in namespaces {
        let asked = keys(&names);
        all.push(Asked {
            what: "private hosted zone",
            wanted: names,
            zone: None,
            namesakes: Box::pin(
                async move { namesakes::private_zones(aws, &vpc_id, &asked).await },
            ),
        });
    }
    let services = within(wanted, |service: &DiscoveryService| {
        let namespace = wanted.outputs(&service.namespace)?;
        Some((namespace.namespace_id?, service.name.clone()))
    });
    for (namespace_id, names) in services {
        let asked = keys(&names);
        all.push(Asked {
            what: "Cloud Map service",
            wanted: names,
            zone: None,
            namesakes: Box::pin(async move {
                namesakes::discovery_services(aws, &namespace_id, &asked).await
            }),
        });
    }
    all.extend(records(aws, wanted));
    all
}

/// Records that are to be made in zones that are there. One that leads to the stack's own load
/// balancer is the stack's.
fn records<'a>(aws: &'a Aws, wanted: Wanted<'a>) -> impl Iterator<Item = Asked<'a>> {
    wanted
        .touched::<AliasRecords>()
        .filter_map(move |(step, records)| {
            let zone_id = wanted.outputs(&records.hosted_zone)?.zone_id;
            let recorded: Option<AliasRecordsOutputs> = step
                .outputs
                .clone()
                .and_then(|outputs| serde_json::from_value(outputs).ok());
            let ours = recorded.map(|recorded| recorded.names).unwrap_or_default();
            let names: BTreeMap<String, Address> = records
                .names
                .iter()
                .filter(|name| !ours.contains(name))
                .map(|name| (name.clone(), step.address.clone()))
                .collect();
            let asked = keys(&names);
            let target = wanted
                .outputs(&records.load_balancer)
                .map(|balancer| canonical_target(&balancer.dns_name));
            Some(Asked {
                what: "record for",
                wanted: names,
                zone: Some(zone_id.clone()),
                namesakes: Box::pin(async move {
                    let mut found = namesakes::records(aws, &zone_id, &asked).await?;
                    found.retain(|record| {
                        !target
                            .as_ref()
                            .is_some_and(|target| record.id.ends_with(target.as_str()))
                    });
                    Ok(found)
                }),
            })
        })
}

async fn log_groups(aws: &Aws, names: Vec<String>) -> Result<Vec<Namesake>, CallError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = log_group::listed(aws, &names).await?;
    let groups = found.into_values();
    namesakes::log_groups(aws, groups.map(|group| (group.log_group_name, group.arn))).await
}

async fn zones_named(aws: &Aws, names: Vec<String>) -> Result<Vec<Namesake>, CallError> {
    let mut found = Vec::new();
    for name in names {
        let ids = hosted_zone::ids_of_public_zones(aws, &name).await?;
        found.extend(ids.into_iter().map(|id| (name.clone(), id)));
    }
    namesakes::hosted_zones(aws, found).await
}

/// The names of all resources of one kind that are to be made.
fn made<K: Resource>(
    wanted: Wanted<'_>,
    name: impl Fn(&K) -> &String,
) -> BTreeMap<String, Address> {
    wanted
        .made::<K>()
        .map(|(address, spec)| (name(spec).clone(), address.clone()))
        .collect()
}

/// The same by the place in which a name is unique, as far as that place is there.
fn within<K: Resource>(
    wanted: Wanted<'_>,
    place_and_name: impl Fn(&K) -> Option<(String, String)>,
) -> BTreeMap<String, BTreeMap<String, Address>> {
    let mut places: BTreeMap<String, BTreeMap<String, Address>> = BTreeMap::new();
    for (address, spec) in wanted.made::<K>() {
        if let Some((place, name)) = place_and_name(spec) {
            places
                .entry(place)
                .or_default()
                .insert(name, address.clone());
        }
    }
    places
}

fn keys(names: &BTreeMap<String, Address>) -> Vec<String> {
    names.keys().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::TagMap;

    fn namesake(tags: &[(&str, &str)]) -> Namesake {
        Namesake {
            name: "/ecs/web".to_owned(),
            id: "arn:aws:logs:x".to_owned(),
            tags: tags
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<TagMap>(),
        }
    }

    fn judged(tags: &[(&str, &str)], leaving: &[&Address]) -> Option<String> {
        judged_after(tags, leaving, &[])
    }

    fn judged_after(
        tags: &[(&str, &str)],
        leaving: &[&Address],
        given_back: &[GivenBack],
    ) -> Option<String> {
        let ours = Ours {
            stack: "shop",
            leaving: leaving.iter().copied().collect(),
            given_back,
        };
        let address = Address::new("log_group", "web");
        let finding = judge("log group", &address, &namesake(tags), &ours)?;
        assert_eq!(finding.address, Some(address));
        Some(finding.what)
    }

    #[test]
    fn what_carries_the_stacks_tags_is_no_stranger() {
        let tags = [("navi:stack", "shop"), ("navi:address", "log_group.web")];
        assert_eq!(judged(&tags, &[]), None);
    }

    #[test]
    fn what_was_given_back_is_no_longer_ours_whatever_its_tags_say() {
        let tags = [("navi:stack", "shop"), ("navi:address", "log_group.web")];
        let given_back = |kind| GivenBack {
            address: Address::new(kind, "old"),
            id: "/ecs/web".to_owned(),
            known_as: vec!["/ecs/web".to_owned()],
        };
        assert_eq!(
            judged_after(&tags, &[], &[given_back("log_group")]).unwrap(),
            "the log group `/ecs/web` is there already (arn:aws:logs:x); `navi state forget` gave it back"
        );
        // What another stack has taken over since is that one's.
        let taken = [("navi:stack", "other"), ("navi:address", "log_group.x")];
        let taken = judged_after(&taken, &[], &[given_back("log_group")]).unwrap();
        assert!(
            taken.ends_with("it is log_group.x of the stack `other`"),
            "{taken}"
        );
        // Another kind may have an equal name.
        assert_eq!(judged_after(&tags, &[], &[given_back("role")]), None);
    }

    #[test]
    fn a_name_that_goes_over_from_another_address_is_free_in_time() {
        let tags = [("navi:stack", "shop"), ("navi:address", "log_group.old")];
        let old = Address::new("log_group", "old");
        assert_eq!(judged(&tags, &[&old]), None);
        assert!(judged(&tags, &[]).is_some());
    }

    #[test]
    fn a_stranger_is_named_with_its_owner() {
        let nobody = judged(&[("team", "web")], &[]).unwrap();
        assert_eq!(
            nobody,
            "the log group `/ecs/web` is there already (arn:aws:logs:x); navi did not make it"
        );
        let other = [("navi:stack", "other"), ("navi:address", "log_group.web")];
        let other = judged(&other, &[]).unwrap();
        assert!(
            other.ends_with("it is log_group.web of the stack `other`"),
            "{other}"
        );
    }
}
