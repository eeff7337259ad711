//! As whom do the tasks act? One role, as task role and execution role.

use std::collections::BTreeMap;

use super::{Builder, MAIN};
use crate::kinds::role::Role;
use crate::stack::names;

impl Builder<'_> {
    pub(super) fn identity(&mut self) {
        let role_name = names::role(self.stack);
        let tags = self.tags::<Role>(MAIN, &role_name);
        let policy = self.stack.policy_document(self.region);
        self.graph.add(
            MAIN,
            Role {
                role_name,
                assume_role_policy_document: self.stack.role.trust_document(),
                policies: BTreeMap::from([(names::policy(self.stack), policy)]),
                tags,
            },
        );
    }
}
