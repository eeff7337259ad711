//! By which names do services find each other? The private namespace and an entry per service.

use super::{Builder, MAIN};
use crate::kinds::discovery_service::{DiscoveryService, HealthCheckCustomConfig};
use crate::kinds::namespace::Namespace;
use crate::resource::Ref;

impl Builder<'_> {
    pub(super) fn discovery(&mut self) {
        let Some(namespace) = &self.stack.namespace else {
            return;
        };
        let tags = self.tags::<Namespace>(MAIN, &namespace.name);
        self.graph.add(
            MAIN,
            Namespace {
                vpc: Ref::exists(MAIN),
                name: namespace.name.clone(),
                description: namespace.description.clone(),
                tags,
            },
        );
        for service in &self.stack.services {
            let Some(discovery) = &service.discovery else {
                continue;
            };
            let tags = self.tags::<DiscoveryService>(&service.name, &discovery.name);
            self.graph.add(
                &service.name,
                DiscoveryService {
                    // The operation that makes it must have succeeded (aws-behaviour §1 row 25).
                    namespace: Ref::ready(MAIN),
                    name: discovery.name.clone(),
                    description: None,
                    ttl: discovery.ttl_seconds,
                    health_check_custom_config: Some(HealthCheckCustomConfig {
                        failure_threshold: discovery.failure_threshold,
                    }),
                    tags,
                },
            );
        }
    }
}
