//! Which secrets and environment files are there, and may be read? All that tasks ask for, unless somebody told the sandbox otherwise.

use serde::{Deserialize, Serialize};

/// One instruction: secrets and files with such a name are missing or withheld, or there again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRule {
    /// A part of what `valueFrom` of a secret, or `value` of an environment file, says.
    pub value_from: String,
    #[serde(default)]
    pub missing: bool,
    /// Whether the role may not read them.
    #[serde(default)]
    pub denied: bool,
}

/// The instructions in force; a later one wins over an earlier one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Secrets(Vec<SecretRule>);

impl Secrets {
    pub fn add(&mut self, rule: SecretRule) {
        self.0.push(rule);
    }

    pub fn is_missing(&self, value_from: &str) -> bool {
        self.about(value_from).is_some_and(|rule| rule.missing)
    }

    pub fn is_denied(&self, value_from: &str) -> bool {
        self.about(value_from).is_some_and(|rule| rule.denied)
    }

    fn about(&self, value_from: &str) -> Option<&SecretRule> {
        let mut latest_first = self.0.iter().rev();
        latest_first.find(|rule| value_from.contains(&rule.value_from))
    }
}
