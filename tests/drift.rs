//! Is what others change and delete shown field by field, apart from what the file changes, and brought back by `up`?

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, inventory, post_json, stranger};

/// What somebody did: lines of boto3, the address where it shows, and what stands there.
pub type Deed = (&'static str, &'static str, &'static [&'static str]);

/// One deed for each kind whose fields a sweep reads.
pub const CHANGED: &[Deed] = &[
    (
        "group = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['ecs-navi-backend-sg']}])['SecurityGroups'][0]
ec2.authorize_security_group_ingress(GroupId=group['GroupId'], IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])",
        "security_group.backend",
        &["ingress: "],
    ),
    (
        "group = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['ecs-navi-backend-sg']}])['SecurityGroups'][0]
rule = next(rule for rule in group['IpPermissions'] if rule.get('FromPort') == 3000)
ec2.revoke_security_group_ingress(GroupId=group['GroupId'], IpPermissions=[rule])",
        "security_group_rules.backend",
        &["rules: "],
    ),
    (
        "ecs.update_service(cluster='ecs-navi-cluster', service='ecs-navi-backend-service', desiredCount=4)",
        "ecs_service.backend",
        &["desired_count: 1 → 4"],
    ),
    (
        "subnet = ec2.describe_subnets(Filters=[{'Name': 'tag:navi:stack', 'Values': ['ecs-navi']}, {'Name': 'cidr-block', 'Values': ['10.0.1.0/24']}])['Subnets'][0]
ec2.modify_subnet_attribute(SubnetId=subnet['SubnetId'], MapPublicIpOnLaunch={'Value': False})
ec2.create_tags(Resources=[subnet['SubnetId']], Tags=[{'Key': 'Name', 'Value': 'mine'}])",
        "subnet.public-1a",
        &["map_public_ip_on_launch: true → false", "tags.Name: ecs-navi-subnet-public-1a → mine"],
    ),
    (
        "vpc = ec2.describe_vpcs(Filters=[{'Name': 'tag:navi:stack', 'Values': ['ecs-navi']}])['Vpcs'][0]
ec2.modify_vpc_attribute(VpcId=vpc['VpcId'], EnableDnsHostnames={'Value': False})",
        "vpc.main",
        &["enable_dns_hostnames: true → false"],
    ),
    (
        "logs.put_retention_policy(logGroupName='/ecs/api', retentionInDays=3)",
        "log_group./ecs/api",
        &["retention_in_days: 7 → 3"],
    ),
    (
        "group = elbv2.describe_target_groups(Names=['ecs-navi-backend-tg'])['TargetGroups'][0]
elbv2.modify_target_group(TargetGroupArn=group['TargetGroupArn'], HealthCheckPath='/health', HealthyThresholdCount=2)",
        "target_group.backend",
        &["/ → /health", "5 → 2"],
    ),
    (
        "balancer = elbv2.describe_load_balancers(Names=['ecs-navi-lb'])['LoadBalancers'][0]
listener = elbv2.describe_listeners(LoadBalancerArn=balancer['LoadBalancerArn'])['Listeners'][0]
rules = elbv2.describe_rules(ListenerArn=listener['ListenerArn'])['Rules']
rule = next(rule for rule in rules if rule['Priority'] == '200')
elbv2.modify_rule(RuleArn=rule['RuleArn'], Conditions=[{'Field': 'host-header', 'HostHeaderConfig': {'Values': ['other.ecs-navi.site']}}])",
        "listener_rule.backend",
        &["api.ecs-navi.site", "other.ecs-navi.site"],
    ),
    (
        "balancer = elbv2.describe_load_balancers(Names=['ecs-navi-lb'])['LoadBalancers'][0]
listener = elbv2.describe_listeners(LoadBalancerArn=balancer['LoadBalancerArn'])['Listeners'][0]
elbv2.modify_listener(ListenerArn=listener['ListenerArn'], DefaultActions=[{'Type': 'fixed-response', 'FixedResponseConfig': {'StatusCode': '503', 'ContentType': 'text/plain', 'MessageBody': 'closed'}}])",
        "listener.routes",
        &["404", "503"],
    ),
    (
        "zone = next(zone for zone in route53.list_hosted_zones()['HostedZones'] if zone['Name'] == 'ecs-navi.site.')
records = route53.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets']
record = next(record for record in records if record['Name'] == 'api.ecs-navi.site.')
route53.change_resource_record_sets(HostedZoneId=zone['Id'], ChangeBatch={'Changes': [{'Action': 'DELETE', 'ResourceRecordSet': record}]})",
        "alias_records.ecs-navi.site",
        &["api.ecs-navi.site"],
    ),
    (
        "namespace = next(each for each in servicediscovery.list_namespaces()['Namespaces'] if each['Name'] == 'ecs-navi.local')
services = servicediscovery.list_services(Filters=[{'Name': 'NAMESPACE_ID', 'Values': [namespace['Id']]}])['Services']
service = next(service for service in services if service['Name'] == 'backend')
servicediscovery.update_service(Id=service['Id'], Service={'DnsConfig': {'DnsRecords': [{'Type': 'A', 'TTL': 5}]}})",
        "discovery_service.backend",
        &["{A: 60} → {A: 5}"],
    ),
    (
        "role = next(role for role in iam.list_roles()['Roles'] if role['RoleName'] == 'ecs-navi-ecs-task-execution-role')
policy = iam.list_role_policies(RoleName=role['RoleName'])['PolicyNames'][0]
iam.put_role_policy(RoleName=role['RoleName'], PolicyName=policy, PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Deny', 'Action': 's3:*', 'Resource': '*'}]}))",
        "role.main",
        &["policy"],
    ),
    (
        "logs.delete_log_group(logGroupName='/ecs/nginx')",
        "log_group./ecs/nginx",
        &["it is gone"],
    ),
];

const WHAT: Inventory<'_> = Inventory::Values { stack: "ecs-navi" };

fn drift(navi: &Navi, arguments: &[&str]) -> Ended {
    let mut all = vec!["drift", "--sandbox", "--stack", "ecs-navi"];
    all.extend(arguments);
    navi.run(&all)
}

/// What stands beneath the address, up to the next one.
fn beneath<'a>(text: &'a str, address: &str) -> &'a str {
    let heading = format!("! {address}");
    let at = text
        .match_indices(&heading)
        .map(|(at, _)| at + heading.len())
        .find(|&at| text[at..].starts_with(['\n', ' ']))
        .unwrap_or_else(|| panic!("no drift of {address} in\n{text}"));
    let rest = &text[at..];
    &rest[..rest.find("\n!").or(rest.find("\n\n")).unwrap_or(rest.len())]
}

#[track_caller]
fn shows(text: &str, deeds: &[Deed]) {
    for (_, address, parts) in deeds {
        let shown = beneath(text, address);
        for part in *parts {
            assert!(shown.contains(part), "{address}: no `{part}` in\n{text}");
        }
    }
}

#[track_caller]
fn nothing_is_left_to_do(navi: &Navi, file: &Path) {
    let ended = drift(navi, &[]).expect(0);
    assert!(ended.stdout.contains("No drift"), "{}", ended.stdout);
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

#[test]
fn what_others_changed_is_shown_field_by_field_and_restored() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    nothing_is_left_to_do(&navi, &file);
    let before = inventory(&endpoint, &WHAT);

    let lines: Vec<&str> = CHANGED.iter().map(|(lines, _, _)| *lines).collect();
    stranger(&endpoint, &["do", &lines.join("\n")]);
    navi.forget_calls();
    let shown = drift(&navi, &[]).expect(2).stdout;
    shows(&shown, CHANGED);
    let headings = shown.lines().filter(|line| line.starts_with('!')).count();
    assert_eq!(headings, CHANGED.len(), "{shown}");
    let document = drift(&navi, &["--output", "json"]).expect(2).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["drift"].as_array().unwrap().len(), CHANGED.len());

    // What the file changes stands apart.
    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace("cpu: 256", "cpu: 512")
        .replace("memory: 512", "memory: 1024");
    let changed = navi.write("changed.yaml", &changed);
    let plan = navi.sandboxed(&changed, &["plan"]).expect(0).stdout;
    let (others, ours) = plan
        .split_once("\n\n~ ")
        .or(plan.split_once("\n\n+ "))
        .unwrap();
    shows(others, CHANGED);
    assert!(!others.contains("512"), "{others}");
    assert!(ours.contains("cpu: 256 → 512"), "{ours}");
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    nothing_is_left_to_do(&navi, &file);
    is_as(&before, &inventory(&endpoint, &WHAT));
}

/// Deletions of what others refer to.
pub const DELETED: &[Deed] = &[
    (
        "group = elbv2.describe_target_groups(Names=['ecs-navi-backend-tg'])['TargetGroups'][0]
listener = elbv2.describe_listeners(LoadBalancerArn=group['LoadBalancerArns'][0])['Listeners'][0]
rule = next(rule for rule in elbv2.describe_rules(ListenerArn=listener['ListenerArn'])['Rules'] if rule['Priority'] == '200')
elbv2.delete_rule(RuleArn=rule['RuleArn'])",
        "listener_rule.backend",
        &["it is gone"],
    ),
    (
        "nat = next(nat for nat in ec2.describe_nat_gateways(Filters=[{'Name': 'tag:navi:stack', 'Values': ['ecs-navi']}])['NatGateways'] if nat['State'] == 'available')
ec2.delete_nat_gateway(NatGatewayId=nat['NatGatewayId'])",
        "nat_gateway.1a",
        &["it is gone"],
    ),
    (
        "subnet = ec2.describe_subnets(Filters=[{'Name': 'tag:navi:stack', 'Values': ['ecs-navi']}, {'Name': 'cidr-block', 'Values': ['10.0.10.0/24']}])['Subnets'][0]
table = ec2.describe_route_tables(Filters=[{'Name': 'association.subnet-id', 'Values': [subnet['SubnetId']]}])['RouteTables'][0]
association = next(each for each in table['Associations'] if each.get('SubnetId') == subnet['SubnetId'])
ec2.disassociate_route_table(AssociationId=association['RouteTableAssociationId'])",
        "route_table.private",
        &["subnets: "],
    ),
    (
        "ecs.delete_service(cluster='ecs-navi-cluster', service='ecs-navi-nginx-proxy-service', force=True)",
        "ecs_service.nginx-proxy",
        &["it is gone"],
    ),
    (
        "ecs.deregister_task_definition(taskDefinition='ecs-navi-nginx-task:1')",
        "task_definition.backend",
        &["it is gone"],
    ),
];

/// Everything is set as it was; a revision that was made again has another number.
#[track_caller]
fn is_as(before: &Value, after: &Value) {
    let lines = |values: &Value| -> Vec<String> {
        let text = format!("{values:#}");
        let plain = |line: &str| match line.contains(":task-definition/") {
            true => line.rsplit_once(':').unwrap().0.to_owned(),
            false => line.to_owned(),
        };
        text.lines().map(plain).collect()
    };
    let (before, after) = (lines(before), lines(after));
    let other = before.iter().zip(&after).find(|(one, two)| one != two);
    assert!(before == after, "{other:?}");
}

/// Whether somebody who asks for this host is served by that service.
#[track_caller]
fn is_served(endpoint: &str, host: &str, service: &str) {
    let visit = json!({"host": host, "path": "/"});
    let answer = post_json(endpoint, "/_navi/http", &visit);
    assert_eq!(answer["status"], 200, "{host}: {answer}");
    assert_eq!(answer["served_by"]["service"], service, "{answer}");
}

#[test]
fn what_others_deleted_is_made_again_and_its_dependents_turn_to_it() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &WHAT);

    let lines: Vec<&str> = DELETED.iter().map(|(lines, _, _)| *lines).collect();
    stranger(&endpoint, &["do", &lines.join("\n")]);
    navi.forget_calls();
    let shown = drift(&navi, &[]).expect(2).stdout;
    shows(&shown, DELETED);
    let plan = navi.sandboxed(&file, &["plan"]).expect(0).stdout;
    for line in [
        "+ listener_rule.backend",
        "+ nat_gateway.1a",
        "+ ecs_service.nginx-proxy",
        "+ task_definition.backend",
        "~ route_table.private",
        "~ ecs_service.backend",
    ] {
        assert!(
            plan.contains(&format!("\n{line}")),
            "no `{line}` in\n{plan}"
        );
    }
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    nothing_is_left_to_do(&navi, &file);
    is_served(&endpoint, "ecs-navi.site", "ecs-navi-nginx-proxy-service");
    is_served(&endpoint, "api.ecs-navi.site", "ecs-navi-backend-service");
    is_as(&before, &inventory(&endpoint, &WHAT));
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}

/// What takes other things with it: the balancer its listeners and their rules, the zone its records.
const DELETED_WITH_MORE: &str = "\
balancer = elbv2.describe_load_balancers(Names=['ecs-navi-lb'])['LoadBalancers'][0]
elbv2.delete_load_balancer(LoadBalancerArn=balancer['LoadBalancerArn'])
zone = next(zone for zone in route53.list_hosted_zones()['HostedZones'] if zone['Name'] == 'ecs-navi.site.')
records = route53.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets']
own = [record for record in records if record['Type'] not in ('NS', 'SOA')]
route53.change_resource_record_sets(HostedZoneId=zone['Id'], ChangeBatch={'Changes': [{'Action': 'DELETE', 'ResourceRecordSet': record} for record in own]})
route53.delete_hosted_zone(Id=zone['Id'])
ecs.delete_service(cluster='ecs-navi-cluster', service='ecs-navi-nginx-proxy-service', force=True)
ecs.delete_service(cluster='ecs-navi-cluster', service='ecs-navi-backend-service', force=True)
ecs.delete_cluster(cluster='ecs-navi-cluster')
for group in logs.describe_log_groups()['logGroups']:
    logs.delete_log_group(logGroupName=group['logGroupName'])
role = next(role for role in iam.list_roles()['Roles'] if role['RoleName'] == 'ecs-navi-ecs-task-execution-role')
for policy in iam.list_role_policies(RoleName=role['RoleName'])['PolicyNames']:
    iam.delete_role_policy(RoleName=role['RoleName'], PolicyName=policy)
iam.delete_role(RoleName=role['RoleName'])";

#[test]
fn what_goes_with_all_that_hangs_on_it_is_made_again_as_a_whole() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &WHAT);
    stranger(&endpoint, &["do", DELETED_WITH_MORE]);

    let shown = drift(&navi, &[]).expect(2).stdout;
    for address in [
        "load_balancer.main",
        "listener.routes",
        "listener_rule.backend",
        "hosted_zone.ecs-navi.site",
        "alias_records.ecs-navi.site",
        "cluster.main",
        "ecs_service.backend",
        "log_group./ecs/api",
        "role.main",
    ] {
        assert!(beneath(&shown, address).contains("it is gone"), "{shown}");
    }
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    nothing_is_left_to_do(&navi, &file);
    is_served(&endpoint, "ecs-navi.site", "ecs-navi-nginx-proxy-service");
    is_served(&endpoint, "api.ecs-navi.site", "ecs-navi-backend-service");
    is_as(&before, &inventory(&endpoint, &WHAT));
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn a_stack_that_is_gone_altogether_comes_up_again_and_goes_without_a_fault() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &WHAT);
    // Somebody with a copy of the state took it down.
    let state = navi.folder().join(".navi/sandbox/ecs-navi.json");
    let recorded = fs::read(&state).unwrap();
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    fs::write(&state, &recorded).unwrap();

    let shown = drift(&navi, &["--output", "json"]).expect(2).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let drifts = shown["drift"].as_array().unwrap();
    let recorded_count = serde_json::from_slice::<Value>(&recorded).unwrap()["resources"]
        .as_object()
        .unwrap()
        .len();
    assert_eq!(drifts.len(), recorded_count);
    assert!(
        drifts.iter().all(|drift| drift["gone"] == true),
        "{shown:#}"
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    nothing_is_left_to_do(&navi, &file);
    is_as(&before, &inventory(&endpoint, &WHAT));

    let recorded = fs::read(&state).unwrap();
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    fs::write(&state, &recorded).unwrap();
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn a_plan_that_trusts_the_state_asks_only_about_what_the_file_changes() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    // Nobody looks, so nobody sees it.
    stranger(&endpoint, &["do", CHANGED[5].0]);
    navi.forget_calls();
    let trusting = ["plan", "--no-refresh", "--exit-code"];
    let plan = navi.sandboxed(&file, &trusting).expect(0).stdout;
    assert!(plan.contains("Nothing to do"), "{plan}");
    assert_eq!(navi.operations(), ["GetCallerIdentity"]);

    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace("    allow:\n", "    count: 3\n    allow:\n")
        .replace("priority: 100", "priority: 90");
    let changed = navi.write("changed.yaml", &changed);
    navi.forget_calls();
    let plan = navi.sandboxed(&changed, &trusting).expect(2).stdout;
    let (_, lines) = plan.split_once("\n\n").unwrap();
    assert_eq!(
        lines,
        "~ listener_rule.nginx-proxy (ecs-navi-nginx-proxy-tg)
    priority: 100 → 90
~ ecs_service.backend (ecs-navi-backend-service)
    desired_count: 1 → 3

Plan: 2 to change, 33 unchanged.
"
    );
    // What was read is the one rule, and the one service with its tasks.
    let mut operations = navi.operations();
    operations.sort();
    assert_eq!(
        operations,
        [
            "DescribeRules",
            "DescribeServices",
            "GetCallerIdentity",
            "ListTasks"
        ]
    );
    // The whole look finds both.
    let plan = navi.sandboxed(&changed, &["plan"]).expect(0).stdout;
    assert!(plan.contains("retention_in_days: 7 → 3"), "{plan}");
    assert!(plan.contains("priority: 100 → 90"), "{plan}");
}
