//! HTTP Message Signatures in both directions with an implementation that nobody here wrote.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use catalog_core::directory::{Department, Level};
use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::ports::{CredentialStore as _, DirectoryStore as _, KeyOwner, KeyRecord};
use catalog_core::{Channel, DepartmentId, Error, ErrorCode, Timestamp};
use catalog_store::CatalogStore;
use exchange_auth::{
    Arrival, AuthError, Authenticator, Presented, RequestBinding, encode_assertion, generate_key_file,
    operator_context, sign_request, sign_response, verify_response,
};
use exchange_crypto::{Digest, PublicKey, SigningKey, from_base64, to_base64, to_base64url};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

const BASE: &str = "https://data.example.gov.cn";
/// 2026-11-22T09:00:00+08:00.
const NOW: Timestamp = Timestamp(1_795_309_200_000_000);
const BODY: &str = "{\"sql\":\"select 1\"}";
/// The key of RFC 9421 appendix B.1.4: published, hence nobody's.
const KEY_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";

fn oracle(mode: &str, input: &Value) -> Value {
    let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/oracle_signatures.py"))
        .arg(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle failed; `tests/run` installs what it needs");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn key() -> SigningKey {
    let (_, rest) = KEY_PEM.split_once('\n').unwrap();
    SigningKey::from_pkcs8(&from_base64(rest.split_once('\n').unwrap().0).unwrap()).unwrap()
}

fn to_json(headers: &HeaderMap) -> Value {
    headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect()
}

fn from_json(headers: &Value) -> HeaderMap {
    let pairs = headers.as_object().unwrap().iter();
    pairs
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap()))
        .collect()
}

/// A server's side: one department with one key in a real store.
struct Server {
    folder: TempDir,
    store: CatalogStore,
    authenticator: Authenticator,
}

impl Server {
    async fn start() -> Self {
        let folder = tempdir().unwrap();
        let (store, authenticator) = Self::open(&folder).await;
        let department = Department {
            id: DepartmentId::new("scjg").unwrap(),
            name: "合成市市场监督管理局".to_owned(),
            credit_code: "11360400MB0000000X".to_owned(),
            level: Level::City,
            parent: None,
            division_code: "360400".to_owned(),
        };
        store.put_department(&department, &change()).await.unwrap();
        let server = Self { folder, store, authenticator };
        server.register(&key()).await;
        server
    }

    async fn register(&self, key: &SigningKey) {
        let public = key.public();
        let record = KeyRecord {
            id: public.id(),
            owner: KeyOwner::Department(DepartmentId::new("scjg").unwrap()),
            public_key: to_base64url(public.as_bytes()),
            valid_from: NOW.plus_seconds(-60),
            valid_until: None,
        };
        self.store.put_key(&record, &change()).await.unwrap();
    }

    /// Makes a key file as an operator does, and registers its key.
    async fn key_file(&self, name: &str) -> (PathBuf, SigningKey) {
        let path = self.folder.path().join(name);
        let key = generate_key_file(&path).unwrap();
        self.register(&key).await;
        (path, key)
    }

    async fn open(folder: &TempDir) -> (CatalogStore, Authenticator) {
        let url = format!("sqlite://{}", folder.path().join("catalogue.db").display());
        let store = CatalogStore::connect(&url).await.unwrap();
        let shared = Arc::new(store.clone());
        (store, Authenticator::new(shared.clone(), shared.clone(), shared, BASE).unwrap())
    }

    async fn restart(self) -> Self {
        self.store.close().await;
        let (store, authenticator) = Self::open(&self.folder).await;
        Self { store, authenticator, ..self }
    }

    async fn receive(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<String>, AuthError> {
        let (mut parts, ()) = Request::post("/api/v1/sql?format=csv").body(()).unwrap().into_parts();
        parts.headers = headers.clone();
        let arrival = Arrival {
            parts: &parts,
            presented: &Presented::of(&parts.headers),
            channel: Channel::Sql,
            request_id: "r",
            now,
            confidential: true,
            asks: false,
        };
        let caller = self.authenticator.authenticate(arrival).await?;
        let ctx = caller.with_body(Some(&Digest::of(BODY.as_bytes())))?;
        assert_eq!(ctx.principal.department.unwrap().as_str(), "scjg");
        Ok(ctx.purpose)
    }
}

fn change() -> EvidenceRecord {
    let ctx = operator_context("test", None, BTreeSet::new(), "r".to_owned(), NOW);
    let event =
        Event::Changed { action: "test".to_owned(), entity: "test".to_owned(), entity_digest: String::new() };
    EvidenceRecord::new(&ctx, event)
}

fn address() -> String {
    format!("{BASE}/api/v1/sql?format=csv")
}

/// What the other implementation signs.
fn signed_by_oracle(components: &[&str]) -> HeaderMap {
    let headers =
        json!({"content-type": "application/json", "shuqiao-purpose": encode_assertion("企业开办")});
    from_json(&oracle(
        "sign",
        &json!({
            "request": {"method": "POST", "url": address(), "headers": headers},
            "private_key": KEY_PEM, "key_id": key().public().id(), "created": NOW.seconds(),
            "nonce": "0123456789abcdef", "components": components, "body": BODY,
        }),
    ))
}

#[tokio::test]
async fn what_the_other_implementation_signs_is_accepted_once_even_after_a_restart() {
    let server = Server::start().await;
    let headers = signed_by_oracle(&["@method", "@target-uri", "content-type", "shuqiao-purpose"]);
    assert_eq!(server.receive(&headers, NOW).await.unwrap().as_deref(), Some("企业开办"));
    let server = server.restart().await;
    let error = server.receive(&headers, NOW.plus_seconds(59)).await.unwrap_err();
    assert_eq!(Error::from(error).code, ErrorCode::Replayed);
    let late = server.receive(&headers, NOW.plus_seconds(61)).await.unwrap_err();
    assert_eq!(Error::from(late).code, ErrorCode::ClockSkew);
}

#[tokio::test]
async fn what_the_other_implementation_leaves_uncovered_is_named() {
    let server = Server::start().await;
    let headers = signed_by_oracle(&["@method", "@target-uri", "content-type"]);
    let error = server.receive(&headers, NOW).await.unwrap_err();
    assert_eq!(error, AuthError::NotCovered("\"shuqiao-purpose\"".to_owned()));
}

#[test]
fn the_other_implementation_accepts_our_requests_and_answers_and_no_others() {
    let mut sent = HeaderMap::new();
    sent.insert("content-type", "application/json".parse().unwrap());
    sent.insert("shuqiao-purpose", encode_assertion("企业开办").parse().unwrap());
    let digest = Digest::of(BODY.as_bytes());
    let binding = sign_request(&key(), &Method::POST, &address(), &mut sent, Some(&digest), NOW).unwrap();
    let request = json!({"method": "POST", "url": address(), "headers": to_json(&sent)});
    let common = json!({
        "request": request, "public_key": to_base64(key().public().as_bytes()), "key_id": key().public().id(),
        "components": ["@method", "@target-uri", "content-type", "content-digest", "shuqiao-purpose"], "body": BODY,
    });
    let result = oracle("verify", &common);
    assert_eq!(result["error"], Value::Null);
    let mut changed = common.clone();
    changed["request"]["url"] = json!(format!("{BASE}/api/v1/sql?format=json"));
    assert!(oracle("verify", &changed)["error"].is_string());

    let mut headers = HeaderMap::new();
    headers.insert("content-type", "text/csv".parse().unwrap());
    for (name, value) in
        [("shuqiao-receipt", "0198"), ("etag", "\"a\""), ("link", "</x?cursor=a>; rel=\"next\"")]
    {
        headers.insert(name, value.parse().unwrap());
    }
    let answer = Digest::of(b"a\n1\n");
    sign_response(&key(), &binding, StatusCode::OK, &mut headers, Some(&answer), NOW).unwrap();
    let public = key().public();
    verify_response(|_, _| Some(public), &binding, StatusCode::OK, &headers, Some(&answer), NOW).unwrap();
    let mut answered = common;
    answered["status"] = json!(200);
    answered["headers"] = to_json(&headers);
    answered["body"] = json!("a\n1\n");
    answered["components"] = json!([
        "@status",
        "content-type",
        "content-digest",
        "etag",
        "link",
        "shuqiao-receipt",
        "\"@method\";req",
        "\"@target-uri\";req",
        "\"signature\";req;key=\"sig1\"",
    ]);
    assert_eq!(oracle("verify", &answered)["error"], Value::Null);
    answered["status"] = json!(404);
    assert!(oracle("verify", &answered)["error"].is_string());
}

#[test]
fn the_other_implementations_answers_verify() {
    let components = ["@status", "content-type", "content-digest", "\"@method\";req", "\"@target-uri\";req"];
    let headers = from_json(&oracle(
        "sign",
        &json!({
            "request": {"method": "GET", "url": address(), "headers": {}}, "status": 200,
            "headers": {"content-type": "text/csv"}, "private_key": KEY_PEM, "key_id": key().public().id(),
            "created": NOW.seconds(), "nonce": "0123456789abcdef", "components": components, "body": "a\n1\n",
        }),
    ));
    let binding = RequestBinding::new(&Method::GET, &address(), &HeaderMap::new()).unwrap();
    let public: PublicKey = key().public();
    let answer = Digest::of(b"a\n1\n");
    let verify =
        |status| verify_response(|_, _| Some(public), &binding, status, &headers, Some(&answer), NOW);
    assert_eq!(verify(StatusCode::OK), Ok(public.id()));
    assert!(verify(StatusCode::CREATED).is_err());
}

/// Runs the code of the README as it stands there.
#[tokio::test]
async fn the_documented_python_example_signs() {
    let server = Server::start().await;
    let readme = include_str!("../../exchange/auth/README.md");
    let code = readme.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let (key_file, key) = server.key_file("key.pem").await;
    let headers = from_json(&oracle(
        "example",
        &json!({
            "code": code, "key_file": key_file, "key_id": key.public().id(), "method": "POST", "url": address(),
            "body": BODY, "purpose": "企业开办",
        }),
    ));
    // The example reads the machine's clock, so the server here takes the time that it states.
    let input = headers["signature-input"].to_str().unwrap();
    let created = input.split_once("created=").unwrap().1.split_once(';').unwrap().0.parse().unwrap();
    let at = Timestamp(0).plus_seconds(created);
    assert!(at > NOW.plus_seconds(-60), "the key is valid from then on");
    assert_eq!(server.receive(&headers, at).await.unwrap().as_deref(), Some("企业开办"));
}

/// Runs the shell lines of the README, with `curl` replaced by one that prints the fields it would send.
#[tokio::test]
async fn the_documented_shell_example_signs() {
    let server = Server::start().await;
    let readme = include_str!("../../exchange/auth/README.md");
    let code = readme.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let (_, key) = server.key_file("department.pem").await;
    let code = code
        .replace("https://data.example.gov.cn/api/v1/sql", &address())
        .replace("$KEY_ID", &key.public().id());
    let script =
        format!("set -eu; curl() {{ for word in \"$@\"; do printf '%s\\n' \"$word\"; done; }}\n{code}");
    let output =
        Command::new("bash").arg("-c").arg(script).current_dir(server.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let headers: HeaderMap = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| !name.contains(['{', '/']))
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let input = headers["signature-input"].to_str().unwrap();
    let created = input.split_once("created=").unwrap().1.split_once(';').unwrap().0.parse().unwrap();
    assert_eq!(server.receive(&headers, Timestamp(0).plus_seconds(created)).await.unwrap(), None);
}
