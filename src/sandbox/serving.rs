//! Since when does each service serve? As many of its tasks as it wants have healthy targets and are found in Cloud Map.

use serde_json::{Value, json};

use super::{
    clock::Moment,
    cloud_map,
    ecs::{Service, Task},
    elb,
    world::{Context, World},
};

/// One line for each active service; `served_at` in seconds since 1970, null while it doesn't serve.
pub fn answer(world: &mut World, now: Moment) -> Value {
    let mut lines = Vec::new();
    // Nothing is found, so that every place is looked at.
    let _: Option<()> = world.find(now, |context| {
        let services = context.region.ecs.services.values();
        for service in services.filter(|service| service.is_active()) {
            lines.push(json!({
                "service": service.name,
                "cluster": service.cluster,
                "served_at": served_since(context, service).map(Moment::seconds),
            }));
        }
        None
    });
    Value::Array(lines)
}

/// Since when so many tasks serve as are wanted, of the deployment that is wanted.
fn served_since(context: &Context<'_>, service: &Service) -> Option<Moment> {
    let deployment = service.deployments.first()?;
    let wanted = usize::try_from(service.desired_count).ok()?;
    let tasks = context.region.ecs.tasks_of(&service.arn);
    let mut since: Vec<Moment> = tasks
        .filter(|task| task.deployment == deployment.id)
        .filter_map(|task| task_serves_since(context, task))
        .collect();
    since.sort();
    match wanted {
        0 => Some(deployment.updated),
        _ => since.get(wanted - 1).copied(),
    }
}

fn task_serves_since(context: &Context<'_>, task: &Task) -> Option<Moment> {
    if !task.is_wanted || !task.is_up() {
        return None;
    }
    let address = task.interface.private_ip.to_string();
    let mut since = task.started?;
    for used in &task.load_balancers {
        let healthy = elb::healthy_since(context, &used.target_group, &address, used.port)?;
        since = since.max(healthy);
    }
    for registry in &task.registries {
        since = since.max(cloud_map::found_since(
            context,
            &registry.service_id,
            &task.id,
        )?);
    }
    Some(since)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sandbox::{test_client::TestClient, test_stage::Stage};

    #[tokio::test(start_paused = true)]
    async fn a_service_serves_when_its_last_task_is_healthy_and_found() {
        let stage = Stage::new(TestClient::realistic()).await;
        tokio::time::sleep(Duration::from_secs(300)).await;
        let began = stage.client.sandbox().clock().now().seconds();
        stage.ecs("CreateService", stage.service(2)).await;
        let serving = async || stage.client.control("GET", "serving", Value::Null).await;
        assert_eq!(serving().await[0]["served_at"], Value::Null);
        tokio::time::sleep(Duration::from_secs(200)).await;
        let served = serving().await;
        assert_eq!(served[0]["service"], "web");
        // 40 s until its tasks run, 10 s until their first health check is passed; they are registered sooner.
        let took = served[0]["served_at"].as_f64().unwrap() - began;
        assert!((50.0..51.0).contains(&took), "{took}");
        // Later looks don't move it.
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!(serving().await, served);
    }
}
