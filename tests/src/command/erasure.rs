//! `gc` that erases withdrawn records, killed at any moment, audited, backed up and restored.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::city::CODE;
use crate::support::command::Folder;

const RUNS: u32 = 10;
const SQL: &str = "select case_no from scjg.penalty order by case_no";

fn rows() -> String {
    let rows = (0..2_000).map(|row| format!("K{row:04},360481,某人(合成),{row}.00,无\n"));
    format!("case_no,county,person,amount,note\n{}", rows.collect::<String>())
}

/// A folder with data, where withdrawn records are erased at once.
fn with_data() -> Folder {
    let folder = Folder::with_resource();
    folder.file("data/retention.json", r#"{"default": {"withdrawn_days": 0}}"#);
    let file = folder.file("rows.csv", rows());
    folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
    folder
}

fn withdraw(folder: &Folder, key: u32) {
    let key = format!("K{key:04}");
    folder.ok(&["withdraw", CODE, "--record", &key, "--reason", "信用修复", "--as", "scjg"]);
}

fn findings(folder: &Folder, data: &str) -> Value {
    folder.json(&["audit", "--data-dir", data])["findings"].clone()
}

#[test]
fn a_killed_erasure_leaves_the_old_objects_or_the_new_ones() {
    let folder = with_data();
    withdraw(&folder, 0);
    let started = Instant::now();
    let erased = folder.json(&["gc"]);
    let whole = started.elapsed();
    assert_eq!((&erased["versions"][0]["version"], &erased["versions"][0]["rows"]), (&json!(1), &json!(1)));
    let mut killed = 0;
    for run in 1..=RUNS {
        withdraw(&folder, run);
        let before = folder.rows(SQL, &["scjg"]);
        let mut command = folder.command(&["gc"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * run / RUNS + Duration::from_millis(1));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        assert_eq!(folder.rows(SQL, &["scjg"]), before);
    }
    assert!(killed > 0, "nothing was killed");
    folder.ok(&["gc"]);
    assert_eq!(folder.json(&["gc", "--dry-run"])["versions"], json!([]), "nothing is due any more");
    let left = folder.rows(SQL, &["scjg"]);
    assert_eq!(left.as_array().unwrap().len() as u32, 2_000 - 1 - RUNS);
    let versions = folder.json(&["versions", CODE, "--as", "scjg"]);
    assert_eq!(versions[0]["rows"], json!(2_000 - 1 - RUNS), "they are gone, not hidden");
    assert_eq!(findings(&folder, "data"), json!([]));
}

#[test]
fn what_was_erased_is_audited_and_a_restore_brings_nothing_back() {
    let folder = with_data();
    folder.file("passphrase.txt", "由四个很长的词语组成的口令\n");
    folder.ok(&["backup", "--keys", "keys.sealed", "--passphrase-file", "passphrase.txt"]);
    withdraw(&folder, 7);
    folder.json(&["backup", "early"]);
    folder.ok(&["gc"]);
    folder.json(&["backup", "late"]);
    let seen = folder.rows(SQL, &["scjg"]);
    for (backup, to) in [("early", "one"), ("late", "two")] {
        let words = ["--keys", "keys.sealed", "--passphrase-file", "passphrase.txt", "--data-dir", to];
        folder.json(&[&["restore", backup, "--log", "data"][..], &words].concat());
        assert_eq!(findings(&folder, to), json!([]), "{backup}");
        let rows = folder.json(&["query", SQL, "--as", "scjg", "--data-dir", to]);
        assert_eq!(rows["data"], seen, "{backup}");
    }
    // The restored catalogue is that from before the erasure, which is due again.
    let due = folder.json(&["gc", "--data-dir", "one"]);
    assert_eq!(due["versions"].as_array().unwrap().len(), 1, "{due}");
    assert_eq!(findings(&folder, "one"), json!([]));

    // The manifest of before stays, and a change of it is found.
    let objects = folder.data().join(format!("objects/{CODE}/000001"));
    let manifests = std::fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().path());
    let mut manifests: Vec<_> = manifests.filter(|path| path.extension().unwrap() == "json").collect();
    manifests.sort();
    assert_eq!(manifests.len(), 2);
    for manifest in manifests {
        let whole = std::fs::read(&manifest).unwrap();
        let mut spoiled = whole.clone();
        spoiled[whole.len() / 2] ^= 1;
        std::fs::write(&manifest, spoiled).unwrap();
        let (_, error) = folder.refused(&["audit"]);
        assert!(error.to_string().contains("version 1 of"), "{error}");
        std::fs::write(&manifest, whole).unwrap();
    }
}
