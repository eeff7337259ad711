//! The rule of a listener that forwards hosts and paths to a target group: how is it made, compared, changed and removed?

use std::collections::{BTreeMap, HashMap};

use aws_sdk_elasticloadbalancingv2::types::{
    HostHeaderConditionConfig, PathPatternConditionConfig, Rule, RuleCondition, RulePriorityPair,
};
use serde::{Deserialize, Serialize};

use super::listener::Listener;
use super::listener_action::ActionValue;
use super::target_group::TargetGroup;
use crate::aws::{Aws, Settle, describe_present, ours_or_taken, send, settle, tags, taken};
use crate::resource::{
    Address, Bridge, CallError, Change, Context, Effect, ErrorClass, Known, Lookup, Ref, Resource,
    StepError, TagMap,
};

/// What the stack wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenerRule {
    /// `exists` (aws-behaviour §1 row 19).
    pub listener: Ref<Listener>,
    /// 1 to 50000, unique per listener; the lowest that matches wins.
    pub priority: u32,
    /// Any of these hosts; empty for all.
    pub host_headers: Vec<String>,
    /// Any of these paths; empty for all.
    pub path_patterns: Vec<String>,
    /// `exists` (aws-behaviour §1 row 19).
    pub target_group: Ref<TargetGroup>,
    /// The old group, which gets all requests until the new one's targets are healthy: only in between,
    /// while a group is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turning_from: Option<Ref<TargetGroup>>,
    /// Tags.
    pub tags: TagMap,
}

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerRuleObserved {
    /// `arn:aws:elasticloadbalancing:…:listener-rule/app/…`.
    pub arn: String,
    /// Its priority.
    pub priority: u32,
    /// Sorted, in lower case.
    pub host_headers: Vec<String>,
    /// Sorted.
    pub path_patterns: Vec<String>,
    /// Fields of conditions that navi never makes.
    pub other_conditions: Vec<String>,
    /// Where requests go.
    pub action: ActionValue,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListenerRuleOutputs {
    /// `arn:aws:elasticloadbalancing:…:listener-rule/app/…`.
    pub arn: String,
}

impl Resource for ListenerRule {
    const KIND: &'static str = "listener_rule";
    const DIRECTS_TRAFFIC: bool = true;
    type Cloud = Aws;
    type Observed = ListenerRuleObserved;
    type Outputs = ListenerRuleOutputs;

    fn claim(&self) -> Option<String> {
        Some(format!(
            "{} priority {}",
            self.listener.address(),
            self.priority
        ))
    }

    /// Whose requests it takes: wherever they are led, and at whatever priority.
    fn identity(&self) -> Option<String> {
        let (hosts, paths) = (hosts(&self.host_headers), sorted(&self.path_patterns));
        Some(format!("{} {hosts:?} {paths:?}", self.listener.address()))
    }

    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let old = recorded.turning_from.as_ref();
        let old = old.unwrap_or(&recorded.target_group);
        (old.address() != self.target_group.address()).then(|| Bridge {
            spec: ListenerRule {
                turning_from: Some(old.clone()),
                ..self.clone()
            },
            fields: &["target_group"],
        })
    }

    fn begins_as(&self, others: &[(&Address, &Self)]) -> Option<(Address, Bridge<Self>)> {
        let serving = others.iter().filter(|(_, other)| other.takes_all_of(self));
        // The lowest number comes first (aws-behaviour §2.15).
        let (address, now) = serving.min_by_key(|(_, other)| other.priority)?;
        Some(((*address).clone(), self.bridge(now)?))
    }

    fn notice(&self, change: &Change) -> Option<String> {
        let gives_up = change.touches("host_headers") || change.touches("path_patterns");
        gives_up.then(|| {
            "requests that it no longer takes go to the next rule that does, or get the listener's default answer, from the moment of the change"
                .to_owned()
        })
    }

    fn diff(&self, seen: &ListenerRuleObserved, recorded: Option<&Self>, known: &Known) -> Change {
        let mut change = Change::default();
        // A rule's ARN begins with its listener's.
        let listener_arn = known.get(&self.listener, |listener| listener.arn);
        let seen_listener = listener_of(&seen.arn);
        change.reference(
            "listener",
            &seen_listener,
            listener_arn.as_ref(),
            Effect::Replace,
        );
        change.field("priority", &seen.priority, &self.priority, Effect::InPlace);
        change.field(
            "host_headers",
            &seen.host_headers,
            &hosts(&self.host_headers),
            Effect::InPlace,
        );
        change.field(
            "path_patterns",
            &seen.path_patterns,
            &sorted(&self.path_patterns),
            Effect::InPlace,
        );
        change.field(
            "other_conditions",
            &seen.other_conditions,
            &Vec::new(),
            Effect::InPlace,
        );
        let action = self.action(|group| known.get(group, |group| group.arn));
        change.reference(
            "target_group",
            &seen.action,
            action.as_ref(),
            Effect::InPlace,
        );
        change.recorded_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    fn outputs(&self, seen: &ListenerRuleObserved) -> ListenerRuleOutputs {
        ListenerRuleOutputs {
            arn: seen.arn.clone(),
        }
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<ListenerRuleObserved>>, CallError> {
        let arns: Vec<String> = lookups
            .iter()
            .map(|lookup| lookup.outputs.arn.clone())
            .collect();
        let found = describe_present(&arns, 20, |arns| async move {
            let call = aws.elb.describe_rules().set_rule_arns(Some(arns));
            let answer = send("elb:DescribeRules", call.send()).await?;
            Ok(answer.rules.unwrap_or_default())
        })
        .await?;
        let found: HashMap<_, _> = found
            .iter()
            .map(observed)
            .map(|rule| (rule.arn.clone(), rule))
            .collect();
        Ok(arns.iter().map(|arn| found.get(arn).cloned()).collect())
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<ListenerRuleOutputs>, CallError> {
        match self.existing(context).await? {
            Some(arn) if tags::made_elb(context.cloud, &arn, context.token).await? => {
                Ok(Some(ListenerRuleOutputs { arn }))
            }
            _ => Ok(None),
        }
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<ListenerRuleOutputs, StepError> {
        const OPERATION: &str = "elb:CreateRule";
        let aws = context.cloud;
        let what = format!("the listener rule with priority {}", self.priority);
        // CreateRule is not documented idempotent: look up by priority first (aws-behaviour §2.15).
        if let Some(arn) = self.existing(context).await? {
            return match tags::made_elb(aws, &arn, context.token).await? {
                true => Ok(ListenerRuleOutputs { arn }),
                false => Err(taken(OPERATION, &what).into()),
            };
        }
        let listener = context.outputs(&self.listener)?;
        let action = self.resolved_action(context)?;
        let tagged = tags::elb(&tags::with_token(&self.tags, context.token));
        let created = settle(OPERATION, Settle::Fresh, || {
            aws.elb
                .create_rule()
                .listener_arn(&listener.arn)
                .priority(priority(self.priority))
                .set_conditions(Some(self.conditions()))
                .actions(action.to_action())
                .set_tags(Some(tagged.clone()))
                .send()
        })
        .await;
        match created {
            Ok(answer) => answer
                .rules
                .unwrap_or_default()
                .into_iter()
                .find_map(|rule| rule.rule_arn)
                .map(|arn| ListenerRuleOutputs { arn })
                .ok_or_else(|| CallError::incomplete(OPERATION, "the answer holds no rule").into()),
            Err(error) => Ok(ours_or_taken(error, &what, || self.find(context)).await?),
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ListenerRuleOutputs,
        _seen: &ListenerRuleObserved,
        change: &Change,
    ) -> Result<ListenerRuleOutputs, StepError> {
        let aws = context.cloud;
        let fields = [
            "host_headers",
            "path_patterns",
            "other_conditions",
            "target_group",
        ];
        if fields.iter().any(|field| change.touches(field)) {
            let action = self.resolved_action(context)?;
            // Whole lists: what is not named in the call is gone afterwards (aws-behaviour §2.15).
            settle("elb:ModifyRule", Settle::Fresh, || {
                aws.elb
                    .modify_rule()
                    .rule_arn(&outputs.arn)
                    .set_conditions(Some(self.conditions()))
                    .actions(action.to_action())
                    .send()
            })
            .await?;
        }
        if change.touches("priority") {
            self.set_priority(context, outputs).await?;
        }
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_elb(aws, &outputs.arn, &self.tags, dropped).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ListenerRuleOutputs,
    ) -> Result<(), StepError> {
        let call = context.cloud.elb.delete_rule().rule_arn(&outputs.arn);
        match send("elb:DeleteRule", call.send()).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl ListenerRule {
    /// The ARN of the rule with this priority, whosever it is.
    async fn existing(&self, context: &Context<'_, Aws>) -> Result<Option<String>, CallError> {
        let listener = context.outputs(&self.listener)?;
        match priorities_at(context.cloud, &listener.arn).await {
            Ok(rules) => Ok(rules
                .into_iter()
                .find(|(_, priority)| *priority == self.priority)
                .map(|(arn, _)| arn)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where requests go, once the groups' ARNs are known.
    fn action(&self, arn: impl Fn(&Ref<TargetGroup>) -> Option<String>) -> Option<ActionValue> {
        let new = arn(&self.target_group)?;
        Some(match &self.turning_from {
            None => ActionValue::Forward(new),
            // A weight of 0 makes the group one of the load balancer's, which ECS asks for
            // (aws-behaviour §1 row 30), and sends it nothing.
            Some(old) => ActionValue::Weighted(BTreeMap::from([(arn(old)?, 1), (new, 0)])),
        })
    }

    fn resolved_action(&self, context: &Context<'_, Aws>) -> Result<ActionValue, CallError> {
        let groups = [Some(&self.target_group), self.turning_from.as_ref()];
        for group in groups.into_iter().flatten() {
            context.outputs(group)?;
        }
        self.action(|group| context.known.get(group, |group| group.arn))
            .ok_or_else(|| CallError::local("navi", "a target group without an ARN"))
    }

    /// Whether each request that the other takes is one that this one would take.
    fn takes_all_of(&self, other: &Self) -> bool {
        self.listener.address() == other.listener.address()
            && cover(&hosts(&self.host_headers), &hosts(&other.host_headers))
            && cover(&self.path_patterns, &other.path_patterns)
    }

    fn conditions(&self) -> Vec<RuleCondition> {
        let mut conditions = Vec::new();
        if !self.host_headers.is_empty() {
            let values = Some(self.host_headers.clone());
            let config = HostHeaderConditionConfig::builder()
                .set_values(values)
                .build();
            let condition = RuleCondition::builder().field("host-header");
            conditions.push(condition.host_header_config(config).build());
        }
        if !self.path_patterns.is_empty() {
            let values = Some(self.path_patterns.clone());
            let config = PathPatternConditionConfig::builder()
                .set_values(values)
                .build();
            let condition = RuleCondition::builder().field("path-pattern");
            conditions.push(condition.path_pattern_config(config).build());
        }
        conditions
    }

    /// Moves the rule to its priority, and in the same call the rules of the run that it changes places with:
    /// whichever went first alone would find its priority taken, and no request meets a half-done order.
    async fn set_priority(
        &self,
        context: &Context<'_, Aws>,
        outputs: &ListenerRuleOutputs,
    ) -> Result<(), CallError> {
        let listener = context.outputs(&self.listener)?;
        let current = priorities_at(context.cloud, &listener.arn).await?;
        let wanted: BTreeMap<String, u32> = context
            .changing
            .of::<ListenerRule>()
            .filter(|(_, rule)| rule.listener.address() == self.listener.address())
            .filter_map(|(address, rule)| {
                let arn = context.known.value(address)?.get("arn")?.as_str()?;
                Some((arn.to_owned(), rule.priority))
            })
            .chain([(outputs.arn.clone(), self.priority)])
            .collect();
        let moves = moved_together(&outputs.arn, &current, &wanted).map_err(|holder| {
            let what = format!(
                "the priority {} is {holder}'s, which keeps it in this run",
                self.priority
            );
            CallError {
                class: ErrorClass::AlreadyExists,
                ..CallError::local(SET_PRIORITIES, what)
            }
        })?;
        match moves.is_empty() {
            true => Ok(()),
            false => set_priorities(context.cloud, &moves).await,
        }
    }
}

/// Whether the patterns let in whatever the others do. None at all lets in everything; so does `/*`, for a path begins so.
fn cover(patterns: &[String], others: &[String]) -> bool {
    let covered = |other: &String| {
        let mut patterns = patterns.iter();
        patterns.any(|pattern| covers(pattern.as_bytes(), other.as_bytes()))
    };
    patterns.is_empty()
        || patterns
            .iter()
            .any(|pattern| pattern == "*" || pattern == "/*")
        || (!others.is_empty() && others.iter().all(covered))
}

/// Whether one pattern lets in whatever the other does: `*` stands for any characters, `?` for one.
fn covers(pattern: &[u8], other: &[u8]) -> bool {
    match (pattern, other) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            covers(rest, other) || (!other.is_empty() && covers(pattern, &other[1..]))
        }
        ([b'?', rest @ ..], [one, others @ ..]) if *one != b'*' => covers(rest, others),
        ([one, rest @ ..], [other, others @ ..]) if one == other => covers(rest, others),
        _ => false,
    }
}

/// The rules that have to move in one call with the rule `arn`, each with its priority: those that have what another
/// of them wants, and so on. None when an earlier call of the run has moved it already. Refused when one that does
/// not move is in the way.
fn moved_together(
    arn: &str,
    current: &BTreeMap<String, u32>,
    wanted: &BTreeMap<String, u32>,
) -> Result<Vec<(String, u32)>, String> {
    let moves = |arn: &str| Some((*current.get(arn)?, *wanted.get(arn)?)).filter(|(a, b)| a != b);
    let mut together: BTreeMap<String, u32> = BTreeMap::new();
    let mut open = vec![arn.to_owned()];
    while let Some(arn) = open.pop() {
        let Some((has, wants)) = moves(&arn) else {
            continue;
        };
        if together.insert(arn.clone(), wants).is_some() {
            continue;
        }
        for (other, priority) in current.iter().filter(|(other, _)| **other != arn) {
            match moves(other) {
                None if *priority == wants => return Err(other.clone()),
                // It has what this one wants, or waits for what this one has.
                Some((_, its)) if *priority == wants || its == has => open.push(other.clone()),
                _ => {}
            }
        }
    }
    Ok(together.into_iter().collect())
}

/// The priority of every rule of the listener, whosever it is, but its default.
async fn priorities_at(aws: &Aws, listener_arn: &str) -> Result<BTreeMap<String, u32>, CallError> {
    let mut found = BTreeMap::new();
    let mut marker = None;
    loop {
        let call = aws.elb.describe_rules().listener_arn(listener_arn);
        let page = send("elb:DescribeRules", call.set_marker(marker).send()).await?;
        for rule in page.rules.unwrap_or_default() {
            let priority = rule.priority.and_then(|priority| priority.parse().ok());
            if let (Some(arn), Some(priority)) = (rule.rule_arn, priority) {
                found.insert(arn, priority);
            }
        }
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(found);
        }
    }
}

const SET_PRIORITIES: &str = "elb:SetRulePriorities";

async fn set_priorities(aws: &Aws, rules: &[(String, u32)]) -> Result<(), CallError> {
    let pairs = rules
        .iter()
        .map(|(arn, value)| {
            let pair = RulePriorityPair::builder().rule_arn(arn);
            pair.priority(priority(*value)).build()
        })
        .collect();
    let call = aws
        .elb
        .set_rule_priorities()
        .set_rule_priorities(Some(pairs));
    send(SET_PRIORITIES, call.send()).await.map(|_| ())
}

/// `…:listener-rule/app/NAME/ID/LISTENER/RULE` belongs to `…:listener/app/NAME/ID/LISTENER`.
pub(super) fn listener_of(rule_arn: &str) -> String {
    let listener = rule_arn.replacen(":listener-rule/", ":listener/", 1);
    match listener.rsplit_once('/') {
        Some((listener, _)) => listener.to_owned(),
        None => listener,
    }
}

fn observed(rule: &Rule) -> ListenerRuleObserved {
    let conditions = rule.conditions();
    let values = |field: &str| -> Vec<String> {
        conditions
            .iter()
            .filter(|condition| condition.field.as_deref() == Some(field))
            .flat_map(values_of)
            .cloned()
            .collect()
    };
    ListenerRuleObserved {
        arn: rule.rule_arn.clone().unwrap_or_default(),
        priority: rule
            .priority
            .as_deref()
            .and_then(|priority| priority.parse().ok())
            .unwrap_or_default(),
        host_headers: hosts(&values("host-header")),
        path_patterns: sorted(&values("path-pattern")),
        other_conditions: conditions
            .iter()
            .filter_map(|condition| condition.field.clone())
            .filter(|field| !matches!(field.as_str(), "host-header" | "path-pattern"))
            .collect(),
        action: rule
            .actions()
            .first()
            .map_or_else(|| ActionValue::Other("none".to_owned()), ActionValue::of),
    }
}

/// AWS answers the values in the condition's config and beside it, or only in one of the two
/// (aws-behaviour §2.15).
fn values_of(condition: &RuleCondition) -> &[String] {
    let in_config = match (
        &condition.host_header_config,
        &condition.path_pattern_config,
    ) {
        (Some(hosts), _) => hosts.values(),
        (_, Some(paths)) => paths.values(),
        _ => &[],
    };
    match in_config {
        [] => condition.values(),
        values => values,
    }
}

/// Host names don't tell upper from lower case.
fn hosts(names: &[String]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    sorted(&names)
}

fn sorted(values: &[String]) -> Vec<String> {
    let mut values = values.to_vec();
    values.sort();
    values
}

/// The stack file's check keeps priorities within AWS's 1 to 50000.
fn priority(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum};
    use serde_json::json;

    use super::*;
    use crate::kinds::every_field::{Row, each_field};

    fn wanted() -> ListenerRule {
        ListenerRule {
            listener: Ref::exists("https"),
            priority: 100,
            host_headers: vec!["www.Example.com".into(), "example.com".into()],
            path_patterns: vec![],
            target_group: Ref::exists("web"),
            turning_from: None,
            tags: TagMap::from([("team".into(), "web".into())]),
        }
    }

    fn rule(condition: RuleCondition) -> ListenerRuleObserved {
        let action = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn("arn:tg")
            .build();
        observed(
            &Rule::builder()
                .rule_arn("arn:aws:elasticloadbalancing:x:1:listener-rule/app/web-lb/a/b/c")
                .priority("100")
                .conditions(condition)
                .actions(action)
                .build(),
        )
    }

    fn seen() -> ListenerRuleObserved {
        let hosts = HostHeaderConditionConfig::builder()
            .values("example.com")
            .values("www.example.com")
            .build();
        rule(
            RuleCondition::builder()
                .field("host-header")
                .values("example.com")
                .values("www.example.com")
                .host_header_config(hosts)
                .build(),
        )
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.insert(
            Address::new("listener", "https"),
            json!({ "arn": "arn:aws:elasticloadbalancing:x:1:listener/app/web-lb/a/b" }),
        );
        known.insert(
            Address::new("target_group", "web"),
            json!({ "arn": "arn:tg", "deregistration_delay_seconds": 5 }),
        );
        known
    }

    #[test]
    fn what_aws_repeats_or_reorders_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn values_beside_the_config_count_as_well() {
        let beside = RuleCondition::builder()
            .field("host-header")
            .values("www.example.com")
            .values("example.com")
            .build();
        assert_eq!(rule(beside).host_headers, seen().host_headers);
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<ListenerRule>] = &[
            (
                "listener",
                |rule| rule.listener = Ref::exists("http"),
                Effect::Replace,
            ),
            ("priority", |rule| rule.priority = 200, Effect::InPlace),
            (
                "host_headers",
                |rule| drop(rule.host_headers.pop()),
                Effect::InPlace,
            ),
            (
                "path_patterns",
                |rule| rule.path_patterns.push("/api/*".into()),
                Effect::InPlace,
            ),
            (
                "target_group",
                |rule| rule.target_group = Ref::exists("new"),
                Effect::InPlace,
            ),
            ("tags.team", |rule| rule.tags.clear(), Effect::InPlace),
            (
                "target_group",
                |rule| rule.turning_from = Some(Ref::exists("old")),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &ListenerRule| changed.diff(&seen(), Some(&wanted()), &known());
        each_field(&wanted(), diff, rows, &[]);
    }

    #[test]
    fn rules_that_change_places_move_in_one_call() {
        let priorities = |list: &[(&str, u32)]| -> BTreeMap<String, u32> {
            let named = list
                .iter()
                .map(|(arn, priority)| ((*arn).to_owned(), *priority));
            named.collect()
        };
        let current = priorities(&[("a", 10), ("b", 20), ("c", 30), ("d", 40), ("e", 50)]);
        let together =
            |arn: &str, wanted: &[(&str, u32)]| moved_together(arn, &current, &priorities(wanted));
        let listed = |moves: &[(&str, u32)]| -> Vec<(String, u32)> {
            priorities(moves).into_iter().collect()
        };
        let circle = [("a", 20), ("b", 30), ("c", 10)];
        for first in ["a", "b", "c"] {
            assert_eq!(together(first, &circle), Ok(listed(&circle)));
        }
        // A row moves whole; what has nothing to do with it goes by itself.
        let row = [("a", 20), ("b", 25), ("d", 45)];
        assert_eq!(together("a", &row), Ok(listed(&[("a", 20), ("b", 25)])));
        assert_eq!(together("b", &row), Ok(listed(&[("a", 20), ("b", 25)])));
        assert_eq!(together("d", &row), Ok(listed(&[("d", 45)])));
        assert_eq!(together("a", &[("a", 10)]), Ok(Vec::new()));
        // Somebody else's, or one that stays.
        assert_eq!(together("a", &[("a", 20)]), Err("b".to_owned()));
    }

    #[test]
    fn a_condition_that_somebody_added_is_taken_away() {
        let mut seen = seen();
        seen.other_conditions = vec!["source-ip".into()];
        let change = wanted().diff(&seen, Some(&wanted()), &known());
        assert_eq!(change.fields[0].field, "other_conditions");
        assert!(!change.replaces());
    }

    #[test]
    fn only_the_conditions_that_the_stack_sets_are_sent() {
        let mut rule = wanted();
        let fields = |rule: &ListenerRule| -> Vec<_> {
            let conditions = rule.conditions().into_iter();
            conditions.filter_map(|condition| condition.field).collect()
        };
        assert_eq!(fields(&rule), ["host-header"]);
        rule.path_patterns.push("/api/*".into());
        assert_eq!(fields(&rule), ["host-header", "path-pattern"]);
        rule.host_headers.clear();
        assert_eq!(fields(&rule), ["path-pattern"]);
    }

    #[test]
    fn a_narrower_rule_begins_where_its_requests_are_led_now() {
        let rule = |name: &str, priority, host: &str, path: &str| ListenerRule {
            priority,
            host_headers: Vec::from_iter((!host.is_empty()).then(|| host.to_owned())),
            path_patterns: Vec::from_iter((!path.is_empty()).then(|| path.to_owned())),
            target_group: Ref::exists(name),
            ..wanted()
        };
        let new = rule("new", 10, "shop.example.com", "/api/*");
        let begins = |others: &[ListenerRule]| {
            let addresses: Vec<Address> = others
                .iter()
                .map(|rule| Address::new("listener_rule", rule.target_group.address().name()))
                .collect();
            let others: Vec<_> = addresses.iter().zip(others).collect();
            let (address, bridge) = new.begins_as(&others)?;
            let from = bridge.spec.turning_from.clone()?;
            assert_eq!(bridge.spec.target_group, new.target_group);
            assert_eq!(from.address().name(), address.name());
            Some(address.name().to_owned())
        };
        let all = rule("all", 90, "", "");
        let any_path = rule("any", 80, "SHOP.example.com", "/*");
        let wildcard = rule("wildcard", 70, "*.example.com", "");
        let wider = rule("wider", 60, "shop.example.com", "/a?i/*");
        for (others, expected) in [
            (vec![all.clone()], Some("all")),
            (vec![all.clone(), any_path.clone()], Some("any")),
            (vec![all.clone(), wildcard, any_path], Some("wildcard")),
            (vec![wider, all], Some("wider")),
            (vec![rule("other", 5, "example.com", "")], None),
            (vec![rule("deeper", 5, "", "/api/v2/*")], None),
            (vec![rule("new", 5, "", "")], None),
            (vec![], None),
        ] {
            assert_eq!(begins(&others).as_deref(), expected, "{others:?}");
        }
        // A single character is not any.
        assert!(!covers(b"/a?", b"/a*") && covers(b"/a*", b"/a?") && !covers(b"/a*", b"/*"));
    }
}
