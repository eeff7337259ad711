//! Who may talk to whom? One security group for the load balancer and one per service; rules between
//! groups are resources of their own, so that no two groups wait for each other (aws-behaviour §1 row 12).

use super::{Builder, MAIN};
use crate::kinds::security_group::{CidrRule, SecurityGroup};
use crate::kinds::security_group_rules::{PeerRule, SecurityGroupRules};
use crate::resource::Ref;
use crate::stack::{AllowSource, names};

/// The load balancer's group within its kind. No service can have this name: it stands for the
/// load balancer in `allow:` rules.
pub(super) const INGRESS: &str = "ingress";

impl Builder<'_> {
    pub(super) fn security(&mut self) {
        let stack = self.stack;
        if let Some(ingress) = &stack.ingress {
            let mut ports = vec![ingress.port];
            if ingress.redirect_http {
                ports.push(80);
            }
            let rules = ports
                .into_iter()
                .flat_map(|port| {
                    ingress
                        .allow
                        .iter()
                        .map(move |cidr| CidrRule::tcp(port, cidr.to_string()))
                })
                .collect();
            let group_name = names::load_balancer_security_group(stack);
            self.security_group(INGRESS, group_name, "Load balancer", rules);
        }
        for service in &stack.services {
            let rules = service
                .allow
                .iter()
                .filter_map(|rule| match &rule.from {
                    AllowSource::Cidr(cidr) => Some(CidrRule::tcp(rule.port, cidr.to_string())),
                    AllowSource::Ingress | AllowSource::Service(_) => None,
                })
                .collect();
            let group_name = names::security_group(stack, service);
            self.security_group(&service.name, group_name, &service.name, rules);
            let peers: Vec<PeerRule> = service
                .allow
                .iter()
                .filter_map(|rule| match &rule.from {
                    AllowSource::Ingress => Some(PeerRule::tcp(rule.port, Ref::exists(INGRESS))),
                    AllowSource::Service(other) => {
                        Some(PeerRule::tcp(rule.port, Ref::exists(other)))
                    }
                    AllowSource::Cidr(_) => None,
                })
                .collect();
            if !peers.is_empty() {
                self.graph.add(
                    &service.name,
                    SecurityGroupRules {
                        group: Ref::exists(&service.name),
                        rules: peers,
                    },
                );
            }
        }
    }

    pub(super) fn security_group(
        &mut self,
        name: &str,
        group_name: String,
        whose: &str,
        ingress: Vec<CidrRule>,
    ) {
        let tags = self.tags::<SecurityGroup>(name, &group_name);
        self.graph.add(
            name,
            SecurityGroup {
                vpc: Ref::exists(MAIN),
                group_name,
                // AWS takes ASCII only here and never lets it change (aws-behaviour §2.7).
                description: format!("{whose} of stack {}", self.stack.name),
                ingress,
                egress: vec![CidrRule::all_traffic("0.0.0.0/0")],
                tags,
            },
        );
    }
}
