//! Does ACM issue certificates when AWS would?

use serde_json::{Value, json};

use crate::sandbox::test_client::TestClient;

async fn call(client: &TestClient, operation: &str, parameters: Value) -> Value {
    client.json("acm", operation, parameters).await.unwrap()
}

async fn describe(client: &TestClient, arn: &Value) -> Value {
    let parameters = json!({"CertificateArn": arn});
    call(client, "DescribeCertificate", parameters).await["Certificate"].clone()
}

#[tokio::test]
async fn a_certificate_is_issued_once_its_records_are_in_a_public_zone() {
    let client = TestClient::new();
    let request = json!({"DomainName": "ecs-navi.site", "SubjectAlternativeNames": ["*.ecs-navi.site"], "ValidationMethod": "DNS", "IdempotencyToken": "t"});
    let answer = call(&client, "RequestCertificate", request.clone()).await;
    let arn = &answer["CertificateArn"];
    for _ in 0..2 {
        let pending = describe(&client, arn).await;
        assert_eq!(pending["Status"], "PENDING_VALIDATION");
    }
    let pending = describe(&client, arn).await;
    let options = pending["DomainValidationOptions"].as_array().unwrap();
    assert_eq!(options.len(), 2);
    assert_eq!(options[0]["ResourceRecord"], options[1]["ResourceRecord"]);
    client
        .publish_record("ecs-navi.site", &options[0]["ResourceRecord"])
        .await;
    assert_eq!(describe(&client, arn).await["Status"], "ISSUED");

    let again = call(&client, "RequestCertificate", request).await;
    assert_eq!(again["CertificateArn"], *arn);
    let only_issued = json!({"CertificateStatuses": ["ISSUED"]});
    let listed = call(&client, "ListCertificates", only_issued).await;
    assert_eq!(listed["CertificateSummaryList"][0]["CertificateArn"], *arn);
}

#[tokio::test]
async fn a_token_with_another_name_is_refused() {
    let client = TestClient::new();
    let request = |name| json!({"DomainName": name, "IdempotencyToken": "t"});
    call(&client, "RequestCertificate", request("a.example")).await;
    let refused = client
        .json("acm", "RequestCertificate", request("b.example"))
        .await;
    assert_eq!(refused.unwrap_err()["__type"], "InvalidParameterException");
}

#[tokio::test]
async fn a_deleted_certificate_is_not_found() {
    let client = TestClient::new();
    let request = json!({"DomainName": "a.example", "ValidationMethod": "DNS", "Tags": [{"Key": "k", "Value": "v"}]});
    let arn = call(&client, "RequestCertificate", request).await;
    let tags = call(&client, "ListTagsForCertificate", arn.clone()).await;
    assert_eq!(tags["Tags"], json!([{"Key": "k", "Value": "v"}]));
    call(&client, "DeleteCertificate", arn.clone()).await;
    let refused = client.json("acm", "DescribeCertificate", arn).await;
    assert_eq!(refused.unwrap_err()["__type"], "ResourceNotFoundException");
}
