//! Materials at a real process: a client that nobody here wrote, a server that is killed in the middle, and a backup.

use serde_json::{Value, json};

use super::backup::Town;
use crate::http::materials::register;
use crate::support::command::{Folder, Visitor, key};
use crate::support::python::python;
use crate::support::server::Call;

const CODE: &str = "301001-000002";

/// A command that was cut short goes on; what the server knows nothing of begins anew.
#[test]
fn a_note_of_nothing_is_no_obstacle() {
    let folder = Folder::with_departments();
    folder.put_in_force(&register(CODE, "permit"));
    let file = folder.file("a.txt", "公告");
    let gone = format!("/api/v1/resources/{CODE}/materials/{}", "0".repeat(32));
    folder.file("a.txt.upload", gone);
    let put = folder.json(&["material", "put", &file, "--dataset", CODE, "--as", "scjg"]);
    assert_eq!(put[0]["sha256"], exchange_crypto::Digest::of("公告".as_bytes()).to_hex());
    let words = ["material", "put", &file, "--dataset", "301001-999999", "--as", "scjg"];
    assert_eq!(folder.refusal(&words).1, "not_found");
    let absent = ["material", "put", "absent.txt", "--dataset", CODE, "--as", "scjg"];
    assert_eq!(folder.refusal(&absent).1, "unavailable");
}

/// Uploads with tuspy, up to `stop`, on with an upload that was begun.
fn upload(folder: &Folder, base: &str, key_file: &str, stop: Option<usize>, upload: Option<&str>) -> Value {
    let readme = include_str!("../../../exchange/auth/README.md");
    let code = readme.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let input = json!({
        "code": code, "key_file": key_file, "key_id": key(key_file).public().id(),
        "address": format!("{base}/api/v1/resources/{CODE}/materials"), "file": folder.path("picture.png"),
        "chunk": 100_000, "stop": stop, "upload": upload,
    });
    python("upload_material.py", &[], &input.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_a_kill_and_its_material_a_restore() {
    let town = Town::new();
    let folder = &town.folder;
    folder.put_in_force(&register(CODE, "permit"));
    let picture: Vec<u8> = (0..350_000_u32).flat_map(u32::to_le_bytes).collect();
    folder.file("picture.png", &picture);
    let key_file = folder.machine_key("scjg");

    let serving = folder.serve();
    let begun = upload(folder, &serving.base, &key_file, Some(300_000), None);
    assert_eq!((&begun["began"], &begun["offset"]), (&json!(0), &json!(300_000)));
    let address = begun["upload"].as_str().unwrap().strip_prefix(&serving.base).unwrap().to_owned();
    drop(serving);
    let serving = folder.serve();
    let address = format!("{}{address}", serving.base);
    let ended = upload(folder, &serving.base, &key_file, None, Some(&address));
    assert_eq!((&ended["began"], &ended["offset"]), (&json!(300_000), &json!(picture.len())));
    drop(serving);

    let digest = exchange_crypto::Digest::of(&picture).to_hex();
    let dossier = folder.file("dossier.pdf", "%PDF-1.7 synthetic");
    let empty = folder.file("empty.txt", "");
    let put = folder.json(&["material", "put", &dossier, &empty, "--dataset", CODE, "--as", "scjg"]);
    assert!(!folder.path("dossier.pdf.upload").exists(), "what is done needs no note");
    let dossier = put[0]["sha256"].as_str().unwrap();
    assert_eq!(dossier, exchange_crypto::Digest::of(b"%PDF-1.7 synthetic").to_hex());
    assert_eq!(
        (&put[1]["bytes"], put[1]["sha256"].as_str().unwrap()),
        (&json!(0), &*exchange_crypto::Digest::of(b"").to_hex())
    );
    let head = "case_no,county,person,amount,note,picture,picture_name,dossier";
    let rows = format!("{head}\nA1,360481,甲(合成),1,,{digest},a.png,{dossier}\n");
    let file = folder.file("register.csv", rows);
    folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
    town.audited("data");
    town.backup();
    town.restore("again", &[]);
    town.audited("again");
    let serving = folder.serve_at("again");
    let path = format!("/datasets/{CODE}/versions/latest/materials/{digest}");
    let machine = key(&key_file);
    let answer = Visitor::of(&serving).await.send(Call::get(path).by(&machine)).await;
    assert_eq!(answer.ok_bytes(), picture);
}
