//! Is what benches/measure holds navi against right? CI doesn't measure with it, but its bound has to be the least time.

use std::path::Path;
use std::process::Command;

/// A Python program of benches/, run there.
fn python(arguments: &[&str]) -> String {
    let python = std::env::var_os("NAVI_TEST_PYTHON")
        .expect("NAVI_TEST_PYTHON names a Python; run the tests with tests/run");
    let output = Command::new(python)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text.into_owned()
}

#[test]
fn the_least_time_is_that_of_the_longest_chain() {
    let told = python(&["-B", "-m", "unittest", "discover", "-s", "tests"]);
    assert!(!told.contains("Ran 0 tests"), "{told}");
}
