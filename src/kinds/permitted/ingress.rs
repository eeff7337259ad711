//! Which actions do load balancer, target groups, listeners and rules take?

use super::{service_linked_role, tag_on_create};
use crate::kinds::listener::Listener;
use crate::kinds::listener_rule::ListenerRule;
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::target_group::TargetGroup;
use crate::resource::{Permissions, Permitted, Scope, Territory};

const SERVICE: &str = "elasticloadbalancing";
const LOAD_BALANCERS: &str = "loadbalancer/app/*/*";
const TARGET_GROUPS: &str = "targetgroup/*/*";
const LISTENERS: &str = "listener/app/*/*/*";
const RULES: &str = "listener-rule/app/*/*/*/*";

/// To read tags, to set them in the create, and to change them later on what is the stack's.
fn tagged(
    permissions: Permissions,
    territory: &Territory,
    path: &str,
    create: &str,
) -> Permissions {
    const KEY: &str = "elasticloadbalancing:CreateAction";
    let on_create = tag_on_create(territory, SERVICE, KEY, &[path], &[create]);
    permissions
        .look(Scope::none(), &["elasticloadbalancing:DescribeTags"])
        .make(on_create, &["elasticloadbalancing:AddTags"])
        .make(
            territory.own(SERVICE, &[path]),
            &[
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:RemoveTags",
            ],
        )
}

impl Permitted for LoadBalancer {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[LOAD_BALANCERS]);
        let changed = [
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetSubnets",
        ];
        let mut permissions = Permissions::default()
            .look(
                Scope::none(),
                &["elasticloadbalancing:DescribeLoadBalancers"],
            )
            .make(
                territory.made(SERVICE, &[LOAD_BALANCERS]),
                &["elasticloadbalancing:CreateLoadBalancer"],
            )
            .make(own(), &changed)
            .remove(own(), &["elasticloadbalancing:DeleteLoadBalancer"]);
        if self.deletion_protection.is_some() || self.idle_timeout_seconds.is_some() {
            permissions = permissions
                .look(
                    Scope::none(),
                    &["elasticloadbalancing:DescribeLoadBalancerAttributes"],
                )
                .make(
                    own(),
                    &["elasticloadbalancing:ModifyLoadBalancerAttributes"],
                );
        }
        let service = "elasticloadbalancing.amazonaws.com";
        let permissions = service_linked_role(permissions, territory, service);
        tagged(permissions, territory, LOAD_BALANCERS, "CreateLoadBalancer")
    }
}

impl Permitted for TargetGroup {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[TARGET_GROUPS]);
        let seen = [
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
        ];
        let changed = [
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
        ];
        let held_by = [
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeRules",
        ];
        let permissions = Permissions::default()
            .look(Scope::none(), &seen)
            .make(
                territory.made(SERVICE, &[TARGET_GROUPS]),
                &["elasticloadbalancing:CreateTargetGroup"],
            )
            .make(own(), &changed)
            .remove(own(), &["elasticloadbalancing:DeleteTargetGroup"])
            .remove(Scope::none(), &held_by);
        tagged(permissions, territory, TARGET_GROUPS, "CreateTargetGroup")
    }
}

impl Permitted for Listener {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[LISTENERS]);
        // The resource is what gets the listener, the tags are the listener's.
        let made = territory
            .made(SERVICE, &[LOAD_BALANCERS])
            .when_owned_by(territory);
        let permissions = Permissions::default()
            .look(Scope::none(), &["elasticloadbalancing:DescribeListeners"])
            .make(made, &["elasticloadbalancing:CreateListener"])
            .make(own(), &["elasticloadbalancing:ModifyListener"])
            .remove(own(), &["elasticloadbalancing:DeleteListener"]);
        tagged(permissions, territory, LISTENERS, "CreateListener")
    }
}

impl Permitted for ListenerRule {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let own = || territory.own(SERVICE, &[RULES]);
        let made = territory
            .made(SERVICE, &[LISTENERS])
            .when_owned_by(territory);
        // The reference has no key for tags at this one action.
        let names = territory.load_balancers.iter();
        let named = names.map(|name| format!("listener-rule/app/{name}*/*/*/*"));
        let permissions = Permissions::default()
            .look(Scope::none(), &["elasticloadbalancing:DescribeRules"])
            .make(made, &["elasticloadbalancing:CreateRule"])
            .make(own(), &["elasticloadbalancing:ModifyRule"])
            .make(
                territory.on(SERVICE, named),
                &["elasticloadbalancing:SetRulePriorities"],
            )
            .remove(own(), &["elasticloadbalancing:DeleteRule"]);
        tagged(permissions, territory, RULES, "CreateRule")
    }
}
