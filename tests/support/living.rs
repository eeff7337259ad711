//! A stack that serves while it is changed: after each call of navi's somebody visits every host and asks every task what
//! it reaches. Does anybody notice?

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::difference::difference;
use super::gate::Gate;
use super::http::post_json;
use super::navi::{Ended, Navi, REGION};
use super::python::{Inventory, inventory};

/// What tasks need all the while: to pull images, to write logs.
const SERVICES: [&str; 4] = ["ecr.api", "ecr.dkr", "s3", "logs"];

/// Who must get an answer.
type Hosts = Arc<Mutex<Vec<String>>>;

/// A stack `live` that serves and is changed.
pub struct Living {
    pub navi: Navi,
    pub endpoint: String,
    pub gate: Gate,
    hosts: Hosts,
    before: Value,
    calls: RefCell<Vec<String>>,
    /// What boto3 saw after the last change.
    seen: RefCell<Option<Value>>,
}

impl Living {
    /// A stack of these services that serves these hosts.
    #[track_caller]
    pub fn start(text: &str, hosts: &[&str]) -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let watched = Hosts::default();
        let gate = {
            let (endpoint, watched) = (endpoint.clone(), Arc::clone(&watched));
            Gate::before(&navi.endpoint(), move || {
                wrong(&endpoint, &watched.lock().unwrap())
            })
        };
        let living = Living {
            before: inventory(&endpoint, &Inventory::Ids),
            navi,
            endpoint,
            gate,
            hosts: watched,
            calls: RefCell::default(),
            seen: RefCell::default(),
        };
        living.run(text, &["up", "--yes"]).expect(0);
        living.watch(hosts);
        assert_eq!(wrong(&living.endpoint, &living.hosts.lock().unwrap()), None);
        living.gate.report();
        living
    }

    /// From now on these hosts must answer, each at its root or at the path written behind it.
    pub fn watch(&self, hosts: &[&str]) {
        *self.hosts.lock().unwrap() = hosts.iter().map(|host| (*host).to_owned()).collect();
    }

    fn file(&self, text: &str) -> PathBuf {
        self.navi.write("live.yaml", text)
    }

    pub fn run(&self, text: &str, arguments: &[&str]) -> Ended {
        self.seen.take();
        let file = self.file(text);
        let mut command = self.navi.command(arguments);
        command
            .args(["--region", REGION, "-f", file.to_str().unwrap()])
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_ENDPOINT_URL", &self.gate.endpoint);
        Ended::of(command.output().unwrap())
    }

    /// Shows the plan, carries it out under everybody's eyes, and finds nothing more to do. Answers the plan, and what
    /// boto3 sees otherwise than before.
    #[track_caller]
    pub fn change(&self, text: &str) -> String {
        let before = self.seen.take().unwrap_or_else(|| self.found());
        let plan = self.run(text, &["plan", "--exit-code"]).expect(2).stdout;
        self.navi.forget_calls();
        self.run(text, &["up", "--yes"]).expect(0);
        *self.calls.borrow_mut() = self.navi.mutating_calls();
        let (seen, passed) = self.gate.report();
        assert!(passed > 0, "nobody looked");
        assert!(seen.is_empty(), "{plan}\n{}", seen.join("\n"));
        self.changes_nothing_more(text);
        let after = self.found();
        let told = told(&plan, &before, &after);
        self.seen.replace(Some(after));
        told
    }

    /// The mutating calls of the last change, in their order.
    pub fn calls_of_the_change(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    #[track_caller]
    pub fn changes_nothing_more(&self, text: &str) {
        self.navi.forget_calls();
        self.run(text, &["up", "--yes"]).expect(0);
        assert_eq!(self.navi.mutating_calls(), Vec::<String>::new());
        let plan = self.run(text, &["plan", "--exit-code"]).expect(0);
        assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    }

    /// What boto3 sees of the stack.
    pub fn found(&self) -> Value {
        inventory(&self.endpoint, &Inventory::Values { stack: "live" })
    }

    #[track_caller]
    pub fn end(self, text: &str) {
        self.watch(&[]);
        self.run(text, &["down", "--yes"]).expect(0);
        assert_eq!(self.before, inventory(&self.endpoint, &Inventory::Ids));
    }
}

/// What is not as it should be just now.
fn wrong(endpoint: &str, hosts: &[String]) -> Option<String> {
    if hosts.is_empty() {
        return None;
    }
    for host in hosts {
        let (name, path) = host.split_once('/').unwrap_or((host, ""));
        let visit = json!({"scheme": "http", "host": name, "path": format!("/{path}")});
        let answer = post_json(endpoint, "/_navi/http", &visit);
        if answer["status"] != 200 {
            return Some(format!("{host} got {answer}"));
        }
    }
    let reached = post_json(endpoint, "/_navi/reach", &json!({"services": SERVICES}));
    let lost = reached.as_array().unwrap().iter();
    lost.into_iter()
        .find(|task| task["unreached"] != json!([]))
        .map(|task| format!("a task lost its way: {task}"))
}

/// A plan as golden text, with what boto3 saw before and after it was carried out.
pub fn told(plan: &str, before: &Value, after: &Value) -> String {
    let seen = match masked(&difference(before, after)) {
        seen if seen.is_empty() => "nothing".to_owned(),
        seen => seen,
    };
    format!(
        "{}\n\nSeen by another client:\n{seen}",
        shown(plan).trim_end()
    )
}

/// The plan without where it is, and without IDs, which depend on who came first.
fn shown(plan: &str) -> String {
    masked(plan.split_once("\n\n").map_or(plan, |(_, body)| body))
}

fn masked(body: &str) -> String {
    let mut text = String::new();
    for word in body.split_inclusive([' ', ',', ']', '}', '\n', '"', '.']) {
        let (bare, end) = word.split_at(word.len() - usize::from(!word.is_empty()));
        let masked = bare.rsplit_once('-').filter(|(kind, number)| {
            let identity = |length: usize, of: fn(&u8) -> bool| {
                number.len() == length && number.bytes().all(|byte| of(&byte))
            };
            match *kind {
                "ns" | "srv" => identity(16, u8::is_ascii_alphanumeric),
                // The load balancer's own DNS name has a number of AWS's.
                kind if kind.ends_with("-lb") => identity(number.len().max(5), u8::is_ascii_digit),
                _ => identity(17, u8::is_ascii_hexdigit),
            }
        });
        match masked {
            Some((kind, _)) => text.push_str(&format!("{kind}-…{end}")),
            None => text.push_str(word),
        }
    }
    text
}
