//! What accesses leave behind.

use std::sync::atomic::Ordering;

use ::http::StatusCode;
use axum::body::Body;
use catalog_core::{OpContext, Role};
use exchange_ledger::Committed;
use exchange_query::Limits;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{CODE, City};
use crate::support::server::{Bounds, Call, Server};

#[tokio::test(flavor = "multi_thread")]
async fn each_named_access_is_recorded_and_anonymous_ones_are_counted() {
    let city = City::new().await;
    city.conditional_grant().await;
    let server = &city.server;
    let before = server.events("access").len();
    let sql = "select person from scjg.penalty where county = '360481'";
    let answer = server.send(city.sql(sql, Some(&city.consumer)).header("shuqiao-matter", "B-2026-7")).await;
    let accesses = server.events("access");
    assert_eq!(accesses.len(), before + 1);
    let access = accesses.last().unwrap();
    assert_eq!(access["request_id"], answer.header("shuqiao-receipt"));
    assert_eq!((&access["rows"], &access["bytes"]), (&json!(2), &json!(answer.bytes().len())));
    assert_eq!(
        (&access["actor"]["department"], &access["actor"]["matter"]),
        (&json!("gaj"), &json!("B-2026-7"))
    );
    assert!(access["sources"][0]["grant"].is_string());
    assert!(!access.to_string().contains("360481"), "evidence holds no request text");

    server.send(city.sql("select secret from scjg.penalty", Some(&city.consumer))).await.code();
    assert_eq!(server.events("access_refused").last().unwrap()["code"], "unknown_column");

    server.send(Call::get(format!("/datasets/{CODE}/latest.csv"))).await.ok_bytes();
    server.send(city.sql("select count(*) from scjg.penalty", None)).await.ok();
    assert_eq!(server.events("access").len(), before + 1, "the public is counted, not recorded");
    server.app.drain().await.unwrap();
    let counted = server.events("open_downloads");
    assert_eq!((&counted[0]["count"], &counted[0]["resource"]), (&json!(2), &json!("301001/000001")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_behind_opened_data_names_them() {
    let limits = [
        (
            Limits { memory: 1 << 20, ..Limits::default() },
            "select case_no from scjg.penalty order by note, amount",
        ),
        (Limits { rows: 1, ..Limits::default() }, "select case_no from scjg.penalty"),
        (Limits { bytes: 10, ..Limits::default() }, "select case_no from scjg.penalty"),
        (Limits::default(), "select 1 / (amount - amount) from scjg.penalty"),
        (Limits::default(), "select nothing from scjg.penalty"),
    ];
    for ((query, sql), code) in limits.into_iter().zip([
        "limit_memory",
        "limit_rows",
        "limit_bytes",
        "query_failed",
        "unknown_column",
    ]) {
        let city = City::new_within(Bounds { query, ..Bounds::default() }).await;
        let before = city.server.events("access_refused").len();
        assert_eq!(city.server.send(city.sql(sql, Some(&city.machine))).await.code(), code);
        let refused = city.server.events("access_refused").split_off(before);
        assert_eq!(refused.len(), 1, "{code}");
        assert_eq!((&refused[0]["code"], &refused[0]["sources"][0]["version"]), (&json!(code), &json!(1)));
    }
    let city = City::new().await;
    let before = city.server.events("access_refused").len();
    let idle = city.sql("select 1 / (value - value) from generate_series(1, 3)", Some(&city.machine));
    assert_eq!(city.server.send(idle).await.code(), "query_failed");
    assert_eq!(city.server.events("access_refused").len(), before, "it tells of no data");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_evidence_there_is_no_access() {
    let city = City::new().await;
    city.conditional_grant().await;
    let server = &city.server;
    server.evidence_fails.store(true, Ordering::SeqCst);
    let long = "select value from generate_series(1, 300000) where exists (select 1 from scjg.penalty)";
    for sql in ["select case_no from scjg.penalty", long] {
        let answer = server.send(city.sql(sql, Some(&city.consumer))).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "evidence_unavailable"));
    }
    let refused = server.send(city.sql("select note from scjg.penalty", Some(&city.consumer))).await;
    assert_eq!(refused.code(), "evidence_unavailable");
    let file = Call::get(format!("/datasets/{CODE}/latest.csv")).by(&city.machine);
    assert_eq!(server.send(file).await.code(), "evidence_unavailable");
    server.evidence_fails.store(false, Ordering::SeqCst);
    server.send(city.sql("select case_no from scjg.penalty", Some(&city.consumer))).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_calls_the_same_routes_in_process() {
    let city = City::new().await;
    let ctx = city.server.operator(&[Role::Auditor]);
    let id = ctx.request_id.clone();
    let ask = |ctx: OpContext| {
        let mut request =
            ::http::Request::get(format!("/api/v1/resources/{CODE}/preview")).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ctx);
        openapi_http::router(city.server.app.clone()).oneshot(request)
    };
    let answer = ask(ctx).await.unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::FORBIDDEN,
        "an auditor reads no data, at the command line neither"
    );
    let refused = city.server.events("access_refused").pop().unwrap();
    assert_eq!((&refused["request_id"], &refused["actor"]["channel"]), (&json!(id), &json!("api")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_its_holders_and_opens_its_commitments() {
    let city = City::new().await;
    let server = &city.server;
    let answer = server.send(city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    let path = format!("/receipts/{}", answer.header("shuqiao-receipt"));
    let receipt = server.send(Call::get(&path).by(&city.machine)).await.ok();
    assert_eq!(receipt["ended"], true);
    let salts = receipt["salts"].as_array().unwrap();
    let salt = salts.iter().find(|salt| salt["of"] == "answer").unwrap()["salt"].as_str().unwrap();
    let commitment = receipt["records"][0]["answer_commitment"].as_str().unwrap();
    let salt = exchange_crypto::from_hex(salt).unwrap();
    assert!(exchange_ledger::opens(commitment, &salt, answer.bytes()));
    proven(server, &receipt);
    for stranger in [
        Call::get(&path),
        Call::get(&path).by(&city.consumer),
        Call::get("/receipts/nonsense").by(&city.machine),
    ] {
        assert_eq!(server.send(stranger).await.code(), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_starts_and_ends_in_evidence_and_a_cut_one_never_looks_whole() {
    let city = City::new().await;
    let server = &city.server;
    let long = "select a.value, b.value from generate_series(1, 2000) a cross join generate_series(1, 100) b \
                where exists (select 1 from scjg.penalty)";
    let answer = server.send(city.sql(long, Some(&city.machine))).await;
    assert!(answer.header("content-digest").is_empty() && answer.ok()["complete"] == true);
    let ended = last_end(&city).await;
    assert_eq!((&ended["complete"], &ended["rows"]), (&json!(true), &json!(200_000)));
    assert_eq!(ended["bytes"], json!(answer.bytes().len()));

    let query = Limits { rows: 150_000, ..Limits::default() };
    let limited = City::new_within(Bounds { query, ..Bounds::default() }).await;
    let answer = limited.server.send(limited.sql(long, Some(&limited.machine))).await;
    assert!(answer.status.is_success() && answer.body.is_err(), "a limit cuts the transfer");
    let ended = last_end(&limited).await;
    assert_eq!((&ended["complete"], &ended["stopped_by"]), (&json!(false), &json!("limit_rows")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_sent_whole_is_recorded_as_whole_and_a_part_by_its_share() {
    let city = City::without_data().await;
    let server = &city.server;
    let rows: String = (0..100).map(|n| format!("A{n:02},360481,某人,1.00,无\n")).collect();
    city.upload(&format!("case_no,county,person,amount,note\n{rows}")).await;
    let file = |path: &str| Call::get(format!("/datasets/{CODE}/{path}")).by(&city.machine);
    let whole = server.send(file("latest.csv")).await;
    let ended = last_end(&city).await;
    assert_eq!((&ended["complete"], &ended["rows"]), (&json!(true), &json!(100)));
    assert_eq!(ended["bytes"], json!(whole.bytes().len()));
    let tenth = format!("bytes=0-{}", whole.bytes().len() / 10 - 1);
    server.send(file("latest.csv").header("range", &tenth)).await.ok_bytes();
    for _ in 0..10_000 {
        if server.events("access_ended").len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(last_end(&city).await["rows"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waited_for_leaves_evidence() {
    let city = City::new().await;
    let ctx = city.server.operator(&[Role::Analyst]);
    let id = ctx.request_id.clone();
    let body = json!({"sql": "select count(*) from scjg.penalty"}).to_string();
    let mut request = ::http::Request::post("/api/v1/sql")
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    request.extensions_mut().insert(ctx);
    let answer = openapi_http::router(city.server.app.clone()).oneshot(request);
    tokio::select! {
        biased;
        _ = answer => panic!("a query ends at its first poll"),
        () = std::future::ready(()) => {}
    }
    for _ in 0..10_000 {
        if let Some(tried) = city.server.events("access_refused").pop() {
            assert_eq!((&tried["request_id"], &tried["code"]), (&json!(id), &json!("disconnected")));
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("no record")
}

/// The last end record, which is written when the stream ends, maybe after the client has seen its last byte.
async fn last_end(city: &City) -> Value {
    for _ in 0..10_000 {
        if let Some(end) = city.server.events("access_ended").pop() {
            return end;
        }
        tokio::task::yield_now().await;
    }
    panic!("no end record")
}

/// Checks the proofs of a receipt with an implementation that nobody here wrote, and the log's head over HTTP.
pub(super) fn proven(server: &Server, receipt: &Value) {
    let note = signed_note::Note::from_bytes(receipt["checkpoint"].as_str().unwrap().as_bytes()).unwrap();
    let key = signed_note::StandardVerifier::new(&server.evidence.key().to_string()).unwrap();
    note.verify(&signed_note::VerifierList::new(vec![Box::new(key)])).unwrap();
    let head = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    for (record, proof) in
        receipt["records"].as_array().unwrap().iter().zip(receipt["proofs"].as_array().unwrap())
    {
        let leaf = tlog_tiles::record_hash(&serde_json_canonicalizer::to_vec(record).unwrap());
        let path = proof["path"].as_array().unwrap().iter();
        let path = path.map(|step| tlog_tiles::Hash::parse_hash(step.as_str().unwrap()).unwrap()).collect();
        let index = proof["index"].as_u64().unwrap();
        tlog_tiles::check_record(&path, head.size(), *head.hash(), index, leaf).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_follows_the_log_from_head_to_head() {
    let city = City::new().await;
    let server = &city.server;
    let head = async || {
        let note = server.send(Call::get("/log/checkpoint")).await;
        assert!(note.header("content-type").starts_with("text/plain"));
        let note = signed_note::Note::from_bytes(note.ok_bytes()).unwrap();
        tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
    };
    server.evidence.checkpoint().unwrap();
    let old = head().await;
    server.send(city.sql("select case_no from scjg.penalty", Some(&city.machine))).await.ok();
    let before = format!("/log/proof/inclusion?index=0&size={}", old.size() + 1);
    assert_eq!(server.send(Call::get(before)).await.code(), "invalid_input", "beyond the newest checkpoint");
    server.evidence.checkpoint().unwrap();
    let new = head().await;
    assert!(new.size() > old.size());
    let path = format!("/log/proof/consistency?first={}&second={}", old.size(), new.size());
    let proof = server.send(Call::get(path)).await.ok();
    let steps = proof["path"].as_array().unwrap().iter();
    let steps = steps.map(|step| tlog_tiles::Hash::parse_hash(step.as_str().unwrap()).unwrap()).collect();
    tlog_tiles::check_tree(&steps, new.size(), *new.hash(), old.size(), *old.hash()).unwrap();
    for wrong in
        ["consistency?first=9&second=8", "inclusion?index=8&size=8", "inclusion?index=-1&size=8", "inclusion"]
    {
        assert_eq!(server.send(Call::get(format!("/log/proof/{wrong}"))).await.code(), "invalid_input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_request_is_kept_sealed_and_is_what_the_log_commits_to() {
    let city = City::new().await;
    let server = &city.server;
    let sql = "select case_no from scjg.penalty where county = '360481'";
    server.send(city.sql(sql, Some(&city.machine))).await.ok();
    server.send(city.sql("select nothing from scjg.penalty", Some(&city.machine))).await.code();
    for (kind, part) in [("access", "360481"), ("access_refused", "select nothing")] {
        let record = server.events(kind).pop().unwrap();
        let kept = server.app.vault.of_record(record["id"].as_str().unwrap()).unwrap();
        let asked = kept.iter().find(|kept| kept.of == Committed::Request).unwrap();
        assert!(String::from_utf8_lossy(&asked.text).contains(part));
        let commitment = record["request_commitment"].as_str().unwrap();
        assert!(exchange_ledger::opens(commitment, &asked.salt, asked.committed()));
    }
}
