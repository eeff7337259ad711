//! Which actions do hosted zones, certificates and alias records take?

use crate::kinds::alias_records::AliasRecords;
use crate::kinds::certificate::Certificate;
use crate::kinds::hosted_zone::HostedZone;
use crate::resource::{Permissions, Permitted, Resource, Scope, Territory};

const ZONES: [&str; 1] = ["hostedzone/*"];
const CHANGE: [&str; 1] = ["route53:ChangeResourceRecordSets"];

/// Records of these names in any zone: AWS makes a zone's ID, and a policy can't go by its tags. Names are in lower
/// case and without the last dot, a `*` among them is `\052`.
fn records(territory: &Territory, operator: &'static str, names: Vec<String>) -> Scope {
    let key = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
    territory.on("route53", ZONES).when(operator, key, names)
}

impl Permitted for HostedZone {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let zones = || territory.on("route53", ZONES);
        let permissions = Permissions::default()
            .look(Scope::none(), &["route53:ListHostedZonesByName"])
            .look(zones(), &["route53:ListResourceRecordSets"]);
        if self.is_lookup() {
            return permissions;
        }
        let tags = [
            "route53:ListTagsForResource",
            "route53:ListTagsForResources",
        ];
        permissions
            .look(Scope::none(), &["route53:ListHostedZones"])
            .look(zones(), &tags)
            .make(Scope::none(), &["route53:CreateHostedZone"])
            .make(zones(), &["route53:ChangeTagsForResource"])
            .remove(zones(), &["route53:DeleteHostedZone"])
    }
}

impl Permitted for Certificate {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let all = || territory.on("acm", ["certificate/*"]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["acm:ListCertificates"])
            .look(all(), &["acm:DescribeCertificate"]);
        if self.is_lookup() {
            return permissions;
        }
        let own = || territory.own("acm", &["certificate/*"]);
        let names = || {
            let others = self.subject_alternative_names.iter();
            others.chain([&self.domain_name])
        };
        // The record that proves `*.example.com` is the one of `example.com`.
        let proven = names().map(|name| format!("_*.{}", name.trim_start_matches("*.")));
        let proofs = records(territory, "ForAllValues:StringLike", proven.collect());
        let requested = Scope::none().when_made_by(territory).when(
            "ForAllValues:StringEquals",
            "acm:DomainNames",
            names().cloned(),
        );
        permissions
            .look(all(), &["acm:ListTagsForCertificate"])
            .look(
                territory.on("route53", ZONES),
                &["route53:ListResourceRecordSets"],
            )
            .make(requested, &["acm:RequestCertificate"])
            .make(all().when_made_by(territory), &["acm:AddTagsToCertificate"])
            .make(own(), &["acm:RemoveTagsFromCertificate"])
            .make(proofs.clone(), &CHANGE)
            .remove(proofs, &CHANGE)
            .remove(own(), &["acm:DeleteCertificate"])
    }
}

impl Permitted for AliasRecords {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let names = self.names.iter().map(|name| name.replace('*', r"\052"));
        let own = records(territory, "ForAllValues:StringEquals", names.collect());
        Permissions::default()
            .look(
                territory.on("route53", ZONES),
                &["route53:ListResourceRecordSets"],
            )
            .make(own.clone(), &CHANGE)
            .remove(own, &CHANGE)
    }
}
