//! Are the pages true? Their marked examples run and show what they show; every call of navi in them is one that navi understands; every link leads somewhere.
//!
//! A block is run if `<!-- run -->` stands above it (`<!-- run: 2 -->` where its last command ends with 2), and written to a file if
//! `<!-- file: NAME -->` does. All blocks of a page share one shell, one directory and one sandbox, in their order.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Parser;

use crate::support::{Shown, StoppedAtTheEnd, blocks, calls, fits, pages, sandbox_json};

/// What no output of a command has in it.
const MARK: &str = "\u{1e}navi-page";

/// A command of a page, and how it is to end.
struct Example {
    shown: Shown,
    code: i32,
}

/// The page as one script: files are written and commands run where they stand, a mark before and after each command.
fn script(page: &str) -> (String, Vec<Example>) {
    let mut script = "exec 2>&1\n".to_owned();
    let mut examples = Vec::new();
    for block in blocks(page) {
        if let Some(name) = block.mark.strip_prefix("file: ") {
            let _ = write!(
                script,
                "cat > '{name}' <<'{MARK}'\n{}\n{MARK}\n",
                block.text
            );
        }
        let code = match block.mark.strip_prefix("run") {
            Some("") => 0,
            Some(code) => code.trim_start_matches(": ").parse().unwrap(),
            None => continue,
        };
        let commands = block.commands();
        assert!(!commands.is_empty(), "line {}: nothing to run", block.line);
        let last = commands.len() - 1;
        for (number, shown) in commands.into_iter().enumerate() {
            let _ = write!(
                script,
                "printf '{MARK}\\n'\n{}\nprintf '{MARK}%s\\n' \"$?\"\n",
                shown.command
            );
            let code = if number == last { code } else { 0 };
            examples.push(Example { shown, code });
        }
    }
    (script, examples)
}

/// Runs the marked examples of a page in a directory of their own; answers how many there are, and what is not as the page shows it.
fn run(path: &Path) -> (usize, Vec<String>) {
    let (script, examples) = script(&fs::read_to_string(path).unwrap());
    if examples.is_empty() {
        return (0, Vec::new());
    }
    let home = tempfile::tempdir().unwrap();
    let programs = home.path().join("bin");
    let folder = home.path().join("work");
    fs::create_dir(&programs).unwrap();
    fs::create_dir(&folder).unwrap();
    symlink(env!("CARGO_BIN_EXE_navi"), programs.join("navi")).unwrap();
    let stacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks");
    symlink(stacks, folder.join("stacks")).unwrap();
    fs::write(home.path().join("page.sh"), script).unwrap();
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "../page.sh"])
        .current_dir(&folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("HOME", home.path())
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let _sandbox = StoppedAtTheEnd::started(&folder, sandbox_json(&folder, "status"));
    let output = String::from_utf8(output.stdout).unwrap();
    let mut parts = output.split(MARK).skip(1);
    let mut wrong = Vec::new();
    let count = examples.len();
    for Example { shown, code } in examples {
        let place = format!("{}:{}: {}", path.display(), shown.line, shown.command);
        let (Some(said), Some(ended)) = (parts.next(), parts.next()) else {
            wrong.push(format!("{place}\nnever ended"));
            break;
        };
        let ended = ended.trim();
        if ended != code.to_string() {
            wrong.push(format!("{place}\nended with {ended}, not {code}:\n{said}"));
        }
        let lines: Vec<&str> = said.trim_matches('\n').lines().collect();
        // Where a page shows nothing, it is not about the output.
        if !shown.output.is_empty() && !fits(&shown.output, &lines) {
            wrong.push(format!("{place}\nsays\n{}", lines.join("\n")));
        }
    }
    (count, wrong)
}

#[test]
fn the_marked_examples_of_every_page_run_and_say_what_is_shown() {
    let ended: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let running: Vec<_> = pages()
            .into_iter()
            .map(|page| scope.spawn(move || run(&page)))
            .collect();
        let ended = running.into_iter().map(|page| page.join().unwrap());
        ended.collect()
    });
    let (counts, wrong): (Vec<usize>, Vec<Vec<String>>) = ended.into_iter().unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(counts.iter().sum::<usize>() > 20, "{counts:?}");
}

#[test]
fn every_call_of_navi_in_a_page_is_one_that_it_understands() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in pages() {
        for block in blocks(&fs::read_to_string(&path).unwrap()) {
            for shown in block.commands() {
                let command = shown.command.replace(" \\\n", " ");
                for call in calls(&command) {
                    count += 1;
                    if let Err(error) = navi::cli::Arguments::try_parse_from(&call)
                        && error.use_stderr()
                    {
                        wrong.push(format!("{}:{}: {error}", path.display(), shown.line));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "{count}");
}

/// The targets of a page's links, `](target)`.
fn links(page: &str) -> BTreeSet<&str> {
    let after = page
        .match_indices("](")
        .map(|(at, opening)| &page[at + opening.len()..]);
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .collect()
}

/// The anchors that a forge makes of a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for link in links(&page) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let there = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !there {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_shown_is_compared_line_by_line() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let fit = |shown: &str, output: &str| fits(&lines(shown), &output.lines().collect::<Vec<_>>());
    assert!(fit("a\n…\nd", "a\nb\nc\nd"));
    assert!(fit("…\n35 steps in …ms", "a\n35 steps in 12ms"));
    assert!(fit("a …, b … c", "a 1, b 2, b 3 c"));
    assert!(!fit("a\nd", "a\nb\nd"));
    assert!(!fit("…\n35 steps", "a\n35 steps done"));
    assert!(!fit("a", ""));
}
