//! Where does a case play? A folder with navi's state, a sandbox, and strangers in it that nobody may touch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::query::query;
use super::scenario;
use super::world::{self, World};
use crate::support::{Ended, Navi, REGION, get_json, post_json};

/// A word that a stack file holds as the value of an environment variable: no file of navi's may hold it.
pub const SECRET: &str = "hunter2-of-the-matrix";

/// Another stack in the same account, with names like those of the stack that is disturbed.
const OTHER: &str = "\
stack: other
network: { cidr: 10.9.0.0/16 }
namespace: { name: other.local }
services:
  backend:
    route: {}
    containers:
      api: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
";

pub struct Stage {
    navi: Navi,
    pub endpoint: String,
    /// What was there before the stack.
    pub before: World,
}

impl Stage {
    /// A sandbox of its own.
    pub fn new() -> Self {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        navi.write("other.yaml", OTHER);
        Stage {
            navi,
            endpoint,
            before: World::default(),
        }
    }

    /// Empties sandbox and state, and lets the strangers move in.
    pub fn prepare(&mut self) -> Result<(), String> {
        post_json(&self.endpoint, "/_navi/reset", &Value::Null);
        for scenario in scenario::ALL {
            // One of an earlier case holds the secret, as it must.
            let _ = fs::remove_file(self.folder().join(scenario.file()));
        }
        let states = self.state_directory();
        for entry in fs::read_dir(states).into_iter().flatten().flatten() {
            if entry.path().is_file() {
                fs::remove_file(entry.path()).map_err(|error| error.to_string())?;
            }
        }
        self.run("other.yaml", &["up", "--yes"]).ended(&[0])?;
        let named = |kind: &str, name: &str| {
            vec![
                (
                    "TagSpecification.1.ResourceType".to_owned(),
                    kind.to_owned(),
                ),
                ("TagSpecification.1.Tag.1.Key".to_owned(), "Name".to_owned()),
                ("TagSpecification.1.Tag.1.Value".to_owned(), name.to_owned()),
                ("TagSpecification.1.Tag.2.Key".to_owned(), "team".to_owned()),
                (
                    "TagSpecification.1.Tag.2.Value".to_owned(),
                    "others".to_owned(),
                ),
            ]
        };
        let with = |mut tags: Vec<(String, String)>, name: &str, value: &str| {
            tags.push((name.to_owned(), value.to_owned()));
            tags
        };
        for stack in ["ecs-navi", "minimal"] {
            let vpc = with(
                named("vpc", &format!("{stack}-vpc")),
                "CidrBlock",
                "10.0.0.0/16",
            );
            let vpc = query(&self.endpoint, "CreateVpc", &vpc, "vpcId");
            let subnet = with(
                named("subnet", &format!("{stack}-subnet-public-1a")),
                "CidrBlock",
                "10.0.1.0/24",
            );
            let subnet = with(subnet, "VpcId", &vpc);
            query(&self.endpoint, "CreateSubnet", &subnet, "subnetId");
            let group = named("security-group", &format!("{stack}-sg"));
            let group = with(group, "GroupName", &format!("{stack}-sg"));
            let group = with(group, "GroupDescription", "theirs");
            let group = with(group, "VpcId", &vpc);
            query(&self.endpoint, "CreateSecurityGroup", &group, "groupId");
        }
        let address = named("elastic-ip", "ecs-navi-elastic-ip-1a");
        query(&self.endpoint, "AllocateAddress", &address, "allocationId");
        self.before = self.world();
        Ok(())
    }

    pub fn write(&self, name: &str, text: &str) {
        self.navi.write(name, text);
    }

    pub fn folder(&self) -> &Path {
        self.navi.folder()
    }

    pub fn state_directory(&self) -> PathBuf {
        self.folder().join(".navi/sandbox")
    }

    pub fn command(&self, file: &str, arguments: &[&str]) -> Command {
        let mut command = self.navi.command(arguments);
        command.args(["--sandbox", "--region", REGION, "-f", file]);
        command
    }

    pub fn run(&self, file: &str, arguments: &[&str]) -> Ran {
        let output = self.command(file, arguments).output().unwrap();
        Ran {
            what: format!("navi {} -f {file}", arguments.join(" ")),
            ended: Ended::of(output),
        }
    }

    /// Starts a command that nobody listens to.
    pub fn spawn(&self, file: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(file, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    pub fn world(&self) -> World {
        world::read(&self.endpoint)
    }

    pub fn arm(&self, fault: &Value) {
        post_json(&self.endpoint, "/_navi/faults", fault);
    }

    /// Whether an armed fault has not struck yet.
    pub fn is_armed(&self) -> bool {
        get_json(&self.endpoint, "/_navi/faults") != serde_json::json!([])
    }

    pub fn forget_calls(&self) {
        post_json(&self.endpoint, "/_navi/calls/reset", &Value::Null);
    }

    /// The operations called since they were last forgotten.
    pub fn calls(&self, mutating_only: bool) -> Vec<String> {
        let calls = get_json(&self.endpoint, "/_navi/calls");
        let calls = calls.as_array().unwrap().iter();
        calls
            .filter(|call| !mutating_only || call["mutating"] == true)
            .map(|call| call["operation"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// A command that has ended.
pub struct Ran {
    what: String,
    pub ended: Ended,
}

impl Ran {
    /// Itself, if it ended with one of these codes.
    pub fn ended(self, codes: &[i32]) -> Result<Ended, String> {
        match codes.contains(&self.ended.code) {
            true => Ok(self.ended),
            false => Err(format!(
                "`{}` ended with {}, not {codes:?}:\n{}",
                self.what, self.ended.code, self.ended.stderr
            )),
        }
    }
}
