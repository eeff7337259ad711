//! Are services, tasks and task definitions as on AWS, and refused as there?

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{realistic_stage, rollouts, stage};
use crate::sandbox::{
    test_client::text,
    test_stage::{IMAGE, address},
};

#[tokio::test(start_paused = true)]
async fn tasks_run_in_both_zones_and_are_known_everywhere() {
    let stage = stage().await;
    let created = stage.ecs("CreateService", stage.service(3)).await["service"].clone();
    assert_eq!(
        (&created["runningCount"], rollouts(&created)),
        (&json!(0), vec![("PRIMARY", "IN_PROGRESS")])
    );
    let service = stage.look().await;
    assert_eq!(
        (&service["runningCount"], rollouts(&service)),
        (&json!(3), vec![("PRIMARY", "COMPLETED")])
    );
    let tasks = stage.tasks("RUNNING").await;
    let addresses: BTreeSet<&str> = tasks.iter().map(address).collect();
    let zones: BTreeSet<&str> = tasks
        .iter()
        .map(|task| task["availabilityZone"].as_str().unwrap())
        .collect();
    assert_eq!((addresses.len(), zones.len()), (3, 2));
    assert!(
        addresses
            .iter()
            .all(|address| address.starts_with("10.0.1"))
    );
    assert_eq!(stage.target_states().await, ["healthy"; 3]);
    assert_eq!(stage.records().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_of_the_same_name_is_the_same_or_refused() {
    let stage = stage().await;
    let first = stage.ecs("CreateService", stage.service(1)).await;
    let mut again = stage.service(1);
    again["clientToken"] = json!("another");
    let again = stage.ecs("CreateService", again).await;
    assert_eq!(
        first["service"]["serviceArn"],
        again["service"]["serviceArn"]
    );
    let (code, message) = stage.ecs_refusal("CreateService", stage.service(2)).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidParameterException",
            "Creation of service was not idempotent."
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_service_needs_is_asked_for() {
    let stage = stage().await;
    let changed = |pointer: &str, value: Value| {
        let mut service = stage.service(1);
        *service.pointer_mut(pointer).unwrap() = value;
        service
    };
    let unused = stage
        .elb(
            "CreateTargetGroup",
            &stage.target_group_parameters("unused"),
        )
        .await;
    let unused = text(&unused, "TargetGroupArn");
    for (service, code, part) in [
        (
            changed("/cluster", json!("none")),
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        (
            changed("/taskDefinition", json!("none")),
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            changed("/loadBalancers/0/targetGroupArn", json!(unused)),
            "InvalidParameterException",
            "does not have an associated load balancer",
        ),
        (
            changed("/loadBalancers/0/containerName", json!("none")),
            "InvalidParameterException",
            "does not exist in the task definition",
        ),
        (
            changed(
                "/networkConfiguration/awsvpcConfiguration/subnets/0",
                json!("subnet-0"),
            ),
            "InvalidParameterException",
            "InvalidSubnetID.NotFound",
        ),
        (
            changed("/serviceRegistries/0/registryArn", json!("srv-0")),
            "InvalidParameterException",
            "does not exist",
        ),
    ] {
        let (refused, message) = stage.ecs_refusal("CreateService", service).await;
        assert_eq!(refused, code);
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_is_replaced() {
    let stage = stage().await;
    stage.ecs("CreateService", stage.service(1)).await;
    let before = stage.tasks("RUNNING").await[0]["taskArn"].clone();
    let stop = json!({"cluster": "c", "task": before, "reason": "try"});
    let stopping = stage.ecs("StopTask", stop).await;
    assert_eq!(stopping["task"]["desiredStatus"], "STOPPED");
    let after = stage.tasks("RUNNING").await;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0]["taskArn"], before);
    let stopped = &stage.tasks("STOPPED").await[0];
    assert_eq!(
        (
            &stopped["lastStatus"],
            &stopped["stoppedReason"],
            &stopped["stopCode"]
        ),
        (&json!("STOPPED"), &json!("try"), &json!("UserInitiated"))
    );
    assert_eq!(stage.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_draining_service_lasts_as_long_as_its_targets_and_blocks_its_name() {
    let stage = realistic_stage().await;
    stage.ecs("CreateService", stage.service(1)).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let (_, message) = stage
        .ecs_refusal("DeleteService", json!({"cluster": "c", "service": "web"}))
        .await;
    assert_eq!(
        message,
        "The service cannot be stopped while it is scaled above 0."
    );
    stage
        .ecs(
            "DeleteService",
            json!({"cluster": "c", "service": "web", "force": true}),
        )
        .await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(stage.look().await["status"], "DRAINING");
    assert_eq!(stage.target_states().await, ["draining"]);
    let (_, message) = stage.ecs_refusal("CreateService", stage.service(1)).await;
    assert_eq!(message, "Unable to Start a service that is still Draining.");
    tokio::time::sleep(Duration::from_secs(101)).await;
    assert_eq!(stage.look().await["status"], "INACTIVE");
    let (code, _) = stage
        .ecs_refusal("DeleteCluster", json!({"cluster": "c"}))
        .await;
    assert_eq!(code, "ClusterContainsTasksException");
    tokio::time::sleep(Duration::from_secs(60)).await;
    stage.ecs("DeleteCluster", json!({"cluster": "c"})).await;
    assert_eq!(stage.records().await, 0);
}

#[tokio::test(start_paused = true)]
async fn definitions_are_filled_in_numbered_and_outlived_by_their_count() {
    let stage = stage().await;
    let described = stage
        .ecs("DescribeTaskDefinition", json!({"taskDefinition": "web"}))
        .await;
    let definition = &described["taskDefinition"];
    let container = &definition["containerDefinitions"][0];
    assert_eq!(
        container["portMappings"],
        json!([{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}])
    );
    assert_eq!(
        (
            &container["cpu"],
            &container["essential"],
            &container["environment"]
        ),
        (&json!(0), &json!(true), &json!([]))
    );
    let first = definition["taskDefinitionArn"].clone();
    let active = stage
        .ecs("DeleteTaskDefinitions", json!({"taskDefinitions": [first]}))
        .await;
    assert!(
        active["failures"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("still in ACTIVE status")
    );
    stage
        .ecs("DeregisterTaskDefinition", json!({"taskDefinition": first}))
        .await;
    let deleted = stage
        .ecs("DeleteTaskDefinitions", json!({"taskDefinitions": [first]}))
        .await;
    assert_eq!(
        deleted["taskDefinitions"][0]["status"],
        "DELETE_IN_PROGRESS"
    );
    let (code, _) = stage
        .ecs_refusal("DescribeTaskDefinition", json!({"taskDefinition": first}))
        .await;
    assert_eq!(code, "ClientException");
    assert!(
        stage
            .register(IMAGE)
            .await
            .as_str()
            .unwrap()
            .ends_with("web:2")
    );
}

#[tokio::test(start_paused = true)]
async fn a_container_resolves_its_services_and_a_visitor_reaches_them() {
    let stage = stage().await;
    let mut service = stage.service(2);
    service["enableExecuteCommand"] = json!(true);
    stage.ecs("CreateService", service).await;
    let tasks = stage.tasks("RUNNING").await;
    let command = json!({"task": tasks[0]["taskArn"], "container": "web", "command": "nslookup web.test.local"});
    let answer = stage.client.control("POST", "exec", command).await;
    let output = answer["output"].as_str().unwrap();
    for task in &tasks {
        assert!(
            output.contains(&format!(
                "Name:\tweb.test.local\nAddress: {}\n",
                address(task)
            )),
            "{output}"
        );
    }
    let zone = "<CreateHostedZoneRequest><Name>web.example</Name><CallerReference>r</CallerReference></CreateHostedZoneRequest>";
    let zone = stage
        .client
        .rest_xml("route53", "POST", "/2013-04-01/hostedzone", zone)
        .await
        .unwrap();
    let balancer = stage.elb("DescribeLoadBalancers", &[]).await;
    let of = |element| text(&balancer, element);
    let alias = format!(
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>web.example</Name><Type>A</Type><AliasTarget><HostedZoneId>{}</HostedZoneId><DNSName>{}</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        of("CanonicalHostedZoneId"),
        of("DNSName")
    );
    let path = format!("/2013-04-01{}/rrset", text(&zone, "Id"));
    stage
        .client
        .rest_xml("route53", "POST", &path, &alias)
        .await
        .unwrap();
    let visit = |host: &str, scheme: &str| json!({"host": host, "scheme": scheme});
    let reached = stage
        .client
        .control("POST", "http", visit("web.example", "http"))
        .await;
    assert_eq!(
        (&reached["status"], &reached["served_by"]["service"]),
        (&json!(200), &json!("web"))
    );
    let closed = stage
        .client
        .control("POST", "http", visit("web.example", "https"))
        .await;
    assert_eq!(closed["reached"], false);
    let direct = visit(&of("DNSName"), "http");
    let direct = stage.client.control("POST", "http", direct).await;
    assert_eq!(direct["status"], 200);
    let unknown = stage
        .client
        .control("POST", "http", visit("other.example", "http"))
        .await;
    assert_eq!(unknown["reached"], false);
}
