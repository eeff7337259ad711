//! The VPC endpoint, a private way to one of AWS's services: how is it made, awaited, compared, changed and removed?

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, UnsuccessfulItem, VpcEndpointType};
use serde::{Deserialize, Serialize};

use super::route_table::RouteTable;
use super::security_group::SecurityGroup;
use super::security_group_rules::SecurityGroupRules;
use super::subnet::Subnet;
use super::vpc::Vpc;
use crate::aws::{Aws, Settle, classify, send, settle, tags};
use crate::resource::{
    Address, CallError, Change, Context, Effect, ErrorClass, Known, Lookup, Readiness, Ref,
    Resource, StepError, TagMap, Timing,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    /// The VPC. An interface endpoint's names need both of its DNS attributes before they can be made
    /// (aws-behaviour §1 row 2): they are set by the VPC's own step, so `Ref::exists` will do.
    pub vpc: Ref<Vpc>,
    /// `com.amazonaws.REGION.SERVICE`.
    pub service_name: String,
    /// By which way packets get to it.
    pub way: Way,
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// By which way packets get to an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// By addresses in the VPC. The service's own name leads to them, everywhere in the VPC (private DNS):
    /// that is the point of it, and with a group that lets somebody in on 443 only, nobody else has a way left.
    Interface {
        /// At most one in a zone. Their IDs are enough; on `down` the endpoint's interfaces hold them.
        subnets: Vec<Ref<Subnet>>,
        /// Who may come in. Their IDs are enough; on `down` the endpoint's interfaces hold them.
        security_groups: Vec<Ref<SecurityGroup>>,
        /// Carries no value: what those groups let in. The names lead to the endpoint from the moment that it is usable
        /// until it is gone, and whoever is not let in then has lost the service (aws-behaviour §2.19).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        security_group_rules: Vec<Ref<SecurityGroupRules>>,
    },
    /// By a route to the service's addresses, which AWS adds to the tables.
    Gateway {
        /// Their IDs are enough.
        route_tables: Vec<Ref<RouteTable>>,
    },
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcEndpointObserved {
    /// `vpce-…`.
    pub vpc_endpoint_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// `com.amazonaws.REGION.SERVICE`.
    pub service_name: String,
    /// `Interface`, `Gateway`.
    pub vpc_endpoint_type: String,
    /// How far AWS is, in small letters: its answers have those, its model has capitals.
    pub state: String,
    /// Why it failed, in AWS's words.
    pub failure: Option<String>,
    /// Where its interfaces are.
    pub subnets: BTreeSet<String>,
    /// Their groups.
    pub security_groups: BTreeSet<String>,
    /// The tables with its route.
    pub route_tables: BTreeSet<String>,
    /// Whether the service's own name leads to it.
    pub private_dns_enabled: bool,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpointOutputs {
    /// `vpce-…`.
    pub vpc_endpoint_id: String,
}

impl Resource for VpcEndpoint {
    const KIND: &'static str = "vpc_endpoint";
    /// aws-behaviour §2.19; how long an interface endpoint takes is inferred there, a minute each way.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(60),
        gone: Duration::from_secs(60),
        look_every: Duration::from_secs(2),
        ready_within: Duration::from_secs(10 * 60),
        gone_within: Duration::from_secs(20 * 60),
    };
    type Cloud = Aws;
    type Observed = VpcEndpointObserved;
    type Outputs = VpcEndpointOutputs;

    /// A second one for the service would want the same names, or a second route to the same addresses
    /// (aws-behaviour §2.19: "conflicting DNS domain", `RouteAlreadyExists`).
    fn claim(&self) -> Option<String> {
        Some(format!("{} in {}", self.service_name, self.vpc.address()))
    }

    /// Its routes are in the tables from the moment that it is made, and not among those that a table names.
    fn adds_to(&self) -> Vec<Address> {
        match &self.way {
            Way::Interface { .. } => Vec::new(),
            Way::Gateway { route_tables } => route_tables
                .iter()
                .map(|table| table.address().clone())
                .collect(),
        }
    }

    fn diff(&self, seen: &VpcEndpointObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let vpc_id = known.get(&self.vpc, |vpc| vpc.vpc_id);
        change.reference("vpc", &seen.vpc_id, vpc_id.as_ref(), Effect::Replace);
        change.field(
            "service_name",
            &seen.service_name,
            &self.service_name,
            Effect::Replace,
        );
        change.field(
            "vpc_endpoint_type",
            seen.vpc_endpoint_type.as_str(),
            self.way.api().as_str(),
            Effect::Replace,
        );
        let ids = self.way.ids_from(known);
        match &self.way {
            Way::Interface { .. } => {
                let subnets = ids.as_ref().map(|ids| &ids.subnets);
                change.reference("subnets", &seen.subnets, subnets, Effect::InPlace);
                let groups = ids.as_ref().map(|ids| &ids.security_groups);
                change.reference(
                    "security_groups",
                    &seen.security_groups,
                    groups,
                    Effect::InPlace,
                );
                change.field(
                    "private_dns_enabled",
                    &seen.private_dns_enabled,
                    &true,
                    Effect::InPlace,
                );
            }
            Way::Gateway { .. } => {
                let tables = ids.as_ref().map(|ids| &ids.route_tables);
                change.reference("route_tables", &seen.route_tables, tables, Effect::InPlace);
            }
        }
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &VpcEndpointObserved) -> VpcEndpointOutputs {
        VpcEndpointOutputs {
            vpc_endpoint_id: seen.vpc_endpoint_id.clone(),
        }
    }

    fn readiness(&self, seen: &VpcEndpointObserved) -> Readiness {
        match seen.state.as_str() {
            "available" => Readiness::Ready,
            "pending" => Readiness::Pending("VPC endpoint is pending".to_owned()),
            "deleting" => Readiness::Failed(
                "somebody is deleting it; once it is gone, the next run makes it again".to_owned(),
            ),
            state => {
                let why = seen.failure.as_deref().unwrap_or("AWS gives no reason");
                Readiness::Failed(format!(
                    "AWS calls it {state} ({why}); delete it, and the next run makes it again"
                ))
            }
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<VpcEndpointObserved>>, CallError> {
        // A filter instead of `VpcEndpointIds`: one unknown ID would fail the whole call.
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.vpc_endpoint_id.clone());
        let by_id = Filter::builder()
            .name("vpc-endpoint-id")
            .set_values(Some(ids.collect()))
            .build();
        let found: HashMap<_, _> = list(aws, by_id)
            .await?
            .into_iter()
            .map(|endpoint| (endpoint.vpc_endpoint_id.clone(), endpoint))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.vpc_endpoint_id).cloned())
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<VpcEndpointOutputs>, CallError> {
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found
            .iter()
            .find(|endpoint| endpoint.state != "deleting")
            .map(|endpoint| self.outputs(endpoint)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<VpcEndpointOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        let ids = self.way.ids(context)?;
        let private_dns = matches!(self.way, Way::Interface { .. }).then_some(true);
        let answer = settle("ec2:CreateVpcEndpoint", Settle::Fresh, || {
            aws.ec2
                .create_vpc_endpoint()
                .client_token(context.token)
                .vpc_id(&vpc_id)
                .service_name(&self.service_name)
                .vpc_endpoint_type(self.way.api())
                .set_subnet_ids(listed(&ids.subnets))
                .set_security_group_ids(listed(&ids.security_groups))
                .set_route_table_ids(listed(&ids.route_tables))
                .set_private_dns_enabled(private_dns)
                .tag_specifications(tags::specification(
                    ResourceType::VpcEndpoint,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let vpc_endpoint_id = answer
            .vpc_endpoint
            .and_then(|endpoint| endpoint.vpc_endpoint_id)
            .ok_or_else(|| {
                CallError::incomplete(
                    "ec2:CreateVpcEndpoint",
                    "the answer holds no VPC endpoint ID",
                )
            })?;
        Ok(VpcEndpointOutputs { vpc_endpoint_id })
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &VpcEndpointOutputs,
        seen: &VpcEndpointObserved,
        change: &Change,
    ) -> Result<VpcEndpointOutputs, StepError> {
        let aws = context.cloud;
        let id = &outputs.vpc_endpoint_id;
        let is_moved = [
            "subnets",
            "security_groups",
            "route_tables",
            "private_dns_enabled",
        ];
        if is_moved.iter().any(|field| change.touches(field)) {
            let wanted = self.way.ids(context)?;
            let private_dns = change.touches("private_dns_enabled").then_some(true);
            let moves = Moves::between(&Ids::of(seen), &wanted);
            match modify(aws, id, &moves, private_dns).await {
                // One subnet in a zone, and AWS doesn't say whether it counts those that go.
                Err(error) if error.code.as_deref() == Some("DuplicateSubnetsInSameZone") => {
                    let (leaving, coming) = moves.in_two();
                    modify(aws, id, &leaving, None).await?;
                    modify(aws, id, &coming, private_dns).await?;
                }
                answer => answer?,
            }
        }
        if change.touches("tags") {
            tags::retag_ec2(aws, id, &self.tags, &change.dropped_tag_keys(&self.tags)).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &VpcEndpointOutputs,
    ) -> Result<(), StepError> {
        const OPERATION: &str = "ec2:DeleteVpcEndpoints";
        let call = context
            .cloud
            .ec2
            .delete_vpc_endpoints()
            .vpc_endpoint_ids(&outputs.vpc_endpoint_id);
        let answer = match send(OPERATION, call.send()).await {
            Err(error) if error.is_not_found() => return Ok(()),
            answer => answer?,
        };
        // What is refused stands in an answer that is a success (aws-behaviour §2.19).
        let refused = answer.unsuccessful.unwrap_or_default().into_iter().next();
        match refused.map(|item| refusal(OPERATION, item)) {
            Some(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// The IDs of what an endpoint stands on.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ids {
    subnets: BTreeSet<String>,
    security_groups: BTreeSet<String>,
    route_tables: BTreeSet<String>,
}

impl Ids {
    fn of(seen: &VpcEndpointObserved) -> Self {
        Ids {
            subnets: seen.subnets.clone(),
            security_groups: seen.security_groups.clone(),
            route_tables: seen.route_tables.clone(),
        }
    }

    fn without(&self, other: &Self) -> Self {
        let difference = |one: &BTreeSet<String>, two: &BTreeSet<String>| one - two;
        Ids {
            subnets: difference(&self.subnets, &other.subnets),
            security_groups: difference(&self.security_groups, &other.security_groups),
            route_tables: difference(&self.route_tables, &other.route_tables),
        }
    }
}

/// What comes and what goes in one ModifyVpcEndpoint.
#[derive(Clone, Debug, Default, PartialEq)]
struct Moves {
    added: Ids,
    removed: Ids,
}

impl Moves {
    fn between(seen: &Ids, wanted: &Ids) -> Self {
        Moves {
            added: wanted.without(seen),
            removed: seen.without(wanted),
        }
    }

    /// The subnets that go first; then all the rest.
    fn in_two(self) -> (Self, Self) {
        let leaving = Ids {
            subnets: self.removed.subnets,
            ..Ids::default()
        };
        let rest = Ids {
            subnets: BTreeSet::new(),
            ..self.removed
        };
        let leaving = Moves {
            added: Ids::default(),
            removed: leaving,
        };
        let coming = Moves {
            added: self.added,
            removed: rest,
        };
        (leaving, coming)
    }
}

impl Way {
    fn api(&self) -> VpcEndpointType {
        match self {
            Way::Interface { .. } => VpcEndpointType::Interface,
            Way::Gateway { .. } => VpcEndpointType::Gateway,
        }
    }

    /// The IDs as far as a plan knows them; `None` if one is missing.
    fn ids_from(&self, known: &Known) -> Option<Ids> {
        let set = |ids: Vec<String>| ids.into_iter().collect();
        Some(match self {
            Way::Interface {
                subnets,
                security_groups,
                ..
            } => Ids {
                subnets: set(known.all(subnets, |subnet| subnet.subnet_id)?),
                security_groups: set(known.all(security_groups, |group| group.group_id)?),
                ..Ids::default()
            },
            Way::Gateway { route_tables } => Ids {
                route_tables: set(known.all(route_tables, |table| table.route_table_id)?),
                ..Ids::default()
            },
        })
    }

    fn ids(&self, context: &Context<'_, Aws>) -> Result<Ids, CallError> {
        let set = |ids: Vec<String>| ids.into_iter().collect();
        Ok(match self {
            Way::Interface {
                subnets,
                security_groups,
                ..
            } => Ids {
                subnets: set(context.all(subnets, |subnet| subnet.subnet_id)?),
                security_groups: set(context.all(security_groups, |group| group.group_id)?),
                ..Ids::default()
            },
            Way::Gateway { route_tables } => Ids {
                route_tables: set(context.all(route_tables, |table| table.route_table_id)?),
                ..Ids::default()
            },
        })
    }
}

/// A list as a request takes it: an empty one is left out.
fn listed(ids: &BTreeSet<String>) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| ids.iter().cloned().collect())
}

async fn modify(
    aws: &Aws,
    vpc_endpoint_id: &str,
    moves: &Moves,
    private_dns: Option<bool>,
) -> Result<(), CallError> {
    settle("ec2:ModifyVpcEndpoint", Settle::Fresh, || {
        aws.ec2
            .modify_vpc_endpoint()
            .vpc_endpoint_id(vpc_endpoint_id)
            .set_add_subnet_ids(listed(&moves.added.subnets))
            .set_remove_subnet_ids(listed(&moves.removed.subnets))
            .set_add_security_group_ids(listed(&moves.added.security_groups))
            .set_remove_security_group_ids(listed(&moves.removed.security_groups))
            .set_add_route_table_ids(listed(&moves.added.route_tables))
            .set_remove_route_table_ids(listed(&moves.removed.route_tables))
            .set_private_dns_enabled(private_dns)
            .send()
    })
    .await
    .map(|_| ())
}

/// The error that an item of an answer is.
fn refusal(operation: &str, item: UnsuccessfulItem) -> CallError {
    let (code, message) = item
        .error
        .map_or((None, None), |error| (error.code, error.message));
    let message = message.unwrap_or_else(|| "no further explanation".to_owned());
    let class = code.as_deref().map_or(ErrorClass::Other, |code| {
        classify(operation, code, &message)
    });
    CallError {
        code,
        class,
        ..CallError::local(operation, message)
    }
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<VpcEndpointObserved>, CallError> {
    let endpoints = described(aws, filter).await?.into_iter().map(observed);
    // One that is gone may stay listed for a while.
    Ok(endpoints
        .filter(|endpoint| endpoint.state != "deleted")
        .collect())
}

pub(super) async fn described(
    aws: &Aws,
    filter: Filter,
) -> Result<Vec<aws_sdk_ec2::types::VpcEndpoint>, CallError> {
    let pages = aws
        .ec2
        .describe_vpc_endpoints()
        .filters(filter)
        .into_paginator();
    send(
        "ec2:DescribeVpcEndpoints",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await
}

fn observed(endpoint: aws_sdk_ec2::types::VpcEndpoint) -> VpcEndpointObserved {
    let failure = endpoint.failure_reason.or(endpoint
        .last_error
        .and_then(|error| error.message.or(error.code)));
    VpcEndpointObserved {
        vpc_endpoint_id: endpoint.vpc_endpoint_id.unwrap_or_default(),
        vpc_id: endpoint.vpc_id.unwrap_or_default(),
        service_name: endpoint.service_name.unwrap_or_default(),
        vpc_endpoint_type: endpoint
            .vpc_endpoint_type
            .map(|kind| kind.as_str().to_owned())
            .unwrap_or_default(),
        state: endpoint
            .state
            .map(|state| state.as_str().to_ascii_lowercase())
            .unwrap_or_else(|| "pending".to_owned()),
        failure,
        subnets: endpoint.subnet_ids.into_iter().flatten().collect(),
        security_groups: endpoint
            .groups
            .into_iter()
            .flatten()
            .filter_map(|group| group.group_id)
            .collect(),
        route_tables: endpoint.route_table_ids.into_iter().flatten().collect(),
        private_dns_enabled: endpoint.private_dns_enabled == Some(true),
        tags: tags::from_ec2(endpoint.tags),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        IpAddressType, SecurityGroupIdentifier, State, Tag, UnsuccessfulItemError,
    };
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};

    fn interface() -> VpcEndpoint {
        VpcEndpoint {
            vpc: Ref::exists("main"),
            service_name: "com.amazonaws.ap-northeast-1.logs".into(),
            way: Way::Interface {
                subnets: vec![Ref::exists("private-1a"), Ref::exists("private-1c")],
                security_groups: vec![Ref::exists("vpc_endpoints")],
                security_group_rules: vec![Ref::exists("vpc_endpoints")],
            },
            tags: TagMap::from([("Name".into(), "navi-endpoint-logs".into())]),
        }
    }

    fn gateway() -> VpcEndpoint {
        VpcEndpoint {
            service_name: "com.amazonaws.ap-northeast-1.s3".into(),
            way: Way::Gateway {
                route_tables: vec![Ref::exists("private")],
            },
            ..interface()
        }
    }

    /// As AWS answers: states in small letters, and much that nobody asked for.
    fn answered(wanted: &VpcEndpoint, state: &str) -> aws_sdk_ec2::types::VpcEndpoint {
        let common = aws_sdk_ec2::types::VpcEndpoint::builder()
            .vpc_endpoint_id("vpce-1")
            .vpc_endpoint_type(wanted.way.api())
            .vpc_id("vpc-1")
            .service_name(&wanted.service_name)
            .state(State::from(state))
            .policy_document("{}")
            .requester_managed(false)
            .ip_address_type(IpAddressType::Ipv4)
            .owner_id("123456789012")
            .tags(
                Tag::builder()
                    .key("Name")
                    .value("navi-endpoint-logs")
                    .build(),
            )
            .tags(Tag::builder().key("navi:op").value("0123").build());
        match wanted.way {
            Way::Interface { .. } => common
                .subnet_ids("subnet-2")
                .subnet_ids("subnet-1")
                .network_interface_ids("eni-1")
                .groups(
                    SecurityGroupIdentifier::builder()
                        .group_id("sg-1")
                        .group_name("endpoints")
                        .build(),
                )
                .private_dns_enabled(true)
                .build(),
            Way::Gateway { .. } => common.route_table_ids("rtb-1").build(),
        }
    }

    fn seen(wanted: &VpcEndpoint) -> VpcEndpointObserved {
        observed(answered(wanted, "available"))
    }

    fn known() -> Known {
        let mut known = Known::default();
        let mut tell = |address: &str, outputs| known.insert(address.parse().unwrap(), outputs);
        tell("vpc.main", json!({ "vpc_id": "vpc-1" }));
        let zone = "ap-northeast-1a";
        tell(
            "subnet.private-1a",
            json!({ "subnet_id": "subnet-1", "availability_zone": zone }),
        );
        tell(
            "subnet.private-1c",
            json!({ "subnet_id": "subnet-2", "availability_zone": zone }),
        );
        tell(
            "security_group.vpc_endpoints",
            json!({ "group_id": "sg-1", "vpc_id": "vpc-1" }),
        );
        tell(
            "security_group.other",
            json!({ "group_id": "sg-2", "vpc_id": "vpc-1" }),
        );
        tell("route_table.private", json!({ "route_table_id": "rtb-1" }));
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        for wanted in [interface(), gateway()] {
            let change = wanted.diff(&seen(&wanted), Some(&wanted), &known());
            assert!(change.is_empty(), "{change:?}");
        }
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let interface_rows: &[Row<VpcEndpoint>] = &[
            (
                "vpc",
                |endpoint| endpoint.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "service_name",
                |endpoint| endpoint.service_name.push('2'),
                Effect::Replace,
            ),
            (
                "subnets",
                |endpoint| {
                    if let Way::Interface { subnets, .. } = &mut endpoint.way {
                        subnets.pop();
                    }
                },
                Effect::InPlace,
            ),
            (
                "security_groups",
                |endpoint| {
                    if let Way::Interface {
                        security_groups, ..
                    } = &mut endpoint.way
                    {
                        security_groups.push(Ref::exists("other"));
                    }
                },
                Effect::InPlace,
            ),
            (
                "tags.Name",
                |endpoint| endpoint.tags.clear(),
                Effect::InPlace,
            ),
        ];
        let gateway_rows: &[Row<VpcEndpoint>] = &[
            (
                "vpc",
                |endpoint| endpoint.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            (
                "service_name",
                |endpoint| endpoint.service_name.push('2'),
                Effect::Replace,
            ),
            (
                "route_tables",
                |endpoint| {
                    if let Way::Gateway { route_tables } = &mut endpoint.way {
                        route_tables.push(Ref::exists("private-1c"));
                    }
                },
                Effect::InPlace,
            ),
            (
                "tags.team",
                |endpoint| drop(endpoint.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let ordered: &[(&str, Edit<VpcEndpoint>)] = &[("way", |endpoint| {
            if let Way::Interface {
                security_group_rules,
                ..
            } = &mut endpoint.way
            {
                security_group_rules.clear();
            }
        })];
        for (wanted, rows, no_difference) in [
            (interface(), interface_rows, ordered),
            (gateway(), gateway_rows, &[]),
        ] {
            let seen = seen(&wanted);
            let diff = |changed: &VpcEndpoint| changed.diff(&seen, Some(&wanted), &known());
            each_field(&wanted, diff, rows, no_difference);
        }
    }

    #[test]
    fn another_way_takes_another_endpoint() {
        let change = gateway().diff(&seen(&interface()), None, &known());
        assert!(change.touches("vpc_endpoint_type") && change.replaces());
    }

    #[test]
    fn names_that_lead_elsewhere_are_brought_back() {
        let without_names = VpcEndpointObserved {
            private_dns_enabled: false,
            ..seen(&interface())
        };
        let change = interface().diff(&without_names, Some(&interface()), &known());
        assert_eq!(change.fields.len(), 1);
        assert!(change.touches("private_dns_enabled") && !change.replaces());
    }

    #[test]
    fn a_second_one_for_the_same_service_is_excluded_in_its_vpc_only() {
        let mut elsewhere = interface();
        elsewhere.vpc = Ref::exists("main~1");
        assert!(interface().excludes(&interface()));
        assert!(!interface().excludes(&gateway()));
        assert!(!interface().excludes(&elsewhere));
    }

    #[test]
    fn an_endpoint_is_ready_once_available_whatever_the_case() {
        let readiness =
            |state: &str| interface().readiness(&observed(answered(&interface(), state)));
        assert_eq!(readiness("available"), Readiness::Ready);
        assert_eq!(readiness("Available"), Readiness::Ready);
        assert_eq!(
            readiness("pending"),
            Readiness::Pending("VPC endpoint is pending".to_owned())
        );
        for state in ["deleting", "failed", "rejected"] {
            assert!(matches!(readiness(state), Readiness::Failed(_)), "{state}");
        }
        let mut failed = observed(answered(&interface(), "failed"));
        failed.failure = Some("no address is free".into());
        let Readiness::Failed(why) = interface().readiness(&failed) else {
            panic!("it failed");
        };
        assert!(why.contains("failed (no address is free)"), "{why}");
    }

    #[test]
    fn what_comes_and_what_goes_is_told_apart() {
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let seen = Ids {
            subnets: set(&["subnet-1", "subnet-2"]),
            security_groups: set(&["sg-1"]),
            route_tables: set(&[]),
        };
        let wanted = Ids {
            subnets: set(&["subnet-2", "subnet-3"]),
            security_groups: set(&["sg-2"]),
            route_tables: set(&[]),
        };
        let moves = Moves::between(&seen, &wanted);
        assert_eq!(moves.added.subnets, set(&["subnet-3"]));
        assert_eq!(moves.removed.subnets, set(&["subnet-1"]));
        // In two calls the group never falls away before the other is there.
        let (leaving, coming) = moves.in_two();
        assert_eq!(leaving.removed.subnets, set(&["subnet-1"]));
        assert_eq!(leaving.removed.security_groups, set(&[]));
        assert_eq!(coming.added.security_groups, set(&["sg-2"]));
        assert_eq!(coming.removed.security_groups, set(&["sg-1"]));
        assert_eq!(coming.removed.subnets, set(&[]));
    }

    #[test]
    fn a_refusal_in_a_successful_answer_is_an_error_with_its_class() {
        let item = |code: &str| {
            let error = UnsuccessfulItemError::builder()
                .code(code)
                .message("why")
                .build();
            let item = UnsuccessfulItem::builder()
                .resource_id("vpce-1")
                .error(error);
            refusal("ec2:DeleteVpcEndpoints", item.build())
        };
        assert!(item("InvalidVpcEndpoint.NotFound").is_not_found());
        assert!(item("InvalidVpcEndpointId.NotFound").is_not_found());
        let refused = item("OperationInProgress");
        assert!(!refused.is_not_found());
        assert_eq!(
            refused.to_string(),
            "ec2:DeleteVpcEndpoints answered OperationInProgress: why"
        );
    }
}
