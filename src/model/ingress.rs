//! How do requests come in? Load balancer, listeners, and a rule with its target group per route.

use super::security::INGRESS;
use super::{Builder, MAIN};
use crate::kinds::listener::{
    DefaultAction, FixedResponse, Listener, ListenerCertificate, ListenerProtocol, Redirect,
    RedirectStatus,
};
use crate::kinds::listener_rule::ListenerRule;
use crate::kinds::load_balancer::{LoadBalancer, Scheme};
use crate::kinds::target_group::{HealthCheck, TargetGroup};
use crate::resource::Ref;
use crate::stack::{self, Certificate, Ingress, Route, Service, Tier, names};

/// The listener that the routes' rules hang on.
pub(super) const ROUTES: &str = "routes";
/// The listener that sends plain HTTP to HTTPS.
const REDIRECT: &str = "redirect";

impl Builder<'_> {
    pub(super) fn ingress(&mut self) {
        let stack = self.stack;
        let Some(ingress) = &stack.ingress else {
            return;
        };
        let name = names::load_balancer(stack);
        let tags = self.tags::<LoadBalancer>(MAIN, &name);
        // An existing VPC has its gateway and its routes from its owner.
        let own = stack.network.existing.is_none();
        self.graph.add(
            MAIN,
            LoadBalancer {
                name,
                scheme: Scheme::InternetFacing,
                vpc: Some(Ref::exists(MAIN)),
                subnets: self.subnets(Tier::Public),
                security_groups: vec![Ref::exists(INGRESS)],
                // Attached (aws-behaviour §1 row 13).
                internet_gateway: own.then(|| Ref::ready(MAIN)),
                route_tables: own
                    .then(|| Ref::removal_only(Tier::Public.as_str()))
                    .into_iter()
                    .collect(),
                deletion_protection: None,
                idle_timeout_seconds: None,
                tags,
            },
        );
        self.routes_listener(ingress);
        if ingress.redirect_http {
            self.redirect_listener(ingress);
        }
        for service in &stack.services {
            if let Some(route) = &service.route {
                self.route(service, route);
            }
        }
    }

    fn routes_listener(&mut self, ingress: &Ingress) {
        let (protocol, ssl_policy, certificate) = match &ingress.protocol {
            stack::ListenerProtocol::Http => (ListenerProtocol::Http, None, None),
            stack::ListenerProtocol::Https {
                ssl_policy,
                certificate,
            } => (
                ListenerProtocol::Https,
                Some(ssl_policy.clone()),
                Some(match certificate {
                    Certificate::Arn(arn) => ListenerCertificate::Arn(arn.clone()),
                    // Issued, or AWS refuses the listener (aws-behaviour §1 row 18).
                    Certificate::Find(domain) | Certificate::Request { domain, .. } => {
                        ListenerCertificate::Resource(Ref::ready(domain))
                    }
                }),
            ),
        };
        let response = &ingress.default_response;
        let default_action = DefaultAction::FixedResponse(FixedResponse {
            status_code: response.status,
            content_type: response.content_type.clone(),
            message_body: response.body.clone(),
        });
        let listener = Listener {
            // It need not be active (aws-behaviour §1 row 17).
            load_balancer: Ref::exists(MAIN),
            port: ingress.port,
            protocol,
            ssl_policy,
            certificate,
            default_action,
            tags: self.listener_tags(ROUTES),
        };
        self.graph.add(ROUTES, listener);
    }

    fn redirect_listener(&mut self, ingress: &Ingress) {
        let listener = Listener {
            load_balancer: Ref::exists(MAIN),
            port: 80,
            protocol: ListenerProtocol::Http,
            ssl_policy: None,
            certificate: None,
            default_action: DefaultAction::Redirect(Redirect {
                protocol: ListenerProtocol::Https,
                port: ingress.port,
                status_code: RedirectStatus::Permanent,
            }),
            tags: self.listener_tags(REDIRECT),
        };
        self.graph.add(REDIRECT, listener);
    }

    fn listener_tags(&self, name: &str) -> crate::resource::TagMap {
        let physical_name = format!("{}-{name}", names::load_balancer(self.stack));
        self.tags::<Listener>(name, &physical_name)
    }

    fn route(&mut self, service: &Service, route: &Route) {
        let name = names::target_group(self.stack, service);
        let tags = self.tags::<TargetGroup>(&service.name, &name);
        let check = &route.health_check;
        self.graph.add(
            &service.name,
            TargetGroup {
                name: name.clone(),
                port: route.target_group_port,
                vpc: Ref::exists(MAIN),
                load_balancer: Some(Ref::removal_only(MAIN).unordered_on_delete()),
                health_check: HealthCheck {
                    path: check.path.clone(),
                    interval_seconds: check.interval_seconds,
                    timeout_seconds: check.timeout_seconds,
                    healthy_threshold_count: check.healthy_threshold,
                    unhealthy_threshold_count: check.unhealthy_threshold,
                    matcher: check.matcher.clone(),
                },
                deregistration_delay_seconds: Some(route.deregistration_delay_seconds),
                tags,
            },
        );
        let tags = self.tags::<ListenerRule>(&service.name, &name);
        self.graph.add(
            &service.name,
            ListenerRule {
                listener: Ref::exists(ROUTES),
                priority: route.priority,
                host_headers: route.host.iter().cloned().collect(),
                path_patterns: route.path.iter().cloned().collect(),
                target_group: Ref::exists(&service.name),
                turning_from: None,
                tags,
            },
        );
    }
}
