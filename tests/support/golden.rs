//! Is an inventory what it was when somebody last read it?

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Compares with the golden file; `NAVI_UPDATE_GOLDEN=1` writes it anew, to be read before it is committed.
#[track_caller]
pub fn compare_with_golden(name: &str, found: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let text = format!("{found:#}\n");
    if std::env::var_os("NAVI_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(
        expected == text,
        "{} differs; what boto3 found:\n{text}",
        path.display()
    );
}
