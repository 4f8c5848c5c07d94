//! Departments that continue others 机构改革, by a date.

use catalog_core::directory::Department;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, department};
use crate::support::server::{Answer, Call};

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

/// The city on Monday, the second of March, with two departments that will continue its own.
async fn city() -> (City, [Department; 2], SigningKey) {
    let city = City::new_at(at("03-02T10:00")).await;
    let sjj = department("sjj", "九江市市场和数据局", "11360400MD0000003X");
    let zfw = department("zfw", "九江市政法委员会", "11360400ME0000004X");
    city.server.department(&sjj).await;
    city.server.department(&zfw).await;
    let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
    (city, [sjj, zfw], officer)
}

async fn succeed(city: &City, old: &str, new: &str, from: &str, by: &SigningKey) -> Answer {
    let heir = json!({"successor": new, "from": at(from).to_string(), "basis": "机构改革方案"});
    city.server.send(Call::post(format!("/api/v1/departments/{old}/succession"), &heir).by(by)).await
}

async fn ask(city: &City, sql: &str, by: &SigningKey) -> Answer {
    city.server.send(city.sql(sql, Some(by))).await
}

const OLD_NAME: &str = "select case_no, person from scjg.penalty order by case_no";
const NEW_NAME: &str = "select case_no, person from sjj.penalty order by case_no";

#[tokio::test(flavor = "multi_thread")]
async fn data_grants_matters_and_evidence_find_the_successor() {
    let (city, [sjj, zfw], officer) = city().await;
    let server = &city.server;
    let analyst =
        server.person("analyst", Some(&crate::support::city::departments()[1]), &[Role::Analyst]).await;
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    });
    let whole = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    let part =
        city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok()["parts"][0].clone();

    assert_eq!(succeed(&city, "scjg", "sjj", "03-05T00:00", &city.approver).await.code(), "forbidden");
    assert_eq!(succeed(&city, "scjg", "sjj", "03-01T00:00", &officer).await.code(), "invalid_input");
    assert_eq!(succeed(&city, "scjg", "nobody", "03-05T00:00", &officer).await.code(), "not_found");
    succeed(&city, "scjg", "sjj", "03-05T00:00", &officer).await.ok();
    succeed(&city, "gaj", "zfw", "03-10T00:00", &officer).await.ok();
    assert_eq!(succeed(&city, "scjg", "zfw", "03-05T00:00", &officer).await.code(), "conflict");
    assert_eq!(
        succeed(&city, "sjj", "scjg", "03-06T00:00", &officer).await.code(),
        "invalid_input",
        "a ring"
    );

    // Up to the date everything is as it was.
    let machine = server.machine(&sjj).await;
    server.set_clock(at("03-04T23:59"));
    ask(&city, OLD_NAME, &city.machine).await.ok();
    assert_eq!(ask(&city, OLD_NAME, &machine).await.code(), "not_granted");

    // From the date on the old keys and people can't act, and what was theirs is the successor's, under both names.
    server.set_clock(at("03-05T00:00"));
    for old in [&city.machine, &city.editor, &city.approver] {
        let refused = ask(&city, OLD_NAME, old).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (401, "unauthenticated"),
            "{}",
            refused.text()
        );
    }
    for name in [OLD_NAME, NEW_NAME] {
        assert_eq!(ask(&city, name, &machine).await.ok()["data"].as_array().unwrap().len(), 3);
    }
    let first = server.person("first", Some(&sjj), &[Role::Approver]).await;
    let second = server.person("second", Some(&sjj), &[Role::Approver]).await;
    let list = server.send(Call::get("/api/v1/matters").by(&first)).await.ok();
    assert_eq!(list[0]["number"], part);
    city.act(&part, &json!({"event": "propose"}), &first).await.ok();
    assert_eq!(city.act(&part, &json!({"event": "grant"}), &first).await.code(), "forbidden", "four eyes");
    city.act(&part, &json!({"event": "grant"}), &second).await.ok();
    city.act(&part, &json!({"event": "deliver"}), &first).await.ok();
    ask(&city, NEW_NAME, &city.consumer).await.ok();

    // A grant goes on with its holder's successor.
    let heir = server.machine(&zfw).await;
    assert_eq!(ask(&city, NEW_NAME, &heir).await.code(), "not_granted", "not yet");
    server.set_clock(at("03-10T00:00"));
    assert_eq!(ask(&city, NEW_NAME, &city.consumer).await.code(), "unauthenticated");
    assert_eq!(ask(&city, OLD_NAME, &heir).await.ok()["data"].as_array().unwrap().len(), 3);
    let grants = server.send(Call::get("/api/v1/grants").by(&heir)).await.ok();
    assert_eq!(grants.as_array().unwrap().len(), 1);

    // Evidence and assessment find the successor too, and say so.
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    let found = server.send(Call::get("/api/v1/evidence?department=sjj&limit=1000").by(&auditor)).await.ok();
    assert_eq!(found["predecessors"], json!(["scjg"]));
    let whose = |record: &Value| record["record"]["actor"]["department"].as_str().unwrap().to_owned();
    let mut whose: Vec<_> = found["records"].as_array().unwrap().iter().map(whose).collect();
    whose.dedup();
    assert_eq!(whose, ["scjg", "sjj"]);
    let period =
        |until: &str| format!("/api/v1/assessments?from=2026-03-01T00:00:00Z&until=2026-{until}T16:00:00Z");
    let rows = async |until: &str| -> Vec<String> {
        let table = server.send(Call::get(period(until)).by(&officer)).await.ok();
        let rows = table["assessment"]["departments"].as_array().unwrap().clone();
        rows.iter().map(|row| row["department"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rows("03-04").await, ["authority", "scjg"], "up to the date");
    assert_eq!(rows("03-31").await, ["authority", "sjj"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merger_that_undoes_a_pseudonym_is_refused() {
    let (city, _, officer) = city().await;
    let grant = city
        .grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "person"], "masks": {"person": {"mask": "pseudonym", "application": "research"}},
            "purpose": "研究", "legal_basis": "统计法", "doors": ["sql"],
        }))
        .await;
    let refused = succeed(&city, "gaj", "scjg", "03-05T00:00", &officer).await;
    assert_eq!(refused.code(), "conflict", "{}", refused.text());
    assert!(refused.text().contains(grant["id"].as_str().unwrap()), "it names the grant: {}", refused.text());
    // Neither does a way around: both into a third.
    succeed(&city, "gaj", "zfw", "03-05T00:00", &officer).await.ok();
    assert_eq!(succeed(&city, "scjg", "zfw", "03-06T00:00", &officer).await.code(), "conflict");
    let id = grant["id"].as_str().unwrap();
    let end =
        Call::post(format!("/api/v1/grants/{id}/revoke"), &json!({"reason": "机构改革"})).by(&city.approver);
    city.server.send(end).await.ok();
    succeed(&city, "scjg", "zfw", "03-06T00:00", &officer).await.ok();
}
