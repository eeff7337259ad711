//! Which policy documents does IAM take, and how does it hand them back?

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::sandbox::fault::Fault;

/// What a policy is for: a trust policy names who, a permission policy names what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Trust,
    Permission,
}

/// RFC 3986's unreserved characters stay as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Documents come back URL-encoded (aws-behaviour §2.8).
pub fn encode(document: &str) -> String {
    utf8_percent_encode(document, ESCAPED).to_string()
}

/// IAM's quotas do not count white space.
pub fn size(document: &str) -> usize {
    document
        .chars()
        .filter(|character| !character.is_whitespace())
        .count()
}

pub fn check(document: &str, purpose: Purpose) -> Result<(), Fault> {
    let policy: Value = serde_json::from_str(document)
        .map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return Err(malformed("Syntax errors in policy.")),
    };
    statements
        .iter()
        .try_for_each(|statement| check_statement(statement, purpose))
}

fn check_statement(statement: &Value, purpose: Purpose) -> Result<(), Fault> {
    let has = |name: &str| {
        statement.get(name).is_some() || statement.get(format!("Not{name}").as_str()).is_some()
    };
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        Some(_) => return Err(malformed("Invalid effect")),
        None => return Err(malformed("Missing required field Effect")),
    }
    if !has("Action") {
        return Err(malformed("Policy statement must contain actions."));
    }
    match purpose {
        Purpose::Trust if !has("Principal") => Err(malformed("Missing required field Principal")),
        Purpose::Trust if has("Resource") => Err(malformed("Has prohibited field Resource")),
        Purpose::Permission if has("Principal") => {
            Err(malformed("Policy document should not specify a principal."))
        }
        Purpose::Permission if !has("Resource") => {
            Err(malformed("Policy statement must contain resources."))
        }
        _ => Ok(()),
    }
}

fn malformed(message: &str) -> Fault {
    Fault::new("MalformedPolicyDocument", message)
}
