//! What is the JSON Schema of a stack file?

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::file::StackFile;

static SCHEMA: LazyLock<Value> = LazyLock::new(generate);

/// The JSON Schema of the stack file, for editors and for navi's own check of a file's shape.
pub fn schema() -> Value {
    SCHEMA.clone()
}

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
