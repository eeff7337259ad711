//! What do navi's commands ask of AWS beside the resources of the stack?

use crate::resource::{Bounds, Limit, Permissions};

/// What `check`, which `up` does by itself, and the other commands that look around in the account take. Whatever is
/// not allowed of it is told as not known; nothing fails for it.
pub fn of_commands(bounds: &Bounds) -> Permissions {
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
        .look(Limit::none(), &in_use)
        .look(Limit::none(), &["servicequotas:GetServiceQuota"]);
    // Whose names the stack's would meet: the private zones of a VPC that is there.
    if !bounds.existing_vpcs.is_empty() {
        permissions = permissions.look(Limit::none(), &["route53:ListHostedZonesByVPC"]);
    }
    permissions
}
