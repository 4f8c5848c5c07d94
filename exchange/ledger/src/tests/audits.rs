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
        block_on(vault.keep(&record.id, Committed::Request, &[1; 32], b"GET x\n\n")).unwrap();
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
