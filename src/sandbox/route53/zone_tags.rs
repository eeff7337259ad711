//! Which tags do hosted zones have? No create call takes them (aws-behaviour §2.12).

use serde_json::{Value, json};

use super::HostedZone;
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    tags::Tags,
    world::Context,
};

fn check_kind(parameters: &Parameters<'_>) -> Result<(), Fault> {
    let kind = parameters.required_string("ResourceType")?;
    if kind == "hostedzone" {
        return Ok(());
    }
    Err(Fault::new(
        "InvalidInput",
        format!("The sandbox has no resources of the type {kind}"),
    ))
}

fn tag_set(zone: &HostedZone) -> Value {
    json!({
        "ResourceType": "hostedzone",
        "ResourceId": zone.id,
        "Tags": zone.tags.to_list("Key", "Value"),
    })
}

pub fn change(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    check_kind(&parameters)?;
    let invalid = |sentence| Fault::new("InvalidInput", sentence);
    let added = Tags::from_list(&parameters.list("AddTags"), "Key", "Value").map_err(invalid)?;
    let removed = parameters.strings("RemoveTagKeys");
    if added.is_empty() && removed.is_empty() {
        return Err(invalid(
            "At least one of AddTags or RemoveTagKeys is required".to_owned(),
        ));
    }
    let zone = context
        .global
        .route53
        .zone_mut(parameters.required_string("ResourceId")?)?;
    let mut tags = zone.tags.clone();
    for key in removed {
        tags.remove(key);
    }
    tags.merge(&added).map_err(invalid)?;
    zone.tags = tags;
    Ok(json!({}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    check_kind(&parameters)?;
    let zone = context
        .global
        .route53
        .zone(parameters.required_string("ResourceId")?)?;
    Ok(json!({"ResourceTagSet": tag_set(zone)}))
}

pub fn list_many(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    check_kind(&parameters)?;
    let sets = parameters
        .strings("ResourceIds")
        .into_iter()
        .map(|id| context.global.route53.zone(id).map(tag_set))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"ResourceTagSets": sets}))
}
