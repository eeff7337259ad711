//! How does a plan read? One line per step, its fields beneath, the counts at the end.

use std::fmt;

use super::drift::Drift;
use super::planner::Plan;
use super::step::{Action, Reason, Step};
use super::values::readable;
use crate::resource::{Address, Effect};

/// A plan as text. Meaning never depends on colour: the first character of a line tells what happens.
pub struct PlanText<'a>(pub &'a Plan);

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_drift(formatter, &self.0.drift)?;
        for step in in_order(self.0) {
            write_step(formatter, step, self.0.was(&step.address))?;
        }
        if self.0.is_empty() {
            return writeln!(
                formatter,
                "Nothing to do: everything is as the stack wants it."
            );
        }
        writeln!(formatter)?;
        writeln!(formatter, "Plan: {}.", counts(self.0))
    }
}

/// The steps that do something; what comes before another of the same address stands before it.
fn in_order(plan: &Plan) -> impl Iterator<Item = &Step> {
    let acting = || plan.steps.iter().filter(|step| step.acts());
    let hands_over = |step: &&Step| step.reason == Reason::HandsOver;
    acting()
        .filter(move |step| !hands_over(step))
        .flat_map(move |step| {
            acting()
                .filter(move |before| hands_over(before) && before.address == step.address)
                .chain([step])
        })
}

fn write_drift(formatter: &mut fmt::Formatter<'_>, drift: &[Drift]) -> fmt::Result {
    if drift.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "Changed by others since the last run:")?;
    write!(formatter, "{}", DriftText(drift))?;
    writeln!(formatter)
}

/// What others changed, as text: navi's value first, then what AWS has now.
pub struct DriftText<'a>(pub &'a [Drift]);

impl fmt::Display for DriftText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for drift in self.0 {
            match drift.gone {
                true => writeln!(formatter, "! {}  it is gone", drift.address)?,
                false => writeln!(formatter, "! {}", drift.address)?,
            }
            for field in &drift.fields {
                writeln!(
                    formatter,
                    "    {}: {} → {}",
                    field.field,
                    readable(&field.new),
                    readable(&field.old)
                )?;
            }
        }
        Ok(())
    }
}

fn write_step(
    formatter: &mut fmt::Formatter<'_>,
    step: &Step,
    was: Option<&Address>,
) -> fmt::Result {
    write!(formatter, "{} {}", sign(step.action), step.address)?;
    if let Some(name) = name_in_aws(step).filter(|name| name != step.address.name()) {
        write!(formatter, " ({name})")?;
    }
    if let Some(was) = was {
        write!(formatter, "  was {was}")?;
    }
    match &step.reason {
        Reason::Vanished => write!(formatter, "  it is gone from AWS and is made again")?,
        Reason::RemovalBegun => {
            write!(
                formatter,
                "  its removal had begun; it is made again afterwards"
            )?;
        }
        Reason::NotReady { why } => write!(formatter, "  {why}")?,
        Reason::NotWanted if step.action == Action::Delete => {
            write!(formatter, "  no longer in the stack file")?;
        }
        Reason::Missing if step.action == Action::LookUp => write!(formatter, "  looked up")?,
        Reason::AsWanted if step.action == Action::Record => {
            write!(
                formatter,
                "  is as wanted; only what navi records of it changes"
            )?;
        }
        Reason::NotWanted | Reason::Down if step.action == Action::Forget => {
            write!(formatter, "  was only looked up; it stays")?;
        }
        Reason::Exclusive { to } => {
            write!(formatter, "  the new {to} needs one of its own")?;
        }
        Reason::Succeeded => write!(
            formatter,
            "  the old {}, once the new one does its work",
            step.address.current()
        )?,
        Reason::HandsOver => write!(formatter, "  old and new side by side, until traffic moves")?,
        Reason::Missing | Reason::Differs | Reason::NotWanted | Reason::Down | Reason::AsWanted => {
        }
    }
    writeln!(formatter)?;
    for field in &step.change.fields {
        let forces = match field.effect {
            Effect::InPlace => "",
            Effect::Replace => "  (needs a new one)",
        };
        writeln!(
            formatter,
            "    {}: {} → {}{forces}",
            field.field,
            readable(&field.old),
            readable(&field.new)
        )?;
    }
    if let Some(notice) = &step.notice {
        writeln!(formatter, "    notice: {notice}")?;
    }
    Ok(())
}

/// What the resource is called in AWS's console: its `Name` tag.
fn name_in_aws(step: &Step) -> Option<String> {
    let spec = step.resource.value();
    spec["tags"]["Name"].as_str().map(str::to_owned)
}

pub(super) fn sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "±",
        Action::Delete => "-",
        Action::Wait => "…",
        Action::LookUp => "?",
        Action::Record => "=",
        Action::Forget => "·",
        Action::Noop => " ",
    }
}

fn counts(plan: &Plan) -> String {
    let parts = [
        (Action::Create, "to create"),
        (Action::Update, "to change"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to remove"),
        (Action::Wait, "to wait for"),
        (Action::LookUp, "looked up"),
        (Action::Record, "to record anew"),
        (Action::Forget, "to forget"),
        (Action::Noop, "unchanged"),
    ];
    parts
        .iter()
        .map(|(action, text)| (plan.count(*action), text))
        .filter(|(count, _)| *count > 0)
        .map(|(count, text)| format!("{count} {text}"))
        .collect::<Vec<_>>()
        .join(", ")
}
