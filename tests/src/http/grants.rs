//! Statistics-only grants at every door, and grants that undo each other.

use ::http::Method;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, resource};
use crate::support::server::Call;

/// Penalties of five people in two counties; 360402 has one of them alone.
const ROWS: &str = "case_no,county,person,amount,note\n\
    A1,360481,甲(合成),100.50,一\nA2,360402,乙(合成),20.00,二\nA3,360481,丙(合成),3.25,三\n\
    A4,360481,甲(合成),1.00,四\nA5,360481,丁(合成),2.00,五\n";

fn cells() -> Value {
    json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"}, "items": ["county"],
        "statistics": {"measures": ["amount"], "subject": "person", "min_group": 3},
        "purpose": "统计", "legal_basis": "统计法", "doors": ["api", "sql", "file"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_shows_cells_and_no_row() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    city.grant(&cells()).await;
    let server = &city.server;
    let get =
        |path: &str| server.send(Call::get(format!("/api/v1/resources/{CODE}/{path}")).by(&city.consumer));
    let cell = json!([{"county": "360481", "record_count": 4, "subject_count": 3, "amount_sum": 106.75}]);

    let by_sql = server.send(city.sql("select * from scjg.penalty", Some(&city.consumer))).await.ok();
    assert_eq!(by_sql["data"], cell, "360402 is about one person, and is no cell");
    for path in ["records", "records?county=360481", "records?limit=1&sort=-record_count", "preview"] {
        assert_eq!(get(path).await.ok()["data"], cell, "{path}");
    }
    assert_eq!(
        get("records?count=true").await.header("shuqiao-total"),
        "1",
        "cells are counted, and not rows"
    );
    assert_eq!(get("records?person=x").await.code(), "unknown_column");
    assert_eq!(get("records?note=x").await.code(), "unknown_column");
    let csv = server.send(Call::get(format!("/datasets/{CODE}/latest.csv")).by(&city.consumer)).await;
    assert_eq!(csv.text(), "county,record_count,subject_count,amount_sum\n360481,4,3,106.75\n");
    let manifest =
        server.send(Call::get(format!("/datasets/{CODE}/latest.manifest.json")).by(&city.consumer)).await;
    assert_eq!(
        (&manifest.ok()["rows"], manifest.text().contains("\"person\"")),
        (&json!(1), false),
        "{manifest:?}"
    );

    let schema = get("schema").await.ok();
    let columns: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(columns.len(), 4, "{columns:?}");
    let dictionary = get("dictionary").await.text();
    assert!(dictionary.contains("罚款金额合计") && !dictionary.contains("\"person\""), "{dictionary}");
    let versions = get("versions").await.ok();
    assert_eq!(versions[0]["rows"], json!(null), "how many rows there are is no cell");

    for sql in [
        "select person from scjg.penalty",
        "select amount from scjg.penalty",
        "select case_no from scjg.penalty",
    ] {
        assert_eq!(server.send(city.sql(sql, Some(&city.consumer))).await.code(), "unknown_column");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_are_of_the_newest_version_alone() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    city.grant(&cells()).await;
    let server = &city.server;
    let page = json!({"limit": 1});
    let path = format!("/api/v1/resources/{CODE}/records");
    let ask = |sql: &str| city.sql(sql, Some(&city.consumer));
    assert!(server.send(ask("select 1 from scjg.penalty version as of 1")).await.status.is_success());
    city.upload(&ROWS.replace("A5,360481", "A5,360402")).await;
    for old in ["version as of 1", "timestamp as of '2999-01-01'"] {
        let answer = server.send(ask(&format!("select * from scjg.penalty {old}"))).await;
        match old.starts_with("version") {
            true => assert_eq!(answer.code(), "not_granted"),
            false => assert_eq!(answer.ok()["data"], json!([]), "the newest, in which no county has three"),
        }
    }
    let old = json!({"limit": 1, "version": 1});
    assert_eq!(server.send(Call::post(&path, &old).by(&city.consumer)).await.code(), "not_granted");
    assert!(server.send(Call::post(&path, &page).by(&city.consumer)).await.status.is_success());
    let file = server.send(Call::get(format!("/datasets/{CODE}/1.csv")).by(&city.consumer)).await;
    assert_eq!(file.code(), "not_granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_undo_each_other_are_refused() {
    let city = City::without_data().await;
    // What names a case is shared under a condition: grants of it are for one purpose each.
    let mut conditional = resource();
    conditional["items"][0]["sharing"] = conditional["items"][2]["sharing"].clone();
    city.publish(&conditional).await;
    let make = async |terms: Value| match terms["kind"] == "public" {
        true => city.open(&terms).await,
        false => city.apply(&terms).await,
    };
    assert!(make(cells()).await.status.is_success());
    let mut finer = cells();
    (finer["items"], finer["purpose"]) = (json!(["county", "case_no"]), json!("其他统计"));
    let refused = make(finer.clone()).await;
    assert_eq!(refused.code(), "conflict", "the difference of two sorts of cells");
    assert!(refused.text().contains("differences"), "{}", refused.text());
    let bad = json!({"measures": ["case_no"], "subject": "nobody", "min_group": 1});
    let mut wrong = cells();
    wrong["statistics"] = bad;
    let refused = make(wrong).await.json();
    assert_eq!(refused["problems"].as_array().map(Vec::len), Some(3), "{refused}");

    let hidden = json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["county", "case_no"], "masks": {"case_no": {"mask": "pseudonym", "application": "a"}},
        "purpose": "比对", "legal_basis": "警察法", "doors": ["sql"],
    });
    let open = json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no"],
        "legal_basis": "条例", "doors": ["sql"],
    });
    assert!(make(hidden.clone()).await.status.is_success());
    let refused = make(open).await;
    assert_eq!(refused.code(), "conflict");
    assert!(refused.text().contains("case_no"), "{}", refused.text());

    // The provider's other dataset refers to the cases: its clear reference is the same identifier.
    let mut other = resource();
    (other["code"], other["sql_name"], other["title"]) =
        (json!("301001/000002"), json!("fines"), json!("罚款缴纳"));
    other["items"][0]["reference"] = json!({"resource": "301001/000001", "column": "case_no"});
    city.publish(&other).await;
    let clear = json!({
        "kind": "unconditional", "resource": "301001/000002", "grantee": {"department": "gaj"}, "items": ["case_no"],
        "legal_basis": "条例", "doors": ["sql"],
    });
    assert_eq!(make(clear.clone()).await.code(), "conflict");
    let grants = city.server.send(Call::new(Method::GET, "/api/v1/grants").by(&city.approver)).await.ok();
    let hidden = grants.as_array().unwrap().iter().find(|grant| grant["purpose"] == "比对").unwrap();
    let end = Call::post(
        format!("/api/v1/grants/{}/revoke", hidden["id"].as_str().unwrap()),
        &json!({"reason": "到期"}),
    );
    city.server.send(end.by(&city.approver)).await.ok();
    assert!(make(clear).await.status.is_success(), "what has ended undoes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_term_makes_no_grant() {
    let city = City::without_data().await;
    let mut terms = cells();
    terms["fliter"] = json!({"=": ["county", "360481"]});
    let refused = city.apply(&terms).await;
    assert_eq!(refused.code(), "invalid_input");
    assert!(refused.text().contains("`fliter`"), "{}", refused.text());
}
