use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use catalog_core::{Error, ErrorCode};

use super::*;
use crate::committer::Committer;
use crate::files::EpochFiles;
use crate::merkle::{extends, includes, leaf_hash};

#[test]
fn what_is_appended_is_read_again_in_canonical_lines() {
    let (folder, settings, records) = written(10);
    let (log, opened) = Ledger::open(settings).unwrap();
    assert_eq!(opened, Opened { records: 10, torn: None });
    assert_eq!(read(&log, Filter::default()), records);
    let path = folder.path().join("objects/evidence/000000.log");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(path).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with(r#"{"actor":{"channel":"sql","department":null,"id":"k-0""#), "{first}");
    let leaf = log.scan(Filter::default()).unwrap().next().unwrap().unwrap();
    assert_eq!((leaf.index, leaf.hash), (0, leaf_hash(first.as_bytes())));
}

proptest::proptest! {
    /// The fast way to write a line and the general one are the same, whatever text stands in it.
    #[test]
    fn lines_are_canonical(id: String, text: Option<String>, count in 0..1_u64 << 53, at in 0..4_000_000_000_000_000_i64) {
        let mut record = record(1);
        record.actor.id = id.clone();
        record.actor.purpose = text;
        record.at = Timestamp(at);
        for event in [
            Event::Changed { action: id.clone(), entity: id.clone(), entity_digest: id.clone() },
            Event::EpochStarted { epoch: count, checkpoint: "a\n\u{7f}\u{2028}\"".to_owned(), kept: count, lost: 0 },
        ] {
            record.event = event;
            let (fast, general) = (segment::line_of(&record).unwrap(), segment::canonical(&record).unwrap());
            proptest::prop_assert_eq!(String::from_utf8(fast), String::from_utf8(general));
        }
    }
}

/// RFC 8785 writes 2^53 + 1 as 2^53: such a line would never be the record's canonical form.
#[test]
fn a_number_without_an_exact_form_is_refused_and_the_log_goes_on() {
    let (folder, settings, _) = written(2);
    let log = open(&settings);
    let counting = |count: u64| {
        let event = Event::EpochStarted { epoch: 1, checkpoint: String::new(), kept: count, lost: 0 };
        EvidenceRecord { event, ..record(2) }
    };
    for count in [1 << 53, (1 << 53) + 1, u64::MAX] {
        assert!(block_on(log.append(counting(count))).is_err(), "{count}");
    }
    append(&log, &[counting((1 << 53) - 1)]);
    drop(log);
    let keys = [settings.signer.public()];
    let found = audit(&settings, AuditKeys { log: &keys, witnesses: &[] }, None).unwrap();
    assert_eq!((found.records, found.findings), (3, Vec::new()), "{}", folder.path().display());
}

#[test]
fn segments_are_sealed_by_size_and_moved_to_the_object_store() {
    let (folder, settings, records) = written(50);
    let log = open(&settings);
    let seals = log.current.state().seals.clone();
    assert!(seals.len() > 5, "{}", seals.len());
    let mut first = 0;
    for (number, seal) in (0..).zip(&seals) {
        assert_eq!((seal.number, seal.first), (number, first));
        first = seal.end();
        let content = fs::read(folder.path().join(format!("objects/evidence/{number:06}.log"))).unwrap();
        assert_eq!(seal.sha256, exchange_crypto::Digest::of(&content).to_hex());
        assert!(seal.bytes >= 1500 && !log.current.files.local(number).exists());
    }
    assert_eq!(read(&log, Filter::default()), records);
    append(&log, &[record(50)]);
    assert_eq!(read(&log, Filter::default()).len(), 51);
}

/// The one file that the first program wrote, whatever its size, becomes the first segment as it is.
#[test]
fn a_file_without_segments_becomes_the_first() {
    let (folder, records) = (tempdir().unwrap(), (0..30).map(record).collect::<Vec<_>>());
    let mut text = Vec::new();
    for record in &records {
        text.extend(segment::canonical(record).unwrap());
        text.push(b'\n');
    }
    fs::create_dir(folder.path().join("evidence")).unwrap();
    fs::write(folder.path().join("evidence/000000.log"), &text).unwrap();
    let log = open(&settings(folder.path()));
    append(&log, &[record(30)]);
    assert_eq!(fs::read(folder.path().join("objects/evidence/000000.log")).unwrap(), text);
    let leaf = log.find("r-29").unwrap().remove(0);
    assert_eq!((leaf.index, &leaf.record), (29, &records[29]));
    log.prove(std::slice::from_ref(&leaf)).unwrap();
}

#[test]
fn a_crash_between_any_steps_of_sealing_is_mended() {
    let (_folder, settings, records) = written(50);
    let files = EpochFiles::of(&settings.data_folder, 0);
    let log = open(&settings);
    let root = log.checkpoint().unwrap();
    drop(log);
    type Damage<'a> = (&'a str, &'a dyn Fn());
    let damages: [Damage<'_>; 5] = [
        ("not moved yet", &|| fs::rename(files.archived(2), files.local(2)).unwrap()),
        ("copied, not removed", &|| assert!(fs::copy(files.archived(3), files.local(3)).is_ok())),
        ("no index", &|| fs::remove_file(files.index(1)).unwrap()),
        ("no tree", &|| fs::remove_file(files.tree()).unwrap()),
        ("tree cut", &|| OpenOptions::new().write(true).open(files.tree()).unwrap().set_len(99).unwrap()),
    ];
    for (name, damage) in damages {
        damage();
        let log = open(&settings);
        assert_eq!(read(&log, Filter::default()), records, "{name}");
        assert_eq!(log.checkpoint().unwrap(), root, "{name}");
        for number in [3_u64, 8, 12, 49] {
            let found = log.find(&format!("r-{number}")).unwrap();
            assert_eq!(found[0].record, records[usize::try_from(number).unwrap()], "{name}");
            log.prove(std::slice::from_ref(&found[0])).unwrap();
        }
        assert!(!files.local(2).exists() && !files.local(3).exists(), "{name}");
    }
}

#[test]
fn receipts_find_their_records_without_reading_the_log() {
    let (_folder, settings, records) = written(60);
    let log = open(&settings);
    // Whatever was read from the start would fail on the way.
    fs::write(EpochFiles::of(&settings.data_folder, 0).archived(0), "damaged\n").unwrap();
    for record in &records[40..] {
        for id in [&record.id, &record.request_id] {
            let found = log.find(id).unwrap();
            assert_eq!(found.iter().map(|leaf| &leaf.record).collect::<Vec<_>>(), [record]);
        }
    }
    assert!(log.find("nonsense").unwrap().is_empty());
}

#[test]
fn each_record_is_proven_and_each_checkpoint_extends_the_one_before() {
    let (_folder, settings, _) = written(60);
    let log = open(&settings);
    let heads = log.current.checkpoints().all().unwrap();
    assert_eq!(heads.len(), 9);
    for pair in heads.windows(2) {
        let [old, new] = [&pair[0].checkpoint, &pair[1].checkpoint];
        let path = log.consistency(old.size, new.size).unwrap();
        assert!(extends((old.size, &old.root), (new.size, &new.root), &path));
        new.sign(&settings.signer).checkpoint_by(&[settings.signer.public()]).unwrap();
    }
    for leaf in log.scan(Filter::default()).unwrap().map(Result::unwrap) {
        let proof = log.prove(std::slice::from_ref(&leaf)).unwrap();
        let head = &proof.signed.checkpoint;
        assert!(includes(&leaf.hash, leaf.index, head.size, &proof.paths[0], &head.root));
    }
    log.inclusion(60, 60).unwrap_err();
    log.inclusion(0, 61).unwrap_err();
    log.consistency(9, 8).unwrap_err();
}

#[test]
fn a_checkpoint_is_made_when_there_is_something_new_and_covers_it() {
    let folder = tempdir().unwrap();
    let log = open(&settings(folder.path()));
    append(&log, &[record(0), record(1)]);
    assert_eq!((log.latest(), log.uncovered()), (None, 2));
    let leaf = log.find("r-1").unwrap().remove(0);
    assert_eq!(log.prove(std::slice::from_ref(&leaf)).unwrap().signed.checkpoint.size, 2);
    assert_eq!((log.checkpoint().unwrap().checkpoint.size, log.uncovered()), (2, 0));
    assert_eq!(log.current.checkpoints().all().unwrap().len(), 1);
    append(&log, &[record(2)]);
    assert_eq!(
        log.prove(std::slice::from_ref(&leaf)).unwrap().signed.checkpoint.size,
        2,
        "an old checkpoint still proves"
    );
}

#[test]
fn a_crash_at_any_byte_of_the_last_record_loses_that_record_alone() {
    let records: Vec<_> = (0..3).map(record).collect();
    let folder = tempdir().unwrap();
    append(&open(&settings(folder.path())), &records);
    let whole = fs::read(folder.path().join("evidence/000000.log")).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in last..whole.len() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("evidence/000000.log");
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(&path, &whole[..end]).unwrap();
        let (log, opened) = Ledger::open(settings(folder.path())).unwrap();
        assert_eq!(opened.records, 2);
        match opened.torn {
            None => assert_eq!(end, last),
            Some(torn) => assert_eq!(fs::read(torn.saved_as).unwrap(), whole[last..end]),
        }
        assert_eq!(fs::read(&path).unwrap(), whole[..last]);
        if end % 32 == 0 {
            append(&log, &records[2..]);
            assert_eq!(read(&log, Filter::default()), records);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }
}

#[test]
fn damage_in_the_middle_is_named_and_left_alone() {
    let folder = tempdir().unwrap();
    let settings = settings(folder.path());
    append(&open(&settings), &(0..3).map(record).collect::<Vec<_>>());
    let path = folder.path().join("evidence/000000.log");
    let mut text = fs::read_to_string(&path).unwrap();
    let second = text.find('\n').unwrap() + 1;
    text.replace_range(second..=second, "x");
    fs::write(&path, &text).unwrap();
    let error = Ledger::open(settings).err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { line: 2, .. }), "{error}");
    assert_eq!(Error::from(error).code, ErrorCode::Corrupt);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_changed_record_under_a_checkpoint_stops_the_start() {
    let folder = tempdir().unwrap();
    let settings = settings(folder.path());
    let log = open(&settings);
    append(&log, &(0..3).map(record).collect::<Vec<_>>());
    log.checkpoint().unwrap();
    drop(log);
    let path = folder.path().join("evidence/000000.log");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("企业开办", "企业开弁", 1)).unwrap();
    assert!(matches!(Ledger::open(settings.clone()), Err(LedgerError::Forked { size: 3 })));
    fs::write(&path, text).unwrap();
    open(&settings);
}

#[test]
fn a_record_is_kept_once_also_after_reopening_and_sealing() {
    let (_folder, settings, records) = written(8);
    let log = open(&settings);
    assert!(!log.current.state().seals.is_empty());
    assert_eq!(block_on(log.append(records[1].clone())).unwrap(), 1);
    let new = record(9);
    assert_eq!(block_on(log.append(new.clone())).unwrap(), 8);
    assert_eq!(block_on(log.append(new)).unwrap(), 8);
    assert_eq!(read(&log, Filter::default()).len(), 9);
    let nameless = EvidenceRecord { id: "1".to_owned(), ..record(1) };
    assert!(block_on(log.append(nameless)).is_err());
}

#[test]
fn many_writers_at_once_get_places_of_their_own() {
    let folder = tempdir().unwrap();
    let log = Arc::new(open(&settings(folder.path())));
    let records: Vec<_> = (0..500).map(record).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let places = runtime.block_on(async {
        // Every record twice, as two relays would offer it.
        let tasks: Vec<_> = records
            .iter()
            .chain(&records)
            .cloned()
            .map(|record| {
                let log = log.clone();
                tokio::spawn(async move { (record.id.clone(), log.append(record).await.unwrap()) })
            })
            .collect();
        let mut places = Vec::new();
        for task in tasks {
            places.push(task.await.unwrap());
        }
        places
    });
    let leaves: Vec<_> = log.scan(Filter::default()).unwrap().map(Result::unwrap).collect();
    assert_eq!(leaves.len(), 500);
    for (id, place) in places {
        assert_eq!(leaves[usize::try_from(place).unwrap()].record.id, id);
    }
}

#[test]
fn after_a_failed_write_everything_is_refused() {
    let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let committer = Committer::start("test", move |batch: Vec<u64>| {
        let written = full.write_all(b"x").map_err(LedgerError::io(Path::new("/dev/full")));
        if batch == [0] { written.map(|()| vec![0]) } else { Ok(vec![1]) }
    });
    let committer = committer.unwrap();
    for item in 0..2 {
        assert!(matches!(block_on(committer.commit(item)), Err(LedgerError::Stopped)));
    }
}

#[test]
fn after_a_full_disk_the_next_batch_is_tried() {
    let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let committer = Committer::start("test", move |batch: Vec<u64>| match batch.as_slice() {
        [0] => full.write_all(b"x").map_err(LedgerError::unwritten(Path::new("/dev/full"))).map(|()| vec![0]),
        _ => Ok(vec![1]),
    });
    let committer = committer.unwrap();
    assert!(matches!(block_on(committer.commit(0)), Err(LedgerError::Stopped)));
    assert_eq!(block_on(committer.commit(1)).unwrap(), 1);
}

#[test]
fn one_process_writes() {
    let folder = tempdir().unwrap();
    let settings = settings(folder.path());
    let log = open(&settings);
    assert!(matches!(Ledger::open(settings.clone()), Err(LedgerError::InUse(_))));
    drop(log);
    open(&settings);
}

#[test]
fn auditors_filter() {
    let (_folder, settings, records) = written(20);
    let log = open(&settings);
    let of_principal = Filter { principal: Some("k-1".to_owned()), ..Filter::default() };
    assert_eq!(read(&log, of_principal).len(), 7);
    let resource = Some(ResourceCode::new("301001/000002").unwrap());
    assert_eq!(read(&log, Filter { resource, ..Filter::default() }).len(), 4);
    let between = Filter { from: Some(records[3].at), until: Some(records[5].at), ..Filter::default() };
    assert_eq!(read(&log, between), records[3..5]);
    let of_request = Filter { request_id: Some("r-7".to_owned()), ..Filter::default() };
    assert_eq!(read(&log, of_request), records[7..8]);
}

#[test]
fn a_commitment_opens_with_its_salt_alone() {
    let (request, answer) = (commit(b"select 1").unwrap(), commit(b"match").unwrap());
    assert_ne!(commit(b"match").unwrap().digest, answer.digest);
    assert!(opens(&answer.digest, &answer.salt, b"match"));
    assert!(!opens(&answer.digest, &answer.salt, b"no match"));
    assert!(!opens(&answer.digest, &request.salt, b"match"));
}
