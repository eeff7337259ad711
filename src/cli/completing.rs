//! What could the word at the cursor be? Commands and options from clap; stacks, services and addresses from what is recorded and from the stack file.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use clap::builder::Str;
use clap::{Arg, Command, CommandFactory, Parser, ValueHint};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};
use clap_complete::env::Shells;

use super::arguments::{Arguments, GlobalOptions};
use super::outputs;
use super::stack_file::{StackFile, recorded_name, recorded_stacks};
use crate::environment::{Environment, Specs};
use crate::model;
use crate::resource::{Address, Cause};
use crate::stack::Stack;
use crate::state::{Access, LocalStore, Session, State};

/// Set by the scripts of `navi completions` to their shell's name. One of navi's own: other programs use `COMPLETE`.
pub(super) const VARIABLE: &str = "NAVI_COMPLETE";

/// Only the zones' names depend on it, and those are not in addresses.
const ANY_REGION: &str = "us-east-1";

/// Answers the shell, if it is its completion script that asks. Calls nobody and changes nothing.
/// Whatever goes wrong is no candidate: who types must see no error.
pub fn answer() -> bool {
    let Some(shell) = env::var(VARIABLE).ok().filter(|shell| !shell.is_empty()) else {
        return false;
    };
    let words: Vec<OsString> = env::args_os()
        .skip_while(|word| word != "--")
        .skip(1)
        .collect();
    let directory = env::current_dir().ok();
    let answer = match shell.as_str() {
        "bash" => for_bash(words, directory.as_deref()),
        shell => for_others(shell, words, directory.as_deref()),
    };
    // A reader that went away needs no answer.
    let _ = io::stdout().write_all(&answer.unwrap_or_default());
    true
}

fn for_others(shell: &str, words: Vec<OsString>, directory: Option<&Path>) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    // What stands behind the cursor, fish and PowerShell leave out.
    let index = index().unwrap_or(words.len().saturating_sub(1));
    let mut command = completed(&words, index);
    let shells = Shells::builtins();
    let completer = shells.completer(shell)?;
    let written = completer.write_complete(&mut command, words, directory, &mut answer);
    written.is_ok().then_some(answer)
}

/// bash takes `=` for a word of its own: `--stack=sh` arrives as three, and only the last is to be completed.
fn for_bash(words: Vec<OsString>, directory: Option<&Path>) -> Option<Vec<u8>> {
    let index = index()?;
    let separator = env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
    let (words, index, before) = joined(words, index);
    let candidates = complete(&mut completed(&words, index), words, index, directory).ok()?;
    let values = candidates.iter().map(|candidate| {
        let value = candidate.get_value().to_string_lossy();
        value.strip_prefix(&before).unwrap_or(&value).to_owned()
    });
    Some(values.collect::<Vec<_>>().join(&separator).into_bytes())
}

/// The words with `--option`, `=` and its value in one, the place of the word at `index`, and what bash has of that
/// word already.
fn joined(words: Vec<OsString>, index: usize) -> (Vec<OsString>, usize, String) {
    let mut line: Vec<OsString> = Vec::new();
    let mut place = index;
    let mut before = String::new();
    let mut open = false;
    for (at, word) in words.into_iter().enumerate() {
        let last = line.last_mut();
        let option = last.filter(|last| last.to_string_lossy().starts_with("--"));
        let equals = word == "=";
        match option {
            Some(option) if equals || open => {
                if at == index {
                    before = option.to_string_lossy().into_owned();
                }
                option.push(word);
            }
            _ => line.push(word),
        }
        open = equals;
        if at == index {
            place = line.len() - 1;
        }
    }
    (line, place, before)
}

/// Which word the cursor is in, where the script says it.
fn index() -> Option<usize> {
    env::var("_CLAP_COMPLETE_INDEX").ok()?.parse().ok()
}

/// navi's command line, with the names that can stand in the one that is typed. Options are only offered in place of names to
/// who has begun one: a service is what `navi scale` is missing.
fn completed(words: &[OsString], index: usize) -> Command {
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let of_option = words
        .get(index)
        .map(text)
        .unwrap_or_default()
        .starts_with('-');
    let typed = Arc::new(Typed::of(words.iter().map(text)));
    let mut command = Arguments::command();
    // `--help` and the global options are only everywhere once it is built.
    command.build();
    with_live_values(command, &typed, !of_option, None)
}

/// Every argument that names something of the user's, by the word that stands for its value in the help.
fn with_live_values(
    command: Command,
    typed: &Arc<Typed>,
    options_hidden: bool,
    parent: Option<&str>,
) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|argument| {
        let hidden = argument.is_hide_set() || (options_hidden && !argument.is_positional());
        let argument = argument.hide(hidden);
        let candidates: fn(&Typed) -> Vec<String> = match value_name(&argument).as_str() {
            "FILE" | "TERRAFORM_STATE" => return argument.value_hint(ValueHint::FilePath),
            "DIR" => return argument.value_hint(ValueHint::DirPath),
            "PATH" => return argument.value_hint(ValueHint::AnyPath),
            "SERVICE" => Typed::services,
            "SERVICE=COUNT" => Typed::services_with_counts,
            "ADDRESS" | "FROM" if parent == Some("state") => Typed::recorded_selectors,
            "ADDRESS" if name == "adopt" => Typed::wanted_addresses,
            "ADDRESS" => Typed::selectors,
            "OUTPUT" => Typed::outputs,
            "NAME" if argument.get_id() == "stack" => Typed::stacks,
            "NAME" if argument.get_id() == "container" => Typed::containers,
            "CODE" => Typed::codes,
            _ => return argument,
        };
        let typed = Arc::clone(typed);
        let candidates = move || {
            let values = candidates(&typed).into_iter();
            values.map(CompletionCandidate::new).collect()
        };
        argument.add(ArgValueCandidates::new(candidates))
    });
    command.mut_subcommands(|sub| with_live_values(sub, typed, options_hidden, Some(&name)))
}

fn value_name(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map(Str::to_string).unwrap_or_default()
}

/// What the line says so far of where to look for names.
struct Typed {
    global: Option<GlobalOptions>,
    stack: Option<String>,
}

impl Typed {
    fn of(mut words: impl Iterator<Item = String>) -> Self {
        let mut said = vec!["navi".to_owned(), "schema".to_owned()];
        let mut stack = None;
        let mut file_is_f = true;
        while let Some(word) = words.next() {
            let (option, attached) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => {
                    (option, Some(value.to_owned()))
                }
                _ => (word.as_str(), None),
            };
            match option {
                "--sandbox" => said.push(option.to_owned()),
                "-f" if !file_is_f => {}
                "-f" | "--file" | "--state-dir" | "--set" | "--region" | "--stack" => {
                    let Some(value) = attached.or_else(|| words.next()) else {
                        continue;
                    };
                    match option {
                        "--stack" => stack = Some(value),
                        option => said.extend([option.to_owned(), value]),
                    }
                }
                command => file_is_f &= !follows_with_f(command),
            }
        }
        // What can't be understood yet is left out.
        let parsed = Arguments::try_parse_from(said);
        let parsed = parsed.or_else(|_| Arguments::try_parse_from(["navi", "schema"]));
        Typed {
            global: parsed.ok().map(|arguments| arguments.global),
            stack,
        }
    }

    /// What the stack file wants, if it is the file that says which stack is meant.
    fn wanted(&self) -> Option<Stack> {
        let wanted = StackFile::read(self.global.as_ref()?).ok()?;
        match &self.stack {
            Some(name) if *name != wanted.name => None,
            _ => Some(wanted),
        }
    }

    fn stacks(&self) -> Vec<String> {
        let Some(global) = &self.global else {
            return Vec::new();
        };
        let mut stacks: BTreeSet<String> = recorded_stacks(&global.store_directory())
            .into_iter()
            .collect();
        stacks.extend(StackFile::read(global).ok().map(|stack| stack.name));
        stacks.into_iter().collect()
    }

    /// What is recorded, beside whoever is at work on it.
    fn recorded(&self) -> Option<State> {
        let global = self.global.as_ref()?;
        let directory = global.store_directory();
        let only = || {
            let mut recorded = recorded_stacks(&directory);
            (recorded.len() == 1).then(|| recorded.remove(0))
        };
        let of_file = || match StackFile::read(global) {
            Ok(stack) => Some(stack.name),
            Err(_) => recorded_name(global),
        };
        let name = self.stack.clone().or_else(of_file).or_else(only)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
        let store = Arc::new(LocalStore::new(directory));
        let session = runtime.block_on(Session::open(store, &name, Access::Read));
        Some(session.ok()?.state())
    }

    fn services(&self) -> Vec<String> {
        let recorded = self.recorded_addresses().into_iter();
        let mut services: BTreeSet<String> = recorded.filter_map(service).collect();
        let wanted = self.wanted().into_iter().flat_map(|stack| stack.services);
        services.extend(wanted.map(|service| service.name));
        services.into_iter().collect()
    }

    /// Those of whatever service: which one is meant may stand behind the cursor.
    fn containers(&self) -> Vec<String> {
        let mut containers = BTreeSet::new();
        if let Some(state) = self.recorded() {
            let services = Environment::of(&Specs::recorded(&state))
                .services
                .into_iter();
            let recorded = services.flat_map(|service| service.containers);
            containers.extend(recorded.map(|container| container.name));
        }
        let wanted = self.wanted().into_iter().flat_map(|stack| stack.services);
        let wanted = wanted.flat_map(|service| service.containers);
        containers.extend(wanted.map(|container| container.name));
        containers.into_iter().collect()
    }

    fn codes(&self) -> Vec<String> {
        let codes = Cause::ALL.iter().map(|cause| cause.code().to_owned());
        codes.collect()
    }

    fn services_with_counts(&self) -> Vec<String> {
        let services = self.services().into_iter();
        services.map(|service| format!("{service}=")).collect()
    }

    fn recorded_addresses(&self) -> BTreeSet<Address> {
        let Some(state) = self.recorded() else {
            return BTreeSet::new();
        };
        let recorded = state.resources.into_keys();
        let begun = state
            .pending
            .into_keys()
            .chain(state.unresolved.into_keys());
        recorded.chain(begun).collect()
    }

    fn addresses_of_file(&self) -> BTreeSet<Address> {
        let graph = self.wanted().and_then(|stack| {
            let region = stack.region.clone();
            model::build(&stack, region.as_deref().unwrap_or(ANY_REGION)).ok()
        });
        let nodes = graph.iter().flat_map(|graph| graph.in_order());
        nodes.map(|node| node.address.clone()).collect()
    }

    /// Whatever `--target` may be: services, addresses, kinds.
    fn selectors(&self) -> Vec<String> {
        let mut addresses = self.recorded_addresses();
        addresses.extend(self.addresses_of_file());
        selectors(addresses)
    }

    fn recorded_selectors(&self) -> Vec<String> {
        selectors(self.recorded_addresses())
    }

    /// What of the stack file has no object yet.
    fn wanted_addresses(&self) -> Vec<String> {
        let recorded = self.recorded_addresses();
        let wanted = self.addresses_of_file();
        wanted
            .difference(&recorded)
            .map(Address::to_string)
            .collect()
    }

    fn outputs(&self) -> Vec<String> {
        let state = self.recorded();
        let names = state.iter().flat_map(outputs::names);
        names.collect()
    }
}

/// Whether it is a command whose `-f` is not the stack file's.
fn follows_with_f(command: &str) -> bool {
    let navi = Arguments::command();
    let command = navi.find_subcommand(command);
    let mut own = command.into_iter().flat_map(Command::get_arguments);
    own.any(|argument| argument.get_short() == Some('f'))
}

fn service(address: Address) -> Option<String> {
    // What waits to be removed (`web~1`) is no service of the user's.
    let alive = address.kind() == "ecs_service" && !address.name().contains('~');
    alive.then(|| address.name().to_owned())
}

fn selectors(addresses: BTreeSet<Address>) -> Vec<String> {
    let kinds: BTreeSet<String> = addresses
        .iter()
        .map(|address| format!("{}.*", address.kind()))
        .collect();
    let services: BTreeSet<String> = addresses.iter().cloned().filter_map(service).collect();
    let addresses = addresses.iter().map(Address::to_string);
    services.into_iter().chain(addresses).chain(kinds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn from_line(line: &str) -> Typed {
        Typed::of(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn an_option_with_its_value_is_one_word_again() {
        let (line, index, before) = joined(words("navi down --stack = sh --sandbox"), 4);
        assert_eq!(line, words("navi down --stack=sh --sandbox"));
        assert_eq!((index, before.as_str()), (2, "--stack="));
        let (line, index, before) = joined(words("navi scale web = 2 back"), 5);
        assert_eq!(line, words("navi scale web = 2 back"));
        assert_eq!((index, before.as_str()), (5, ""));
    }

    #[test]
    fn the_line_says_where_to_look() {
        let typed = from_line("navi -f a.yaml --sandbox down --stack=shop --target");
        assert_eq!(typed.stack.as_deref(), Some("shop"));
        let global = typed.global.unwrap();
        assert_eq!(global.file, Path::new("a.yaml"));
        assert!(global.sandbox);
        // `--set X` is no assignment yet: the defaults are better than nothing.
        let global = from_line("navi up -f a.yaml --set X").global.unwrap();
        assert_eq!(global.file, Path::new("navi.yaml"));
        // These follow with `-f`.
        let global = from_line("navi logs -f web --file a.yaml").global.unwrap();
        assert_eq!(global.file, Path::new("a.yaml"));
    }

    #[test]
    fn a_selector_is_a_service_an_address_or_a_kind() {
        let addresses = ["ecs_service.web", "ecs_service.web~1", "vpc.main"]
            .map(|address| address.parse().unwrap());
        assert_eq!(
            selectors(BTreeSet::from(addresses)),
            [
                "web",
                "ecs_service.web",
                "ecs_service.web~1",
                "vpc.main",
                "ecs_service.*",
                "vpc.*",
            ]
        );
    }
}
