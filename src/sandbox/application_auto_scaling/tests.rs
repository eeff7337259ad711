//! Are services kept within their bounds, and is refused what AWS refuses?

use serde_json::{Value, json};

use crate::sandbox::{test_client::TestClient, test_stage::Stage};

const ID: &str = "service/c/web";

/// A stage with a service of two tasks.
async fn stage() -> Stage {
    let stage = Stage::new(TestClient::new()).await;
    stage.ecs("CreateService", stage.service(2)).await;
    for _ in 0..3 {
        stage.look().await;
    }
    stage
}

/// What each request has to say.
fn about(more: Value) -> Value {
    let mut all = json!({"ServiceNamespace": "ecs", "ResourceId": ID, "ScalableDimension": "ecs:service:DesiredCount"});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

async fn call(stage: &Stage, operation: &str, parameters: Value) -> Result<Value, Value> {
    let client = &stage.client;
    client
        .json("application-autoscaling", operation, parameters)
        .await
}

async fn done(stage: &Stage, operation: &str, parameters: Value) -> Value {
    call(stage, operation, parameters).await.unwrap()
}

async fn refusal(stage: &Stage, operation: &str, parameters: Value) -> (String, String) {
    let refusal = call(stage, operation, parameters).await.unwrap_err();
    let text = |name: &str| refusal[name].as_str().unwrap().to_owned();
    (text("__type"), text("message"))
}

fn tracking(metric: &str, value: f64) -> Value {
    json!({
        "TargetValue": value,
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
    })
}

fn policy(name: &str, configuration: Value) -> Value {
    about(json!({
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }))
}

const CPU: &str = "ECSServiceAverageCPUUtilization";

#[tokio::test(start_paused = true)]
async fn bounds_bring_the_count_within_them_and_activities_tell_of_it() {
    let stage = stage().await;
    let wanted = about(json!({"MinCapacity": 3, "MaxCapacity": 6, "Tags": {"navi:stack": "s"}}));
    let arn = done(&stage, "RegisterScalableTarget", wanted).await["ScalableTargetARN"].clone();
    assert_eq!(stage.look().await["desiredCount"], 3);
    let described = done(
        &stage,
        "DescribeScalableTargets",
        json!({"ServiceNamespace": "ecs", "ResourceIds": [ID]}),
    )
    .await;
    let target = &described["ScalableTargets"][0];
    assert_eq!(target["ScalableTargetARN"], arn);
    assert_eq!(target["MaxCapacity"], 6);
    assert!(
        target["RoleARN"]
            .as_str()
            .unwrap()
            .ends_with("/AWSServiceRoleForApplicationAutoScaling_ECSService")
    );
    // Again it changes only what it names.
    let again = done(
        &stage,
        "RegisterScalableTarget",
        about(json!({"MinCapacity": 1, "MaxCapacity": 2})),
    )
    .await;
    assert_eq!(again["ScalableTargetARN"], arn);
    assert_eq!(stage.look().await["desiredCount"], 2);
    let activities = done(
        &stage,
        "DescribeScalingActivities",
        json!({"ServiceNamespace": "ecs", "ResourceId": ID}),
    )
    .await;
    let causes: Vec<&str> = activities["ScalingActivities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|activity| activity["Cause"].as_str().unwrap())
        .collect();
    assert_eq!(
        causes,
        [
            "maximum capacity was set to 2",
            "minimum capacity was set to 3"
        ]
    );

    let tags = json!({"ResourceARN": arn});
    let listed = done(&stage, "ListTagsForResource", tags.clone()).await;
    assert_eq!(listed["Tags"], json!({"navi:stack": "s"}));
    let add = json!({"ResourceARN": arn, "Tags": {"team": "web"}});
    done(&stage, "TagResource", add).await;
    let remove = json!({"ResourceARN": arn, "TagKeys": ["navi:stack"]});
    done(&stage, "UntagResource", remove).await;
    let listed = done(&stage, "ListTagsForResource", tags).await;
    assert_eq!(listed["Tags"], json!({"team": "web"}));
    let unknown = json!({"ResourceARN": "arn:aws:application-autoscaling:eu-west-1:123456789012:scalable-target/0"});
    let (code, _) = refusal(&stage, "ListTagsForResource", unknown).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn targets_are_checked_and_take_their_policies_along() {
    let stage = stage().await;
    let register = "RegisterScalableTarget";
    for (asked, sentence) in [
        (json!({"MinCapacity": 1}), "MaxCapacity must be specified"),
        (
            json!({"MinCapacity": 2, "MaxCapacity": 1}),
            "Maximum capacity cannot be less",
        ),
        (
            json!({"MinCapacity": -1, "MaxCapacity": 1}),
            "MinCapacity cannot be less than 0",
        ),
        (
            json!({"MinCapacity": 1, "MaxCapacity": 1, "ResourceId": "service/c/other"}),
            "ECS service doesn't exist: service/c/other",
        ),
        (
            json!({"MinCapacity": 1, "MaxCapacity": 1, "ResourceId": "web"}),
            "Unsupported",
        ),
        (json!({"ServiceNamespace": "s3"}), "enum value set"),
    ] {
        let (code, message) = refusal(&stage, register, about(asked)).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains(sentence), "{message}");
    }
    let cpu = || policy("cpu", tracking(CPU, 60.0));
    let (code, message) = refusal(&stage, "PutScalingPolicy", cpu()).await;
    assert_eq!(code, "ObjectNotFoundException");
    assert!(
        message.contains("No scalable target registered for service namespace: ecs"),
        "{message}"
    );
    let (code, _) = refusal(&stage, "DeregisterScalableTarget", about(json!({}))).await;
    assert_eq!(code, "ObjectNotFoundException");

    done(
        &stage,
        register,
        about(json!({"MinCapacity": 1, "MaxCapacity": 4})),
    )
    .await;
    done(&stage, "PutScalingPolicy", cpu()).await;
    done(&stage, "DeregisterScalableTarget", about(json!({}))).await;
    for (operation, list) in [
        ("DescribeScalableTargets", "ScalableTargets"),
        ("DescribeScalingPolicies", "ScalingPolicies"),
    ] {
        let described = done(&stage, operation, json!({"ServiceNamespace": "ecs"})).await;
        assert_eq!(described[list], json!([]));
    }
}

#[tokio::test(start_paused = true)]
async fn policies_are_upserts_and_follow_a_metric_each() {
    let stage = stage().await;
    done(
        &stage,
        "RegisterScalableTarget",
        about(json!({"MinCapacity": 1, "MaxCapacity": 4})),
    )
    .await;
    let put = "PutScalingPolicy";
    let made = done(&stage, put, policy("cpu", tracking(CPU, 60.0))).await;
    assert_eq!(made["Alarms"].as_array().unwrap().len(), 2);
    let again = done(&stage, put, policy("cpu", tracking(CPU, 70.0))).await;
    assert_eq!(made["PolicyARN"], again["PolicyARN"]);
    let requests = |label: &str| {
        let mut configuration = tracking("ALBRequestCountPerTarget", 500.0);
        configuration["PredefinedMetricSpecification"]["ResourceLabel"] = json!(label);
        policy("requests", configuration)
    };
    let final_portion = |arn: &str, from: &str| arn.split_once(from).unwrap().1.to_owned();
    let load_balancer = final_portion(&stage.load_balancer, ":loadbalancer/");
    let target_group = format!(
        "targetgroup/{}",
        final_portion(&stage.target_group, ":targetgroup/")
    );
    for (asked, sentence) in [
        (
            policy("other", tracking(CPU, 50.0)),
            "Only one TargetTrackingScaling policy",
        ),
        (
            policy("other", tracking("RDSReaderAverageCPUUtilization", 50.0)),
            "Unsupported predefined metric",
        ),
        (
            policy("other", tracking("ALBRequestCountPerTarget", 50.0)),
            "ResourceLabel must be specified",
        ),
        (
            policy("other", json!({"TargetValue": 1.0})),
            "Exactly one of",
        ),
        (requests("app/web/1"), "Invalid resource label"),
        (
            requests(&format!("app/web/1/{target_group}")),
            "not attached",
        ),
    ] {
        let (code, message) = refusal(&stage, put, asked).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains(sentence), "{message}");
    }
    done(
        &stage,
        put,
        requests(&format!("{load_balancer}/{target_group}")),
    )
    .await;
    let asked = json!({"ServiceNamespace": "ecs", "ResourceId": ID, "MaxResults": 1});
    let page = done(&stage, "DescribeScalingPolicies", asked.clone()).await;
    let first = &page["ScalingPolicies"][0];
    assert_eq!(first["PolicyName"], "cpu");
    let configuration = &first["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(configuration["TargetValue"], 70.0);
    let mut next = asked;
    next["NextToken"] = page["NextToken"].clone();
    let page = done(&stage, "DescribeScalingPolicies", next).await;
    assert_eq!(page["ScalingPolicies"][0]["PolicyName"], "requests");
    assert!(page["NextToken"].is_null());

    let gone = about(json!({"PolicyName": "cpu"}));
    done(&stage, "DeleteScalingPolicy", gone.clone()).await;
    let (code, message) = refusal(&stage, "DeleteScalingPolicy", gone).await;
    assert_eq!(code, "ObjectNotFoundException");
    assert!(message.contains("policy name: cpu"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn somebody_can_play_the_alarm_within_the_bounds() {
    let stage = stage().await;
    let suspended = json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false});
    done(
        &stage,
        "RegisterScalableTarget",
        about(json!({"MinCapacity": 1, "MaxCapacity": 4, "SuspendedState": suspended})),
    )
    .await;
    done(
        &stage,
        "PutScalingPolicy",
        policy("cpu", tracking(CPU, 60.0)),
    )
    .await;
    let arn = stage.look().await["serviceArn"].clone();
    let scaled = stage
        .client
        .control("POST", "scale", json!({"service": arn, "desired": 9}))
        .await;
    assert_eq!(scaled, json!({"desired": 4}));
    for _ in 0..3 {
        stage.look().await;
    }
    let service = stage.look().await;
    assert_eq!(
        (&service["desiredCount"], &service["runningCount"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    let refused = stage
        .client
        .control_refusal("scale", json!({"service": arn, "desired": 1}))
        .await;
    assert!(refused.contains("DynamicScalingInSuspended"), "{refused}");
}
