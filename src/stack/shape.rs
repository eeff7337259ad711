//! Has the file the shape that the schema asks for: known keys, the right types, everything required?
//!
//! Walks tree and schema together, reports everything that doesn't fit, and returns what does as a typed value: each scalar
//! gets the type that the schema has at its place. The schema comes from [`super::file`], so it has few forms: objects, lists,
//! scalars, enums of words, choices between one-key objects, and either of two forms of different types.

use serde_json::{Map, Value, json};

use super::problem::Problems;
use super::suggest;
use super::yaml::{Entry, Kind, Node, Scalar};

/// What fits, or `None` if nothing does; the problems say why. A mistyped key is taken for the one that was meant,
/// so that what stands below it is looked at as well.
pub(super) fn check(root: &mut Node, schema: &Value, problems: &mut Problems) -> Option<Value> {
    Check {
        definitions: &schema["$defs"],
        problems,
    }
    .node(root, schema, &Path::default())
}

struct Check<'a> {
    definitions: &'a Value,
    problems: &'a mut Problems,
}

/// `services.backend.count`, with the position of its last key.
#[derive(Clone, Default)]
struct Path {
    text: String,
    key_span: std::ops::Range<usize>,
}

impl Path {
    fn key(&self, entry: &Entry) -> Path {
        let dot = if self.text.is_empty() { "" } else { "." };
        Path {
            text: format!("{}{dot}{}", self.text, entry.key),
            key_span: entry.key_span.clone(),
        }
    }

    fn item(&self, index: usize, node: &Node) -> Path {
        Path {
            text: format!("{}[{index}]", self.text),
            key_span: node.span.start..node.span.start,
        }
    }

    fn name(&self) -> String {
        if self.text.is_empty() {
            "the stack file".to_owned()
        } else {
            format!("`{}`", self.text)
        }
    }

    fn last(&self) -> &str {
        self.text.rsplit('.').next().unwrap_or(&self.text)
    }
}

/// One of the forms that a schema of ours can have.
enum Form<'s> {
    Object {
        properties: Option<&'s Map<String, Value>>,
        values: Option<&'s Value>,
        required: Vec<&'s str>,
    },
    Choice(Vec<(&'s str, &'s Value)>),
    /// A scalar or something larger (`protect: true`, `protect: [vpc]`): which of them, the value's type tells.
    Either(Vec<Form<'s>>),
    List(&'s Value),
    Words(Vec<&'s str>),
    Integer {
        minimum: i64,
        maximum: i64,
    },
    Boolean,
    Text,
}

impl<'s> Form<'s> {
    fn of(schema: &'s Value) -> Form<'s> {
        if let Some(alternatives) = schema["oneOf"].as_array() {
            return Form::of_alternatives(alternatives);
        }
        if let Some(words) = schema["enum"].as_array() {
            return Form::Words(words.iter().filter_map(Value::as_str).collect());
        }
        match schema["type"].as_str() {
            Some("object") => Form::Object {
                properties: schema["properties"].as_object(),
                values: Some(&schema["additionalProperties"]).filter(|values| values.is_object()),
                required: schema["required"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect(),
            },
            Some("array") => Form::List(&schema["items"]),
            Some("integer") => Form::Integer {
                minimum: schema["minimum"].as_i64().unwrap_or(i64::MIN),
                maximum: schema["maximum"].as_i64().unwrap_or(i64::from(i32::MAX)),
            },
            Some("boolean") => Form::Boolean,
            _ => Form::Text,
        }
    }

    fn of_alternatives(alternatives: &'s [Value]) -> Form<'s> {
        let words: Vec<&str> = alternatives
            .iter()
            .filter_map(|alternative| alternative["const"].as_str())
            .collect();
        if !words.is_empty() {
            return Form::Words(words);
        }
        let properties = alternatives
            .iter()
            .filter_map(|alternative| alternative["properties"].as_object());
        Form::Choice(
            properties
                .flatten()
                .map(|(key, schema)| (key.as_str(), schema))
                .collect(),
        )
    }

    fn expectation(&self) -> String {
        match self {
            Form::Object { .. } => "a mapping (lines of `key: value`)".to_owned(),
            Form::Choice(_) => "a mapping with one key".to_owned(),
            Form::Either(forms) => {
                let forms: Vec<String> = forms.iter().map(Form::expectation).collect();
                forms.join(", or ")
            }
            Form::List(_) => "a list".to_owned(),
            Form::Words(words) => format!("one of {}", suggest::list(words)),
            Form::Integer { .. } => "a whole number".to_owned(),
            Form::Boolean => "true or false".to_owned(),
            Form::Text => "text".to_owned(),
        }
    }

    /// Whether a value of this type can fit at all.
    fn takes(&self, kind: &Kind) -> bool {
        match (kind, self) {
            (_, Form::Either(forms)) => forms.iter().any(|form| form.takes(kind)),
            (Kind::Map(_), form) => matches!(form, Form::Object { .. } | Form::Choice(_)),
            (Kind::List(_), form) => matches!(form, Form::List(_)),
            (Kind::Scalar(_), form) => matches!(
                form,
                Form::Words(_) | Form::Integer { .. } | Form::Boolean | Form::Text
            ),
            (Kind::Faulty, _) => false,
        }
    }
}

impl<'a> Check<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix("#/$defs/"))
        {
            Some(name) => &self.definitions[name],
            None => schema,
        }
    }

    /// The value of what fits; what doesn't is marked in the tree, so that nobody draws conclusions from it.
    fn node(&mut self, node: &mut Node, schema: &'a Value, path: &Path) -> Option<Value> {
        let value = self.value(node, schema, path);
        if value.is_none() {
            node.kind = Kind::Faulty;
        }
        value
    }

    fn value(&mut self, node: &mut Node, schema: &'a Value, path: &Path) -> Option<Value> {
        let form = self.form(schema);
        self.fit(node, &form, path)
    }

    fn form(&self, schema: &'a Value) -> Form<'a> {
        let schema = self.resolve(schema);
        match schema["anyOf"].as_array() {
            Some(alternatives) => {
                Form::Either(alternatives.iter().map(|form| self.form(form)).collect())
            }
            None => Form::of(schema),
        }
    }

    fn fit(&mut self, node: &mut Node, form: &Form<'a>, path: &Path) -> Option<Value> {
        match (&mut node.kind, form) {
            (Kind::Faulty, _) => None,
            (Kind::Scalar(scalar), _) if scalar.is_null() => {
                self.report_empty(path, form);
                None
            }
            (kind, Form::Either(forms)) => {
                let chosen = forms.iter().find(|form| form.takes(kind));
                match (&*kind, chosen) {
                    (Kind::Scalar(scalar), Some(Form::Boolean)) if !is_boolean(&scalar.text) => {
                        self.report_wrong_type(node, form, path);
                        None
                    }
                    (_, Some(chosen)) => self.fit(node, chosen, path),
                    (_, None) => {
                        self.report_wrong_type(node, form, path);
                        None
                    }
                }
            }
            (
                Kind::Map(entries),
                Form::Object {
                    properties,
                    values,
                    required,
                },
            ) => Some(self.object(entries, *properties, *values, required, path)),
            (Kind::Map(entries), Form::Choice(choices)) => self.choice(entries, choices, path),
            (Kind::List(items), Form::List(schema)) => Some(self.list(items, schema, path)),
            (Kind::Scalar(scalar), Form::Words(words)) => {
                self.word(scalar, words, path, &node.span)
            }
            (Kind::Scalar(scalar), Form::Integer { minimum, maximum }) => {
                self.integer(scalar, *minimum..=*maximum, path, &node.span)
            }
            (Kind::Scalar(scalar), Form::Boolean) => self.boolean(scalar, path, &node.span),
            (Kind::Scalar(scalar), Form::Text) => Some(json!(scalar.text)),
            _ => {
                self.report_wrong_type(node, form, path);
                None
            }
        }
    }

    fn object(
        &mut self,
        entries: &mut Vec<Entry>,
        properties: Option<&'a Map<String, Value>>,
        values: Option<&'a Value>,
        required: &[&str],
        path: &Path,
    ) -> Value {
        if let Some(properties) = properties {
            let known: Vec<&str> = properties.keys().map(String::as_str).collect();
            self.correct_keys(entries, &known, path);
        }
        let mut object = Map::new();
        for entry in entries.iter_mut() {
            let below = path.key(entry);
            let schema = properties
                .and_then(|properties| properties.get(&entry.key))
                .or(values);
            let value = schema.and_then(|schema| self.node(&mut entry.value, schema, &below));
            if let Some(value) = value {
                object.insert(entry.key.clone(), value);
            }
        }
        for key in required
            .iter()
            .filter(|key| !entries.iter().any(|entry| entry.key == **key))
        {
            self.problems
                .error(
                    path.key_span.clone(),
                    format!("{} has no `{key}`", path.name()),
                )
                .hint(match *key {
                    "stack" => {
                        "begin with `stack: my-environment`: it is the first part of every name"
                    }
                    "services" => "name at least one service under `services:`",
                    "containers" => {
                        "name at least one container with its `image` under `containers:`"
                    }
                    "image" => "for example `image: public.ecr.aws/nginx/nginx:stable-alpine`",
                    _ => "this key is required",
                });
        }
        Value::Object(object)
    }

    /// Reports unknown keys and puts the key that was meant in their place, if that isn't there already.
    fn correct_keys(&mut self, entries: &mut Vec<Entry>, known: &[&str], path: &Path) {
        let given: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for entry in entries
            .iter_mut()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            self.problems
                .error(
                    entry.key_span.clone(),
                    format!("{} has no key `{}`", path.name_as_owner(), entry.key),
                )
                .label("unknown key")
                .maybe_hint(suggest::hint(&entry.key, known));
            if let Some(meant) = suggest::nearest(&entry.key, known.iter().copied())
                && !given.iter().any(|key| key == meant)
            {
                entry.key = meant.to_owned();
            }
        }
        let mut seen: Vec<String> = Vec::new();
        entries.retain(|entry| {
            let keep = known.contains(&entry.key.as_str()) && !seen.contains(&entry.key);
            seen.push(entry.key.clone());
            keep
        });
    }

    fn choice(
        &mut self,
        entries: &mut Vec<Entry>,
        choices: &[(&'a str, &'a Value)],
        path: &Path,
    ) -> Option<Value> {
        let known: Vec<&str> = choices.iter().map(|(key, _)| *key).collect();
        let errors = self.problems.error_count();
        self.correct_keys(entries, &known, path);
        if let [entry] = entries.as_mut_slice() {
            let (key, schema) = choices.iter().find(|(key, _)| *key == entry.key)?;
            let below = path.key(entry);
            let value = self.node(&mut entry.value, schema, &below)?;
            return Some(json!({ *key: value }));
        }
        if self.problems.error_count() == errors {
            let span = entries
                .get(1)
                .map_or(path.key_span.clone(), |entry| entry.key_span.clone());
            self.problems.error(
                span,
                format!(
                    "{} takes exactly one of {}",
                    path.name(),
                    suggest::list(&known)
                ),
            );
        }
        None
    }

    /// What doesn't fit goes to the end of the tree's list, so that an index means the same item in tree and value.
    fn list(&mut self, items: &mut Vec<Node>, schema: &'a Value, path: &Path) -> Value {
        let (mut fitting, mut faulty, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (index, mut item) in items.drain(..).enumerate() {
            let below = path.item(index, &item);
            match self.node(&mut item, schema, &below) {
                Some(value) => {
                    values.push(value);
                    fitting.push(item);
                }
                None => faulty.push(item),
            }
        }
        items.extend(fitting);
        items.extend(faulty);
        Value::Array(values)
    }

    fn word(
        &mut self,
        scalar: &Scalar,
        words: &[&str],
        path: &Path,
        span: &std::ops::Range<usize>,
    ) -> Option<Value> {
        if words.contains(&scalar.text.as_str()) {
            return Some(json!(scalar.text));
        }
        self.problems
            .error(
                span.clone(),
                format!("{} cannot be `{}`", path.name(), scalar.text),
            )
            .label(match words.len() {
                // Beside the text a long list can't be read.
                0..=10 => format!("expected one of {}", suggest::list(words)),
                _ => "unknown".to_owned(),
            })
            .maybe_hint(match words.len() {
                0..=10 => suggest::nearest(&scalar.text, words.iter().copied())
                    .map(|meant| format!("did you mean `{meant}`?")),
                _ => suggest::hint(&scalar.text, words),
            });
        None
    }

    fn integer(
        &mut self,
        scalar: &Scalar,
        range: std::ops::RangeInclusive<i64>,
        path: &Path,
        span: &std::ops::Range<usize>,
    ) -> Option<Value> {
        let problem = match scalar.text.parse::<i64>() {
            Ok(number) if !(scalar.plain || scalar.substituted) => self
                .problems
                .error(
                    span.clone(),
                    format!(
                        "{} must be a whole number, but quotes make it text",
                        path.name()
                    ),
                )
                .hint(format!("write {number} without the quotes")),
            Ok(number) if range.contains(&number) => return Some(json!(number)),
            Ok(number) => {
                let bounds = match (range.start(), range.end()) {
                    (only, last) if only == last => only.to_string(),
                    (first, last) => format!("between {first} and {last}"),
                };
                let message = format!("{} must be {bounds}, not {number}", path.name());
                self.problems.error(span.clone(), message)
            }
            Err(_) => self.problems.error(
                span.clone(),
                format!(
                    "{} must be a whole number, not `{}`",
                    path.name(),
                    scalar.text
                ),
            ),
        };
        problem.label("wrong value");
        None
    }

    fn boolean(
        &mut self,
        scalar: &Scalar,
        path: &Path,
        span: &std::ops::Range<usize>,
    ) -> Option<Value> {
        match scalar.text.as_str() {
            "true" => return Some(json!(true)),
            "false" => return Some(json!(false)),
            _ => {}
        }
        let meant = match scalar.text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => Some("write `true`".to_owned()),
            "no" | "off" | "false" => Some("write `false`".to_owned()),
            _ => None,
        };
        self.problems
            .error(
                span.clone(),
                format!(
                    "{} must be true or false, not `{}`",
                    path.name(),
                    scalar.text
                ),
            )
            .maybe_hint(meant);
        None
    }

    fn report_empty(&mut self, path: &Path, form: &Form) {
        let hint = match form {
            Form::Object { required, .. } if required.is_empty() => {
                format!(
                    "write `{}: {{}}` to take all its defaults, or remove the key",
                    path.last()
                )
            }
            _ => format!(
                "it takes {}; without one, remove the key",
                form.expectation()
            ),
        };
        self.problems
            .error(
                path.key_span.clone(),
                format!("{} has no value", path.name()),
            )
            .hint(hint);
    }

    fn report_wrong_type(&mut self, node: &Node, form: &Form, path: &Path) {
        let found = match &node.kind {
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) | Kind::Faulty => "a mapping",
        };
        let span = if path.key_span.is_empty() {
            node.span.start..node.span.start + 1
        } else {
            path.key_span.clone()
        };
        let hint = match (&node.kind, form) {
            (Kind::Scalar(scalar), Form::List(_)) => Some(format!("write `[{}]`", scalar.text)),
            (Kind::Scalar(scalar), Form::Either(forms)) => forms
                .iter()
                .any(|form| matches!(form, Form::List(_)))
                .then(|| format!("write `[{}]`", scalar.text)),
            (_, Form::Choice(choices)) => {
                let keys: Vec<String> = choices
                    .iter()
                    .map(|(key, _)| format!("`{{ {key}: … }}`"))
                    .collect();
                Some(format!("write {}", keys.join(" or ")))
            }
            (Kind::List(_), Form::Object { .. }) => {
                Some("write `name:` in place of each `- `".to_owned())
            }
            (
                _,
                Form::Object {
                    properties: Some(properties),
                    ..
                },
            ) => {
                let keys: Vec<&str> = properties.keys().map(String::as_str).collect();
                Some(format!("its keys are {}", suggest::list(&keys)))
            }
            _ => None,
        };
        self.problems
            .error(
                span,
                format!(
                    "{} must be {}, but it is {found}",
                    path.name(),
                    form.expectation()
                ),
            )
            .maybe_hint(hint);
    }
}

/// Whether it is one, or was meant to be.
fn is_boolean(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["true", "false", "yes", "no", "on", "off"].contains(&text.as_str())
}

impl Path {
    fn name_as_owner(&self) -> String {
        if self.text.is_empty() {
            "a stack file".to_owned()
        } else {
            self.name()
        }
    }
}
