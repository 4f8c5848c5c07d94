//! Substitutes 代办: a further role for a time.

use catalog_core::ports::Person;
use catalog_core::{Role, Timestamp};
use serde_json::{Value, json};

use crate::support::city::{City, departments};
use crate::support::server::Call;

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_substitute_decides_in_their_time_and_evidence_says_so() {
    let city = City::new_at(at("03-02T10:00")).await;
    let [scjg, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    let deputy = server.person("deputy", Some(&scjg), &[Role::DirectoryEditor]).await;
    server.person("sysadmin", None, &[Role::SystemAdministrator]).await;
    server.person("their-sysadmin", Some(&scjg), &[Role::SystemAdministrator]).await;
    let gone = Person {
        id: "gone".to_owned(),
        name: "gone".to_owned(),
        department: Some(scjg.id.clone()),
        roles: [Role::DirectoryEditor].into(),
        active: false,
    };
    server.services.put_person(&server.operator(&[Role::SecurityAdministrator]), &gone).await.unwrap();
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    });
    let whole = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    let part =
        city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok()["parts"][0].clone();

    let name = async |person: &str, role: &str, from: &str, until: &str| {
        let new = json!({"person": person, "role": role, "from": at(from).to_string(), "until": at(until).to_string(),
            "reason": "休假"});
        server.send(Call::post("/api/v1/substitutions", &new).by(&security)).await
    };
    // Roles that don't meet in one person, another's department, times that are over or without end.
    for (person, role, from, until, code) in [
        ("sysadmin", "approver", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("their-sysadmin", "approver", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("gone", "approver", "03-03T00:00", "03-05T00:00", "not_found"),
        ("officer", "approver", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "auditor", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "authority_officer", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "directory_editor", "03-03T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "approver", "03-01T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "approver", "03-05T00:00", "03-05T00:00", "invalid_input"),
        ("deputy", "approver", "03-03T00:00", "06-02T00:00", "invalid_input"),
        ("nobody", "approver", "03-03T00:00", "03-05T00:00", "not_found"),
        ("security", "approver", "03-03T00:00", "03-05T00:00", "forbidden"),
    ] {
        assert_eq!(name(person, role, from, until).await.code(), code, "{person} {role} {from} {until}");
    }
    let other = json!({"person": "deputy", "role": "approver", "until": at("03-05T00:00").to_string(), "reason": "休假"});
    let refused = server.send(Call::post("/api/v1/substitutions", &other).by(&city.approver)).await;
    assert_eq!(refused.code(), "forbidden");
    let named = name("deputy", "approver", "03-03T00:00", "03-05T00:00").await.ok();

    // An applicant who is made a substitute at home gains nothing against the provider.
    name("analyst", "approver", "03-03T00:00", "03-05T00:00").await.ok();
    let propose = json!({"event": "propose"});
    assert_eq!(city.act(&part, &propose, &deputy).await.code(), "forbidden", "not yet");
    server.set_clock(at("03-03T00:00"));
    assert_eq!(city.act(&part, &propose, &analyst).await.code(), "forbidden");
    city.act(&part, &propose, &deputy).await.ok();
    let grant = json!({"event": "grant"});
    assert_eq!(city.act(&part, &grant, &deputy).await.code(), "forbidden", "four eyes");
    assert_eq!(city.act(&part, &grant, &analyst).await.code(), "forbidden", "their own application");
    let events = server.events("changed");
    let of =
        |action: &str| -> &Value { events.iter().rev().find(|event| event["action"] == action).unwrap() };
    assert_eq!(of("matter.propose")["actor"]["substitutions"], json!([named["id"]]));
    assert_eq!(of("substitute.named")["actor"]["id"], "security");

    // It ends by itself, and before its time where it is ended.
    server.set_clock(at("03-05T00:00"));
    let refuse = json!({"event": "refuse", "reason": "不同意", "legal_basis": "条例"});
    assert_eq!(city.act(&part, &refuse, &deputy).await.code(), "forbidden", "over");
    let again = name("deputy", "approver", "03-05T00:00", "03-20T00:00").await.ok();
    let end = format!("/api/v1/substitutions/{}/end", again["id"].as_str().unwrap());
    server.send(Call::post(&end, &json!({})).by(&security)).await.ok();
    assert_eq!(server.send(Call::post(&end, &json!({})).by(&security)).await.code(), "illegal_state");
    assert_eq!(city.act(&part, &refuse, &deputy).await.code(), "forbidden", "ended");

    // Whoever moves to another department leaves the substitution behind.
    name("deputy", "approver", "03-05T00:00", "03-20T00:00").await.ok();
    let deputy = server.person("deputy", Some(&gaj), &[Role::DirectoryEditor]).await;
    server.send(Call::post("/api/v1/applications", &application).by(&deputy)).await.ok();
    let last = server.events("changed").into_iter().next_back().unwrap();
    assert_eq!(last["actor"]["id"], "deputy");
    assert_eq!(last["actor"]["substitutions"], json!(null), "{last}");
}
