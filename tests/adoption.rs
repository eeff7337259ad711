//! Does the stack take over what is there already, with nothing made anew and nothing changed by the taking?

use std::path::Path;

use serde_json::json;

use crate::support::{Ended, Inventory, Navi, inventory, namesake, post_json, terraform};

/// Adopts, and expects that nothing is changed in AWS by it.
#[track_caller]
fn adopt(navi: &Navi, file: &Path, arguments: &[&str]) -> Ended {
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.forget_calls();
    let all = [&["adopt", "--yes"], arguments].concat();
    let ended = navi.sandboxed(file, &all);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
    ended
}

#[track_caller]
fn changes_nothing(navi: &Navi, file: &Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let plan = navi.sandboxed(file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
}

/// The commands that the refusal of `up` hints at.
fn hinted(ended: &Ended) -> Vec<Vec<String>> {
    let hints = ended.stderr.split('`');
    let commands = hints.filter_map(|text| text.strip_prefix("navi adopt "));
    commands
        .map(|command| command.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn what_up_hints_at_takes_each_namesake_over() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    namesake(&endpoint, &["loose"]);
    let file = Navi::shipped("ecs-navi.yaml");
    let refused = navi.sandboxed(&file, &["up", "--yes"]).expect(1);
    let commands = hinted(&refused);
    assert_eq!(commands.len(), 4, "{}", refused.stderr);
    let mut ids = Vec::new();
    for command in &commands {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let ended = adopt(&navi, &file, &command).expect(0);
        assert!(
            ended.stdout.contains("Adopt: 1 resource"),
            "{}",
            ended.stdout
        );
        // The tags at least are still to be set.
        assert!(
            ended.stdout.contains("    tags.navi:stack: "),
            "{}",
            ended.stdout
        );
        ids.push(command[1].to_owned());
    }
    let plan = navi.sandboxed(&file, &["plan"]).expect(0).stdout;
    assert!(plan.contains("to change"), "{plan}");
    assert!(!plan.contains("Changed by others"), "{plan}");
    assert!(!plan.contains("to replace"), "{plan}");
    let made = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let up = inventory(&endpoint, &Inventory::Ids);
    for (kind, ids) in made.as_object().unwrap() {
        for id in ids.as_array().unwrap() {
            assert!(
                up[kind].as_array().unwrap().contains(id),
                "{kind} {id} is gone"
            );
        }
    }
    changes_nothing(&navi, &file);
    // They are the stack's now.
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn what_is_not_to_be_had_is_refused_with_its_reason() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    namesake(&endpoint, &["namesakes"]);
    let file = Navi::shipped("ecs-navi.yaml");
    for (address, id, why) in [
        (
            "role.main",
            "ecs-navi-ecs-task-execution-role",
            "belongs to another stack: its tag navi:stack says `other`",
        ),
        (
            "target_group.backend",
            "ecs-navi-backend-tg",
            "adopt that first: vpc.main",
        ),
        (
            "log_group./ecs/ngin",
            "/ecs/nginx",
            "did you mean `log_group./ecs/nginx`?",
        ),
        (
            "vpc.main",
            "vpc-00000000000000000",
            "there is no vpc `vpc-00000000000000000`",
        ),
    ] {
        let ended = adopt(&navi, &file, &[address, id]).expect(1);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    // And nothing of it is recorded.
    let listed = navi.sandboxed(&file, &["state", "list"]).expect(0);
    assert_eq!(listed.stdout, "");
}

/// The article's user comes from Terraform: everything stays as it is and runs on, and only tags are still to be set.
#[test]
fn an_environment_moves_over_from_terraform_with_nothing_made_anew() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let state = terraform(&endpoint);
    let state = navi.write("terraform.tfstate", &state.to_string());
    let file = Navi::shipped("ecs-navi.yaml");
    let from = ["--from", state.to_str().unwrap()];

    let moved = inventory(&endpoint, &Inventory::Ids);
    serves(&endpoint);

    adopt(&navi, &file, &from).expect(0);
    let listed = navi.sandboxed(&file, &["state", "list"]).expect(0).stdout;
    assert_eq!(listed.lines().count(), 35, "{listed}");
    // Nothing is made, replaced or removed, and all that changes are tags, and whether tasks get them.
    let plan = navi.sandboxed(&file, &["plan"]).expect(0).stdout;
    assert!(plan.contains("Plan: 32 to change, 3 unchanged."), "{plan}");
    assert!(!plan.contains("Changed by others"), "{plan}");
    let fields: Vec<&str> = plan
        .lines()
        .filter(|line| line.starts_with("    "))
        .map(str::trim)
        .collect();
    assert!(fields.len() > 64, "{plan}");
    for field in fields {
        let is_about_tags = field.starts_with("tags.") || field == "propagate_tags: false → true";
        assert!(is_about_tags, "{field}");
    }

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), moved);
    serves(&endpoint);
    changes_nothing(&navi, &file);
    // Also when the state is lost: the names that Terraform made up are kept.
    navi.lose_state("ecs-navi");
    navi.sandboxed(&file, &["state", "rebuild"]).expect(0);
    changes_nothing(&navi, &file);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

/// A listener is known by its port: where the stack wants one more than Terraform has, the one that is there stays what
/// it is.
#[test]
fn a_listener_that_terraform_lacks_is_made_and_takes_no_others_place() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let state = terraform(&endpoint);
    let state = navi.write("terraform.tfstate", &state.to_string());
    let text = std::fs::read_to_string(Navi::shipped("ecs-navi.yaml")).unwrap();
    let with_redirect = text.replace("  redirect_http: false\n", "");
    assert_ne!(text, with_redirect);
    let file = navi.write("redirect.yaml", &with_redirect);
    let told = adopt(&navi, &file, &["--from", state.to_str().unwrap()]).expect(0);
    let has = |line: &str| told.stdout.lines().any(|one| one.starts_with(line));
    assert!(has("= listener.routes  arn:"), "{}", told.stdout);
    assert!(has("+ listener.redirect"), "{}", told.stdout);
    let plan = navi.sandboxed(&file, &["plan"]).expect(0).stdout;
    assert!(plan.contains("Plan: 1 to create, 32 to change"), "{plan}");
    // What is not compared yet is told in one line that can be read.
    let drift = navi.sandboxed(&file, &["drift"]).expect(0).stdout;
    assert!(drift.contains(", and 27 more. `navi up` does."), "{drift}");
    serves(&endpoint);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    serves(&endpoint);
    changes_nothing(&navi, &file);
}

#[test]
fn what_does_not_fit_for_want_of_another_says_which() {
    let navi = Navi::new();
    let state = terraform(&navi.endpoint());
    let state = navi.write("terraform.tfstate", &state.to_string());
    let text = std::fs::read_to_string(Navi::shipped("ecs-navi.yaml")).unwrap();
    let other = text.replace("1a: 10.0.1.0/24", "1a: 10.0.3.0/24");
    assert_ne!(text, other);
    let file = navi.write("other.yaml", &other);
    let told = adopt(&navi, &file, &["--from", state.to_str().unwrap()]).expect(0);
    for part in [
        "cidr_block is 10.0.1.0/24, wanted is 10.0.3.0/24",
        "wanted is (known after apply), as there is nothing that fits subnet.public-1a",
    ] {
        assert!(told.stdout.contains(part), "{}", told.stdout);
    }
}

/// Both hosts of the article answer.
#[track_caller]
fn serves(endpoint: &str) {
    for host in ["ecs-navi.site", "api.ecs-navi.site"] {
        let visit = json!({"scheme": "https", "host": host, "path": "/"});
        let answer = post_json(endpoint, "/_navi/http", &visit);
        assert_eq!(answer["status"], 200, "{host}: {answer}");
    }
}
