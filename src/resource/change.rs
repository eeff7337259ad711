//! What differs between what a stack wants and what AWS has, and is a resource usable yet?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags as navi keeps them: sorted, so that two equal sets print alike.
pub type TagMap = BTreeMap<String, String>;

/// How a value reads in a plan when only applying the plan will tell it.
pub const UNKNOWN_UNTIL_APPLIED: &str = "(known after apply)";

/// What it takes to bring one field to its wanted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// AWS can change it on the living resource.
    InPlace,
    /// AWS can't: the resource has to be made anew.
    Replace,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field's name, AWS's word in snake case.
    pub field: String,
    /// What AWS has.
    pub old: String,
    /// What the stack wants.
    pub new: String,
    /// What the change takes.
    pub effect: Effect,
    /// Whether it is no setting that somebody made, but a state that the resource has come to by
    /// itself (a deployment that is stuck): never drift.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub condition: bool,
}

/// All fields of one resource that differ. Empty means that there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The fields, in the order of the spec.
    pub fields: Vec<FieldChange>,
}

impl Change {
    /// Compares one field and notes it when it differs.
    pub fn field<T: Serialize + PartialEq + ?Sized>(
        &mut self,
        field: &str,
        seen: &T,
        wanted: &T,
        effect: Effect,
    ) {
        if seen != wanted {
            self.note(field, plain(seen), plain(wanted), effect);
        }
    }

    /// Compares a field that the stack may leave to AWS: `None` is never a difference,
    /// so AWS's own default can't show up as drift.
    pub fn field_if_set<T: Serialize + PartialEq>(
        &mut self,
        field: &str,
        seen: &T,
        wanted: Option<&T>,
        effect: Effect,
    ) {
        if let Some(wanted) = wanted {
            self.field(field, seen, wanted, effect);
        }
    }

    /// Compares a field whose wanted value comes from another resource's outputs.
    /// `None` means that the other resource is still to be made, so the value will change.
    pub fn reference<T: Serialize + PartialEq>(
        &mut self,
        field: &str,
        seen: &T,
        wanted: Option<&T>,
        effect: Effect,
    ) {
        match wanted {
            Some(wanted) => self.field(field, seen, wanted, effect),
            None => self.note(field, plain(seen), UNKNOWN_UNTIL_APPLIED.to_owned(), effect),
        }
    }

    /// Compares tags: only keys that the stack sets count. Strangers' tags and AWS's own stay.
    pub fn tags(&mut self, seen: &TagMap, wanted: &TagMap) {
        for (key, value) in wanted {
            let old = seen.get(key);
            if old != Some(value) {
                self.note(
                    &format!("tags.{key}"),
                    old.map_or_else(|| "(none)".to_owned(), plain),
                    plain(value),
                    Effect::InPlace,
                );
            }
        }
    }

    /// Compares tags against those recorded at the last run, for the kinds whose tags take a call
    /// per resource to read: what the stack itself changed is seen, another's edit is not.
    /// Tags that the stack no longer sets are noted too.
    pub fn recorded_tags(&mut self, recorded: Option<&TagMap>, wanted: &TagMap) {
        let Some(recorded) = recorded else { return };
        self.tags(recorded, wanted);
        self.dropped_tags(Some(recorded), wanted);
    }

    /// Notes the tags that the last run set and the stack no longer wants.
    pub fn dropped_tags(&mut self, recorded: Option<&TagMap>, wanted: &TagMap) {
        for (key, value) in recorded.into_iter().flatten() {
            if !wanted.contains_key(key) {
                self.note(
                    &format!("tags.{key}"),
                    plain(value),
                    "(none)".to_owned(),
                    Effect::InPlace,
                );
            }
        }
    }

    /// The keys of the tags that the change takes away.
    pub fn dropped_tag_keys(&self, wanted: &TagMap) -> Vec<String> {
        self.fields
            .iter()
            .filter_map(|change| change.field.strip_prefix("tags."))
            .filter(|key| !wanted.contains_key(*key))
            .map(str::to_owned)
            .collect()
    }

    /// Notes a difference that was found by other means than `==`.
    pub fn note(&mut self, field: &str, old: String, new: String, effect: Effect) {
        self.fields.push(FieldChange {
            field: field.to_owned(),
            old,
            new,
            effect,
            condition: false,
        });
    }

    /// Notes a state that the resource has come to by itself and that only the change ends.
    pub fn condition(&mut self, field: &str, state: String, wanted: String, effect: Effect) {
        self.note(field, state, wanted, effect);
        if let Some(noted) = self.fields.last_mut() {
            noted.condition = true;
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether some field can only change with a new resource.
    pub fn replaces(&self) -> bool {
        self.fields
            .iter()
            .any(|field| field.effect == Effect::Replace)
    }

    /// Whether the field, or a part of it (`tags.Name` of `tags`), differs.
    pub fn touches(&self, field: &str) -> bool {
        self.fields.iter().any(|change| {
            change
                .field
                .strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// A value as a person reads it: bare strings, JSON for the rest.
fn plain<T: Serialize + ?Sized>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) => "(none)".to_owned(),
        Ok(other) => other.to_string(),
        Err(error) => format!("(unprintable: {error})"),
    }
}

/// How far AWS is with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Usable.
    Ready,
    /// Not yet; the text says what it waits for.
    Pending(String),
    /// It will never be; the text says why.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_the_stack_leaves_to_aws_is_never_a_difference() {
        let mut change = Change::default();
        change.field_if_set("delay", &300, None, Effect::InPlace);
        assert!(change.is_empty());
        change.field_if_set("delay", &300, Some(&5), Effect::InPlace);
        assert_eq!(change.fields[0].old, "300");
        assert!(!change.replaces());
    }

    #[test]
    fn strangers_tags_are_no_difference_but_ours_are() {
        let seen = TagMap::from([
            ("team".into(), "x".into()),
            ("aws:thing".into(), "y".into()),
        ]);
        let wanted = TagMap::from([("Name".into(), "n".into())]);
        let mut change = Change::default();
        change.tags(&seen, &wanted);
        assert_eq!(change.fields.len(), 1);
        assert!(change.touches("tags"));
        assert!(!change.touches("tag"));
    }

    #[test]
    fn a_value_that_only_applying_tells_is_a_difference() {
        let mut change = Change::default();
        change.reference("vpc", &"vpc-1".to_owned(), None, Effect::Replace);
        assert_eq!(change.fields[0].new, UNKNOWN_UNTIL_APPLIED);
        assert!(change.replaces());
    }
}
