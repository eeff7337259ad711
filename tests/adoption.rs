//! Does the stack take over what is there already, with nothing made anew and nothing changed by the taking?

use std::path::Path;

use crate::support::{Ended, Inventory, Navi, inventory, namesake};

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
