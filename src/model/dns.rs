//! Which names lead in? The public hosted zone, the certificate and the alias records.

use super::{Builder, MAIN};
use crate::kinds::alias_records::AliasRecords;
use crate::kinds::certificate::Certificate;
use crate::kinds::hosted_zone::HostedZone;
use crate::resource::Ref;
use crate::stack::{self, ListenerProtocol};

impl Builder<'_> {
    pub(super) fn dns(&mut self) {
        let Some(ingress) = &self.stack.ingress else {
            return;
        };
        let zone = ingress.hosted_zone.as_ref();
        if let Some(zone) = zone {
            self.hosted_zone(zone);
        }
        if let ListenerProtocol::Https { certificate, .. } = &ingress.protocol {
            self.certificate(certificate, zone);
        }
        let names: Vec<String> = self
            .stack
            .alias_hosts()
            .into_iter()
            .map(str::to_ascii_lowercase)
            .collect();
        if let (Some(zone), false) = (zone, names.is_empty()) {
            self.graph.add(
                zone.name(),
                AliasRecords {
                    hosted_zone: Ref::exists(zone.name()),
                    // Only its DNS name is needed (aws-behaviour §1 row 20).
                    load_balancer: Ref::exists(MAIN).unordered_on_delete(),
                    names,
                    evaluate_target_health: false,
                },
            );
        }
    }

    /// The records of the service's host, if the stack makes them.
    pub(super) fn alias_records(&self, service: &stack::Service) -> Vec<Ref<AliasRecords>> {
        let zone = self
            .stack
            .ingress
            .as_ref()
            .and_then(|ingress| ingress.hosted_zone.as_ref());
        let host = service.route.as_ref().and_then(|route| route.host.as_ref());
        match (zone, host) {
            (Some(zone), Some(host)) if zone.holds(host) => vec![Ref::removal_only(zone.name())],
            _ => Vec::new(),
        }
    }

    fn hosted_zone(&mut self, zone: &stack::HostedZone) {
        let tags = self.tags::<HostedZone>(zone.name(), zone.name());
        self.graph.add(
            zone.name(),
            HostedZone {
                name: zone.name().to_owned(),
                lookup: matches!(zone, stack::HostedZone::Find(_)),
                tags,
            },
        );
    }

    fn certificate(&mut self, certificate: &stack::Certificate, zone: Option<&stack::HostedZone>) {
        let (domain, alternatives, zone) = match certificate {
            // Nothing to look up or to make: the listener gets it as it is.
            stack::Certificate::Arn(_) => return,
            stack::Certificate::Find(domain) => (domain, Vec::new(), None),
            stack::Certificate::Request {
                domain,
                alternative_names,
            } => (domain, alternative_names.clone(), zone),
        };
        let tags = self.tags::<Certificate>(domain, domain);
        self.graph.add(
            domain,
            Certificate {
                domain_name: domain.clone(),
                subject_alternative_names: alternatives,
                hosted_zone: zone.map(|zone| Ref::exists(zone.name())),
                tags,
            },
        );
    }
}
