//! Bad input at every door: whatever path, query, header or body is sent, and by whom, the answer is none of a fault of the
//! server's, in the format of that door, and tells nothing of what the server is made of.

mod bodies;
mod requests;
mod tables;

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use catalog_core::{Role, Timestamp};
use exchange_auth::sign_request;
use exchange_crypto::{Digest, SigningKey};
use serde_json::{Value, json};

use super::ogc::atlas;
use crate::support::city::departments;
use crate::support::raw::{RawAnswer, exchange};
use crate::support::server::Call;
use requests::Attack;

/// What a client may never read: the names of engines, and what programs say of themselves when they break.
const FORBIDDEN: [&str; 19] = [
    "datafusion",
    "arrowerror",
    "arrow_",
    "parqueterror",
    "object_store",
    "sqlparser",
    "parsererror",
    "sqlx",
    "sqlite",
    "postgres",
    "panicked",
    "backtrace",
    "unwrap()",
    ".rs:",
    "src/",
    "serde_json",
    "axum",
    "hyper",
    "tokio",
];
/// Requests at the same time: fewer than there are places for queries of the public.
const AT_ONCE: usize = 6;
/// Times that a request is sent which finds no place: an answer gives its place back a moment after its last byte.
const TIMES: usize = 100;
/// Failures that are shown.
const SHOWN: usize = 40;

/// Somebody who asks.
enum Who {
    Anyone,
    Signs(&'static str, SigningKey),
    Holds(String),
}

impl Who {
    fn name(&self) -> &str {
        match self {
            Self::Anyone => "anyone",
            Self::Signs(name, _) => name,
            Self::Holds(_) => "a ticket",
        }
    }

    /// The fields that prove who asks this; none, where the request can't be signed as it is.
    fn proof(&self, base: &str, attack: &Attack, now: Timestamp) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::Anyone => {}
            Self::Holds(ticket) => {
                headers.insert("authorization", format!("Bearer {ticket}").parse().unwrap());
            }
            Self::Signs(_, key) => {
                let address = format!("{base}{}", String::from_utf8_lossy(&attack.target));
                let method: Method = attack.method.parse().unwrap();
                let digest = (!attack.body.is_empty()).then(|| Digest::of(&attack.body));
                for (name, value) in &attack.fields {
                    if let Ok(value) = HeaderValue::from_bytes(value) {
                        headers.append(name.parse::<HeaderName>().unwrap(), value);
                    }
                }
                let own: Vec<HeaderName> = headers.keys().cloned().collect();
                if sign_request(key, &method, &address, &mut headers, digest.as_ref(), now).is_err() {
                    return HeaderMap::new();
                }
                own.iter().for_each(|name| drop(headers.remove(name)));
            }
        }
        headers
    }
}

/// The request as it is sent.
fn written(who: &Who, base: &str, attack: &Attack, now: Timestamp) -> Vec<u8> {
    let host = base.trim_start_matches("http://");
    let mut sent = [attack.method.as_bytes(), b" ", attack.target.as_slice(), b" HTTP/1.1\r\n"].concat();
    sent.extend_from_slice(format!("host: {host}\r\nconnection: close\r\n").as_bytes());
    let length = attack.body.len() + if attack.is_cut { 1000 } else { 0 };
    let says_length =
        attack.fields.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(name));
    if !says_length && (length > 0 || attack.method != "GET") {
        sent.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    let proof = if attack.proves_itself { HeaderMap::new() } else { who.proof(base, attack, now) };
    let proof = proof.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    for (name, value) in attack.fields.iter().map(|(name, value)| (*name, value.as_slice())).chain(proof) {
        sent.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    sent.extend_from_slice(b"\r\n");
    sent.extend_from_slice(&attack.body);
    sent
}

/// The answer to a request, sent again while it finds no place.
fn answered(who: &Who, base: &str, attack: &Attack, now: Timestamp) -> Result<Option<RawAnswer>, String> {
    let ask = || exchange(base, &written(who, base, attack, now), attack.is_cut);
    let has_no_place = |answer: &Option<RawAnswer>| {
        let text = answer.as_ref().filter(|answer| answer.status == 503).map(|answer| &answer.body);
        text.is_some_and(|text| String::from_utf8_lossy(text).contains("too many"))
    };
    let mut answer = ask()?;
    for _ in 1..TIMES {
        if !has_no_place(&answer) {
            break;
        }
        answer = ask()?;
    }
    Ok(answer)
}

/// What is wrong with an answer.
fn fault(attack: &Attack, answer: Option<&RawAnswer>) -> Option<String> {
    let Some(answer) = answer else {
        return (!attack.is_cut).then(|| "the connection was closed without an answer".to_owned());
    };
    let text = String::from_utf8_lossy(&answer.body);
    if answer.status >= 500 {
        return Some(format!("{} {text}", answer.status));
    }
    // What is no HTTP at all is refused before there is a door.
    let has_door = !answer.header("shuqiao-request-id").is_empty();
    if answer.status < 400 || !has_door || attack.method == "HEAD" {
        return (answer.status >= 400 && !has_door && !answer.body.is_empty())
            .then(|| format!("{} {text} is no answer of a door", answer.status));
    }
    let lower = text.to_lowercase();
    if let Some(word) = FORBIDDEN.iter().find(|word| lower.contains(**word)) {
        return Some(format!("{} tells of `{word}`: {text}", answer.status));
    }
    let Ok(error) = serde_json::from_slice::<Value>(&answer.body) else {
        return Some(format!("{} is no JSON: {text}", answer.status));
    };
    (!is_of_door(attack, answer, &error)).then(|| format!("{} is not of this door: {text}", answer.status))
}

/// Whether an error is written as its door writes errors.
fn is_of_door(attack: &Attack, answer: &RawAnswer, error: &Value) -> bool {
    let target = String::from_utf8_lossy(&attack.target);
    let path = target.split('?').next().unwrap_or_default();
    let action = ["/api/3/action/", "/api/action/"].iter().find_map(|prefix| path.strip_prefix(prefix));
    let media_type = answer.header("content-type");
    if action.is_some_and(|action| !action.contains('/')) {
        return error["success"] == false
            && error["error"]["__type"].is_string()
            && media_type.contains("json");
    }
    if path.starts_with("/delta-sharing/") {
        return error["errorCode"].is_string() && error["message"].is_string() && media_type.contains("json");
    }
    let problem = serde_json::from_value::<openapi_contract::ProblemDetails>(error.clone());
    media_type == "application/problem+json" && problem.is_ok_and(|problem| problem.status == answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_the_format_of_its_door() {
    let city = atlas().await;
    let server = &city.server;
    let wanted = json!({"purpose": "办案", "doors": ["api", "sql", "file"], "seconds": 3600});
    let issued = server.send(Call::post("/api/v1/tickets", &wanted).by(&city.machine)).await.ok();
    let developer = server.person("developer", None, &[Role::Developer]).await;
    let [scjg, _] = departments();
    let roles = [Role::DirectoryEditor, Role::DataSteward];
    let editor = server.person("second-editor", Some(&scjg), &roles).await;
    let who = [
        Who::Anyone,
        Who::Signs("a developer", developer),
        Who::Signs("a department's editor", editor),
        Who::Holds(issued["token"].as_str().unwrap().to_owned()),
    ];
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let attacks = requests::all(&document);
    println!("{} requests", attacks.len());
    let shared = Arc::new((who, attacks, server.base.clone(), server.now()));
    let asking = (0..AT_ONCE).map(|first| {
        let shared = Arc::clone(&shared);
        tokio::task::spawn_blocking(move || {
            let (who, attacks, base, now) = &*shared;
            let mine = attacks.iter().enumerate().skip(first).step_by(AT_ONCE);
            mine.filter_map(|(place, attack)| {
                // Only tickets open Delta Sharing; elsewhere each asks in turn.
                let is_delta = attack.target.starts_with(b"/delta-sharing/") && place % 4 != 0;
                let who = if is_delta { &who[3] } else { &who[place / AT_ONCE % who.len()] };
                let found = match answered(who, base, attack, *now) {
                    Ok(answer) => fault(attack, answer.as_ref())?,
                    Err(error) => error,
                };
                let found: String = found.chars().take(400).collect();
                Some(format!("{} as {}: {}\n    {found}", attack.route, who.name(), attack.shown()))
            })
            .collect::<Vec<_>>()
        })
    });
    let found = futures::future::join_all(asking).await;
    let found: Vec<String> = found.into_iter().flat_map(Result::unwrap).collect();
    let shown = found.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} wrong answers\n{shown}", found.len());
    let alive = server.send(Call::get("/healthz")).await;
    assert_eq!(alive.text(), "ok\n");
}
