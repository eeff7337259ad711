//! Does `navi exec` run a command in a container: in the sandbox by its shell, else by session-manager-plugin, and never without
//! saying what is missing?

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Navi, REGION, Terminal, boto3, post_json};

fn exec(navi: &Navi, file: &Path, arguments: &[&str]) -> Ended {
    let (options, command) = match arguments.iter().position(|word| *word == "--") {
        Some(at) => arguments.split_at(at),
        None => (arguments, &[] as &[&str]),
    };
    let place = ["--sandbox", "-f", file.to_str().unwrap()];
    navi.run(&[&["exec"], options, &place, command].concat())
}

/// What `--check` finds of each requirement, by its name.
fn checked(navi: &Navi, file: &Path, service: &str, code: i32) -> Value {
    let arguments = [service, "--check", "--output", "json"];
    let answer = exec(navi, file, &arguments).expect(code).stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["ready"], json!(code == 0), "{answer}");
    answer["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn the_article_s_look_up_works_in_the_sandbox() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let name = "backend.ecs-navi.local";
    let found = exec(&navi, &file, &["nginx-proxy", "--", "nslookup", name]).expect(0);
    assert!(
        found
            .stdout
            .contains(&format!("Name:\t{name}\nAddress: 10.0.1")),
        "{}",
        found.stdout
    );
    // One word is a whole line.
    let line = format!("nslookup {name}");
    let as_line = exec(&navi, &file, &["nginx-proxy", "--", &line]).expect(0);
    assert_eq!(as_line.stdout, found.stdout);
    let other = exec(&navi, &file, &["nginx-proxy", "--", "nslookup", "no.such"]).expect(1);
    assert!(other.stdout.contains("NXDOMAIN"), "{}", other.stdout);
    // The security groups let the proxy in, and not the other way round.
    let url = format!("http://{name}/");
    let served = exec(&navi, &file, &["nginx-proxy", "--", "curl", "-s", &url]).expect(0);
    assert!(
        served
            .stdout
            .starts_with("200 from nginx of ecs-navi-backend-service")
    );
    let back = [
        "backend",
        "--container",
        "api",
        "--",
        "curl",
        "proxy-nginx.ecs-navi.local",
    ];
    exec(&navi, &file, &back).expect(28);
    exec(&navi, &file, &["backend", "--", "curl", "localhost"]).expect(0);
    let unknown = exec(&navi, &file, &["backend", "--", "ls", "-la"]).expect(127);
    assert!(
        unknown.stdout.contains("ls: not found"),
        "{}",
        unknown.stdout
    );

    let requirements = checked(&navi, &file, "backend", 0);
    for name in [
        "exec enabled",
        "role may use ssmmessages",
        "way to Systems Manager",
        "agent running",
    ] {
        assert_eq!(requirements[name]["met"], "yes", "{requirements}");
    }
    let way = &requirements["way to Systems Manager"]["found"];
    assert!(
        way.as_str().unwrap().starts_with("NAT gateway nat-"),
        "{way}"
    );
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    // On a terminal there is a shell.
    let place = ["exec", "backend", "--sandbox", "-f", file.to_str().unwrap()];
    let mut shell = Terminal::run(&navi.command(&place), 100, 20);
    shell.until(&["nginx #"]);
    shell.type_line("hostname -i");
    shell.until(&["\n10.0.1"]);
    shell.type_line("ls");
    shell.until(&["ls: not found"]);
    shell.type_line("exit");
    let (shown, code) = shell.end();
    assert_eq!(code, 127, "{shown}");

    // Who served it has written it down.
    let logs = [
        "logs",
        "backend",
        "--container",
        "nginx",
        "--sandbox",
        "--file",
    ];
    let logs = [&logs[..], &[file.to_str().unwrap()]].concat();
    let logs = navi.run(&logs).expect(0).stdout;
    assert!(logs.contains(&format!("GET {name}/ from 10.0.1")), "{logs}");

    for (arguments, hint) in [
        (vec!["backend"], "say what to run after --"),
        (vec!["backed", "--", "env"], "did you mean `backend`"),
        (
            vec!["backend", "--container", "ap", "--", "env"],
            "did you mean `api`",
        ),
        (
            vec!["backend", "--task", "zzz", "--", "env"],
            "navi tasks backend --stopped",
        ),
    ] {
        let wrong = exec(&navi, &file, &arguments).expect(1);
        assert!(wrong.stderr.contains(hint), "{}", wrong.stderr);
    }
}

const STACK: &str = "\
stack: demo
region: ap-northeast-1
services:
  web:
    exec: EXEC
    containers: { web: { image: web, ports: [80] } }
";

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = navi.write("demo.yaml", &STACK.replace("EXEC", "false"));
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let found = checked(&navi, &file, "web", 1);
    let remedy = |found: &Value, name: &str| {
        assert_eq!(found[name]["met"], "no", "{found}");
        found[name]["remedy"].as_str().unwrap().to_owned()
    };
    assert!(remedy(&found, "exec enabled").contains("`exec: true` for web"));
    assert!(remedy(&found, "role may use ssmmessages").contains("role.policies"));
    assert!(remedy(&found, "agent running").contains("started to take commands"));
    let way = &found["way to Systems Manager"];
    assert!(
        way["found"]
            .as_str()
            .unwrap()
            .starts_with("internet, from "),
        "{way}"
    );
    let refused = exec(&navi, &file, &["web", "--", "env"]).expect(1);
    assert!(
        refused.stderr.contains("web of web can't take commands")
            && refused
                .stderr
                .contains("→ set `exec: true` for web in the stack file"),
        "{}",
        refused.stderr
    );

    // The flag is for tasks that start later.
    let file = navi.write("demo.yaml", &STACK.replace("EXEC", "true"));
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let found = checked(&navi, &file, "web", 1);
    assert_eq!(
        remedy(&found, "exec enabled"),
        "`navi redeploy web` starts new tasks"
    );
    navi.sandboxed(&file, &["redeploy", "web", "--yes"])
        .expect(0);
    checked(&navi, &file, "web", 0);
    exec(&navi, &file, &["web", "--", "hostname -i"]).expect(0);

    // Somebody takes the role's permission, and the way out.
    boto3(
        &endpoint,
        "iam",
        "[client.delete_role_policy(RoleName=role['RoleName'], PolicyName=name) \
         for role in client.list_roles()['Roles'] if role['RoleName'].startswith('demo-') \
         for name in client.list_role_policies(RoleName=role['RoleName'])['PolicyNames']]",
    );
    boto3(
        &endpoint,
        "ec2",
        "[client.delete_route(RouteTableId=table['RouteTableId'], DestinationCidrBlock='0.0.0.0/0') \
         for table in client.describe_route_tables()['RouteTables'] \
         if any(tag['Value'] == 'demo' for tag in table['Tags'] if tag['Key'] == 'navi:stack') \
         if any(route.get('DestinationCidrBlock') == '0.0.0.0/0' for route in table['Routes'])]",
    );
    let found = checked(&navi, &file, "web", 1);
    let lacking = found["role may use ssmmessages"]["found"].as_str().unwrap();
    assert!(lacking.contains("ssmmessages:OpenDataChannel"), "{lacking}");
    assert!(remedy(&found, "way to Systems Manager").contains("network.endpoints"));
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    checked(&navi, &file, "web", 0);
    // What may not be asked is no reason to give up.
    post_json(
        &endpoint,
        "/_navi/faults",
        &json!({"operation": "GetRolePolicy", "do": "deny"}),
    );
    let found = checked(&navi, &file, "web", 0);
    assert_eq!(
        found["role may use ssmmessages"]["met"], "unknown",
        "{found}"
    );
}

/// A folder with a plugin that writes down how it was called.
fn plugin(navi: &Navi, version: &str) -> PathBuf {
    let folder = navi.folder().join(format!("bin-{version}"));
    fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         [ \"$1\" = --version ] && echo {version} && exit 0\n\
         rm -f ended\n\
         for word in \"$@\"; do printf '%s\\n' \"$word\"; done >called\n\
         printf '%s' \"$AWS_SSM_START_SESSION_RESPONSE\" >session\n\
         tty >terminal\n\
         read -r line && printf 'heard %s\\n' \"$line\"\n\
         # The real one breaks off at the end of its input.\n\
         exec 3<&0\n\
         (read -r more || : >ended) <&3 &\n\
         sleep 0.3\n\
         [ -e ended ] && exit 9\n\
         exit 7\n"
    );
    let path = folder.join("session-manager-plugin");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The sandbox as if it were AWS: nothing but its endpoint is known.
struct Elsewhere {
    navi: Navi,
    endpoint: String,
    file: PathBuf,
}

impl Elsewhere {
    fn up() -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let file = navi.write("demo.yaml", &STACK.replace("EXEC", "true"));
        let elsewhere = Elsewhere {
            navi,
            endpoint,
            file,
        };
        let up = elsewhere.command("", &["up", "--yes"]).output().unwrap();
        Ended::of(up).expect(0);
        elsewhere.navi.forget_calls();
        elsewhere
    }

    fn command(&self, path: &str, arguments: &[&str]) -> Command {
        let (options, command) = match arguments.iter().position(|word| *word == "--") {
            Some(at) => arguments.split_at(at),
            None => (arguments, &[] as &[&str]),
        };
        let file = self.file.to_str().unwrap();
        let place = ["-f", file, "--endpoint-url", &self.endpoint];
        let all = [options, &place, command].concat();
        let mut command = self.navi.command(&all);
        command
            .env("PATH", format!("{path}:/usr/bin:/bin"))
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_PROFILE", "work")
            .env(
                "AWS_CONFIG_FILE",
                self.navi.write("config", "[profile work]\n"),
            );
        command
    }

    fn run(&self, path: &Path, arguments: &[&str]) -> Ended {
        let mut child = self
            .command(path.to_str().unwrap(), arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Where navi doesn't come to the plugin nobody reads it.
        let _ = child.stdin.take().unwrap().write_all(b"keys\n");
        Ended::of(child.wait_with_output().unwrap())
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.navi.folder().join(name)).unwrap_or_default()
    }
}

#[test]
fn a_session_goes_over_to_the_plugin_as_the_aws_cli_hands_it_over() {
    let there = Elsewhere::up();
    let path = plugin(&there.navi, "1.2.707.0");
    let arguments = ["exec", "web", "-vv", "--", "sh", "-c", "echo hi"];
    // 7 and not 9: its input stayed open after navi's own had ended.
    let ended = there.run(&path, &arguments).expect(7);
    assert_eq!(ended.stdout, "heard keys\n");
    let called = there.written("called");
    let called: Vec<&str> = called.lines().collect();
    let session = there.written("session");
    let session: Value = serde_json::from_str(&session).unwrap();
    let keys: Vec<&String> = session.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["sessionId", "streamUrl", "tokenValue"]);
    let task = boto3(
        &there.endpoint,
        "ecs",
        "client.describe_tasks(cluster='demo-cluster', \
         tasks=client.list_tasks(cluster='demo-cluster')['taskArns'])['tasks'][0]",
    );
    let id = task["taskArn"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let runtime = task["containers"][0]["runtimeId"].as_str().unwrap();
    let target = format!("{{\"Target\":\"ecs:demo-cluster_{id}_{runtime}\"}}");
    assert_eq!(
        called,
        [
            "AWS_SSM_START_SESSION_RESPONSE",
            REGION,
            "StartSession",
            "work",
            &target,
            &there.endpoint,
        ]
    );
    let token = session["tokenValue"].as_str().unwrap();
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(token), "{text}");
    }
    assert!(
        ended.stderr.contains("ecs:ExecuteCommand"),
        "{}",
        ended.stderr
    );
    // It is the one call that is no read, and changes nothing of the stack's.
    assert_eq!(there.navi.mutating_calls(), ["ExecuteCommand"]);

    // An older one takes it from its command line alone.
    let path = plugin(&there.navi, "1.2.463.0");
    there.run(&path, &["exec", "web", "--", "env"]).expect(7);
    assert!(
        there
            .written("called")
            .starts_with("{\"sessionId\":\"ecs-execute-command-")
    );
    assert_eq!(there.written("session"), "");
}

#[test]
fn on_a_terminal_the_plugin_takes_navi_s_place() {
    let there = Elsewhere::up();
    let path = plugin(&there.navi, "1.2.707.0");
    let command = there.command(path.to_str().unwrap(), &["exec", "web"]);
    let mut terminal = Terminal::run(&command, 80, 20);
    terminal.type_line("keys");
    let (shown, code) = terminal.end();
    assert_eq!(code, 7, "{shown}");
    assert!(shown.contains("heard keys"), "{shown}");
    assert!(there.written("terminal").starts_with("/dev/"));
    assert!(
        there
            .written("called")
            .starts_with("AWS_SSM_START_SESSION_RESPONSE\n")
    );
}

#[test]
fn without_the_plugin_or_with_a_refusal_nothing_is_begun() {
    let there = Elsewhere::up();
    let nowhere = Path::new("");
    let missing = there.run(nowhere, &["exec", "web", "--", "env"]).expect(1);
    assert!(
        missing
            .stderr
            .contains("session-manager-plugin: there is none on PATH")
            && missing
                .stderr
                .contains("→ install it: https://docs.aws.amazon.com/"),
        "{}",
        missing.stderr
    );
    assert_eq!(there.navi.mutating_calls(), Vec::<String>::new());
    let check = there.run(nowhere, &["exec", "web", "--check"]).expect(1);
    assert!(
        check.stdout.contains("no       session-manager-plugin"),
        "{}",
        check.stdout
    );

    post_json(
        &there.endpoint,
        "/_navi/faults",
        &json!({"operation": "ExecuteCommand", "do": "deny"}),
    );
    let path = plugin(&there.navi, "1.2.707.0");
    let denied = there.run(&path, &["exec", "web", "--", "env"]).expect(1);
    assert!(
        denied
            .stderr
            .contains("ecs:ExecuteCommand answered AccessDeniedException")
            && denied
                .stderr
                .contains("needs ecs:ExecuteCommand on the cluster"),
        "{}",
        denied.stderr
    );
    assert_eq!(there.written("called"), "");
}
