//! `navi status`: how does the environment do? Services, what leads to them, what it costs, and what is not as it should be.

mod standing;
mod text;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::arguments::{GlobalOptions, parse_duration};
use super::error::CommandError;
use super::outputs::urls;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::{DeploymentNow, Moment};
use crate::environment::{Costs, Environment, Now, Service, Specs, costs, now};
use crate::observe::ObserveError;
use crate::report::Palette;
use standing::Line;

/// Moves the cursor to the upper left and clears what is below (ECMA-48, CUP and ED).
const REDRAW: &str = "\x1b[H\x1b[J";

/// Show how services, their addresses and every resource of a stack do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads AWS and changes nothing; it needs no stack file. Costs are reckoned by list prices, which navi
brings along with their date, for what is billed by the hour or the month: traffic, requests and logs
come on top.

Examples:
  navi status
  navi status --resources
  navi status --watch
  navi status --stack ecs-navi --output json")]
pub struct StatusArguments {
    /// List every resource, also those that are as they should be
    #[arg(long)]
    resources: bool,

    /// Look again and again, every 5 s or as often as said, until Ctrl-C
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5s",
        value_parser = parse_duration
    )]
    watch: Option<Duration>,

    #[command(flatten)]
    stack: StackChoice,
}

/// All that is told.
#[derive(Serialize)]
struct Status {
    stack: String,
    account: String,
    region: String,
    #[serde(skip)]
    place: String,
    /// When the oldest of its services was made.
    since: Option<Moment>,
    services: Vec<ServiceStatus>,
    endpoints: Vec<Endpoint>,
    names: Vec<NameStatus>,
    costs: Option<Costs>,
    resources: Vec<Line>,
    urls: Vec<String>,
}

/// A service.
#[derive(Serialize)]
struct ServiceStatus {
    name: String,
    /// None when ECS has no such service.
    #[serde(flatten)]
    counts: Option<Counts>,
    /// None without a load balancer.
    healthy: Option<usize>,
    images: Vec<String>,
    /// When its present deployment began.
    since: Option<Moment>,
    /// As ECS says it: `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    rollout: Option<String>,
}

/// How many tasks it has.
#[derive(Serialize)]
struct Counts {
    wanted: i32,
    running: i32,
    pending: i32,
}

/// Where requests come in, and where they are led.
#[derive(Serialize)]
struct Endpoint {
    url: String,
    service: String,
    container: String,
    port: u16,
}

/// A name and where it leads.
#[derive(Serialize)]
struct NameStatus {
    name: String,
    addresses: Vec<String>,
}

pub async fn run(global: &GlobalOptions, arguments: &StatusArguments) -> Result<u8, CommandError> {
    let reading = reading::begin(global, &arguments.stack).await?;
    let Some(pause) = arguments.watch else {
        let status = status(&reading).await?;
        show(global, arguments, &status, "")?;
        return Ok(exit_code::DONE);
    };
    let clear = match std::io::stdout().is_terminal() && !global.json() {
        true => REDRAW,
        false => "",
    };
    loop {
        let status = status(&reading).await?;
        show(global, arguments, &status, clear)?;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => return Ok(exit_code::DONE),
        }
    }
}

fn show(
    global: &GlobalOptions,
    arguments: &StatusArguments,
    status: &Status,
    clear: &str,
) -> Result<(), CommandError> {
    match (global.json(), arguments.watch) {
        (true, None) => output::document(&json!(status)),
        // One line each, for whoever reads them as they come.
        (true, Some(_)) => output::data(&json!(status).to_string()),
        (false, _) => {
            let text = text::text(
                status,
                arguments.resources,
                Moment::now(),
                &Palette::for_stdout(),
            );
            let end = if arguments.watch.is_some() { "\n" } else { "" };
            output::data(&format!("{clear}{text}{end}"))
        }
    }
}

async fn status(reading: &Reading) -> Result<Status, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        stack,
        found,
    } = reading;
    // What was found without the stack file was never set by anybody that navi knows of.
    let compare = found.is_empty() || stack.is_some();
    let specs = session.with_state(Specs::recorded);
    let environment = Environment::of(&specs);
    let looks = async {
        let looked = now(&connection.aws, &environment).await;
        Ok(looked.map_err(ObserveError::Call)?)
    };
    let (lines, now) = futures::try_join!(standing::look(session, connection, compare), looks)?;
    let tasks: BTreeMap<String, usize> = now
        .tasks
        .iter()
        .map(|(service, tasks)| (service.clone(), tasks.len()))
        .collect();
    let created = now.services.values().filter_map(|one| one.created_at);
    Ok(Status {
        stack: chosen.name.clone(),
        account: connection.account.clone(),
        region: connection.region.clone(),
        place: connection.place(),
        since: created.min(),
        services: environment
            .services
            .iter()
            .map(|service| service_status(service, &now))
            .collect(),
        endpoints: endpoints(&environment),
        names: names(&environment, &now),
        costs: costs(&specs, &environment, &connection.region, &tasks),
        resources: lines,
        urls: session.with_state(urls),
    })
}

fn service_status(service: &Service, now: &Now) -> ServiceStatus {
    let seen = now.services.get(&service.name);
    let deployment: Option<&DeploymentNow> = seen.and_then(|seen| seen.primary());
    let healthy = now.targets.get(&service.name).map(|groups| {
        let healthy = groups.iter().map(|group| {
            let healthy = group.targets.iter().filter(|target| target.is_healthy());
            healthy.count()
        });
        healthy.min().unwrap_or_default()
    });
    ServiceStatus {
        name: service.name.clone(),
        counts: seen.map(|seen| Counts {
            wanted: seen.desired,
            running: seen.running,
            pending: seen.pending,
        }),
        healthy,
        images: service
            .containers
            .iter()
            .map(|container| container.image.clone())
            .collect(),
        since: deployment.and_then(|deployment| deployment.created_at),
        rollout: deployment.and_then(|deployment| deployment.rollout_state.clone()),
    }
}

fn endpoints(environment: &Environment) -> Vec<Endpoint> {
    let Some(entrance) = &environment.entrance else {
        return Vec::new();
    };
    let routes = environment
        .services
        .iter()
        .flat_map(|service| service.routes.iter().map(move |route| (service, route)));
    routes
        .filter_map(|(service, route)| {
            // Every path is none in particular.
            let path = route.path.as_deref().filter(|path| *path != "/*");
            let path = path.unwrap_or_default();
            Some(Endpoint {
                url: entrance.url(route.host.as_deref(), path)?,
                service: service.name.clone(),
                container: route.container.clone(),
                port: route.port,
            })
        })
        .collect()
}

fn names(environment: &Environment, now: &Now) -> Vec<NameStatus> {
    let names = environment.services.iter();
    let names = names.filter_map(|service| service.discovered_as.as_ref());
    names
        .map(|name| NameStatus {
            name: name.name.clone(),
            addresses: now
                .names
                .get(&name.service)
                .map(|found| {
                    let given = found.entries.iter().filter(|entry| entry.a_record);
                    given.map(|entry| entry.address.clone()).collect()
                })
                .unwrap_or_default(),
        })
        .collect()
}
