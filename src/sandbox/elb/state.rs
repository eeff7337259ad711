//! What does Elastic Load Balancing hold in one region, and how do its things hang together?

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    listener::{self, Listener},
    load_balancer::{self, LoadBalancer},
    rule::{self, Rule},
    target_group::{self, TargetGroup},
};
use crate::sandbox::{fault::Fault, world::Region};

/// Every kind by its ARN.
#[derive(Debug, Default, Serialize)]
pub struct Elb {
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    pub target_groups: BTreeMap<String, TargetGroup>,
    pub listeners: BTreeMap<String, Listener>,
    pub rules: BTreeMap<String, Rule>,
}

impl Elb {
    pub fn load_balancer(&self, arn: &str) -> Result<&LoadBalancer, Fault> {
        self.load_balancers
            .get(arn)
            .ok_or_else(load_balancer::not_found)
    }

    pub fn load_balancer_mut(&mut self, arn: &str) -> Result<&mut LoadBalancer, Fault> {
        self.load_balancers
            .get_mut(arn)
            .ok_or_else(load_balancer::not_found)
    }

    pub fn target_group(&self, arn: &str) -> Result<&TargetGroup, Fault> {
        self.target_groups
            .get(arn)
            .ok_or_else(target_group::not_found)
    }

    pub fn target_group_mut(&mut self, arn: &str) -> Result<&mut TargetGroup, Fault> {
        self.target_groups
            .get_mut(arn)
            .ok_or_else(target_group::not_found)
    }

    pub fn listener(&self, arn: &str) -> Result<&Listener, Fault> {
        self.listeners.get(arn).ok_or_else(listener::not_found)
    }

    pub fn listener_mut(&mut self, arn: &str) -> Result<&mut Listener, Fault> {
        self.listeners.get_mut(arn).ok_or_else(listener::not_found)
    }

    pub fn rule(&self, arn: &str) -> Result<&Rule, Fault> {
        self.rules.get(arn).ok_or_else(rule::not_found)
    }

    pub fn rule_mut(&mut self, arn: &str) -> Result<&mut Rule, Fault> {
        self.rules.get_mut(arn).ok_or_else(rule::not_found)
    }

    /// A load balancer's listeners, by port.
    pub fn listeners_of(&self, load_balancer: &str) -> Vec<&Listener> {
        let mut listeners: Vec<_> = self
            .listeners
            .values()
            .filter(|listener| listener.load_balancer == load_balancer)
            .collect();
        listeners.sort_by_key(|listener| listener.port);
        listeners
    }

    /// A listener's rules in the order in which they are tried; the default rule is the last.
    pub fn rules_of(&self, listener: &str) -> Vec<&Rule> {
        let mut rules: Vec<_> = self
            .rules
            .values()
            .filter(|rule| rule.listener == listener)
            .collect();
        rules.sort_by_key(|rule| rule.order());
        rules
    }

    /// The load balancers whose rules lead to a target group. None: it is not in use, and ECS refuses it (aws-behaviour §1 row 30).
    pub fn load_balancers_using(&self, target_group: &str) -> BTreeSet<&str> {
        self.rules
            .values()
            .filter(|rule| {
                rule.actions
                    .iter()
                    .any(|action| action.leads_to(target_group))
            })
            .filter_map(|rule| self.listeners.get(&rule.listener))
            .map(|listener| listener.load_balancer.as_str())
            .collect()
    }
}

/// Whether the load balancer and the target group, each named by the final portion of its ARN, belong together.
pub fn leads_to(elb: &Elb, load_balancer: &str, target_group: &str) -> bool {
    elb.target_groups
        .keys()
        .filter(|arn| arn.ends_with(&format!(":{target_group}")))
        .flat_map(|arn| elb.load_balancers_using(arn))
        .any(|arn| arn.ends_with(&format!(":loadbalancer/{load_balancer}")))
}

/// The load balancers whose listeners present a certificate.
pub fn users_of_certificate(region: &Region, arn: &str) -> Vec<String> {
    let users: BTreeSet<&String> = region
        .elb
        .listeners
        .values()
        .filter(|listener| listener.certificate.as_deref() == Some(arn))
        .map(|listener| &listener.load_balancer)
        .collect();
    users.into_iter().cloned().collect()
}
