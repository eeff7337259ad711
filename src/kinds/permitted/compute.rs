//! Which actions do cluster, task definitions and services take?

use super::{service_linked_role, tag_on_create};
use crate::aws::ecr_repository;
use crate::kinds::cluster::Cluster;
use crate::kinds::ecs_service::EcsService;
use crate::kinds::task_definition::TaskDefinition;
use crate::resource::{Bounds, Limit, Permissions, Permitted};

/// To set the tags in the create, and to change them later on what is the stack's.
fn tagged(permissions: Permissions, bounds: &Bounds, paths: &[&str], create: &str) -> Permissions {
    let on_create = tag_on_create(bounds, "ecs", "ecs:CreateAction", paths, &[create]);
    permissions.make(on_create, &["ecs:TagResource"]).make(
        bounds.own("ecs", paths),
        &["ecs:TagResource", "ecs:UntagResource"],
    )
}

impl Permitted for Cluster {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let path = format!("cluster/{}", self.name);
        let named = || bounds.on("ecs", [&path]);
        let permissions = Permissions::default()
            .look(Limit::none(), &["ecs:DescribeClusters", "ecs:ListClusters"])
            .make(bounds.made("ecs", &[&path]), &["ecs:CreateCluster"])
            .make(named(), &["ecs:PutClusterCapacityProviders"])
            .remove(named(), &["ecs:DeleteCluster"])
            .remove(Limit::none(), &["ecs:ListServices", "ecs:ListTasks"]);
        let permissions = service_linked_role(permissions, bounds, "ecs.amazonaws.com");
        tagged(permissions, bounds, &[&path], "CreateCluster")
    }
}

impl Permitted for TaskDefinition {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let path = format!("task-definition/{}:*", self.family);
        let seen = [
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitionFamilies",
            "ecs:ListTaskDefinitions",
        ];
        let roles = bounds.roles.iter().map(|role| format!("role/{role}"));
        let passed = bounds.on("iam", roles).when(
            "StringEquals",
            "iam:PassedToService",
            ["ecs-tasks.amazonaws.com"],
        );
        let mut permissions = Permissions::default()
            .look(Limit::none(), &seen)
            .make(
                bounds.made("ecs", &[&path]),
                &["ecs:RegisterTaskDefinition"],
            )
            .make(passed, &["iam:PassRole"])
            // Can be tied to nothing.
            .remove(Limit::none(), &["ecs:DeregisterTaskDefinition"])
            .remove(bounds.own("ecs", &[&path]), &["ecs:DeleteTaskDefinitions"]);
        for container in &self.containers {
            if let Some(repository) = ecr_repository(&container.image) {
                let limit = Limit {
                    resources: [repository.arn(&bounds.partition)].into(),
                    conditions: Default::default(),
                };
                permissions = permissions.look(limit, &["ecr:DescribeImages"]);
            }
        }
        tagged(permissions, bounds, &[&path], "RegisterTaskDefinition")
    }
}

impl Permitted for EcsService {
    fn permissions(&self, bounds: &Bounds) -> Permissions {
        let named = || bounds.in_clusters(&["service"]);
        let seen = [
            "ecs:DescribeServices",
            "ecs:DescribeTasks",
            "ecs:ListServices",
            "ecs:ListTasks",
        ];
        // Whether it serves: its targets are healthy, its instances registered. Where it is, for a lost state.
        let beside = [
            "ec2:DescribeSubnets",
            "elasticloadbalancing:DescribeTargetHealth",
            "servicediscovery:GetInstancesHealthStatus",
            "servicediscovery:ListInstances",
        ];
        let groups = || bounds.own("elasticloadbalancing", &["targetgroup/*/*"]);
        let delay = "elasticloadbalancing:ModifyTargetGroupAttributes";
        let delay_seen = "elasticloadbalancing:DescribeTargetGroupAttributes";
        let mut permissions = Permissions::default()
            .look(Limit::none(), &seen)
            .look(Limit::none(), &beside)
            .make(named().when_made_by(bounds), &["ecs:CreateService"])
            .make(named(), &["ecs:UpdateService"])
            .remove(named(), &["ecs:DeleteService", "ecs:UpdateService"]);
        if !self.load_balancers.is_empty() {
            permissions = permissions
                .make(groups(), &[delay])
                .make(Limit::none(), &[delay_seen])
                .remove(groups(), &[delay]);
        }
        let paths: Vec<String> = bounds
            .clusters
            .iter()
            .map(|cluster| format!("service/{cluster}/*"))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        tagged(permissions, bounds, &paths, "CreateService")
    }
}
