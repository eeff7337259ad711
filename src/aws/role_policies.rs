//! Do a role's own policies allow some actions? Read from the policies; what else AWS weighs (boundaries, service control policies) is not seen.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Aws, send};
use crate::resource::CallError;

/// What the policies of a role say of some actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// All of them are allowed.
    Allowed,
    /// These are not.
    Missing(Vec<String>),
    /// It can't be told, for this reason: nobody may read the policies, or they depend on what only AWS knows.
    Unknown(String),
}

/// What the policies of a role allow. A policy that can't be read makes the answer unknown, unless another one allows all.
pub async fn role_allows(aws: &Aws, role: &str, actions: &[&str]) -> Allowance {
    let (inline, attached) =
        futures::join!(inline_documents(aws, role), attached_documents(aws, role));
    let mut documents = Vec::new();
    let mut unread = None;
    for read in [inline, attached] {
        match read {
            Ok((some, missing)) => {
                documents.extend(some);
                unread = unread.or(missing);
            }
            Err(error) => unread = Some(error.to_string()),
        }
    }
    weigh(&documents, unread, actions)
}

/// Documents, and why one of them could not be read.
type Documents = (Vec<Value>, Option<String>);

async fn inline_documents(aws: &Aws, role: &str) -> Result<Documents, CallError> {
    let pages = aws.iam.list_role_policies().role_name(role);
    let pages = pages.into_paginator().items().send();
    let names: Vec<String> = send("iam:ListRolePolicies", pages.collect::<Result<_, _>>()).await?;
    let mut documents = Vec::new();
    for name in names {
        let call = aws.iam.get_role_policy().role_name(role).policy_name(name);
        let answer = send("iam:GetRolePolicy", call.send()).await?;
        documents.extend(document(&answer.policy_document));
    }
    Ok((documents, None))
}

async fn attached_documents(aws: &Aws, role: &str) -> Result<Documents, CallError> {
    let pages = aws.iam.list_attached_role_policies().role_name(role);
    let pages = pages.into_paginator().items().send();
    let policies: Vec<_> = send(
        "iam:ListAttachedRolePolicies",
        pages.collect::<Result<_, _>>(),
    )
    .await?;
    let (mut documents, mut unread) = (Vec::new(), None);
    for policy in policies {
        let arn = policy.policy_arn.unwrap_or_default();
        match managed_document(aws, &arn).await {
            Ok(found) => documents.extend(found),
            Err(error) => unread = Some(error.to_string()),
        }
    }
    Ok((documents, unread))
}

async fn managed_document(aws: &Aws, arn: &str) -> Result<Option<Value>, CallError> {
    let call = aws.iam.get_policy().policy_arn(arn);
    let policy = send("iam:GetPolicy", call.send()).await?.policy;
    let version = policy.and_then(|policy| policy.default_version_id);
    let call = aws.iam.get_policy_version().policy_arn(arn);
    let call = call.set_version_id(version);
    let answer = send("iam:GetPolicyVersion", call.send()).await?;
    let text = answer.policy_version.and_then(|version| version.document);
    Ok(text.as_deref().and_then(document))
}

/// IAM writes documents as in a URL (IAM API reference, GetRolePolicy).
fn document(text: &str) -> Option<Value> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    serde_json::from_str(&text).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Allow,
    Deny,
    /// It depends on a condition, or on a resource.
    Perhaps,
}

fn weigh(documents: &[Value], unread: Option<String>, actions: &[&str]) -> Allowance {
    let mut missing = Vec::new();
    let mut depends = Vec::new();
    for action in actions {
        let words: Vec<Word> = documents
            .iter()
            .flat_map(|document| listed(&document["Statement"]))
            .filter_map(|statement| word(statement, action))
            .collect();
        if words.contains(&Word::Deny) {
            missing.push((*action).to_owned());
        } else if words.contains(&Word::Perhaps) {
            depends.push(*action);
        } else if !words.contains(&Word::Allow) {
            missing.push((*action).to_owned());
        }
    }
    match (missing.is_empty(), depends.is_empty(), unread) {
        (true, true, _) => Allowance::Allowed,
        (_, _, Some(reason)) => Allowance::Unknown(reason),
        (false, _, None) => Allowance::Missing(missing),
        (true, false, None) => Allowance::Unknown(format!(
            "whether {} may be called depends on a condition or a resource in its policies",
            depends.join(", ")
        )),
    }
}

/// What a statement says of an action, if anything.
fn word(statement: &Value, action: &str) -> Option<Word> {
    let names = |member: &str| {
        let mut patterns = listed(&statement[member]).filter_map(Value::as_str);
        patterns.any(|pattern| {
            let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
            is_like(pattern.as_bytes(), action.as_bytes())
        })
    };
    let concerned = match statement["NotAction"].is_null() {
        true => names("Action"),
        false => !names("NotAction"),
    };
    if !concerned {
        return None;
    }
    let everywhere = listed(&statement["Resource"]).any(|resource| resource == "*");
    Some(
        match (
            statement["Condition"].is_null(),
            everywhere,
            &statement["Effect"],
        ) {
            (true, true, effect) if effect == "Allow" => Word::Allow,
            (true, true, _) => Word::Deny,
            _ => Word::Perhaps,
        },
    )
}

/// IAM takes one in place of a list of one.
fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    let (many, one) = match value {
        Value::Array(many) => (many.as_slice(), None),
        Value::Null => (&[] as &[Value], None),
        one => (&[] as &[Value], Some(one)),
    };
    many.iter().chain(one)
}

/// `*` and `?` are wild in the names of actions.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            is_like(rest, text) || (!text.is_empty() && is_like(pattern, &text[1..]))
        }
        ([expected, rest @ ..], [found, after @ ..]) => {
            (*expected == b'?' || expected == found) && is_like(rest, after)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACTIONS: [&str; 2] = [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:OpenDataChannel",
    ];

    fn of(statements: Value) -> Allowance {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        weigh(&[document], None, &ACTIONS)
    }

    #[test]
    fn what_allows_is_told_from_what_lacks_and_what_depends() {
        let allow = |actions: Value| json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        assert_eq!(of(allow(json!("ssmmessages:*"))), Allowance::Allowed);
        assert_eq!(of(json!([allow(json!(["*"]))])), Allowance::Allowed);
        assert_eq!(
            of(allow(json!([
                "SSMMessages:Create*",
                "ssmmessages:Open?ataChannel"
            ]))),
            Allowance::Allowed
        );
        assert_eq!(
            of(allow(json!(["ssmmessages:Create*", "logs:*"]))),
            Allowance::Missing(vec!["ssmmessages:OpenDataChannel".to_owned()])
        );
        let mut depends = allow(json!("ssmmessages:*"));
        depends["Condition"] = json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}});
        assert!(matches!(of(depends), Allowance::Unknown(_)));
        let deny = json!({"Effect": "Deny", "Action": "ssmmessages:Open*", "Resource": ["*"]});
        assert_eq!(
            of(json!([allow(json!("*")), deny])),
            Allowance::Missing(vec!["ssmmessages:OpenDataChannel".to_owned()])
        );
    }

    #[test]
    fn what_can_t_be_read_is_unknown_unless_the_rest_allows() {
        let denied = || Some("iam:GetPolicy answered AccessDenied".to_owned());
        assert_eq!(
            weigh(&[], denied(), &ACTIONS),
            Allowance::Unknown("iam:GetPolicy answered AccessDenied".to_owned())
        );
        let all = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        assert_eq!(weigh(&[all], denied(), &ACTIONS), Allowance::Allowed);
    }

    /// As GetRolePolicy answers it.
    #[test]
    fn a_document_is_written_as_in_a_url() {
        let text = "%7B%22Statement%22%3A%5B%5D%7D";
        assert_eq!(document(text), Some(json!({"Statement": []})));
    }
}
