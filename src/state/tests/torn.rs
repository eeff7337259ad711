//! What of a journal can be believed, wherever its last write was cut off?

use super::*;
use crate::state::journal::{Journal, decode, encode};
use crate::state::{Entry, Sequence, Stamped};

const FILE: &str = ".navi/demo.journal";
const LINEAGE: &str = "0123456789abcdef";

fn stamped(sequence: u64) -> Stamped {
    Stamped {
        sequence: Sequence::from(sequence),
        at: 1_700_000_000_000 + sequence,
        entry: Entry::Intent {
            address: vpc(),
            intent: create(&format!("tökén-{sequence}\n")),
        },
    }
}

fn line(sequences: std::ops::Range<u64>) -> Vec<u8> {
    encode(LINEAGE, sequences.map(stamped).collect()).unwrap()
}

/// Three lines; the last one, of two entries, begins at the answered offset.
fn journal() -> (Vec<u8>, usize) {
    let mut bytes = [line(1..2), line(2..4)].concat();
    let last = bytes.len();
    bytes.extend(line(4..6));
    (bytes, last)
}

fn sequences(journal: &Journal) -> Vec<u64> {
    let number = |(_, entry): &(usize, Stamped)| entry.sequence.to_string().parse().unwrap();
    journal.entries.iter().map(number).collect()
}

fn sealed(text: &str) -> Vec<u8> {
    let open = text.strip_suffix('}').unwrap();
    let checksum = crc32fast::hash(open.as_bytes());
    format!("{open},\"checksum\":\"{checksum:08x}\"}}\n").into_bytes()
}

#[test]
fn a_whole_journal_is_read_whole_and_each_line_is_json() {
    let (bytes, _) = journal();
    let read = decode(&bytes, FILE).unwrap();
    assert_eq!(sequences(&read), [1, 2, 3, 4, 5]);
    assert_eq!(read.entries[4], (3, stamped(5)));
    assert_eq!(read.lineage.as_deref(), Some(LINEAGE));
    assert_eq!(read.torn, None);
    for line in bytes.split(|byte| *byte == b'\n').take(3) {
        let value: Value = serde_json::from_slice(line).unwrap();
        assert_eq!(value["version"], 3);
    }
    assert_eq!(decode(b"", FILE).unwrap(), Journal::default());
}

#[test]
fn a_last_line_cut_at_any_byte_is_dropped_as_a_whole() {
    let (bytes, last) = journal();
    for cut in last..bytes.len() {
        let read = decode(&bytes[..cut], FILE).unwrap();
        if cut == bytes.len() - 1 {
            // Only the line's end is missing: the entries are all there.
            assert_eq!(sequences(&read), [1, 2, 3, 4, 5]);
            continue;
        }
        assert_eq!(sequences(&read), [1, 2, 3], "cut at {cut}");
        let torn = (cut > last).then_some((3, cut - last));
        assert_eq!(read.torn, torn);
    }
}

#[test]
fn a_last_line_zeroed_from_any_byte_or_up_to_any_byte_is_dropped_as_a_whole() {
    let (bytes, last) = journal();
    for border in last..bytes.len() {
        let mut tail = bytes.clone();
        tail[border..].fill(0);
        let read = decode(&tail, FILE).unwrap();
        assert_eq!(sequences(&read), [1, 2, 3], "zeroed from {border}");
        assert_eq!(read.torn, Some((3, bytes.len() - last)));

        let mut head = bytes.clone();
        head[last..=border].fill(0);
        let read = decode(&head, FILE).unwrap();
        assert_eq!(sequences(&read), [1, 2, 3], "zeroed up to {border}");
    }
}

#[test]
fn a_tail_of_zeros_or_garbage_after_the_last_line_is_dropped() {
    let (bytes, _) = journal();
    for tail in [&[0_u8; 4096][..], b"\xff\xfe garbage", b"{\"version\":1"] {
        let read = decode(&[&bytes, tail].concat(), FILE).unwrap();
        assert_eq!(sequences(&read), [1, 2, 3, 4, 5]);
        assert_eq!(read.torn, Some((4, tail.len())));
    }
}

#[test]
fn one_wrong_byte_in_any_line_but_a_torn_one_is_an_error_that_names_it() {
    let (bytes, last) = journal();
    let second = line(1..2).len();
    // All but the very last byte, without which the line counts as cut off.
    for position in second..bytes.len() - 1 {
        let mut wrong = bytes.clone();
        wrong[position] ^= 1;
        let error = decode(&wrong, FILE).unwrap_err().to_string();
        let number = if position < last { 2 } else { 3 };
        assert!(
            error.contains(&format!("line {number} of `{FILE}`")),
            "{position}: {error}"
        );
    }
}

#[test]
fn a_newer_format_is_refused_and_not_called_damage() {
    let newer = sealed(r#"{"version":4,"lineage":"x","batches":[]}"#);
    let error = decode(&newer, FILE).unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 4, .. }));
}

#[test]
fn a_line_of_another_lineage_or_form_is_an_error() {
    let other = encode("other", vec![stamped(4)]).unwrap();
    let unknown = sealed(r#"{"version":1,"lineage":"0123456789abcdef","entries":[],"more":1}"#);
    for second in [other, unknown] {
        let error = decode(&[line(1..4), second].concat(), FILE).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
