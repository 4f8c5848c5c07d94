use std::fs;

use super::*;

/// A copy of the log as it was after five records, put in place of the one with nine.
fn lost() -> (TempDir, Settings, Vec<EvidenceRecord>) {
    let folder = tempdir().unwrap();
    let settings = Settings { segment_bytes: 1 << 20, ..settings(folder.path()) };
    let records: Vec<_> = (0..9).map(record).collect();
    let log = open(&settings);
    append(&log, &records[..3]);
    log.checkpoint().unwrap();
    append(&log, &records[3..5]);
    let path = folder.path().join("evidence/000000.log");
    let early = fs::read(&path).unwrap();
    append(&log, &records[5..]);
    log.checkpoint().unwrap();
    drop(log);
    fs::write(path, early).unwrap();
    (folder, settings, records)
}

#[test]
fn a_lost_end_is_named_and_begins_a_new_epoch() {
    let (_folder, settings, records) = lost();
    let error = Ledger::open(settings.clone()).err().unwrap();
    assert!(matches!(error, LedgerError::LostTail { kept: 5, covered: 9 }), "{error}");
    let begin = || Ledger::begin_epoch(settings.clone(), None, platform_actor("operator"), Timestamp(1));
    assert_eq!(begin().unwrap().records, 6);
    let log = open(&settings);
    assert_eq!(log.origin(), format!("{ORIGIN}/epoch/1"));
    append(&log, &records[5..]);
    let leaves: Vec<_> = log.scan(Filter::default()).unwrap().map(Result::unwrap).collect();
    let places: Vec<_> = leaves.iter().map(|leaf| (leaf.epoch, leaf.index)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]);
    let Event::EpochStarted { epoch: 1, checkpoint, kept: 5, lost: 4 } = &leaves[5].record.event else {
        panic!("{:?}", leaves[5].record.event);
    };
    let named = note::Note::parse(checkpoint).unwrap().checkpoint_by(&[settings.signer.public()]).unwrap();
    assert_eq!((named.origin.as_str(), named.size), (ORIGIN, 9));
    // What an old checkpoint covers is still proven; what none covers any more is not.
    assert_eq!(log.prove(std::slice::from_ref(&leaves[1])).unwrap().signed.checkpoint.size, 3);
    assert!(matches!(log.prove(std::slice::from_ref(&leaves[4])), Err(LedgerError::Uncovered(4))));
    assert_eq!(log.prove(std::slice::from_ref(&leaves[7])).unwrap().signed.checkpoint.size, 5);
    drop(log);
    assert!(matches!(begin(), Err(LedgerError::Refused(_))), "nothing is lost now");
}

/// Log and checkpoints are from the same old copy: the witness alone knows that there was more.
#[test]
fn a_checkpoint_from_outside_tells_of_what_the_log_has_forgotten() {
    let (folder, settings, records) = written(4);
    let log = open(&settings);
    append(&log, &(4..6).map(record).collect::<Vec<_>>());
    let elsewhere = log.checkpoint().unwrap();
    drop(log);
    fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    fs::remove_dir_all(folder.path().join("objects")).unwrap();
    append(&open(&settings), &records[..2]);
    let actor = platform_actor("operator");
    Ledger::begin_epoch(settings.clone(), Some(elsewhere), actor, Timestamp(1)).unwrap();
    let log = open(&settings);
    let first = log.scan(Filter::default()).unwrap().nth(2).unwrap().unwrap();
    assert!(matches!(first.record.event, Event::EpochStarted { epoch: 1, kept: 2, lost: 4, .. }));
}
