use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::note::{Note, NoteKey};

/// Everything that an audit reads, below a data folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for below in ["evidence", "objects/evidence", "secrets"] {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("lock") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn audited(settings: &Settings, outside: Option<&Note>) -> Audited {
    let (keys, witnesses) = ([settings.signer.public()], [witness().1]);
    audit(settings, AuditKeys { log: &keys, witnesses: &witnesses }, outside).unwrap()
}

fn witness() -> (SigningKey, NoteKey) {
    let head = exchange_crypto::from_hex("302e020100300506032b657004220420").unwrap();
    let key = SigningKey::from_pkcs8(&[head, vec![9; 32]].concat()).unwrap();
    let public = NoteKey::of_witness("witness.example", key.public());
    (key, public)
}

/// A log of several segments with a cosigned checkpoint, records that none covers, and sealed texts.
fn full() -> (TempDir, Settings) {
    let (folder, settings, _) = written(30);
    let (log, vault) = (open(&settings), Vault::open(folder.path()).unwrap());
    let head = log.checkpoint().unwrap();
    let line = note::cosign(&head.note.text, "witness.example", &witness().0, 1_795_000_000);
    log.add_cosignatures(&head, vec![line]).unwrap();
    for number in 30..33 {
        let record = record(number);
        keep_text(&vault, &record.id, Committed::Request, &[1; 32], b"GET x\n\n").unwrap();
        append(&log, &[record]);
    }
    (folder, settings)
}

#[test]
fn a_log_in_order_has_no_findings() {
    let (_folder, settings) = full();
    let expected = Audited { epochs: 1, records: 33, checkpoints: 6, texts: 3, ..Audited::default() };
    assert_eq!(audited(&settings, None), expected);
}

#[test]
fn any_flipped_byte_is_found_and_its_file_named() {
    let (folder, settings) = full();
    let paths = files(folder.path());
    assert!(paths.len() > 12, "{paths:?}");
    let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    let flips = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8);
    runner
        .run(&flips, |(file, place, flip)| {
            let path = &paths[file.index(paths.len())];
            let whole = fs::read(path).unwrap();
            if whole.is_empty() {
                return Ok(());
            }
            let place = place.index(whole.len());
            let mut spoiled = whole.clone();
            spoiled[place] ^= flip;
            fs::write(path, &spoiled).unwrap();
            let found = audited(&settings, None);
            fs::write(path, &whole).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            // Stored nodes are named by the record beside which they stand.
            let is_named = |finding: &Finding| finding.place.contains(name) || name == "tree";
            prop_assert!(found.findings.iter().any(is_named), "{name} {place} {flip}: {found:?}");
            Ok(())
        })
        .unwrap();
    assert_eq!(audited(&settings, None).findings, []);
}

#[test]
fn a_cut_end_is_found_by_the_log_itself_or_by_a_checkpoint_from_outside() {
    let (folder, settings) = full();
    let outside = open(&settings).checkpoint().unwrap();
    assert_eq!(audited(&settings, Some(&outside.note)).findings, []);
    let path = folder.path().join("evidence/checkpoints.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let other = settings_with_other_records(&folder, &settings);
    let found = audited(&other, Some(&outside.note)).findings;
    assert!(found.iter().any(|finding| finding.place == "the checkpoint from outside"), "{found:?}");
}

#[test]
fn what_stands_behind_the_end_of_a_file_is_named() {
    let (folder, settings) = full();
    let evidence = folder.path().join("evidence");
    for (path, more) in [
        (evidence.join("tree"), [7_u8; 32].as_slice()),
        (evidence.join("checkpoints.jsonl"), b"\"half"),
        (evidence.join("segments.jsonl"), b"{"),
        (sealed(&folder), b"{"),
    ] {
        let (whole, file) = (fs::read(&path).unwrap(), path.to_str().unwrap());
        fs::write(&path, [whole.as_slice(), more].concat()).unwrap();
        let found = audited(&settings, None).findings;
        assert!(found.len() == 1 && found[0].place.contains(file), "{file}: {found:?}");
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(audited(&settings, None).findings, []);
}

/// The file of sealed texts.
fn sealed(folder: &TempDir) -> PathBuf {
    fs::read_dir(folder.path().join("secrets")).unwrap().next().unwrap().unwrap().path()
}

/// Says the same in another way.
fn space_out(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replacen(':', ": ", 1)).unwrap();
}

#[test]
fn a_text_is_sealed_in_one_way() {
    let (folder, settings) = full();
    space_out(&sealed(&folder));
    let found = audited(&settings, None).findings;
    let is_named = |finding: &Finding| {
        finding.place.ends_with(".sealed line 1") && finding.what.contains("no line of sealed texts")
    };
    assert!(found.iter().any(is_named), "{found:?}");
}

/// Even where the tree and a checkpoint were made over another one.
#[test]
fn a_record_is_written_in_one_way() {
    let folder = tempdir().unwrap();
    let settings = Settings { segment_bytes: 1 << 20, ..settings(folder.path()) };
    append(&open(&settings), &[record(0), record(1)]);
    space_out(&folder.path().join("evidence/000000.log"));
    open(&settings).checkpoint().unwrap();
    let found = audited(&settings, None).findings;
    let is_named = |finding: &Finding| {
        finding.place.ends_with("000000.log line 1") && finding.what.contains("no record in canonical form")
    };
    assert!(found.len() == 1 && is_named(&found[0]), "{found:?}");
}

#[test]
fn a_checkpoint_of_another_log_in_the_file_is_named() {
    let (folder, settings, _) = written(7);
    let path = folder.path().join("evidence/checkpoints.jsonl");
    let head = open(&settings).latest().unwrap().checkpoint;
    let other = note::Checkpoint { origin: "other.example/log".to_owned(), ..head };
    let line = checkpoints::line(&other.sign(&settings.signer)).unwrap();
    fs::write(&path, [fs::read(&path).unwrap(), line].concat()).unwrap();
    let found = audited(&settings, None).findings;
    assert!(found.len() == 1 && found[0].what.contains("of another log, `other.example/log`"), "{found:?}");
}

/// A checkpoint is used or named: never passed over.
#[test]
fn a_checkpoint_from_outside_that_counts_for_nothing_is_named() {
    let (_folder, settings) = full();
    let head = open(&settings).checkpoint().unwrap();
    let said = |note: &Note| {
        let found = audited(&settings, Some(note)).findings;
        assert!(found.iter().all(|finding| finding.place == "the checkpoint from outside"), "{found:?}");
        found.into_iter().map(|finding| finding.what).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said(&head.note), "");
    for origin in ["other.example/log", "data.example.gov.cn/log/epoch/1"] {
        let other = note::Checkpoint { origin: origin.to_owned(), ..head.checkpoint.clone() };
        assert!(said(&other.sign(&settings.signer)).contains("no epoch of this log"), "{origin}");
    }
    let (stranger, _) = SigningKey::generate().unwrap();
    assert!(said(&head.checkpoint.sign(&stranger)).contains("has signed it"));
    // A witness's signature alone is enough, and then the log must hold what it covers.
    let by_witness = |text: String| {
        let line = note::cosign(&text, "witness.example", &witness().0, 1_795_000_000);
        Note { text, signatures: vec![line] }
    };
    assert_eq!(said(&by_witness(head.note.text.clone())), "");
    let more = note::Checkpoint { size: head.checkpoint.size + 1, ..head.checkpoint.clone() };
    assert!(said(&by_witness(more.text())).contains("its end is lost"));
}

/// The next epoch names an old head, and a witness or the log itself knows a newer one.
#[test]
fn more_that_is_lost_than_the_gap_says_is_found() {
    let folder = tempdir().unwrap();
    let settings = Settings { segment_bytes: 1 << 20, ..settings(folder.path()) };
    let (path, heads) =
        (folder.path().join("evidence/000000.log"), folder.path().join("evidence/checkpoints.jsonl"));
    let log = open(&settings);
    let mut early = Vec::new();
    let mut named = String::new();
    for count in [3, 2, 2, 2] {
        append(&log, &(0..count).map(record).collect::<Vec<_>>());
        match log.current.state().size {
            5 => early = fs::read(&path).unwrap(),
            7 => {
                log.checkpoint().unwrap();
                named = fs::read_to_string(&heads).unwrap();
            }
            _ => drop(log.checkpoint().unwrap()),
        }
    }
    let newest = log.latest().unwrap();
    drop(log);
    let whole = fs::read_to_string(&heads).unwrap();
    fs::write(&path, early).unwrap();
    fs::write(&heads, &named).unwrap();
    Ledger::begin_epoch(settings.clone(), None, platform_actor("operator"), Timestamp(1)).unwrap();
    assert_eq!(audited(&settings, None).findings, []);
    let said = |found: Vec<Finding>, place: &str| {
        let more = |finding: &Finding| {
            finding.place.contains(place) && finding.what.contains("covers 9 records, but the next epoch")
        };
        assert!(found.len() == 1 && more(&found[0]), "{found:?}");
    };
    said(audited(&settings, Some(&newest.note)).findings, "the checkpoint from outside");
    fs::write(&heads, whole).unwrap();
    said(audited(&settings, None).findings, "checkpoints.jsonl line 3");
    // Another head of the size that is named.
    fs::write(&heads, named).unwrap();
    let other = note::Checkpoint { size: 7, ..newest.checkpoint };
    let found = audited(&settings, Some(&other.sign(&settings.signer))).findings;
    assert!(found.len() == 1 && found[0].what.contains("the last head was another"), "{found:?}");
}

/// The operator writes another history with the real key.
fn settings_with_other_records(folder: &TempDir, settings: &Settings) -> Settings {
    fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    fs::remove_dir_all(folder.path().join("objects")).unwrap();
    let log = open(settings);
    append(&log, &(0..40).map(record).collect::<Vec<_>>());
    log.checkpoint().unwrap();
    settings.clone()
}

#[test]
fn a_gap_between_epochs_is_no_finding_but_a_wrong_one_is() {
    let (folder, settings, _) = written(4);
    let whole = fs::read_to_string(folder.path().join("evidence/000000.log")).unwrap();
    let (early, _) = whole.split_at(whole.find('\n').unwrap() + 1);
    fs::write(folder.path().join("evidence/000000.log"), early).unwrap();
    let found = audited(&settings, None).findings;
    assert!(found.iter().any(|finding| finding.what.contains("its end is lost")), "{found:?}");
    Ledger::begin_epoch(settings.clone(), None, platform_actor("operator"), Timestamp(1)).unwrap();
    let after = audited(&settings, None);
    assert_eq!((after.epochs, after.records, after.findings.as_slice()), (2, 2, [].as_slice()));
    // One more record of the old epoch comes back: the gap is not the stated one.
    let second = whole[early.len()..].find('\n').unwrap() + 1;
    fs::write(folder.path().join("evidence/000000.log"), &whole[..early.len() + second]).unwrap();
    let found = audited(&settings, None).findings;
    assert!(found.iter().any(|finding| finding.what.contains("the gap it names")), "{found:?}");
}
