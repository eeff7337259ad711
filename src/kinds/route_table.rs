//! The route table, its routes and the subnets that follow it: how is it made, compared, changed and removed?

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;

use aws_sdk_ec2::types::{
    Filter, ResourceType, RouteTableAssociation, RouteTableAssociationStateCode,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

use super::internet_gateway::InternetGateway;
use super::nat_gateway::NatGateway;
use super::routes::{create_route, delete_route, destination_and_target, replace_route};
use super::subnet::Subnet;
use super::vpc::Vpc;
use super::vpc_endpoint::VpcEndpoint;
use crate::aws::{Aws, Settle, send, settle, tags};
use crate::resource::{
    Address, Bridge, CallError, Change, Context, Effect, ErrorClass, Known, Lookup, Ref, Resource,
    StepError, TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// The VPC; its ID is enough (aws-behaviour §1 row 1).
    pub vpc: Ref<Vpc>,
    /// Its routes but the local one, which AWS adds.
    pub routes: Vec<Route>,
    /// The subnets that follow it; their IDs are enough (aws-behaviour §1 row 11).
    pub subnets: Vec<Ref<Subnet>>,
    /// Carries no value: what its subnets reach AWS by, where no route leads out. A table on its way up only needs them
    /// to exist; one that gives up a route for them waits until they are ready, as what serves always does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpc_endpoints: Vec<Ref<VpcEndpoint>>,
    /// Tags, `Name` among them.
    pub tags: TagMap,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where to, as an IPv4 block; at most one route per destination.
    pub destination_cidr_block: String,
    /// By which way.
    pub target: RouteTarget,
}

/// By which way a route leaves the VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTarget {
    /// Must be ready, that is attached (aws-behaviour §1 row 6). On `down` neither waits for the
    /// other (§3 step 4).
    InternetGateway(Ref<InternetGateway>),
    /// Only has to exist: a pending one is accepted (aws-behaviour §1 row 10). On `down` neither
    /// waits for the other: the route of a deleted gateway is a blackhole (§2.6).
    NatGateway(Ref<NatGateway>),
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTableObserved {
    /// `rtb-…`.
    pub route_table_id: String,
    /// `vpc-…`.
    pub vpc_id: String,
    /// Target by destination, of the routes that are the stack's business.
    pub routes: BTreeMap<String, String>,
    /// Association ID by subnet.
    pub associations: BTreeMap<String, String>,
    /// Tags but AWS's own.
    pub tags: TagMap,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTableOutputs {
    /// `rtb-…`.
    pub route_table_id: String,
}

impl Resource for RouteTable {
    const KIND: &'static str = "route_table";
    const CARRIES_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = RouteTableObserved;
    type Outputs = RouteTableOutputs;

    fn serves(&self) -> Vec<Address> {
        let subnets = self.subnets.iter();
        subnets.map(|subnet| subnet.address().clone()).collect()
    }

    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let kept: Vec<Ref<Subnet>> = recorded
            .subnets
            .iter()
            .filter(|old| {
                !self
                    .subnets
                    .iter()
                    .any(|new| new.address() == old.address())
            })
            .cloned()
            .collect();
        (!kept.is_empty()).then(|| Bridge {
            spec: RouteTable {
                subnets: [self.subnets.clone(), kept].concat(),
                ..self.clone()
            },
            fields: &["subnets"],
        })
    }

    fn diff(&self, seen: &RouteTableObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        let vpc_id = known.get(&self.vpc, |vpc| vpc.vpc_id);
        change.reference("vpc", &seen.vpc_id, vpc_id.as_ref(), Effect::Replace);
        let routes = self.known_routes(known);
        change.reference("routes", &seen.routes, routes.as_ref(), Effect::InPlace);
        let seen_subnets: BTreeSet<_> = seen.associations.keys().cloned().collect();
        let subnets: Option<BTreeSet<_>> = known
            .all(&self.subnets, |subnet| subnet.subnet_id)
            .map(|subnet_ids| subnet_ids.into_iter().collect());
        change.reference("subnets", &seen_subnets, subnets.as_ref(), Effect::InPlace);
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &RouteTableObserved) -> RouteTableOutputs {
        RouteTableOutputs {
            route_table_id: seen.route_table_id.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<RouteTableObserved>>, CallError> {
        // A filter instead of `RouteTableIds`: one unknown ID would fail the whole call.
        let ids = lookups
            .iter()
            .map(|lookup| lookup.outputs.route_table_id.clone());
        let found: HashMap<_, _> = list(aws, filter("route-table-id", ids.collect()))
            .await?
            .into_iter()
            .map(|table| (table.route_table_id.clone(), table))
            .collect();
        Ok(lookups
            .iter()
            .map(|lookup| found.get(&lookup.outputs.route_table_id).cloned())
            .collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<RouteTableOutputs>, CallError> {
        let found = list(context.cloud, tags::made_by(context.token)).await?;
        Ok(found.first().map(|table| self.outputs(table)))
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<RouteTableOutputs, StepError> {
        let aws = context.cloud;
        let vpc_id = context.outputs(&self.vpc)?.vpc_id;
        let routes = self.wanted_routes(context)?;
        let subnets = self.wanted_subnets(context)?;
        let answer = settle("ec2:CreateRouteTable", Settle::Fresh, || {
            aws.ec2
                .create_route_table()
                .client_token(context.token)
                .vpc_id(&vpc_id)
                .tag_specifications(tags::specification(
                    ResourceType::RouteTable,
                    &self.tags,
                    context.token,
                ))
                .send()
        })
        .await?;
        let route_table_id = answer
            .route_table
            .and_then(|table| table.route_table_id)
            .ok_or_else(|| {
                CallError::incomplete("ec2:CreateRouteTable", "the answer holds no route table ID")
            })?;
        let outputs = RouteTableOutputs { route_table_id };
        let id = &outputs.route_table_id;
        let routed = all_of(
            routes
                .iter()
                .map(|(destination, target)| create_route(aws, id, destination, target)),
        );
        let associated = all_of(
            subnets
                .iter()
                .map(|subnet_id| associate(aws, id, subnet_id)),
        );
        // Both run to their end even if one fails: a call that is given up may still take effect.
        let (routed, associated) = tokio::join!(routed, associated);
        match routed.and(associated) {
            Ok(()) => Ok(outputs),
            Err(error) => Err(StepError::after(&outputs, error)),
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &RouteTableOutputs,
        seen: &RouteTableObserved,
        change: &Change,
    ) -> Result<RouteTableOutputs, StepError> {
        let aws = context.cloud;
        let routes = self.wanted_routes(context)?;
        let subnets = self.wanted_subnets(context)?;
        let id = &outputs.route_table_id;
        if change.touches("routes") {
            for (destination, target) in &routes {
                match seen.routes.get(destination) {
                    None => create_route(aws, id, destination, target).await?,
                    Some(old) if old != target => {
                        replace_route(aws, id, destination, target).await?;
                    }
                    Some(_) => {}
                }
            }
            for destination in seen.routes.keys() {
                if !routes.contains_key(destination) {
                    delete_route(aws, id, destination).await?;
                }
            }
        }
        if change.touches("subnets") {
            // Not those of the sweep: the bridge, or another table, may have moved some since.
            let tables = list(aws, filter("route-table-id", vec![id.clone()])).await?;
            let current = tables.into_iter().next();
            let current = current.map_or_else(BTreeMap::new, |table| table.associations);
            for subnet_id in &subnets {
                if !current.contains_key(subnet_id) {
                    associate(aws, id, subnet_id).await?;
                }
            }
            for (subnet_id, association_id) in &current {
                if !subnets.contains(subnet_id) {
                    disassociate(aws, association_id).await?;
                }
            }
        }
        if change.touches("tags") {
            tags::retag_ec2(
                aws,
                &outputs.route_table_id,
                &self.tags,
                &change.dropped_tag_keys(&self.tags),
            )
            .await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &RouteTableOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        // Association IDs are not recorded, they change with every replacement (aws-behaviour §2.4).
        let by_id = filter("route-table-id", vec![outputs.route_table_id.clone()]);
        let tables = list(aws, by_id).await?;
        let association_ids = tables.iter().flat_map(|table| table.associations.values());
        all_of(association_ids.map(|association_id| disassociate(aws, association_id))).await?;
        let answer = send(
            "ec2:DeleteRouteTable",
            aws.ec2
                .delete_route_table()
                .route_table_id(&outputs.route_table_id)
                .send(),
        )
        .await;
        match answer {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

impl RouteTable {
    /// The routes with the IDs of their targets, or `None` if a target's is not known.
    fn known_routes(&self, known: &Known) -> Option<BTreeMap<String, String>> {
        self.routes
            .iter()
            .map(|route| {
                let target = match &route.target {
                    RouteTarget::InternetGateway(gateway) => {
                        known.get(gateway, |gateway| gateway.internet_gateway_id)
                    }
                    RouteTarget::NatGateway(gateway) => {
                        known.get(gateway, |gateway| gateway.nat_gateway_id)
                    }
                };
                target.map(|target| (route.destination_cidr_block.clone(), target))
            })
            .collect()
    }

    fn wanted_routes(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<BTreeMap<String, String>, CallError> {
        self.routes
            .iter()
            .map(|route| {
                let target = match &route.target {
                    RouteTarget::InternetGateway(gateway) => {
                        context.outputs(gateway)?.internet_gateway_id
                    }
                    RouteTarget::NatGateway(gateway) => context.outputs(gateway)?.nat_gateway_id,
                };
                Ok((route.destination_cidr_block.clone(), target))
            })
            .collect()
    }

    fn wanted_subnets(&self, context: &Context<'_, Aws>) -> Result<BTreeSet<String>, CallError> {
        let subnet_ids = context.all(&self.subnets, |subnet| subnet.subnet_id)?;
        Ok(subnet_ids.into_iter().collect())
    }
}

async fn associate(aws: &Aws, route_table_id: &str, subnet_id: &str) -> Result<(), CallError> {
    match associate_free(aws, route_table_id, subnet_id).await {
        Err(error) if error.class == ErrorClass::AlreadyExists => {
            take_over(aws, route_table_id, subnet_id).await
        }
        answer => answer,
    }
}

/// For a subnet that follows no other table.
async fn associate_free(aws: &Aws, route_table_id: &str, subnet_id: &str) -> Result<(), CallError> {
    settle("ec2:AssociateRouteTable", Settle::Fresh, || {
        aws.ec2
            .associate_route_table()
            .route_table_id(route_table_id)
            .subnet_id(subnet_id)
            .send()
    })
    .await
    .map(|_| ())
}

/// A subnet follows one table at a time (aws-behaviour §2.4). When it leaves another table for this
/// one, replacing the association moves it without a moment on the VPC's main table. The other may let
/// go of it at any moment, by a step of the same run that removes it; then the subnet is free.
async fn take_over(aws: &Aws, route_table_id: &str, subnet_id: &str) -> Result<(), CallError> {
    let by_subnet = filter("association.subnet-id", vec![subnet_id.to_owned()]);
    let tables = list(aws, by_subnet).await?;
    let current = tables.iter().find_map(|table| {
        let association_id = table.associations.get(subnet_id)?;
        Some((&table.route_table_id, association_id))
    });
    match current {
        Some((current_id, _)) if current_id == route_table_id => Ok(()),
        Some((_, association_id)) => {
            let moved = send(
                "ec2:ReplaceRouteTableAssociation",
                aws.ec2
                    .replace_route_table_association()
                    .association_id(association_id)
                    .route_table_id(route_table_id)
                    .send(),
            )
            .await;
            match moved {
                Err(error) if error.is_not_found() => {
                    associate_free(aws, route_table_id, subnet_id).await
                }
                moved => moved.map(|_| ()),
            }
        }
        None => associate_free(aws, route_table_id, subnet_id).await,
    }
}

async fn disassociate(aws: &Aws, association_id: &str) -> Result<(), CallError> {
    let answer = send(
        "ec2:DisassociateRouteTable",
        aws.ec2
            .disassociate_route_table()
            .association_id(association_id)
            .send(),
    )
    .await;
    match answer {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// All the calls side by side and each to its end; the first error, if any.
async fn all_of(
    calls: impl Iterator<Item = impl Future<Output = Result<(), CallError>>>,
) -> Result<(), CallError> {
    join_all(calls).await.into_iter().collect()
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

async fn list(aws: &Aws, filter: Filter) -> Result<Vec<RouteTableObserved>, CallError> {
    let pages = aws
        .ec2
        .describe_route_tables()
        .filters(filter)
        .into_paginator();
    let tables = send(
        "ec2:DescribeRouteTables",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(tables.into_iter().map(observed).collect())
}

fn observed(table: aws_sdk_ec2::types::RouteTable) -> RouteTableObserved {
    RouteTableObserved {
        route_table_id: table.route_table_id.unwrap_or_default(),
        vpc_id: table.vpc_id.unwrap_or_default(),
        routes: table
            .routes
            .unwrap_or_default()
            .iter()
            .filter_map(destination_and_target)
            .collect(),
        associations: table
            .associations
            .unwrap_or_default()
            .into_iter()
            .filter(is_in_force)
            .filter_map(|association| {
                Some((
                    association.subnet_id?,
                    association.route_table_association_id?,
                ))
            })
            .collect(),
        tags: tags::from_ec2(table.tags),
    }
}

fn is_in_force(association: &RouteTableAssociation) -> bool {
    let state = association
        .association_state
        .as_ref()
        .and_then(|state| state.state.as_ref());
    association.main != Some(true)
        && !matches!(
            state,
            Some(
                RouteTableAssociationStateCode::Disassociating
                    | RouteTableAssociationStateCode::Disassociated
                    | RouteTableAssociationStateCode::Failed
            )
        )
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        RouteOrigin, RouteState, RouteTableAssociationState, Tag, builders::RouteBuilder,
    };
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Edit, Row, each_field};
    use crate::resource::{Readiness, UNKNOWN_UNTIL_APPLIED};

    fn wanted() -> RouteTable {
        RouteTable {
            vpc: Ref::exists("main"),
            routes: vec![Route {
                destination_cidr_block: "0.0.0.0/0".into(),
                target: RouteTarget::NatGateway(Ref::exists("main").unordered_on_delete()),
            }],
            subnets: vec![Ref::exists("private-1a"), Ref::exists("private-1c")],
            vpc_endpoints: Vec::new(),
            tags: TagMap::from([("Name".into(), "navi-private".into())]),
        }
    }

    fn route(destination: &str) -> RouteBuilder {
        aws_sdk_ec2::types::Route::builder()
            .destination_cidr_block(destination)
            .origin(RouteOrigin::CreateRoute)
            .state(RouteState::Active)
    }

    fn local() -> aws_sdk_ec2::types::Route {
        route("10.0.0.0/16")
            .gateway_id("local")
            .origin(RouteOrigin::CreateRouteTable)
            .build()
    }

    fn association(
        subnet_id: &str,
        state: RouteTableAssociationStateCode,
    ) -> RouteTableAssociation {
        RouteTableAssociation::builder()
            .route_table_association_id(format!("rtbassoc-{subnet_id}"))
            .subnet_id(subnet_id)
            .main(false)
            .association_state(RouteTableAssociationState::builder().state(state).build())
            .build()
    }

    fn table(
        routes: Vec<aws_sdk_ec2::types::Route>,
        associations: Vec<RouteTableAssociation>,
    ) -> RouteTableObserved {
        observed(
            aws_sdk_ec2::types::RouteTable::builder()
                .route_table_id("rtb-1")
                .vpc_id("vpc-1")
                .owner_id("123456789012")
                .set_routes(Some(routes))
                .set_associations(Some(associations))
                .tags(Tag::builder().key("Name").value("navi-private").build())
                .tags(Tag::builder().key("navi:op").value("0123").build())
                .build(),
        )
    }

    fn associated() -> Vec<RouteTableAssociation> {
        vec![
            association("subnet-c", RouteTableAssociationStateCode::Associated),
            association("subnet-a", RouteTableAssociationStateCode::Associating),
        ]
    }

    fn seen() -> RouteTableObserved {
        let default = route("0.0.0.0/0").nat_gateway_id("nat-1").build();
        table(vec![local(), default], associated())
    }

    fn known() -> Known {
        let mut known = Known::default();
        let outputs = [
            (
                Ref::<Vpc>::exists("main").address().clone(),
                json!({ "vpc_id": "vpc-1" }),
            ),
            (
                Ref::<NatGateway>::exists("main").address().clone(),
                json!({ "nat_gateway_id": "nat-1" }),
            ),
            (
                Ref::<InternetGateway>::exists("main").address().clone(),
                json!({ "internet_gateway_id": "igw-1" }),
            ),
            (
                Ref::<Subnet>::exists("private-1a").address().clone(),
                json!({ "subnet_id": "subnet-a", "availability_zone": "r-1a" }),
            ),
            (
                Ref::<Subnet>::exists("private-1c").address().clone(),
                json!({ "subnet_id": "subnet-c", "availability_zone": "r-1c" }),
            ),
        ];
        for (address, value) in outputs {
            known.insert(address, value);
        }
        known
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<RouteTable>] = &[
            (
                "vpc",
                |table| table.vpc = Ref::exists("other"),
                Effect::Replace,
            ),
            ("routes", |table| table.routes.clear(), Effect::InPlace),
            (
                "routes",
                |table| {
                    table.routes[0].target = RouteTarget::InternetGateway(Ref::ready("main"));
                },
                Effect::InPlace,
            ),
            (
                "routes",
                |table| table.routes[0].destination_cidr_block = "10.9.0.0/16".into(),
                Effect::InPlace,
            ),
            (
                "subnets",
                |table| drop(table.subnets.pop()),
                Effect::InPlace,
            ),
            (
                "tags.team",
                |table| drop(table.tags.insert("team".into(), "a".into())),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &RouteTable| changed.diff(&seen(), Some(&wanted()), &known());
        let no_difference: &[(&str, Edit<RouteTable>)] = &[("vpc_endpoints", |table| {
            table.vpc_endpoints.push(Ref::exists("s3"));
        })];
        each_field(&wanted(), diff, rows, no_difference);
    }

    #[test]
    fn a_route_that_leads_nowhere_is_a_difference() {
        let blackhole = route("0.0.0.0/0")
            .nat_gateway_id("nat-1")
            .state(RouteState::Blackhole)
            .build();
        let change = wanted().diff(
            &table(vec![local(), blackhole], associated()),
            None,
            &known(),
        );
        assert_eq!(change.fields.len(), 1, "{change:?}");
        assert_eq!(change.fields[0].old, r#"{"0.0.0.0/0":"nat-1 (blackhole)"}"#);
        assert_eq!(change.fields[0].new, r#"{"0.0.0.0/0":"nat-1"}"#);
    }

    #[test]
    fn a_target_that_is_still_to_be_made_is_told_by_applying() {
        let mut known = known();
        known.remove(Ref::<NatGateway>::exists("main").address());
        let change = wanted().diff(&seen(), None, &known);
        assert_eq!(change.fields.len(), 1, "{change:?}");
        assert_eq!(change.fields[0].new, UNKNOWN_UNTIL_APPLIED);
    }

    #[test]
    fn associations_on_their_way_out_and_the_main_one_do_not_count() {
        let leaving = association("subnet-b", RouteTableAssociationStateCode::Disassociated);
        let main = RouteTableAssociation::builder()
            .route_table_association_id("rtbassoc-main")
            .main(true)
            .build();
        let mut associations = associated();
        associations.extend([leaving, main]);
        let table = table(vec![local()], associations);
        let subnets: Vec<_> = table.associations.keys().collect();
        assert_eq!(subnets, ["subnet-a", "subnet-c"]);
    }

    #[test]
    fn a_table_is_usable_at_once() {
        assert_eq!(wanted().readiness(&seen()), Readiness::Ready);
    }
}
