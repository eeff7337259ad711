//! `navi outputs`: what does the environment tell others? URLs, names, IDs, from the state alone.

use serde_json::{Map, Value, json};

use super::arguments::GlobalOptions;
use super::context::open_session;
use super::error::CommandError;
use super::stack_file::{StackChoice, require_recorded};
use super::{exit_code, output};
use crate::kinds::listener::{Listener, ListenerProtocol};
use crate::kinds::listener_rule::ListenerRule;
use crate::kinds::load_balancer::LoadBalancer;
use crate::resource::Resource;
use crate::state::{Access, State};

/// Print the URLs and everything AWS told of the stack's resources
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads what navi recorded; it asks no AWS and needs no stack file.

Examples:
  navi outputs
  navi outputs url
  navi outputs vpc.main.vpc_id
  navi outputs --output json")]
pub struct OutputsArguments {
    /// Only this one, its value alone
    #[arg(value_name = "OUTPUT")]
    name: Option<String>,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &OutputsArguments) -> Result<u8, CommandError> {
    let chosen = arguments.stack.choose(global)?;
    require_recorded(global, &chosen.name)?;
    let session = open_session(global, &chosen.name, Access::Read).await?;
    let outputs = session.with_state(named_outputs);
    match &arguments.name {
        Some(name) => {
            let value = outputs
                .get(name)
                .ok_or_else(|| CommandError::UnknownOutput {
                    name: name.clone(),
                    stack: chosen.name.clone(),
                    similar: similar(name, &outputs),
                })?;
            match global.json() {
                true => output::document(value)?,
                false => output::data(&bare(value))?,
            }
        }
        None if global.json() => output::document(&Value::Object(outputs))?,
        None => output::data(&table(&outputs))?,
    }
    Ok(exit_code::DONE)
}

/// What there is to be asked for.
pub fn names(state: &State) -> Vec<String> {
    let outputs = named_outputs(state).into_iter();
    outputs.map(|(name, _)| name).collect()
}

/// All outputs by name: the URLs first, then each resource's as `address.field`.
pub fn named_outputs(state: &State) -> Map<String, Value> {
    let mut outputs = Map::new();
    let urls = urls(state);
    if let Some(first) = urls.first() {
        outputs.insert("url".to_owned(), json!(first));
    }
    for (index, url) in urls.iter().enumerate().skip(1) {
        outputs.insert(format!("url_{}", index + 1), json!(url));
    }
    for (address, record) in &state.resources {
        for (field, value) in record.outputs.as_object().into_iter().flatten() {
            if !value.is_null() {
                outputs.insert(format!("{address}.{field}"), value.clone());
            }
        }
    }
    outputs
}

/// Where the environment can be reached: each routed host, or the load balancer where no host is said. Nowhere, as far
/// as is known, where the listener was found by its tags alone.
pub fn urls(state: &State) -> Vec<String> {
    let Some(listener) = routes_listener(state).filter(|listener| listener.port > 0) else {
        return Vec::new();
    };
    let (scheme, usual_port) = match listener.protocol {
        ListenerProtocol::Http => ("http", 80),
        ListenerProtocol::Https => ("https", 443),
    };
    let port = match listener.port {
        port if port == usual_port => String::new(),
        port => format!(":{port}"),
    };
    let load_balancer = outputs_of::<LoadBalancer>(state).map(|outputs| outputs.dns_name);
    let mut rules: Vec<ListenerRule> = specs_of(state).collect();
    rules.sort_by_key(|rule| rule.priority);
    let mut urls = Vec::new();
    for rule in rules {
        let hosts = match rule.host_headers.is_empty() {
            true => load_balancer.iter().cloned().collect(),
            false => rule.host_headers,
        };
        for host in hosts {
            let url = format!("{scheme}://{host}{port}");
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

/// The listener that serves, not the one that only sends to it.
fn routes_listener(state: &State) -> Option<Listener> {
    let listeners: Vec<Listener> = specs_of(state).collect();
    let serving = listeners
        .iter()
        .position(|listener| listener.protocol == ListenerProtocol::Https)
        .unwrap_or(0);
    listeners.into_iter().nth(serving)
}

fn specs_of<K: Resource>(state: &State) -> impl Iterator<Item = K> {
    state
        .resources
        .iter()
        .filter(|(address, _)| address.kind() == K::KIND)
        .filter_map(|(_, record)| serde_json::from_value(record.spec.clone()).ok())
}

fn outputs_of<K: Resource>(state: &State) -> Option<K::Outputs> {
    state
        .resources
        .iter()
        .filter(|(address, _)| address.kind() == K::KIND)
        .find_map(|(_, record)| serde_json::from_value(record.outputs.clone()).ok())
}

fn table(outputs: &Map<String, Value>) -> String {
    let width = outputs.keys().map(String::len).max().unwrap_or(0);
    outputs
        .iter()
        .map(|(name, value)| format!("{name:<width$}  {}\n", bare(value)))
        .collect()
}

/// Texts without quotes, everything else as JSON.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The outputs that share the asked-for name's beginning, or end like it.
fn similar(name: &str, outputs: &Map<String, Value>) -> Vec<String> {
    let beginning = name.split('.').next().unwrap_or(name);
    outputs
        .keys()
        .filter(|key| key.starts_with(beginning) || key.ends_with(name))
        .take(5)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::listener::{DefaultAction, FixedResponse};
    use crate::resource::{Ref, TagMap};
    use crate::state::{Record, Status};

    fn state(records: &[(&str, Value, Value)]) -> State {
        let mut state = State::new("demo");
        for (address, spec, outputs) in records {
            let record = Record {
                spec: spec.clone(),
                outputs: outputs.clone(),
                status: Status::Ready,
                token: String::new(),
                lookup: false,
                stands_for: None,
            };
            state.resources.insert(address.parse().unwrap(), record);
        }
        state
    }

    fn load_balancer() -> (&'static str, Value, Value) {
        let outputs = json!({"arn": "arn:lb", "dns_name": "demo-lb.example", "canonical_hosted_zone_id": "Z"});
        ("load_balancer.main", json!({}), outputs)
    }

    fn listener(
        address: &'static str,
        port: u16,
        protocol: ListenerProtocol,
    ) -> (&'static str, Value, Value) {
        let spec = Listener {
            load_balancer: Ref::exists("main"),
            port,
            protocol,
            ssl_policy: None,
            certificate: None,
            default_action: DefaultAction::FixedResponse(FixedResponse {
                status_code: 404,
                content_type: "text/plain".to_owned(),
                message_body: String::new(),
            }),
            tags: TagMap::new(),
        };
        (address, json!(spec), json!({"arn": "arn:listener"}))
    }

    fn rule(address: &'static str, priority: u32, hosts: &[&str]) -> (&'static str, Value, Value) {
        let spec = ListenerRule {
            listener: Ref::exists("routes"),
            priority,
            host_headers: hosts.iter().map(|host| (*host).to_owned()).collect(),
            path_patterns: Vec::new(),
            target_group: Ref::exists("web"),
            turning_from: None,
            tags: TagMap::new(),
        };
        (address, json!(spec), json!({"arn": "arn:rule"}))
    }

    #[test]
    fn hosts_come_in_the_order_of_their_rules() {
        let state = state(&[
            load_balancer(),
            listener("listener.redirect", 80, ListenerProtocol::Http),
            listener("listener.routes", 443, ListenerProtocol::Https),
            rule("listener_rule.api", 200, &["api.demo.example"]),
            rule("listener_rule.web", 100, &["demo.example"]),
        ]);
        assert_eq!(
            urls(&state),
            ["https://demo.example", "https://api.demo.example"]
        );
        let outputs = named_outputs(&state);
        assert_eq!(outputs["url"], "https://demo.example");
        assert_eq!(outputs["url_2"], "https://api.demo.example");
        assert_eq!(outputs["load_balancer.main.dns_name"], "demo-lb.example");
    }

    #[test]
    fn a_route_without_a_host_is_reached_at_the_load_balancer() {
        let state = state(&[
            load_balancer(),
            listener("listener.routes", 8080, ListenerProtocol::Http),
            rule("listener_rule.web", 1, &[]),
        ]);
        assert_eq!(urls(&state), ["http://demo-lb.example:8080"]);
    }

    #[test]
    fn a_stack_without_a_load_balancer_has_no_url() {
        assert!(urls(&State::new("demo")).is_empty());
    }
}
