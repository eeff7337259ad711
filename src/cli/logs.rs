//! `navi logs`: what do the containers of a stack's services write?

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anstyle::Style;
use serde_json::json;

use super::arguments::{DEFAULT_FILE, GlobalOptions, parse_moment};
use super::chosen_services::{chosen, require_container};
use super::error::CommandError;
use super::following::{LOOK_EVERY, passes, until_interrupted};
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::{Aws, LogPace, Moment};
use crate::environment::{
    Environment, LogLine, LogReader, LogSources, LogWindow, Seen, Service, Specs,
};
use crate::observe::ObserveError;
use crate::report::{Palette, for_terminal};

/// Show what the containers write, of one service, several or all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The lines of all tasks stand in the order of their times, each after service/container/task.
It reads CloudWatch Logs and changes nothing; it needs no stack file.
With --output json each line is one JSON object (docs/DAY_TWO.md).

Examples:
  navi logs
  navi logs backend proxy -f
  navi logs backend --container api --since 2h --filter '?ERROR ?WARN'
  navi logs backend --since 2026-01-31T09:00:00Z --until 2026-01-31T09:05:00Z --timestamps")]
pub struct LogsArguments {
    /// The services, as the stack file calls them; all of them without a name
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Only the containers of this name
    #[arg(long, value_name = "NAME")]
    container: Option<String>,

    /// Only the task whose ID begins so
    #[arg(long, value_name = "ID")]
    task: Option<String>,

    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long, conflicts_with = "until")]
    follow: bool,

    /// From when on: how long ago, such as 10m, 2h or 3d, or a time such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "10m", value_parser = parse_moment)]
    since: Moment,

    /// Until when, in the same form
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    until: Option<Moment>,

    /// Only the newest lines of all, so many; with --follow, of those that are there already
    #[arg(long, value_name = "COUNT")]
    tail: Option<usize>,

    /// Only what matches this filter pattern of CloudWatch Logs
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,

    /// Begin each line with its time
    #[arg(short, long)]
    timestamps: bool,

    /// Only what the containers wrote, without service, container and task before it
    #[arg(long)]
    no_prefix: bool,

    // In the place of the global option, which gets its value: clap knows both by this name.
    /// The stack file (-f follows here)
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE, help_heading = "Global options")]
    file: PathBuf,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &LogsArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen: stack,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let environment = Environment::of(&session.with_state(Specs::recorded));
    let services = chosen(&environment, &arguments.services, &stack.name)?;
    if let Some(container) = &arguments.container {
        require_container(&services, container)?;
    }
    tell_what_writes_nowhere(global, arguments, &services);
    let sources = LogSources::of(services, arguments.container.as_deref());
    if sources.is_empty() {
        output::notice("no container of these writes to CloudWatch Logs");
        return Ok(exit_code::DONE);
    }
    let work = show(global, arguments, &connection.aws, &sources);
    match arguments.follow {
        true => until_interrupted(work).await,
        false => work.await,
    }
}

/// Who asked for a service by name would wait for its lines.
fn tell_what_writes_nowhere(
    global: &GlobalOptions,
    arguments: &LogsArguments,
    services: &[&Service],
) {
    if arguments.services.is_empty() {
        return;
    }
    for service in services {
        let silent = service.containers.iter().filter(|one| one.logs.is_none());
        for container in silent {
            if arguments
                .container
                .as_ref()
                .is_none_or(|name| *name == container.name)
            {
                let (service, container) = (&service.name, &container.name);
                output::warning(
                    global,
                    &format!(
                        "what {service}/{container} writes is kept nowhere: `logs: {{ driver: none }}`"
                    ),
                );
            }
        }
    }
}

/// Shows what is there, and goes on if it is to follow.
async fn show(
    global: &GlobalOptions,
    arguments: &LogsArguments,
    aws: &Aws,
    sources: &LogSources,
) -> Result<u8, CommandError> {
    let mut window = LogWindow {
        since: arguments.since,
        until: arguments.until,
        filter: arguments.filter.clone(),
    };
    let is_asked_for = |line: &LogLine| {
        let task = arguments.task.as_deref();
        task.is_none_or(|task| line.task.starts_with(task))
    };
    let (mut pace, mut seen) = (LogPace::default(), Seen::since(window.since));
    let mut printer = Printer::new(global, arguments, sources.widest());
    let mut is_first = true;
    loop {
        let mut reader = LogReader::of(sources, &window);
        let mut newest = VecDeque::new();
        loop {
            let line = match reader.next(aws, &mut pace).await {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) if !is_first && passes(&error) => {
                    output::warning(global, &format!("{error}; navi goes on asking"));
                    break;
                }
                Err(error) => return Err(ObserveError::Call(error).into()),
            };
            if !seen.is_new(&line) || !is_asked_for(&line) {
                continue;
            }
            match arguments.tail.filter(|_| is_first) {
                Some(count) => {
                    newest.push_back(line);
                    if newest.len() > count {
                        newest.pop_front();
                    }
                }
                None if printer.print(&line)? => {}
                None => return Ok(exit_code::DONE),
            }
        }
        for line in &newest {
            if !printer.print(line)? {
                return Ok(exit_code::DONE);
            }
        }
        if is_first {
            for group in reader.missing_groups() {
                output::warning(global, &format!("AWS has no log group {group}"));
            }
        }
        if !arguments.follow {
            if printer.printed == 0 && !global.json() {
                tell_that_nothing_is_there(arguments);
            }
            return Ok(exit_code::DONE);
        }
        is_first = false;
        tokio::time::sleep(LOOK_EVERY).await;
        window.since = seen.look_from();
    }
}

fn tell_that_nothing_is_there(arguments: &LogsArguments) {
    let since = arguments.since.in_columns();
    let matching = match arguments.filter {
        Some(_) => " that matches",
        None => "",
    };
    output::notice(&format!(
        "nothing{matching} was written since {since}; --since looks further back"
    ));
}

/// Writes lines as they are asked for.
struct Printer {
    json: bool,
    palette: Palette,
    on_terminal: bool,
    timestamps: bool,
    prefix: bool,
    width: usize,
    /// In the order of their first lines, by which they get their colours.
    tasks: Vec<String>,
    printed: usize,
}

/// Enough of a task's ID to tell it from others; `--task` takes it.
const SHORT: usize = 8;

impl Printer {
    fn new(global: &GlobalOptions, arguments: &LogsArguments, width: usize) -> Self {
        Printer {
            json: global.json(),
            palette: Palette::for_stdout(),
            on_terminal: io::stdout().is_terminal(),
            timestamps: arguments.timestamps,
            prefix: !arguments.no_prefix,
            width: width + 1 + SHORT,
            tasks: Vec::new(),
            printed: 0,
        }
    }

    /// Whether there still is a reader.
    fn print(&mut self, line: &LogLine) -> Result<bool, CommandError> {
        self.printed += 1;
        let text = match self.json {
            true => json!(line).to_string(),
            false => self.text(line),
        };
        output::passed_on(&text)
    }

    fn text(&mut self, line: &LogLine) -> String {
        let mut before = String::new();
        if self.prefix {
            let style = self.style(&line.task);
            let short: String = line.task.chars().take(SHORT).collect();
            let name = format!("{}/{}/{short}", line.service, line.container);
            before = format!("{style}{name:<width$}{style:#}  ", width = self.width);
        }
        if self.timestamps {
            let faint = self.palette.faint;
            before.push_str(&format!("{faint}{}{faint:#}  ", line.at.in_columns()));
        }
        let lines = line.message.split('\n').map(|part| match self.on_terminal {
            true => for_terminal(part.trim_end_matches('\r'), self.palette.has_colour()),
            false => part.to_owned(),
        });
        lines.map(|part| format!("{before}{part}\n")).collect()
    }

    fn style(&mut self, task: &str) -> Style {
        let known = self.tasks.iter().position(|one| one == task);
        let index = known.unwrap_or_else(|| {
            self.tasks.push(task.to_owned());
            self.tasks.len() - 1
        });
        self.palette.of_series(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(task: &str, message: &str) -> LogLine {
        LogLine {
            id: "1".to_owned(),
            at: Moment::from_milliseconds(1_700_000_000_250),
            service: "web".to_owned(),
            container: "nginx".to_owned(),
            task: task.to_owned(),
            message: message.to_owned(),
        }
    }

    fn printer(palette: Palette, on_terminal: bool) -> Printer {
        Printer {
            json: false,
            palette,
            on_terminal,
            timestamps: false,
            prefix: true,
            width: "web/nginx/".len() + SHORT,
            tasks: Vec::new(),
            printed: 0,
        }
    }

    #[test]
    fn every_line_of_an_event_stands_after_who_wrote_it() {
        let mut printer = printer(Palette::plain(), false);
        printer.timestamps = true;
        assert_eq!(
            printer.text(&line("0123456789abcdef", "one\ntwo")),
            "web/nginx/01234567  2023-11-14T22:13:20.250Z  one\n\
             web/nginx/01234567  2023-11-14T22:13:20.250Z  two\n"
        );
        printer.prefix = false;
        printer.timestamps = false;
        assert_eq!(printer.text(&line("0123456789abcdef", "one")), "one\n");
    }

    #[test]
    fn each_task_keeps_its_colour() {
        let mut printer = printer(Palette::coloured(), true);
        let mut colour = |task: &str| {
            let text = printer.text(&line(task, "x"));
            text.split('w').next().unwrap().to_owned()
        };
        let (first, second) = (colour("a"), colour("b"));
        assert_ne!(first, second);
        assert_eq!(first, colour("a"));
    }

    #[test]
    fn only_a_terminal_is_protected_from_what_lines_hold() {
        let clears = line("a", "\u{1b}[2Jgone");
        let shown = printer(Palette::plain(), true).text(&clears);
        assert!(shown.ends_with("\\x1b[2Jgone\n"), "{shown:?}");
        let piped = printer(Palette::plain(), false).text(&clears);
        assert!(piped.ends_with("\u{1b}[2Jgone\n"), "{piped:?}");
    }

    /// docs/DAY_TWO.md says so.
    #[test]
    fn as_json_a_line_is_an_object() {
        insta::assert_snapshot!(
            json!(line("0123456789abcdef", "a \"quoted\" \u{1b}[31mred")),
            @r#"{"at":"2023-11-14T22:13:20.250Z","service":"web","container":"nginx","task":"0123456789abcdef","message":"a \"quoted\" \u001b[31mred"}"#
        );
    }
}
