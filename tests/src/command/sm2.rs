//! A platform, a department and a witness that sign with SM2, and what openssl says of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use exchange_auth::Jwk;
use exchange_crypto::{Suite, from_base64url, to_base64url};
use exchange_ledger::note::{Note, NoteKey};
use serde_json::{Value, json};

use super::evidence::{configure, cosigned, witnessing};
use crate::support::city::CODE;
use crate::support::command::{Folder, Serving, Visitor, key};
use crate::support::server::Call;

const ROWS: &str =
    "case_no,county,person,amount,note\nA1,360481,某人(合成),100.5,无\nA2,360482,某甲(合成),2.00,无\n";

#[test]
fn init_makes_the_key_of_the_suite_that_was_asked_for_once() {
    let folder = Folder::empty();
    let wrong = folder.refusal(&["init", "--suite", "sm3"]);
    assert_eq!(wrong, (2, "invalid_input".to_owned()));
    folder.ok(&["init", "--suite", "sm2"]);
    let file = folder.data().join("keys").join("platform.pem");
    let suite = || key(file.to_str().unwrap()).suite();
    let made = fs::read(&file).unwrap();
    folder.ok(&["init"]);
    folder.ok(&["init", "--suite", "sm2"]);
    let (status, error) = folder.refused(&["init", "--suite", "ed25519"]);
    assert_eq!((status, &error["code"]), (1, &json!("conflict")));
    assert!(error["message"].as_str().unwrap().contains("key rotate --platform --suite ed25519"), "{error}");
    assert_eq!((suite(), fs::read(&file).unwrap()), (Suite::Sm2, made));
    folder.ok(&["doctor"]);
    folder.ok(&["key", "rotate", "--platform"]);
    assert_eq!(suite(), Suite::Sm2, "a successor is of its predecessor's suite");
    folder.ok(&["key", "rotate", "--platform", "--suite", "ed25519"]);
    assert_eq!(suite(), Suite::Ed25519);
    folder.ok(&["audit"]);

    assert!(folder.ok(&["witness", "key", "w", "--name", "w.example", "--suite", "sm2"]).len() > 100);
    let other = folder.refusal(&["witness", "key", "w", "--suite", "ed25519"]);
    assert_eq!(other, (1, "conflict".to_owned()));
}

/// The open file with its manifest and signature, and the keys.
async fn download(folder: &Folder, visitor: &Visitor) {
    for ending in ["csv", "manifest.json", "jws"] {
        let file = folder.path(&format!("latest.{ending}"));
        visitor.download(&format!("/datasets/{CODE}/latest.{ending}"), &file).await;
    }
    visitor.download("/.well-known/jwks.json", &folder.path("jwks.json")).await;
}

/// A question of the department's machine, its answer's receipt, and what `verify` says of both.
async fn proven(folder: &Folder, serving: &Serving, machine: &str) -> Value {
    let (visitor, machine) = (Visitor::of(serving).await, key(machine));
    let query = json!({ "sql": "select case_no from scjg.penalty" });
    let answer = visitor.send(Call::post("/api/v1/sql", &query).by(&machine)).await;
    let address = format!("/receipts/{}", answer.header("shuqiao-receipt"));
    let receipt = visitor.send(Call::get(address).by(&machine)).await;
    let answer = folder.file("answer.json", answer.ok_bytes());
    let file = folder.file("receipt.json", receipt.ok_bytes());
    visitor.download("/.well-known/jwks.json", &folder.path("jwks.json")).await;
    let verify = ["verify", &file, &answer, "--keys", "jwks.json"];
    let proven = folder.json(&verify);
    let mut document: Value = serde_json::from_slice(receipt.ok_bytes()).unwrap();
    document["records"][0]["rows"] = json!(1);
    folder.file("receipt.json", document.to_string());
    assert_eq!(folder.refusal(&verify), (1, "corrupt".to_owned()));
    proven
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_goes_over_to_sm2_and_back_and_everything_stays_provable() {
    let folder = Folder::with_resource();
    let rows = folder.file("penalty.csv", ROWS);
    folder.ok(&["ingest", CODE, &rows, "--as", "scjg"]);
    let machine = folder.path("sm2.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &machine, "--suite", "sm2"]);
    folder.ok(&["key", "register", "scjg", &machine, "--as", ":security_administrator"]);
    let first = folder.json(&["key", "rotate", "--platform", "--suite", "sm2"]);
    folder.open(&[]);

    let witness_key = folder.ok(&["witness", "key", "w", "--name", "witness.example", "--suite", "sm2"]);
    let log_key = folder.ok(&["log", "key"]).trim().to_owned();
    let witness = witnessing(&folder, &log_key);
    configure(&folder, &witness, witness_key.trim());
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let network = ["--server", &serving.base, "--key", &machine];
    let report = folder.json(&[&["ingest", CODE, &rows], &network[..]].concat());
    assert_eq!(report["published"]["number"], 2);
    assert_eq!(proven(&folder, &serving, &machine).await["key"], first["id"]);
    let note = cosigned(&visitor).await;
    for signer in [&log_key, &witness_key] {
        let signed = NoteKey::parse(signer).unwrap().signed(&Note::parse(&note).unwrap());
        assert!(signed.is_some(), "{signer}");
    }
    download(&folder, &visitor).await;
    let verify = ["verify", "latest.csv", "--keys", "jwks.json"];
    assert_eq!(folder.json(&verify)["key"], first["id"]);
    openssl_verifies(&folder);
    drop((serving, witness));
    let outside = folder.file("outside.txt", &note);
    folder.ok(&["audit", "--checkpoint", &outside]);

    let back = folder.json(&["key", "rotate", "--platform", "--suite", "ed25519"]);
    let serving = folder.serve();
    // The department's key stays what it is, and old proofs and new ones verify with one key set.
    assert_eq!(proven(&folder, &serving, &machine).await["key"], back["id"]);
    assert_eq!(folder.json(&verify)["key"], first["id"]);
    drop(serving);
    folder.ok(&["audit", "--checkpoint", &outside]);
}

/// The manifest's signature, by openssl and the key set alone.
fn openssl_verifies(folder: &Folder) {
    let read = |name: &str| fs::read(folder.path(name)).unwrap();
    let jws = String::from_utf8(read("latest.jws")).unwrap();
    let (header, signature) = jws.trim().split_once("..").unwrap();
    let stated: Value = serde_json::from_slice(&from_base64url(header).unwrap()).unwrap();
    assert_eq!(stated["alg"], "SM2SM3");
    let set: Value = serde_json::from_slice(&read("jwks.json")).unwrap();
    let jwk = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == stated["kid"]).unwrap();
    let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let key = jwk.public_key().unwrap();
    folder.file("platform.der", key.to_spki());
    let manifest: Value = serde_json::from_slice(&read("latest.manifest.json")).unwrap();
    let canonical = serde_json_canonicalizer::to_vec(&manifest).unwrap();
    folder.file("signed", format!("{header}.{}", to_base64url(&canonical)));
    folder.file("signature", key.to_openssl(&from_base64url(signature).unwrap()).unwrap());
    let verify = |file: &Path| {
        let how = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-pubin", "-keyform", "DER"];
        let mut command = Command::new("openssl");
        command
            .args(["pkeyutl", "-verify", "-rawin"])
            .args(how)
            .arg("-inkey")
            .arg(folder.path("platform.der"));
        command.arg("-sigfile").arg(folder.path("signature")).arg("-in").arg(file).output().unwrap()
    };
    let output = verify(&folder.path("signed"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!verify(&folder.path("latest.csv")).status.success());
}
