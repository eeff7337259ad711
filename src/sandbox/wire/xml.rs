//! How does a JSON value look as AWS's XML, and back?

use std::borrow::Cow;

use quick_xml::{
    Writer,
    escape::resolve_predefined_entity,
    events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event},
    reader::Reader,
};
use serde_json::{Map, Value, json};

use crate::sandbox::fault::Fault;

/// What the elements of a list are called.
#[derive(Clone, Copy)]
pub enum Lists {
    /// `<item>`: EC2.
    Item,
    /// `<member>`: the query protocol.
    Member,
    /// The list's own name without its plural s: Route 53.
    Singular,
}

impl Lists {
    fn element(self, list: &str) -> Cow<'_, str> {
        match self {
            Self::Item => "item".into(),
            Self::Member => "member".into(),
            Self::Singular => match list.strip_suffix("ies") {
                Some(stem) => format!("{stem}y").into(),
                None => list.strip_suffix('s').unwrap_or(list).into(),
            },
        }
    }
}

/// A whole document. Null members are left out, as AWS leaves out what is not set.
pub fn document(root: &str, namespace: &str, content: &Value, lists: Lists) -> String {
    let mut writer = Writer::new(Vec::new());
    let mut start = BytesStart::new(root);
    if !namespace.is_empty() {
        start.push_attribute(("xmlns", namespace));
    }
    // Writing to a Vec can't fail.
    let written = writer
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
        .and_then(|()| writer.write_event(Event::Start(start)))
        .and_then(|()| write_content(&mut writer, root, content, lists))
        .and_then(|()| writer.write_event(Event::End(BytesEnd::new(root))));
    debug_assert!(written.is_ok());
    String::from_utf8(writer.into_inner()).unwrap_or_default()
}

/// The refusal of the query protocol and of Route 53.
pub fn error(namespace: &str, request_id: &str, fault: &Fault) -> String {
    let side = if fault.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let content = json!({
        "Error": {"Type": side, "Code": fault.code, "Message": fault.message},
        "RequestId": request_id,
    });
    document("ErrorResponse", namespace, &content, Lists::Member)
}

fn write_element(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    value: &Value,
    lists: Lists,
) -> std::io::Result<()> {
    if value.is_null() {
        return Ok(());
    }
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    write_content(writer, name, value, lists)?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

fn write_content(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    value: &Value,
    lists: Lists,
) -> std::io::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) => writer.write_event(Event::Text(BytesText::new(text))),
        Value::Bool(_) | Value::Number(_) => {
            writer.write_event(Event::Text(BytesText::new(&value.to_string())))
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| write_element(writer, &lists.element(name), item, lists)),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, member)| write_element(writer, name, member, lists)),
    }
}

/// Deeper than any AWS document; a bound, so that odd input can't exhaust the stack.
const DEEPEST: usize = 32;

/// The members of the document's root.
pub fn parse(document: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(document).map_err(|problem| problem.to_string())?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(|problem| problem.to_string())? {
            Event::Start(_) if open.len() == DEEPEST => return Err("nested too deeply".to_owned()),
            Event::Start(start) => open.push(Element::new(&start)),
            Event::Empty(start) => {
                let root = close(&mut open, Element::new(&start));
                root.map_or(Ok(()), |_| Err("the document is empty".to_owned()))?;
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content()),
            Event::CData(text) => add_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => add_text(&mut open, &referenced(&reference)?),
            Event::End(_) => {
                let element = open.pop().ok_or("an element ends that never began")?;
                if let Some(root) = close(&mut open, element) {
                    return match root {
                        Value::Object(members) => Ok(members),
                        _ => Ok(Map::new()),
                    };
                }
            }
            Event::Eof => return Err("the document ends too early".to_owned()),
            _ => {}
        }
    }
}

/// What `&amp;` or `&#65;` stands for.
fn referenced(reference: &BytesRef<'_>) -> Result<String, String> {
    let character = reference
        .resolve_char_ref()
        .map_err(|problem| problem.to_string())?;
    match character {
        Some(character) => Ok(character.to_string()),
        None => resolve_predefined_entity(&reference.xml10_content())
            .map(str::to_owned)
            .ok_or_else(|| "an entity is unknown".to_owned()),
    }
}

struct Element {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

impl Element {
    fn new(start: &BytesStart<'_>) -> Self {
        Self {
            name: start.local_name().as_ref().to_owned(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// `<Changes><Change/></Changes>` and `<AddTags><Tag/></AddTags>` are lists: the parent's name ends in the plural of its children's.
    fn is_list(&self) -> bool {
        self.children
            .iter()
            .all(|(child, _)| self.name.ends_with(&format!("{child}s")))
    }

    fn into_value(self) -> Value {
        if self.children.is_empty() {
            Value::String(self.text)
        } else if self.is_list() {
            self.children.into_iter().map(|(_, value)| value).collect()
        } else {
            Value::Object(self.children.into_iter().collect())
        }
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Hands a finished element to its parent; the root has none and comes back.
fn close(open: &mut [Element], element: Element) -> Option<Value> {
    let name = element.name.clone();
    let value = element.into_value();
    match open.last_mut() {
        Some(parent) => {
            parent.children.push((name, value));
            None
        }
        None => Some(value),
    }
}
