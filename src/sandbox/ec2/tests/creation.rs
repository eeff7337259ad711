//! Does EC2 create as AWS does: what fits, what is refused, what a token means?

use super::{assert_refused, made, network};
use crate::sandbox::test_client::{TestClient, text};

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
