//! How does the text of a stack file become a stack, or a list of everything that is wrong with it?

use super::file::StackFile;
use super::place::Place;
use super::problem::{Problem, Problems, StackErrors};
use super::resolved::Stack;
use super::variables::{self, Variables};
use super::yaml::Kind;
use super::{resolve, schema, shape, yaml};

/// A stack file without errors.
#[derive(Debug)]
pub struct Loaded {
    pub stack: Stack,
    /// What the user should know, but may have wanted.
    pub warnings: Vec<Problem>,
}

/// Reads a whole stack file. `source_name` is what the errors call it.
///
/// Nothing is asked of AWS: what only AWS can tell stays a placeholder, and the file can be loaded again once it is known.
pub fn load(source_name: &str, text: &str, variables: &Variables) -> Result<Loaded, StackErrors> {
    let mut problems = Problems::default();
    match read(text, variables, &mut problems) {
        Some(stack) => problems
            .finish(source_name, text)
            .map(|warnings| Loaded { stack, warnings }),
        None => {
            if problems.error_count() == 0 {
                problems.error(0..0, "the stack file is empty").hint(
                    "begin with `stack: my-environment` and `services:`; docs/STACK_FILE.md shows a whole file",
                );
            }
            Err(problems.fail(source_name, text))
        }
    }
}

/// The stack's name alone, as far as it can be told from a file that may be wrong everywhere else.
pub fn name(text: &str, variables: &Variables) -> Option<String> {
    let mut problems = Problems::default();
    let mut root = yaml::parse(text, &mut problems)?;
    variables::substitute(&mut root, variables, text, &mut problems);
    match &root.entry("stack")?.value.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some(scalar.text.clone()),
        _ => None,
    }
}

fn read(text: &str, variables: &Variables, problems: &mut Problems) -> Option<Stack> {
    let mut root = yaml::parse(text, problems)?;
    if let Kind::Scalar(scalar) = &root.kind
        && scalar.is_null()
    {
        return None;
    }
    let unresolved = variables::substitute(&mut root, variables, text, problems);
    let value = shape::check(&mut root, schema::root(), problems)?;
    match serde_json::from_value::<StackFile>(value) {
        Ok(file) => Some(resolve::stack(
            &file,
            &Place::root(&root),
            variables,
            unresolved,
            problems,
        )),
        Err(fault) => {
            // The shape check follows the schema of the same types, so this is a fault of navi's; it is told, not hidden.
            problems.error(
                0..0,
                format!("the stack file does not fit navi's own types: {fault}"),
            );
            None
        }
    }
}
