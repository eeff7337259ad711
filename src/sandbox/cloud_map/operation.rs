//! What is an operation? What Cloud Map does in its own time after it has answered.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::{Filters, page};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, pace::Doing, world::Context};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    #[serde(rename = "PENDING")]
    Pending,
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "FAIL")]
    Fail,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub kind: &'static str,
    pub status: Status,
    /// Why it failed: code and message.
    pub failure: Option<(&'static str, String)>,
    pub created: Moment,
    pub updated: Moment,
    /// What it is about; told once it is done, since before that a namespace has no identifier (aws-behaviour §1 row 24).
    pub targets: Map<String, Value>,
}

impl Operation {
    fn to_value(&self, account: &str) -> Value {
        let mut value = json!({
            "Id": self.id,
            "OwnerAccount": account,
            "Type": self.kind,
            "Status": self.status,
            "CreateDate": self.created.seconds(),
            "UpdateDate": self.updated.seconds(),
            "Targets": {},
        });
        if self.status == Status::Success {
            value["Targets"] = Value::Object(self.targets.clone());
        }
        if let Some((code, message)) = &self.failure {
            value["ErrorCode"] = json!(code);
            value["ErrorMessage"] = json!(message);
        }
        value
    }
}

type Outcome = Result<Map<String, Value>, (&'static str, String)>;

/// Begins an operation; `work` is what it does when its time has come, and what it is about.
pub fn begin(
    context: &mut Context<'_>,
    kind: &'static str,
    doing: Doing,
    work: impl FnOnce(&mut Context<'_>) -> Outcome + Send + 'static,
) -> String {
    let id = format!(
        "{}-{}",
        context.ids.alphanumeric(32),
        context.ids.alphanumeric(8)
    );
    let operation = Operation {
        id: id.clone(),
        kind,
        status: Status::Pending,
        failure: None,
        created: context.now,
        updated: context.now,
        targets: Map::new(),
    };
    context
        .region
        .cloud_map
        .operations
        .insert(id.clone(), operation);
    let ended = id.clone();
    context.schedule(doing, move |context| {
        let outcome = work(context);
        let now = context.now;
        if let Some(operation) = context.region.cloud_map.operations.get_mut(&ended) {
            operation.updated = now;
            match outcome {
                Ok(targets) => {
                    operation.status = Status::Success;
                    operation.targets = targets;
                }
                Err(failure) => {
                    operation.status = Status::Fail;
                    operation.failure = Some(failure);
                }
            }
        }
    });
    id
}

/// What an operation is about, by kind.
pub fn targets<const N: usize>(of: [(&str, &str); N]) -> Map<String, Value> {
    of.into_iter()
        .map(|(kind, id)| (kind.to_owned(), json!(id)))
        .collect()
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("OperationId")?;
    let account = context.account;
    let operation = context.region.cloud_map.operations.get(id).ok_or_else(|| {
        Fault::new(
            "OperationNotFound",
            format!("No operation exists with the specified ID: {id}"),
        )
    })?;
    Ok(json!({"Operation": operation.to_value(account)}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let filters = Filters::of(
        &parameters,
        &["NAMESPACE_ID", "SERVICE_ID", "STATUS", "TYPE"],
    )?;
    let shown = context
        .region
        .cloud_map
        .operations
        .values()
        .filter(|operation| {
            let target = |kind| operation.targets.get(kind).and_then(Value::as_str);
            filters.match_values(|name| match name {
                "NAMESPACE_ID" => target("NAMESPACE").unwrap_or_default().to_owned(),
                "SERVICE_ID" => target("SERVICE").unwrap_or_default().to_owned(),
                "TYPE" => operation.kind.to_owned(),
                _ => json!(operation.status)
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            })
        })
        .map(|operation| {
            let summary = json!({"Id": operation.id, "Status": operation.status});
            (operation.id.clone(), summary)
        })
        .collect();
    page(&parameters, "Operations", shown)
}
