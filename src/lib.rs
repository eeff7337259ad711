//! How does a stack file become an environment? Stack file ─▶ Stack ─▶ ResourceGraph ─▶ Observation ─▶ Plan ─▶ execution ─▶ State + Report.
//! docs/ARCHITECTURE.md says what each room is for and who may import whom.

pub mod aws;
pub mod cli;
pub mod draft;
pub mod environment;
pub mod execute;
pub mod graph;
pub mod kinds;
pub mod model;
pub mod observe;
pub mod permission;
pub mod picture;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod resource;
pub mod sandbox;
pub mod stack;
pub mod state;
