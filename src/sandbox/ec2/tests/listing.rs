//! Do tags, filters, pages and odd parameters work as on AWS?

use super::{assert_refused, made, network};
use crate::sandbox::test_client::{TestClient, text};

#[tokio::test]
async fn tags_are_kept_filtered_and_removed() {
    let client = TestClient::new();
    let tagged = [
        ("CidrBlock", "10.0.0.0/16"),
        ("TagSpecification.1.ResourceType", "vpc"),
        ("TagSpecification.1.Tag.1.Key", "navi:stack"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
    ];
    let vpc = made(&client, "CreateVpc", &tagged, "vpcId").await;
    let by_tag = |value: &'static str| {
        let client = client.clone();
        async move {
            client
                .ec2(
                    "DescribeVpcs",
                    &[
                        ("Filter.1.Name", "tag:navi:stack"),
                        ("Filter.1.Value.1", value),
                    ],
                )
                .await
                .unwrap()
        }
    };
    assert_eq!(text(&by_tag("shop").await, "vpcId"), vpc);
    assert!(!by_tag("other").await.contains("vpcId"));
    client
        .ec2(
            "CreateTags",
            &[
                ("ResourceId.1", &vpc),
                ("Tag.1.Key", "Name"),
                ("Tag.1.Value", "n"),
            ],
        )
        .await
        .unwrap();
    let listed = client
        .ec2(
            "DescribeTags",
            &[
                ("Filter.1.Name", "resource-type"),
                ("Filter.1.Value.1", "vpc"),
            ],
        )
        .await
        .unwrap();
    assert_eq!(listed.matches("<item>").count(), 2);
    client
        .ec2(
            "DeleteTags",
            &[("ResourceId.1", &vpc), ("Tag.1.Key", "navi:stack")],
        )
        .await
        .unwrap();
    assert!(!by_tag("shop").await.contains("vpcId"));
    let reserved = [
        ("ResourceId.1", vpc.as_str()),
        ("Tag.1.Key", "aws:x"),
        ("Tag.1.Value", "n"),
    ];
    assert_refused(
        client.ec2("CreateTags", &reserved).await,
        "InvalidParameterValue",
    );
    assert_refused(
        client
            .ec2(
                "CreateTags",
                &[("ResourceId.1", "vpc-0"), ("Tag.1.Key", "k")],
            )
            .await,
        "InvalidVpcID.NotFound",
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let client = TestClient::new();
    let vpc = network(&client).await.vpc;
    for third in 2..9 {
        let cidr = format!("10.0.{third}.0/24");
        client
            .ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", &cidr)])
            .await
            .unwrap();
    }
    let mut seen = 0;
    let mut token = String::new();
    for page in 0.. {
        let answer = client
            .ec2(
                "DescribeSubnets",
                &[("MaxResults", "5"), ("NextToken", &token)],
            )
            .await
            .unwrap();
        seen += answer.matches("<subnetId>").count();
        if !answer.contains("<nextToken>") {
            assert_eq!(page, 2);
            break;
        }
        token = text(&answer, "nextToken");
    }
    assert_eq!(seen, 3 + 8);
    assert_refused(
        client.ec2("DescribeSubnets", &[("MaxResults", "4")]).await,
        "InvalidParameterValue",
    );
    assert_refused(
        client.ec2("DescribeSubnets", &[("NextToken", "?")]).await,
        "InvalidParameterValue",
    );
    let both = [("MaxResults", "5"), ("SubnetId.1", "subnet-0")];
    assert_refused(
        client.ec2("DescribeSubnets", &both).await,
        "InvalidParameterCombination",
    );
}

/// Every operation meets empty and odd parameters without harm to the sandbox.
#[tokio::test]
async fn odd_input_never_breaks_an_operation() {
    let source = include_str!("../mod.rs");
    let operations: Vec<&str> = source
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix('"')?
                .split_once("\" => ")
                .map(|(name, _)| name)
        })
        .collect();
    assert!(operations.len() > 40, "{operations:?}");
    let odd: [&[(&str, &str)]; 4] = [
        &[],
        &[
            ("VpcId", ""),
            ("Filter.1.Name", ""),
            ("SubnetId.9.x", "é"),
            ("MaxResults", "x"),
        ],
        &[
            ("VpcId.1", "vpc-é"),
            ("SubnetId", "-"),
            ("ResourceId", "x"),
            ("CidrBlock", "999.0.0.0/99"),
            ("IpProtocol", ""),
        ],
        &[
            ("GroupId", "sg-0"),
            ("RouteTableId", "💥"),
            ("TagSpecification", "x"),
            ("DestinationCidrBlock", "::/0"),
            ("DryRun", "maybe"),
        ],
    ];
    let client = TestClient::new();
    for operation in operations {
        for parameters in odd {
            if let Err(refusal) = client.ec2(operation, parameters).await {
                assert!(
                    refusal.contains("<Code>") && !refusal.contains("NotImplemented"),
                    "{refusal}"
                );
            }
        }
    }
}

#[tokio::test]
async fn addresses_are_listed_without_a_reverse_name() {
    let client = TestClient::new();
    let first = made(&client, "AllocateAddress", &[], "allocationId").await;
    made(&client, "AllocateAddress", &[], "allocationId").await;
    let attribute = ("Attribute", "domain-name");
    let all = client.ec2("DescribeAddressesAttribute", &[attribute]).await;
    assert_eq!(all.unwrap().matches("<publicIp>").count(), 2);
    let one = [attribute, ("AllocationId.1", first.as_str())];
    let one = client
        .ec2("DescribeAddressesAttribute", &one)
        .await
        .unwrap();
    assert_eq!(text(&one, "allocationId"), first);
    assert!(!one.contains("ptrRecord"), "{one}");
    let unknown = [("AllocationId.1", "eipalloc-00000000000000000")];
    assert_refused(
        client.ec2("DescribeAddressesAttribute", &unknown).await,
        "InvalidAllocationID.NotFound",
    );
    assert_refused(
        client
            .ec2("DescribeAddressesAttribute", &[("Attribute", "colour")])
            .await,
        "InvalidParameterValue",
    );
}
