//! Does `navi status` tell what somebody asks who comes back a month later?

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, boto3, inventory};

fn status(navi: &Navi) -> Value {
    let arguments = ["status", "--stack", "ecs-navi", "--sandbox"];
    let told = navi.run(&[&arguments[..], &["--output", "json"]].concat());
    serde_json::from_str(&told.expect(0).stdout).unwrap()
}

#[test]
fn services_addresses_costs_and_what_is_not_as_it_should_be_are_told() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.sandboxed(&file, &["scale", "backend=3", "--yes"])
        .expect(0);
    navi.forget_calls();
    let told = status(&navi);
    let text = navi.sandboxed(&file, &["status"]).expect(0).stdout;
    let all = navi.sandboxed(&file, &["status", "--resources"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    let backend = &told["services"][0];
    assert_eq!(backend["name"], "backend");
    for count in ["wanted", "running", "healthy"] {
        assert_eq!(backend[count], 3, "{backend}");
    }
    assert_eq!(backend["rollout"], "COMPLETED");
    let made = boto3(
        &endpoint,
        "ecs",
        "'%04d-%02d-%02dT%02d:%02d:%02d' % min(each['createdAt'] for each in client.describe_services( \
         cluster='ecs-navi-cluster', services=['ecs-navi-backend-service', 'ecs-navi-nginx-proxy-service'])['services']) \
         .utctimetuple()[:6]",
    );
    let since = told["since"].as_str().unwrap();
    assert!(since.starts_with(made.as_str().unwrap()), "{made}, {since}");
    assert_eq!(told["endpoints"][0]["url"], "https://api.ecs-navi.site");
    assert_eq!(told["endpoints"][1]["service"], "nginx-proxy");
    let given = boto3(
        &endpoint,
        "servicediscovery",
        "sorted((each['Attributes']['AWS_INSTANCE_IPV4'] \
         for service in client.list_services()['Services'] if service['Name'] == 'backend' \
         for each in client.list_instances(ServiceId=service['Id'])['Instances']), \
         key=lambda address: [int(part) for part in address.split('.')])",
    );
    assert_eq!(told["names"][0]["addresses"], given);
    assert_eq!(told["costs"]["prices_of"], "ap-northeast-1");
    let tasks = &told["costs"]["drivers"];
    let backend = tasks.as_array().unwrap().iter();
    let backend = backend
        .clone()
        .find(|one| one["what"] == "tasks of backend");
    assert_eq!(backend.unwrap()["count"], 3, "{tasks}");
    assert!(text.ends_with("all 35 resources are ready\n"), "{text}");
    assert!(
        !text.contains("vpc.main") && all.stdout.contains("vpc.main"),
        "{text}"
    );

    // One service is stopped by somebody else, and a log group is gone.
    boto3(
        &endpoint,
        "ecs",
        "client.update_service(cluster='ecs-navi-cluster', service='ecs-navi-backend-service', desiredCount=0) and None",
    );
    boto3(
        &endpoint,
        "logs",
        "client.delete_log_group(logGroupName='/ecs/nginx') and None",
    );
    let told = status(&navi);
    assert_eq!(told["services"][0]["wanted"], 0, "{told}");
    assert_eq!(told["names"][0]["addresses"], json!([]));
    let text = navi.sandboxed(&file, &["status"]).expect(0).stdout;
    assert!(text.contains("changed   ecs_service.backend"), "{text}");
    assert!(text.contains("gone      log_group."), "{text}");
    assert!(text.ends_with("33 of 35 resources ready\n"), "{text}");

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn a_warning_about_the_file_is_told_once() {
    let navi = Navi::new();
    let file = navi.write(
        "shop.yaml",
        "\
stack: shop
ingress: { listen: { port: 80, protocol: HTTP } }
services:
  web:
    containers: { web: { image: public.ecr.aws/nginx/nginx:stable } }
",
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let told = navi.sandboxed(&file, &["status"]).expect(0).stderr;
    let times = told.matches("a load balancer is paid for").count();
    assert_eq!(times, 1, "{told}");
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
}
