//! How is a plan carried out? `executor` starts each step the moment its own needs are met, `step` is
//! one step from intent to outcome, `poll` is every wait, `tracker` knows what may start next,
//! `experience` how long things take. `giving_back` is the one thing that is done without a plan.

mod executor;
mod experience;
mod giving_back;
mod poll;
mod report;
mod step;
mod tracker;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use executor::{Interrupt, Options, execute};
pub use experience::Experience;
pub use giving_back::take_tags_off;
pub use report::RunReport;
