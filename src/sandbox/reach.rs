//! What do the running tasks reach just now? Their subnets' routes, gateways and endpoints may change beneath them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{clock::Moment, world::World};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// AWS's services, called as in the names of their endpoints: `ecr.api`, `logs`.
    #[serde(default)]
    services: Vec<String>,
}

/// One line for each task that runs and is to go on running.
pub fn answer(world: &mut World, now: Moment, reach: &Reach) -> Value {
    let mut lines = Vec::new();
    // Nothing is found, so that every place is looked at.
    let _: Option<()> = world.find(now, |context| {
        let ec2 = &context.region.ec2;
        let tasks = context.region.ecs.tasks.values();
        for task in tasks.filter(|task| task.is_wanted && task.is_up()) {
            let Some(interface) = ec2.network_interfaces.get(&task.interface.id) else {
                continue;
            };
            let unreached: Vec<&String> = reach
                .services
                .iter()
                .filter(|service| !ec2.reaches_service(interface, service))
                .collect();
            lines.push(json!({
                "task": task.arn,
                "service": task.service_name,
                "subnet": interface.subnet_id,
                "internet": ec2.reaches_internet(interface),
                "unreached": unreached,
            }));
        }
        None
    });
    Value::Array(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{
        test_client::{TestClient, text},
        test_stage::Stage,
    };

    #[tokio::test(start_paused = true)]
    async fn a_task_loses_its_way_with_its_route() {
        let stage = Stage::new(TestClient::new()).await;
        stage.ecs("CreateService", stage.service(1)).await;
        let asked = json!({"services": ["logs"]});
        let reached = stage.client.control("POST", "reach", asked.clone()).await;
        assert_eq!(reached[0]["internet"], true, "{reached}");
        assert_eq!(reached[0]["unreached"], json!([]));
        let gateways = stage.client.ec2("DescribeNatGateways", &[]).await.unwrap();
        let gateway = text(&gateways, "natGatewayId");
        let parameters = [("NatGatewayId", gateway.as_str())];
        stage
            .client
            .ec2("DeleteNatGateway", &parameters)
            .await
            .unwrap();
        let reached = stage.client.control("POST", "reach", asked).await;
        assert_eq!(reached[0]["internet"], false, "{reached}");
        assert_eq!(reached[0]["unreached"], json!(["logs"]));
    }
}
