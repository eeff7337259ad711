//! What may a role do? Its inline policies and the managed ones attached to it.

use serde_json::{Value, json};

use super::{
    document::{self, Purpose},
    page,
    role::{self, Role},
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

/// All inline policies of a role together (aws-behaviour §2.8).
const LARGEST_TOGETHER: usize = 10_240;
const MOST_ATTACHED: usize = 10;
const LONGEST_NAME: usize = 128;

fn policy_not_found(name: &str) -> Fault {
    Fault::new(
        "NoSuchEntity",
        format!("The role policy with name {name} cannot be found."),
    )
    .with_status(404)
}

pub fn put(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role_name = parameters.required_string("RoleName")?;
    let policy_name = parameters.required_string("PolicyName")?;
    let policy = parameters.required_string("PolicyDocument")?;
    role::check_name(policy_name, "policyName", LONGEST_NAME)?;
    let role = context.global.iam.role_mut(role_name)?;
    role.refuse_change_if_protected()?;
    document::check(policy, Purpose::Permission)?;
    let others: usize = role
        .policies
        .iter()
        .filter(|(name, _)| *name != policy_name)
        .map(|(_, other)| document::size(other))
        .sum();
    if others + document::size(policy) > LARGEST_TOGETHER {
        return Err(role::limit(format!(
            "Maximum policy size of {LARGEST_TOGETHER} bytes exceeded for role {role_name}"
        )));
    }
    role.policies
        .insert(policy_name.to_owned(), policy.to_owned());
    Ok(Value::Null)
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role_name = parameters.required_string("RoleName")?;
    let policy_name = parameters.required_string("PolicyName")?;
    let policy = context
        .global
        .iam
        .role(role_name)?
        .policies
        .get(policy_name)
        .ok_or_else(|| policy_not_found(policy_name))?;
    Ok(json!({
        "RoleName": role_name,
        "PolicyName": policy_name,
        "PolicyDocument": document::encode(policy),
    }))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role = context
        .global
        .iam
        .role(parameters.required_string("RoleName")?)?;
    let names = role.policies.keys();
    let items = names.map(|name| (name.clone(), json!(name))).collect();
    page(&parameters, "PolicyNames", items)
}

pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let policy_name = parameters.required_string("PolicyName")?;
    let role = context
        .global
        .iam
        .role_mut(parameters.required_string("RoleName")?)?;
    role.refuse_change_if_protected()?;
    role.policies
        .remove(policy_name)
        .ok_or_else(|| policy_not_found(policy_name))?;
    Ok(Value::Null)
}

/// The sandbox holds no managed policies of the account's own; those of AWS are taken by their ARN.
pub fn attach(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("PolicyArn")?;
    let role = context
        .global
        .iam
        .role_mut(parameters.required_string("RoleName")?)?;
    role.refuse_change_if_protected()?;
    if !arn.starts_with("arn:aws:iam::aws:policy/") {
        return Err(Fault::new(
            "NoSuchEntity",
            format!("Policy {arn} does not exist or is not attachable."),
        )
        .with_status(404));
    }
    if role.attached_policies.len() >= MOST_ATTACHED && !role.attached_policies.contains(arn) {
        return Err(role::limit(format!(
            "Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}"
        )));
    }
    role.attached_policies.insert(arn.to_owned());
    Ok(Value::Null)
}

pub fn detach(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = parameters.required_string("PolicyArn")?;
    let role = context
        .global
        .iam
        .role_mut(parameters.required_string("RoleName")?)?;
    role.refuse_change_if_protected()?;
    if !role.attached_policies.remove(arn) {
        return Err(
            Fault::new("NoSuchEntity", format!("Policy {arn} was not found.")).with_status(404),
        );
    }
    Ok(Value::Null)
}

pub fn list_attached(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let role = context
        .global
        .iam
        .role(parameters.required_string("RoleName")?)?;
    let items = role
        .attached_policies
        .iter()
        .map(|arn| {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            (arn.clone(), json!({"PolicyName": name, "PolicyArn": arn}))
        })
        .collect();
    page(&parameters, "AttachedPolicies", items)
}

/// A role with policies can't be deleted.
pub fn refuse_if_any(role: &Role) -> Result<(), Fault> {
    let message = if !role.policies.is_empty() {
        "Cannot delete entity, must delete policies first."
    } else if !role.attached_policies.is_empty() {
        "Cannot delete entity, must detach all policies first."
    } else {
        return Ok(());
    };
    Err(Fault::new("DeleteConflict", message).with_status(409))
}
