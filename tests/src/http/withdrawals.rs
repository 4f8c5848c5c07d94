//! Withdrawn records: what is told of them, and what becomes of them when the key of a dataset changes.

use std::collections::BTreeSet;

use ::http::{Method, Request};
use axum::body::{Body, to_bytes};
use catalog_core::Timestamp;
use catalog_core::context::Channel;
use catalog_core::{OpContext, Role};
use exchange_auth::{operator_context, public_context};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{CODE, City, departments, resource};
use crate::support::server::Call;

const BREAKING: &str = "publish=true&breaking=true&reason=x";

/// Forty days from now, when announced changes are in effect.
fn later() -> Timestamp {
    Timestamp::now().plus_seconds(40 * 86_400)
}

/// A request in this process.
async fn ask(city: &City, ctx: OpContext, method: Method, path: &str, body: String) -> Value {
    let kind = if path.contains("/data?") { "text/csv" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ctx);
    let answer = openapi_http::router(city.server.app.clone()).oneshot(request).await.unwrap();
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The answer to a query of the public's, forty days from now.
async fn later_by_sql(city: &City, sql: &str) -> Value {
    let ctx = public_context(id(), Channel::Api, later());
    ask(city, ctx, Method::POST, "/api/v1/sql", json!({ "sql": sql }).to_string()).await
}

/// The city with an announced change of the key's column, reviewed, whose data say no more than the given rows.
async fn rekeyed(city: &City, changed: &Value, rows: &str) {
    let path = format!("/api/v1/resources/{CODE}");
    city.publish(changed).await;
    let [scjg, _] = departments();
    let zhao =
        operator_context("zhao", Some(&scjg), BTreeSet::from([Role::DataSteward]), id(), Timestamp::now());
    let address = format!("{path}/data?name=x.csv&{BREAKING}");
    let report = ask(city, zhao, Method::POST, &address, rows.to_owned()).await;
    assert_eq!(report["published"]["number"], 2, "{report}");
    city.server
        .send(Call::new(Method::POST, format!("{path}/versions/2/review")).by(&city.reviewer))
        .await
        .ok();
}

async fn act(city: &City, act: &str, body: Value) -> crate::support::server::Answer {
    let path = format!("/api/v1/resources/{CODE}/records/{act}");
    city.server.send(Call::post(path, &body).by(&city.machine)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_new_key_a_withdrawal_is_said_again_or_nothing_is_read() {
    let city = City::new().await;
    let server = &city.server;
    act(&city, "withdraw", json!({"keys": [["A2"]], "reason": "信用修复"})).await.ok();
    let mut renamed = resource();
    renamed["items"][0]["column"] = json!("file_no");
    renamed["items"][0]["title"] = json!("文号");
    renamed["key"] = json!(["file_no"]);
    let rows = "file_no,county,person,amount,note\nB1,360481,,1.00,\nB2,360402,,2.00,\nB3,360481,,3.00,\n";
    rekeyed(&city, &renamed, rows).await;

    // The data in effect still have the old key.
    let early = act(&city, "withdraw", json!({"keys": [["B3"]], "reason": "x"})).await;
    assert_eq!(early.code(), "invalid_input");
    assert!(early.text().contains("`case_no`") && !early.text().contains("B3"), "{}", early.text());
    let by_old = json!({"keys": [["A3"]], "columns": ["case_no"], "reason": "已更正"});
    act(&city, "withdraw", by_old).await.ok();

    let count = "select count(*) as n from scjg.penalty";
    assert_eq!(server.send(city.sql(count, None)).await.ok()["data"], json!([{"n": 1}]));
    let closed = later_by_sql(&city, count).await;
    assert_eq!(closed["code"], "withdrawn", "{closed}");
    let message = closed["detail"].as_str().unwrap();
    assert!(!message.contains("A2") && !message.contains("case_no"), "{message}");
    let tables = later_by_sql(&city, "select table_name from information_schema.tables").await;
    assert_eq!(tables["data"], json!([]), "{tables}");

    let acts = server.send(Call::get(format!("/api/v1/resources/{CODE}/records/acts"))).await.ok();
    let again = |act: usize, keys: Value| json!({"keys": keys, "reason": "换号", "again": acts[act]["id"]});
    assert_eq!(act(&city, "withdraw", json!({"keys": [], "reason": "x"})).await.code(), "invalid_input");
    let unknown = json!({"keys": [], "reason": "x", "again": "nothing"});
    assert_eq!(act(&city, "withdraw", unknown).await.code(), "not_found");
    act(&city, "withdraw", again(0, json!([["B2"]]))).await.ok();
    assert_eq!(later_by_sql(&city, count).await["code"], "withdrawn", "one is still to be said");
    act(&city, "withdraw", again(1, json!([]))).await.ok();
    assert_eq!(later_by_sql(&city, count).await["data"], json!([{"n": 2}]));
    let past = later_by_sql(&city, &format!("{count} version as of 1")).await;
    assert_eq!(past["data"], json!([{"n": 1}]), "the old version hides by the old key: {past}");

    let back = |columns: Value| json!({"keys": [["A2"]], "columns": columns, "reason": "已更正"});
    assert_eq!(act(&city, "reinstate", back(json!(null))).await.code(), "invalid_input");
    act(&city, "reinstate", back(json!(["case_no"]))).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_that_does_not_fit_a_new_type_is_in_no_row() {
    let city = City::new().await;
    act(&city, "withdraw", json!({"keys": [["A2"]], "reason": "信用修复"})).await.ok();
    let mut retyped = resource();
    retyped["items"][0]["type"] = json!({"kind": "I", "length": 0});
    rekeyed(&city, &retyped, "case_no,county,person,amount,note\n1,360481,,1.00,\n2,360402,,2.00,\n").await;
    let count = "select count(*) as n from scjg.penalty";
    let seen = later_by_sql(&city, count).await;
    assert_eq!(seen["data"], json!([{"n": 2}]), "{seen}");
    let unfit = act(&city, "withdraw", json!({"keys": [["2"], ["秘密"]], "reason": "x"})).await;
    assert_eq!(unfit.code(), "invalid_input");
    assert!(!unfit.text().contains("秘密") && unfit.text().contains("record 2"), "{}", unfit.text());
    act(&city, "withdraw", json!({"keys": [["2"]], "reason": "信用修复"})).await.ok();
    assert_eq!(later_by_sql(&city, count).await["data"], json!([{"n": 1}]));
    assert_eq!(city.server.send(city.sql(count, None)).await.ok()["data"], json!([{"n": 2}]));
    let tables = later_by_sql(&city, "select table_name from information_schema.tables").await;
    assert_eq!(tables["data"], json!([{"table_name": "penalty"}]), "{tables}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_learns_why_records_are_gone_and_nobody_how_many_are_hidden() {
    let city = City::without_data().await;
    let server = &city.server;
    let mut open = resource();
    open["items"].as_array_mut().unwrap().retain(|item| item["opening"]["type"] == "open");
    city.publish(&open).await;
    city.upload("case_no,county,amount\nA1,360481,1\nA2,360402,2\n").await;
    city.grant(&json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "条例", "doors": ["api", "sql", "file"],
    }))
    .await;
    let path = format!("/api/v1/resources/{CODE}");
    let version = async |by| {
        let call = Call::get(format!("{path}/versions"));
        let call = if by { call.by(&city.machine) } else { call };
        server.send(call).await.ok()[0].clone()
    };
    assert_eq!(version(false).await["rows"], 2, "who sees all may know how many there are");
    act(&city, "withdraw", json!({"keys": [["A2"]], "reason": "信用修复"})).await.ok();
    let seen = version(false).await;
    assert_eq!((&seen["rows"], &seen["manifest_digest"]), (&json!(null), &json!(null)));
    assert_eq!(version(true).await["rows"], 2);
    let acts = server.send(Call::get(format!("{path}/records/acts"))).await;
    assert!(!acts.text().contains("A2"), "{}", acts.text());
    let acts = acts.ok();
    assert_eq!((&acts[0]["act"], &acts[0]["reason"]), (&json!("withdraw"), &json!("信用修复")));
    assert!(acts[0].get("records").is_none() && acts[0].get("columns").is_none(), "{acts}");
    let own = server.send(Call::get(format!("{path}/records/acts")).by(&city.machine)).await.ok();
    assert_eq!((&own[0]["records"], &own[0]["columns"]), (&json!(1), &json!(["case_no"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_hides_no_row_without_a_value() {
    let city = City::new().await;
    city.upload(
        "case_no,county,person,amount,note\nA1,360481,张三(合成),1.00,\nA2,360481,李四(合成),2.00,误\n",
    )
    .await;
    let said = json!({"keys": [["误"]], "columns": ["note"], "reason": "录入错误"});
    act(&city, "withdraw", said).await.ok();
    let left = city.sql("select case_no from scjg.penalty", Some(&city.machine));
    assert_eq!(city.server.send(left).await.ok()["data"], json!([{"case_no": "A1"}]));
}
