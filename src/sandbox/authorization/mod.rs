//! May a caller do this? Who has been given policies may do what they allow and nothing else; everybody else may do all.
//!
//! Which actions a call takes, on what, and with which keys of a condition is AWS's service authorization reference's.

mod actions;
mod policy;
mod resources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::policy::Policy;
use super::{call::Call, fault::Fault, service::Service, world::Context};

/// The keys of a condition that a request carries, each with its values.
type Keys = BTreeMap<String, Vec<String>>;

/// One of the actions that a call takes.
struct Asked {
    action: String,
    /// What of AWS it is about; nothing where an action can be tied to no resource.
    on: Vec<Target>,
    keys: Keys,
}

/// A resource that an action is about: one that is there, or, without an ID, one that is to be made.
#[derive(Clone)]
struct Target {
    arn: String,
    /// `aws:ResourceTag/…` and their values.
    keys: Keys,
    /// Nothing has this ID (any more). Its tags are not gone by: that it isn't there is the service's to say **[I]**.
    is_missing: bool,
}

impl Target {
    /// Without tags to go by.
    fn plain(arn: String) -> Self {
        Target {
            arn,
            keys: Keys::new(),
            is_missing: false,
        }
    }
}

/// What an access key is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    access_key: String,
    documents: Vec<Value>,
}

/// The policies of each access key that has some.
#[derive(Debug, Default, Serialize)]
pub struct Policies(BTreeMap<String, Held>);

#[derive(Debug, Serialize)]
struct Held {
    documents: Vec<Value>,
    /// The actions that calls took and got.
    used: BTreeSet<String>,
    #[serde(skip)]
    policies: Vec<Policy>,
}

impl Policies {
    /// Gives an access key these policies in place of the ones it had; without any, it may do nothing.
    pub fn grant(&mut self, grant: Grant) -> Result<(), String> {
        let policies = grant.documents.iter().map(Policy::read);
        let policies = policies.collect::<Result<_, _>>()?;
        let held = Held {
            documents: grant.documents,
            used: BTreeSet::new(),
            policies,
        };
        self.0.insert(grant.access_key, held);
        Ok(())
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether anybody's calls have to be looked at.
    pub fn concern(&self, call: &Call) -> bool {
        self.0.contains_key(&call.access_key)
    }

    /// Refuses a call that takes an action which is not allowed, with the first such one.
    pub fn check(&mut self, context: &mut Context<'_>, call: &Call) -> Result<(), Fault> {
        let Some(held) = self.0.get_mut(&call.access_key) else {
            return Ok(());
        };
        for asked in actions::of(context, call) {
            let anything = [Target::plain("*".to_owned())];
            let targets = match asked.on.is_empty() {
                true => anything.as_slice(),
                false => &asked.on,
            };
            for target in targets {
                let allowed = Policy::allow(&held.policies, &asked, target);
                if !allowed {
                    return Err(refusal(call, &asked.action, &target.arn));
                }
            }
            held.used.insert(asked.action);
        }
        Ok(())
    }
}

/// In the service's own words; the sentence is IAM's.
fn refusal(call: &Call, action: &str, resource: &str) -> Fault {
    let on = match (call.service, resource) {
        (_, "*") => String::new(),
        (Service::Sts, _) => String::new(),
        (_, arn) => format!(" on resource: {arn}"),
    };
    let what = format!("{action}{on} because no identity-based policy allows the {action} action");
    call.service.not_authorized(&call.account, &what)
}
