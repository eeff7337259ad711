//! Under which heading does a kind of resource stand where many are folded into one line?

/// The heading of a kind; kinds that nobody has sorted in are `others`.
pub(super) fn group(kind: &str) -> &'static str {
    match kind {
        "vpc" | "subnet" | "internet_gateway" | "elastic_ip" | "nat_gateway" | "route_table"
        | "vpc_endpoint" => "network",
        "security_group" | "security_group_rules" => "security groups",
        "load_balancer" | "listener" | "listener_rule" | "target_group" => "load balancing",
        "hosted_zone" | "alias_records" | "certificate" => "domain",
        "namespace" | "discovery_service" => "discovery",
        "role" => "roles",
        "log_group" => "logs",
        "cluster" | "task_definition" | "ecs_service" | "scalable_target" | "scaling_policy" => {
            "services"
        }
        _ => "others",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kind;

    #[test]
    fn every_kind_is_sorted_in() {
        for kind in Kind::ALL {
            assert_ne!(group(kind.name()), "others", "{kind:?}");
        }
    }
}
