//! Does docs/STACK_FILE.md tell of everything a stack file can say?

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::try_load;
use crate::stack::schema;

const DOCUMENT: &str = include_str!("../../../docs/STACK_FILE.md");

fn collect(schema: &Value, keys: &mut BTreeSet<String>, words: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        keys.extend(properties.keys().cloned());
    }
    words.extend(schema["const"].as_str().map(str::to_owned));
    words.extend(
        schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    match schema {
        Value::Object(object) => object
            .values()
            .for_each(|value| collect(value, keys, words)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys, words)),
        _ => {}
    }
}

#[test]
fn every_key_and_every_word_is_documented() {
    let (mut keys, mut words) = (BTreeSet::new(), BTreeSet::new());
    collect(&schema(), &mut keys, &mut words);
    assert!(keys.len() > 50 && words.len() > 15, "{keys:?} {words:?}");
    let missing: Vec<&String> = keys
        .iter()
        .chain(&words)
        .filter(|name| !DOCUMENT.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/STACK_FILE.md: {missing:?}");
}

#[test]
fn every_example_loads() {
    let examples: Vec<&str> = DOCUMENT
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!examples.is_empty());
    for example in examples
        .iter()
        .filter(|example| example.contains("services:"))
    {
        if let Err(errors) = try_load(example) {
            panic!("{}", errors.render(100));
        }
    }
}

/// Every key below, as `where.it.is`, of which an editor could not say what it means.
fn unexplained(schema: &Value, place: &str, found: &mut Vec<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["description"].as_str().is_none_or(str::is_empty) {
            found.push(format!("{place}.{key}"));
        }
    }
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                unexplained(value, &format!("{place}.{key}"), found);
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| unexplained(item, place, found));
        }
        _ => {}
    }
}

#[test]
fn every_key_has_a_description() {
    let mut found = Vec::new();
    unexplained(&schema(), "$", &mut found);
    assert!(found.is_empty(), "without a description: {found:#?}");
}

#[test]
fn a_variable_may_stand_for_any_value() {
    let schema = schema();
    let variable = json!({"$ref": "#/$defs/Variable"});
    let service = &schema["$defs"]["Service"]["properties"];
    for key in ["cpu", "exec"] {
        assert_eq!(
            service[key]["anyOf"][1], variable,
            "{key}: {}",
            service[key]
        );
        assert!(service[key]["description"].is_string(), "{key}");
    }
    let words = schema["$defs"]["Nat"]["oneOf"].as_array().unwrap();
    assert_eq!(words.last(), Some(&variable));
}
