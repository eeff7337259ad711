//! Do `navi logs`, `navi tasks` and `navi events` show what containers wrote, what runs and what ECS said, and change nothing?

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Navi, Terminal, boto3, post_json};

/// Two services that write, in groups of their own, and one container that doesn't.
const STACK: &str = "\
stack: shop
region: ap-northeast-1
namespace: { name: shop.local }
services:
  web:
    route: {}
    containers:
      nginx: { image: web-nginx, ports: [80] }
      app: { image: web-app, logs: { group: /shop/app, prefix: app } }
      quiet: { image: quiet, logs: { driver: none } }
  worker:
    containers: { worker: { image: worker } }
";

struct Shop {
    navi: Navi,
    endpoint: String,
    file: PathBuf,
}

impl Shop {
    fn up() -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let file = navi.write("shop.yaml", STACK);
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        Shop {
            navi,
            endpoint,
            file,
        }
    }

    /// `-f` follows in some of these commands.
    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let file = ["--sandbox", "--file", self.file.to_str().unwrap()];
        [arguments, &file].concat()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.navi.run(&self.arguments(arguments))
    }

    /// A service's first running task, as the commands show it.
    fn task(&self, service: &str) -> Value {
        let shown = self.run(&["tasks", service, "--output", "json"]).expect(0);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        shown["services"][0]["tasks"][0].clone()
    }

    /// Writes a line as a container of a task does, so many milliseconds after 1970.
    fn write(&self, stream: (&str, &str), at: u64, message: &str) {
        let (group, stream) = stream;
        let event = json!([{"timestamp": at, "message": message}]);
        let put = format!(
            "client.put_log_events(logGroupName='{group}', logStreamName='{stream}', logEvents={event})"
        );
        boto3(&self.endpoint, "logs", &put);
    }

    /// A second run of `up` finds nothing to do, and `down` takes all away.
    fn down(self) {
        self.navi.forget_calls();
        self.navi.sandboxed(&self.file, &["up", "--yes"]).expect(0);
        assert_eq!(self.navi.mutating_calls(), Vec::<String>::new());
        self.navi
            .sandboxed(&self.file, &["down", "--yes"])
            .expect(0);
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[test]
fn lines_of_all_tasks_stand_in_the_order_of_their_times() {
    let shop = Shop::up();
    shop.navi.forget_calls();
    let all = lines(&shop.run(&["logs", "--output", "json"]).expect(0).stdout);
    let mut times: Vec<&str> = all
        .iter()
        .map(|line| line["at"].as_str().unwrap())
        .collect();
    let shown = times.clone();
    times.sort_unstable();
    assert_eq!(shown, times);
    let said = |container: &str| {
        let start = format!("{container} started on ");
        messages(&all).iter().any(|text| text.starts_with(&start))
    };
    assert!(said("nginx") && said("app") && said("worker"), "{all:?}");
    assert!(!said("quiet"));
    let keys: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["at", "service", "container", "task", "message"]);

    // One service, one container, one task.
    let web = shop.run(&["logs", "web", "--output", "json"]).expect(0);
    assert!(web.stderr.contains("web/quiet writes is kept nowhere"));
    let web = lines(&web.stdout);
    assert!(web.iter().all(|line| line["service"] == "web"), "{web:?}");
    let app = ["logs", "--container", "app", "--output", "json"];
    let app = lines(&shop.run(&app).expect(0).stdout);
    assert!(app.iter().all(|line| line["container"] == "app") && !app.is_empty());
    let task = all[0]["task"].as_str().unwrap();
    let of_task = ["logs", "--task", &task[..8], "--output", "json"];
    let of_task = lines(&shop.run(&of_task).expect(0).stdout);
    assert!(of_task.iter().all(|line| line["task"] == task) && !of_task.is_empty());
    let both = ["logs", "worker", "web", "--output", "json"];
    assert_eq!(lines(&shop.run(&both).expect(0).stdout), all);

    // As text, with who wrote it before it; no colour without a terminal.
    let text = shop.run(&["logs", "--container", "app"]).expect(0).stdout;
    let task = app[0]["task"].as_str().unwrap();
    let expected = format!("web/app/{}  app started on ", &task[..8]);
    assert!(text.starts_with(&expected), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let bare = ["logs", "--container", "app", "--no-prefix", "--timestamps"];
    let bare = shop.run(&bare).expect(0).stdout;
    assert!(
        bare.starts_with("20") && !bare.contains("web/app"),
        "{bare}"
    );

    // Nothing of this changed anything.
    assert_eq!(shop.navi.mutating_calls(), Vec::<String>::new());

    for (arguments, hint) in [
        (["logs", "wrok"], "web"),
        (["logs", "shop.yaml"], "--file"),
        (["logs", "--container=ngnix"], "did you mean `nginx`"),
    ] {
        let wrong = shop.run(&arguments).expect(1);
        assert!(wrong.stderr.contains(hint), "{}", wrong.stderr);
    }
    shop.down();
}

#[test]
fn a_window_a_filter_and_a_tail_leave_the_rest_out() {
    let shop = Shop::up();
    let task = shop.task("worker")["id"].as_str().unwrap().to_owned();
    let stream = format!("ecs/worker/{task}");
    let stream = ("/ecs/shop/worker", stream.as_str());
    for second in 0..120 {
        let level = if second % 2 == 0 { "INFO" } else { "ERROR" };
        let message = format!("{level} job {second}");
        shop.write(stream, 1_700_000_000_000 + second * 1000, &message);
    }
    let asked = |more: &[&str]| {
        let (since, until) = ("2023-11-14T22:13:20Z", "2023-11-14T23:14:19.500+01:00");
        let window = ["logs", "worker", "--since", since, "--until", until];
        let all = [&window, more, &["--output", "json"]].concat();
        let ended = shop.run(&all).expect(0);
        let found = lines(&ended.stdout);
        let found: Vec<String> = messages(&found).into_iter().map(str::to_owned).collect();
        (found, ended.stderr)
    };
    let (minute, _) = asked(&[]);
    assert_eq!(minute.len(), 60);
    assert_eq!(minute[0], "INFO job 0");
    assert_eq!(minute[59], "ERROR job 59");
    let (errors, _) = asked(&["--filter", "ERROR"]);
    assert_eq!(errors.len(), 30);
    let (newest, _) = asked(&["--filter", "ERROR", "--tail", "2"]);
    assert_eq!(newest, ["ERROR job 57", "ERROR job 59"]);
    let (none, told) = asked(&["--filter", "FATAL"]);
    assert_eq!((none.len(), told.as_str()), (0, ""));
    // A person is told that it was not for want of asking.
    let text = shop.run(&["logs", "worker", "--filter", "FATAL"]).expect(0);
    assert_eq!(text.stdout, "");
    assert!(
        text.stderr
            .contains("nothing that matches was written since"),
        "{}",
        text.stderr
    );
    shop.down();
}

/// `navi logs -f`, with its lines as they come.
struct Following {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Following {
    fn start(shop: &Shop, arguments: &[&str]) -> Self {
        let mut child = shop
            .navi
            .command(&shop.arguments(arguments))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Following { child, lines }
    }

    /// Waits for the next line.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Ctrl-C; the exit code and what was still said.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn who_follows_sees_each_line_once_late_ones_too_and_ends_well() {
    let shop = Shop::up();
    let task = shop.task("worker")["id"].as_str().unwrap().to_owned();
    let stream = format!("ecs/worker/{task}");
    let stream = ("/ecs/shop/worker", stream.as_str());
    let follow = ["logs", "worker", "-f", "--output", "json"];
    let mut following = Following::start(&shop, &follow);
    let first = following.next();
    assert!(
        first["message"]
            .as_str()
            .unwrap()
            .starts_with("worker started on")
    );
    let started = boto3(
        &shop.endpoint,
        "logs",
        &format!(
            "client.get_log_events(logGroupName='{}', logStreamName='{}')['events'][0]['timestamp']",
            stream.0, stream.1
        ),
    );
    let started = started.as_u64().unwrap();
    shop.write(stream, started + 20_000, "newer");
    assert_eq!(following.next()["message"], "newer");
    // It was written before, and comes later.
    shop.write(stream, started + 5_000, "late");
    assert_eq!(following.next()["message"], "late");
    // Of the same time as one that was seen.
    shop.write(stream, started + 20_000, "beside");
    assert_eq!(following.next()["message"], "beside");
    assert_eq!(following.interrupt(), (Some(0), String::new()));

    // A reader that goes away ends it, too.
    let mut following = Following::start(&shop, &follow);
    following.next();
    let Following { mut child, lines } = following;
    drop(lines);
    shop.write(stream, started + 30_000, "nobody reads this");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    shop.down();
}

#[test]
fn tasks_are_shown_with_their_place_and_stopped_ones_with_their_reason() {
    let shop = Shop::up();
    shop.navi.forget_calls();
    let shown = shop.run(&["tasks", "--output", "json"]).expect(0).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["stack"], "shop");
    let names: Vec<&Value> = shown["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| &service["service"])
        .collect();
    assert_eq!(names, ["web", "worker"]);
    let task = &shown["services"][0]["tasks"][0];
    assert_eq!(task["last_status"], "RUNNING");
    assert_eq!(task["targets"], json!(["healthy"]));
    assert!(task["subnet_name"].as_str().unwrap().starts_with("public-"));
    let digest = task["containers"][0]["image_digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{digest}");
    let seen = boto3(
        &shop.endpoint,
        "ecs",
        &format!(
            "client.describe_tasks(cluster='shop-cluster', tasks=['{}'])['tasks'][0]['containers'][0]['networkInterfaces'][0]['privateIpv4Address']",
            task["id"].as_str().unwrap()
        ),
    );
    assert_eq!(task["address"], seen);
    let text = shop.run(&["tasks", "web"]).expect(0).stdout;
    for part in [
        "web  1 running",
        task["id"].as_str().unwrap(),
        seen.as_str().unwrap(),
        "healthy",
        "web-nginx",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("worker"), "{text}");
    assert_eq!(shop.navi.mutating_calls(), Vec::<String>::new());

    // A task that ends by itself.
    let outcome = json!({"image": "worker", "outcome": "exit-1"});
    post_json(&shop.endpoint, "/_navi/tasks", &outcome);
    let stop = format!(
        "client.stop_task(cluster='shop-cluster', task='{}', reason='gone for a test')['task']['taskArn']",
        shop.task("worker")["id"].as_str().unwrap()
    );
    boto3(&shop.endpoint, "ecs", &stop);
    let ended = ["tasks", "worker", "--stopped", "--output", "json"];
    let ended: Value = serde_json::from_str(&shop.run(&ended).expect(0).stdout).unwrap();
    let ended = ended["services"][0]["tasks"].as_array().unwrap();
    let reasons: Vec<&str> = ended
        .iter()
        .filter_map(|task| task["stopped_reason"].as_str())
        .collect();
    assert!(reasons.contains(&"gone for a test"), "{reasons:?}");
    let text = shop.run(&["tasks", "worker", "--stopped"]).expect(0).stdout;
    assert!(text.contains("gone for a test"), "{text}");
    assert!(text.contains("exit code 137"), "{text}");
    let without = shop.run(&["tasks", "worker"]).expect(0).stdout;
    assert!(!without.contains("gone for a test"), "{without}");
}

#[test]
fn events_are_what_ecs_said_with_the_newest_last() {
    let shop = Shop::up();
    shop.navi.forget_calls();
    let all = lines(&shop.run(&["events", "--output", "json"]).expect(0).stdout);
    let keys: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["at", "service", "message", "id"]);
    let of = |service: &str| {
        let own = all.iter().filter(|line| line["service"] == service);
        own.map(|line| line["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let seen = boto3(
        &shop.endpoint,
        "ecs",
        "[event['message'] for event in client.describe_services(cluster='shop-cluster', \
         services=['shop-web-service'])['services'][0]['events']][::-1]",
    );
    let prefixed: Vec<String> = of("web")
        .iter()
        .map(|message| format!("(service shop-web-service) {message}"))
        .collect();
    assert_eq!(json!(prefixed), seen);
    let newest = of("worker").pop().unwrap();
    assert_eq!(newest, "has reached a steady state.");

    let text = shop
        .run(&["events", "worker", "--tail", "1"])
        .expect(0)
        .stdout;
    assert!(
        text.ends_with("  worker  has reached a steady state.\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
    let later = shop
        .run(&["events", "--since", "2100-01-01T00:00:00Z"])
        .expect(0);
    assert_eq!(later.stdout, "");

    let follow = ["events", "worker", "-f", "--tail", "0", "--output", "json"];
    let mut following = Following::start(&shop, &follow);
    // Only what is said from now on; it says so once it has looked for the first time.
    while !shop
        .navi
        .operations()
        .iter()
        .rev()
        .take(1)
        .any(|name| name == "DescribeServices")
    {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(shop.navi.mutating_calls(), Vec::<String>::new());
    let scale = ["scale", "worker=2", "--yes"];
    shop.navi.sandboxed(&shop.file, &scale).expect(0);
    let said = following.next();
    assert!(
        said["message"]
            .as_str()
            .unwrap()
            .starts_with("has started 1 tasks"),
        "{said}"
    );
    assert_eq!(following.interrupt().0, Some(0));
}

#[test]
fn a_line_steers_no_terminal() {
    let shop = Shop::up();
    let web = shop.task("web")["id"].as_str().unwrap().to_owned();
    let stream = format!("app/app/{web}");
    let hostile = "\u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[2J";
    shop.write(("/shop/app", &stream), 1_700_000_000_000, hostile);
    let arguments = ["logs", "--since", "2023-11-14T00:00:00Z"];
    let arguments = shop.arguments(&arguments);
    let (shown, code) = Terminal::run(&shop.navi.command(&arguments), 100, 30).end();
    assert_eq!(code, 0, "{shown}");
    // It stands there as text: the screen was not cleared.
    assert!(shown.contains("\\x1b]0;title\\x07red\\x1b[2J"), "{shown}");
    assert!(shown.contains("worker started on"), "{shown}");
    // Whoever pipes it gets what was written.
    let piped = shop.navi.run(&arguments).expect(0).stdout;
    assert!(piped.contains(hostile), "{piped:?}");
}

/// The stack of a state directory needs no stack file.
#[test]
fn no_stack_file_is_needed() {
    let shop = Shop::up();
    for command in ["logs", "tasks", "events"] {
        let arguments = [
            command,
            "--stack",
            "shop",
            "--sandbox",
            "--file",
            "none.yaml",
        ];
        let ended = shop.navi.run(&arguments).expect(0);
        assert!(ended.stdout.contains("worker"), "{}", ended.stdout);
    }
}
