//! What does an environment's manifest become: the network, and the way in?

use crate::draft::source::{Node, Source};
use crate::draft::{Certificate, Draft, ExistingNetwork, Ingress, Note};

pub fn read(source: &Source, draft: &mut Draft) {
    for entry in source.root.entries() {
        match entry.key.as_str() {
            "name" | "type" => {}
            "network" => network(source, &entry.value, draft),
            "http" => http(source, &entry.value, draft),
            "observability" => {
                if entry
                    .value
                    .get("container_insights")
                    .is_some_and(Node::is_true)
                {
                    let what = "container_insights: nothing of it is in this file";
                    draft.notes.push(Note::of(&source.file, entry.line, what));
                }
            }
            key => {
                let what = format!("{key}: nothing of it is in this file");
                draft.notes.push(Note::of(&source.file, entry.line, what));
            }
        }
    }
}

fn network(source: &Source, node: &Node, draft: &mut Draft) {
    let Some(vpc) = node.get("vpc") else {
        return;
    };
    let texts = |tier: &str, key: &str| -> Vec<String> {
        let subnets = vpc
            .at(&["subnets", tier])
            .map(Node::items)
            .unwrap_or_default();
        let values = subnets.iter().filter_map(|subnet| subnet.get(key)?.text());
        values.map(str::to_owned).collect()
    };
    if let Some(id) = vpc.get("id").and_then(Node::text) {
        draft.network.existing = Some(ExistingNetwork {
            vpc: id.to_owned(),
            public: texts("public", "id"),
            private: texts("private", "id"),
        });
    } else {
        let cidr = vpc.get("cidr").and_then(Node::text);
        draft.network.cidr = cidr
            .filter(|cidr| *cidr != "10.0.0.0/16")
            .map(str::to_owned);
        draft.network.public = subnets(vpc, "public");
        draft.network.private = subnets(vpc, "private");
    }
    for key in ["security_group", "flow_logs"] {
        if let Some(found) = vpc.get(key) {
            let what = format!("network.vpc.{key}: nothing of it is in this file");
            draft
                .network
                .notes
                .push(Note::of(&source.file, found.line, what));
        }
    }
}

/// Zone and range of each; a subnet without a zone is in the next of the region's.
fn subnets(vpc: &Node, tier: &str) -> Vec<(String, String)> {
    let subnets = vpc
        .at(&["subnets", tier])
        .map(Node::items)
        .unwrap_or_default();
    let found = subnets.iter().enumerate().filter_map(|(index, subnet)| {
        let zone = subnet.get("az").and_then(Node::text).map(str::to_owned);
        let zone = zone.unwrap_or_else(|| format!("zone-{}", index + 1));
        Some((zone, subnet.get("cidr")?.text()?.to_owned()))
    });
    found.collect()
}

fn http(source: &Source, node: &Node, draft: &mut Draft) {
    let mut ingress = Ingress::default();
    let certificates = node
        .at(&["public", "certificates"])
        .map(Node::items)
        .unwrap_or_default();
    let mut arns = certificates.iter().filter_map(Node::text);
    ingress.certificate = arns.next().map(|arn| Certificate::Arn(arn.to_owned()));
    if let Some(second) = certificates.get(1) {
        let what = "certificates: the listener of a stack has one";
        ingress
            .notes
            .push(Note::of(&source.file, second.line, what));
    }
    let sources = node
        .at(&["public", "ingress", "source_ips"])
        .or_else(|| node.at(&["public", "security_groups", "ingress", "source_ips"]));
    let ranges = sources.map(Node::items).unwrap_or_default();
    ingress.allow = ranges
        .iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect();
    for (path, what) in [
        (
            ["private"].as_slice(),
            "http.private: a stack has one load balancer, and it faces the internet",
        ),
        (
            &["public", "ssl_policy"],
            "ssl_policy: it belongs under `ingress: { listen: { ssl_policy: … } }`",
        ),
        (
            &["public", "access_logs"],
            "access_logs: nothing of it is in this file",
        ),
        (
            &["public", "ingress", "cdn"],
            "ingress.cdn: nothing of it is in this file",
        ),
    ] {
        if let Some(found) = node.at(path) {
            ingress.notes.push(Note::of(&source.file, found.line, what));
        }
    }
    draft.ingress = Some(ingress);
}
