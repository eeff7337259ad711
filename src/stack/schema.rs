//! What is the JSON Schema of a stack file?

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::file::StackFile;

static SCHEMA: LazyLock<Value> = LazyLock::new(generate);

/// The JSON Schema of the stack file as it is written, for editors: any value may be a variable.
pub fn schema() -> Value {
    let mut schema = SCHEMA.clone();
    allow_variables(&mut schema);
    schema["$defs"][VARIABLE] = json!({
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        "description": "A variable: `${NAME}`, or `${NAME:-default}`.",
    });
    schema
}

/// Its definition in the schema.
const VARIABLE: &str = "Variable";

/// The JSON Schema of a stack file whose variables are filled in, for navi's own check of its shape.
pub(super) fn root() -> &'static Value {
    &SCHEMA
}

fn generate() -> Value {
    let mut schema = schemars::schema_for!(StackFile).to_value();
    forbid_null(&mut schema);
    explain_choices(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), "navi stack file".into());
    }
    schema
}

/// Where one of several keys is to be given, schemars explains the choice and not the key: an editor shows what the key says.
fn explain_choices(schema: &mut Value) {
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
        for choice in choices {
            let description = choice["description"].clone();
            let properties = choice.get_mut("properties").and_then(Value::as_object_mut);
            if let Some(properties) = properties
                && description.is_string()
            {
                for property in properties.values_mut().filter_map(Value::as_object_mut) {
                    let explained = property.entry("description");
                    explained.or_insert_with(|| description.clone());
                }
            }
        }
    }
    match schema {
        Value::Object(object) => object.values_mut().for_each(explain_choices),
        Value::Array(items) => items.iter_mut().for_each(explain_choices),
        _ => {}
    }
}

/// Wherever a text alone won't do, a variable will.
fn allow_variables(schema: &mut Value) {
    let variable = || json!({"$ref": format!("#/$defs/{VARIABLE}")});
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf")
        && choices.iter().all(is_word)
    {
        return choices.push(variable());
    }
    if is_word(schema) || is_no_plain_text(schema) {
        let mut value = schema.take();
        let description = value
            .as_object_mut()
            .and_then(|value| value.shift_remove("description"));
        *schema = json!({"anyOf": [value, variable()]});
        if let Some(description) = description {
            schema["description"] = description;
        }
        return;
    }
    let Value::Object(object) = schema else {
        return;
    };
    for (keyword, below) in object.iter_mut() {
        match (keyword.as_str(), below) {
            ("properties" | "$defs", Value::Object(named)) => {
                named.values_mut().for_each(allow_variables);
            }
            ("anyOf" | "oneOf", Value::Array(choices)) => {
                choices.iter_mut().for_each(allow_variables);
            }
            ("items" | "additionalProperties", below) => allow_variables(below),
            _ => {}
        }
    }
}

/// One or more words of which the value has to be one.
fn is_word(schema: &Value) -> bool {
    schema["const"].is_string() || schema["enum"].is_array()
}

fn is_no_plain_text(schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => schema["pattern"].is_string(),
        Some(kind) => ["boolean", "integer", "number"].contains(&kind),
        None => false,
    }
}

/// An optional key may be left out but not left empty: `route:` without a value could mean either of two things.
/// schemars lets every `Option` be null, so that is taken out again.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            without_null_type(object);
            without_null_alternative(object);
            object.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

fn without_null_type(object: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = object.get_mut("type") else {
        return;
    };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        object.insert("type".to_owned(), only);
    }
}

fn without_null_alternative(object: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else {
        return;
    };
    alternatives.retain(|alternative| alternative["type"] != "null");
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        object.extend(only);
    }
}
