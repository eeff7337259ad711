//! How does an adoption read: what is taken, what differs, what is missing, what stays another's?

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::super::context::Connection;
use super::Adoption;
use crate::observe::Candidate;
use crate::plan::readable;
use crate::report::{Palette, id_of};
use crate::resource::{Address, Effect};

/// The fields for which the object would have to be made anew, or by which it is another one.
/// `ids` tell what an ID is the stack's for: a misfit may only show that something else is at the wrong place.
pub(super) fn misfit(candidate: &Candidate, ids: &BTreeMap<String, Address>) -> String {
    let named = |id: &str| match ids.get(id) {
        Some(address) => format!("{id} ({address})"),
        None => id.to_owned(),
    };
    let words: Vec<String> = candidate
        .strange_fields()
        .map(|field| {
            let (old, new) = (named(&field.old), named(&field.new));
            format!("{} is {old}, wanted is {new}", field.field)
        })
        .collect();
    words.join("; ")
}

pub(super) fn text(adoption: &Adoption, connection: &Connection, palette: &Palette) -> String {
    let Palette { heading, .. } = palette;
    let mut text = format!("{heading}{}{heading:#}\n\n", connection.place());
    // Writing to a string can't fail.
    for (candidate, terraform) in &adoption.taken {
        let id = id_of(&candidate.outputs).unwrap_or_default();
        let _ = write!(text, "= {}  {id}", candidate.address);
        if let Some(name) = terraform {
            let _ = write!(text, "  ({name})");
        }
        text.push('\n');
        for field in &candidate.change.fields {
            let forces = match field.effect {
                Effect::InPlace => "",
                Effect::Replace => "  (needs a new one)",
            };
            let (old, new) = (readable(&field.old), readable(&field.new));
            let _ = writeln!(text, "    {}: {old} → {new}{forces}", field.field);
        }
    }
    section(
        &mut text,
        "Not there; `navi up` makes it:",
        adoption
            .missing
            .iter()
            .map(|(address, nearest)| match nearest {
                Some(nearest) => format!("+ {address}  {nearest}"),
                None => format!("+ {address}"),
            }),
    );
    section(
        &mut text,
        &format!("Stays {}:", adoption.owner),
        adoption
            .left
            .iter()
            .map(|(address, why)| format!("· {address}  {why}")),
    );
    let _ = write!(text, "\nAdopt: {}.", counted(adoption.taken.len()));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let gap = match text.ends_with("\n\n") {
            true => "",
            false => "\n",
        };
        let _ = writeln!(text, "{gap}{title}");
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
}

pub(super) fn document(stack: &str, adoption: &Adoption) -> Value {
    let adopted: Vec<Value> = adoption
        .taken
        .iter()
        .map(|(candidate, terraform)| {
            json!({
                "address": candidate.address,
                "id": id_of(&candidate.outputs),
                "terraform": terraform,
                "differences": candidate.change.fields,
            })
        })
        .collect();
    let missing: Vec<Value> = adoption
        .missing
        .iter()
        .map(|(address, nearest)| json!({"address": address, "nearest": nearest}))
        .collect();
    let left: Vec<Value> = adoption
        .left
        .iter()
        .map(|(address, why)| json!({"terraform": address, "why": why}))
        .collect();
    json!({"stack": stack, "adopted": adopted, "missing": missing, "left": left})
}

pub(super) fn listed(addresses: &[Address]) -> String {
    let words: Vec<String> = addresses.iter().map(Address::to_string).collect();
    words.join(", ")
}

pub(super) fn counted(count: usize) -> String {
    match count {
        1 => "1 resource".to_owned(),
        count => format!("{count} resources"),
    }
}
