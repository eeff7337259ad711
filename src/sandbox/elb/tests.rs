//! Does the load balancing service keep its things, and refuse, as AWS does?

use crate::sandbox::{
    test_client::{TestClient, text},
    test_stage::Stage,
};

async fn stage() -> Stage {
    Stage::new(TestClient::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_needs_an_internet_gateway_and_two_zones() {
    let client = TestClient::new();
    let answer = client
        .ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")])
        .await
        .unwrap();
    let vpc = text(&answer, "vpcId");
    let mut subnets = Vec::new();
    for (block, zone) in [
        ("10.0.0.0/24", "eu-west-1a"),
        ("10.0.1.0/24", "eu-west-1b"),
        ("10.0.2.0/24", "eu-west-1b"),
    ] {
        let parameters = [
            ("VpcId", vpc.as_str()),
            ("CidrBlock", block),
            ("AvailabilityZone", zone),
        ];
        let answer = client.ec2("CreateSubnet", &parameters).await.unwrap();
        subnets.push(text(&answer, "subnetId"));
    }
    for (chosen, code, part) in [
        (&subnets[..2], "InvalidSubnet", "has no internet gateway"),
        (&subnets[..1], "ValidationError", "At least two subnets"),
        (
            &subnets[1..],
            "InvalidConfigurationRequest",
            "same Availability Zone",
        ),
    ] {
        let names = ["Subnets.member.1", "Subnets.member.2"];
        let mut parameters = vec![("Name", "web")];
        parameters.extend(names.into_iter().zip(chosen.iter().map(String::as_str)));
        let refusal = client
            .query("elasticloadbalancing", "CreateLoadBalancer", &parameters)
            .await
            .unwrap_err();
        assert_eq!(text(&refusal, "Code"), code);
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_idempotent_for_equal_settings_only() {
    let stage = stage().await;
    let again = stage
        .elb("CreateLoadBalancer", &stage.load_balancer_parameters("web"))
        .await;
    assert_eq!(text(&again, "LoadBalancerArn"), stage.load_balancer);
    assert!(again.contains("<Code>active</Code>"));
    let mut other = stage.load_balancer_parameters("web");
    other.push(("Scheme", "internal"));
    assert_eq!(
        stage.elb_refusal("CreateLoadBalancer", &other).await,
        "DuplicateLoadBalancerName"
    );
    let again = stage
        .elb("CreateTargetGroup", &stage.target_group_parameters("web"))
        .await;
    assert_eq!(text(&again, "TargetGroupArn"), stage.target_group);
    let mut default = stage.target_group_parameters("web");
    default.push(("ProtocolVersion", ""));
    let again = stage.elb("CreateTargetGroup", &default).await;
    assert_eq!(text(&again, "ProtocolVersion"), "HTTP1");
    let mut other = stage.target_group_parameters("web");
    other.push(("HealthCheckPath", "/health"));
    assert_eq!(
        stage.elb_refusal("CreateTargetGroup", &other).await,
        "DuplicateTargetGroupName"
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_a_load_balancer_frees_its_target_group_and_its_interfaces() {
    let stage = stage().await;
    let group = [("TargetGroupArn", stage.target_group.as_str())];
    assert_eq!(
        stage.elb_refusal("DeleteTargetGroup", &group).await,
        "ResourceInUse"
    );
    let mine = [
        ("Filter.1.Name", "description"),
        ("Filter.1.Value.1", "ELB app/web/*"),
    ];
    let interfaces = stage
        .client
        .ec2("DescribeNetworkInterfaces", &mine)
        .await
        .unwrap();
    assert_eq!(interfaces.matches("<networkInterfaceId>").count(), 2);
    assert!(interfaces.contains("<requesterId>amazon-elb</requesterId>"));
    let load_balancer = [("LoadBalancerArn", stage.load_balancer.as_str())];
    for _ in 0..2 {
        stage.elb("DeleteLoadBalancer", &load_balancer).await;
    }
    stage.elb("DeleteTargetGroup", &group).await;
    let interfaces = stage
        .client
        .ec2("DescribeNetworkInterfaces", &mine)
        .await
        .unwrap();
    assert!(!interfaces.contains("<networkInterfaceId>"));
    let listener = [("ListenerArns.member.1", stage.listener.as_str())];
    assert_eq!(
        stage.elb_refusal("DescribeListeners", &listener).await,
        "ListenerNotFound"
    );
}

#[tokio::test(start_paused = true)]
async fn rules_have_priorities_of_their_own_and_the_default_comes_last() {
    let stage = stage().await;
    let rule = |priority| {
        [
            ("ListenerArn", stage.listener.as_str()),
            ("Priority", priority),
            ("Conditions.member.1.Field", "host-header"),
            ("Conditions.member.1.Values.member.1", "api.example"),
            ("Actions.member.1.Type", "forward"),
            ("Actions.member.1.TargetGroupArn", &stage.target_group),
        ]
    };
    let first = text(&stage.elb("CreateRule", &rule("20")).await, "RuleArn");
    let second = text(&stage.elb("CreateRule", &rule("10")).await, "RuleArn");
    assert_eq!(
        stage.elb_refusal("CreateRule", &rule("10")).await,
        "PriorityInUse"
    );
    let swap = [
        ("RulePriorities.member.1.RuleArn", first.as_str()),
        ("RulePriorities.member.1.Priority", "10"),
        ("RulePriorities.member.2.RuleArn", &second),
        ("RulePriorities.member.2.Priority", "20"),
    ];
    stage.elb("SetRulePriorities", &swap).await;
    let listed = [("ListenerArn", stage.listener.as_str())];
    let listed = stage.elb("DescribeRules", &listed).await;
    let arns: Vec<&str> = listed
        .split("<RuleArn>")
        .skip(1)
        .map(|rest| rest.split_once('<').unwrap().0)
        .collect();
    assert_eq!(arns[..2], [first.as_str(), &second]);
    assert_eq!(
        stage
            .elb_refusal("DeleteRule", &[("RuleArn", arns[2])])
            .await,
        "OperationNotPermitted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_secure_listener_wants_a_certificate_that_is_issued() {
    let stage = stage().await;
    let requested = stage
        .client
        .json(
            "acm",
            "RequestCertificate",
            serde_json::json!({"DomainName": "a.example", "ValidationMethod": "DNS"}),
        )
        .await
        .unwrap();
    let pending = requested["CertificateArn"].as_str().unwrap();
    let missing = pending.replace("certificate/", "certificate/0");
    for (certificate, code) in [
        (pending, "UnsupportedCertificate"),
        (&missing, "CertificateNotFound"),
    ] {
        let listener = [
            ("LoadBalancerArn", stage.load_balancer.as_str()),
            ("Protocol", "HTTPS"),
            ("Port", "443"),
            ("Certificates.member.1.CertificateArn", certificate),
            ("DefaultActions.member.1.Type", "forward"),
            (
                "DefaultActions.member.1.TargetGroupArn",
                &stage.target_group,
            ),
        ];
        assert_eq!(stage.elb_refusal("CreateListener", &listener).await, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_with_nothing_behind_it_is_unhealthy_and_goes_when_told() {
    let stage = stage().await;
    let target = [
        ("TargetGroupArn", stage.target_group.as_str()),
        ("Targets.member.1.Id", "10.0.10.77"),
    ];
    stage.elb("RegisterTargets", &target).await;
    assert_eq!(stage.target_states().await, ["unhealthy"]);
    stage.elb("DeregisterTargets", &target).await;
    assert!(stage.target_states().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_target_group_belongs_to_one_load_balancer() {
    let stage = stage().await;
    let other = stage
        .elb(
            "CreateLoadBalancer",
            &stage.load_balancer_parameters("other"),
        )
        .await;
    let other = text(&other, "LoadBalancerArn");
    let listener = [
        ("LoadBalancerArn", other.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "forward"),
        (
            "DefaultActions.member.1.TargetGroupArn",
            &stage.target_group,
        ),
    ];
    assert_eq!(
        stage.elb_refusal("CreateListener", &listener).await,
        "TargetGroupAssociationLimit"
    );
}

#[tokio::test(start_paused = true)]
async fn priorities_change_all_or_not_at_all() {
    let stage = stage().await;
    let mut rules = Vec::new();
    for priority in ["10", "20", "30"] {
        let rule = [
            ("ListenerArn", stage.listener.as_str()),
            ("Priority", priority),
            ("Conditions.member.1.Field", "path-pattern"),
            ("Conditions.member.1.Values.member.1", "/a"),
            ("Actions.member.1.Type", "forward"),
            ("Actions.member.1.TargetGroupArn", &stage.target_group),
        ];
        rules.push(text(&stage.elb("CreateRule", &rule).await, "RuleArn"));
    }
    let wanted = [
        ("RulePriorities.member.1.RuleArn", rules[0].as_str()),
        ("RulePriorities.member.1.Priority", "20"),
        ("RulePriorities.member.2.RuleArn", &rules[1]),
        ("RulePriorities.member.2.Priority", "30"),
    ];
    assert_eq!(
        stage.elb_refusal("SetRulePriorities", &wanted).await,
        "PriorityInUse"
    );
    let first = [("RuleArns.member.1", rules[0].as_str())];
    let first = stage.elb("DescribeRules", &first).await;
    assert_eq!(text(&first, "Priority"), "10");
}

#[tokio::test(start_paused = true)]
async fn a_listener_s_attributes_follow_its_protocol() {
    const SERVER: &str = "routing.http.response.server.enabled";
    const SECURE: &str = "routing.http.request.x_amzn_tls_version.header_name";
    let stage = stage().await;
    let listener = [("ListenerArn", stage.listener.as_str())];
    let shown = stage.elb("DescribeListenerAttributes", &listener).await;
    assert!(shown.contains(SERVER), "{shown}");
    // This one takes no HTTPS, and nobody has a client's certificate to tell of.
    assert!(!shown.contains(SECURE), "{shown}");
    let change = |key, value| {
        [
            ("ListenerArn", stage.listener.as_str()),
            ("Attributes.member.1.Key", key),
            ("Attributes.member.1.Value", value),
        ]
    };
    assert_eq!(
        stage
            .elb_refusal("ModifyListenerAttributes", &change(SECURE, "X-Tls"))
            .await,
        "ValidationError"
    );
    stage
        .elb("ModifyListenerAttributes", &change(SERVER, "false"))
        .await;

    let certificate = issued_certificate(&stage).await;
    let secure = [
        ("ListenerArn", stage.listener.as_str()),
        ("Protocol", "HTTPS"),
        ("Certificates.member.1.CertificateArn", &certificate),
    ];
    stage.elb("ModifyListener", &secure).await;
    let shown = stage.elb("DescribeListenerAttributes", &listener).await;
    assert!(shown.contains("X-Amzn-Tls-Version"), "{shown}");
    let kept = format!("<Key>{SERVER}</Key><Value>false</Value>");
    assert!(shown.contains(&kept), "{shown}");
}

async fn issued_certificate(stage: &Stage) -> String {
    let acm = async |operation, parameters| {
        let answer = stage.client.json("acm", operation, parameters).await;
        answer.unwrap()
    };
    let wanted = serde_json::json!({"DomainName": "a.example", "ValidationMethod": "DNS"});
    let named = acm("RequestCertificate", wanted).await;
    let mut record = serde_json::Value::Null;
    // The record to prove the name by is told a moment after the request.
    while record.is_null() {
        let described = acm("DescribeCertificate", named.clone()).await;
        record = described["Certificate"]["DomainValidationOptions"][0]["ResourceRecord"].clone();
    }
    stage.client.publish_record("a.example", &record).await;
    named["CertificateArn"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_has_no_capacity_reserved() {
    let stage = stage().await;
    let load_balancer = [("LoadBalancerArn", stage.load_balancer.as_str())];
    let shown = stage
        .elb("DescribeCapacityReservation", &load_balancer)
        .await;
    assert_eq!(text(&shown, "DecreaseRequestsRemaining"), "2");
    assert!(!shown.contains("CapacityUnits"), "{shown}");
    let missing = [("LoadBalancerArn", "arn:aws:elasticloadbalancing:none")];
    assert_eq!(
        stage
            .elb_refusal("DescribeCapacityReservation", &missing)
            .await,
        "LoadBalancerNotFound"
    );
}
