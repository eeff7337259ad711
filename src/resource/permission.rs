//! What must a caller be allowed in AWS, so that a resource can be looked at, made and removed?

use std::collections::{BTreeMap, BTreeSet};

use super::{Resource, STACK_TAG};

/// What an action is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// To see what there is, with a state or without.
    Look,
    /// To make it, and to change it in place.
    Make,
    /// To take it away, and to see who holds on to it.
    Remove,
}

/// One of IAM's actions, and where it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As IAM calls it: not always the operation's name.
    pub action: &'static str,
    /// What for.
    pub aim: Aim,
    /// On what.
    pub scope: Scope,
}

/// Operator → key → values: all operators and keys must hold, of the values one.
pub type Conditions = BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>>;

/// Where an action is allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// ARNs, in which `*` is wild.
    pub resources: BTreeSet<String>,
    /// When.
    pub conditions: Conditions,
}

impl Scope {
    /// For actions that IAM can't tie to a resource.
    pub fn none() -> Self {
        Scope {
            resources: BTreeSet::from(["*".to_owned()]),
            conditions: Conditions::new(),
        }
    }

    /// The same, on one condition more.
    pub fn when<T: Into<String>>(
        mut self,
        operator: &'static str,
        key: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let keys = self.conditions.entry(operator).or_default();
        let held = keys.entry(key.into()).or_default();
        held.extend(values.into_iter().map(Into::into));
        self
    }

    /// The same, for calls that set the stack's tag.
    pub fn when_made_by(self, territory: &Territory) -> Self {
        let key = format!("aws:RequestTag/{STACK_TAG}");
        self.when("StringEquals", key, [territory.stack.as_str()])
    }

    /// The same, for what carries the stack's tag.
    pub fn when_owned_by(self, territory: &Territory) -> Self {
        let key = format!("aws:ResourceTag/{STACK_TAG}");
        self.when("StringEquals", key, [territory.stack.as_str()])
    }
}

/// What a stack's ARNs and conditions are made of. `*` stands for what nobody knows yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Territory {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The stack's name, the value of its tag.
    pub stack: String,
    /// The names of its clusters, which the ARNs of services hold.
    pub clusters: BTreeSet<String>,
    /// The names of its load balancers, which the ARNs of rules hold.
    pub load_balancers: BTreeSet<String>,
    /// The names of the roles that its tasks get.
    pub roles: BTreeSet<String>,
    /// The VPCs of others that it lives in, by ID; with `*` for one that goes by its tag.
    pub existing_vpcs: BTreeSet<String>,
}

impl Territory {
    /// `arn:aws:ecs:eu-west-1:123456789012:cluster/shop`. IAM's have no region, Route 53's no account either.
    pub fn arn(&self, service: &str, path: &str) -> String {
        let Territory {
            partition,
            region,
            account,
            ..
        } = self;
        match service {
            "iam" => format!("arn:{partition}:iam::{account}:{path}"),
            "route53" => format!("arn:{partition}:route53:::{path}"),
            _ => format!("arn:{partition}:{service}:{region}:{account}:{path}"),
        }
    }

    /// These resources of a service.
    pub fn on<T: AsRef<str>>(&self, service: &str, paths: impl IntoIterator<Item = T>) -> Scope {
        let arns = paths
            .into_iter()
            .map(|path| self.arn(service, path.as_ref()));
        Scope {
            resources: arns.collect(),
            conditions: Conditions::new(),
        }
    }

    /// What is about to be made, with the stack's tag in the creating call.
    pub fn made(&self, service: &str, paths: &[&str]) -> Scope {
        self.on(service, paths).when_made_by(self)
    }

    /// What carries the stack's tag.
    pub fn own(&self, service: &str, paths: &[&str]) -> Scope {
        self.on(service, paths).when_owned_by(self)
    }

    /// The VPC that others are made in: the stack's, or the ones that it was given.
    pub fn vpcs(&self) -> Scope {
        match self.existing_vpcs.is_empty() {
            true => self.own("ec2", &["vpc/*"]),
            false => {
                let ids = self.existing_vpcs.iter().map(|id| format!("vpc/{id}"));
                self.on("ec2", ids)
            }
        }
    }

    /// The stack's services, tasks and whatever else stands in its clusters.
    pub fn in_clusters(&self, kinds: &[&str]) -> Scope {
        let paths = self.clusters.iter().flat_map(|cluster| {
            let path = move |kind: &&str| format!("{kind}/{cluster}/*");
            kinds.iter().map(path)
        });
        self.on("ecs", paths)
    }
}

/// A list of permissions, as a kind tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(pub Vec<Permission>);

impl Permissions {
    /// Adds what is needed to see what there is.
    pub fn look(self, scope: Scope, actions: &[&'static str]) -> Self {
        self.add(Aim::Look, scope, actions)
    }

    /// Adds what is needed to make it and to change it.
    pub fn make(self, scope: Scope, actions: &[&'static str]) -> Self {
        self.add(Aim::Make, scope, actions)
    }

    /// Adds what is needed to remove it.
    pub fn remove(self, scope: Scope, actions: &[&'static str]) -> Self {
        self.add(Aim::Remove, scope, actions)
    }

    fn add(mut self, aim: Aim, scope: Scope, actions: &[&'static str]) -> Self {
        self.0.extend(actions.iter().map(|action| Permission {
            action,
            aim,
            scope: scope.clone(),
        }));
        self
    }
}

/// What every kind tells: the actions of IAM that its calls take. Where they come from is AWS's service
/// authorization reference.
pub trait Permitted: Resource {
    /// Everything that looking at it, making, changing and removing it may take.
    fn permissions(&self, territory: &Territory) -> Permissions;
}
