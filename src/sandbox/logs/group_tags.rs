//! Which tags does a log group have?

use serde_json::{Value, json};

use super::{Logs, group::LogGroup, invalid};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

/// CloudWatch Logs writes tags as an object.
pub fn read(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    let mut tags = Tags::default();
    let listed = parameters
        .structure("tags")
        .and_then(|tags| tags.value().as_object());
    for (key, value) in listed.into_iter().flatten() {
        tags.insert(key, value.as_str().unwrap_or_default())
            .map_err(refuse)?;
    }
    Ok(tags)
}

fn refuse(sentence: String) -> Fault {
    if sentence.starts_with("The maximum number") {
        Fault::new("TooManyTagsException", sentence)
    } else {
        invalid(sentence)
    }
}

fn find<'a>(logs: &'a mut Logs, parameters: &Parameters<'_>) -> Result<&'a mut LogGroup, Fault> {
    let arn = parameters.required_string("resourceArn")?;
    logs.groups
        .values_mut()
        .find(|group| group.arn == arn)
        .ok_or_else(|| {
            Fault::new(
                "ResourceNotFoundException",
                "The specified resource does not exist.",
            )
        })
}

pub fn tag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let tags = read(&parameters)?;
    let group = find(&mut context.region.logs, &parameters)?;
    let mut all = group.tags.clone();
    all.merge(&tags).map_err(refuse)?;
    group.tags = all;
    Ok(Value::Null)
}

pub fn untag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let group = find(&mut context.region.logs, &parameters)?;
    for key in parameters.strings("tagKeys") {
        group.tags.remove(key);
    }
    Ok(Value::Null)
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let group = find(&mut context.region.logs, &call.parameters())?;
    Ok(json!({"tags": group.tags.to_object()}))
}
