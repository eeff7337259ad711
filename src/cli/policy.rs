//! `navi policy`: what must a person or pipeline be allowed for this stack? Asks no AWS.

use std::io;
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::Value;

use super::arguments::GlobalOptions;
use super::context::open_session;
use super::error::CommandError;
use super::stack_file::{StackChoice, StackFile, recorded_stacks, require_recorded};
use super::{exit_code, output};
use crate::kinds;
use crate::model;
use crate::observe::ObserveError;
use crate::permission::{self, LARGEST_DOCUMENT, SAMPLE_ACCOUNT, SAMPLE_REGION, Whereabouts};
use crate::report::counted;
use crate::resource::{Aim, AnyResource};
use crate::state::{Access, State};

/// Print the least IAM policy that a person or a pipeline needs for this stack
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It asks nobody and needs no credentials. The policy holds what the kinds of resources take that the
stack file wants or that are recorded; it is tied to the stack's names and to its tag navi:stack
where IAM can do that. Objects without the tag, as after `navi adopt`, are beyond it.

  up     make what the file says, and change it in place; what a change would replace, stays
  down   remove everything
  read   look: plan, status, drift, check, ...; the others may look, too
  all    every command

Examples:
  navi policy --account 123456789012 > policy.json
  navi policy --for up > deployer.json
  aws iam create-policy --policy-name shop --policy-document file://policy.json")]
pub struct PolicyArguments {
    /// What it has to be enough for, see below
    #[arg(long = "for", value_name = "WHAT", default_value = "all")]
    purpose: Purpose,

    /// The account, for the ARNs; else the one in which the stack is recorded, or any
    #[arg(long, value_name = "NUMBER", value_parser = account_number)]
    account: Option<String>,

    /// Only this one, where one document of IAM's is too small
    #[arg(long, value_name = "NUMBER")]
    part: Option<usize>,

    #[command(flatten)]
    stack: StackChoice,
}

/// Which commands are to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    Up,
    Down,
    Read,
    All,
}

impl Purpose {
    fn aims(self) -> &'static [Aim] {
        match self {
            Purpose::Up => &[Aim::Look, Aim::Make],
            Purpose::Down => &[Aim::Look, Aim::Remove],
            Purpose::Read => &[Aim::Look],
            Purpose::All => &[Aim::Look, Aim::Make, Aim::Remove],
        }
    }
}

pub async fn run(global: &GlobalOptions, arguments: &PolicyArguments) -> Result<u8, CommandError> {
    let chosen = arguments.stack.choose(global)?;
    let recorded = recorded(global, &chosen.name).await?;
    let identity = recorded.as_ref().and_then(|state| state.identity.as_ref());
    let account = arguments.account.clone();
    let account = account.or_else(|| Some(identity?.account.clone()));
    let region = global.region.clone().or(chosen.region);
    let region = region.or_else(|| Some(identity?.region.clone()));
    let mut resources = wanted(
        global,
        &arguments.stack,
        account.as_deref().unwrap_or(SAMPLE_ACCOUNT),
        region.as_deref().unwrap_or(SAMPLE_REGION),
    )?;
    match &recorded {
        Some(state) => resources.extend(recorded_specs(state)?),
        None if resources.is_empty() => require_recorded(global, &chosen.name)?,
        None => {}
    }
    let whereabouts = Whereabouts {
        account: known(global, "account", "--account NUMBER", account),
        region: known(global, "region", "--region REGION", region),
    };
    let resources: Vec<&dyn AnyResource> = resources.iter().map(|one| &**one).collect();
    let permissions =
        permission::of_stack(&chosen.name, &whereabouts, &resources).map_err(ObserveError::Call)?;
    let aims = arguments.purpose.aims();
    let documents = permission::documents(&permissions, aims, LARGEST_DOCUMENT);
    print(global, arguments, documents)?;
    Ok(exit_code::DONE)
}

/// What is recorded of the stack, if anything is.
async fn recorded(global: &GlobalOptions, stack: &str) -> Result<Option<State>, CommandError> {
    let all = recorded_stacks(&global.store_directory());
    if !all.iter().any(|recorded| recorded == stack) {
        return Ok(None);
    }
    let session = open_session(global, stack, Access::Read).await?;
    Ok(Some(session.state().clone()))
}

/// What the stack file wants; nothing where there is none, or where the stack goes by its name alone.
fn wanted(
    global: &GlobalOptions,
    choice: &StackChoice,
    account: &str,
    region: &str,
) -> Result<Vec<Arc<dyn AnyResource>>, CommandError> {
    if choice.name().is_some() {
        return Ok(Vec::new());
    }
    let file = match StackFile::load(global) {
        Ok(file) => file,
        Err(CommandError::StackFileUnreadable { source, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let graph = model::build(&file.resolve(account, region)?, region)?;
    let resources = graph.in_order().map(|node| Arc::clone(&node.resource));
    Ok(resources.collect())
}

/// What the state has: also what the file no longer wants has to be removed by somebody.
fn recorded_specs(state: &State) -> Result<Vec<Arc<dyn AnyResource>>, CommandError> {
    state
        .resources
        .iter()
        .map(|(address, record)| {
            let decoded = kinds::decode(address.kind(), &record.spec);
            decoded.map_err(|source| {
                let address = address.clone();
                ObserveError::Decode { address, source }.into()
            })
        })
        .collect()
}

fn known(global: &GlobalOptions, what: &str, option: &str, value: Option<String>) -> String {
    value.unwrap_or_else(|| {
        output::progress(
            global,
            &format!("no {what} is known yet: the policy allows any, {option} narrows it down"),
        );
        "*".to_owned()
    })
}

fn print(
    global: &GlobalOptions,
    arguments: &PolicyArguments,
    mut documents: Vec<Value>,
) -> Result<(), CommandError> {
    let count = documents.len();
    if let Some(part) = arguments.part {
        if part == 0 || part > count {
            return Err(CommandError::NoSuchPart { part, count });
        }
        return output::document(&documents[part - 1]);
    }
    if count == 1 {
        return output::document(&documents.remove(0));
    }
    let parts = counted(count, "document");
    output::progress(
        global,
        &format!(
            "IAM takes {LARGEST_DOCUMENT} characters in a policy, so this is a list of {parts}; --part 1 to --part {count} print one each, to be attached together"
        ),
    );
    output::document(&Value::Array(documents))
}

fn account_number(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("an account is a number of twelve digits".to_owned()),
    }
}
