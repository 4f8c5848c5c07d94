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
    let quotas = Quotas { window_seconds: 60, anonymous: 3, key: 5, keys_per_developer: 2 };
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
    let (city, developer) = city().await;
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
    for path in [KEYS, "/api/v1/matters", "/api/v1/people", "/api/v1/session"] {
        let refused = server.send(Call::get(path).header("x-api-key", secret)).await;
        assert_eq!(refused.code(), "forbidden", "{path}");
    }
    let write = Call::post("/api/v1/resources/301001-000001/records", &json!({})).header("x-api-key", secret);
    assert_eq!(server.send(write).await.code(), "unauthenticated");

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

fn lies_in_folder(server: &Server, text: &str) -> bool {
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
        assert_eq!(answer.header("ratelimit-policy"), "\"anonymous\";q=3;w=60");
        assert_eq!(answer.header("ratelimit"), format!("\"anonymous\";r={left};t=60"));
    }
    let refused = ask("203.0.113.7").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "limit_rate"));
    assert_eq!(
        (refused.header("retry-after"), refused.header("ratelimit")),
        ("60", "\"anonymous\";r=0;t=60")
    );
    assert!(refused.text().contains("请 60 秒后再试"));
    let value = refused.header("ratelimit-policy").to_owned();
    let fields = move || python("read_fields.py", &["list"], &value);
    let fields = tokio::task::spawn_blocking(fields).await.unwrap();
    assert_eq!(fields, json!([["anonymous", {"q": "3", "w": "60"}]]));

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
        assert_eq!(answer.header("ratelimit"), format!("\"key\";r={left};t=60"));
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
    ask("203.0.113.7").await.ok_bytes();
    server.send(with_key(&secret)).await.ok_bytes();
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
