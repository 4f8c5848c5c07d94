//! Answers computed again: the same in every format, and what is said where they can't be.

use ::http::Method;
use catalog_core::{Role, Timestamp};
use exchange_crypto::{SigningKey, to_base64url};
use serde_json::{Value, json};

use super::ogc::{PLACES, atlas};
use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::{Answer, Call};

/// An answer with the id of its receipt.
async fn asked(city: &City, call: Call<'_>) -> (String, Vec<u8>) {
    let answer = city.server.send(call).await;
    (answer.header("shuqiao-receipt").to_owned(), answer.ok_bytes().to_vec())
}

async fn again(city: &City, (id, answer): &(String, Vec<u8>), by: &SigningKey) -> Answer {
    let path = format!("/receipts/{id}/replay");
    let call = Call::new(Method::POST, path).body(answer.clone(), "application/octet-stream").by(by);
    city.server.send(call).await
}

/// Verdict and reason.
async fn verdict(city: &City, case: &(String, Vec<u8>), by: &SigningKey) -> (String, String) {
    let found = again(city, case, by).await.ok();
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("reason"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_query_gives_the_same_rows_in_every_format_and_leaves_evidence() {
    let city = City::new().await;
    city.conditional_grant().await;
    let auditor = city.server.person("sun", None, &[Role::Auditor]).await;
    let records = format!("/api/v1/resources/{CODE}/records");
    let mut cases = Vec::new();
    for format in ["json", "jsonl", "csv", "arrow", "parquet"] {
        let sql = "select p.*, now() as at, amount / 3 as third from scjg.penalty p";
        let by_sql = Call::post(format!("/api/v1/sql?format={format}"), &json!({ "sql": sql }));
        let page = json!({"limit": 2, "filter": {"<": ["amount", 200]}, "sort": [{"item": "amount"}]});
        cases.push(asked(&city, by_sql.by(&city.machine)).await);
        let by_page = Call::post(format!("{records}?format={format}"), &page);
        cases.push(asked(&city, by_page.by(&city.machine)).await);
        let by_address = Call::get(format!("{records}?county=360481&sort=-amount&format={format}"));
        cases.push(asked(&city, by_address.by(&city.machine)).await);
        let nothing = json!({ "sql": "select * from scjg.penalty where amount > 1000" });
        let empty = Call::post(format!("/api/v1/sql?format={format}"), &nothing);
        cases.push(asked(&city, empty.by(&city.machine)).await);
    }
    for file in ["latest.csv", "latest.jsonl", "latest.parquet", "1.csv"] {
        cases.push(asked(&city, Call::get(format!("/datasets/{CODE}/{file}")).by(&city.machine)).await);
    }
    // What comes later changes nothing of the past.
    city.upload("case_no,county,person,amount,note\nB1,360481,赵六(合成),7.00,四\n").await;
    for (number, case) in cases.iter().enumerate() {
        let found = again(&city, case, &city.machine).await.ok();
        assert_eq!(found["verdict"], "same", "{number}: {found}");
        assert_eq!((&found["missing"], &found["added"]), (&json!(0), &json!(0)));
        assert_eq!(verdict(&city, case, &auditor).await.0, "same", "{number}");
        assert_eq!(again(&city, case, &city.consumer).await.code(), "not_found", "a stranger's receipt");
    }
    let (id, _) = &cases[0];
    let stranger = Call::new(Method::POST, format!("/receipts/{id}/replay")).body("x", "text/plain");
    assert_eq!(city.server.send(stranger).await.code(), "unauthenticated");
    let other = again(&city, &(id.clone(), b"{}".to_vec()), &auditor).await.ok();
    assert_eq!(other["verdict"], "other_answer", "{other}");
    assert!(!other.to_string().contains("360481"), "no rows are shown");

    let seen: Vec<Value> = city.server.events("changed");
    let seen: Vec<_> = seen.iter().filter(|event| event["action"] == "answer.replayed").collect();
    assert_eq!(seen.len(), cases.len() * 2 + 1, "each replay is evidence, a refused one is not");
    assert_eq!(seen.last().unwrap()["entity"], format!("answer of request {id}: other_answer"));

    // What a grant showed is computed under that grant, after its end too, and by whoever may.
    let sql = "select case_no, person, count(*) over () as n from scjg.penalty";
    let case =
        asked(&city, city.sql(sql, Some(&city.consumer)).header("shuqiao-purpose", "%E5%8A%9E%E6%A1%88"))
            .await;
    assert!(String::from_utf8_lossy(&case.1).contains("赵*"), "masked: {}", String::from_utf8_lossy(&case.1));
    let grants = city.server.send(Call::get("/api/v1/grants").by(&city.approver)).await.ok();
    let of_consumer = |grant: &&Value| grant["kind"] == "conditional";
    let grant = grants.as_array().unwrap().iter().find(of_consumer).unwrap()["id"].as_str().unwrap();
    let revoke = Call::post(format!("/api/v1/grants/{grant}/revoke"), &json!({"reason": "到期"}));
    city.server.send(revoke.by(&city.approver)).await.ok();
    assert_eq!(verdict(&city, &case, &auditor).await.0, "same", "under the policy of then");
}

/// Rows in CKAN's envelope are those of the same engine.
#[tokio::test(flavor = "multi_thread")]
async fn answers_of_ckans_datastore_are_computed_again() {
    let city = City::new().await;
    let table = format!("{CODE}-csv");
    let search = |more: Value| {
        let mut arguments = json!({ "resource_id": table });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Call::post("/api/3/action/datastore_search", &arguments)
    };
    let sql = json!({ "sql": format!("select county, count(*) as n from \"{table}\" group by county") });
    let by_address = format!("/api/3/action/datastore_search?resource_id={table}&limit=2&sort=case_no+desc");
    let mut cases = Vec::new();
    for call in [
        search(json!({})),
        search(
            json!({"filters": {"county": ["360481"], "amount": {"gte": 1}}, "fields": ["case_no", "person"]}),
        ),
        search(json!({"filters": {"person": "张三(合成)"}})),
        search(json!({"offset": 1, "limit": 5, "sort": "amount desc"})),
        search(json!({"filters": {"county": "x"}})),
        search(json!({"q": "A1"})),
        search(json!({"q": {"person": "张三"}, "limit": 3})),
        Call::get(by_address),
        Call::post("/api/action/datastore_search_sql", &sql),
    ] {
        cases.push(asked(&city, call.by(&city.machine)).await);
    }
    for more in [json!({"records_format": "lists"}), json!({"records_format": "csv"})] {
        let case = asked(&city, search(more.clone()).by(&city.machine)).await;
        assert_eq!(verdict(&city, &case, &city.machine).await.0, "not_replayable", "{more}");
    }
    city.upload("case_no,county,person,amount,note\nB1,360481,赵六(合成),7.00,四\n").await;
    for (number, case) in cases.iter().enumerate() {
        let found = again(&city, case, &city.machine).await.ok();
        assert_eq!(found["verdict"], "same", "{number}: {found}");
    }
}

/// Features are compared as they were written, page by page and one by one.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_features_are_computed_again() {
    let city = atlas().await;
    let place = format!("/ogc/collections/{PLACES}/items");
    let first = asked(&city, Call::get(format!("{place}?limit=3")).by(&city.machine)).await;
    let page: Value = serde_json::from_slice(&first.1).unwrap();
    let links = page["links"].as_array().unwrap().iter();
    let next = links.clone().find(|link| link["rel"] == "next").unwrap()["href"].as_str().unwrap();
    let next = next.strip_prefix(&city.server.base).unwrap().to_owned();
    let mut cases = vec![first];
    for path in [
        next,
        place.clone(),
        format!("{place}?bbox=115,29,115.35,30&count=true"),
        format!(
            "{place}?filter=seats%20%3E%2050&crs=http%3A%2F%2Fwww.opengis.net%2Fdef%2Fcrs%2FEPSG%2F0%2F4326"
        ),
        format!("{place}?county=none"),
        format!("{place}/P1"),
    ] {
        cases.push(asked(&city, Call::get(path).by(&city.machine)).await);
    }
    let read = asked(&city, Call::get(format!("{place}?f=html")).by(&city.machine)).await;
    city.upload_to(PLACES, "place_id,county,seats,opened_on,shape,keeper,level\nZ1,360402,1,,,,\n").await;
    for (number, case) in cases.iter().enumerate() {
        let found = again(&city, case, &city.machine).await.ok();
        assert_eq!(found["verdict"], "same", "{number}: {found}");
    }
    let (verdict, reason) = verdict(&city, &read, &city.machine).await;
    assert_eq!(verdict, "not_replayable");
    assert!(reason.contains("f=json"), "{reason}");
}

/// Whoever has no such receipt makes the server read nothing, and nobody sends more than the answer had.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_looked_for_before_the_answer_is_taken_in() {
    let city = City::new().await;
    let developer = city.server.person("dev", None, &[Role::Developer]).await;
    let case = asked(&city, city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    let send = |id: &str, by| {
        let path = format!("/receipts/{id}/replay");
        // Whether the body was read shows by its digest: it is another than the one that was signed.
        let call = Call::new(Method::POST, path).body("an answer", "application/octet-stream").by(by);
        city.server.send(call.swapping_body("another!!"))
    };
    for (id, by) in [(case.0.as_str(), &developer), (&case.0, &city.consumer), ("anything", &developer)] {
        assert_eq!(send(id, by).await.code(), "not_found", "{id}");
    }
    assert_ne!(send(&case.0, &city.machine).await.code(), "not_found", "its holder's is read");
    let longer = (case.0.clone(), [case.1.as_slice(), b" "].concat());
    let refused = again(&city, &longer, &city.machine).await;
    assert_eq!(refused.code(), "too_large");
    assert!(refused.text().contains(&format!("which has {}", case.1.len())), "{}", refused.text());
    // What says of itself that it is longer is not taken in at all: nothing can be kept now, and nobody notices.
    let spool = city.server.folder.path().join("spool");
    std::fs::remove_dir(&spool).unwrap();
    assert_eq!(again(&city, &longer, &city.machine).await.code(), "too_large");
    assert_eq!(again(&city, &case, &city.machine).await.code(), "unavailable");
    std::fs::create_dir(&spool).unwrap();
    let shorter = (case.0.clone(), case.1[1..].to_vec());
    assert_eq!(verdict(&city, &shorter, &city.machine).await.0, "other_answer");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
}

/// A part of a file is the answer to a request whose text asks for all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_is_no_difference() {
    let city = City::new().await;
    let file = Call::get(format!("/datasets/{CODE}/latest.jsonl")).header("range", "bytes=0-9");
    let case = asked(&city, file.by(&city.machine)).await;
    assert_eq!(case.1.len(), 10);
    assert_eq!(verdict(&city, &case, &city.machine).await.0, "not_replayable");
    let whole = asked(&city, Call::get(format!("/datasets/{CODE}/latest.jsonl")).by(&city.machine)).await;
    let line = whole.1.iter().position(|byte| *byte == b'\n').unwrap();
    let file =
        Call::get(format!("/datasets/{CODE}/latest.jsonl")).header("range", &format!("bytes=0-{line}"));
    let case = asked(&city, file.by(&city.machine)).await;
    let (verdict, reason) = verdict(&city, &case, &city.machine).await;
    assert_eq!(verdict, "not_replayable");
    assert!(reason.contains("a part of a file"), "{reason}");
}

/// A department's machine is named by its key; its receipts are the department's.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlive_the_key_that_they_were_given_to() {
    let city = City::new().await;
    let case = asked(&city, city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    let (successor, _) = SigningKey::generate().unwrap();
    let public = to_base64url(successor.public().as_bytes());
    let rotate = json!({"public_key": public, "overlap_seconds": 0});
    let path = format!("/api/v1/keys/{}/rotate", city.machine.public().id());
    city.server.send(Call::post(path, &rotate).by(&city.machine)).await.ok();
    let receipt = Call::get(format!("/receipts/{}", case.0));
    let receipt = city.server.send(receipt.by(&successor)).await.ok();
    assert_eq!(receipt["salts"].as_array().map(Vec::len), Some(2), "{receipt}");
    assert_eq!(verdict(&city, &case, &successor).await.0, "same");
    let other = city.server.send(Call::get(format!("/receipts/{}", case.0)).by(&city.consumer)).await;
    assert_eq!(other.code(), "not_found");
}

/// Somebody with the disk in hand puts other rows into a version.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_changed_behind_the_platforms_back_show() {
    let city = City::without_data().await;
    let head = "case_no,county,person,amount,note\n";
    city.upload(&format!("{head}A1,360481,张三(合成),100.50,一\n")).await;
    let case = asked(&city, city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    city.upload(&format!("{head}B1,360481,张三(合成),100.50,一\n")).await;
    let parts: Vec<_> = city.server.objects();
    let of = |version: &str| {
        let name = format!("/{version}/part-");
        parts
            .iter()
            .find(|path| path.to_str().unwrap().contains(&name))
            .unwrap_or_else(|| panic!("{parts:?}"))
            .clone()
    };
    let (one, two) = (of("000001"), of("000002"));
    assert_eq!(std::fs::metadata(&one).unwrap().len(), std::fs::metadata(&two).unwrap().len());
    std::fs::copy(two, one).unwrap();
    let found = again(&city, &case, &city.machine).await.ok();
    assert_eq!(found["verdict"], "differs", "{found}");
    assert_eq!((&found["rows"], &found["missing"], &found["added"]), (&json!(1), &json!(1), &json!(1)));
}

/// An item that the directory has withheld since stands in no policy that can be bound today: nothing is guessed.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_can_not_be_bound_again_is_no_difference() {
    let city = City::new().await;
    city.conditional_grant().await;
    let auditor = city.server.person("sun", None, &[Role::Auditor]).await;
    let sql = city.sql("select case_no from scjg.penalty", Some(&city.consumer));
    let case = asked(&city, sql.header("shuqiao-purpose", "%E5%8A%9E%E6%A1%88")).await;
    let own = asked(&city, city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    assert_eq!(verdict(&city, &case, &auditor).await.0, "same");
    let mut stricter = resource();
    stricter["items"][2]["sharing"] = json!({"type": "withheld", "basis": "个人信息保护法 第二十八条"});
    city.publish(&stricter).await;
    let (found, reason) = verdict(&city, &case, &auditor).await;
    assert_eq!(found, "not_replayable", "{reason}");
    assert!(reason.contains("the policy of then can't be bound"), "{reason}");
    assert_eq!(verdict(&city, &own, &auditor).await.0, "same", "one's own is everything, then and now");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_computed_again_says_why() {
    let city = City::new_at(Timestamp::parse("2026-10-20T02:00:00Z").unwrap()).await;
    let server = &city.server;
    let own = async |sql: &str| asked(&city, city.sql(sql, Some(&city.machine))).await;
    let whole = own("select case_no, amount from scjg.penalty").await;
    let explained = own("explain select case_no from scjg.penalty").await;
    let described = own("select table_name from information_schema.tables").await;
    let of_both =
        own("select a.case_no from scjg.penalty a join scjg.penalty b on a.case_no = b.case_no").await;
    let says = async |case: &(String, Vec<u8>), word: &str| {
        let (verdict, reason) = verdict(&city, case, &city.machine).await;
        assert_eq!(verdict, "not_replayable", "{word}: {reason}");
        assert!(reason.contains(word), "{word}: {reason}");
    };
    says(&explained, "EXPLAIN").await;
    says(&described, "information_schema").await;
    assert_eq!(verdict(&city, &whole, &city.machine).await.0, "same");
    assert_eq!(verdict(&city, &of_both, &city.machine).await.0, "same");

    // An entry that closes an item changes what its policy binds to, for others; one's own everything stays.
    server.set_clock(Timestamp::parse("2026-10-21T02:00:00Z").unwrap());
    let withdraw = json!({"keys": [["A1"]], "reason": "信用修复"});
    let withdraw = Call::post(format!("/api/v1/resources/{CODE}/records/withdraw"), &withdraw);
    server.send(withdraw.by(&city.machine)).await.ok();
    says(&whole, "信用修复").await;
    let later = own("select case_no from scjg.penalty").await;
    assert_eq!(verdict(&city, &later, &city.machine).await.0, "same", "without the withdrawn record");
    let withdraw = json!({"reason": "数据有误"});
    let path = format!("/api/v1/resources/{CODE}/versions/1/withdraw");
    server.send(Call::post(path, &withdraw).by(&city.machine)).await.ok();
    says(&later, "数据有误").await;

    city.upload(ROWS).await;
    let kept = own("select county from scjg.penalty").await;
    assert_eq!(verdict(&city, &kept, &city.machine).await.0, "same");
    let mut changed = resource();
    changed["sql_name"] = json!("fines");
    city.publish(&changed).await;
    says(&kept, "no table is called").await;
    city.publish(&resource()).await;
    assert_eq!(verdict(&city, &kept, &city.machine).await.0, "same");
    let now = Timestamp::parse("2027-01-05T02:00:00Z").unwrap();
    server.set_clock(now);
    let months = server.app.vault.months().unwrap();
    for (month, _) in months {
        server.app.vault.erase(&month, now).unwrap();
    }
    says(&kept, "erased").await;
}
