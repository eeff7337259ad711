//! What do EC2's tests have in common? A network to test with.

mod creation;
mod deletion;
mod listing;
mod nat_gateways;
mod security_groups;
mod vpc_endpoints;

use crate::sandbox::test_client::{TestClient, text};

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
