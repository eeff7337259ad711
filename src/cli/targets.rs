//! `--target`: to which resources is a command limited?

use super::arguments::quoted;
use super::error::CommandError;
use crate::plan::{LeftOut, Plan, limit};
use crate::resource::Selector;

/// For the commands that make a plan.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TargetArguments {
    /// Only this and what it takes: an address, one with `*`, or a service's name; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<Selector>,
}

impl TargetArguments {
    /// The plan, limited if it is to be.
    pub fn limit(&self, plan: Plan) -> Result<(Plan, LeftOut), CommandError> {
        limit(plan, &self.target).map_err(CommandError::Target)
    }

    /// The options as they were given, each after a space.
    pub fn spelled_out(&self) -> String {
        self.target
            .iter()
            .map(|target| format!(" --target {}", quoted(&target.to_string())))
            .collect()
    }
}
