//! What becomes open: the machine check and the people behind it, every later version, and developers who apply.

use ::http::Method;
use catalog_core::Role;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, departments, pass, resource};
use crate::support::server::{Answer, Call};

/// Synthetic, and of the right form.
pub(super) const IDENTITY: &str = "11010519491231002X";
const MOBILE: &str = "13800138000";

pub(super) fn rows(cases: &[&str]) -> String {
    let row = |case: &&str| format!("{case},360481,王五(合成),1,\n");
    format!("case_no,county,person,amount,note\n{}", cases.iter().map(row).collect::<String>())
}

pub(super) fn opening() -> Value {
    json!({
        "resource": "301001/000001", "items": ["case_no", "county", "amount"], "doors": ["api", "sql", "file"],
        "legal_basis": "政府信息公开条例 第二十条",
    })
}

pub(super) async fn ask_to_open(city: &City, opening: &Value) -> Answer {
    city.server.send(Call::post("/api/v1/secrecy-reviews", opening).by(&city.editor)).await
}

pub(super) fn step(event: &str) -> Value {
    json!({"event": event, "reason": "合成数据", "legal_basis": "政府信息公开条例"})
}

/// The findings of a review as `rule columns rows`.
pub(super) fn findings(review: &Value) -> Vec<String> {
    let line = |finding: &Value| {
        let columns: Vec<_> =
            finding["columns"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        format!("{} {} {}", finding["rule"].as_str().unwrap(), columns.join("+"), finding["rows"])
    };
    review["content"]["findings"].as_array().unwrap().iter().map(line).collect()
}

pub(super) async fn cases(city: &City, by: Option<&exchange_crypto::SigningKey>) -> Value {
    let answer = city.server.send(city.sql("select case_no from scjg.penalty order by 1", by)).await;
    match answer.status.is_success() {
        true => answer.json()["data"].as_array().unwrap().iter().map(|row| row["case_no"].clone()).collect(),
        false => json!(answer.code()),
    }
}

/// The reviews that wait for somebody of the provider.
pub(super) async fn waiting(city: &City) -> Vec<Value> {
    let list = Call::get("/api/v1/matters?kind=secrecy_review").by(&city.reviewer);
    city.server.send(list).await.ok().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_open_is_checked_by_the_machine_and_by_two_people() {
    let city = City::without_data().await;
    city.upload(&rows(&[MOBILE, "A2", "A3"])).await;
    let opening = opening();
    for stranger in [&city.consumer, &city.approver, &city.reviewer] {
        let refused = Call::post("/api/v1/secrecy-reviews", &opening).by(stranger);
        assert_eq!(city.server.send(refused).await.code(), "forbidden");
    }
    let review = ask_to_open(&city, &opening).await.ok();
    assert_eq!((&review["state"], &review["light"]), (&json!("completing"), &json!("paused")));
    assert_eq!(findings(&review), ["mobile_number case_no 1"], "{review}");
    let log =
        std::fs::read_to_string(city.server.folder.path().join("evidence/000000.log")).unwrap_or_default();
    assert!(!review.to_string().contains(MOBILE) && !log.contains(MOBILE), "counted, never quoted");

    let number = &review["number"];
    assert_eq!(city.act(number, &pass(&review), &city.reviewer).await.code(), "illegal_state");
    assert_eq!(city.act(number, &step("justify"), &city.machine).await.code(), "forbidden", "a person does");
    let bare = json!({"event": "justify"});
    assert_eq!(city.act(number, &bare, &city.editor).await.code(), "invalid_input");
    city.act(number, &step("justify"), &city.editor).await.ok();
    assert_eq!(city.act(number, &pass(&review), &city.editor).await.code(), "forbidden", "four eyes");
    let unanswered = city.act(number, &step("grant"), &city.reviewer).await;
    assert_eq!(unanswered.code(), "invalid_input");
    let mut no = pass(&review);
    no["answers"][0]["answer"] = json!(false);
    assert_eq!(city.act(number, &no, &city.reviewer).await.code(), "invalid_input", "a no needs its note");
    assert_eq!(cases(&city, None).await, "not_granted");
    no["answers"][0]["note"] = json!("已由保密办书面确认");
    let passed = city.act(number, &no, &city.reviewer).await.ok();
    assert_eq!((&passed["state"], passed["grants"].as_array().unwrap().len()), (&json!("passed"), 1));
    assert_eq!(cases(&city, None).await, json!([MOBILE, "A2", "A3"]));
    assert_eq!(ask_to_open(&city, &opening).await.code(), "conflict", "it is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_with_a_new_finding_waits_and_the_last_one_stays() {
    let city = City::new().await;
    let application = json!({
        "resource": "301001/000001", "grantee": {"department": "gaj"}, "items": ["case_no", "amount"],
        "legal_basis": "警察法", "doors": ["sql"],
    });
    city.apply(&application).await.ok();
    let before = json!(["A1", "A2", "A3"]);
    assert_eq!(cases(&city, None).await, before);

    city.upload(&rows(&[IDENTITY, "B2", "B3"])).await;
    assert_eq!(cases(&city, None).await, before, "the public keeps the last version");
    assert_eq!(cases(&city, Some(&city.machine)).await, json!([IDENTITY, "B2", "B3"]));
    assert_eq!(
        cases(&city, Some(&city.consumer)).await,
        json!([IDENTITY, "B2", "B3"]),
        "departments do not wait"
    );
    let past = city.sql("select case_no from scjg.penalty version as of 2", None);
    assert_eq!(city.server.send(past).await.code(), "not_found");
    let path = format!("/api/v1/resources/{CODE}");
    for address in [format!("/datasets/{CODE}/2.csv"), format!("{path}/records?version=2")] {
        assert_eq!(city.server.send(Call::get(&address)).await.code(), "not_found", "{address}");
    }
    for address in
        [format!("/datasets/{CODE}/latest.csv"), format!("{path}/records"), format!("{path}/preview")]
    {
        let shown = city.server.send(Call::get(&address)).await.text();
        assert!(shown.contains("A1") && !shown.contains(IDENTITY), "{address}: {shown}");
    }
    let versions = city.server.send(Call::get(format!("{path}/versions"))).await.ok();
    assert_eq!(versions.as_array().unwrap().len(), 1, "{versions}");

    // It made a task for the department, and becomes visible when that has passed.
    let task = waiting(&city).await.pop().unwrap();
    assert_eq!((&task["content"]["version"], &task["state"]), (&json!(2), &json!("completing")));
    assert_eq!(findings(&task), ["identity_number case_no 1"]);
    assert_eq!(city.act(&task["number"], &pass(&task), &city.reviewer).await.code(), "illegal_state");
    city.act(&task["number"], &step("justify"), &city.editor).await.ok();
    assert_eq!(cases(&city, None).await, before);
    city.act(&task["number"], &pass(&task), &city.reviewer).await.ok();
    assert_eq!(cases(&city, None).await, json!([IDENTITY, "B2", "B3"]));

    // What was justified once is no new finding; another is, and a clean version needs nobody.
    city.upload(&rows(&[IDENTITY, "C2"])).await;
    assert_eq!(cases(&city, None).await, json!([IDENTITY, "C2"]));
    city.upload(&rows(&[MOBILE, "D2"])).await;
    assert_eq!(cases(&city, None).await, json!([IDENTITY, "C2"]));
    city.upload(&rows(&["E1", "E2"])).await;
    assert_eq!(cases(&city, None).await, json!(["E1", "E2"]));
    let task = waiting(&city).await.pop().unwrap();
    city.act(&task["number"], &json!({"event": "withdraw"}), &city.editor).await.ok();
    let past = city.sql("select case_no from scjg.penalty version as of 4", None);
    assert_eq!(city.server.send(past).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn combinations_are_counted_as_they_would_be_seen() {
    let city = City::without_data().await;
    let mut text = rows(&["A1", "A2", "A3"]);
    text.push_str("A4,360402,孙六(合成),2,\n");
    city.upload(&text).await;
    let review = ask_to_open(&city, &opening()).await.ok();
    assert_eq!(findings(&review), ["rare_combination county+amount 1"], "{review}");
    // Mended: without the row, or with one of the items hidden, nobody is alone any longer.
    let number = &review["number"];
    let mut filtered = opening();
    filtered["filter"] = json!({"=": ["county", "360481"]});
    let complete = json!({"event": "complete", "opening": filtered});
    let mended = city.act(number, &complete, &city.editor).await.ok();
    assert_eq!((&mended["state"], findings(&mended).len()), (&json!("examining"), 0), "{mended}");
    let back = json!({"event": "return", "reason": "请保留全部行"});
    city.act(number, &back, &city.reviewer).await.ok();
    let mut masked = opening();
    masked["masks"] = json!({"county": {"mask": "null"}, "amount": {"mask": "null"}});
    let complete = json!({"event": "complete", "opening": masked});
    assert_eq!(city.act(number, &complete, &city.editor).await.ok()["state"], "examining");
    let mut foreign = opening();
    foreign["items"] = json!(["case_no", "person"]);
    city.act(number, &back, &city.reviewer).await.ok();
    let complete = json!({"event": "complete", "opening": foreign});
    assert_eq!(city.act(number, &complete, &city.editor).await.code(), "invalid_input", "a closed item");
    for wrong in [json!({"quasi_identifiers": ["note"]}), json!({"condition": " "}), json!({"items": []})] {
        let mut bad = opening();
        bad.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(ask_to_open(&city, &bad).await.code(), "invalid_input", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_the_directory_opens_again_was_checked_while_it_was_closed() {
    let city = City::new().await;
    let mut closed = resource();
    closed["items"][0]["opening"] = json!({"type": "closed"});
    city.publish(&closed).await;
    city.upload(&rows(&[IDENTITY, "B2", "B3"])).await;
    assert_eq!(findings(&waiting(&city).await.pop().unwrap()), ["identity_number case_no 1"]);
    city.publish(&resource()).await;
    assert_eq!(cases(&city, None).await, json!(["A1", "A2", "A3"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_that_was_not_checked() {
    let city = City::without_data().await;
    city.upload(&rows(&["A1", "A2", "A3"])).await;
    let review = ask_to_open(&city, &opening()).await.ok();
    assert_eq!(review["state"], "examining", "{review}");
    city.upload(&rows(&[IDENTITY])).await;
    let number = &review["number"];
    assert_eq!(
        city.act(number, &pass(&review), &city.reviewer).await.code(),
        "illegal_state",
        "it came after"
    );
    city.act(number, &json!({"event": "return", "reason": "有新版本"}), &city.reviewer).await.ok();
    let checked = city.act(number, &json!({"event": "complete"}), &city.editor).await.ok();
    assert_eq!(checked["content"]["checked"], json!([1, 2]));
    assert_eq!(checked["state"], "completing");
    city.upload(&rows(&["C1", "C2", "C3"])).await;
    let withdraw = format!("/api/v1/resources/{CODE}/versions/2/withdraw");
    city.server.send(Call::post(withdraw, &json!({"reason": "误含"})).by(&city.machine)).await.ok();
    city.act(number, &json!({"event": "complete"}), &city.editor).await.ok();
    city.act(number, &pass(&review), &city.reviewer).await.ok();
    assert_eq!(cases(&city, None).await, json!(["C1", "C2", "C3"]));

    // Revoked is closed at once; what comes meanwhile is not open by the next opening until it was checked for it.
    assert_eq!(city.act(number, &step("revoke"), &city.editor).await.code(), "forbidden");
    city.act(number, &step("revoke"), &city.reviewer).await.ok();
    assert_eq!(cases(&city, None).await, "not_granted");
    city.upload(&rows(&["D1", "D2", "D3"])).await;
    let withdraw = format!("/api/v1/resources/{CODE}/versions/3/withdraw");
    city.server.send(Call::post(withdraw, &json!({"reason": "有误"})).by(&city.machine)).await.ok();
    let again = ask_to_open(&city, &opening()).await.ok();
    city.act(&again["number"], &pass(&again), &city.reviewer).await.ok();
    assert_eq!(cases(&city, None).await, json!(["D1", "D2", "D3"]));
    let versions = city.server.send(Call::get(format!("/api/v1/resources/{CODE}/versions"))).await.ok();
    let mut shown: Vec<_> =
        versions.as_array().unwrap().iter().map(|version| version["number"].as_i64().unwrap()).collect();
    shown.sort_unstable();
    assert_eq!(shown, [1, 4], "not even the tombstone of what the opening before showed: {versions}");
    let openings = city.server.send(Call::get(format!("/api/v1/resources/{CODE}/openings"))).await.ok();
    assert_eq!(openings[0]["number"], again["number"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_accepts_the_terms_and_applies_within_the_opening() {
    let city = City::without_data().await;
    let mut conditional = resource();
    conditional["items"][2]["opening"] = json!({"type": "conditional", "condition": "注册开发者"});
    city.publish(&conditional).await;
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),1,\nA2,360402,李四(合成),1,\n")
        .await;
    let server = &city.server;
    let developer = server.person("dev", None, &[Role::Developer]).await;
    let stranger = server.person("other", None, &[Role::Developer]).await;
    let mut opening = opening();
    opening["items"] = json!(["case_no", "county", "person"]);
    assert_eq!(ask_to_open(&city, &opening).await.code(), "invalid_input", "not open without a condition");
    opening["condition"] = json!("不得用于识别个人；注明来源");
    opening["masks"] = json!({"person": {"mask": "keep_first", "count": 1}});
    opening["filter"] = json!({"=": ["county", "360481"]});
    let application = |terms: Option<&Value>| {
        let mut ask = json!({"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]});
        if let Some(number) = terms {
            ask["accepted_terms"] = number.clone();
        }
        json!({"asks": [ask], "purpose": "研究", "legal_basis": "开放协议", "valid_until": "2099-12-31T16:00:00Z"})
    };
    let apply = |application: Value| {
        let developer = &developer;
        async move { server.send(Call::post("/api/v1/applications", &application).by(developer)).await }
    };
    assert_eq!(apply(application(None)).await.code(), "not_granted", "nothing is open yet");
    let review = ask_to_open(&city, &opening).await.ok();
    let passed = city.act(&review["number"], &pass(&review), &city.reviewer).await.ok();
    assert_eq!(passed["grants"], json!([]), "grants come by applications");
    assert_eq!(cases(&city, Some(&developer)).await, "not_granted");

    let openings = Call::get(format!("/api/v1/resources/{CODE}/openings")).by(&developer);
    let number = server.send(openings).await.ok()[0]["number"].clone();
    assert_eq!(apply(application(None)).await.code(), "invalid_input", "the terms are not accepted");
    assert_eq!(apply(application(Some(&json!("SC-2020-000009")))).await.code(), "invalid_input");
    let mut wider = application(Some(&number));
    wider["asks"][0]["items"] = json!(["case_no", "amount"]);
    assert_eq!(apply(wider).await.code(), "invalid_input", "beyond the opening");
    let mut bare = application(Some(&number));
    bare["asks"][0]["masks"] = json!({"person": {"mask": "keep_first", "count": 9}});
    assert_eq!(apply(bare).await.code(), "invalid_input", "less masked than the opening");
    let whole = apply(application(Some(&number))).await.ok();
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let part =
        city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok()["parts"][0].clone();
    city.act(&part, &json!({"event": "propose"}), &city.approver).await.ok();
    let second = server.person("second", Some(&departments()[0]), &[Role::Approver]).await;
    city.act(&part, &json!({"event": "grant"}), &second).await.ok();
    let read = city.sql("select case_no, person from scjg.penalty", Some(&developer));
    assert_eq!(
        server.send(read).await.ok()["data"],
        json!([{"case_no": "A1", "person": "张*****"}]),
        "rows and masks are the opening's"
    );
    assert_eq!(cases(&city, Some(&stranger)).await, "not_granted");
    assert_eq!(cases(&city, None).await, "not_granted");

    let held = Call::new(Method::POST, format!("/api/v1/resources/{CODE}/data?publish=true&name=rows.csv"));
    server.send(held.body(rows(&[IDENTITY]), "text/csv").by(&city.machine)).await.ok();
    assert_eq!(cases(&city, Some(&developer)).await, json!(["A1"]), "a developer keeps the last version too");
    city.act(&number, &step("revoke"), &city.reviewer).await.ok();
    assert_eq!(
        cases(&city, Some(&developer)).await,
        "not_granted",
        "with the opening end the grants within it"
    );
}
