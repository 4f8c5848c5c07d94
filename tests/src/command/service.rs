//! `serve`: one owner, health, draining, TLS; and departments that push to it from their own machines.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use rcgen::generate_simple_self_signed;
use serde_json::json;

use crate::support::city::{CODE, ROWS};
use crate::support::command::{Folder, Visitor};
use crate::support::python::python;
use crate::support::server::Call;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_the_only_owner_and_finishes_what_it_began() {
    let folder = Folder::with_departments();
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        assert_eq!(visitor.send(Call::get(path)).await.text(), text);
    }
    let (status, error) = folder.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((status, error["code"].as_str().unwrap()), (1, "conflict"));
    folder.ok(&["query", "select 1", "--as", "gaj"]);
    let file = folder.machine_key("gaj");
    let issue = ["ticket", "issue", "--hours", "1", "--server", &serving.base, "--key", &file];
    let token = folder.json(&issue)["token"].as_str().unwrap().to_owned();
    // 30 MB, more than what lies between the two: the server is still at it when the signal comes.
    let sql = format!(
        "select a.value as n, '{}' as text from generate_series(1, 3000) a cross join generate_series(1, 100) b",
        "x".repeat(100)
    );
    let request = visitor.http.post(format!("{}/api/v1/sql", serving.base)).header("accept", "text/csv");
    let answer = request.bearer_auth(token).json(&json!({ "sql": sql })).send().await.unwrap();
    serving.terminate();
    let text = answer.error_for_status().unwrap().text().await.unwrap();
    assert_eq!(text.lines().count(), 300_001);
    let base = serving.base.clone();
    assert!(serving.wait().success());
    assert!(visitor.http.get(format!("{base}/healthz")).send().await.is_err());
    folder.ok(&["query", "select 1", "--as", "gaj"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_at_the_end_is_cut_visibly_and_in_evidence() {
    let folder = Folder::with_resource();
    let rows = folder.file("penalty.csv", ROWS);
    folder.ok(&["ingest", CODE, &rows, "--as", "scjg"]);
    fs::write(folder.data().join("shuqiao.toml"), "[server]\ndrain_seconds = 0\n").unwrap();
    let file = folder.machine_key("scjg");
    let serving = folder.serve();
    let issue =
        ["ticket", "issue", "--hours", "1", "--purpose", "核对", "--server", &serving.base, "--key", &file];
    let token = folder.json(&issue)["token"].as_str().unwrap().to_owned();
    let sql = format!(
        "select p.case_no, '{}' as text from scjg.penalty p cross join generate_series(1, 300000)",
        "x".repeat(100)
    );
    let http = Visitor::of(&serving).await.http;
    let request = http.post(format!("{}/api/v1/sql", serving.base)).header("accept", "text/csv");
    let answer = request.bearer_auth(token).json(&json!({ "sql": sql })).send().await.unwrap();
    let id = answer.headers()["shuqiao-receipt"].to_str().unwrap().to_owned();
    serving.terminate();
    assert!(serving.wait().success());
    assert!(answer.text().await.is_err(), "what was cut doesn't look whole");
    let recorded = folder.json(&["log", "open", &id]);
    let mut records = recorded.as_array().unwrap().iter().map(|found| &found["record"]);
    let ended = records.find(|record| record["event"] == "access_ended");
    let ended = ended.unwrap_or_else(|| panic!("{recorded}"));
    assert_eq!((&ended["complete"], &ended["stopped_by"]), (&json!(false), &json!("disconnected")));
}

#[tokio::test(flavor = "multi_thread")]
async fn departments_push_and_ask_over_the_network() {
    let folder = Folder::with_resource();
    let file = folder.machine_key("scjg");
    let serving = folder.serve();
    let network = ["--server", &serving.base, "--key", &file];
    let rows = folder.file("penalty.csv", ROWS);
    let report = folder.json(&[&["ingest", CODE, &rows], &network[..]].concat());
    assert_eq!(report["published"]["number"], 1);
    let sql = "select sum(amount) as total from scjg.penalty";
    let total = folder.json(&[&["query", sql], &network[..]].concat());
    assert_eq!(total["data"], json!([{"total": 123.75}]));
    let stranger = folder.path("stranger.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &stranger]);
    let strange = ["query", "select 1", "--server", &serving.base, "--key", &stranger];
    assert_eq!(folder.refusal(&strange), (3, "unauthenticated".to_owned()));

    let issue = ["ticket", "issue", "--hours", "1", "--purpose", "核对"];
    let ticket = folder.json(&[&issue, &network[..]].concat());
    let (base, token) = (serving.base.clone(), ticket["token"].as_str().unwrap().to_owned());
    let sql = "select case_no, amount from scjg.penalty order by case_no";
    let load = move || python("load_arrow.py", &[&base, sql], &token);
    let found = tokio::task::spawn_blocking(load).await.unwrap();
    assert_eq!(found["pandas"].as_array().unwrap().len(), 3);
    assert_eq!(found["pandas"][0]["case_no"], "A1");
    let id = ticket["ticket"]["id"].as_str().unwrap_or_else(|| panic!("{ticket}"));
    folder.ok(&[&["ticket", "revoke", id], &network[..]].concat());
    let bearer = format!("Bearer {}", ticket["token"].as_str().unwrap());
    let late = Call::post("/api/v1/sql", &json!({ "sql": sql })).header("authorization", &bearer);
    assert_eq!(Visitor::of(&serving).await.send(late).await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_certificate_that_the_client_trusts() {
    let folder = Folder::initialised();
    let made = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.data().join("chain.pem"), made.cert.pem()).unwrap();
    let key = folder.data().join("key.pem");
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let settings = "[server]\ncertificate = \"chain.pem\"\ncertificate_key = \"key.pem\"\n";
    fs::write(folder.data().join("shuqiao.toml"), settings).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let (status, error) = folder.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(status == 2 && error["message"].as_str().unwrap().contains("chmod 600"), "{error}");
    let (_, error) = folder.refused(&["doctor"]);
    assert_eq!(error["problems"][0]["at"], "certificate", "{error}");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let serving = folder.serve();
    assert!(serving.base.starts_with("https://127.0.0.1:"), "{}", serving.base);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = |roots: Vec<reqwest::Certificate>| {
        reqwest::Client::builder().no_proxy().tls_certs_only(roots).build().unwrap()
    };
    let address = format!("{}/readyz", serving.base);
    let answer = client(vec![trusted]).get(&address).send().await.unwrap();
    assert!(answer.status().is_success() && answer.text().await.unwrap() == "ready\n");
    assert!(client(Vec::new()).get(&address).send().await.is_err());

    // A key that is not the certificate's changes nothing; a new pair is served without a restart.
    let next = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let trusts = |pem: String| client(vec![reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]);
    let answers = async |pem: String| trusts(pem).get(&address).send().await.is_ok();
    fs::write(&key, next.signing_key.serialize_pem()).unwrap();
    serving.hang_up();
    assert!(answers(made.cert.pem()).await && !answers(next.cert.pem()).await);
    fs::write(folder.data().join("chain.pem"), next.cert.pem()).unwrap();
    serving.hang_up();
    let mut tries = 0;
    while !answers(next.cert.pem()).await {
        tries += 1;
        assert!(tries < 1000, "the new certificate is never served");
    }
    assert!(!answers(made.cert.pem()).await);
}
