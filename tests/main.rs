//! The one integration-test binary: each module asks its own question of the built navi.

mod adoption;
mod autoscaling;
mod broken_off_removals;
mod cli;
mod configuration;
mod drift;
mod endpoints;
mod full_stack;
mod interruptions;
mod kill;
mod life;
mod lookups;
mod moto;
mod network_changes;
mod planning;
mod preflight;
mod protection;
mod recovery;
mod replacements;
mod rollouts;
mod rooms;
mod secrets;
mod state_commands;
mod support;
mod targets;
mod virtual_time;
