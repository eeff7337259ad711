//! Which files is a first stack file made from, and what are they?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;
use crate::draft::{self, CopilotFiles, Draft, DraftSource};

/// The names that Compose looks for, in its order.
const COMPOSE: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// A Compose file, or a folder that has one or is a Copilot workspace.
pub fn read(
    path: &Path,
    stack: Option<&str>,
    environment: Option<&str>,
) -> Result<Draft, CommandError> {
    if !path.is_dir() {
        return compose(path, stack);
    }
    if let Some(folder) = copilot_folder(path) {
        return copilot(&folder, stack, environment);
    }
    match COMPOSE
        .iter()
        .map(|name| path.join(name))
        .find(|file| file.is_file())
    {
        Some(file) => compose(&file, stack),
        None => Err(CommandError::NoSourceThere {
            path: path.to_owned(),
        }),
    }
}

/// What `--from` could be, in this folder.
pub fn known_source(folder: &Path) -> Option<String> {
    let compose = COMPOSE.iter().find(|name| folder.join(name).is_file());
    let copilot = || copilot_folder(folder).map(|_| "copilot".to_owned());
    compose.map(|name| (*name).to_owned()).or_else(copilot)
}

/// The name of the folder that one is in.
pub fn this_folder() -> String {
    folder_name(Path::new("."))
}

fn folder_name(folder: &Path) -> String {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let name = fs::canonicalize(folder).ok();
    let name = name.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    name.unwrap_or_else(|| "app".to_owned())
}

fn compose(path: &Path, stack: Option<&str>) -> Result<Draft, CommandError> {
    let source = source(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let draft = draft::from_compose(&source, stack, &folder_name(&folder), &read);
    draft.map_err(|problem| CommandError::Draft(Box::new(problem)))
}

/// The folder that holds the manifests: `copilot` itself, or the one above it.
fn copilot_folder(path: &Path) -> Option<PathBuf> {
    let folders = [path.to_owned(), path.join("copilot")];
    folders
        .into_iter()
        .find(|folder| !manifests(folder).is_empty())
}

/// Name and manifest of each folder in a folder, sorted.
fn manifests(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let manifest = entry.path().join("manifest.yml");
            let name = entry.file_name().to_string_lossy().into_owned();
            manifest.is_file().then_some((name, manifest))
        })
        .collect();
    found.sort();
    found
}

fn copilot(
    folder: &Path,
    stack: Option<&str>,
    environment: Option<&str>,
) -> Result<Draft, CommandError> {
    let workspace = folder.join(".workspace");
    let application = match workspace.is_file() {
        true => {
            let source = source(&workspace)?;
            let name = source.root.get("application").and_then(|name| name.text());
            name.map(str::to_owned)
        }
        false => None,
    };
    let read = |(name, path): (String, PathBuf)| Ok::<_, CommandError>((name, source(&path)?));
    let services: Result<Vec<_>, _> = manifests(folder).into_iter().map(read).collect();
    let environments = manifests(&folder.join("environments")).into_iter();
    let environments: Result<Vec<_>, _> = environments.map(read).collect();
    let files = CopilotFiles {
        application,
        services: services?.into_iter().map(|(_, source)| source).collect(),
        environments: environments?,
    };
    if let Some(name) = environment
        && files.environments.iter().all(|(known, _)| known != name)
    {
        return Err(CommandError::NoSuchEnvironment {
            name: name.to_owned(),
            known: files
                .environments
                .into_iter()
                .map(|(known, _)| known)
                .collect(),
        });
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    let draft = draft::from_copilot(&files, stack, environment, &folder_name(above));
    draft.map_err(|problem| CommandError::Draft(Box::new(problem)))
}

fn source(path: &Path) -> Result<DraftSource, CommandError> {
    let text =
        fs::read_to_string(path).map_err(|source: io::Error| CommandError::SourceUnreadable {
            path: path.to_owned(),
            source,
        })?;
    DraftSource::read(&path.display().to_string(), &text)
        .map_err(|problem| CommandError::Draft(Box::new(problem)))
}
