//! References into another department's data: checked under a grant for verification, and otherwise not at all.

use std::sync::atomic::Ordering;

use ::http::Method;
use catalog_core::Role;
use serde_json::{Value, json};

use crate::support::city::{City, departments, resource};
use crate::support::server::{Answer, Call};

const CODE: &str = "301002-000001";
const ROWS: &str = "case_no,county,person,amount,note\n\
    A1,360481,甲(合成),1,\nA3,360481,乙(合成),1,\nX9,360481,丙(合成),1,\n";

/// The consumer's own resource, whose cases are those of the provider.
async fn with_reference() -> City {
    let city = City::new().await;
    let [_, gaj] = departments();
    let editor = city.server.person("gaj-editor", Some(&gaj), &[Role::DirectoryEditor]).await;
    let reviewer = city.server.person("gaj-reviewer", Some(&gaj), &[Role::Reviewer]).await;
    let mut own = resource();
    (own["code"], own["sql_name"], own["title"]) = (json!("301002/000001"), json!("cases"), json!("案件"));
    own["provider"] = json!("gaj");
    own["items"][0]["reference"] = json!({"resource": "301001/000001", "column": "case_no"});
    city.publish_by(&own, &editor, &reviewer).await;
    city
}

async fn upload(city: &City, query: &str) -> Answer {
    let path = format!("/api/v1/resources/{CODE}/data?name=rows.csv&{query}");
    city.server.send(Call::new(Method::POST, path).body(ROWS, "text/csv").by(&city.consumer)).await
}

fn verification(doors: &Value) -> Value {
    json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "person"],
        "purpose": "核验", "legal_basis": "警察法", "doors": doors,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_for_verification_nothing_is_checked_or_told() {
    let city = with_reference().await;
    let unchecked = async || {
        let report = upload(&city, "threshold=0").await.ok();
        assert_eq!(report["quality"]["unchecked_references"], json!(["case_no"]), "{report}");
        assert_eq!(report["quality"]["rows_accepted"], 3);
    };
    let reads = || city.server.events("access").len() + city.server.events("access_started").len();
    let before = reads();
    unchecked().await;
    // To read is not to verify, and a mask would answer wrongly.
    city.grant(&verification(&json!(["api", "sql", "file"]))).await;
    unchecked().await;
    let mut masked = verification(&json!(["verification"]));
    masked["masks"] = json!({"case_no": {"mask": "keep_first", "count": 1}});
    masked["purpose"] = json!("核验三");
    city.grant(&masked).await;
    unchecked().await;
    assert_eq!(reads(), before, "what was not read leaves no record of a read");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_grant_for_verification_dangling_references_are_set_aside_with_evidence() {
    let city = with_reference().await;
    let grant = city.grant(&verification(&json!(["verification"]))).await;
    let report = upload(&city, "threshold=0.5").await.ok();
    assert_eq!(report["quality"]["unchecked_references"], json!([]), "{report}");
    assert_eq!(
        (&report["quality"]["rows_accepted"], &report["quality"]["rows_quarantined"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(report["quality"]["rules"][0]["rule"], "reference");
    let read = city.server.events("access_started").pop().unwrap();
    assert_eq!(read["sources"][0]["grant"], grant["id"], "{read}");
    assert_eq!(read["sources"][0]["resource"], "301001/000001");
    let ended = city.server.events("access_ended").pop().unwrap();
    assert_eq!((&ended["request_id"], &ended["complete"]), (&read["request_id"], &json!(true)));

    assert_eq!(upload(&city, "threshold=0.1").await.code(), "quality_threshold");
    let read = city.server.events("access_started").pop().unwrap();
    let told = city.server.events("access_refused").pop().unwrap();
    assert_eq!((&told["request_id"], &told["code"]), (&read["request_id"], &json!("quality_threshold")));
    assert_eq!(told["sources"][0]["grant"], grant["id"], "a refusal tells, too: {told}");

    let objects = city.server.objects().len();
    city.server.evidence_fails.store(true, Ordering::SeqCst);
    assert_eq!(upload(&city, "threshold=1").await.code(), "evidence_unavailable");
    city.server.evidence_fails.store(false, Ordering::SeqCst);
    assert_eq!(city.server.objects().len(), objects, "nothing was done with what can't be recorded");
    let sql = city
        .sql("select case_no from scjg.penalty where case_no = 'A1' and county = '1'", Some(&city.consumer));
    assert!(city.server.send(sql).await.status.is_success(), "what is public stays public");

    let mut narrow = verification(&json!(["verification"]));
    narrow["filter"] = json!({"=": ["county", "360402"]});
    narrow["purpose"] = json!("核验二");
    city.grant(&narrow).await;
    let report = upload(&city, "threshold=1").await.ok();
    assert_eq!(
        report["quality"]["unchecked_references"],
        json!(["case_no"]),
        "two grants, and no purpose chooses"
    );
}
