//! Is every promise of the stack file kept?

mod article;
mod defaults;
mod documentation;
mod errors;
mod round_trip;
mod variables;

use super::{Loaded, Stack, StackErrors, Variables, load};

const ARTICLE: &str = include_str!("../../../stacks/ecs-navi.yaml");
const MINIMAL: &str = include_str!("../../../stacks/minimal.yaml");
const INTERNAL: &str = include_str!("../../../stacks/internal.yaml");

fn try_load(text: &str) -> Result<Loaded, StackErrors> {
    load("navi.yaml", text, &Variables::default())
}

/// The stack of a file that must be right, warnings included.
fn stack(text: &str) -> Stack {
    let loaded = try_load(text).unwrap_or_else(|errors| panic!("{}", errors.render(120)));
    let warnings: Vec<String> = loaded
        .warnings
        .iter()
        .map(|warning| warning.render(120))
        .collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
    loaded.stack
}

/// A whole file around lines for its top.
fn file_with(top: &str) -> String {
    format!(
        "stack: shop\n{}\nservices:\n  web:\n    route: {{}}\n    containers:\n      web: {{ image: nginx, ports: [80] }}\n",
        top.trim_matches('\n')
    )
}

/// A whole file around lines for its only service, which has a container `web` on port 80.
fn service_with(lines: &str) -> String {
    let lines: Vec<String> = lines
        .trim_matches('\n')
        .lines()
        .map(|line| format!("    {line}"))
        .collect();
    format!(
        "stack: shop\nservices:\n  web:\n{}\n    containers:\n      web: {{ image: nginx, ports: [80] }}\n",
        lines.join("\n")
    )
}

/// A whole file around lines for the containers of its only service.
fn containers_with(lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("      {line}")).collect();
    format!(
        "stack: shop\nservices:\n  web:\n    containers:\n{}\n",
        lines.join("\n")
    )
}

/// A whole file around lines for its only container.
fn container_with(lines: &str) -> String {
    let lines: Vec<String> = lines
        .trim_matches('\n')
        .lines()
        .map(|line| format!("        {line}"))
        .collect();
    format!(
        "stack: shop\nservices:\n  web:\n    containers:\n      web:\n{}\n",
        lines.join("\n")
    )
}
