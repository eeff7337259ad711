//! Does `navi init` write files that people would be glad to own, and that come up?

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Inventory, Navi, boto3, inventory};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/init")
        .join(name)
}

/// Copies a fixture to where the tests work, so that its paths read as a person's do.
fn copied(navi: &Navi, name: &str) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            match from.is_dir() {
                true => copy(&from, &to),
                false => {
                    fs::copy(from, to).unwrap();
                }
            }
        }
    }
    copy(&fixture(name), &navi.folder().join(name));
}

/// What is written and what is told, as a person sees it.
#[track_caller]
fn made(navi: &Navi, arguments: &[&str]) -> String {
    let mut all = vec!["init"];
    all.extend(arguments);
    let file = arguments.iter().skip_while(|one| **one != "-f").nth(1);
    let ended = navi.run(&all).expect(0);
    assert_eq!(ended.stdout, "");
    let text = fs::read_to_string(navi.folder().join(file.unwrap_or(&"navi.yaml"))).unwrap();
    format!("{text}\n--- told\n{}", ended.stderr)
}

/// Brings a file up in the sandbox, twice, and takes it down again.
#[track_caller]
fn comes_up(navi: &Navi, file: &str, set: &[&str]) {
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = navi.folder().join(file);
    let run = |command: &[&str]| {
        let mut all = command.to_vec();
        for variable in set {
            all.extend(["--set", variable]);
        }
        navi.sandboxed(&file, &all)
    };
    run(&["config"]).expect(0);
    run(&["up", "--yes"]).expect(0);
    navi.forget_calls();
    run(&["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    run(&["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), before);
}

/// The hosted zone of a domain that somebody owns.
fn owned_zone(endpoint: &str, domain: &str) {
    let make = format!(
        "client.create_hosted_zone(Name='{domain}', CallerReference='theirs')['HostedZone']['Id']"
    );
    boto3(endpoint, "route53", &make);
}

#[test]
fn a_compose_file_becomes_a_stack_that_comes_up() {
    let navi = Navi::new();
    copied(&navi, "shop");
    let made = made(&navi, &["--from", "shop/docker-compose.yml"]);
    assert!(
        !made.contains("hunter2") && !made.contains("correct-horse"),
        "{made}"
    );
    insta::assert_snapshot!("shop", made);
    comes_up(&navi, "navi.yaml", &["FEATURES=all"]);
}

#[test]
fn anchors_merges_and_several_published_services() {
    let navi = Navi::new();
    copied(&navi, "blog");
    let made = made(&navi, &["--from", "blog", "-f", "blog.yaml"]);
    insta::assert_snapshot!("blog", made);
    comes_up(&navi, "blog.yaml", &[]);
}

#[test]
fn a_copilot_environment_becomes_a_stack_that_comes_up() {
    let navi = Navi::new();
    copied(&navi, "copilot/storefront");
    let from = "copilot/storefront";
    let several = navi.run(&["init", "--from", from, "-f", "-"]).expect(0);
    assert!(
        several.stderr.contains("environments prod, staging"),
        "{}",
        several.stderr
    );
    let made = made(&navi, &["--from", from, "--environment", "prod"]);
    insta::assert_snapshot!("storefront", made);
    owned_zone(&navi.endpoint(), "example.com");
    comes_up(&navi, "navi.yaml", &[]);
    let typo = navi
        .run(&[
            "init",
            "--from",
            from,
            "--environment",
            "prd",
            "-f",
            "x.yaml",
        ])
        .expect(1);
    assert!(
        typo.stderr.contains("did you mean `prod`"),
        "{}",
        typo.stderr
    );
}

#[test]
fn a_copilot_environment_in_a_network_of_its_owners() {
    let navi = Navi::new();
    copied(&navi, "copilot/tenant");
    let from = "copilot/tenant/copilot";
    insta::assert_snapshot!("tenant", made(&navi, &["--from", from]));
    let endpoint = navi.endpoint();
    // The account's default VPC is somebody's: nobody made it for this stack.
    let ec2 = |expression: &str| boto3(&endpoint, "ec2", expression);
    let vpc = ec2("client.describe_vpcs()['Vpcs'][0]['VpcId']");
    let subnets =
        ec2("sorted(subnet['SubnetId'] for subnet in client.describe_subnets()['Subnets'])");
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let manifest = navi
        .folder()
        .join("copilot/tenant/copilot/environments/live/manifest.yml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text
        .replace("vpc-0123456789abcdef0", &id(&vpc))
        .replace("subnet-0aaaaaaaaaaaaaaaa", &id(&subnets[0]))
        .replace("subnet-0bbbbbbbbbbbbbbbb", &id(&subnets[1]));
    fs::write(&manifest, text).unwrap();
    made(&navi, &["--from", from, "-f", "live.yaml"]);
    comes_up(&navi, "live.yaml", &[]);
}

#[test]
fn options_make_a_stack_that_comes_up() {
    let navi = Navi::new();
    let options = [
        "--name",
        "Shop Front",
        "--service",
        "web=public.ecr.aws/nginx/nginx:1.27,80",
        "--service",
        "api,8080",
        "--host",
        "shop.example.com",
        "--nat",
        "single",
        "--region",
        "eu-west-1",
    ];
    insta::assert_snapshot!("options", made(&navi, &options));
    let zone = "client.create_hosted_zone(Name='example.com', CallerReference='theirs')['HostedZone']['Id']";
    boto3(&navi.endpoint(), "route53", zone);
    comes_up(&navi, "navi.yaml", &[]);
    let smallest = made(
        &navi,
        &[
            "--service",
            "web=nginx,80",
            "--name",
            "one",
            "-f",
            "one.yaml",
        ],
    );
    insta::assert_snapshot!("smallest", smallest);
    comes_up(&navi, "one.yaml", &[]);
}

#[test]
fn nothing_is_ever_written_over_or_asked_without_a_terminal() {
    let navi = Navi::new();
    let nobody = navi.run(&["init"]).expect(1);
    assert!(
        nobody.stderr.contains("--service NAME=IMAGE,PORT"),
        "{}",
        nobody.stderr
    );
    assert!(!navi.folder().join("navi.yaml").exists());

    navi.write(
        "docker-compose.yml",
        "services: { web: { image: nginx } }\n",
    );
    let beside = navi.run(&["init"]).expect(1);
    assert!(
        beside
            .stderr
            .contains("navi init --from docker-compose.yml"),
        "{}",
        beside.stderr
    );

    let mine = navi.write("navi.yaml", "mine\n");
    let refused = navi.run(&["init", "--service", "web=nginx"]).expect(1);
    assert!(
        refused.stderr.contains("is there already"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine\n");

    let printed = navi
        .run(&["init", "--service", "web=nginx,80", "-f", "-"])
        .expect(0);
    assert!(
        printed.stdout.contains("services:\n  web:\n"),
        "{}",
        printed.stdout
    );
    assert!(!navi.folder().join("-").exists());
}

#[test]
fn mistakes_of_a_source_are_told_with_their_lines_and_nothing_is_written() {
    let navi = Navi::new();
    navi.write("broken.yml", "services:\n  web:\n    image: [nginx\n");
    let broken = navi.run(&["init", "--from", "broken.yml"]).expect(1);
    assert!(
        broken.stderr.contains("broken.yml:") && broken.stderr.contains("not valid YAML"),
        "{}",
        broken.stderr
    );
    navi.write(
        "image.yml",
        "services:\n  web:\n    image: \"no such thing\"\n",
    );
    let image = navi.run(&["init", "--from", "image.yml"]).expect(1);
    assert!(
        image.stderr.contains("navi.yaml (not written)"),
        "{}",
        image.stderr
    );
    assert!(!navi.folder().join("navi.yaml").exists());
    let missing = navi.run(&["init", "--from", "nowhere.yml"]).expect(1);
    assert!(
        missing.stderr.contains("could not read nowhere.yml"),
        "{}",
        missing.stderr
    );
}

#[test]
fn a_program_gets_one_document() {
    let navi = Navi::new();
    navi.write(
        "compose.yaml",
        "services:\n  web:\n    image: nginx\n    user: root\n",
    );
    let told = navi
        .run(&["init", "--from", ".", "--output", "json", "--name", "one"])
        .expect(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["file"], "navi.yaml");
    assert_eq!(told["services"], serde_json::json!(["web"]));
    assert_eq!(told["notes"][0]["line"], 4, "{told}");
}
