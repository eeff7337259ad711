//! Does every room import only what docs/ARCHITECTURE.md allows it?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The table of docs/ARCHITECTURE.md. `cli` may import everything and is not listed.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("resource", &[] as &[&str]),
        ("stack", &[]),
        ("sandbox", &[]),
        ("aws", &["resource"]),
        ("draft", &["stack"]),
        ("graph", &["resource"]),
        ("kinds", &["resource", "aws"]),
        ("model", &["stack", "resource", "kinds", "graph"]),
        ("state", &["resource", "aws"]),
        ("observe", &["resource", "graph", "kinds", "aws", "state"]),
        ("plan", &["resource", "graph", "observe", "state"]),
        ("permission", &["kinds", "resource"]),
        ("preflight", &["plan", "kinds", "resource", "aws"]),
        (
            "execute",
            &["plan", "graph", "resource", "state", "aws", "report::event"],
        ),
        ("picture", &["environment", "plan", "resource"]),
        ("report", &["plan", "resource", "picture"]),
        (
            "environment",
            &["kinds", "resource", "aws", "graph", "state", "observe"],
        ),
    ])
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A test inside a room may use what it likes to set a scene.
fn is_test_file(path: &Path) -> bool {
    path.iter().any(|part| part == "tests")
        || path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem == "simulation")
}

/// The text of a file up to its unit tests, without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What follows each `crate::` in the text: the room, or `room::module`.
fn imports(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, found)| {
            code[at + found.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect()
        })
        .collect()
}

#[test]
fn each_room_imports_only_what_it_may() {
    let allowed = allowed();
    let rooms: BTreeSet<String> = fs::read_dir(source_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut listed: BTreeSet<String> = allowed.keys().map(|room| (*room).to_owned()).collect();
    listed.insert("cli".to_owned());
    assert_eq!(
        rooms, listed,
        "a room is missing in the table, or the table names one too many"
    );

    let mut wrong = Vec::new();
    for (room, may) in &allowed {
        for path in sources(&source_folder().join(room)) {
            if is_test_file(&path) {
                continue;
            }
            for import in imports(&code(&path)) {
                let inside = import.split("::").next() == Some(room);
                let fine = may
                    .iter()
                    .any(|other| import == *other || import.starts_with(&format!("{other}::")));
                if !inside && !fine {
                    wrong.push(format!("{} imports {import}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_kinds_and_aws_name_an_sdk_crate_for_a_service() {
    for path in sources(&source_folder()) {
        let inside = ["kinds", "aws"]
            .iter()
            .any(|room| path.starts_with(source_folder().join(room)));
        if !inside && !is_test_file(&path) {
            assert!(!code(&path).contains("aws_sdk_"), "{}", path.display());
        }
    }
}

#[test]
fn only_report_and_cli_print() {
    for path in sources(&source_folder()) {
        let may_print = ["report", "cli"]
            .iter()
            .any(|room| path.starts_with(source_folder().join(room)))
            || path.ends_with("src/main.rs");
        if may_print || is_test_file(&path) {
            continue;
        }
        for printing in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!("] {
            assert!(
                !code(&path).contains(printing),
                "{} has {printing}",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_says_which_question_it_answers() {
    for path in sources(&source_folder()) {
        let text = fs::read_to_string(&path).unwrap();
        let opening: Vec<_> = text
            .lines()
            .take_while(|line| line.starts_with("//! "))
            .collect();
        let asks = opening.iter().any(|line| line.contains('?'));
        assert!(asks, "{} does not open with a question", path.display());
    }
}

#[test]
fn the_sandbox_names_no_kind() {
    for path in sources(&source_folder().join("sandbox")) {
        assert!(!code(&path).contains("kinds::"), "{}", path.display());
    }
}
