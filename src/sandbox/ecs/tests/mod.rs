//! Does the scheduler do what AWS's does, and does ECS refuse what AWS refuses?

mod capacity;
mod containers;
mod endpoints;
mod rollouts;
mod services;

use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{test_client::TestClient, test_stage::Stage};

async fn stage() -> Stage {
    Stage::new(TestClient::new()).await
}

/// A stage on which everything takes AWS's time, and is ready.
async fn realistic_stage() -> Stage {
    let stage = Stage::new(TestClient::realistic()).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    stage
}

fn rollouts(service: &Value) -> Vec<(&str, &str)> {
    let deployments = service["deployments"].as_array().unwrap();
    deployments
        .iter()
        .map(|deployment| {
            (
                deployment["status"].as_str().unwrap(),
                deployment["rolloutState"].as_str().unwrap(),
            )
        })
        .collect()
}
