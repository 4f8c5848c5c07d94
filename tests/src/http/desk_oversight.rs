//! The desk of evidence, supervision and people: by forms and links, as browsers send them.

use std::collections::BTreeSet;

use catalog_core::Role;
use catalog_core::directory::Department;
use exchange_auth::FirstCode;
use exchange_crypto::{SigningKey, to_base64url};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::sign_in::{cookie, whoever};
use crate::support::city::{CODE, City, departments};
use crate::support::python::browser;
use crate::support::server::{Answer, Bounds, Call, Server};

const PASSWORD: &str = "correct-horse-battery-9";
const FORM: &str = "application/x-www-form-urlencoded";
/// With everything that a page must not obey.
const HOSTILE: &str = "</p><script>alert(1)</script>\u{202e}\u{200b}'\"{{7*7}}";

/// A text as forms send it.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let write = |byte: &u8| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    text.as_bytes().iter().map(write).collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// Somebody with an account and a password.
async fn member(server: &Server, id: &str, department: Option<&Department>, roles: &[Role]) {
    server.person(id, department, roles).await;
    let inviter = server.person("inviter", None, &[Role::SecurityAdministrator]).await;
    let invite = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(&inviter);
    let code = server.send(invite).await.ok()["code"].clone();
    let set = json!({"name": id, "code": code, "new_password": PASSWORD});
    server.send(Call::post("/api/v1/session/password", &set)).await.ok();
}

async fn sign_in(server: &Server, id: &str) -> String {
    let body = form(&[("name", id), ("password", PASSWORD), ("next", "/desk")]);
    let answer = server.send(Call::new(Method::POST, "/sign-in").body(body, FORM)).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/desk"));
    cookie(&answer)
}

/// Somebody at a browser.
pub(super) async fn seated(
    server: &Server,
    id: &str,
    department: Option<&Department>,
    roles: &[Role],
) -> String {
    member(server, id, department, roles).await;
    sign_in(server, id).await
}

pub(super) async fn open(server: &Server, cookie: &str, address: &str) -> Answer {
    server.send(Call::get(address).header("cookie", cookie).header("accept", "text/html")).await
}

/// Sends a form from a page of ours.
async fn send(server: &Server, cookie: &str, address: &str, fields: &[(&str, &str)]) -> Answer {
    let call = Call::new(Method::POST, address).body(form(fields), FORM).header("cookie", cookie);
    server.send(call.header("origin", &server.base).header("accept", "text/html")).await
}

/// Every route of the desk, with something in the place of its parameters.
fn desk_routes() -> Vec<String> {
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let desk = paths.filter(|(path, item)| path.starts_with("/desk") && item.get("get").is_some());
    let filled = |path: &String| {
        let mut parts: Vec<_> = path.split('/').map(str::to_owned).collect();
        for part in parts.iter_mut().filter(|part| part.starts_with('{')) {
            *part = match part.as_str() {
                "{code}" => CODE.to_owned(),
                "{id}" => "scjg".to_owned(),
                _ => "1".to_owned(),
            };
        }
        parts.join("/")
    };
    desk.map(|(path, _)| filled(path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_opens_the_desk_and_administrators_read_no_data() {
    let city = City::new().await;
    let server = &city.server;
    let routes = desk_routes();
    assert!(routes.len() > 12, "{routes:?}");
    for role in Role::ALL {
        let department = role.is_of_a_department().then(|| departments()[0].clone());
        let name = format!("role-{}", role.label().split(' ').next().unwrap().replace('_', "-"));
        let key = server.person(&name, department.as_ref(), &[role]).await;
        let mut opened = BTreeSet::new();
        for route in &routes {
            let call = Call::get(route).by(&key).header("accept", "text/html");
            let answer = server.send(call).await;
            let text = answer.text();
            assert!(!answer.status.is_server_error(), "{name} {route}: {} {text}", answer.status);
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{name} {route}");
            if answer.status.is_client_error() {
                assert!(text.contains("class=\"trouble\""), "{name} {route}: {text}");
            } else {
                opened.insert(route.clone());
            }
            if role.is_administrator() {
                assert!(!text.contains("张三(合成)") && !text.contains("李四(合成)"), "{name} {route}");
            }
        }
        assert!(opened.contains("/desk") && opened.contains("/desk/account"), "{name}: {opened:?}");
        let only = [
            ("/desk/people", role == Role::SecurityAdministrator),
            ("/desk/substitutions", role == Role::SecurityAdministrator),
            ("/desk/maintenance", role == Role::SystemAdministrator),
            ("/desk/access-log", role == Role::Auditor),
            ("/desk/successions", role == Role::AuthorityOfficer),
            ("/desk/supervision", matches!(role, Role::AuthorityOfficer | Role::Auditor)),
            ("/desk/assessment", matches!(role, Role::AuthorityOfficer | Role::Auditor)),
        ];
        for (route, expected) in only {
            assert_eq!(opened.contains(route), expected, "{name} {route}");
        }
        if role.is_administrator() {
            let read = ["access", "access_started"]
                .iter()
                .flat_map(|kind| server.events(kind))
                .any(|event| event["actor"]["id"] == name && event["sources"] != json!([]));
            assert!(!read, "{name} read data");
        }
    }
    for route in &routes {
        let stranger = server.send(Call::get(route).header("accept", "text/html")).await;
        // What is missing in an address is said before anything else.
        if stranger.status != StatusCode::BAD_REQUEST {
            assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{route}");
            assert!(stranger.text().contains("/sign-in"), "{route}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_invited_and_ended_by_forms() {
    let server = Server::start_with(Bounds::default()).await;
    server.department(&departments()[0]).await;
    let security = seated(&server, "security", None, &[Role::SecurityAdministrator]).await;
    let wu = [
        ("id", "wu"),
        ("name", HOSTILE),
        ("department", "scjg"),
        ("roles", "analyst"),
        ("roles", "approver"),
    ];
    let added = send(&server, &security, "/desk/people", &wu).await;
    assert_eq!((added.status, added.header("location")), (StatusCode::SEE_OTHER, "/desk/people/wu"));
    let page = open(&server, &security, "/desk/people").await.text();
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert"), "{page}");

    // What was typed stays, and nothing is overwritten.
    let again = send(&server, &security, "/desk/people", &[("id", "wu"), ("name", "第二个吴")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text().contains("第二个吴"), "{}", again.text());
    let both =
        [("act", "save"), ("name", "吴"), ("roles", "auditor"), ("roles", "analyst"), ("active", "yes")];
    let refused = send(&server, &security, "/desk/people/wu", &both).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "the three administrators hold that role alone");
    assert!(refused.text().contains("value=\"auditor\" checked"), "{}", refused.text());

    let invited = send(&server, &security, "/desk/people/wu", &[("act", "invite")]).await;
    let text = invited.text();
    let code = text.split("<code class=\"code\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!((invited.status, code.len()), (StatusCode::OK, 29));
    assert_eq!(invited.header("cache-control"), "private, no-store");
    let set = json!({"name": "wu", "code": code, "new_password": PASSWORD});
    server.send(Call::post("/api/v1/session/password", &set)).await.ok();
    let theirs = sign_in(&server, "wu").await;
    assert_eq!(open(&server, &theirs, "/desk/people").await.status, StatusCode::FORBIDDEN);
    assert_eq!(open(&server, &theirs, "/desk/account").await.status, StatusCode::OK);

    // A page of another site changes nothing.
    let off = [("act", "save"), ("name", "吴"), ("department", "scjg"), ("roles", "analyst")];
    for origin in ["https://evil.example", "null"] {
        let call = Call::new(Method::POST, "/desk/people/wu").body(form(&off), FORM);
        let forged = server.send(call.header("cookie", &security).header("origin", origin)).await;
        assert!(forged.status.is_client_error(), "{origin}: {}", forged.status);
    }
    let bare = Call::new(Method::POST, "/desk/people/wu").body(form(&off), FORM).header("cookie", &security);
    assert!(server.send(bare).await.status.is_client_error());
    whoever(&server, &theirs).await.ok();
    assert_eq!(send(&server, &security, "/desk/people/wu", &off).await.status, StatusCode::SEE_OTHER);
    assert_eq!(whoever(&server, &theirs).await.code(), "unauthenticated", "ended with the account");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_departments_and_substitutes_are_kept_by_forms() {
    let server = Server::start_with(Bounds::default()).await;
    let [scjg, gaj] = departments();
    server.department(&scjg).await;
    server.person("wu", Some(&scjg), &[Role::Analyst]).await;
    let security = seated(&server, "security", None, &[Role::SecurityAdministrator]).await;
    let system = seated(&server, "system", None, &[Role::SystemAdministrator]).await;

    let mut fields =
        vec![("id", "gaj"), ("name", gaj.name.as_str()), ("credit_code", "123"), ("level", "city")];
    fields.push(("division_code", "360400"));
    let wrong = send(&server, &system, "/desk/departments", &fields).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text().contains(&gaj.name) && wrong.text().contains("credit_code"), "{}", wrong.text());
    fields[2].1 = &gaj.credit_code;
    assert_eq!(send(&server, &system, "/desk/departments", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(send(&server, &system, "/desk/departments", &fields).await.status, StatusCode::CONFLICT);
    fields[1].1 = "九江市公安局（更名）";
    assert_eq!(send(&server, &system, "/desk/departments/gaj", &fields).await.status, StatusCode::SEE_OTHER);
    assert!(open(&server, &system, "/desk/departments/gaj").await.text().contains("（更名）"));

    let public = || to_base64url(SigningKey::generate().unwrap().0.public().as_bytes());
    let (first, second) = (public(), public());
    let register =
        [("act", "register"), ("owner", "department"), ("name", "scjg"), ("public_key", first.as_str())];
    assert_eq!(send(&server, &security, "/desk/keys", &register).await.status, StatusCode::SEE_OTHER);
    let nonsense = [("act", "register"), ("owner", "person"), ("name", "wu"), ("public_key", "nonsense")];
    let refused = send(&server, &security, "/desk/keys", &nonsense).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("value=\"nonsense\""), "{}", refused.text());
    let keys = server.send(Call::get("/api/v1/keys")).await.ok();
    let id = |public: &str| {
        let key = keys.as_array().unwrap().iter().find(|key| key["public_key"] == *public).unwrap();
        key["id"].as_str().unwrap().to_owned()
    };
    let first = id(&first);
    let rotate = [("act", "rotate"), ("id", first.as_str()), ("public_key", second.as_str()), ("days", "1")];
    assert_eq!(send(&server, &system, "/desk/keys", &rotate).await.status, StatusCode::FORBIDDEN);
    assert_eq!(send(&server, &security, "/desk/keys", &rotate).await.status, StatusCode::SEE_OTHER);
    let retire = [("act", "retire"), ("id", first.as_str())];
    assert_eq!(send(&server, &security, "/desk/keys", &retire).await.status, StatusCode::SEE_OTHER);
    assert_eq!(send(&server, &security, "/desk/keys", &retire).await.status, StatusCode::CONFLICT, "over");

    let until = server.now().plus_seconds(20 * 86_400).shanghai_date().to_string();
    let mut substitute = vec![("act", "name"), ("person", "wu"), ("role", "approver"), ("reason", HOSTILE)];
    let missing = send(&server, &security, "/desk/substitutions", &substitute).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    assert!(!missing.text().contains("<script>alert") && missing.text().contains("{{7*7}}"));
    substitute.push(("until", until.as_str()));
    assert_eq!(
        send(&server, &security, "/desk/substitutions", &substitute).await.status,
        StatusCode::SEE_OTHER
    );
    let page = open(&server, &security, "/desk/substitutions").await.text();
    let id = page.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let end = [("act", "end"), ("id", id)];
    assert_eq!(send(&server, &security, "/desk/substitutions", &end).await.status, StatusCode::SEE_OTHER);

    let look = send(&server, &system, "/desk/maintenance", &[("act", "look")]).await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text());
    assert!(look.text().contains("将清理"), "{}", look.text());
    assert_eq!(
        send(&server, &security, "/desk/maintenance", &[("act", "erase")]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_reorganise_by_forms() {
    let city = City::without_data().await;
    let server = &city.server;
    let first = seated(server, "first-officer", None, &[Role::AuthorityOfficer]).await;
    let second = seated(server, "second-officer", None, &[Role::AuthorityOfficer]).await;
    let until = server.now().plus_seconds(20 * 86_400).shanghai_date().to_string();
    let mut proposal =
        vec![("act", "propose"), ("predecessor", "gaj"), ("successor", "scjg"), ("from", until.as_str())];
    proposal.push(("basis", " "));
    let refused = send(server, &first, "/desk/successions", &proposal).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains(&format!("value=\"{until}\"")), "{}", refused.text());
    proposal[4].1 = "机构改革方案（合成）";
    let proposed = send(server, &first, "/desk/successions", &proposal).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{}", proposed.text());
    let own = open(server, &first, "/desk/successions").await.text();
    assert!(!own.contains("value=\"confirm\""), "nobody confirms what they proposed");
    let page = open(server, &second, "/desk/successions").await.text();
    let id = page.split("value=\"confirm\"").nth(1).unwrap();
    let id = id.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let confirm = [("act", "confirm"), ("id", id)];
    assert_eq!(send(server, &first, "/desk/successions", &confirm).await.status, StatusCode::FORBIDDEN);
    assert_eq!(send(server, &second, "/desk/successions", &confirm).await.status, StatusCode::SEE_OTHER);
    let cancel = [("act", "cancel"), ("id", id), ("reason", "合成数据")];
    assert_eq!(send(server, &first, "/desk/successions", &cancel).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_comes_in_by_a_form() {
    let server = Server::start_with(Bounds::default()).await;
    assert!(!open(&server, "", "/sign-in").await.text().contains("/claim"));
    let first = FirstCode::at(server.folder.path().join("one-time-code.json"));
    let code = first.issue(server.now()).unwrap().unwrap().code;
    assert!(open(&server, "", "/sign-in").await.text().contains("href=\"/claim\""));
    let claim = async |code: &str, password: &str| {
        let fields =
            [("code", code), ("id", "li"), ("name", "李明"), ("password", password), ("public_key", "")];
        let call = Call::new(Method::POST, "/claim").body(form(&fields), FORM);
        server.send(call.header("accept", "text/html")).await
    };
    let short = claim(&code, "short").await;
    assert_eq!(short.status, StatusCode::BAD_REQUEST);
    assert!(short.text().contains("李明") && !short.text().contains(&code), "secrets are typed again");
    assert_eq!(claim("AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let done = claim(&code.to_lowercase(), PASSWORD).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert_eq!(claim(&code, PASSWORD).await.status, StatusCode::UNAUTHORIZED, "once");
    let cookie = sign_in(&server, "li").await;
    let view = whoever(&server, &cookie).await.ok();
    assert_eq!(view["roles"], json!(["system_administrator"]));
    assert_eq!(open(&server, &cookie, "/desk/departments").await.status, StatusCode::OK);
    assert_eq!(open(&server, &cookie, "/desk/people").await.status, StatusCode::FORBIDDEN, "三员 stay apart");
    for event in server.events("changed") {
        assert!(!event.to_string().contains(PASSWORD) && !event.to_string().contains(&code), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_figure_leads_to_its_records() {
    let city = City::new().await;
    let server = &city.server;
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let day = server.now().shanghai_date();
    let (from, until) = (server.now().plus_seconds(-86_400), server.now().plus_seconds(86_400));
    let records = async |indicator: &str| {
        let address = format!(
            "/api/v1/assessments/records?from={from}&until={until}&department=scjg&indicator={indicator}"
        );
        server.send(Call::get(address).by(&officer)).await.ok()
    };
    let assessment = format!("/api/v1/assessments?from={from}&until={until}");
    let table = server.send(Call::get(assessment).by(&officer)).await.ok();
    let rows = table["assessment"]["departments"].as_array().unwrap();
    let row = rows.iter().find(|row| row["department"] == "scjg").unwrap();
    assert_eq!(records("open").await["total"], row["open"]["of"]);
    assert_eq!(records("quality").await["total"], 1, "one version was delivered");
    assert_eq!(records("mounted").await["total"], 2, "the entry, and its newest version");
    assert_eq!(records("refusals").await["total"], row["refusals"]["of"]);

    let page = format!("/desk/assessment?from={day}&until={day}");
    let text = server.send(Call::get(page).by(&auditor).header("accept", "text/html")).await.text();
    assert!(text.contains("indicator=quality") && text.contains("九江市市场监督管理局"), "{text}");
    let page = format!("/desk/assessment/records?from={day}&until={day}&department=scjg&indicator=quality");
    let text = server.send(Call::get(&page).by(&auditor)).await.text();
    let place = text.split("/desk/evidence/").nth(1).unwrap_or_else(|| panic!("{text}"));
    let place = place.split('"').next().unwrap();
    let led = server.send(Call::get(format!("/desk/evidence/{place}")).by(&auditor)).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER, "{place}: {}", led.text());
    let shown = server.send(Call::get(led.header("location")).by(&auditor)).await;
    assert!(shown.text().contains("与签名的根一致"), "{}", shown.text());
    assert!(!shown.text().contains("与签名的根不一致"));
    // What stands in records is for auditors.
    let refused = server.send(Call::get(format!("/desk/evidence/{place}")).by(&officer)).await;
    assert_eq!(refused.code(), "forbidden");
    let seen = server.events("changed");
    assert!(seen.iter().any(|event| event["action"] == "evidence.read"), "that it was looked at is evidence");
    let none = server.send(Call::get("/desk/evidence/0-999999").by(&auditor)).await;
    assert_eq!(none.code(), "not_found");
    // No text of an address is written down, and nothing where nothing was looked at.
    let read = || server.events("changed").iter().filter(|event| event["action"] == "evidence.read").count();
    let before = read();
    let unknown = "/desk/assessment/records?department=110101199003070011&indicator=calls";
    assert_eq!(server.send(Call::get(unknown).by(&auditor)).await.code(), "not_found");
    let nothing = format!("/desk/assessment/records?from={day}&until={day}&department=gaj&indicator=quality");
    assert!(server.send(Call::get(nothing).by(&auditor)).await.status.is_success());
    assert_eq!(read(), before);
    for kind in ["changed", "access_refused"] {
        assert!(!format!("{:?}", server.events(kind)).contains("110101199003070011"), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_searched_and_a_receipt_is_its_holders() {
    let city = City::new().await;
    let server = &city.server;
    let [scjg, gaj] = departments();
    let auditor = seated(server, "auditor", None, &[Role::Auditor]).await;
    let wu = seated(server, "wu", Some(&scjg), &[Role::Analyst]).await;
    let other = seated(server, "other", Some(&gaj), &[Role::Analyst]).await;
    let query =
        Call::post("/api/v1/sql", &json!({"sql": "select * from scjg.penalty"})).header("cookie", &wu);
    let answer = server.send(query.header("origin", &server.base)).await;
    answer.ok();
    let receipt = format!("/desk/evidence/{}", answer.header("shuqiao-receipt"));
    let own = open(server, &wu, &receipt).await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text());
    assert!(own.text().contains("answer.json"), "its holder opens the commitments");
    let audited = open(server, &auditor, &receipt).await.text();
    assert!(!audited.contains("answer.json") && audited.contains("wu"), "{audited}");
    assert_eq!(open(server, &other, &receipt).await.status, StatusCode::NOT_FOUND);

    let found = open(server, &auditor, "/desk/evidence?principal=wu&action=access").await.text();
    assert!(found.contains("301001/000001") && found.contains("format=xlsx"), "{found}");
    let hostile = open(server, &auditor, &format!("/desk/evidence?purpose={}", encoded(HOSTILE))).await;
    assert_eq!(hostile.status, StatusCode::OK);
    assert!(!hostile.text().contains("<script>alert"));
    let led = open(server, &wu, "/desk/evidence?receipt=..%2F..%2Fevil%3Fa%3D1").await;
    assert_eq!(led.header("location"), "/desk/evidence/evila1");
    for wrong in ["/desk/evidence?from=x", "/desk/evidence?after=x", "/desk/evidence?resource=%3C"] {
        assert_eq!(open(server, &auditor, wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let plain = open(server, &wu, "/desk/evidence").await.text();
    assert!(!plain.contains("name=\"principal\""), "to search is for auditors");
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_and_administrators_walk_through_the_desk() {
    let city = City::new().await;
    let server = &city.server;
    for (id, role) in [
        ("auditor", Role::Auditor),
        ("security", Role::SecurityAdministrator),
        ("system", Role::SystemAdministrator),
        ("officer", Role::AuthorityOfficer),
    ] {
        member(server, id, None, &[role]).await;
    }
    let long = json!({"sql": "select * from scjg.penalty"});
    let answer = server.send(Call::post("/api/v1/sql", &long).by(&city.machine)).await;
    answer.ok();
    let arguments = [server.base.clone(), PASSWORD.to_owned(), answer.header("shuqiao-receipt").to_owned()];
    let walk =
        move || browser("walk_desk_oversight.mjs", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let walked: Value = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["genuine"], "good", "{walked:#}");
    for tampered in ["record", "path", "checkpoint", "signature"] {
        assert_eq!(walked["tampered"][tampered], "bad", "{tampered}: {walked:#}");
    }
    assert_eq!(walked["without_scripts"], true, "{walked:#}");
    assert_eq!(walked["kept"], "第二个吴", "{walked:#}");
    assert_eq!(walked["code"].as_str().unwrap().len(), 29, "{walked:#}");
}
