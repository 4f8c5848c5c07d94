//! The access log, and tickets on a way that others can read.

use std::fs;
use std::net::SocketAddr;

use ::http::StatusCode;
use axum::body::Body;
use axum::extract::ConnectInfo;
use catalog_core::Role;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::city::{CODE, City};
use crate::support::server::{Call, Server};

/// All lines so far.
fn lines(server: &Server) -> Vec<Value> {
    let folder = fs::read_dir(server.folder.path().join("access")).unwrap();
    let text = folder.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The line of a request, which is written when its last byte has left, maybe after the client has seen it.
async fn line_of(server: &Server, request_id: &str) -> Value {
    for _ in 0..10_000 {
        if let Some(line) = lines(server).into_iter().find(|line| line["request_id"] == request_id) {
            return line;
        }
        tokio::task::yield_now().await;
    }
    panic!("no line of {request_id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_leaves_a_line_without_values() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}/records");
    let answer =
        server.send(Call::get(format!("{path}?filter.county=360481&limit=1")).by(&city.machine)).await;
    let line = line_of(server, answer.header("shuqiao-request-id")).await;
    assert_eq!((&line["method"], &line["path"]), (&json!("GET"), &json!(path)));
    assert_eq!(line["status"], json!(answer.status.as_u16()));
    assert_eq!(line["bytes"], json!(answer.bytes().len()));
    assert_eq!(line["principal"], json!(city.machine.public().id()));
    assert!(line["address"].as_str().unwrap().starts_with("127.0.0.1:"));

    let wrong = Call::get(&path).header("authorization", "Bearer secret-of-somebody");
    let answer = server.send(wrong).await;
    let line = line_of(server, answer.header("shuqiao-request-id")).await;
    assert_eq!((&line["status"], &line["principal"]), (&json!(401), &Value::Null));
    let all = lines(server).iter().map(Value::to_string).collect::<String>();
    assert!(!all.contains("360481") && !all.contains("secret-of-somebody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_alone_read_the_access_log() {
    let city = City::new().await;
    let server = &city.server;
    let auditor = server.person("audit", None, &[Role::Auditor]).await;
    let administrator = server.person("admin", None, &[Role::SystemAdministrator]).await;
    let address = "/api/v1/access-log";
    for stranger in
        [Call::get(address), Call::get(address).by(&administrator), Call::get(address).by(&city.machine)]
    {
        assert_eq!(server.send(stranger).await.code(), "forbidden");
    }
    let text = server.send(Call::get(address).by(&auditor)).await.text();
    assert!(text.lines().count() > 5 && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let past = Call::get(format!("{address}?date=2020-01-01")).by(&auditor);
    assert_eq!(server.send(past).await.code(), "not_found");
    for wrong in ["..%2Fevidence", "2020-13-01"] {
        let call = Call::get(format!("{address}?date={wrong}")).by(&auditor);
        assert_eq!(server.send(call).await.code(), "invalid_input");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_others_could_read_opens_nothing() {
    let city = City::new().await;
    let server = &city.server;
    let wanted = json!({ "doors": ["api"], "seconds": 60 });
    let issued = server.send(Call::post("/api/v1/tickets", &wanted).by(&city.machine)).await.ok();
    let bearer = format!("Bearer {}", issued["token"].as_str().unwrap());
    let ask = async |peer: Option<&str>| {
        let request = ::http::Request::get(format!("/api/v1/resources/{CODE}/preview"));
        let mut request = request.header("authorization", &bearer).body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        }
        openapi_http::router(server.app.clone()).oneshot(request).await.unwrap().status()
    };
    for local in ["127.0.0.1:5000", "[::1]:5000", "[::ffff:127.0.0.1]:5000"] {
        assert_eq!(ask(Some(local)).await, StatusCode::OK, "{local}");
    }
    for remote in [Some("10.1.2.3:5000"), Some("[2001:db8::1]:5000"), None] {
        assert_eq!(ask(remote).await, StatusCode::UNAUTHORIZED, "{remote:?}");
    }
    server
        .send(Call::get(format!("/api/v1/resources/{CODE}/preview")).header("authorization", &bearer))
        .await
        .ok();
    let read = server.events("access").pop().unwrap();
    assert_eq!(read["actor"]["ticket"], issued["ticket"]["id"], "evidence names the ticket");
}
