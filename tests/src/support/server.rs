//! A real server on a free port over an empty data folder, and a client that signs, and checks every answer's signature.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use catalog_core::context::OpContext;
use catalog_core::directory::Department;
use catalog_core::evidence::{EvidenceLog, EvidenceRecord, SealedText};
use catalog_core::ports::{Durable, KeyOwner, KeyRecord, NonceStore, Person};
use catalog_core::services::Services;
use catalog_core::{Error, ErrorCode, Role, Timestamp};
use catalog_store::CatalogStore;
use datasets_store::DatasetStore;
use exchange_auth::{
    Authenticator, Cookies, FirstCode, JwkSet, RequestBinding, Sessions, generate_key_file, operator_context,
    sign_request, verify_response,
};
use exchange_crypto::{Digest, MacKey, SigningKey, to_base64url};
use exchange_ledger::{ConfidentialKeys, Filter, Ledger, NonceLog, Settings, Vault};
use exchange_query::{CatalogTables, EngineParts, IndexSecrets, Limits, QueryEngine, Revocations};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use openapi_http::{
    AccessLog, App, AppParts, HttpLimits, MailFolder, Network, Notifier, Oidc, OidcSettings, SignIn,
    SignInParts, Templates,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The name of a server's log.
pub(crate) const ORIGIN: &str = "data.example.gov.cn/log";

/// The limits of a server.
#[derive(Default)]
pub(crate) struct Bounds {
    /// Of one query.
    pub(crate) query: Limits,
    /// Of the door.
    pub(crate) door: HttpLimits,
    /// What a city sets otherwise.
    pub(crate) settings: catalog_core::settings::Settings,
    /// The identity provider at which people sign in.
    pub(crate) oidc: Option<OidcSettings>,
    /// Where subscribers are told.
    pub(crate) networks: Vec<Network>,
    /// What a city changes of the portal.
    pub(crate) identity: openapi_portal::Identity,
}

/// A running server. It ends with this value.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) services: Services,
    pub(crate) evidence: Arc<Ledger>,
    /// Set to make every write of evidence fail.
    pub(crate) evidence_fails: Arc<AtomicBool>,
    pub(crate) nonces_fail: Arc<AtomicBool>,
    /// The time in microseconds; 0 goes by the system's.
    clock: Arc<AtomicI64>,
    pub(crate) app: Arc<App>,
    pub(crate) folder: TempDir,
    pub(crate) keys: JwkSet,
    http: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server with these limits.
    pub(crate) async fn start_with(bounds: Bounds) -> Self {
        Self::start_at(bounds, Timestamp(0)).await
    }

    /// Starts a server whose clock stands at a time, until [`Server::set_clock`] moves it; 0 goes by the system's.
    pub(crate) async fn start_at(bounds: Bounds, time: Timestamp) -> Self {
        let clock = Arc::new(AtomicI64::new(time.0));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let path = folder.path().join("catalogue.sqlite");
        let store = Arc::new(CatalogStore::connect(&format!("sqlite://{}", path.display())).await.unwrap());
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let signer = Arc::new(generate_key_file(&folder.path().join("keys/platform.pem")).unwrap());
        let settings = Settings::new(folder.path(), ORIGIN, signer.clone());
        let evidence = Arc::new(Ledger::open(settings).unwrap().0);
        let evidence_fails = Arc::<AtomicBool>::default();
        let log = Breakable { log: evidence.clone(), fails: evidence_fails.clone() };
        let keys = ConfidentialKeys::open(folder.path()).unwrap();
        let services = Services::new(store.clone(), Arc::new(log))
            .with_settings(bounds.settings.clone())
            .with_safe(Arc::new(keys))
            .with_history(evidence.clone());
        let reading = clock.clone();
        let parts = (services.clone(), evidence.clone(), signer.clone());
        let nonces_fail = Arc::<AtomicBool>::default();
        let nonces = Forgetful { nonces: NonceLog::open(folder.path()).unwrap(), fails: nonces_fail.clone() };
        let app = app(&folder, &base, bounds, parts, (store, nonces), Arc::new(move || read(&reading)));
        let router = openapi_http::router(app.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap()
        });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let keys = JwkSet::default();
        let mut server = Self {
            base,
            services,
            evidence,
            evidence_fails,
            nonces_fail,
            clock,
            app,
            folder,
            keys,
            http,
            task,
        };
        server.register(&signer, KeyOwner::Platform).await;
        server.keys =
            JwkSet::of_platform(&server.services.key_history(&server.security()).await.unwrap()).unwrap();
        server
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        read(&self.clock)
    }

    /// Sets the server's clock, and the client's with it.
    pub(crate) fn set_clock(&self, time: Timestamp) {
        self.clock.store(time.0, Ordering::SeqCst);
    }

    /// An operator at the command line, in these roles.
    pub(crate) fn operator(&self, roles: &[Role]) -> OpContext {
        let roles = roles.iter().copied().collect::<BTreeSet<_>>();
        operator_context("operator", None, roles, uuid::Uuid::now_v7().to_string(), self.now())
    }

    pub(crate) fn security(&self) -> OpContext {
        self.operator(&[Role::SecurityAdministrator])
    }

    /// Creates a department.
    pub(crate) async fn department(&self, department: &Department) {
        let ctx = self.operator(&[Role::SystemAdministrator]);
        self.services.put_department(&ctx, department).await.unwrap();
    }

    async fn register(&self, key: &SigningKey, owner: KeyOwner) {
        let public = key.public();
        let record = KeyRecord {
            id: public.id(),
            owner,
            public_key: to_base64url(public.as_bytes()),
            valid_from: self.now().plus_seconds(-60),
            valid_until: None,
        };
        self.services.put_key(&self.security(), &record).await.unwrap();
    }

    /// A department's machine with a key of its own.
    pub(crate) async fn machine(&self, department: &Department) -> SigningKey {
        let (key, _) = SigningKey::generate().unwrap();
        self.register(&key, KeyOwner::Department(department.id.clone())).await;
        key
    }

    /// A person with an account, roles and a key.
    pub(crate) async fn person(
        &self,
        id: &str,
        department: Option<&Department>,
        roles: &[Role],
    ) -> SigningKey {
        let person = Person {
            id: id.to_owned(),
            name: id.to_owned(),
            department: department.map(|department| department.id.clone()),
            roles: roles.iter().copied().collect(),
            active: true,
        };
        self.services.put_person(&self.security(), &person).await.unwrap();
        let (key, _) = SigningKey::generate().unwrap();
        self.register(&key, KeyOwner::Person(id.to_owned())).await;
        key
    }

    /// The one stored object whose name begins and ends so.
    pub(crate) fn object(&self, begin: &str, end: &str) -> PathBuf {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let found = |path: &PathBuf| name(path).starts_with(begin) && name(path).ends_with(end);
        self.objects().into_iter().find(found).unwrap_or_else(|| panic!("no object {begin}…{end}"))
    }

    /// All stored objects.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let (mut folders, mut objects) = (vec![self.folder.path().join("objects")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { objects.push(path) }
            }
        }
        objects
    }

    /// Sends a request and reads the whole answer, see [`exchange`].
    pub(crate) async fn send(&self, call: Call<'_>) -> Answer {
        exchange(&self.http, &self.base, &self.keys, self.now(), call).await
    }

    /// The same from another address of this machine: `127.0.0.2`.
    pub(crate) async fn send_from(&self, address: &str, call: Call<'_>) -> Answer {
        let local = address.parse::<std::net::IpAddr>().unwrap();
        let http = reqwest::Client::builder().no_proxy().local_address(local).build().unwrap();
        exchange(&http, &self.base, &self.keys, self.now(), call).await
    }

    /// Events in the evidence log of one kind, by its tag.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let records = self.evidence.scan(Filter::default()).unwrap();
        let records = records.map(|leaf| serde_json::to_value(leaf.unwrap().record).unwrap());
        records.filter(|record| record["event"] == kind).collect()
    }
}

/// Sends a request to a server and reads the whole answer. Panics unless the platform signed it for this very request.
pub(crate) async fn exchange(
    http: &reqwest::Client,
    base: &str,
    keys: &JwkSet,
    now: Timestamp,
    call: Call<'_>,
) -> Answer {
    let address = format!("{}{}", base, call.path);
    let mut headers = call.headers;
    let binding = match call.key {
        Some(key) => {
            let digest = (!call.body.is_empty()).then(|| Digest::of(&call.body));
            sign_request(key, &call.method, &address, &mut headers, digest.as_ref(), now).unwrap()
        }
        // What can't be read as a signature binds nothing.
        None => RequestBinding::new(&call.method, &address, &headers)
            .or_else(|_| RequestBinding::new(&call.method, &address, &HeaderMap::new()))
            .unwrap(),
    };
    let request = http.request(call.method.clone(), &address).headers(headers);
    let request = request.body(call.swapped.map_or(call.body, String::into_bytes));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map(Vec::from).map_err(|_| ());
    let digest = match (&call.method, &body) {
        (&Method::HEAD, _) | (_, Err(())) => None,
        (_, Ok(body)) => Some(Digest::of(body)),
    };
    let key = |id: &str, at: Timestamp| keys.key_at(id, at);
    verify_response(key, &binding, status, &headers, digest.as_ref(), now).unwrap_or_else(|error| {
        panic!("{} {}: {status} is not signed as it must be: {error}\n{headers:?}", call.method, call.path)
    });
    Answer { status, headers, body }
}

fn app(
    folder: &TempDir,
    base: &str,
    bounds: Bounds,
    (services, evidence, signer): (Services, Arc<Ledger>, Arc<SigningKey>),
    (store, nonces): (Arc<CatalogStore>, Forgetful),
    clock: openapi_http::Clock,
) -> Arc<App> {
    let objects = folder.path().join("objects");
    let spool = folder.path().join("spool");
    for folder in [&objects, &spool] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let datasets = DatasetStore::new(datasets_store::local_objects(&objects).unwrap());
    let revocations = Revocations::default();
    let engine = QueryEngine::new(EngineParts {
        tables: Arc::new(CatalogTables::new(services.clone(), datasets.clone())),
        objects: datasets.objects().clone(),
        mask_key: MacKey::ephemeral().unwrap(),
        cursor_key: MacKey::ephemeral().unwrap(),
        limits: bounds.query,
        revocations: revocations.clone(),
        partitions: Some(2),
        parquet_pushdown: false,
        rows_at_hand: exchange_query::SHORT_ROWS,
        lookups: folder.path().join("lookups"),
        index_secrets: IndexSecrets { current: MacKey::ephemeral().unwrap(), retired: None },
    });
    let subject_key = MacKey::ephemeral().unwrap();
    let notifier = Notifier::new(&bounds.networks, signer.clone(), &subject_key, base).unwrap();
    App::new(AppParts {
        services,
        engine: Arc::new(engine.unwrap()),
        evidence,
        vault: Arc::new(Vault::open(folder.path()).unwrap()),
        revocations,
        datasets,
        objects_folder: Some(objects),
        authenticator: Authenticator::new(store.clone(), store.clone(), store.clone(), base)
            .unwrap()
            .with_nonces(Arc::new(nonces))
            .with_sessions(sessions(store.clone()))
            .with_api_keys(store),
        encrypted: false,
        behind_proxy: false,
        identity: bounds.identity,
        sign_in: SignIn::new(SignInParts {
            key: MacKey::ephemeral().unwrap(),
            mailer: Some(Arc::new(
                MailFolder::open(&folder.path().join("outbox"), "shuqiao@example.cn").unwrap(),
            )),
            oidc: bounds.oidc.map(|settings| Oidc::new(settings).unwrap()),
        }),
        first_code: FirstCode::at(folder.path().join("one-time-code.json")),
        access_log: AccessLog::open(&folder.path().join("access"), 180).unwrap(),
        signer,
        layout_key: MacKey::ephemeral().unwrap(),
        subject_key,
        divisions: None,
        clock,
        spool,
        uploads: folder.path().join("uploads"),
        templates: Templates::load(&folder.path().join("notices")).unwrap(),
        notifier,
        limits: bounds.door,
    })
}

/// Sessions that are over after half an hour without use, and after twelve.
fn sessions(store: Arc<CatalogStore>) -> Sessions {
    Sessions { store, idle_seconds: 1800, life_seconds: 43_200, cookies: Cookies { encrypted: false } }
}

fn read(clock: &AtomicI64) -> Timestamp {
    match clock.load(Ordering::SeqCst) {
        0 => Timestamp::now(),
        time => Timestamp(time),
    }
}

/// Nonces of signatures, which nothing makes durable once they are told to fail.
struct Forgetful {
    nonces: NonceLog,
    fails: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl NonceStore for Forgetful {
    async fn begin_nonce(
        &self,
        key: &str,
        nonce: &str,
        end: Timestamp,
    ) -> catalog_core::Result<Option<Durable>> {
        let begun = self.nonces.begin_nonce(key, nonce, end).await?;
        let fails = || async { Err(Error::new(ErrorCode::Unavailable, "the disk is full")) };
        Ok(match self.fails.load(Ordering::SeqCst) {
            true => begun.map(|_| Box::pin(fails()) as Durable),
            false => begun,
        })
    }

    async fn forget_nonces(&self, now: Timestamp) -> catalog_core::Result<u64> {
        self.nonces.forget_nonces(now).await
    }
}

/// The evidence log, until it is told to fail.
struct Breakable {
    log: Arc<Ledger>,
    fails: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl EvidenceLog for Breakable {
    async fn append_with(&self, record: EvidenceRecord, texts: Vec<SealedText>) -> catalog_core::Result<u64> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorCode::Unavailable, "the disk is full")),
            false => self.log.append_with(record, texts).await,
        }
    }
}

/// A request to send.
pub(crate) struct Call<'a> {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    key: Option<&'a SigningKey>,
    swapped: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            key: None,
            swapped: None,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST of a JSON document.
    pub(crate) fn post(path: impl Into<String>, document: &Value) -> Self {
        Self::new(Method::POST, path).json(document)
    }

    pub(crate) fn json(self, document: &Value) -> Self {
        self.body(document.to_string(), "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>, media_type: &str) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    /// Sends another body than the one that is signed.
    pub(crate) fn swapping_body(mut self, body: &str) -> Self {
        self.swapped = Some(body.to_owned());
        self
    }

    /// Signed by this key.
    pub(crate) fn by(mut self, key: &'a SigningKey) -> Self {
        self.key = Some(key);
        self
    }
}

/// An answer whose signature holds. A body that was cut is an error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Vec<u8>, ()>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_deref().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON document of a success.
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        if self.bytes().is_empty() { Value::Null } else { self.json() }
    }

    /// The bytes of a success.
    pub(crate) fn ok_bytes(&self) -> &[u8] {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self.bytes()
    }

    /// The code of a refusal, which must be problem details of a known code.
    pub(crate) fn code(&self) -> String {
        assert!(self.status.is_client_error() || self.status.is_server_error(), "{}", self.status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem: openapi_contract::ProblemDetails = serde_json::from_slice(self.bytes()).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.kind, format!("urn:shuqiao:problem:{}", problem.code));
        assert_eq!(problem.instance, format!("urn:uuid:{}", self.header("shuqiao-request-id")));
        problem.code.to_string()
    }
}
