//! What does navi tell the shell when it ends? Documented in `navi --help`; scripts rely on the numbers.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// It failed and changed nothing; wrong usage is of this kind too.
pub const ERROR: u8 = 1;
/// `navi plan --exit-code` found changes to make, `navi drift` drift, or `navi verify` something that does not hold.
pub const CHANGES_PENDING: u8 = 2;
/// Some of it is done. Running the same command again goes on.
pub const PARTLY_APPLIED: u8 = 3;
/// Another navi works on the same stack.
pub const LOCKED: u8 = 4;
/// Ctrl-C, as shells count it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The table in `navi --help`.
pub const HELP: &str = "\
Exit codes:
    0  done, or nothing to do
    1  error; nothing was changed
    2  changes are pending (plan --exit-code), there is drift, or a check of verify failed
    3  partly applied; the same command again goes on
    4  another navi works on this stack
  130  interrupted with Ctrl-C

Examples:
  navi up --sandbox                  try navi.yaml in a simulated AWS on this machine
  navi plan -f stacks/ecs-navi.yaml  show what `up` would do
  navi up -f stacks/ecs-navi.yaml    do it
  navi down -f stacks/ecs-navi.yaml  remove all of it";
