//! What is disturbed? Each scenario is one command on one stack, from the same beginning every time.

use std::fs;

use super::stage::{SECRET, Stage};
use crate::support::{Navi, namesake};

/// A command on a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    /// The stack's name.
    pub stack: &'static str,
    /// `up` or `down`.
    pub command: &'static str,
    set_up: SetUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetUp {
    Nothing,
    /// It is up as it is.
    Up,
    /// It is up as it was before these texts changed.
    UpBefore(&'static [(&'static str, &'static str)]),
    /// What others made under its names has been adopted.
    Adopted,
}

const fn scenario(
    name: &'static str,
    stack: &'static str,
    command: &'static str,
    set_up: SetUp,
) -> Scenario {
    Scenario {
        name,
        stack,
        command,
        set_up,
    }
}

/// Every field of it changes on the living resource.
const IN_PLACE: &[(&str, &str)] = &[
    (
        "region: ap-northeast-1\n",
        "region: ap-northeast-1\ntags: { team: matrix }\n",
    ),
    ("interval: 300s", "interval: 250s"),
    ("retention: 7d", "retention: 14d"),
    ("body: 404 Not Found", "body: nothing here"),
    ("ecs-navi-api:latest", "ecs-navi-api:2"),
    ("  backend:\n", "  backend:\n    count: 2\n"),
    (
        "      - { from: ingress, port: 3000 }\n",
        "      - { from: ingress, port: 3000 }\n      - { from: nginx-proxy, port: 3001 }\n",
    ),
];

/// A target group that can't be changed, and all that leads to it.
const REPLACED: &[(&str, &str)] = &[("target_group_port: 3000", "target_group_port: 8080")];

pub const ALL: [Scenario; 7] = [
    scenario("minimal up", "minimal", "up", SetUp::Nothing),
    scenario("minimal down", "minimal", "down", SetUp::Up),
    scenario("article up", "ecs-navi", "up", SetUp::Nothing),
    scenario("article down", "ecs-navi", "down", SetUp::Up),
    scenario(
        "in-place update",
        "ecs-navi",
        "up",
        SetUp::UpBefore(IN_PLACE),
    ),
    scenario("replacement", "ecs-navi", "up", SetUp::UpBefore(REPLACED)),
    scenario("adoption", "ecs-navi", "up", SetUp::Adopted),
];

impl Scenario {
    pub fn is_minimal(&self) -> bool {
        self.stack == "minimal"
    }

    /// Its place in [`ALL`].
    pub fn number(&self) -> usize {
        ALL.iter().position(|each| each == self).unwrap_or_default()
    }

    /// Whether a sample has what does not depend on a call, too.
    pub fn is_of_the_sample(&self) -> bool {
        ["article up", "article down"].contains(&self.name)
    }

    /// The stack file that the command is given.
    pub fn file(&self) -> String {
        format!("{}.yaml", self.stack)
    }

    /// The shipped stack file, with a secret in the environment of its containers.
    fn text(&self) -> String {
        let text = fs::read_to_string(Navi::shipped(&self.file())).unwrap();
        let secret =
            format!("        ports: [80]\n        environment: {{ PASSWORD: {SECRET} }}\n");
        let with_secret = text.replace("        ports: [80]\n", &secret);
        assert_ne!(text, with_secret);
        with_secret
    }

    /// Makes everything as it is before the command.
    pub fn prepare(&self, stage: &mut Stage) -> Result<(), String> {
        stage.prepare()?;
        let text = self.text();
        stage.write(&self.file(), &text);
        match self.set_up {
            SetUp::Nothing => {}
            SetUp::Up => {
                stage.run(&self.file(), &["up", "--yes"]).ended(&[0])?;
            }
            SetUp::UpBefore(edits) => {
                stage.run(&self.file(), &["up", "--yes"]).ended(&[0])?;
                let edited = edits.iter().fold(text, |text, (from, to)| {
                    assert!(text.contains(from), "`{from}` is not in the stack file");
                    text.replace(from, to)
                });
                stage.write(&self.file(), &edited);
            }
            SetUp::Adopted => self.adopt(stage)?,
        }
        stage.forget_calls();
        Ok(())
    }

    /// Takes over what stands under the stack's names, by the commands that the refusal of `up` hints at.
    fn adopt(&self, stage: &Stage) -> Result<(), String> {
        namesake(&stage.endpoint, &["loose"]);
        let refused = stage.run(&self.file(), &["up", "--yes"]).ended(&[1])?;
        let hints = refused.stderr.split('`');
        let commands: Vec<Vec<&str>> = hints
            .filter_map(|text| text.strip_prefix("navi adopt "))
            .map(|command| command.split_whitespace().collect())
            .collect();
        if commands.is_empty() {
            return Err(format!("nothing to adopt: {}", refused.stderr));
        }
        for command in commands {
            let all = [&["adopt", "--yes"], &command[..]].concat();
            stage.run(&self.file(), &all).ended(&[0])?;
        }
        Ok(())
    }
}
