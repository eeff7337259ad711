//! Does EC2 behave as AWS does: tokens, filters, pages, order of creation, refusals in the wrong order of deletion?

use std::time::Duration;

use crate::sandbox::{
    Options, Pace, Sandbox,
    test_client::{TestClient, text},
};

struct Network {
    vpc: String,
    subnet: String,
    gateway: String,
    allocation: String,
}

async fn made(
    client: &TestClient,
    operation: &str,
    parameters: &[(&str, &str)],
    element: &str,
) -> String {
    text(&client.ec2(operation, parameters).await.unwrap(), element)
}

async fn network(client: &TestClient) -> Network {
    let vpc = made(
        client,
        "CreateVpc",
        &[("CidrBlock", "10.0.0.0/16")],
        "vpcId",
    )
    .await;
    let subnet = made(
        client,
        "CreateSubnet",
        &[("VpcId", &vpc), ("CidrBlock", "10.0.1.0/24")],
        "subnetId",
    )
    .await;
    let gateway = made(client, "CreateInternetGateway", &[], "internetGatewayId").await;
    let allocation = made(client, "AllocateAddress", &[], "allocationId").await;
    Network {
        vpc,
        subnet,
        gateway,
        allocation,
    }
}

impl Network {
    async fn attach(&self, client: &TestClient) {
        let parameters = [
            ("InternetGatewayId", self.gateway.as_str()),
            ("VpcId", &self.vpc),
        ];
        client
            .ec2("AttachInternetGateway", &parameters)
            .await
            .unwrap();
    }

    async fn nat_gateway(&self, client: &TestClient, token: &str) -> String {
        let parameters = [
            ("SubnetId", self.subnet.as_str()),
            ("AllocationId", &self.allocation),
            ("ClientToken", token),
        ];
        made(client, "CreateNatGateway", &parameters, "natGatewayId").await
    }

    async fn detach(&self, client: &TestClient) -> Result<String, String> {
        client
            .ec2(
                "DetachInternetGateway",
                &[("InternetGatewayId", &self.gateway), ("VpcId", &self.vpc)],
            )
            .await
    }
}

async fn nat_state(client: &TestClient, id: &str) -> String {
    made(
        client,
        "DescribeNatGateways",
        &[("NatGatewayId.1", id)],
        "state",
    )
    .await
}

#[track_caller]
fn assert_refused(answer: Result<String, String>, code: &str) {
    let refusal = answer.unwrap_err();
    assert!(
        refusal.contains(&format!("<Code>{code}</Code>")),
        "{refusal}"
    );
}

#[tokio::test]
async fn every_region_starts_with_a_default_vpc() {
    let client = TestClient::new().in_region("ap-northeast-1");
    let vpcs = client.ec2("DescribeVpcs", &[]).await.unwrap();
    assert!(
        vpcs.contains("<cidrBlock>172.31.0.0/16</cidrBlock>")
            && vpcs.contains("<isDefault>true</isDefault>")
    );
    let subnets = client
        .ec2(
            "DescribeSubnets",
            &[
                ("Filter.1.Name", "default-for-az"),
                ("Filter.1.Value.1", "true"),
            ],
        )
        .await
        .unwrap();
    for zone in ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"] {
        assert!(subnets.contains(zone));
    }
    let world = client
        .control("GET", "status", serde_json::Value::Null)
        .await;
    assert_eq!(world["resources"]["ec2.subnets"], 3);
    assert_eq!(world["resources"]["ec2.internet_gateways"], 1);
}

#[tokio::test]
async fn a_nat_gateway_is_pending_first_and_available_at_the_next_look() {
    let client = TestClient::new();
    let network = network(&client).await;
    network.attach(&client).await;
    let parameters = [
        ("SubnetId", network.subnet.as_str()),
        ("AllocationId", &network.allocation),
    ];
    let answer = client.ec2("CreateNatGateway", &parameters).await.unwrap();
    assert_eq!(text(&answer, "state"), "pending");
    assert_eq!(
        nat_state(&client, &text(&answer, "natGatewayId")).await,
        "available"
    );
}

#[tokio::test(start_paused = true)]
async fn at_a_realistic_pace_a_nat_gateway_takes_its_time() {
    let client = TestClient::of(Sandbox::new(Options {
        pace: Pace::REALISTIC,
        seed: 1,
    }));
    let network = network(&client).await;
    network.attach(&client).await;
    let id = network.nat_gateway(&client, "t").await;
    tokio::time::advance(Duration::from_secs(99)).await;
    assert_eq!(nat_state(&client, &id).await, "pending");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(nat_state(&client, &id).await, "available");
    client
        .ec2("DeleteNatGateway", &[("NatGatewayId", &id)])
        .await
        .unwrap();
    tokio::time::advance(Duration::from_secs(64)).await;
    assert_eq!(nat_state(&client, &id).await, "deleting");
    assert_refused(
        client
            .ec2("ReleaseAddress", &[("AllocationId", &network.allocation)])
            .await,
        "InvalidIPAddress.InUse",
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(nat_state(&client, &id).await, "deleted");
    client
        .ec2("ReleaseAddress", &[("AllocationId", &network.allocation)])
        .await
        .unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_refused(
        client
            .ec2("DescribeNatGateways", &[("NatGatewayId.1", &id)])
            .await,
        "NatGatewayNotFound",
    );
}

#[tokio::test]
async fn a_nat_gateway_without_internet_gateway_fails_late() {
    let client = TestClient::new();
    let network = network(&client).await;
    let id = network.nat_gateway(&client, "t").await;
    let described = client
        .ec2("DescribeNatGateways", &[("NatGatewayId.1", &id)])
        .await
        .unwrap();
    assert_eq!(text(&described, "state"), "failed");
    assert_eq!(text(&described, "failureCode"), "Gateway.NotAttached");
    client
        .ec2("ReleaseAddress", &[("AllocationId", &network.allocation)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_used_address_fails_a_second_nat_gateway() {
    let client = TestClient::new();
    let network = network(&client).await;
    network.attach(&client).await;
    network.nat_gateway(&client, "one").await;
    let second = network.nat_gateway(&client, "two").await;
    let described = client
        .ec2("DescribeNatGateways", &[("NatGatewayId.1", &second)])
        .await
        .unwrap();
    assert_eq!(
        text(&described, "failureCode"),
        "Resource.AlreadyAssociated"
    );
}

#[tokio::test]
async fn client_tokens_return_the_old_object_and_refuse_another() {
    let client = TestClient::new();
    let network = network(&client).await;
    network.attach(&client).await;
    let id = network.nat_gateway(&client, "token").await;
    assert_eq!(network.nat_gateway(&client, "token").await, id);
    client
        .ec2("DeleteNatGateway", &[("NatGatewayId", &id)])
        .await
        .unwrap();
    assert_eq!(network.nat_gateway(&client, "token").await, id);
    let other = [
        ("SubnetId", network.subnet.as_str()),
        ("ConnectivityType", "private"),
        ("ClientToken", "token"),
    ];
    assert_refused(
        client.ec2("CreateNatGateway", &other).await,
        "IdempotentParameterMismatch",
    );
    let table = [("VpcId", network.vpc.as_str()), ("ClientToken", "token")];
    assert_eq!(
        made(&client, "CreateRouteTable", &table, "routeTableId").await,
        made(&client, "CreateRouteTable", &table, "routeTableId").await
    );
}

#[tokio::test]
async fn a_network_comes_down_in_one_order_only() {
    let client = TestClient::new();
    let network = network(&client).await;
    network.attach(&client).await;
    let nat = network.nat_gateway(&client, "t").await;
    let (vpc, subnet) = (network.vpc.as_str(), network.subnet.as_str());
    let table = made(
        &client,
        "CreateRouteTable",
        &[("VpcId", vpc)],
        "routeTableId",
    )
    .await;
    let association = made(
        &client,
        "AssociateRouteTable",
        &[("RouteTableId", &table), ("SubnetId", subnet)],
        "associationId",
    )
    .await;
    let interfaces = client
        .ec2(
            "DescribeNetworkInterfaces",
            &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)],
        )
        .await
        .unwrap();
    assert_eq!(
        text(&interfaces, "description"),
        format!("Interface for NAT Gateway {nat}")
    );

    assert_refused(
        client.ec2("DeleteVpc", &[("VpcId", vpc)]).await,
        "DependencyViolation",
    );
    assert_refused(
        client.ec2("DeleteSubnet", &[("SubnetId", subnet)]).await,
        "DependencyViolation",
    );
    assert_refused(
        client
            .ec2("DeleteRouteTable", &[("RouteTableId", &table)])
            .await,
        "DependencyViolation",
    );
    assert_refused(
        client
            .ec2(
                "DeleteInternetGateway",
                &[("InternetGatewayId", &network.gateway)],
            )
            .await,
        "DependencyViolation",
    );
    assert_refused(
        client
            .ec2("ReleaseAddress", &[("AllocationId", &network.allocation)])
            .await,
        "InvalidIPAddress.InUse",
    );
    let refusal = network.detach(&client).await.unwrap_err();
    assert!(refusal.contains("mapped public address(es)"), "{refusal}");

    client
        .ec2("DeleteNatGateway", &[("NatGatewayId", &nat)])
        .await
        .unwrap();
    assert_eq!(nat_state(&client, &nat).await, "deleted");
    client
        .ec2("ReleaseAddress", &[("AllocationId", &network.allocation)])
        .await
        .unwrap();
    client
        .ec2("DisassociateRouteTable", &[("AssociationId", &association)])
        .await
        .unwrap();
    client
        .ec2("DeleteRouteTable", &[("RouteTableId", &table)])
        .await
        .unwrap();
    client
        .ec2("DeleteSubnet", &[("SubnetId", subnet)])
        .await
        .unwrap();
    assert_refused(
        client.ec2("DeleteVpc", &[("VpcId", vpc)]).await,
        "DependencyViolation",
    );
    network.detach(&client).await.unwrap();
    assert_refused(network.detach(&client).await, "Gateway.NotAttached");
    client
        .ec2(
            "DeleteInternetGateway",
            &[("InternetGatewayId", &network.gateway)],
        )
        .await
        .unwrap();
    client.ec2("DeleteVpc", &[("VpcId", vpc)]).await.unwrap();
    assert_refused(
        client.ec2("DeleteVpc", &[("VpcId", vpc)]).await,
        "InvalidVpcID.NotFound",
    );

    let fresh = TestClient::new();
    fresh.ec2("DescribeVpcs", &[]).await.unwrap();
    let mut left = client
        .control("GET", "status", serde_json::Value::Null)
        .await["resources"]
        .clone();
    let mut expected = fresh
        .control("GET", "status", serde_json::Value::Null)
        .await["resources"]
        .clone();
    // A deleted NAT gateway stays listed for an hour (aws-behaviour §2.6).
    assert_eq!(left["ec2.nat_gateways"].take(), 1);
    expected["ec2.nat_gateways"].take();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_route_needs_an_attached_gateway_and_outlives_its_target() {
    let client = TestClient::new();
    let network = network(&client).await;
    let table = made(
        &client,
        "CreateRouteTable",
        &[("VpcId", &network.vpc)],
        "routeTableId",
    )
    .await;
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("GatewayId", &network.gateway),
    ];
    assert_refused(
        client.ec2("CreateRoute", &route).await,
        "InvalidParameterValue",
    );
    let missing = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("NatGatewayId", "nat-0"),
    ];
    assert_refused(
        client.ec2("CreateRoute", &missing).await,
        "InvalidNatGatewayID.NotFound",
    );
    network.attach(&client).await;
    client.ec2("CreateRoute", &route).await.unwrap();
    assert_refused(
        client.ec2("CreateRoute", &route).await,
        "RouteAlreadyExists",
    );
    network.detach(&client).await.unwrap();
    let described = client
        .ec2("DescribeRouteTables", &[("RouteTableId.1", &table)])
        .await
        .unwrap();
    assert!(
        described.contains("<state>blackhole</state>"),
        "{described}"
    );
}

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

#[tokio::test]
async fn subnets_must_fit_and_not_overlap() {
    let client = TestClient::new();
    let vpc = network(&client).await.vpc;
    let create = |cidr: &'static str, zone: &'static str| {
        let (client, vpc) = (client.clone(), vpc.clone());
        async move {
            client
                .ec2(
                    "CreateSubnet",
                    &[
                        ("VpcId", &vpc),
                        ("CidrBlock", cidr),
                        ("AvailabilityZone", zone),
                    ],
                )
                .await
        }
    };
    assert_refused(
        create("10.0.1.128/25", "eu-west-1a").await,
        "InvalidSubnet.Conflict",
    );
    assert_refused(
        create("10.1.0.0/24", "eu-west-1a").await,
        "InvalidSubnet.Range",
    );
    assert_refused(
        create("10.0.2.0/24", "eu-west-1z").await,
        "InvalidParameterValue",
    );
    assert_refused(
        create("10.0.2.0", "eu-west-1a").await,
        "InvalidParameterValue",
    );
    let answer = create("10.0.2.0/24", "eu-west-1c").await.unwrap();
    assert_eq!(text(&answer, "availableIpAddressCount"), "251");
}

#[tokio::test]
async fn dns_attributes_change_one_at_a_time() {
    let client = TestClient::new();
    let vpc = network(&client).await.vpc;
    let modify = |name: &'static str, value: &'static str| {
        let (client, vpc) = (client.clone(), vpc.clone());
        async move {
            client
                .ec2("ModifyVpcAttribute", &[("VpcId", &vpc), (name, value)])
                .await
        }
    };
    modify("EnableDnsSupport.Value", "false").await.unwrap();
    assert_refused(
        modify("EnableDnsHostnames.Value", "true").await,
        "InvalidParameterCombination",
    );
    modify("EnableDnsSupport.Value", "true").await.unwrap();
    modify("EnableDnsHostnames.Value", "true").await.unwrap();
    let attribute = client
        .ec2(
            "DescribeVpcAttribute",
            &[("VpcId", &vpc), ("Attribute", "enableDnsHostnames")],
        )
        .await
        .unwrap();
    assert_eq!(text(&attribute, "value"), "true");
    let both = [
        ("VpcId", vpc.as_str()),
        ("EnableDnsSupport.Value", "true"),
        ("EnableDnsHostnames.Value", "true"),
    ];
    assert_refused(
        client.ec2("ModifyVpcAttribute", &both).await,
        "InvalidParameterCombination",
    );
}

#[tokio::test]
async fn quotas_and_dry_runs_are_kept() {
    let client = TestClient::new();
    let dry = [("CidrBlock", "10.0.0.0/16"), ("DryRun", "true")];
    assert_refused(client.ec2("CreateVpc", &dry).await, "DryRunOperation");
    for _ in 0..4 {
        client
            .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
            .await
            .unwrap();
    }
    assert_refused(
        client
            .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
            .await,
        "VpcLimitExceeded",
    );
    for _ in 0..5 {
        client.ec2("AllocateAddress", &[]).await.unwrap();
    }
    assert_refused(
        client.ec2("AllocateAddress", &[]).await,
        "AddressLimitExceeded",
    );
}

/// Every operation meets empty and odd parameters without harm to the sandbox.
#[tokio::test]
async fn odd_input_never_breaks_an_operation() {
    let source = include_str!("mod.rs");
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
