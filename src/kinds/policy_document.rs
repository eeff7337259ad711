//! Do two IAM policy documents mean the same, however they are written?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A document as IAM answers it: URL-encoded (aws-behaviour §2.8).
pub(super) fn parsed(document: &str) -> Value {
    let text = percent_decoded(document);
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| std::str::from_utf8(tail.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(value) => {
                decoded.push(value);
                rest = &tail[2..];
            }
            None => {
                decoded.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The one form of all documents that mean the same: no order among statements, actions, resources,
/// principals and condition values, and a single string for a list of one (aws-behaviour §2.8).
pub(super) fn canonical_policy(document: &Value) -> Value {
    canonical_object(document, |key, value| match key {
        "Statement" => {
            let mut statements: Vec<Value> = listed(value).map(canonical_statement).collect();
            statements.sort_by_key(Value::to_string);
            Value::Array(statements)
        }
        _ => value.clone(),
    })
}

/// The document with those statements of another that it doesn't have; the other, where there is none.
pub(super) fn with_statements_of(document: Option<Value>, other: &Value) -> Value {
    let Some(mut document) = document else {
        return other.clone();
    };
    let statements = |document: &Value| -> Vec<Value> {
        listed(
            document
                .get("Statement")
                .unwrap_or(&Value::Array(Vec::new())),
        )
        .cloned()
        .collect()
    };
    let mut all = statements(&document);
    let has: BTreeSet<String> = all
        .iter()
        .map(|statement| canonical_statement(statement).to_string())
        .collect();
    let more: Vec<Value> = statements(other)
        .into_iter()
        .filter(|statement| !has.contains(&canonical_statement(statement).to_string()))
        .collect();
    if !more.is_empty() {
        all.extend(more);
        document["Statement"] = Value::Array(all);
    }
    document
}

fn canonical_statement(statement: &Value) -> Value {
    canonical_object(statement, |key, value| match key {
        "Action" | "NotAction" | "Resource" | "NotResource" => canonical_strings(value),
        // `"*"` is short for `{"AWS": "*"}`.
        "Principal" | "NotPrincipal" => match value {
            Value::Object(_) => canonical_object(value, |_, names| canonical_strings(names)),
            anyone => canonical_object(
                &Value::Object(Map::from_iter([("AWS".to_owned(), anyone.clone())])),
                |_, names| canonical_strings(names),
            ),
        },
        "Condition" => canonical_object(value, |_, keys| {
            canonical_object(keys, |_, values| canonical_strings(values))
        }),
        _ => value.clone(),
    })
}

fn canonical_object(value: &Value, each: impl Fn(&str, &Value) -> Value) -> Value {
    let Value::Object(fields) = value else {
        return value.clone();
    };
    let sorted: BTreeMap<String, Value> = fields
        .iter()
        .map(|(key, value)| (key.clone(), each(key, value)))
        .collect();
    Value::Object(sorted.into_iter().collect())
}

fn canonical_strings(value: &Value) -> Value {
    let strings: BTreeSet<String> = listed(value)
        .map(|item| match item {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    strings.into_iter().map(Value::String).collect()
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    }
    .iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_read_from_its_url_encoding() {
        let document =
            parsed("%7B%22Version%22%3A%20%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D");
        assert_eq!(
            document,
            json!({ "Version": "2012-10-17", "Statement": [] })
        );
        assert_eq!(parsed("{\"a\": \"100%\"}"), json!({ "a": "100%" }));
    }

    #[test]
    fn effect_and_conditions_keep_their_meaning() {
        let statement = |value: Value| canonical_policy(&json!({ "Statement": value }));
        let boolean =
            json!({ "Effect": "Allow", "Condition": { "Bool": { "aws:SecureTransport": true } } });
        let string = json!({ "Effect": "Allow", "Condition": { "Bool": { "aws:SecureTransport": ["true"] } } });
        let denied =
            json!({ "Effect": "Deny", "Condition": { "Bool": { "aws:SecureTransport": "true" } } });
        assert_eq!(statement(boolean.clone()), statement(string));
        assert_ne!(statement(boolean), statement(denied));
        let anyone = json!({ "Principal": "*" });
        assert_eq!(
            statement(anyone),
            statement(json!({ "Principal": { "AWS": ["*"] } }))
        );
    }
}
