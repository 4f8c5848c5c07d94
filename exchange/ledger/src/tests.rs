use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use catalog_core::context::Channel;
use catalog_core::evidence::{Actor, Event, EvidenceLog as _, EvidenceRecord};
use catalog_core::{Error, ErrorCode, ResourceCode, Timestamp};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use super::*;
use crate::line_file::{Known, LineFile};

fn record(number: u64) -> EvidenceRecord {
    let actor = Actor {
        id: format!("k-{}", number % 3),
        department: None,
        operator: None,
        purpose: Some("企业开办".to_owned()),
        matter: None,
        channel: Channel::Sql,
    };
    let resource = ResourceCode::new(format!("301001/{:06}", number % 5)).unwrap();
    let event = Event::OpenDownloads { resource, count: number, bytes: 1 };
    let at = Timestamp(1_795_000_000_000_000).plus_seconds(i64::try_from(number).unwrap());
    EvidenceRecord { id: Uuid::now_v7().to_string(), request_id: format!("r-{number}"), at, actor, event }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn log_path(folder: &TempDir) -> PathBuf {
    folder.path().join("evidence/000000.log")
}

/// A folder whose log holds the records.
fn written(records: &[EvidenceRecord]) -> TempDir {
    let folder = tempdir().unwrap();
    let (log, _) = EvidenceFile::open(folder.path()).unwrap();
    for (index, record) in (0..).zip(records) {
        assert_eq!(block_on(log.append(record.clone())).unwrap(), index);
    }
    folder
}

fn read(log: &EvidenceFile, filter: Filter) -> Vec<EvidenceRecord> {
    log.scan(filter).unwrap().map(|leaf| leaf.unwrap().record).collect()
}

#[test]
fn what_is_appended_is_read_again_in_canonical_lines() {
    let records: Vec<_> = (0..10).map(record).collect();
    let folder = written(&records);
    let (log, opened) = EvidenceFile::open(folder.path()).unwrap();
    assert_eq!(opened, Opened { lines: 10, torn: None });
    assert_eq!(read(&log, Filter::default()), records);
    assert_eq!(fs::metadata(log_path(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(log_path(&folder)).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with(r#"{"actor":{"channel":"sql","department":null,"id":"k-0""#), "{first}");
    let leaf = log.scan(Filter::default()).unwrap().next().unwrap().unwrap();
    assert_eq!(leaf.hash, leaf_hash(first.as_bytes()));
}

/// RFC 9162 section 2.1.1: the hash of a leaf has a zero byte in front.
#[test]
fn the_leaf_hash_of_nothing_is_the_published_one() {
    let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(leaf_hash(b"").to_hex(), expected);
}

#[test]
fn a_crash_at_any_byte_of_the_last_record_loses_that_record_alone() {
    let records: Vec<_> = (0..3).map(record).collect();
    let whole = fs::read(log_path(&written(&records))).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in last..whole.len() {
        let folder = tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(log_path(&folder), &whole[..end]).unwrap();
        let (log, opened) = EvidenceFile::open(folder.path()).unwrap();
        assert_eq!(opened.lines, 2);
        match opened.torn {
            None => assert_eq!(end, last),
            Some(torn) => assert_eq!(fs::read(torn.saved_as).unwrap(), whole[last..end]),
        }
        assert_eq!(fs::read(log_path(&folder)).unwrap(), whole[..last]);
        if end % 32 == 0 {
            assert_eq!(block_on(log.append(records[2].clone())).unwrap(), 2, "it is offered again and kept");
            assert_eq!(read(&log, Filter::default()), records);
            assert_eq!(fs::read(log_path(&folder)).unwrap(), whole);
        }
    }
}

#[test]
fn a_second_tear_at_the_same_place_keeps_both_copies() {
    let folder = written(&[record(0)]);
    for tail in ["{\"a", "{\"bc"] {
        let mut file = OpenOptions::new().append(true).open(log_path(&folder)).unwrap();
        std::io::Write::write_all(&mut file, tail.as_bytes()).unwrap();
        drop(file);
        let (_, opened) = EvidenceFile::open(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(opened.torn.unwrap().saved_as).unwrap(), tail);
    }
}

#[test]
fn damage_in_the_middle_is_named_and_left_alone() {
    let folder = written(&(0..3).map(record).collect::<Vec<_>>());
    let mut text = fs::read_to_string(log_path(&folder)).unwrap();
    let second = text.find('\n').unwrap() + 1;
    text.replace_range(second..=second, "x");
    fs::write(log_path(&folder), &text).unwrap();
    let error = EvidenceFile::open(folder.path()).err().unwrap();
    assert!(matches!(error, LedgerError::Damaged { line: 2, .. }), "{error}");
    assert_eq!(Error::from(error).code, ErrorCode::Corrupt);
    assert_eq!(fs::read_to_string(log_path(&folder)).unwrap(), text);
}

#[test]
fn a_record_is_kept_once_also_after_reopening() {
    let records: Vec<_> = (0..3).map(record).collect();
    let folder = written(&records);
    let (log, _) = EvidenceFile::open(folder.path()).unwrap();
    assert_eq!(block_on(log.append(records[1].clone())).unwrap(), 1);
    let new = record(9);
    assert_eq!(block_on(log.append(new.clone())).unwrap(), 3);
    assert_eq!(block_on(log.append(new)).unwrap(), 3);
    assert_eq!(read(&log, Filter::default()).len(), 4);
    let nameless = EvidenceRecord { id: "1".to_owned(), ..record(1) };
    assert!(block_on(log.append(nameless)).is_err());
}

#[test]
fn many_writers_at_once_get_places_of_their_own() {
    let folder = tempdir().unwrap();
    let log = Arc::new(EvidenceFile::open(folder.path()).unwrap().0);
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
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let lines = LineFile::start(full, 0, Known::default()).unwrap();
    // The second time the key is known: it must not pass for kept.
    for _ in 0..2 {
        assert!(matches!(block_on(lines.append(Some(1), b"x".to_vec())), Err(LedgerError::Stopped)));
    }
}

#[test]
fn one_process_writes() {
    let folder = tempdir().unwrap();
    let (log, _) = EvidenceFile::open(folder.path()).unwrap();
    assert!(matches!(EvidenceFile::open(folder.path()), Err(LedgerError::InUse(_))));
    drop(log);
    EvidenceFile::open(folder.path()).unwrap();
}

#[test]
fn auditors_filter() {
    let records: Vec<_> = (0..20).map(record).collect();
    let folder = written(&records);
    let (log, _) = EvidenceFile::open(folder.path()).unwrap();
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
    let folder = tempdir().unwrap();
    let (salts, _) = SaltFile::open(folder.path()).unwrap();
    let (request, answer) = (commit(b"select 1").unwrap(), commit(b"match").unwrap());
    assert_ne!(commit(b"match").unwrap().digest, answer.digest);
    block_on(async {
        salts.keep("a", Committed::Request, &request.salt).await.unwrap();
        salts.keep("b", Committed::Request, &[0; 32]).await.unwrap();
        salts.keep("a", Committed::Answer, &answer.salt).await.unwrap();
    });
    drop(salts);
    let (salts, opened) = SaltFile::open(folder.path()).unwrap();
    assert_eq!(opened.lines, 3);
    let kept = salts.of_record("a").unwrap();
    assert_eq!(kept[0].0, Committed::Request);
    assert!(opens(&answer.digest, &kept[1].1, b"match"));
    assert!(!opens(&answer.digest, &kept[1].1, b"no match"));
    assert!(!opens(&answer.digest, &kept[0].1, b"match"));
    let file = folder.path().join("secrets/salts.jsonl");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
#[ignore = "a measurement of the disk at hand, not a check"]
fn records_per_second() {
    const RECORDS: u64 = 200_000;
    let folder = tempdir().unwrap();
    let log = Arc::new(EvidenceFile::open(folder.path()).unwrap().0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let records: Vec<_> = (0..RECORDS).map(record).collect();
    let start = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = records
            .into_iter()
            .map(|record| {
                let log = log.clone();
                tokio::spawn(async move { log.append(record).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    eprintln!("{:.0} records/s", RECORDS as f64 / start.elapsed().as_secs_f64());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever text a record carries, reopening reads what was written.
    #[test]
    fn reopening_reads_what_was_written(purposes in proptest::collection::vec(any::<String>(), 1..8)) {
        let records: Vec<_> = (0..)
            .zip(purposes)
            .map(|(number, purpose)| {
                let mut record = record(number);
                record.actor.purpose = Some(purpose);
                record
            })
            .collect();
        let folder = written(&records);
        let (log, _) = EvidenceFile::open(folder.path()).unwrap();
        prop_assert_eq!(read(&log, Filter::default()), records);
    }

    #[test]
    fn arbitrary_files_never_panic(content: Vec<u8>) {
        let folder = written(&[]);
        fs::write(log_path(&folder), &content).unwrap();
        let _ = EvidenceFile::open(folder.path());
    }
}
