//! Do tasks without a way out start once their VPC has the endpoints that they need, and only then?

use serde_json::{Value, json};

use crate::sandbox::{
    test_client::{TestClient, text},
    test_stage::Stage,
};

const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1";

/// A stage whose private subnets have lost their route to the NAT gateway; their route table.
async fn cut_off() -> (Stage, String) {
    let stage = Stage::new(TestClient::new()).await;
    let asked = [
        ("Filter.1.Name", "association.subnet-id"),
        ("Filter.1.Value.1", stage.private_subnets[0].as_str()),
    ];
    let tables = stage.client.ec2("DescribeRouteTables", &asked).await;
    let table = text(&tables.unwrap(), "routeTableId");
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
    ];
    stage.client.ec2("DeleteRoute", &route).await.unwrap();
    (stage, table)
}

async fn interface_endpoint(stage: &Stage, service: &str) {
    let name = format!("com.amazonaws.eu-west-1.{service}");
    let asked = [
        ("VpcId", stage.vpc.as_str()),
        ("ServiceName", &name),
        ("VpcEndpointType", "Interface"),
        ("SubnetId.1", &stage.private_subnets[0]),
        ("SecurityGroupId.1", &stage.group),
    ];
    stage.client.ec2("CreateVpcEndpoint", &asked).await.unwrap();
}

async fn let_in(stage: &Stage, port: &str) {
    let asked = [
        ("GroupId", stage.group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", port),
        ("IpPermissions.1.ToPort", port),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/16"),
    ];
    let answer = stage
        .client
        .ec2("AuthorizeSecurityGroupIngress", &asked)
        .await;
    answer.unwrap();
}

/// What stopped the last task that tried; a new deployment lets the service try at once.
async fn complaint(stage: &Stage) -> Option<String> {
    let again = json!({"cluster": "c", "service": "web", "forceNewDeployment": true});
    stage.ecs("UpdateService", again).await;
    for _ in 0..5 {
        stage.look().await;
    }
    if !stage.tasks("RUNNING").await.is_empty() && stage.look().await["runningCount"] == 1 {
        return None;
    }
    let stopped = stage.tasks("STOPPED").await;
    let newest = stopped.iter().max_by(|left, right| {
        let started = |task: &Value| task["createdAt"].as_f64().unwrap();
        started(left).total_cmp(&started(right))
    });
    newest.map(|task| task["stoppedReason"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn images_from_ecr_need_two_services_and_the_way_to_their_layers() {
    let (stage, table) = cut_off().await;
    let mut definition = stage.definition(IMAGE);
    definition["containerDefinitions"][0]["logConfiguration"] = json!({
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"},
    });
    stage.ecs("RegisterTaskDefinition", definition).await;
    let group = json!({"logGroupName": "/web"});
    stage
        .client
        .json("logs", "CreateLogGroup", group)
        .await
        .unwrap();
    stage.ecs("CreateService", stage.service(1)).await;
    let expect = async |sentence: Option<&str>| {
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let complaint = complaint(&stage).await;
        match (sentence, &complaint) {
            (None, None) => {}
            (Some(sentence), Some(complaint)) if complaint.contains(sentence) => {}
            _ => panic!("{complaint:?} instead of {sentence:?}"),
        }
    };
    expect(Some("unable to retrieve ecr registry auth")).await;
    interface_endpoint(&stage, "ecr.api").await;
    // The endpoint is there, but its group lets nobody in.
    expect(Some("unable to retrieve ecr registry auth")).await;
    let_in(&stage, "443").await;
    expect(Some("failed to resolve ref")).await;
    interface_endpoint(&stage, "ecr.dkr").await;
    expect(Some("httpReadSeeker")).await;
    let gateway = [
        ("VpcId", stage.vpc.as_str()),
        ("ServiceName", "com.amazonaws.eu-west-1.s3"),
        ("RouteTableId.1", &table),
    ];
    stage
        .client
        .ec2("CreateVpcEndpoint", &gateway)
        .await
        .unwrap();
    expect(Some("failed to create Cloudwatch log stream: RequestError")).await;
    interface_endpoint(&stage, "logs").await;
    expect(None).await;
}

#[tokio::test(start_paused = true)]
async fn images_from_elsewhere_need_a_way_out() {
    let (stage, table) = cut_off().await;
    let_in(&stage, "443").await;
    for service in ["ecr.api", "ecr.dkr"] {
        interface_endpoint(&stage, service).await;
    }
    let gateway = [
        ("VpcId", stage.vpc.as_str()),
        ("ServiceName", "com.amazonaws.eu-west-1.s3"),
        ("RouteTableId.1", &table),
    ];
    stage
        .client
        .ec2("CreateVpcEndpoint", &gateway)
        .await
        .unwrap();
    stage.ecs("CreateService", stage.service(1)).await;
    let complaint = complaint(&stage).await.unwrap();
    assert!(
        complaint.starts_with("CannotPullContainerError"),
        "{complaint}"
    );
}

#[tokio::test(start_paused = true)]
async fn sessions_need_ssmmessages_or_a_way_out() {
    let stage = Stage::new(TestClient::new()).await;
    let mut service = stage.service(1);
    service["enableExecuteCommand"] = json!(true);
    stage.ecs("CreateService", service).await;
    for _ in 0..3 {
        stage.look().await;
    }
    let task = stage.tasks("RUNNING").await[0]["taskArn"].clone();
    let asked = json!({"cluster": "c", "task": task, "command": "sh", "interactive": true});
    let session = stage.ecs("ExecuteCommand", asked.clone()).await["session"].clone();
    let id = session["sessionId"].as_str().unwrap();
    assert!(id.starts_with("ecs-execute-command-"), "{session}");
    let url = session["streamUrl"].as_str().unwrap();
    assert!(
        url.contains(id) && url.contains(".invalid/"),
        "nobody's token goes to AWS: {session}"
    );
    // With private DNS the endpoint's group decides, whatever other way there is.
    interface_endpoint(&stage, "ssmmessages").await;
    let (code, _) = stage.ecs_refusal("ExecuteCommand", asked.clone()).await;
    assert_eq!(code, "TargetNotConnectedException");
    let_in(&stage, "443").await;
    stage.ecs("ExecuteCommand", asked.clone()).await;
    for (name, value) in [
        ("interactive", json!(false)),
        ("command", json!("")),
        ("container", json!("other")),
    ] {
        let mut wrong = asked.clone();
        wrong[name] = value;
        let (code, _) = stage.ecs_refusal("ExecuteCommand", wrong).await;
        assert_eq!(code, "InvalidParameterException", "{name}");
    }
}
