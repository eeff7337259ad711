//! Which tags does a resource carry? The user's, a name to see in the console, and the two by which
//! navi knows its own (design of the tags: docs/STATE.md).

use super::Builder;
use crate::resource::{ADDRESS_TAG, Resource, STACK_TAG, TagMap};

impl Builder<'_> {
    /// The tags of the resource `name` of kind `K`, called `physical_name` in AWS.
    pub(super) fn tags<K: Resource>(&self, name: &str, physical_name: &str) -> TagMap {
        let mut tags: TagMap = self.stack.tags.clone();
        // A `Name` of the user's own goes before ours.
        tags.entry("Name".to_owned())
            .or_insert_with(|| physical_name.to_owned());
        tags.insert(STACK_TAG.to_owned(), self.stack.name.clone());
        tags.insert(ADDRESS_TAG.to_owned(), format!("{}.{name}", K::KIND));
        tags
    }
}
