//! The one integration-test binary: each module asks its own question of the built navi.

mod cli;
mod interruptions;
mod support;
