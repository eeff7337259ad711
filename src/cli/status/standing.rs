//! What is recorded, and is it still there, usable and unchanged?

use serde::Serialize;

use super::super::context::Connection;
use super::super::error::CommandError;
use crate::graph::ResourceGraph;
use crate::observe::{Observation, Refresh, observe, recorded_resources};
use crate::report::id_of;
use crate::resource::{Address, AnyResource, Cause, Known, Readiness};
use crate::state::{Record, Session, Status};

/// One resource.
#[derive(Debug, Serialize)]
pub struct Line {
    pub address: Address,
    pub id: Option<String>,
    #[serde(flatten)]
    pub standing: Standing,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Standing {
    Ready,
    /// It exists and is not usable yet.
    Waiting {
        why: String,
    },
    /// It will never be usable as it is.
    Failed {
        why: String,
        /// The cause, if it is one of the catalogue (docs/errors/).
        code: Option<Cause>,
    },
    /// Somebody else changed it.
    Changed {
        fields: Vec<String>,
    },
    /// `down` has begun with it.
    Removing,
    /// It is recorded, and AWS has none.
    Gone,
}

pub async fn look(
    session: &Session,
    connection: &Connection,
    compare: bool,
) -> Result<Vec<Line>, CommandError> {
    let state = session.state();
    let resources = recorded_resources(&connection.aws, &state)?;
    let nothing_new = ResourceGraph::default();
    let observation = observe(
        &connection.aws,
        &nothing_new,
        &resources,
        &state,
        Refresh::All,
    )
    .await?;
    let known = state.known();
    let lines = state
        .resources
        .iter()
        .filter_map(|(address, record)| {
            let resource = resources.get(address)?;
            Some(Line {
                address: address.clone(),
                id: id_of(&record.outputs),
                standing: standing(address, &**resource, record, &observation, &known, compare),
            })
        })
        .collect();
    Ok(lines)
}

fn standing(
    address: &Address,
    resource: &dyn AnyResource,
    record: &Record,
    observation: &Observation,
    known: &Known,
    compare: bool,
) -> Standing {
    let Some(seen) = observation.seen.get(address) else {
        return Standing::Gone;
    };
    if record.status == Status::Deleting {
        return Standing::Removing;
    }
    let readiness = resource.readiness(seen);
    if let Readiness::Failed(why) = readiness {
        let code = resource.diagnosis(seen).cause;
        return Standing::Failed { why, code };
    }
    // What others changed says more than what AWS has yet to do about it. What is only looked up is nobody's to keep.
    if compare && !record.lookup {
        let change = resource.diff(seen, Some(&record.spec), known);
        if !change.is_empty() {
            return Standing::Changed {
                fields: change.fields.into_iter().map(|field| field.field).collect(),
            };
        }
    }
    match readiness {
        Readiness::Pending(why) => Standing::Waiting { why },
        _ => Standing::Ready,
    }
}

impl Standing {
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::Waiting { .. } => "waiting",
            Standing::Failed { .. } => "failed",
            Standing::Changed { .. } => "changed",
            Standing::Removing => "removing",
            Standing::Gone => "gone",
        }
    }

    pub fn remark(&self) -> Option<String> {
        match self {
            Standing::Waiting { why } | Standing::Failed { why, code: None } => Some(why.clone()),
            Standing::Failed {
                why,
                code: Some(cause),
            } => Some(format!("{why}; `navi explain {cause}` says more")),
            Standing::Changed { fields } => Some(format!(
                "{} differ from what navi set; `navi drift` shows how",
                fields.join(", ")
            )),
            Standing::Gone => Some("`navi up` makes it again".to_owned()),
            Standing::Ready | Standing::Removing => None,
        }
    }
}
