//! `navi redeploy`: how do the services get new tasks, from the newest image of their tag?

use std::sync::Arc;

use serde_json::Value;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::running_services::{self, Following, Opened};
use super::{exit_code, image_digests, output};
use crate::plan::Adjustment;
use crate::report::Command;
use crate::resource::{Change, Effect};

/// Start new tasks for running services, from the newest image of their tag
#[derive(Debug, clap::Args)]
#[command(after_help = "\
ECS begins a new deployment of the same task definition; old tasks stop as new ones become healthy.
It works from what navi recorded; the stack file is only asked for the stack's name.

Examples:
  navi redeploy backend
  navi redeploy backend proxy --yes --timeout 20m   in a pipeline, after a push")]
pub struct RedeployArguments {
    /// The services, as the stack file calls them
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,

    #[command(flatten)]
    following: Following,
}

pub async fn run(
    global: &GlobalOptions,
    arguments: &RedeployArguments,
) -> Result<u8, CommandError> {
    let opened = running_services::open(global, &arguments.following, "redeploy").await?;
    let result = redeploy(global, arguments, &opened).await;
    running_services::close(opened, result).await
}

async fn redeploy(
    global: &GlobalOptions,
    arguments: &RedeployArguments,
    opened: &Opened,
) -> Result<u8, CommandError> {
    let mut names: Vec<&str> = arguments.services.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let state = opened.session.state();
    running_services::require_known(&state, &opened.chosen.name, names.iter().copied())?;
    let connection = running_services::connect(global, opened).await?;
    let state = opened.session.state();
    let mut images = image_digests::recorded_images(&state);
    images.retain(|service, _| names.contains(&service.as_str()));
    let (look, answers) =
        tokio::try_join!(running_services::look(opened, &connection, &names), async {
            Ok(image_digests::look_up(&connection.aws, &images).await)
        },)?;
    image_digests::warn(global, &answers);
    let mut digests = image_digests::digests(&images, &answers, &state);
    let adjustments = look
        .services
        .iter()
        .map(|service| {
            let mut spec = service.spec.clone();
            // From here on the deployment runs what the tags name now.
            spec.image_digests = digests.remove(service.address.name()).unwrap_or_default();
            let mut change = Change::default();
            spec.note_moved_tags(&mut change, Some(&service.spec));
            let current = service.seen.rollout.primary();
            change.note(
                "deployment",
                current.map_or_else(|| "(none)".to_owned(), |current| current.id.clone()),
                "(a new one)".to_owned(),
                Effect::InPlace,
            );
            Adjustment {
                address: service.address.clone(),
                resource: Arc::new(spec),
                change,
            }
        })
        .collect();
    let resume = format!("redeploy {}", names.join(" "));
    let what = (Command::Redeploy, resume.as_str(), adjustments);
    let ended = running_services::adjust(
        global,
        &arguments.following,
        opened,
        &connection,
        &look,
        what,
    )
    .await?;
    if global.json() {
        output::document(&Value::Object(ended.document))?;
    } else if ended.exit_code == exit_code::DONE {
        output::progress(
            global,
            &format!(
                "{} of {} {} ({})",
                names.join(", "),
                opened.chosen.name,
                match arguments.following.no_wait() {
                    true => "gets new tasks; `navi up` waits until they serve",
                    false => "runs on new tasks",
                },
                connection.place()
            ),
        );
    }
    Ok(ended.exit_code)
}
