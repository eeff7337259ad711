//! What does the YAML text say, and where does each part of it stand?
//!
//! The tree keeps positions and the text of every scalar as it was written: what a scalar means is decided later, by the
//! type the stack file has at that place, so that `no`, `1e3` and `22:22` cannot change their meaning.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};

use super::problem::Problems;

/// Far deeper than any stack file; keeps hostile input from exhausting the call stack.
const NESTING_LIMIT: usize = 48;

#[derive(Debug)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Already reported; nothing more is said about it.
    Faulty,
}

#[derive(Debug)]
pub(super) struct Scalar {
    pub text: String,
    /// Neither quoted nor a block.
    pub plain: bool,
    /// A variable was put into the text, so quotes around it say nothing about its type.
    pub substituted: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub value: Node,
}

impl Scalar {
    pub(super) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    pub(super) fn item(&self, index: usize) -> Option<&Node> {
        match &self.kind {
            Kind::List(items) => items.get(index),
            _ => None,
        }
    }
}

/// The first document of the text, or `None` if there is none or it isn't YAML. Duplicate keys are reported and dropped.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let mut settings = options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: NESTING_LIMIT,
        block_nesting_limit: NESTING_LIMIT,
    };
    settings.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, settings);
    let mut reader = Reader {
        parser,
        text,
        problems,
    };
    match reader.stream() {
        Ok(root) => root,
        Err(fault) => {
            report_syntax_error(&fault, text, problems);
            None
        }
    }
}

struct Reader<'text, 'problems> {
    parser: Parser<'text, StrInput<'text>>,
    text: &'text str,
    problems: &'problems mut Problems,
}

impl<'text> Reader<'text, '_> {
    fn next(&mut self) -> Result<(Event<'text>, Range<usize>), ScanError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let range = byte_range(&span, self.text);
                Ok((event, range))
            }
            Some(Err(fault)) => Err(fault),
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    fn stream(&mut self) -> Result<Option<Node>, ScanError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    self.problems
                        .error(
                            span,
                            "a stack file is one YAML document, but another one starts here",
                        )
                        .hint("keep each stack in a file of its own");
                    return Ok(root);
                }
                Event::DocumentStart(..) => {}
                other => root = Some(self.node(other, span)?),
            }
        }
    }

    fn node(&mut self, event: Event<'text>, span: Range<usize>) -> Result<Node, ScanError> {
        let special = self.report_special(&event, &span);
        let start = span.start;
        let (kind, span) = match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                (
                    Kind::Scalar(Scalar {
                        text: text.into_owned(),
                        plain,
                        substituted: false,
                    }),
                    span,
                )
            }
            Event::SequenceStart(..) => self.list(start)?,
            Event::MappingStart(..) => self.map(start)?,
            _ => (Kind::Faulty, span),
        };
        Ok(Node {
            kind: if special { Kind::Faulty } else { kind },
            span,
        })
    }

    /// Anchors, aliases and tags: `defaults` is navi's way to say a thing once, and the stack file types every scalar.
    fn report_special(&mut self, event: &Event<'text>, span: &Range<usize>) -> bool {
        let is_alias = event.is_alias() || matches!(event, Event::UnresolvedAlias(_));
        if is_alias || event.anchor_id().is_some_and(|id| id != 0) {
            self.problems
                .error(
                    first_line(self.text, span.clone()),
                    "anchors and aliases (`&name`, `*name`) are not part of a stack file",
                )
                .hint("put what services have in common under `defaults`");
            return true;
        }
        if event.tag().is_some() {
            self.problems
                .error(
                    first_line(self.text, span.clone()),
                    "YAML tags (`!name`) are not part of a stack file",
                )
                .hint("remove the tag: every value has the type that its key asks for");
            return true;
        }
        false
    }

    fn list(&mut self, start: usize) -> Result<(Kind, Range<usize>), ScanError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((Kind::List(items), whole(self.text, start, span)));
            }
            items.push(self.node(event, span)?);
        }
    }

    fn map(&mut self, start: usize) -> Result<(Kind, Range<usize>), ScanError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok((Kind::Map(entries), whole(self.text, start, span)));
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            self.add_entry(&mut entries, key, value);
        }
    }

    fn add_entry(&mut self, entries: &mut Vec<Entry>, key: Node, value: Node) {
        let key_span = first_line(self.text, key.span);
        match key.kind {
            Kind::Scalar(scalar) => match entries.iter().find(|entry| entry.key == scalar.text) {
                Some(first) => {
                    self.problems
                        .error(
                            key_span,
                            format!("the key `{}` is given twice", scalar.text),
                        )
                        .label("given again here")
                        .also(first.key_span.clone(), "first given here")
                        .hint("remove one of them, or merge what stands below them");
                }
                None => entries.push(Entry {
                    key: scalar.text,
                    key_span,
                    value,
                }),
            },
            Kind::Faulty => {}
            Kind::List(_) | Kind::Map(_) => {
                self.problems
                    .error(key_span, "a key must be plain text")
                    .hint("a value that starts with `{` or `[` and is meant as text needs quotes");
            }
        }
    }
}

fn byte_range(span: &Span, text: &str) -> Range<usize> {
    let range = span.byte_range().unwrap_or(text.len()..text.len());
    let end = range.end.min(text.len());
    let start = range.start.min(end);
    let trimmed = text
        .get(start..end)
        .map_or(end - start, |part| part.trim_end().len());
    start..start + trimmed
}

/// From the start of a collection to its end; its end event knows only where that is.
fn whole(text: &str, start: usize, end: Range<usize>) -> Range<usize> {
    let end = end.end.max(start);
    let trimmed = text.get(start..end).map_or(0, |part| part.trim_end().len());
    start..start + trimmed
}

/// A mark over many lines hides more than it shows.
pub(super) fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let length = text
        .get(span.clone())
        .map_or(0, |part| part.lines().next().unwrap_or("").trim_end().len());
    span.start..span.start + length
}

fn report_syntax_error(fault: &ScanError, text: &str, problems: &mut Problems) {
    let offset = fault
        .marker()
        .byte_offset()
        .unwrap_or(text.len())
        .min(text.len());
    let line_start = text.get(..offset).map_or(0, |before| {
        before.rfind('\n').map_or(0, |newline| newline + 1)
    });
    let line = text
        .get(line_start..)
        .map_or("", |rest| rest.lines().next().unwrap_or(""));
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') {
        let span = line_start..line_start + indentation.len();
        problems
            .error(
                span,
                "the line is indented with a tab, which YAML does not allow",
            )
            .hint("indent with spaces, two for each level");
        return;
    }
    problems.error(offset..offset, format!("this is not valid YAML: {}", fault.info())).hint(
        "look at the indentation, and for a missing `:`, quote or bracket, in this line and the one before it",
    );
}
