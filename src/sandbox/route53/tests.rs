//! Does Route 53 keep zones and records as AWS does?

use crate::sandbox::test_client::{TestClient, text};

async fn zone(client: &TestClient, name: &str, reference: &str) -> Result<String, String> {
    let body = format!(
        "<CreateHostedZoneRequest><Name>{name}</Name><CallerReference>{reference}</CallerReference></CreateHostedZoneRequest>"
    );
    client
        .rest_xml("route53", "POST", "/2013-04-01/hostedzone", &body)
        .await
}

fn address(action: &str, name: &str, value: &str) -> String {
    format!(
        "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
    )
}

async fn change(client: &TestClient, zone: &str, changes: &[String]) -> Result<String, String> {
    let body = format!(
        "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes>{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        changes.concat()
    );
    client
        .rest_xml(
            "route53",
            "POST",
            &format!("/2013-04-01{zone}/rrset/"),
            &body,
        )
        .await
}

async fn get(client: &TestClient, path: &str) -> String {
    client
        .rest_xml("route53", "GET", &format!("/2013-04-01{path}"), "")
        .await
        .unwrap()
}

#[tokio::test]
async fn names_may_repeat_and_caller_references_may_not() {
    let client = TestClient::new();
    let first = text(&zone(&client, "example.com", "one").await.unwrap(), "Id");
    let second = text(&zone(&client, "example.com", "two").await.unwrap(), "Id");
    assert_ne!(first, second);
    let path = format!("/2013-04-01{first}");
    client
        .rest_xml("route53", "DELETE", &path, "")
        .await
        .unwrap();
    let refusal = zone(&client, "example.com", "one").await.unwrap_err();
    assert_eq!(text(&refusal, "Code"), "HostedZoneAlreadyExists");
}

#[tokio::test]
async fn a_batch_happens_whole_or_not_at_all() {
    let client = TestClient::new();
    let id = text(&zone(&client, "example.com", "one").await.unwrap(), "Id");
    let answer = change(
        &client,
        &id,
        &[address("CREATE", "a.example.com", "10.0.0.1")],
    )
    .await
    .unwrap();
    assert_eq!(text(&answer, "Status"), "PENDING");
    let looked = get(&client, &text(&answer, "Id")).await;
    assert_eq!(text(&looked, "Status"), "INSYNC");
    let refusal = change(
        &client,
        &id,
        &[
            address("UPSERT", "b.example.com", "10.0.0.2"),
            address("CREATE", "a.example.com", "10.0.0.1"),
        ],
    )
    .await
    .unwrap_err();
    assert_eq!(text(&refusal, "Code"), "InvalidChangeBatch");
    assert!(
        refusal.contains("[Tried to create resource record set [name=")
            && refusal.contains("but it already exists]")
    );
    assert!(
        !get(&client, &format!("{id}/rrset"))
            .await
            .contains("b.example.com")
    );
}

#[tokio::test]
async fn a_deletion_repeats_the_values() {
    let client = TestClient::new();
    let id = text(&zone(&client, "example.com", "one").await.unwrap(), "Id");
    change(
        &client,
        &id,
        &[address("CREATE", "a.example.com", "10.0.0.1")],
    )
    .await
    .unwrap();
    let delete = |value: &str| [address("DELETE", "a.example.com", value)];
    let refusal = change(&client, &id, &delete("10.0.0.2")).await.unwrap_err();
    assert!(
        refusal.contains("the values provided do not match the current values"),
        "{refusal}"
    );
    let path = format!("/2013-04-01{id}");
    let refusal = client
        .rest_xml("route53", "DELETE", &path, "")
        .await
        .unwrap_err();
    assert_eq!(text(&refusal, "Code"), "HostedZoneNotEmpty");
    change(&client, &id, &delete("10.0.0.1")).await.unwrap();
    let refusal = change(&client, &id, &delete("10.0.0.1")).await.unwrap_err();
    assert!(refusal.contains("but it was not found"));
    client
        .rest_xml("route53", "DELETE", &path, "")
        .await
        .unwrap();
}

#[tokio::test]
async fn records_come_by_reversed_name_and_in_pages() {
    let client = TestClient::new();
    let id = text(&zone(&client, "example.com", "one").await.unwrap(), "Id");
    let changes = ["z.example.com", "b.a.example.com", "*.example.com"]
        .map(|name| address("CREATE", name, "10.0.0.1"));
    change(&client, &id, &changes).await.unwrap();
    let mut names = Vec::new();
    let mut path = format!("{id}/rrset?maxitems=2");
    loop {
        let page = get(&client, &path).await;
        names.extend(
            page.split("<Name>")
                .skip(1)
                .map(|rest| rest.split_once('<').unwrap().0.to_owned()),
        );
        if text(&page, "IsTruncated") == "false" {
            break;
        }
        path = format!(
            "{id}/rrset?maxitems=2&name={}&type={}",
            text(&page, "NextRecordName").replace('\\', "%5C"),
            text(&page, "NextRecordType")
        );
    }
    assert_eq!(
        names,
        [
            "example.com.",
            "example.com.",
            "\\052.example.com.",
            "b.a.example.com.",
            "z.example.com."
        ]
    );
}

#[tokio::test]
async fn values_and_names_are_checked() {
    let client = TestClient::new();
    let id = text(&zone(&client, "example.com", "one").await.unwrap(), "Id");
    for (name, value, part) in [
        (
            "a.example.org",
            "10.0.0.1",
            "is not permitted in zone example.com.",
        ),
        (
            "a.example.com",
            "nowhere",
            "Value is not a valid IPv4 address",
        ),
    ] {
        let refusal = change(&client, &id, &[address("UPSERT", name, value)])
            .await
            .unwrap_err();
        assert!(refusal.contains(part), "{refusal}");
    }
}
