//! Changes of a dataset's columns: announced, reviewed, in effect when their notice has passed; the past as it was.

use std::collections::BTreeSet;

use ::http::{Method, Request, StatusCode};
use axum::body::{Body, to_bytes};
use catalog_core::context::{Channel, OpContext};
use catalog_core::{Role, Timestamp};
use exchange_auth::{operator_context, public_context};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{CODE, City, ROWS, departments, resource};
use crate::support::server::Call;

const NEW_ROWS: &str = "case_no,county,person,note,decided_on\nA1,360481,张三(合成),一,2026-01-02\n\
    A2,360402,李四(合成),二,2026-01-03\n";
const DAY: i64 = 86_400;

/// Somebody at a time: requests in this process, whose context names both.
struct Guest<'a> {
    city: &'a City,
    name: &'a str,
    days: i64,
}

impl Guest<'_> {
    fn context(&self) -> OpContext {
        let now = Timestamp::now().plus_seconds(self.days * DAY);
        let id = uuid::Uuid::now_v7().to_string();
        let [scjg, gaj] = departments();
        let (department, roles) = match self.name {
            "public" => return public_context(id, Channel::Api, now),
            "analyst" => (gaj, BTreeSet::from([Role::Analyst])),
            _ => (scjg, BTreeSet::from([Role::DataSteward, Role::Reviewer])),
        };
        operator_context(self.name, Some(&department), roles, id, now)
    }

    async fn send(&self, method: Method, path: &str, body: &str, media_type: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header("content-type", media_type);
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(self.context());
        let answer = openapi_http::router(self.city.server.app.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(Method::GET, path, "", "application/json").await
    }

    async fn upload(&self, rows: &str, query: &str) -> Value {
        let path = format!("/api/v1/resources/{CODE}/data?name=x.csv&{query}");
        serde_json::from_str(&self.send(Method::POST, &path, rows, "text/csv").await.1).unwrap()
    }

    /// The rows of a query, or the code of its refusal.
    async fn sql(&self, sql: &str) -> Value {
        let body = json!({ "sql": sql }).to_string();
        let (_, text) = self.send(Method::POST, "/api/v1/sql", &body, "application/json").await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        if answer["data"].is_array() { answer["data"].clone() } else { answer["code"].clone() }
    }

    async fn columns(&self, query: &str) -> Vec<String> {
        let (status, text) = self.get(&format!("/api/v1/resources/{CODE}/schema{query}")).await;
        assert!(status.is_success(), "{text}");
        let schema: Value = serde_json::from_str(&text).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }
}

/// The penalties without their amount, with a number for the county and a new date.
fn changed() -> Value {
    let mut changed = resource();
    let items = changed["items"].as_array_mut().unwrap();
    items.retain(|item| item["column"] != "amount");
    items[1]["type"] = json!({"kind": "I", "length": 0});
    items.push(json!({
        "title": "决定日期", "column": "decided_on", "type": {"kind": "D", "length": 0},
        "sharing": {"type": "unconditional"}, "opening": {"type": "open"},
    }));
    changed
}

async fn put_in_force(city: &City, resource: &Value) {
    let path = format!("/api/v1/resources/{CODE}");
    city.server.send(Call::new(Method::PUT, &path).json(resource).by(&city.editor)).await.ok();
    for (step, by) in [
        ("submit_registration", &city.editor),
        ("approve_registration", &city.reviewer),
        ("submit_publication", &city.editor),
        ("approve_publication", &city.reviewer),
    ] {
        let call = Call::post(format!("{path}/steps"), &json!({ "step": step })).by(by);
        city.server.send(call).await.ok();
    }
}

/// The changed columns are announced as version 2, delivered by `zhao`.
pub(super) async fn announced() -> City {
    let city = City::new().await;
    put_in_force(&city, &changed()).await;
    let zhao = Guest { city: &city, name: "zhao", days: 0 };
    let report =
        zhao.upload(NEW_ROWS, "publish=true&breaking=true&reason=%E7%BB%9F%E4%B8%80%E7%BC%96%E7%A0%81").await;
    assert_eq!(report["published"]["breaking"]["columns"], json!(["county", "amount"]), "{report}");
    city
}

async fn reviewed() -> City {
    let city = announced().await;
    let path = format!("/api/v1/resources/{CODE}/versions/2/review");
    city.server.send(Call::new(Method::POST, path).by(&city.reviewer)).await.ok();
    city
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaking_change_is_meant_or_refused() {
    let city = City::new().await;
    put_in_force(&city, &changed()).await;
    let steward = Guest { city: &city, name: "zhao", days: 0 };
    let breaking = "publish=true&breaking=true";
    for (rows, query, code) in [
        (NEW_ROWS, "publish=true", "breaking_change"),
        (ROWS, "publish=true", "breaking_change"),
        (NEW_ROWS, breaking, "invalid_input"),
        (NEW_ROWS, &format!("{breaking}&reason=x&notice_days=3"), "invalid_input"),
        (NEW_ROWS, &format!("{breaking}&reason=x&change=append"), "breaking_change"),
        (NEW_ROWS, &format!("{breaking}&reason=x&change=upsert"), "breaking_change"),
    ] {
        assert_eq!(steward.upload(rows, query).await["code"], code, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_knows_of_a_change_before_its_review_but_the_provider() {
    let city = announced().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    let [public, zhao] = ["public", "zhao"].map(|name| Guest { city: &city, name, days: 400 });
    assert_eq!(public.sql("select max(amount) as n from scjg.penalty").await, json!([{"n": 100.5}]));
    let ahead = "select count(*) as n from scjg.penalty version as of 2";
    assert_eq!(public.sql(ahead).await, "not_found");
    assert_eq!(zhao.sql(ahead).await, json!([{"n": 2}]));
    for file in ["records?version=2", "schema?version=2", "dictionary?version=2"] {
        let answer = server.send(Call::get(format!("{path}/{file}"))).await;
        assert_eq!(answer.code(), "not_found", "{file}");
        server.send(Call::get(format!("{path}/{file}")).by(&city.machine)).await.ok();
    }
    assert_eq!(server.send(Call::get(format!("/datasets/{CODE}/2.csv"))).await.code(), "not_found");

    let numbers = |versions: Value| -> Vec<_> {
        let versions = versions.as_array().unwrap().iter();
        versions
            .map(|one| (one["number"].as_i64().unwrap(), one["state"].as_str().unwrap().to_owned()))
            .collect()
    };
    let list = || Call::get(format!("{path}/versions"));
    let both = [(1, "published".to_owned()), (2, "awaits_review".to_owned())];
    assert_eq!(numbers(server.send(list()).await.ok()), both[..1]);
    assert_eq!(numbers(server.send(list().by(&city.reviewer)).await.ok()), both);

    let review = |number| Call::new(Method::POST, format!("{path}/versions/{number}/review"));
    let (status, text) = zhao.send(Method::POST, &format!("{path}/versions/2/review"), "", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
    assert_eq!(server.send(review(2).by(&city.machine)).await.code(), "forbidden");
    assert_eq!(server.send(review(1).by(&city.reviewer)).await.code(), "illegal_state");
    let version = server.send(review(2).by(&city.reviewer)).await.ok();
    assert_eq!(server.send(review(2).by(&city.reviewer)).await.code(), "illegal_state");
    let listed = server.send(list()).await.ok();
    let review = &version["breaking"]["review"];
    assert_eq!(
        (&listed[1]["state"], &listed[1]["effective_from"]),
        (&json!("announced"), &review["effective_from"])
    );
    assert_eq!(listed[1]["breaking"]["notice"], json!({"reason": "统一编码", "days": 30}));
    assert!(!listed.to_string().contains("\"by\""), "who reviewed it is the provider's matter: {listed}");
    let early = server.send(Call::get(format!("{path}/records?version=2"))).await;
    assert!(early.text().contains("announced for"), "{}", early.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_notice_has_passed_the_old_columns_go_on() {
    let city = reviewed().await;
    let day = |name, days| Guest { city: &city, name, days };
    let fourth = "A4,360481,赵六(合成),4.00,四\n";
    let delivered = day("zhao", 1).upload(&format!("{ROWS}{fourth}"), "publish=true").await;
    assert_eq!(delivered["published"]["number"], 3, "{delivered}");
    assert_eq!(delivered["published"]["breaking"], json!(null));
    let head = "case_no,county,person,amount,note\n";
    let appended =
        day("zhao", 2).upload(&format!("{head}A5,360481,,5,\n"), "publish=true&change=append").await;
    assert_eq!(appended["published"]["rows"], 5, "{appended}");
    let kept = format!("{head}A6,360481,,6,\n");
    let late = day("zhao", 3).upload(&kept, "change=append").await["prepared"].clone();
    let again = day("zhao", 4).upload(NEW_ROWS, "publish=true&breaking=true&reason=x").await;
    let own = day("zhao", 5).get(&format!("/api/v1/resources/{CODE}/versions")).await.1;
    let own: Value = serde_json::from_str(&own).unwrap();
    assert_eq!(own[4]["state"], "announced", "the announcement goes on: {again}");
    assert_eq!(
        (&own[4]["effective_from"], &own[4]["breaking"]),
        (&own[1]["effective_from"], &own[1]["breaking"])
    );

    let count = "select count(*) as n, max(amount) as high from scjg.penalty";
    let five = json!([{"n": 5, "high": 100.5}]);
    assert_eq!(day("public", 29).sql(count).await, five);
    let tomorrow = Timestamp::now().plus_seconds(40 * DAY);
    let ahead = format!("{count} timestamp as of '{tomorrow}'");
    assert_eq!(day("public", 29).sql(&ahead).await, five, "nobody reads ahead by a time to come");
    assert_eq!(day("public", 31).sql(count).await, "unknown_column");
    assert_eq!(day("public", 31).sql("select count(*) as n from scjg.penalty").await, json!([{"n": 2}]));

    let publish = format!("/api/v1/resources/{CODE}/versions");
    let publish = day("zhao", 31).send(Method::POST, &publish, &late.to_string(), "application/json").await;
    assert_eq!(publish.0, StatusCode::CONFLICT, "{}", publish.1);
    let mut late = late;
    late["number"] = json!(6);
    assert_eq!(day("zhao", 31).upload(&kept, "publish=true&change=append").await["code"], "invalid_input");
    let new = "case_no,county,person,note,decided_on\nA7,360481,,,2026-02-01\n";
    let appended = day("zhao", 31).upload(new, "publish=true&change=append").await;
    assert_eq!((&appended["published"]["rows"], &appended["published"]["based_on"]), (&json!(3), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_shows_its_own_columns_under_todays_grants() {
    let city = reviewed().await;
    city.conditional_grant().await;
    let day = |name, days| Guest { city: &city, name, days };
    let (public, analyst) = (day("public", 31), day("analyst", 31));
    assert_eq!(day("public", 29).columns("").await, ["case_no", "county", "amount"]);
    assert_eq!(
        public.columns("").await,
        ["case_no", "county"],
        "what is added is invisible until it is granted"
    );
    assert_eq!(public.columns("?version=1").await, ["case_no", "county", "amount"]);
    for column in ["amount", "decided_on", "note"] {
        assert_eq!(
            public.sql(&format!("select {column} from scjg.penalty")).await,
            "unknown_column",
            "{column}"
        );
    }
    let past = "select case_no, county, amount from scjg.penalty version as of 1 where amount > 50";
    assert_eq!(public.sql(past).await, json!([{"case_no": "A1", "county": "360481", "amount": 100.5}]));
    assert_eq!(
        public.sql("select case_no, county from scjg.penalty order by 1 limit 1").await,
        json!([{"case_no": "A1", "county": 360_481}])
    );
    let records = public.get(&format!("/api/v1/resources/{CODE}/records?version=1&county=360402")).await.1;
    assert!(records.contains(r#"{"case_no":"A2","county":"360402","amount":20.00}"#), "{records}");
    let records = public.get(&format!("/api/v1/resources/{CODE}/records?county=360402")).await.1;
    assert!(records.contains(r#"{"case_no":"A2","county":360402}"#), "{records}");
    for (file, head) in [("latest.csv", "case_no,county\n"), ("1.csv", "case_no,county,amount\n")] {
        let (status, text) = public.get(&format!("/datasets/{CODE}/{file}")).await;
        assert!(status.is_success() && text.starts_with(head), "{file}: {text}");
    }
    // The row filter of the grant holds in both shapes: once over a text, once over a number.
    let seen = "select case_no, person from scjg.penalty";
    assert_eq!(analyst.sql(seen).await, json!([{"case_no": "A1", "person": "张*****"}]));
    let past = format!("{seen} version as of 1 order by 1");
    assert_eq!(analyst.sql(&past).await.as_array().unwrap().len(), 2);

    assert_eq!(analyst.sql("select decided_on from scjg.penalty").await, "unknown_column");
    let granted = json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "decided_on"], "purpose": "统计", "legal_basis": "统计法", "doors": ["api", "sql"],
    });
    city.grant(&granted).await;
    let both = analyst.sql("select decided_on from scjg.penalty").await;
    assert_eq!(both, "ambiguous_grant", "two grants are never merged");
    let list = city.server.send(Call::get("/api/v1/grants").by(&city.approver)).await.ok();
    let first =
        list.as_array().unwrap().iter().find(|grant| grant["purpose"] == "办案").unwrap()["id"].clone();
    let revoke = format!("/api/v1/grants/{}/revoke", first.as_str().unwrap());
    let reason = json!({"reason": "用途结束"});
    city.server.send(Call::post(revoke, &reason).by(&city.approver)).await.ok();
    assert_eq!(analyst.sql("select decided_on from scjg.penalty").await.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withheld_stays_hidden_when_it_leaves_the_directory() {
    let city = City::new().await;
    let public = Guest { city: &city, name: "public", days: 0 };
    let all = ["case_no", "county", "amount"];
    assert_eq!(public.columns("?version=1").await, all);
    let mut closed = resource();
    closed["items"][3]["opening"] = json!({"type": "closed"});
    let mut removed = closed.clone();
    removed["items"].as_array_mut().unwrap().remove(3);
    for state in [&closed, &removed] {
        put_in_force(&city, state).await;
        assert_eq!(public.columns("?version=1").await, all[..2]);
        assert_eq!(public.sql("select amount from scjg.penalty version as of 1").await, "unknown_column");
    }
    put_in_force(&city, &resource()).await;
    assert_eq!(public.columns("?version=1").await, all, "open again by decision of its provider");
    let mut open = resource();
    open["items"].as_array_mut().unwrap().remove(3);
    put_in_force(&city, &open).await;
    assert_eq!(public.columns("?version=1").await, all, "it was open to the last");
}

/// RFC 9745 and RFC 8594: who takes `latest` every night learns of it from the file itself.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_latest_version_tell_of_the_change_before_it_comes() {
    let city = announced().await;
    let get = async |name: &str| city.server.send(Call::get(format!("/datasets/{CODE}/{name}"))).await;
    assert_eq!(get("latest.csv").await.header("sunset"), "", "what awaits review is not announced");
    let path = format!("/api/v1/resources/{CODE}/versions/2/review");
    city.server.send(Call::new(Method::POST, path).by(&city.reviewer)).await.ok();
    let versions = city.server.send(Call::get(format!("/api/v1/resources/{CODE}/versions"))).await.ok();
    let effective = Timestamp::parse(versions[1]["effective_from"].as_str().unwrap()).unwrap();
    for name in ["latest.csv", "latest.parquet", "latest.csv.gz"] {
        let answer = get(name).await;
        let sunset = chrono::DateTime::parse_from_rfc2822(answer.header("sunset")).unwrap();
        assert_eq!(sunset.timestamp(), effective.seconds(), "{name}");
        assert!(answer.header("sunset").ends_with(" GMT"));
        assert_eq!(answer.header("deprecation"), format!("@{}", effective.seconds() - 30 * DAY));
        let links = answer.header("link");
        assert!(
            links.contains(&format!("</api/v1/resources/{CODE}/versions>; rel=\"deprecation\"")),
            "{links}"
        );
        let next = name.replace("latest", "2");
        assert!(links.contains(&format!("</datasets/{CODE}/{next}>; rel=\"successor-version\"")), "{links}");
    }
    let fixed = get("1.csv").await;
    assert_eq!(
        (fixed.header("sunset"), fixed.header("deprecation")),
        ("", ""),
        "its own address does not change"
    );
}
