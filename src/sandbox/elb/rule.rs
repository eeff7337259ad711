//! What is a rule? For requests like this, do that.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    action::{self, Action},
    condition::{self, Condition},
    listener::Listener,
    request::{invalid, page, required_integer, tags_at_create},
    state::Elb,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

/// Rules per load balancer, without the default ones (aws-behaviour §5).
const MOST_RULES: usize = 100;

#[derive(Debug, Serialize)]
pub struct Rule {
    pub arn: String,
    pub listener: String,
    /// None: the default rule.
    pub priority: Option<i64>,
    pub conditions: Vec<Condition>,
    pub actions: Vec<Action>,
    pub tags: Tags,
}

impl Rule {
    pub fn default_of(context: &mut Context<'_>, listener: &Listener) -> Self {
        let path = listener.rule_path(&context.ids.hexadecimal(16));
        Self {
            arn: context.arn("elasticloadbalancing", path),
            listener: listener.arn.clone(),
            priority: None,
            conditions: Vec::new(),
            actions: listener.default_actions.clone(),
            tags: Tags::default(),
        }
    }

    pub fn to_value(&self) -> Value {
        let conditions: Value = self.conditions.iter().map(Condition::to_value).collect();
        json!({
            "RuleArn": self.arn,
            "Priority": self.priority.map_or_else(|| "default".to_owned(), |priority| priority.to_string()),
            "Conditions": conditions,
            "Actions": action::to_list(&self.actions),
            "IsDefault": self.priority.is_none(),
        })
    }

    /// By priority, the default rule last.
    pub fn order(&self) -> i64 {
        self.priority.unwrap_or(i64::MAX)
    }

    pub fn refuse_change_of_default(&self, change: &str) -> Result<(), Fault> {
        match self.priority {
            Some(_) => Ok(()),
            None => Err(Fault::new(
                "OperationNotPermitted",
                format!("Default rule '{}' cannot be {change}", self.arn),
            )),
        }
    }
}

pub fn not_found() -> Fault {
    Fault::new("RuleNotFound", "One or more rules not found")
}

pub fn check_priority(priority: i64) -> Result<i64, Fault> {
    if (1..=50_000).contains(&priority) {
        return Ok(priority);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{priority}' at 'priority' failed to satisfy constraint: Member must have value between 1 and 50000"
    )))
}

pub fn priority_in_use(priority: i64) -> Fault {
    Fault::new(
        "PriorityInUse",
        format!("Priority '{priority}' is currently in use"),
    )
}

/// Not idempotent: the same rule again meets its own priority (aws-behaviour §2.15).
pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let elb = &context.region.elb;
    let listener = elb.listener(parameters.required_string("ListenerArn")?)?;
    let priority = check_priority(required_integer(&parameters, "Priority")?)?;
    let conditions = condition::read(&parameters.list("Conditions"))?;
    let actions = action::read(elb, &listener.load_balancer, &parameters.list("Actions"))?;
    let tags = tags_at_create(&parameters)?;
    let others = elb.rules_of(&listener.arn);
    if others.iter().any(|other| other.priority == Some(priority)) {
        return Err(priority_in_use(priority));
    }
    if others.len() > MOST_RULES {
        return Err(Fault::new(
            "TooManyRules",
            "The maximum number of rules has been reached",
        ));
    }
    let path = listener.rule_path(&context.ids.hexadecimal(16));
    let rule = Rule {
        arn: context.arn("elasticloadbalancing", path),
        listener: listener.arn.clone(),
        priority: Some(priority),
        conditions,
        actions,
        tags,
    };
    let answer = rule.to_value();
    context.region.elb.rules.insert(rule.arn.clone(), rule);
    Ok(json!({"Rules": [answer]}))
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let elb = &context.region.elb;
    let arns = parameters.strings("RuleArns");
    let rules = match parameters.string("ListenerArn") {
        Some(listener) => {
            elb.listener(listener)?;
            elb.rules_of(listener)
        }
        None if arns.is_empty() => {
            return Err(invalid(
                "You must specify either listener rule ARNs or a listener ARN",
            ));
        }
        None => arns
            .iter()
            .map(|arn| elb.rule(arn))
            .collect::<Result<_, _>>()?,
    };
    let shown = rules
        .into_iter()
        .map(|rule| {
            (
                format!("{:020} {}", rule.order(), rule.arn),
                rule.to_value(),
            )
        })
        .collect::<std::collections::BTreeMap<_, _>>();
    page(&parameters, "Rules", shown.into_iter().collect())
}

/// Lists that are given replace the old ones whole (aws-behaviour §2.15).
pub fn modify(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("RuleArn")?;
    let elb = &mut context.region.elb;
    let rule = elb.rule(arn)?;
    rule.refuse_change_of_default("modified")?;
    let load_balancer = elb.listener(&rule.listener)?.load_balancer.clone();
    let conditions = match parameters.has("Conditions") {
        true => condition::read(&parameters.list("Conditions"))?,
        false => rule.conditions.clone(),
    };
    let actions = match parameters.has("Actions") {
        true => action::read(elb, &load_balancer, &parameters.list("Actions"))?,
        false => rule.actions.clone(),
    };
    let rule = elb.rule_mut(arn)?;
    rule.conditions = conditions;
    rule.actions = actions;
    Ok(json!({"Rules": [rule.to_value()]}))
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let arn = call.parameters().required_string("RuleArn")?;
    let elb = &mut context.region.elb;
    elb.rule(arn)?.refuse_change_of_default("deleted")?;
    elb.rules.remove(arn);
    Ok(json!({}))
}

/// The default rule does what its listener says.
pub fn set_default_actions(elb: &mut Elb, listener: &str, actions: &[Action]) {
    for rule in elb.rules.values_mut() {
        if rule.listener == listener && rule.priority.is_none() {
            rule.actions = actions.to_vec();
        }
    }
}

/// The rule that a request to a listener meets.
pub fn rule_for<'a>(elb: &'a Elb, listener: &str, host: &str, path: &str) -> Option<&'a Rule> {
    elb.rules_of(listener).into_iter().find(|rule| {
        rule.conditions
            .iter()
            .all(|condition| condition.matches(host, path))
    })
}
