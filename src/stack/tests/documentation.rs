//! Does docs/STACK_FILE.md tell of everything a stack file can say?

use std::collections::BTreeSet;

use serde_json::Value;

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

#[test]
fn every_key_has_a_description() {
    fn check(schema: &Value, path: &str) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let documented =
                property["description"].is_string() || schema["description"].is_string();
            assert!(documented, "{path}.{key} has no description");
        }
    }
    let schema = schema();
    check(&schema, "");
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        check(definition, name);
        for alternative in definition["oneOf"].as_array().into_iter().flatten() {
            check(alternative, name);
        }
    }
}
