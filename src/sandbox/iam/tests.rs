//! Does IAM keep roles as AWS does?

use serde_json::json;

use crate::sandbox::test_client::{TestClient, text};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const PERMISSION: &str = r#"{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#;

async fn role(client: &TestClient, name: &str) -> Result<String, String> {
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", TRUST)];
    client.query("iam", "CreateRole", &parameters).await
}

fn code(refusal: Result<String, String>) -> String {
    text(&refusal.unwrap_err(), "Code")
}

#[tokio::test]
async fn documents_come_back_url_encoded() {
    let client = TestClient::new();
    role(&client, "task").await.unwrap();
    let parameters = [
        ("RoleName", "task"),
        ("PolicyName", "inline"),
        ("PolicyDocument", PERMISSION),
    ];
    client
        .query("iam", "PutRolePolicy", &parameters)
        .await
        .unwrap();
    let answer = client
        .query("iam", "GetRolePolicy", &parameters[..2])
        .await
        .unwrap();
    assert!(text(&answer, "PolicyDocument").starts_with("%7B%22Statement%22%3A"));
    let answer = client
        .query("iam", "GetRole", &[("RoleName", "task")])
        .await
        .unwrap();
    assert_eq!(
        percent_encoding::percent_decode_str(&text(&answer, "AssumeRolePolicyDocument"))
            .decode_utf8()
            .unwrap(),
        TRUST
    );
}

#[tokio::test]
async fn a_role_goes_after_its_policies() {
    let client = TestClient::new();
    role(&client, "task").await.unwrap();
    let policy = [
        ("RoleName", "task"),
        ("PolicyName", "inline"),
        ("PolicyDocument", PERMISSION),
    ];
    client.query("iam", "PutRolePolicy", &policy).await.unwrap();
    let delete = || client.query("iam", "DeleteRole", &policy[..1]);
    assert_eq!(code(delete().await), "DeleteConflict");
    client
        .query("iam", "DeleteRolePolicy", &policy[..2])
        .await
        .unwrap();
    delete().await.unwrap();
    assert_eq!(code(delete().await), "NoSuchEntity");
}

#[tokio::test]
async fn names_and_documents_are_checked() {
    let client = TestClient::new();
    role(&client, "task").await.unwrap();
    assert_eq!(code(role(&client, "Task").await), "EntityAlreadyExists");
    assert_eq!(code(role(&client, "a b").await), "ValidationError");
    for (document, message) in [
        ("{", "This policy contains invalid Json"),
        (PERMISSION, "Missing required field Principal"),
    ] {
        let parameters = [("RoleName", "x"), ("AssumeRolePolicyDocument", document)];
        let refusal = client
            .query("iam", "CreateRole", &parameters)
            .await
            .unwrap_err();
        assert_eq!(text(&refusal, "Code"), "MalformedPolicyDocument");
        assert_eq!(text(&refusal, "Message"), message);
    }
}

#[tokio::test]
async fn roles_belong_to_the_account_not_to_a_region() {
    let client = TestClient::new();
    role(&client, "task").await.unwrap();
    let elsewhere = client.in_region("us-east-1");
    assert!(
        elsewhere
            .query("iam", "ListRoles", &[])
            .await
            .unwrap()
            .contains("<RoleName>task</RoleName>")
    );
    let stranger = client.as_account("999988887777");
    let list = stranger.query("iam", "ListRoles", &[]).await.unwrap();
    assert!(!list.contains("RoleName"), "{list}");
    let status = client.control("GET", "status", json!(null)).await;
    assert_eq!(status["resources"]["iam.roles"], 1);
}

#[tokio::test]
async fn a_service_linked_role_is_made_once_and_is_protected() {
    let client = TestClient::new();
    let create = || {
        client.query(
            "iam",
            "CreateServiceLinkedRole",
            &[("AWSServiceName", "ecs.amazonaws.com")],
        )
    };
    create().await.unwrap();
    let refusal = create().await.unwrap_err();
    assert_eq!(text(&refusal, "Code"), "InvalidInput");
    assert!(refusal.contains("has been taken in this account"));
    assert_eq!(
        code(
            client
                .query("iam", "DeleteRole", &[("RoleName", "AWSServiceRoleForECS")])
                .await
        ),
        "UnmodifiableEntity"
    );
}
