//! Do VPC endpoints come, change and go as on AWS, and hold what AWS lets them hold?

use std::time::Duration;

use super::{assert_refused, made};
use crate::sandbox::test_client::{TestClient, text};

struct Place {
    client: TestClient,
    vpc: String,
    subnets: [String; 2],
    group: String,
    table: String,
}

impl Place {
    async fn new(client: TestClient) -> Self {
        let vpc = made(
            &client,
            "CreateVpc",
            &[("CidrBlock", "10.0.0.0/16")],
            "vpcId",
        )
        .await;
        let mut subnets = Vec::new();
        for (block, zone) in [("10.0.1.0/24", "eu-west-1a"), ("10.0.2.0/24", "eu-west-1b")] {
            let asked = [
                ("VpcId", vpc.as_str()),
                ("CidrBlock", block),
                ("AvailabilityZone", zone),
            ];
            subnets.push(made(&client, "CreateSubnet", &asked, "subnetId").await);
        }
        let asked = [
            ("VpcId", vpc.as_str()),
            ("GroupName", "endpoints"),
            ("GroupDescription", "endpoints"),
        ];
        let group = made(&client, "CreateSecurityGroup", &asked, "groupId").await;
        let table = made(
            &client,
            "CreateRouteTable",
            &[("VpcId", &vpc)],
            "routeTableId",
        )
        .await;
        Self {
            client,
            vpc,
            subnets: subnets.try_into().unwrap(),
            group,
            table,
        }
    }

    async fn turn_on_host_names(&self) {
        let asked = [
            ("VpcId", self.vpc.as_str()),
            ("EnableDnsHostnames.Value", "true"),
        ];
        self.client.ec2("ModifyVpcAttribute", &asked).await.unwrap();
    }

    async fn ec2(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        self.client.ec2(operation, parameters).await
    }

    async fn create(&self, parameters: &[(&str, &str)]) -> Result<String, String> {
        let mut all = vec![("VpcId", self.vpc.as_str())];
        all.extend(parameters);
        self.client.ec2("CreateVpcEndpoint", &all).await
    }

    /// An interface endpoint in the first subnet.
    async fn interface(&self, service: &str, more: &[(&str, &str)]) -> Result<String, String> {
        let name = format!("com.amazonaws.eu-west-1.{service}");
        let mut all = vec![
            ("ServiceName", name.as_str()),
            ("VpcEndpointType", "Interface"),
            ("SubnetId.1", &self.subnets[0]),
            ("SecurityGroupId.1", &self.group),
        ];
        all.extend(more);
        self.create(&all).await
    }

    async fn gateway(&self, service: &str, more: &[(&str, &str)]) -> Result<String, String> {
        let name = format!("com.amazonaws.eu-west-1.{service}");
        let mut all = vec![("ServiceName", name.as_str())];
        all.extend(more);
        self.create(&all).await
    }

    async fn describe(&self, id: &str) -> Result<String, String> {
        self.ec2("DescribeVpcEndpoints", &[("VpcEndpointId.1", id)])
            .await
    }
}

#[tokio::test(start_paused = true)]
async fn an_interface_endpoint_takes_its_time_and_holds_subnet_group_and_vpc() {
    let place = Place::new(TestClient::realistic()).await;
    place.turn_on_host_names().await;
    let tags = [
        ("TagSpecification.1.ResourceType", "vpc-endpoint"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "api"),
    ];
    let answer = place.interface("ecr.api", &tags).await.unwrap();
    assert_eq!(text(&answer, "state"), "pending");
    assert_eq!(text(&answer, "vpcEndpointType"), "Interface");
    assert_eq!(text(&answer, "privateDnsEnabled"), "true");
    assert_eq!(text(&answer, "groupName"), "endpoints");
    assert!(answer.contains("<dnsName>api.ecr.eu-west-1.amazonaws.com</dnsName>"));
    assert!(answer.contains("-eu-west-1a.api.ecr.eu-west-1.vpce.amazonaws.com</dnsName>"));
    let id = text(&answer, "vpcEndpointId");
    tokio::time::advance(Duration::from_secs(60)).await;
    let described = place.describe(&id).await.unwrap();
    assert_eq!(text(&described, "state"), "available");
    assert_eq!(text(&described, "value"), "api");
    let interfaces = place
        .ec2(
            "DescribeNetworkInterfaces",
            &[
                ("Filter.1.Name", "description"),
                ("Filter.1.Value.1", &format!("VPC Endpoint Interface {id}")),
            ],
        )
        .await
        .unwrap();
    assert_eq!(text(&interfaces, "interfaceType"), "vpc_endpoint");

    let first = [("SubnetId", place.subnets[0].as_str())];
    assert_refused(
        place.ec2("DeleteSubnet", &first).await,
        "DependencyViolation",
    );
    let group = [("GroupId", place.group.as_str())];
    assert_refused(
        place.ec2("DeleteSecurityGroup", &group).await,
        "DependencyViolation",
    );
    let gone = [("VpcEndpointId.1", id.as_str())];
    let answer = place.ec2("DeleteVpcEndpoints", &gone).await.unwrap();
    assert!(!answer.contains("<code>"), "{answer}");
    assert_eq!(
        text(&place.describe(&id).await.unwrap(), "state"),
        "deleting"
    );
    assert_refused(
        place.ec2("DeleteSubnet", &first).await,
        "DependencyViolation",
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_refused(place.describe(&id).await, "InvalidVpcEndpointId.NotFound");
    place.ec2("DeleteSubnet", &first).await.unwrap();
    place.ec2("DeleteSecurityGroup", &group).await.unwrap();
    let answer = place.ec2("DeleteVpcEndpoints", &gone).await.unwrap();
    assert_eq!(text(&answer, "code"), "InvalidVpcEndpoint.NotFound");
    assert_eq!(text(&answer, "resourceId"), id);
}

#[tokio::test]
async fn a_gateway_endpoint_is_a_route_in_its_tables() {
    let place = Place::new(TestClient::new()).await;
    let table = [("RouteTableId.1", place.table.as_str())];
    let answer = place.gateway("s3", &table).await.unwrap();
    assert_eq!(text(&answer, "state"), "available");
    assert_eq!(text(&answer, "vpcEndpointType"), "Gateway");
    let id = text(&answer, "vpcEndpointId");
    assert_refused(place.gateway("s3", &table).await, "RouteAlreadyExists");

    let tables = place.ec2("DescribeRouteTables", &table).await.unwrap();
    assert!(tables.contains(&format!("<gatewayId>{id}</gatewayId>")));
    let list = text(&tables, "destinationPrefixListId");
    let lists = [("PrefixListId.1", list.as_str())];
    let lists = place.ec2("DescribePrefixLists", &lists).await.unwrap();
    assert_eq!(text(&lists, "prefixListName"), "com.amazonaws.eu-west-1.s3");
    let filter = [
        ("Filter.1.Name", "route.gateway-id"),
        ("Filter.1.Value.1", id.as_str()),
    ];
    let found = place.ec2("DescribeRouteTables", &filter).await.unwrap();
    assert_eq!(text(&found, "routeTableId"), place.table);
    let route = [
        ("RouteTableId", place.table.as_str()),
        ("DestinationPrefixListId", &list),
    ];
    assert_refused(
        place.ec2("DeleteRoute", &route).await,
        "InvalidParameterValue",
    );
    let remove = [
        ("VpcEndpointId", id.as_str()),
        ("RemoveRouteTableId.1", &place.table),
    ];
    place.ec2("ModifyVpcEndpoint", &remove).await.unwrap();
    let tables = place.ec2("DescribeRouteTables", &table).await.unwrap();
    assert!(!tables.contains(&id));

    let vpc = [("VpcId", place.vpc.as_str())];
    let table = [("RouteTableId", place.table.as_str())];
    place.ec2("DeleteRouteTable", &table).await.unwrap();
    for subnet in &place.subnets {
        let subnet = [("SubnetId", subnet.as_str())];
        place.ec2("DeleteSubnet", &subnet).await.unwrap();
    }
    let group = [("GroupId", place.group.as_str())];
    place.ec2("DeleteSecurityGroup", &group).await.unwrap();
    assert_refused(place.ec2("DeleteVpc", &vpc).await, "DependencyViolation");
    let gone = [("VpcEndpointId.1", id.as_str())];
    place.ec2("DeleteVpcEndpoints", &gone).await.unwrap();
    assert_refused(place.describe(&id).await, "InvalidVpcEndpointId.NotFound");
    place.ec2("DeleteVpc", &vpc).await.unwrap();
}

#[tokio::test]
async fn what_aws_refuses_at_creation_is_refused() {
    let place = Place::new(TestClient::new()).await;
    let refused = |answer: Result<String, String>, sentence: &str| {
        let refusal = answer.unwrap_err();
        assert!(refusal.contains(sentence), "{refusal}");
        assert!(
            refusal.contains("<Code>InvalidParameter</Code>"),
            "{refusal}"
        );
    };
    // Private DNS is on unless it is said otherwise.
    refused(
        place.interface("logs", &[]).await,
        "requires both enableDnsSupport and enableDnsHostnames",
    );
    place
        .interface("logs", &[("PrivateDnsEnabled", "false")])
        .await
        .unwrap();
    place.turn_on_host_names().await;
    place.interface("logs", &[]).await.unwrap();
    refused(
        place.interface("logs", &[]).await,
        "already a conflicting DNS domain for logs.eu-west-1.amazonaws.com",
    );
    refused(
        place.gateway("ecr.api", &[]).await,
        "does not match available service types ([Interface])",
    );
    refused(
        place
            .gateway("s3", &[("SubnetId.1", &place.subnets[0])])
            .await,
        "Subnet IDs",
    );
    refused(
        place
            .interface("ssm", &[("RouteTableId.1", &place.table)])
            .await,
        "Route table IDs",
    );
    assert_refused(place.interface("no.such", &[]).await, "InvalidServiceName");
    assert_refused(
        place.interface("ssm", &[("PolicyDocument", "[")]).await,
        "InvalidPolicyDocument",
    );
    let neighbour = [
        ("VpcId", place.vpc.as_str()),
        ("CidrBlock", "10.0.3.0/24"),
        ("AvailabilityZone", "eu-west-1a"),
    ];
    let neighbour = made(&place.client, "CreateSubnet", &neighbour, "subnetId").await;
    assert_refused(
        place.interface("ssm", &[("SubnetId.2", &neighbour)]).await,
        "DuplicateSubnetsInSameZone",
    );
    let token = [("ClientToken", "t")];
    let first = place.interface("ssm", &token).await.unwrap();
    let again = place.interface("ssm", &token).await.unwrap();
    assert_eq!(text(&first, "vpcEndpointId"), text(&again, "vpcEndpointId"));
    assert_refused(
        place.interface("sns", &token).await,
        "IdempotentParameterMismatch",
    );
}

#[tokio::test]
async fn an_interface_endpoint_changes_in_place() {
    let place = Place::new(TestClient::new()).await;
    place.turn_on_host_names().await;
    let id = text(&place.interface("ssm", &[]).await.unwrap(), "vpcEndpointId");
    let asked = [
        ("VpcId", place.vpc.as_str()),
        ("GroupName", "other"),
        ("GroupDescription", "other"),
    ];
    let other = made(&place.client, "CreateSecurityGroup", &asked, "groupId").await;
    let change = [
        ("VpcEndpointId", id.as_str()),
        ("AddSubnetId.1", &place.subnets[1]),
        ("RemoveSubnetId.1", &place.subnets[0]),
        ("AddSecurityGroupId.1", &other),
        ("RemoveSecurityGroupId.1", &place.group),
        ("PrivateDnsEnabled", "false"),
    ];
    place.ec2("ModifyVpcEndpoint", &change).await.unwrap();
    let described = place.describe(&id).await.unwrap();
    assert_eq!(text(&described, "groupId"), other);
    assert_eq!(text(&described, "privateDnsEnabled"), "false");
    assert!(described.contains(&place.subnets[1]) && !described.contains(&place.subnets[0]));
    let interface = [
        ("Filter.1.Name", "group-id"),
        ("Filter.1.Value.1", other.as_str()),
    ];
    let interface = place
        .ec2("DescribeNetworkInterfaces", &interface)
        .await
        .unwrap();
    assert_eq!(text(&interface, "subnetId"), place.subnets[1]);
    place
        .ec2("DeleteSubnet", &[("SubnetId", &place.subnets[0])])
        .await
        .unwrap();
    let last = [
        ("VpcEndpointId", id.as_str()),
        ("RemoveSecurityGroupId.1", &other),
    ];
    assert_refused(
        place.ec2("ModifyVpcEndpoint", &last).await,
        "InvalidParameter",
    );
    let unknown = [("VpcEndpointId", "vpce-0")];
    assert_refused(
        place.ec2("ModifyVpcEndpoint", &unknown).await,
        "InvalidVpcEndpointId.NotFound",
    );
}

#[tokio::test]
async fn endpoints_are_found_by_filters_and_in_pages_of_any_size() {
    let place = Place::new(TestClient::new()).await;
    place.turn_on_host_names().await;
    for service in ["ecr.api", "ecr.dkr", "logs"] {
        place.interface(service, &[]).await.unwrap();
    }
    place.gateway("s3", &[]).await.unwrap();
    let mut seen = 0;
    let mut token = String::new();
    loop {
        let mut asked = vec![
            ("MaxResults", "1"),
            ("Filter.1.Name", "vpc-endpoint-type"),
            ("Filter.1.Value.1", "Interface"),
            ("Filter.2.Name", "vpc-endpoint-state"),
            ("Filter.2.Value.1", "available"),
        ];
        if !token.is_empty() {
            asked.push(("NextToken", &token));
        }
        let page = place.ec2("DescribeVpcEndpoints", &asked).await.unwrap();
        seen += page.matches("<vpcEndpointId>").count();
        match page.contains("<nextToken>") {
            true => token = text(&page, "nextToken"),
            false => break,
        }
    }
    assert_eq!(seen, 3);
    let asked = [
        ("Filter.1.Name", "service-name"),
        ("Filter.1.Value.1", "com.amazonaws.eu-west-1.ecr.*"),
    ];
    let found = place.ec2("DescribeVpcEndpoints", &asked).await.unwrap();
    assert_eq!(found.matches("<vpcEndpointId>").count(), 2);
}
