//! Are the rules of security groups kept as AWS keeps them?

use super::{assert_refused, made, network};
use crate::sandbox::test_client::{TestClient, text};

#[tokio::test]
async fn security_group_rules_are_normalised_merged_and_unique() {
    let client = TestClient::new();
    let network = network(&client).await;
    let group = |name: &'static str| {
        let vpc = network.vpc.clone();
        let client = client.clone();
        async move {
            made(
                &client,
                "CreateSecurityGroup",
                &[
                    ("GroupName", name),
                    ("GroupDescription", "d"),
                    ("VpcId", &vpc),
                ],
                "groupId",
            )
            .await
        }
    };
    let (alb, service) = (group("alb").await, group("service").await);
    let duplicate = [
        ("GroupName", "ALB"),
        ("GroupDescription", "d"),
        ("VpcId", network.vpc.as_str()),
    ];
    assert_refused(
        client.ec2("CreateSecurityGroup", &duplicate).await,
        "InvalidGroup.Duplicate",
    );

    let rule = [
        ("GroupId", service.as_str()),
        ("IpPermissions.1.IpProtocol", "6"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.Groups.1.GroupId", &alb),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.9/16"),
    ];
    let answer = client
        .ec2("AuthorizeSecurityGroupIngress", &rule)
        .await
        .unwrap();
    assert_eq!(answer.matches("<securityGroupRuleId>").count(), 2);
    assert!(answer.contains("<ipProtocol>tcp</ipProtocol>") && answer.contains("10.0.0.0/16"));
    assert_refused(
        client.ec2("AuthorizeSecurityGroupIngress", &rule).await,
        "InvalidPermission.Duplicate",
    );
    let described = client
        .ec2("DescribeSecurityGroups", &[("GroupId.1", &service)])
        .await
        .unwrap();
    assert_eq!(described.matches("<fromPort>").count(), 1, "{described}");
    let by_peer = [
        ("Filter.1.Name", "ip-permission.group-id"),
        ("Filter.1.Value.1", alb.as_str()),
    ];
    assert_eq!(
        text(
            &client
                .ec2("DescribeSecurityGroups", &by_peer)
                .await
                .unwrap(),
            "groupId"
        ),
        service
    );

    assert_refused(
        client
            .ec2("DeleteSecurityGroup", &[("GroupId", &alb)])
            .await,
        "DependencyViolation",
    );
    client
        .ec2("RevokeSecurityGroupIngress", &rule)
        .await
        .unwrap();
    assert_refused(
        client.ec2("RevokeSecurityGroupIngress", &rule).await,
        "InvalidPermission.NotFound",
    );
    client
        .ec2("DeleteSecurityGroup", &[("GroupId", &alb)])
        .await
        .unwrap();
    assert_refused(
        client
            .ec2("DeleteSecurityGroup", &[("GroupId", &alb)])
            .await,
        "InvalidGroup.NotFound",
    );
}

#[tokio::test]
async fn the_default_egress_rule_is_there_once() {
    let client = TestClient::new();
    let vpc = network(&client).await.vpc;
    let group = made(
        &client,
        "CreateSecurityGroup",
        &[
            ("GroupName", "g"),
            ("GroupDescription", "d"),
            ("VpcId", &vpc),
        ],
        "groupId",
    )
    .await;
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "all"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    assert_refused(
        client.ec2("AuthorizeSecurityGroupEgress", &rule).await,
        "InvalidPermission.Duplicate",
    );
    let rules = client
        .ec2(
            "DescribeSecurityGroupRules",
            &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", &group)],
        )
        .await
        .unwrap();
    assert_eq!(rules.matches("<item>").count(), 1);
    assert!(
        rules.contains("<isEgress>true</isEgress>") && rules.contains("<fromPort>-1</fromPort>")
    );
}
