//! How does a stack become resources? One builder per concern, each adding to one graph.

mod compute;
mod discovery;
mod dns;
mod identity;
mod ingress;
mod logs;
mod network;
mod security;
mod tags;

use crate::graph::{GraphBuilder, GraphError, ResourceGraph};
use crate::stack::Stack;

/// What the builders share.
pub(crate) struct Builder<'a> {
    stack: &'a Stack,
    /// The region, for the names of zones and the log configurations.
    region: &'a str,
    graph: GraphBuilder,
}

/// The desired state of the stack in this region.
pub fn build(stack: &Stack, region: &str) -> Result<ResourceGraph, GraphError> {
    let mut builder = Builder {
        stack,
        region,
        graph: GraphBuilder::default(),
    };
    builder.network();
    builder.security();
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
