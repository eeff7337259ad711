//! Does the GitHub Action (action.yml) do what it says: run navi with its inputs, and tell URLs, changes and failures?

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Navi, REGION};

/// What the Action's second step told.
struct Told {
    ended: Ended,
    outputs: String,
    summary: String,
}

impl Told {
    /// One output, written as `NAME<<END`, lines, `END`.
    fn output(&self, name: &str) -> Option<String> {
        let mut lines = self.outputs.lines();
        let opening = format!("{name}<<");
        let end = lines
            .by_ref()
            .find_map(|line| line.strip_prefix(&opening))?;
        Some(
            lines
                .take_while(|line| *line != end)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }
}

fn step(navi: &Navi, command: &str, set: &str) -> Told {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = Path::new(env!("CARGO_BIN_EXE_navi")).parent().unwrap();
    let file = |name: &str| navi.write(name, "");
    let (outputs, summary) = (file("outputs"), file("summary"));
    let output = Command::new(root.join(".github/action/run"))
        .current_dir(navi.folder())
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("GITHUB_OUTPUT", &outputs)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("NAVI_COMMAND", command)
        .env("NAVI_FILE", "navi.yaml")
        .env("NAVI_SET", set)
        .env("NAVI_ARGUMENTS", format!("--sandbox --region {REGION}"))
        .output()
        .unwrap();
    Told {
        ended: Ended::of(output),
        outputs: fs::read_to_string(outputs).unwrap(),
        summary: fs::read_to_string(summary).unwrap(),
    }
}

const STACK: &str = "\
stack: shop-pr-${PR}
services:
  web: { count: 1, route: {}, containers: { web: { image: 'nginx:${TAG}', ports: [80] } } }
";

#[test]
fn an_environment_of_a_pull_request_comes_and_goes() {
    let navi = Navi::new();
    navi.write("navi.yaml", STACK);
    let set = "PR=42\nTAG=1.27\n";
    let plan = step(&navi, "plan", set);
    assert_eq!(plan.ended.code, 0, "{}", plan.ended.stderr);
    assert_eq!(plan.output("changes").as_deref(), Some("true"));
    assert!(
        plan.summary.contains("+ vpc.main (shop-pr-42-vpc)"),
        "{}",
        plan.summary
    );

    let up = step(&navi, "up", set);
    assert_eq!(up.ended.code, 0, "{}", up.ended.stderr);
    let url = up.output("url").unwrap();
    assert!(url.starts_with("http://shop-pr-42-lb-"), "{url}");
    assert_eq!(up.output("urls"), Some(url));

    // The next job has another machine: nothing is recorded there.
    navi.lose_state("shop-pr-42");
    let plan = step(&navi, "plan", set);
    assert_eq!(plan.output("changes").as_deref(), Some("false"));
    let down = step(&navi, "down", set);
    assert_eq!(down.ended.code, 0, "{}", down.ended.stderr);
    assert!(down.ended.stderr.contains("nothing of shop-pr-42 is left"));
}

#[test]
fn what_fails_fails_the_step() {
    let navi = Navi::new();
    navi.write("navi.yaml", STACK);
    // TAG is not set.
    for command in ["plan", "up"] {
        let told = step(&navi, command, "PR=42");
        assert_eq!(told.ended.code, 1, "{}", told.ended.stderr);
        assert_eq!(told.output("changes"), None);
    }
}

#[test]
fn every_input_and_output_of_the_action_is_one_of_its_steps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let action: serde_json::Value =
        serde_saphyr::from_str(&fs::read_to_string(root.join("action.yml")).unwrap()).unwrap();
    let text = action.to_string();
    let run = fs::read_to_string(root.join(".github/action/run")).unwrap();
    for input in action["inputs"].as_object().unwrap().keys() {
        assert!(
            text.contains(&format!("${{{{ inputs.{input} }}}}")),
            "{input}"
        );
    }
    for output in action["outputs"].as_object().unwrap().keys() {
        assert!(run.contains(&format!("tell {output} ")), "{output}");
    }
    let steps = action["runs"]["steps"].as_array().unwrap();
    let variables = steps
        .iter()
        .flat_map(|step| step["env"].as_object().unwrap().keys());
    let install = fs::read_to_string(root.join(".github/action/install")).unwrap();
    for variable in variables.filter(|variable| *variable != "NAVI_ACTION") {
        let used = format!("${variable}");
        let with_default = format!("${{{variable}:-");
        assert!(
            [&run, &install]
                .iter()
                .any(|script| script.contains(&used) || script.contains(&with_default)),
            "{variable}"
        );
    }
}
