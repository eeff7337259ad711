//! How far are the tasks of a workload, for somebody who watches?

use serde::Serialize;

/// The counts of one look. A workload that is replaced has tasks of both: these are of the new deployment and, where
/// AWS doesn't tell them apart, of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RolloutCounts {
    /// How many are to run.
    pub wanted: u32,
    /// How many run.
    pub running: u32,
    /// How many are on their way.
    pub pending: u32,
    /// How many the load balancer finds healthy; none where there is no load balancer.
    pub healthy: Option<usize>,
    /// How many failed.
    pub failed: u32,
}

/// What one look at a workload tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutProgress {
    /// The counts.
    pub counts: RolloutCounts,
    /// What AWS has said since the rollout began, oldest first.
    pub said: Vec<String>,
}
