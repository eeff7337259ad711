//! Are the generated pages those of this navi: the command line's reference, the JSON Schema? And are they of use?

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory, Parser};
use navi::cli::Arguments;
use serde_json::Value;

use crate::support::{blocks, by_the_schema, calls, navi, pages, stdout};

/// Wide enough for a browser, narrow enough for a split window.
const WIDTH: usize = 100;

const OPENING: &str = "\
# The command line

Every command with its help, as `navi COMMAND --help` prints it. The tests write this page (`NAVI_UPDATE_GOLDEN=1`) and hold it to the program;
[the README](../../README.md#commands) has the commands in one table. `navi man --dir DIR` makes manual pages of the same text.
";

/// The generated file in docs/; `NAVI_UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
fn compare_with_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    if std::env::var_os("NAVI_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == text,
        "docs/{name} is not that of this navi; run the test again with NAVI_UPDATE_GOLDEN=1 and read the difference"
    );
}

/// The words of navi and of every command below it that shows, each before those below it.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn collect(command: &Command, above: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        let words = [above, &[command.get_name().to_owned()]].concat();
        found.push((words.clone(), command.clone()));
        let shown = command
            .get_subcommands()
            .filter(|below| !below.is_hide_set());
        for below in shown.filter(|below| below.get_name() != "help") {
            collect(below, &words, found);
        }
    }
    let mut found = Vec::new();
    collect(&Arguments::command(), &[], &mut found);
    found
}

/// The help as `--help` prints it.
fn help(words: &[String]) -> String {
    let asked = words.iter().map(String::as_str).chain(["--help"]);
    let command = Arguments::command().term_width(WIDTH);
    command.try_get_matches_from(asked).unwrap_err().to_string()
}

/// The help without the options that every command has.
fn own_help(words: &[String]) -> String {
    let help = help(words);
    let (own, rest) = help.split_once("Global options:\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap_or_default();
    format!("{own}{after}")
}

fn trimmed(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reference_of_the_command_line_is_that_of_this_navi() {
    let mut page = OPENING.to_owned();
    for (words, _) in commands() {
        let help = match words.len() {
            // navi's own has the global options, for all.
            1 => help(&words),
            _ => own_help(&words),
        };
        let name = words.join(" ");
        page.push_str(&format!(
            "\n## {name}\n\n```text\n{}\n```\n",
            trimmed(&help)
        ));
    }
    compare_with_page("reference/cli.md", &page);
}

#[test]
fn every_command_has_examples_that_it_understands() {
    let mut wrong = Vec::new();
    for (words, _) in commands() {
        let name = words.join(" ");
        let help = help(&words);
        let Some((_, examples)) = help.split_once("Examples:\n") else {
            wrong.push(format!("{name} has no examples"));
            continue;
        };
        let calls: Vec<_> = examples
            .lines()
            .flat_map(|line| calls(line.trim()))
            .collect();
        if !calls.iter().any(|call| call.starts_with(&words)) {
            wrong.push(format!("{name}: no example calls it"));
        }
        for call in calls {
            if let Err(error) = Arguments::try_parse_from(&call) {
                wrong.push(format!("{name}: {call:?}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_and_option_is_explained() {
    let mut wrong = Vec::new();
    for (words, command) in commands() {
        if command.get_about().is_none() {
            wrong.push(words.join(" "));
        }
        for argument in command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
        {
            if argument.get_help().is_none() {
                wrong.push(format!("{} {}", words.join(" "), argument.get_id()));
            }
        }
    }
    assert!(wrong.is_empty(), "without help: {}", wrong.join(", "));
}

fn schema() -> Value {
    let directory = tempfile::tempdir().unwrap();
    serde_json::from_str(&stdout(&navi(directory.path(), &["schema"]))).unwrap()
}

#[test]
fn the_published_schema_is_that_of_this_navi() {
    compare_with_page("navi.schema.json", &format!("{:#}\n", schema()));
}

#[test]
fn an_editor_takes_the_stack_files_and_refuses_what_is_wrong() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    for entry in fs::read_dir(root.join("stacks")).unwrap() {
        files.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    for page in pages() {
        let blocks = blocks(&fs::read_to_string(page).unwrap());
        let whole = blocks
            .into_iter()
            .filter(|block| block.mark.starts_with("file: "));
        files.extend(
            whole
                .filter(|block| block.language == "yaml")
                .map(|block| block.text),
        );
    }
    assert!(files.len() > 8, "{}", files.len());
    let schema = schema();
    for file in &files {
        assert_eq!(by_the_schema(&schema, file), "", "{file}");
    }
    let service = "containers: { web: { image: nginx } }";
    for (wrong, told) in [
        ("count: many", "'many' is not valid"),
        ("exec: ${EXEC:-true}", ""),
        ("exec: perhaps", "'perhaps' is not valid"),
        ("cuont: 1", "'cuont' was unexpected"),
    ] {
        let file = format!("stack: shop\nservices:\n  web:\n    {wrong}\n    {service}\n");
        let said = by_the_schema(&schema, &file);
        assert_eq!(said.is_empty(), told.is_empty(), "{said}");
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let written = navi(directory.path(), &["man", "--dir", "pages"]);
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    for (words, _) in commands() {
        let name = words.join("-");
        let page = directory.path().join("pages").join(format!("{name}.1"));
        let page = fs::read_to_string(page).unwrap_or_else(|_| panic!("no page for {name}"));
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains(".SH EXAMPLES"),
            "{name}: {page}"
        );
    }
    let alone = stdout(&navi(directory.path(), &["man"]));
    let first = fs::read_to_string(directory.path().join("pages/navi.1")).unwrap();
    assert_eq!(alone, first);
    let refused = navi(directory.path(), &["man", "--dir", "pages/navi.1"]);
    assert_eq!(refused.status.code(), Some(1));
}
