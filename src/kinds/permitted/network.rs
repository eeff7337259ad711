//! Which actions do VPC, subnets, gateways, addresses, route tables, endpoints and security groups take?

use super::tag_on_create;
use crate::kinds::elastic_ip::ElasticIp;
use crate::kinds::internet_gateway::InternetGateway;
use crate::kinds::nat_gateway::NatGateway;
use crate::kinds::route_table::RouteTable;
use crate::kinds::security_group::SecurityGroup;
use crate::kinds::security_group_rules::SecurityGroupRules;
use crate::kinds::subnet::Subnet;
use crate::kinds::vpc::Vpc;
use crate::kinds::vpc_endpoint::{VpcEndpoint, Way};
use crate::resource::{Permissions, Permitted, Resource, Scope, Territory};

/// To set the tags in the create, and to change them later on what is the stack's.
fn tagged(
    permissions: Permissions,
    territory: &Territory,
    path: &str,
    create: &str,
) -> Permissions {
    let on_create = tag_on_create(territory, "ec2", "ec2:CreateAction", &[path], &[create]);
    permissions.make(on_create, &["ec2:CreateTags"]).make(
        territory.own("ec2", &[path]),
        &["ec2:CreateTags", "ec2:DeleteTags"],
    )
}

impl Permitted for Vpc {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let seen = ["ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"];
        let permissions = Permissions::default().look(Scope::none(), &seen);
        if self.is_lookup() {
            return permissions.look(Scope::none(), &["ec2:DescribeSubnets"]);
        }
        let own = || territory.own("ec2", &["vpc/*"]);
        let held_by = [
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
        ];
        let permissions = permissions
            .make(territory.made("ec2", &["vpc/*"]), &["ec2:CreateVpc"])
            .make(own(), &["ec2:ModifyVpcAttribute"])
            .remove(own(), &["ec2:DeleteVpc"])
            .remove(Scope::none(), &held_by);
        tagged(permissions, territory, "vpc/*", "CreateVpc")
    }
}

impl Permitted for Subnet {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let permissions = Permissions::default().look(Scope::none(), &["ec2:DescribeSubnets"]);
        if self.is_lookup() {
            return permissions.look(Scope::none(), &["ec2:DescribeVpcs"]);
        }
        let own = || territory.own("ec2", &["subnet/*"]);
        let permissions = permissions
            .make(Scope::none(), &["ec2:DescribeAvailabilityZones"])
            .make(territory.made("ec2", &["subnet/*"]), &["ec2:CreateSubnet"])
            .make(territory.vpcs(), &["ec2:CreateSubnet"])
            .make(own(), &["ec2:ModifySubnetAttribute"])
            .remove(own(), &["ec2:DeleteSubnet"])
            .remove(Scope::none(), &["ec2:DescribeNetworkInterfaces"]);
        tagged(permissions, territory, "subnet/*", "CreateSubnet")
    }
}

impl Permitted for InternetGateway {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "internet-gateway/*";
        let both = || territory.own("ec2", &[PATH, "vpc/*"]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeInternetGateways"])
            .make(
                territory.made("ec2", &[PATH]),
                &["ec2:CreateInternetGateway"],
            )
            // The update moves a gateway that somebody attached elsewhere.
            .make(
                both(),
                &["ec2:AttachInternetGateway", "ec2:DetachInternetGateway"],
            )
            .remove(both(), &["ec2:DetachInternetGateway"])
            .remove(
                territory.own("ec2", &[PATH]),
                &["ec2:DeleteInternetGateway"],
            )
            .remove(Scope::none(), &["ec2:DescribeNetworkInterfaces"]);
        tagged(permissions, territory, PATH, "CreateInternetGateway")
    }
}

impl Permitted for ElasticIp {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "elastic-ip/*";
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeAddresses"])
            .make(territory.made("ec2", &[PATH]), &["ec2:AllocateAddress"])
            .remove(territory.own("ec2", &[PATH]), &["ec2:ReleaseAddress"])
            .remove(Scope::none(), &["ec2:DescribeNetworkInterfaces"]);
        tagged(permissions, territory, PATH, "AllocateAddress")
    }
}

impl Permitted for NatGateway {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "natgateway/*";
        let parts = territory.own("ec2", &["elastic-ip/*", "subnet/*", "vpc/*"]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeNatGateways"])
            .make(territory.made("ec2", &[PATH]), &["ec2:CreateNatGateway"])
            .make(parts, &["ec2:CreateNatGateway"])
            .remove(territory.own("ec2", &[PATH]), &["ec2:DeleteNatGateway"]);
        tagged(permissions, territory, PATH, "CreateNatGateway")
    }
}

impl Permitted for RouteTable {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "route-table/*";
        let own = || territory.own("ec2", &[PATH, "subnet/*"]);
        let routes = ["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"];
        let subnets = [
            "ec2:AssociateRouteTable",
            "ec2:DisassociateRouteTable",
            "ec2:ReplaceRouteTableAssociation",
        ];
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeRouteTables"])
            .make(territory.made("ec2", &[PATH]), &["ec2:CreateRouteTable"])
            .make(territory.vpcs(), &["ec2:CreateRouteTable"])
            .make(own(), &routes)
            .make(own(), &subnets)
            .remove(
                own(),
                &["ec2:DisassociateRouteTable", "ec2:DeleteRouteTable"],
            );
        tagged(permissions, territory, PATH, "CreateRouteTable")
    }
}

impl Permitted for VpcEndpoint {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "vpc-endpoint/*";
        let parts = match self.way {
            Way::Interface { .. } => ["security-group/*", "subnet/*"].as_slice(),
            Way::Gateway { .. } => &["route-table/*"],
        };
        let changed = || territory.own("ec2", &[&[PATH], parts].concat());
        // The reference: what CreateVpcEndpoint looks at in the caller's name.
        let drawn_in = [
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ];
        let mut permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeVpcEndpoints"])
            .make(territory.made("ec2", &[PATH]), &["ec2:CreateVpcEndpoint"])
            .make(territory.own("ec2", parts), &["ec2:CreateVpcEndpoint"])
            .make(territory.vpcs(), &["ec2:CreateVpcEndpoint"])
            .make(Scope::none(), &drawn_in)
            .make(changed(), &["ec2:ModifyVpcEndpoint"])
            .remove(territory.own("ec2", &[PATH]), &["ec2:DeleteVpcEndpoints"]);
        if matches!(self.way, Way::Interface { .. }) {
            // Its names live in a private zone of AWS's, which is associated with the VPC.
            let zones = Scope::none();
            permissions = permissions.make(zones, &["route53:AssociateVPCWithHostedZone"]);
        }
        tagged(permissions, territory, PATH, "CreateVpcEndpoint")
    }
}

const RULES: [&str; 4] = [
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
];

/// A rule that is being added is a resource of its own. It has no tags, and belongs to the group.
fn rules_added(permissions: Permissions, territory: &Territory) -> Permissions {
    permissions.make(territory.on("ec2", ["security-group-rule/*"]), &RULES[..2])
}

impl Permitted for SecurityGroup {
    fn permissions(&self, territory: &Territory) -> Permissions {
        const PATH: &str = "security-group/*";
        let own = || territory.own("ec2", &[PATH]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeSecurityGroups"])
            .make(territory.made("ec2", &[PATH]), &["ec2:CreateSecurityGroup"])
            .make(territory.vpcs(), &["ec2:CreateSecurityGroup"])
            .make(own(), &RULES)
            .remove(own(), &["ec2:DeleteSecurityGroup"])
            .remove(Scope::none(), &["ec2:DescribeNetworkInterfaces"]);
        let permissions = rules_added(permissions, territory);
        tagged(permissions, territory, PATH, "CreateSecurityGroup")
    }
}

impl Permitted for SecurityGroupRules {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own("ec2", &["security-group/*"]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["ec2:DescribeSecurityGroups"])
            .make(own(), &[RULES[1], RULES[3]])
            .remove(own(), &[RULES[3]]);
        rules_added(permissions, territory)
    }
}
