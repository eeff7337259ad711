//! What is a condition? Which requests a rule is for.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::invalid;
use crate::sandbox::{call::Parameters, fault::Fault, wildcard::is_like};

/// Values per rule, over all its conditions (aws-behaviour §2.13).
const MOST_VALUES: usize = 5;

/// Field, the structure that carries its values, and whether the values also come back beside it (aws-behaviour §2.15).
const FIELDS: [(&str, &str, bool); 6] = [
    ("host-header", "HostHeaderConfig", true),
    ("path-pattern", "PathPatternConfig", true),
    ("http-header", "HttpHeaderConfig", false),
    ("http-request-method", "HttpRequestMethodConfig", false),
    ("query-string", "QueryStringConfig", false),
    ("source-ip", "SourceIpConfig", false),
];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    pub field: &'static str,
    /// The texts to compare with; of a query string none, its pairs are only in `config`.
    pub values: Vec<String>,
    /// The field's own structure, as it was given or as it follows from the values.
    pub config: Value,
}

impl Condition {
    pub fn to_value(&self) -> Value {
        let mut value = Map::from_iter([("Field".to_owned(), json!(self.field))]);
        if let Some((_, config, is_beside)) =
            FIELDS.iter().find(|(field, _, _)| *field == self.field)
        {
            if *is_beside {
                value.insert("Values".to_owned(), json!(self.values));
            }
            value.insert((*config).to_owned(), self.config.clone());
        }
        value.into()
    }

    /// Whether a GET request from nowhere in particular would match. Hosts are compared whatever their case, paths are not.
    pub fn matches(&self, host: &str, path: &str) -> bool {
        match self.field {
            "host-header" => self
                .values
                .iter()
                .any(|value| is_like(&value.to_lowercase(), &host.to_lowercase())),
            "path-pattern" => self.values.iter().any(|value| is_like(value, path)),
            "http-request-method" => self.values.iter().any(|value| value == "GET"),
            _ => false,
        }
    }
}

pub fn read(list: &[Parameters<'_>]) -> Result<Vec<Condition>, Fault> {
    let conditions = list.iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
    if conditions.is_empty() {
        return Err(invalid("A rule must have at least one condition"));
    }
    let values: usize = conditions
        .iter()
        .map(|condition| condition.values.len())
        .sum();
    if values > MOST_VALUES {
        return Err(invalid(format!(
            "A rule can only have '{MOST_VALUES}' condition values"
        )));
    }
    Ok(conditions)
}

fn read_one(parameters: &Parameters<'_>) -> Result<Condition, Fault> {
    let asked = parameters.string("Field");
    let (field, config_name, _) = FIELDS
        .iter()
        .find(|(field, config, _)| match asked {
            Some(asked) => asked == *field,
            None => parameters.has(config),
        })
        .ok_or_else(|| {
            invalid(format!(
                "Condition field '{}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'",
                asked.unwrap_or_default()
            ))
        })?;
    let config = parameters.structure(config_name);
    let mut values: Vec<String> = parameters
        .strings("Values")
        .into_iter()
        .map(str::to_owned)
        .collect();
    if let Some(config) = config {
        values.extend(config.strings("Values").into_iter().map(str::to_owned));
    }
    if values.is_empty() && *field != "query-string" {
        return Err(invalid("A condition value must be specified"));
    }
    Ok(Condition {
        field,
        config: match config {
            Some(config) => config.value().clone(),
            None => json!({"Values": values}),
        },
        values,
    })
}
