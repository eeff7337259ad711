//! Where do the containers' lines go? Every log group that a container names, once.

use super::Builder;
use crate::kinds::log_group::LogGroup;
use crate::stack::Retention;

impl Builder<'_> {
    pub(super) fn logs(&mut self) {
        for (group, retention) in self.stack.log_groups() {
            let tags = self.tags::<LogGroup>(group, group);
            self.graph.add(
                group,
                LogGroup {
                    log_group_name: group.to_owned(),
                    retention_in_days: match retention {
                        Retention::Days(days) => Some(days),
                        Retention::Forever => None,
                    },
                    tags,
                },
            );
        }
    }
}
