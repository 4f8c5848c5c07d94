//! The routes, and the OpenAPI document that describes them: one registration gives both.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use catalog_core::ErrorCode;
use http::{Method, Uri};
use openapi_contract::{CkanRefusal, ProblemDetails, SharingError};
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::problem::{PROBLEM_JSON, Refusal};
use crate::{
    api_keys, catalogue, ckan, contributions, datasets, delta, developers, directory, downloads, grants,
    inspection, keys, log, maintenance, materials, matters, names, notices, ogc, openings, organisation,
    pages, portal, public, queries, receipts, records, replay, reports, session, sql, status, subjects,
    subscriptions, substitutions, successions, supervision, tickets, uploads, verifications, why, words,
    wrapper,
};

/// OpenAPI knows no scheme for signed requests: this names the field in which one begins, and says what it holds.
const SIGNING: &str = "HTTP Message Signatures (RFC 9421) with the caller's registered key, Ed25519 or SM2: its components and \
    parameters; the signature is in `signature`, the digest of a body in `content-digest` (RFC 9530).";

/// What a developer key is good for.
const API_KEY: &str = "A developer key, made by `POST /api/v1/developer-keys`: it reads at the doors of open data, within a \
    greater quota. `Authorization: Bearer` takes it too.";

/// What a session's cookie is good for.
const SESSION: &str = "A session of a person, begun by `POST /api/v1/session` or at the identity provider. What changes \
    something needs `sec-fetch-site: same-origin`, or `origin` with the server's address.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Shuqiao 数桥",
        description = "Departments share data under law, and publish what is not confidential.\n\n\
            Requests are signed (RFC 9421, Ed25519 or SM2), or carry a bearer ticket, a developer key or a session's cookie; without them the caller is the public. \
            Every answer is signed by the platform. Errors are problem details (RFC 9457) with a code of a closed list; their words are in Chinese where `accept-language` prefers it.",
    ),
    components(schemas(CkanRefusal, ProblemDetails, SharingError)),
    security((), ("signature" = []), ("ticket" = []), ("api_key" = []), ("session" = [])),
    tags(
        (name = "directory", description = "The resource directory 政务信息资源目录"),
        (name = "data", description = "Datasets, their versions and records"),
        (name = "sql", description = "One governed query"),
        (name = "ckan", description = "What CKAN's clients and harvesters ask: its Action API, version 3, read side; errors are as it writes them"),
        (name = "downloads", description = "Whole files of open data, without a key"),
        (name = "catalogue", description = "The public's directory for other portals: DCAT-AP, feeds, sitemap"),
        (name = "delta-sharing", description = "Tables as files, by the protocol of Delta Sharing; errors are as it writes them"),
        (name = "grants", description = "Who may read what, and why"),
        (name = "matters", description = "Matters 办件: applications, objections, demands, with their limits"),
        (name = "public", description = "What the public asks 依申请公开、来信: opened by anyone, followed by number and code"),
        (name = "participation", description = "What the public contributes: feedback 评价 on datasets and works 应用成果 made of them, shown when somebody has looked at them"),
        (name = "subscriptions", description = "Signed webhooks: being told of what happens to datasets"),
        (name = "tickets", description = "Bearer tickets for tools that can't sign"),
        (name = "organisation", description = "Departments, people and keys"),
        (name = "session", description = "People at a browser, and developers who register themselves"),
        (name = "supervision", description = "Supervision 电子监察 and assessment 考核评估, from evidence alone"),
        (name = "evidence", description = "What an answer leaves behind"),
        (name = "portal", description = "Pages for everyone"),
        (name = "desk", description = "Pages for people of departments, and for those who run the platform: forms over the services of this API"),
        (name = "server", description = "The server itself"),
    )
)]
struct Document;

/// The routes of the application, each inside the wrapper.
pub fn router(app: Arc<App>) -> Router {
    let (routes, _) = all_routes().split_for_parts();
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_offered)
        // The wrapper bounds bodies, by what an address takes.
        .layer(DefaultBodyLimit::disable())
        .layer(cors())
        .layer(from_fn_with_state(Arc::clone(&app), wrapper::wrap))
        .with_state(app)
}

/// The OpenAPI 3.1 document of all routes.
pub fn openapi() -> OpenApi {
    let mut document = all_routes().into_openapi();
    if let Some(components) = &mut document.components {
        let ticket = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("ticket", ticket);
        let api_key = ApiKeyValue::with_description("x-api-key", API_KEY);
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(api_key)));
        let signature = ApiKeyValue::with_description("signature-input", SIGNING);
        let session = ApiKeyValue::with_description("__Host-shuqiao", SESSION);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
    for item in document.paths.paths.values_mut() {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
            (HttpMethod::Patch, &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                add_problems(operation, &method);
            }
        }
    }
    document
}

fn all_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(directory::routes())
        .merge(datasets::routes())
        .merge(uploads::routes())
        .merge(materials::routes())
        .merge(records::routes())
        .merge(sql::routes())
        .merge(verifications::routes())
        .merge(queries::routes())
        .merge(downloads::routes())
        .merge(catalogue::routes())
        .merge(ckan::routes())
        .merge(delta::routes())
        .merge(ogc::routes())
        .merge(grants::routes())
        .merge(matters::routes())
        .merge(notices::routes())
        .merge(public::routes())
        .merge(contributions::routes())
        .merge(reports::routes())
        .merge(openings::routes())
        .merge(tickets::routes())
        .merge(organisation::routes())
        .merge(session::routes())
        .merge(developers::routes())
        .merge(api_keys::routes())
        .merge(keys::routes())
        .merge(maintenance::routes())
        .merge(receipts::routes())
        .merge(replay::routes())
        .merge(status::routes())
        .merge(subjects::routes())
        .merge(subscriptions::routes())
        .merge(substitutions::routes())
        .merge(successions::routes())
        .merge(why::routes())
        .merge(words::routes())
        .merge(log::routes())
        .merge(inspection::routes())
        .merge(names::routes())
        .merge(supervision::routes())
        .merge(pages::routes())
        .merge(portal::routes())
}

/// What any operation may answer instead, as the wrapper and the services give it.
fn add_problems(operation: &mut Operation, method: &HttpMethod) {
    let mut problems = vec![
        ("400", "Input that breaks a rule"),
        ("401", "A proof of identity that is wrong, or missing where one is needed"),
        ("403", "Not allowed, or not granted; says how to apply"),
        ("404", "Nothing of that name that the caller may know of"),
        (
            "429",
            "Beyond the quota of the address or of the developer key; `retry-after` says when to come again",
        ),
        ("500", "A fault of the server"),
        ("503", "Not available now, or evidence can't be written"),
    ];
    let tag = operation.tags.iter().flatten().next().map(String::as_str);
    if tag == Some(ckan::TAG) {
        problems = ckan::PROBLEMS.to_vec();
    }
    let is_foreign = tag.is_some_and(|tag| [ckan::TAG, delta::TAG].contains(&tag));
    if *method != HttpMethod::Get && !is_foreign {
        problems.extend([
            ("409", "The name or state is taken, or the step is not allowed in it"),
            ("413", "A body beyond its limit"),
            ("415", "A media type that is not read here"),
        ]);
    }
    let is_data =
        operation.tags.iter().flatten().any(|tag| matches!(tag.as_str(), "data" | "sql" | "downloads"));
    if is_data {
        problems.extend([
            ("409", "Several grants could answer, or another writer was faster"),
            ("410", "Withdrawn; the detail is the tombstone"),
            ("422", "A limit was reached, or too many rows are not valid"),
        ]);
    }
    let (media_type, schema) = match tag {
        Some(delta::TAG) => ("application/json", "SharingError"),
        Some(ckan::TAG) => ("application/json", "CkanRefusal"),
        _ => (PROBLEM_JSON, "ProblemDetails"),
    };
    for (status, description) in problems {
        let response = ResponseBuilder::new()
            .description(description)
            .content(media_type, Content::new(Some(Ref::from_schema_name(schema))))
            .build();
        operation.responses.responses.entry(status.to_owned()).or_insert(response.into());
    }
}

/// Answers preflight requests; what any page may read of an answer is said by the wrapper.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(Any)
}

async fn nothing_here(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    let message = match path.starts_with("/api/") {
        true => format!("there is nothing at {path}; the API is described at /api/v1/openapi.json"),
        false => "there is nothing at this address".to_owned(),
    };
    Refusal::with_status(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
}

async fn not_offered(method: Method) -> Refusal {
    let message = format!("{method} is not offered at this address; see /api/v1/openapi.json");
    Refusal::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidInput, message)
}
