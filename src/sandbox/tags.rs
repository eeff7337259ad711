//! What do tags look like, and which are allowed?

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::Parameters;

const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// The tags of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Reads a list of structures; services differ in how they write `key` and `value`.
    /// The error is AWS's sentence; each service has its own code for it.
    pub fn from_list(list: &[Parameters<'_>], key: &str, value: &str) -> Result<Self, String> {
        let mut tags = Self::default();
        for item in list {
            let name = item
                .string(key)
                .filter(|name| !name.is_empty())
                .ok_or("Tag keys cannot be empty")?;
            tags.insert(name, item.string(value).unwrap_or_default())?;
        }
        Ok(tags)
    }

    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!(
                "Tag keys starting with 'aws:' are reserved for internal use: {key}"
            ));
        }
        if key.chars().count() > LONGEST_KEY {
            return Err(format!(
                "Tag key exceeds the maximum length of {LONGEST_KEY} characters: {key}"
            ));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(format!(
                "Tag value exceeds the maximum length of {LONGEST_VALUE} characters: {key}"
            ));
        }
        self.0.insert(key.to_owned(), value.to_owned());
        if self.0.len() > MOST_TAGS {
            return Err(format!(
                "The maximum number of tags on a resource is {MOST_TAGS}"
            ));
        }
        Ok(())
    }

    /// A tag that AWS itself sets (`aws:ecs:serviceName`), which callers may not.
    pub fn insert_reserved(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    /// Adds all of `other`, whose values win.
    pub fn merge(&mut self, other: &Tags) -> Result<(), String> {
        other
            .iter()
            .try_for_each(|(key, value)| self.insert(key, value))
    }

    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A list of structures with the member names that the service uses.
    pub fn to_list(&self, key: &str, value: &str) -> Value {
        self.iter()
            .map(|(name, text)| json!({ key: name, value: text }))
            .collect()
    }

    /// A JSON object, as CloudWatch Logs writes tags.
    pub fn to_object(&self) -> Value {
        json!(self.0)
    }
}
