//! What is in the account, as the simulated AWS itself has it? navi's state is compared with this, never the other way round.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::get_json;

/// Every object by where it is: `region/service/kind/identifier`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World(BTreeMap<String, Value>);

/// An object that carries the tags of a stack.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tagged {
    pub address: String,
    pub kind: String,
    pub id: String,
}

/// Everything that exists. What AWS goes on showing after it is gone does not: NAT gateways for an hour, deregistered revisions
/// of task definitions for ever.
pub fn read(endpoint: &str) -> World {
    let dump = get_json(endpoint, "/_navi/world");
    let mut objects = BTreeMap::new();
    for account in members(&dump) {
        let regions = members(&account.1["regions"]);
        let places = regions.chain([("global", &account.1["global"])]);
        for (place, services) in places {
            for (service, kinds) in members(services) {
                for (kind, resources) in members(kinds) {
                    for (id, resource) in members(resources) {
                        let is_gone = match kind {
                            "nat_gateways" => {
                                ["deleted", "failed"].contains(&text(&resource["state"]))
                            }
                            "task_definitions" => text(&resource["status"]) != "ACTIVE",
                            _ => false,
                        };
                        if !is_gone {
                            let key = format!("{place}/{service}/{kind}/{id}");
                            objects.insert(key, resource.clone());
                        }
                    }
                }
            }
        }
    }
    World(objects)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

impl World {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is there and wasn't, is gone, or differs; empty when the two are equal.
    pub fn differences(&self, now: &World) -> Vec<String> {
        let gone = self.0.iter().filter_map(|(key, was)| match now.0.get(key) {
            None => Some(format!("{key} is gone")),
            Some(is) if is != was => Some(format!("{key} was {was} and is {is}")),
            Some(_) => None,
        });
        let new = now.0.keys().filter(|key| !self.0.contains_key(*key));
        gone.chain(new.map(|key| format!("{key} is there")))
            .collect()
    }

    /// What of this is gone or differs.
    pub fn losses(&self, now: &World) -> Vec<String> {
        let mut differences = self.differences(now);
        differences.retain(|difference| !difference.ends_with(" is there"));
        differences
    }

    /// The objects with a stack's tags, whatever service writes them how.
    pub fn tagged(&self, stack: &str) -> Vec<Tagged> {
        let mut tagged: Vec<Tagged> = self
            .0
            .iter()
            .filter(|(_, object)| tag(object, "navi:stack").as_deref() == Some(stack))
            // Tasks are ECS's own, with the tags of their service.
            .filter(|(key, _)| !key.contains("/ecs/tasks/"))
            .filter_map(|(key, object)| {
                let mut parts = key.splitn(4, '/').skip(1);
                Some(Tagged {
                    address: tag(object, "navi:address")?,
                    kind: format!("{}.{}", parts.next()?, parts.next()?),
                    id: parts.next()?.to_owned(),
                })
            })
            .collect();
        tagged.sort();
        tagged
    }
}

fn tag(object: &Value, name: &str) -> Option<String> {
    object["tags"][name].as_str().map(str::to_owned)
}
