//! Does `navi verify` hold for the article's environment, and does it see what is wrong with one that others have been at?

use serde_json::Value;

use crate::support::{Inventory, Navi, boto3, inventory};

/// What was checked, with how it ended and what was seen.
fn verified(navi: &Navi, code: i32) -> Vec<(String, String, String)> {
    navi.forget_calls();
    let arguments = ["verify", "--stack", "ecs-navi", "--sandbox"];
    let told = navi.run(&[&arguments[..], &["--output", "json"]].concat());
    let told: Value = serde_json::from_str(&told.expect(code).stdout).unwrap();
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(told["holds"], code == 0, "{told}");
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    let checks = told["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            let what = format!("{} {}", text(check, "what"), text(check, "subject"));
            (text(check, "verdict"), what, text(check, "finding"))
        })
        .collect()
}

/// What does not hold.
fn failed(navi: &Navi) -> Vec<String> {
    let checks = verified(navi, 2).into_iter();
    checks
        .filter(|(verdict, _, _)| verdict == "failed")
        .map(|(_, what, finding)| format!("{what}: {finding}"))
        .collect()
}

#[test]
fn the_articles_environment_holds_and_what_others_break_is_told() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.sandboxed(&file, &["scale", "backend=3", "--yes"])
        .expect(0);

    let checks = verified(&navi, 0);
    assert!(checks.iter().all(|(verdict, _, _)| verdict == "ok"));
    let subjects: Vec<&str> = checks.iter().map(|(_, what, _)| what.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "host https://api.ecs-navi.site/",
            "host https://ecs-navi.site/",
            "tasks backend",
            "tasks nginx-proxy",
            "targets backend",
            "targets nginx-proxy",
            "name backend.ecs-navi.local",
            "name proxy-nginx.ecs-navi.local",
            "reach internet -> load balancer",
            "reach load balancer -> backend",
            "reach load balancer -> backend",
            "reach load balancer -> nginx-proxy",
            "reach nginx-proxy -> backend",
        ]
    );
    assert_eq!(checks[6].2, "3 instances and 3 A records for 3 tasks");

    // Somebody opens the backend to everybody.
    let group = navi.sandboxed(&file, &["outputs", "security_group.backend.group_id"]);
    let group = group.expect(0).stdout;
    let opened = boto3(
        &endpoint,
        "ec2",
        &format!(
            "client.authorize_security_group_ingress(GroupId='{}', IpProtocol='tcp', FromPort=22, ToPort=22, \
             CidrIp='198.51.100.0/24')['Return']",
            group.trim()
        ),
    );
    assert_eq!(opened, true);
    assert_eq!(
        failed(&navi),
        ["reach 198.51.100.0/24 -> backend: tcp 22 is open, and the stack doesn't want it"]
    );

    // Somebody takes away the rule that leads to the proxy, and registers an address that no task has.
    boto3(
        &endpoint,
        "elbv2",
        "[client.delete_rule(RuleArn=rule['RuleArn']) and None \
         for balancer in client.describe_load_balancers()['LoadBalancers'] \
         for listener in client.describe_listeners(LoadBalancerArn=balancer['LoadBalancerArn'])['Listeners'] \
         for rule in client.describe_rules(ListenerArn=listener['ListenerArn'])['Rules'] \
         if any('ecs-navi.site' in condition.get('Values', []) for condition in rule['Conditions'])]",
    );
    boto3(
        &endpoint,
        "servicediscovery",
        "[client.register_instance(ServiceId=service['Id'], InstanceId='stray', \
         Attributes={'AWS_INSTANCE_IPV4': '10.0.10.250'}) and None \
         for service in client.list_services()['Services'] if service['Name'] == 'backend']",
    );
    assert_eq!(
        failed(&navi),
        [
            "host https://ecs-navi.site/: 404 from the load balancer itself: no rule leads to a service",
            "targets nginx-proxy: 0 of 1 healthy",
            "name backend.ecs-navi.local: 10.0.10.250 is registered and no task has it; \
             10.0.10.250 has an A record and no task",
            "reach 198.51.100.0/24 -> backend: tcp 22 is open, and the stack doesn't want it",
        ]
    );
    let told = navi.sandboxed(&file, &["verify"]).expect(2).stdout;
    assert!(told.ends_with("14 checks: 10 ok, 4 failed\n"), "{told}");

    boto3(
        &endpoint,
        "servicediscovery",
        "[client.deregister_instance(ServiceId=service['Id'], InstanceId='stray') and None \
         for service in client.list_services()['Services'] if service['Name'] == 'backend']",
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert!(
        verified(&navi, 0)
            .iter()
            .all(|(verdict, _, _)| verdict == "ok")
    );
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn an_internal_stack_has_no_host_to_ask_and_everything_else_holds() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("internal.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let told = navi.sandboxed(&file, &["verify"]).expect(0).stdout;
    assert!(
        !told.contains("host") && told.contains("ok       name"),
        "{told}"
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn a_host_whose_domain_leads_nowhere_yet_is_asked_for_at_the_load_balancer() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = navi.write(
        "shop.yaml",
        "\
stack: shop
services:
  web:
    route: { host: shop.example.com }
    containers: { web: { image: public.ecr.aws/nginx/nginx:stable, ports: [80] } }
",
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let told = navi.sandboxed(&file, &["verify"]).expect(0).stdout;
    let host = "200 at the load balancer; the name does not lead there yet";
    assert!(told.contains(host), "{told}");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}
