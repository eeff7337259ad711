//! How are load balancers, target groups, listeners and rules found? All are listed, and their tags read 20 at a time.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types as api;
use futures::future::try_join_all;

use super::{each, of_stack, only};
use crate::aws::{Aws, describe_present, send, tags};
use crate::kinds::certificate::Certificate;
use crate::kinds::listener::{
    DefaultAction, FixedResponse, Listener, ListenerCertificate, ListenerOutputs, ListenerProtocol,
};
use crate::kinds::listener_rule::{ListenerRule, ListenerRuleOutputs, listener_of};
use crate::kinds::load_balancer::{LoadBalancer, LoadBalancerOutputs, Scheme, outputs_of};
use crate::kinds::target_group::{TargetGroup, TargetGroupOutputs};
use crate::resource::{CallError, Context, Findable, Found, Remains, Resource, Search, TagMap};

/// DescribeTags takes this many ARNs per call.
const TAGS_PER_CALL: usize = 20;

/// Is this an ARN, or a name?
fn is_arn(id: &str) -> bool {
    id.starts_with("arn:")
}

/// The tags of all these. What is gone meanwhile has none.
async fn tags_of(aws: &Aws, arns: Vec<String>) -> Result<HashMap<String, TagMap>, CallError> {
    let described = describe_present(&arns, TAGS_PER_CALL, |arns| async move {
        let call = aws.elb.describe_tags().set_resource_arns(Some(arns));
        let answer = send("elb:DescribeTags", call.send()).await?;
        Ok(answer.tag_descriptions.unwrap_or_default())
    });
    Ok(described
        .await?
        .into_iter()
        .map(|description| {
            let tags = description.tags.unwrap_or_default().into_iter();
            let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
            (description.resource_arn.unwrap_or_default(), tags.collect())
        })
        .collect())
}

/// Pairs each object with its tags.
async fn with_tags<T, K: Resource>(
    aws: &Aws,
    objects: Vec<T>,
    arn: impl Fn(&T) -> Option<String>,
    found: impl Fn(T, TagMap) -> Found<K>,
) -> Result<Vec<Found<K>>, CallError> {
    let arns: Vec<Option<String>> = objects.iter().map(arn).collect();
    let mut tags = tags_of(aws, arns.iter().flatten().cloned().collect()).await?;
    let tagged = objects.into_iter().zip(arns).filter_map(|(object, arn)| {
        let tags = tags.remove(&arn?).unwrap_or_default();
        Some(found(object, tags))
    });
    Ok(tagged.collect())
}

/// None where the answer is "not found".
fn none_if_gone<T>(answer: Result<Vec<T>, CallError>) -> Result<Vec<T>, CallError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        other => other,
    }
}

/// The load balancers of the stack. Its listeners are found through them.
async fn balancers_of(aws: &Aws, stack: &str) -> Result<Arc<Vec<Found<LoadBalancer>>>, CallError> {
    let key = format!("elb:DescribeLoadBalancers tagged {stack}");
    let ask = async {
        let pages = aws.elb.describe_load_balancers().into_paginator();
        let all = send(
            "elb:DescribeLoadBalancers",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        );
        let found = with_tags(
            aws,
            all.await?,
            |balancer| balancer.load_balancer_arn.clone(),
            |balancer, tags| Found::new(outputs_of(&balancer), tags),
        );
        Ok(of_stack(found.await?, stack))
    };
    aws.memo.once(key, ask).await
}

async fn listeners_of(aws: &Aws, stack: &str) -> Result<Arc<Vec<Found<Listener>>>, CallError> {
    let key = format!("elb:DescribeListeners tagged {stack}");
    let ask = async {
        let balancers = balancers_of(aws, stack).await?;
        let listings = balancers.iter().map(async |balancer| {
            let call = aws.elb.describe_listeners();
            let call = call.load_balancer_arn(&balancer.outputs.arn);
            let pages = call.into_paginator();
            none_if_gone(
                send(
                    "elb:DescribeListeners",
                    pages.items().send().collect::<Result<Vec<_>, _>>(),
                )
                .await,
            )
        });
        let all = try_join_all(listings).await?.into_iter().flatten();
        Ok(of_stack(found_listeners(aws, all.collect()).await?, stack))
    };
    aws.memo.once(key, ask).await
}

async fn found_listeners(
    aws: &Aws,
    listeners: Vec<api::Listener>,
) -> Result<Vec<Found<Listener>>, CallError> {
    with_tags(
        aws,
        listeners,
        |listener| listener.listener_arn.clone(),
        |listener, tags| {
            let outputs = ListenerOutputs {
                arn: listener.listener_arn.unwrap_or_default(),
            };
            Found::new(outputs, tags).within(listener.load_balancer_arn.unwrap_or_default())
        },
    )
    .await
}

async fn found_rules(
    aws: &Aws,
    rules: Vec<api::Rule>,
) -> Result<Vec<Found<ListenerRule>>, CallError> {
    with_tags(
        aws,
        rules,
        |rule| rule.rule_arn.clone(),
        |rule, tags| {
            let group = rule
                .actions()
                .first()
                .and_then(|action| action.target_group_arn.clone());
            let arn = rule.rule_arn.unwrap_or_default();
            let listener = listener_of(&arn);
            let mut found = Found::new(ListenerRuleOutputs { arn }, tags).within(listener);
            let mentions = group.map(|arn| (TargetGroup::KIND, arn));
            found.mentions = mentions.into_iter().collect();
            found
        },
    )
    .await
}

impl Findable for LoadBalancer {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(balancers_of(aws, search.stack).await?.to_vec())
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let call = aws.elb.describe_load_balancers();
        let call = match is_arn(id) {
            true => call.load_balancer_arns(id),
            false => call.names(id),
        };
        let answer = send("elb:DescribeLoadBalancers", call.send()).await;
        let found = with_tags(
            aws,
            none_if_gone(answer.map(|answer| answer.load_balancers.unwrap_or_default()))?,
            |balancer| balancer.load_balancer_arn.clone(),
            |balancer, tags| Found::new(outputs_of(&balancer), tags),
        );
        only(found.await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &LoadBalancerOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_elb(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        LoadBalancer {
            name: name_in(&found.outputs),
            scheme: Scheme::InternetFacing,
            vpc: None,
            subnets: remains.all(),
            security_groups: remains.all(),
            internet_gateway: remains.all().into_iter().next(),
            route_tables: remains.all(),
            deletion_protection: None,
            idle_timeout_seconds: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

/// `…:loadbalancer/app/NAME/ID`.
fn name_in(outputs: &LoadBalancerOutputs) -> String {
    let name = outputs.arn.rsplit('/').nth(1);
    name.unwrap_or_default().to_owned()
}

impl Findable for TargetGroup {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let pages = aws.elb.describe_target_groups().into_paginator();
        let groups = send(
            "elb:DescribeTargetGroups",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        )
        .await?;
        let found = of_stack(found_groups(aws, groups).await?, search.stack);
        each(found, async |group| with_delay(aws, group).await).await
    }

    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let call = aws.elb.describe_target_groups();
        let call = match is_arn(id) {
            true => call.target_group_arns(id),
            false => call.names(id),
        };
        let answer = send("elb:DescribeTargetGroups", call.send()).await;
        let groups = none_if_gone(answer.map(|answer| answer.target_groups.unwrap_or_default()))?;
        match only(found_groups(aws, groups).await?, id)? {
            Some(group) => with_delay(aws, group).await,
            None => Ok(None),
        }
    }

    async fn untag(
        aws: &Aws,
        outputs: &TargetGroupOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_elb(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        TargetGroup {
            // `…:targetgroup/NAME/ID`.
            name: found
                .outputs
                .arn
                .rsplit('/')
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
            port: 0,
            vpc: remains.held_by(found.within.as_deref()),
            load_balancer: None,
            health_check: Default::default(),
            deregistration_delay_seconds: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

async fn found_groups(
    aws: &Aws,
    groups: Vec<api::TargetGroup>,
) -> Result<Vec<Found<TargetGroup>>, CallError> {
    with_tags(
        aws,
        groups,
        |group| group.target_group_arn.clone(),
        |group, tags| {
            let outputs = TargetGroupOutputs {
                arn: group.target_group_arn.unwrap_or_default(),
                deregistration_delay_seconds: None,
            };
            let mut found = Found::new(outputs, tags);
            found.within = group.vpc_id;
            found
        },
    )
    .await
}

/// The delay is recorded as navi last set it; a sweep never reads it, so it is read here.
async fn with_delay(
    aws: &Aws,
    mut group: Found<TargetGroup>,
) -> Result<Option<Found<TargetGroup>>, CallError> {
    let call = aws.elb.describe_target_group_attributes();
    let call = call.target_group_arn(&group.outputs.arn);
    let answer = match send("elb:DescribeTargetGroupAttributes", call.send()).await {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let attributes = answer.attributes.unwrap_or_default();
    let delay = attributes
        .into_iter()
        .find(|one| one.key() == Some("deregistration_delay.timeout_seconds"));
    group.outputs.deregistration_delay_seconds = delay.and_then(|delay| delay.value?.parse().ok());
    Ok(Some(group))
}

impl Findable for Listener {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(listeners_of(aws, search.stack).await?.to_vec())
    }

    /// By ARN, or by the port on the stack's load balancer.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let call = aws.elb.describe_listeners();
        let call = match (is_arn(id), context.known.outputs(&self.load_balancer)) {
            (true, _) => call.listener_arns(id),
            (false, Some(balancer)) => call.load_balancer_arn(balancer.arn),
            (false, None) => return Ok(None),
        };
        let answer = send("elb:DescribeListeners", call.send()).await;
        let mut all = none_if_gone(answer.map(|answer| answer.listeners.unwrap_or_default()))?;
        all.retain(|listener| {
            is_arn(id) || listener.port.map(|port| port.to_string()).as_deref() == Some(id)
        });
        only(found_listeners(aws, all).await?, id)
    }

    async fn untag(aws: &Aws, outputs: &ListenerOutputs, keys: &[String]) -> Result<(), CallError> {
        tags::untag_elb(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        let groups = remains.all().into_iter().next();
        let certificate = remains.all::<Certificate>().into_iter().next();
        Listener {
            load_balancer: remains.held_by(found.within.as_deref()),
            port: 0,
            protocol: ListenerProtocol::Http,
            ssl_policy: None,
            certificate: certificate.map(ListenerCertificate::Resource),
            default_action: groups.map_or_else(
                || {
                    DefaultAction::FixedResponse(FixedResponse {
                        status_code: 404,
                        content_type: String::new(),
                        message_body: String::new(),
                    })
                },
                DefaultAction::Forward,
            ),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

impl Findable for ListenerRule {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let listeners = listeners_of(aws, search.stack).await?;
        let listings = listeners.iter().map(async |listener| {
            let call = aws.elb.describe_rules().listener_arn(&listener.outputs.arn);
            let pages = call.into_paginator();
            none_if_gone(
                send(
                    "elb:DescribeRules",
                    pages.items().send().collect::<Result<Vec<_>, _>>(),
                )
                .await,
            )
        });
        let all = try_join_all(listings).await?.into_iter().flatten();
        // A listener's default action is shown as a rule as well, and is none of its own.
        let own = all.filter(|rule| rule.is_default != Some(true)).collect();
        Ok(of_stack(found_rules(aws, own).await?, search.stack))
    }

    /// By ARN, or by the priority on the stack's listener.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let aws = context.cloud;
        let call = aws.elb.describe_rules();
        let call = match (is_arn(id), context.known.outputs(&self.listener)) {
            (true, _) => call.rule_arns(id),
            (false, Some(listener)) => call.listener_arn(listener.arn),
            (false, None) => return Ok(None),
        };
        let answer = send("elb:DescribeRules", call.send()).await;
        let mut all = none_if_gone(answer.map(|answer| answer.rules.unwrap_or_default()))?;
        all.retain(|rule| is_arn(id) || rule.priority.as_deref() == Some(id));
        only(found_rules(aws, all).await?, id)
    }

    async fn untag(
        aws: &Aws,
        outputs: &ListenerRuleOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_elb(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        let group = found.mentions.first().map(|(_, arn)| arn.as_str());
        ListenerRule {
            listener: remains.held_by(found.within.as_deref()),
            priority: 0,
            host_headers: Vec::new(),
            path_patterns: Vec::new(),
            target_group: remains
                .holder(group)
                .or_else(|| remains.one(name))
                .unwrap_or_else(|| remains.held_by(None)),
            turning_from: None,
            tags: tags::comparable(found.tags.clone()),
        }
    }
}
