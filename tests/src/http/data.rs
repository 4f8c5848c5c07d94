//! Uploads, records, SQL, withdrawals.

use ::http::Method;
use openapi_http::HttpLimits;
use serde_json::json;

use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::{Bounds, Call};

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_checked_waits_and_is_published() {
    let city = City::without_data().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    let upload = |rows: &str, query: &str| {
        Call::new(Method::POST, format!("{path}/data?{query}")).body(rows, "text/csv").by(&city.machine)
    };
    let bad = "case_no,county,person,amount,note\nA1,360481,张三(合成),abc,一\n";
    assert_eq!(server.send(upload(bad, "publish=true")).await.code(), "quality_threshold");
    let report = server.send(upload(&format!("{ROWS}A4,360481,,x,\n"), "threshold=0.5")).await.ok();
    assert_eq!(report["quality"]["rows_accepted"], 3, "{report}");
    assert_eq!(report["quality"]["rows_quarantined"], 1);
    assert_eq!(report["published"], json!(null));
    assert_eq!(server.send(Call::get(format!("{path}/preview")).by(&city.machine)).await.code(), "not_found");

    let quarantine = format!("{path}/versions/1/quarantine");
    assert_eq!(server.send(Call::get(&quarantine).by(&city.machine)).await.code(), "not_found");
    let publish = |body: &serde_json::Value, by| Call::post(format!("{path}/versions"), body).by(by);
    let mut forged = report["prepared"].clone();
    forged["manifest_digest"] = json!("0".repeat(64));
    assert_eq!(server.send(publish(&forged, &city.machine)).await.code(), "not_found");
    assert_eq!(server.send(publish(&report["prepared"], &city.consumer)).await.code(), "forbidden");
    let version = server.send(publish(&report["prepared"], &city.machine)).await.ok();
    assert_eq!(version["rows"], 3);
    assert_eq!(server.send(publish(&report["prepared"], &city.machine)).await.code(), "conflict");

    let bad_rows = server.send(Call::get(&quarantine).by(&city.machine)).await;
    assert!(bad_rows.text().contains("A4") || bad_rows.text().contains("\"x\""), "{}", bad_rows.text());
    let quality = server.send(Call::get(format!("{path}/versions/1/quality")).by(&city.editor)).await.ok();
    assert_eq!(quality["rows_quarantined"], 1);

    let appended = upload("case_no,county,person,amount,note\nB1,360402,,1,\n", "change=append&publish=true");
    assert_eq!(server.send(appended).await.ok()["published"]["rows"], 4);
    assert_eq!(server.send(upload("", "publish=true")).await.code(), "invalid_input");
    let unknown = Call::new(Method::POST, format!("{path}/data")).body("x", "image/png").by(&city.machine);
    assert_eq!(server.send(unknown).await.code(), "unsupported_format");
    assert_eq!(server.send(upload(ROWS, "name=../x.csv")).await.code(), "invalid_input");
    let stranger = Call::new(Method::POST, format!("{path}/data")).body(ROWS, "text/csv").by(&city.consumer);
    assert_eq!(server.send(stranger).await.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_policy_holds_for_records_sql_schema_and_dictionary() {
    let city = City::new().await;
    city.conditional_grant().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    let purpose = |call: Call<'static>| call.header("shuqiao-purpose", "%E5%8A%9E%E6%A1%88");

    let public = server.send(Call::get(format!("{path}/records?county=360481"))).await.ok();
    assert_eq!(public["data"][0], json!({"case_no": "A1", "county": "360481", "amount": 100.5}), "{public}");
    assert_eq!(public["data"].as_array().unwrap().len(), 2);
    assert_eq!(public["complete"], true);
    let schema = server.send(Call::get(format!("{path}/schema"))).await.ok();
    assert!(schema["properties"]["amount"].is_object() && schema["properties"]["person"].is_null());
    let dictionary = server.send(Call::get(format!("{path}/dictionary"))).await.text();
    assert!(!dictionary.contains("\"person\"") && !dictionary.contains("当事人"));

    let query = json!({"items": ["case_no", "person"], "sort": [{"item": "case_no", "descending": true}], "limit": 1});
    let first = server.send(Call::post(format!("{path}/records"), &query).by(&city.consumer)).await.ok();
    assert_eq!(first["data"], json!([{"case_no": "A3", "person": "王*****"}]));
    let mut next = query.clone();
    next["cursor"] = first["next"].clone();
    let second = server.send(Call::post(format!("{path}/records"), &next).by(&city.consumer)).await.ok();
    assert_eq!(second["data"], json!([{"case_no": "A1", "person": "张*****"}]));
    assert_eq!(second["next"], json!(null));

    let sql = "select count(*) as n from 九江市市场监督管理局.行政处罚信息";
    assert_eq!(server.send(city.sql(sql, Some(&city.consumer))).await.ok()["data"], json!([{"n": 2}]));
    assert_eq!(server.send(city.sql(sql, Some(&city.machine))).await.ok()["data"], json!([{"n": 3}]));
    assert_eq!(server.send(purpose(city_sql(sql))).await.ok()["data"], json!([{"n": 3}]));
    let denied = server.send(city.sql("select note from scjg.penalty", Some(&city.consumer))).await;
    assert_eq!(denied.code(), "unknown_column");
    assert_eq!(
        server.send(city.sql("select * from scjg.nothing", Some(&city.consumer))).await.code(),
        "unknown_table"
    );
    assert_eq!(server.send(city.sql("drop table x", None)).await.code(), "sql_unsupported");
}

fn city_sql(sql: &str) -> Call<'static> {
    Call::post("/api/v1/sql", &json!({ "sql": sql }))
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_stay_out_of_addresses() {
    let city = City::new().await;
    let path = format!("/api/v1/resources/{CODE}/records");
    let refused = city.server.send(Call::get(format!("{path}?person=x")).by(&city.machine)).await;
    assert_eq!(refused.code(), "invalid_input");
    assert!(refused.text().contains("POST"));
    let filter = json!({"filter": {"like": ["person", "张%"]}});
    let found = city.server.send(Call::post(&path, &filter).by(&city.machine)).await.ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(city.server.send(Call::get(format!("{path}?nonsense=1"))).await.code(), "unknown_column");
    let nobody = json!({"filter": {"=": ["person", "无此人"]}});
    let found = city.server.send(Call::post(&path, &nobody).by(&city.machine)).await.ok();
    assert_eq!(found, json!({"data": [], "next": null, "complete": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_in_an_address_tells_nobody_a_value() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}/records");
    let first = server.send(Call::get(format!("{path}?limit=2&sort=person")).by(&city.machine)).await.ok();
    let cursor = first["next"].as_str().unwrap();
    let sealed = exchange_crypto::from_base64url(cursor).unwrap();
    let shown = String::from_utf8_lossy(&sealed).into_owned() + cursor;
    assert!(!shown.contains("A1") && !shown.contains("张三") && !shown.contains("values"), "{shown}");
    let second = format!("{path}?limit=2&sort=person&cursor={cursor}");
    let second = server.send(Call::get(second).by(&city.machine)).await.ok();
    assert_eq!((second["data"].as_array().unwrap().len(), &second["next"]), (1, &json!(null)));
    let forged = server.send(Call::get(format!("{path}?limit=2&cursor=x")).by(&city.machine)).await;
    assert_eq!(forged.code(), "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_every_format_lead_to_the_next_and_count_when_asked() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}/records");
    for format in ["json", "jsonl", "csv", "arrow", "parquet"] {
        let first = format!("{path}?limit=2&format={format}&count=true");
        let first = server.send(Call::get(first).by(&city.machine)).await;
        assert_eq!(first.header("shuqiao-total"), "3");
        let next = first.header("link").strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0;
        assert!(next.contains(first.header("shuqiao-next")) && next.contains("limit=2"), "{next}");
        let last = server.send(Call::get(next.to_owned()).by(&city.machine)).await;
        assert!(last.status.is_success() && last.headers.get("link").is_none(), "{format}");
    }
    let by_body = json!({"limit": 1, "count": true, "filter": {"=": ["county", "360481"]}});
    let counted = server.send(Call::post(&path, &by_body).by(&city.machine)).await.ok();
    assert_eq!((&counted["total"], counted["data"].as_array().unwrap().len()), (&json!(2), 1));
    let silent = server.send(Call::get(&path).by(&city.machine)).await;
    assert!(silent.headers.get("shuqiao-total").is_none() && silent.ok().get("total").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_read_as_of_a_time() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}/records");
    let before = server.send(Call::get(format!("{path}?as_of=2001-01-01T00:00:00Z"))).await;
    assert_eq!(before.code(), "not_found");
    let now = server.send(Call::get(format!("{path}?as_of=2999-01-01T00:00:00Z"))).await;
    assert_eq!(now.header("shuqiao-versions"), format!("{CODE}=1"));
    for wrong in ["as_of=yesterday", "as_of=2999-01-01T00:00:00Z&version=1"] {
        assert_eq!(server.send(Call::get(format!("{path}?{wrong}"))).await.code(), "invalid_input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_holds_the_rows_and_states_the_limits() {
    let city = City::new().await;
    let sql = json!({"sql": "select case_no, amount from scjg.penalty order by 1"});
    for (format, starts) in [
        ("json", &b"{\"data\":["[..]),
        ("jsonl", b"{\"case_no\":\"A1\""),
        ("csv", b"case_no,amount\n"),
        ("arrow", b"\xff\xff\xff\xff"),
        ("parquet", b"PAR1"),
    ] {
        let answer = city.server.send(Call::post(format!("/api/v1/sql?format={format}"), &sql)).await;
        assert!(answer.bytes().starts_with(starts), "{format}: {}", answer.text());
        assert!(answer.header("shuqiao-limits").contains("rows="));
        assert_eq!(answer.header("shuqiao-versions"), "301001-000001=1");
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    let csv = city.server.send(Call::post("/api/v1/sql", &sql).header("accept", "text/csv, */*;q=0.1")).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(
        city.server.send(Call::post("/api/v1/sql?format=xml", &sql)).await.code(),
        "unsupported_format"
    );
    let image = Call::post("/api/v1/sql", &sql).header("accept", "image/png");
    assert_eq!(city.server.send(image).await.code(), "unsupported_format");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_or_revoked_is_gone_at_once() {
    let city = City::new().await;
    let grant = city.conditional_grant().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    let preview = || Call::get(format!("{path}/preview")).by(&city.consumer);
    assert_eq!(server.send(preview()).await.ok()["data"].as_array().unwrap().len(), 2);
    let revoke = format!("/api/v1/grants/{}/revoke", grant["id"].as_str().unwrap());
    let reason = json!({"reason": "用途结束"});
    assert_eq!(server.send(Call::post(&revoke, &reason).by(&city.consumer)).await.code(), "forbidden");
    server.send(Call::post(&revoke, &reason).by(&city.approver)).await.ok();
    // What remains is what everyone has.
    assert_eq!(server.send(preview()).await.ok()["data"].as_array().unwrap().len(), 3);

    let records = json!({"keys": [["A2"]], "reason": "信用修复"});
    server.send(Call::post(format!("{path}/records/withdraw"), &records).by(&city.machine)).await.ok();
    assert_eq!(server.send(preview()).await.ok()["data"].as_array().unwrap().len(), 2);
    city.upload(ROWS).await;
    server.send(Call::post(format!("{path}/versions/1/withdraw"), &reason).by(&city.machine)).await.ok();
    let old = city.sql("select * from scjg.penalty version as of 1", Some(&city.machine));
    assert_eq!(server.send(old).await.code(), "withdrawn");
    for part in ["quality", "quarantine"] {
        let path = format!("{path}/versions/2/{part}");
        assert_eq!(server.send(Call::get(path)).await.code(), "forbidden", "{part} is the provider's");
    }
    let versions = server.send(Call::get(format!("{path}/versions"))).await.ok();
    assert_eq!(versions[0]["withdrawn_because"], "用途结束");
    assert_eq!(versions[0]["rows"], json!(null), "the public does not see how many rows it does not see");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reinstated_record_shows_in_later_deliveries_and_nowhere_else() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    let act = async |act: &str, key: &str, reason: &str| {
        let body = json!({"keys": [[key]], "reason": reason});
        server.send(Call::post(format!("{path}/records/{act}"), &body).by(&city.machine)).await
    };
    let amount = async |version: i64| {
        let sql = format!("select amount from scjg.penalty version as of {version} where case_no = 'A2'");
        server.send(city.sql(&sql, Some(&city.machine))).await.ok()["data"].clone()
    };
    let upload = async |rows: &str, change: &str| {
        let address = format!("{path}/data?publish=true&name=x.csv&change={change}");
        let call = Call::new(Method::POST, address).body(rows, "text/csv").by(&city.machine);
        server.send(call).await.ok()["published"]["number"].as_i64().unwrap()
    };
    let head = "case_no,county,person,amount,note\n";
    let corrected = ROWS.replace("20.00", "21.00");
    act("withdraw", "A2", "处罚变更").await.ok();
    let hidden = upload(&corrected, "replace").await;
    assert_eq!(act("reinstate", "A1", "已更正").await.code(), "invalid_input", "A1 is not withdrawn");
    assert_eq!(act("reinstate", "A2", " ").await.code(), "invalid_input");
    act("reinstate", "A2", "已更正").await.ok();
    let recorded = server.events("changed").pop().unwrap();
    assert_eq!(recorded["action"], "records.reinstated");

    // An append and an upsert carry the old row over: what was withdrawn stays so until all is delivered anew.
    let appended = upload(&format!("{head}A9,360481,,9,\n"), "append").await;
    let upserted = upload(&format!("{head}A9,360481,,10,\n"), "upsert").await;
    for version in [1, hidden, appended, upserted] {
        assert_eq!(amount(version).await, json!([]), "version {version}");
    }
    let shown = upload(&corrected, "replace").await;
    let after = upload(&format!("{head}A9,360481,,9,\n"), "append").await;
    for version in [shown, after] {
        assert_eq!(amount(version).await, json!([{"amount": 21.0}]), "version {version}");
    }
    assert_eq!(amount(1).await, json!([]));
    act("withdraw", "A2", "依法删除").await.ok();
    for version in [1, shown, after] {
        assert_eq!(amount(version).await, json!([]), "withdrawn again: hidden everywhere");
    }
    let stranger = Call::post(format!("{path}/records/reinstate"), &json!({"keys": [["A2"]], "reason": "x"}));
    assert_eq!(server.send(stranger.by(&city.consumer)).await.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_manifest_hides_its_own_dataset_alone() {
    let city = City::new().await;
    let mut other = resource();
    (other["code"], other["sql_name"], other["title"]) =
        (json!("301001/000002"), json!("fines"), json!("罚款缴纳"));
    city.publish(&other).await;
    city.upload_to("301001-000002", ROWS).await;
    let tables = async || {
        let sql = "select table_name from information_schema.tables order by 1";
        city.server.send(city.sql(sql, Some(&city.machine))).await.ok()["data"].clone()
    };
    assert_eq!(tables().await, json!([{"table_name": "fines"}, {"table_name": "penalty"}]));
    let is_manifest = |path: &std::path::PathBuf| {
        let path = path.to_string_lossy();
        path.contains("/301001-000001/") && path.contains("/manifest-") && path.ends_with(".json")
    };
    let manifest = city.server.objects().into_iter().find(is_manifest).unwrap();
    std::fs::write(manifest, "{").unwrap();
    assert_eq!(tables().await, json!([{"table_name": "fines"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_at_once_each_version_has_one() {
    let city = City::new().await;
    let path = format!("/api/v1/resources/{CODE}");
    let uploads = (0..8).map(|writer| {
        let rows = ROWS.replace("A1", &format!("W{writer}"));
        let address = format!("{path}/data?publish=true&name=x.csv");
        let call = Call::new(Method::POST, address).body(rows, "text/csv").by(&city.machine);
        let server = &city.server;
        async move { (writer, server.send(call).await) }
    });
    let answers = futures::future::join_all(uploads).await;
    let mut published = Vec::new();
    for (writer, answer) in answers {
        if answer.status.is_success() {
            published.push((answer.ok()["published"]["number"].as_i64().unwrap(), writer));
        } else {
            assert_eq!(answer.code(), "conflict");
        }
    }
    published.sort_unstable();
    assert!(!published.is_empty());
    for ((number, writer), expected) in published.iter().zip(2..) {
        assert_eq!(*number, expected, "numbers without a gap");
        let sql = format!("select case_no from scjg.penalty version as of {number} where case_no like 'W%'");
        let found = city.server.send(city.sql(&sql, Some(&city.machine))).await.ok()["data"].clone();
        assert_eq!(found, json!([{"case_no": format!("W{writer}")}]), "who was told so wrote it");
    }
    let prepared = {
        let address = format!("{path}/data?name=x.csv");
        let call = Call::new(Method::POST, address).body(ROWS, "text/csv").by(&city.machine);
        city.server.send(call).await.ok()["prepared"].clone()
    };
    let publish = || Call::post(format!("{path}/versions"), &prepared).by(&city.machine);
    let twice = futures::future::join_all((0..4).map(|_| city.server.send(publish()))).await;
    assert_eq!(twice.iter().filter(|answer| answer.status.is_success()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_rows_is_whole_in_every_format() {
    let city = City::new().await;
    let sql = json!({"sql": "select case_no from scjg.penalty where county = 'x'"});
    for (format, whole) in
        [("json", "{\"data\":[],\"next\":null,\"complete\":true}\n"), ("jsonl", ""), ("csv", "case_no\n")]
    {
        let answer = city.server.send(Call::post(format!("/api/v1/sql?format={format}"), &sql)).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, whole), "{format}");
    }
    for format in ["arrow", "parquet"] {
        city.server.send(Call::post(format!("/api/v1/sql?format={format}"), &sql)).await.ok_bytes();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_ask_too_much_at_once_come_back_later_and_departments_do_not() {
    let door = HttpLimits { public_queries: 0, ..HttpLimits::default() };
    let city = City::new_within(Bounds { door, ..Bounds::default() }).await;
    let sql = "select count(*) as n from scjg.penalty";
    let refused = city.server.send(city.sql(sql, None)).await;
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("unavailable", "5"));
    assert_eq!(city.server.send(city.sql(sql, Some(&city.machine))).await.ok()["data"], json!([{"n": 3}]));
    for page in ["/", "/search", "/sitemap.xml", "/feed.atom", "/catalog.ttl", "/api/3/action/package_list"] {
        let answer = city.server.send(Call::get(page)).await;
        assert_eq!(answer.status.as_u16(), 200, "{page} takes no query: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn departments_wait_for_a_place_and_not_for_ever() {
    let door = HttpLimits { queries: 0, queue: std::time::Duration::ZERO, ..HttpLimits::default() };
    let city = City::within(Bounds { door, ..Bounds::default() }).await;
    let refused = city.server.send(city.sql("select 1", Some(&city.machine))).await;
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("unavailable", "5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_a_query_reads_a_dataset() {
    let city = City::new().await;
    let heavy = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b";
    for text in [heavy, "select (select count(*) from (values (1), (2)) a)"] {
        assert_eq!(city.server.send(city.sql(text, None)).await.code(), "sql_unsupported", "{text}");
    }
    let tables = "select count(*) as n from information_schema.tables";
    let few = "select count(*) as n from generate_series(1, 9)";
    for (text, caller) in [("select 1 as n", None), (few, Some(&city.machine)), (tables, None)] {
        city.server.send(city.sql(text, caller)).await.ok();
    }
}
