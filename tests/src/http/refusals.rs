//! Bad input and wrong proofs: a clear error with a code, nothing lost, the server alive.

use ::http::{Method, StatusCode};
use serde_json::json;

use crate::support::city::{CODE, City};
use crate::support::server::Call;

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_served_is_a_signed_problem() {
    let city = City::without_data().await;
    let server = &city.server;
    let answer = server.send(Call::get("/api/v1/nothing")).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    for (name, value) in [
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(answer.header(name), value);
    }
    let answer = server.send(Call::new(Method::DELETE, "/api/v1/sql")).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "invalid_input"));
    assert!(answer.headers.contains_key("allow"));
    let huge = Call::new(Method::POST, "/api/v1/sql").body(vec![b' '; 2 << 20], "application/json");
    assert_eq!(server.send(huge).await.code(), "too_large");
    let text = Call::new(Method::POST, "/api/v1/sql").body("select 1", "text/plain");
    assert_eq!(server.send(text).await.code(), "unsupported_format");
    for body in ["", "{", "[]", "{\"sql\": 1}", "{\"sql\": \"select 1\", \"other\": 2}", "\u{feff}{}"] {
        let call = Call::new(Method::POST, "/api/v1/sql").body(body, "application/json");
        assert_eq!(server.send(call).await.code(), "invalid_input", "{body}");
    }
    let long = json!({"sql": format!("select '{}'", "x".repeat(900_000))});
    assert_eq!(server.send(Call::post("/api/v1/sql", &long)).await.code(), "limit_sql");
    let deep = json!({"sql": format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000))});
    assert!(
        ["limit_sql", "sql_syntax"]
            .contains(&server.send(Call::post("/api/v1/sql", &deep)).await.code().as_str())
    );
    for path in [
        "/api/v1/resources/x",
        "/api/v1/resources/%FF",
        "/api/v1/resources?sharing=x",
        "/api/v1/resources?nonsense=1",
    ] {
        assert_eq!(server.send(Call::get(path)).await.code(), "invalid_input", "{path}");
    }
    assert_eq!(server.send(Call::get("/healthz")).await.text(), "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_proofs_are_refused_and_never_taken_for_the_public() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}/preview");
    let (stranger, _) = exchange_crypto::SigningKey::generate().unwrap();
    assert_eq!(server.send(Call::get(&path).by(&stranger)).await.code(), "unauthenticated");
    for token in ["Bearer nonsense", "Basic eDp5", "Bearer"] {
        let answer = server.send(Call::get(&path).header("authorization", token)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    let platform = Call::get(&path).header("signature-input", "sig1=(\"@method\");tag=\"shuqiao\"");
    assert_eq!(server.send(platform.header("signature", "sig1=:AA==:")).await.code(), "signature_invalid");
    // The body is not the one that was signed.
    let changed = city.sql("select 1", Some(&city.machine)).swapping_body("{\"sql\": \"select 2\"}");
    assert_eq!(server.send(changed).await.code(), "signature_invalid");
}
