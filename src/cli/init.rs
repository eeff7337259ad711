//! `navi init`: what does a first stack file look like? Of a few answers, of a Compose file, of a Copilot workspace. Asks no AWS.

mod sources;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

use super::arguments::{GlobalOptions, quoted};
use super::error::CommandError;
use super::{exit_code, output, prompt};
use crate::draft::{self, Answers, Draft, ServiceAnswer};
use crate::report::{Palette, counted};
use crate::stack::{self, Variables};

/// Where the file goes that is to be printed.
const STDOUT: &str = "-";

/// Asked for where nobody names an image.
const FIRST_IMAGE: &str = "public.ecr.aws/nginx/nginx:stable-alpine";

/// Write a first stack file, from a few answers, a Compose file or a Copilot workspace
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It writes navi.yaml, or what -f names (`-f -` prints it), and never over a file that is there.
What could not be taken over is listed with its line, and stands in the file as a comment.
Values that look like secrets stay where they are. On a terminal it asks for what no option says.

Examples:
  navi init
  navi init --name shop --service web=nginx:1.27,80 --host shop.example.com
  navi init --service web,8080 --service worker           # images that you are still to push
  navi init --from docker-compose.yml
  navi init --from copilot --environment prod -f prod.yaml")]
pub struct InitArguments {
    /// A Compose file, or the folder of a Copilot workspace
    #[arg(long, value_name = "PATH", conflicts_with_all = ["services", "host", "nat"])]
    from: Option<std::path::PathBuf>,

    /// The stack's name; else the source's, else the folder's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// A service, its image and the port it listens on; may be repeated. The first one with a port is visited from outside
    #[arg(long = "service", value_name = "NAME[=IMAGE][,PORT]", value_parser = service_answer)]
    services: Vec<ServiceAnswer>,

    /// The host name under which it is visited, with a certificate
    #[arg(long, value_name = "NAME")]
    host: Option<String>,

    /// Run in private subnets, with one NAT gateway or one per zone
    #[arg(long, value_name = "HOW")]
    nat: Option<NatChoice>,

    /// Of a Copilot workspace: which environment the stack is to be
    #[arg(long, value_name = "NAME", requires = "from")]
    environment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NatChoice {
    Single,
    PerZone,
}

impl NatChoice {
    fn word(self) -> &'static str {
        match self {
            NatChoice::Single => "single",
            NatChoice::PerZone => "per-zone",
        }
    }
}

/// `NAME[=IMAGE][,PORT]`.
fn service_answer(text: &str) -> Result<ServiceAnswer, String> {
    let wrong = || {
        "write NAME=IMAGE,PORT, for example web=nginx:1.27,80; IMAGE and PORT may be left out"
            .to_owned()
    };
    let (rest, port) = match text.rsplit_once(',') {
        Some((rest, port)) => (rest, Some(port.parse().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let (name, image) = match rest.split_once('=') {
        Some((name, image)) => (name, Some(image.to_owned())),
        None => (rest, None),
    };
    let is_empty = |text: &str| text.trim().is_empty();
    if is_empty(name) || image.as_deref().is_some_and(is_empty) || port == Some(0) {
        return Err(wrong());
    }
    Ok(ServiceAnswer {
        name: name.to_owned(),
        image,
        port,
    })
}

pub fn run(global: &GlobalOptions, arguments: &InitArguments) -> Result<u8, CommandError> {
    let to_stdout = global.file == Path::new(STDOUT);
    if !to_stdout && global.file.exists() {
        return Err(CommandError::StackFileExists {
            path: global.file.clone(),
        });
    }
    let (mut draft, opening) = match &arguments.from {
        Some(path) => {
            let draft = sources::read(
                path,
                arguments.name.as_deref(),
                arguments.environment.as_deref(),
            )?;
            (
                draft,
                format!("Made from {} by `navi init`.", path.display()),
            )
        }
        None => {
            let answers = answers(global, arguments)?;
            (
                draft::from_answers(&answers),
                "Made by `navi init`.".to_owned(),
            )
        }
    };
    draft.region = global.region.clone().or(draft.region);
    let text = draft::write(&draft, &opening);
    let shown = global.file.display().to_string();
    let name = match to_stdout {
        true => "the stack file".to_owned(),
        false => format!("{shown} (not written)"),
    };
    // A mistake of the source's (an image, a host, a size) is told before there is a file.
    stack::load(&name, &text, &samples(&text))?;
    if !to_stdout {
        create(&global.file, &text)?;
    }
    tell(global, &draft, &text, to_stdout)?;
    Ok(exit_code::DONE)
}

/// Values for the variables of a file that is only looked at.
fn samples(text: &str) -> Variables {
    let names = text.match_indices("${").filter_map(|(at, _)| {
        let inside = &text[at + 2..];
        let end = inside.find(['}', ':'])?;
        Some((inside[..end].to_owned(), "1".to_owned()))
    });
    Variables::new(names.filter(|(name, _)| name != "ACCOUNT_ID" && name != "REGION"))
}

/// A file that is there stays as it is, also when it appears in this very moment.
fn create(path: &Path, text: &str) -> Result<(), CommandError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => CommandError::StackFileExists {
            path: path.to_owned(),
        },
        _ => CommandError::StackFileUnwritable {
            path: path.to_owned(),
            source,
        },
    };
    let mut file = opened.map_err(failed)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|source| {
        // A part of a stack file is worse than none; it is ours, for it was made just now.
        let _ = std::fs::remove_file(path);
        failed(source)
    })
}

fn tell(
    global: &GlobalOptions,
    draft: &Draft,
    text: &str,
    to_stdout: bool,
) -> Result<(), CommandError> {
    let names: Vec<&str> = draft
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let notes = draft.notes();
    if global.json() {
        let notes: Vec<_> = notes
            .iter()
            .map(|note| {
                let (file, line) = note.at.clone().unzip();
                json!({"file": file, "line": line, "message": note.what})
            })
            .collect();
        return output::document(&json!({
            "file": (!to_stdout).then(|| global.file.display().to_string()),
            "stack": draft.stack,
            "services": names,
            "notes": notes,
            "text": to_stdout.then_some(text),
        }));
    }
    if to_stdout {
        output::data(text)?;
    }
    let Palette { heading, faint, .. } = Palette::for_stderr();
    if !to_stdout {
        output::notice(&format!(
            "{heading}{}{heading:#}: stack {}, {} ({})",
            global.file.display(),
            draft.stack,
            counted(names.len(), "service"),
            names.join(", ")
        ));
    }
    if !notes.is_empty() {
        output::notice("not taken over, or left for you to do; it stands in the file too:");
        for note in notes {
            output::notice(&format!("  {note}"));
        }
    }
    if draft.needs_parameters() {
        output::notice(draft::PARAMETERS);
    }
    if !to_stdout {
        let file = match global.file == Path::new("navi.yaml") {
            true => String::new(),
            false => format!(" -f {}", quoted(&global.file.to_string_lossy())),
        };
        output::notice(&format!(
            "{faint}try it without an account: navi up --sandbox{file}{faint:#}"
        ));
    }
    Ok(())
}

/// What the options say, and on a terminal what somebody answers to the rest.
fn answers(global: &GlobalOptions, arguments: &InitArguments) -> Result<Answers, CommandError> {
    let mut answers = Answers {
        stack: arguments.name.clone().unwrap_or_else(sources::this_folder),
        region: global.region.clone(),
        services: arguments.services.clone(),
        host: arguments.host.clone(),
        nat: arguments.nat.map(NatChoice::word),
    };
    if !answers.services.is_empty() {
        return Ok(answers);
    }
    if global.yes || !prompt::answerable() {
        return Err(CommandError::NothingToBeginWith {
            beside: sources::known_source(Path::new(".")),
        });
    }
    if arguments.name.is_none() {
        answers.stack = prompt::ask("name of the stack", &answers.stack)?;
    }
    let image = prompt::ask("image of its first service", FIRST_IMAGE)?;
    let port = loop {
        match prompt::ask("port that it listens on, or none", "80")?.as_str() {
            "none" => break None,
            text => match text.parse::<u16>() {
                Ok(port) if port > 0 => break Some(port),
                _ => output::notice("a port is a number from 1 to 65535"),
            },
        }
    };
    answers.services = vec![ServiceAnswer {
        name: prompt::ask("name of that service", "web")?,
        image: Some(image),
        port,
    }];
    if port.is_some() && answers.host.is_none() {
        let host = prompt::ask("host name to visit it under, with HTTPS, or none", "none")?;
        answers.host = (host != "none").then_some(host);
    }
    if answers.nat.is_none() {
        let question = "private subnets behind a NAT gateway, which costs by the hour (yes or no)";
        answers.nat = prompt::ask(question, "no")?
            .starts_with('y')
            .then_some("single");
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_name_an_image_and_a_port() {
        let answer = |text| service_answer(text).map(|one| (one.name, one.image, one.port));
        let image = |text: &str| Some(text.to_owned());
        assert_eq!(
            answer("web=nginx:1.27,80"),
            Ok(("web".to_owned(), image("nginx:1.27"), Some(80)))
        );
        assert_eq!(
            answer("web=host:5000/a"),
            Ok(("web".to_owned(), image("host:5000/a"), None))
        );
        assert_eq!(answer("web,8080"), Ok(("web".to_owned(), None, Some(8080))));
        assert_eq!(answer("worker"), Ok(("worker".to_owned(), None, None)));
        for wrong in ["", "=nginx", "web=", "web=a,b", "web,0", "web,"] {
            assert!(service_answer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("navi.yaml");
        create(&path, "one").unwrap();
        let error = create(&path, "two").unwrap_err();
        assert!(matches!(error, CommandError::StackFileExists { .. }));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
    }
}
