//! What do this service's requests have in common? Names, tags at create, pages.

use serde_json::{Value, json};

use crate::sandbox::{
    call::Parameters,
    fault::Fault,
    pagination::{InvalidToken, paginate},
    tags::Tags,
};

const LONGEST_NAME: usize = 32;
const LARGEST_PAGE: i64 = 400;

pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

/// `what` is `Load balancer` or `Target group`.
pub fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    if name.chars().count() > LONGEST_NAME {
        return Err(invalid(format!(
            "{what} name '{name}' cannot be longer than '{LONGEST_NAME}' characters"
        )));
    }
    if !name
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '-')
    {
        return Err(invalid(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(invalid(format!(
            "{what} name '{name}' cannot begin or end with '-'"
        )));
    }
    Ok(())
}

pub fn tags_at_create(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    Tags::from_list(&parameters.list("Tags"), "Key", "Value").map_err(invalid_tags)
}

pub fn invalid_tags(sentence: String) -> Fault {
    if sentence.starts_with("The maximum number") {
        Fault::new("TooManyTags", sentence)
    } else {
        invalid(sentence)
    }
}

pub fn required_integer(parameters: &Parameters<'_>, name: &str) -> Result<i64, Fault> {
    parameters
        .integer(name)?
        .ok_or_else(|| invalid(format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null")))
}

/// One page of `items`, which are sorted by their keys.
pub fn page(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Fault> {
    let size = parameters.integer("PageSize")?.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{size}' at 'pageSize' failed to satisfy constraint: Member must have value between 1 and {LARGEST_PAGE}"
        )));
    }
    let marker = parameters
        .string("Marker")
        .filter(|marker| !marker.is_empty());
    let page = paginate(items, usize::try_from(size).unwrap_or(1), marker)
        .map_err(|InvalidToken| invalid("Invalid marker"))?;
    Ok(json!({list: page.items, "NextMarker": page.next}))
}
