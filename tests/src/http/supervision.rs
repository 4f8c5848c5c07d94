//! Supervision and assessment over HTTP, under a clock that the test moves.

use catalog_core::supervision::Assessment;
use catalog_core::{Role, Timestamp};
use datasets_store::jws;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, departments};
use crate::support::server::Call;

const MARCH: &str = "from=2026-03-01T00:00:00%2B08:00&until=2026-04-01T00:00:00%2B08:00";

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

/// A month in which an application is checked too late, and its data are read more often than was declared, at night.
async fn month() -> (City, SigningKey) {
    let city = City::new_at(at("03-02T10:00")).await;
    let [_, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "person"], "masks": {"person": {"mask": "null"}}, "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z", "calls_per_day": 1,
    });
    let whole = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    server.set_clock(at("03-06T09:00"));
    let step = |number: &Value| format!("/api/v1/matters/{}/steps", number.as_str().unwrap());
    let accept = Call::post(step(&whole["number"]), &json!({"event": "accept"})).by(&officer);
    let view = server.send(accept).await.ok();
    let second = server.person("second", Some(&departments()[0]), &[Role::Approver]).await;
    server.set_clock(at("03-09T09:00"));
    let part = step(&view["parts"][0]);
    server.send(Call::post(&part, &json!({"event": "propose"})).by(&city.approver)).await.ok();
    server.send(Call::post(&part, &json!({"event": "grant"})).by(&second)).await.ok();
    server.set_clock(at("03-10T22:00"));
    for _ in 0..2 {
        let sql = json!({"sql": "select case_no from scjg.penalty"});
        let call = Call::post("/api/v1/sql", &sql)
            .by(&city.consumer)
            .header("shuqiao-purpose", "%E5%8A%9E%E6%A1%88");
        server.send(call).await.ok();
    }
    server.set_clock(at("03-10T22:30"));
    (city, officer)
}

#[tokio::test(flavor = "multi_thread")]
async fn breaches_and_anomalies_name_their_evidence() {
    let (city, officer) = month().await;
    let server = &city.server;
    let address = format!("/api/v1/supervision?{MARCH}");
    let found = server.send(Call::get(&address).by(&officer)).await.ok();
    assert_eq!(found["breaches"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(
        (&found["breaches"][0]["limit"], &found["breaches"][0]["department"]),
        (&json!("formal_check"), &json!(null))
    );
    assert_eq!(found["anomalies"].as_array().unwrap().len(), 1, "{found}");
    let anomaly = &found["anomalies"][0];
    assert_eq!(
        (&anomaly["kind"], &anomaly["count"], &anomaly["threshold"]),
        (&json!("more_calls_than_declared"), &json!(2), &json!(1))
    );
    assert_eq!(
        found["lights"],
        json!([{"department": "scjg", "paused": 0, "green": 1, "yellow": 0, "red": 0}])
    );

    // What lies ahead is not judged: the delivery, due on 6 April, is not late yet.
    let ahead = "from=2026-03-01T00:00:00%2B08:00&until=2026-12-01T00:00:00%2B08:00";
    let found = server.send(Call::get(format!("/api/v1/supervision?{ahead}")).by(&officer)).await.ok();
    assert_eq!(
        (found["breaches"].as_array().unwrap().len(), &found["period"]["until"]),
        (1, &json!("2026-03-10T14:30:00Z"))
    );

    // The places are those of the accesses, as an auditor finds them.
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    let page =
        server.send(Call::get("/api/v1/evidence?action=access&department=gaj").by(&auditor)).await.ok();
    let places: Vec<_> = page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaf| json!({"epoch": leaf["epoch"], "index": leaf["index"]}))
        .collect();
    assert_eq!(anomaly["evidence"], json!(places));
    server.send(Call::get(&address).by(&auditor)).await.ok();
    for stranger in [Some(&city.approver), Some(&city.consumer), None] {
        let call = Call::get(&address);
        let call = match stranger {
            Some(key) => call.by(key),
            None => call,
        };
        assert_eq!(server.send(call).await.code(), "forbidden");
    }
    assert_eq!(
        server.events("changed").iter().filter(|event| event["action"] == "supervision.read").count(),
        3
    );
}

/// Evidence states what was declared, in canonical JSON: 2^53 + 1 has no exact form there.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_declares_more_than_evidence_can_state() {
    let city = City::new_at(at("03-02T10:00")).await;
    let analyst = city.server.person("analyst", Some(&departments()[1]), &[Role::Analyst]).await;
    for field in ["calls_per_day", "rows_per_day"] {
        let application = json!({
            "asks": [{"resource": "301001/000001", "items": ["case_no"], "doors": ["sql"]}],
            "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
            field: 9_007_199_254_740_993_u64,
        });
        let answer = city.server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await;
        assert_eq!((answer.code().as_str(), answer.text().contains(field)), ("invalid_input", true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assessment_is_computed_from_evidence_and_signed() {
    let (city, officer) = month().await;
    let server = &city.server;
    let address = format!("/api/v1/assessments?{MARCH}");
    server.set_clock(at("04-02T09:00"));
    let signed = server.send(Call::get(&address).by(&officer)).await.ok();
    let row = |name: &str| {
        let rows = signed["assessment"]["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == name).unwrap().clone()
    };
    let provider = row("scjg");
    assert_eq!((&provider["calls_served"], &provider["rows_served"]), (&json!(2), &json!(6)));
    assert_eq!(
        (&provider["mounted"], &provider["quality"]),
        (&json!({"part": 1, "of": 1}), &json!({"part": 3, "of": 3}))
    );
    // The decision was in time; the delivery, due on 6 April, has not ended.
    assert_eq!(
        (&provider["timely_answers"], &provider["refusals"]),
        (&json!({"part": 1, "of": 1}), &json!({"part": 0, "of": 1}))
    );
    assert_eq!(row("authority")["timely_answers"], json!({"part": 0, "of": 1}));

    let assessment: Assessment = serde_json::from_value(signed["assessment"].clone()).unwrap();
    let document = serde_json_canonicalizer::to_vec(&assessment).unwrap();
    let signature = signed["signature"].as_str().unwrap();
    let key = server.app.signer.public();
    jws::verify_detached(signature, &document, "shuqiao-assessment", &key).unwrap();
    assert!(jws::verify_detached(signature, &document[1..], "shuqiao-assessment", &key).is_err());

    // A year later the same log gives the same table.
    server.set_clock(at("12-31T09:00"));
    let again = server.send(Call::get(&address).by(&officer)).await.ok();
    assert_eq!(again["assessment"], signed["assessment"]);
    let sheet = server.send(Call::get(format!("{address}&format=xlsx")).by(&officer)).await;
    assert!(sheet.ok_bytes().starts_with(b"PK"));
    let backwards = "from=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z";
    let refused = server.send(Call::get(format!("/api/v1/assessments?{backwards}")).by(&officer)).await;
    assert_eq!(refused.code(), "invalid_input");
}
