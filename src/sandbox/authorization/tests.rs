//! Do policies allow what they say and nothing else, as IAM would read them?

use serde_json::{Value, json};

use crate::sandbox::test_client::{TestClient, text};

const KEY: &str = "111122223333";

/// A caller with these statements, and one who may do everything, in one account.
async fn stage(statements: Value) -> TestClient {
    let client = TestClient::new().as_account(KEY);
    let documents = json!([{"Version": "2012-10-17", "Statement": statements}]);
    grant(&client, documents).await;
    client
}

async fn grant(client: &TestClient, documents: Value) {
    let grant = json!({"access_key": KEY, "documents": documents});
    client.control("POST", "policies", grant).await;
}

fn allow(actions: Value, resources: &str, condition: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    statement
}

const TAGGED: [(&str, &str); 4] = [
    ("CidrBlock", "10.0.0.0/16"),
    ("TagSpecification.1.ResourceType", "vpc"),
    ("TagSpecification.1.Tag.1.Key", "team"),
    ("TagSpecification.1.Tag.1.Value", "blue"),
];

#[tokio::test]
async fn a_call_beyond_the_policy_is_refused_in_iams_words() {
    let client = stage(json!([allow(json!("ec2:Describe*"), "*", Value::Null)])).await;
    client.ec2("DescribeVpcs", &[]).await.unwrap();
    let refusal = client.ec2("CreateVpc", &TAGGED).await.unwrap_err();
    assert_eq!(text(&refusal, "Code"), "UnauthorizedOperation");
    let message = text(&refusal, "Message");
    for part in [
        "You are not authorized to perform this operation.",
        "is not authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:eu-west-1:111122223333:vpc/*",
        "because no identity-based policy allows the ec2:CreateVpc action",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let refusal = client.query("iam", "ListRoles", &[]).await.unwrap_err();
    assert_eq!(text(&refusal, "Code"), "AccessDenied");
    // Who one is needs no permission, and everybody else may do everything.
    client.sts("GetCallerIdentity", &[]).await.unwrap();
    let other = client.as_account("999988887777");
    other.ec2("CreateVpc", &TAGGED).await.unwrap();
}

#[tokio::test]
async fn tags_in_a_create_take_an_action_of_their_own() {
    let create = allow(json!("ec2:CreateVpc"), "*", Value::Null);
    let client = stage(json!([create])).await;
    let refusal = client.ec2("CreateVpc", &TAGGED).await.unwrap_err();
    assert!(refusal.contains("ec2:CreateTags"), "{refusal}");
    client.ec2("CreateVpc", &TAGGED[..1]).await.unwrap();
    let on_create = |name: &str| {
        let condition = json!({"StringEquals": {"ec2:CreateAction": name}});
        allow(json!(["ec2:CreateTags", "ec2:CreateVpc"]), "*", condition)
    };
    let create = allow(json!("ec2:CreateVpc"), "*", Value::Null);
    for (name, passes) in [("CreateSubnet", false), ("CreateVpc", true)] {
        grant(&client, json!([{"Statement": [create, on_create(name)]}])).await;
        assert_eq!(client.ec2("CreateVpc", &TAGGED).await.is_ok(), passes);
    }
}

#[tokio::test]
async fn conditions_go_by_the_tags_of_request_and_resource() {
    let made = json!({"StringEquals": {"aws:RequestTag/team": "blue"}});
    let own = json!({"StringEquals": {"aws:ResourceTag/team": "blue"}});
    let client = stage(json!([
        allow(json!(["ec2:CreateVpc", "ec2:CreateTags"]), "*", made),
        allow(json!("ec2:DeleteVpc"), "arn:aws:ec2:*:*:vpc/*", own),
    ]))
    .await;
    let vpc = client.ec2("CreateVpc", &TAGGED).await.unwrap();
    client.ec2("CreateVpc", &TAGGED[..1]).await.unwrap_err();
    grantless(&client).await;
    let stranger = text(
        &client.ec2("CreateVpc", &TAGGED[..1]).await.unwrap(),
        "vpcId",
    );
    let own = json!({"StringEquals": {"aws:ResourceTag/team": "blue"}});
    grant(
        &client,
        json!([{"Statement": allow(json!("ec2:DeleteVpc"), "arn:aws:ec2:*:*:vpc/*", own)}]),
    )
    .await;
    let refusal = client.ec2("DeleteVpc", &[("VpcId", &stranger)]).await;
    assert!(refusal.unwrap_err().contains(&format!("vpc/{stranger}")));
    let vpc = text(&vpc, "vpcId");
    client.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    // What is not there is the service's to say.
    let gone = client
        .ec2("DeleteVpc", &[("VpcId", &vpc)])
        .await
        .unwrap_err();
    assert!(!gone.contains("UnauthorizedOperation"), "{gone}");
}

/// The key may do everything again.
async fn grantless(client: &TestClient) {
    client.control("DELETE", "policies", Value::Null).await;
}

#[tokio::test]
async fn a_deny_goes_before_every_allow() {
    let deny = json!({"Effect": "Deny", "Action": "ec2:DescribeVpcs", "Resource": "*"});
    let client = stage(json!([allow(json!("*"), "*", Value::Null), deny])).await;
    client.ec2("DescribeSubnets", &[]).await.unwrap();
    client.ec2("DescribeVpcs", &[]).await.unwrap_err();
}

#[tokio::test]
async fn what_is_not_understood_is_not_taken() {
    let client = TestClient::new();
    for (statement, word) in [
        (
            json!({"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"}),
            "NotAction",
        ),
        (
            allow(
                json!("*"),
                "*",
                json!({"DateGreaterThan": {"aws:CurrentTime": "2020"}}),
            ),
            "DateGreaterThan",
        ),
    ] {
        let grant = json!({"access_key": KEY, "documents": [{"Statement": statement}]});
        let message = client.control_refusal("policies", grant).await;
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn what_was_used_is_told() {
    let client = stage(json!([allow(json!("ec2:*"), "*", Value::Null)])).await;
    client.ec2("DescribeVpcs", &[]).await.unwrap();
    client.ec2("CreateVpc", &TAGGED).await.unwrap();
    let told = client.control("GET", "policies", Value::Null).await;
    let used = json!(["ec2:CreateTags", "ec2:CreateVpc", "ec2:DescribeVpcs"]);
    assert_eq!(told[KEY]["used"], used);
}
