//! Are the releases that are prepared found by those who install them: cargo-dist's workflow, the Action, `cargo binstall`?

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_action_knows_every_archive_that_is_built_and_no_other() {
    let built = read("dist-workspace.toml");
    let (_, targets) = built.split_once("\ntargets = [").unwrap();
    let (targets, _) = targets.split_once(']').unwrap();
    let targets: Vec<&str> = targets
        .split(", ")
        .map(|target| target.trim_matches('"'))
        .collect();
    let install = read(".github/action/install");
    let installed = install
        .lines()
        .filter_map(|line| line.split_once(") target="));
    let mut installed: Vec<&str> = installed
        .filter_map(|(_, target)| target.split(' ').next())
        .filter(|target| !target.is_empty())
        .collect();
    installed.sort_unstable();
    assert_eq!(installed, targets);
}

#[test]
fn the_workflow_is_that_of_the_configured_cargo_dist() {
    let configured = read("dist-workspace.toml");
    let version = configured
        .lines()
        .find_map(|line| line.strip_prefix("cargo-dist-version = "));
    let version = version.unwrap().trim_matches('"');
    let workflow = read(".github/workflows/release.yml");
    let installer = format!("/cargo-dist/releases/download/v{version}/");
    assert!(
        workflow.contains(&installer),
        "run `dist generate` of cargo-dist {version}"
    );
}

#[test]
fn binstall_and_the_action_look_where_cargo_dist_puts_the_archives() {
    let manifest = read("Cargo.toml");
    let archive = "/releases/download/v{ version }/{ name }-{ target }.tar.xz";
    assert!(manifest.contains(archive), "{manifest}");
    let install = read(".github/action/install");
    assert!(
        install.contains("/releases/download/v$version\""),
        "{install}"
    );
    assert!(install.contains("navi-$target.tar.xz"), "{install}");
}
