//! What is wrong with the file that a draft is made from, and where?

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Why no draft can be made of a file. Renders through `miette`.
#[derive(Debug)]
pub struct DraftProblem {
    /// Boxed: the error that every reader of a source returns is to be small.
    source: Box<NamedSource<String>>,
    span: Range<usize>,
    message: String,
    hint: String,
}

impl DraftProblem {
    pub(super) fn new(
        file: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        DraftProblem {
            source: Box::new(NamedSource::new(file, text.to_owned())),
            span,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub fn file(&self) -> &str {
        self.source.name()
    }
}

impl fmt::Display for DraftProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for DraftProblem {}

impl Diagnostic for DraftProblem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.hint))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone();
        Some(Box::new(std::iter::once(
            LabeledSpan::new_primary_with_span(None, span),
        )))
    }
}
