//! Which tags do namespaces and services have?

use serde_json::{Value, json};

use super::{
    request::{invalid_tags, tags_at_create},
    state::CloudMap,
};
use crate::sandbox::{call::Call, fault::Fault, tags::Tags, world::Context};

fn find<'a>(cloud_map: &'a mut CloudMap, call: &Call) -> Result<&'a mut Tags, Fault> {
    let arn = call.parameters().required_string("ResourceARN")?;
    let namespaces = cloud_map
        .namespaces
        .values_mut()
        .map(|namespace| (&namespace.arn, &mut namespace.tags));
    let services = cloud_map
        .services
        .values_mut()
        .map(|service| (&service.arn, &mut service.tags));
    namespaces
        .chain(services)
        .find(|(known, _)| *known == arn)
        .map(|(_, tags)| tags)
        .ok_or_else(|| {
            Fault::new(
                "ResourceNotFoundException",
                format!("The resource {arn} can't be found"),
            )
        })
}

pub fn tag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let added = tags_at_create(&call.parameters())?;
    let tags = find(&mut context.region.cloud_map, call)?;
    let mut all = tags.clone();
    all.merge(&added).map_err(invalid_tags)?;
    *tags = all;
    Ok(json!({}))
}

pub fn untag(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = find(&mut context.region.cloud_map, call)?;
    for key in call.parameters().strings("TagKeys") {
        tags.remove(key);
    }
    Ok(json!({}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let tags = find(&mut context.region.cloud_map, call)?;
    Ok(json!({"Tags": tags.to_list("Key", "Value")}))
}
