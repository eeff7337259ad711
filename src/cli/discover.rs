//! `navi discover`: which instances does Cloud Map have of each name, and which addresses does DNS give for it?

use std::fmt::Write;

use serde_json::json;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::{exit_code, output};
use crate::aws::canonical_name;
use crate::environment::{Entry, Environment, Name, NameNow, Specs, names_now};
use crate::observe::ObserveError;
use crate::report::{Palette, counted};

/// Show the instances that services are found by, beside the A records of their names
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads AWS and changes nothing; it needs no stack file. An instance has the ID of its task.

Examples:
  navi discover
  navi discover backend
  navi discover backend.ecs-navi.local --output json")]
pub struct DiscoverArguments {
    /// Only this service, as the stack file calls it, or this name
    #[arg(value_name = "SERVICE")]
    name: Option<String>,

    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(
    global: &GlobalOptions,
    arguments: &DiscoverArguments,
) -> Result<u8, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let environment = Environment::of(&session.with_state(Specs::recorded));
    let recorded = environment.services.into_iter();
    let recorded = recorded.filter_map(|service| service.discovered_as);
    let chosen_ones = chosen_names(recorded.collect(), arguments.name.as_deref(), &chosen.name)?;
    let looked = names_now(&connection.aws, &chosen_ones).await;
    let names = looked.map_err(ObserveError::Call)?;
    if global.json() {
        output::document(&json!({
            "stack": chosen.name,
            "account": connection.account,
            "region": connection.region,
            "names": names,
        }))?;
    } else if names.is_empty() {
        output::notice(&format!(
            "no service of {} has a name in Cloud Map",
            chosen.name
        ));
    } else {
        output::data(&text(&names, &Palette::for_stdout()))?;
    }
    Ok(exit_code::DONE)
}

fn chosen_names(
    names: Vec<Name>,
    only: Option<&str>,
    stack: &str,
) -> Result<Vec<Name>, CommandError> {
    let Some(only) = only else {
        return Ok(names);
    };
    let called = canonical_name(only);
    let (found, others): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|one| one.service == only || one.name == called);
    match found.is_empty() {
        true => Err(CommandError::UnknownService {
            name: only.to_owned(),
            stack: stack.to_owned(),
            known: others.into_iter().map(|other| other.service).collect(),
        }),
        false => Ok(found),
    }
}

fn text(names: &[NameNow], palette: &Palette) -> String {
    let Palette {
        heading,
        faint,
        warning,
        ..
    } = palette;
    let mut text = String::new();
    for (index, found) in names.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = write!(text, "{gap}{heading}{}{heading:#}", found.name);
        if let Some(ttl) = found.ttl {
            let _ = write!(text, "  {faint}answers may be kept for {ttl} s{faint:#}");
        }
        let _ = writeln!(
            text,
            "\n  {faint}{:<15}  {:<8}  {:<9}  instance{faint:#}",
            "address", "A record", "health"
        );
        for entry in &found.entries {
            let health = entry.health.as_deref().unwrap_or("-");
            let instance = entry.instance.as_deref();
            let style = match entry.a_record && instance.is_some() {
                true => anstyle::Style::new(),
                false => *warning,
            };
            let _ = writeln!(
                text,
                "  {style}{:<15}  {:<8}  {:<9}  {}{style:#}",
                entry.address,
                if entry.a_record { "yes" } else { "no" },
                health.to_ascii_lowercase(),
                instance.unwrap_or("none is registered with it"),
            );
        }
        let count = |holds: fn(&Entry) -> bool| found.entries.iter().filter(|e| holds(e)).count();
        let _ = writeln!(
            text,
            "  {}, {}",
            counted(count(|entry| entry.instance.is_some()), "instance"),
            counted(count(|entry| entry.a_record), "A record"),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend() -> Name {
        Name {
            service: "backend".to_owned(),
            name: "backend.ecs-navi.local".to_owned(),
            service_id: None,
            zone_id: None,
        }
    }

    #[test]
    fn an_address_without_an_instance_is_told() {
        let entry = |address: &str, instance: Option<&str>| Entry {
            address: address.to_owned(),
            instance: instance.map(str::to_owned),
            health: None,
            a_record: true,
        };
        let found = NameNow {
            service: "backend".to_owned(),
            name: "backend.ecs-navi.local".to_owned(),
            ttl: Some(60),
            entries: vec![entry("10.0.9.9", None), entry("10.0.11.82", Some("task-b"))],
        };
        let told = text(&[found], &Palette::default());
        assert!(
            told.contains("10.0.9.9         yes       -          none is registered with it"),
            "{told}"
        );
        assert!(told.contains("1 instance, 2 A records"), "{told}");
    }

    #[test]
    fn a_name_is_known_by_service_and_by_what_it_is_called_in_dns() {
        for only in [
            "backend",
            "backend.ecs-navi.local",
            "Backend.ecs-navi.local.",
        ] {
            assert_eq!(
                chosen_names(vec![backend()], Some(only), "demo")
                    .unwrap()
                    .len(),
                1
            );
        }
        let error = chosen_names(vec![backend()], Some("backedn"), "demo").unwrap_err();
        assert!(
            matches!(error, CommandError::UnknownService { known, .. } if known == ["backend"])
        );
    }
}
