//! What does Elastic Load Balancing (version 2) keep? Application load balancers and what stands behind them.

mod action;
mod attributes;
mod condition;
mod health;
mod listener;
mod load_balancer;
mod network;
mod region;
mod request;
mod rule;
mod rule_priorities;
mod state;
mod tags;
mod target;
mod target_group;
#[cfg(test)]
mod tests;

pub use self::{
    action::{Action, Redirect},
    health::{Health, has_visitors, health, healthy_since},
    load_balancer::LoadBalancer,
    region::domain_of_zone,
    rule::rule_for,
    state::{Elb, leads_to, users_of_certificate},
    target::{deregister, register},
};
use super::dispatch::Operation;

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateLoadBalancer" => load_balancer::create,
        "DescribeLoadBalancers" => load_balancer::describe,
        "DeleteLoadBalancer" => load_balancer::delete,
        "SetSubnets" => network::set_subnets,
        "SetSecurityGroups" => network::set_security_groups,
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer,
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer,
        "DescribeCapacityReservation" => attributes::describe_capacity_reservation,
        "CreateTargetGroup" => target_group::create,
        "DescribeTargetGroups" => target_group::describe,
        "ModifyTargetGroup" => target_group::modify,
        "DeleteTargetGroup" => target_group::delete,
        "DescribeTargetGroupAttributes" => attributes::describe_target_group,
        "ModifyTargetGroupAttributes" => attributes::modify_target_group,
        "RegisterTargets" => target::register_targets,
        "DeregisterTargets" => target::deregister_targets,
        "DescribeTargetHealth" => health::describe,
        "CreateListener" => listener::create,
        "DescribeListeners" => listener::describe,
        "ModifyListener" => listener::modify,
        "DeleteListener" => listener::delete,
        "DescribeListenerAttributes" => attributes::describe_listener,
        "ModifyListenerAttributes" => attributes::modify_listener,
        "DescribeListenerCertificates" => listener::describe_certificates,
        "CreateRule" => rule::create,
        "DescribeRules" => rule::describe,
        "ModifyRule" => rule::modify,
        "DeleteRule" => rule::delete,
        "SetRulePriorities" => rule_priorities::set,
        "AddTags" => tags::add,
        "RemoveTags" => tags::remove,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}
