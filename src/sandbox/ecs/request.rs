//! What do ECS's requests have in common? Refusals, pages, tags at create.

use serde_json::{Value, json};

use crate::sandbox::{
    call::Parameters,
    fault::Fault,
    pagination::{InvalidToken, paginate},
    tags::Tags,
};

pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

pub fn client(message: impl Into<String>) -> Fault {
    Fault::new("ClientException", message)
}

pub fn tags_at_create(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    Tags::from_list(&parameters.list("tags"), "key", "value").map_err(invalid)
}

pub fn tag_list(tags: &Tags) -> Value {
    tags.to_list("key", "value")
}

/// Whether a Describe operation is to show something that it else leaves out.
pub fn includes(parameters: &Parameters<'_>, what: &str) -> bool {
    parameters.strings("include").contains(&what)
}

/// Letters, digits, hyphens, underscores.
pub fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.chars().count())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
}

/// What could not be described, as ECS says it beside what could.
pub fn missing(arn: String) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// One page of ARNs, which are sorted.
pub fn page(
    parameters: &Parameters<'_>,
    list: &str,
    arns: Vec<String>,
    default_size: i64,
) -> Result<Value, Fault> {
    let items = arns
        .into_iter()
        .map(|arn| (arn.clone(), Value::String(arn)))
        .collect();
    page_of_values(parameters, list, items, default_size)
}

/// One page of `items`, which are sorted by their keys.
pub fn page_of_values(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
    default_size: i64,
) -> Result<Value, Fault> {
    let size = parameters.integer("maxResults")?.unwrap_or(default_size);
    if !(1..=100).contains(&size) {
        return Err(invalid("maxResults must be between 1 and 100"));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let page = paginate(items, size, parameters.string("nextToken"))
        .map_err(|InvalidToken| invalid("Invalid token."))?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["nextToken"] = next.into();
    }
    Ok(answer)
}
