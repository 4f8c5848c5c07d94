//! Bundles for a court, checked by openssl and sha256sum alone, and answers computed again, by the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use catalog_core::context::PrincipalKind;
use catalog_core::services::{Heir, Services};
use catalog_core::{OpContext, Role};
use exchange_auth::encode_assertion;
use exchange_crypto::Digest;
use serde_json::{Value, json};

use super::backup::{grant, grants};
use super::evidence::{configure, sqlite, with_access, witnessing};
use super::restore::at_desk;
use crate::support::city::{CODE, department, resource};
use crate::support::command::{Folder, Visitor, key};
use crate::support::server::Call;

/// What somebody states as a purpose, who hopes that a court's browser runs it.
const PURPOSE: &str = "办案<script>alert(1)</script>&\"'";

/// Files of a receipt of two answers, the answers, the keys, and the witness's key.
struct Court {
    folder: Folder,
    receipts: Vec<String>,
    answers: Vec<String>,
    keys: String,
    witness: String,
}

async fn court() -> Court {
    court_of(with_access(), "ed25519").await
}

/// With a witness of the suite.
async fn court_of(folder: Folder, suite: &str) -> Court {
    let witness = folder.ok(&["witness", "key", "w", "--name", "witness.example", "--suite", suite]);
    let witness = witness.trim().to_owned();
    let log_key = folder.ok(&["log", "key"]).trim().to_owned();
    let witnessing = witnessing(&folder, &log_key);
    configure(&folder, &witnessing, &witness);
    let machine = key(&folder.machine_key("scjg"));
    let serving = folder.serve();
    let visitor = Visitor::of(&serving).await;
    let query = json!({ "sql": "select case_no from scjg.penalty" });
    let calls = [
        Call::post("/api/v1/sql", &query).header("shuqiao-purpose", &encode_assertion(PURPOSE)),
        Call::get(format!("/datasets/{CODE}/latest.csv")),
    ];
    let (mut receipts, mut answers) = (Vec::new(), Vec::new());
    for (number, call) in calls.into_iter().enumerate() {
        let answer = visitor.send(call.by(&machine)).await;
        let address = format!("/receipts/{}", answer.header("shuqiao-receipt"));
        let receipt = loop {
            let receipt = visitor.send(Call::get(&address).by(&machine)).await;
            let document = receipt.ok();
            let is_cosigned = document["checkpoint"].as_str().unwrap().contains("— witness.example ");
            if is_cosigned && document["ended"] == true {
                break receipt;
            }
            tokio::task::yield_now().await;
        };
        receipts.push(folder.file(&format!("receipt-{number}.json"), receipt.ok_bytes()));
        answers.push(folder.file(&format!("answer-{number}"), answer.ok_bytes()));
    }
    let keys = visitor.send(Call::get("/.well-known/jwks.json")).await;
    let keys = folder.file("jwks.json", keys.ok_bytes());
    drop(serving);
    Court { folder, receipts, answers, keys, witness }
}

impl Court {
    fn arguments<'a>(&'a self, out: &'a str) -> Vec<&'a str> {
        let [one, other] = [&self.receipts[0], &self.receipts[1]];
        let [first, second] = [&self.answers[0], &self.answers[1]];
        vec![
            "evidence",
            "bundle",
            one,
            other,
            "--answer",
            second,
            "--answer",
            first,
            "--witness",
            &self.witness,
            "--keys",
            &self.keys,
            "-o",
            out,
        ]
    }

    fn unpacked(&self) -> PathBuf {
        let out = self.folder.path("court.zip");
        self.folder.ok(&self.arguments(out.to_str().unwrap()));
        let into = self.folder.path("unpacked");
        zip::ZipArchive::new(fs::File::open(out).unwrap()).unwrap().extract(&into).unwrap();
        into
    }
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(all_files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Runs the bundle's own script in its folder.
fn check(folder: &Path) -> (bool, String) {
    let done = Command::new("sh").arg("check.sh").current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), text)
}

/// Runs a command line as the cover page prints it.
fn by_hand(folder: &Path, line: &str) -> bool {
    Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap().status.success()
}

fn flip(path: &Path) -> Vec<u8> {
    let content = fs::read(path).unwrap();
    let mut flipped = content.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(path, flipped).unwrap();
    content
}

/// A witness's genuine word on another head, or a record left out or told twice, does not pass for a proof.
fn forgeries_fail(folder: &Path) {
    let attacks = [
        "cp receipts/002/cosignature-1.* receipts/001/",
        "rm -r receipts/002/records/01",
        "rm -r receipts/002/records/01 && cp -r receipts/002/records/02 receipts/002/records/01",
    ];
    for attack in attacks {
        let forged = folder.with_extension("forged");
        let copied = Command::new("cp").arg("-r").args([folder, &forged]).status().unwrap();
        assert!(copied.success() && by_hand(&forged, attack), "{attack}");
        sums(&forged);
        let (passed, text) = check(&forged);
        assert!(!passed && !text.contains("PASSED"), "{attack}: {text}");
        fs::remove_dir_all(forged).unwrap();
    }
}

/// Writes the list of digests anew, as a forger does.
fn sums(folder: &Path) {
    let mut lines = String::new();
    for path in all_files(folder) {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if name != "SHA256SUMS" {
            lines += &format!("{}  {name}\n", Digest::of(&fs::read(&path).unwrap()).to_hex());
        }
    }
    fs::write(folder.join("SHA256SUMS"), lines).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_checked_by_openssl_alone_and_no_flipped_byte_passes() {
    let court = court().await;
    let folder = court.unpacked();
    let (passed, text) = check(&folder);
    assert!(passed && text.contains("PASSED"), "{text}");

    // The page prints these commands; they are run as printed.
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    let cover = fs::read_to_string(folder.join("index.txt")).unwrap();
    assert!(
        page.contains("办案&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;")
            && !page.contains("<script")
    );
    assert!(
        cover.contains(PURPOSE) && cover.contains("301001/000001 第 1 版") && cover.contains("2 行"),
        "{cover}"
    );
    let key = fs::read_to_string(folder.join("receipts/001/statement.key")).unwrap();
    let printed: Vec<_> =
        cover.lines().filter_map(|line| line.split_once('：')).map(|(_, command)| command).collect();
    let printed: Vec<_> = printed.into_iter().filter(|text| text.starts_with("openssl ")).collect();
    assert_eq!(printed.len(), 2, "{cover}");
    for line in printed {
        assert!(by_hand(&folder, &line.replace("公钥", &key)), "{line}");
    }
    assert!(by_hand(&folder, "sha256sum -c SHA256SUMS"));
    let receipt = folder.join("receipts/002/receipt.json");
    let answer = folder.join("receipts/002/records/02/answer");
    let verify = |answer: &Path| {
        let keys = folder.join("keys/jwks.json");
        let files = [receipt.to_str().unwrap(), answer.to_str().unwrap()];
        court.folder.run(&["verify", files[0], files[1], "--keys", keys.to_str().unwrap()]).status.success()
    };
    assert!(verify(&answer) && !verify(&folder.join("index.txt")));

    let files = all_files(&folder);
    assert!(files.iter().any(|path| path.to_str().unwrap().contains("cosignature-1.sig")));
    for path in &files {
        if path.ends_with("check.sh") {
            continue;
        }
        let before = flip(path);
        let (passed, text) = check(&folder);
        assert!(!passed && !text.contains("PASSED"), "{}: {text}", path.display());
        fs::write(path, before).unwrap();
    }
    // Whoever flips a byte and writes the list anew still fails at a signature, a root or a commitment.
    let is_evidence = |path: &&PathBuf| {
        let name = path.to_str().unwrap();
        name.contains("/receipts/") && !name.ends_with("receipt.json")
    };
    let before = fs::read(folder.join("SHA256SUMS")).unwrap();
    forgeries_fail(&folder);
    for path in files.iter().filter(is_evidence) {
        let content = flip(path);
        sums(&folder);
        let (passed, text) = check(&folder);
        assert!(!passed && !text.contains("PASSED"), "{}: {text}", path.display());
        fs::write(path, content).unwrap();
    }
    fs::write(folder.join("SHA256SUMS"), before).unwrap();
    assert!(check(&folder).0);
    fs::write(folder.join("more.txt"), "one more").unwrap();
    assert!(!check(&folder).0, "a file that is not listed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_signed_by_sm2_is_checked_by_openssl_too() {
    let folder = with_access();
    folder.ok(&["key", "rotate", "--platform", "--suite", "sm2"]);
    // The temporary folder lives as long as this does.
    let court = court_of(folder, "sm2").await;
    let folder = court.unpacked();
    let (passed, text) = check(&folder);
    assert!(passed && text.contains("PASSED"), "{text}");
    let cover = fs::read_to_string(folder.join("index.txt")).unwrap();
    assert!(cover.contains("平台公钥 SM2") && cover.contains("平台公钥 Ed25519"), "{cover}");
    for name in ["statement", "checkpoint", "cosignature-1"] {
        for ending in ["sig", "body"] {
            let file = folder.join(format!("receipts/001/{name}.{ending}"));
            let content = flip(&file);
            sums(&folder);
            assert!(!check(&folder).0, "{name}.{ending}");
            fs::write(&file, content).unwrap();
        }
    }
}

#[test]
fn a_bundle_shows_who_decided_and_why_and_openssl_proves_it() {
    let folder = with_access();
    let given = grant(&folder, "办案");
    folder.rows("select case_no from scjg.penalty", &["gaj", "--purpose", "办案"]);
    let auditor = ["--as", ":auditor", "--operator", "sun"];
    let found = folder.json(&[&["evidence", "--action", "access", "--grant", &given], &auditor[..]].concat());
    let request = found["records"][0]["record"]["request_id"].as_str().unwrap();
    let out = folder.path("court.zip");
    let bundle = |by: &[&str]| {
        let words = ["evidence", "bundle", request, "--grounds", "-o", out.to_str().unwrap()];
        folder.run(&[&words[..], by].concat()).status.success()
    };
    assert!(!bundle(&["--as", "gaj"]), "the decision's receipt is another's");
    assert!(!out.exists());
    assert!(bundle(&auditor));
    let into = folder.path("unpacked");
    zip::ZipArchive::new(fs::File::open(&out).unwrap()).unwrap().extract(&into).unwrap();
    let (passed, text) = check(&into);
    assert!(passed, "{text}");
    let cover = fs::read_to_string(into.join("index.txt")).unwrap();
    for said in
        ["人民警察法 第六条", "授权用途：办案", "operator:wang", "operator:li", "case_no、county、person"]
    {
        assert!(cover.contains(said), "{said}: {cover}");
    }
    let states: Vec<_> = all_files(&into).into_iter().filter(|path| path.ends_with("state.json")).collect();
    assert_eq!(states.len(), 2, "a grant and a matter");
    for state in states {
        let content = flip(&state);
        sums(&into);
        let (passed, text) = check(&into);
        assert!(!passed && text.contains("state.json"), "{text}");
        fs::write(&state, content).unwrap();
    }
    // It stays the decision when it is over, and a row that somebody has changed is none.
    folder.ok(&["grant", "revoke", &given, "--reason", "协议到期", "--as", "scjg:approver"]);
    assert!(bundle(&auditor));
    let changed = "UPDATE grants SET document = replace(document, '人民警察法 第六条', '人民警察法 第七条')";
    sqlite(&folder.data().join("catalogue.sqlite"), changed);
    let late = folder.path("late.zip");
    let words = ["evidence", "bundle", request, "--grounds", "-o", late.to_str().unwrap()];
    let (_, error) = folder.refused(&[&words[..], &auditor].concat());
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&given) && message.contains("is not what its event made"), "{error}");
    assert!(!late.exists());
}

/// One of two resources is handed over after it was read: with it goes the part of the matter that granted it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_shows_the_decision_after_a_split_too() {
    let folder = with_access();
    let mut kept = resource();
    for (field, value) in [("code", "301001/000002"), ("sql_name", "licence"), ("title", "营业执照")] {
        kept[field] = json!(value);
    }
    folder.put_in_force(&kept);
    let zfw = department("zfw", "九江市政法委员会", "11360400ME0000004X");
    let file = folder.file("departments.json", serde_json::to_string(&[zfw]).unwrap());
    folder.ok(&["org", "put", &file]);
    let given = grants(&folder, "办案", &["301001/000001", "301001/000002"]);
    folder.rows("select case_no from scjg.penalty", &["gaj", "--purpose", "办案"]);
    let auditor = ["--as", ":auditor", "--operator", "sun"];
    let found =
        folder.json(&[&["evidence", "--action", "access", "--grant", &given[0]], &auditor[..]].concat());
    let request = found["records"][0]["record"]["request_id"].as_str().unwrap();

    let (data, scjg) = (folder.data(), "scjg".parse().unwrap());
    let heir = Heir {
        successor: "zfw".parse().unwrap(),
        resources: ["301001/000001".parse().unwrap()].into(),
        from: None,
        basis: "职能划转".to_owned(),
    };
    let propose =
        async |services: &Services, ctx: &OpContext| services.propose_succession(ctx, &scjg, &heir).await;
    let proposed = at_desk(&data, ("wu", Role::AuthorityOfficer), propose).await.unwrap();
    let carry_out = async |services: &Services, ctx: &OpContext| {
        services.confirm_succession(ctx, &proposed.id).await.unwrap();
        let mut clock = ctx.clone();
        clock.principal.kind = PrincipalKind::Operator;
        services.hand_over(&clock).await.unwrap()
    };
    let failed = at_desk(&data, ("zheng", Role::AuthorityOfficer), carry_out).await;
    assert!(failed.is_empty(), "{failed:?}");

    let out = folder.path("court.zip");
    let words = ["evidence", "bundle", request, "--grounds", "-o", out.to_str().unwrap()];
    folder.ok(&[&words[..], &auditor].concat());
    let into = folder.path("unpacked");
    zip::ZipArchive::new(fs::File::open(out).unwrap()).unwrap().extract(&into).unwrap();
    let (passed, text) = check(&into);
    assert!(passed, "{text}");
    let states: Vec<_> = all_files(&into).into_iter().filter(|path| path.ends_with("state.json")).collect();
    let states: Vec<Value> =
        states.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect();
    assert_eq!(states.len(), 2, "the grant, and the part of its matter that has gone: {states:?}");
    let part = states.iter().find(|state| state["number"].is_string()).unwrap();
    assert_eq!((&part["grants"], &part["handler"]["department"]), (&json!([given[0]]), &json!("zfw")));
    assert!(states.iter().any(|state| state["id"] == json!(given[0])), "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_the_same_each_time_and_holds_no_forged_receipt() {
    let court = court().await;
    let [one, other] = ["one.zip", "other.zip"].map(|name| court.folder.path(name));
    for out in [&one, &other] {
        court.folder.ok(&court.arguments(out.to_str().unwrap()));
    }
    assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap());

    let document: Value = serde_json::from_slice(&fs::read(&court.receipts[0]).unwrap()).unwrap();
    let forged = court.folder.path("forged.zip");
    for (place, value) in [
        ("/records/0/actor/purpose", json!("别的用途")),
        ("/records/0/rows", json!(1)),
        ("/checkpoint", json!(document["checkpoint"].as_str().unwrap().replacen('1', "2", 1))),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(place).unwrap() = value;
        fs::write(&court.receipts[0], changed.to_string()).unwrap();
        let (status, error) = court.folder.refused(&court.arguments(forged.to_str().unwrap()));
        assert_ne!(status, 0, "{place}");
        assert!(error["message"].as_str().unwrap().starts_with(&court.receipts[0]), "{error}");
        assert!(!forged.exists(), "{place}");
    }
    fs::write(&court.receipts[0], document.to_string()).unwrap();
    let strange = court.folder.file("strange", "no answer of these");
    let arguments = [&court.arguments(forged.to_str().unwrap())[..], &["--answer", &strange]].concat();
    assert_eq!(court.folder.refusal(&arguments), (1, "corrupt".to_owned()));
    assert!(!forged.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_computes_answers_again_on_the_folder_and_beside_the_server() {
    let court = court().await;
    let (folder, receipt) = (&court.folder, court.receipts[0].as_str());
    let replay = |answer: usize, words: &[&str]| {
        let all = [&["replay", receipt, &court.answers[answer]], words].concat();
        folder.run(&[&all[..], &["--json"]].concat())
    };
    let verdict = |words: &[&str]| -> Value {
        let output = replay(0, words);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {text}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let auditor = ["--as", ":auditor", "--operator", "sun"];
    assert_eq!(verdict(&auditor)["verdict"], "same");
    assert_eq!(verdict(&[&auditor[..], &["--keys", &court.keys]].concat())["rows"], 2);
    assert_eq!(replay(1, &auditor).status.code(), Some(1), "another answer");
    assert!(!replay(0, &["--as", "gaj"]).status.success(), "the receipt is another's");
    let holder = folder.path("scjg.pem");
    let stranger = folder.machine_key("gaj");
    let serving = folder.serve();
    assert_eq!(verdict(&auditor)["verdict"], "same", "through the socket");
    let network = |key: &str| replay(0, &["--server", &serving.base, "--key", key]);
    assert!(network(holder.to_str().unwrap()).status.success());
    assert_eq!(network(&stranger).status.code(), Some(1));
    drop(serving);
    let seen = folder.json(&["evidence", "--action", "answer.replayed", "--as", ":auditor"]);
    assert!(seen["records"].as_array().unwrap().len() >= 4, "{seen}");
}
