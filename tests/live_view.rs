//! What does a person at a terminal see while a run goes on? Seen on a real screen, wide, narrow, and while it is resized.

use serde_json::json;

use crate::support::{Inventory, Navi, REGION, Terminal, inventory, post_json};

/// Durations differ from run to run: every one of them becomes `_`, with as many blanks as it takes to stay in line.
fn without_times(screen: &str) -> String {
    let mut told = String::new();
    for word in screen.split_inclusive([' ', '\n']) {
        let trimmed = word.trim_end_matches([' ', '\n', ',', ';']);
        let is_time = trimmed.starts_with(|first: char| first.is_ascii_digit())
            && trimmed.ends_with('s')
            && trimmed
                .chars()
                .all(|character| character.is_ascii_digit() || ".ms".contains(character));
        match is_time {
            true => told.push_str(&format!("_{}", &word[trimmed.len()..])),
            false => told.push_str(word),
        }
    }
    let lines: Vec<String> = told
        .lines()
        .map(|line| match line.find(" _") {
            // The blanks before a time are as many as it is short.
            Some(at) => {
                let (before, after) = line.split_at(at);
                format!("{}{after}", before.trim_end())
            }
            None => line.to_owned(),
        })
        .collect();
    lines.join("\n")
}

/// What stands below the plan.
fn moving_part(screen: &str) -> String {
    let from = screen.rfind("[#").or_else(|| screen.rfind("[-"));
    without_times(&screen[from.unwrap_or_default()..])
}

/// A sandbox that hurries, but takes minutes for one thing.
fn slow(navi: &Navi, what: &str) {
    let durations = format!("durations: {{ {what}: {{ seconds: 86400 }} }}\n");
    navi.write("durations.yaml", &durations);
    let start = ["sandbox", "start", "--pace", "0.002", "--durations"];
    navi.run(&[&start[..], &["durations.yaml"]].concat())
        .expect(0);
}

/// The command at a terminal of this size, with a person who is asked.
fn at_a_terminal(navi: &Navi, command: &str, columns: u16, rows: u16) -> Terminal {
    let file = Navi::shipped("ecs-navi.yaml");
    let arguments = [
        "--sandbox",
        "--region",
        REGION,
        "-f",
        file.to_str().unwrap(),
    ];
    Terminal::run(
        &navi.command(&[&[command][..], &arguments].concat()),
        columns,
        rows,
    )
}

#[test]
fn a_run_is_one_view_that_says_what_is_waited_for_and_by_whom() {
    let navi = Navi::new();
    slow(&navi, "nat_gateway_becomes_available");
    let mut terminal = at_a_terminal(&navi, "up", 120, 50);
    terminal.until(&["Do this in account 123456789012?"]);
    terminal.type_line("yes");
    // All else is done: only what needs the gateway is left.
    let shown = terminal.until(&[" 1 running", "32 of 35"]);
    insta::assert_snapshot!("wide", moving_part(&shown));
    assert!(
        !shown.contains("ready "),
        "what is done is folded away:\n{shown}"
    );
    terminal.resize(44, 12);
    let narrow = terminal.until(&[" 1 running"]);
    assert!(narrow.lines().all(|line| line.chars().count() <= 44));
    terminal.resize(120, 50);
    // Ctrl-C once lets go of it; what is there is recorded.
    terminal.interrupt();
    let (shown, code) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("interrupted"), "{shown}");
    navi.run(&["down", "--yes", "--sandbox", "--stack", "ecs-navi"])
        .expect(0);
}

#[test]
fn at_its_end_the_view_is_gone_and_the_result_stands_there() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let mut terminal = at_a_terminal(&navi, "up", 120, 60);
    terminal.until(&["Do this in account 123456789012?"]);
    terminal.type_line("yes");
    let (shown, code) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.ends_with("https://ecs-navi.site\nhttps://api.ecs-navi.site"),
        "{shown}"
    );
    assert!(
        !shown.contains("[#"),
        "the moving part is gone at the end:\n{shown}"
    );
    navi.forget_calls();
    let (shown, code) = at_a_terminal(&navi, "up", 120, 60).end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let mut terminal = at_a_terminal(&navi, "down", 120, 60);
    terminal.until(&["Remove all of this from account 123456789012?"]);
    terminal.type_line("yes");
    let (shown, code) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("nothing of ecs-navi is left"), "{shown}");
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn a_service_that_gets_on_is_a_row_of_counts_with_what_ecs_says() {
    let navi = Navi::new();
    slow(&navi, "task_starts");
    let file = Navi::shipped("minimal.yaml");
    let file = file.to_str().unwrap();
    let up = ["up", "--yes", "--sandbox", "--region", REGION, "-f", file];
    let mut terminal = Terminal::run(&navi.command(&up), 120, 60);
    let shown = terminal.until(&["wanted", "has started 1 tasks"]);
    let row = shown.lines().find(|line| line.starts_with("  web "));
    let counts: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(counts, ["web", "1", "0", "1", "-", "0"], "{shown}");
    assert!(
        shown.contains("  web: has started 1 tasks: (task "),
        "{shown}"
    );
    // Ctrl-C once lets go of it; what is there is recorded.
    terminal.interrupt();
    let (shown, code) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    navi.run(&["down", "--yes", "--sandbox", "--stack", "minimal"])
        .expect(0);
}

#[test]
fn quiet_says_nothing_unless_there_is_trouble() {
    let navi = Navi::new();
    let file = Navi::shipped("minimal.yaml");
    let ended = navi.sandboxed(&file, &["up", "--yes", "--quiet"]).expect(0);
    assert_eq!(ended.stderr, "");
    navi.forget_calls();
    let again = navi.sandboxed(&file, &["up", "--yes", "--quiet"]).expect(0);
    assert_eq!(again.stderr, "");
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let endpoint = navi.endpoint();
    let denied =
        json!({"operation": "DeleteCluster", "at_call": 1, "when": "before", "do": "deny"});
    post_json(&endpoint, "/_navi/faults", &denied);
    let ended = navi
        .sandboxed(&file, &["down", "--yes", "--quiet"])
        .expect(3);
    assert!(
        ended.stderr.contains("FAILED   cluster.main"),
        "{}",
        ended.stderr
    );
    navi.sandboxed(&file, &["down", "--yes", "--quiet"])
        .expect(0);
}

#[test]
fn colour_comes_where_it_is_wanted_and_nowhere_else() {
    let navi = Navi::new();
    let coloured = |settings: &[(&str, &str)], more: &[&str]| {
        let mut command = navi.command(&[&["explain"][..], more].concat());
        command.env_remove("NO_COLOR");
        command.envs(settings.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], &[]), "a pipe gets none by itself");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
        &[]
    ));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--no-color"]));
}
