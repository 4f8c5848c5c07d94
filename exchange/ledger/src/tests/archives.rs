use std::fs;

use super::*;
use crate::segment::Growing;

/// A log with an archive.
fn archived(count: u64) -> (TempDir, TempDir, Settings, Vec<EvidenceRecord>) {
    let (folder, settings, records) = written(count);
    let away = tempdir().unwrap();
    let settings = Settings { archive: Some(away.path().to_owned()), ..settings };
    (folder, away, settings, records)
}

fn findings(settings: &Settings) -> Vec<Finding> {
    let own = [settings.signer.public()];
    audit(settings, AuditKeys { log: &own, witnesses: &[] }, None).unwrap().findings
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

const FUTURE: Timestamp = Timestamp(i64::MAX);

#[test]
fn what_is_in_the_archive_alone_is_read_found_proven_copied_and_audited() {
    let (folder, away, settings, mut records) = archived(40);
    let near = folder.path().join("objects/evidence");
    let log = open(&settings);
    let sealed = names(&near);
    assert!(sealed.len() > 3, "{sealed:?}");
    let all = u64::try_from(sealed.len()).unwrap();
    assert_eq!(log.archive(None).unwrap(), Archived { copied: all, dropped: 0 });
    assert_eq!((names(away.path()), names(&near)), (sealed.clone(), sealed.clone()));
    assert_eq!(log.archive(None).unwrap(), Archived::default(), "once");
    // Records up to the twelfth are old enough.
    let dropped = log.archive(Some(records[12].at)).unwrap().dropped;
    assert!(dropped > 0 && dropped < all - 1, "{dropped}");
    assert_eq!(log.archive(Some(FUTURE)).unwrap().dropped, all - 1 - dropped);
    assert_eq!(names(&near), sealed[sealed.len() - 1..], "the newest stays");

    assert_eq!(read(&log, Filter::default()), records);
    for record in [&records[0], &records[20]] {
        let found = log.find(&record.request_id).unwrap();
        assert_eq!(found[0].record, *record);
        log.prove(&found).unwrap();
    }
    let copy = log.copy().unwrap();
    for file in &copy.files {
        if let Content::Stored { path, bytes, .. } = &file.content {
            assert_eq!(fs::metadata(path).unwrap().len(), *bytes, "{}", path.display());
        }
    }
    drop(log);
    assert_eq!(findings(&settings), []);
    // It goes on, and its index and tree can be made again from there.
    fs::remove_file(folder.path().join("evidence/tree")).unwrap();
    fs::remove_file(folder.path().join("evidence/000000.idx")).unwrap();
    let log = open(&settings);
    records.extend((40..60).map(record));
    append(&log, &records[40..]);
    assert_eq!(read(&log, Filter::default()), records);
    assert_eq!(log.find(&records[0].request_id).unwrap().len(), 1);
    log.archive(Some(FUTURE)).unwrap();
    drop(log);
    assert_eq!(findings(&settings), []);
}

#[test]
fn a_changed_or_missing_archived_segment_is_named_and_nothing_is_dropped_for_it() {
    let (folder, away, settings, _) = archived(40);
    let near = folder.path().join("objects/evidence");
    let log = open(&settings);
    let copy = away.path().join("000001.log");
    let sealed = fs::read(near.join("000001.log")).unwrap();
    fs::write(near.join("000001.log"), &sealed[..sealed.len() / 2]).unwrap();
    assert!(matches!(log.archive(None), Err(LedgerError::Damaged { .. })));
    assert!(!copy.exists(), "a damaged segment is not archived as if it were whole");
    fs::write(near.join("000001.log"), &sealed).unwrap();
    log.archive(None).unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut spoiled = whole.clone();
    spoiled[whole.len() / 2] ^= 1;
    fs::write(&copy, &spoiled).unwrap();
    let named = |place: &str| {
        let found = findings(&settings);
        assert!(found.iter().any(|finding| finding.place.contains(place)), "{found:?}");
    };
    let place = copy.to_str().unwrap();
    named(place);
    assert!(matches!(log.archive(Some(FUTURE)), Err(LedgerError::Damaged { path, .. }) if path == copy));
    assert!(near.join("000001.log").exists(), "the good one stays");
    fs::write(&copy, &whole).unwrap();
    log.archive(Some(FUTURE)).unwrap();
    assert!(!near.join("000001.log").exists());
    fs::write(&copy, &spoiled).unwrap();
    named(place);
    fs::remove_file(&copy).unwrap();
    named(place);
    assert!(log.scan(Filter::default()).unwrap().any(|leaf| leaf.is_err()), "never a shorter log");
    fs::write(&copy, &whole).unwrap();
    assert_eq!(findings(&settings), []);
}

#[test]
fn what_a_crash_left_in_the_archive_is_written_anew_and_a_missing_archive_is_an_error() {
    let (_folder, away, settings, records) = archived(40);
    fs::write(away.path().join("000000.part"), "half").unwrap();
    let log = open(&settings);
    assert!(log.archive(None).unwrap().copied > 3);
    assert!(names(away.path()).iter().all(|name| name.ends_with(".log")));
    drop(log);
    assert_eq!(findings(&settings), []);
    fs::remove_dir_all(away.path()).unwrap();
    let log = open(&settings);
    assert!(matches!(log.archive(Some(FUTURE)), Err(LedgerError::Io { .. })));
    assert!(!away.path().exists(), "nothing is made where a disk should be mounted");
    assert_eq!(read(&log, Filter::default()), records);
}

#[test]
fn a_segment_is_dropped_when_its_last_record_is_over() {
    let (_folder, _away, settings, _) = archived(40);
    let log = open(&settings);
    let first = log.current.state().seals[0].clone();
    assert!(first.from < first.until);
    assert_eq!(log.archive(Some(first.until)).unwrap().dropped, 0);
    assert_eq!(log.archive(Some(first.until.plus_seconds(1))).unwrap().dropped, 1);
}

#[test]
fn a_segment_lasts_until_its_latest_record_whatever_their_order() {
    let mut growing = Growing::new(0, 0);
    [2, 3, 1].into_iter().for_each(|at| growing.add(b"{}", Timestamp(at)));
    let seal = growing.seal(&exchange_crypto::Digest::of(b""));
    assert_eq!((seal.from, seal.until), (Timestamp(1), Timestamp(3)));
}

#[test]
fn texts_are_over_when_their_whole_month_is() {
    let folder = tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    for month in ["2026-09", "2026-10", "2026-11"] {
        fs::write(folder.path().join(format!("secrets/{month}.sealed")), "").unwrap();
    }
    let over = |months, now: &str| vault.months_over(months, Timestamp::parse(now).unwrap()).unwrap();
    assert_eq!(over(36, "2029-09-30T12:00:00Z"), Vec::<String>::new());
    assert_eq!(over(36, "2029-10-01T12:00:00Z"), ["2026-09"]);
    assert_eq!(over(36, "2029-11-15T12:00:00Z"), ["2026-09", "2026-10"]);
    assert_eq!(over(u32::MAX, "2029-11-15T12:00:00Z"), Vec::<String>::new());
}
