//! Which tags does a scalable target have? They are an object, as the API writes them.

use serde_json::{Value, json};

use super::{ApplicationAutoScaling, request::invalid, target::ScalableTarget};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

pub fn read_tags(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    let mut tags = Tags::default();
    let listed = parameters
        .structure("Tags")
        .and_then(|tags| tags.value().as_object());
    for (key, value) in listed.into_iter().flatten() {
        tags.insert(key, value.as_str().unwrap_or_default())
            .map_err(refuse)?;
    }
    Ok(tags)
}

fn refuse(sentence: String) -> Fault {
    match sentence.starts_with("The maximum number") {
        true => Fault::new("TooManyTagsException", sentence),
        false => invalid(sentence),
    }
}

fn find<'a>(
    scaling: &'a mut ApplicationAutoScaling,
    call: &Call,
) -> Result<&'a mut ScalableTarget, Fault> {
    let arn = call.parameters().required_string("ResourceARN")?;
    scaling
        .scalable_targets
        .values_mut()
        .find(|target| target.arn == arn)
        .ok_or_else(|| {
            Fault::new(
                "ResourceNotFoundException",
                format!("The specified resource doesn't exist: {arn}"),
            )
            .with_member("ResourceName", arn)
        })
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let target = find(&mut context.region.application_auto_scaling, call)?;
    Ok(json!({"Tags": target.tags.to_object()}))
}

pub fn tag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let added = read_tags(&call.parameters())?;
    let target = find(&mut context.region.application_auto_scaling, call)?;
    let mut all = target.tags.clone();
    all.merge(&added).map_err(refuse)?;
    target.tags = all;
    Ok(json!({}))
}

pub fn untag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let target = find(&mut context.region.application_auto_scaling, call)?;
    for key in call.parameters().strings("TagKeys") {
        target.tags.remove(key);
    }
    Ok(json!({}))
}
