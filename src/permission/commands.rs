//! What do navi's commands ask of AWS beside the resources of the stack?

use crate::resource::{Permissions, Scope, Territory};

/// What `check`, which `up` does by itself, and every command that finds nothing recorded take: they look around in the
/// account, beyond the kinds that the stack has.
pub fn of_commands(territory: &Territory) -> Permissions {
    // How much of the account's quotas is in use.
    let in_use = [
        "ec2:DescribeAddresses",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNatGateways",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecs:DescribeClusters",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "ecs:ListTasks",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "servicediscovery:ListNamespaces",
    ];
    let mut permissions = Permissions::default()
        .look(Scope::none(), &in_use)
        .look(Scope::none(), &["servicequotas:GetServiceQuota"]);
    // Where the state is lost, or a stack was never recorded here, objects of every kind are looked for by their tags.
    let tagged = [
        "acm:ListCertificates",
        "application-autoscaling:DescribeScalableTargets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeVpcEndpoints",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServices",
        "ecs:ListTaskDefinitionFamilies",
        "ecs:ListTaskDefinitions",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTags",
        "iam:ListRoles",
        "logs:DescribeLogGroups",
        "route53:ListHostedZones",
        "servicediscovery:ListTagsForResource",
    ];
    permissions = permissions
        .look(Scope::none(), &tagged)
        .look(
            territory.on("acm", ["certificate/*"]),
            &["acm:ListTagsForCertificate"],
        )
        .look(
            territory.on("application-autoscaling", ["scalable-target/*"]),
            &["application-autoscaling:ListTagsForResource"],
        )
        .look(
            territory.on("route53", ["hostedzone/*"]),
            &["route53:ListTagsForResources"],
        );
    // Whose names the stack's would meet: the private zones of a VPC that is there.
    if !territory.existing_vpcs.is_empty() {
        permissions = permissions.look(Scope::none(), &["route53:ListHostedZonesByVPC"]);
    }
    permissions
}
