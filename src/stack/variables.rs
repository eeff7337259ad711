//! What do `${NAME}` and `${NAME:-default}` stand for?

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::problem::Problems;
use super::resolved::Unresolved;
use super::yaml::{Kind, Node, Scalar};

/// What the variables of a stack file are taken from. Not `Debug`: an environment holds secrets.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    account_id: Option<String>,
    region: Option<String>,
}

impl Variables {
    /// The environment, and what `--set` puts over it.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Variables {
            values: values.into_iter().collect(),
            account_id: None,
            region: None,
        }
    }

    /// What `${ACCOUNT_ID}` stands for. Without it the placeholder is kept: see [`super::Stack::needs_account_id`].
    pub fn with_account_id(mut self, account_id: impl Into<String>) -> Self {
        self.account_id = Some(account_id.into());
        self
    }

    /// The region in place of the one in the file, and what `${REGION}` stands for.
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    pub(super) fn account_id(&self) -> Option<&str> {
        self.account_id.as_deref()
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

/// The text with placeholders as AWS's values will look, so that it can be checked before they are known.
pub(super) fn with_sample_values(text: &str) -> String {
    text.replace(ACCOUNT_ID, "000000000000")
        .replace(REGION, "us-east-1")
}

pub(super) const ACCOUNT_ID: &str = "${ACCOUNT_ID}";
const REGION: &str = "${REGION}";

/// The text as a stack file would have to say it. What is still unresolved stays a variable.
pub(super) fn escape(text: &str, unresolved: &BTreeSet<Unresolved>) -> String {
    let mut escaped = text.replace('$', "$$");
    if unresolved.contains(&Unresolved::AccountId) {
        escaped = escaped.replace(&format!("${ACCOUNT_ID}"), ACCOUNT_ID);
    }
    if unresolved.contains(&Unresolved::Region) {
        escaped = escaped.replace(&format!("${REGION}"), REGION);
    }
    escaped
}

/// Puts the variables' values into every scalar and says what could not be resolved yet.
pub(super) fn substitute(
    root: &mut Node,
    variables: &Variables,
    text: &str,
    problems: &mut Problems,
) -> BTreeSet<Unresolved> {
    let mut substitution = Substitution {
        variables,
        region: variables.region.clone(),
        text,
        unresolved: BTreeSet::new(),
        problems,
    };
    // `region` first: `${REGION}` elsewhere means it.
    if let Kind::Map(entries) = &mut root.kind
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == "region")
    {
        substitution.node(&mut entry.value);
        if let Kind::Scalar(scalar) = &entry.value.kind
            && substitution.region.is_none()
            && !scalar.is_null()
        {
            substitution.region = Some(scalar.text.clone());
        }
    }
    substitution.node(root);
    substitution.unresolved
}

struct Substitution<'a> {
    variables: &'a Variables,
    region: Option<String>,
    text: &'a str,
    unresolved: BTreeSet<Unresolved>,
    problems: &'a mut Problems,
}

impl Substitution<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.kind {
            // A value that a variable already came into is not looked at again: values are text, not templates.
            Kind::Scalar(scalar) if !scalar.substituted && scalar.text.contains('$') => {
                if !self.scalar(scalar, &node.span) {
                    node.kind = Kind::Faulty;
                }
            }
            Kind::Scalar(_) | Kind::Faulty => {}
            Kind::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Kind::Map(entries) => entries
                .iter_mut()
                .for_each(|entry| self.node(&mut entry.value)),
        }
    }

    /// Whether all went well.
    fn scalar(&mut self, scalar: &mut Scalar, span: &Range<usize>) -> bool {
        let written = std::mem::take(&mut scalar.text);
        let mut rest = written.as_str();
        let mut sound = true;
        while let Some(dollar) = rest.find('$') {
            scalar.text.push_str(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            rest = if let Some(literal) = after.strip_prefix('$') {
                scalar.text.push('$');
                literal
            } else if let Some(body) = after.strip_prefix('{') {
                let (expression, remainder) = body.split_once('}').unwrap_or((body, ""));
                let closed = expression.len() < body.len();
                match self.value(expression, closed, span) {
                    Some(value) => scalar.text.push_str(&value),
                    None => sound = false,
                }
                remainder
            } else {
                scalar.text.push('$');
                after
            };
        }
        scalar.text.push_str(rest);
        scalar.substituted = true;
        sound
    }

    fn value(&mut self, expression: &str, closed: bool, scalar: &Range<usize>) -> Option<String> {
        let (name, default) = match expression.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (expression, None),
        };
        if !closed || !is_name(name) {
            self.malformed(expression, scalar);
            return None;
        }
        if let Some(value) = self.special(name) {
            return Some(value);
        }
        let value = self
            .variables
            .values
            .get(name)
            .filter(|value| !(value.is_empty() && default.is_some()));
        let found = value.cloned().or(default.map(str::to_owned));
        if found.is_none() {
            self.missing(name, scalar);
        }
        found
    }

    /// `ACCOUNT_ID` and `REGION` are what AWS is really called with, never what an environment happens to hold.
    fn special(&mut self, name: &str) -> Option<String> {
        let (known, unresolved, placeholder) = match name {
            "ACCOUNT_ID" => (
                &self.variables.account_id,
                Unresolved::AccountId,
                ACCOUNT_ID,
            ),
            "REGION" => (&self.region, Unresolved::Region, REGION),
            _ => return None,
        };
        if known.is_none() {
            self.unresolved.insert(unresolved);
        }
        Some(known.clone().unwrap_or_else(|| placeholder.to_owned()))
    }

    fn malformed(&mut self, expression: &str, scalar: &Range<usize>) {
        let span = self.position(expression, scalar);
        self.problems
            .error(
                span,
                format!("`${{{expression}` is not a variable of a stack file"),
            )
            .hint("write `${NAME}` or `${NAME:-default}`; a literal `${` is written `$${`");
    }

    fn missing(&mut self, name: &str, scalar: &Range<usize>) {
        let span = self.position(name, scalar);
        self.problems
            .error(span, format!("the variable `{name}` is not set"))
            .hint(format!("set it in the environment or with `--set {name}=…`, or give a default: `${{{name}:-…}}`"));
    }

    /// The `${…` within the scalar's source, or the whole scalar if escapes hide it.
    fn position(&self, expression: &str, scalar: &Range<usize>) -> Range<usize> {
        let opening = format!("${{{expression}");
        let source = self.text.get(scalar.clone()).unwrap_or("");
        match source.find(&opening) {
            Some(offset) => {
                let start = scalar.start + offset;
                let closing = usize::from(source[offset + opening.len()..].starts_with('}'));
                start..start + opening.len() + closing
            }
            None => scalar.clone(),
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|character: char| character.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}
