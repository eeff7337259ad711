//! Who leads visitors to a target group? The listeners and rules of the load balancers that it is attached to.

use aws_sdk_elasticloadbalancingv2::types::Action;

use super::{Aws, send};
use crate::resource::{CallError, Holder};

/// The listeners and rules that lead to the target group, as holders. Empty when AWS can't be asked:
/// the list is an explanation, and lacking it must not fail a `down`.
pub async fn holders_among_rules(aws: &Aws, target_group_arn: &str) -> Vec<Holder> {
    rules_to(aws, target_group_arn).await.unwrap_or_default()
}

async fn rules_to(aws: &Aws, target_group_arn: &str) -> Result<Vec<Holder>, CallError> {
    let call = aws.elb.describe_target_groups();
    let call = call.target_group_arns(target_group_arn);
    let groups = send("elb:DescribeTargetGroups", call.send()).await?;
    let mut holders = Vec::new();
    for balancer in groups
        .target_groups()
        .iter()
        .flat_map(|group| group.load_balancer_arns())
    {
        let call = aws.elb.describe_listeners().load_balancer_arn(balancer);
        let pages = call.into_paginator().items().send();
        let listeners: Vec<_> =
            send("elb:DescribeListeners", pages.collect::<Result<_, _>>()).await?;
        for listener in listeners {
            let where_it_is = format!(
                "port {} of load balancer {}",
                listener.port.unwrap_or_default(),
                name_in(balancer)
            );
            let arn = listener.listener_arn.unwrap_or_default();
            let call = aws.elb.describe_rules().listener_arn(&arn);
            let pages = call.into_paginator().items().send();
            let rules: Vec<_> = send("elb:DescribeRules", pages.collect::<Result<_, _>>()).await?;
            // The default rule is the listener's own default action.
            holders.extend(
                rules
                    .into_iter()
                    .filter(|rule| leads_to(rule.actions(), target_group_arn))
                    .map(|rule| Holder {
                        what: match rule.is_default == Some(true) {
                            true => format!("default action at {where_it_is}"),
                            false => format!(
                                "rule of priority {} at {where_it_is}",
                                rule.priority().unwrap_or_default()
                            ),
                        },
                        id: rule.rule_arn.unwrap_or_default(),
                    }),
            );
        }
    }
    Ok(holders)
}

fn leads_to(actions: &[Action], target_group_arn: &str) -> bool {
    actions.iter().any(|action| {
        let forward = action.forward_config();
        let weighted = forward
            .map(|forward| forward.target_groups())
            .unwrap_or_default();
        action.target_group_arn() == Some(target_group_arn)
            || weighted
                .iter()
                .any(|group| group.target_group_arn() == Some(target_group_arn))
    })
}

/// `web` in `…:loadbalancer/app/web/50dc6c495c0c9188`.
pub(super) fn name_in(load_balancer_arn: &str) -> &str {
    load_balancer_arn
        .rsplit('/')
        .nth(1)
        .unwrap_or(load_balancer_arn)
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{ForwardActionConfig, TargetGroupTuple};

    use super::*;

    #[test]
    fn a_group_among_weighted_ones_is_led_to() {
        let tuple = |arn: &str| TargetGroupTuple::builder().target_group_arn(arn).build();
        let weighted = ForwardActionConfig::builder()
            .target_groups(tuple("arn:a"))
            .target_groups(tuple("arn:b"))
            .build();
        let actions = [Action::builder().forward_config(weighted).build()];
        assert!(leads_to(&actions, "arn:b"));
        assert!(!leads_to(&actions, "arn:c"));
        assert!(leads_to(
            &[Action::builder().target_group_arn("arn:c").build()],
            "arn:c"
        ));
    }

    #[test]
    fn a_load_balancer_is_named_in_its_arn() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/50dc6c495c0c9188";
        assert_eq!(name_in(arn), "web");
    }
}
