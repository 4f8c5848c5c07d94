//! Local accounts and sessions, and what is tried against them.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use catalog_core::account::{CODE_SECONDS, LOCK_SECONDS, TRIES};
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::ports::Person;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{City, departments};
use crate::support::python::python;
use crate::support::server::{Answer, Bounds, Call, Server};

const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const NOW: Timestamp = Timestamp(1_795_309_200_000_000);

/// A server on which 张 has a local account, and its security administrator.
async fn server() -> (Server, SigningKey) {
    let server = Server::start_at(Bounds::default(), NOW).await;
    server.department(&departments()[0]).await;
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    server.person("zhang", Some(&departments()[0]), &[Role::Analyst]).await;
    let code = invited(&server, &security, "zhang").await;
    set_password(&server, json!({"name": "zhang", "code": code, "new_password": PASSWORD})).await.ok();
    (server, security)
}

async fn invited(server: &Server, security: &SigningKey, id: &str) -> String {
    let call = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(security);
    server.send(call).await.ok()["code"].as_str().unwrap().to_owned()
}

async fn set_password(server: &Server, body: Value) -> Answer {
    server.send(Call::post("/api/v1/session/password", &body)).await
}

async fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    server.send(Call::post("/api/v1/session", &json!({"name": name, "password": password}))).await
}

/// The cookie that an answer sets, as a browser sends it back.
pub(super) fn cookie(answer: &Answer) -> String {
    assert!(answer.status.is_success() || answer.status.is_redirection(), "{}", answer.text());
    let line = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let line = line.into_iter().find(|line| line.starts_with("shuqiao=")).expect("a session's cookie");
    assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{line}");
    line.split(';').next().unwrap().to_owned()
}

pub(super) async fn whoever(server: &Server, cookie: &str) -> Answer {
    server.send(Call::get("/api/v1/session").header("cookie", cookie)).await
}

fn changes(server: &Server, action: &str) -> usize {
    server.events("changed").iter().filter(|event| event["action"] == action).count()
}

/// Whether a text lies anywhere in the data folder.
pub(super) fn lies_in_folder(server: &Server, text: &str, but: &str) -> bool {
    let mut waiting = vec![server.folder.path().to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with(but) {
                    waiting.push(path);
                }
            } else if std::fs::read(&path).unwrap().windows(text.len()).any(|found| found == text.as_bytes())
            {
                return true;
            }
        }
    }
    false
}

/// What a refusal says, without what is different in each.
fn said(answer: &Answer) -> (StatusCode, Value) {
    let mut problem = answer.json();
    problem.as_object_mut().unwrap().remove("instance");
    (answer.status, problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_invited_signs_in_works_and_signs_out() {
    let (server, security) = server().await;
    let code = invited(&server, &security, "zhang").await;
    let second = json!({"name": "zhang", "code": code.to_lowercase(), "new_password": "another-password-9"});
    set_password(&server, second.clone()).await.ok();
    assert_eq!(set_password(&server, second).await.code(), "unauthenticated", "a code works once");
    assert_eq!(sign_in(&server, "zhang", PASSWORD).await.code(), "unauthenticated");
    let answer = sign_in(&server, "zhang", "another-password-9").await;
    let cookie = cookie(&answer);
    assert!(answer.bytes().is_empty(), "the token is in the cookie alone");
    let view = whoever(&server, &cookie).await.ok();
    assert_eq!(
        (&view["person"], &view["department"], &view["by"]),
        (&json!("zhang"), &json!("scjg"), &json!("password"))
    );
    assert_eq!(view["roles"], json!(["analyst"]));
    // What a session may do is what the person's roles may do.
    let people = server.send(Call::get("/api/v1/people").header("cookie", &cookie)).await;
    assert_eq!(people.code(), "forbidden");
    let out =
        Call::new(Method::DELETE, "/api/v1/session").header("cookie", &cookie).header("origin", &server.base);
    assert_eq!(server.send(out).await.status, StatusCode::NO_CONTENT);
    let over = whoever(&server, &cookie).await;
    assert_eq!(over.code(), "unauthenticated");
    assert!(over.header("set-cookie").contains("Max-Age=0"), "the browser forgets it");
    for (action, count) in
        [("account.invited", 2), ("account.password_set", 2), ("session.started", 1), ("session.ended", 1)]
    {
        assert_eq!(changes(&server, action), count, "{action}");
    }
    let token = cookie.split_once('=').unwrap().1;
    for secret in [PASSWORD, "another-password-9", token, &code, &code.replace('-', "")] {
        assert!(!lies_in_folder(&server, secret, "none"), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_locks_the_account_and_tells_nothing() {
    let (server, _) = server().await;
    let nobody = said(&sign_in(&server, "nobody", PASSWORD).await);
    assert_eq!(nobody.0, StatusCode::UNAUTHORIZED);
    for _ in 0..TRIES {
        assert_eq!(said(&sign_in(&server, "zhang", "wrong-password-1").await), nobody);
    }
    assert_eq!(said(&sign_in(&server, "zhang", PASSWORD).await), nobody, "locked, and it does not say so");
    let change = json!({"name": "zhang", "password": PASSWORD, "new_password": "another-password-9"});
    assert_eq!(said(&set_password(&server, change).await), nobody);
    assert_eq!(changes(&server, "sign_in.failed"), TRIES as usize);
    assert_eq!(changes(&server, "account.locked"), 1);
    server.set_clock(NOW.plus_seconds(LOCK_SECONDS - 1));
    assert_eq!(said(&sign_in(&server, "zhang", PASSWORD).await), nobody);
    server.set_clock(NOW.plus_seconds(LOCK_SECONDS));
    cookie(&sign_in(&server, "zhang", PASSWORD).await);
    assert_eq!(changes(&server, "sign_in.failed"), TRIES as usize, "what is not heard leaves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_moment_are_no_more_than_in_a_row() {
    let (server, _) = server().await;
    let wrong = (0..12).map(|_| sign_in(&server, "zhang", "wrong-password-1"));
    let answers = futures::future::join_all(wrong).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::UNAUTHORIZED));
    assert_eq!(changes(&server, "sign_in.failed"), TRIES as usize);
    assert_eq!(sign_in(&server, "zhang", PASSWORD).await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_cookie_never_becomes_a_session() {
    let (server, _) = server().await;
    let body = json!({"name": "zhang", "password": PASSWORD});
    let call = Call::post("/api/v1/session", &body).header("cookie", "shuqiao=planted-by-an-attacker");
    let given = cookie(&server.send(call).await);
    assert_ne!(given, "shuqiao=planted-by-an-attacker");
    assert_eq!(whoever(&server, "shuqiao=planted-by-an-attacker").await.code(), "unauthenticated");
    let again = Call::post("/api/v1/session", &body).header("cookie", &given);
    assert_ne!(cookie(&server.send(again).await), given, "each sign-in has a token of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_neither_acts_nor_signs_in() {
    let (server, key) = server().await;
    let code =
        invited(&server, &server.person("other", None, &[Role::SecurityAdministrator]).await, "security")
            .await;
    set_password(&server, json!({"name": "security", "code": code, "new_password": PASSWORD})).await.ok();
    let cookie = cookie(&sign_in(&server, "security", PASSWORD).await);
    let invite = || Call::new(Method::POST, "/api/v1/people/zhang/invitation").header("cookie", &cookie);
    for (name, value) in
        [("x-nothing", "1"), ("origin", "https://evil.example.com"), ("sec-fetch-site", "cross-site")]
    {
        assert_eq!(server.send(invite().header(name, value)).await.code(), "forbidden", "{name}");
    }
    server.send(invite().header("origin", &server.base)).await.ok();
    server.send(invite().header("sec-fetch-site", "same-origin")).await.ok();
    // Nor does it sign anyone in as somebody else.
    let body = json!({"name": "security", "password": PASSWORD});
    let planted = Call::post("/api/v1/session", &body).header("origin", "https://evil.example.com");
    assert_eq!(server.send(planted).await.code(), "forbidden");
    let form = Call::new(Method::POST, "/api/v1/session").body(body.to_string(), "text/plain");
    assert_eq!(server.send(form).await.code(), "unsupported_format");
    // A key speaks for itself, whatever cookies come along.
    server.send(invite().header("origin", "https://evil.example.com").by(&key)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_person_their_roles_and_their_password() {
    let (server, _) = server().await;
    let security = server.operator(&[Role::SecurityAdministrator]);
    let person = |roles: &[Role], active| Person {
        id: "zhang".to_owned(),
        name: "zhang".to_owned(),
        department: Some(departments()[0].id.clone()),
        roles: roles.iter().copied().collect(),
        active,
    };
    let first = cookie(&sign_in(&server, "zhang", PASSWORD).await);
    whoever(&server, &first).await.ok();
    server.services.put_person(&security, &person(&[Role::Analyst, Role::Reviewer], true)).await.unwrap();
    assert_eq!(whoever(&server, &first).await.code(), "unauthenticated");
    let second = cookie(&sign_in(&server, "zhang", PASSWORD).await);
    let change = json!({"name": "zhang", "password": PASSWORD, "new_password": "another-password-9"});
    set_password(&server, change).await.ok();
    assert_eq!(whoever(&server, &second).await.code(), "unauthenticated");
    let third = cookie(&sign_in(&server, "zhang", "another-password-9").await);
    server.services.put_person(&security, &person(&[Role::Analyst, Role::Reviewer], false)).await.unwrap();
    assert_eq!(whoever(&server, &third).await.code(), "unauthenticated");
    assert_eq!(sign_in(&server, "zhang", "another-password-9").await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself() {
    let (server, _) = server().await;
    let idle = cookie(&sign_in(&server, "zhang", PASSWORD).await);
    server.set_clock(NOW.plus_seconds(1799));
    whoever(&server, &idle).await.ok();
    server.set_clock(NOW.plus_seconds(1799 + 1800));
    assert_eq!(whoever(&server, &idle).await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_passwords_and_double_proofs_are_refused() {
    let (server, security) = server().await;
    let code = invited(&server, &security, "zhang").await;
    let weak = ["short", "zhang-zhang-zhang", "aaaaaaaaaaaaaaaa", "123", "4", "5", "6"];
    for new in weak {
        let body = json!({"name": "zhang", "code": code, "new_password": new});
        assert_eq!(set_password(&server, body).await.code(), "invalid_input", "{new}");
    }
    let both = json!({"name": "zhang", "code": code, "password": PASSWORD, "new_password": PASSWORD});
    assert_eq!(set_password(&server, both).await.code(), "invalid_input");
    set_password(&server, json!({"name": "zhang", "code": code, "new_password": PASSWORD})).await.ok();
    let own = Call::new(Method::POST, "/api/v1/people/security/invitation").by(&security);
    assert_eq!(server.send(own).await.code(), "forbidden", "nobody invites themselves");
}

/// The letters that wait to be delivered.
fn letters(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.folder.path().join("outbox")).unwrap();
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn developers_register_themselves_and_see_what_is_open() {
    let city = City::new().await;
    let server = &city.server;
    let register = |name: &str, email: &str| {
        server.send(Call::post("/api/v1/developers", &json!({"name": name, "email": email})))
    };
    assert_eq!(register("李开发", "li.dev@example.cn").await.status, StatusCode::ACCEPTED);
    let again = register("冒名", "LI.dev@example.cn").await;
    assert_eq!(
        (again.status, again.bytes()),
        (StatusCode::ACCEPTED, &[][..]),
        "it does not say who is known"
    );
    let waiting = letters(server);
    assert_eq!(waiting.len(), 1, "and nobody gets letter upon letter");
    let letter = python("read_letter.py", &[], &waiting[0]);
    assert_eq!((&letter["to"], &letter["from"]), (&json!("li.dev@example.cn"), &json!("shuqiao@example.cn")));
    assert_eq!(letter["subject"], "数桥：开发者注册验证码");
    let body = letter["text"].as_str().unwrap();
    let after = |mark: &str| body.split(mark).nth(1).unwrap().chars().take(29).collect::<String>();
    let code = after("One-time code: ");
    for letter in ["li.dev@example.cn\r\nBcc: all@example.cn", "nobody", "a@b@c"] {
        assert_eq!(register("x", letter).await.code(), "invalid_input", "{letter}");
    }
    let set = json!({"name": "li.dev@example.cn", "code": code, "new_password": PASSWORD});
    assert_eq!(sign_in(server, "li.dev@example.cn", PASSWORD).await.code(), "unauthenticated");
    set_password(server, set).await.ok();
    let session = cookie(&sign_in(server, "LI.DEV@example.cn", PASSWORD).await);
    let view = whoever(server, &session).await.ok();
    assert_eq!((&view["roles"], &view["department"]), (&json!(["developer"]), &Value::Null));
    let id = view["person"].as_str().unwrap().to_owned();
    assert!(id.starts_with("dev-"));
    // Open items, and nothing of what departments share among themselves.
    let get = |path: &str| server.send(Call::get(path).header("cookie", &session));
    let row = &get("/api/v1/resources/301001-000001/records?limit=1").await.ok();
    assert!(row.to_string().contains("case_no") && !row.to_string().contains("person"), "{row}");
    assert_eq!(get("/api/v1/people").await.code(), "forbidden");
    assert!(!lies_in_folder(server, "li.dev@example.cn", "outbox"), "the address is sealed");
    assert!(!lies_in_folder(server, &code, "outbox"));
    // Whoever wants to be forgotten is.
    let erase = Call::new(Method::DELETE, format!("/api/v1/developers/{id}/contact"));
    let erase = erase.header("cookie", &session).header("origin", &server.base);
    server.send(erase).await.ok();
    assert_eq!(sign_in(server, "li.dev@example.cn", PASSWORD).await.code(), "unauthenticated");
    cookie(&sign_in(server, &id, PASSWORD).await);
    for action in ["account.requested", "developer.registered", "account.contact_erased"] {
        assert_eq!(changes(server, action), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_for_one_address_keeps_nobody_else_from_registering() {
    let server = Server::start_at(Bounds::default(), NOW).await;
    let register =
        |email: &str| server.send(Call::post("/api/v1/developers", &json!({"name": "李", "email": email})));
    for _ in 0..130 {
        assert_eq!(register("one@example.cn").await.status, StatusCode::ACCEPTED);
    }
    assert_eq!(register("other@example.cn").await.status, StatusCode::ACCEPTED);
    assert_eq!(letters(&server).len(), 2);
    // Of different addresses there are only so many in an hour.
    for number in 2..120 {
        assert_eq!(register(&format!("li{number}@example.cn")).await.status, StatusCode::ACCEPTED);
    }
    assert_eq!(register("late@example.cn").await.code(), "unavailable");
    assert_eq!(letters(&server).len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_proves_who_they_are_where_others_can_read_it() {
    let (server, _) = server().await;
    for (path, body, status) in [
        ("/api/v1/developers", json!({"name": "李", "email": "li@example.cn"}), StatusCode::ACCEPTED),
        ("/api/v1/session", json!({"name": "zhang", "password": PASSWORD}), StatusCode::NO_CONTENT),
        (
            "/api/v1/session/password",
            json!({"name": "zhang", "password": PASSWORD, "new_password": "another-password-9"}),
            StatusCode::NO_CONTENT,
        ),
    ] {
        for (from, status) in [([192, 0, 2, 1], StatusCode::FORBIDDEN), ([127, 0, 0, 1], status)] {
            let request = Request::post(path).header("content-type", "application/json");
            let mut request = request.body(Body::from(body.to_string())).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((from, 50_000))));
            let answer = openapi_http::router(server.app.clone()).oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{path} from {from:?}");
        }
    }
    assert_eq!(letters(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_nobody_confirms_are_erased() {
    let server = Server::start_at(Bounds::default(), NOW).await;
    let body = json!({"name": "李", "email": "li@example.cn"});
    server.send(Call::post("/api/v1/developers", &body)).await.ok();
    for (seconds, erased) in [(CODE_SECONDS - 1, 0), (CODE_SECONDS, 1), (CODE_SECONDS, 0)] {
        server.set_clock(NOW.plus_seconds(seconds));
        assert_eq!(server.services.forget_applicants(&server.operator(&[])).await.unwrap(), erased);
    }
    server.send(Call::post("/api/v1/developers", &body)).await.ok();
    assert_eq!(letters(&server).len(), 2, "and may begin anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_developers_are_nobody_elses() {
    let (server, security) = server().await;
    let person = json!({"id": "dev-0123456789ab", "name": "x", "department": null, "roles": ["auditor"], "active": true});
    let call = Call::new(Method::PUT, "/api/v1/people/dev-0123456789ab").json(&person).by(&security);
    assert_eq!(server.send(call).await.code(), "invalid_input");
}

/// The log knows that the account has changed after the backup, and not how.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_a_password_that_was_changed_since_opens_nothing() {
    let (server, _) = server().await;
    let cookie = cookie(&sign_in(&server, "zhang", PASSWORD).await);
    let operator = server.operator(&[]);
    let said = |digest: &str| {
        let (action, entity) = ("account.password_set".to_owned(), "account zhang".to_owned());
        vec![EvidenceRecord::new(
            &operator,
            Event::Changed { action, entity, entity_digest: digest.to_owned() },
        )]
    };
    let events = server.events("changed");
    let newest = events.iter().rfind(|event| event["entity"] == "account zhang").unwrap();
    let same = said(newest["entity_digest"].as_str().unwrap());
    assert_eq!(server.services.end_again(&operator, &same).await.unwrap(), []);
    sign_in(&server, "zhang", PASSWORD).await.ok();
    let other = said(&"0".repeat(64));
    assert_eq!(server.services.end_again(&operator, &other).await.unwrap().len(), 1);
    assert_eq!(sign_in(&server, "zhang", PASSWORD).await.code(), "unauthenticated");
    assert_eq!(whoever(&server, &cookie).await.code(), "unauthenticated");
}
