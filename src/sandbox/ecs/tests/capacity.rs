//! Do capacity providers come to clusters and services as on AWS, and share the tasks out?

use serde_json::{Value, json};

use super::{realistic_stage, stage};
use crate::sandbox::test_stage::Stage;

async fn attach(stage: &Stage, strategy: Value) {
    let asked = json!({
        "cluster": "c",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": strategy,
    });
    stage.ecs("PutClusterCapacityProviders", asked).await;
    stage.look().await;
}

fn with_strategy(stage: &Stage, desired_count: i64, strategy: Value) -> Value {
    let mut service = stage.service(desired_count);
    service.as_object_mut().unwrap().remove("launchType");
    service["capacityProviderStrategy"] = strategy;
    service
}

async fn providers(stage: &Stage) -> Vec<Value> {
    let tasks = stage.tasks("RUNNING").await;
    let mut providers: Vec<Value> = tasks
        .iter()
        .map(|task| task["capacityProviderName"].clone())
        .collect();
    providers.sort_by_key(Value::to_string);
    providers
}

#[tokio::test(start_paused = true)]
async fn tasks_are_shared_out_by_base_and_weight() {
    let stage = stage().await;
    let mixed = json!([
        {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]);
    let service = with_strategy(&stage, 5, mixed.clone());
    let (code, message) = stage.ecs_refusal("CreateService", service.clone()).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(
        message.contains("not associated with the cluster"),
        "{message}"
    );
    attach(&stage, json!([])).await;
    let created = stage.ecs("CreateService", service).await["service"].clone();
    assert!(created["launchType"].is_null());
    assert_eq!(
        created["capacityProviderStrategy"][0],
        json!({"capacityProvider": "FARGATE", "weight": 1, "base": 1})
    );
    assert!(created["deployments"][0]["launchType"].is_null());
    stage.look().await;
    assert_eq!(
        providers(&stage).await,
        [
            "FARGATE",
            "FARGATE",
            "FARGATE_SPOT",
            "FARGATE_SPOT",
            "FARGATE_SPOT"
        ]
    );

    // Another strategy makes no deployment by itself; a forced one follows it. An empty list goes back to the launch type.
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let change = json!({"cluster": "c", "service": "web", "capacityProviderStrategy": spot});
    let answer = stage.ecs("UpdateService", change).await["service"].clone();
    assert_eq!(answer["deployments"].as_array().unwrap().len(), 1);
    let force = json!({"cluster": "c", "service": "web", "forceNewDeployment": true});
    stage.ecs("UpdateService", force).await;
    for _ in 0..5 {
        stage.look().await;
    }
    assert_eq!(providers(&stage).await, ["FARGATE_SPOT"; 5]);
    let back = json!({"cluster": "c", "service": "web", "capacityProviderStrategy": [], "forceNewDeployment": true});
    let answer = stage.ecs("UpdateService", back).await["service"].clone();
    assert_eq!(answer["launchType"], "FARGATE");
}

#[tokio::test(start_paused = true)]
async fn a_service_without_a_wish_follows_the_cluster() {
    let stage = stage().await;
    attach(
        &stage,
        json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
    )
    .await;
    let mut service = stage.service(1);
    service["capacityProviderStrategy"] = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    let (_, message) = stage.ecs_refusal("CreateService", service).await;
    assert!(
        message.contains("both a launch type and capacity provider strategy"),
        "{message}"
    );
    stage
        .ecs("CreateService", with_strategy(&stage, 1, json!([])))
        .await;
    stage.look().await;
    assert_eq!(providers(&stage).await, ["FARGATE_SPOT"]);
    let without_spot = json!({"cluster": "c", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []});
    let (code, _) = stage
        .ecs_refusal("PutClusterCapacityProviders", without_spot)
        .await;
    assert_eq!(code, "ResourceInUseException");
}

#[tokio::test(start_paused = true)]
async fn strategies_that_make_no_sense_are_refused() {
    let stage = stage().await;
    let put = |providers: Value, strategy: Value| json!({"cluster": "c", "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy});
    let both = || json!(["FARGATE", "FARGATE_SPOT"]);
    let share = |provider: &str, weight: i64, base: i64| json!({"capacityProvider": provider, "weight": weight, "base": base});
    for (asked, expected) in [
        (put(json!(["mine"]), json!([])), "ClientException"),
        (
            put(json!(["FARGATE"]), json!([share("FARGATE_SPOT", 1, 0)])),
            "InvalidParameterException",
        ),
        (
            put(
                both(),
                json!([share("FARGATE", 1, 1), share("FARGATE_SPOT", 1, 1)]),
            ),
            "InvalidParameterException",
        ),
        (
            put(
                both(),
                json!([share("FARGATE", 0, 0), share("FARGATE_SPOT", 0, 0)]),
            ),
            "InvalidParameterException",
        ),
        (
            put(both(), json!([share("FARGATE", 1001, 0)])),
            "InvalidParameterException",
        ),
        (json!({"cluster": "c"}), "InvalidParameterException"),
    ] {
        let (code, message) = stage
            .ecs_refusal("PutClusterCapacityProviders", asked)
            .await;
        assert_eq!(code, expected, "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_providers_is_busy_for_a_moment() {
    let stage = realistic_stage().await;
    let asked = json!({"clusterName": "spot", "capacityProviders": ["FARGATE_SPOT"], "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]});
    let made = stage.ecs("CreateCluster", asked).await["cluster"].clone();
    assert_eq!(
        (&made["status"], &made["attachmentsStatus"]),
        (&json!("PROVISIONING"), &json!("UPDATE_IN_PROGRESS"))
    );
    let gone = json!({"cluster": "spot"});
    let (code, _) = stage.ecs_refusal("DeleteCluster", gone.clone()).await;
    assert_eq!(code, "UpdateInProgressException");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let look = json!({"clusters": ["spot"]});
    let seen = stage.ecs("DescribeClusters", look).await["clusters"][0].clone();
    assert_eq!(
        (&seen["status"], &seen["attachmentsStatus"]),
        (&json!("ACTIVE"), &json!("UPDATE_COMPLETE"))
    );
    let known = json!({"capacityProviders": ["FARGATE_SPOT", "mine"]});
    let known = stage.ecs("DescribeCapacityProviders", known).await;
    assert_eq!(known["capacityProviders"][0]["status"], "ACTIVE");
    assert_eq!(known["failures"][0]["reason"], "MISSING");
    stage.ecs("DeleteCluster", gone).await;
}
