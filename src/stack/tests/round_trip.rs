//! Is the resolved file the same stack again, and does nothing make the reader panic?

use proptest::prelude::*;

use super::{ARTICLE, INTERNAL, MINIMAL, container_with, stack, try_load};
use crate::stack::{Stack, Tier, resolved};

fn assert_round_trip(stack: &Stack) {
    let text = resolved(stack);
    let again = try_load(&text).unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(120)));
    assert_eq!(&again.stack, stack, "{text}");
}

#[test]
fn the_minimal_stack_resolved() {
    insta::assert_snapshot!(resolved(&stack(MINIMAL)));
    assert_round_trip(&stack(MINIMAL));
}

#[test]
fn the_internal_stack_resolved() {
    insta::assert_snapshot!(resolved(&stack(INTERNAL)));
    assert_round_trip(&stack(INTERNAL));
}

#[test]
fn the_article_stack_resolved() {
    insta::assert_snapshot!(resolved(&stack(ARTICLE)));
    assert_round_trip(&stack(ARTICLE));
}

/// Every key of the file set to something that is not its default.
#[test]
fn a_stack_with_everything_resolved() {
    let everything = include_str!("everything.yaml");
    let loaded = try_load(everything).unwrap_or_else(|errors| panic!("{}", errors.render(120)));
    insta::assert_snapshot!(resolved(&loaded.stack));
    assert_round_trip(&loaded.stack);
}

#[test]
fn a_stack_in_an_existing_vpc_resolved() {
    let text = "stack: guest\nnetwork:\n  vpc:\n    find: vpc-0123456789abcdef0\n    subnets:\n      public: [subnet-0a, public b]\n      private: [subnet-0c]\nservices:\n  web:\n    route: {}\n    containers:\n      web: { image: nginx, ports: [80] }\n";
    let guest = stack(text);
    // Where there are private subnets, that is where tasks belong.
    assert_eq!(guest.services[0].subnets, Tier::Private);
    insta::assert_snapshot!(resolved(&guest));
    assert_round_trip(&guest);
}

#[test]
fn a_stack_with_endpoints_resolved() {
    let text = "stack: shop\nregion: eu-west-1\nnetwork: { endpoints: [ecr, s3, logs] }\nservices:\n  web:\n    containers:\n      web: { image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/web }\n";
    let shop = stack(text);
    // Private subnets are made for them, and that is where tasks belong.
    assert_eq!(shop.services[0].subnets, Tier::Private);
    assert_eq!(shop.network.subnets_of(Tier::Private).count(), 2);
    assert_round_trip(&shop);
}

/// Flow style JSON strings are YAML too, so any text can be written down.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// YAML has no place for these, not even in quotes.
fn printable() -> impl Strategy<Value = String> {
    "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,24}"
}

proptest! {
    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        let _ = try_load(&text);
    }

    #[test]
    fn random_yaml_never_panics(text in "[a-c:{}\\[\\]&*!|>'\"%@`#,? \\-\n\t$~]{0,80}") {
        let _ = try_load(&text);
    }

    #[test]
    fn a_damaged_file_never_panics(at in 0..ARTICLE.len(), length in 0..40usize, noise in "[ -~\n]{0,12}") {
        let end = (at + length).min(ARTICLE.len());
        let text = format!("{}{noise}{}", &ARTICLE[..at], &ARTICLE[end..]);
        if let Err(errors) = try_load(&text) {
            prop_assert!(!errors.render(100).is_empty());
            prop_assert!(errors.problems().iter().all(|problem| problem.offset() <= text.len()));
        }
    }

    #[test]
    fn any_text_survives_being_resolved(value in printable(), command in printable()) {
        let escape = |text: &str| quoted(&text.replace('$', "$$"));
        let text = container_with(&format!(
            "image: nginx\ncommand: [{}]\nenvironment: {{ A: {} }}", escape(&command), escape(&value)
        ));
        let stack = stack(&text);
        prop_assert_eq!(&stack.services[0].containers[0].environment["A"], &value);
        prop_assert_eq!(&stack.services[0].containers[0].command[0], &command);
        assert_round_trip(&stack);
    }

    #[test]
    fn what_is_resolved_loads_again(
        count in 0..20u32, cpu in prop::sample::select(vec![256u32, 512, 1024, 2048]), exec: bool, routed: bool,
        nat in prop::sample::select(vec!["none", "single", "per-zone"]), named: bool, prefix in 16..=25u8,
        port in 1..=65535u16, driver in prop::sample::select(vec!["awslogs", "none"]),
        retention in prop::sample::select(vec!["1d", "30d", "forever"]), delay in 0..=3600u32,
    ) {
        let namespace = if named { "namespace: { name: shop.local }" } else { "" };
        let route = if routed { format!("    route: {{}}\n    deregistration_delay: {delay}s\n") } else { String::new() };
        let text = format!(
            "stack: shop\n{namespace}\nnetwork: {{ cidr: 10.0.0.0/{prefix}, nat: {nat} }}\nservices:\n  web:\n{route}    count: {count}\n    cpu: {cpu}\n    exec: {exec}\n    containers:\n      web: {{ image: nginx, ports: [{port}], logs: {{ driver: {driver}, retention: {retention} }} }}\n"
        );
        assert_round_trip(&stack(&text));
    }
}
