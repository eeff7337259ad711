//! Is the policy that `navi policy` prints enough for everything that navi does with a stack, and no more?

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ended, Moto, Navi, REGION, boto3, delete, get_json, post_json};

/// The access key that navi has in the sandbox, and its account.
const KEY: &str = "123456789012";

/// Whatever else a stack file can say that takes calls of its own.
const WIDE: &str = "\
stack: wide
tags: { team: blue, mood: good }
network: { nat: single, endpoints: [s3, logs] }
namespace: { name: wide.local, description: first }
ingress: { zone: { create: wide.example }, certificate: { request: [wide.example] } }
services:
  web:
    route: { host: wide.example, priority: 10 }
    count: { min: 2, max: 4, cpu: 50, requests: 100 }
    exec: true
    containers:
      web: { image: 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/web:1, ports: [80], logs: { group: /wide/web } }
  api:
    route: { host: api.wide.example, priority: 20 }
    allow: [{ from: web, port: 8080 }, { from: 10.0.0.0/8, port: 9000 }]
    containers:
      api: { image: public.ecr.aws/wide/api:1, ports: [8080], environment: { A: b } }
  old:
    containers:
      old: { image: public.ecr.aws/wide/old:1, ports: [7000] }
";

/// What becomes of it: what can change in place changes, something is replaced, a service goes.
const LATER: [(&str, &str); 12] = [
    ("mood: good", "other: one"),
    ("description: first", "description: second"),
    ("endpoints: [s3, logs]", "endpoints: [s3, logs, dynamodb]"),
    ("zone: {", "default: { status: 503 }, zone: {"),
    ("priority: 10", "priority: 20, target_group_port: 90"),
    (
        "host: api.wide.example, priority: 20",
        "host: other.wide.example, priority: 10",
    ),
    (
        "min: 2, max: 4, cpu: 50, requests: 100",
        "min: 1, max: 5, cpu: 60",
    ),
    ("group: /wide/web", "group: /wide/web, retention: forever"),
    ("port: 9000", "port: 9001"),
    ("A: b", "A: c"),
    (
        "services:\n",
        "role: { policies: [ecr-pull, logs-write, exec, discovery] }\n\
         defaults: { deregistration_delay: 5s, health_check: { path: /up }, discovery: { ttl: 20s }, spot: { share: 50 } }\n\
         services:\n",
    ),
    (
        "  old:\n    containers:\n      old: { image: public.ecr.aws/wide/old:1, ports: [7000] }\n",
        "",
    ),
];

/// A network that is laid out anew, and names that take successors.
const PLACED: &str = "\
stack: placed
network:
  nat: single
  endpoints: [logs]
  subnets:
    public: { 1a: 10.0.1.0/24, 1c: 10.0.2.0/24 }
    private: { 1a: 10.0.3.0/24, 1c: 10.0.4.0/24 }
services:
  web:
    route: {}
    containers:
      web: { image: public.ecr.aws/placed/web:1, ports: [80] }
";

const MOVED: [(&str, &str); 4] = [
    ("nat: single", "nat: per-zone"),
    ("1c: 10.0.2.0/24 }", "1c: 10.0.2.0/24, 1d: 10.0.5.0/24 }"),
    ("1c: 10.0.4.0/24 }", "1c: 10.0.4.0/24, 1d: 10.0.6.0/24 }"),
    (
        "network:\n",
        "names: { load_balancer_security_group: other }\nnetwork:\n",
    ),
];

/// One in somebody's VPC.
const TENANT: &str = "\
stack: tenant
network: { vpc: { find: VPC, subnets: { public: SUBNETS } } }
namespace: { name: tenant.local }
services:
  web:
    route: {}
    containers:
      web: { image: public.ecr.aws/tenant/web:1, ports: [80] }
";

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// Granted, and not taken in the lives below, or not in each of their runs: when it is.
const ONLY_WHEN: [(&str, &str); 9] = [
    (
        "ec2:DescribeNetworkInterfaces",
        "something holds on to what is to go",
    ),
    (
        "iam:ListAttachedRolePolicies",
        "something holds on to the role that is to go",
    ),
    ("ecs:ExecuteCommand", "a command is run in a container"),
    (
        "iam:GetPolicy",
        "a command is to be run, and the role has policies of others",
    ),
    (
        "iam:GetPolicyVersion",
        "a command is to be run, and the role has policies of others",
    ),
    (
        "logs:GetLogEvents",
        "tasks fail, and their last words are told",
    ),
    (
        "route53:ListTagsForResource",
        "a zone of the wanted name is there already",
    ),
    (
        "servicediscovery:DeregisterInstance",
        "instances outlived their tasks",
    ),
    (
        "servicediscovery:GetService",
        "a run was killed in the middle of a create",
    ),
];

fn documents(navi: &Navi, file: &Path, purpose: &str) -> Vec<Value> {
    let asked = [
        "policy",
        "--for",
        purpose,
        "--account",
        KEY,
        "--output",
        "json",
    ];
    let printed = navi.sandboxed(file, &asked).expect(0).stdout;
    match serde_json::from_str(&printed).unwrap() {
        Value::Array(documents) => documents,
        document => vec![document],
    }
}

fn actions(documents: &[Value]) -> BTreeSet<String> {
    let statements = documents
        .iter()
        .flat_map(|one| one["Statement"].as_array().unwrap());
    let listed = |statement: &Value| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        action => vec![action.clone()],
    };
    let all = statements.flat_map(listed);
    all.map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// The documents without one action.
fn without(documents: &[Value], action: &str) -> Vec<Value> {
    let mut less = documents.to_vec();
    for document in &mut less {
        for statement in document["Statement"].as_array_mut().unwrap() {
            let kept: Vec<Value> = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                one => vec![one.clone()],
            };
            statement["Action"] = kept.into_iter().filter(|one| one != action).collect();
        }
    }
    less
}

fn grant(endpoint: &str, documents: &[Value]) {
    let grant = json!({"access_key": KEY, "documents": documents});
    post_json(endpoint, "/_navi/policies", &grant);
}

/// The actions that calls took since the last grant.
fn used(endpoint: &str) -> BTreeSet<String> {
    let policies = get_json(endpoint, "/_navi/policies");
    let used = policies[KEY]["used"].as_array().unwrap();
    used.iter()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// What others do to a stack, so that a run has to take it back.
fn disturb(endpoint: &str, stack: &str) {
    let ec2 = |expression: &str| boto3(endpoint, "ec2", expression);
    let ids = |listing: &str, list: &str, id: &str| {
        let filter = format!("Filters=[{{'Name': 'tag:navi:stack', 'Values': ['{stack}']}}]");
        ec2(&format!(
            "[each['{id}'] for each in client.{listing}({filter})['{list}']]"
        ))
    };
    let groups = ids("describe_security_groups", "SecurityGroups", "GroupId");
    let tables = ids("describe_route_tables", "RouteTables", "RouteTableId");
    let gateways = ids(
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
    );
    ec2(&format!(
        "client.revoke_security_group_egress(GroupId={}, \
         IpPermissions=[{{'IpProtocol': '-1', 'IpRanges': [{{'CidrIp': '0.0.0.0/0'}}]}}])",
        groups[0]
    ));
    ec2(&format!(
        "client.authorize_security_group_egress(GroupId={}, \
         IpPermissions=[{{'IpProtocol': 'tcp', 'FromPort': 25, 'ToPort': 25, 'IpRanges': [{{'CidrIp': '192.0.2.0/24'}}]}}])",
        groups[1]
    ));
    for table in tables.as_array().unwrap() {
        let way = format!("RouteTableId={table}, GatewayId={}", gateways[0]);
        ec2(&format!(
            "client.replace_route({way}, DestinationCidrBlock='0.0.0.0/0')"
        ));
        ec2(&format!(
            "client.create_route({way}, DestinationCidrBlock='192.0.2.0/24')"
        ));
    }
    let principals = json!(["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": principals},
        "Action": "sts:AssumeRole",
    }]});
    let role = format!("{stack}-ecs-task-execution-role");
    let change = format!(
        "client.update_assume_role_policy(RoleName='{role}', PolicyDocument={:?})",
        trust.to_string()
    );
    boto3(endpoint, "iam", &change);
}

/// A stack with all that navi does to it, under its policy; answers what was granted and what of it was taken.
fn life(
    file: &Path,
    next: Option<&PathBuf>,
    navi: &Navi,
    services: &[&str],
) -> (BTreeSet<String>, BTreeSet<String>) {
    let endpoint = navi.endpoint();
    let run = |file: &Path, arguments: &[&str]| -> Ended {
        let ended = navi.sandboxed(file, arguments);
        assert!(
            !ended.stderr.contains("not authorized"),
            "{arguments:?}: {}",
            ended.stderr
        );
        ended
    };
    let granted = documents(navi, file, "all");
    grant(&endpoint, &granted);
    run(file, &["check"]).expect(0);
    run(file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    run(file, &["up", "--yes"]).expect(0);
    for reading in ["plan", "status", "discover", "outputs", "tasks"] {
        run(file, &[reading]).expect(0);
    }
    // Where `-f` follows, the file is named in full.
    let named = file.to_str().unwrap();
    let logs = ["logs", "--sandbox", "--region", REGION, "--file", named];
    let logs = navi.run(&logs).expect(0);
    assert!(!logs.stderr.contains("not authorized"), "{}", logs.stderr);
    // What they find is other tests' concern.
    run(file, &["drift"]);
    run(file, &["verify"]);
    for service in services {
        run(file, &["redeploy", service, "--yes"]).expect(0);
    }
    assert!(
        navi.mutating_calls()
            .iter()
            .all(|call| call == "UpdateService")
    );
    let mut taken = used(&endpoint);
    let stack = std::fs::read_to_string(file).unwrap();
    let mut lines = stack.lines();
    let stack = lines.find_map(|line| line.strip_prefix("stack: ")).unwrap();
    if stack == "placed" {
        delete(&endpoint, "/_navi/policies");
        disturb(&endpoint, stack);
        grant(&endpoint, &granted);
        run(file, &["up", "--yes"]).expect(0);
        navi.forget_calls();
        run(file, &["up", "--yes"]).expect(0);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());
        taken.extend(used(&endpoint));
    }
    let mut all = actions(&granted);
    let mut last = file;
    if let Some(next) = next {
        // Both what is wanted and what is recorded.
        let granted = documents(navi, next, "all");
        grant(&endpoint, &granted);
        run(next, &["up", "--yes"]).expect(0);
        navi.forget_calls();
        run(next, &["up", "--yes"]).expect(0);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());
        taken.extend(used(&endpoint));
        all.extend(actions(&granted));
        last = next;
    }
    navi.lose_state(stack);
    run(last, &["plan"]).expect(0);
    run(last, &["down", "--yes"]).expect(0);
    taken.extend(used(&endpoint));
    delete(&endpoint, "/_navi/policies");
    (all, taken)
}

#[test]
fn under_its_policy_a_stack_lives_and_all_that_is_granted_is_taken() {
    let navi = Navi::new();
    let ec2 = |expression: &str| boto3(&navi.endpoint(), "ec2", expression);
    let vpc = ec2("client.describe_vpcs()['Vpcs'][0]['VpcId']");
    let subnets = ec2("[each['SubnetId'] for each in client.describe_subnets()['Subnets']][:2]");
    let tenant = TENANT
        .replace("VPC", vpc.as_str().unwrap())
        .replace("SUBNETS", &subnets.to_string());
    let tenant = navi.write("tenant.yaml", &tenant);
    let wide = navi.write("wide.yaml", WIDE);
    let later = navi.write("later.yaml", &changed(WIDE, &LATER));
    let placed = navi.write("placed.yaml", PLACED);
    let moved = navi.write("moved.yaml", &changed(PLACED, &MOVED));
    let mut granted = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for (file, next, services) in [
        (&wide, Some(&later), ["api"].as_slice()),
        (&placed, Some(&moved), &[]),
        (&tenant, None, &[]),
        (&Navi::shipped("ecs-navi.yaml"), None, &["backend"]),
        (&Navi::shipped("full.yaml"), None, &[]),
        (&Navi::shipped("internal.yaml"), None, &[]),
        (&Navi::shipped("minimal.yaml"), None, &[]),
    ] {
        let (all, some) = life(file, next, &navi, services);
        granted.extend(all);
        taken.extend(some);
    }
    let explained: BTreeMap<&str, &str> = ONLY_WHEN.into();
    let idle: Vec<&String> = granted
        .difference(&taken)
        .filter(|one| !explained.contains_key(one.as_str()))
        .collect();
    assert!(idle.is_empty(), "granted and never taken: {idle:?}");
    let wrong: Vec<&&str> = explained
        .keys()
        .filter(|one| !granted.contains(**one))
        .collect();
    assert!(wrong.is_empty(), "explained for nothing: {wrong:?}");
}

#[test]
fn each_purpose_is_enough_for_its_commands_and_for_no_others() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    let run = |arguments: &[&str]| navi.sandboxed(&file, arguments);
    let [read, up, down] = ["read", "up", "down"].map(|purpose| documents(&navi, &file, purpose));
    assert!(actions(&read).iter().all(|action| {
        let (_, name) = action.split_once(':').unwrap();
        ["Describe", "List", "Get", "Filter"]
            .iter()
            .any(|verb| name.starts_with(verb))
    }));

    grant(&endpoint, &read);
    run(&["plan"]).expect(0);
    let refused = run(&["up", "--yes"]);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("ec2:CreateVpc"),
        "{}",
        refused.stderr
    );
    grant(&endpoint, &up);
    run(&["up", "--yes"]).expect(0);
    navi.forget_calls();
    run(&["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let refused = run(&["down", "--yes"]);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("not authorized"),
        "{}",
        refused.stderr
    );

    grant(&endpoint, &read);
    for reading in ["plan", "status", "drift", "discover"] {
        let ended = run(&[reading]);
        assert!(!ended.stderr.contains("not authorized"), "{}", ended.stderr);
    }
    grant(&endpoint, &down);
    run(&["down", "--yes"]).expect(0);
    let refused = run(&["up", "--yes"]);
    assert_ne!(refused.code, 0);
}

/// What is told of a call that one action less than the policy refuses.
#[test]
fn without_any_one_action_up_or_down_is_refused() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    let run = |arguments: &[&str]| navi.sandboxed(&file, arguments);
    let [read, up, down] = ["read", "up", "down"].map(|purpose| documents(&navi, &file, purpose));
    let looks = actions(&read);
    // What `up` takes of its own, as the sandbox sees it.
    grant(&endpoint, &up);
    run(&["up", "--yes"]).expect(0);
    let made: BTreeSet<String> = used(&endpoint).difference(&looks).cloned().collect();
    assert!(made.len() > 30, "{made:?}");
    grant(&endpoint, &down);
    run(&["down", "--yes"]).expect(0);
    let removed: BTreeSet<String> = used(&endpoint).difference(&looks).cloned().collect();
    assert!(removed.len() > 15, "{removed:?}");
    let clear = || {
        post_json(&endpoint, "/_navi/reset", &Value::Null);
        navi.lose_state("ecs-navi");
    };
    for action in &made {
        clear();
        grant(&endpoint, &without(&up, action));
        let refused = run(&["up", "--yes"]);
        assert_ne!(refused.code, 0, "up without {action}");
        assert!(
            refused.stderr.contains(action),
            "up without {action}: {}",
            refused.stderr
        );
    }
    for action in &removed {
        clear();
        run(&["up", "--yes"]).expect(0);
        grant(&endpoint, &without(&down, action));
        let refused = run(&["down", "--yes"]);
        if BEST_EFFORT.contains(&action.as_str()) {
            refused.expect(0);
            continue;
        }
        assert_ne!(refused.code, 0, "down without {action}");
        assert!(
            refused.stderr.contains(action),
            "down without {action}: {}",
            refused.stderr
        );
    }
}

/// Without these a removal only takes longer.
const BEST_EFFORT: [&str; 1] = ["elasticloadbalancing:ModifyTargetGroupAttributes"];

/// moto goes by the names of actions alone, and computes signatures of its own that fit neither Route 53's calls nor
/// bodies with spaces: what it can show is that the reading actions are enough, and that they are no more than that.
#[test]
fn moto_takes_the_actions_for_reading_and_no_others() {
    let navi = Navi::new();
    let (moto, zones) = (Moto::start(), Moto::start());
    let file = Navi::shipped("minimal.yaml");
    let file = file.to_str().unwrap();
    let asked = ["policy", "--for", "read", "--account", KEY, "-f", file];
    let document: Value = serde_json::from_str(&navi.run(&asked).expect(0).stdout).unwrap();
    let all: Vec<String> = actions(&[document]).into_iter().collect();
    let everywhere = json!({"Effect": "Allow", "Action": all, "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": [everywhere]}).to_string();
    let made = boto3(
        &moto.endpoint,
        "iam",
        &format!(
            "[client.create_user(UserName='reader'), \
             client.put_user_policy(UserName='reader', PolicyName='read', PolicyDocument={document:?}), \
             client.create_access_key(UserName='reader')['AccessKey']][2]"
        ),
    );
    post_json(&moto.endpoint, "/moto-api/reset-auth", &json!(0));
    let run = |arguments: &[&str]| {
        let mut command = navi.command(arguments);
        command
            .args(["-f", file, "--region", REGION])
            .env("AWS_ENDPOINT_URL", &moto.endpoint)
            .env("AWS_ENDPOINT_URL_ROUTE_53", &zones.endpoint)
            .env("AWS_ACCESS_KEY_ID", made["AccessKeyId"].as_str().unwrap())
            .env(
                "AWS_SECRET_ACCESS_KEY",
                made["SecretAccessKey"].as_str().unwrap(),
            );
        Ended::of(command.output().unwrap())
    };
    let plan = run(&["plan"]).expect(0);
    assert!(plan.stdout.contains("to create"), "{}", plan.stdout);
    let refused = run(&["up", "--yes", "--no-wait", "--skip-check"]);
    assert_ne!(refused.code, 0);
    let denied = "not authorized to perform: ec2:CreateVpc";
    assert!(refused.stderr.contains(denied), "{}", refused.stderr);
}

#[test]
fn a_policy_is_tied_to_the_stack_and_fits_into_iam() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    let printed = navi
        .sandboxed(&file, &["policy", "--account", KEY])
        .expect(0);
    let documents: Value = serde_json::from_str(&printed.stdout).unwrap();
    let count = documents.as_array().map_or(1, Vec::len);
    for part in 1..=count {
        let asked = ["policy", "--account", KEY, "--part", &part.to_string()];
        let part = navi.sandboxed(&file, &asked).expect(0).stdout;
        let document: Value = serde_json::from_str(&part).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
        let size = part.chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 6144, "{size}");
    }
    let too_far = ["policy", "--part", &(count + 1).to_string()];
    navi.sandboxed(&file, &too_far).expect(1);
    // Nothing that changes anything is allowed on everything, but for what IAM can tie to nothing.
    let untied: BTreeSet<String> = documents
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["Statement"].as_array().unwrap())
        .filter(|one| one["Resource"] == "*" && one["Condition"].is_null())
        .flat_map(|one| actions(&[json!({"Statement": [one]})]))
        .filter(|action| {
            !["Describe", "List", "Get"]
                .iter()
                .any(|verb| action.contains(&format!(":{verb}")))
        })
        .collect();
    let known = [
        "ecs:DeregisterTaskDefinition",
        "route53:CreateHostedZone",
        "servicediscovery:UntagResource",
    ];
    assert_eq!(untied.iter().collect::<Vec<_>>(), known);

    // No file and no state: an account that isn't known is any, and so is a region.
    let open = navi
        .run(&[
            "policy",
            "-f",
            Navi::shipped("minimal.yaml").to_str().unwrap(),
        ])
        .expect(0);
    assert!(
        open.stdout.contains("arn:aws:ec2:*:*:vpc/*"),
        "{}",
        open.stdout
    );
    assert!(open.stderr.contains("--account NUMBER"), "{}", open.stderr);
}
