//! What is wrong with a stack file, where, and what is there to do about it?

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceCode,
};

/// One thing that is wrong, or doubtful, with its place in the file. Renders through `miette`.
#[derive(Debug, Clone)]
pub struct Problem {
    severity: Severity,
    message: String,
    labels: Vec<Label>,
    hint: Option<String>,
    source: Option<Arc<NamedSource<String>>>,
}

#[derive(Debug, Clone)]
struct Label {
    span: Range<usize>,
    text: Option<String>,
}

impl Problem {
    fn new(severity: Severity, span: Range<usize>, message: String) -> Self {
        Problem {
            severity,
            message,
            labels: vec![Label { span, text: None }],
            hint: None,
            source: None,
        }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The position the problem is about, as a byte offset into the file.
    pub fn offset(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }

    /// What stands beside the marked text.
    pub(super) fn label(&mut self, text: impl Into<String>) -> &mut Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = Some(text.into());
        }
        self
    }

    /// What to do about it.
    pub(super) fn hint(&mut self, text: impl Into<String>) -> &mut Self {
        self.hint = Some(text.into());
        self
    }

    /// A hint that may have nothing to say.
    pub(super) fn maybe_hint(&mut self, text: Option<String>) -> &mut Self {
        self.hint = text.or(self.hint.take());
        self
    }

    /// A second place that has to do with it.
    pub(super) fn also(&mut self, span: Range<usize>, text: impl Into<String>) -> &mut Self {
        self.labels.push(Label {
            span,
            text: Some(text.into()),
        });
        self
    }

    /// The problem with file, line, column, snippet and hint, without colour.
    pub fn render(&self, width: usize) -> String {
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_width(width)
            .with_links(false);
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            // The position cannot be shown; what is wrong still can.
            Err(fmt::Error) => self.message.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source
            .as_deref()
            .map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().enumerate().map(
            |(index, label)| {
                let span = label.span.clone();
                match index {
                    0 => LabeledSpan::new_primary_with_span(label.text.clone(), span),
                    _ => LabeledSpan::new_with_span(label.text.clone(), span),
                }
            },
        )))
    }
}

/// Everything that is wrong with a stack file, in the order of the file.
#[derive(Debug)]
pub struct StackErrors {
    file: String,
    problems: Vec<Problem>,
}

impl StackErrors {
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// All problems, one after the other, without colour.
    pub fn render(&self, width: usize) -> String {
        self.problems
            .iter()
            .map(|problem| problem.render(width))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for StackErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(formatter, "{} has an error; nothing was done", self.file),
            count => write!(
                formatter,
                "{} has {count} errors; nothing was done",
                self.file
            ),
        }
    }
}

impl std::error::Error for StackErrors {}

impl Diagnostic for StackErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems
                .iter()
                .map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

/// Collects problems while a file is looked at.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn error(
        &mut self,
        span: impl Into<Range<usize>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.push(Problem::new(Severity::Error, span.into(), message.into()))
    }

    pub(super) fn warning(
        &mut self,
        span: impl Into<Range<usize>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.push(Problem::new(Severity::Warning, span.into(), message.into()))
    }

    fn push(&mut self, problem: Problem) -> &mut Problem {
        self.0.push(problem);
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    pub(super) fn error_count(&self) -> usize {
        self.0.iter().filter(|problem| problem.is_error()).count()
    }

    /// The warnings, or all errors if there is any.
    pub(super) fn finish(self, file: &str, text: &str) -> Result<Vec<Problem>, StackErrors> {
        if self.error_count() > 0 {
            return Err(self.fail(file, text));
        }
        Ok(self.in_file(file, text))
    }

    /// All errors, when nothing else came of the file.
    pub(super) fn fail(mut self, file: &str, text: &str) -> StackErrors {
        self.0.retain(Problem::is_error);
        StackErrors {
            file: file.to_owned(),
            problems: self.in_file(file, text),
        }
    }

    /// Each with the source to show its place in, in the order of the file.
    fn in_file(mut self, file: &str, text: &str) -> Vec<Problem> {
        let source = Arc::new(NamedSource::new(file, text.to_owned()));
        for problem in &mut self.0 {
            problem.source = Some(Arc::clone(&source));
        }
        self.0.sort_by_key(Problem::offset);
        // A wrong default is found once for every service that takes it.
        self.0.dedup_by(|next, first| {
            next.offset() == first.offset() && next.message == first.message
        });
        self.0
    }
}
