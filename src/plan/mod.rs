//! What has to be done, and why? A pure function of what is desired, observed and recorded.

mod adjustments;
mod drift;
mod handover;
mod moved;
mod needs;
mod planner;
mod protection;
mod recorded;
mod step;
mod target;
mod text;
mod values;
mod withdrawal;

pub use adjustments::{Adjustment, plan_adjustments};
pub use drift::{Drift, drift};
pub use moved::moved;
pub use needs::{Need, Until};
pub use planner::{Plan, PlanError, plan_down, plan_up};
pub use protection::{Refused, refused};
pub use recorded::Recorded;
pub use step::{Action, Reason, Step};
pub use target::{LeftOut, LeftOutStep, limit};
pub use text::{DriftText, PlanText};
pub use values::readable;
