//! How do rollouts go, well and badly?

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{realistic_stage, rollouts, stage};
use crate::sandbox::{test_client::text, test_stage::IMAGE};

#[tokio::test(start_paused = true)]
async fn a_new_revision_replaces_tasks_without_a_gap() {
    let stage = realistic_stage().await;
    stage.ecs("CreateService", stage.service(2)).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(rollouts(&stage.look().await), [("PRIMARY", "COMPLETED")]);
    stage.register("web:2").await;
    let update = json!({"cluster": "c", "service": "web", "taskDefinition": "web"});
    stage.ecs("UpdateService", update).await;
    let mut seen = BTreeSet::new();
    for _ in 0..120 {
        let service = stage.look().await;
        assert!(service["runningCount"].as_i64().unwrap() >= 2, "{service}");
        seen.insert(format!("{:?}", rollouts(&service)));
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    // Two deployments while the old tasks drain for the group's 300 s, then one.
    assert_eq!(
        seen,
        BTreeSet::from([
            r#"[("PRIMARY", "COMPLETED")]"#.to_owned(),
            r#"[("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")]"#.to_owned(),
        ])
    );
    let images: BTreeSet<String> = stage
        .tasks("RUNNING")
        .await
        .iter()
        .map(|task| task["containers"][0]["image"].to_string())
        .collect();
    assert_eq!(images, BTreeSet::from([r#""web:2""#.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn tasks_without_a_way_out_are_tried_ever_more_slowly_until_a_new_deployment() {
    let stage = realistic_stage().await;
    let gateways = stage.client.ec2("DescribeNatGateways", &[]).await;
    let gateway = text(&gateways.unwrap(), "natGatewayId");
    let gateway = [("NatGatewayId", gateway.as_str())];
    stage
        .client
        .ec2("DeleteNatGateway", &gateway)
        .await
        .unwrap();
    stage.ecs("CreateService", stage.service(1)).await;
    // An attempt takes 40 s to fail; the gaps after it are 30, 60, 120 and 240 s.
    let mut failed = Vec::new();
    for seconds in [60, 60, 180, 600] {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stage.look().await;
        failed.push(stage.tasks("STOPPED").await.len());
    }
    assert_eq!(failed, [1, 2, 3, 5]);
    let stopped = stage.tasks("STOPPED").await;
    let reason = stopped[0]["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("CannotPullContainerError"), "{reason}");
    let events = stage.look().await["events"].to_string();
    assert!(events.contains("is unable to consistently start tasks successfully"));
    let update = json!({"cluster": "c", "service": "web", "forceNewDeployment": true});
    stage.ecs("UpdateService", update).await;
    stage.look().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    stage.look().await;
    assert_eq!(stage.tasks("STOPPED").await.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_missing_log_group_stops_the_task_and_its_creation_mends_it() {
    let stage = stage().await;
    let mut definition = stage.definition(IMAGE);
    definition["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs"}});
    stage.ecs("RegisterTaskDefinition", definition).await;
    stage.ecs("CreateService", stage.service(1)).await;
    assert_eq!(stage.look().await["runningCount"], 0);
    let stopped = &stage.tasks("STOPPED").await[0];
    assert!(
        stopped["stoppedReason"]
            .as_str()
            .unwrap()
            .starts_with("ResourceInitializationError")
    );
    stage
        .client
        .json(
            "logs",
            "CreateLogGroup",
            json!({"logGroupName": "/ecs/web"}),
        )
        .await
        .unwrap();
    assert_eq!(stage.look().await["runningCount"], 1);
    let streams = stage
        .client
        .json(
            "logs",
            "DescribeLogStreams",
            json!({"logGroupName": "/ecs/web"}),
        )
        .await
        .unwrap();
    let name = streams["logStreams"][0]["logStreamName"].as_str().unwrap();
    assert!(name.starts_with("ecs/web/"), "{name}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_rollout_is_undone_by_the_circuit_breaker() {
    let stage = stage().await;
    let mut service = stage.service(1);
    service["deploymentConfiguration"] =
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    stage.ecs("CreateService", service).await;
    let good = stage.look().await["taskDefinition"].clone();
    for outcome in ["cannot-pull", "exit-1", "unhealthy"] {
        stage
            .client
            .control(
                "POST",
                "tasks",
                json!({"image": outcome, "outcome": outcome}),
            )
            .await;
        stage.register(outcome).await;
        let update = json!({"cluster": "c", "service": "web", "taskDefinition": "web"});
        stage.ecs("UpdateService", update).await;
        let mut reasons = BTreeSet::new();
        for _ in 0..6 {
            let service = stage.look().await;
            for task in stage.tasks("STOPPED").await {
                reasons.insert(task["stopCode"].as_str().unwrap().to_owned());
            }
            assert_ne!(service["runningCount"], 0);
        }
        let service = stage.look().await;
        assert_eq!(
            (&service["taskDefinition"], rollouts(&service)),
            (&good, vec![("PRIMARY", "COMPLETED")])
        );
        let asked = json!({"cluster": "c", "service": "web", "status": ["ROLLBACK_SUCCESSFUL"]});
        let undone = stage.ecs("ListServiceDeployments", asked).await["serviceDeployments"].clone();
        assert!(!undone.as_array().unwrap().is_empty(), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_rollback_a_failed_deployment_stays_failed() {
    let stage = stage().await;
    let mut service = stage.service(1);
    service["deploymentConfiguration"] =
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    stage
        .client
        .control(
            "POST",
            "tasks",
            json!({"image": IMAGE, "outcome": "cannot-pull"}),
        )
        .await;
    stage.ecs("CreateService", service).await;
    for _ in 0..6 {
        stage.look().await;
    }
    let service = stage.look().await;
    assert_eq!(rollouts(&service), [("PRIMARY", "FAILED")]);
    assert_eq!(service["deployments"][0]["failedTasks"], 3);
    assert_eq!(stage.tasks("STOPPED").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_closed_security_group_makes_targets_time_out() {
    let stage = stage().await;
    let ingress = [
        ("GroupId", stage.group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    stage
        .client
        .ec2("RevokeSecurityGroupIngress", &ingress)
        .await
        .unwrap();
    stage.ecs("CreateService", stage.service(1)).await;
    let service = stage.look().await;
    assert_eq!(rollouts(&service), [("PRIMARY", "IN_PROGRESS")]);
    let events = service["events"].to_string();
    assert!(
        events.contains("due to (reason Request timed out)"),
        "{events}"
    );
}
