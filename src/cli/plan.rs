//! `navi plan`: what would `up` do, and why? Changes nothing and takes no lock.

use anstyle::Style;
use serde_json::{Value, json};

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::planning::Counts;
use super::protection::{self, Source};
use super::reading::{self, Wanting};
use super::targets::TargetArguments;
use super::{exit_code, output, planning, rebuilding};
use crate::model;
use crate::observe::Refresh;
use crate::plan::{LeftOut, Plan, PlanText, refused};
use crate::report::Palette;

/// Show what `up` would create, change, replace or remove, and change nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  navi plan -f stacks/ecs-navi.yaml
  navi plan --exit-code --output json   in a pipeline: 0 nothing to do, 2 changes pending")]
pub struct PlanArguments {
    /// Exit with 2 when there is something to change
    #[arg(long)]
    exit_code: bool,

    /// Trust the state: look only at what the file changes and what depends on that
    #[arg(long)]
    no_refresh: bool,

    #[command(flatten)]
    targets: TargetArguments,

    /// Plan for `up --keep-counts`: the number of tasks of every service that exists stays as it is in AWS
    #[arg(long)]
    keep_counts: bool,
}

pub async fn run(global: &GlobalOptions, arguments: &PlanArguments) -> Result<u8, CommandError> {
    let Wanting {
        session,
        connection,
        stack,
    } = reading::begin_with_file(global, "what it does now is not in this plan").await?;
    let refresh = match arguments.no_refresh {
        true => Refresh::Changed,
        false => Refresh::All,
    };
    if refresh == Refresh::All {
        rebuilding::if_lost(global, &session, &connection, Some(&stack)).await?;
    }
    let counts = Counts::keep(arguments.keep_counts);
    let plan = planning::for_up(global, &stack, &session, &connection, refresh, counts).await?;
    let (plan, left_out) = arguments.targets.limit(plan)?;
    let protection = model::protection(&stack);
    let recorded = session.with_state(|state| state.protection.clone());
    if global.json() {
        output::document(&json!({
            "stack": stack.name,
            "account": connection.account,
            "region": connection.region,
            "changes_pending": plan.mutates(),
            "drift": plan.drift,
            "plan": steps_document(&plan),
            "left_out": left_out,
            "protection": {"recorded": recorded, "wanted": protection, "refused": refused(&plan, &protection)},
        }))?;
    } else {
        let palette = Palette::for_stdout();
        let heading = palette.heading;
        output::data(&format!(
            "{heading}{}{heading:#}: {}\n\n{}",
            stack.name,
            connection.place(),
            text(&plan, &left_out, &palette)
        ))?;
        if let Some(news) = protection::news(&recorded, &protection) {
            output::data(&format!("From the next `navi up` on {news}."))?;
        }
    }
    // The plan is there to see; no `up` would carry it out.
    protection::check(&plan, &protection, Source::File(global.file.clone()))?;
    match arguments.exit_code && plan.mutates() {
        true => Ok(exit_code::CHANGES_PENDING),
        false => Ok(exit_code::DONE),
    }
}

/// The plan's own text, its lines coloured by the sign they begin with.
pub fn text(plan: &Plan, left_out: &LeftOut, palette: &Palette) -> String {
    let mut text = String::new();
    if plan.is_empty() && !left_out.is_empty() {
        return format!("Nothing to do for these.\n{left_out}\n");
    }
    for line in PlanText(plan).to_string().lines() {
        let style = style_of(line, palette);
        text.push_str(&format!("{style}{line}{style:#}\n"));
    }
    if !left_out.targets.is_empty() {
        text.push_str(&format!("{left_out}\n"));
    }
    text
}

fn style_of(line: &str, palette: &Palette) -> Style {
    match line.chars().next() {
        Some('+') => palette.good,
        Some('~') => palette.changed,
        Some('±') => palette.warning,
        Some('-') => palette.bad,
        _ => Style::new(),
    }
}

/// The plan's steps as data.
pub fn steps_document(plan: &Plan) -> Value {
    plan.steps
        .iter()
        .filter(|step| step.acts())
        .map(|step| {
            json!({
                "address": step.address,
                "was": plan.was(&step.address),
                "action": step.action,
                "reason": step.reason,
                "fields": step.change.fields,
                "notice": step.notice,
            })
        })
        .collect()
}
