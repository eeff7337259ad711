//! Does a shell complete what can stand at the cursor, the user's own names too, without a call, a question or an error?

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Navi;

/// A line in bash as it is typed up to the cursor, divided as bash divides it: `=` is a word of its own.
fn in_bash(navi: &Navi, line: &[&str]) -> Vec<String> {
    let programs = Path::new(env!("CARGO_BIN_EXE_navi")).parent().unwrap();
    let script = "\
eval \"$(navi completions bash)\"
COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
_clap_complete_navi navi \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done
";
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", script, "bash"])
        .args(line)
        .current_dir(navi.folder())
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // Outside of a completion there are no options of it to set: bash's own words.
    let of_navi = stderr.lines().find(|line| !line.contains("compopt"));
    assert_eq!(of_navi, None, "{line:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    words.lines().map(str::to_owned).collect()
}

/// What navi answers to the script of another shell.
fn answered(navi: &Navi, shell: &str, line: &[&str]) -> String {
    let mut arguments = vec!["--"];
    arguments.extend(line);
    let mut command = navi.command(&arguments);
    command
        .env("NAVI_COMPLETE", shell)
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (line.len() - 1).to_string());
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line:?}");
    assert_eq!(output.status.code(), Some(0), "{line:?}");
    String::from_utf8(output.stdout).unwrap()
}

const FILE: &str = "\
stack: shop
namespace: { name: shop.local }
services:
  web: { route: {}, containers: { web: { image: nginx, ports: [80] } } }
  worker: { containers: { worker: { image: nginx } } }
";

#[test]
fn names_are_those_of_the_file_and_of_what_is_recorded() {
    let navi = Navi::new();
    let nothing: &[&str] = &[];
    let scale = ["navi", "scale", "--sandbox", ""];
    // Nothing is known of any service: what else can be said is an option.
    assert!(
        in_bash(&navi, &scale)
            .iter()
            .all(|word| word.starts_with("--"))
    );

    let file = navi.write("navi.yaml", FILE);
    assert_eq!(in_bash(&navi, &scale), ["web=", "worker="]);
    assert_eq!(in_bash(&navi, &["navi", "redeploy", "we"]), ["web"]);
    assert_eq!(
        in_bash(&navi, &["navi", "up", "--target", "ecs_service.wo"]),
        ["ecs_service.worker"]
    );
    assert_eq!(
        in_bash(&navi, &["navi", "state", "show", "--sandbox", "vpc"]),
        nothing
    );
    let adopted = in_bash(&navi, &["navi", "adopt", "--sandbox", "vpc"]);
    assert_eq!(adopted, ["vpc.main"]);

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    let other = FILE
        .replace("stack: shop", "stack: other")
        .replace("  worker:", "  mailer:");
    navi.write("other.yaml", &other);
    let stacks = in_bash(
        &navi,
        &[
            "navi",
            "down",
            "--sandbox",
            "-f",
            "other.yaml",
            "--stack",
            "",
        ],
    );
    assert_eq!(stacks, ["other", "shop"]);
    let in_one_word = in_bash(&navi, &["navi", "down", "--sandbox", "--stack", "=", "sh"]);
    assert_eq!(in_one_word, ["shop"]);
    // What is recorded of another stack than the file's.
    let shop = [
        "navi",
        "-f",
        "other.yaml",
        "--sandbox",
        "discover",
        "--stack",
        "shop",
        "",
    ];
    assert_eq!(in_bash(&navi, &shop), ["web", "worker"]);
    let show = ["navi", "state", "show", "--sandbox", "ecs_service.w"];
    assert_eq!(
        in_bash(&navi, &show),
        ["ecs_service.web", "ecs_service.worker"]
    );
    let follow = ["navi", "logs", "--sandbox", "-f", "--container", "wo"];
    assert_eq!(in_bash(&navi, &follow), ["worker"]);
    let outputs = in_bash(&navi, &["navi", "outputs", "--sandbox", "vpc.main."]);
    assert!(
        outputs.contains(&"vpc.main.vpc_id".to_owned()),
        "{outputs:?}"
    );
    // A place that is taken is none to adopt something at.
    assert_eq!(
        in_bash(&navi, &["navi", "adopt", "--sandbox", "vpc"]),
        nothing
    );
    assert_eq!(navi.calls(), 0, "{:?}", navi.operations());

    // A file that has errors, or a variable that is not set, is told by `up`, not while one types.
    navi.write(
        "navi.yaml",
        &FILE.replace("nginx", "${IMAGE}").replace("route", "ruote"),
    );
    assert_eq!(in_bash(&navi, &scale), ["web=", "worker="]);
    std::fs::write(navi.folder().join(".navi/sandbox/shop.json"), "no state").unwrap();
    assert!(
        in_bash(&navi, &scale)
            .iter()
            .all(|word| word.starts_with("--"))
    );
}

#[test]
fn commands_options_and_values_are_completed() {
    let navi = Navi::new();
    navi.write("navi.yaml", FILE);
    assert_eq!(in_bash(&navi, &["navi", "sc"]), ["scale", "schema"]);
    assert_eq!(in_bash(&navi, &["navi", "state", "un"]), ["unprotect"]);
    let codes = in_bash(&navi, &["navi", "explain", "NAVI0101"]);
    assert_eq!(codes, ["NAVI0101"]);
    assert_eq!(in_bash(&navi, &["navi", "up", "--no-w"]), ["--no-wait"]);
    assert_eq!(in_bash(&navi, &["navi", "--output", ""]), ["text", "json"]);
    assert_eq!(in_bash(&navi, &["navi", "--output", "=", "j"]), ["json"]);
    assert_eq!(in_bash(&navi, &["navi", "up", "-f", "na"]), ["navi.yaml"]);
    let more = in_bash(&navi, &["navi", "up", "--"]);
    assert!(more.contains(&"--target".to_owned()) && more.contains(&"--file".to_owned()));
}

#[test]
fn every_shell_has_a_script_and_gets_its_answer() {
    let navi = Navi::new();
    navi.write("navi.yaml", FILE);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = navi.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("NAVI_COMPLETE"), "{shell}: {script}");
        let names = answered(&navi, shell, &["navi", "redeploy", "w"]);
        let names: Vec<&str> = names
            .split(['\n', '\u{b}'])
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(names, ["web", "worker"], "{shell}");
    }
    // A script of tomorrow, or of another program.
    assert_eq!(answered(&navi, "nushell", &["navi", "redeploy", "w"]), "");
    assert_eq!(
        answered(&navi, "zsh", &["navi", "nothing", "--of", "this", "x"]),
        ""
    );
}
