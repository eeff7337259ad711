//! What do Cloud Map's requests have in common? Pages, filters, tags at create.

use serde_json::{Value, json};

use crate::sandbox::{
    call::Parameters,
    fault::Fault,
    pagination::{InvalidToken, paginate},
    tags::Tags,
};

const LARGEST_PAGE: i64 = 100;

pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidInput", message)
}

pub fn tags_at_create(parameters: &Parameters<'_>) -> Result<Tags, Fault> {
    Tags::from_list(&parameters.list("Tags"), "Key", "Value").map_err(invalid_tags)
}

pub fn invalid_tags(sentence: String) -> Fault {
    if sentence.starts_with("The maximum number") {
        Fault::new("TooManyTagsException", sentence)
    } else {
        invalid(sentence)
    }
}

/// One page of `items`, which are sorted by their keys.
pub fn page(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Fault> {
    let size = parameters.integer("MaxResults")?.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and {LARGEST_PAGE}"
        )));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let page = paginate(items, size, parameters.string("NextToken"))
        .map_err(|InvalidToken| invalid("The NextToken is invalid"))?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

/// The filters of a listing: all must match.
pub struct Filters<'a>(Vec<(&'a str, &'a str, Vec<&'a str>)>);

impl<'a> Filters<'a> {
    /// `known` are the names that the operation takes.
    pub fn of(parameters: &Parameters<'a>, known: &[&str]) -> Result<Self, Fault> {
        let mut filters = Vec::new();
        for filter in parameters.list("Filters") {
            let name = filter.required_string("Name")?;
            if !known.contains(&name) {
                return Err(invalid(format!(
                    "The filter '{name}' is not one of {known:?}"
                )));
            }
            let condition = filter.string("Condition").unwrap_or("EQ");
            filters.push((name, condition, filter.strings("Values")));
        }
        Ok(Self(filters))
    }

    pub fn match_values(&self, value_of: impl Fn(&str) -> String) -> bool {
        self.0.iter().all(|(name, condition, wanted)| {
            let value = value_of(name);
            match *condition {
                "BEGINS_WITH" => wanted.iter().any(|wanted| value.starts_with(wanted)),
                _ => wanted.contains(&value.as_str()),
            }
        })
    }
}
