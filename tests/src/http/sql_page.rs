//! The page of SQL: the same rows, evidence and refusals as the API's, saved queries and history of each for themselves.

use ::http::{Method, StatusCode};
use catalog_core::Role;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use super::sign_in::{cookie, lies_in_folder};
use crate::support::city::{City, departments};
use crate::support::python::browser;
use crate::support::server::{Answer, Call};

const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const ALL: &str = "select * from scjg.penalty order by case_no";

/// Somebody, and how they prove it.
enum Proof<'a> {
    Nothing,
    Key(&'a SigningKey),
    Ticket(String),
    Cookie(String),
}

impl Proof<'_> {
    async fn send(&self, city: &City, call: Call<'_>) -> Answer {
        match self {
            Self::Nothing => city.server.send(call).await,
            Self::Key(key) => city.server.send(call.by(key)).await,
            Self::Ticket(ticket) => {
                city.server.send(call.header("authorization", &format!("Bearer {ticket}"))).await
            }
            Self::Cookie(cookie) => {
                city.server.send(call.header("cookie", cookie).header("origin", &city.server.base)).await
            }
        }
    }

    /// Sends the form of the page.
    async fn ask(&self, city: &City, fields: &[(&str, &str)]) -> Answer {
        self.send(city, form(fields)).await
    }
}

fn form(fields: &[(&str, &str)]) -> Call<'static> {
    let address = reqwest::Url::parse_with_params("http://a.example", fields).unwrap();
    let body = address.query().unwrap_or_default().to_owned();
    Call::new(Method::POST, "/sql")
        .body(body, "application/x-www-form-urlencoded")
        .header("accept", "text/html")
}

/// A person of the department who is signed in at a browser.
async fn signed_in(city: &City, id: &str, place: usize) -> Proof<'static> {
    let server = &city.server;
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    server.person(id, Some(&departments()[place]), &[Role::Analyst]).await;
    let invite = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(&security);
    let code = server.send(invite).await.ok()["code"].clone();
    let set = json!({"name": id, "code": code, "new_password": PASSWORD});
    server.send(Call::post("/api/v1/session/password", &set)).await.ok();
    let entered = json!({"name": id, "password": PASSWORD});
    Proof::Cookie(cookie(&server.send(Call::post("/api/v1/session", &entered)).await))
}

/// The cells that the page shows.
fn cells(page: &str) -> Vec<Vec<String>> {
    let table = page.split("<tbody lang=\"zh-CN\">").nth(1).expect("rows").split("</tbody>").next().unwrap();
    let cell = |cell: &str| cell.split_once('>').unwrap().1.split("</td>").next().unwrap().to_owned();
    table.split("<tr>").skip(1).map(|row| row.split("<td").skip(1).map(cell).collect()).collect()
}

/// The cells of a CSV without quotes.
fn of_csv(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn has(page: &Answer, status: StatusCode, text: &str) {
    assert_eq!(page.status, status, "{}", page.text());
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.text());
    assert!(page.text().contains(text), "{text} is not in {}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_each_the_rows_that_the_api_shows_them() {
    let city = City::new().await;
    city.conditional_grant().await;
    let ticket = json!({"doors": ["sql"], "seconds": 600});
    let ticket = city.server.send(Call::post("/api/v1/tickets", &ticket).by(&city.consumer)).await.ok();
    let who = [
        (Proof::Nothing, 3, 3),
        (Proof::Key(&city.machine), 3, 5),
        (Proof::Key(&city.consumer), 2, 3),
        (Proof::Ticket(ticket["token"].as_str().unwrap().to_owned()), 2, 3),
        (signed_in(&city, "zhang", 0).await, 3, 5),
        (signed_in(&city, "wang", 1).await, 2, 3),
    ];
    for (place, (who, rows, columns)) in who.iter().enumerate() {
        let page = who.ask(&city, &[("sql", ALL)]).await;
        has(&page, StatusCode::OK, "scjg.penalty");
        let api = who.send(&city, Call::post("/api/v1/sql?format=csv", &json!({ "sql": ALL }))).await;
        api.ok_bytes();
        let shown = cells(&page.text());
        assert_eq!(shown, of_csv(&api.text()), "{place}");
        assert_eq!((shown.len(), shown[0].len()), (*rows, *columns), "{place}");
        let file = who.ask(&city, &[("sql", ALL), ("format", "csv")]).await;
        assert_eq!(file.ok_bytes(), api.ok_bytes(), "{place}");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"query.csv\"");
        let receipt = page.header("shuqiao-receipt");
        assert_eq!(receipt.is_empty(), matches!(who, Proof::Nothing), "the public's reads are counted");
        assert_eq!(page.text().contains("/receipts/"), !receipt.is_empty());
    }
    let masked = who[2].0.ask(&city, &[("sql", "select person from scjg.penalty order by 1")]).await;
    assert!(masked.text().contains("<td>张*****</td>"), "{}", masked.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_the_page_leaves_the_evidence_of_one_of_the_api() {
    let city = City::new().await;
    city.conditional_grant().await;
    let wang = signed_in(&city, "wang", 1).await;
    let fields = [("sql", ALL), ("purpose", "办案"), ("matter", "案-2026-7")];
    let page = wang.ask(&city, &fields).await;
    let receipt = page.header("shuqiao-receipt").to_owned();
    has(&page, StatusCode::OK, &receipt);
    let held = wang.send(&city, Call::get(format!("/receipts/{receipt}"))).await.ok();
    let record = &held["records"][0];
    let actor = &record["actor"];
    assert_eq!((&actor["id"], &actor["channel"]), (&json!("wang"), &json!("sql")), "{record}");
    assert_eq!((&actor["purpose"], &actor["matter"]), (&json!("办案"), &json!("案-2026-7")), "{record}");
    assert_eq!(record["rows"], 2, "{record}");

    // Nothing more is told to have left than what the page shows.
    let six = "select a.case_no from scjg.penalty a, scjg.penalty b, scjg.penalty c, scjg.penalty d, scjg.penalty e, scjg.penalty f";
    let who = Proof::Key(&city.machine);
    let page = who.ask(&city, &[("sql", six)]).await;
    assert_eq!(cells(&page.text()).len(), 500);
    let held = who.send(&city, Call::get(format!("/receipts/{}", page.header("shuqiao-receipt")))).await.ok();
    assert_eq!(held["records"][0]["rows"], 500, "{held}");

    // A file is computed again like one of the API's; a page is for people.
    let replay = async |answer: &Answer| {
        let path = format!("/receipts/{}/replay", answer.header("shuqiao-receipt"));
        let call = Call::new(Method::POST, path).body(answer.bytes().to_vec(), "application/octet-stream");
        who.send(&city, call).await.ok()["verdict"].clone()
    };
    let file = who.ask(&city, &[("sql", ALL), ("format", "parquet")]).await;
    assert_eq!(replay(&file).await, "same");
    assert_eq!(replay(&page).await, "not_replayable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_keeps_what_was_typed_and_nothing_typed_or_stored_runs() {
    let city = City::new().await;
    for (sql, status) in [
        ("select nonsense from scjg.penalty -- 留下", StatusCode::BAD_REQUEST),
        ("select * from scjg.nothing_there -- 留下", StatusCode::NOT_FOUND),
        ("drop table scjg.penalty -- 留下", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let page = Proof::Nothing.ask(&city, &[("sql", sql)]).await;
        has(&page, status, "role=\"alert\"");
        assert!(page.text().contains(sql), "{}", page.text());
    }
    let wang = signed_in(&city, "wang", 1).await;
    let long = "长".repeat(401);
    let page = wang.ask(&city, &[("sql", ALL), ("purpose", &long)]).await;
    has(&page, StatusCode::BAD_REQUEST, &long);
    let wrong = Proof::Nothing.ask(&city, &[("sql", ALL), ("format", "exe")]).await;
    has(&wrong, StatusCode::UNSUPPORTED_MEDIA_TYPE, ALL);

    let hostile =
        "select '<script>alert(1)</script>' as \"<b onclick=x>\", '</textarea></td>\u{202e}' as y, null as z";
    let page =
        Proof::Nothing.ask(&city, &[("sql", hostile), ("name", "\"><img src=x>"), ("matter", "'>")]).await;
    has(&page, StatusCode::OK, "<td class=\"null\">NULL</td>");
    for tag in ["<script>alert", "<b onclick", "</textarea></td>", "<img src=x"] {
        assert!(!page.text().contains(tag), "{tag}: {}", page.text());
    }
    assert_eq!(cells(&page.text())[0].len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_sends_the_form_of_somebody_who_is_signed_in() {
    let city = City::new().await;
    let Proof::Cookie(cookie) = signed_in(&city, "zhang", 0).await else { panic!("a cookie") };
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("x-none", "")]
    {
        for fields in [vec![("sql", ALL)], vec![("act", "save"), ("name", "x"), ("sql", ALL)]] {
            let answer = city.server.send(form(&fields).header("cookie", &cookie).header(name, value)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {}", answer.text());
        }
    }
    let saved = Proof::Cookie(cookie).send(&city, Call::get("/api/v1/queries")).await.ok();
    assert_eq!(saved, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_queries_are_their_owners_alone_and_sealed() {
    let city = City::new().await;
    let (zhang, wang) = (signed_in(&city, "zhang", 0).await, signed_in(&city, "wang", 1).await);
    let new = json!({"name": "我的处罚查询", "sql": "select '张三专用的语句' from scjg.penalty"});
    let saved = zhang.send(&city, Call::post("/api/v1/queries", &new)).await.ok();
    assert_eq!((&saved["name"], &saved["sql"]), (&new["name"], &new["sql"]));
    let by_form = zhang.ask(&city, &[("act", "save"), ("name", "第二条"), ("sql", "select 2")]).await;
    assert_eq!(by_form.status, StatusCode::SEE_OTHER, "{}", by_form.text());
    let page = zhang.send(&city, Call::get(by_form.header("location"))).await;
    has(&page, StatusCode::OK, "select 2</textarea>");
    has(&page, StatusCode::OK, "我的处罚查询");
    let names = async |who: &Proof<'_>| -> Vec<Value> {
        let all = who.send(&city, Call::get("/api/v1/queries")).await.ok();
        all.as_array().unwrap().iter().map(|query| query["name"].clone()).collect()
    };
    assert_eq!(names(&zhang).await, ["第二条", "我的处罚查询"]);
    assert_eq!(names(&wang).await, Vec::<Value>::new());
    for text in ["我的处罚查询", "张三专用的语句"] {
        assert!(!lies_in_folder(&city.server, text, "nowhere"), "{text} lies in the folder in clear");
    }

    let id = saved["id"].as_str().unwrap();
    let delete = || Call::new(Method::DELETE, format!("/api/v1/queries/{id}"));
    assert_eq!(wang.send(&city, delete()).await.code(), "not_found", "another's is as if it were not there");
    let page = wang.send(&city, Call::get(format!("/sql?saved={id}"))).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = wang.ask(&city, &[("act", "delete"), ("id", id)]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(city.server.send(Call::get("/api/v1/queries")).await.code(), "unauthenticated");
    let machine = city.server.send(Call::get("/api/v1/queries").by(&city.machine)).await;
    assert_eq!(machine.code(), "forbidden");

    for wrong in [
        json!({"name": " ", "sql": "select 1"}),
        json!({"name": "两\n行", "sql": "select 1"}),
        json!({"name": "长".repeat(101), "sql": "select 1"}),
        json!({"name": "空", "sql": " "}),
        json!({"name": "大", "sql": "x".repeat((32 << 10) + 1)}),
    ] {
        let answer = zhang.send(&city, Call::post("/api/v1/queries", &wrong)).await;
        assert_eq!(answer.code(), "invalid_input", "{wrong}");
    }
    assert_eq!(zhang.send(&city, delete()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(names(&zhang).await, ["第二条"]);
    let changed =
        |action: &str| city.server.events("changed").iter().filter(|event| event["action"] == action).count();
    assert_eq!((changed("query.saved"), changed("query.deleted")), (2, 1));
    for number in 1..100 {
        let more = json!({"name": format!("{number}"), "sql": "select 1"});
        zhang.send(&city, Call::post("/api/v1/queries", &more)).await.ok();
    }
    let more = zhang.send(&city, Call::post("/api/v1/queries", &new)).await;
    assert_eq!(more.code(), "limit_rate");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_what_evidence_has_of_ones_own_queries() {
    let city = City::new().await;
    city.conditional_grant().await;
    let (zhang, wang) = (signed_in(&city, "zhang", 0).await, signed_in(&city, "wang", 1).await);
    let first = zhang.ask(&city, &[("sql", ALL), ("purpose", "核对")]).await;
    let count = "select count(*) from scjg.penalty";
    zhang.send(&city, Call::post("/api/v1/sql", &json!({ "sql": count }))).await.ok();
    zhang.ask(&city, &[("sql", "select * from gaj.nothing_there")]).await;
    wang.ask(&city, &[("sql", "select county from scjg.penalty")]).await;
    let history = zhang.send(&city, Call::get("/api/v1/queries/history")).await.ok();
    let told: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|past| (past["sql"].as_str().unwrap(), past["state"].as_str().unwrap(), &past["rows"]))
        .collect();
    let wanted = [
        ("select * from gaj.nothing_there", "refused", &Value::Null),
        (count, "complete", &json!(1)),
        (ALL, "complete", &json!(3)),
    ];
    assert_eq!(told, wanted);
    assert_eq!(history[2]["purpose"], "核对");
    assert_eq!(history[2]["tables"], json!(["301001-000001=1"]));
    let receipt = first.header("shuqiao-receipt");
    assert_eq!(history[2]["receipt"], receipt);

    let past = format!("/sql?past={receipt}");
    has(&zhang.send(&city, Call::get(&past)).await, StatusCode::OK, ALL);
    assert_eq!(wang.send(&city, Call::get(&past)).await.status, StatusCode::NOT_FOUND);
    has(&zhang.send(&city, Call::get("/sql?history=1")).await, StatusCode::OK, count);
    let others = city.server.send(Call::get("/api/v1/queries/history")).await;
    assert_eq!(others.code(), "unauthenticated");
    for wrong in ["days=0", "days=91", "limit=0", "limit=201"] {
        let answer = zhang.send(&city, Call::get(format!("/api/v1/queries/history?{wrong}"))).await;
        assert_eq!(answer.code(), "invalid_input", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_view_is_said_with_the_grant_and_what_is_not_with_the_reason() {
    let city = City::new().await;
    let wang = signed_in(&city, "wang", 1).await;
    let view = async |who: &Proof<'_>| who.send(&city, Call::get("/api/v1/sql/tables")).await.ok();
    let public = view(&Proof::Nothing).await;
    let table = &public["tables"][0];
    assert_eq!(
        (&table["name"], &table["kind"], &table["hidden"]),
        (&json!("penalty"), &json!("public"), &json!(2))
    );
    assert_eq!(table["rows"], Value::Null, "all of them");
    let grant = city.conditional_grant().await;
    let seen = view(&wang).await;
    let table = &seen["tables"][0];
    assert_eq!((&table["grant"], &table["rows"]), (&grant["id"], &json!("county = '360481'")), "{seen}");
    assert_eq!(table["columns"][2]["mask"], "keep_first");
    assert!(!seen.to_string().contains("note"), "no item that is not in view is named");
    let own = view(&Proof::Key(&city.machine)).await;
    assert_eq!((&own["tables"][0]["kind"], &own["tables"][0]["hidden"]), (&json!("own"), &json!(0)));
    let page = wang.send(&city, Call::get("/sql?tables=penal")).await;
    has(&page, StatusCode::OK, "county = &#39;360481&#39;");
    has(&page, StatusCode::OK, "有条件共享");
    // Another resource without a grant for the public's data is refused with its reason.
    let mut other = crate::support::city::resource();
    other["code"] = json!("301001/000002");
    other["sql_name"] = json!("closed_one");
    other["title"] = json!("内部处罚信息");
    city.publish(&other).await;
    let seen = view(&wang).await;
    let mut others = seen["others"].as_array().unwrap().iter();
    let found = others.find(|one| one["code"] == "301001/000002").expect("it is told of");
    assert!(found["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{seen}");
    let nothing = Proof::Nothing.send(&city, Call::get("/sql?tables=%E6%B2%A1%E6%9C%89")).await;
    has(&nothing, StatusCode::OK, "没有可查询的表");
    let long = format!("/sql?tables={}", "a".repeat(101));
    assert_eq!(city.server.send(Call::get(long)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_ask_by_sql_in_a_browser() {
    let city = City::new().await;
    signed_in(&city, "zhang", 0).await;
    let base = city.server.base.clone();
    let walk = move || browser("walk_sql.mjs", &[&base, "zhang", PASSWORD]);
    let walked = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["plain"], json!([["A1", "360481"], ["A2", "360402"], ["A3", "360481"]]), "{walked:#}");
    assert_eq!(
        walked["island"], true,
        "the portal's scripts are not built: `openapi/portal/build` builds them"
    );
    assert_eq!(walked["rows"], 3, "{walked:#}");
    assert_eq!(walked["completion"], true, "{walked:#}");
    assert_eq!(walked["shared"], "select 42 as answer", "{walked:#}");
    assert_eq!(walked["remembered"], true, "{walked:#}");
    assert_eq!(walked["saved"], "每县处罚", "{walked:#}");
    assert_eq!(walked["history"], true, "{walked:#}");
}
