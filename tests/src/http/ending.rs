//! What ends while a request is under way: terms, grants, versions, records.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::Body;
use catalog_core::evidence::SourceRead;
use catalog_core::{Role, Timestamp};
use exchange_auth::operator_context;
use futures::FutureExt as _;
use futures::channel::mpsc;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{CODE, City, departments};
use crate::support::server::Call;

/// A bound on what comes at once, or never.
const NEVER: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_term_that_ends_while_the_request_arrives_is_over() {
    let start = Timestamp::now();
    let city = City::new_at(start).await;
    city.grant(&json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no"],
        "valid_until": start.plus_seconds(60), "legal_basis": "条例", "doors": ["sql"],
    }))
    .await;
    for (seconds, status) in [(59, StatusCode::OK), (61, StatusCode::FORBIDDEN)] {
        city.server.set_clock(start);
        let (sender, body) = mpsc::unbounded::<Result<String, Infallible>>();
        let request = Request::post("/api/v1/sql").header("content-type", "application/json");
        let request = request.body(Body::from_stream(body)).unwrap();
        let mut answer = pin!(openapi_http::router(city.server.app.clone()).oneshot(request));
        assert!(futures::poll!(answer.as_mut()).is_pending(), "the body is still to come");
        city.server.set_clock(start.plus_seconds(seconds));
        let sql = json!({"sql": "select case_no from scjg.penalty"}).to_string();
        sender.unbounded_send(Ok(sql)).unwrap();
        drop(sender);
        assert_eq!(answer.await.unwrap().status(), status, "after {seconds} seconds");
    }
}

/// What a read of the consumer's has opened under its grant.
async fn read(city: &City) -> Vec<SourceRead> {
    let preview = Call::get(format!("/api/v1/resources/{CODE}/preview")).by(&city.consumer);
    city.server.send(preview).await.ok();
    let sources = city.server.events("access").pop().unwrap()["sources"].clone();
    serde_json::from_value(sources).unwrap()
}

fn revocation(grant: &Value) -> String {
    format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_cut_whether_or_not_it_can_be_told() {
    let city = City::new().await;
    let grant = city.conditional_grant().await;
    let server = &city.server;
    let sources = read(&city).await;
    let path = format!("/api/v1/resources/{CODE}");
    let reason = json!({"reason": "数据有误"});
    let records = json!({"keys": [["A2"]], "reason": "信用修复"});
    let acts = [
        (format!("{path}/records/withdraw"), &records, &city.machine),
        (format!("{path}/versions/1/withdraw"), &reason, &city.machine),
        (revocation(&grant), &reason, &city.approver),
    ];
    for (path, body, by) in &acts {
        let mut watch = server.app.revocations.watch();
        server.evidence_fails.store(true, Ordering::SeqCst);
        let answer = server.send(Call::post(path, body).by(by)).await;
        server.evidence_fails.store(false, Ordering::SeqCst);
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(watch.cut(&sources).now_or_never().is_some(), "{path}");
    }
    for (path, body, by) in &acts[1..] {
        let mut watch = server.app.revocations.watch();
        assert_eq!(server.send(Call::post(path, body).by(by)).await.code(), "illegal_state", "{path}");
        assert!(watch.cut(&sources).now_or_never().is_some(), "{path} again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_whole_though_nobody_waits_for_it() {
    let city = City::new().await;
    let grant = city.conditional_grant().await;
    let sources = read(&city).await;
    let [scjg, _] = departments();
    let id = uuid::Uuid::now_v7().to_string();
    let ctx = operator_context("li", Some(&scjg), BTreeSet::from([Role::Approver]), id, city.server.now());
    let request = Request::post(revocation(&grant)).header("content-type", "application/json");
    let mut request = request.body(Body::from(json!({"reason": "用途结束"}).to_string())).unwrap();
    request.extensions_mut().insert(ctx);
    let mut watch = city.server.app.revocations.watch();
    {
        let mut answer = pin!(openapi_http::router(city.server.app.clone()).oneshot(request));
        assert!(futures::poll!(answer.as_mut()).is_pending(), "it is stored in its first poll");
    }
    tokio::time::timeout(NEVER, watch.cut(&sources))
        .await
        .expect("the client's going left the grant in force");
}
