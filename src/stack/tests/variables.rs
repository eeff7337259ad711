//! What do variables stand for?

use super::{container_with, file_with, stack};
use crate::stack::{Count, Stack, StackErrors, Variables, load};

fn variables(pairs: &[(&str, &str)]) -> Variables {
    Variables::new(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn with(text: &str, variables: &Variables) -> Result<Stack, StackErrors> {
    load("navi.yaml", text, variables).map(|loaded| loaded.stack)
}

fn value_of(written: &str, pairs: &[(&str, &str)]) -> String {
    let text = container_with(&format!("image: nginx\nenvironment: {{ A: {written} }}"));
    let stack =
        with(&text, &variables(pairs)).unwrap_or_else(|errors| panic!("{}", errors.render(100)));
    stack.services[0].containers[0].environment["A"].clone()
}

#[test]
fn they_are_put_into_text() {
    assert_eq!(value_of("'a-${NAME}-z'", &[("NAME", "x")]), "a-x-z");
    assert_eq!(value_of("'${NAME:-none}'", &[]), "none");
    assert_eq!(value_of("'${NAME:-none}'", &[("NAME", "")]), "none");
    assert_eq!(value_of("'${NAME:-}'", &[]), "");
    assert_eq!(
        value_of("'$${NAME} $5 $$'", &[("NAME", "x")]),
        "${NAME} $5 $"
    );
}

#[test]
fn a_value_is_text_and_not_a_template() {
    assert_eq!(value_of("'${NAME}'", &[("NAME", "${OTHER}")]), "${OTHER}");
}

#[test]
fn they_can_be_numbers_even_in_quotes() {
    let text = super::service_with("count: \"${COUNT}\"");
    assert_eq!(
        with(&text, &variables(&[("COUNT", "3")]))
            .expect("a good file")
            .services[0]
            .count,
        Count::Fixed(3)
    );
}

#[test]
fn missing_ones_are_told_all_at_once() {
    let text = container_with(
        "image: \"${IMAGE}:${TAG}\"\nenvironment: { A: \"${not a name}\", B: \"${OPEN\" }",
    );
    let errors = with(&text, &Variables::default()).expect_err("nothing is set");
    insta::assert_snapshot!(errors.render(100));
}

#[test]
fn region_and_account_come_from_aws_and_not_from_the_environment() {
    let text = container_with("image: \"${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/web:1\"");
    let misleading = variables(&[("ACCOUNT_ID", "1"), ("REGION", "nowhere")]);
    let unknown = with(&text, &misleading).expect("a good file");
    assert!(unknown.needs_account_id() && unknown.needs_region());
    let known = misleading
        .with_account_id("123456789012")
        .with_region("eu-west-1");
    let known = with(&text, &known).expect("a good file");
    assert!(!known.needs_account_id() && !known.needs_region());
    assert_eq!(
        known.services[0].containers[0].image,
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"
    );
}

#[test]
fn the_callers_region_goes_before_the_files() {
    let text = file_with("region: eu-west-1\ntags: { where: \"${REGION}\" }");
    let file = with(&text, &Variables::default()).expect("a good file");
    assert_eq!(
        (file.region.as_deref(), file.tags["where"].as_str()),
        (Some("eu-west-1"), "eu-west-1")
    );
    let caller = with(&text, &Variables::default().with_region("us-east-1")).expect("a good file");
    assert_eq!(
        (caller.region.as_deref(), caller.tags["where"].as_str()),
        (Some("us-east-1"), "us-east-1")
    );
}

#[test]
fn a_file_without_them_needs_neither() {
    let stack = stack(&file_with(""));
    assert!(!stack.needs_account_id() && !stack.needs_region());
}
