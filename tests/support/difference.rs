//! What differs between two inventories, a line each?

use std::collections::BTreeSet;

use serde_json::Value;

/// What came (`+`), went (`-`) and became something else (`~`), by its path in the inventory. An object that came or went
/// as a whole is one line.
pub fn difference(before: &Value, after: &Value) -> String {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    lines.concat()
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (parts(before), parts(after)) {
        (Some(old), Some(new)) => {
            let keys: BTreeSet<&String> = old.iter().chain(&new).map(|(key, _)| key).collect();
            for key in keys {
                let of = |parts: &[(String, &Value)]| {
                    let mut parts = parts.iter();
                    parts
                        .find(|(found, _)| found == key)
                        .map_or(Value::Null, |(_, value)| (*value).clone())
                };
                let below = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                compare(&below, &of(&old), &of(&new), lines);
            }
        }
        _ if before.is_null() => lines.push(format!("+ {path}: {}\n", plain(after))),
        _ if after.is_null() => lines.push(format!("- {path}: {}\n", plain(before))),
        _ => lines.push(format!("~ {path}: {} → {}\n", plain(before), plain(after))),
    }
}

/// What a value consists of: the parts of a list of objects are known by their names, else by their places.
fn parts(value: &Value) -> Option<Vec<(String, &Value)>> {
    match value {
        Value::Object(object) => Some(
            object
                .iter()
                .map(|(key, part)| (key.clone(), part))
                .collect(),
        ),
        Value::Array(list) if list.iter().all(Value::is_object) => Some(
            list.iter()
                .enumerate()
                .map(|(place, part)| match part["name"].as_str() {
                    Some(name) => (name.to_owned(), part),
                    None => (place.to_string(), part),
                })
                .collect(),
        ),
        _ => None,
    }
}

/// JSON without its quotation marks, as a plan writes values.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(plain).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(object) => {
            let fields = object
                .iter()
                .map(|(key, part)| format!("{key}: {}", plain(part)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
