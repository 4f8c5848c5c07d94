//! Who saw a subject's record: what is certain, what is possible, who may ask, and that no number is left anywhere.

use std::path::Path;

use catalog_core::Role;
use catalog_core::directory::Department;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, departments, resource};
use crate::support::server::{Answer, Call};

const PERSONS: &str = "301001-000002";
/// Synthetic numbers of well-formed citizens.
const ONE: &str = "110101199003070038";
const OTHER: &str = "11010119900307002X";

/// Two persons in two counties, and a grant to the consumer on one of them.
async fn city() -> City {
    let city = City::new().await;
    let mut persons = resource();
    let item = |title: &str, column: &str, required: bool| {
        json!({
            "title": title, "column": column, "type": {"kind": "C", "length": 20}, "required": required,
            "sharing": {"type": "conditional", "condition": "办案需要"}, "opening": {"type": "closed"}, "personal": true,
        })
    };
    persons["code"] = json!("301001/000002");
    persons["sql_name"] = json!("persons");
    persons["title"] = json!("人员信息");
    persons["items"] =
        json!([item("证件号码", "id_no", true), item("姓名", "name", false), item("县区", "county", false)]);
    persons["key"] = json!(["id_no"]);
    persons["sort"] = json!([]);
    persons["subject"] = json!("id_no");
    city.publish(&persons).await;
    let rows = format!("id_no,name,county\n{ONE},张三(合成),360481\n{OTHER},李四(合成),360402\n");
    city.upload_to(PERSONS, &rows).await;
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000002", "grantee": {"department": "gaj"},
        "items": ["name", "county"], "filter": {"=": ["county", "360481"]}, "purpose": "办案",
        "legal_basis": "警察法", "doors": ["api", "sql", "file"],
    }))
    .await;
    city
}

async fn ask(city: &City, number: &str, by: &SigningKey, matter: bool) -> Answer {
    let call = Call::post("/api/v1/subject-accesses", &json!({ "subject": number })).by(by);
    let call = if matter { call.header("shuqiao-matter", "2026-17") } else { call };
    city.server.send(call).await
}

/// Door, department and certainty of each access.
fn seen(answer: &Value) -> Vec<(String, String, String)> {
    let text = |access: &Value, name: &str| access[name].as_str().unwrap().to_owned();
    let accesses = answer["accesses"].as_array().unwrap().iter();
    accesses.map(|one| (text(one, "door"), text(one, "department"), text(one, "certainty"))).collect()
}

fn expected(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_who_saw_a_record_certainly_and_possibly() {
    let city = city().await;
    let server = &city.server;
    let records = format!("/api/v1/resources/{PERSONS}/records");
    let [police, own] = [&city.consumer, &city.machine];
    let look_up = json!({ "filter": {"=": ["id_no", ONE]} });
    for call in [
        city.sql("select name from scjg.persons", Some(police)),
        city.sql("select name from scjg.persons where county = '000000'", Some(police)),
        Call::get(format!("/datasets/{PERSONS}/latest.csv")).by(police),
        Call::post(&records, &look_up).by(own),
        city.sql("select count(*) from scjg.persons", Some(own)),
        city.sql("select case_no from scjg.penalty", Some(own)),
        Call::get(&records).by(own),
        Call::get(format!("{records}?limit=1")).by(own),
    ] {
        server.send(call).await.ok_bytes();
    }
    let auditor = server.person("sun", None, &[Role::Auditor]).await;
    let answer = ask(&city, ONE, &auditor, false).await.ok();
    let of_one = expected(&[
        ("sql", "gaj", "possible"),
        ("file", "gaj", "certain"),
        ("api", "scjg", "certain"),
        ("sql", "scjg", "possible"),
        ("api", "scjg", "certain"),
        ("api", "scjg", "possible"),
    ]);
    assert_eq!(seen(&answer), of_one, "{answer:#}");
    assert_eq!(answer["accesses"][0]["items"], json!(["姓名", "县区"]));
    assert_eq!(answer["accesses"][1]["grant"].as_str().map(str::len), Some(36));
    assert!(answer["accesses"][2]["reason"].as_str().unwrap().contains("looked up by the subject's number"));
    // The filter of the police's grant hides the other's row: it is in none of their accesses.
    let of_other = expected(&[
        ("api", "scjg", "possible"),
        ("sql", "scjg", "possible"),
        ("api", "scjg", "certain"),
        ("api", "scjg", "possible"),
    ]);
    assert_eq!(
        seen(&ask(&city, "11010119900307002x", &auditor, false).await.ok()),
        of_other,
        "letters are large or small"
    );
    assert_eq!(seen(&ask(&city, "110101199003070011", &auditor, false).await.ok()), []);

    // Look-ups and questions are found by the keyed hash alone.
    let hash = answer["subject"].as_str().unwrap();
    let search = format!("/api/v1/evidence?subject={hash}");
    let found = server.send(Call::get(search).by(&auditor)).await.ok();
    let names: Vec<_> =
        found["records"].as_array().unwrap().iter().map(|leaf| &leaf["record"]["event"]).collect();
    assert_eq!(names, ["access", "changed"], "{found:#}");
    assert_eq!(found["records"][1]["record"]["action"], "subject.traced");
    let number = format!("/api/v1/evidence?subject={ONE}");
    assert_eq!(server.send(Call::get(number).by(&auditor)).await.code(), "invalid_input");

    // What is withdrawn can't be tested any more, and is possible.
    let withdraw = json!({"keys": [[ONE]], "reason": "更正"});
    let withdraw = Call::post(format!("/api/v1/resources/{PERSONS}/records/withdraw"), &withdraw).by(own);
    server.send(withdraw).await.ok();
    let later = ask(&city, ONE, &auditor, false).await.ok();
    assert_eq!(later["accesses"][1]["certainty"], "possible", "{later:#}");
    assert!(later["accesses"][1]["reason"].as_str().unwrap().contains("更正"), "{later:#}");

    for folder in ["evidence", "access"] {
        assert!(!holds(&server.folder.path().join(folder), ONE), "{folder}: no number in logs");
    }
    assert!(holds(&server.folder.path().join("evidence"), hash));
}

/// Whether any file below a folder holds the text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let content = std::fs::read(&path).unwrap();
        content.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_trace_a_subject() {
    let city = city().await;
    let server = &city.server;
    let [scjg, gaj]: [Department; 2] = departments();
    server.send(city.sql("select count(*) from scjg.persons", Some(&city.machine))).await.ok();
    let others = server.person("other", Some(&gaj), &[Role::Approver]).await;
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    let analyst = server.person("analyst", Some(&scjg), &[Role::Analyst]).await;
    for by in [&city.machine, &city.consumer, &city.editor, &city.reviewer, &analyst, &security] {
        assert_eq!(ask(&city, ONE, by, true).await.code(), "forbidden");
    }
    assert_eq!(ask(&city, ONE, &city.approver, false).await.code(), "obligation_missing");
    let before = server.events("changed").iter().filter(|event| event["action"] == "subject.traced").count();
    assert_eq!(before, 0, "what is refused has looked for nothing");
    let own = ask(&city, ONE, &city.approver, true).await.ok();
    assert_eq!(seen(&own), expected(&[("sql", "scjg", "possible")]));
    let traced =
        server.events("changed").into_iter().rfind(|event| event["action"] == "subject.traced").unwrap();
    assert_eq!(traced["entity"], format!("subject {}", own["subject"].as_str().unwrap()));
    assert_eq!((&traced["actor"]["id"], &traced["actor"]["matter"]), (&json!("approver"), &json!("2026-17")));
    assert_eq!(seen(&ask(&city, ONE, &others, true).await.ok()), [], "another department's data");
    for wrong in [
        json!({}),
        json!({"subject": ""}),
        json!({"subject": ONE, "more": 1}),
        json!({"subject": "1".repeat(65)}),
    ] {
        let call =
            Call::post("/api/v1/subject-accesses", &wrong).header("shuqiao-matter", "1").by(&city.approver);
        let refused = server.send(call).await;
        assert_eq!(refused.code(), "invalid_input");
        assert!(!refused.text().contains(ONE), "a refusal does not say the number again");
    }
    let unsigned = Call::post("/api/v1/subject-accesses", &json!({ "subject": ONE }));
    assert!(server.send(unsigned).await.status.is_client_error());
}

/// Whoever knows a number finds its row in many ways, and all of them say whom they were after.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_look_up_a_number_is_a_look_up() {
    let city = city().await;
    let server = &city.server;
    let auditor = server.person("sun", None, &[Role::Auditor]).await;
    let hash = ask(&city, ONE, &auditor, false).await.ok()["subject"].as_str().unwrap().to_owned();
    let look_up = async |body: Value| {
        let path = format!("/api/v1/resources/{PERSONS}/records?format=jsonl");
        let answer = server.send(Call::post(path, &body).by(&city.machine)).await;
        let rows = answer.text().lines().count();
        let event = server.events("access").pop().unwrap();
        (rows, event["subjects"].as_array().cloned().unwrap_or_default())
    };
    let before = &ONE[..17];
    for filter in [
        json!({"=": ["id_no", ONE]}),
        json!({"in": ["id_no", [ONE]]}),
        json!({"between": ["id_no", ONE, ONE]}),
        json!({"like": ["id_no", ONE]}),
        json!({"like": ["id_no", format!("{before}%")]}),
        json!({"and": [{">=": ["id_no", ONE]}, {"<=": ["id_no", ONE]}]}),
        json!({"not": {"or": [{"<": ["id_no", ONE]}, {">": ["id_no", ONE]}]}}),
    ] {
        for items in [json!([]), json!(["name"]), json!(["证件号码", "name"])] {
            let (rows, subjects) = look_up(json!({"filter": filter, "items": items})).await;
            assert_eq!((rows, subjects), (1, vec![json!(hash)]), "{filter} {items}");
        }
    }
    let (rows, subjects) = look_up(json!({"filter": {">": ["id_no", "0"]}, "items": ["county"]})).await;
    assert_eq!((rows, subjects.len()), (2, 2), "few rows are a look-up of each");
    let (rows, subjects) = look_up(json!({"filter": {"=": ["name", "张三(合成)"]}})).await;
    assert_eq!((rows, subjects.len()), (1, 0), "what does not go by the number is found by the row");
    let absent = "110101199003070011";
    for filter in [json!({"=": ["id_no", absent]}), json!({"not": {"<>": ["id_no", absent]}})] {
        let (rows, subjects) = look_up(json!({ "filter": filter })).await;
        assert_eq!((rows, subjects.len()), (0, 1), "whoever is looked for is named, found or not: {filter}");
    }
    let many: String = (0..101).map(|number| format!("{:018},某人,360481\n", number)).collect();
    city.upload_to(PERSONS, &format!("id_no,name,county\n{many}")).await;
    let (rows, subjects) = look_up(json!({"filter": {">=": ["id_no", "0"]}, "limit": 101})).await;
    assert_eq!((rows, subjects.len()), (101, 0), "many rows are none");
}

/// Two are asked for, and the grant shows one of them.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_looked_up_and_hidden_was_not_seen() {
    let city = city().await;
    let server = &city.server;
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000002", "grantee": {"department": "gaj"},
        "items": ["id_no", "name"], "filter": {"=": ["county", "360481"]}, "purpose": "核对",
        "legal_basis": "警察法", "doors": ["api"],
    }))
    .await;
    let both = json!({"filter": {"in": ["id_no", [ONE, OTHER]]}});
    let look_up = Call::post(format!("/api/v1/resources/{PERSONS}/records"), &both);
    let look_up = look_up.header("shuqiao-purpose", "%E6%A0%B8%E5%AF%B9").by(&city.consumer);
    assert_eq!(server.send(look_up).await.ok()["data"].as_array().unwrap().len(), 1);
    let named = server.events("access").pop().unwrap()["subjects"].clone();
    assert_eq!(named.as_array().unwrap().len(), 2, "both were asked for");
    let auditor = server.person("sun", None, &[Role::Auditor]).await;
    let of = async |number: &str| seen(&ask(&city, number, &auditor, false).await.ok());
    assert_eq!(of(ONE).await, expected(&[("api", "gaj", "certain")]));
    assert_eq!(of(OTHER).await, []);
}

/// Numbers that are numbers, and letters that no directory demands to be large.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_looked_for_in_columns_of_every_type_and_spelling() {
    let city = city().await;
    let server = &city.server;
    let mut numbered = resource();
    let item = |title: &str, column: &str, kind: &str, length: u16| {
        json!({
            "title": title, "column": column, "type": {"kind": kind, "length": length}, "required": true,
            "sharing": {"type": "conditional", "condition": "办案需要"}, "opening": {"type": "closed"}, "personal": true,
        })
    };
    for (code, name, (kind, length), value) in [
        ("301001/000003", "numbered", ("I", 0), "1234567"),
        ("301001/000004", "lettered", ("C", 18), "e1234567"),
    ] {
        (numbered["code"], numbered["sql_name"]) = (json!(code), json!(name));
        numbered["title"] = json!(format!("人员编号 {name}"));
        numbered["items"] = json!([item("编号", "id_no", kind, length)]);
        numbered["key"] = json!(["id_no"]);
        numbered["sort"] = json!([]);
        numbered["subject"] = json!("id_no");
        city.publish(&numbered).await;
        city.upload_to(&code.replace('/', "-"), &format!("id_no\n{value}\n")).await;
        server.send(city.sql(&format!("select count(*) from scjg.{name}"), Some(&city.machine))).await.ok();
    }
    server.send(city.sql("select count(*) from scjg.persons", Some(&city.machine))).await.ok();
    let auditor = server.person("sun", None, &[Role::Auditor]).await;
    let resources = async |number: &str| {
        let found = ask(&city, number, &auditor, false).await.ok();
        let accesses = found["accesses"].as_array().unwrap().iter();
        accesses.map(|one| one["resource"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        resources(OTHER).await,
        ["301001/000002"],
        "a letter in it: no row of integers, and no end of the page"
    );
    assert_eq!(resources("1234567").await, ["301001/000003"]);
    assert_eq!(resources("E1234567").await, ["301001/000004"]);
    assert_eq!(resources("e 1234567").await, ["301001/000004"]);
    let [large, small] = [
        ask(&city, "E1234567", &auditor, false).await.ok(),
        ask(&city, "e 1234567", &auditor, false).await.ok(),
    ];
    assert_eq!(large["subject"], small["subject"], "evidence knows one of them");
}
