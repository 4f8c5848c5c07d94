//! The first administrator, and keys that are replaced.

use std::fs;

use ::http::Method;
use exchange_crypto::to_base64url;
use serde_json::json;

use crate::support::city::{CODE, ROWS, departments};
use crate::support::command::{Folder, Visitor, key};
use crate::support::server::Call;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_comes_with_the_code_and_signs_with_a_key() {
    let folder = Folder::empty();
    let code = folder.json(&["init"])["one_time_code"].as_str().unwrap().to_owned();
    let file = folder.path("li.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &file]);
    let serving = folder.serve();
    let network = ["--server", &serving.base, "--key", &file];
    let claim = |code: &str| {
        let claim = ["org", "claim", "--code", code, "--id", "li", "--name", "李明"];
        [&claim[..], &network[..]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |words: &[String]| folder.refusal(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run(&claim("AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")), (3, "unauthenticated".to_owned()));
    folder.ok(&claim(&code.to_lowercase()).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run(&claim(&code)), (3, "unauthenticated".to_owned()), "once");

    let file = folder.file("departments.json", serde_json::to_string(&departments()).unwrap());
    folder.ok(&[&["org", "put", &file], &network[..]].concat());
    let people = r#"{"id": "zhao", "name": "赵", "department": null, "roles": ["security_administrator"], "active": true}"#;
    let people = folder.file("people.json", people);
    let put = [&["org", "people", &people], &network[..]].concat();
    assert_eq!(folder.refusal(&put), (3, "forbidden".to_owned()), "the three administrators stay apart");
    let log = fs::read_to_string(folder.data().join("evidence/000000.log")).unwrap();
    assert!(log.contains("administration.claimed") && !log.contains(&code));
    drop(serving);
    assert_eq!(folder.json(&["init"])["one_time_code"], json!(null), "there is an administrator");
}

#[test]
fn a_person_is_invited_at_the_folder() {
    let folder = Folder::with_departments();
    let people = r#"{"id": "wu", "name": "吴", "department": "gaj", "roles": ["analyst"], "active": true}"#;
    let people = folder.file("people.json", people);
    folder.ok(&["org", "people", &people, "--as", ":security_administrator"]);
    let made = folder.json(&["org", "invite", "wu", "--as", ":security_administrator"]);
    assert_eq!((&made["person"], made["code"].as_str().unwrap().len()), (&json!("wu"), 29));
    assert_eq!(folder.refusal(&["org", "invite", "wu", "--as", "gaj:reviewer"]).1, "forbidden");
    assert_eq!(
        folder.refusal(&["org", "invite", "nobody", "--as", ":security_administrator"]).1,
        "not_found"
    );
    folder.ok(&["audit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_replaces_its_own_key_and_nobody_elses() {
    let folder = Folder::with_departments();
    let (old, other) = (folder.machine_key("gaj"), folder.machine_key("scjg"));
    let new = folder.path("new.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &new]);
    let old_id = key(&old).public().id();
    let serving = folder.serve();
    let by = |file: &str| ["--server".to_owned(), serving.base.clone(), "--key".to_owned(), file.to_owned()];
    let run = |words: &[&str], file: &str| {
        let by = by(file);
        words.iter().copied().chain(by.iter().map(String::as_str)).map(str::to_owned).collect::<Vec<_>>()
    };
    let ok = |words: &[&str], file: &str| {
        folder.ok(&run(words, file).iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refusal = |words: &[&str], file: &str| {
        folder.refusal(&run(words, file).iter().map(String::as_str).collect::<Vec<_>>())
    };
    let rotate = ["key", "rotate", &old_id, &new, "--overlap-days", "1"];
    assert_eq!(refusal(&rotate, &other), (3, "forbidden".to_owned()));
    ok(&rotate, &old);
    for file in [&old, &new] {
        ok(&["query", "select 1"], file);
    }
    assert_eq!(refusal(&rotate, &old).1, "conflict", "the successor is registered");
    ok(&["key", "retire", &old_id], &new.clone().replace("new.pem", "gaj.pem"));
    assert_eq!(refusal(&["query", "select 1"], &old), (3, "unauthenticated".to_owned()));
    ok(&["query", "select 1"], &new);
    let visitor = Visitor::of(&serving).await;
    let keys = visitor.send(Call::get("/api/v1/keys")).await.ok();
    let ended = keys.as_array().unwrap().iter().find(|key| key["id"] == json!(old_id)).unwrap().clone();
    assert!(ended["valid_until"].is_string());
    drop(serving);
    folder.ok(&["audit"]);
    // Not even the security administrator revives it.
    let revived = json!({ "id": old_id, "owner": ended["owner"], "public_key": ended["public_key"],
        "valid_from": ended["valid_from"], "valid_until": null });
    let security = folder.path("security.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &security]);
    let people = r#"{"id": "zhao", "name": "赵", "department": null, "roles": ["security_administrator"], "active": true}"#;
    let people = folder.file("people.json", people);
    folder.ok(&["org", "people", &people, "--as", ":security_administrator"]);
    folder.ok(&["key", "register", "--person", "zhao", &security, "--as", ":security_administrator"]);
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let put = Call::new(Method::PUT, "/api/v1/keys").json(&revived);
    assert_eq!(visitor.send(put.by(&key(&security))).await.code(), "illegal_state");
    // And nobody on the network gives the platform another key.
    let platform = visitor.send(Call::get("/.well-known/jwks.json")).await.ok();
    let path = format!("/api/v1/keys/{}/rotate", platform["keys"][0]["kid"].as_str().unwrap());
    let public_key = to_base64url(exchange_crypto::SigningKey::generate().unwrap().0.public().as_bytes());
    let rotation = json!({ "public_key": public_key, "overlap_seconds": 0 });
    let call = Call::post(path, &rotation);
    assert_eq!(visitor.send(call.by(&key(&security))).await.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_does_not_outlive_the_end_that_was_set() {
    let folder = Folder::with_departments();
    let old = folder.path("contractor.pem").to_str().unwrap().to_owned();
    let new = folder.path("new.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &old]);
    folder.ok(&["key", "generate", &new]);
    let until = "2098-12-31T16:00:00Z";
    folder.ok(&["key", "register", "gaj", &old, "--until", until, "--as", ":security_administrator"]);
    let serving = folder.serve();
    let id = key(&old).public().id();
    let made = folder.json(&["key", "rotate", &id, &new, "--server", &serving.base, "--key", &old]);
    assert_eq!(made["valid_until"], until, "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_signed_by_a_retired_platform_key_still_verify() {
    let folder = Folder::with_resource();
    let rows = folder.file("penalty.csv", ROWS);
    folder.ok(&["ingest", CODE, &rows, "--as", "scjg"]);
    folder.open(&[]);
    let serving = folder.serve();
    let beside = folder.refusal(&["key", "rotate", "--platform"]);
    assert_eq!(beside, (1, "illegal_state".to_owned()), "a running server holds the old key");
    let visitor = Visitor::of(&serving).await;
    for ending in ["csv", "manifest.json", "jws"] {
        let path = format!("/datasets/{CODE}/latest.{ending}");
        visitor.download(&path, &folder.path(&format!("latest.{ending}"))).await;
    }
    drop(serving);
    let old = fs::read(folder.data().join("keys").join("platform.pem")).unwrap();
    let new = folder.json(&["key", "rotate", "--platform"]);
    assert_ne!(fs::read(folder.data().join("keys").join("platform.pem")).unwrap(), old);

    let serving = folder.serve();
    // Every answer is checked against the history: the new key signs.
    let visitor = Visitor::of(&serving).await;
    let keys = visitor.send(Call::get("/.well-known/jwks.json")).await;
    let history = keys.ok();
    let periods: Vec<_> = history["keys"].as_array().unwrap().iter().map(|key| key["exp"].is_i64()).collect();
    assert_eq!((periods, &history["keys"][1]["kid"]), (vec![true, false], &new["id"]));
    let keys = folder.file("jwks.json", keys.bytes());
    let file = folder.path("latest.csv").to_str().unwrap().to_owned();
    let proven = folder.json(&["verify", &file, "--keys", &keys]);
    assert_eq!(proven["key"], history["keys"][0]["kid"]);
    // What is written from now on is signed by the new key, and as genuine.
    for ending in ["csv", "manifest.json", "jws"] {
        let path = format!("/datasets/{CODE}/latest.{ending}");
        visitor.download(&path, &folder.path(&format!("latest.{ending}"))).await;
    }
    let proven = folder.json(&["verify", &file, "--keys", &keys]);
    assert_eq!(proven["key"], new["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indexes_of_look_ups_get_a_new_secret_and_are_written_anew() {
    let folder = Folder::with_resource();
    let rows = folder.file("penalty.csv", ROWS);
    folder.ok(&["ingest", CODE, &rows, "--as", "scjg"]);
    folder.open(&[]);
    let look_up = async |visitor: &Visitor| {
        let path = format!("/api/v1/datasets/{}/records/lookup", CODE.replace('/', "-"));
        visitor.send(Call::post(path, &json!({"keys": ["A2"]}))).await.ok()["data"].clone()
    };
    let files = || {
        let versions =
            fs::read_dir(folder.data().join("lookups")).unwrap().map(|entry| entry.unwrap().path());
        let files = versions.flat_map(|version| fs::read_dir(version).unwrap());
        let mut files: Vec<_> = files.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        files.sort();
        files
    };
    let serving = folder.serve();
    let found = look_up(&Visitor::of(&serving).await).await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(
        folder.refusal(&["key", "rotate", "--indexes"]),
        (1, "illegal_state".to_owned()),
        "it is served"
    );
    drop(serving);
    let old = files();
    assert_eq!(old.len(), 2, "rows and the index of the key");
    folder.ok(&["key", "rotate", "--indexes"]);
    assert_eq!(
        folder.refusal(&["key", "rotate", "--indexes"]).1,
        "illegal_state",
        "the one before is under way"
    );
    let retired = folder.data().join("keys").join("index.key.retired");
    assert!(retired.exists());

    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    assert_eq!(look_up(&visitor).await, found);
    for _ in 0..10_000 {
        if !retired.exists() {
            break;
        }
        assert_eq!(look_up(&visitor).await, found);
    }
    assert!(!retired.exists(), "all is written anew");
    let new = files();
    assert!(new.len() == old.len() && old.iter().all(|file| !new.contains(file)));
    assert_eq!(look_up(&visitor).await, found);
    drop(serving);
    assert_eq!(look_up(&Visitor::of(&folder.serve()).await).await, found);
    assert_eq!(files(), new, "and stays");
}
