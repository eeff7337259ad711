//! Does every row of docs/CHANGES.md name a test, and is it there?

use std::fs;
use std::path::Path;

/// What the rows of the table say, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CHANGES.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("| change in the file |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// Whether `module::name` is a test of `tests/module.rs`.
fn is_a_test(path: &str) -> bool {
    let Some((module, name)) = path.split_once("::") else {
        return false;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{module}.rs"));
    let text = fs::read_to_string(file).unwrap_or_default();
    text.contains(&format!("#[test]\nfn {name}() {{"))
}

#[test]
fn every_row_names_a_test_that_is_there() {
    let rows = rows();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in &rows {
        let [change, actions, interruption, test] = row.as_slice() else {
            panic!("not four cells: {row:?}");
        };
        for said in [change, actions, interruption] {
            assert!(!said.is_empty(), "{row:?}");
        }
        assert!(is_a_test(test.trim_matches('`')), "{change}: {test}");
    }
    assert!(!is_a_test("life::no_such_test") && !is_a_test("life.rs"));
}
