//! What does a first stack file say of a few answers?

use super::{
    Certificate, Container, Draft, Ingress, Network, Note, Route, Service, text, to_be_pushed,
};

/// What was said, or left to navi.
#[derive(Debug, Default)]
pub struct Answers {
    pub stack: String,
    pub region: Option<String>,
    pub services: Vec<ServiceAnswer>,
    /// Where the first service with a port is to be visited.
    pub host: Option<String>,
    /// `single` or `per-zone`.
    pub nat: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAnswer {
    pub name: String,
    /// None: one that is still to be built.
    pub image: Option<String>,
    pub port: Option<u16>,
}

pub fn from_answers(answers: &Answers) -> Draft {
    let stack = text::name(&answers.stack);
    let services = answers
        .services
        .iter()
        .map(|answer| service(&stack, answer));
    let mut draft = Draft {
        region: answers.region.clone(),
        network: Network {
            nat: answers.nat,
            ..Network::default()
        },
        services: services.collect(),
        stack,
        ..Draft::default()
    };
    visited_at(&mut draft, answers.host.as_deref());
    names_for_each_other(&mut draft);
    // Whoever is not visited from outside is there for the others.
    let callers: Vec<String> = draft.services.iter().map(|one| one.name.clone()).collect();
    for service in draft.services.iter_mut().filter(|one| one.route.is_none()) {
        for port in service.ports() {
            for caller in &callers {
                service.let_in(caller, port);
            }
        }
    }
    draft
}

fn service(stack: &str, answer: &ServiceAnswer) -> Service {
    let name = text::name(&answer.name);
    let image = answer
        .image
        .clone()
        .map(|image| text::with_variables(&image).0);
    let notes = match image {
        Some(_) => Vec::new(),
        None => vec![Note {
            at: None,
            what: "Push an image of this name first: navi builds none.".to_owned(),
        }],
    };
    Service {
        containers: vec![Container {
            name: name.clone(),
            notes,
            image: image.unwrap_or_else(|| to_be_pushed(stack, &name)),
            ports: answer.port.into_iter().collect(),
            ..Container::default()
        }],
        name,
        ..Service::default()
    }
}

/// The first service with a port answers the load balancer; under a host, by HTTPS.
fn visited_at(draft: &mut Draft, host: Option<&str>) {
    let mut services = draft.services.iter_mut();
    let Some(first) = services.find(|service| !service.ports().is_empty()) else {
        return;
    };
    first.route = Some(Route {
        host: host.map(str::to_owned),
        ..Route::default()
    });
    if let Some(host) = host {
        draft.ingress = Some(https_for(&[host.to_owned()]));
    }
}

/// A certificate for these hosts, proven in the zone that they lie in.
pub(super) fn https_for(hosts: &[String]) -> Ingress {
    Ingress {
        certificate: Some(Certificate::Request(hosts.to_vec())),
        zone: hosts.first().map(|host| zone_of(host)),
        ..Ingress::default()
    }
}

/// The domain that a host most likely lies in: all but its first label, unless only a top level would be left.
fn zone_of(host: &str) -> String {
    let parent = host.split_once('.').map_or(host, |(_, parent)| parent);
    match parent.contains('.') {
        true => parent.to_owned(),
        false => host.to_owned(),
    }
}

/// A namespace, as soon as there is more than one service.
pub(super) fn names_for_each_other(draft: &mut Draft) {
    if draft.services.len() > 1 && draft.namespace.is_none() {
        draft.namespace = Some(format!("{}.local", draft.stack));
    }
}
