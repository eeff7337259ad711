//! Which stack is meant? The one in the file; for commands that need no file, also one that is named or the only one recorded.

use std::fs;
use std::io;
use std::path::Path;

use super::arguments::{GlobalOptions, quoted};
use super::context::Connection;
use super::error::{CommandError, diagnostic};
use super::output;
use crate::model;
use crate::report::Palette;
use crate::resource::Protection;
use crate::stack::{self, Loaded, Problem, Stack, Variables};

/// A stack file that was read and found sound. What only AWS can tell is still open in it.
pub struct StackFile {
    name: String,
    text: String,
    variables: Variables,
    stack: Stack,
}

impl StackFile {
    /// Reads and checks the file, without AWS. Tells the warnings.
    pub fn load(global: &GlobalOptions) -> Result<Self, CommandError> {
        let (file, warnings) = Self::parse(global)?;
        for warning in &warnings {
            match global.json() {
                true => output::warning(global, &warning.to_string()),
                false => output::notice(&diagnostic(warning, &Palette::for_stderr())),
            }
        }
        Ok(file)
    }

    /// The stack in the file, for what is only worth a mention: tells no warnings, and the caller does without it.
    pub fn read(global: &GlobalOptions) -> Result<Stack, CommandError> {
        Ok(Self::parse(global)?.0.stack)
    }

    fn parse(global: &GlobalOptions) -> Result<(Self, Vec<Problem>), CommandError> {
        let path = &global.file;
        let text =
            fs::read_to_string(path).map_err(|source| CommandError::StackFileUnreadable {
                path: path.clone(),
                source,
            })?;
        let name = path.display().to_string();
        let variables = variables(global);
        let Loaded { stack, warnings } = stack::load(&name, &text, &variables)?;
        let file = StackFile {
            name,
            text,
            variables,
            stack,
        };
        Ok((file, warnings))
    }

    /// The stack as far as the file alone tells it.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The stack with everything that AWS told. Its warnings have been told already.
    pub fn resolve(self, account: &str, region: &str) -> Result<Stack, CommandError> {
        if !self.stack.needs_account_id() && !self.stack.needs_region() {
            return Ok(self.stack);
        }
        let variables = self.variables.with_account_id(account).with_region(region);
        Ok(stack::load(&self.name, &self.text, &variables)?.stack)
    }
}

/// The environment, and `--set` over it. What is not text can't stand in a stack file.
fn variables(global: &GlobalOptions) -> Variables {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let variables = Variables::new(environment.chain(global.set.iter().cloned()));
    match &global.region {
        Some(region) => variables.with_region(region),
        None => variables,
    }
}

/// For the commands that need no stack file.
#[derive(Clone, Debug, clap::Args)]
pub struct StackChoice {
    /// The stack, where no stack file names it
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
}

/// A stack by its name, and what its file says if there is one.
pub struct ChosenStack {
    pub name: String,
    pub region: Option<String>,
    /// `protect` in the stack file.
    pub protection: Option<Protection>,
}

impl StackChoice {
    /// The option as it was given, after a space.
    pub fn spelled_out(&self) -> String {
        match &self.stack {
            Some(name) => format!(" --stack {}", quoted(name)),
            None => String::new(),
        }
    }

    /// The stack as its file wants it, where it is the file that names it.
    pub fn wanted(
        &self,
        global: &GlobalOptions,
        connection: &Connection,
    ) -> Result<Option<Stack>, CommandError> {
        if self.stack.is_some() {
            return Ok(None);
        }
        // Its warnings were told when it said which stack is meant.
        match StackFile::parse(global) {
            Ok((file, _)) => Ok(Some(file.resolve(&connection.account, &connection.region)?)),
            // Its errors are told where the file is what counts.
            Err(_) => Ok(None),
        }
    }

    /// What `--stack` says.
    pub fn name(&self) -> Option<&str> {
        self.stack.as_deref()
    }

    /// `--stack`, else the stack file's, else the only one recorded.
    pub fn choose(&self, global: &GlobalOptions) -> Result<ChosenStack, CommandError> {
        if let Some(name) = &self.stack {
            return Ok(ChosenStack {
                name: name.clone(),
                region: global.region.clone(),
                protection: None,
            });
        }
        match StackFile::load(global) {
            Ok(file) => Ok(ChosenStack {
                protection: Some(model::protection(&file.stack)),
                name: file.stack.name,
                region: file.stack.region,
            }),
            Err(CommandError::StackFileUnreadable { path, source })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                only_recorded(global, &path).map(|name| ChosenStack {
                    name,
                    region: global.region.clone(),
                    protection: None,
                })
            }
            Err(CommandError::StackFile(errors)) => match recorded_name(global) {
                Some(name) => {
                    let file = global.file.display();
                    let message =
                        format!("{file} has errors; only the name {name} is taken from it");
                    output::warning(global, &message);
                    Ok(ChosenStack {
                        name,
                        region: global.region.clone(),
                        protection: None,
                    })
                }
                None => Err(errors.into()),
            },
            Err(error) => Err(error),
        }
    }
}

/// The name in a file that has errors elsewhere, if it is that of a recorded stack: what is recorded must
/// not depend on a variable that is not set today.
pub fn recorded_name(global: &GlobalOptions) -> Option<String> {
    let text = fs::read_to_string(&global.file).ok()?;
    let name = stack::name(&text, &variables(global))?;
    recorded_stacks(&global.store_directory())
        .contains(&name)
        .then_some(name)
}

fn only_recorded(global: &GlobalOptions, file: &Path) -> Result<String, CommandError> {
    let directory = global.store_directory();
    let mut recorded = recorded_stacks(&directory);
    match recorded.len() {
        1 => Ok(recorded.remove(0)),
        _ => Err(CommandError::WhichStack {
            file: file.to_owned(),
            directory,
            recorded,
        }),
    }
}

/// Refuses a stack that nothing is known of, before anything is locked or called: the directory may be the wrong one.
pub fn require_recorded(global: &GlobalOptions, stack: &str) -> Result<(), CommandError> {
    let knows = |directory: &Path| recorded_stacks(directory).iter().any(|name| name == stack);
    let directory = global.store_directory();
    if knows(&directory) {
        return Ok(());
    }
    let other = GlobalOptions {
        sandbox: !global.sandbox,
        ..global.clone()
    };
    Err(CommandError::NotRecorded {
        stack: stack.to_owned(),
        elsewhere: knows(&other.store_directory()).then_some("--sandbox"),
        directory,
        looked: None,
    })
}

/// The stacks that a state directory knows, sorted. A directory that can't be read knows none.
pub fn recorded_stacks(directory: &Path) -> Vec<String> {
    let mut stacks: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let stack = name
                .strip_suffix(".json")
                .or_else(|| name.strip_suffix(".journal"))?;
            (!stack.starts_with('.')).then(|| stack.to_owned())
        })
        .collect();
    stacks.sort();
    stacks.dedup();
    stacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_recorded_by_its_snapshot_or_its_journal() {
        let directory = tempfile::tempdir().unwrap();
        for file in [
            "b.json",
            "b.json.backup",
            "b.journal",
            "a.journal",
            "c.lock",
            ".gitignore",
        ] {
            fs::write(directory.path().join(file), "").unwrap();
        }
        assert_eq!(recorded_stacks(directory.path()), ["a", "b"]);
        assert!(recorded_stacks(&directory.path().join("missing")).is_empty());
    }
}
