//! The change: has what was asked for reached all of Route 53's servers?

use serde_json::{Value, json};

use crate::sandbox::{call::Call, clock::Moment, fault::Fault, pace::Doing, world::Context};

#[derive(Clone, Debug)]
pub struct Change {
    id: String,
    submitted: Moment,
    comment: Option<String>,
    is_in_sync: bool,
}

impl Change {
    fn to_value(&self) -> Value {
        json!({
            "Id": format!("/change/{}", self.id),
            "Status": if self.is_in_sync { "INSYNC" } else { "PENDING" },
            "SubmittedAt": self.submitted,
            "Comment": self.comment,
        })
    }
}

/// Notes a change; the answer is what its caller gets to see.
pub fn submit(context: &mut Context<'_>, comment: Option<&str>) -> Value {
    let id = format!("C{}", context.ids.capitals(20));
    let change = Change {
        id: id.clone(),
        submitted: context.now,
        comment: comment.map(str::to_owned),
        is_in_sync: false,
    };
    let answer = change.to_value();
    context.global.route53.changes.insert(id.clone(), change);
    context.schedule(Doing::RecordChangeSyncs, move |context| {
        if let Some(change) = context.global.route53.changes.get_mut(&id) {
            change.is_in_sync = true;
        }
    });
    answer
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let id = call.parameters().required_string("Id")?;
    let change = context
        .global
        .route53
        .changes
        .get(id.trim_start_matches("/change/"))
        .ok_or_else(|| {
            Fault::new(
                "NoSuchChange",
                format!("A change with id {id} does not exist."),
            )
            .with_status(404)
        })?;
    Ok(json!({"ChangeInfo": change.to_value()}))
}
