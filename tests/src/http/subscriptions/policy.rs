//! One policy: each is told of what the other doors show them at that moment, and of nothing else.

use std::collections::BTreeMap;

use catalog_core::{Channel, Role};
use exchange_auth::public_context;
use exchange_crypto::SigningKey;
use http::Method;
use serde_json::{Value, json};

use super::{Desk, SUBSCRIPTIONS, dataset};
use crate::http::openings::{IDENTITY, rows, step, waiting};
use crate::http::successions::{confirm, propose};
use crate::support::city::{CODE, City, ROWS, department, pass, resource};
use crate::support::server::Call;

const CLOSED: &str = "302001-000001";

/// An entry that is not open at all.
fn closed() -> Value {
    let mut closed = resource();
    (closed["code"], closed["sql_name"]) = (json!("302001/000001"), json!("closed"));
    closed["title"] = json!("内部线索");
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    closed
}

/// The numbers of the versions that somebody sees at the door of the API.
async fn seen(city: &City, code: &str, by: Option<&SigningKey>) -> Vec<i64> {
    let call = Call::get(format!("/api/v1/resources/{code}/versions"));
    let call = match by {
        Some(key) => call.by(key),
        None => call,
    };
    let answer = city.server.send(call).await;
    if !answer.status.is_success() {
        return Vec::new();
    }
    let mut numbers: Vec<_> =
        answer.json().as_array().unwrap().iter().map(|version| version["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// What was told at each path in rounds until nothing is left: kind, dataset, version.
async fn told(desk: &mut Desk) -> BTreeMap<String, Vec<(String, String, Option<i64>)>> {
    let mut told = BTreeMap::<_, Vec<_>>::new();
    loop {
        let (arrived, waiting, given_up) = desk.round().await;
        assert_eq!((waiting, given_up), (0, 0));
        if arrived == 0 {
            break;
        }
        for _ in 0..arrived {
            let event = desk.receiver.next();
            let kind = event["type"].as_str().unwrap();
            let kind = kind.trim_start_matches("cn.shuqiao.dataset.").trim_end_matches(".v1");
            let dataset = event["subject"].as_str().unwrap().replace('/', "-");
            let path = event["path"].as_str().unwrap().trim_start_matches('/').to_owned();
            told.entry(path).or_default().push((kind.to_owned(), dataset, event["data"]["version"].as_i64()));
        }
    }
    told.values_mut().for_each(|list| list.sort());
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_told_of_what_the_other_doors_show() {
    let mut desk = Desk::new().await;
    desk.city.conditional_grant().await;
    desk.city.publish(&closed()).await;
    desk.city.upload_to(CLOSED, ROWS).await;
    for (path, by) in
        [("developer", &desk.developer), ("consumer", &desk.city.consumer), ("provider", &desk.city.machine)]
    {
        desk.subscribe(json!({"search": {}}), path, by).await.ok();
    }
    assert_eq!(desk.round().await, (3, 0, 0));
    (0..3).for_each(|_| drop(desk.receiver.next()));

    // A version of what is closed, and one that waits for its secrecy review: the public sees neither.
    desk.city.upload_to(CLOSED, ROWS).await;
    desk.city.upload(&rows(&[IDENTITY, "B2", "B3"])).await;
    let found = told(&mut desk).await;
    for (path, by) in
        [("developer", None), ("consumer", Some(&desk.city.consumer)), ("provider", Some(&desk.city.machine))]
    {
        let mut expected = Vec::new();
        for code in [CODE, CLOSED] {
            let numbers = seen(&desk.city, code, by).await.into_iter().filter(|number| *number > 1);
            let event = |number| ("version-published".to_owned(), code.to_owned(), Some(number));
            expected.extend(numbers.map(event));
        }
        expected.sort();
        assert_eq!(found.get(path).cloned().unwrap_or_default(), expected, "{path}");
    }
    assert!(!found.contains_key("developer"));
    assert_eq!(found["provider"].len(), 2);
    let evidence = desk.city.server.events("changed");
    let evidence: Vec<_> = evidence.iter().filter(|event| event["action"] == "subscriber.told").collect();
    assert_eq!(evidence.len(), found["consumer"].len() + found["provider"].len());
    assert!(evidence.iter().any(|event| event["actor"]["department"] == "gaj"));

    // When the review has passed, everybody else is told too.
    let task = waiting(&desk.city).await.pop().unwrap();
    desk.city.act(&task["number"], &step("justify"), &desk.city.editor).await.ok();
    desk.city.act(&task["number"], &pass(&task), &desk.city.reviewer).await.ok();
    let found = told(&mut desk).await;
    let published = ("version-published".to_owned(), CODE.to_owned(), Some(2));
    assert_eq!(found, BTreeMap::from([("developer".to_owned(), vec![published])]));

    // A change of what is closed is told to those whose directory lists it.
    let mut described = closed();
    described["abstract"] = json!("另一段说明");
    desk.city.publish(&described).await;
    let found = told(&mut desk).await;
    let changed = vec![("description-changed".to_owned(), CLOSED.to_owned(), None)];
    assert_eq!(
        found,
        BTreeMap::from([("consumer".to_owned(), changed.clone()), ("provider".to_owned(), changed)])
    );

    // What becomes open is listed for everybody from then on.
    let mut opened = resource();
    (opened["code"], opened["sql_name"]) = (json!("302001/000001"), json!("closed"));
    opened["title"] = json!("内部线索");
    desk.city.publish(&opened).await;
    let found = told(&mut desk).await;
    assert_eq!(found["developer"], [("listed".to_owned(), CLOSED.to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_falls_silent_also_where_it_was_on_its_way() {
    let mut desk = Desk::new().await;
    let path = desk.confirmed().await;
    desk.city.upload(ROWS).await;
    desk.receiver.control(json!({"answers": [500]})).await;
    assert_eq!(desk.round().await, (0, 1, 0));
    desk.receiver.next();
    let mut shut = closed();
    for name in ["code", "sql_name", "title"] {
        shut[name] = resource()[name].clone();
    }
    desk.city.publish(&shut).await;
    desk.city.upload(ROWS).await;
    desk.later(86_400);
    assert_eq!(desk.round().await, (0, 0, 0), "its right is looked at again at each try");
    assert_eq!(desk.receiver.control(json!({})).await, 2);
    let deliveries = desk.get(&format!("{path}/deliveries")).await;
    assert_eq!(deliveries.as_array().unwrap().len(), 1, "the challenge alone: {deliveries}");
    assert_eq!(desk.get(&path).await["state"], "active");
}

/// Of what is closed to them, developers hear the very words that they hear of what is not there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_is_subscribed_to_as_what_is_not_there() {
    let desk = Desk::new().await;
    desk.city.publish(&closed()).await;
    let mut answers = Vec::new();
    for code in ["302001/000001", "302001/000009"] {
        let answer = desk.subscribe(json!({ "dataset": code }), "hook", &desk.developer).await;
        let mut told = answer.json();
        told.as_object_mut().unwrap().remove("instance");
        answers.push(format!("{} {}", answer.status, told.to_string().replace(code, "X")));
    }
    assert!(answers[0].starts_with("404"), "{answers:?}");
    assert_eq!(answers[0], answers[1]);
    let listed = desk.subscribe(json!({"dataset": "302001/000001"}), "hook", &desk.city.consumer).await;
    assert_eq!(listed.ok()["state"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_their_owners_and_end_with_them() {
    let desk = Desk::new().await;
    let server = &desk.city.server;
    let made = desk.subscribe(dataset(), "hook", &desk.developer).await.ok();
    let path = format!("{SUBSCRIPTIONS}/{}", made["id"].as_str().unwrap());
    for other in [&desk.city.consumer, &desk.city.machine] {
        assert_eq!(server.send(Call::get(&path).by(other)).await.code(), "not_found");
        assert_eq!(server.send(Call::new(Method::DELETE, &path).by(other)).await.code(), "not_found");
        let deliveries = server.send(Call::get(format!("{path}/deliveries")).by(other)).await;
        assert_eq!(deliveries.code(), "not_found");
    }
    // A department's are those of all of its people.
    desk.subscribe(dataset(), "hook", &desk.city.machine).await.ok();
    let listed = server.send(Call::get(SUBSCRIPTIONS).by(&desk.city.editor)).await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 1);

    // After a restore nothing is told before the owner wants it again.
    let ended = server.services.end_again(&server.operator(&[]), &[]).await.unwrap();
    assert_eq!(ended.len(), 2);
    let shown = desk.get(&path).await;
    assert_eq!((&shown["state"], &shown["suspension"]), (&json!("suspended"), &json!("restored")));
    assert_eq!(desk.round().await, (0, 0, 0));

    // Who may no longer sign in is told nothing, and their subscriptions are gone for good.
    let mut person = server.services.active_person("developer").await.unwrap().unwrap();
    for active in [false, true] {
        person.active = active;
        let security = server.operator(&[Role::SecurityAdministrator]);
        server.services.put_person(&security, &person).await.unwrap();
        assert_eq!(desk.round().await, (0, 0, 0));
    }
    assert_eq!(server.send(Call::get(&path).by(&desk.developer)).await.code(), "not_found");
    assert_eq!(server.send(Call::get(SUBSCRIPTIONS).by(&desk.developer)).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_which_no_grant_shows_anything_any_more_are_not_told() {
    let mut desk = Desk::new().await;
    desk.confirmed().await;
    let mut listed = resource();
    for item in listed["items"].as_array_mut().unwrap() {
        if item["opening"]["type"] == "open" {
            item["opening"] = json!({"type": "conditional", "condition": "登记后"});
        }
    }
    desk.city.publish(&listed).await;
    desk.city.upload(ROWS).await;
    let found = told(&mut desk).await;
    let changed = ("description-changed".to_owned(), CODE.to_owned(), None);
    assert_eq!(found, BTreeMap::from([("hook".to_owned(), vec![changed])]));
    let server = &desk.city.server;
    let ctx = public_context("r".to_owned(), Channel::File, server.now());
    let recent = server.services.recent_versions(&ctx, None, None, 9).await.unwrap();
    assert!(recent.versions.is_empty(), "{:?}", recent.versions);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_of_a_department_hears_its_successor_when_that_one_says_so() {
    let mut desk = Desk::new().await;
    let made = desk.subscribe(dataset(), "hook", &desk.city.consumer).await.ok();
    let path = format!("{SUBSCRIPTIONS}/{}", made["id"].as_str().unwrap());
    assert_eq!(desk.round().await, (1, 0, 0));
    desk.receiver.next();
    let server = &desk.city.server;
    let sjj = department("sjj", "九江市市场和数据局", "11360400MD0000003X");
    server.department(&sjj).await;
    let heir = server.machine(&sjj).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let second = server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    let order = json!({"successor": "sjj", "basis": "机构改革方案"});
    let proposed = propose(&desk.city, "gaj", &order, &officer).await.ok();
    confirm(&desk.city, &proposed, &second).await.ok();

    desk.city.upload(ROWS).await;
    assert_eq!(desk.round().await, (0, 0, 0));
    let shown = server.send(Call::get(&path).by(&heir)).await.ok();
    assert_eq!((&shown["state"], &shown["suspension"]), (&json!("suspended"), &json!("continued")));
    let resume = Call::post(format!("{path}/resume"), &json!({})).by(&heir);
    assert_eq!(server.send(resume).await.ok()["state"], "pending");
    for kind in ["subscription.challenge", "dataset.version-published"] {
        assert_eq!(desk.round().await, (1, 0, 0), "{kind}");
        assert_eq!(desk.receiver.next()["type"], format!("cn.shuqiao.{kind}.v1"));
    }
}
