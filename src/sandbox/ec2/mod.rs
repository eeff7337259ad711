//! What does EC2 keep? Networks and what stands in them.

mod default_vpc;
mod describe;
mod elastic_ip;
mod endpoint_service;
mod internet_gateway;
mod nat_gateway;
mod network_acl;
pub mod network_interface;
mod permission_change;
mod reachability;
mod request;
mod route;
mod route_table;
mod security_group;
mod security_group_rule;
mod service_access;
mod state;
mod subnet;
mod tags;
mod vpc;
mod vpc_endpoint;
mod vpc_endpoint_change;
mod vpc_endpoint_creation;
mod zones;

#[cfg(test)]
mod tests;

pub use default_vpc::create as create_default_vpc;
pub use request::refuse_dry_run;
pub use state::Ec2;
#[cfg(test)]
pub use state::Egress;

use super::dispatch::Operation;

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "DescribeAvailabilityZones" => zones::describe,
        "DescribeRegions" => zones::describe_regions,
        "DescribeAccountAttributes" => zones::describe_account_attributes,
        "CreateVpc" => vpc::create,
        "DescribeVpcs" => vpc::describe,
        "DeleteVpc" => vpc::delete,
        "DescribeVpcAttribute" => vpc::describe_attribute,
        "ModifyVpcAttribute" => vpc::modify_attribute,
        "CreateSubnet" => subnet::create,
        "DescribeSubnets" => subnet::describe,
        "DeleteSubnet" => subnet::delete,
        "ModifySubnetAttribute" => subnet::modify_attribute,
        "CreateInternetGateway" => internet_gateway::create,
        "DescribeInternetGateways" => internet_gateway::describe,
        "AttachInternetGateway" => internet_gateway::attach,
        "DetachInternetGateway" => internet_gateway::detach,
        "DeleteInternetGateway" => internet_gateway::delete,
        "AllocateAddress" => elastic_ip::allocate,
        "DescribeAddresses" => elastic_ip::describe,
        "DescribeAddressesAttribute" => elastic_ip::describe_attribute,
        "DisassociateAddress" => elastic_ip::disassociate,
        "ReleaseAddress" => elastic_ip::release,
        "CreateNatGateway" => nat_gateway::create,
        "DescribeNatGateways" => nat_gateway::describe,
        "DeleteNatGateway" => nat_gateway::delete,
        "CreateRouteTable" => route_table::create,
        "DescribeRouteTables" => route_table::describe,
        "DeleteRouteTable" => route_table::delete,
        "AssociateRouteTable" => route_table::associate,
        "DisassociateRouteTable" => route_table::disassociate,
        "ReplaceRouteTableAssociation" => route_table::replace_association,
        "CreateRoute" => route::create,
        "ReplaceRoute" => route::replace,
        "DeleteRoute" => route::delete,
        "CreateSecurityGroup" => security_group::create,
        "DescribeSecurityGroups" => security_group::describe,
        "DeleteSecurityGroup" => security_group::delete,
        "AuthorizeSecurityGroupIngress" => permission_change::authorize_ingress,
        "AuthorizeSecurityGroupEgress" => permission_change::authorize_egress,
        "RevokeSecurityGroupIngress" => permission_change::revoke_ingress,
        "RevokeSecurityGroupEgress" => permission_change::revoke_egress,
        "DescribeSecurityGroupRules" => security_group_rule::describe,
        "ModifySecurityGroupRules" => security_group_rule::modify,
        "DescribeNetworkInterfaces" => network_interface::describe,
        "DescribeNetworkAcls" => network_acl::describe,
        "CreateVpcEndpoint" => vpc_endpoint_creation::create,
        "DescribeVpcEndpoints" => vpc_endpoint::describe,
        "ModifyVpcEndpoint" => vpc_endpoint_change::modify,
        "DeleteVpcEndpoints" => vpc_endpoint_change::delete,
        "DescribePrefixLists" => endpoint_service::describe_prefix_lists,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}
