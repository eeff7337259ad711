//! What does the stack file say? From one YAML file to a [`Stack`] with every default filled in and everything checked. Knows YAML, knows no AWS.
//!
//! text ─▶ tree with positions ─▶ variables put in ─▶ shape checked against the schema ─▶ `StackFile` ─▶ defaults and checks ─▶ `Stack`
//!         yaml                   variables           shape                               file           resolve

mod endpoints;
mod entries;
mod fargate;
mod file;
mod load;
pub mod names;
mod place;
mod policies;
mod problem;
mod resolve;
mod resolved;
mod scalars;
mod schema;
mod shape;
mod start_permissions;
mod suggest;
#[cfg(test)]
mod tests;
mod variables;
mod write;
mod yaml;

pub use endpoints::Endpoint;
pub use fargate::fargate_size;
pub use load::{Loaded, load, name};
pub use policies::{Effect, NamedPolicy, Statement};
pub use problem::{Problem, StackErrors};
pub use resolved::{
    AllowRule, AllowSource, Architecture, Autoscaling, Certificate, CircuitBreaker, Container,
    ContainerCondition, ContainerHealthCheck, Count, Deployment, Discovery, ExistingVpc,
    FixedResponse, HealthCheck, HostedZone, Ingress, LEAST_EPHEMERAL_STORAGE, ListenerProtocol,
    Logs, Namespace, Nat, Network, Protect, RecordType, Retention, Role, Route, SecretSource,
    Service, ServiceNames, Spot, Stack, StackNames, Subnet, Tier, Unresolved, Zone,
};
pub use schema::schema;
pub use suggest::hint as suggestion;
pub use variables::Variables;
pub use write::resolved;
