//! Where in the file does a setting stand, or where would it?

use std::ops::Range;

use super::yaml::{Kind, Node};

/// A path through the file's tree. A setting that isn't there has the position of the nearest one around it.
#[derive(Clone)]
pub(super) struct Place<'tree> {
    node: Option<&'tree Node>,
    span: Range<usize>,
    path: String,
}

impl<'tree> Place<'tree> {
    pub(super) fn root(node: &'tree Node) -> Self {
        Place {
            node: Some(node),
            span: 0..0,
            path: String::new(),
        }
    }

    /// The value under `key`.
    pub(super) fn at(&self, key: &str) -> Place<'tree> {
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        match self.node.and_then(|node| node.entry(key)) {
            Some(entry) => {
                let span = match &entry.value.kind {
                    Kind::Scalar(scalar) if !scalar.is_null() => entry.value.span.clone(),
                    _ => entry.key_span.clone(),
                };
                Place {
                    node: Some(&entry.value),
                    span,
                    path,
                }
            }
            None => Place {
                node: None,
                span: self.span.clone(),
                path,
            },
        }
    }

    /// The key of this value itself, for what is wrong with a name.
    pub(super) fn key_of(&self, key: &str) -> Range<usize> {
        self.node
            .and_then(|node| node.entry(key))
            .map_or(self.span.clone(), |entry| entry.key_span.clone())
    }

    pub(super) fn item(&self, index: usize) -> Place<'tree> {
        let path = format!("{}[{index}]", self.path);
        match self.node.and_then(|node| node.item(index)) {
            Some(node) => {
                // An item on several lines is marked by its first key.
                let span = match &node.kind {
                    Kind::Map(entries) => entries
                        .first()
                        .map_or(node.span.clone(), |entry| entry.key_span.clone()),
                    _ => node.span.clone(),
                };
                Place {
                    node: Some(node),
                    span,
                    path,
                }
            }
            None => Place {
                node: None,
                span: self.span.clone(),
                path,
            },
        }
    }

    /// The items of the list at this place.
    pub(super) fn items(&self) -> Vec<Place<'tree>> {
        match self.node.map(|node| &node.kind) {
            Some(Kind::List(items)) => (0..items.len()).map(|index| self.item(index)).collect(),
            _ => Vec::new(),
        }
    }

    /// The single value at this place.
    pub(super) fn text(&self) -> Option<&'tree str> {
        match self.node.map(|node| &node.kind) {
            Some(Kind::Scalar(scalar)) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The keys of the mapping at this place.
    pub(super) fn keys(&self) -> Vec<&'tree str> {
        match self.node.map(|node| &node.kind) {
            Some(Kind::Map(entries)) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether what the file says here is unusable, or a part of it when it is a list. There is an error about it already.
    pub(super) fn is_faulty(&self) -> bool {
        match self.node.map(|node| &node.kind) {
            Some(Kind::Faulty) => true,
            Some(Kind::List(items)) => items.iter().any(|item| matches!(item.kind, Kind::Faulty)),
            _ => false,
        }
    }

    /// Whether the file says anything here, be it right or wrong.
    pub(super) fn is_given(&self) -> bool {
        self.node.is_some()
    }

    /// This place if the file says anything here, the other one otherwise.
    pub(super) fn or(self, other: Place<'tree>) -> Place<'tree> {
        if self.is_given() { self } else { other }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// `services.backend.count`
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl From<&Place<'_>> for Range<usize> {
    fn from(place: &Place<'_>) -> Self {
        place.span()
    }
}
