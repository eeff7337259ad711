//! What do navi's Markdown pages hold: which blocks, which commands, and which of them are to be run?

use std::fs;
use std::path::{Path, PathBuf};

/// One fenced block of a page.
pub struct Block {
    /// The comment above it, `<!-- run -->` without its arrows, or nothing.
    pub mark: String,
    pub language: String,
    /// The number of its first line.
    pub line: usize,
    pub text: String,
}

/// One command of a `console` block, with what the page shows of its output.
pub struct Shown {
    pub line: usize,
    pub command: String,
    pub output: Vec<String>,
}

/// README.md and whatever else is a page, below docs/ too.
pub fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = markdown(root);
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        pages.extend(markdown(&folder));
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        folders.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_dir()),
        );
    }
    pages.sort();
    pages
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The fenced blocks of a page, in their order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut mark = String::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ") {
            mark = comment.strip_suffix(" -->").unwrap_or_default().to_owned();
            continue;
        }
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .collect();
            blocks.push(Block {
                mark: std::mem::take(&mut mark),
                language: language.to_owned(),
                line: number + 2,
                text: text.join("\n"),
            });
        }
        if !line.is_empty() {
            mark.clear();
        }
    }
    blocks
}

impl Block {
    /// The commands: each line of a shell's block, each `$ ` line of a console's with the output below it.
    pub fn commands(&self) -> Vec<Shown> {
        let mut shown: Vec<Shown> = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            let shown_from = |command: &str| Shown {
                line: self.line + number,
                command: command.to_owned(),
                output: Vec::new(),
            };
            match (self.language.as_str(), shown.last_mut()) {
                ("sh", _) => shown.push(shown_from(line)),
                ("console", last) => match (line.strip_prefix("$ "), last) {
                    (Some(command), _) => shown.push(shown_from(command)),
                    (None, Some(last)) => match line.strip_prefix("> ") {
                        Some(more) if last.output.is_empty() => {
                            last.command.push('\n');
                            last.command.push_str(more);
                        }
                        _ => last.output.push(line.to_owned()),
                    },
                    (None, None) => panic!("line {}: a console begins with `$ `", self.line),
                },
                _ => {}
            }
        }
        shown
    }
}

/// The words of every call of navi in a line of shell, as navi gets them.
pub fn calls(line: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for (at, _) in line.match_indices("navi ") {
        let before = line[..at].chars().next_back();
        let begins = before.is_none_or(|before| " (`".contains(before));
        if begins && !line[..at].contains('#') {
            calls.push(words(&line[at..]));
        }
    }
    calls
}

/// The words up to where the shell, or a remark after two spaces, ends the command.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), character) if character == open => quote = None,
            (Some(_), character) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => {
                words.extend(word.take());
                if characters.peek() == Some(&' ') {
                    break;
                }
            }
            (None, '|' | '>' | '<' | ';' | '&' | ')' | '#' | '`') => break,
            (None, character) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// Whether the output is what the page shows: a line `…` stands for any lines, `…` in a line for anything.
pub fn fits(shown: &[String], output: &[&str]) -> bool {
    // How many lines of the output the lines shown so far can stand for.
    let mut reached = vec![0];
    for line in shown {
        reached = match (line.trim(), reached.first()) {
            (_, None) => return false,
            ("…", Some(first)) => (*first..=output.len()).collect(),
            (_, Some(_)) => reached
                .into_iter()
                .filter(|at| {
                    output
                        .get(*at)
                        .is_some_and(|said| line_fits(line.trim_end(), said.trim_end()))
                })
                .map(|at| at + 1)
                .collect(),
        };
    }
    reached.last() == Some(&output.len())
}

fn line_fits(shown: &str, line: &str) -> bool {
    match shown.split_once('…') {
        None => shown == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|line| {
            let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
            ends.any(|at| line_fits(after, &line[at..]))
        }),
    }
}
