//! How does a stack become resources? One builder per concern, each adding to one graph.

mod autoscaling;
mod compute;
mod discovery;
mod dns;
mod endpoints;
mod identity;
mod ingress;
mod logs;
mod network;
mod protection;
mod security;
mod tags;

use std::collections::BTreeMap;

pub use protection::protection;

use crate::graph::{GraphBuilder, GraphError, ResourceGraph};
use crate::stack::Stack;

/// What the world says of a service that its stack file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// The digests of its images, by container.
    pub image_digests: BTreeMap<String, String>,
    /// The count that it is to keep, over the file's.
    pub desired_count: Option<u32>,
}

/// The facts by the service's name.
pub type Facts = BTreeMap<String, ServiceFacts>;

/// What the builders share.
pub(crate) struct Builder<'a> {
    stack: &'a Stack,
    facts: &'a Facts,
    /// The region, for the names of zones and the log configurations.
    region: &'a str,
    graph: GraphBuilder,
}

/// The desired state of the stack in this region.
pub fn build(stack: &Stack, region: &str) -> Result<ResourceGraph, GraphError> {
    build_with(stack, region, &Facts::new())
}

/// The same, with what is known of its services besides the file.
pub fn build_with(stack: &Stack, region: &str, facts: &Facts) -> Result<ResourceGraph, GraphError> {
    let mut builder = Builder {
        stack,
        facts,
        region,
        graph: GraphBuilder::default(),
    };
    builder.network();
    builder.security();
    builder.endpoints();
    builder.identity();
    builder.logs();
    builder.dns();
    builder.ingress();
    builder.discovery();
    builder.compute();
    builder.graph.finish()
}

/// The name, within its kind, of a resource that a stack has one of.
const MAIN: &str = "main";
