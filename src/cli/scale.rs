//! `navi scale`: how does a service get another number of tasks now, and what becomes of that at the next `up`?

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::running_services::{self, Following, Opened};
use super::stack_file::StackFile;
use super::{exit_code, output};
use crate::kinds::ecs_service::EcsService;
use crate::kinds::scalable_target::ScalableTarget;
use crate::plan::Adjustment;
use crate::report::Command;
use crate::resource::{Address, Change, Effect, Resource};
use crate::stack::Count;
use crate::state::State;

/// The most tasks that a stack file may ask for as well.
const MOST_TASKS: u32 = 5000;

/// Change the number of tasks of running services now
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The stack file is not changed: the next `navi up` goes back to its count, and `navi up --keep-counts`
leaves the count as it is. A service with a `count` of bounds is refused: its count is Application Auto Scaling's.
It works from what navi recorded; the stack file is only asked for the stack's name.

Examples:
  navi scale backend=3
  navi scale backend=3 proxy=2 --yes")]
pub struct ScaleArguments {
    /// The services, as the stack file calls them, each with its number of tasks
    #[arg(required = true, value_name = "SERVICE=COUNT", value_parser = service_and_count)]
    services: Vec<(String, u32)>,

    #[command(flatten)]
    following: Following,
}

fn service_and_count(text: &str) -> Result<(String, u32), String> {
    let Some((service, count)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err("write a service and its number of tasks, as in `backend=3`".to_owned());
    };
    match count.parse() {
        Ok(count) if count <= MOST_TASKS => Ok((service.to_owned(), count)),
        _ => Err(format!(
            "`{count}` is not a number of tasks: a whole number from 0 to {MOST_TASKS}"
        )),
    }
}

pub async fn run(global: &GlobalOptions, arguments: &ScaleArguments) -> Result<u8, CommandError> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (service, count) in &arguments.services {
        if let Some(other) = counts.insert(service, *count)
            && other != *count
        {
            return Err(CommandError::TwoCounts {
                name: service.clone(),
                counts: (other, *count),
            });
        }
    }
    let opened = running_services::open(global, &arguments.following, "scale").await?;
    let result = scale(global, arguments, &opened, &counts).await;
    running_services::close(opened, result).await
}

async fn scale(
    global: &GlobalOptions,
    arguments: &ScaleArguments,
    opened: &Opened,
    counts: &BTreeMap<&str, u32>,
) -> Result<u8, CommandError> {
    let names: Vec<&str> = counts.keys().copied().collect();
    let state = opened.session.state();
    running_services::require_known(&state, &opened.chosen.name, names.iter().copied())?;
    require_own_counts(&state, names.iter().copied())?;
    let connection = running_services::connect(global, opened).await?;
    let look = running_services::look(opened, &connection, &names).await?;
    let adjustments = look
        .services
        .iter()
        .map(|service| {
            let mut spec = service.spec.clone();
            spec.desired_count = counts[service.address.name()];
            let mut change = Change::default();
            change.field(
                "desired_count",
                &service.seen.desired_count,
                &spec.desired_count,
                Effect::InPlace,
            );
            Adjustment {
                address: service.address.clone(),
                resource: Arc::new(spec),
                change,
            }
        })
        .collect();
    let wanted: Vec<String> = counts
        .iter()
        .map(|(service, count)| format!("{service}={count}"))
        .collect();
    let resume = format!("scale {}", wanted.join(" "));
    let what = (Command::Scale, resume.as_str(), adjustments);
    let ended = running_services::adjust(
        global,
        &arguments.following,
        opened,
        &connection,
        &look,
        what,
    )
    .await?;
    let in_file = counts_in_file(global, &opened.chosen.name);
    if global.json() {
        let mut document = ended.document;
        document.insert("counts_in_file".to_owned(), json!(in_file));
        output::document(&Value::Object(document))?;
    } else if ended.exit_code == exit_code::DONE {
        for (service, count) in counts {
            output::notice(&relation(service, *count, in_file.get(*service).copied()));
        }
    }
    Ok(ended.exit_code)
}

/// Refuses services whose count somebody else chooses, before AWS is asked anything.
fn require_own_counts<'a>(
    state: &State,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), CommandError> {
    for name in names {
        let spec = |kind| Some(&state.resources.get(&Address::new(kind, name))?.spec);
        if spec(EcsService::KIND).is_none_or(|service| service["autoscaled"] != json!(true)) {
            continue;
        }
        let target = spec(ScalableTarget::KIND);
        let bound = |field: &str| u32::try_from(target?[field].as_u64()?).ok();
        return Err(CommandError::Autoscaled {
            name: name.to_owned(),
            bounds: bound("min_capacity").zip(bound("max_capacity")),
        });
    }
    Ok(())
}

/// What the stack file says of its services, where there is one of this stack that can be read.
fn counts_in_file(global: &GlobalOptions, stack: &str) -> BTreeMap<String, u32> {
    let Ok(file) = StackFile::read(global) else {
        return BTreeMap::new();
    };
    let stack = Some(file).filter(|file| file.name == stack);
    let services = stack.into_iter().flat_map(|stack| stack.services);
    services
        .filter_map(|service| match service.count {
            Count::Fixed(count) => Some((service.name, count)),
            Count::Autoscaled(_) => None,
        })
        .collect()
}

/// How the new count relates to the file.
fn relation(service: &str, count: u32, in_file: Option<u32>) -> String {
    let tasks = match count {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    };
    match in_file {
        Some(same) if same == count => {
            format!("{service}: {tasks}, as the stack file says")
        }
        Some(other) => format!(
            "{service}: {tasks}; the stack file says {other}: `navi up` goes back to that, \
             `navi up --keep-counts` does not"
        ),
        None => format!(
            "{service}: {tasks}; `navi up` goes back to the stack file's count, \
             `navi up --keep-counts` does not"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_belongs_to_a_service() {
        assert_eq!(
            service_and_count("backend=3"),
            Ok(("backend".to_owned(), 3))
        );
        assert_eq!(service_and_count("backend=0").unwrap().1, 0);
        for wrong in ["backend", "=3", ""] {
            let told = service_and_count(wrong).unwrap_err();
            assert!(told.contains("`backend=3`"), "{wrong}: {told}");
        }
        for wrong in [
            "backend=",
            "backend=x",
            "backend=-1",
            "backend=1.5",
            "backend=5001",
        ] {
            let told = service_and_count(wrong).unwrap_err();
            assert!(told.contains("0 to 5000"), "{wrong}: {told}");
        }
    }

    #[test]
    fn the_relation_to_the_file_is_told() {
        assert_eq!(
            relation("web", 1, Some(1)),
            "web: 1 task, as the stack file says"
        );
        assert_eq!(
            relation("web", 3, Some(1)),
            "web: 3 tasks; the stack file says 1: `navi up` goes back to that, `navi up --keep-counts` does not"
        );
        assert!(relation("web", 3, None).contains("the stack file's count"));
    }
}
