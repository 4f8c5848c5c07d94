//! Evidence as an operator, an auditor, a holder of a receipt and a witness meet it: real processes, real files.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::city::CODE;
use crate::support::command::{Folder, Serving, Visitor, key};
use crate::support::server::Call;

const DATA: &str =
    "case_no,county,person,amount,note\nG1,360481,某人(合成),1.00,无\nG2,360482,某甲(合成),2.00,无\n";

/// A folder with a version, whose department has asked for it in SQL.
pub(super) fn with_access() -> Folder {
    let folder = Folder::with_resource();
    let file = folder.file("data.csv", DATA);
    folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
    folder.rows("select case_no from scjg.penalty where county = '360481'", &["scjg"]);
    folder
}

/// The findings of an audit that must have some.
fn findings(folder: &Folder, arguments: &[&str]) -> Vec<(String, String)> {
    let (status, error) = folder.refused(&[&["audit"], arguments].concat());
    assert_eq!((status, &error["code"]), (1, &Value::from("corrupt")), "{error}");
    let text = |found: &Value, field: &str| found[field].as_str().unwrap().to_owned();
    error["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (text(found, "at"), text(found, "message")))
        .collect()
}

#[test]
fn an_audit_names_what_was_changed_wherever_it_lies() {
    let folder = with_access();
    let well = folder.json(&["audit"]);
    assert_eq!(well["findings"], Value::Array(Vec::new()));
    for counted in ["records", "checkpoints", "texts", "rows", "versions"] {
        assert!(well[counted].as_u64().unwrap() > 0, "{well}");
    }
    let manifest = file_below(&folder.data().join("objects"), "manifest-");
    let part = file_below(&folder.data().join("objects"), "part-");
    let sealed = file_below(&folder.data().join("secrets"), "");
    let log = folder.data().join("evidence/000000.log");
    let checkpoints = folder.data().join("evidence/checkpoints.jsonl");
    for (path, named) in [
        (manifest, "version 1 of"),
        (part, "version 1 of"),
        (sealed, "secrets/"),
        (log, "000000.log line"),
        (checkpoints, "checkpoints.jsonl line"),
    ] {
        let whole = fs::read(&path).unwrap();
        let mut spoiled = whole.clone();
        let middle = whole.len() / 2;
        spoiled[middle] ^= 1;
        fs::write(&path, spoiled).unwrap();
        let found = findings(&folder, &[]);
        assert!(found.iter().any(|(at, _)| at.contains(named)), "{}: {found:?}", path.display());
        fs::write(&path, whole).unwrap();
    }
    folder.ok(&["audit"]);
}

/// The first file below a folder whose name begins so.
fn file_below(folder: &Path, start: &str) -> PathBuf {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let own = entries
        .iter()
        .find(|path| path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with(start));
    own.cloned()
        .or_else(|| {
            entries
                .iter()
                .filter(|path| path.is_dir())
                .map(|path| file_below(path, start))
                .find(|path| path.is_file())
        })
        .unwrap_or_default()
}

#[test]
fn a_changed_or_missing_row_is_named() {
    let folder = with_access();
    for (statement, named, said) in [
        (
            "UPDATE departments SET document = replace(document, '市场', '商场') WHERE id = 'scjg'",
            "department scjg",
            "is not what",
        ),
        (
            "UPDATE versions SET document = replace(document, '\"rows\":2', '\"rows\":3')",
            "version 1 of",
            "is not what",
        ),
        ("DELETE FROM departments WHERE id = 'gaj'", "department gaj", "its row is gone"),
    ] {
        let database = folder.data().join("catalogue.sqlite");
        let backup = fs::read(&database).unwrap();
        sqlite(&database, statement);
        let found = findings(&folder, &[]);
        let is_named = found.iter().any(|(at, what)| at.contains(named) && what.contains(said));
        assert!(is_named, "{statement}: {found:?}");
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", database.display()));
        }
        fs::write(&database, backup).unwrap();
    }
    folder.ok(&["audit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_and_matters_are_audited_too() {
    let folder = with_access();
    let file = folder.machine_key("gaj");
    let serving = folder.serve();
    let network = ["--server", &serving.base, "--key", &file];
    let issue = |purpose| folder.json(&[&["ticket", "issue", "--purpose", purpose], &network[..]].concat());
    issue("核对");
    let ended = issue("比对")["ticket"]["id"].as_str().unwrap().to_owned();
    folder.ok(&[&["ticket", "revoke", &ended], &network[..]].concat());
    let application = serde_json::json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "county", "person"], "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2098-06-30T16:00:00Z",
    });
    let machine = key(&file);
    let opened = Call::post("/api/v1/applications", &application).by(&machine);
    Visitor::of(&serving).await.send(opened).await.ok();
    drop(serving);
    folder.ok(&["audit"]);
    let database = folder.data().join("catalogue.sqlite");
    sqlite(&database, "UPDATE matters SET document = replace(document, '办案', '办事')");
    sqlite(&database, "UPDATE tickets SET document = replace(document, '核对', '核验')");
    let found = findings(&folder, &[]);
    for named in ["matter SQ-", "ticket "] {
        assert!(
            found.iter().any(|(at, what)| at.starts_with(named) && what.contains("is not what")),
            "{found:?}"
        );
    }
}

#[test]
fn an_auditor_finds_who_saw_what_and_is_seen_doing_so() {
    let folder = with_access();
    let other = folder.refusal(&["query", "select case_no from scjg.penalty", "--as", "gaj"]).1;
    assert_eq!(other, "not_granted");
    let search = |words: &[&str]| {
        let all = [&["evidence"], words, &["--as", ":auditor", "--operator", "sun"]].concat();
        folder.json(&all)["records"].take()
    };
    let reads = search(&["--resource", CODE, "--action", "access"]);
    assert_eq!(reads.as_array().unwrap().len(), 1, "{reads}");
    assert_eq!(
        (&reads[0]["record"]["actor"]["department"], &reads[0]["record"]["rows"]),
        (&"scjg".into(), &1.into())
    );
    let refused = search(&["--department", "gaj", "--action", "access_refused"]);
    assert_eq!(refused[0]["record"]["code"], "not_granted", "{refused}");
    let changes = search(&["--resource", CODE, "--action", "version.published"]);
    assert_eq!(changes[0]["record"]["entity"], "version 1 of 301001/000001", "{changes}");
    let own = search(&["--action", "evidence.read"]);
    let looked_for = own[0]["record"]["entity"].as_str().unwrap();
    assert_eq!(looked_for, format!("evidence resource={CODE} action=access"));
    assert_eq!(search(&["--until", "2020-01-01T00:00:00Z"]), Value::Array(Vec::new()));

    let page =
        |after: &[&str]| folder.json(&[&["evidence", "--limit", "2", "--as", ":auditor"], after].concat());
    let first = page(&[]);
    let second = page(&["--after", first["next"].as_str().unwrap()]);
    let place = |page: &Value, row: usize| page["records"][row]["index"].as_u64().unwrap();
    assert_eq!([place(&first, 0), place(&first, 1), place(&second, 0)], [0, 1, 2]);

    for role in [":security_administrator", "scjg", "scjg:reviewer"] {
        assert_eq!(folder.refusal(&["evidence", "--as", role]).1, "forbidden", "{role}");
    }
    let wrong = folder.refusal(&["evidence", "--from", "yesterday", "--as", ":auditor"]);
    assert_eq!(wrong, (2, "invalid_input".to_owned()));
    let sheet = folder.path("存证.xlsx");
    folder.ok(&["evidence", "--xlsx", sheet.to_str().unwrap(), "--as", ":auditor"]);
    let book = catalog_sheet::read(&fs::read(&sheet).unwrap(), None).unwrap();
    let text = format!("{:?}", book.directory.rows);
    let part =
        folder.json(&["evidence", "--xlsx", sheet.to_str().unwrap(), "--limit", "2", "--as", ":auditor"]);
    assert_eq!(part["next"], "0-1", "a sheet that ends early says so: {part}");
    assert!(text.contains("301001/000001 第1版") && text.contains("拒绝 not_granted"), "{text}");
    folder.ok(&["audit"]);
}

#[test]
fn a_checkpoint_that_the_log_never_signed_ends_no_epoch() {
    let folder = with_access();
    let checkpoint = folder.ok(&["log", "checkpoint"]);
    let mut lines: Vec<_> = checkpoint.lines().map(str::to_owned).collect();
    lines[1] = "99999".to_owned();
    let forged = folder.file("forged.txt", lines.join("\n") + "\n");
    let (status, error) = folder.refused(&["log", "begin-epoch", "--checkpoint", &forged]);
    assert_ne!(status, 0);
    assert!(error["message"].as_str().unwrap().contains("not signed by a key of the log"), "{error}");
    folder.ok(&["audit"]);
}

/// Changes rows past the program, as someone with the database in hand does.
pub(super) fn sqlite(database: &Path, statement: &str) {
    execute(database, statement, "assert n > 0");
}

/// Runs a statement past the program.
pub(crate) fn execute(database: &Path, statement: &str, check: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); n = c.execute(sys.argv[2]).rowcount; \
                  c.commit(); c.execute('PRAGMA wal_checkpoint(TRUNCATE)'); c.close(); ";
    let script = &format!("{script}{check}");
    let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let done = std::process::Command::new(python).args(["-c", script]).arg(database).arg(statement).status();
    assert!(done.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_verified_offline_and_a_changed_one_is_not() {
    let folder = with_access();
    let machine = key(&folder.machine_key("scjg"));
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let query = serde_json::json!({ "sql": "select case_no from scjg.penalty" });
    let answer = visitor.send(Call::post("/api/v1/sql", &query).by(&machine)).await;
    let address = format!("/receipts/{}", answer.header("shuqiao-receipt"));
    let receipt = visitor.send(Call::get(address).by(&machine)).await;
    let keys = visitor.send(Call::get("/.well-known/jwks.json")).await;
    let (answer, receipt) = (answer.ok_bytes(), receipt.ok_bytes());
    let answer_file = folder.file("answer.json", answer);
    let (receipt_file, keys) =
        (folder.file("receipt.json", receipt), folder.file("jwks.json", keys.ok_bytes()));
    drop(serving);

    let verify = |answer: &str| folder.json(&["verify", &receipt_file, answer, "--keys", &keys]);
    let proven = verify(&answer_file);
    assert_eq!((&proven["answer"], &proven["ended"]), (&Value::from(true), &Value::from(true)));
    assert!(folder.ok(&["verify", &receipt_file, "--keys", &keys]).contains("the answer was not checked"));
    let other = folder.file("other.json", [answer, b" "].concat());
    let refused = |arguments: &[&str]| {
        folder.refusal(&[&["verify", &receipt_file], arguments, &["--keys", &keys]].concat())
    };
    assert_eq!(refused(&[&other]), (1, "corrupt".to_owned()));
    let witness = folder.ok(&["witness", "key", "w", "--name", "witness.example"]);
    assert_eq!(refused(&["--witness", witness.trim()]), (1, "corrupt".to_owned()));

    let document: Value = serde_json::from_slice(receipt).unwrap();
    for (place, value) in [
        ("/issued_at", Value::from("2026-01-01T00:00:00Z")),
        ("/ended", Value::from(false)),
        ("/records/0/actor/purpose", Value::from("别的")),
        ("/records/0/rows", Value::from(1)),
        ("/proofs/0/index", Value::from(0)),
        ("/proofs/0/path/0", document["proofs"][0]["path"][1].clone()),
        ("/checkpoint", Value::from(document["checkpoint"].as_str().unwrap().replacen('1', "2", 1))),
        ("/signature", Value::from("e30..AA")),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(place).unwrap() = value;
        fs::write(&receipt_file, changed.to_string()).unwrap();
        let (status, _) = refused(&[&answer_file]);
        assert_ne!(status, 0, "{place}");
    }
    // What nobody signed is named, wherever it was put in.
    for (place, name) in
        [("", "note"), ("/records/0", "verdict"), ("/records/0/actor", "role"), ("/salts/0", "x")]
    {
        let mut changed = document.clone();
        changed.pointer_mut(place).unwrap()[name] = json!("无罪");
        fs::write(&receipt_file, changed.to_string()).unwrap();
        let (status, error) = folder.refused(&["verify", &receipt_file, &answer_file, "--keys", &keys]);
        assert_eq!((status, error["code"].as_str().unwrap()), (1, "corrupt"), "{place}");
        assert!(error["message"].as_str().unwrap().contains(&format!("{name}`")), "{place}: {error}");
    }
    fs::write(&receipt_file, receipt).unwrap();
    verify(&answer_file);
}

#[test]
fn an_auditor_opens_what_was_asked_and_that_leaves_evidence() {
    let folder = with_access();
    let log = fs::read_to_string(folder.data().join("evidence/000000.log")).unwrap();
    let access: Value = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &Value| line["event"] == "access")
        .unwrap();
    let id = access["request_id"].as_str().unwrap();
    assert!(folder.ok(&["log", "open", id]).contains("where county = '360481'"));
    let log = fs::read_to_string(folder.data().join("evidence/000000.log")).unwrap();
    assert!(log.contains(r#""action":"text.opened""#) && log.contains(&format!("request {id}")));
    assert_eq!(folder.refusal(&["log", "open", "nonsense"]).1, "not_found");
    assert_eq!(folder.refusal(&["log", "erase", "2099-01"]).1, "illegal_state");
    folder.ok(&["audit"]);
}

/// A witness in a process of its own.
pub(super) struct Witnessing(Child, String);

impl Drop for Witnessing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn witnessing(folder: &Folder, log: &str) -> Witnessing {
    let mut command = folder.command(&["witness", "serve", "w", "--listen", "127.0.0.1:0", "--log", log]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.split_once("witnessing at ").unwrap_or_else(|| panic!("{line}")).1.trim().to_owned();
    Witnessing(child, base)
}

pub(super) fn configure(folder: &Folder, witness: &Witnessing, key: &str) {
    let path = folder.data().join("shuqiao.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.split("\n[log]").next().unwrap();
    let log =
        format!("[log]\ncheckpoint_seconds = 1\n[[log.witness]]\nurl = \"{}\"\nkey = \"{key}\"\n", witness.1);
    fs::write(path, format!("{text}\n{log}")).unwrap();
}

/// Waits until the served head has a line of the witness and gives the note.
pub(super) async fn cosigned(visitor: &Visitor) -> String {
    loop {
        let note = visitor.send(Call::get("/log/checkpoint")).await.text();
        if note.contains("— witness.example ") {
            return note;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_what_grows_and_never_again_what_was_rewritten() {
    let folder = with_access();
    let key = folder.ok(&["witness", "key", "w", "--name", "witness.example"]).trim().to_owned();
    let log_key = folder.ok(&["log", "key"]).trim().to_owned();
    let witness = witnessing(&folder, &log_key);
    configure(&folder, &witness, &key);
    let serving = folder.serve();
    let note = cosigned(&Visitor::of(&serving).await).await;
    drop(serving);
    let outside = folder.file("outside.txt", &note);
    folder.ok(&["audit", "--checkpoint", &outside]);

    // The operator takes the key and writes the log again, with one record in the middle left out.
    let evidence = folder.data().join("evidence");
    let log = fs::read_to_string(evidence.join("000000.log")).unwrap();
    fs::remove_dir_all(&evidence).unwrap();
    fs::create_dir(&evidence).unwrap();
    let rewritten: Vec<_> = log.lines().filter(|line| !line.contains(r#""event":"access""#)).collect();
    fs::write(evidence.join("000000.log"), rewritten.join("\n") + "\n").unwrap();
    for _ in 0..5 {
        folder.ok(&["log", "open", &request_of(&log)]);
    }
    let found = findings(&folder, &["--checkpoint", &outside]);
    assert!(found.iter().any(|(at, _)| at == "the checkpoint from outside"), "{found:?}");
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let head = visitor.send(Call::get("/log/checkpoint")).await.text();
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    assert!(size(&head) >= size(&note), "the forged log is as long as the true one");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (old, status) in [(size(&note), 422), (0, 409)] {
        let path = format!("/log/proof/consistency?first={old}&second={}", size(&head));
        let proof = visitor.send(Call::get(path)).await.ok();
        let lines: String = proof["path"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| format!("{}\n", step.as_str().unwrap()))
            .collect();
        let body = format!("old {old}\n{lines}\n{head}");
        let answer = client.post(format!("{}/add-checkpoint", witness.1)).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{}", answer.text().await.unwrap());
    }
    drop(serving);
    drop(witness);
    assert_eq!(folder.ok(&["witness", "heads", "w"]).trim(), note.trim(), "it stays with the true head");
}

fn request_of(log: &str) -> String {
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    first["request_id"].as_str().unwrap().to_owned()
}

/// The server is killed while eight clients ask without a pause; each answer that arrived is in evidence afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_evidence_of_every_answer_that_left() {
    let folder = with_access();
    let machine = Arc::new(key(&folder.machine_key("scjg")));
    let left = Arc::<Mutex<Vec<String>>>::default();
    for more in [5_usize, 17, 40] {
        let serving: Serving = folder.serve();
        let visitor = Arc::new(Visitor::of(&serving).await);
        let enough = left.lock().unwrap().len() + more;
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (visitor, machine, left) = (visitor.clone(), machine.clone(), left.clone());
                // Ends by a panic, when the server is gone.
                tokio::spawn(async move {
                    loop {
                        let query = serde_json::json!({ "sql": "select case_no from scjg.penalty" });
                        let answer = visitor.send(Call::post("/api/v1/sql", &query).by(&machine)).await;
                        let receipt = answer.header("shuqiao-receipt").to_owned();
                        left.lock().unwrap().push(receipt);
                    }
                })
            })
            .collect();
        while left.lock().unwrap().len() < enough {
            tokio::task::yield_now().await;
        }
        // SIGKILL, without a word.
        drop(serving);
        futures::future::join_all(clients).await;
    }
    folder.ok(&["log", "checkpoint"]);
    let log = fs::read_to_string(folder.data().join("evidence/000000.log")).unwrap();
    for id in left.lock().unwrap().iter() {
        assert!(log.contains(&format!(r#""request_id":"{id}""#)), "{id}");
    }
    folder.ok(&["audit"]);
}
