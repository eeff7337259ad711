//! The second client: boto3, through tests/inventory.py.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What to ask for.
pub enum Inventory<'a> {
    /// The identity of every object.
    Ids,
    /// What each object of the stack is set to.
    Values { stack: &'a str },
}

/// What is in the account, as boto3 sees it.
#[track_caller]
pub fn inventory(endpoint: &str, what: &Inventory<'_>) -> Value {
    let mut command = python(endpoint);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventory.py"));
    match what {
        Inventory::Ids => command.arg("ids"),
        Inventory::Values { stack } => command.args(["values", stack]),
    };
    answer(command)
}

/// What somebody else does in the account, through boto3; see tests/stranger.py.
#[track_caller]
pub fn stranger(endpoint: &str, arguments: &[&str]) -> Value {
    let mut command = python(endpoint);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stranger.py"))
        .args(arguments);
    answer(command)
}

/// Makes what has a name that navi wants, or is in its way, through boto3: a function of tests/namesakes.py.
#[track_caller]
pub fn namesake(endpoint: &str, arguments: &[&str]) -> Value {
    let mut command = python(endpoint);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/namesakes.py"))
        .args(arguments);
    answer(command)
}

/// Makes what Terraform made of the article's configuration, and answers the state that Terraform would keep of it; see
/// tests/terraform.py.
#[track_caller]
pub fn terraform(endpoint: &str) -> Value {
    let mut command = python(endpoint);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform.py"));
    answer(command)
}

/// What somebody with boto3 does: `expression` is Python over `ecs`, its value is what this answers.
#[track_caller]
pub fn ecs(endpoint: &str, expression: &str) -> Value {
    boto3(
        endpoint,
        "ecs",
        &format!("(lambda ecs: {expression})(client)"),
    )
}

/// The same with the client of any service, which the expression calls `client`.
#[track_caller]
pub fn boto3(endpoint: &str, service: &str, expression: &str) -> Value {
    let script = format!(
        "import boto3, json\nclient = boto3.client('{service}')\nprint(json.dumps({expression}, default=str))"
    );
    let mut command = python(endpoint);
    command.args(["-c", &script]);
    answer(command)
}

/// What an editor that knows the schema would underline in a stack file: a line for each error.
#[track_caller]
pub fn by_the_schema(schema: &Value, file: &str) -> String {
    let script = "\
import json, sys, jsonschema, yaml
schema, file = json.loads(sys.argv[1]), yaml.safe_load(sys.argv[2])
jsonschema.Draft202012Validator.check_schema(schema)
errors = jsonschema.Draft202012Validator(schema).iter_errors(file)
print(json.dumps('\\n'.join(f'{error.json_path}: {error.message}' for error in errors)))
";
    let mut command = python("");
    command.args(["-c", script, &schema.to_string(), file]);
    answer(command).as_str().unwrap().to_owned()
}

fn python(endpoint: &str) -> Command {
    // tests/run makes the environment and names its interpreter here.
    let python = std::env::var_os("NAVI_TEST_PYTHON")
        .expect("NAVI_TEST_PYTHON names a Python with boto3; run the tests with tests/run");
    let mut command = Command::new(python);
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_DEFAULT_REGION", super::REGION)
        .env("AWS_ACCESS_KEY_ID", super::navi::SANDBOX_ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", "sandbox");
    command
}

#[track_caller]
fn answer(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
