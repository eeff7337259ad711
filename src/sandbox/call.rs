//! What did the caller ask, whatever protocol it came in?

use serde_json::Value;

use super::{fault::Fault, service::Service, world::GLOBAL};

/// A decoded request.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: Service,
    pub operation: String,
    pub account: String,
    /// The region that the request is signed for.
    pub region: String,
    pub access_key: String,
    /// An object. In the form-encoded and XML protocols every leaf is a string.
    pub parameters: Value,
}

impl Call {
    /// The region whose things the call is about.
    pub fn place(&self) -> &str {
        if self.service.is_global() {
            GLOBAL
        } else {
            &self.region
        }
    }

    pub fn parameters(&self) -> Parameters<'_> {
        Parameters {
            service: self.service,
            value: &self.parameters,
        }
    }
}

/// A view of the parameters, or of one structure inside them. It reads numbers and booleans from both their JSON and their text forms.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    service: Service,
    value: &'a Value,
}

impl<'a> Parameters<'a> {
    pub fn value(&self) -> &'a Value {
        self.value
    }

    pub fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    pub fn string(&self, name: &str) -> Option<&'a str> {
        self.member(name)?.as_str()
    }

    pub fn required_string(&self, name: &str) -> Result<&'a str, Fault> {
        self.string(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.service.missing_parameter(name))
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(value) = self.member(name) else {
            return Ok(None);
        };
        value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .map(Some)
            .ok_or_else(|| self.invalid(name, value, "It must be an integer."))
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(value) => Err(self.invalid(name, value, "It must be true or false.")),
        }
    }

    /// The strings of a list; empty when the list is absent.
    pub fn strings(&self, name: &str) -> Vec<&'a str> {
        self.items(name).iter().filter_map(Value::as_str).collect()
    }

    /// The structures of a list; empty when the list is absent.
    pub fn list(&self, name: &str) -> Vec<Parameters<'a>> {
        self.items(name)
            .iter()
            .filter(|item| item.is_object())
            .map(|value| Parameters {
                service: self.service,
                value,
            })
            .collect()
    }

    pub fn structure(&self, name: &str) -> Option<Parameters<'a>> {
        self.member(name)
            .filter(|value| value.is_object())
            .map(|value| Parameters {
                service: self.service,
                value,
            })
    }

    fn member(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    fn items(&self, name: &str) -> &'a [Value] {
        self.member(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn invalid(&self, name: &str, value: &Value, expectation: &str) -> Fault {
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.service.invalid_parameter(name, &shown, expectation)
    }
}
