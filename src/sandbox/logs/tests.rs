//! Does CloudWatch Logs keep groups, streams and events as AWS does?

use serde_json::{Value, json};

use crate::sandbox::test_client::TestClient;

async fn call(client: &TestClient, operation: &str, parameters: Value) -> Value {
    client.json("logs", operation, parameters).await.unwrap()
}

#[tokio::test]
async fn a_group_keeps_its_retention_and_tags() {
    let client = TestClient::new();
    let named = json!({"logGroupName": "/ecs/nginx", "tags": {"Name": "nginx"}});
    call(&client, "CreateLogGroup", named.clone()).await;
    let again = client.json("logs", "CreateLogGroup", named).await;
    assert_eq!(
        again.unwrap_err()["__type"],
        "ResourceAlreadyExistsException"
    );
    let days = |days: i64| json!({"logGroupName": "/ecs/nginx", "retentionInDays": days});
    call(&client, "PutRetentionPolicy", days(7)).await;
    let odd = client.json("logs", "PutRetentionPolicy", days(8)).await;
    assert_eq!(odd.unwrap_err()["__type"], "InvalidParameterException");
    let groups = call(
        &client,
        "DescribeLogGroups",
        json!({"logGroupNamePrefix": "/ecs"}),
    )
    .await;
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 7);
    let arn = groups["logGroups"][0]["logGroupArn"].clone();
    let tags = call(&client, "ListTagsForResource", json!({"resourceArn": arn})).await;
    assert_eq!(tags["tags"], json!({"Name": "nginx"}));
}

#[tokio::test]
async fn groups_come_in_pages() {
    let client = TestClient::new();
    for name in ["a", "b", "c"] {
        call(&client, "CreateLogGroup", json!({"logGroupName": name})).await;
    }
    let first = call(&client, "DescribeLogGroups", json!({"limit": 2})).await;
    assert_eq!(first["logGroups"].as_array().unwrap().len(), 2);
    let second = json!({"limit": 2, "nextToken": first["nextToken"]});
    let second = call(&client, "DescribeLogGroups", second).await;
    assert_eq!(second["logGroups"][0]["logGroupName"], "c");
    assert_eq!(second.get("nextToken"), None);
}

#[tokio::test]
async fn events_are_read_forward_and_the_token_says_when_to_stop() {
    let client = TestClient::new();
    call(&client, "CreateLogGroup", json!({"logGroupName": "g"})).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    call(&client, "CreateLogStream", stream.clone()).await;
    let mut put = stream.clone();
    put["logEvents"] =
        json!([{"timestamp": 2, "message": "two"}, {"timestamp": 3, "message": "three"}]);
    call(&client, "PutLogEvents", put).await;
    let mut get = stream.clone();
    get["startFromHead"] = true.into();
    get["limit"] = 1.into();
    let first = call(&client, "GetLogEvents", get.clone()).await;
    assert_eq!(first["events"][0]["message"], "two");
    get["nextToken"] = first["nextForwardToken"].clone();
    let second = call(&client, "GetLogEvents", get.clone()).await;
    assert_eq!(second["events"][0]["message"], "three");
    get["nextToken"] = second["nextForwardToken"].clone();
    let end = call(&client, "GetLogEvents", get.clone()).await;
    assert_eq!(
        (&end["events"], &end["nextForwardToken"]),
        (&json!([]), &get["nextToken"])
    );
}

#[tokio::test]
async fn a_pattern_of_terms_asks_for_all_for_none_and_for_one_of_several() {
    let client = TestClient::new();
    call(&client, "CreateLogGroup", json!({"logGroupName": "g"})).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    call(&client, "CreateLogStream", stream.clone()).await;
    let mut put = stream;
    let lines = ["ERROR at start", "WARN at start", "ERROR later", "fine"];
    let events = lines.iter().enumerate();
    put["logEvents"] = events
        .map(|(at, line)| json!({"timestamp": at, "message": line}))
        .collect();
    call(&client, "PutLogEvents", put).await;
    for (pattern, expected) in [
        ("ERROR", vec!["ERROR at start", "ERROR later"]),
        ("ERROR -later", vec!["ERROR at start"]),
        (
            "?ERROR ?WARN \"at start\"",
            vec!["ERROR at start", "WARN at start"],
        ),
        ("error", vec![]),
    ] {
        let asked = json!({"logGroupName": "g", "filterPattern": pattern});
        let found = call(&client, "FilterLogEvents", asked).await;
        let found: Vec<&str> = found["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["message"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected, "{pattern}");
    }
}
