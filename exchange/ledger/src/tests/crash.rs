//! kill -9 at any moment, under load: what was acknowledged is there afterwards, and the log is whole.

use std::io::{BufRead as _, BufReader, Write as _};
use std::iter;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Times that the writer is killed.
const KILLS: u64 = 40;
/// Names the data folder to the writing process.
const FOLDER: &str = "SHUQIAO_TEST_LEDGER";

/// The process that is killed: eight tasks append without end, and each acknowledged record is told on standard output.
#[test]
#[ignore = "runs in a process of its own, which the test below starts and kills"]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let log = Arc::new(Ledger::open(settings_of(Path::new(&folder))).unwrap().0);
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (log, next) = (log.clone(), next.clone());
                tokio::spawn(async move {
                    for number in iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)) {
                        let record = record(number);
                        let id = record.id.clone();
                        let place = log.append(record).await.unwrap();
                        if place.is_multiple_of(50) {
                            let log = log.clone();
                            tokio::task::spawn_blocking(move || log.checkpoint().unwrap()).await.unwrap();
                        }
                        // One write for one line: what arrives was acknowledged.
                        std::io::stdout()
                            .lock()
                            .write_all(format!("kept {place} {id}\n").as_bytes())
                            .unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn settings_of(folder: &Path) -> Settings {
    // A key of the test's own, the same in every process.
    let document =
        [exchange_crypto::from_hex("302e020100300506032b657004220420").unwrap(), vec![7; 32]].concat();
    let signer = Arc::new(SigningKey::from_pkcs8(&document).unwrap());
    Settings { segment_bytes: 20_000, ..Settings::new(folder, ORIGIN, signer) }
}

#[test]
fn no_acknowledged_record_is_lost_by_a_kill() {
    let folder = tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // A fixed sequence of moments: after how many acknowledgements the process is killed.
    let mut seed = 20_261_122_u64;
    for _ in 0..KILLS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = 1 + (seed >> 33) % 120;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "tests::crash::writer"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            // The frame of the test runner stands on the same stream.
            let Some((_, kept)) = line.split_once("kept ") else { continue };
            let (place, id) = kept.split_once(' ').unwrap();
            if Uuid::parse_str(id).is_ok() {
                acknowledged.push((place.parse::<u64>().unwrap(), id.to_owned()));
            }
            seen += 1;
            if seen == moment {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= moment, "the writer ended by itself after {seen} records");
    }
    let (log, opened) = Ledger::open(settings_of(folder.path())).unwrap();
    let leaves: Vec<_> = log.scan(Filter::default()).unwrap().map(Result::unwrap).collect();
    assert_eq!(leaves.len() as u64, opened.records);
    assert!(acknowledged.len() as u64 >= KILLS && log.current.state().seals.len() > 3);
    for (place, id) in acknowledged {
        assert_eq!(leaves[usize::try_from(place).unwrap()].record.id, id);
    }
    for leaf in leaves.iter().step_by(31) {
        log.prove(std::slice::from_ref(leaf)).unwrap();
    }
}
