//! How do EC2's Describe operations answer? By identifiers, filters and pages.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    pagination::{InvalidToken, paginate},
    tags::Tags,
    wildcard::is_like,
};

/// What a kind of resource says of itself to filters.
pub trait Noun {
    fn tags(&self) -> &Tags;

    /// The values of a filter that the kind has; none for a filter that it hasn't.
    fn filter_values(&self, filter: &str) -> Option<Vec<String>>;
}

/// How one Describe operation names things.
pub struct Listing {
    /// The parameter with identifiers (`VpcId`).
    pub ids: &'static str,
    /// The list in the answer (`vpcSet`).
    pub set: &'static str,
    pub not_found: fn(&str) -> Fault,
}

const LARGEST_PAGE: i64 = 1000;
const SMALLEST_PAGE: i64 = 5;

impl Listing {
    pub fn answer<T: Noun>(
        &self,
        call: &Call,
        things: &BTreeMap<String, T>,
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Fault> {
        self.answer_with(call, things, T::filter_values, render)
    }

    /// For kinds some of whose filters look at other resources.
    pub fn answer_with<T: Noun>(
        &self,
        call: &Call,
        things: &BTreeMap<String, T>,
        filter_values: impl Fn(&T, &str) -> Option<Vec<String>>,
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Fault> {
        let size = page_size(&call.parameters())?;
        self.answer_in_pages(call, things, size, filter_values, render)
    }

    /// For operations that have a page size of their own.
    pub fn answer_in_pages<T: Noun>(
        &self,
        call: &Call,
        things: &BTreeMap<String, T>,
        size: Option<usize>,
        filter_values: impl Fn(&T, &str) -> Option<Vec<String>>,
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Fault> {
        let parameters = call.parameters();
        let ids = parameters.strings(self.ids);
        if !ids.is_empty() && size.is_some() {
            return Err(Fault::new(
                "InvalidParameterCombination",
                format!(
                    "The parameter {} cannot be used with the parameter maxResults",
                    self.ids
                ),
            ));
        }
        if let Some(unknown) = ids.iter().find(|id| !things.contains_key(**id)) {
            return Err((self.not_found)(unknown));
        }
        let filters = Filters::of(&parameters)?;
        let mut found = Vec::new();
        for (id, thing) in things {
            if (ids.is_empty() || ids.contains(&id.as_str()))
                && filters.matches(|name| {
                    tag_values(thing.tags(), name).or_else(|| filter_values(thing, name))
                })?
            {
                found.push((id.clone(), render(thing)));
            }
        }
        page(&parameters, self.set, found, size)
    }
}

/// The answer with one page of `items`, which are sorted by their keys.
pub fn page(
    parameters: &Parameters<'_>,
    set: &str,
    items: Vec<(String, Value)>,
    size: Option<usize>,
) -> Result<Value, Fault> {
    let token = parameters
        .string("NextToken")
        .filter(|token| !token.is_empty());
    let page =
        paginate(items, size.unwrap_or(LARGEST_PAGE as usize), token).map_err(|InvalidToken| {
            Fault::new(
                "InvalidParameterValue",
                "The token in parameter nextToken is invalid.",
            )
        })?;
    let mut answer = Map::new();
    answer.insert(set.to_owned(), page.items.into());
    if let Some(next) = page.next {
        answer.insert("nextToken".to_owned(), next.into());
    }
    Ok(answer.into())
}

pub fn page_size(parameters: &Parameters<'_>) -> Result<Option<usize>, Fault> {
    match parameters.integer("MaxResults")? {
        None => Ok(None),
        Some(size @ SMALLEST_PAGE..=LARGEST_PAGE) => Ok(usize::try_from(size).ok()),
        Some(size) => Err(Fault::new(
            "InvalidParameterValue",
            format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {SMALLEST_PAGE} and {LARGEST_PAGE}."
            ),
        )),
    }
}

/// The filters of a request: all must match, each by any of its values, in which `*` and `?` are wild.
pub struct Filters<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Filters<'a> {
    pub fn of(parameters: &Parameters<'a>) -> Result<Self, Fault> {
        parameters
            .list("Filter")
            .into_iter()
            .map(|filter| Ok((filter.required_string("Name")?, filter.strings("Value"))))
            .collect::<Result<_, Fault>>()
            .map(Self)
    }

    pub fn matches(&self, values_of: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, Fault> {
        for (name, wanted) in &self.0 {
            let values = values_of(name).ok_or_else(|| {
                Fault::new(
                    "InvalidParameterValue",
                    format!("The filter '{name}' is invalid"),
                )
            })?;
            if !values
                .iter()
                .any(|value| wanted.iter().any(|pattern| is_like(pattern, value)))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

pub fn tag_values(tags: &Tags, filter: &str) -> Option<Vec<String>> {
    match filter {
        "tag-key" => Some(tags.iter().map(|(key, _)| key.to_owned()).collect()),
        "tag-value" => Some(tags.iter().map(|(_, value)| value.to_owned()).collect()),
        _ => filter
            .strip_prefix("tag:")
            .map(|key| tags.get(key).map(str::to_owned).into_iter().collect()),
    }
}
