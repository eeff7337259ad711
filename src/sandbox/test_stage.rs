//! What do tests of services stand on? A network as the article's: two zones, public and private subnets, a way out, a load balancer.

use serde_json::{Value, json};

use super::test_client::{TestClient, text};

pub struct Stage {
    pub client: TestClient,
    pub vpc: String,
    pub public_subnets: [String; 2],
    pub private_subnets: [String; 2],
    pub group: String,
    pub load_balancer: String,
    pub listener: String,
    pub target_group: String,
    /// Of Cloud Map.
    pub namespace: String,
    pub registry: Value,
}

pub const IMAGE: &str = "web:1";

impl Stage {
    pub async fn new(client: TestClient) -> Self {
        let mut stage = Self {
            client,
            vpc: String::new(),
            public_subnets: Default::default(),
            private_subnets: Default::default(),
            group: String::new(),
            load_balancer: String::new(),
            listener: String::new(),
            target_group: String::new(),
            namespace: String::new(),
            registry: Value::Null,
        };
        stage.build_network().await;
        stage.build_way_out().await;
        stage.build_load_balancer().await;
        stage.build_discovery().await;
        stage.build_cluster().await;
        stage
    }

    /// The named element of what an EC2 operation answers.
    async fn made(&self, operation: &str, parameters: &[(&str, &str)], element: &str) -> String {
        text(
            &self.client.ec2(operation, parameters).await.unwrap(),
            element,
        )
    }

    async fn build_network(&mut self) {
        self.vpc = self
            .made("CreateVpc", &[("CidrBlock", "10.0.0.0/16")], "vpcId")
            .await;
        let hostnames = [
            ("VpcId", self.vpc.as_str()),
            ("EnableDnsHostnames.Value", "true"),
        ];
        self.client
            .ec2("ModifyVpcAttribute", &hostnames)
            .await
            .unwrap();
        let mut subnets = Vec::new();
        for (number, zone) in [(0, "a"), (1, "b"), (10, "a"), (11, "b")] {
            let parameters = [
                ("VpcId", self.vpc.as_str()),
                ("CidrBlock", &format!("10.0.{number}.0/24")),
                ("AvailabilityZone", &format!("eu-west-1{zone}")),
            ];
            subnets.push(self.made("CreateSubnet", &parameters, "subnetId").await);
        }
        let [one, two, three, four] = subnets.try_into().unwrap();
        (self.public_subnets, self.private_subnets) = ([one, two], [three, four]);
        let parameters = [
            ("VpcId", self.vpc.as_str()),
            ("GroupName", "all"),
            ("GroupDescription", "all"),
        ];
        self.group = self
            .made("CreateSecurityGroup", &parameters, "groupId")
            .await;
        let ingress = [
            ("GroupId", self.group.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "80"),
            ("IpPermissions.1.ToPort", "80"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ];
        self.client
            .ec2("AuthorizeSecurityGroupIngress", &ingress)
            .await
            .unwrap();
    }

    async fn build_way_out(&mut self) {
        let gateway = self
            .made("CreateInternetGateway", &[], "internetGatewayId")
            .await;
        let attach = [
            ("InternetGatewayId", gateway.as_str()),
            ("VpcId", &self.vpc),
        ];
        self.client
            .ec2("AttachInternetGateway", &attach)
            .await
            .unwrap();
        let address = self.made("AllocateAddress", &[], "allocationId").await;
        let nat = [
            ("SubnetId", self.public_subnets[0].as_str()),
            ("AllocationId", &address),
        ];
        let nat = self.made("CreateNatGateway", &nat, "natGatewayId").await;
        let public = self.public_subnets.clone();
        self.route(&public, "GatewayId", &gateway).await;
        let private = self.private_subnets.clone();
        self.route(&private, "NatGatewayId", &nat).await;
    }

    async fn route(&self, subnets: &[String], kind: &str, target: &str) {
        let table = [("VpcId", self.vpc.as_str())];
        let table = self.made("CreateRouteTable", &table, "routeTableId").await;
        let route = [
            ("RouteTableId", table.as_str()),
            ("DestinationCidrBlock", "0.0.0.0/0"),
            (kind, target),
        ];
        self.client.ec2("CreateRoute", &route).await.unwrap();
        for subnet in subnets {
            let association = [("RouteTableId", table.as_str()), ("SubnetId", subnet)];
            self.client
                .ec2("AssociateRouteTable", &association)
                .await
                .unwrap();
        }
    }

    /// An operation of the load balancing service that must succeed.
    pub async fn elb(&self, operation: &str, parameters: &[(&str, &str)]) -> String {
        self.client
            .query("elasticloadbalancing", operation, parameters)
            .await
            .unwrap()
    }

    /// The code with which an operation of the load balancing service is refused.
    pub async fn elb_refusal(&self, operation: &str, parameters: &[(&str, &str)]) -> String {
        let refusal = self
            .client
            .query("elasticloadbalancing", operation, parameters)
            .await;
        text(&refusal.unwrap_err(), "Code")
    }

    pub fn load_balancer_parameters<'a>(&'a self, name: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("Name", name),
            ("Subnets.member.1", &self.public_subnets[0]),
            ("Subnets.member.2", &self.public_subnets[1]),
            ("SecurityGroups.member.1", &self.group),
        ]
    }

    pub fn target_group_parameters<'a>(&'a self, name: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("Name", name),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("VpcId", &self.vpc),
            ("TargetType", "ip"),
        ]
    }

    async fn build_load_balancer(&mut self) {
        let answer = self
            .elb("CreateLoadBalancer", &self.load_balancer_parameters("web"))
            .await;
        self.load_balancer = text(&answer, "LoadBalancerArn");
        let answer = self
            .elb("CreateTargetGroup", &self.target_group_parameters("web"))
            .await;
        self.target_group = text(&answer, "TargetGroupArn");
        let listener = [
            ("LoadBalancerArn", self.load_balancer.as_str()),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("DefaultActions.member.1.Type", "forward"),
            ("DefaultActions.member.1.TargetGroupArn", &self.target_group),
        ];
        let answer = self.elb("CreateListener", &listener).await;
        self.listener = text(&answer, "ListenerArn");
    }

    /// An operation of Cloud Map that must succeed.
    pub async fn cloud_map(&self, operation: &str, parameters: Value) -> Value {
        self.client
            .json("servicediscovery", operation, parameters)
            .await
            .unwrap()
    }

    async fn build_discovery(&mut self) {
        let wanted = json!({"Name": "test.local", "Vpc": self.vpc});
        let begun = self.cloud_map("CreatePrivateDnsNamespace", wanted).await;
        // Under a virtual clock the operation takes its time.
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        let done = self.cloud_map("GetOperation", begun).await;
        self.namespace = done["Operation"]["Targets"]["NAMESPACE"]
            .as_str()
            .unwrap()
            .to_owned();
        let service = json!({"Name": "web", "NamespaceId": self.namespace, "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}, "HealthCheckCustomConfig": {"FailureThreshold": 1}});
        self.registry = self.cloud_map("CreateService", service).await["Service"].clone();
    }

    /// An operation of ECS that must succeed.
    pub async fn ecs(&self, operation: &str, parameters: Value) -> Value {
        self.client
            .json("ecs", operation, parameters)
            .await
            .unwrap()
    }

    /// Code and message with which an operation of ECS is refused.
    pub async fn ecs_refusal(&self, operation: &str, parameters: Value) -> (String, String) {
        let refusal = self.client.json("ecs", operation, parameters).await;
        let refusal = refusal.unwrap_err();
        let text = |name: &str| refusal[name].as_str().unwrap().to_owned();
        (text("__type"), text("message"))
    }

    async fn build_cluster(&mut self) {
        let trust = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let role = [("RoleName", "task"), ("AssumeRolePolicyDocument", trust)];
        self.client.query("iam", "CreateRole", &role).await.unwrap();
        self.ecs("CreateCluster", json!({"clusterName": "c"})).await;
        self.register(IMAGE).await;
    }

    pub fn definition(&self, image: &str) -> Value {
        json!({
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": "arn:aws:iam::123456789012:role/task",
            "containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}],
        })
    }

    /// A new revision with this image; its ARN.
    pub async fn register(&self, image: &str) -> Value {
        let answer = self
            .ecs("RegisterTaskDefinition", self.definition(image))
            .await;
        answer["taskDefinition"]["taskDefinitionArn"].clone()
    }

    pub fn service(&self, desired_count: i64) -> Value {
        json!({
            "cluster": "c",
            "serviceName": "web",
            "taskDefinition": "web",
            "desiredCount": desired_count,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": self.private_subnets, "securityGroups": [self.group]}},
            "loadBalancers": [{"targetGroupArn": self.target_group, "containerName": "web", "containerPort": 80}],
            "serviceRegistries": [{"registryArn": self.registry["Arn"]}],
        })
    }

    pub async fn look(&self) -> Value {
        let asked = json!({"cluster": "c", "services": ["web"]});
        self.ecs("DescribeServices", asked).await["services"][0].clone()
    }

    /// The service's tasks, running ones or stopped ones.
    pub async fn tasks(&self, desired_status: &str) -> Vec<Value> {
        let asked = json!({"cluster": "c", "serviceName": "web", "desiredStatus": desired_status});
        let arns = self.ecs("ListTasks", asked).await["taskArns"].clone();
        if arns.as_array().unwrap().is_empty() {
            return Vec::new();
        }
        let asked = json!({"cluster": "c", "tasks": arns});
        self.ecs("DescribeTasks", asked).await["tasks"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn records(&self) -> usize {
        let namespace = self
            .cloud_map("GetNamespace", json!({"Id": self.namespace}))
            .await;
        let zone = &namespace["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"];
        let path = format!("/2013-04-01/hostedzone/{}/rrset", zone.as_str().unwrap());
        let records = self.client.rest_xml("route53", "GET", &path, "").await;
        records.unwrap().matches("<Type>A</Type>").count()
    }

    pub async fn target_states(&self) -> Vec<String> {
        let asked = [("TargetGroupArn", self.target_group.as_str())];
        let answer = self.elb("DescribeTargetHealth", &asked).await;
        let states = answer.split("<State>").skip(1);
        states
            .map(|rest| rest.split_once('<').unwrap().0.to_owned())
            .collect()
    }
}

pub fn address(task: &Value) -> &str {
    task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
        .as_str()
        .unwrap()
}
