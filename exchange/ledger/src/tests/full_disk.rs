//! A disk that is full refuses, and goes on when there is room again: nothing acknowledged is lost, nothing refused is kept.

use std::process::{Command, Stdio};

use super::*;

/// Names the data folder, and which file is to find no room, to the process that writes.
const CASE: &str = "SHUQIAO_TEST_FULL_DISK";

/// Runs the process below with so many KiB for a file, at most.
fn filled(case: &str, kilobytes: u64) {
    let folder = tempdir().unwrap();
    let script = format!("trap '' XFSZ; ulimit -S -f {kilobytes}; exec \"$0\" \"$@\"");
    let done = Command::new("bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "tests::full_disk::writer"])
        .env(CASE, format!("{case} {}", folder.path().display()))
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("went on"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_log_goes_on_after_a_full_disk() {
    filled("segment", 40);
    filled("tree", 4);
    filled("seals", 3);
    filled("texts", 30);
}

/// Gives this process room again.
fn make_room() {
    let own = std::process::id().to_string();
    let done = Command::new("prlimit").args(["--pid", &own, "--fsize=unlimited"]).status();
    assert!(done.unwrap().success());
}

#[test]
#[ignore = "runs in a process of its own, which the test above starts with little room"]
fn writer() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (case, folder) = case.split_once(' ').unwrap();
    let segment_bytes = match case {
        "segment" => 1 << 20,
        "tree" => 3000,
        _ => 600,
    };
    match case {
        "texts" => texts(Path::new(folder)),
        _ => log(&Settings { segment_bytes, ..settings(Path::new(folder)) }),
    }
    println!("went on");
}

fn log(settings: &Settings) {
    let log = open(settings);
    let mut records: Vec<EvidenceRecord> = Vec::new();
    let refused = loop {
        let next = record(records.len() as u64);
        match block_on(log.append(next.clone())) {
            Ok(place) => assert_eq!(place, records.len() as u64),
            Err(_) => break next,
        }
        records.push(next);
        assert!(records.len() < 1000, "there is no end of the room");
    };
    assert!(records.len() > 5);
    block_on(log.append(refused.clone())).unwrap_err();
    assert_eq!(log.checkpoint().unwrap().checkpoint.size, records.len() as u64);
    make_room();
    for next in [refused, record(1), record(2), record(3)] {
        assert_eq!(block_on(log.append(next.clone())).unwrap(), records.len() as u64);
        records.push(next);
    }
    assert_eq!(read(&log, Filter::default()), records);
    for leaf in log.scan(Filter::default()).unwrap().map(Result::unwrap) {
        log.prove(std::slice::from_ref(&leaf)).unwrap();
    }
    drop(log);
    assert_eq!(read(&open(settings), Filter::default()), records);
    let keys = [settings.signer.public()];
    let found = audit(settings, AuditKeys { log: &keys, witnesses: &[] }, None).unwrap();
    assert_eq!(found.findings, []);
}

/// Texts that find no room keep their record out of the log, and are kept once when it comes again.
fn texts(folder: &Path) {
    let (log, vault) = (open(&settings(folder)), Vault::open(folder).unwrap());
    let keep = |record: &EvidenceRecord| {
        let text = vault.seal(&record.id, Committed::Answer, &[7; 32], &[b'x'; 3000]).unwrap();
        block_on(log.append_with(record.clone(), vec![text]))
    };
    let mut kept = Vec::new();
    let refused = loop {
        let next = EvidenceRecord { id: Uuid::now_v7().to_string(), ..record(kept.len() as u64) };
        match keep(&next) {
            Ok(_) => kept.push(next),
            Err(_) => break next,
        }
        assert!(kept.len() < 1000, "there is no end of the room");
    };
    keep(&refused).unwrap_err();
    assert_eq!(read(&log, Filter::default()), kept, "no record that nothing opens");
    make_room();
    keep(&refused).unwrap();
    kept.push(refused);
    for record in &kept {
        assert_eq!(vault.of_record(&record.id).unwrap().len(), 1);
    }
    assert_eq!(read(&log, Filter::default()), kept);
}
