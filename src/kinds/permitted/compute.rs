//! Which actions do cluster, task definitions and services take?

use super::{service_linked_role, tag_on_create};
use crate::aws::ecr_repository;
use crate::kinds::cluster::Cluster;
use crate::kinds::ecs_service::EcsService;
use crate::kinds::task_definition::TaskDefinition;
use crate::resource::{Permissions, Permitted, Scope, Territory};

/// To set the tags in the create, and to change them later on what is the stack's.
fn tagged(
    permissions: Permissions,
    territory: &Territory,
    paths: &[&str],
    create: &str,
) -> Permissions {
    let on_create = tag_on_create(territory, "ecs", "ecs:CreateAction", paths, &[create]);
    permissions.make(on_create, &["ecs:TagResource"]).make(
        territory.own("ecs", paths),
        &["ecs:TagResource", "ecs:UntagResource"],
    )
}

impl Permitted for Cluster {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let path = format!("cluster/{}", self.name);
        let named = || territory.on("ecs", [&path]);
        let permissions = Permissions::default()
            .look(Scope::none(), &["ecs:DescribeClusters", "ecs:ListClusters"])
            .make(territory.made("ecs", &[&path]), &["ecs:CreateCluster"])
            .make(named(), &["ecs:PutClusterCapacityProviders"])
            .remove(named(), &["ecs:DeleteCluster"])
            .remove(Scope::none(), &["ecs:ListServices", "ecs:ListTasks"]);
        let permissions = service_linked_role(permissions, territory, "ecs.amazonaws.com");
        tagged(permissions, territory, &[&path], "CreateCluster")
    }
}

impl Permitted for TaskDefinition {
    fn permissions(&self, territory: &Territory) -> Permissions {
        // One pattern for all derived names, however many services there are: the tags tell other stacks' apart.
        let derived = format!("{}-", territory.stack);
        let family = match self.family.starts_with(&derived) {
            true => format!("{derived}*"),
            false => self.family.clone(),
        };
        let path = format!("task-definition/{family}:*");
        let seen = [
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitionFamilies",
            "ecs:ListTaskDefinitions",
        ];
        let roles = territory.roles.iter().map(|role| format!("role/{role}"));
        let passed = territory.on("iam", roles).when(
            "StringEquals",
            "iam:PassedToService",
            ["ecs-tasks.amazonaws.com"],
        );
        let mut permissions = Permissions::default()
            .look(Scope::none(), &seen)
            .make(
                territory.made("ecs", &[&path]),
                &["ecs:RegisterTaskDefinition"],
            )
            .make(passed, &["iam:PassRole"])
            // Can be tied to nothing.
            .remove(Scope::none(), &["ecs:DeregisterTaskDefinition"])
            .remove(
                territory.own("ecs", &[&path]),
                &["ecs:DeleteTaskDefinitions"],
            );
        for container in &self.containers {
            if let Some(repository) = ecr_repository(&container.image) {
                let scope = Scope {
                    resources: [repository.arn(&territory.partition)].into(),
                    conditions: Default::default(),
                };
                permissions = permissions.look(scope, &["ecr:DescribeImages"]);
            }
        }
        tagged(permissions, territory, &[&path], "RegisterTaskDefinition")
    }
}

/// To run commands in containers, and to see whether the tasks' role lets them, whoever made its policies.
fn commands_inside(permissions: Permissions, territory: &Territory) -> Permissions {
    let clusters = territory.clusters.iter();
    let paths = clusters.flat_map(|name| [format!("cluster/{name}"), format!("task/{name}/*")]);
    let roles = territory.roles.iter().map(|role| format!("role/{role}"));
    let mut policies = territory.on("iam", ["policy/*"]);
    let of_aws = format!("arn:{}:iam::aws:policy/*", territory.partition);
    policies.resources.insert(of_aws);
    permissions
        .make(territory.on("ecs", paths), &["ecs:ExecuteCommand"])
        .look(
            territory.on("iam", roles),
            &[
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
            ],
        )
        .look(policies, &["iam:GetPolicy", "iam:GetPolicyVersion"])
}

impl Permitted for EcsService {
    fn permissions(&self, territory: &Territory) -> Permissions {
        let named = || territory.in_clusters(&["service"]);
        let seen = [
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListServices",
            "ecs:ListTasks",
        ];
        // Whether it serves: its targets are healthy, its instances registered. Where it is, for a lost state, and
        // whether that leads out.
        let beside = [
            "ec2:DescribeRouteTables",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
            "servicediscovery:GetInstancesHealthStatus",
            "servicediscovery:ListInstances",
        ];
        let groups = || territory.own("elasticloadbalancing", &["targetgroup/*/*"]);
        let delay = "elasticloadbalancing:ModifyTargetGroupAttributes";
        let delay_seen = "elasticloadbalancing:DescribeTargetGroupAttributes";
        let mut permissions = Permissions::default()
            .look(Scope::none(), &seen)
            .look(Scope::none(), &beside)
            .make(named().when_made_by(territory), &["ecs:CreateService"])
            .make(named(), &["ecs:UpdateService"])
            .remove(named(), &["ecs:DeleteService", "ecs:UpdateService"]);
        if !self.load_balancers.is_empty() {
            permissions = permissions
                .make(groups(), &[delay])
                .make(Scope::none(), &[delay_seen])
                .remove(groups(), &[delay]);
        }
        if self.enable_execute_command {
            permissions = commands_inside(permissions, territory);
        }
        let paths: Vec<String> = territory
            .clusters
            .iter()
            .map(|cluster| format!("service/{cluster}/*"))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        tagged(permissions, territory, &paths, "CreateService")
    }
}
