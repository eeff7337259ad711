//! Which resource needs which? The desired graph, its order, its cycles and its longest paths.

mod longest;
mod resource_graph;

pub use longest::{Expected, Waiting, longest_remaining};
pub use resource_graph::{GraphBuilder, GraphError, Node, ResourceGraph};
