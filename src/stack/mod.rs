//! The stack file: from one YAML file to a [`Stack`] with every default filled in and everything checked. Knows YAML, knows no AWS.

pub mod names;
mod policies;
mod resolved;

pub use policies::{Effect, NamedPolicy, Statement};
pub use resolved::{
    AllowRule, AllowSource, Certificate, Container, Discovery, FixedResponse, HealthCheck,
    HostedZone, Ingress, ListenerProtocol, Logs, Namespace, Nat, Network, RecordType, Retention,
    Role, Route, Service, ServiceNames, Stack, StackNames, Subnet, Tier, Unresolved, Zone,
};
