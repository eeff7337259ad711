//! What is a role? Who may take it on, and what it carries.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    document::{self, Purpose},
    page, policy, role_tags,
};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, tags::Tags, world::Context};

/// Default quotas (aws-behaviour §2.8).
const MOST_ROLES: usize = 1000;
const LARGEST_TRUST_POLICY: usize = 2048;
const LONGEST_NAME: usize = 64;

#[derive(Clone, Debug, Serialize)]
pub struct Role {
    pub name: String,
    pub id: String,
    pub arn: String,
    pub path: String,
    pub created: Moment,
    pub assume_role_policy: String,
    pub description: Option<String>,
    pub max_session_duration: i64,
    /// Inline policies: name → document.
    pub policies: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub attached_policies: BTreeSet<String>,
    pub is_service_linked: bool,
    pub tags: Tags,
}

impl Role {
    /// What lists show; `GetRole` adds tags and last use.
    pub fn summary(&self) -> Value {
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": self.created,
            "AssumeRolePolicyDocument": document::encode(&self.assume_role_policy),
            "Description": self.description,
            "MaxSessionDuration": self.max_session_duration,
        })
    }

    pub fn detail(&self) -> Value {
        let mut value = self.summary();
        if !self.tags.is_empty() {
            value["Tags"] = self.tags.to_list("Key", "Value");
        }
        value
    }

    /// Service-linked roles can only be changed by AWS (aws-behaviour §2.9).
    pub fn refuse_change_if_protected(&self) -> Result<(), Fault> {
        if self.is_service_linked {
            return Err(Fault::new(
                "UnmodifiableEntity",
                format!(
                    "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
                    self.name
                ),
            ));
        }
        Ok(())
    }
}

pub fn not_found(name: &str) -> Fault {
    Fault::new(
        "NoSuchEntity",
        format!("The role with name {name} cannot be found."),
    )
    .with_status(404)
}

/// Refuses names that IAM does not take; `parameter` as IAM writes it in its message.
pub fn check_name(name: &str, parameter: &str, longest: usize) -> Result<(), Fault> {
    if name.chars().count() > longest {
        return Err(Fault::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{name}' at '{parameter}' failed to satisfy constraint: Member must have length less than or equal to {longest}"
            ),
        ));
    }
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
    if !name.chars().all(allowed) {
        return Err(Fault::new(
            "ValidationError",
            format!(
                "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            ),
        ));
    }
    Ok(())
}

fn check_trust_policy(policy: &str) -> Result<(), Fault> {
    document::check(policy, Purpose::Trust)?;
    if document::size(policy) > LARGEST_TRUST_POLICY {
        return Err(limit(format!(
            "Cannot exceed quota for ACLSizePerRole: {LARGEST_TRUST_POLICY}"
        )));
    }
    Ok(())
}

pub fn limit(message: impl Into<String>) -> Fault {
    Fault::new("LimitExceeded", message).with_status(409)
}

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("RoleName")?;
    let trust = parameters.required_string("AssumeRolePolicyDocument")?;
    check_name(name, "roleName", LONGEST_NAME)?;
    let path = parameters.string("Path").unwrap_or("/");
    if !path.starts_with('/') || !path.ends_with('/') {
        return Err(Fault::new(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ));
    }
    let tags = role_tags::read(&parameters)?;
    check_trust_policy(trust)?;
    let roles = &mut context.global.iam.roles;
    // Names differ by more than case, although they keep the case they were given.
    if roles.keys().any(|taken| taken.eq_ignore_ascii_case(name)) {
        return Err(Fault::new(
            "EntityAlreadyExists",
            format!("Role with name {name} already exists."),
        )
        .with_status(409));
    }
    if roles.len() >= MOST_ROLES {
        return Err(limit(format!(
            "Cannot exceed quota for RolesPerAccount: {MOST_ROLES}"
        )));
    }
    let role = Role {
        name: name.to_owned(),
        id: format!("AROA{}", context.ids.capitals(17)),
        arn: format!("arn:aws:iam::{}:role{path}{name}", context.account),
        path: path.to_owned(),
        created: context.now,
        assume_role_policy: trust.to_owned(),
        description: parameters.string("Description").map(str::to_owned),
        max_session_duration: parameters.integer("MaxSessionDuration")?.unwrap_or(3600),
        policies: BTreeMap::new(),
        attached_policies: BTreeSet::new(),
        is_service_linked: false,
        tags,
    };
    let answer = role.detail();
    roles.insert(name.to_owned(), role);
    Ok(json!({"Role": answer}))
}

pub fn get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let name = call.parameters().required_string("RoleName")?;
    let mut role = context.global.iam.role(name)?.detail();
    role["RoleLastUsed"] = json!({});
    Ok(json!({"Role": role}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let prefix = parameters.string("PathPrefix").unwrap_or("/");
    let roles = context.global.iam.roles.values();
    let shown = roles
        .filter(|role| role.path.starts_with(prefix))
        .map(|role| (role.name.clone(), role.summary()))
        .collect();
    page(&parameters, "Roles", shown)
}

pub fn update(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("RoleName")?;
    let role = context.global.iam.role_mut(name)?;
    role.refuse_change_if_protected()?;
    if let Some(description) = parameters.string("Description") {
        role.description = Some(description.to_owned());
    }
    if let Some(duration) = parameters.integer("MaxSessionDuration")? {
        role.max_session_duration = duration;
    }
    Ok(json!({}))
}

pub fn update_assume_role_policy(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let name = parameters.required_string("RoleName")?;
    let trust = parameters.required_string("PolicyDocument")?;
    let role = context.global.iam.role_mut(name)?;
    role.refuse_change_if_protected()?;
    check_trust_policy(trust)?;
    role.assume_role_policy = trust.to_owned();
    Ok(Value::Null)
}

/// Inline policies go first, then the role (aws-behaviour §2.8).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let name = call.parameters().required_string("RoleName")?;
    let iam = &mut context.global.iam;
    let role = iam.role(name)?;
    role.refuse_change_if_protected()?;
    policy::refuse_if_any(role)?;
    iam.roles.remove(name);
    Ok(Value::Null)
}

/// The sandbox has no instances, hence no instance profiles.
pub fn list_instance_profiles(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    context
        .global
        .iam
        .role(parameters.required_string("RoleName")?)?;
    page(&parameters, "InstanceProfiles", Vec::new())
}
