//! Which kinds of resource are there? The list below is the whole registry: a kind is one file and
//! two lines here (docs/ADDING_A_RESOURCE.md).

use std::sync::Arc;

use serde_json::Value;

use crate::aws::Aws;
use crate::resource::{
    Address, AnyContext, AnyFound, AnyLookup, AnyResource, BoxFuture, CallError, Change, Cloud,
    DecodeError, Holder, Known, Observed, Permissions, Remains, Resource, StepError, Territory,
    dispatch,
};

/// Declares the closed enum of kinds and the routing from a kind's name to its type.
macro_rules! kinds {
    ($($module:ident :: $kind:ident),+ $(,)?) => {
        /// Every kind that navi knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($module), "`].")] $kind,)+
        }

        impl Kind {
            /// All kinds, in the order of the list.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),+];

            /// The kind's name in addresses.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $module::$kind::KIND,)+ }
            }
        }

        /// Calls `$door` with the type of the kind.
        macro_rules! route {
            ($name:expr, $door:ident $args:tt) => {
                match $name { $(Kind::$kind => dispatch::$door::<$module::$kind> $args,)+ }
            };
            ($name:expr, await $door:ident $args:tt) => {
                match $name { $(Kind::$kind => dispatch::$door::<$module::$kind> $args.await,)+ }
            };
        }
    };
}

pub mod alias_records;
pub mod certificate;
pub mod cluster;
pub mod discovery_service;
pub mod ecs_service;
pub mod elastic_ip;
pub mod hosted_zone;
pub mod internet_gateway;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
pub mod log_group;
pub mod namespace;
pub mod nat_gateway;
pub mod role;
pub mod route_table;
pub mod scalable_target;
pub mod scaling_policy;
pub mod security_group;
pub mod security_group_rules;
pub mod subnet;
pub mod target_group;
pub mod task_definition;
pub mod vpc;
pub mod vpc_endpoint;

kinds! {
    vpc::Vpc,
    subnet::Subnet,
    internet_gateway::InternetGateway,
    elastic_ip::ElasticIp,
    nat_gateway::NatGateway,
    route_table::RouteTable,
    vpc_endpoint::VpcEndpoint,
    security_group::SecurityGroup,
    security_group_rules::SecurityGroupRules,
    role::Role,
    log_group::LogGroup,
    hosted_zone::HostedZone,
    certificate::Certificate,
    load_balancer::LoadBalancer,
    target_group::TargetGroup,
    listener::Listener,
    listener_rule::ListenerRule,
    alias_records::AliasRecords,
    namespace::Namespace,
    discovery_service::DiscoveryService,
    cluster::Cluster,
    task_definition::TaskDefinition,
    ecs_service::EcsService,
    scalable_target::ScalableTarget,
    scaling_policy::ScalingPolicy,
}

// How each kind finds its objects without the state.
mod findable;
// What each kind's calls take of IAM.
mod permitted;

#[cfg(test)]
mod every_field;

// Not kinds, but what kinds are made of: actions, documents, records, rules, routes, searches.
mod certificate_search;
mod existing_network;
mod ip_permissions;
mod listener_action;
mod policy_document;
mod routes;
mod validation_records;

/// The kind of this name, or an error that speaks of a defect: specs in memory are of known kinds.
fn kind(name: &str) -> Result<Kind, CallError> {
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| CallError::local("navi", format!("there is no kind `{name}`")))
}

/// The spec of a recorded resource.
pub fn decode(name: &str, spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError> {
    let kind = kind(name).map_err(|_| DecodeError::UnknownKind(name.to_owned()))?;
    route!(kind, decode(spec))
}

/// What a resource's calls take of IAM.
pub fn permissions(
    resource: &dyn AnyResource,
    territory: &Territory,
) -> Result<Permissions, CallError> {
    route!(kind(resource.kind())?, permissions(resource, territory))
}

impl Cloud for Aws {
    fn decode(&self, name: &str, spec: &Value) -> Result<Arc<dyn AnyResource>, DecodeError> {
        decode(name, spec)
    }

    fn begin_sweep(&self) {
        self.memo.clear();
    }

    fn read<'a>(
        &'a self,
        name: &'a str,
        lookups: &'a [AnyLookup],
        known: &'a Known,
    ) -> BoxFuture<'a, Result<Vec<Option<Observed>>, CallError>> {
        Box::pin(async move { route!(kind(name)?, await read(self, lookups, known)) })
    }

    fn find<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Option<Value>, CallError>> {
        Box::pin(async move { route!(kind(resource.kind())?, await find(self, resource, context)) })
    }

    fn create<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(
            async move { route!(kind(resource.kind())?, await create(self, resource, context)) },
        )
    }

    fn update<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
        seen: &'a Observed,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            route!(kind(resource.kind())?, await update(self, resource, context, outputs, seen, change))
        })
    }

    fn delete<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            route!(kind(resource.kind())?, await delete(self, resource, context, outputs))
        })
    }

    fn holders<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        outputs: &'a Value,
    ) -> BoxFuture<'a, Vec<Holder>> {
        Box::pin(async move {
            let Ok(kind) = kind(resource.kind()) else {
                return Vec::new();
            };
            route!(kind, await holders(self, resource, context, outputs))
        })
    }

    fn kinds(&self) -> Vec<&'static str> {
        Kind::ALL.iter().map(|kind| kind.name()).collect()
    }

    fn tagged<'a>(
        &'a self,
        name: &'a str,
        stack: &'a str,
        wanted: &'a [Arc<dyn AnyResource>],
    ) -> BoxFuture<'a, Result<Vec<AnyFound>, CallError>> {
        Box::pin(async move { route!(kind(name)?, await tagged(self, stack, wanted)) })
    }

    fn attached<'a>(
        &'a self,
        name: &'a str,
        stack: &'a str,
        wanted: &'a [Arc<dyn AnyResource>],
        remains: &'a Remains,
    ) -> BoxFuture<'a, Result<Vec<AnyFound>, CallError>> {
        Box::pin(async move { route!(kind(name)?, await attached(self, stack, wanted, remains)) })
    }

    fn identify<'a>(
        &'a self,
        resource: &'a dyn AnyResource,
        context: &'a AnyContext,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<AnyFound>, CallError>> {
        Box::pin(async move {
            route!(kind(resource.kind())?, await identify(self, resource, context, id))
        })
    }

    fn untag<'a>(
        &'a self,
        name: &'a str,
        outputs: &'a Value,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move { route!(kind(name)?, await untag(self, outputs, keys)) })
    }

    fn remnant(
        &self,
        found: &AnyFound,
        address: &Address,
        remains: &Remains,
    ) -> Result<Arc<dyn AnyResource>, DecodeError> {
        let kind = kind(found.kind).map_err(|_| DecodeError::UnknownKind(found.kind.to_owned()))?;
        route!(kind, remnant(found, address, remains))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn every_kind_has_a_table_of_all_its_fields() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
        for kind in Kind::ALL {
            let inside = std::fs::read_dir(folder.join(kind.name()))
                .into_iter()
                .flatten();
            let mut files: Vec<_> = inside.map(|file| file.unwrap().path()).collect();
            files.push(folder.join(format!("{}.rs", kind.name())));
            let has_one = files.iter().any(|file| {
                std::fs::read_to_string(file)
                    .unwrap()
                    .contains("each_field(&")
            });
            assert!(has_one, "{}", kind.name());
        }
    }
}
