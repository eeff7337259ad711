//! Is what others change and delete shown field by field, apart from what the file changes, and brought back by `up`?

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Inventory, Navi, inventory, stranger};

/// What somebody did: lines of boto3, the address where it shows, and what stands there.
type Deed = (&'static str, &'static str, &'static [&'static str]);

/// One deed for each kind whose fields a sweep reads.
const CHANGED: &[Deed] = &[
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
        "subnet = ec2.describe_subnets(Filters=[{'Name': 'cidr-block', 'Values': ['10.0.1.0/24']}])['Subnets'][0]
ec2.modify_subnet_attribute(SubnetId=subnet['SubnetId'], MapPublicIpOnLaunch={'Value': False})
ec2.create_tags(Resources=[subnet['SubnetId']], Tags=[{'Key': 'Name', 'Value': 'mine'}])",
        "subnet.public-1a",
        &["map_public_ip_on_launch: true → false", "tags.Name: ecs-navi-subnet-public-1a → mine"],
    ),
    (
        "vpc = ec2.describe_vpcs(Filters=[{'Name': 'cidr', 'Values': ['10.0.0.0/16']}])['Vpcs'][0]
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
        "service = next(service for service in servicediscovery.list_services()['Services'] if service['Name'] == 'backend')
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
    let before = inventory(&endpoint, &Inventory::Values { stack: "ecs-navi" });

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
    let after = inventory(&endpoint, &Inventory::Values { stack: "ecs-navi" });
    assert_eq!(before, after);
}
