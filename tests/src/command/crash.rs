//! kill -9 at any moment: the last published version stays whole, and what a killed run leaves is garbage.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::support::city::CODE;
use crate::support::command::Folder;

/// Moments at which a run is killed.
const MOMENTS: u32 = 25;
const ROWS: u32 = 4_000;

/// Rows of one generation, which each of them tells; keys begin with `prefix`.
fn generation(folder: &Folder, prefix: &str, number: u32, rows: u32) -> String {
    let mut text = String::from("case_no,county,person,amount,note\n");
    for row in 0..rows {
        writeln!(text, "{prefix}{row},360481,某人(合成),{number}.00,第{number}代").unwrap();
    }
    folder.file("generation.csv", text)
}

/// A run that delivers that generation.
type Run = fn(&Folder, u32) -> Command;
/// The generations that are readable, each with the number of its rows.
type Generations = Vec<(u32, u64)>;

fn ingest(folder: &Folder, file: &str, change: &str) -> Command {
    let mut command = folder.command(&["ingest", CODE, file, "--change", change, "--as", "scjg"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn replace(folder: &Folder, number: u32) -> Command {
    ingest(folder, &generation(folder, "G", number, ROWS), "replace")
}

fn append(folder: &Folder, number: u32) -> Command {
    ingest(folder, &generation(folder, &format!("G{number}-"), number, ROWS), "append")
}

/// Changes the first half of the rows and leaves the others as they are.
fn upsert(folder: &Folder, number: u32) -> Command {
    ingest(folder, &generation(folder, "G", number, ROWS / 2), "upsert")
}

/// What is readable; each generation is whole in itself.
fn readable(folder: &Folder) -> Generations {
    let sql = "select count(*) as rows, count(distinct case_no) as keys, min(amount) as low, max(amount) as high \
               from scjg.penalty group by note order by high";
    let found = folder.rows(sql, &["scjg"]);
    let generation = |found: &Value| {
        assert_eq!((&found["rows"], &found["low"]), (&found["keys"], &found["high"]), "{found}");
        (found["high"].as_f64().unwrap() as u32, found["rows"].as_u64().unwrap())
    };
    found.as_array().unwrap().iter().map(generation).collect()
}

/// Kills runs at moments spread over a whole one: afterwards there is what was there, or that and the next delivery
/// as `after` says.
fn killed(run: Run, moments: u32, after: fn(&[(u32, u64)], u32) -> Generations) -> Folder {
    let folder = Folder::with_resource();
    assert!(replace(&folder, 0).status().unwrap().success());
    let started = Instant::now();
    assert!(run(&folder, 1).status().unwrap().success());
    let (whole, mut last, mut killed) = (started.elapsed(), readable(&folder), 0);
    assert_eq!(last, after(&[(0, u64::from(ROWS))], 1));
    for moment in 0..moments {
        let next = moment + 2;
        let mut child = run(&folder, next).spawn().unwrap();
        std::thread::sleep(whole * moment / moments + Duration::from_millis(1));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let now = readable(&folder);
        assert!(now == last || now == after(&last, next), "{now:?} is neither {last:?} nor it and {next}");
        last = now;
    }
    assert!(killed > 0, "nothing was killed");
    let checks: Value = folder.json(&["doctor"]);
    assert!(checks.as_array().unwrap().iter().all(|check| check["well"] == true), "{checks}");
    folder.ok(&["gc"]);
    assert_eq!(readable(&folder), last);
    assert!(run(&folder, moments + 2).status().unwrap().success());
    assert_eq!(readable(&folder), after(&last, moments + 2));
    folder
}

#[test]
fn a_killed_replacement_leaves_the_old_version_or_the_new_one() {
    killed(replace, MOMENTS, |_, next| vec![(next, u64::from(ROWS))]);
}

#[test]
fn a_killed_append_adds_all_of_its_rows_or_none() {
    killed(append, MOMENTS / 2, |last, next| [last, &[(next, u64::from(ROWS))]].concat());
}

#[test]
fn a_killed_upsert_changes_all_of_its_rows_or_none() {
    killed(upsert, MOMENTS / 2, |_, next| vec![(0, u64::from(ROWS / 2)), (next, u64::from(ROWS / 2))]);
}

/// Every file below the folder of objects, by its path there.
fn objects(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder may come and go while a run is under way.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => drop(found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned())),
            }
        }
    }
    found
}

/// What the catalogue's versions name, read from their manifests.
fn named(folder: &Folder, root: &Path) -> BTreeSet<String> {
    let versions = folder.json(&["versions", CODE, "--as", "scjg"]);
    let mut named = BTreeSet::new();
    for version in versions.as_array().unwrap() {
        let digest = version["manifest_digest"].as_str().unwrap();
        let base = format!("{CODE}/{:06}/manifest-{digest}", version["number"].as_i64().unwrap());
        let manifest = fs::read(root.join(format!("{base}.json"))).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let parts = manifest["parts"].as_array().unwrap();
        named.extend(parts.iter().map(|part| part["path"].as_str().unwrap().to_owned()));
        named.extend([format!("{base}.json"), format!("{base}.jws")]);
    }
    named
}

/// Kills a run when it has written a part and before it has published it.
fn orphaned(folder: &Folder, root: &Path) {
    let is_part = |object: &String| object.ends_with(".parquet");
    for number in 1..50 {
        let before = objects(root);
        let mut child = replace(folder, number).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if objects(root).difference(&before).any(is_part) {
                break;
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        let named = named(folder, root);
        let left = objects(root);
        if left.difference(&before).any(|object| is_part(object) && !named.contains(object)) {
            return;
        }
    }
    panic!("every run was faster than its killer");
}

#[test]
fn what_a_killed_run_wrote_is_collected_and_nothing_else() {
    let folder = Folder::with_resource();
    assert!(replace(&folder, 0).status().unwrap().success());
    let root = folder.data().join("objects");
    orphaned(&folder, &root);
    // A write that is cut short leaves this; the store itself does not list it.
    fs::write(root.join(CODE).join("000001/part-00000-cut.parquet#1"), "PAR1").unwrap();
    fs::write(folder.data().join("spool/.tmpcut"), "case_no").unwrap();
    let (all, named) = (objects(&root), named(&folder, &root));
    let orphans: Vec<_> = all.difference(&named).cloned().collect();
    assert!(orphans.iter().any(|object| object.ends_with(".parquet")), "{orphans:?}");
    let young = folder.json(&["gc"]);
    assert_eq!(young["objects"], json!([]), "what is young may belong to a run that goes on");
    assert_eq!(objects(&root), all);

    let long_ago = SystemTime::now() - Duration::from_secs(7_200);
    for object in &all {
        File::options().write(true).open(root.join(object)).unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(folder.json(&["gc", "--dry-run"])["objects"], json!(orphans));
    assert_eq!(objects(&root), all);
    assert_eq!(folder.json(&["gc"])["objects"], json!(orphans));
    assert_eq!(objects(&root), named);
    folder.ok(&["doctor"]);
    let spool = folder.data().join("spool");
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0, "uploads of killed runs are gone too");
}
