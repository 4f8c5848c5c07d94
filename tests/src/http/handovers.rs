//! Resources that are handed over 职能划转, and what stands in the way of it.

use catalog_core::Role;
use catalog_core::directory::Department;
use catalog_core::evidence::SourceRead;
use exchange_crypto::SigningKey;
use futures::FutureExt as _;
use http::Method;
use serde_json::{Value, json};

use super::successions::{OLD_NAME, ask, at, city, confirm, propose};
use crate::support::city::{City, departments, resource};
use crate::support::server::{Answer, Call};

/// The first resource goes to that department on that day.
fn handover(successor: &str, from: &str) -> Value {
    json!({"successor": successor, "from": at(from).to_string(), "basis": "职能划转", "resources": ["301001/000001"]})
}

/// All of the department goes to that one on that day.
fn whole(successor: &str, from: &str) -> Value {
    json!({"successor": successor, "from": at(from).to_string(), "basis": "机构改革方案"})
}

/// Proposed by the officer for the provider, and confirmed by a second one.
async fn confirmed(city: &City, heir: &Value, officer: &SigningKey) -> Value {
    let proposed = propose(city, "scjg", heir, officer).await.ok();
    let second = city.server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    confirm(city, &proposed, &second).await.ok()
}

async fn cancel(city: &City, succession: &Value, by: &SigningKey) -> Answer {
    let path = format!("/api/v1/successions/{}/cancel", succession["id"].as_str().unwrap());
    city.server.send(Call::post(path, &json!({"reason": "方案调整"})).by(by)).await
}

/// A round of the operator's clock at a time: how many could not be carried out.
async fn round(city: &City, time: &str) -> usize {
    city.server.set_clock(at(time));
    city.server.services.hand_over(&city.server.operator(&[])).await.unwrap().len()
}

async fn provider(city: &City) -> Value {
    city.server.send(Call::get("/api/v1/resources/301001-000001")).await.ok()["provider"].clone()
}

/// A second resource of the provider, or one of another department's, under other names but for those that are given.
fn other(code: &str, provider: &str, names: [&str; 2]) -> Value {
    let mut other = resource();
    let [sql_name, title] = names;
    for (field, value) in [("code", code), ("provider", provider), ("sql_name", sql_name), ("title", title)] {
        other[field] = json!(value);
    }
    other
}

/// The department enters a table under the name of the one that is to come to it.
async fn takes_the_name(city: &City, of: &Department) {
    let roles = [Role::DirectoryEditor, Role::DataSteward];
    let editor = city.server.person("their-editor", Some(of), &roles).await;
    let reviewer = city.server.person("their-reviewer", Some(of), &[Role::Reviewer]).await;
    let theirs = other("301001/000003", of.id.as_str(), ["penalty", "市场检查信息"]);
    city.publish_by(&theirs, &editor, &reviewer).await;
}

fn count(city: &City, action: &str) -> usize {
    city.server.events("changed").iter().filter(|event| event["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_free_where_a_table_comes_to() {
    let (city, [sjj, _], officer) = city().await;
    let second = city.server.person("second", None, &[Role::AuthorityOfficer]).await;
    let proposed = propose(&city, "scjg", &handover("sjj", "03-05T00:00"), &officer).await.ok();
    takes_the_name(&city, &sjj).await;
    for refused in [
        propose(&city, "scjg", &handover("sjj", "03-06T00:00"), &officer).await,
        confirm(&city, &proposed, &second).await,
    ] {
        assert_eq!(refused.code(), "conflict", "{}", refused.text());
        assert!(refused.text().contains("`penalty` is a name of 301001/000003 at sjj"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_carried_out_on_its_day_is_called_off_and_what_was_is_not() {
    let (city, [sjj, _], officer) = city().await;
    let plan = confirmed(&city, &handover("sjj", "03-05T00:00"), &officer).await;
    takes_the_name(&city, &sjj).await;
    for time in ["03-05T00:00", "03-05T10:00"] {
        assert_eq!(round(&city, time).await, 1, "tried again");
    }
    assert_eq!(provider(&city).await, "scjg");
    cancel(&city, &plan, &officer).await.ok();
    assert_eq!(round(&city, "03-05T11:00").await, 0);
    ask(&city, OLD_NAME, &city.machine).await.ok();
    assert_eq!(count(&city, "resource.handed_over"), 0);

    let plan = confirmed(&city, &handover("zfw", "03-06T00:00"), &officer).await;
    assert_eq!(round(&city, "03-06T00:00").await, 0);
    assert_eq!(provider(&city).await, "zfw");
    assert_eq!(cancel(&city, &plan, &officer).await.code(), "illegal_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_ends_when_nothing_of_it_is_still_to_be_handed_over() {
    let (city, _, officer) = city().await;
    confirmed(&city, &handover("sjj", "03-05T00:00"), &officer).await;
    for day in ["03-04T00:00", "03-10T00:00"] {
        let refused = propose(&city, "scjg", &whole("zfw", day), &officer).await;
        assert_eq!(refused.code(), "conflict", "{}", refused.text());
        assert!(refused.text().contains("to sjj on 2026-03-05"), "{}", refused.text());
    }
    assert_eq!(round(&city, "03-05T00:00").await, 0);
    confirmed(&city, &whole("zfw", "03-10T00:00"), &officer).await;
    // What has an end has one, and nothing to hand over behind it.
    for heir in [whole("sjj", "03-09T00:00"), handover("sjj", "03-12T00:00")] {
        let refused = propose(&city, "scjg", &heir, &officer).await;
        assert_eq!(refused.code(), "conflict", "{}", refused.text());
        assert!(refused.text().contains("has a successor already: zfw"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_handovers_of_a_resource_the_earlier_is_carried_out() {
    let (city, _, officer) = city().await;
    confirmed(&city, &handover("sjj", "03-10T00:00"), &officer).await;
    confirmed(&city, &handover("zfw", "03-05T00:00"), &officer).await;
    assert_eq!(round(&city, "03-05T00:00").await, 0);
    assert_eq!(round(&city, "03-10T00:00").await, 0);
    assert_eq!(provider(&city).await, "zfw", "it was no longer the giver's to give");
    assert_eq!((count(&city, "succession.carried_out"), count(&city, "resource.handed_over")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_moves_no_more_matters_than_it_must_and_cuts_who_reads() {
    let (city, _, officer) = city().await;
    let server = &city.server;
    let [scjg, gaj] = departments();
    city.publish(&other("301001/000002", "scjg", ["licence", "营业执照"])).await;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let second = server.person("second-approver", Some(&scjg), &[Role::Approver]).await;
    let asked = |code: &str| json!({"resource": code, "items": ["case_no", "person"], "doors": ["sql"]});
    let apply = async |purpose: &str, asks: Value| -> Value {
        let application = json!({
            "asks": asks, "purpose": purpose, "legal_basis": "人民警察法 第六条",
            "valid_until": "2026-06-30T16:00:00Z",
        });
        let opened = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
        let accept = json!({"event": "accept"});
        city.act(&opened["number"], &accept, &officer).await.ok()["parts"][0].clone()
    };
    let (one, two) = (asked("301001/000001"), asked("301001/000002"));
    // One asks for both and got what stays; the other was about what goes, and is over.
    let granted = apply("办案", json!([one, two])).await;
    let ended = apply("核查", json!([one])).await;
    city.act(&granted, &json!({"event": "propose"}), &city.approver).await.ok();
    let in_part = json!({
        "event": "grant_in_part", "reason": "另一项暂不提供", "legal_basis": "政务数据共享条例", "asks": [two],
    });
    city.act(&granted, &in_part, &second).await.ok();
    city.act(&ended, &json!({"event": "withdraw"}), &analyst).await.ok();

    let preview = Call::get("/api/v1/resources/301001-000001/preview");
    server.send(preview.by(&city.machine)).await.ok();
    let sources = server.events("access").pop().unwrap()["sources"].clone();
    let sources: Vec<SourceRead> = serde_json::from_value(sources).unwrap();
    confirmed(&city, &handover("sjj", "03-05T00:00"), &officer).await;
    server.set_clock(at("03-05T00:00"));
    let mut watch = server.app.revocations.watch();
    let failed = server.app.services.hand_over(&server.operator(&[])).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(watch.cut(&sources).now_or_never().is_some(), "who reads it as their own does so no longer");
    assert_eq!(provider(&city).await, "sjj");
    assert_eq!((count(&city, "matter.handed_over"), count(&city, "matter.adjusted")), (0, 0));
    for number in [&granted, &ended] {
        let path = format!("/api/v1/matters/{}", number.as_str().unwrap());
        let stays = server.send(Call::get(path).by(&city.approver)).await.ok();
        assert_eq!(stays["handler"]["department"], "scjg", "{stays}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_giver_left_unfinished_stands_in_nobodys_way() {
    let (city, [sjj, _], officer) = city().await;
    let server = &city.server;
    let heir = server.person("heir", Some(&sjj), &[Role::DirectoryEditor]).await;
    let path = "/api/v1/unfinished/301001-000001";
    let keep = async |title: &str, by: &SigningKey| {
        let body = json!({"revision": 5, "fields": {"d-0-7": title}});
        server.send(Call::new(Method::PUT, path).json(&body).by(by)).await
    };
    keep("改到一半", &city.editor).await.ok();
    confirmed(&city, &handover("sjj", "03-05T00:00"), &officer).await;
    assert_eq!(round(&city, "03-05T00:00").await, 0);
    assert_eq!(keep("原单位再改", &city.editor).await.code(), "not_found");
    let left = Call::get("/desk/directory/unfinished/301001-000001").by(&city.editor);
    server.send(left).await.ok_bytes();
    keep("新单位改", &heir).await.ok();
    let kept = server.send(Call::get(path).by(&heir)).await.ok();
    assert_eq!(kept["fields"]["d-0-7"], "新单位改");
    assert_eq!(server.send(Call::get(path).by(&city.editor)).await.code(), "not_found");
}
