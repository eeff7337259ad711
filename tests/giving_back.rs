//! Is what `navi state forget` gives back left alone for good, whatever navi does afterwards and whatever it loses?

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, get_text, inventory, namesake, post_json};

/// The calls by which tags come off, of all services.
const UNTAGGING: [&str; 7] = [
    "DeleteTags",
    "RemoveTags",
    "UntagResource",
    "UntagRole",
    "RemoveTagsFromCertificate",
    "ChangeTagsForResource",
    "UntagLogGroup",
];

fn up(navi: &Navi, file: &Path) -> Ended {
    navi.sandboxed(file, &["up", "--yes"])
}

fn forget(navi: &Navi, file: &Path, arguments: &[&str]) -> Ended {
    let all = [&["state", "forget", "--yes"], arguments].concat();
    navi.sandboxed(file, &all)
}

fn addresses(navi: &Navi, file: &Path) -> Vec<String> {
    let listed = navi.sandboxed(file, &["state", "list"]).expect(0).stdout;
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    listed.lines().map(first).collect()
}

/// What is in the account, less what AWS still shows of what is gone.
fn there(navi: &Navi) -> Value {
    inventory(&navi.endpoint(), &Inventory::Ids)
}

#[track_caller]
fn changes_nothing(navi: &Navi, file: &Path) {
    navi.forget_calls();
    up(navi, file).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

/// Whether any object but tasks, which have their service's tags, says that it is the stack's.
fn tagged(navi: &Navi) -> Vec<String> {
    let world = get_text(&navi.endpoint(), "/_navi/world");
    let world: Value = serde_json::from_str(&world).unwrap();
    let mut found = Vec::new();
    collect(&world, "", &mut found);
    found.retain(|path| !path.contains("/tasks/"));
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            // A tombstone keeps its tags.
            if fields.get("state").is_some_and(|state| state == "deleted") {
                return;
            }
            for (key, value) in fields {
                if key == "navi:stack" {
                    found.push(path.to_owned());
                }
                collect(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, path, found);
            }
        }
        Value::String(text) if text == "navi:stack" => found.push(path.to_owned()),
        _ => {}
    }
}

#[test]
fn what_was_given_back_outlives_down_and_a_lost_state() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    let empty = there(&navi);
    up(&navi, &file).expect(0);
    navi.forget_calls();
    let told = forget(&navi, &file, &["--force", "log_group./ecs/nginx"]).expect(0);
    assert!(
        told.stderr.contains("takes its tags off them"),
        "{}",
        told.stderr
    );
    assert_eq!(navi.mutating_calls(), ["UntagResource"]);

    let down = navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    let left = "nothing of ecs-navi is left but what was given back, which navi leaves alone: log_group./ecs/nginx";
    assert!(down.stderr.contains(left), "{}", down.stderr);
    let groups = |navi: &Navi| there(navi)["log_groups"].clone();
    assert_eq!(groups(&navi), json!(["/ecs/nginx"]));
    // Also when nothing at all is recorded any more, and when nobody remembers.
    let again = navi.sandboxed(&file, &["down", "--yes", "--output", "json"]);
    let again: Value = serde_json::from_str(&again.expect(0).stdout).unwrap();
    assert_eq!(again["given_back"], json!(["log_group./ecs/nginx"]));
    navi.lose_state("ecs-navi");
    navi.sandboxed(&file, &["down", "--yes"]).expect(1);
    assert_eq!(groups(&navi), json!(["/ecs/nginx"]));

    // And it can be had back, with `down` removing it as ever.
    let adopt = ["adopt", "--yes", "log_group./ecs/nginx", "/ecs/nginx"];
    navi.sandboxed(&file, &adopt).expect(0);
    up(&navi, &file).expect(0);
    changes_nothing(&navi, &file);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(there(&navi), empty);
}

#[test]
fn a_whole_stack_is_given_back_and_taken_back() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    let empty = there(&navi);
    up(&navi, &file).expect(0);
    let before = there(&navi);
    let recorded = addresses(&navi, &file);
    navi.forget_calls();
    forget(&navi, &file, &["*"]).expect(0);
    for call in navi.mutating_calls() {
        assert!(UNTAGGING.contains(&call.as_str()), "{call}");
    }
    assert_eq!(tagged(&navi), Vec::<String>::new());
    assert_eq!(there(&navi), before);

    navi.forget_calls();
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    navi.sandboxed(&file, &["state", "rebuild"]).expect(0);
    let refused = up(&navi, &file).expect(1);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    for part in [
        "cluster.main: the cluster `ecs-navi-cluster` is there already",
        "`navi state forget` gave it back",
        "`navi adopt --given-back` takes back all that was given back",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }

    navi.sandboxed(&file, &["adopt", "--given-back", "--yes"])
        .expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(addresses(&navi, &file), recorded);
    up(&navi, &file).expect(0);
    assert_eq!(there(&navi), before);
    changes_nothing(&navi, &file);
    let nothing_left = navi.sandboxed(&file, &["adopt", "--given-back", "--yes"]);
    let nothing_left = nothing_left.expect(0);
    assert!(
        nothing_left.stderr.contains("nothing was adopted"),
        "{}",
        nothing_left.stderr
    );
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(there(&navi), empty);
}

#[test]
fn without_a_call_the_state_alone_remembers() {
    let navi = Navi::new();
    let file = Navi::shipped("internal.yaml");
    up(&navi, &file).expect(0);
    let before = there(&navi);
    navi.forget_calls();
    let told = forget(&navi, &file, &["*", "--keep-tags"]).expect(0).stderr;
    assert!(told.contains("so keep the state"), "{told}");
    assert_eq!(navi.calls(), 0);

    for command in [
        &["status"][..],
        &["state", "rebuild"],
        &["down", "--yes"],
        &["down", "--yes"],
    ] {
        navi.sandboxed(&file, command).expect(0);
    }
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(addresses(&navi, &file), Vec::<String>::new());
    assert!(!tagged(&navi).is_empty());

    // The tags can still come off, and then nothing has to remember.
    forget(&navi, &file, &["*"]).expect(0);
    assert_eq!(tagged(&navi), Vec::<String>::new());
    navi.lose_state("internal");
    navi.sandboxed(&file, &["down", "--yes"]).expect(1);
    assert_eq!(there(&navi), before);
    let nothing = forget(&navi, &file, &["*"]).expect(1).stderr;
    assert!(nothing.contains("nothing is recorded"), "{nothing}");
}

#[test]
fn tags_that_aws_does_not_let_go_are_taken_off_by_the_same_command() {
    let navi = Navi::new();
    let file = Navi::shipped("minimal.yaml");
    up(&navi, &file).expect(0);
    let fault = json!({"operation": "DeleteTags", "do": "deny"});
    post_json(&navi.endpoint(), "/_navi/faults", &fault);
    let partly = forget(&navi, &file, &["*"]).expect(3).stderr;
    assert!(partly.contains("navi's tags are still on it"), "{partly}");
    assert!(partly.contains("the same command again"), "{partly}");
    // What still says that it is the stack's is left alone all the same.
    let before = there(&navi);
    assert_eq!(tagged(&navi).len(), 1);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(there(&navi), before);
    forget(&navi, &file, &["*"]).expect(0);
    assert_eq!(tagged(&navi), Vec::<String>::new());
}

/// The command in a text that begins so.
fn command<'a>(text: &'a str, beginning: &str) -> Option<Vec<&'a str>> {
    let mut quoted = text.split('`').skip(1).step_by(2);
    let command = quoted.find(|command| command.starts_with(beginning))?;
    Some(command.split_whitespace().skip(1).collect())
}

/// Each resource of a stack with everything, given back alone while all that refers to it stays.
#[test]
fn up_says_before_anything_is_made_what_was_given_back() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    up(&navi, &file).expect(0);
    for address in addresses(&navi, &file) {
        forget(&navi, &file, &["--force", &address]).expect(0);
        navi.forget_calls();
        let ended = navi.sandboxed(&file, &["check"]);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());
        let adopt = command(&told, &format!("navi adopt {address} "));
        let adopt = adopt.unwrap_or_else(|| panic!("no way back for {address}:\n{told}"));
        let adopt = [&adopt[..], &["--yes"]].concat();
        navi.sandboxed(&file, &adopt).expect(0);
        up(&navi, &file).expect(0);
    }
    changes_nothing(&navi, &file);
}

/// Two environments for one host: the second takes the record over once its service serves, without a moment in
/// which nobody answers.
#[test]
fn a_record_of_somebody_else_is_taken_over_by_the_commands_in_the_hint() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    namesake(&endpoint, &["zone", "example.test"]);
    let stack = |name: &str| {
        let text = format!(
            "\
stack: {name}
ingress:
  zone: {{ find: example.test }}
services:
  web:
    route: {{ host: www.example.test }}
    containers:
      web: {{ image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }}
"
        );
        navi.write(&format!("{name}.yaml"), &text)
    };
    let serving = || {
        let visit = json!({"scheme": "http", "host": "www.example.test", "path": "/"});
        let answer = post_json(&endpoint, "/_navi/http", &visit);
        answer["served_by"]["service"].clone()
    };
    let (old, new) = (stack("old"), stack("new"));
    up(&navi, &old).expect(0);
    let refused = up(&navi, &new).expect(1).stderr;
    let first = ["up", "--yes", "--target", "ecs_service.*"];
    assert!(
        refused.contains("`navi up --target 'ecs_service.*'`"),
        "{refused}"
    );
    navi.sandboxed(&new, &first).expect(0);
    assert_eq!(serving(), "old-web-service");
    let adopt = command(&refused, "navi adopt ").unwrap();
    navi.sandboxed(&new, &[&adopt[..], &["--yes"]].concat())
        .expect(0);
    assert_eq!(serving(), "old-web-service");
    up(&navi, &new).expect(0);
    assert_eq!(serving(), "new-web-service");
    changes_nothing(&navi, &new);
    // The old environment has lost its record, and leaves the new one's alone.
    navi.sandboxed(&old, &["down", "--yes"]).expect(0);
    assert_eq!(serving(), "new-web-service");
    navi.sandboxed(&new, &["down", "--yes"]).expect(0);

    // What is no alias has to go: the command says which one, whole.
    let address = [
        "record",
        "example.test",
        "www.example.test",
        "A",
        "192.0.2.7",
    ];
    namesake(&endpoint, &address);
    let refused = up(&navi, &new).expect(1).stderr;
    let removal = command(&refused, "aws route53 change-resource-record-sets ").unwrap();
    let batch = removal.last().unwrap().trim_matches('\'');
    let batch: Value = serde_json::from_str(batch).unwrap();
    let record = &batch["Changes"][0];
    assert_eq!(record["Action"], "DELETE");
    assert_eq!(
        record["ResourceRecordSet"],
        json!({
            "Name": "www.example.test.",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.7"}],
        })
    );
}
