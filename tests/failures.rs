//! What becomes of a run in which AWS refuses something? The rest goes on, the end says what is left and how to
//! go on, and the next run does only that.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, REGION, get_json, inventory, post_json, stranger};

fn arm(navi: &Navi, fault: Value) {
    post_json(&navi.endpoint(), "/_navi/faults", &fault);
}

fn refuse(navi: &Navi, operations: &[&str]) {
    for operation in operations {
        arm(navi, json!({"operation": operation, "do": "deny"}));
    }
}

/// The addresses in a list of a command's document.
fn addresses(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry["address"].as_str().unwrap())
        .collect()
}

fn set<const N: usize>(of: [&'static str; N]) -> BTreeSet<&'static str> {
    of.into()
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Runs the command that the end of a run names, word for word.
#[track_caller]
fn resume(navi: &Navi, ended: &Ended) -> Ended {
    let line = ended.stderr.lines().last().unwrap();
    let command = line
        .strip_prefix("to go on where it stopped: navi ")
        .unwrap_or_else(|| panic!("the last line is `{line}`"));
    let words: Vec<&str> = command.split(' ').collect();
    navi.run(&words)
}

/// The end of a run from its first failure on, without what differs from run to run.
fn end_of(ended: &Ended, navi: &Navi, file: &Path) -> String {
    let at = ended.stderr.find("\nfailed: ").expect("a failure is told") + 1;
    let folder = navi.folder().to_str().unwrap();
    let text = ended.stderr[at..]
        .replace(folder, "FOLDER")
        .replace(file.to_str().unwrap(), "stacks/ecs-navi.yaml");
    let lines = text.lines().map(|line| {
        let words: Vec<String> = line.split(' ').map(masked).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn masked(word: &str) -> String {
    let core = word.trim_matches(|character: char| "(),.:'".contains(character));
    let is_hex = |text: &str| text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit());
    let is_uuid = |text: &str| text.len() == 36 && text.split('-').count() == 5;
    let last = core.rsplit('/').next().unwrap_or_default();
    let mask = if is_uuid(last) {
        core.replace(last, "…")
    } else if core.ends_with('s') && core.starts_with(|first: char| first.is_ascii_digit()) {
        "…s".to_owned()
    } else {
        let parts = core.split_inclusive(['-', '/']).map(|part| {
            let end = part.trim_end_matches(['-', '/']);
            match is_hex(end) {
                true => part.replace(end, "…"),
                false => part.to_owned(),
            }
        });
        parts.collect()
    };
    match core.is_empty() {
        true => word.to_owned(),
        false => word.replace(core, &mask),
    }
}

#[test]
fn up_goes_on_past_failures_and_its_resume_command_does_only_what_is_left() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");

    refuse(&navi, &["CreateLoadBalancer", "CreateNatGateway"]);
    let ended = navi
        .sandboxed(&file, &["up", "--yes", "--skip-check", "--timeout", "20m"])
        .expect(3);
    insta::assert_snapshot!("up_that_failed", end_of(&ended, &navi, &file));

    // The same again as a program sees it, with one of the two mended.
    refuse(&navi, &["CreateNatGateway"]);
    navi.forget_calls();
    let ended = navi
        .sandboxed(&file, &["up", "--yes", "--output", "json"])
        .expect(3);
    let told = document(&ended);
    assert_eq!(told["outcome"], "partial");
    assert_eq!(addresses(&told["failed"]), set(["nat_gateway.1a"]));
    let failed = &told["failed"][0]["error"];
    assert_eq!(failed["operation"], "ec2:CreateNatGateway");
    assert_eq!(failed["code"], "UnauthorizedOperation");
    assert_eq!(failed["class"], "denied");
    assert_eq!(failed["request_id"].as_str().map(str::len), Some(36));
    assert_eq!(
        addresses(&told["blocked"]),
        set([
            "route_table.private",
            "ecs_service.backend",
            "ecs_service.nginx-proxy"
        ])
    );
    let by = |blocked: &Value| blocked["by"] == json!(["nat_gateway.1a"]);
    assert!(told["blocked"].as_array().unwrap().iter().all(by));
    let mut calls = navi.mutating_calls();
    calls.sort();
    let left = [
        "ChangeResourceRecordSets",
        "CreateListener",
        "CreateLoadBalancer",
        "CreateNatGateway",
        "CreateRule",
        "CreateRule",
    ];
    assert_eq!(calls, left);
    let words = told["resume"].as_str().unwrap();
    assert!(words.ends_with("--sandbox --yes --output json"), "{words}");

    // What the first run had said to type still does only what is left, with the options that it was given.
    navi.forget_calls();
    let words: Vec<&str> = words.split(' ').skip(1).collect();
    let told = document(&navi.run(&words).expect(0));
    assert_eq!(told["outcome"], "done");
    let mut calls = navi.mutating_calls();
    calls.sort();
    let left = [
        "AssociateRouteTable",
        "AssociateRouteTable",
        "CreateNatGateway",
        "CreateRoute",
        "CreateRouteTable",
        "CreateService",
        "CreateService",
    ];
    assert_eq!(calls, left);

    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn what_one_call_of_several_left_is_finished_and_not_made_again() {
    // The object is there, its second call was refused.
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    refuse(
        &navi,
        &["ModifyVpcAttribute", "PutRetentionPolicy", "PutRolePolicy"],
    );
    let ended = navi.sandboxed(&file, &["up", "--yes"]).expect(3);
    let left = "it is recorded, the next run goes on with it";
    assert!(
        ended.stderr.contains("left behind: vpc-"),
        "{}",
        ended.stderr
    );
    // Each failure is told when it happens and at the end.
    assert_eq!(ended.stderr.matches(left).count(), 6, "{}", ended.stderr);

    navi.forget_calls();
    resume(&navi, &ended).expect(0);
    let calls = navi.mutating_calls();
    for made in ["CreateVpc", "CreateRole"] {
        assert!(!calls.iter().any(|call| call == made), "{calls:?}");
    }
    // One of the two log groups was made without a refusal.
    let groups = calls.iter().filter(|call| *call == "CreateLogGroup");
    assert_eq!(groups.count(), 0, "{calls:?}");
    for finished in ["ModifyVpcAttribute", "PutRetentionPolicy", "PutRolePolicy"] {
        let times = calls.iter().filter(|call| *call == finished).count();
        assert_eq!(times, 1, "{finished} in {calls:?}");
    }
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

#[test]
fn what_passes_is_waited_for_and_no_failure() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    let strike = |operation: &str, effect: &str| {
        let fault = json!({"operation": operation, "do": effect, "times": 5});
        arm(&navi, fault);
    };
    for operation in ["CreateRouteTable", "CreateRule", "ChangeResourceRecordSets"] {
        strike(operation, "throttle");
    }
    strike("PutRolePolicy", "status-503");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    strike("DeleteRole", "throttle");
    strike("DeleteSubnet", "status-500");
    strike("DeleteCluster", "drop");
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// Calls that each make something, those without a token among them.
const MAKING: [&str; 12] = [
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "AllocateAddress",
    "CreateNatGateway",
    "CreateSecurityGroup",
    "CreateLoadBalancer",
    "CreatePrivateDnsNamespace",
    "RegisterTaskDefinition",
    "RequestCertificate",
    "CreateRole",
    "CreateService",
];

const WITHOUT_TOKEN: [&str; 5] = [
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "AllocateAddress",
    "RegisterTaskDefinition",
];

#[test]
fn answers_that_are_lost_make_nothing_twice() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");

    // AWS does it, and nobody hears of it: the connection breaks, or something in between fails.
    for (index, operation) in MAKING.into_iter().enumerate() {
        let effect = ["drop", "status-500"][index % 2];
        arm(
            &navi,
            json!({"operation": operation, "when": "after", "do": effect}),
        );
    }
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(get_json(&endpoint, "/_navi/faults"), json!([]));
    let undisturbed = Navi::new();
    undisturbed.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(made(&endpoint), made(&undisturbed.endpoint()));
    // Those without a token were sent once: each sending would have made one more.
    let (sent, usual) = (navi.mutating_calls(), undisturbed.mutating_calls());
    for operation in WITHOUT_TOKEN {
        let times = |calls: &[String]| calls.iter().filter(|call| *call == operation).count();
        assert_eq!(times(&sent), times(&usual), "{operation}");
    }
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// How many there are of each kind.
fn made(endpoint: &str) -> Value {
    get_json(endpoint, "/_navi/status")["resources"].take()
}

#[test]
fn down_goes_on_past_failures_and_is_simply_run_again() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);

    // One of two rules, the role and a log group: nothing else needs any of them but the first's listener.
    refuse(&navi, &["DeleteRule", "DeleteRole", "DeleteLogGroup"]);
    let ended = navi
        .sandboxed(&file, &["down", "--yes", "--output", "json"])
        .expect(3);
    let told = document(&ended);
    assert_eq!(told["outcome"], "partial");
    let failed = addresses(&told["failed"]);
    let of_kind = |kind: &str| {
        let one: Vec<_> = failed
            .iter()
            .filter(|address| address.starts_with(kind))
            .collect();
        assert_eq!(one.len(), 1, "{failed:?}");
    };
    for kind in ["listener_rule.", "role.", "log_group."] {
        of_kind(kind);
    }
    let blocked = addresses(&told["blocked"]);
    for address in [
        "listener.routes",
        "load_balancer.main",
        "certificate.ecs-navi.site",
        "vpc.main",
    ] {
        assert!(blocked.contains(address), "{address} in {blocked:?}");
    }
    assert_eq!(
        told["done"].as_u64().unwrap(),
        35 - failed.len() as u64 - blocked.len() as u64
    );

    navi.forget_calls();
    let again = navi
        .sandboxed(&file, &["down", "--yes", "--output", "json"])
        .expect(0);
    let left: BTreeSet<_> = failed.union(&blocked).copied().collect();
    let told = document(&again);
    assert_eq!(addresses(&told["plan"]), left);
    let calls = navi.mutating_calls();
    for gone in ["DeleteNatGateway", "DeleteService", "DeleteCluster"] {
        assert!(!calls.iter().any(|call| call == gone), "{calls:?}");
    }
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// What others hang on to the article's stack, each on another kind of resource.
const HOLDING: &str = "
ours = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['ecs-navi-sg']}])['SecurityGroups'][0]
vpc = ours['VpcId']
theirs = ec2.create_security_group(GroupName='theirs', Description='theirs', VpcId=vpc)['GroupId']
ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'UserIdGroupPairs': [{'GroupId': ours['GroupId']}]}])
subnets = [subnet['SubnetId'] for subnet in ec2.describe_subnets(Filters=[{'Name': 'vpc-id', 'Values': [vpc]}])['Subnets'] if subnet['CidrBlock'] in ('10.0.1.0/24', '10.0.2.0/24')]
balancer = elbv2.create_load_balancer(Name='theirs', Subnets=subnets, SecurityGroups=[theirs])['LoadBalancers'][0]['LoadBalancerArn']
certificate = acm.list_certificates()['CertificateSummaryList'][0]['CertificateArn']
elbv2.create_listener(LoadBalancerArn=balancer, Protocol='HTTPS', Port=443, Certificates=[{'CertificateArn': certificate}], DefaultActions=[{'Type': 'fixed-response', 'FixedResponseConfig': {'StatusCode': '404'}}])
service = next(service for service in servicediscovery.list_services()['Services'] if service['Name'] == 'backend')
servicediscovery.register_instance(ServiceId=service['Id'], InstanceId='theirs-1', Attributes={'AWS_INSTANCE_IPV4': '10.0.10.99'})
iam.attach_role_policy(RoleName='ecs-navi-ecs-task-execution-role', PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')
";

const LETTING_GO: &str = "
balancer = elbv2.describe_load_balancers(Names=['theirs'])['LoadBalancers'][0]['LoadBalancerArn']
elbv2.delete_load_balancer(LoadBalancerArn=balancer)
theirs = ec2.describe_security_groups(Filters=[{'Name': 'group-name', 'Values': ['theirs']}])['SecurityGroups'][0]
ec2.delete_security_group(GroupId=theirs['GroupId'])
service = next(service for service in servicediscovery.list_services()['Services'] if service['Name'] == 'backend')
servicediscovery.deregister_instance(ServiceId=service['Id'], InstanceId='theirs-1')
iam.detach_role_policy(RoleName='ecs-navi-ecs-task-execution-role', PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')
";

/// Who has to be named where.
const HELD: [(&str, &str); 7] = [
    (
        "subnet.public-1a",
        "(network interface of load balancer theirs)",
    ),
    (
        "subnet.public-1c",
        "(network interface of load balancer theirs)",
    ),
    (
        "internet_gateway.main",
        "(network interface of load balancer theirs)",
    ),
    ("security_group.ingress", "(rule of security group theirs)"),
    (
        "discovery_service.backend",
        "theirs-1 (registered instance with address 10.0.10.99)",
    ),
    (
        "role.main",
        "arn:aws:iam::aws:policy/ReadOnlyAccess (managed policy attached to the role)",
    ),
    ("certificate.ecs-navi.site", "(load balancer theirs)"),
];

/// `navi down` while others hold on to parts of the stack, watched line by line.
struct HeldUp {
    child: Child,
    lines: BufReader<ChildStderr>,
    told: String,
}

impl HeldUp {
    fn begin(navi: &Navi, file: &Path) -> Self {
        let mut child = navi
            .command(&["down", "--yes", "--sandbox", "--region", REGION, "-f"])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        HeldUp {
            child,
            lines,
            told: String::new(),
        }
    }

    /// Reads on until each of these is told to be held, and by whom, and `ended` steps have come to an end.
    fn until_named(&mut self, held: &[(&str, &str)], ended: &str) {
        let mut unnamed = held.to_vec();
        while !unnamed.is_empty() || !self.told.contains(ended) {
            let mut line = String::new();
            let bytes = self.lines.read_line(&mut line).unwrap();
            assert_ne!(bytes, 0, "it ended without {unnamed:?}:\n{}", self.told);
            unnamed.retain(|(address, holder)| {
                // After the time of day.
                let words = line.split_once(' ').map_or("", |(_, words)| words);
                let named = words.trim_start().strip_prefix(address);
                let named = named.map(str::trim_start);
                !named.is_some_and(|named| named.starts_with("held by ") && named.contains(holder))
            });
            self.told.push_str(&line);
        }
    }

    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    fn end(mut self) -> Ended {
        self.lines.read_to_string(&mut self.told).unwrap();
        Ended {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: String::new(),
            stderr: self.told,
        }
    }
}

#[test]
fn down_names_who_holds_what_and_ends_by_itself_once_they_let_go() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    stranger(&endpoint, &["do", HOLDING]);

    let mut down = HeldUp::begin(&navi, &file);
    down.until_named(&HELD, "");
    stranger(&endpoint, &["do", LETTING_GO]);
    down.end().expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn down_that_is_given_up_names_who_holds_what_and_has_touched_nothing_of_theirs() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    stranger(&endpoint, &["do", HOLDING]);

    let mut down = HeldUp::begin(&navi, &file);
    // All that nobody holds is gone: 7 of 35 are held, and 3 of them need those.
    down.until_named(&HELD, "[25/35] ");
    down.interrupt();
    let ended = down.end().expect(130);
    insta::assert_snapshot!("down_that_is_held_up", end_of(&ended, &navi, &file));
    assert!(ended.stderr.contains("code: NAVI0306"), "{}", ended.stderr);

    // Theirs is all there: their own calls find it. Nothing of ours is left when the same is run again.
    stranger(&endpoint, &["do", LETTING_GO]);
    resume(&navi, &ended).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// A load balancer of somebody else with a rule that leads to a target group of the stack.
const LEADING_TO_OURS: &str = "
group = elbv2.describe_target_groups()['TargetGroups'][0]
subnets = [subnet['SubnetId'] for subnet in ec2.describe_subnets(Filters=[{'Name': 'vpc-id', 'Values': [group['VpcId']]}])['Subnets'] if subnet['CidrBlock'] in ('10.0.1.0/24', '10.0.2.0/24')]
balancer = elbv2.create_load_balancer(Name='theirs', Subnets=subnets, Scheme='internal')['LoadBalancers'][0]['LoadBalancerArn']
listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol='HTTP', Port=8080, DefaultActions=[{'Type': 'fixed-response', 'FixedResponseConfig': {'StatusCode': '404'}}])['Listeners'][0]['ListenerArn']
elbv2.create_rule(ListenerArn=listener, Priority=7, Conditions=[{'Field': 'path-pattern', 'Values': ['/ours/*']}], Actions=[{'Type': 'forward', 'TargetGroupArn': group['TargetGroupArn']}])
";

#[test]
fn a_rule_of_a_stranger_s_load_balancer_is_named_as_the_holder_of_a_target_group() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);

    // A group serves one load balancer at a time: theirs can have it once ours is gone.
    refuse(&navi, &["DeleteTargetGroup"]);
    arm(
        &navi,
        json!({"operation": "DeleteSubnet", "do": "deny", "times": 4}),
    );
    let told = document(
        &navi
            .sandboxed(&file, &["down", "--yes", "--output", "json"])
            .expect(3),
    );
    let failed = addresses(&told["failed"]);
    let group: Vec<_> = failed
        .iter()
        .filter(|address| address.starts_with("target_group."))
        .collect();
    let [group] = group[..] else {
        panic!("{failed:?}");
    };
    stranger(&endpoint, &["do", LEADING_TO_OURS]);

    let mut down = HeldUp::begin(&navi, &file);
    let rule = "(rule of priority 7 at port 8080 of load balancer theirs)";
    down.until_named(&[(group, rule)], "");
    let theirs = "
balancer = elbv2.describe_load_balancers(Names=['theirs'])['LoadBalancers'][0]['LoadBalancerArn']
elbv2.delete_load_balancer(LoadBalancerArn=balancer)
";
    stranger(&endpoint, &["do", theirs]);
    down.end().expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}
