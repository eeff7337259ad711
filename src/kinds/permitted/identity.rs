//! Which actions do roles and log groups take?

use crate::kinds::log_group::LogGroup;
use crate::kinds::role::Role;
use crate::resource::{Permissions, Permitted, Scope, Territory};

impl Permitted for Role {
    /// By name alone: IAM advises against tags as a condition where roles are passed.
    fn permissions(&self, territory: &Territory) -> Permissions {
        let path = format!("role/{}", self.role_name);
        let named = || territory.on("iam", [&path]);
        // Where the state is lost, every role that begins as the stack does is asked for its tags.
        let prefixed = format!("role/{}*", territory.stack);
        let changed = [
            "iam:DeleteRolePolicy",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
        ];
        let removed = [
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
        ];
        Permissions::default()
            .look(Scope::none(), &["iam:ListRoles"])
            .look(territory.on("iam", [&path, &prefixed]), &["iam:GetRole"])
            .look(named(), &["iam:GetRolePolicy"])
            .make(territory.made("iam", &[&path]), &["iam:CreateRole"])
            .make(named(), &changed)
            .remove(named(), &removed)
    }
}

impl Permitted for LogGroup {
    fn permissions(&self, territory: &Territory) -> Permissions {
        // All of the stack's own have names that begin alike.
        let derived = format!("/ecs/{}/", territory.stack);
        let names = match self.log_group_name.starts_with(&derived) {
            true => vec![format!("log-group:{derived}*")],
            // Tags go by the group's ARN, everything else by that of its streams.
            false => {
                let name = format!("log-group:{}", self.log_group_name);
                vec![format!("{name}:*"), name]
            }
        };
        let named = || territory.on("logs", &names);
        let changed = [
            "logs:DeleteRetentionPolicy",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ];
        Permissions::default()
            .look(Scope::none(), &["logs:DescribeLogGroups"])
            .look(
                named(),
                &[
                    "logs:FilterLogEvents",
                    "logs:GetLogEvents",
                    "logs:ListTagsForResource",
                ],
            )
            .make(named().when_made_by(territory), &["logs:CreateLogGroup"])
            .make(named(), &changed)
            .remove(named(), &["logs:DeleteLogGroup"])
    }
}
