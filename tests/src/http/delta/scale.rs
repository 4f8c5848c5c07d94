//! Tables of many files, reads that outlast their addresses, developers' keys, and what strangers can't make the server do.

use std::collections::BTreeSet;
use std::time::Duration;

use catalog_core::{ResourceCode, Role, Timestamp};
use datasets_store::{Manifest, Part, VersionFolder};
use exchange_crypto::Digest;
use openapi_http::HttpLimits;

use super::*;
use crate::support::server::Bounds;

/// How a client asks for a last line that says how to go on.
const ENDS: &str = "responseformat=parquet;includeEndStreamAction=true";

/// Publishes the rows as the next version in so many files, each of which holds all of them.
async fn in_files(city: &City, count: usize) {
    let path = format!("/api/v1/resources/{CODE}");
    let upload = Call::new(Method::POST, format!("{path}/data?name=rows.csv")).body(ROWS, "text/csv");
    let waiting = city.server.send(upload.by(&city.machine)).await.ok()["prepared"].clone();
    let number = waiting["number"].as_i64().unwrap();
    let digest = Digest::from_hex(waiting["manifest_digest"].as_str().unwrap()).unwrap();
    let objects = city.server.folder.path().join("objects");
    let folder = VersionFolder::new(&ResourceCode::from_path(CODE).unwrap(), number);
    let document = std::fs::read(objects.join(folder.manifest(&digest).as_ref())).unwrap();
    let one: Manifest = serde_json::from_slice(&document).unwrap();
    let copy = |file: usize| {
        let path = folder.part("copied", file).to_string();
        std::fs::copy(objects.join(&one.parts[0].path), objects.join(&path)).unwrap();
        Part { path, ..one.parts[0].clone() }
    };
    let parts: Vec<_> = (0..count).map(copy).collect();
    let (rows, bytes) = (one.rows * count as u64, one.bytes * count as u64);
    let many = Manifest { parts, rows, bytes, ..one };
    let app = &city.server.app;
    let digest = app.datasets.write_manifest(&many, &app.signer).await.unwrap();
    let waiting = json!({"number": number, "manifest_digest": digest.to_hex()});
    city.server.send(Call::post(format!("{path}/versions"), &waiting).by(&city.machine)).await.ok();
}

async fn ask_with_end(city: &City, profile: &Value, body: &str) -> Vec<Value> {
    let call = Call::new(Method::POST, format!("{TABLE}/query")).body(body, "application/json");
    let call = call.header("delta-sharing-capabilities", ENDS);
    lines(&city.server.send(with(call, profile)).await)
}

/// The token of a last line, as the body of the question that goes on.
fn going_on(lines: &[Value]) -> String {
    json!({"refreshToken": lines.last().unwrap()["endStreamAction"]["refreshToken"]}).to_string()
}

fn ids(lines: &[Value]) -> Vec<String> {
    lines.iter().filter_map(|line| line["file"]["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_hundreds_of_files_is_read_whole() {
    let city = City::without_data().await;
    in_files(&city, 300).await;
    let own = profile(&city, &city.machine).await;
    let answer = query(&city, &own, "{}").await;
    let all = lines(&answer);
    assert_eq!(paths(&city, &all).len(), 300);
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>().len(), 300, "files of one content are several");
    let table = "scjg.default.penalty";
    let count = |options: Value| json!({"ask": "count", "table": table, "options": options});
    let asked =
        json!([count(json!({})), count(json!({"limit": 100})), count(json!({"use_delta_format": true}))]);
    assert_eq!(ask(&own, asked).await, json!([900, 100, 900]));
    // Behind a filter they are an extract, whose files are as large as they may be.
    city.conditional_grant().await;
    let consumer = profile(&city, &city.consumer).await;
    assert_eq!(paths(&city, &lines(&query(&city, &consumer, "{}").await)).len(), 1);
    assert_eq!(ask(&consumer, json!([count(json!({}))])).await, json!([600]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_outlasts_its_addresses_goes_on_with_the_same_files() {
    let start = Timestamp::parse("2026-11-22T01:00:00Z").unwrap();
    let city = City::without_data_at(start).await;
    in_files(&city, 5).await;
    let own = profile(&city, &city.machine).await;
    let first = ask_with_end(&city, &own, "{}").await;
    let mut read = Vec::new();
    for path in &paths(&city, &first)[..2] {
        read.push(city.server.send(Call::get(path)).await.ok_bytes().to_vec());
    }
    // Meanwhile there is another version, and time is over.
    city.server.set_clock(start.plus_seconds(900));
    city.upload(FIRST).await;
    for path in paths(&city, &first) {
        assert_eq!(error(&city.server.send(Call::get(&path)).await), (403, "PERMISSION_DENIED".to_owned()));
    }
    let renewed = ask_with_end(&city, &own, &going_on(&first)).await;
    assert_eq!(ids(&renewed), ids(&first));
    assert_eq!(renewed[2]["file"]["version"], first[2]["file"]["version"]);
    assert_eq!(going_on(&renewed), going_on(&first), "and so on, as often as need be");
    for path in &paths(&city, &renewed)[2..] {
        read.push(city.server.send(Call::get(path)).await.ok_bytes().to_vec());
    }
    assert_eq!(read.len(), 5);
    assert_ne!(ids(&ask_with_end(&city, &own, "{}").await), ids(&first), "who asks without it begins anew");

    // What a reader sees differently by now is not mixed with what they have.
    city.conditional_grant().await;
    let consumer = profile(&city, &city.consumer).await;
    let other = query(&city, &consumer, &going_on(&first)).await;
    assert_eq!(error(&other), (400, "INVALID_PARAMETER_VALUE".to_owned()), "another's read");
    let records = json!({"keys": [["A1"]], "reason": "信用修复"});
    let withdraw = Call::post(format!("/api/v1/resources/{CODE}/records/withdraw"), &records);
    city.server.send(withdraw.by(&city.machine)).await.ok();
    let refused = query(&city, &own, &going_on(&first)).await;
    assert_eq!(error(&refused).0, 400);
    assert!(refused.text().contains("read the table anew"), "{}", refused.text());
}

/// A developer takes what is open with the key that they have, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_key_is_a_bearer_token_for_what_is_open() {
    let city = City::new().await;
    let server = &city.server;
    let mut closed = crate::support::city::resource();
    (closed["code"], closed["sql_name"]) = (json!("302001/000001"), json!("closed"));
    closed["title"] = json!("内部线索");
    city.publish(&closed).await;
    city.upload_to("302001-000001", ROWS).await;
    let developer = server.person("developer", None, &[Role::Developer]).await;
    let made = Call::post("/api/v1/developer-keys", &json!({"name": "地图"})).by(&developer);
    let made = server.send(made).await.ok();
    let secret = made["secret"].as_str().unwrap();

    let file = server.send(Call::get("/delta-sharing/profile").header("x-api-key", secret)).await;
    let profile = file.ok();
    assert_eq!((&profile["bearerToken"], &profile["shareCredentialsVersion"]), (&json!(secret), &json!(1)));
    assert_eq!(profile["endpoint"], format!("{}/delta-sharing", server.base));
    assert_eq!(profile["expirationTime"], made["key"]["expires_at"]);
    let nobody = server.send(Call::get("/delta-sharing/profile")).await;
    assert_eq!(error(&nobody), (401, "UNAUTHENTICATED".to_owned()));

    let table = "scjg.default.penalty";
    let found = ask(
        &profile,
        json!([
            {"ask": "tables"},
            {"ask": "rows", "table": table},
            {"ask": "changes", "table": table, "options": {"starting_version": 1}},
            {"ask": "rows", "table": "scjg.default.closed"},
        ]),
    )
    .await;
    assert_eq!(found[0], json!([["scjg", "default", "penalty"]]));
    let rows = sorted(&found[1]);
    assert_eq!(rows[1], json!({"case_no": "A2", "county": "360402", "amount": "20.00"}));
    assert_eq!((rows.len(), found[2].as_array().unwrap().len()), (3, 3));
    assert!(found[3]["error"].is_string(), "{}", found[3]);
    let access = server.events("access_started").pop().unwrap();
    assert_eq!(access["actor"]["id"], "developer");
    assert_eq!(access["actor"]["ticket"], made["key"]["id"]);

    let path = only(paths(&city, &lines(&query(&city, &profile, "{}").await)));
    assert!(!path.contains(secret), "an address does not hold the secret");
    server.send(Call::get(&path)).await.ok_bytes();
    let key = format!("/api/v1/developer-keys/{}", made["key"]["id"].as_str().unwrap());
    server.send(Call::new(Method::DELETE, key).by(&developer)).await.ok();
    assert_eq!(error(&server.send(Call::get(&path)).await), (403, "PERMISSION_DENIED".to_owned()));
    assert_eq!(error(&query(&city, &profile, "{}").await), (401, "UNAUTHENTICATED".to_owned()));
}

/// Whoever sees all of a table is told which files came and went; to others rows are told.
#[tokio::test(flavor = "multi_thread")]
async fn files_since_a_version_are_told_where_nothing_is_hidden() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    for number in 0..2 {
        let rows = format!("case_no,county,person,amount,note\nB{number},360402,,1,\n");
        let path = format!("/api/v1/resources/{CODE}/data?publish=true&change=append&name=rows.csv");
        city.server.send(Call::new(Method::POST, path).body(rows, "text/csv").by(&city.machine)).await.ok();
    }
    city.upload(FIRST).await;
    let own = profile(&city, &city.machine).await;
    let since = async |body: &str| lines(&query(&city, &own, body).await);
    let told = |lines: &[Value]| -> Vec<Value> {
        let of =
            |line: &Value, kind: &str| line[kind].is_object().then(|| json!([kind, line[kind]["version"]]));
        lines.iter().filter_map(|line| of(line, "add").or_else(|| of(line, "remove"))).collect()
    };
    let all = since(r#"{"startingVersion":2}"#).await;
    let replaced = vec![json!(["remove", 4]); 3];
    let added = [json!(["add", 2]), json!(["add", 3]), json!(["add", 4])];
    assert_eq!(told(&all), [added.as_slice(), replaced.as_slice()].concat());
    for file in all.iter().filter_map(|line| line["add"]["url"].as_str().or(line["remove"]["url"].as_str())) {
        let path = file.strip_prefix(&city.server.base).unwrap();
        assert_eq!(city.server.send(Call::get(path)).await.status, StatusCode::OK);
    }
    assert_eq!(told(&since(r#"{"startingVersion":0}"#).await).len(), 7);
    assert_eq!(error(&query(&city, &own, r#"{"startingVersion":5}"#).await).0, 400);
    assert_eq!(error(&query(&city, &own, r#"{"startingVersion":1,"version":1}"#).await).0, 400);

    city.conditional_grant().await;
    let consumer = profile(&city, &city.consumer).await;
    let refused = query(&city, &consumer, r#"{"startingVersion":2}"#).await;
    assert_eq!(error(&refused), (400, "INVALID_PARAMETER_VALUE".to_owned()));
    assert!(refused.text().contains("ask for `changes`"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tables_takes_a_place_as_a_query_does() {
    let door = HttpLimits { queries: 0, queue: Duration::ZERO, ..HttpLimits::default() };
    let city = City::within(Bounds { door, ..Bounds::default() }).await;
    let profile = profile(&city, &city.consumer).await;
    for path in
        ["/delta-sharing/shares", "/delta-sharing/shares/scjg", "/delta-sharing/shares/scjg/all-tables"]
    {
        let busy = get(&city, &profile, path).await;
        assert_eq!(error(&busy), (503, "UNAVAILABLE".to_owned()), "{path}");
    }
}

/// Extracts take so much of the disk and no more: what nobody reads any longer gives way, what is read stays.
#[tokio::test(flavor = "multi_thread")]
async fn extracts_have_a_budget() {
    let door = HttpLimits { extract_bytes: 400, ..HttpLimits::default() };
    let city = City::within(Bounds { door, ..Bounds::default() }).await;
    city.server.set_clock(Timestamp::now());
    city.upload(FIRST).await;
    city.conditional_grant().await;
    city.upload(SECOND).await;
    let profile = profile(&city, &city.consumer).await;
    let extracts = || {
        let objects = city.server.objects().into_iter().map(|path| path.to_string_lossy().into_owned());
        let name = |path: String| {
            path.split_once("/extracts/").map(|(_, name)| name.split('/').nth(1).unwrap().to_owned())
        };
        objects.filter_map(name).collect::<BTreeSet<_>>()
    };
    let first = only(paths(&city, &lines(&query(&city, &profile, r#"{"version":1}"#).await)));
    assert_eq!(extracts(), BTreeSet::from(["000001".to_owned()]));
    let full = query(&city, &profile, r#"{"version":2}"#).await;
    assert_eq!(error(&full), (503, "UNAVAILABLE".to_owned()), "the first may still be read");
    let download = Call::get(format!("/datasets/{CODE}/2.csv")).by(&city.machine);
    assert_eq!(city.server.send(download).await.code(), "unavailable", "downloads share the room");
    assert_eq!(city.server.send(Call::get(&first)).await.status, StatusCode::OK);
    assert_eq!(lines(&query(&city, &profile, r#"{"version":1}"#).await).len(), 3, "what is there is given");

    city.server.set_clock(city.server.now().plus_seconds(3700));
    let second = lines(&query(&city, &profile, r#"{"version":2}"#).await);
    assert_eq!(second.len(), 3);
    assert_eq!(extracts(), BTreeSet::from(["000002".to_owned()]), "unused for an hour");

    // What has given way since its address was made is gone, and nothing is revoked.
    let is_extract = |path: &std::path::PathBuf| path.to_string_lossy().contains("/extracts/");
    for object in city.server.objects().into_iter().filter(is_extract) {
        std::fs::remove_file(object).unwrap();
    }
    let gone = city.server.send(Call::get(only(paths(&city, &second)))).await;
    assert_eq!(error(&gone), (404, "RESOURCE_DOES_NOT_EXIST".to_owned()), "{}", gone.text());
}

/// A shared file can be proven and computed again like any download.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_file_is_computed_again() {
    let (city, profile) = shared().await;
    let auditor = city.server.person("sun", None, &[Role::Auditor]).await;
    let path = only(paths(&city, &lines(&query(&city, &profile, r#"{"version":1}"#).await)));
    let file = city.server.send(Call::get(&path)).await;
    let part = city.server.send(Call::get(&path).header("range", "bytes=0-3")).await;
    for (answer, expected) in [(&file, "same"), (&part, "not_replayable")] {
        let replay = format!("/receipts/{}/replay", answer.header("shuqiao-receipt"));
        for by in [&city.consumer, &auditor] {
            let body = answer.bytes().to_vec();
            let call = Call::new(Method::POST, &replay).body(body, "application/octet-stream").by(by);
            let found = city.server.send(call).await.ok();
            assert_eq!(found["verdict"], expected, "{found}");
        }
    }
}
