//! How is a resource called inside a stack? `kind.name`, for example `subnet.public-1a`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of one resource inside its stack, unique there and stable across runs.
///
/// Written `kind.name`; the kind never holds a dot, the name may (`log_group./ecs/nginx`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    kind: String,
    name: String,
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address; addresses look like `subnet.public-1a`")]
pub struct AddressError(String);

impl Address {
    /// The address of the resource `name` of kind `kind`.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Address {
            kind: kind.into(),
            name: name.into(),
        }
    }

    /// The kind's name, `subnet` in `subnet.public-1a`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What comes after the kind, `public-1a` in `subnet.public-1a`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` lets tables align addresses with `{:<32}`.
        formatter.pad(&format!("{}.{}", self.kind, self.name))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                Ok(Address::new(kind, name))
            }
            _ => Err(AddressError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_hold_dots_and_slashes() {
        let address: Address = "log_group./ecs/v1.2".parse().unwrap();
        assert_eq!(address.kind(), "log_group");
        assert_eq!(address.name(), "/ecs/v1.2");
        assert_eq!(address.to_string(), "log_group./ecs/v1.2");
    }

    #[test]
    fn text_without_both_halves_is_refused() {
        for text in ["vpc", ".main", "vpc.", ""] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
