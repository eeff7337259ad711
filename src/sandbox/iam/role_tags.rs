//! Which tags does a role have?

use serde_json::Value;

use super::page;
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

pub fn read(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    Tags::from_list(&parameters.list("Tags"), "Key", "Value").map_err(invalid)
}

fn invalid(sentence: String) -> Fault {
    Fault::new("InvalidInput", sentence)
}

pub fn tag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let tags = read(&parameters)?;
    let role = context
        .global
        .iam
        .role_mut(parameters.required_string("RoleName")?)?;
    role.refuse_change_if_protected()?;
    let mut all = role.tags.clone();
    all.merge(&tags).map_err(invalid)?;
    role.tags = all;
    Ok(Value::Null)
}

pub fn untag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role = context
        .global
        .iam
        .role_mut(parameters.required_string("RoleName")?)?;
    role.refuse_change_if_protected()?;
    for key in parameters.strings("TagKeys") {
        role.tags.remove(key);
    }
    Ok(Value::Null)
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role = context
        .global
        .iam
        .role(parameters.required_string("RoleName")?)?;
    let items = role
        .tags
        .iter()
        .map(|(key, value)| {
            (
                key.to_owned(),
                serde_json::json!({"Key": key, "Value": value}),
            )
        })
        .collect();
    page(&parameters, "Tags", items)
}
