//! What would a first stack file say: of a few answers, of a Compose file, of a Copilot workspace?
//!
//! source (a file's tree with its lines) ─▶ `Draft` ─▶ text with comments, which `stack` reads like any other

mod answers;
mod compose;
mod copilot;
mod page;
mod problem;
mod secrecy;
mod source;
mod text;

pub use answers::{Answers, ServiceAnswer, from_answers};
pub use compose::from_compose;
pub use copilot::{CopilotFiles, from_copilot};
pub use page::{PARAMETERS, write};
pub use problem::DraftProblem;
pub use source::Source as DraftSource;

/// A stack file before it is written. Texts are as a stack file has them: `$$` for a `$`, `${NAME}` for a variable.
#[derive(Debug, Default)]
pub struct Draft {
    pub stack: String,
    pub region: Option<String>,
    pub notes: Vec<Note>,
    pub network: Network,
    pub ingress: Option<Ingress>,
    pub namespace: Option<String>,
    pub services: Vec<Service>,
}

/// What a stack file does not say of its source, or what its owner has to see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// File and line; none for what came from an answer.
    pub at: Option<(String, usize)>,
    pub what: String,
}

impl Note {
    pub fn of(file: &str, line: usize, what: impl Into<String>) -> Self {
        Note {
            at: Some((file.to_owned(), line)),
            what: what.into(),
        }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            Some((file, line)) => write!(formatter, "{file}:{line}: {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}

#[derive(Debug, Default)]
pub struct Network {
    pub notes: Vec<Note>,
    pub cidr: Option<String>,
    pub nat: Option<&'static str>,
    /// Zone and address range.
    pub public: Vec<(String, String)>,
    pub private: Vec<(String, String)>,
    pub existing: Option<ExistingNetwork>,
}

#[derive(Debug)]
pub struct ExistingNetwork {
    pub vpc: String,
    pub public: Vec<String>,
    pub private: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Ingress {
    pub notes: Vec<Note>,
    pub certificate: Option<Certificate>,
    /// The zone to be looked up.
    pub zone: Option<String>,
    pub allow: Vec<String>,
}

#[derive(Debug)]
pub enum Certificate {
    Arn(String),
    Request(Vec<String>),
}

#[derive(Debug, Default)]
pub struct Service {
    pub name: String,
    pub notes: Vec<Note>,
    pub count: Option<Count>,
    pub cpu: Option<u32>,
    pub memory: Option<u32>,
    pub is_arm: bool,
    pub ephemeral_storage: Option<u32>,
    /// Percent of the tasks on Fargate Spot.
    pub spot: Option<u32>,
    pub subnets: Option<&'static str>,
    pub exec: bool,
    pub depends_on: Vec<String>,
    pub route: Option<Route>,
    pub health_check: Vec<(&'static str, String)>,
    pub deregistration_delay: Option<String>,
    pub circuit_breaker: bool,
    /// Service and port.
    pub allow: Vec<(String, u16)>,
    pub containers: Vec<Container>,
}

#[derive(Debug)]
pub enum Count {
    Fixed(u32),
    /// The keys of `count`, in order.
    Scaled(Vec<(&'static str, u32)>),
}

#[derive(Debug, Default)]
pub struct Route {
    pub host: Option<String>,
    pub path: Option<String>,
    /// `container:port`, where it isn't plain.
    pub to: Option<String>,
}

#[derive(Debug, Default)]
pub struct Container {
    pub name: String,
    pub notes: Vec<Note>,
    pub image: String,
    pub ports: Vec<u16>,
    pub environment: Vec<(String, String)>,
    /// Name and where the value is kept.
    pub secrets: Vec<(String, String)>,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub may_end: bool,
    /// Container and condition.
    pub depends_on: Vec<(String, &'static str)>,
    pub health_check: Option<ContainerCheck>,
    pub stop_timeout: Option<String>,
    /// The log group's retention.
    pub retention: Option<String>,
}

#[derive(Debug, Default)]
pub struct ContainerCheck {
    pub command: Vec<String>,
    /// Keys and values beside the command.
    pub others: Vec<(&'static str, String)>,
}

impl Draft {
    /// Everything that was noted anywhere, in the order of the file that is written.
    pub fn notes(&self) -> Vec<&Note> {
        let network = self.network.notes.iter();
        let ingress = self.ingress.iter().flat_map(|ingress| &ingress.notes);
        let services = self.services.iter().flat_map(|service| {
            let containers = service.containers.iter();
            let inside = containers.flat_map(|container| &container.notes);
            service.notes.iter().chain(inside)
        });
        let all = self.notes.iter().chain(network).chain(ingress);
        all.chain(services).collect()
    }

    /// Whether values of secrets have still to be put where ECS reads them.
    pub fn needs_parameters(&self) -> bool {
        let containers = self.services.iter().flat_map(|service| &service.containers);
        let mut secrets = containers.flat_map(|container| &container.secrets);
        secrets.any(|(_, place)| place.starts_with('/'))
    }

    fn service_mut(&mut self, name: &str) -> Option<&mut Service> {
        self.services
            .iter_mut()
            .find(|service| service.name == name)
    }
}

impl Service {
    /// The ports of all its containers.
    fn ports(&self) -> Vec<u16> {
        let containers = self.containers.iter();
        containers
            .flat_map(|container| container.ports.iter().copied())
            .collect()
    }

    /// Lets another service in, once.
    fn let_in(&mut self, from: &str, port: u16) {
        let rule = (from.to_owned(), port);
        if from != self.name && !self.allow.contains(&rule) {
            self.allow.push(rule);
        }
    }
}

/// The image of a program that somebody has still to build and push.
fn to_be_pushed(stack: &str, service: &str) -> String {
    format!("${{ACCOUNT_ID}}.dkr.ecr.${{REGION}}.amazonaws.com/{stack}-{service}:latest")
}
