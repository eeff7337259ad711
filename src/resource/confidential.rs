//! How does a value that may be a secret stay out of state, journal, plan and log? By never being written.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Shown and recorded in place of the value.
const WITHHELD: &str = "(not recorded)";

/// A text of the user's that may be a secret, such as the value of an environment variable.
///
/// It goes to AWS and is compared with what AWS has; its serialised form and its `Debug` hold nothing of
/// it, not even a fingerprint, because short secrets can be guessed from one. Hence a spec that was read
/// back from the state knows that there was a value, and no more.
#[derive(Clone, PartialEq, Eq)]
pub struct Confidential(Option<String>);

impl Confidential {
    /// The value itself; `None` for one that was read back from a record.
    pub fn reveal(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<String> for Confidential {
    fn from(text: String) -> Self {
        Confidential(Some(text))
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(WITHHELD)
    }
}

impl Serialize for Confidential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(WITHHELD)
    }
}

impl<'de> Deserialize<'de> for Confidential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Confidential(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_record_nor_debug_holds_the_value() {
        let value = Confidential::from("hunter2".to_owned());
        let recorded = serde_json::to_string(&value).unwrap();
        assert!(!recorded.contains("hunter2"));
        assert!(!format!("{value:?}").contains("hunter2"));
        assert_eq!(value.reveal(), Some("hunter2"));
    }

    #[test]
    fn a_value_from_the_record_is_known_to_be_unknown() {
        let value: Confidential = serde_json::from_str("\"(not recorded)\"").unwrap();
        assert_eq!(value.reveal(), None);
    }
}
