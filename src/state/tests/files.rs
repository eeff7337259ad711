//! What do the files on the disk look like, and what if somebody or something meddled with them?

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::state::{LocalStore, Outcome, Status, Warning};

struct Place {
    _root: TempDir,
    directory: PathBuf,
    store: LocalStore,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state").join(".navi");
        Place {
            _root: root,
            store: LocalStore::new(&directory),
            directory,
        }
    }

    fn file(&self, end: &str) -> PathBuf {
        self.directory.join(format!("{STACK}.{end}"))
    }

    fn read(&self, end: &str) -> Vec<u8> {
        fs::read(self.file(end)).unwrap()
    }

    fn write(&self, end: &str, bytes: &[u8]) {
        fs::write(self.file(end), bytes).unwrap();
    }

    /// A stack with one VPC, made by a run that ended well.
    async fn with_a_vpc() -> Self {
        let place = Place::new();
        let session = open(&place.store, up()).await;
        make(&session, &vpc(), "t1").await;
        session.close().await.unwrap();
        place
    }

    /// The same, and then a run that was cut off after it made another one.
    async fn with_a_run_cut_off() -> Self {
        let place = Place::with_a_vpc().await;
        let session = open(&place.store, up()).await;
        make(&session, &second(), "t2").await;
        drop(session);
        place
    }

    /// Opening is refused, and no file is changed by it.
    async fn refuses(&self) -> String {
        let contents = || ["json", "journal"].map(|end| fs::read(self.file(end)).ok());
        let before = contents();
        let message = refusal(&self.store, up()).await.to_string();
        assert_eq!(contents(), before);
        assert_eq!(
            refusal(&self.store, Access::Read).await.to_string(),
            message
        );
        message
    }
}

fn second() -> Address {
    Address::new("vpc", "second")
}

async fn make(session: &Session, address: &Address, token: &str) {
    let intent = session.intend(address, create(token)).await.unwrap();
    let done = Outcome::Done {
        outputs: outputs(token),
        ready: true,
    };
    session.settle(intent, done).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_files_are_the_users_alone_and_git_ignores_them() {
    let place = Place::with_a_vpc().await;
    assert_eq!(mode(&place.directory), 0o700);
    for end in ["json", "journal", "lock"] {
        assert_eq!(mode(&place.file(end)), 0o600, "{end}");
    }
    let ignored = fs::read_to_string(place.directory.join(".gitignore")).unwrap();
    assert_eq!(ignored, "*\n");
}

#[tokio::test]
async fn a_clean_end_leaves_a_snapshot_an_empty_journal_and_no_holder() {
    let place = Place::with_a_vpc().await;
    let snapshot: Value = serde_json::from_slice(&place.read("json")).unwrap();
    assert_eq!(snapshot["version"], 3);
    assert_eq!(snapshot["stack"], STACK);
    assert_eq!(snapshot["serial"], 1);
    assert_eq!(snapshot["run"], Value::Null);
    assert_eq!(snapshot["resources"]["vpc.main"]["outputs"]["id"], "t1");
    assert_eq!(snapshot["resources"]["vpc.main"]["status"], "ready");
    assert_eq!(place.read("journal"), b"");
    assert_eq!(place.store.inspect(STACK).unwrap(), None);
}

#[tokio::test]
async fn the_snapshot_before_the_last_one_is_kept() {
    let place = Place::with_a_vpc().await;
    assert!(!place.file("json.backup").exists());
    let first = place.read("json");
    let session = open(&place.store, up()).await;
    make(&session, &second(), "t2").await;
    session.close().await.unwrap();
    assert_eq!(place.read("json.backup"), first);
    assert_eq!(mode(&place.file("json.backup")), 0o600);
    assert_ne!(place.read("json"), first);
}

#[tokio::test]
async fn a_run_that_changes_nothing_leaves_the_files_as_they_are() {
    let place = Place::with_a_vpc().await;
    let before = (place.read("json"), place.read("journal"));
    open(&place.store, up()).await.close().await.unwrap();
    open(&place.store, Access::Read)
        .await
        .close()
        .await
        .unwrap();
    assert_eq!((place.read("json"), place.read("journal")), before);

    let fresh = Place::new();
    open(&fresh.store, Access::Read).await;
    assert!(!fresh.directory.exists(), "a look makes no directory");
    open(&fresh.store, up()).await.close().await.unwrap();
    assert!(!fresh.file("json").exists() && !fresh.file("journal").exists());
}

#[tokio::test]
async fn a_run_cut_off_is_read_back_and_goes_into_the_snapshot() {
    let place = Place::with_a_run_cut_off().await;
    assert!(!place.read("journal").is_empty());
    let seen = open(&place.store, Access::Read).await.state();
    assert!(!place.read("journal").is_empty(), "a look changes nothing");

    let session = open(&place.store, up()).await;
    let state = session.state();
    assert_eq!(state.resources, seen.resources);
    assert_eq!(state.resources[&second()].status, Status::Ready);
    assert_eq!(state.run.unwrap().command, "up", "its run had no end");
    assert_eq!(place.read("journal"), b"");
    session.close().await.unwrap();
    let state = open(&place.store, Access::Read).await.state();
    assert_eq!((state.run, state.resources.len()), (None, 2));
}

#[tokio::test]
async fn a_crash_between_snapshot_and_clearing_the_journal_counts_nothing_twice() {
    let place = Place::with_a_run_cut_off().await;
    let journal = place.read("journal");
    let state = open(&place.store, up()).await.state();
    place.write("journal", &journal);
    let again = open(&place.store, up()).await.state();
    assert_eq!(again.serial, state.serial + 1);
    assert_eq!(again.resources, state.resources);
    assert_eq!(again.sequence, state.sequence);
}

#[tokio::test]
async fn a_torn_tail_is_told_and_cleaned_away() {
    let place = Place::with_a_run_cut_off().await;
    let mut journal = place.read("journal");
    let last = journal.len()
        - 1
        - journal[..journal.len() - 1]
            .iter()
            .rev()
            .position(|b| *b == b'\n')
            .unwrap();
    journal.truncate(last + 20);
    place.write("journal", &journal);

    let session = open(&place.store, up()).await;
    let warning = Warning::TornJournal {
        file: place.file("journal").display().to_string(),
        line: 2,
        bytes: 20,
    };
    assert_eq!(session.warnings(), [warning]);
    let state = session.state();
    assert!(
        state.pending.contains_key(&second()),
        "the outcome was torn"
    );
    make(&session, &Address::new("vpc", "third"), "t3").await;
    drop(session);

    let session = open(&place.store, up()).await;
    assert_eq!(session.warnings(), []);
    assert_eq!(session.state().resources.len(), 2);
    assert!(session.state().pending.contains_key(&second()));
}

#[tokio::test]
async fn damage_in_the_middle_is_refused_and_nothing_is_overwritten() {
    let place = Place::with_a_run_cut_off().await;
    let mut journal = place.read("journal");
    journal[40] ^= 1;
    place.write("journal", &journal);
    let message = place.refuses().await;
    let file = place.file("journal").display().to_string();
    assert!(
        message.contains(&format!("line 1 of `{file}`")),
        "{message}"
    );
}

#[tokio::test]
async fn a_snapshot_lost_after_the_first_run_is_refused_for_the_journal_begins_too_late() {
    let place = Place::with_a_run_cut_off().await;
    fs::remove_file(place.file("json")).unwrap();
    let message = place.refuses().await;
    assert!(
        message.contains("what lies between is missing"),
        "{message}"
    );

    // The same with the backup in its place, which is older still.
    let place = Place::with_a_run_cut_off().await;
    let session = open(&place.store, up()).await;
    make(&session, &Address::new("vpc", "third"), "t3").await;
    drop(session);
    fs::rename(place.file("json.backup"), place.file("json")).unwrap();
    let message = place.refuses().await;
    assert!(
        message.contains("what lies between is missing"),
        "{message}"
    );
}

#[tokio::test]
async fn a_first_run_cut_off_needs_no_snapshot() {
    let place = Place::new();
    let session = open(&place.store, up()).await;
    make(&session, &vpc(), "t1").await;
    let lineage = session.state().lineage;
    drop(session);
    assert!(!place.file("json").exists());
    for empty_snapshot in [false, true] {
        if empty_snapshot {
            place.write("json", b"");
        }
        let session = open(&place.store, Access::Read).await;
        assert_eq!(session.state().lineage, lineage);
        assert_eq!(session.state().resources.len(), 1);
        assert_eq!(session.warnings().len(), usize::from(empty_snapshot));
    }
}

#[tokio::test]
async fn an_empty_state_file_is_a_beginning_unless_there_is_a_backup() {
    let place = Place::new();
    open(&place.store, up()).await.close().await.unwrap();
    place.write("json", b"");
    let session = open(&place.store, up()).await;
    assert!(session.state().is_empty());
    assert!(matches!(session.warnings(), [Warning::EmptySnapshot(_)]));
    session.close().await.unwrap();

    place.write("json.backup", b"{}");
    let message = place.refuses().await;
    assert!(
        message.contains("it is empty") && message.contains("json.backup"),
        "{message}"
    );

    let place = Place::with_a_run_cut_off().await;
    place.write("json", b"");
    let message = place.refuses().await;
    assert!(
        message.contains("what lies between is missing"),
        "{message}"
    );
}

#[tokio::test]
async fn another_stacks_file_a_newer_format_and_a_damaged_one_are_refused() {
    let place = Place::with_a_vpc().await;
    let good: Value = serde_json::from_slice(&place.read("json")).unwrap();
    let cases = [
        ("stack", json!("other"), "is the state of stack `other`"),
        ("version", json!(4), "a newer navi wrote it"),
        ("surprise", json!(1), "is damaged"),
        ("lineage", Value::Null, "is damaged"),
    ];
    for (field, value, expected) in cases {
        let mut wrong = good.clone();
        wrong[field] = value;
        place.write("json", wrong.to_string().as_bytes());
        let message = place.refuses().await;
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&place.file("json").display().to_string()));
    }
    place.write("json", &good.to_string().as_bytes()[..100]);
    assert!(place.refuses().await.contains("is damaged"));
}

#[tokio::test]
async fn a_journal_of_another_lineage_is_refused() {
    let place = Place::with_a_run_cut_off().await;
    let other = Place::with_a_vpc().await;
    other.write("journal", &place.read("journal"));
    let message = other.refuses().await;
    assert!(message.contains("continues another state"), "{message}");
}

#[tokio::test]
async fn a_directory_removed_under_a_running_command_is_made_anew_at_its_end() {
    let place = Place::new();
    let session = open(&place.store, up()).await;
    make(&session, &vpc(), "t1").await;
    fs::remove_dir_all(&place.directory).unwrap();
    make(&session, &second(), "t2").await;
    session.close().await.unwrap();
    let state = open(&place.store, Access::Read).await.state();
    assert_eq!(state.resources.len(), 2);
}

#[tokio::test]
async fn a_directory_that_cant_be_made_is_an_error_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let store = LocalStore::new(file.join(".navi"));
    let message = refusal(&store, up()).await.to_string();
    assert!(message.contains("make the state directory"), "{message}");
    assert!(message.contains(&file.join(".navi").display().to_string()));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused() {
    let place = Place::new();
    for name in ["", "../demo", ".hidden", "a/b", "a\0b", "a b"] {
        let opened = Session::open(Arc::new(place.store.clone()), name, up()).await;
        assert!(matches!(opened, Err(StateError::StackName(_))), "{name:?}");
    }
    assert!(!place.directory.exists());
}

#[tokio::test]
async fn a_second_command_is_told_who_holds_the_lock_until_it_is_free() {
    let place = Place::new();
    let session = open(&place.store, up()).await;
    let message = refusal(&place.store, up()).await.to_string();
    for named in ["`demo`", "`navi up`", &std::process::id().to_string()] {
        assert!(message.contains(named), "{message}");
    }
    let refused = place.store.unlock(STACK).unwrap_err();
    assert!(matches!(
        refused,
        StateError::Locked {
            holder: Some(_),
            ..
        }
    ));

    // As kill -9 does: the lock is free, the name stays until somebody asks.
    drop(session);
    assert!(!place.store.inspect(STACK).unwrap().unwrap().live);
    assert_eq!(place.store.unlock(STACK).unwrap().unwrap().command, "up");
    assert_eq!(place.store.unlock(STACK).unwrap(), None);
    open(&place.store, up()).await.close().await.unwrap();
}

#[tokio::test]
async fn a_directory_of_the_users_gets_no_gitignore_and_navis_own_does() {
    for (name, ignored) in [("infra", false), (".navi", true)] {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join(name);
        fs::create_dir(&directory).unwrap();
        open(&LocalStore::new(&directory), up()).await;
        assert_eq!(directory.join(".gitignore").exists(), ignored, "{name}");
    }
}

/// Set in a copy of this test program that is to be killed.
const VICTIM: &str = "NAVI_TEST_KILLED_WRITER";

#[tokio::test]
async fn a_process_killed_at_work_loses_nothing_that_it_was_told_is_done() {
    if let Ok(directory) = std::env::var(VICTIM) {
        let session = open(&LocalStore::new(directory), up()).await;
        for index in 0_usize.. {
            make(&session, &Address::new("vpc", format!("v{index}")), "t").await;
            println!("\nmade {index}");
        }
    }
    let place = Place::new();
    let (_, test) = concat!(
        module_path!(),
        "::a_process_killed_at_work_loses_nothing_that_it_was_told_is_done"
    )
    .split_once("::")
    .unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(VICTIM, &place.directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(victim.stdout.take().unwrap()).lines();
    let made = |line: &str| {
        line.strip_prefix("made ")
            .map(|index| index.parse::<usize>().unwrap())
    };
    let nth = |line: String| made(&line).is_some_and(|index| index >= 30);
    assert!(output.by_ref().any(|line| nth(line.unwrap())));
    victim.kill().unwrap();
    victim.wait().unwrap();
    // It may have got further before the signal arrived.
    let told = output
        .filter_map(|line| made(&line.unwrap()))
        .max()
        .unwrap_or(30);

    let session = open(&place.store, up()).await;
    let state = session.state();
    for index in 0..=told {
        let address = Address::new("vpc", format!("v{index}"));
        assert_eq!(state.resources[&address].status, Status::Ready);
    }
    assert!(state.pending.len() <= 1, "one at a time was begun");
    assert_eq!(state.run.unwrap().command, "up");
}

#[test]
fn a_link_in_the_place_of_a_file_that_is_written_in_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("precious");
    for name in ["demo.lock", "demo.journal"] {
        std::fs::write(&precious, "text").unwrap();
        let link = directory.path().join(name);
        std::os::unix::fs::symlink(&precious, &link).unwrap();
        let store = LocalStore::new(directory.path());
        let refused = store.lock("demo", &Holder::this_process("up"));
        let error = refused.err().expect("it is refused").to_string();
        assert!(error.contains("symbolic link"), "{error}");
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "text");
        std::fs::remove_file(link).unwrap();
    }
}
