//! Records by their keys, and verification: governed, recorded and limited as every read.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::{Method, StatusCode};
use catalog_core::Role;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS, departments, resource};
use crate::support::server::{Answer, Call};

const PATH: &str = "/api/v1/datasets/301001-000001/records";

fn look_up(keys: &Value) -> Call<'static> {
    Call::post(format!("{PATH}/lookup"), &json!({ "keys": keys }))
}

/// The city whose provider lets others verify who a case is about; the consumer may, for cases of one county.
async fn with_verification() -> (City, Value) {
    let city = City::without_data().await;
    let mut entry = resource();
    entry["verifications"] = json!(["case_no+person"]);
    entry["subject"] = json!("case_no");
    city.publish(&entry).await;
    city.upload(ROWS).await;
    let grant = city
        .grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "person"], "filter": {"=": ["county", "360481"]},
            "purpose": "核验", "legal_basis": "警察法", "doors": ["verification"],
        }))
        .await;
    (city, grant)
}

fn pair<'a>(identifier: &str, attribute: &str, by: &'a SigningKey) -> Call<'a> {
    let asked = json!({
        "resource": "301001/000001", "profile": "case_no+person", "identifier": identifier, "attribute": attribute,
    });
    Call::post("/api/v1/verifications", &asked).by(by)
}

async fn verify(city: &City, identifier: &str, attribute: &str) -> Answer {
    city.server.send(pair(identifier, attribute, &city.consumer)).await
}

async fn result(city: &City, identifier: &str, attribute: &str) -> String {
    verify(city, identifier, attribute).await.ok()["result"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_looked_up_as_the_grant_shows_them() {
    let city = City::new().await;
    let own = city.server.send(look_up(&json!(["A3", "nobody", "A1"])).by(&city.machine)).await;
    assert_eq!(own.header("shuqiao-versions"), format!("{CODE}=1"));
    let own = own.ok();
    assert_eq!(own["data"].as_array().unwrap().len(), 2, "{own}");
    assert_eq!((&own["data"][0]["case_no"], &own["data"][1]["note"]), (&json!("A3"), &json!("一")));

    let open = city.server.send(look_up(&json!(["A2"]))).await.ok();
    assert_eq!(open["data"], json!([{"case_no": "A2", "county": "360402", "amount": 20.0}]), "{open}");

    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "person"], "filter": {"=": ["county", "360481"]},
        "masks": {"person": {"mask": "keep_first", "count": 1}},
        "purpose": "办案", "legal_basis": "警察法", "doors": ["api"],
    }))
    .await;
    let asked =
        look_up(&json!(["A1", "A2"])).header("shuqiao-purpose", "%E5%8A%9E%E6%A1%88").by(&city.consumer);
    let seen = city.server.send(asked).await.ok();
    assert_eq!(seen["data"], json!([{"case_no": "A1", "person": "张*****"}]), "{seen}");
    let read = city.server.events("access").pop().unwrap();
    assert_eq!((&read["rows"], &read["sources"][0]["version"]), (&json!(1), &json!(1)), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_personal_may_stand_in_an_address() {
    let city = City::new().await;
    let one = city.server.send(Call::get(format!("{PATH}/A2?format=csv"))).await;
    assert_eq!(one.text(), "case_no,county,amount\nA2,360402,20.00\n");
    let none = city.server.send(Call::get(format!("{PATH}/nobody"))).await;
    assert_eq!((none.status, none.code()), (StatusCode::NOT_FOUND, "not_found".to_owned()));
    let (city, _) = with_verification().await;
    let personal = city.server.send(Call::get(format!("{PATH}/A2")).by(&city.machine)).await;
    assert_eq!((personal.status, personal.code()), (StatusCode::BAD_REQUEST, "invalid_input".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_fit_nothing_are_refused() {
    let city = City::new().await;
    let many: Vec<String> = (0..1_001).map(|n| n.to_string()).collect();
    for wrong in [json!([]), json!([["A1", "A2"]]), json!([{"case_no": "A1"}]), json!(many), json!("A1")] {
        let refused = city.server.send(look_up(&wrong).by(&city.machine)).await;
        assert_eq!(refused.code(), "invalid_input", "{wrong}");
    }
    let stranger = city.server.send(look_up(&json!(["A1"])).by(&city.consumer)).await;
    assert!(stranger.status.is_success(), "what is public is public to all");
    let items = json!({"keys": ["A1"], "items": ["note"]});
    let hidden = city.server.send(Call::post(format!("{PATH}/lookup"), &items)).await;
    assert_eq!(hidden.code(), "unknown_column");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_agrees_or_not_or_nobody_has_it_and_nothing_else_is_told() {
    let (city, grant) = with_verification().await;
    let agrees = verify(&city, "A1", "张三(合成)").await;
    let differs = verify(&city, "A1", "张四(合成)").await;
    let hidden = verify(&city, "A2", "李四(合成)").await;
    let unknown = verify(&city, "X9", "李四(合成)").await;
    let said = [&agrees, &differs, &hidden, &unknown].map(|answer| answer.ok()["result"].clone());
    assert_eq!(said, [json!("1"), json!("2"), json!("3"), json!("3")]);
    let shape = |answer: &Answer| {
        let names: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        (answer.status, answer.bytes().len(), names)
    };
    assert!([&differs, &hidden, &unknown].iter().all(|answer| shape(answer) == shape(&agrees)));
    for (identifier, attribute) in [("ａ1 ", "张 三（合成）"), ("a1", "张三(合成)\u{200b}")] {
        assert_eq!(result(&city, identifier, attribute).await, "1", "{identifier} {attribute}");
    }

    let read = city.server.events("access").pop().unwrap();
    assert_eq!((&read["sources"][0]["grant"], &read["rows"]), (&grant["id"], &json!(1)), "{read}");
    assert_eq!(read["actor"]["channel"], "verification", "{read}");
    assert_eq!(read["subjects"].as_array().unwrap().len(), 1, "whom it names is found by keyed hash");
    assert!(!read.to_string().contains("张"), "{read}");
    let receipt = city
        .server
        .send(Call::get(format!("/receipts/{}", read["request_id"].as_str().unwrap())).by(&city.consumer));
    assert_eq!(receipt.await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_are_verified_in_their_order() {
    let (city, _) = with_verification().await;
    let pairs = json!([["A3", "王五(合成)"], ["A2", "李四(合成)"], ["A1", "王五(合成)"]]);
    let asked = |pairs: &Value| {
        let asked = json!({"resource": "301001/000001", "profile": "case_no+person", "pairs": pairs});
        Call::post("/api/v1/verifications/batch", &asked).by(&city.consumer)
    };
    let answer = city.server.send(asked(&pairs)).await.ok();
    assert_eq!(answer, json!({"results": ["1", "3", "2"]}));
    let read = city.server.events("access").pop().unwrap();
    assert_eq!((&read["rows"], read["subjects"].as_array().unwrap().len()), (&json!(3), 3), "{read}");
    let stranger = json!({"resource": "301001/000001", "profile": "case_no+person", "pairs": pairs});
    let stranger = city.server.send(Call::post("/api/v1/verifications/batch", &stranger)).await;
    assert_eq!(stranger.code(), "unauthenticated");
    let many: Vec<_> = (0..10_001).map(|n| json!([n.to_string(), "x"])).collect();
    for wrong in [json!([]), json!(many), json!([["A1"]])] {
        assert_eq!(city.server.send(asked(&wrong)).await.code(), "invalid_input");
    }
    let long: Vec<_> = (0..10_000).map(|n| json!([format!("{n:0100}"), "长".repeat(40)])).collect();
    let all = city.server.send(asked(&json!(long))).await.ok();
    assert_eq!(all["results"].as_array().unwrap().len(), 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_grant_nothing_is_verified() {
    let (city, grant) = with_verification().await;
    let anyone = city.server.send(pair("A1", "张三(合成)", &city.editor)).await;
    assert!(anyone.status.is_success(), "the provider verifies its own data");
    let stranger = json!({"resource": "301001/000001", "profile": "case_no+person", "identifier": "A1", "attribute": "x"});
    let stranger = city.server.send(Call::post("/api/v1/verifications", &stranger)).await;
    assert_eq!(stranger.code(), "not_granted");
    let undeclared = json!({"resource": "301001/000001", "profile": "person+case_no", "identifier": "x", "attribute": "A1"});
    let undeclared = Call::post("/api/v1/verifications", &undeclared).by(&city.consumer);
    assert_eq!(city.server.send(undeclared).await.code(), "invalid_input");

    city.server.evidence_fails.store(true, Ordering::SeqCst);
    assert_eq!(verify(&city, "A1", "张三(合成)").await.code(), "evidence_unavailable");
    city.server.evidence_fails.store(false, Ordering::SeqCst);

    let path = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
    let revoked = Call::post(path, &json!({"reason": "不再需要"})).by(&city.approver);
    let revoked = city.server.send(revoked).await;
    assert!(revoked.status.is_success(), "{}", revoked.text());
    assert_eq!(verify(&city, "A1", "张三(合成)").await.code(), "not_granted", "at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_and_nothing_is_changed_before_a_nonce_is_durable() {
    let (city, grant) = with_verification().await;
    let revoke = || {
        let path = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
        Call::post(path, &json!({"reason": "不再需要"})).by(&city.approver)
    };
    city.server.nonces_fail.store(true, Ordering::SeqCst);
    assert_eq!(verify(&city, "A1", "张三(合成)").await.code(), "unavailable");
    let sql = city.sql("select case_no from scjg.penalty", Some(&city.machine));
    assert_eq!(city.server.send(sql).await.code(), "unavailable");
    assert_eq!(city.server.send(revoke()).await.code(), "unavailable");
    city.server.nonces_fail.store(false, Ordering::SeqCst);
    assert!(verify(&city, "A1", "张三(合成)").await.status.is_success(), "nothing was revoked");
    assert!(city.server.send(revoke()).await.status.is_success());
    assert_eq!(verify(&city, "A1", "张三(合成)").await.code(), "not_granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_verified_as_soon_as_it_is_there() {
    let (city, _) = with_verification().await;
    assert_eq!(result(&city, "A1", "张三(合成)").await, "1");
    city.upload(&ROWS.replace("张三", "张四")).await;
    assert_eq!(result(&city, "A1", "张三(合成)").await, "2");
    assert_eq!(result(&city, "A1", "张四(合成)").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tries_one_number_again_and_again_is_stopped() {
    let (city, _) = with_verification().await;
    for n in 0..20 {
        assert_eq!(result(&city, "A1", &format!("张{n}")).await, "2");
    }
    for spelled in [" a1", "A\u{200b}1", "Ａ１", "a\u{fe0f}1"] {
        assert_eq!(verify(&city, spelled, "张三(合成)").await.code(), "limit_rate", "{spelled}");
    }
    let spellings: Vec<_> = (1..200).map(|n| json!([format!("A{}1", "\u{200b}".repeat(n)), "x"])).collect();
    let batch = json!({"resource": "301001/000001", "profile": "case_no+person", "pairs": spellings});
    let batch = city.server.send(Call::post("/api/v1/verifications/batch", &batch).by(&city.consumer)).await;
    assert_eq!(batch.code(), "limit_rate");
    let refused = city.server.events("access_refused").pop().unwrap();
    assert_eq!(
        (&refused["code"], refused["sources"].as_array().unwrap().len()),
        (&json!("limit_rate"), 1),
        "{refused}"
    );
    let other = city.server.machine(&departments()[1]).await;
    let call = pair("A1", "张三(合成)", &other);
    assert_eq!(
        city.server.send(call).await.code(),
        "limit_rate",
        "another key of the department is no other caller"
    );
    assert_eq!(result(&city, "A3", "王五(合成)").await, "1", "others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_computed_again_on_the_version_of_then() {
    let (city, _) = with_verification().await;
    let batch = json!({
        "resource": "301001/000001", "profile": "case_no+person",
        "pairs": [["A1", "张三(合成)"], ["A3", "张三(合成)"], ["A2", "x"]],
    });
    let twice = look_up(&json!(["A1", "A1"])).by(&city.machine);
    let asked = [
        pair("A1", "张三(合成)", &city.consumer),
        pair("A3", "张三(合成)", &city.consumer),
        Call::post("/api/v1/verifications/batch", &batch).by(&city.consumer),
        look_up(&json!(["A3", "nobody", "A1"])).by(&city.machine),
        Call::post(format!("{PATH}/lookup?format=csv"), &json!({"keys": ["A2"], "items": ["county"]}))
            .by(&city.machine),
        twice,
    ];
    let mut answers = Vec::new();
    for call in asked {
        let answer = city.server.send(call).await;
        answers.push((answer.header("shuqiao-receipt").to_owned(), answer.ok_bytes().to_vec()));
    }
    city.upload("case_no,county,person,amount,note\nB1,360481,赵六(合成),7.00,四\n").await;
    let auditor = city.server.person("sun", None, &[Role::Auditor]).await;
    let again = async |(id, answer): &(String, Vec<u8>)| {
        let call = Call::new(Method::POST, format!("/receipts/{id}/replay"));
        let call = call.body(answer.clone(), "application/octet-stream").by(&auditor);
        city.server.send(call).await.ok()["verdict"].as_str().unwrap().to_owned()
    };
    for answer in &answers[..5] {
        assert_eq!(again(answer).await, "same", "{}", String::from_utf8_lossy(&answer.1));
    }
    assert_eq!(again(&answers[5]).await, "not_replayable", "twice the same");
    assert_eq!(again(&(answers[0].0.clone(), answers[1].1.clone())).await, "other_answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_looks_up_and_verifies_at_the_doors_that_it_opens() {
    let (city, _) = with_verification().await;
    let ticket = async |doors: Value| {
        let wanted = json!({"doors": doors, "seconds": 600});
        let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.editor)).await.ok();
        format!("Bearer {}", issued["token"].as_str().unwrap())
    };
    let verified = async |token: &str| {
        let asked = json!({"resource": "301001/000001", "profile": "case_no+person", "identifier": "A1", "attribute": "x"});
        let call = Call::post("/api/v1/verifications", &asked).header("authorization", token);
        city.server.send(call).await.status
    };
    let looked_up = async |token: &str| {
        city.server.send(look_up(&json!(["A1"])).header("authorization", token)).await.status
    };
    let (verifies, reads) = (ticket(json!(["verification"])).await, ticket(json!(["api"])).await);
    assert_eq!(
        (verified(&verifies).await, looked_up(&verifies).await),
        (StatusCode::OK, StatusCode::UNAUTHORIZED)
    );
    assert_eq!((verified(&reads).await, looked_up(&reads).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_by_the_clock_though_nothing_changes() {
    let (city, grant) = with_verification().await;
    let path = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
    let revoked = Call::post(path, &json!({"reason": "另有期限"})).by(&city.approver);
    assert!(city.server.send(revoked).await.status.is_success());
    let now = city.server.now();
    city.server.set_clock(now);
    let at = |seconds: i64| now.plus_seconds(seconds);
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "person"], "purpose": "核验", "legal_basis": "警察法",
        "doors": ["verification", "api", "sql"], "valid_until": at(200),
    }))
    .await;
    let asked = async || {
        let verified = verify(&city, "A1", "张三(合成)").await.status.is_success();
        let call = look_up(&json!(["A1"])).header("shuqiao-purpose", "%E6%A0%B8%E9%AA%8C").by(&city.consumer);
        let found = city.server.send(call).await;
        let call = city.sql("select person from scjg.penalty", Some(&city.consumer));
        let read = city.server.send(call.header("shuqiao-purpose", "%E6%A0%B8%E9%AA%8C")).await;
        let shown = |answer: &Answer| answer.status.is_success() && answer.text().contains("张三");
        (verified, shown(&found), shown(&read))
    };
    for (seconds, is_open) in [(1, true), (150, true), (199, true), (200, false), (150, true)] {
        city.server.set_clock(at(seconds));
        assert_eq!(asked().await, (is_open, is_open, is_open), "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_versions_change_no_request_is_dropped_and_no_versions_are_mixed() {
    let rows = |version: usize| {
        let rows = (0..400).map(|case| format!("B{case},360481,张{version},1.00,x\n"));
        format!("case_no,county,person,amount,note\n{}", rows.collect::<String>())
    };
    let (city, _) = with_verification().await;
    city.upload(&rows(2)).await;
    let done = AtomicBool::new(false);
    let publishing = async {
        for version in 3..=5 {
            city.upload(&rows(version)).await;
        }
        done.store(true, Ordering::SeqCst);
    };
    let asking = async |start: usize| {
        let mut seen = BTreeSet::new();
        for number in (start..8_000).step_by(2) {
            let named = 2 + number % 4;
            let answer = verify(&city, &format!("B{}", number % 400), &format!("张{named}")).await;
            let version: usize =
                answer.header("shuqiao-versions").split_once('=').unwrap().1.parse().unwrap();
            let expected = if version == named { "1" } else { "2" };
            assert_eq!(answer.ok()["result"], expected, "version {version}, 张{named}");
            let found = city.server.send(look_up(&json!(["B1", "B399"])).by(&city.machine)).await;
            let version = found.header("shuqiao-versions").split_once('=').unwrap().1.to_owned();
            let names: Vec<_> =
                found.ok()["data"].as_array().unwrap().iter().map(|row| row["person"].clone()).collect();
            assert_eq!(names, vec![json!(format!("张{version}")); 2]);
            seen.insert(version);
            if done.load(Ordering::SeqCst) && seen.contains("5") {
                break;
            }
        }
        seen
    };
    let (one, other, ()) = futures::join!(asking(0), asking(1), publishing);
    assert!(one.union(&other).count() >= 3, "{one:?} {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_leaves_nothing_behind() {
    let (city, _) = with_verification().await;
    assert_eq!(result(&city, "A1", "张三(合成)").await, "1");
    city.upload(&ROWS.replace("张三", "张四")).await;
    let prepared = || std::fs::read_dir(city.server.folder.path().join("lookups")).unwrap().count();
    assert_eq!(prepared(), 2, "the next version is prepared before anybody asks");
    let path = format!("/api/v1/resources/{CODE}/versions/2/withdraw");
    let call = Call::post(path, &json!({"reason": "撤回"})).by(&city.machine);
    let withdrawn = city.server.send(call).await;
    assert!(withdrawn.status.is_success(), "{}", withdrawn.text());
    assert_eq!(prepared(), 1);
    assert_eq!(result(&city, "A1", "张三(合成)").await, "1", "the version before is in effect again");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_named_once() {
    let city = City::new().await;
    let title = resource()["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["column"] == "county")
        .unwrap()["title"]
        .clone();
    for items in [json!(["county", "county"]), json!(["county", title])] {
        let wanted = json!({"keys": ["A1"], "items": items});
        let refused = city.server.send(Call::post(format!("{PATH}/lookup"), &wanted)).await;
        assert_eq!(refused.code(), "invalid_input", "{}", refused.text());
    }
}
