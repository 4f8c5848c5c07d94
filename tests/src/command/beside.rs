//! The command beside a running server: it speaks its API as the folder's operator, and nobody else can.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use ::http::Method;
use serde_json::json;

use crate::support::city::{CODE, ROWS, departments};
use crate::support::command::{Folder, Visitor, key};
use crate::support::server::Call;

const SOCKET: &str = "server.sock";

/// Every family of client commands works the same way beside a server as on the folder itself.
fn work(folder: &Folder) {
    let sheet = folder.sheet("directory.xlsx");
    folder.ok(&["resource", "import", &sheet, "--as", "scjg", "--operator", "wang"]);
    for (step, role, operator) in [
        ("submit-registration", "scjg", "wang"),
        ("approve-registration", "scjg:reviewer", "li"),
        ("submit-publication", "scjg", "wang"),
        ("approve-publication", "scjg:reviewer", "li"),
    ] {
        folder.ok(&["resource", "step", step, CODE, "--as", role, "--operator", operator]);
    }
    let rows = folder.file("penalty.csv", ROWS);
    assert_eq!(folder.json(&["ingest", CODE, &rows, "--as", "scjg"])["published"]["number"], 1);
    let bad = folder.file("bad.csv", ROWS.replace("A1", "").replace("A2", ""));
    assert_eq!(folder.refusal(&["ingest", CODE, &bad, "--as", "scjg"]), (2, "quality_threshold".to_owned()));
    let sql = "select count(*) as n from scjg.penalty";
    assert_eq!(folder.rows(sql, &["scjg"]), json!([{"n": 3}]));
    assert_eq!(folder.refusal(&["query", sql, "--as", "gaj"]), (3, "not_granted".to_owned()));
    folder.open(&[]);
    assert_eq!(folder.json(&["grant", "list", "--as", "scjg"]).as_array().unwrap().len(), 1);
    folder.machine_key("gaj");
    assert_eq!(folder.json(&["key", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(folder.json(&["gc", "--dry-run"])["dry_run"], true);
    let exported = folder.path("exported.xlsx").to_str().unwrap().to_owned();
    folder.json(&["resource", "export", &exported, "--as", "scjg"]);
    let two = ":system_administrator,auditor";
    assert_eq!(folder.refusal(&["org", "list", "--as", two]), (2, "invalid_input".to_owned()));
    assert_eq!(folder.refusal(&["org", "list", "--as", "nobody"]), (1, "not_found".to_owned()));
    let checks = folder.json(&["doctor"]);
    assert!(checks.as_array().unwrap().iter().all(|check| check["well"] == true), "{checks}");
}

#[test]
fn every_client_command_works_beside_a_server_and_without_one() {
    work(&Folder::with_departments());
    let folder = Folder::with_departments();
    let serving = folder.serve();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.data()), mode(&folder.data().join(SOCKET))), (0o700, 0o600));
    work(&folder);
    serving.terminate();
    assert!(serving.wait().success());
    assert!(!folder.data().join(SOCKET).exists());
    let log = fs::read_to_string(folder.data().join("evidence/000000.log")).unwrap();
    let acts = |name: &str| log.lines().filter(|line| line.contains(&format!("\"operator:{name}\""))).count();
    assert!(acts("wang") > 0 && acts("li") > 0, "what they did beside the server is evidence of theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_the_network_is_taken_at_their_word() {
    let folder = Folder::with_departments();
    let machine = key(&folder.machine_key("gaj"));
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let [mut department, _] = departments();
    department.name = "假".to_owned();
    let put = || {
        Call::new(Method::PUT, "/api/v1/departments/scjg")
            .json(&serde_json::to_value(&department).unwrap())
            .header("shuqiao-acting-as", "%3Asystem_administrator")
            .header("shuqiao-operator", "root")
    };
    assert_eq!(visitor.send(put()).await.code(), "forbidden");
    assert_eq!(visitor.send(put().by(&machine)).await.code(), "forbidden");
    let sql = Call::post("/api/v1/sql", &json!({"sql": "select 1"})).header("shuqiao-acting-as", "scjg");
    visitor.send(sql).await.ok();
    let auditor = Call::get("/api/v1/access-log").header("shuqiao-acting-as", "%3Aauditor");
    assert_eq!(visitor.send(auditor).await.code(), "forbidden");
    assert!(!folder.ok(&["org", "list"]).contains('假'));
}

#[test]
fn what_a_killed_server_left_behind_is_recognised() {
    let folder = Folder::with_departments();
    drop(folder.serve());
    assert!(folder.data().join(SOCKET).exists(), "it was killed, so it could not tidy up");
    folder.ok(&["org", "list"]);
    let serving = folder.serve();
    folder.ok(&["org", "list"]);
    drop(serving);
    // Another command owns the folder, and no server speaks for it.
    let lock = fs::File::options().write(true).open(folder.data().join("lock")).unwrap();
    lock.lock().unwrap();
    for command in [&["org", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["gc"]] {
        let (status, error) = folder.refused(command);
        assert_eq!((status, error["code"].as_str().unwrap()), (1, "conflict"));
        assert!(error["message"].as_str().unwrap().contains("another command"), "{error}");
    }
}

#[test]
fn a_folder_with_a_long_name_has_its_door_too() {
    let folder = Folder::empty();
    let deep = folder.path(&"数据".repeat(25)).join("共享").join("数据文件夹");
    fs::create_dir_all(deep.parent().unwrap()).unwrap();
    let deep = deep.to_str().unwrap();
    assert!(UnixListener::bind(format!("{deep}.sock")).is_err(), "too long for the address of a socket");
    folder.ok(&["init", "--data-dir", deep]);
    let serving = folder.serve_at(deep);
    folder.ok(&["org", "list", "--data-dir", deep]);
    drop(serving);
}

#[test]
fn a_folder_that_others_can_enter_is_not_well() {
    let folder = Folder::initialised();
    fs::set_permissions(folder.data(), Permissions::from_mode(0o750)).unwrap();
    let (_, error) = folder.refused(&["doctor"]);
    assert!(error["problems"].to_string().contains("chmod 700"), "{error}");
}
