//! Which calls took something away from under tasks that still needed it?
//!
//! AWS carries such calls out, and the tasks suffer: a log group that is gone, a way out that is cut, visitors whose connections
//! break off although their target still drains (aws-behaviour §1 rows 28, 33 and 34, §3 step 1).

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    call::Call,
    call_log::is_mutating,
    clock::Moment,
    ecs::{self, Task},
    elb,
    service::Service,
    world::{Context, World},
};

/// What one call took from one task.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    at: Moment,
    operation: String,
    service: String,
    task: String,
    lost: String,
}

/// A task, and something it has that it needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Support {
    service: String,
    task: String,
    what: String,
}

/// What the tasks of an account have before a call: those that run or drain. A task whose containers have been told to end counts for
/// nothing any more: its service is `INACTIVE` by then, and what it still has to say is lost on AWS too (aws-behaviour §2.18, §3 step 1).
#[derive(Debug)]
pub struct Before(BTreeSet<Support>);

/// None for a call that takes nothing from anybody. What ECS is told of its own tasks is what becomes of them.
pub fn before(world: &mut World, now: Moment, call: &Call) -> Option<Before> {
    let may_take = is_mutating(&call.operation) && call.service != Service::Ecs;
    may_take.then(|| Before(supports(world, now, &call.account)))
}

/// What the tasks don't have any more.
pub fn after(world: &mut World, now: Moment, call: &Call, before: &Before) -> Vec<Violation> {
    if before.0.is_empty() {
        return Vec::new();
    }
    let left = supports(world, now, &call.account);
    let lost = before.0.difference(&left).cloned();
    lost.map(|support| Violation {
        at: now,
        operation: call.operation.clone(),
        service: support.service,
        task: support.task,
        lost: support.what,
    })
    .collect()
}

fn supports(world: &mut World, now: Moment, account: &str) -> BTreeSet<Support> {
    let mut supports = BTreeSet::new();
    // Nothing is found, so that every place is looked at.
    let _: Option<()> = world.find(now, |context| {
        if context.account == account {
            let tasks = context.region.ecs.tasks.values();
            for task in tasks.filter(|task| task.is_up()) {
                let of_task = |what| Support {
                    service: task.service_name.clone(),
                    task: task.arn.clone(),
                    what,
                };
                supports.extend(supports_of(context, task).into_iter().map(of_task));
            }
        }
        None
    });
    supports
}

fn supports_of(context: &Context<'_>, task: &Task) -> Vec<String> {
    let mut supports = Vec::new();
    if ecs::reaches_internet(context, task) {
        supports.push("the way to the internet".to_owned());
    }
    let address = task.interface.private_ip.to_string();
    for used in &task.load_balancers {
        if elb::has_visitors(context, &used.target_group, &address, used.port) {
            supports.push(format!("visitors by {}", used.target_group));
        }
    }
    let Ok(definition) = context.region.ecs.task_definition(&task.task_definition) else {
        return supports;
    };
    for group in definition.log_groups(context.region_name) {
        if context.region.logs.groups.contains_key(group) {
            supports.push(format!("the log group {group}"));
        }
    }
    for arn in definition.roles() {
        let roles = context.global.iam.roles.values();
        for role in roles.filter(|role| role.arn == arn) {
            supports.push(format!("the role {arn}"));
            let inline = role.policies.keys();
            let policies = inline.chain(&role.attached_policies);
            supports.extend(policies.map(|policy| format!("the policy {policy} of {arn}")));
        }
    }
    supports
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::sandbox::{
        test_client::{TestClient, text},
        test_stage::Stage,
    };

    async fn violations(stage: &Stage) -> Vec<(String, String)> {
        let told = stage.client.control("GET", "violations", Value::Null).await;
        let violations = told.as_array().unwrap().iter();
        let member = |violation: &Value, name: &str| violation[name].as_str().unwrap().to_owned();
        violations
            .map(|violation| (member(violation, "operation"), member(violation, "lost")))
            .collect()
    }

    async fn delete_nat_gateway(stage: &Stage) {
        let gateways = stage.client.ec2("DescribeNatGateways", &[]).await.unwrap();
        let gateway = text(&gateways, "natGatewayId");
        let parameters = [("NatGatewayId", gateway.as_str())];
        let ec2 = stage.client.ec2("DeleteNatGateway", &parameters).await;
        ec2.unwrap();
    }

    async fn delete_load_balancer(stage: &Stage) {
        let parameters = [("LoadBalancerArn", stage.load_balancer.as_str())];
        stage.elb("DeleteLoadBalancer", &parameters).await;
    }

    async fn drained_stage() -> Stage {
        let stage = Stage::new(TestClient::realistic()).await;
        tokio::time::sleep(Duration::from_secs(300)).await;
        stage.ecs("CreateService", stage.service(1)).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        let service = json!({"cluster": "c", "service": "web", "force": true});
        stage.ecs("DeleteService", service).await;
        stage
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_pulled_away_under_a_draining_service_is_recorded() {
        let stage = drained_stage().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(violations(&stage).await, []);
        delete_nat_gateway(&stage).await;
        delete_load_balancer(&stage).await;
        let role = [("RoleName", "task")];
        stage
            .client
            .query("iam", "DeleteRole", &role)
            .await
            .unwrap();
        let expected = [
            ("DeleteNatGateway", "the way to the internet".to_owned()),
            (
                "DeleteLoadBalancer",
                format!("visitors by {}", stage.target_group),
            ),
            (
                "DeleteRole",
                "the role arn:aws:iam::123456789012:role/task".to_owned(),
            ),
        ]
        .map(|(operation, lost)| (operation.to_owned(), lost));
        assert_eq!(violations(&stage).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_when_the_tasks_have_drained_harms_nobody() {
        let stage = drained_stage().await;
        // 300 s of draining; then the containers are told to end, and the service is inactive.
        tokio::time::sleep(Duration::from_secs(305)).await;
        delete_load_balancer(&stage).await;
        delete_nat_gateway(&stage).await;
        assert_eq!(violations(&stage).await, []);
    }
}
