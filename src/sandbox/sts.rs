//! Who is calling?

use serde_json::{Value, json};

use super::{call::Call, dispatch::Operation, fault::Fault, world::Context};

pub fn operation(name: &str) -> Option<Operation> {
    match name {
        "GetCallerIdentity" => Some(get_caller_identity),
        _ => None,
    }
}

fn get_caller_identity(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let account = context.account;
    Ok(json!({
        "Arn": format!("arn:aws:iam::{account}:user/sandbox"),
        "UserId": call.access_key,
        "Account": account,
    }))
}
