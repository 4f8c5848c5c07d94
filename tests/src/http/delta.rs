//! Delta Sharing: the official client, and attacks on its door.

mod scale;

use ::http::{Method, StatusCode};
use axum::body::Bytes;
use exchange_crypto::SigningKey;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS};
use crate::support::python::python;
use crate::support::server::{Answer, Call};

const TABLE: &str = "/delta-sharing/shares/scjg/schemas/default/tables/penalty";

/// The rows with two more; behind the filter of the consumer's grant lie A1, A3 and A5.
const FIRST: &str = "case_no,county,person,amount,note\n\
    A1,360481,张三(合成),100.50,一\nA2,360402,李四(合成),20.00,二\nA3,360481,王五(合成),3.25,三\n\
    A4,360402,孙八(合成),7.00,四\nA5,360481,钱七(合成),1.00,五\n";
/// One leaves the filter, one enters it, one changes before its mask, one where nothing is shown.
const SECOND: &str = "case_no,county,person,amount,note\n\
    A1,360402,张三(合成),100.50,一\nA2,360481,李四(合成),20.00,二\nA3,360481,赵六(合成),3.25,三\n\
    A4,360402,孙九(合成),8.00,四\nA5,360481,钱九(合成),9.00,改\n";

/// A profile for the holder of a key.
async fn profile(city: &City, key: &SigningKey) -> Value {
    let wanted = json!({"purpose": "办案", "seconds": 43_200});
    let answer = city.server.send(Call::post("/api/v1/delta-sharing/profiles", &wanted).by(key)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert!(answer.header("location").starts_with("/api/v1/tickets/"));
    answer.json()
}

fn with<'a>(call: Call<'a>, profile: &Value) -> Call<'a> {
    call.header("authorization", &format!("Bearer {}", profile["bearerToken"].as_str().unwrap()))
}

async fn get(city: &City, profile: &Value, path: &str) -> Answer {
    city.server.send(with(Call::get(path), profile)).await
}

async fn query(city: &City, profile: &Value, body: &str) -> Answer {
    let call = Call::new(Method::POST, format!("{TABLE}/query")).body(body, "application/json");
    city.server.send(with(call, profile)).await
}

/// The lines of an answer.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/x-ndjson; charset=utf-8");
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The addresses of files, as paths.
fn paths(city: &City, lines: &[Value]) -> Vec<String> {
    let file = |line: &Value| {
        ["file", "add", "cdf"].into_iter().find_map(|kind| line[kind]["url"].as_str().map(str::to_owned))
    };
    let urls = lines.iter().filter_map(file);
    urls.map(|url| url.strip_prefix(&city.server.base).unwrap().to_owned()).collect()
}

/// The one of them.
fn only(paths: Vec<String>) -> String {
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths.concat()
}

/// The code of a refusal, as the protocol writes it.
fn error(answer: &Answer) -> (u16, String) {
    assert!(answer.header("content-type").starts_with("application/json"), "{}", answer.text());
    let error = answer.json();
    let mut members: Vec<_> = error.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["errorCode", "message"], "{error}");
    (answer.status.as_u16(), error["errorCode"].as_str().unwrap().to_owned())
}

/// What the official client answers to these questions.
async fn ask(profile: &Value, questions: Value) -> Value {
    let (profile, questions) = (profile.to_string(), questions.to_string());
    tokio::task::spawn_blocking(move || python("read_share.py", &[&questions], &profile)).await.unwrap()
}

fn sorted(rows: &Value) -> Vec<Value> {
    let mut rows = rows.as_array().unwrap_or_else(|| panic!("{rows}")).clone();
    rows.sort_by_key(|row| {
        (
            row["_commit_version"].as_i64(),
            row["case_no"].to_string(),
            row["_change_type"] == "update_postimage",
        )
    });
    rows
}

/// A city whose consumer sees two versions under a filter and a mask, and its profile.
async fn shared() -> (City, Value) {
    let city = City::without_data().await;
    city.upload(FIRST).await;
    city.conditional_grant().await;
    city.upload(SECOND).await;
    let profile = profile(&city, &city.consumer).await;
    (city, profile)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_reads_what_the_grant_shows() {
    let (_city, profile) = shared().await;
    assert_eq!(profile["shareCredentialsVersion"], 1);
    let table = "scjg.default.penalty";
    let read = |options: Value| json!({"ask": "rows", "table": table, "options": options});
    let found = ask(
        &profile,
        json!([
            {"ask": "tables"},
            {"ask": "version", "table": table},
            read(json!({})),
            read(json!({"version": 1})),
            read(json!({"use_delta_format": true})),
            {"ask": "count", "table": table, "options": {"limit": 2}},
            {"ask": "count", "table": table, "options": {"limit": 0}},
            read(json!({"version": 9})),
        ]),
    )
    .await;
    assert_eq!(found[0], json!([["scjg", "default", "penalty"]]));
    assert_eq!(found[1], 2);
    let row = |case: &str, person: &str| json!({"case_no": case, "county": "360481", "person": person});
    let second = [row("A2", "李*****"), row("A3", "赵*****"), row("A5", "钱*****")];
    assert_eq!(sorted(&found[2]), second);
    assert_eq!(sorted(&found[3]), [row("A1", "张*****"), row("A3", "王*****"), row("A5", "钱*****")]);
    assert_eq!(sorted(&found[4]), second, "Delta's own kernel reads the same");
    assert_eq!((&found[5], &found[6]), (&json!(2), &json!(0)));
    assert!(found[7]["error"].as_str().unwrap().contains("RESOURCE_DOES_NOT_EXIST"), "{}", found[7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_those_of_what_the_grant_shows() {
    let (_city, profile) = shared().await;
    let changes =
        |options: Value| json!({"ask": "changes", "table": "scjg.default.penalty", "options": options});
    let found = ask(
        &profile,
        json!([
            changes(json!({"starting_version": 2})),
            changes(json!({"starting_version": 1, "ending_version": 1})),
            changes(json!({"starting_version": 0})),
            changes(json!({"starting_version": 2, "use_delta_format": true})),
            changes(json!({"starting_version": 3})),
            changes(json!({"starting_version": 0, "use_delta_format": true})),
        ]),
    )
    .await;
    let told = |rows: &Value| -> Vec<Value> {
        sorted(rows)
            .iter()
            .map(|row| {
                json!([
                    row["_commit_version"],
                    row["_change_type"],
                    row["case_no"],
                    row["person"],
                    row["county"]
                ])
            })
            .collect()
    };
    let second = [
        json!([2, "delete", "A1", "张*****", "360481"]),
        json!([2, "insert", "A2", "李*****", "360481"]),
        json!([2, "update_preimage", "A3", "王*****", "360481"]),
        json!([2, "update_postimage", "A3", "赵*****", "360481"]),
    ];
    let first = ["A1", "A3", "A5"].map(|case| {
        let person = ["张*****", "王*****", "钱*****"]
            [["A1", "A3", "A5"].iter().position(|one| *one == case).unwrap()];
        json!([1, "insert", case, person, "360481"])
    });
    assert_eq!(told(&found[0]), second, "nobody is told where nothing that is shown has changed");
    assert_eq!(told(&found[1]), first);
    assert_eq!(told(&found[2]), [first.as_slice(), second.as_slice()].concat());
    assert_eq!(told(&found[3]), second, "Delta's own kernel reads the same");
    assert_eq!(told(&found[5]), told(&found[2]));
    assert!(found[4]["error"].as_str().unwrap().contains("INVALID_PARAMETER_VALUE"), "{}", found[4]);
}

/// What nobody may see is in no file, and files are written once.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_governed_extracts_written_once() {
    let (city, profile) = shared().await;
    let first = lines(&query(&city, &profile, "{}").await);
    assert_eq!(first[0], json!({"protocol": {"minReaderVersion": 1}}));
    let metadata = &first[1]["metaData"];
    let schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let columns: Vec<_> = schema["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(columns, ["case_no", "county", "person"]);
    assert_eq!((&metadata["numFiles"], &first[2]["file"]["version"]), (&json!(1), &json!(2)));
    let again = lines(
        &query(&city, &profile, r#"{"predicateHints":["person = 'x'"],"jsonPredicateHints":"{"}"#).await,
    );
    assert_eq!(
        first[2]["file"]["id"], again[2]["file"]["id"],
        "a hint leaves no file out, and a file keeps its id"
    );
    let extracts = || {
        let objects = city.server.objects().into_iter();
        let mut found: Vec<_> =
            objects.filter(|path| path.to_string_lossy().contains("/extracts/")).collect();
        found.sort();
        found
    };
    let written = extracts();
    let path = only(paths(&city, &first));
    let file = city.server.send(Call::get(&path)).await;
    let bytes = Bytes::copy_from_slice(file.ok_bytes());
    assert_eq!(first[2]["file"]["size"], bytes.len());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for hidden in ["李四", "钱九", "孙九", "note", "amount", "360402"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 3);
    let part = city.server.send(Call::get(&path).header("range", "bytes=0-3")).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &b"PAR1"[..]));
    let head = city.server.send(Call::new(Method::HEAD, &path)).await;
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    assert_eq!(extracts(), written);
    let beyond = city.server.send(Call::get(&path).header("range", "bytes=9999999-")).await;
    assert_eq!(error(&beyond).0, 416);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_closes_addresses_that_were_handed_out() {
    let city = City::without_data().await;
    city.upload(FIRST).await;
    let grant = city.conditional_grant().await;
    city.upload(SECOND).await;
    let profile = profile(&city, &city.consumer).await;
    let mut handed_out = paths(&city, &lines(&query(&city, &profile, "{}").await));
    let changes = get(&city, &profile, &format!("{TABLE}/changes?startingVersion=1")).await;
    handed_out.extend(paths(&city, &lines(&changes)));
    assert_eq!(handed_out.len(), 3);
    for path in &handed_out {
        assert_eq!(city.server.send(Call::get(path)).await.status, StatusCode::OK);
    }
    let reason = json!({"reason": "到期"});
    let revoke = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
    city.server.send(Call::post(revoke, &reason).by(&city.approver)).await.ok();
    for path in &handed_out {
        let refused = city.server.send(Call::get(path)).await;
        assert_eq!(error(&refused), (403, "PERMISSION_DENIED".to_owned()), "{}", refused.text());
    }
    assert_eq!(error(&query(&city, &profile, "{}").await), (403, "PERMISSION_DENIED".to_owned()));
    assert_eq!(error(&get(&city, &profile, "/delta-sharing/shares/scjg").await).0, 404);
    let refused = city.server.events("access_refused").pop().unwrap();
    assert_eq!(refused["code"], "not_granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_ends_takes_its_addresses_with_it() {
    let (city, _) = shared().await;
    let wanted = json!({"purpose": "办案", "seconds": 60});
    let made =
        city.server.send(Call::post("/api/v1/delta-sharing/profiles", &wanted).by(&city.consumer)).await;
    let (ticket, profile) = (made.header("location").to_owned(), made.ok());
    let path = only(paths(&city, &lines(&query(&city, &profile, "{}").await)));
    city.server.send(Call::new(Method::DELETE, ticket).by(&city.consumer)).await.ok();
    assert_eq!(error(&city.server.send(Call::get(&path)).await), (403, "PERMISSION_DENIED".to_owned()));
    assert_eq!(error(&query(&city, &profile, "{}").await), (401, "UNAUTHENTICATED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_over_in_time_and_the_same_question_gives_another() {
    let start = catalog_core::Timestamp::parse("2026-11-22T01:00:00Z").unwrap();
    let city = City::new_at(start).await;
    city.conditional_grant().await;
    let profile = profile(&city, &city.consumer).await;
    let call = Call::new(Method::POST, format!("{TABLE}/query")).body("{}", "application/json");
    let call =
        call.header("delta-sharing-capabilities", "responseformat=parquet;includeEndStreamAction=true");
    let answer = city.server.send(with(call, &profile)).await;
    assert_eq!(
        answer.header("delta-sharing-capabilities"),
        "responseformat=parquet;includeendstreamaction=true"
    );
    let first = lines(&answer);
    let end = &first.last().unwrap()["endStreamAction"];
    let over = start.plus_seconds(900).seconds() * 1000;
    assert_eq!(
        (&first[2]["file"]["expirationTimestamp"], &end["minUrlExpirationTimestamp"]),
        (&json!(over), &json!(over))
    );
    let path = only(paths(&city, &first));
    city.server.set_clock(start.plus_seconds(899));
    assert_eq!(city.server.send(Call::get(&path)).await.status, StatusCode::OK);
    city.server.set_clock(start.plus_seconds(900));
    assert_eq!(error(&city.server.send(Call::get(&path)).await), (403, "PERMISSION_DENIED".to_owned()));
    let body = json!({"refreshToken": end["refreshToken"]}).to_string();
    let second = lines(&query(&city, &profile, &body).await);
    assert_eq!(first[2]["file"]["id"], second[2]["file"]["id"]);
    let path = only(paths(&city, &second));
    assert_eq!(city.server.send(Call::get(&path)).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_opens_nothing_but_its_file() {
    let (city, profile) = shared().await;
    let path = only(paths(&city, &lines(&query(&city, &profile, "{}").await)));
    let (file, signed) = path.split_once('?').unwrap();
    let own = self::profile(&city, &city.machine).await;
    let other = only(paths(&city, &lines(&query(&city, &own, "{}").await)));
    let (foreign, _) = other.split_once('?').unwrap();
    let tampered = [
        format!("{file}?{}", signed.replace("X-Amz-Signature=", "X-Amz-Signature=x")),
        format!("{foreign}?{signed}"),
        format!("{TABLE}/metadata?{signed}"),
        format!("/api/v1/grants?{signed}"),
        format!("{file}?{}", signed.split('&').next().unwrap()),
    ];
    for path in &tampered {
        let refused = city.server.send(Call::get(path)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text());
    }
    let bare = city.server.send(Call::get(file)).await;
    assert_eq!(error(&bare), (401, "UNAUTHENTICATED".to_owned()), "without its ticket nobody asks");
    let foreign = get(&city, &profile, foreign).await;
    assert_eq!(
        error(&foreign),
        (403, "PERMISSION_DENIED".to_owned()),
        "the consumer's ticket opens no raw file"
    );
    let posted = city.server.send(Call::new(Method::POST, &path)).await;
    assert!([403, 405].contains(&posted.status.as_u16()), "{}", posted.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_and_every_file_leaves_evidence() {
    let (city, profile) = shared().await;
    let answer = query(&city, &profile, "{}").await;
    let asked = city.server.events("access").pop().unwrap();
    assert_eq!(asked["request_id"], answer.header("shuqiao-receipt"));
    assert_eq!((&asked["rows"], &asked["sources"][0]["version"]), (&json!(0), &json!(2)));
    let actor = |event: &Value| [event["actor"]["department"].clone(), event["actor"]["purpose"].clone()];
    assert_eq!(actor(&asked), [json!("gaj"), json!("办案")]);
    let path = only(paths(&city, &lines(&answer)));
    let file = city.server.send(Call::get(&path)).await;
    let (begun, ended) = (
        city.server.events("access_started").pop().unwrap(),
        city.server.events("access_ended").pop().unwrap(),
    );
    for event in [&begun, &ended] {
        assert_eq!(event["request_id"], file.header("shuqiao-receipt"));
        assert_eq!((actor(event), &event["actor"]["ticket"]), (actor(&asked), &asked["actor"]["ticket"]));
    }
    assert!(asked["actor"]["ticket"].is_string());
    assert_eq!((&begun["sources"], &ended["rows"]), (&asked["sources"], &json!(3)));

    let changes = lines(&get(&city, &profile, &format!("{TABLE}/changes?startingVersion=2")).await);
    let versions: Vec<_> = city.server.events("access").pop().unwrap()["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["version"].as_i64().unwrap())
        .collect();
    assert_eq!(versions, [2, 1], "a difference is read from both");
    city.server.evidence_fails.store(true, std::sync::atomic::Ordering::SeqCst);
    for path in [path, paths(&city, &changes).pop().unwrap()] {
        let refused = city.server.send(Call::get(path)).await;
        assert_eq!(error(&refused), (503, "UNAVAILABLE".to_owned()), "no evidence, no file");
    }
}

/// Where nothing is hidden the version's own files are handed out, each as it is stored.
#[tokio::test(flavor = "multi_thread")]
async fn whole_parts_leave_where_the_policy_hides_nothing() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    for number in 0..4 {
        let rows = format!("case_no,county,person,amount,note\nB{number},360402,,1,\n");
        let path = format!("/api/v1/resources/{CODE}/data?publish=true&change=append&name=rows.csv");
        city.server.send(Call::new(Method::POST, path).body(rows, "text/csv").by(&city.machine)).await.ok();
    }
    let profile = profile(&city, &city.machine).await;
    let all = lines(&query(&city, &profile, "{}").await);
    assert_eq!(paths(&city, &all).len(), 5);
    assert!(!city.server.objects().iter().any(|path| path.to_string_lossy().contains("/extracts/")));
    let few = lines(&query(&city, &profile, r#"{"limitHint":2}"#).await);
    assert_eq!(paths(&city, &few).len(), 1, "the first file has enough rows");
    let found = ask(
        &profile,
        json!([
            {"ask": "count", "table": "scjg.default.penalty"},
            {"ask": "changes", "table": "scjg.default.penalty", "options": {"starting_version": 5}},
        ]),
    )
    .await;
    assert_eq!(found[0], 7);
    let appended = &found[1][0];
    assert_eq!((&appended["_change_type"], &appended["case_no"]), (&json!("insert"), &json!("B3")));
    assert_eq!(found[1].as_array().unwrap().len(), 1);

    let records = json!({"keys": [["B3"]], "reason": "信用修复"});
    let path = paths(&city, &all).pop().unwrap();
    let withdraw = Call::post(format!("/api/v1/resources/{CODE}/records/withdraw"), &records);
    city.server.send(withdraw.by(&city.machine)).await.ok();
    assert_eq!(error(&city.server.send(Call::get(path)).await), (403, "PERMISSION_DENIED".to_owned()));
    let now = lines(&query(&city, &profile, "{}").await);
    assert_ne!(now[1]["metaData"]["id"], all[1]["metaData"]["id"], "who goes on from the old must read anew");
    assert_eq!(ask(&profile, json!([{"ask": "count", "table": "scjg.default.penalty"}])).await[0], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_version_can_be_read_no_more_and_nobody_goes_on_from_it() {
    let (city, profile) = shared().await;
    city.upload(&FIRST.replace("一", "壹")).await;
    let path = only(paths(&city, &lines(&query(&city, &profile, r#"{"version":2}"#).await)));
    let reason = json!({"reason": "数据有误"});
    let withdraw = format!("/api/v1/resources/{CODE}/versions/2/withdraw");
    city.server.send(Call::post(withdraw, &reason).by(&city.machine)).await.ok();
    for refused in
        [city.server.send(Call::get(&path)).await, query(&city, &profile, r#"{"version":2}"#).await]
    {
        assert_eq!(error(&refused), (404, "RESOURCE_DOES_NOT_EXIST".to_owned()));
        assert!(refused.text().contains("数据有误"));
    }
    let from =
        async |start: i64| get(&city, &profile, &format!("{TABLE}/changes?startingVersion={start}")).await;
    assert_eq!(error(&from(3).await), (400, "INVALID_PARAMETER_VALUE".to_owned()));
    let told = lines(&from(1).await);
    assert_eq!(paths(&city, &told).len(), 1, "from the first to the third nothing changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_ticket_is_told_how_to_get_one() {
    let (city, _) = shared().await;
    for path in ["/delta-sharing/shares", &format!("{TABLE}/version"), "/delta-sharing/shares/x/all-tables"] {
        for call in [Call::get(path), Call::get(path).by(&city.consumer)] {
            let refused = city.server.send(call).await;
            assert_eq!(error(&refused), (401, "UNAUTHENTICATED".to_owned()));
            assert!(refused.text().contains("/api/v1/delta-sharing/profiles"));
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
    }
    let wrong =
        city.server.send(Call::get("/delta-sharing/shares").header("authorization", "Bearer x")).await;
    assert_eq!(error(&wrong), (401, "UNAUTHENTICATED".to_owned()));
    let wanted = json!({"doors": ["sql"], "seconds": 60});
    let ticket = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.consumer)).await.ok();
    let other = json!({"bearerToken": ticket["token"]});
    assert_eq!(error(&get(&city, &other, "/delta-sharing/shares").await).0, 401, "it opens another door");
    for wanted in
        [json!({"seconds": 43_201}), json!({"seconds": 0}), json!({"seconds": 60, "doors": ["sql"]})]
    {
        let refused =
            city.server.send(Call::post("/api/v1/delta-sharing/profiles", &wanted).by(&city.consumer)).await;
        assert_eq!(refused.code(), "invalid_input");
    }
    let nobody =
        city.server.send(Call::post("/api/v1/delta-sharing/profiles", &json!({"seconds": 60}))).await;
    assert_eq!(nobody.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_name_what_can_be_read_page_by_page() {
    let (city, profile) = shared().await;
    let shares = get(&city, &profile, "/delta-sharing/shares?maxResults=1").await.ok();
    assert_eq!(shares, json!({"items": [{"name": "scjg", "displayName": "九江市市场监督管理局"}]}));
    let nothing = get(&city, &profile, "/delta-sharing/shares?maxResults=0").await.ok();
    let token = nothing["nextPageToken"].as_str().unwrap();
    assert_eq!(get(&city, &profile, &format!("/delta-sharing/shares?pageToken={token}")).await.ok(), shares);
    let share = get(&city, &profile, "/delta-sharing/shares/SCJG").await.ok();
    assert_eq!(share["share"], shares["items"][0]);
    let schemas = get(&city, &profile, "/delta-sharing/shares/scjg/schemas").await.ok();
    assert_eq!(schemas["items"], json!([{"name": "default", "share": "scjg"}]));
    let table = json!({"items": [{"name": "penalty", "schema": "default", "share": "scjg"}]});
    assert_eq!(get(&city, &profile, "/delta-sharing/shares/scjg/schemas/Default/tables").await.ok(), table);
    assert_eq!(get(&city, &profile, "/delta-sharing/shares/scjg/all-tables").await.ok(), table);
    let version = get(&city, &profile, &format!("{}/version", TABLE.replace("penalty", "PENALTY"))).await;
    assert_eq!((version.status, version.header("delta-table-version")), (StatusCode::OK, "2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_the_protocols_400_or_404() {
    let (city, profile) = shared().await;
    let far = "99999999999999999999";
    for (path, status) in [
        ("/delta-sharing/shares?maxResults=-1".to_owned(), 400),
        ("/delta-sharing/shares?maxResults=many".to_owned(), 400),
        (format!("/delta-sharing/shares?maxResults={far}"), 400),
        ("/delta-sharing/shares?pageToken=%21".to_owned(), 400),
        ("/delta-sharing/shares/nobody".to_owned(), 404),
        ("/delta-sharing/shares/%ff".to_owned(), 400),
        ("/delta-sharing/shares/nobody/schemas".to_owned(), 404),
        ("/delta-sharing/shares/scjg/schemas/other/tables".to_owned(), 404),
        ("/delta-sharing/nothing".to_owned(), 404),
        (TABLE.replace("penalty", "none") + "/version", 404),
        (TABLE.replace("default", "other") + "/metadata", 404),
        (TABLE.replace("penalty", "%27%3B--") + "/metadata", 404),
        (format!("{TABLE}/version?startingTimestamp=yesterday"), 400),
        (format!("{TABLE}/version?startingTimestamp=2999-01-01T00:00:00Z"), 400),
        (format!("{TABLE}/metadata?version=x"), 400),
        (format!("{TABLE}/metadata?version={far}"), 400),
        (format!("{TABLE}/metadata?version=99"), 404),
        (format!("{TABLE}/metadata?version=-1"), 404),
        (format!("{TABLE}/metadata?version=1&timestamp=2026-01-01T00:00:00Z"), 400),
        (format!("{TABLE}/metadata?timestamp=2000-01-01T00:00:00Z"), 404),
        (format!("{TABLE}/changes"), 400),
        (format!("{TABLE}/changes?startingVersion=-1"), 400),
        (format!("{TABLE}/changes?startingVersion=3"), 400),
        (format!("{TABLE}/changes?startingVersion={far}"), 400),
        (format!("{TABLE}/changes?startingVersion=2&endingVersion=1"), 400),
        (format!("{TABLE}/changes?startingVersion=1&startingTimestamp=2026-01-01T00:00:00Z"), 400),
        (
            format!("{TABLE}/changes?startingVersion=1&endingVersion=1&endingTimestamp=2026-01-01T00:00:00Z"),
            400,
        ),
        (format!("{TABLE}/query"), 405),
        (format!("/delta-sharing/files/{CODE}/1/x"), 404),
        (format!("/delta-sharing/files/{CODE}/1/x.parquet"), 403),
        (format!("/delta-sharing/files/{CODE}/x/x.parquet"), 400),
        (format!("/delta-sharing/files/{CODE}/99/x.parquet"), 404),
        ("/delta-sharing/files/301001-000099/1/x.parquet".to_owned(), 404),
        ("/delta-sharing/files/x/1/x.parquet".to_owned(), 400),
        (format!("/delta-sharing/changes/{CODE}/99/2/x.parquet"), 404),
        (format!("/delta-sharing/changes/{CODE}/2/1/x.parquet"), 403),
    ] {
        let refused = get(&city, &profile, &path).await;
        assert_eq!(error(&refused).0, status, "{path}: {}", refused.text());
    }
    let too_long = format!("{{\"jsonPredicateHints\":\"{}\"}}", "x".repeat(2 << 20));
    for body in [
        "[]",
        "{",
        "null",
        "\u{0}",
        r#"{"version":"1"}"#,
        r#"{"limitHint":-1}"#,
        r#"{"startingVersion":1}"#,
        &too_long,
    ] {
        let refused = query(&city, &profile, body).await;
        assert_eq!(error(&refused), (400, "INVALID_PARAMETER_VALUE".to_owned()), "{}", refused.text());
    }
    for (name, value) in [("delta-sharing-capabilities", "responseformat=iceberg"), ("fileidhash", "md5")] {
        let call = with(Call::get(format!("{TABLE}/metadata")).header(name, value), &profile);
        assert_eq!(error(&city.server.send(call).await).0, 400);
    }
    let unnamed = Call::new(Method::POST, format!("{TABLE}/query"));
    assert_eq!(city.server.send(with(unnamed, &profile)).await.status, StatusCode::OK, "a body is optional");
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_are_shared_without_their_past() {
    let city = City::without_data().await;
    let rows = |amount: u32| {
        let head = "case_no,county,person,amount,note\n".to_owned();
        let row = |number: u32| format!("A{number},360481,人{number}(合成),{amount},\n");
        head + &(0..3).map(row).collect::<String>()
    };
    city.upload(&rows(1)).await;
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"}, "items": ["county"],
        "statistics": {"measures": ["amount"], "subject": "person", "min_group": 3},
        "purpose": "办案", "legal_basis": "统计法", "doors": ["file"],
    }))
    .await;
    city.upload(&rows(2)).await;
    let profile = profile(&city, &city.consumer).await;
    let found = ask(&profile, json!([{"ask": "rows", "table": "scjg.default.penalty"}])).await;
    assert_eq!(
        found[0],
        json!([{"county": "360481", "record_count": 3, "subject_count": 3, "amount_sum": "6.00"}])
    );
    for path in [format!("{TABLE}/changes?startingVersion=2"), format!("{TABLE}/metadata?version=1")] {
        assert_eq!(error(&get(&city, &profile, &path).await), (403, "PERMISSION_DENIED".to_owned()));
    }
}
