//! How does a command come to its plan? Recovery, the desired graph, one sweep of AWS, the planner.

use std::collections::BTreeMap;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::image_digests::{self, Digests, Images};
use super::output;
use crate::graph::ResourceGraph;
use crate::kinds::ecs_service::EcsService;
use crate::model::{self, Facts, ServiceFacts};
use crate::observe::{Observation, Refresh, observe, recorded_resources};
use crate::plan::{Plan, Recorded, moved, plan_down, plan_up};
use crate::report::{Event, Sink};
use crate::resource::{Address, Resource};
use crate::stack::Stack;
use crate::state::{Finding, Session, State, recover};

/// Settles what an earlier run left open. The normal start of every command.
pub async fn settle(
    session: &Session,
    connection: &Connection,
    sink: &dyn Sink,
) -> Result<(), CommandError> {
    for recovered in recover(session, &connection.aws).await? {
        let what = match recovered.finding {
            Finding::Created => "its create had reached AWS; it is recorded now",
            Finding::NotCreated => "its create had not reached AWS",
            Finding::UpdateCutOff => "its update was cut off and is compared anew",
            Finding::DeleteCutOff => "its removal was cut off and goes on",
        };
        sink.event(&Event::Recovered {
            address: recovered.address,
            what: what.to_owned(),
        });
    }
    Ok(())
}

/// Whose word counts for the number of tasks of a service that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// The stack file's.
    AsInFile,
    /// AWS's: what somebody or something set there stays.
    Keep,
}

impl Counts {
    /// By `--keep-counts`.
    pub fn keep(keep: bool) -> Self {
        match keep {
            true => Counts::Keep,
            false => Counts::AsInFile,
        }
    }
}

/// What `up` would do.
pub async fn for_up(
    global: &GlobalOptions,
    stack: &Stack,
    session: &Session,
    connection: &Connection,
    refresh: Refresh,
    counts: Counts,
) -> Result<Plan, CommandError> {
    let state = session.state();
    warn_of_gaps(global, &state);
    let resources = recorded_resources(&connection.aws, &state)?;
    let images = image_digests::wanted_images(stack);
    let build = |digests, observation: &Observation| {
        let facts = facts(digests, observation, counts);
        model::build_with(stack, &connection.region, &facts)
    };
    let as_recorded = |state: &State| {
        let digests = image_digests::digests(&images, &BTreeMap::new(), state);
        build(digests, &Observation::default())
    };
    let desired = as_recorded(&state)?;
    let moves = moved(&desired, &Recorded::new(&state, resources.clone()), &state);
    let (state, resources, desired) = match moves.is_empty() {
        true => (state, resources, desired),
        false => {
            let state = state.relocated(&moves);
            let resources = recorded_resources(&connection.aws, &state)?;
            let desired = as_recorded(&state)?;
            (state, resources, desired)
        }
    };
    // Who trusts the state trusts the digests in it.
    let asked = match refresh {
        Refresh::All => images.clone(),
        Refresh::Changed => Images::new(),
    };
    let (observation, answers) = tokio::try_join!(
        observe(&connection.aws, &desired, &resources, &state, refresh),
        async { Ok(image_digests::look_up(&connection.aws, &asked).await) },
    )?;
    image_digests::warn(global, &answers);
    let digests = image_digests::digests(&images, &answers, &state);
    let desired = build(digests, &observation)?;
    let recorded = Recorded::new(&state, resources);
    let mut plan = plan_up(&desired, &observation, &recorded)?;
    plan.moved = moves;
    Ok(plan)
}

/// What others refer to and was given back all the same: what stands on it would be made anew, on another one, and
/// nothing in the plan says why.
fn warn_of_gaps(global: &GlobalOptions, state: &State) {
    let is_referred_to = |address: &Address| {
        let mut records = state.resources.values();
        records.any(|record| record.edges().iter().any(|edge| edge.to == *address))
    };
    let recorded = |address: &Address| state.resources.contains_key(address);
    let given_back = state.given_back.iter();
    for given in given_back.filter(|given| !recorded(&given.address)) {
        if let Some(id) = given.id()
            && is_referred_to(&given.address)
        {
            let address = &given.address;
            let message = format!(
                "{address} was given back by `navi state forget`, and what stays refers to it: on another one it may \
                 have to be made anew; `navi adopt {address} {id}` takes it back"
            );
            output::warning(global, &message);
        }
    }
}

/// What the stack file wants, with what the registries say of its images, and nothing compared yet.
pub async fn wanted(
    global: &GlobalOptions,
    stack: &Stack,
    session: &Session,
    connection: &Connection,
) -> Result<ResourceGraph, CommandError> {
    let images = image_digests::wanted_images(stack);
    let answers = image_digests::look_up(&connection.aws, &images).await;
    image_digests::warn(global, &answers);
    let digests = image_digests::digests(&images, &answers, &session.state());
    let facts = facts(digests, &Observation::default(), Counts::AsInFile);
    Ok(model::build_with(stack, &connection.region, &facts)?)
}

/// What `down` would do. Needs the state alone.
pub fn for_down(session: &Session, connection: &Connection) -> Result<Plan, CommandError> {
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    Ok(plan_down(&Recorded::new(&state, resources)))
}

/// What the registries and AWS say of the services.
fn facts(digests: Digests, observation: &Observation, counts: Counts) -> Facts {
    digests
        .into_iter()
        .map(|(service, image_digests)| {
            let address = Address::new(EcsService::KIND, &service);
            let seen = observation.seen.get(&address);
            let seen = seen.and_then(|seen| seen.of::<EcsService>());
            let facts = ServiceFacts {
                image_digests,
                desired_count: seen
                    .filter(|seen| counts == Counts::Keep && !seen.draining)
                    .map(|seen| seen.desired_count),
            };
            (service, facts)
        })
        .collect()
}
