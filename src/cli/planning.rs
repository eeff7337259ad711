//! How does a command come to its plan? Recovery, the desired graph, one sweep of AWS, the planner.

use super::context::Connection;
use super::error::CommandError;
use crate::graph::ResourceGraph;
use crate::model;
use crate::observe::{Refresh, observe, recorded_resources};
use crate::plan::{Plan, Recorded, plan_down, plan_up};
use crate::report::{Event, Sink};
use crate::stack::Stack;
use crate::state::{Finding, Session, recover};

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

/// What `up` would do.
pub async fn for_up(
    stack: &Stack,
    session: &Session,
    connection: &Connection,
    refresh: Refresh,
) -> Result<Plan, CommandError> {
    let desired = desired(stack, connection)?;
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    let observation = observe(&connection.aws, &desired, &resources, &state, refresh).await?;
    let recorded = Recorded::new(&state, resources);
    Ok(plan_up(&desired, &observation, &recorded)?)
}

/// What `down` would do. Needs the state alone.
pub fn for_down(session: &Session, connection: &Connection) -> Result<Plan, CommandError> {
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    Ok(plan_down(&Recorded::new(&state, resources)))
}

fn desired(stack: &Stack, connection: &Connection) -> Result<ResourceGraph, CommandError> {
    Ok(model::build(stack, &connection.region)?)
}
