//! Developer keys, and the quotas of those who have one and of those who have none.

use catalog_core::api_key::MAX_DAYS;
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::quota::Quotas;
use catalog_core::settings::Settings;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::city::City;
use crate::support::python::python;
use crate::support::server::{Answer, Bounds, Call, Server};

const KEYS: &str = "/api/v1/developer-keys";
const FILE: &str = "/datasets/301001-000001/latest.csv";

/// A city with open data, within small quotas, and a developer of it.
async fn city() -> (City, SigningKey) {
    let quotas = Quotas { anonymous: 3, key: 5, keys_per_developer: 2, ..Quotas::default() };
    within(quotas).await
}

/// The same within these quotas.
async fn within(quotas: Quotas) -> (City, SigningKey) {
    let settings = Settings { quotas, ..Settings::default() };
    let city = City::new_within(Bounds { settings, ..Bounds::default() }).await;
    let developer = city.server.person("developer", None, &[Role::Developer]).await;
    (city, developer)
}

async fn made(server: &Server, developer: &SigningKey, name: &str) -> Answer {
    server.send(Call::post(KEYS, &json!({ "name": name })).by(developer)).await
}

async fn listed(server: &Server, developer: &SigningKey) -> Value {
    server.send(Call::get(KEYS).by(developer)).await.ok()
}

async fn revoke(server: &Server, id: &Value, by: &SigningKey) -> Answer {
    let path = format!("{KEYS}/{}", id.as_str().unwrap());
    server.send(Call::new(Method::DELETE, path).by(by)).await
}

fn with_key(secret: &str) -> Call<'static> {
    Call::get(FILE).header("x-api-key", secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_used_counted_and_revoked() {
    let (city, developer) = within(Quotas { anonymous: 3, key: 50, ..Quotas::default() }).await;
    let server = &city.server;
    let issued = made(server, &developer, "地图应用").await;
    assert_eq!(issued.status, StatusCode::CREATED);
    let issued = issued.json();
    let (secret, id) = (issued["secret"].as_str().unwrap(), &issued["key"]["id"]);
    assert!(secret.starts_with("sqk_") && secret.len() == 47);

    let read = server.send(with_key(secret)).await;
    assert_eq!(read.ok_bytes(), server.send(Call::get(FILE)).await.ok_bytes());
    let bearer = Call::get(FILE).header("authorization", &format!("Bearer {secret}"));
    server.send(bearer).await.ok_bytes();
    let access = server.events("access_started").pop().unwrap();
    assert_eq!((&access["actor"]["id"], &access["actor"]["ticket"]), (&json!("developer"), id));
    let sql = city.sql("select count(*) as n from scjg.penalty", None).header("x-api-key", secret);
    assert_eq!(server.send(sql).await.ok()["data"], json!([{"n": 3}]));

    let shown = listed(server, &developer).await;
    assert_eq!((&shown[0]["name"], &shown[0]["usage"][0]["requests"]), (&json!("地图应用"), &json!(3)));
    assert!(shown[0]["usage"][0]["bytes"].as_u64().unwrap() > 2 * read.bytes().len() as u64);
    assert!(!shown.to_string().contains(&secret[4..]), "the secret is shown once");
    assert!(!lies_in_folder(server, secret), "and is nowhere in the data folder");

    // It opens data, and nothing of accounts and matters; and it only reads.
    let own_pages = ["/desk/account", "/developer", "/developer/subscriptions"];
    for path in [KEYS, "/api/v1/matters", "/api/v1/people", "/api/v1/session"].into_iter().chain(own_pages) {
        let refused = server.send(Call::get(path).header("x-api-key", secret)).await;
        assert_eq!(refused.code(), "forbidden", "{path}");
    }
    let write = Call::post("/api/v1/resources/301001-000001/records", &json!({})).header("x-api-key", secret);
    assert_eq!(server.send(write).await.code(), "unauthenticated");
    let said = Call::new(Method::POST, "/datasets/301001-000001/feedback")
        .body("rating=5&text=x".to_owned(), "application/x-www-form-urlencoded")
        .header("x-api-key", secret);
    assert_eq!(server.send(said).await.code(), "unauthenticated");

    let stranger = server.person("stranger", None, &[Role::Developer]).await;
    assert_eq!(revoke(server, id, &stranger).await.code(), "not_found");
    assert_eq!(revoke(server, id, &developer).await.status, StatusCode::NO_CONTENT);
    assert_eq!(revoke(server, id, &developer).await.code(), "illegal_state");
    let refused = server.send(with_key(secret)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    assert!(listed(server, &developer).await[0]["revoked_at"].is_string());
    let actions: Vec<_> = server.events("changed").into_iter().map(|event| event["action"].clone()).collect();
    for action in ["api_key.created", "api_key.revoked"] {
        assert!(actions.contains(&json!(action)), "{action}");
    }
}

pub(super) fn lies_in_folder(server: &Server, text: &str) -> bool {
    let mut folders = vec![server.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
                return true;
            }
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_for_developers_few_and_well_named() {
    let (city, developer) = city().await;
    let server = &city.server;
    assert_eq!(server.send(Call::get(KEYS)).await.code(), "forbidden");
    assert_eq!(
        server.send(Call::post(KEYS, &json!({"name": "x"})).by(&city.machine)).await.code(),
        "forbidden"
    );
    for wrong in [
        json!({"name": ""}),
        json!({"name": "x\u{7}"}),
        json!({"name": "长".repeat(65)}),
        json!({"name": "x", "days": 0}),
        json!({"name": "x", "days": MAX_DAYS + 1}),
        json!({"name": "x", "days": -1}),
        json!({"name": "x", "more": 1}),
        json!([]),
    ] {
        let refused = server.send(Call::post(KEYS, &wrong).by(&developer)).await;
        assert_eq!(refused.code(), "invalid_input", "{wrong}");
    }
    let first = made(server, &developer, "一").await.json();
    made(server, &developer, "二").await.ok();
    let third = made(server, &developer, "三").await;
    assert_eq!((third.status, third.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "limit_rate"));
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    assert_eq!(revoke(server, &first["key"]["id"], &security).await.status, StatusCode::NO_CONTENT);
    made(server, &developer, "三").await.ok();
    assert_eq!(revoke(server, &json!("nothing"), &developer).await.code(), "not_found");
    for wrong in ["sqk_", "sqk_guess", "x", "Bearer"] {
        assert_eq!(server.send(with_key(wrong)).await.code(), "unauthenticated", "{wrong}");
    }
}

/// Someone elsewhere, as a proxy on this machine tells of them.
fn from<'a>(address: &str, call: Call<'a>) -> Call<'a> {
    call.header("x-forwarded-for", address)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits_and_keeps_nobody_else_waiting() {
    let now = Timestamp(1_795_309_200_000_000);
    let (city, developer) = city().await;
    let server = &city.server;
    server.set_clock(Timestamp::now().max(now));
    let start = server.now();
    let secret = made(server, &developer, "地图").await.json()["secret"].as_str().unwrap().to_owned();
    let ask = async |address: &str| server.send(from(address, Call::get(FILE))).await;
    for left in ["2", "1", "0"] {
        let answer = ask("203.0.113.7").await;
        answer.ok_bytes();
        assert!(answer.header("ratelimit-policy").starts_with("\"anonymous\";q=3;w=60, "));
        assert!(answer.header("ratelimit").starts_with(&format!("\"anonymous\";r={left};t=60, ")));
    }
    let refused = ask("203.0.113.7").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "limit_rate"));
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.header("ratelimit").starts_with("\"anonymous\";r=0;t=60, "));
    assert!(refused.text().contains("try again in 60 seconds"));
    let value = refused.header("ratelimit-policy").to_owned();
    let fields = move || python("read_fields.py", &["list"], &value);
    let fields = tokio::task::spawn_blocking(fields).await.unwrap();
    let bytes = Quotas::default().anonymous_bytes.to_string();
    let expected = json!([
        ["anonymous", {"q": "3", "w": "60"}],
        ["anonymous-bytes", {"q": bytes, "qu": "content-bytes", "w": "60"}],
    ]);
    assert_eq!(fields, expected);

    // Others, signed requests, probes and the log are none of it, and neither is whoever has a key.
    ask("203.0.113.8").await.ok_bytes();
    server.send(from("203.0.113.7", Call::get(FILE)).by(&city.machine)).await.ok_bytes();
    for path in ["/healthz", "/log/checkpoint", "/.well-known/jwks.json"] {
        let free = server.send(from("203.0.113.7", Call::get(path))).await;
        assert!(free.status.is_success() && free.header("ratelimit").is_empty(), "{path}");
    }
    for left in ["4", "3", "2", "1", "0"] {
        let answer = server.send(from("203.0.113.7", with_key(&secret))).await;
        answer.ok_bytes();
        assert!(answer.header("ratelimit").starts_with(&format!("\"key\";r={left};t=60, \"developer\";r=")));
    }
    let elsewhere = server.send(from("198.51.100.1", with_key(&secret))).await;
    assert_eq!(elsewhere.code(), "limit_rate", "a key has one quota, wherever it is used");
    assert_eq!(listed(server, &developer).await[0]["usage"][0]["refused"], json!(1));

    // A guess costs as much as a question, and the next window is open to all.
    server.set_clock(start.plus_seconds(60));
    for _ in 0..3 {
        let guess = server.send(from("203.0.113.9", with_key("sqk_guess"))).await;
        assert_eq!(guess.code(), "unauthenticated");
    }
    let guess = server.send(from("203.0.113.9", with_key("sqk_guess"))).await;
    assert_eq!(guess.status, StatusCode::TOO_MANY_REQUESTS);
    // Nor where nothing else is counted.
    for (method, path) in [(Method::OPTIONS, FILE), (Method::GET, "/healthz")] {
        let guess = Call::new(method, path).header("x-api-key", "sqk_guess");
        assert_eq!(
            server.send(from("203.0.113.9", guess)).await.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{path}"
        );
    }
    ask("203.0.113.7").await.ok_bytes();
    server.send(with_key(&secret)).await.ok_bytes();
}

/// A developer has one quota, whatever proves them: a key that is made anew is none, and neither is a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_no_new_quota() {
    let quotas = Quotas { anonymous: 2, key: 3, developer: 8, keys_per_developer: 2, ..Quotas::default() };
    let (city, developer) = within(quotas).await;
    let server = &city.server;
    server.set_clock(Timestamp::now());
    let issued = made(server, &developer, "一").await.json();
    let secret = issued["secret"].as_str().unwrap();
    for _ in 0..3 {
        server.send(with_key(secret)).await.ok_bytes();
    }
    assert_eq!(server.send(with_key(secret)).await.code(), "limit_rate", "of this key");
    assert_eq!(revoke(server, &issued["key"]["id"], &developer).await.status, StatusCode::NO_CONTENT);
    let again = made(server, &developer, "二").await.json();
    let secret = again["secret"].as_str().unwrap();
    // Six were heard: making, three reads, revoking, making.
    server.send(with_key(secret)).await.ok_bytes();
    server.send(Call::get(FILE).by(&developer)).await.ok_bytes();
    for call in [with_key(secret), Call::get(FILE).by(&developer), Call::get(KEYS).by(&developer)] {
        let refused = server.send(call).await;
        assert_eq!(refused.code(), "limit_rate", "of the developer");
        assert!(refused.header("ratelimit").contains("\"developer\";r=0;"));
    }
    // Departments are none of it.
    for _ in 0..20 {
        let answer = server.send(Call::get(FILE).by(&city.consumer)).await;
        assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    }
    server.set_clock(server.now().plus_seconds(60));
    server.send(with_key(secret)).await.ok_bytes();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_been_sent_much_waits() {
    let quotas = Quotas { anonymous_bytes: 1, developer_bytes: 1, ..Quotas::default() };
    let (city, developer) = within(quotas).await;
    let server = &city.server;
    server.set_clock(Timestamp::now());
    let secret = made(server, &developer, "地图").await.json()["secret"].as_str().unwrap().to_owned();
    server.set_clock(server.now().plus_seconds(60));
    server.send(from("203.0.113.7", Call::get(FILE))).await.ok_bytes();
    let refused = server.send(from("203.0.113.7", Call::get(FILE))).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "limit_rate"));
    assert!(refused.text().contains("too many bytes") && !refused.header("retry-after").is_empty());
    assert!(refused.header("ratelimit").contains("\"anonymous-bytes\";r=0;"));
    server.send(from("203.0.113.8", Call::get(FILE))).await.ok_bytes();
    server.send(with_key(&secret)).await.ok_bytes();
    assert_eq!(server.send(with_key(&secret)).await.code(), "limit_rate");
    assert_eq!(server.send(Call::get(FILE).by(&developer)).await.code(), "limit_rate", "bytes of the same");
    server.set_clock(server.now().plus_seconds(60));
    server.send(from("203.0.113.7", Call::get(FILE))).await.ok_bytes();
    server.send(with_key(&secret)).await.ok_bytes();
}

/// A key that holds is its owner's, also where it opens nothing: their address goes on, and the access log knows whose it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_at_a_closed_door_counts_for_its_owner() {
    let (city, developer) = city().await;
    let server = &city.server;
    server.set_clock(Timestamp::now());
    let issued = made(server, &developer, "地图").await.json();
    let (secret, id) = (issued["secret"].as_str().unwrap(), issued["key"]["id"].as_str().unwrap());
    for call in [
        Call::get("/api/v1/matters"),
        Call::get("/api/v1/people"),
        Call::post("/api/v1/resources/301001-000001/records", &json!({})),
    ] {
        let refused = server.send(from("203.0.113.7", call).header("x-api-key", secret)).await;
        assert!(["forbidden", "unauthenticated"].contains(&refused.code().as_str()));
        assert!(refused.header("ratelimit").starts_with("\"key\";r="));
    }
    let answer = server.send(from("203.0.113.7", Call::get(FILE))).await;
    assert!(answer.header("ratelimit").starts_with("\"anonymous\";r=2;"), "nothing was asked from here");
    let folder = server.folder.path().join("access");
    let day = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()));
    let lines: Vec<Value> = day
        .flat_map(|day| {
            day.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    for path in ["/api/v1/matters", "/api/v1/resources/301001-000001/records"] {
        let line = lines.iter().find(|line| line["path"] == path).unwrap();
        assert_eq!((&line["api_key"], &line["principal"]), (&json!(id), &json!("developer")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_asked_for_at_once_are_not_more_than_may_be() {
    let (city, developer) = city().await;
    let server = &city.server;
    let asked = (0..8).map(|number| {
        let developer = &developer;
        async move { made(server, developer, &format!("第{number}")).await.status }
    });
    let answered = futures::future::join_all(asked).await;
    assert_eq!(answered.iter().filter(|status| **status == StatusCode::CREATED).count(), 2, "{answered:?}");
    assert_eq!(listed(server, &developer).await.as_array().unwrap().len(), 2);
}

/// Whoever took an account over may have made keys: they end when its owner comes back by a code, and go on where the owner
/// merely changes the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_code_ends_keys_and_a_change_of_password_does_not() {
    let (city, developer) = city().await;
    let server = &city.server;
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    let secret = made(server, &developer, "地图").await.json()["secret"].as_str().unwrap().to_owned();
    let invite = async || {
        let path = "/api/v1/people/developer/invitation";
        let invited = server.send(Call::post(path, &json!({})).by(&security)).await.ok();
        invited["code"].as_str().unwrap().to_owned()
    };
    let set = async |proof: (&str, &str), password: &str| {
        let body = json!({"name": "developer", (proof.0): proof.1, "new_password": password});
        let answer = server.send(Call::post("/api/v1/session/password", &body)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    };
    let (first, second) = ("correct horse battery", "wrong horse battery");
    set(("code", &invite().await), first).await;
    assert_eq!(server.send(with_key(&secret)).await.code(), "unauthenticated");
    let secret = made(server, &developer, "再").await.json()["secret"].as_str().unwrap().to_owned();
    set(("password", first), second).await;
    server.send(with_key(&secret)).await.ok_bytes();
    set(("code", &invite().await), first).await;
    assert_eq!(server.send(with_key(&secret)).await.code(), "unauthenticated");
    assert!(
        listed(server, &developer).await.as_array().unwrap().iter().all(|key| key["revoked_at"].is_string())
    );
    let revoked = server.events("changed").into_iter().filter(|event| event["action"] == "api_key.revoked");
    assert_eq!(revoked.count(), 2);
}

/// The log knows that the key has changed after the backup, and not how.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_revoked_after_the_backup_opens_nothing_after_the_restore() {
    let (city, developer) = city().await;
    let server = &city.server;
    let issued = made(server, &developer, "地图").await.json();
    let (secret, id) = (issued["secret"].as_str().unwrap(), issued["key"]["id"].as_str().unwrap());
    let operator = server.operator(&[]);
    let name = format!("api_key {id}");
    let said = |digest: &str| {
        let (action, entity) = ("api_key.revoked".to_owned(), name.clone());
        let event = Event::Changed { action, entity, entity_digest: digest.to_owned() };
        vec![EvidenceRecord::new(&operator, event)]
    };
    let events = server.events("changed");
    let newest = events.iter().rfind(|event| event["entity"] == name.as_str()).unwrap();
    let same = said(newest["entity_digest"].as_str().unwrap());
    assert_eq!(server.services.end_again(&operator, &same).await.unwrap(), []);
    server.send(with_key(secret)).await.ok_bytes();
    let ended = server.services.end_again(&operator, &said(&"0".repeat(64))).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(server.send(with_key(secret)).await.code(), "unauthenticated");
}
