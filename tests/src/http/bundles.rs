//! A version as one ZIP.

use std::io::{Cursor, Read as _};
use std::process::Command;

use ::http::{Method, StatusCode};
use datasets_store::Manifest;
use exchange_crypto::Digest;
use serde_json::Value;
use zip::ZipArchive;

use crate::support::city::{CODE, City};
use crate::support::server::{Answer, Call};

const FOLDER: &str = "301001-000001-v1";

fn bundle() -> Call<'static> {
    Call::get(format!("/datasets/{CODE}/latest.zip"))
}

/// What stands in a file of the bundle.
pub(super) fn content(answer: &Answer, name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(answer.ok_bytes())).unwrap();
    let mut content = Vec::new();
    archive.by_name(&format!("{FOLDER}/{name}")).unwrap().read_to_end(&mut content).unwrap();
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_holds_what_somebody_keeps_and_proves_itself() {
    let city = City::new().await;
    let answer = city.server.send(bundle()).await;
    assert_eq!(answer.header("content-type"), "application/zip");
    assert!(answer.header("content-disposition").contains("301001-000001.v1.zip"));
    let archive = ZipArchive::new(Cursor::new(answer.ok_bytes())).unwrap();
    let mut names: Vec<_> =
        archive.file_names().map(|name| name.replace(&format!("{FOLDER}/"), "")).collect();
    names.sort();
    let expected = [
        "1.csv",
        "1.jws",
        "1.manifest.json",
        "README.txt",
        "check_file.sh",
        "csv-metadata.json",
        "datapackage.json",
        "jwks.json",
        "quality.json",
        "schema.json",
    ];
    assert_eq!(names, expected);
    let csv = city.server.send(Call::get(format!("/datasets/{CODE}/1.csv"))).await;
    assert_eq!(content(&answer, "1.csv"), csv.ok_bytes());
    let manifest: Manifest = serde_json::from_slice(&content(&answer, "1.manifest.json")).unwrap();
    let jws = String::from_utf8(content(&answer, "1.jws")).unwrap();
    manifest.verify(&jws, &city.server.keys.keys[0].public_key().unwrap()).unwrap();
    let package: Value = serde_json::from_slice(&content(&answer, "datapackage.json")).unwrap();
    assert_eq!(
        package["resources"].as_array().unwrap().len(),
        1,
        "it names what is beside it alone: {package}"
    );
    assert_eq!(package["resources"][0]["path"], "1.csv");
    assert_eq!(package["resources"][0]["hash"], format!("sha256:{}", Digest::of(csv.ok_bytes()).to_hex()));
    let metadata: Value = serde_json::from_slice(&content(&answer, "csv-metadata.json")).unwrap();
    assert_eq!(
        (&metadata["tables"][0]["url"], metadata["tables"].as_array().unwrap().len()),
        (&"1.csv".into(), 1)
    );
    for name in expected {
        let text = String::from_utf8(content(&answer, name)).unwrap();
        let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        assert!(
            !words.any(|word| word == "person") && !text.contains("备注") && !text.contains("张三"),
            "{name}: {text}"
        );
    }
    let about = String::from_utf8(content(&answer, "README.txt")).unwrap();
    assert!(
        about.contains("CC-BY-4.0 https://spdx.org/licenses/CC-BY-4.0") && about.contains("行数 Rows: 3"),
        "{about}"
    );
    checked(answer.ok_bytes().to_vec()).await;
}

/// A program that is not ours unpacks it, and the script in it finds the rows genuine, and no longer so when they are changed.
async fn checked(bytes: Vec<u8>) {
    let check = move || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.zip"), bytes).unwrap();
        let run = |place: &str, program: &str, arguments: &[&str]| {
            let output = Command::new(program)
                .args(arguments)
                .current_dir(folder.path().join(place))
                .output()
                .unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let python = crate::support::python::interpreter();
        assert!(run("", &python, &["-m", "zipfile", "-t", "bundle.zip"]).1.contains("Done testing"));
        assert!(run("", &python, &["-m", "zipfile", "-e", "bundle.zip", "."]).0);
        let (is_genuine, told) = run(FOLDER, "sh", &["check_file.sh", "1.csv"]);
        assert!(is_genuine && told.ends_with("genuine: 1.csv\n"), "{told}");
        let file = folder.path().join(FOLDER).join("1.csv");
        let changed = std::fs::read_to_string(&file).unwrap().replace("A1", "A9");
        std::fs::write(&file, changed).unwrap();
        assert!(!run(FOLDER, "sh", &["check_file.sh", "1.csv"]).0, "what was changed is not genuine");
    };
    tokio::task::spawn_blocking(check).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_asked_for_like_a_file() {
    let city = City::new().await;
    let whole = city.server.send(bundle()).await;
    let (tag, bytes) = (whole.header("etag").to_owned(), whole.ok_bytes().to_vec());
    assert_eq!(city.server.send(bundle()).await.ok_bytes(), bytes, "the same version is the same file");
    let by_number = city.server.send(Call::get(format!("/datasets/{CODE}/1.zip"))).await;
    assert_eq!(by_number.ok_bytes(), bytes);
    let known = city.server.send(bundle().header("if-none-match", &tag)).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let head = city.server.send(Call::new(Method::HEAD, format!("/datasets/{CODE}/latest.zip"))).await;
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    let mut joined: Vec<u8> = Vec::new();
    let step = bytes.len() / 7;
    for begin in (0..bytes.len()).step_by(step) {
        let range = format!("bytes={begin}-{}", begin + step - 1);
        let part = city.server.send(bundle().header("range", &range).header("if-range", &tag)).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}");
        joined.extend(part.ok_bytes());
    }
    assert_eq!(joined, bytes, "its parts are the whole");
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),1.00,一\n").await;
    let next = city.server.send(bundle().header("if-none-match", &tag)).await;
    assert_eq!(next.status, StatusCode::OK, "another version is another file");
    assert_eq!(city.server.send(Call::get(format!("/datasets/{CODE}/1.zip"))).await.ok_bytes(), bytes);
    let never = city.server.send(Call::get(format!("/datasets/{CODE}/latest.tar"))).await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
}

/// Under a grant it is a read of the rows that the grant shows, as every file is.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_a_read_under_a_grant() {
    let city = City::without_data().await;
    city.upload(crate::support::city::ROWS).await;
    let refused = city.server.send(bundle().by(&city.consumer)).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    city.conditional_grant().await;
    let answer = city.server.send(bundle().by(&city.consumer)).await;
    let rows = String::from_utf8(content(&answer, "1.csv")).unwrap();
    assert!(rows.contains("360481") && !rows.contains("360402") && !rows.contains("张三"), "{rows}");
    let package = String::from_utf8(content(&answer, "datapackage.json")).unwrap();
    assert!(!package.contains("\"note\"") && !package.contains("\"amount\""), "{package}");
    let event = city.server.events("access").pop().unwrap();
    assert_eq!(event["rows"], rows.lines().count() - 1, "{event}");
    assert_eq!(event["bytes"], answer.ok_bytes().len(), "{event}");
}
