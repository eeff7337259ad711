//! Does `navi graph` draw what the file wants, what is recorded and what a plan changes, in every format, and change nothing?

use std::fs;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::support::{Navi, REGION};

/// A drawing without its style, which is the same in all of them.
fn without_style(svg: &str) -> String {
    let (before, rest) = svg.split_once("<style>").expect("a style");
    let (_, after) = rest.split_once("</style>").expect("its end");
    format!("{before}[style]{after}")
}

/// Reads it as XML does: what is opened is closed. Answers the texts in it.
#[track_caller]
pub fn texts_of(markup: &str) -> Vec<String> {
    let mut reader = Reader::from_str(markup);
    let mut texts = Vec::new();
    let mut depth = 0;
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Text(text) => texts.push((*text).to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    texts
}

fn drawn(navi: &Navi, file: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["graph", "-f", file.to_str().unwrap(), "--region", REGION];
    all.extend(arguments);
    navi.run(&all).expect(0).stdout
}

#[test]
fn the_shipped_stacks_are_drawn_in_every_format() {
    let navi = Navi::new();
    for stack in ["ecs-navi", "minimal", "full", "internal"] {
        let file = Navi::shipped(&format!("{stack}.yaml"));
        for format in ["text", "dot", "mermaid", "svg"] {
            let mut picture = drawn(&navi, &file, &["--format", format]);
            if format == "svg" {
                texts_of(&picture);
                picture = without_style(&picture);
            }
            insta::assert_snapshot!(format!("{stack}_as_{format}"), picture);
        }
    }
    // No account was asked, and no sandbox started.
    assert!(!navi.folder().join(".navi").exists());
}

#[test]
fn the_resource_graph_is_drawn_in_every_format() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    for format in ["text", "dot", "mermaid", "svg"] {
        let mut picture = drawn(&navi, &file, &["--resources", "--format", format]);
        if format == "svg" {
            texts_of(&picture);
            picture = without_style(&picture);
        }
        insta::assert_snapshot!(format!("resources_as_{format}"), picture);
    }
}

#[test]
fn the_picture_in_the_documentation_is_that_of_the_stack_file() {
    let navi = Navi::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ecs-navi.svg");
    let now = drawn(&navi, &Navi::shipped("ecs-navi.yaml"), &["--format", "svg"]);
    if std::env::var_os("NAVI_UPDATE_GOLDEN").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == now,
        "draw it again: navi graph -f stacks/ecs-navi.yaml -o docs/ecs-navi.svg"
    );
}

#[test]
fn a_plan_is_drawn_with_a_sign_at_all_that_changes_and_nothing_is_called() {
    let navi = Navi::new();
    navi.endpoint();
    let text = fs::read_to_string(Navi::shipped("internal.yaml")).unwrap();
    let file = navi.write("internal.yaml", &text);

    // Before the first `up` all of it is new.
    let new = navi.sandboxed(&file, &["graph", "--plan"]).expect(0).stdout;
    for line in [
        "+ VPC 10.0.0.0/16",
        "+ api\n",
        "  + worker → api",
        "+ create",
    ] {
        assert!(new.contains(line), "{line}:\n{new}");
    }
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);

    navi.forget_calls();
    let recorded = navi.sandboxed(&file, &["graph"]).expect(0).stdout;
    assert_eq!(navi.calls(), 0, "what is recorded needs no AWS");
    assert!(
        recorded.starts_with("internal  as recorded, "),
        "{recorded}"
    );
    let nothing = navi.sandboxed(&file, &["graph", "--plan"]).expect(0).stdout;
    assert!(nothing.starts_with("internal  nothing for navi up to do"));
    assert!(!nothing.contains("+ create"), "{nothing}");

    // One way less, one service less, one more, one changed.
    let edited = text
        .replace("    allow: [{ from: worker, port: 80 }]\n", "")
        .replace("http://database", "http://the-database");
    let (edited, _) = edited.split_once("  worker:\n").unwrap();
    let file = navi.write(
        "internal.yaml",
        &format!(
            "{edited}  queue:\n    allow: [{{ from: api, port: 5672 }}]\n    containers:\n      queue: {{ image: \
             \"public.ecr.aws/nginx/nginx:stable-alpine\", ports: [5672] }}\n"
        ),
    );
    let plan = navi.sandboxed(&file, &["graph", "--plan"]).expect(0).stdout;
    for line in [
        "- worker\n",
        "+ queue\n",
        "~ api\n",
        "+ api    → queue     tcp 5672",
        "- worker → api       tcp 80",
        "    api    → database  tcp 80",
    ] {
        assert!(plan.contains(line), "{line}:\n{plan}");
    }
    assert!(plan.contains("─ database\n"), "it does not change:\n{plan}");

    let json = navi
        .sandboxed(
            &file,
            &["graph", "--plan", "--resources", "--output", "json"],
        )
        .expect(0);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["shows"], "plan");
    let nodes = document["resources"]["nodes"].as_array().unwrap();
    let node = |address: &str| {
        let mut nodes = nodes.iter();
        nodes
            .find(|node| node["address"] == address)
            .unwrap()
            .clone()
    };
    assert_eq!(node("ecs_service.worker")["mark"], "remove");
    assert_eq!(node("ecs_service.queue")["mark"], "create");
    assert_eq!(node("vpc.main")["mark"], Value::Null);
    assert_eq!(node("ecs_service.queue")["needs"]["cluster.main"], "exists");

    let svg = navi.folder().join("plan.svg");
    let to = svg.to_str().unwrap();
    let ended = navi
        .sandboxed(&file, &["graph", "--plan", "-o", to])
        .expect(0);
    assert_eq!(ended.stdout, "");
    let drawn = fs::read_to_string(&svg).unwrap();
    let texts = texts_of(&drawn);
    for sign in ["+", "~", "-"] {
        assert!(texts.iter().any(|text| text == sign), "{sign}: {texts:?}");
    }
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    // Nothing is recorded any more: the file is what is left to draw.
    let wanted = navi.sandboxed(&file, &["graph"]).expect(0).stdout;
    assert!(wanted.starts_with("internal  as the stack file wants it"));
}

#[test]
fn what_can_not_be_drawn_or_written_is_an_error() {
    let navi = Navi::new();
    let none = navi.run(&["graph"]).expect(1);
    assert!(
        none.stderr.contains("no stack is recorded"),
        "{}",
        none.stderr
    );
    let file = Navi::shipped("minimal.yaml");
    let nowhere = navi
        .run(&["graph", "-f", file.to_str().unwrap(), "-o", "missing/a.svg"])
        .expect(1);
    assert!(
        nowhere.stderr.contains("could not write missing/a.svg"),
        "{}",
        nowhere.stderr
    );
}
