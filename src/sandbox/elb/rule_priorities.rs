//! In which order are rules tried? Priorities change together, so that two can be swapped.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    request::required_integer,
    rule::{Rule, check_priority, priority_in_use},
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

pub fn set(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let elb = &mut context.region.elb;
    let mut asked = BTreeMap::new();
    for pair in call.parameters().list("RulePriorities") {
        let rule = elb.rule(pair.required_string("RuleArn")?)?;
        rule.refuse_change_of_default("given a priority")?;
        let priority = check_priority(required_integer(&pair, "Priority")?)?;
        asked.insert(rule.arn.clone(), priority);
    }
    let wanted = |rule: &Rule| asked.get(&rule.arn).copied().or(rule.priority);
    for arn in asked.keys() {
        let rule = elb.rule(arn)?;
        let others = elb.rules_of(&rule.listener);
        if let Some(priority) = wanted(rule)
            && others
                .iter()
                .any(|other| other.arn != *arn && wanted(other) == Some(priority))
        {
            return Err(priority_in_use(priority));
        }
    }
    let mut changed = Vec::new();
    for (arn, priority) in &asked {
        let rule = elb.rule_mut(arn)?;
        rule.priority = Some(*priority);
        changed.push(rule.to_value());
    }
    Ok(json!({"Rules": changed}))
}
