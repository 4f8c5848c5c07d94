//! Every operation of the document, called without credentials.

use ::http::{Method, StatusCode};
use serde_json::json;

use crate::support::city::{CODE, City};
use crate::support::server::Call;

/// What anyone may have without a key. A new open route is added here on purpose or not at all.
const OPEN: [&str; 77] = [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /api/3/action/{action}",
    "GET /api/action/{action}",
    "GET /api/v1/datasets/{code}/records/{key}",
    "GET /api/v1/departments",
    "GET /api/v1/departments/{id}",
    "GET /api/v1/keys",
    "GET /api/v1/openapi.json",
    "GET /api/v1/resources",
    "GET /api/v1/resources/{code}",
    "GET /api/v1/resources/{code}/dictionary",
    "GET /api/v1/resources/{code}/openings",
    "GET /api/v1/resources/{code}/preview",
    "GET /api/v1/resources/{code}/records",
    "GET /api/v1/resources/{code}/records/acts",
    "GET /api/v1/resources/{code}/schema",
    "GET /api/v1/resources/{code}/versions",
    "GET /api/v1/resources/{code}/why",
    "GET /api/v1/sql/dialect",
    "GET /api/v1/sql/functions",
    "GET /api/v1/sql/tables",
    "GET /api/v1/status",
    "GET /api/v1/successions",
    "GET /assets/{file}",
    "GET /catalog",
    "GET /catalog.jsonld",
    "GET /catalog.rdf",
    "GET /catalog.ttl",
    "GET /datasets/{code}",
    "GET /datasets/{code}/changes",
    "GET /datasets/{code}/chart",
    "GET /datasets/{code}/csv-metadata.json",
    "GET /datasets/{code}/datapackage.json",
    "GET /datasets/{code}/dcat.jsonld",
    "GET /datasets/{code}/dcat.rdf",
    "GET /datasets/{code}/dcat.ttl",
    "GET /datasets/{code}/feed.atom",
    "GET /datasets/{code}/quality.json",
    "GET /datasets/{code}/rows",
    "GET /datasets/{code}/schema.json",
    "GET /datasets/{code}/{file}",
    "GET /feed.atom",
    "GET /feeds/search.atom",
    "GET /log/checkpoint",
    "GET /log/proof/consistency",
    "GET /log/proof/inclusion",
    "GET /ogc",
    "GET /ogc/api",
    "GET /ogc/collections",
    "GET /ogc/conformance",
    "GET /schemas/directory.jsonld",
    "GET /sitemap.xml",
    "GET /claim",
    "GET /departments",
    "GET /departments/{id}",
    "GET /api",
    "GET /api/v1/feedback",
    "GET /api/v1/gallery",
    "GET /ask/disclosure",
    "GET /ask/letter",
    "GET /ask/matter",
    "GET /datasets/{code}/feedback",
    "GET /developer",
    "GET /developer/register",
    "GET /gallery",
    "GET /gallery/submit",
    "GET /help",
    "GET /design",
    "GET /password",
    "GET /search",
    "GET /sign-in",
    "GET /standards",
    "GET /statistics",
    "GET /status",
    "GET /sql",
    "GET /topics",
];
/// Open too, but not about data.
const PROBES: [&str; 2] = ["GET /healthz", "GET /readyz"];
/// Answers that anyone gets and that hold nothing: lists of what the public has, and questions about open data.
const EMPTY_OR_OPEN: [&str; 6] = [
    "GET /api/v1/grants",
    "GET /api/v1/tickets",
    "POST /api/3/action/{action}",
    "POST /api/action/{action}",
    "POST /api/v1/resources/{code}/records",
    "POST /api/v1/sql",
];

/// A form with one part.
const PARTS: &str = "--cut\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb\r\n--cut--\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_only_open_routes_answer() {
    let city = City::new().await;
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let mut walked = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let name = format!("{method} {path}");
            let address = path
                .replace("{code}", CODE)
                .replace("{number}", "1")
                .replace("/assets/{file}", "/assets/portal.css")
                .replace("{file}", "latest.csv")
                .replace("{action}", "site_read")
                .replace("{id}", "scjg")
                .replace("{share}", "scjg")
                .replace("{schema}", "default")
                .replace("{table}", "penalty")
                .replace("{before}", "1")
                .replace("{key}", "A2")
                .replace("{feature}", "A1")
                .replace("{delivery}", "1")
                // This register has no materials: nobody finds one.
                .replace("{version}", "latest")
                .replace("{digest}", &"0".repeat(64))
                .replace("{upload}", &"0".repeat(32));
            let address = match address.as_str() {
                "/api/v1/feedback" => format!("{address}?resource=301001%2F000001"),
                "/log/proof/inclusion" => format!("{address}?index=0&size=1"),
                "/log/proof/consistency" => format!("{address}?first=0&second=0"),
                _ => address,
            };
            let call = Call::new(method.clone(), address);
            // In the words of its door, or it would be refused before anybody asks who calls.
            let kind = operation["requestBody"]["content"].as_object().and_then(|all| all.keys().next());
            let call = match kind.map(String::as_str) {
                _ if method == Method::GET => call,
                Some(form @ "application/x-www-form-urlencoded") => call.body("a=b".to_owned(), form),
                Some("multipart/form-data") => {
                    call.body(PARTS.to_owned(), "multipart/form-data; boundary=cut")
                }
                _ => call.json(&json!({})),
            };
            let answer = city.server.send(call).await;
            assert!(
                method == Method::GET || !answer.status.is_redirection(),
                "{name} was done for a stranger: {}",
                answer.status
            );
            let open = OPEN.contains(&name.as_str()) || PROBES.contains(&name.as_str());
            match answer.status {
                status if status.is_success() => {
                    assert!(
                        open || EMPTY_OR_OPEN.contains(&name.as_str()),
                        "{name} answered {status} to a stranger"
                    );
                }
                _ => {
                    assert!(!open, "{name} should answer anyone: {}", answer.text());
                    let code = match path.starts_with("/delta-sharing/") {
                        true => answer.json()["errorCode"].to_string(),
                        // A form is refused with its page.
                        false if answer.header("content-type").starts_with("text/html") => String::new(),
                        false => answer.code(),
                    };
                    assert_ne!(
                        answer.status,
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "{name}: {code} {}",
                        answer.text()
                    );
                }
            }
            walked.push(name);
        }
    }
    for name in OPEN.iter().chain(&PROBES).chain(&EMPTY_OR_OPEN) {
        assert!(walked.iter().any(|walked| walked == name), "{name} is in no document");
    }
    let grants = city.server.send(Call::get("/api/v1/grants")).await.ok();
    assert!(grants.as_array().unwrap().iter().all(|grant| grant["grantee"] == "public"));
    assert_eq!(city.server.send(Call::get("/api/v1/tickets")).await.ok(), json!([]));
}
