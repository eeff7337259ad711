//! What does IAM keep? The roles of an account. It belongs to no region.

mod document;
mod policy;
mod role;
mod role_tags;
mod service_linked_role;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use self::role::Role;
use super::{
    call::Parameters,
    dispatch::Operation,
    fault::Fault,
    pagination::{InvalidToken, paginate},
};

pub use service_linked_role::ensure as ensure_service_linked_role;

#[derive(Debug, Default, Serialize)]
pub struct Iam {
    /// By name.
    pub roles: BTreeMap<String, Role>,
}

impl Iam {
    fn role(&self, name: &str) -> Result<&Role, Fault> {
        self.roles.get(name).ok_or_else(|| role::not_found(name))
    }

    fn role_mut(&mut self, name: &str) -> Result<&mut Role, Fault> {
        self.roles
            .get_mut(name)
            .ok_or_else(|| role::not_found(name))
    }
}

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateRole" => role::create,
        "GetRole" => role::get,
        "ListRoles" => role::list,
        "UpdateRole" => role::update,
        "UpdateAssumeRolePolicy" => role::update_assume_role_policy,
        "DeleteRole" => role::delete,
        "ListInstanceProfilesForRole" => role::list_instance_profiles,
        "PutRolePolicy" => policy::put,
        "GetRolePolicy" => policy::get,
        "ListRolePolicies" => policy::list,
        "DeleteRolePolicy" => policy::delete,
        "AttachRolePolicy" => policy::attach,
        "DetachRolePolicy" => policy::detach,
        "ListAttachedRolePolicies" => policy::list_attached,
        "TagRole" => role_tags::tag,
        "UntagRole" => role_tags::untag,
        "ListRoleTags" => role_tags::list,
        "CreateServiceLinkedRole" => service_linked_role::create,
        _ => return None,
    })
}

const PAGE: usize = 100;

/// One page of `items`, which are sorted by their keys.
fn page(
    parameters: &Parameters<'_>,
    list: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Fault> {
    let size = match parameters.integer("MaxItems")? {
        None => PAGE,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=1000).contains(size))
            .ok_or_else(|| {
                Fault::new(
                    "ValidationError",
                    format!("1 validation error detected: Value '{size}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000"),
                )
            })?,
    };
    let page = paginate(items, size, parameters.string("Marker"))
        .map_err(|InvalidToken| Fault::new("ValidationError", "Invalid Marker."))?;
    Ok(json!({
        list: page.items,
        "IsTruncated": page.next.is_some(),
        "Marker": page.next,
    }))
}
