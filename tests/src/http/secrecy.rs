//! A secrecy review can't be switched off by those whom it checks, and what rests on an opening stays within it.

use catalog_core::Role;
use exchange_crypto::SigningKey;
use http::StatusCode;
use serde_json::{Value, json};

use super::openings::{IDENTITY, ask_to_open, cases, findings, opening, rows, step, waiting};
use crate::support::city::{CODE, City, departments, pass, resource};
use crate::support::server::{Answer, Call};

/// Synthetic, and of the right form.
const OTHER: &str = "110101199003070038";

/// A review that waits for its reviewer: nothing was found.
async fn examined(city: &City) -> Value {
    city.upload(&rows(&["A1", "A2", "A3"])).await;
    let review = ask_to_open(city, &opening()).await.ok();
    assert_eq!(review["state"], "examining", "{review}");
    review
}

#[tokio::test(flavor = "multi_thread")]
async fn quasi_identifiers_are_added_and_never_taken_away() {
    let city = City::without_data().await;
    let mut text = rows(&["A1", "A2", "A3"]);
    text.push_str("A4,360402,孙六(合成),2,\n");
    city.upload(&text).await;
    for (named, found) in [
        (json!([]), "rare_combination county+amount 1"),
        (json!(["county"]), "rare_combination county+amount 1"),
        (json!(["case_no"]), "rare_combination case_no+county+amount 4"),
    ] {
        let mut asked = opening();
        asked["quasi_identifiers"] = named;
        let review = ask_to_open(&city, &asked).await.ok();
        assert_eq!(findings(&review), [found], "{}", asked["quasi_identifiers"]);
        assert_eq!(review["content"]["findings"][0]["of"], 4);
        city.act(&review["number"], &json!({"event": "withdraw"}), &city.editor).await.ok();
    }
    // A share is one of the rows that would be open.
    let mut asked = opening();
    asked["filter"] = json!({"in": ["case_no", ["A1", "A4"]]});
    let review = ask_to_open(&city, &asked).await.ok();
    assert_eq!(
        review["content"]["findings"][0],
        json!({
            "rule": "rare_combination", "columns": ["county", "amount"], "rows": 2, "of": 2,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_that_hides_nothing_is_none() {
    let city = City::without_data().await;
    let mut open = resource();
    open["items"][2]["opening"] = json!({"type": "open"});
    open["items"][3]["personal"] = json!(true);
    city.publish(&open).await;
    let mut text = rows(&["A1", "A2"]);
    text.push_str("A3,360481,孙,1,\n");
    city.upload(&text).await;
    let mut asked = opening();
    asked["items"] = json!(["case_no", "person", "amount"]);
    asked["masks"] =
        json!({"person": {"mask": "keep_first", "count": 65535}, "amount": {"mask": "bucket", "width": 1}});
    let review = ask_to_open(&city, &asked).await.ok();
    let found = findings(&review);
    let in_clear = ["personal_item person 3", "personal_item amount 3"];
    assert!(in_clear.iter().all(|one| found.contains(&(*one).to_owned())), "{found:?}");
    // A short name is whole behind a mask that hides the others.
    for (count, found) in [(1, vec!["personal_item person 1"]), (0, vec![])] {
        asked["masks"] = json!({"person": {"mask": "keep_first", "count": count}, "amount": {"mask": "bucket", "width": 10}});
        let complete = json!({"event": "complete", "opening": asked});
        let mended = city.act(&review["number"], &complete, &city.editor).await.ok();
        let personal: Vec<_> =
            findings(&mended).into_iter().filter(|one| one.starts_with("personal_item")).collect();
        assert_eq!(personal, found, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_list_is_answered_by_whoever_decides_about_what_stands_there_now() {
    let city = City::without_data().await;
    let review = examined(&city).await;
    let number = &review["number"];
    let answered = |event: &str| {
        let mut act = pass(&review);
        (act["event"], act["reason"]) = (json!(event), json!("见意见"));
        act
    };
    assert_eq!(city.act(number, &answered("withdraw"), &city.editor).await.code(), "invalid_input");
    let back = city.act(number, &answered("return"), &city.reviewer).await.ok();
    assert_eq!(back["content"]["checklist"][0]["answer"], true);
    for event in ["complete", "justify"] {
        assert_eq!(city.act(number, &answered(event), &city.editor).await.code(), "invalid_input", "{event}");
    }
    let again = city.act(number, &json!({"event": "complete"}), &city.editor).await.ok();
    assert_eq!(
        again["content"]["checklist"][0]["answer"],
        json!(null),
        "it was about what stood there before"
    );
    assert_eq!(city.act(number, &step("grant"), &city.reviewer).await.code(), "invalid_input");
    city.act(number, &pass(&review), &city.reviewer).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_hand_in_a_review_does_not_decide_it() {
    let city = City::without_data().await;
    let [scjg, _] = departments();
    let both = city.server.person("both", Some(&scjg), &[Role::DataSteward, Role::Reviewer]).await;
    city.upload(&rows(&[IDENTITY, "A2", "A3"])).await;
    let ask = Call::post("/api/v1/secrecy-reviews", &opening()).by(&both);
    let review = city.server.send(ask).await.ok();
    let number = &review["number"];
    city.act(number, &step("justify"), &city.editor).await.ok();
    for event in ["grant", "return", "refuse"] {
        let mut act = pass(&review);
        (act["event"], act["reason"], act["legal_basis"]) = (json!(event), json!("x"), json!("x"));
        assert_eq!(city.act(number, &act, &both).await.code(), "forbidden", "{event}: it has asked");
    }
    city.act(number, &pass(&review), &city.reviewer).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_justified_for_one_row_is_found_anew_in_two() {
    let city = City::new().await;
    city.upload(&rows(&[IDENTITY, "B2", "B3"])).await;
    let task = waiting(&city).await.pop().unwrap();
    let justified = city.act(&task["number"], &step("justify"), &city.editor).await.ok();
    assert_eq!(justified["content"]["justified"][0]["rows"], 1);
    city.act(&task["number"], &pass(&task), &city.reviewer).await.ok();
    city.upload(&rows(&[OTHER, "C2", "C3"])).await;
    assert_eq!(cases(&city, None).await, json!([OTHER, "C2", "C3"]), "as many as were looked at");
    city.upload(&rows(&[IDENTITY, OTHER, "D3"])).await;
    assert_eq!(cases(&city, None).await, json!([OTHER, "C2", "C3"]), "the last version stays");
    assert_eq!(findings(&waiting(&city).await.pop().unwrap()), ["identity_number case_no 2"]);
    // What is held back and what never was get the same words.
    let told = async |number: u32| {
        let answer = city.server.send(Call::get(format!("/datasets/{CODE}/{number}.csv"))).await;
        (answer.status, answer.json()["detail"].clone())
    };
    assert_eq!(told(4).await, told(99).await);
    assert_eq!(told(4).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_justified_is_found_anew_where_more_would_be_open() {
    let city = City::without_data().await;
    city.upload(&rows(&[IDENTITY, OTHER, "A3"])).await;
    let mut narrow = opening();
    narrow["filter"] = json!({"=": ["case_no", IDENTITY]});
    let review = ask_to_open(&city, &narrow).await.ok();
    let number = &review["number"];
    let justified = city.act(number, &step("justify"), &city.editor).await.ok();
    assert_eq!(
        (&justified["state"], &justified["content"]["justified"][0]["of"]),
        (&json!("examining"), &json!(1))
    );
    city.act(number, &step("return"), &city.reviewer).await.ok();
    let complete = json!({"event": "complete", "opening": opening()});
    let wide = city.act(number, &complete, &city.editor).await.ok();
    assert_eq!(findings(&wide), ["identity_number case_no 2"]);
    assert_ne!(wide["state"], "examining", "all of one row is not all of any");
}

/// Open under a condition: three items of one county, two of them masked.
async fn conditional(city: &City, masks: Value) -> (SigningKey, Value) {
    let mut conditional = resource();
    conditional["items"][2]["opening"] = json!({"type": "conditional", "condition": "注册开发者"});
    city.publish(&conditional).await;
    city.upload(&rows(&["A1", "A2", "A3"])).await;
    let mut asked = opening();
    asked["items"] = json!(["case_no", "county", "person", "amount"]);
    asked["condition"] = json!("不得用于识别个人");
    asked["filter"] = json!({"=": ["county", "360481"]});
    asked["masks"] = masks;
    let passed = city.open(&asked).await.ok();
    (city.server.person("dev", None, &[Role::Developer]).await, passed["number"].clone())
}

async fn apply(city: &City, developer: &SigningKey, ask: Value) -> Answer {
    let application = json!({
        "asks": [ask], "purpose": "研究", "legal_basis": "开放协议", "valid_until": "2099-12-31T16:00:00Z",
    });
    city.server.send(Call::post("/api/v1/applications", &application).by(developer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developers_statistics_lie_within_the_opening() {
    let city = City::without_data().await;
    let masks =
        json!({"person": {"mask": "keep_first", "count": 1}, "amount": {"mask": "bucket", "width": 1000}});
    let (developer, number) = conditional(&city, masks).await;
    let ask = |measures: Value, subject: &str, min_group: u32| {
        json!({
            "resource": "301001/000001", "items": ["county"], "doors": ["sql"], "accepted_terms": number,
            "statistics": {"measures": measures, "subject": subject, "min_group": min_group},
        })
    };
    for (wrong, why) in [
        (ask(json!(["amount"]), "person", 3), "the sum of what is masked"),
        (ask(json!([]), "note", 3), "subjects by a closed item"),
        (ask(json!([]), "person", 2), "cells of fewer than a combination may be rare"),
    ] {
        assert_eq!(apply(&city, &developer, wrong).await.code(), "invalid_input", "{why}");
    }
    apply(&city, &developer, ask(json!([]), "person", 3)).await.ok();

    let open = City::without_data().await;
    let mut fewer = resource();
    fewer["items"][2]["opening"] = json!({"type": "conditional", "condition": "注册开发者"});
    open.publish(&fewer).await;
    let mut asked = opening();
    (asked["items"], asked["condition"]) = (json!(["county", "person"]), json!("注明来源"));
    asked["masks"] = json!({"person": {"mask": "null"}});
    let passed = open.open(&asked).await.ok();
    let developer = open.server.person("dev", None, &[Role::Developer]).await;
    let mut sums = ask(json!(["amount"]), "person", 3);
    sums["accepted_terms"] = passed["number"].clone();
    let refused = apply(&open, &developer, sums).await;
    assert_eq!(refused.code(), "invalid_input", "the sum of what is not in the opening");
    assert!(refused.text().contains("the sum of an item"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_developer_would_see_is_weighed_within_the_opening() {
    let city = City::without_data().await;
    let masks = json!({"person": {"mask": "keep_first", "count": 1}});
    let (developer, number) = conditional(&city, masks).await;
    let ask = json!({
        "resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"], "accepted_terms": number,
    });
    let whole = apply(&city, &developer, ask).await.ok();
    let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let part =
        city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok()["parts"][0].clone();
    let free = json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"developer": "dev"},
        "items": ["case_no", "person"], "purpose": "研究", "legal_basis": "开放协议", "doors": ["sql"],
    });
    for asked in [json!({ "matter": part }), free.clone()] {
        let call =
            Call::post("/api/v1/why/grant", &asked).header("shuqiao-matter", "2026-17").by(&city.approver);
        let found = city.server.send(call).await.ok();
        assert_eq!(found[0]["columns"][1]["mask"], json!({"mask": "keep_first", "count": 1}), "{found}");
        assert_eq!(found[0]["rows"]["within"], 6, "the opening has a filter");
    }
    let mut wider = free;
    wider["items"] = json!(["case_no", "note"]);
    let call = Call::post("/api/v1/why/grant", &wider).header("shuqiao-matter", "2026-17").by(&city.approver);
    assert_eq!(city.server.send(call).await.code(), "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_the_plan_is_done_when_its_resource_is_open() {
    let city = City::without_data().await;
    let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let item = json!({"year": 2026, "department": "scjg", "title": "行政处罚信息", "due": "2026-12-31"});
    let planned = city.server.send(Call::post("/api/v1/opening-plan", &item).by(&officer)).await.ok();
    let number = &planned["number"];
    city.act(number, &json!({"event": "start"}), &city.editor).await.ok();
    let publish = json!({"event": "publish", "resource": "301001/000001"});
    let lacks = async |what: &str| {
        let refused = city.act(number, &publish, &city.editor).await;
        assert_eq!(refused.code(), "illegal_state", "{what}");
        assert!(refused.text().contains(what), "{}", refused.text());
    };
    let unnamed = city.act(number, &json!({"event": "publish"}), &city.editor).await;
    assert_eq!(unnamed.code(), "invalid_input", "nobody says what has been opened");
    lacks("no secrecy review").await;
    let review = ask_to_open(&city, &opening()).await.ok();
    lacks("no secrecy review").await;
    city.act(&review["number"], &pass(&review), &city.reviewer).await.ok();
    lacks("no version").await;
    city.upload(&rows(&["A1", "A2", "A3"])).await;
    let mut closed = resource();
    closed["items"][0]["opening"] = json!({"type": "closed"});
    city.publish(&closed).await;
    lacks("case_no").await;
    city.publish(&resource()).await;
    let done = city.act(number, &publish, &city.editor).await.ok();
    assert_eq!((&done["state"], &done["content"]["resource"]), (&json!("opened"), &json!("301001/000001")));

    let other = json!({
        "year": 2026, "department": "scjg", "title": "别的", "due": "2026-12-31", "resource": "301001/000009",
    });
    let other = city.server.send(Call::post("/api/v1/opening-plan", &other).by(&officer)).await.ok();
    city.act(&other["number"], &json!({"event": "start"}), &city.editor).await.ok();
    let swapped = city.act(&other["number"], &publish, &city.editor).await;
    assert_eq!(swapped.code(), "invalid_input", "the plan says what is to be open");
}
