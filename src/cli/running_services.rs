//! How does a command change services that run, from the state alone, and follow what comes of it? Shared by `redeploy` and `scale`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::arguments::{GlobalOptions, parse_duration};
use super::context::{Connection, close_session, open_session};
use super::error::CommandError;
use super::run::{Ended, Run, view};
use super::stack_file::{ChosenStack, StackChoice, require_recorded};
use super::{output, planning, prompt};
use crate::graph::ResourceGraph;
use crate::kinds::ecs_service::{EcsService, EcsServiceObserved};
use crate::observe::{Observation, ObserveError, Refresh, observe, recorded_resources};
use crate::plan::{Adjustment, LeftOut, Recorded, plan_adjustments};
use crate::report::Command;
use crate::resource::{Address, DecodeError, Resource};
use crate::state::{Access, Session, State, Status};

/// How long to follow, and of which stack.
#[derive(Clone, Debug, clap::Args)]
pub struct Following {
    #[command(flatten)]
    stack: StackChoice,

    /// End when ECS has taken the change, without following the deployment
    #[arg(long)]
    no_wait: bool,

    /// Stop following after this time, for example 20m; ECS goes on
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

impl Following {
    pub fn no_wait(&self) -> bool {
        self.no_wait
    }
}

/// A stack that is recorded, locked for this command, with a connection to where it lives.
pub struct Opened {
    pub session: Session,
    pub chosen: ChosenStack,
}

/// Which stack, and whether somebody can answer the question. Locks the state.
pub async fn open(
    global: &GlobalOptions,
    following: &Following,
    command: &'static str,
) -> Result<Opened, CommandError> {
    prompt::require_answerable(global, command)?;
    let chosen = following.stack.choose(global)?;
    require_recorded(global, &chosen.name)?;
    let access = Access::Write {
        command: command.to_owned(),
    };
    let session = open_session(global, &chosen.name, access).await?;
    Ok(Opened { session, chosen })
}

/// Ends the command; what was learned is kept.
pub async fn close<T>(opened: Opened, result: Result<T, CommandError>) -> Result<T, CommandError> {
    close_session(opened.session, result).await
}

/// Refuses what the stack doesn't have, before AWS is asked anything.
pub fn require_known<'a>(
    state: &State,
    stack: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), CommandError> {
    let known: Vec<String> = state
        .resources
        .keys()
        .filter(|address| address.kind() == EcsService::KIND)
        .map(|address| address.name().to_owned())
        .collect();
    for name in names {
        if !known.iter().any(|one| one == name) {
            return Err(CommandError::UnknownService {
                name: name.to_owned(),
                stack: stack.to_owned(),
                known,
            });
        }
    }
    Ok(())
}

/// The connection to the recorded account and region, and what an earlier run left open settled.
pub async fn connect(global: &GlobalOptions, opened: &Opened) -> Result<Connection, CommandError> {
    let Opened { session, chosen } = opened;
    output::progress(
        global,
        &format!("{}: looking at what is there", chosen.name),
    );
    let connection = Connection::of_recorded(global, session, chosen).await?;
    planning::settle(session, &connection, &*view(global)).await?;
    Ok(connection)
}

/// A service as it is recorded and as AWS has it.
pub struct Running {
    pub address: Address,
    pub spec: EcsService,
    pub seen: EcsServiceObserved,
}

/// One look at these services and at nothing else.
pub struct Look {
    pub services: Vec<Running>,
    observation: Observation,
    recorded: Recorded,
}

/// Looks at the services by name. One that is not there, or is going, can't be changed.
pub async fn look(
    opened: &Opened,
    connection: &Connection,
    names: &[&str],
) -> Result<Look, CommandError> {
    let state = opened.session.state();
    let addresses: Vec<Address> = names
        .iter()
        .map(|name| Address::new(EcsService::KIND, *name))
        .collect();
    let all = recorded_resources(&connection.aws, &state)?;
    let some: BTreeMap<_, _> = all
        .into_iter()
        .filter(|(address, _)| addresses.contains(address))
        .collect();
    let nothing_new = ResourceGraph::default();
    let observation = observe(&connection.aws, &nothing_new, &some, &state, Refresh::All).await?;
    let mut services = Vec::new();
    for address in addresses {
        let not_running = |why| CommandError::NotRunning {
            name: address.name().to_owned(),
            stack: opened.chosen.name.clone(),
            why,
        };
        let Some(record) = state.resources.get(&address) else {
            return Err(not_running("not any more"));
        };
        let seen = observation.seen.get(&address);
        let Some(seen) = seen.and_then(|seen| seen.of::<EcsService>()) else {
            return Err(not_running("AWS has none"));
        };
        if seen.draining || record.status == Status::Deleting {
            return Err(not_running("its removal has begun"));
        }
        let spec =
            serde_json::from_value(record.spec.clone()).map_err(|error| ObserveError::Decode {
                address: address.clone(),
                source: DecodeError::Malformed {
                    kind: EcsService::KIND.to_owned(),
                    message: error.to_string(),
                },
            })?;
        services.push(Running {
            spec,
            seen: seen.clone(),
            address,
        });
    }
    Ok(Look {
        services,
        observation,
        recorded: Recorded::new(&state, some),
    })
}

/// Shows, asks, calls and follows.
pub async fn adjust(
    global: &GlobalOptions,
    following: &Following,
    opened: &Opened,
    connection: &Connection,
    look: &Look,
    what: (Command, &str, Vec<Adjustment>),
) -> Result<Ended, CommandError> {
    let (command, resume, adjustments) = what;
    let plan = plan_adjustments(adjustments, &look.observation, &look.recorded)?;
    let run = Run {
        global,
        command,
        connection,
        session: &opened.session,
        wait: !following.no_wait,
        timeout: following.timeout,
        drain: true,
        timings: false,
        report: None,
        earlier: None,
        left_out: &LeftOut::default(),
        protection: None,
    };
    run.carry_out(&plan, view(global), resume).await
}
