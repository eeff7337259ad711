//! Do NAT gateways come, fail and go as on AWS?

use std::time::Duration;

use super::{assert_refused, made, nat_state, network};
use crate::sandbox::{
    ec2::Egress,
    test_client::{TestClient, text},
};

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
    let client = TestClient::realistic();
    let network = network(&client).await;
    network.attach(&client).await;
    let id = network.nat_gateway(&client, "t").await;
    tokio::time::advance(Duration::from_secs(89)).await;
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
async fn a_caller_does_not_part_a_nat_gateway_from_its_address() {
    let client = TestClient::new();
    let network = network(&client).await;
    network.attach(&client).await;
    let id = network.nat_gateway(&client, "one").await;
    let address = client.ec2("DescribeAddresses", &[]).await.unwrap();
    let association = text(&address, "associationId");
    let association = [("AssociationId", association.as_str())];
    assert_refused(
        client.ec2("DisassociateAddress", &association).await,
        "AuthFailure",
    );
    client
        .ec2("DeleteNatGateway", &[("NatGatewayId", &id)])
        .await
        .unwrap();
    assert_refused(
        client.ec2("DisassociateAddress", &association).await,
        "InvalidAssociationID.NotFound",
    );
}

#[tokio::test(start_paused = true)]
async fn a_private_subnet_has_a_way_out_once_its_nat_gateway_is_available() {
    let client = TestClient::realistic();
    let network = network(&client).await;
    network.attach(&client).await;
    let nat = network.nat_gateway(&client, "t").await;
    let vpc = network.vpc.as_str();
    let private = [("VpcId", vpc), ("CidrBlock", "10.0.10.0/24")];
    let private = made(&client, "CreateSubnet", &private, "subnetId").await;
    let table = made(
        &client,
        "CreateRouteTable",
        &[("VpcId", vpc)],
        "routeTableId",
    )
    .await;
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("NatGatewayId", &nat),
    ];
    client.ec2("CreateRoute", &route).await.unwrap();
    assert_eq!(client.egress(&private), Egress::Nothing);
    let association = [("RouteTableId", table.as_str()), ("SubnetId", &private)];
    client
        .ec2("AssociateRouteTable", &association)
        .await
        .unwrap();
    let way_out = |available| Egress::NatGateway {
        id: nat.clone(),
        available,
    };
    assert_eq!(client.egress(&private), way_out(false));
    tokio::time::advance(Duration::from_secs(100)).await;
    client.ec2("DescribeVpcs", &[]).await.unwrap();
    assert_eq!(client.egress(&private), way_out(true));
}
