//! `navi verify`: does the environment do what its stack wants of it, seen from outside?

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::json;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::reading::{self, Reading};
use super::stack_file::StackChoice;
use super::visitors::visit;
use super::{exit_code, output};
use crate::environment::{Check, Environment, Specs, Verdict, Way, checks, now, seen_rules};
use crate::graph::ResourceGraph;
use crate::kinds::security_group::SecurityGroup;
use crate::observe::{ObserveError, Refresh, observe, recorded_resources};
use crate::report::{Palette, counted};
use crate::resource::{Address, AnyResource, Resource};
use crate::state::Session;

/// Check that hosts answer, that names lead to the running tasks, and who may reach whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It asks every routed host through the load balancer, also before the domain is delegated; compares
Cloud Map's instances and the A records with the running tasks, and the security groups with what the
stack lets in. It changes nothing and needs no stack file.

Exit codes: 0 when everything holds, 2 when something doesn't, 1 when it could not look.

Examples:
  navi verify
  navi up --yes && navi verify
  navi verify --output json")]
pub struct VerifyArguments {
    #[command(flatten)]
    stack: StackChoice,
}

pub async fn run(global: &GlobalOptions, arguments: &VerifyArguments) -> Result<u8, CommandError> {
    let Reading {
        chosen,
        session,
        connection,
        ..
    } = reading::begin(global, &arguments.stack).await?;
    let specs = session.with_state(Specs::recorded);
    let environment = Environment::of(&specs);
    let visits = async { Ok(visit(&connection, &environment).await?) };
    let looks = async {
        Ok(now(&connection.aws, &environment)
            .await
            .map_err(ObserveError::Call)?)
    };
    let ways = seen_ways(&session, &connection, &specs);
    let (visits, now, ways) = futures::try_join!(visits, looks, ways)?;
    let checks = checks(&environment, &visits, &now, &ways);
    let holds = checks.iter().all(|check| check.verdict != Verdict::Failed);
    if global.json() {
        output::document(&json!({
            "stack": chosen.name,
            "account": connection.account,
            "region": connection.region,
            "holds": holds,
            "checks": checks,
        }))?;
    } else if checks.is_empty() {
        output::notice(&format!("{} has no service to look at", chosen.name));
    } else {
        output::data(&text(&checks, &Palette::for_stdout()))?;
    }
    Ok(match holds {
        true => exit_code::DONE,
        false => exit_code::CHANGES_PENDING,
    })
}

/// The ways that AWS's security groups open now.
async fn seen_ways(
    session: &Session,
    connection: &Connection,
    specs: &Specs,
) -> Result<Vec<Way>, CommandError> {
    let state = session.state();
    let mut groups: BTreeMap<Address, Arc<dyn AnyResource>> =
        recorded_resources(&connection.aws, &state)?;
    groups.retain(|address, _| address.kind() == SecurityGroup::KIND);
    let nothing_new = ResourceGraph::default();
    let seen = observe(&connection.aws, &nothing_new, &groups, &state, Refresh::All).await?;
    Ok(seen_rules(specs, &seen).ways(specs))
}

fn text(checks: &[Check], palette: &Palette) -> String {
    let width = checks.iter().map(|check| check.subject.chars().count());
    let width = width.max().unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let (style, word) = match check.verdict {
            Verdict::Ok => (palette.good, "ok"),
            Verdict::Failed => (palette.bad, "FAILED"),
            Verdict::Skipped => (palette.faint, "skipped"),
        };
        let _ = writeln!(
            text,
            "{style}{word:<7}{style:#}  {:<7}  {:<width$}  {}",
            check.what.word(),
            check.subject,
            check.finding,
        );
    }
    let count = |verdict| checks.iter().filter(|one| one.verdict == verdict).count();
    let _ = write!(
        text,
        "\n{}: {} ok",
        counted(checks.len(), "check"),
        count(Verdict::Ok)
    );
    for (verdict, word) in [(Verdict::Failed, "failed"), (Verdict::Skipped, "skipped")] {
        if count(verdict) > 0 {
            let _ = write!(text, ", {} {word}", count(verdict));
        }
    }
    text.push('\n');
    text
}
