use std::fs;

use super::*;

/// Writes a copy into a folder as a restore does.
fn put(copy: &LogCopy, folder: &Path) {
    for file in &copy.files {
        let path = folder.join(&file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = match &file.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Stored { path, bytes, .. } => fs::read(path).unwrap()[..*bytes as usize].to_vec(),
        };
        fs::write(path, content).unwrap();
    }
}

fn findings(settings: &Settings) -> Vec<Finding> {
    let own = [settings.signer.public()];
    audit(settings, AuditKeys { log: &own, witnesses: &[] }, None).unwrap().findings
}

#[test]
fn a_copy_is_the_log_at_its_checkpoint_however_the_log_grew_meanwhile() {
    let (_folder, settings, mut records) = written(20);
    let log = open(&settings);
    records.extend((20..24).map(record));
    append(&log, &records[20..]);
    let copy = log.copy().unwrap();
    assert_eq!(copy.signed.checkpoint.size, 24);
    // Sealed and moved before anybody has read the copy.
    append(&log, &(24..60).map(record).collect::<Vec<_>>());
    log.checkpoint().unwrap();
    let elsewhere = tempdir().unwrap();
    put(&copy, elsewhere.path());
    let restored = Settings { data_folder: elsewhere.path().to_owned(), ..settings.clone() };
    let again = open(&restored);
    assert_eq!(read(&again, Filter::default()), records);
    assert_eq!(again.latest(), Some(copy.signed.clone()));
    assert_eq!(again.check_holds(&copy.signed.checkpoint).unwrap(), 0);
    let newest = log.checkpoint().unwrap().checkpoint;
    assert!(matches!(again.check_holds(&newest), Err(LedgerError::LostTail { kept: 24, covered: 60 })));
    assert_eq!(log.check_holds(&copy.signed.checkpoint).unwrap(), 0);
    drop(again);
    assert_eq!(findings(&restored), []);
    // Another log of the same name has other records.
    let (_other, other, _) = written(30);
    let forked = open(&other).check_holds(&copy.signed.checkpoint);
    assert!(matches!(forked, Err(LedgerError::Forked { size: 24 })), "{forked:?}");
}

#[test]
fn the_copy_of_a_log_with_a_lost_end_keeps_the_gap() {
    let (folder, settings, records) = written(9);
    let log = open(&settings);
    drop(log);
    let settings = Settings { segment_bytes: 1 << 20, ..settings };
    let sealed = folder.path().join("objects/evidence");
    let last = fs::read_dir(folder.path().join("evidence"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "log"))
        .unwrap();
    fs::write(last, b"").unwrap();
    let actor = platform_actor("operator");
    Ledger::begin_epoch(settings.clone(), None, actor, Timestamp(1)).unwrap();
    let log = open(&settings);
    append(&log, &records[8..]);
    let copy = log.copy().unwrap();
    let elsewhere = tempdir().unwrap();
    put(&copy, elsewhere.path());
    let restored = Settings { data_folder: elsewhere.path().to_owned(), ..settings };
    let (again, opened) = Ledger::open(restored.clone()).unwrap();
    assert_eq!(again.origin(), format!("{ORIGIN}/epoch/1"));
    assert!(opened.records > 2 && sealed.exists());
    drop(again);
    assert_eq!(findings(&restored), []);
}
