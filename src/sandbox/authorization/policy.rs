//! What does a policy document allow? IAM's rules, as far as identity-based policies for AWS's own services need them.

use serde_json::Value;

use super::{Asked, Keys, Target};
use crate::sandbox::wildcard::is_like;

#[derive(Debug)]
pub struct Policy(Vec<Statement>);

#[derive(Debug)]
struct Statement {
    is_deny: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equals,
    Like,
    /// Every value that the request has for the key; also none.
    AllEqual,
    AllLike,
}

impl Operator {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "StringEquals" => Self::Equals,
            "StringLike" | "ArnEquals" | "ArnLike" => Self::Like,
            "ForAllValues:StringEquals" => Self::AllEqual,
            "ForAllValues:StringLike" => Self::AllLike,
            _ => return None,
        })
    }
}

impl Policy {
    /// The error says what of the document the sandbox can't go by: what it doesn't understand must not pass for allowed.
    pub fn read(document: &Value) -> Result<Self, String> {
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.as_slice(),
            Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
            _ => return Err("the document has no Statement".to_owned()),
        };
        let read = statements.iter().map(Statement::read);
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// Allowed by one statement of one policy and denied by none.
    pub fn allow(policies: &[Policy], asked: &Asked, target: &Target) -> bool {
        let mut allowed = false;
        let statements = policies.iter().flat_map(|policy| &policy.0);
        for statement in statements.filter(|statement| statement.holds(asked, target)) {
            if statement.is_deny {
                return false;
            }
            allowed = true;
        }
        allowed
    }
}

impl Statement {
    fn read(statement: &Value) -> Result<Self, String> {
        const UNDERSTOOD: [&str; 5] = ["Sid", "Effect", "Action", "Resource", "Condition"];
        let members = statement.as_object().ok_or("a statement is an object")?;
        if let Some(other) = members
            .keys()
            .find(|name| !UNDERSTOOD.contains(&name.as_str()))
        {
            return Err(format!("the sandbox does not understand {other}"));
        }
        let mut conditions = Vec::new();
        let listed = statement.get("Condition").and_then(Value::as_object);
        for (name, keys) in listed.into_iter().flatten() {
            let operator = Operator::of(name)
                .ok_or_else(|| format!("the sandbox does not understand the operator {name}"))?;
            for (key, values) in keys.as_object().into_iter().flatten() {
                conditions.push(Condition {
                    operator,
                    key: key.to_ascii_lowercase(),
                    values: texts(Some(values)),
                });
            }
        }
        Ok(Self {
            is_deny: match statement["Effect"].as_str() {
                Some("Allow") => false,
                Some("Deny") => true,
                _ => return Err("Effect is Allow or Deny".to_owned()),
            },
            actions: texts(statement.get("Action")),
            resources: texts(statement.get("Resource")),
            conditions,
        })
    }

    fn holds(&self, asked: &Asked, target: &Target) -> bool {
        let action = asked.action.to_ascii_lowercase();
        let on_action = |pattern: &String| is_like(&pattern.to_ascii_lowercase(), &action);
        self.actions.iter().any(on_action)
            && self.resources.iter().any(|one| is_like(one, &target.arn))
            && self.conditions.iter().all(|condition| {
                if target.is_missing && condition.key.starts_with("aws:resourcetag/") {
                    return true;
                }
                let values = value_of(&asked.keys, &condition.key)
                    .or_else(|| value_of(&target.keys, &condition.key));
                condition.holds(values.map_or(&[], Vec::as_slice))
            })
    }
}

/// Keys are the same whatever the case of their letters.
fn value_of<'a>(keys: &'a Keys, key: &str) -> Option<&'a Vec<String>> {
    keys.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, values)| values)
}

impl Condition {
    fn holds(&self, given: &[String]) -> bool {
        let equals = |value: &String| self.values.contains(value);
        let like = |value: &String| self.values.iter().any(|one| is_like(one, value));
        match self.operator {
            Operator::Equals => given.iter().any(equals),
            Operator::Like => given.iter().any(like),
            Operator::AllEqual => given.iter().all(equals),
            Operator::AllLike => given.iter().all(like),
        }
    }
}

/// A text, or a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}
