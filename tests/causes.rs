//! Is everything that goes wrong told by its cause, with a code that `navi explain` knows? Each cause of the catalogue
//! is provoked by a test; the table at the end says which.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use navi::resource::Cause;
use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, delete, get_json, inventory, post_json, stranger};

/// The codes of the steps that failed, by their addresses.
#[track_caller]
fn codes(ended: &Ended) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr));
    let failed = document["failed"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("no code").to_owned();
    failed
        .map(|failed| (text(&failed["address"]), text(&failed["code"])))
        .collect()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

/// A command that ends early: its exit code, and the code of its cause, in the text and in JSON.
#[track_caller]
fn ends_with(navi: &Navi, arguments: &[&str], exit_code: i32, cause: &str) {
    let told = navi.run(arguments).expect(exit_code).stderr;
    says(
        &told,
        &[&format!("code: {cause}, see `navi explain {cause}`")],
    );
    let json = [arguments, &["--output", "json"]].concat();
    let told = navi.run(&json).expect(exit_code).stderr;
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["code"]),
        (&json!("error"), &json!(cause)),
        "{told}"
    );
}

/// A service each for what keeps a task from starting or staying: its name, its outcome in the sandbox, what else its
/// one container has, and the cause.
const WRONG: [(&str, &str, &str, &str); 16] = [
    ("exits", "exit-1", "", "NAVI0101"),
    ("memory", "out-of-memory", "", "NAVI0102"),
    ("ends", "exit-0", "", "NAVI0103"),
    ("command", "cannot-start", "", "NAVI0104"),
    ("answers", "unhealthy", ", ports: [80]", "NAVI0105"),
    ("silent", "silent", ", ports: [80]", "NAVI0106"),
    (
        "sick",
        "container-unhealthy",
        ", health_check: { command: [CMD, check] }",
        "NAVI0107",
    ),
    (
        "missing",
        "runs",
        ", secrets: { KEY: /wrong/missing }",
        "NAVI0109",
    ),
    (
        "denied",
        "runs",
        ", secrets: { KEY: /wrong/denied }",
        "NAVI0110",
    ),
    (
        "file",
        "runs",
        ", environment_files: [\"arn:aws:s3:::wrong/missing.env\"]",
        "NAVI0111",
    ),
    ("image", "cannot-pull", "", "NAVI0201"),
    ("refused", "pull-denied", "", "NAVI0202"),
    ("platform", "wrong-platform", "", "NAVI0203"),
    ("limited", "pull-limited", "", "NAVI0204"),
    ("vcpus", "no-vcpus", "", "NAVI0602"),
    ("capacity", "no-capacity", "", "NAVI0603"),
];

/// Containers in order: one that only prepares something, and fails.
const IN_ORDER: &str = "
  waits:
    containers:
      migrate: { image: \"example.com/wrong/migrate:1\", essential: false }
      web: { image: \"example.com/wrong/waiting:1\", depends_on: { migrate: success } }
";

const SECRET: &str = "hunter2-of-the-database";

fn wrong_stack() -> String {
    let mut text = "stack: wrong\nnetwork: { nat: none }\nservices:".to_owned();
    for (name, _, more, _) in WRONG {
        let route = match more.contains("ports") {
            true => format!(
                "\n    route: {{ path: /{name} }}\n    health_check: {{ path: /{name}/health, matcher: \"200\" }}"
            ),
            false => String::new(),
        };
        text.push_str(&format!(
            "\n  {name}:{route}\n    containers:\n      web: {{ image: \"example.com/wrong/{name}:1\", environment: {{ PASSWORD: {SECRET} }}{more} }}"
        ));
    }
    text.push_str(IN_ORDER);
    text
}

fn outcome(endpoint: &str, image: &str, outcome: &str, says: &[&str]) {
    let rule = json!({"image": image, "outcome": outcome, "says": says});
    post_json(endpoint, "/_navi/tasks", &rule);
}

/// All files that navi keeps of its stacks in the sandbox.
fn kept(navi: &Navi) -> String {
    fs::read_dir(navi.folder().join(".navi/sandbox"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn services_that_can_t_start_are_told_with_their_cause() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = navi.write("wrong.yaml", &wrong_stack());
    let last_words = format!("no database at db.internal, tried {SECRET}");
    for (name, end, _, _) in WRONG {
        let image = format!("wrong/{name}:1");
        outcome(&endpoint, &image, end, &["reading settings", &last_words]);
    }
    outcome(
        &endpoint,
        "wrong/migrate:1",
        "exit-1",
        &["no such table: users"],
    );
    for (value_from, what) in [
        ("/wrong/missing", "missing"),
        ("/wrong/denied", "denied"),
        ("wrong/missing.env", "missing"),
    ] {
        let mut rule = json!({"value_from": value_from});
        rule[what] = json!(true);
        post_json(&endpoint, "/_navi/secrets", &rule);
    }

    let ended = navi
        .sandboxed(&file, &["up", "--yes", "--output", "json"])
        .expect(3);
    let mut expected: BTreeMap<String, String> = WRONG
        .iter()
        .map(|(name, _, _, cause)| (format!("ecs_service.{name}"), (*cause).to_owned()))
        .collect();
    expected.insert("ecs_service.waits".to_owned(), "NAVI0108".to_owned());
    assert_eq!(codes(&ended), expected, "{}", ended.stderr);
    // A program learns where to look, and not what stands there.
    let at_the_log =
        "\"logs\":[{\"container\":\"web\",\"group\":\"/ecs/wrong/exits\",\"stream\":\"ecs/web/";
    says(&ended.stderr, &[at_the_log]);
    for text in [&ended.stderr, &ended.stdout, &kept(&navi)] {
        assert!(!text.contains("no database at"), "{text}");
    }

    // The same for a person: reason, exit code, health check with path and answer, last lines.
    let told = navi.sandboxed(&file, &["up", "--yes"]).expect(3).stderr;
    says(
        &told,
        &[
            "tasks stopped for the same reason: container web exited with code 1 (image example.com/wrong/exits:1)",
            "last lines of container web, shown here only (/ecs/wrong/exits, ecs/web/",
            "    | reading settings\n    | no database at db.internal, tried (value of PASSWORD)\n",
            "hint: its last lines say why: mend it",
            "code: NAVI0101, see `navi explain NAVI0101`",
            "OutOfMemoryError: Container killed due to memory usage",
            "GET /answers/health wants 200; Health checks failed with these codes: [503]",
            "GET /silent/health wants 200; Request timed out",
            "last lines of container migrate, shown here only (/ecs/wrong/waits, ecs/migrate/",
            "    | no such table: users\n",
            "times ECS could not place a task: You've reached the limit on the number of vCPUs",
        ],
    );
    for text in [&told, &kept(&navi)] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(!kept(&navi).contains("no database at"));

    // Mended, it comes up, and another run has nothing to do.
    outcome(&endpoint, "wrong/", "runs", &[]);
    for value_from in ["/wrong/", "wrong/missing.env"] {
        post_json(
            &endpoint,
            "/_navi/secrets",
            &json!({"value_from": value_from}),
        );
    }
    // A migration that runs to its end is well.
    outcome(&endpoint, "wrong/migrate:1", "exit-0", &[]);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// Two services that run, one of which needs a secret to start.
const SHOP: &str = "\
stack: shop
services:
  web:
    containers:
      web: { image: example.com/shop/web:1 }
  keyed:
    containers:
      web: { image: example.com/shop/keyed:1, secrets: { KEY: /shop/key } }
";

#[test]
fn what_others_take_from_tasks_is_told_when_new_ones_start() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = navi.write("shop.yaml", SHOP);
    let up = || navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let redeploy = |services: &[&str]| {
        let arguments = [&["redeploy"][..], services, &["--yes", "--output", "json"]].concat();
        let ended = navi.sandboxed(&file, &arguments);
        assert_ne!(ended.code, 0, "{}", ended.stderr);
        codes(&ended)
    };
    let expected = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, cause)| (format!("ecs_service.{name}"), (*cause).to_owned()))
            .collect()
    };
    up();

    let no_way_out = "
table = next(table for table in ec2.describe_route_tables()['RouteTables'] for tag in table.get('Tags', []) if tag['Key'] == 'navi:stack')
ec2.delete_route(RouteTableId=table['RouteTableId'], DestinationCidrBlock='0.0.0.0/0')
";
    stranger(&endpoint, &["do", no_way_out]);
    assert_eq!(
        redeploy(&["web", "keyed"]),
        expected(&[("web", "NAVI0301"), ("keyed", "NAVI0302")])
    );
    up();

    let nobody_trusted = "
trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'ec2.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}
iam.update_assume_role_policy(RoleName='shop-ecs-task-execution-role', PolicyDocument=json.dumps(trust))
";
    stranger(&endpoint, &["do", nobody_trusted]);
    assert_eq!(redeploy(&["web"]), expected(&[("web", "NAVI0402")]));
    up();

    stranger(
        &endpoint,
        &["do", "logs.delete_log_group(logGroupName='/ecs/shop/web')"],
    );
    assert_eq!(redeploy(&["web"]), expected(&[("web", "NAVI0112")]));
    up();

    navi.forget_calls();
    up();
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// More tasks than a /28 has addresses for.
const CROWDED: &str = "\
stack: crowded
network:
  subnets: { public: { zone-1: 10.0.0.0/28 } }
services:
  web:
    count: 12
    containers:
      web: { image: example.com/web:1 }
";

#[test]
fn a_subnet_that_is_full_is_told() {
    let navi = Navi::new();
    let file = navi.write("crowded.yaml", CROWDED);
    let arguments = ["up", "--yes", "--skip-check", "--output", "json"];
    let ended = navi.sandboxed(&file, &arguments).expect(3);
    let expected = [("ecs_service.web".to_owned(), "NAVI0303".to_owned())];
    assert_eq!(codes(&ended), BTreeMap::from(expected), "{}", ended.stderr);
    let fewer = navi.write("crowded.yaml", &CROWDED.replace("12", "11"));
    navi.sandboxed(&fewer, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&fewer, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

/// Faults of single calls, and the cause that each stands for: the operation, what it gets, and the address of the step.
fn refusals() -> Vec<(Value, &'static str, &'static str)> {
    let refuse = |operation: &str, code: &str, message: &str| json!({"operation": operation, "do": "refuse", "code": code, "message": message, "times": 9});
    vec![
        (
            json!({"operation": "CreateLoadBalancer", "do": "deny"}),
            "load_balancer.main",
            "NAVI0401",
        ),
        (
            json!({"operation": "CreateNatGateway", "do": "quota"}),
            "nat_gateway.1a",
            "NAVI0601",
        ),
        (
            json!({"operation": "CreateCluster", "do": "expired"}),
            "cluster.main",
            "NAVI0902",
        ),
        (
            refuse(
                "RegisterTaskDefinition",
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/web",
            ),
            "task_definition.backend",
            "NAVI0403",
        ),
        (
            refuse(
                "CreatePrivateDnsNamespace",
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            "namespace.main",
            "NAVI0903",
        ),
        (
            refuse(
                "CreateHostedZone",
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ),
            "hosted_zone.ecs-navi.site",
            "NAVI0904",
        ),
    ]
}

#[test]
fn calls_that_aws_refuses_are_told_with_their_cause() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    for (fault, _, _) in refusals() {
        post_json(&endpoint, "/_navi/faults", &fault);
    }
    let arguments = ["up", "--yes", "--skip-check", "--output", "json"];
    let told = codes(&navi.sandboxed(&file, &arguments).expect(3));
    for (fault, address, cause) in refusals() {
        assert_eq!(
            told.get(address).map(String::as_str),
            Some(cause),
            "{fault} in {told:?}"
        );
    }
    delete(&endpoint, "/_navi/faults");
    // The first cluster of an account brings ECS's own role along.
    let no_role = json!({"operation": "CreateCluster", "do": "refuse", "code": "AccessDeniedException",
        "message": "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: iam:CreateServiceLinkedRole on resource: arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"});
    post_json(&endpoint, "/_navi/faults", &no_role);
    let told = codes(&navi.sandboxed(&file, &arguments).expect(3));
    assert_eq!(
        told.get("cluster.main").map(String::as_str),
        Some("NAVI0404"),
        "{told:?}"
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

/// A stack whose network others can get in the way of.
const NETTED: &str = "\
stack: netted
network:
  nat: single
  subnets: { public: { zone-1: 10.0.0.0/24 }, private: { zone-1: 10.0.10.0/24 } }
services:
  web:
    containers:
      web: { image: example.com/web:1 }
";

#[test]
fn what_others_put_into_the_network_is_told() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = navi.write("netted.yaml", NETTED);
    let plan = navi.sandboxed(&file, &["plan"]).expect(0).stdout;
    let named = |kind: &str| {
        let line = plan.lines().find(|line| line.contains(kind)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let (address, gateway) = (named("elastic_ip."), named("nat_gateway."));
    let subnet = named("subnet.private");

    // The address is there, and somebody's gateway takes it; a subnet of theirs has the range of one of ours.
    for target in ["vpc.main", &address] {
        navi.sandboxed(&file, &["up", "--yes", "--target", target])
            .expect(0);
    }
    let in_the_way = "
vpc = ec2.describe_vpcs(Filters=[{'Name': 'tag:navi:stack', 'Values': ['netted']}])['Vpcs'][0]['VpcId']
ec2.create_subnet(VpcId=vpc, CidrBlock='10.0.10.0/24')
default = ec2.describe_subnets(Filters=[{'Name': 'default-for-az', 'Values': ['true']}])['Subnets'][0]['SubnetId']
address = ec2.describe_addresses()['Addresses'][0]['AllocationId']
ec2.create_nat_gateway(SubnetId=default, AllocationId=address)
";
    stranger(&endpoint, &["do", in_the_way]);
    let arguments = ["up", "--yes", "--skip-check", "--output", "json"];
    let told = codes(&navi.sandboxed(&file, &arguments).expect(3));
    assert_eq!(
        told.get(&gateway).map(String::as_str),
        Some("NAVI0304"),
        "{told:?}"
    );
    assert_eq!(
        told.get(&subnet).map(String::as_str),
        Some("NAVI0305"),
        "{told:?}"
    );
}

const DEMO: &str = "\
stack: demo
region: ap-northeast-1
protect: true
services:
  web:
    containers:
      web: { image: example.com/web:1 }
";

#[test]
fn what_ends_a_command_early_is_told_with_its_cause() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = navi.write("navi.yaml", DEMO);
    let file = file.to_str().unwrap();

    ends_with(
        &navi,
        &["status", "--sandbox", "--stack", "nobody"],
        1,
        "NAVI0806",
    );
    navi.write("file", "");
    ends_with(
        &navi,
        &["up", "--yes", "--state-dir", "file/below"],
        1,
        "NAVI0805",
    );
    let looked_up = DEMO.replace(
        "services:",
        "ingress: { zone: { find: nowhere.test } }\nservices:",
    );
    let looked_up = looked_up.replace(
        "  web:\n",
        "  web:\n    route: { host: a.nowhere.test, to: \"web:80\" }\n",
    );
    let looked_up = looked_up.replace("web:1 }", "web:1, ports: [80] }");
    let looked_up = navi.write("looked-up.yaml", &looked_up);
    let looked_up = looked_up.to_str().unwrap();
    ends_with(
        &navi,
        &["plan", "--sandbox", "-f", looked_up],
        1,
        "NAVI0502",
    );

    // Another navi at work: its first call is held.
    post_json(
        &endpoint,
        "/_navi/faults",
        &json!({"operation": "CreateVpc", "do": "hold"}),
    );
    let mut held = navi
        .command(&["up", "--yes", "--sandbox"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while get_json(&endpoint, "/_navi/calls")
        .as_array()
        .unwrap()
        .iter()
        .all(|call| call["operation"] != "CreateVpc")
    {
        std::thread::yield_now();
    }
    ends_with(&navi, &["up", "--yes", "--sandbox"], 4, "NAVI0801");
    post_json(&endpoint, "/_navi/release", &Value::Null);
    assert_eq!(held.wait().unwrap().code(), Some(0));

    ends_with(
        &navi,
        &["down", "--yes", "--sandbox", "-f", file],
        1,
        "NAVI0504",
    );
    ends_with(
        &navi,
        &["status", "--sandbox", "--region", "eu-west-1"],
        1,
        "NAVI0804",
    );
    let state = navi.folder().join(".navi/sandbox/demo.json");
    let good = fs::read_to_string(&state).unwrap();
    let (before, rest) = good.split_once("\"version\": ").unwrap();
    let (_, rest) = rest.split_once(',').unwrap();
    let newer = format!("{before}\"version\": 99,{rest}");
    assert_ne!(good, newer);
    fs::write(&state, newer).unwrap();
    ends_with(&navi, &["status", "--sandbox"], 1, "NAVI0803");
    fs::write(&state, "no longer what navi wrote").unwrap();
    ends_with(&navi, &["status", "--sandbox"], 1, "NAVI0802");
    fs::write(&state, good).unwrap();
    navi.run(&["status", "--sandbox"]).expect(0);
}

#[test]
fn what_keeps_navi_from_aws_is_told_with_its_cause() {
    let navi = Navi::new();
    let file = navi.write("navi.yaml", &DEMO.replace("region: ap-northeast-1\n", ""));
    let file = file.to_str().unwrap();
    let told = |environment: &[(&str, &str)], cause: &str| {
        let mut command = navi.command(&["plan", "-f", file]);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("HOME", navi.folder());
        command.envs(environment.iter().copied());
        let ended = Ended::of(command.output().unwrap()).expect(1);
        says(&ended.stderr, &[&format!("code: {cause}, see")]);
    };
    let region = ("AWS_REGION", "eu-west-1");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    told(&keys, "NAVI0907");
    told(&[region], "NAVI0901");
    let bundle = ("AWS_CA_BUNDLE", "nowhere.pem");
    told(&[region, keys[0], keys[1], bundle], "NAVI0906");
    let nobody = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    told(&[region, keys[0], keys[1], nobody], "NAVI0905");
}

#[test]
fn explain_prints_the_pages_without_a_stack_or_a_network() {
    let navi = Navi::new();
    let page = fs::read_to_string(pages().join("NAVI0201.md")).unwrap();
    for written in ["NAVI0201", "navi0201", "201"] {
        let told = navi.run(&["explain", written]).expect(0);
        assert!(
            told.stdout
                .starts_with("NAVI0201: an image is not in its registry\n\nWhat navi saw\n"),
            "{}",
            told.stdout
        );
        assert_eq!(told.stderr, "");
    }
    let document = navi
        .run(&["explain", "NAVI0201", "--output", "json"])
        .expect(0);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(document["code"], "NAVI0201");
    assert_eq!(document["group"], "images");
    assert_eq!(document["page"], json!(page));

    let all = navi.run(&["explain"]).expect(0).stdout;
    let listed = navi.run(&["explain", "--output", "json"]).expect(0).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), Cause::ALL.len());
    for cause in Cause::ALL {
        says(&all, &[&format!("  {cause}  {}\n", cause.title())]);
        let told = navi.run(&["explain", cause.code()]).expect(0).stdout;
        assert!(!told.contains("](") && !told.contains("```"), "{told}");
    }

    let typo = navi.run(&["explain", "NAVI0210"]).expect(1).stderr;
    says(
        &typo,
        &["there is no code `NAVI0210`", "did you mean `NAVI02"],
    );
    let nonsense = navi.run(&["explain", "nonsense"]).expect(1).stderr;
    says(&nonsense, &["`navi explain` lists all codes"]);
    assert!(!navi.folder().join(".navi").exists());
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

/// The test that provokes each cause. Nearly all do so with the built navi in the sandbox; the rest, which neither the
/// sandbox nor a clock can bring about, with the answers of AWS or of a name server.
const PROVOKED: &[(&[&str], &str, &str)] = &[
    (
        &[
            "NAVI0101", "NAVI0102", "NAVI0103", "NAVI0104", "NAVI0105", "NAVI0106", "NAVI0107",
            "NAVI0109", "NAVI0110", "NAVI0111", "NAVI0201", "NAVI0202", "NAVI0203", "NAVI0204",
            "NAVI0602", "NAVI0603", "NAVI0108",
        ],
        "tests/causes.rs",
        "services_that_can_t_start_are_told_with_their_cause",
    ),
    (
        &["NAVI0112", "NAVI0301", "NAVI0302", "NAVI0402"],
        "tests/causes.rs",
        "what_others_take_from_tasks_is_told_when_new_ones_start",
    ),
    (
        &["NAVI0303"],
        "tests/causes.rs",
        "a_subnet_that_is_full_is_told",
    ),
    (
        &[
            "NAVI0401", "NAVI0403", "NAVI0404", "NAVI0601", "NAVI0902", "NAVI0903", "NAVI0904",
        ],
        "tests/causes.rs",
        "calls_that_aws_refuses_are_told_with_their_cause",
    ),
    (
        &["NAVI0304", "NAVI0305"],
        "tests/causes.rs",
        "what_others_put_into_the_network_is_told",
    ),
    (
        &[
            "NAVI0502", "NAVI0504", "NAVI0801", "NAVI0802", "NAVI0803", "NAVI0804", "NAVI0805",
            "NAVI0806",
        ],
        "tests/causes.rs",
        "what_ends_a_command_early_is_told_with_its_cause",
    ),
    (
        &["NAVI0901", "NAVI0905", "NAVI0906", "NAVI0907"],
        "tests/causes.rs",
        "what_keeps_navi_from_aws_is_told_with_its_cause",
    ),
    (
        &["NAVI0113"],
        "tests/rollouts.rs",
        "a_deployment_that_somebody_else_replaces_is_told",
    ),
    (
        &["NAVI0306"],
        "tests/failures.rs",
        "down_that_is_given_up_names_who_holds_what_and_has_touched_nothing_of_theirs",
    ),
    (
        &["NAVI0501"],
        "tests/preflight.rs",
        "strangers_of_every_kind_are_named_together_and_untouched",
    ),
    (
        &["NAVI0706"],
        "tests/preflight.rs",
        "a_zone_that_two_have_stops_it",
    ),
    (
        &["NAVI0702", "NAVI0703", "NAVI0705"],
        "tests/preflight.rs",
        "a_certificate_that_can_t_serve_stops_it",
    ),
    (
        &["NAVI0503"],
        "src/execute/tests.rs",
        "what_another_removes_while_it_is_waited_for_ends_the_wait_and_the_next_run_makes_it_anew",
    ),
    (
        &["NAVI0604"],
        "tests/virtual_time.rs",
        "an_account_that_is_throttled_for_long_is_told",
    ),
    (
        &["NAVI0701"],
        "src/preflight/delegation.rs",
        "a_domain_that_leads_elsewhere_is_told_and_stops_a_certificate",
    ),
    (
        &["NAVI0704"],
        "src/preflight/certificates.rs",
        "one_that_has_ended_or_soon_does_is_told_by_its_code",
    ),
];

#[test]
fn every_cause_is_provoked_by_a_test() {
    let mut provoked: Vec<&str> = PROVOKED
        .iter()
        .flat_map(|(causes, _, _)| *causes)
        .copied()
        .collect();
    provoked.sort_unstable();
    let all: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    assert_eq!(provoked, all);
    for (causes, file, test) in PROVOKED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(path).unwrap();
        let (_, rest) = text
            .split_once(&format!("fn {test}()"))
            .unwrap_or_else(|| panic!("no test {test} in {file}"));
        if *file == "tests/causes.rs" {
            // The table itself names them once more.
            for cause in *causes {
                assert!(text.matches(cause).count() > 1, "{cause} in {file}");
            }
            continue;
        }
        // Up to the next test, or the end of the file.
        let body = rest.split("fn ").next().unwrap_or_default();
        for cause in *causes {
            let name = Cause::of_code(cause).unwrap();
            let named = body.contains(cause) || body.contains(&format!("Cause::{name:?}"));
            assert!(named, "{test} of {file} says nothing of {cause}");
        }
    }
}
