//! Which actions do a namespace and its services take?

use crate::kinds::discovery_service::DiscoveryService;
use crate::kinds::namespace::Namespace;
use crate::resource::{Bounds, Limit, Permissions, Permitted};

const SERVICE: &str = "servicediscovery";
const NAMESPACES: &str = "namespace/*";
const SERVICES: &str = "service/*";

/// Tags can be tied to nothing but what they say.
fn tagged(permissions: Permissions, bounds: &Bounds) -> Permissions {
    permissions
        .look(Limit::none(), &["servicediscovery:ListTagsForResource"])
        .make(
            Limit::none().when_made_by(bounds),
            &["servicediscovery:TagResource"],
        )
        .make(Limit::none(), &["servicediscovery:UntagResource"])
}

impl Permitted for Namespace {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let own = || bounds.own(SERVICE, &[NAMESPACES]);
        let seen = [
            "servicediscovery:GetNamespace",
            "servicediscovery:GetOperation",
            "servicediscovery:ListNamespaces",
        ];
        // Cloud Map makes the private zone in the caller's name (Cloud Map's developer guide, "API permissions reference").
        let drawn_in = [
            "ec2:DescribeRegions",
            "ec2:DescribeVpcs",
            "route53:CreateHostedZone",
            "route53:ListHostedZonesByName",
        ];
        let zones = || bounds.on("route53", ["hostedzone/*"]);
        let permissions = Permissions::default()
            .look(Limit::none(), &seen)
            .look(zones(), &["route53:GetHostedZone"])
            .make(
                Limit::none().when_made_by(bounds),
                &["servicediscovery:CreatePrivateDnsNamespace"],
            )
            .make(Limit::none(), &drawn_in)
            .make(own(), &["servicediscovery:UpdatePrivateDnsNamespace"])
            .remove(own(), &["servicediscovery:DeleteNamespace"])
            .remove(Limit::none(), &["servicediscovery:ListServices"]);
        tagged(permissions, bounds)
    }
}

impl Permitted for DiscoveryService {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let own = || bounds.own(SERVICE, &[SERVICES]);
        let seen = [
            "servicediscovery:GetInstancesHealthStatus",
            "servicediscovery:GetService",
            "servicediscovery:ListInstances",
            "servicediscovery:ListServices",
        ];
        let removed = [
            "servicediscovery:DeleteService",
            "servicediscovery:DeregisterInstance",
        ];
        let permissions = Permissions::default()
            .look(Limit::none(), &seen)
            .make(
                bounds.made(SERVICE, &[SERVICES]),
                &["servicediscovery:CreateService"],
            )
            .make(
                bounds.own(SERVICE, &[NAMESPACES]),
                &["servicediscovery:CreateService"],
            )
            .make(own(), &["servicediscovery:UpdateService"])
            .remove(own(), &removed);
        tagged(permissions, bounds)
    }
}
