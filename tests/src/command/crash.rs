//! kill -9 at any moment: the last published version stays whole.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::city::CODE;
use crate::support::command::Folder;

/// Moments at which a run is killed.
const MOMENTS: u32 = 25;
const ROWS: u32 = 4_000;

/// A file in which every row tells its generation.
fn generation(folder: &Folder, number: u32) -> String {
    let mut text = String::from("case_no,county,person,amount,note\n");
    for row in 0..ROWS {
        writeln!(text, "G{row},360481,某人(合成),{number}.00,第{number}代").unwrap();
    }
    folder.file("generation.csv", text)
}

fn ingest(folder: &Folder, number: u32) -> Command {
    let file = generation(folder, number);
    let mut command = folder.command(&["ingest", CODE, &file, "--as", "scjg"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The generation that is readable, whole.
fn readable(folder: &Folder) -> u32 {
    let sql = "select count(*) as rows, count(distinct case_no) as keys, min(amount) as low, max(amount) as high, \
               count(distinct note) as notes from scjg.penalty";
    let found = folder.rows(sql, &["scjg"]);
    let number = found[0]["high"].as_f64().unwrap();
    let whole = json!([{"rows": ROWS, "keys": ROWS, "low": number, "high": number, "notes": 1}]);
    assert_eq!(found, whole);
    number as u32
}

#[test]
fn a_killed_ingest_leaves_the_old_version_or_the_new_one() {
    let folder = Folder::with_resource();
    assert!(ingest(&folder, 0).status().unwrap().success());
    let started = Instant::now();
    assert!(ingest(&folder, 1).status().unwrap().success());
    let (whole, mut last, mut killed) = (started.elapsed(), 1, 0);
    for moment in 0..MOMENTS {
        let next = moment + 2;
        let mut child = ingest(&folder, next).spawn().unwrap();
        std::thread::sleep(whole * moment / MOMENTS + Duration::from_millis(1));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let now = readable(&folder);
        assert!(now == last || now == next, "{now} is neither {last} nor {next}");
        last = now;
    }
    assert!(killed > 0, "nothing was killed");
    let checks: Value = folder.json(&["doctor"]);
    assert!(checks.as_array().unwrap().iter().all(|check| check["well"] == true), "{checks}");
    folder.ok(&["gc"]);
    assert_eq!(readable(&folder), last);
    assert!(ingest(&folder, MOMENTS + 2).status().unwrap().success());
    assert_eq!(readable(&folder), MOMENTS + 2);
}
