//! How are VPC, subnets, gateways, addresses, route tables, endpoints and security groups found? EC2 filters by tag.

use aws_sdk_ec2::types::Filter;

use super::{last, of_stack, only};
use crate::aws::{Aws, send, tags};
use crate::kinds::elastic_ip::{ElasticIp, ElasticIpOutputs};
use crate::kinds::internet_gateway::{InternetGateway, InternetGatewayOutputs};
use crate::kinds::nat_gateway::{NatGateway, NatGatewayOutputs};
use crate::kinds::route_table::{RouteTable, RouteTableOutputs};
use crate::kinds::security_group::{SecurityGroup, SecurityGroupOutputs};
use crate::kinds::security_group_rules::{PeerRule, SecurityGroupRules, SecurityGroupRulesOutputs};
use crate::kinds::subnet::{AvailabilityZone, Subnet, SubnetOutputs};
use crate::kinds::vpc::{Vpc, VpcOutputs};
use crate::kinds::vpc_endpoint::{self, VpcEndpoint, VpcEndpointOutputs, Way};
use crate::resource::{CallError, Context, Findable, Found, Remains, Resource, Search};

/// By ID, by an ARN that ends in it, or by the `Name` that the console shows.
fn called(filter: &str, prefix: &str, id: &str) -> Filter {
    let name = match last(id).starts_with(prefix) {
        true => filter,
        false => "tag:Name",
    };
    Filter::builder()
        .name(name)
        .values(if name == filter { last(id) } else { id })
        .build()
}

impl Findable for Vpc {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        vpcs(aws, tags::of_stack(search.stack)).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        only(vpcs(context.cloud, called("vpc-id", "vpc-", id)).await?, id)
    }

    async fn untag(aws: &Aws, outputs: &VpcOutputs, keys: &[String]) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.vpc_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, _remains: &Remains) -> Self {
        Vpc {
            lookup: None,
            cidr_block: String::new(),
            enable_dns_support: true,
            enable_dns_hostnames: true,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn vpcs(aws: &Aws, filter: Filter) -> Result<Vec<Found<Vpc>>, CallError> {
    let pages = aws.ec2.describe_vpcs().filters(filter).into_paginator();
    let vpcs = send(
        "ec2:DescribeVpcs",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(vpcs
        .into_iter()
        .filter_map(|vpc| {
            let outputs = VpcOutputs {
                vpc_id: vpc.vpc_id?,
            };
            Some(Found::new(outputs, tags::all_ec2(vpc.tags)))
        })
        .collect())
}

impl Findable for Subnet {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        subnets(aws, tags::of_stack(search.stack)).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("subnet-id", "subnet-", id);
        only(subnets(context.cloud, filter).await?, id)
    }

    async fn untag(aws: &Aws, outputs: &SubnetOutputs, keys: &[String]) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.subnet_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        Subnet {
            lookup: None,
            vpc: remains.held_by(found.within.as_deref()),
            cidr_block: String::new(),
            availability_zone: AvailabilityZone::Name(found.outputs.availability_zone.clone()),
            map_public_ip_on_launch: false,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn subnets(aws: &Aws, filter: Filter) -> Result<Vec<Found<Subnet>>, CallError> {
    let pages = aws.ec2.describe_subnets().filters(filter).into_paginator();
    let subnets = send(
        "ec2:DescribeSubnets",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(subnets
        .into_iter()
        .filter_map(|subnet| {
            let outputs = SubnetOutputs {
                subnet_id: subnet.subnet_id?,
                availability_zone: subnet.availability_zone?,
            };
            let found = Found::new(outputs, tags::all_ec2(subnet.tags));
            Some(found.within(subnet.vpc_id?))
        })
        .collect())
}

impl Findable for InternetGateway {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        internet_gateways(aws, tags::of_stack(search.stack)).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("internet-gateway-id", "igw-", id);
        only(internet_gateways(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &InternetGatewayOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.internet_gateway_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        InternetGateway {
            vpc: remains.held_by(found.within.as_deref()),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn internet_gateways(
    aws: &Aws,
    filter: Filter,
) -> Result<Vec<Found<InternetGateway>>, CallError> {
    let call = aws.ec2.describe_internet_gateways().filters(filter);
    let pages = call.into_paginator();
    let gateways = send(
        "ec2:DescribeInternetGateways",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(gateways
        .into_iter()
        .filter_map(|gateway| {
            let within = gateway
                .attachments()
                .first()
                .and_then(|attachment| attachment.vpc_id.clone());
            let outputs = InternetGatewayOutputs {
                internet_gateway_id: gateway.internet_gateway_id?,
            };
            let mut found = Found::new(outputs, tags::all_ec2(gateway.tags));
            found.within = within;
            Some(found)
        })
        .collect())
}

impl Findable for ElasticIp {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        elastic_ips(aws, tags::of_stack(search.stack)).await
    }

    /// By allocation ID, by the address itself, or by `Name`.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = match id.parse::<std::net::Ipv4Addr>() {
            Ok(_) => Filter::builder().name("public-ip").values(id).build(),
            Err(_) => called("allocation-id", "eipalloc-", id),
        };
        only(elastic_ips(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &ElasticIpOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.allocation_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, _remains: &Remains) -> Self {
        ElasticIp {
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn elastic_ips(aws: &Aws, filter: Filter) -> Result<Vec<Found<ElasticIp>>, CallError> {
    let call = aws.ec2.describe_addresses().filters(filter);
    let answer = send("ec2:DescribeAddresses", call.send()).await?;
    Ok(answer
        .addresses
        .unwrap_or_default()
        .into_iter()
        .filter_map(|address| {
            let outputs = ElasticIpOutputs {
                allocation_id: address.allocation_id?,
                public_ip: address.public_ip.unwrap_or_default(),
            };
            Some(Found::new(outputs, tags::all_ec2(address.tags)))
        })
        .collect())
}

impl Findable for NatGateway {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let found = nat_gateways(aws, tags::of_stack(search.stack)).await?;
        // Stand-ins for AWS are known to ignore the tag filter of this one operation.
        Ok(of_stack(found, search.stack))
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("nat-gateway-id", "nat-", id);
        only(nat_gateways(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &NatGatewayOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.nat_gateway_id, keys).await
    }

    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        let address = found.mentions.first().map(|(_, id)| id.as_str());
        NatGateway {
            subnet: remains.held_by(found.within.as_deref()),
            elastic_ip: remains
                .holder(address)
                .or_else(|| remains.one(name))
                .unwrap_or_else(|| remains.held_by(None)),
            internet_gateway: remains.held_by(None),
            route_tables: remains.all(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

/// The gateways that live: a failed or deleted one stays listed for an hour (aws-behaviour §2.6).
async fn nat_gateways(aws: &Aws, filter: Filter) -> Result<Vec<Found<NatGateway>>, CallError> {
    let alive = Filter::builder()
        .name("state")
        .values("pending")
        .values("available")
        .values("deleting")
        .build();
    let call = aws.ec2.describe_nat_gateways();
    let pages = call.filter(filter).filter(alive).into_paginator();
    let gateways = send(
        "ec2:DescribeNatGateways",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(gateways
        .into_iter()
        .filter_map(|gateway| {
            let addresses = gateway.nat_gateway_addresses.unwrap_or_default();
            let address = addresses
                .into_iter()
                .find_map(|address| address.allocation_id);
            let outputs = NatGatewayOutputs {
                nat_gateway_id: gateway.nat_gateway_id?,
            };
            let found = Found::new(outputs, tags::all_ec2(gateway.tags));
            let mut found = found.within(gateway.subnet_id?);
            found.mentions = address.map(|id| ("elastic_ip", id)).into_iter().collect();
            Some(found)
        })
        .collect())
}

impl Findable for RouteTable {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        route_tables(aws, tags::of_stack(search.stack)).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("route-table-id", "rtb-", id);
        only(route_tables(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &RouteTableOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.route_table_id, keys).await
    }

    /// Its routes hold nothing up (aws-behaviour §2.6); the subnets that follow it go after it.
    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        RouteTable {
            vpc: remains.held_by(found.within.as_deref()),
            routes: Vec::new(),
            subnets: remains.all(),
            vpc_endpoints: Vec::new(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn route_tables(aws: &Aws, filter: Filter) -> Result<Vec<Found<RouteTable>>, CallError> {
    let call = aws.ec2.describe_route_tables().filters(filter);
    let pages = call.into_paginator();
    let tables = send(
        "ec2:DescribeRouteTables",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(tables
        .into_iter()
        .filter_map(|table| {
            let outputs = RouteTableOutputs {
                route_table_id: table.route_table_id?,
            };
            let found = Found::new(outputs, tags::all_ec2(table.tags));
            Some(found.within(table.vpc_id?))
        })
        .collect())
}

impl Findable for VpcEndpoint {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        vpc_endpoints(aws, tags::of_stack(search.stack)).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("vpc-endpoint-id", "vpce-", id);
        only(vpc_endpoints(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &VpcEndpointOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.vpc_endpoint_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        let mut speaks_of = found.mentions.iter().map(|(kind, _)| *kind);
        VpcEndpoint {
            vpc: remains.held_by(found.within.as_deref()),
            service_name: String::new(),
            way: match speaks_of.any(|kind| kind == RouteTable::KIND) {
                true => Way::Gateway {
                    route_tables: remains.all(),
                },
                false => Way::Interface {
                    subnets: remains.all(),
                    security_groups: remains.all(),
                    security_group_rules: remains.all(),
                },
            },
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn vpc_endpoints(aws: &Aws, filter: Filter) -> Result<Vec<Found<VpcEndpoint>>, CallError> {
    let endpoints = vpc_endpoint::described(aws, filter).await?.into_iter();
    Ok(endpoints
        .filter_map(|endpoint| {
            let state = endpoint.state.as_ref()?.as_str().to_ascii_lowercase();
            // One that is going, or gone, keeps its tags for a while.
            if state.starts_with("delet") {
                return None;
            }
            let outputs = VpcEndpointOutputs {
                vpc_endpoint_id: endpoint.vpc_endpoint_id?,
            };
            let tables = endpoint.route_table_ids.into_iter().flatten();
            let mentions = tables.map(|table| (RouteTable::KIND, table)).collect();
            Some(Found {
                mentions,
                ..Found::new(outputs, tags::all_ec2(endpoint.tags)).within(endpoint.vpc_id?)
            })
        })
        .collect())
}

impl Findable for SecurityGroup {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        security_groups(aws, tags::of_stack(search.stack)).await
    }

    /// By ID, or by its name in whatever VPC.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = match last(id).starts_with("sg-") {
            true => called("group-id", "sg-", id),
            false => Filter::builder().name("group-name").values(id).build(),
        };
        only(security_groups(context.cloud, filter).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &SecurityGroupOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ec2(aws, &outputs.group_id, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        SecurityGroup {
            vpc: remains.held_by(found.within.as_deref()),
            group_name: String::new(),
            description: String::new(),
            ingress: Vec::new(),
            egress: Vec::new(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn security_groups(
    aws: &Aws,
    filter: Filter,
) -> Result<Vec<Found<SecurityGroup>>, CallError> {
    let call = aws.ec2.describe_security_groups().filters(filter);
    let pages = call.into_paginator();
    let groups = send(
        "ec2:DescribeSecurityGroups",
        pages.items().send().collect::<Result<Vec<_>, _>>(),
    )
    .await?;
    Ok(groups
        .into_iter()
        .filter_map(|group| {
            let vpc_id = group.vpc_id?;
            let outputs = SecurityGroupOutputs {
                group_id: group.group_id?,
                vpc_id: vpc_id.clone(),
            };
            Some(Found::new(outputs, tags::all_ec2(group.tags)).within(vpc_id))
        })
        .collect())
}

impl Findable for SecurityGroupRules {
    /// Rules could be tagged one by one, and navi has no need to: the group is.
    async fn tagged(_aws: &Aws, _search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(Vec::new())
    }

    async fn attached(
        aws: &Aws,
        _search: &Search<'_, Self>,
        remains: &Remains,
    ) -> Result<Vec<Found<Self>>, CallError> {
        let owners = remains.outputs::<SecurityGroup>();
        let vpc_ids = owners.iter().map(|(_, group)| &*group.vpc_id);
        let groups = crate::kinds::security_group::groups_of_vpcs(aws, vpc_ids).await?;
        Ok(owners
            .iter()
            .filter(|(_, owner)| {
                let group = groups.get(&owner.group_id);
                group.is_some_and(|group| !group.peer_ingress.is_empty())
            })
            .map(|(name, owner)| rules_of(owner).named(name))
            .collect())
    }

    /// By the group whose rules they are.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let filter = called("group-id", "sg-", id);
        let groups = security_groups(context.cloud, filter).await?;
        Ok(groups.first().map(|group| rules_of(&group.outputs)))
    }

    fn remnant(_found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        let group = remains.one(name).unwrap_or_else(|| remains.held_by(None));
        let peers = remains.all::<SecurityGroup>().into_iter();
        SecurityGroupRules {
            rules: peers
                .filter(|peer| peer.address() != group.address())
                .map(|peer| PeerRule {
                    ip_protocol: "-1".to_owned(),
                    from_port: None,
                    to_port: None,
                    peer,
                })
                .collect(),
            group,
        }
    }
}

fn rules_of(group: &SecurityGroupOutputs) -> Found<SecurityGroupRules> {
    let outputs = SecurityGroupRulesOutputs {
        group_id: group.group_id.clone(),
        vpc_id: group.vpc_id.clone(),
    };
    Found::new(outputs, Default::default()).within(&group.group_id)
}
