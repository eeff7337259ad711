//! Does Cloud Map keep namespaces, services and instances as AWS does?

use serde_json::{Value, json};

use crate::sandbox::test_client::{TestClient, text};

async fn call(client: &TestClient, operation: &str, parameters: Value) -> Value {
    client
        .json("servicediscovery", operation, parameters)
        .await
        .unwrap()
}

async fn refused(client: &TestClient, operation: &str, parameters: Value) -> Value {
    client
        .json("servicediscovery", operation, parameters)
        .await
        .unwrap_err()
}

async fn vpc(client: &TestClient) -> String {
    let answer = client
        .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
        .await;
    text(&answer.unwrap(), "vpcId")
}

async fn operation(client: &TestClient, begun: &Value) -> Value {
    let asked = json!({"OperationId": begun["OperationId"]});
    call(client, "GetOperation", asked).await["Operation"].clone()
}

async fn namespace(client: &TestClient, vpc: &str) -> String {
    let wanted = json!({"Name": "ecs-navi.local", "Vpc": vpc, "CreatorRequestId": "n"});
    let begun = call(client, "CreatePrivateDnsNamespace", wanted).await;
    let done = operation(client, &begun).await;
    done["Targets"]["NAMESPACE"].as_str().unwrap().to_owned()
}

async fn service(client: &TestClient, namespace: &str) -> Value {
    let wanted = json!({"Name": "backend", "NamespaceId": namespace, "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}, "HealthCheckCustomConfig": {"FailureThreshold": 1}});
    call(client, "CreateService", wanted).await["Service"].clone()
}

async fn records(client: &TestClient) -> String {
    let zones = client
        .rest_xml("route53", "GET", "/2013-04-01/hostedzone", "")
        .await
        .unwrap();
    let path = format!("/2013-04-01{}/rrset", text(&zones, "Id"));
    client.rest_xml("route53", "GET", &path, "").await.unwrap()
}

#[tokio::test]
async fn a_request_made_again_is_the_same_operation() {
    let client = TestClient::new();
    let vpc = vpc(&client).await;
    let wanted = json!({"Name": "ecs-navi.local", "Vpc": vpc, "CreatorRequestId": "n"});
    let first = call(&client, "CreatePrivateDnsNamespace", wanted.clone()).await;
    let again = call(&client, "CreatePrivateDnsNamespace", wanted).await;
    assert_eq!(first, again);
    let other = json!({"Name": "ecs-navi.local", "Vpc": vpc, "CreatorRequestId": "other"});
    let other = call(&client, "CreatePrivateDnsNamespace", other).await;
    let failed = operation(&client, &other).await;
    assert_eq!(
        (&failed["Status"], &failed["ErrorCode"]),
        (&json!("FAIL"), &json!("CANNOT_CREATE_HOSTED_ZONE"))
    );
    assert!(
        failed["ErrorMessage"]
            .as_str()
            .unwrap()
            .contains("ConflictingDomainExists")
    );
    let listed = call(&client, "ListNamespaces", json!({})).await;
    assert_eq!(listed["Namespaces"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn instances_are_records_in_the_private_zone() {
    let client = TestClient::new();
    let namespace = namespace(&client, &vpc(&client).await).await;
    let service = service(&client, &namespace).await["Id"].clone();
    for (id, address) in [("one", "10.0.10.10"), ("two", "10.0.11.82")] {
        let instance = json!({"ServiceId": service, "InstanceId": id, "Attributes": {"AWS_INSTANCE_IPV4": address}});
        call(&client, "RegisterInstance", instance).await;
    }
    let found = records(&client).await;
    assert_eq!(
        found
            .matches("<Name>backend.ecs-navi.local.</Name>")
            .count(),
        2
    );
    assert!(found.contains("<Value>10.0.11.82</Value>"));
    let sick = json!({"ServiceId": service, "InstanceId": "two", "Status": "UNHEALTHY"});
    call(&client, "UpdateInstanceCustomHealthStatus", sick).await;
    assert!(!records(&client).await.contains("10.0.11.82"));
    let discovered = json!({"NamespaceName": "ecs-navi.local", "ServiceName": "backend"});
    let discovered = call(&client, "DiscoverInstances", discovered).await;
    assert_eq!(discovered["Instances"].as_array().unwrap().len(), 1);
    let status = call(
        &client,
        "GetInstancesHealthStatus",
        json!({"ServiceId": service}),
    )
    .await;
    assert_eq!(
        status["Status"],
        json!({"one": "HEALTHY", "two": "UNHEALTHY"})
    );
}

#[tokio::test]
async fn what_is_used_is_not_deleted() {
    let client = TestClient::new();
    let namespace = namespace(&client, &vpc(&client).await).await;
    let service = service(&client, &namespace).await["Id"].clone();
    let instance = json!({"ServiceId": service, "InstanceId": "one", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.9"}});
    call(&client, "RegisterInstance", instance.clone()).await;
    let by_id = json!({"Id": service});
    assert_eq!(
        refused(&client, "DeleteService", by_id.clone()).await["__type"],
        "ResourceInUse"
    );
    call(&client, "DeregisterInstance", instance).await;
    let whole = json!({"Id": namespace});
    assert_eq!(
        refused(&client, "DeleteNamespace", whole.clone()).await["__type"],
        "ResourceInUse"
    );
    let zone = records(&client).await;
    assert!(zone.contains("<Name>ecs-navi.local.</Name>"));
    call(&client, "DeleteService", by_id).await;
    let begun = call(&client, "DeleteNamespace", whole.clone()).await;
    assert_eq!(operation(&client, &begun).await["Status"], "SUCCESS");
    assert_eq!(
        refused(&client, "GetNamespace", whole).await["__type"],
        "NamespaceNotFound"
    );
    let zones = client
        .rest_xml("route53", "GET", "/2013-04-01/hostedzone", "")
        .await
        .unwrap();
    assert!(!zones.contains("ecs-navi.local"));
}

#[tokio::test]
async fn a_taken_name_is_told_with_its_service() {
    let client = TestClient::new();
    let namespace = namespace(&client, &vpc(&client).await).await;
    let made = service(&client, &namespace).await;
    let again = json!({"Name": "backend", "NamespaceId": namespace});
    let refusal = refused(&client, "CreateService", again).await;
    assert_eq!(
        (&refusal["__type"], &refusal["ServiceId"]),
        (&json!("ServiceAlreadyExists"), &made["Id"])
    );
}

#[tokio::test]
async fn the_zone_of_a_namespace_is_left_to_cloud_map() {
    let client = TestClient::new();
    namespace(&client, &vpc(&client).await).await;
    let zones = client
        .rest_xml("route53", "GET", "/2013-04-01/hostedzone", "")
        .await
        .unwrap();
    let path = format!("/2013-04-01{}", text(&zones, "Id"));
    let refusal = client
        .rest_xml("route53", "DELETE", &path, "")
        .await
        .unwrap_err();
    assert_eq!(text(&refusal, "Code"), "AccessDenied");
}
