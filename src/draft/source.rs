//! What does somebody else's YAML file say, and on which line? Anchors, aliases and merges are followed: such files live on them.

use std::collections::HashMap;
use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScanError, Span, StrInput, options};

use super::problem::DraftProblem;

/// Far deeper than any such file; keeps hostile input from exhausting the call stack.
const NESTING_LIMIT: usize = 48;

/// Aliases of aliases multiply; nobody's file has this many nodes.
const MOST_NODES: usize = 50_000;

/// A file that was read.
#[derive(Debug)]
pub struct Source {
    /// As it is told to people.
    pub file: String,
    text: String,
    pub root: Node,
}

#[derive(Clone, Debug)]
pub struct Node {
    /// From 1.
    pub line: usize,
    start: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The text, and whether it stood there without quotes.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub line: usize,
    pub value: Node,
}

impl Node {
    /// The value of a key; one that is there and says nothing is none.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (!entry.value.is_null()).then_some(&entry.value)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the one value that stands in place of a list.
    pub fn one_or_more(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![self],
        }
    }

    /// A single value, as it was written.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<u32> {
        self.text()?.trim().parse().ok()
    }

    pub fn is_true(&self) -> bool {
        matches!(self.text(), Some("true" | "yes" | "on" | "True"))
    }

    pub fn is_false(&self) -> bool {
        matches!(self.text(), Some("false" | "no" | "off" | "False"))
    }

    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// This mapping with another one laid over it, key by key and as deep as both have mappings.
    pub fn overlaid(&self, over: &Node) -> Node {
        let (Kind::Map(under), Kind::Map(over_entries)) = (&self.kind, &over.kind) else {
            return over.clone();
        };
        let mut entries = under.clone();
        for entry in over_entries {
            match entries.iter_mut().find(|held| held.key == entry.key) {
                Some(held) => {
                    *held = Entry {
                        value: held.value.overlaid(&entry.value),
                        ..entry.clone()
                    }
                }
                None => entries.push(entry.clone()),
            }
        }
        Node {
            kind: Kind::Map(entries),
            ..self.clone()
        }
    }
}

impl Source {
    /// The first document of a file.
    pub fn read(file: &str, text: &str) -> Result<Self, DraftProblem> {
        let mut settings = options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: NESTING_LIMIT,
            block_nesting_limit: NESTING_LIMIT,
        };
        settings.set_emit_comments(false);
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(text, settings),
            lines: line_starts(text),
            anchors: HashMap::new(),
            nodes: 0,
        };
        let fault = |at: usize, what: String| {
            let hint = "look at this line and the one before it: indentation, a missing `:`, quote or bracket";
            DraftProblem::new(file, text, at..at, what, hint)
        };
        match reader.document() {
            Ok(Some(root)) => Ok(Source {
                file: file.to_owned(),
                text: text.to_owned(),
                root,
            }),
            Ok(None) => Err(fault(0, "the file is empty".to_owned())),
            Err(Fault::Syntax(error)) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                let what = format!("this is not valid YAML: {}", error.info());
                Err(fault(at.min(text.len()), what))
            }
            Err(Fault::Other(at, what)) => Err(fault(at.min(text.len()), what.to_owned())),
        }
    }

    /// A mistake at a place in the file.
    pub fn problem(&self, node: &Node, message: impl Into<String>, hint: &str) -> DraftProblem {
        let rest = self.text.get(node.start..).unwrap_or_default();
        let length = rest.lines().next().unwrap_or_default().trim_end().len();
        let span = node.start..node.start + length;
        DraftProblem::new(&self.file, &self.text, span, message, hint)
    }
}

enum Fault {
    Syntax(ScanError),
    Other(usize, &'static str),
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Fault::Syntax(error)
    }
}

struct Reader<'text> {
    parser: Parser<'text, StrInput<'text>>,
    lines: Vec<usize>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks).collect()
}

impl<'text> Reader<'text> {
    fn next(&mut self) -> Result<(Event<'text>, Range<usize>), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, range(&span))),
            Some(Err(error)) => Err(error.into()),
            None => Ok((Event::StreamEnd, 0..0)),
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Fault> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(None),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                other => return self.node(other, &span).map(Some),
            }
        }
    }

    fn node(&mut self, event: Event<'text>, span: &Range<usize>) -> Result<Node, Fault> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Fault::Other(
                span.start,
                "the file is too large, or its aliases make it so",
            ));
        }
        let anchor = event.anchor_id().filter(|id| *id != 0);
        let start = span.start;
        let line = self.lines.partition_point(|first| *first <= start);
        let kind = match event {
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    let node = node.clone();
                    self.nodes += size(&node);
                    return Ok(Node {
                        line,
                        start,
                        ..node
                    });
                }
                None => {
                    return Err(Fault::Other(
                        start,
                        "this alias stands inside what it names",
                    ));
                }
            },
            Event::UnresolvedAlias(_) => {
                return Err(Fault::Other(
                    start,
                    "nothing before this alias has its name",
                ));
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == serde_saphyr::granit_parser::ScalarStyle::Plain;
                Kind::Scalar(text.into_owned(), plain)
            }
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.map()?,
            _ => Kind::Scalar(String::new(), true),
        };
        let node = Node { line, start, kind };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Kind, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Kind::List(items));
            }
            items.push(self.node(event, &span)?);
        }
    }

    fn map(&mut self) -> Result<Kind, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, &span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, &span)?;
            let Kind::Scalar(name, _) = key.kind else {
                return Err(Fault::Other(key.start, "a key must be plain text"));
            };
            match name.as_str() {
                "<<" => merged.extend(value.one_or_more().into_iter().cloned()),
                _ => entries.push(Entry {
                    key: name,
                    line: key.line,
                    value,
                }),
            }
        }
        // What stands here goes before what is merged in, whatever the order.
        for entry in merged.iter().flat_map(Node::entries) {
            if entries.iter().all(|held| held.key != entry.key) {
                entries.push(entry.clone());
            }
        }
        Ok(Kind::Map(entries))
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(..) => 1,
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => {
            1 + entries
                .iter()
                .map(|entry| size(&entry.value))
                .sum::<usize>()
        }
    }
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_and_merges_are_followed_and_lines_are_kept() {
        let text = "base: &base\n  a: 1\n  b: 2\nuse:\n  <<: *base\n  b: 3\nlist: [*base]\n";
        let root = Source::read("x", text).unwrap().root;
        let used = root.get("use").unwrap();
        assert_eq!(used.get("a").unwrap().text(), Some("1"));
        assert_eq!(used.get("b").unwrap().text(), Some("3"));
        assert_eq!(used.get("b").unwrap().line, 6);
        let item = &root.get("list").unwrap().items()[0];
        assert_eq!((item.line, item.get("b").unwrap().number()), (7, Some(2)));
    }

    #[test]
    fn a_file_that_multiplies_itself_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = level - 1;
            text += &format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{before}"); 9].join(", ")
            );
        }
        let problem = Source::read("x", &text).unwrap_err();
        assert!(problem.to_string().contains("too large"), "{problem}");
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let problem = Source::read("x", "a: [1\nb: 2\n").unwrap_err();
        assert!(problem.to_string().contains("not valid YAML"), "{problem}");
        assert!(Source::read("x", "\n").is_err());
        assert!(Source::read("x", "a: *nowhere\n").is_err());
    }

    #[test]
    fn one_mapping_lies_over_another() {
        let text = "a: {x: 1, y: {p: 1, q: 2}}\nb: {y: {q: 3}, z: 4}\n";
        let root = Source::read("x", text).unwrap().root;
        let both = root.get("a").unwrap().overlaid(root.get("b").unwrap());
        let number = |path: &[&str]| both.at(path).unwrap().number();
        assert_eq!(number(&["x"]), Some(1));
        assert_eq!(number(&["y", "p"]), Some(1));
        assert_eq!(number(&["y", "q"]), Some(3));
        assert_eq!(number(&["z"]), Some(4));
    }
}
