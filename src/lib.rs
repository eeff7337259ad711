//! navi: stack file ─▶ Stack ─▶ ResourceGraph ─▶ Observation ─▶ Plan ─▶ execution ─▶ State + Report.

pub mod aws;
pub mod cli;
pub mod kinds;
pub mod report;
pub mod resource;
pub mod sandbox;
pub mod state;
