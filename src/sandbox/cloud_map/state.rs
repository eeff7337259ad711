//! What does Cloud Map hold in one region, and how do its things hang together?

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    instance::Instance,
    namespace::{self, Namespace},
    operation::Operation,
    service::{self, Service},
};
use crate::sandbox::{client_token::ClientTokens, fault::Fault};

#[derive(Debug, Default, Serialize)]
pub struct CloudMap {
    /// By identifier.
    pub namespaces: BTreeMap<String, Namespace>,
    /// By identifier.
    pub services: BTreeMap<String, Service>,
    /// By service and instance: `srv-…/ID`.
    pub instances: BTreeMap<String, Instance>,
    #[serde(skip)]
    pub operations: BTreeMap<String, Operation>,
    #[serde(skip)]
    pub tokens: ClientTokens,
    /// Counts what changes the answer to a discovery.
    #[serde(skip)]
    pub revision: i64,
}

impl CloudMap {
    /// By identifier or ARN.
    pub fn namespace(&self, id: &str) -> Result<&Namespace, Fault> {
        self.namespaces
            .get(bare(id))
            .ok_or_else(|| namespace::not_found(id))
    }

    pub fn namespace_mut(&mut self, id: &str) -> Result<&mut Namespace, Fault> {
        self.namespaces
            .get_mut(bare(id))
            .ok_or_else(|| namespace::not_found(id))
    }

    /// By identifier or ARN.
    pub fn service(&self, id: &str) -> Result<&Service, Fault> {
        self.services
            .get(bare(id))
            .ok_or_else(|| service::not_found(id))
    }

    pub fn service_mut(&mut self, id: &str) -> Result<&mut Service, Fault> {
        self.services
            .get_mut(bare(id))
            .ok_or_else(|| service::not_found(id))
    }

    pub fn services_of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Service> {
        self.services
            .values()
            .filter(move |service| service.namespace_id == namespace)
    }

    pub fn instances_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.instances
            .values()
            .filter(move |instance| instance.service_id == service)
    }
}

fn bare(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(_, id)| id)
}
