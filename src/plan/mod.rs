//! What has to be done, and why? A pure function of what is desired, observed and recorded.

mod needs;
mod planner;
mod step;
mod text;

pub use needs::{Need, Until};
pub use planner::{PlanError, Recorded, plan_down, plan_up};
pub use step::{Action, Plan, Reason, Step};
pub use text::PlanText;
