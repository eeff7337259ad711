//! Does the registry tell digests, and tell what is missing, as Amazon's does?

use serde_json::{Value, json};

use crate::sandbox::test_client::TestClient;

async fn describe(client: &TestClient, ids: Value) -> Result<Value, Value> {
    let asked = json!({"repositoryName": "web", "imageIds": ids});
    client.json("ecr", "DescribeImages", asked).await
}

async fn tell(client: &TestClient, what: Value) {
    client.control("POST", "images", what).await;
}

#[tokio::test]
async fn a_tag_means_a_digest_until_another_image_is_pushed() {
    let client = TestClient::new();
    let by_tag = describe(&client, json!([{"imageTag": "1"}])).await.unwrap();
    let detail = &by_tag["imageDetails"][0];
    assert_eq!(detail["imageTags"], json!(["1"]));
    assert_eq!(detail["registryId"], "123456789012");
    let digest = detail["imageDigest"].clone();
    let by_digest = describe(&client, json!([{"imageDigest": digest}])).await;
    assert_eq!(by_digest.unwrap()["imageDetails"][0]["imageDigest"], digest);
    let pushed = format!("sha256:{}", "0f".repeat(32));
    tell(
        &client,
        json!({"repository": "web", "tag": "1", "digest": pushed}),
    )
    .await;
    let asked = json!({"repositoryName": "web", "imageIds": [{"imageTag": "1"}]});
    let got = client.json("ecr", "BatchGetImage", asked).await.unwrap();
    assert_eq!(
        got["images"][0]["imageId"],
        json!({"imageTag": "1", "imageDigest": pushed})
    );
    assert_eq!(got["failures"], json!([]));
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let client = TestClient::new();
    tell(
        &client,
        json!({"repository": "web", "tag": "2", "missing": true}),
    )
    .await;
    let refusal = describe(&client, json!([{"imageTag": "1"}, {"imageTag": "2"}]))
        .await
        .unwrap_err();
    assert_eq!(refusal["__type"], "ImageNotFoundException");
    assert_eq!(
        refusal["message"],
        "The image with imageId {imageDigest:'null', imageTag:'2'} does not exist within the repository with name 'web' in the registry with id '123456789012'"
    );
    let asked =
        json!({"repositoryName": "web", "imageIds": [{"imageTag": "1"}, {"imageTag": "2"}]});
    let got = client.json("ecr", "BatchGetImage", asked).await.unwrap();
    assert_eq!(got["images"].as_array().unwrap().len(), 1);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    tell(&client, json!({"repository": "web", "missing": true})).await;
    let refusal = describe(&client, json!([{"imageTag": "1"}]))
        .await
        .unwrap_err();
    assert_eq!(refusal["__type"], "RepositoryNotFoundException");
    let asked = json!({"repositoryNames": ["web"]});
    let refusal = client.json("ecr", "DescribeRepositories", asked).await;
    assert_eq!(
        refusal.unwrap_err()["__type"],
        "RepositoryNotFoundException"
    );
}

#[tokio::test]
async fn images_and_repositories_come_in_pages() {
    let client = TestClient::new();
    for tag in ["1", "2"] {
        tell(&client, json!({"repository": "web", "tag": tag})).await;
    }
    let mut digests = std::collections::BTreeSet::new();
    let mut asked = json!({"repositoryName": "web", "maxResults": 2});
    loop {
        let page = client
            .json("ecr", "DescribeImages", asked.clone())
            .await
            .unwrap();
        for detail in page["imageDetails"].as_array().unwrap() {
            assert!(digests.insert(detail["imageDigest"].to_string()));
        }
        if page["nextToken"].is_null() {
            break;
        }
        asked["nextToken"] = page["nextToken"].clone();
    }
    // The two, and `latest`.
    assert_eq!(digests.len(), 3);
    let asked = json!({"repositoryName": "web", "maxResults": 2, "imageIds": [{"imageTag": "1"}]});
    let refusal = client.json("ecr", "DescribeImages", asked).await;
    assert_eq!(refusal.unwrap_err()["__type"], "InvalidParameterException");
    let all = client.json("ecr", "DescribeRepositories", json!({})).await;
    assert_eq!(
        all.unwrap()["repositories"][0]["repositoryUri"],
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"
    );
}
