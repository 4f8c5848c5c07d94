//! What becomes of data that is there: more rows, open files, proofs, withdrawals.

use std::fs;

use ::http::StatusCode;
use serde_json::{Value, json};

use crate::support::city::{CODE, ROWS, resource};
use crate::support::command::{Folder, Visitor};
use crate::support::server::Call;

const HEAD: &str = "case_no,county,person,amount,note\n";

/// Three versions: the rows, one more, one changed.
fn three_versions() -> Folder {
    let folder = Folder::with_resource();
    for (name, rows, change) in [
        ("1.csv", ROWS.to_owned(), "replace"),
        ("2.csv", format!("{HEAD}A4,360481,赵六(合成),4.00,四\n"), "append"),
        ("3.csv", format!("{HEAD}A2,360402,李四(合成),21.00,二\n"), "upsert"),
    ] {
        let file = folder.file(name, rows);
        folder.ok(&["ingest", CODE, &file, "--change", change, "--as", "scjg"]);
    }
    folder
}

fn amounts(folder: &Folder, version: &str) -> Value {
    let sql = format!("select case_no, amount from scjg.penalty {version} order by case_no");
    let rows = folder.rows(&sql, &["scjg"]);
    rows.as_array().unwrap().iter().map(|row| json!([row["case_no"], row["amount"]])).collect()
}

#[test]
fn append_upsert_and_the_past() {
    let folder = three_versions();
    let first = json!([["A1", 100.5], ["A2", 20.0], ["A3", 3.25]]);
    assert_eq!(amounts(&folder, "version as of 1"), first);
    assert_eq!(amounts(&folder, "version as of 2").as_array().unwrap().len(), 4);
    assert_eq!(amounts(&folder, ""), json!([["A1", 100.5], ["A2", 21.0], ["A3", 3.25], ["A4", 4.0]]));
    let again = folder.path("2.csv").to_str().unwrap().to_owned();
    let append = ["ingest", CODE, &again, "--change", "append", "--as", "scjg"];
    assert_eq!(folder.refusal(&append).1, "quality_threshold", "its key is there already");

    folder.ok(&["withdraw", CODE, "--record", "A2", "--reason", "信用修复", "--as", "scjg"]);
    for version in ["", "version as of 1", "version as of 2"] {
        assert!(!amounts(&folder, version).to_string().contains("A2"), "{version}");
    }
    let reinstate = ["withdraw", CODE, "--record", "A2", "--reinstate", "--reason", "已更正", "--as", "scjg"];
    assert!(folder.ok(&reinstate).contains("reinstated"));
    assert!(!amounts(&folder, "").to_string().contains("A2"), "earlier versions stay as they are");
    folder.ok(&["withdraw", CODE, "--version", "1", "--reason", "数据有误", "--as", "scjg"]);
    let past = ["query", "select * from scjg.penalty version as of 1", "--as", "scjg"];
    assert_eq!(folder.refusal(&past).1, "withdrawn");
    let garbage = folder.json(&["gc", "--dry-run"]);
    assert_eq!((&garbage["dry_run"], &garbage["objects"]), (&json!(true), &json!([])));
    folder.ok(&["gc"]);
    assert_eq!(amounts(&folder, "version as of 2").as_array().unwrap().len(), 3);
    folder.ok(&["doctor"]);
    for version in ["2", "3"] {
        folder.ok(&["withdraw", CODE, "--version", version, "--reason", "数据有误", "--as", "scjg"]);
    }
    assert_eq!(folder.refusal(&append).1, "illegal_state", "no rows are left to append to");
    folder.ok(&["audit"]);
}

#[test]
fn a_breaking_change_is_announced_reviewed_and_listed() {
    let folder = Folder::with_resource();
    let old = folder.file("old.csv", ROWS);
    folder.ok(&["ingest", CODE, &old, "--as", "scjg"]);
    let mut changed = resource();
    changed["items"].as_array_mut().unwrap().remove(3);
    folder.put_in_force(&changed);
    let new = folder.file("new.csv", "case_no,county,person,note\nA1,360481,,\n");
    let ingest = ["ingest", CODE, &new, "--as", "scjg", "--operator", "wang"];
    assert_eq!(folder.refusal(&ingest).1, "breaking_change");
    let breaking = [&ingest[..], &["--breaking", "--reason", "金额另行公布", "--notice-days", "10"]].concat();
    assert!(folder.ok(&breaking).contains("removes or retypes amount: 金额另行公布"));
    let review = |role, operator| ["review", CODE, "2", "--as", role, "--operator", operator];
    assert_eq!(folder.refusal(&review("scjg", "wang")).1, "forbidden");
    let own = folder.refusal(&review("scjg:reviewer", "wang"));
    assert_eq!(own, (3, "forbidden".to_owned()), "nobody reviews what they delivered");
    let again: Vec<_> = breaking.iter().map(|word| if *word == "wang" { "zhao" } else { *word }).collect();
    folder.ok(&again);
    let review = |role, operator| ["review", CODE, "3", "--as", role, "--operator", operator];
    for author in ["wang", "zhao"] {
        let own = folder.refusal(&review("scjg:reviewer", author)).1;
        assert_eq!(own, "forbidden", "{author} has a hand in the change");
    }
    let reviewed = folder.ok(&review("scjg:reviewer", "li"));
    assert!(reviewed.contains("is announced") && reviewed.contains("in effect from"), "{reviewed}");
    let listed = folder.json(&["versions", CODE, "--as", "scjg"]);
    assert_eq!((&listed[0]["state"], &listed[2]["state"]), (&json!("published"), &json!("announced")));
    assert!(folder.ok(&["versions", CODE, "--as", "scjg"]).contains("已公告"));
    folder.ok(&["ingest", CODE, &old, "--as", "scjg"]);
    assert_eq!(amounts(&folder, "").as_array().unwrap().len(), 3, "the old columns go on");
    folder.ok(&["doctor"]);
    folder.ok(&["audit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_file_is_proven_or_not() {
    let folder = three_versions();
    let open = ["publish", CODE, "--items", "case_no,county,amount", "--basis", "政府信息公开条例", "--as"];
    assert_eq!(folder.refusal(&[&open[..], &["gaj"]].concat()), (3, "forbidden".to_owned()));
    let personal = ["publish", CODE, "--items", "case_no,person", "--basis", "x", "--as", "scjg"];
    assert_eq!(folder.refusal(&personal), (2, "invalid_input".to_owned()));
    folder.open(&["--items", "case_no,county,amount"]);

    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    for ending in ["csv", "manifest.json", "jws"] {
        let file = folder.path(&format!("latest.{ending}"));
        visitor.download(&format!("/datasets/{CODE}/latest.{ending}"), &file).await;
    }
    visitor.download("/.well-known/jwks.json", &folder.path("keys.json")).await;
    let verify = ["verify", "latest.csv", "--keys", "keys.json"];
    let proven = folder.json(&verify);
    assert_eq!((&proven["version"], &proven["licence"]), (&json!(3), &json!("CC-BY-4.0")));
    assert!(folder.ok(&verify).contains("genuine"));
    let genuine = fs::read_to_string(folder.path("latest.csv")).unwrap();
    folder.file("latest.csv", genuine.replace("100.5", "900.5"));
    assert_eq!(folder.refusal(&verify), (1, "corrupt".to_owned()));
    folder.file("latest.csv", genuine);
    let manifest = fs::read_to_string(folder.path("latest.manifest.json")).unwrap();
    folder.file("latest.manifest.json", manifest.replace("CC-BY-4.0", "CC0-1.0"));
    assert_eq!(folder.refusal(&verify), (1, "corrupt".to_owned()));
    drop(serving);

    folder.ok(&["withdraw", CODE, "--version", "2", "--reason", "数据有误", "--as", "scjg"]);
    let serving = folder.serve();
    let gone = Visitor::of(&serving).await.send(Call::get(format!("/datasets/{CODE}/2.csv"))).await;
    assert_eq!((gone.status, gone.code().as_str()), (StatusCode::GONE, "withdrawn"));
}
