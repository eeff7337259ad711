//! Is a network refused in the wrong order of deletion, and gone after the right one?

use super::{assert_refused, made, nat_state, network};
use crate::sandbox::test_client::{TestClient, text};

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
