//! `navi check`: would `up` fail for a reason that shows before anything is made? Also what `up` itself asks first.

use std::time::SystemTime;

use serde_json::json;

use super::arguments::GlobalOptions;
use super::context::Connection;
use super::error::CommandError;
use super::planning::Counts;
use super::reading::{self, Wanting};
use super::{exit_code, output, planning};
use crate::observe::Refresh;
use crate::plan::Plan;
use crate::preflight::{Dns, Finding, GivenBack, Preflight, Severity, stops};
use crate::report::{Palette, code_line};
use crate::state::Session;

/// Look whether anything is in the way of `up`: quotas, names, certificate, domain, images
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It looks only at what `up` would create or change, and changes nothing. Exit code 1 means that `up`
would stop; warnings don't stop it.

Examples:
  navi check -f stacks/ecs-navi.yaml
  navi check --output json             in a pipeline, before `navi up --yes`")]
pub struct CheckArguments {}

pub async fn run(global: &GlobalOptions, _arguments: &CheckArguments) -> Result<u8, CommandError> {
    let Wanting {
        session,
        connection,
        stack,
    } = reading::begin_with_file(global, "what it makes now is not looked at").await?;
    let plan = planning::for_up(
        global,
        &stack,
        &session,
        &connection,
        Refresh::All,
        Counts::AsInFile,
    )
    .await?;
    let findings = findings(&connection, &plan, &session).await;
    let blocked = stops(&findings);
    if global.json() {
        output::document(&json!({
            "stack": stack.name,
            "account": connection.account,
            "region": connection.region,
            "blocked": blocked,
            "findings": findings,
        }))?;
    } else {
        output::data(&report(&stack.name, &connection, &findings))?;
    }
    match blocked {
        true => Ok(exit_code::ERROR),
        false => Ok(exit_code::DONE),
    }
}

/// What `up` does before it asks: errors end it, warnings are shown.
pub async fn before_up(
    global: &GlobalOptions,
    connection: &Connection,
    plan: &Plan,
    session: &Session,
) -> Result<(), CommandError> {
    let mut findings = findings(connection, plan, session).await;
    findings.retain(|finding| finding.severity >= Severity::Warning);
    if stops(&findings) {
        return Err(CommandError::Preflight { findings });
    }
    for finding in &findings {
        output::warning(global, &sentence(finding));
    }
    Ok(())
}

async fn findings(connection: &Connection, plan: &Plan, session: &Session) -> Vec<Finding> {
    let dns = match (connection.sandbox, &connection.endpoint) {
        (true, _) => Dns::Nobody("the sandbox's zones are known to nobody else"),
        (false, Some(_)) => Dns::Nobody("whose zones these are, the endpoint alone knows"),
        (false, None) => Dns::OfThisMachine,
    };
    let given_back = session.with_state(|state| {
        let given_back = state.given_back.iter();
        given_back
            .filter_map(|given| {
                let outputs = given.outputs.as_object()?.values();
                let words = outputs.filter_map(serde_json::Value::as_str);
                Some(GivenBack {
                    address: given.address.clone(),
                    id: given.id()?,
                    known_as: words.map(str::to_owned).collect(),
                })
            })
            .collect()
    });
    let preflight = Preflight {
        aws: &connection.aws,
        plan,
        stack: session.stack(),
        given_back,
        dns,
        now: SystemTime::now(),
    };
    preflight.findings().await
}

fn report(name: &str, connection: &Connection, findings: &[Finding]) -> String {
    let palette = Palette::for_stdout();
    let Palette { heading, good, .. } = palette;
    let mut report = format!(
        "{heading}{name}{heading:#}: {}\n\n{good}ok{good:#}       credentials: they are of the stack's account and region\n",
        connection.place()
    );
    report.push_str(&text(findings, &palette));
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let end = match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) if findings.is_empty() => {
            "`up` would make nothing that needs a look first.".to_owned()
        }
        (0, 0) => "Nothing is in the way.".to_owned(),
        (0, warnings) => format!("Nothing is in the way; warnings: {warnings}."),
        (errors, warnings) => {
            format!("`up` would stop here; errors: {errors}, warnings: {warnings}.")
        }
    };
    report.push_str(&format!("\n{heading}{end}{heading:#}\n"));
    report
}

/// The findings as lines, each with its reason and hint beneath.
pub fn text(findings: &[Finding], palette: &Palette) -> String {
    let mut text = String::new();
    for finding in findings {
        let (style, word) = match finding.severity {
            Severity::Ok => (palette.good, "ok"),
            Severity::Skipped => (palette.faint, "skipped"),
            Severity::Warning => (palette.warning, "warning"),
            Severity::Error => (palette.bad, "error"),
        };
        text.push_str(&format!("{style}{word}{style:#}"));
        text.push_str(&" ".repeat(COLUMN - word.len()));
        text.push_str(&format!("{}: ", finding.check.name()));
        if let Some(address) = &finding.address {
            text.push_str(&format!("{address}: "));
        }
        text.push_str(&finding.what);
        text.push('\n');
        for (label, line) in [("because", &finding.why), ("hint", &finding.hint)] {
            if let Some(line) = line {
                text.push_str(&format!("{}{label}: {line}\n", " ".repeat(COLUMN)));
            }
        }
        if let Some(cause) = finding.code {
            let line = code_line(cause, palette);
            text.push_str(&format!("{}{line}\n", " ".repeat(COLUMN)));
        }
    }
    text
}

/// Where a finding's text begins.
const COLUMN: usize = 9;

/// A warning in one line.
fn sentence(finding: &Finding) -> String {
    let mut sentence = match &finding.address {
        Some(address) => format!("{address}: {}", finding.what),
        None => finding.what.clone(),
    };
    for more in [&finding.why, &finding.hint].into_iter().flatten() {
        sentence.push_str("; ");
        sentence.push_str(more);
    }
    if let Some(cause) = finding.code {
        sentence.push_str(&format!(" ({cause})"));
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Check;
    use crate::resource::{Address, Cause};

    #[test]
    fn findings_read_one_below_the_other() {
        let findings = [
            Finding::ok(Check::Quotas, "VPCs: 1 in use, 1 more wanted, 5 allowed"),
            Finding::skipped(Check::Delegation, "example.com: not in the sandbox"),
            Finding::warning(
                Check::Quotas,
                "the number of elastic IPs could not be checked",
            ),
            Finding::error(Check::Names, "there is a role `web` already")
                .at(&Address::new("role", "task"))
                .cause(Cause::NameTaken)
                .because("only one can have the name")
                .hint("give yours another"),
        ];
        insta::assert_snapshot!(text(&findings, &Palette::plain()));
        assert_eq!(
            sentence(&findings[3]),
            "role.task: there is a role `web` already; only one can have the name; give yours another (NAVI0501)"
        );
    }
}
