//! What the tour shows developers beside a download: shared materials, a key of their own, and notifications.

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use datasets_samples::notices::{NOTICES, REGISTER};
use exchange_auth::{API_KEY_FIELD, JwkSet, write_secret_file};
use exchange_crypto::Digest;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use openapi_contract::{IssuedApiKey, SubscriptionView};
use openapi_http::App;
use serde::Serialize;
use serde_json::json;

use super::build::{DEVELOPER, NOTICES_OF, deliver_notices, key_file};
use super::receiver::{Received, Receiver};
use crate::client::{Assertions, Client, Payload};
use crate::commands::data;
use crate::folder::io;
use crate::output;

/// The notice with a picture.
const PICTURE: usize = 2;
/// What everyone is asked of the register.
const QUESTION: &str = "select notice_no, title, file_name from scjg.notices order by notice_no";

/// What developers got, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct Developers {
    material: Material,
    developer_key: DeveloperKey,
    notifications: Vec<Received>,
}

/// A material that was taken without a key.
#[derive(Debug, Serialize)]
struct Material {
    address: String,
    sha256: String,
}

/// A developer key, and what its quota says.
#[derive(Debug, Serialize)]
struct DeveloperKey {
    file: PathBuf,
    ratelimit: String,
}

/// Shows all of it; nothing in a folder that an older program built.
pub(super) async fn shown(address: &str, root: &Path, app: &App) -> Result<Option<Developers>> {
    if !key_file(root, DEVELOPER).exists() {
        return Ok(None);
    }
    let steward = named(address, root, NOTICES_OF).await?;
    let code = data::code_of(&steward, NOTICES_OF, REGISTER).await?;
    let developer = named(address, root, DEVELOPER).await?;
    Ok(Some(Developers {
        material: material(address, &code).await?,
        developer_key: developer_key(address, root, &developer, &code).await?,
        notifications: told(root, app, (&developer, &steward), &code).await?,
    }))
}

async fn named(address: &str, root: &Path, name: &str) -> Result<Client> {
    Client::of_server(address, Some(&key_file(root, name)), Assertions::default()).await
}

async fn material(address: &str, code: &ResourceCode) -> Result<Material> {
    output::heading("Developers: shared materials, each for whoever sees a row that names it");
    let anyone = Client::of_server(address, None, Assertions::default()).await?;
    data::show_rows(&data::ask(&anyone, QUESTION).await?);
    let sha256 = Digest::of(NOTICES[PICTURE].content).to_hex();
    let path = format!("/datasets/{}/versions/latest/materials/{sha256}", code.path_form());
    let answer = anyone.send(Method::GET, &path, Payload::Empty, "*/*").await?;
    let media_type = field(&answer.headers, &http::header::CONTENT_TYPE);
    let bytes = answer.bytes().await?;
    if Digest::of(&bytes).to_hex() != sha256 {
        return Err(Error::new(ErrorCode::Internal, "a material is not what its row says"));
    }
    output::line(format!("  curl -OJ {address}{path}"));
    output::done(format!("{media_type}, {} bytes, and their SHA-256 is the one in the row", bytes.len()));
    Ok(Material { address: format!("{address}{path}"), sha256 })
}

/// The key is made once and kept beside the keys of the departments.
async fn developer_key(
    address: &str,
    root: &Path,
    developer: &Client,
    code: &ResourceCode,
) -> Result<DeveloperKey> {
    output::heading("Developers: a key of one's own, and what is left of its quota");
    let file = key_file(root, DEVELOPER).with_extension("key");
    if !file.exists() {
        let asked = Payload::Json(json!({ "name": "demo" }));
        let issued: IssuedApiKey = developer.json(Method::POST, "/api/v1/developer-keys", asked).await?;
        write_secret_file(&file, issued.secret.as_bytes())?;
    }
    let secret = std::fs::read_to_string(&file).map_err(|error| io(&file, &error))?;
    let secret = HeaderValue::from_str(secret.trim()).map_err(Error::internal)?;
    let fields = HeaderMap::from_iter([(API_KEY_FIELD, secret)]);
    let path = format!("/datasets/{}/latest.csv", code.path_form());
    let anyone = Client::of_server(address, None, Assertions::default()).await?;
    let answer = anyone.send_with(Method::GET, &path, Payload::Empty, "*/*", fields).await?;
    let ratelimit = field(&answer.headers, &HeaderName::from_static("ratelimit"));
    answer.bytes().await?;
    output::line(format!("  curl -i -H \"x-api-key: $(cat {})\" {address}{path}", file.display()));
    output::line(format!("  ratelimit: {ratelimit}"));
    Ok(DeveloperKey { file, ratelimit })
}

fn field(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Subscribes, is asked whether that is meant, and is told of the next version.
async fn told(
    root: &Path,
    app: &App,
    (developer, steward): (&Client, &Client),
    code: &ResourceCode,
) -> Result<Vec<Received>> {
    output::heading("Developers: told of a new version by a request that the platform signs");
    let keys: JwkSet = developer.json(Method::GET, "/.well-known/jwks.json", Payload::Empty).await?;
    let mut receiver = Receiver::start(keys)?;
    let asked = json!({ "target": { "dataset": code }, "receiver": receiver.address });
    output::line(format!("  POST /api/v1/subscriptions {asked}"));
    let subscriptions = "/api/v1/subscriptions";
    let made: SubscriptionView = developer.json(Method::POST, subscriptions, Payload::Json(asked)).await?;
    let challenge = receiver.next(app).await?;
    output::line(format!("  {} to {}: its token is echoed", challenge.kind, receiver.address));
    let number = deliver_notices(steward, &root.join("spool").join("notices"), false).await?;
    output::line(format!("  {NOTICES_OF} delivers version {number} of {code}"));
    let event = receiver.next(app).await?;
    let version = event.version.unwrap_or_default();
    output::done(format!(
        "{} of {} version {version}, signed by key {}",
        event.kind, event.subject, event.key
    ));
    let own = format!("{subscriptions}/{}", made.id);
    developer.send(Method::DELETE, &own, Payload::Empty, "*/*").await?;
    Ok(vec![challenge, event])
}
