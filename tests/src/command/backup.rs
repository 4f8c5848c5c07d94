//! Backups as an operator makes and needs them: real processes, real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::city::CODE;
use crate::support::command::{Folder, Visitor, copy, key};
use crate::support::server::Call;

const DATA: &str =
    "case_no,county,person,amount,note\nG1,360481,某人(合成),1.00,无\nG2,360482,某甲(合成),2.00,无\n";
pub(super) const SQL: &str = "select case_no from scjg.penalty order by case_no";

/// A folder with a version, a grant for another department, and the keys' own file.
pub(super) struct Town {
    pub(super) folder: Folder,
    pub(super) grant: String,
}

impl Town {
    pub(super) fn new() -> Self {
        let folder = Folder::with_resource();
        let file = folder.file("data.csv", DATA);
        folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
        let grant = grant(&folder, "办案");
        folder.file("passphrase.txt", "由四个很长的词语组成的口令\n");
        folder.ok(&["backup", "--keys", "keys.sealed", "--passphrase-file", "passphrase.txt"]);
        Self { folder, grant }
    }

    pub(super) fn backup(&self) -> Value {
        self.folder.json(&["backup", "backups"])
    }

    /// When a backup was made.
    pub(super) fn made_at(&self, backup: &Value) -> String {
        let list = fs::read(self.folder.path("").join(backup["backup"].as_str().unwrap())).unwrap();
        let list: Value = serde_json::from_slice(&list).unwrap();
        list["created_at"].as_str().unwrap().to_owned()
    }

    /// Restores into a folder of that name.
    pub(super) fn restore<'a>(&self, to: &'a str, more: &[&'a str]) -> Value {
        self.folder.json(&self.words(to, more))
    }

    pub(super) fn refused(&self, to: &str, more: &[&str]) -> Value {
        let (status, error) = self.folder.refused(&self.words(to, more));
        assert_ne!(status, 0);
        assert!(!self.folder.path(to).exists(), "a refused restore leaves nothing");
        let left = fs::read_dir(self.folder.path("")).unwrap();
        let left = left
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".restoring"));
        assert_eq!(left.count(), 0, "and nothing beside it");
        error
    }

    fn words<'a>(&self, to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let words = [
            "restore",
            "backups",
            "--keys",
            "keys.sealed",
            "--passphrase-file",
            "passphrase.txt",
            "--data-dir",
            to,
        ];
        [&words, more].concat()
    }

    pub(super) fn json_at(&self, data_dir: &str, words: &[&str]) -> Value {
        self.folder.json(&[words, &["--data-dir", data_dir]].concat())
    }

    pub(super) fn refusal_at(&self, data_dir: &str, words: &[&str]) -> String {
        self.folder.refusal(&[words, &["--data-dir", data_dir]].concat()).1
    }

    pub(super) fn audited(&self, data_dir: &str) -> Value {
        let audited = self.json_at(data_dir, &["audit"]);
        assert_eq!(audited["findings"], json!([]));
        audited
    }
}

pub(super) fn grant(folder: &Folder, purpose: &str) -> String {
    grants(folder, purpose, &["301001/000001"]).remove(0)
}

/// What one application for several resources has been granted, in their order.
pub(super) fn grants(folder: &Folder, purpose: &str, resources: &[&str]) -> Vec<String> {
    let ask = |resource: &&str| {
        json!({
            "resource": resource, "items": ["case_no", "county", "person"],
            "doors": ["api", "sql", "file", "command_line"],
        })
    };
    let asks: Vec<_> = resources.iter().map(ask).collect();
    let application = json!({
        "asks": asks, "purpose": purpose, "legal_basis": "人民警察法 第六条", "valid_until": "2098-06-30T16:00:00Z",
    });
    let file = folder.file("application.json", application.to_string());
    let whole = folder.json(&["matter", "open", "application", &file, "--as", "gaj"]);
    let take = |number: &Value, event: &str, [role, name]: [&str; 2]| {
        let number = number.as_str().unwrap();
        folder.json(&["matter", "step", number, event, "--as", role, "--operator", name])
    };
    let part = take(&whole["number"], "accept", [":authority_officer", "zhao"])["parts"][0].clone();
    take(&part, "propose", ["scjg:approver", "wang"]);
    let made = take(&part, "grant", ["scjg:approver", "li"]);
    made["grants"].as_array().unwrap().iter().map(|grant| grant.as_str().unwrap().to_owned()).collect()
}

pub(super) const AS_GAJ: [&str; 4] = ["--as", "gaj", "--purpose", "办案"];

pub(super) fn ended(restored: &Value) -> Vec<&str> {
    restored["ended_again"].as_array().unwrap().iter().map(|end| end["action"].as_str().unwrap()).collect()
}

#[test]
fn a_revocation_after_the_backup_holds_after_the_restore() {
    let town = Town::new();
    let folder = &town.folder;
    let person = |active: bool| {
        let person = json!({"id": "chen", "name": "陈某", "department": "gaj", "roles": ["analyst"], "active": active});
        let file = folder.file("people.json", person.to_string());
        folder.ok(&["org", "people", &file, "--as", ":security_administrator"]);
    };
    person(true);
    let machine = folder.machine_key("gaj");
    let key_id = folder.json(&["key", "list"]);
    let made = town.backup();
    assert!(made["files"].as_u64().unwrap() > 8, "{made}");

    let reads = || folder.rows(SQL, &AS_GAJ[1..]).as_array().unwrap().len();
    assert_eq!(reads(), 2);
    let later = grant(folder, "核对");
    folder.ok(&["grant", "revoke", &town.grant, "--reason", "协议到期", "--as", "scjg:approver"]);
    person(false);
    let file = folder.file("data.csv", DATA);
    folder.ok(&["ingest", CODE, &file, "--as", "scjg"]);
    let ended_key = key_id.as_array().unwrap().iter().find(|key| key["owner"]["id"] == "gaj").unwrap();
    let ended_key = ended_key["id"].as_str().unwrap();
    folder.ok(&["key", "retire", ended_key, "--as", ":security_administrator"]);

    let restored = town.restore("new", &["--log", "data"]);
    let mut again = ended(&restored);
    again.sort_unstable();
    assert_eq!(again, ["grant.revoked", "key.retired", "person.put"], "{restored}");
    let undone = restored["undone"].to_string();
    assert!(
        undone.contains(&format!("grant.created grant {later}")) && undone.contains("version 2 of"),
        "{undone}"
    );
    town.audited("new");
    let query = [&["query", SQL][..], &AS_GAJ].concat();
    assert_eq!(town.refusal_at("new", &query), "not_granted");
    let keys = town.json_at("new", &["key", "list"]);
    let key = keys.as_array().unwrap().iter().find(|key| key["id"] == ended_key).unwrap();
    assert!(key["valid_until"].is_string(), "{key} {machine}");
    let versions = town.json_at("new", &["versions", CODE, "--as", "scjg"]);
    assert_eq!(versions.as_array().unwrap().len(), 1);
    // The log went on, and says what was done.
    let log = fs::read_to_string(folder.path("new/evidence/000000.log")).unwrap();
    let old = fs::read_to_string(folder.path("data/evidence/000000.log")).unwrap();
    assert!(log.starts_with(&old) && log.contains(r#""action":"restored""#));
    // Without the newer log the revocation is unknown, and so is all else after the backup.
    assert_eq!(ended(&town.restore("newer", &[])), Vec::<&str>::new());
    town.audited("newer");
}

#[test]
fn records_withdrawn_after_the_backup_close_their_dataset_until_they_are_named_again() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    folder.ok(&["withdraw", CODE, "--record", "G1", "--reason", "信用修复", "--as", "scjg"]);
    let restored = town.restore("new", &["--log", "data"]);
    assert_eq!(ended(&restored), ["records.withdrawn"]);
    town.audited("new");
    for acting_as in [&AS_GAJ[..], &["--as", "scjg"]] {
        assert_eq!(town.refusal_at("new", &[&["query", SQL][..], acting_as].concat()), "withdrawn");
    }
    // A new delivery holds the record too, perhaps.
    let file = folder.file("data.csv", DATA);
    town.json_at("new", &["ingest", CODE, &file, "--as", "scjg"]);
    assert_eq!(town.refusal_at("new", &[&["query", SQL][..], &AS_GAJ].concat()), "withdrawn");
    let (_, error) = folder.refused(&["query", SQL, "--as", "scjg", "--data-dir", "new"]);
    let message = error["message"].as_str().unwrap();
    let id = message.split("withdrawal ").nth(1).unwrap().split(' ').next().unwrap();
    let again = ["withdraw", CODE, "--again", id, "--record", "G1", "--reason", "信用修复", "--as", "scjg"];
    folder.ok(&[&again[..], &["--data-dir", "new"]].concat());
    let rows = town.json_at("new", &[&["query", SQL][..], &AS_GAJ].concat());
    assert_eq!(rows["data"], json!([{"case_no": "G2"}]));
    town.audited("new");
}

#[test]
fn versions_and_resources_withdrawn_after_the_backup_stay_so() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    folder.ok(&["withdraw", CODE, "--version", "1", "--reason", "数据有误", "--as", "scjg"]);
    let restored = town.restore("new", &["--log", "data"]);
    assert_eq!(ended(&restored), ["version.withdrawn"]);
    assert_eq!(town.refusal_at("new", &[&["query", SQL][..], &AS_GAJ].concat()), "withdrawn");
    folder.ok(&[
        "resource",
        "step",
        "withdraw",
        CODE,
        "--remark",
        "职责调整",
        "--as",
        "scjg:reviewer",
        "--operator",
        "li",
    ]);
    let restored = town.restore("newer", &["--log", "data"]);
    assert_eq!(ended(&restored), ["version.withdrawn", "grant.revoked", "resource.withdrawn"], "{restored}");
    assert_ne!(town.refusal_at("newer", &[&["query", SQL][..], &AS_GAJ].concat()), "withdrawn");
    town.audited("newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_writers_is_whole() {
    let town = Town::new();
    let folder = &town.folder;
    let machine = Arc::new(key(&folder.machine_key("scjg")));
    let serving = folder.serve();
    let visitor = Arc::new(Visitor::of(&serving).await);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (visitor, machine, stop, done) =
                (visitor.clone(), machine.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let issue = Call::post(
                        "/api/v1/tickets",
                        &json!({"purpose": "核对", "doors": ["sql"], "seconds": 60}),
                    );
                    visitor.send(issue.by(&machine)).await.ok();
                    let query = json!({ "sql": SQL });
                    visitor.send(Call::post("/api/v1/sql", &query).by(&machine)).await.ok();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let before = done.load(Ordering::Relaxed);
        while done.load(Ordering::Relaxed) < before + 3 {
            tokio::task::yield_now().await;
        }
        let made = tokio::task::block_in_place(|| town.backup());
        assert!(made["written"].as_u64() < made["bytes"].as_u64() || sizes.is_empty(), "{made}");
        sizes.push(made["records"].as_u64().unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    drop(serving);
    let restored = tokio::task::block_in_place(|| town.restore("new", &[]));
    assert!(restored["records"].as_u64().unwrap() > sizes[2]);
    let audited = tokio::task::block_in_place(|| town.audited("new"));
    assert!(audited["texts"].as_u64().unwrap() > 0);
    // The first catalogue of the three, and the log of the last: tickets issued in between are gone, and stated as such.
    let mut lists: Vec<_> = lists(&folder.path("backups"));
    lists.sort();
    let first: Value = serde_json::from_slice(&fs::read(&lists[0]).unwrap()).unwrap();
    let at = first["created_at"].as_str().unwrap();
    let restored = tokio::task::block_in_place(|| town.restore("earlier", &["--at", at]));
    assert!(restored["undone"].to_string().contains("ticket.issued"), "{restored}");
    tokio::task::block_in_place(|| town.audited("earlier"));
    let served = folder.serve_at(folder.path("earlier").to_str().unwrap());
    let visitor = Visitor::of(&served).await;
    visitor.send(Call::post("/api/v1/sql", &json!({ "sql": SQL })).by(&machine)).await.ok();
}

fn lists(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

#[test]
fn a_changed_backup_is_refused_by_name() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    let list = lists(&folder.path("backups")).remove(0);
    let manifest: Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let (name, digest) = (file["name"].as_str().unwrap(), file["sha256"].as_str().unwrap());
        let blob = folder.path("backups/blobs").join(digest);
        let whole = fs::read(&blob).unwrap();
        if whole.is_empty() {
            continue;
        }
        let mut spoiled = whole.clone();
        let middle = whole.len() / 2;
        spoiled[middle] ^= 1;
        fs::write(&blob, &spoiled).unwrap();
        let error = town.refused("new", &[]);
        assert_eq!(error["code"], "corrupt", "{name}");
        // The same content may have two names.
        assert!(error["message"].as_str().unwrap().contains(digest), "{name}: {error}");
        fs::write(&blob, whole).unwrap();
    }
    town.restore("new", &[]);
}

/// A disk loses a content that every later backup relies on.
#[test]
fn a_content_that_has_rotten_is_written_anew_by_the_next_backup() {
    let town = Town::new();
    let folder = &town.folder;
    assert_eq!(town.backup()["repaired"], json!([]));
    let list = lists(&folder.path("backups")).remove(0);
    let manifest: Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    let mut files = manifest["files"].as_array().unwrap().iter();
    let part = files.find(|file| file["name"].as_str().unwrap().ends_with(".parquet")).unwrap();
    let blob = folder.path("backups/blobs").join(part["sha256"].as_str().unwrap());
    let mut content = fs::read(&blob).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&blob, &content).unwrap();
    let second = town.backup();
    assert_eq!(second["repaired"], json!([part["name"]]), "{second}");
    assert_eq!(town.backup()["repaired"], json!([]));
    town.restore("new", &[]);
    town.audited("new");
}

#[test]
fn an_added_grant_and_a_path_that_leads_out_are_refused() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    let list = lists(&folder.path("backups")).remove(0);
    let genuine = fs::read(&list).unwrap();
    let mut manifest: Value = serde_json::from_slice(&genuine).unwrap();
    let catalogue =
        manifest["files"].as_array().unwrap().iter().position(|file| file["name"] == "catalogue.sqlite");
    let catalogue = catalogue.unwrap();
    // Whoever has the backup in hand adds a row, and the list says so, but they can't sign it.
    let old = folder.path("backups/blobs").join(manifest["files"][catalogue]["sha256"].as_str().unwrap());
    let forged = folder.path("forged.sqlite");
    fs::copy(&old, &forged).unwrap();
    super::evidence::sqlite(
        &forged,
        "INSERT INTO grants SELECT '019aa0c4-0000-7000-8000-000000000001', resource, created_at, revoked, \
         replace(document, id, '019aa0c4-0000-7000-8000-000000000001') FROM grants",
    );
    let content = fs::read(&forged).unwrap();
    let digest = exchange_crypto::Digest::of(&content).to_hex();
    fs::write(folder.path("backups/blobs").join(&digest), &content).unwrap();
    manifest["files"][catalogue]["sha256"] = json!(digest);
    manifest["files"][catalogue]["bytes"] = json!(content.len());
    fs::write(&list, manifest.to_string()).unwrap();
    assert_eq!(town.refused("new", &[])["code"], "signature_invalid");

    // Even somebody with the platform's key: no event made the row, and no name leads out of the folder.
    let signer = key(folder.data().join("keys/platform.pem").to_str().unwrap());
    let sign = |manifest: &Value| {
        let document = manifest.to_string();
        fs::write(&list, &document).unwrap();
        let signature = datasets_store::jws::sign_detached(document.as_bytes(), "shuqiao-backup", &signer);
        fs::write(list.with_extension("jws"), signature).unwrap();
    };
    sign(&manifest);
    let error = town.refused("new", &[]);
    assert!(error["problems"].to_string().contains("the row has no event that made it"), "{error}");
    for name in ["../outside", "objects/../../outside", "/tmp/outside", "keys/platform.pem", "shuqiao.toml"] {
        let mut other: Value = serde_json::from_slice(&genuine).unwrap();
        other["files"][0]["name"] = json!(name);
        sign(&other);
        let error = town.refused("new", &[]);
        assert!(error["message"].as_str().unwrap().contains("no file of a backup"), "{name}: {error}");
    }
    assert!(!folder.path("outside").exists());
}

#[test]
fn a_restore_makes_a_new_folder_and_takes_the_right_words() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    let (status, error) = folder.refused(&town.words("data", &[]));
    assert_eq!((status, error["code"].as_str().unwrap()), (1, "conflict"), "{error}");
    folder.ok(&["audit"]);
    folder.file("passphrase.txt", "一个完全不同的口令也够长\n");
    assert_eq!(town.refused("new", &[])["code"], "unauthenticated");
    folder.file("passphrase.txt", "由四个很长的词语组成的口令\n");
    assert_eq!(town.refused("new", &["--at", "2020-01-01T00:00:00Z"])["code"], "not_found");
    assert_eq!(town.refused("new", &["--at", "yesterday"])["code"], "invalid_input");
    assert_eq!(town.refused("new", &["--log", "backups"])["code"], "not_found");
    assert_eq!(folder.refusal(&["backup", "data/backups"]).1, "invalid_input");
    folder.file("short.txt", "short\n");
    let keys = ["backup", "--keys", "other.sealed", "--passphrase-file", "short.txt"];
    assert_eq!(folder.refusal(&keys).1, "invalid_input");
    // No secret of the folder stands in the backup.
    let secret = fs::read_to_string(folder.data().join("keys/mask.key")).unwrap();
    for blob in fs::read_dir(folder.path("backups/blobs")).unwrap() {
        let content = fs::read(blob.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains(secret.trim()));
    }
    assert!(!fs::read_to_string(folder.path("keys.sealed")).unwrap().contains(secret.trim()));
    town.restore("new", &[]);
    let read = |data: &str| fs::read_to_string(folder.path(data).join("keys/mask.key")).unwrap();
    assert_eq!(read("new"), read("data"));
}

#[test]
fn a_log_that_is_older_than_the_witness_begins_a_new_epoch_or_nothing() {
    let town = Town::new();
    let folder = &town.folder;
    let first = town.made_at(&town.backup());
    folder.ok(&["grant", "revoke", &town.grant, "--reason", "协议到期", "--as", "scjg:approver"]);
    let witnessed = folder.file("witnessed.txt", folder.ok(&["log", "checkpoint"]));
    let error = town.refused("new", &["--checkpoint", &witnessed]);
    assert!(error["message"].as_str().unwrap().contains("ends before the checkpoint"), "{error}");
    let lost = town.restore("new", &["--checkpoint", &witnessed, "--begin-epoch"]);
    assert_eq!(lost["new_epoch"], true);
    let audited = town.json_at("new", &["audit", "--checkpoint", &witnessed]);
    assert_eq!((&audited["epochs"], &audited["findings"]), (&json!(2), &json!([])));
    // The whole log needs no new epoch.
    let whole = town.restore("newer", &["--checkpoint", &witnessed, "--log", "data"]);
    assert_eq!((&whole["new_epoch"], ended(&whole)), (&json!(false), vec!["grant.revoked"]));
    // The log of a stranger, and one that is older than the backup.
    let stranger = Folder::initialised();
    let error = town.refused("other", &["--log", stranger.data().to_str().unwrap()]);
    assert!(["illegal_state", "corrupt", "conflict"].contains(&error["code"].as_str().unwrap()), "{error}");
    town.backup();
    let old = folder.path("old");
    fs::create_dir_all(&old).unwrap();
    for part in ["evidence", "secrets"] {
        copy(&folder.data().join(part), &old.join(part));
    }
    folder.ok(&["org", "list"]);
    grant(folder, "比对");
    town.backup();
    // Whichever catalogue it is to go with: the newest backup knows what is not in it.
    for at in [&[][..], &["--at", first.as_str()]] {
        let error = town.refused("other", &[&["--log", "old"], at].concat());
        assert!(error["message"].as_str().unwrap().contains("the backup's is newer"), "{error}");
    }
}

#[test]
fn the_platforms_key_may_be_newer_than_the_backup_and_never_older_than_the_log() {
    let town = Town::new();
    let folder = &town.folder;
    town.backup();
    folder.ok(&["key", "rotate", "--platform"]);
    let error = town.refused("new", &["--log", "data"]);
    assert!(error["message"].as_str().unwrap().contains("newer key"), "{error}");
    fs::remove_file(folder.path("keys.sealed")).unwrap();
    folder.ok(&["backup", "--keys", "keys.sealed", "--passphrase-file", "passphrase.txt"]);
    town.restore("new", &["--log", "data"]);
    town.audited("new");
    let keys = |data: &str| town.json_at(data, &["key", "list"]);
    let newest = |keys: Value| {
        let keys = keys.as_array().unwrap().clone();
        let running =
            keys.into_iter().find(|key| key["owner"]["kind"] == "platform" && key["valid_until"].is_null());
        running.unwrap()
    };
    assert_eq!(
        newest(keys("new")),
        newest(keys("data")),
        "valid since it was made, for what it signed since"
    );
}
