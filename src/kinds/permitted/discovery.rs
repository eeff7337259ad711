//! Which actions do a namespace and its services take?

use crate::kinds::discovery_service::DiscoveryService;
use crate::kinds::namespace::Namespace;
use crate::resource::{Permissions, Permitted, Scope, Territory};

const SERVICE: &str = "servicediscovery";
const NAMESPACES: &str = "namespace/*";
const SERVICES: &str = "service/*";

/// Tags can be tied to nothing but what they say.
fn tagged(permissions: Permissions, territory: &Territory) -> Permissions {
    permissions
        .look(Scope::none(), &["servicediscovery:ListTagsForResource"])
        .make(
            Scope::none().when_made_by(territory),
            &["servicediscovery:TagResource"],
        )
        .make(Scope::none(), &["servicediscovery:UntagResource"])
}

impl Permitted for Namespace {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[NAMESPACES]);
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
        let zones = || territory.on("route53", ["hostedzone/*"]);
        let permissions = Permissions::default()
            .look(Scope::none(), &seen)
            .look(
                zones(),
                &["route53:GetHostedZone", "route53:ListResourceRecordSets"],
            )
            .make(
                Scope::none().when_made_by(territory),
                &["servicediscovery:CreatePrivateDnsNamespace"],
            )
            .make(Scope::none(), &drawn_in)
            .make(own(), &["servicediscovery:UpdatePrivateDnsNamespace"])
            .remove(own(), &["servicediscovery:DeleteNamespace"])
            .remove(Scope::none(), &["servicediscovery:ListServices"]);
        tagged(permissions, territory)
    }
}

impl Permitted for DiscoveryService {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[SERVICES]);
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
            .look(Scope::none(), &seen)
            .make(
                territory.made(SERVICE, &[SERVICES]),
                &["servicediscovery:CreateService"],
            )
            .make(
                territory.own(SERVICE, &[NAMESPACES]),
                &["servicediscovery:CreateService"],
            )
            .make(own(), &["servicediscovery:UpdateService"])
            .remove(own(), &removed);
        tagged(permissions, territory)
    }
}
