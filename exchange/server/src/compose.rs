//! The composition root: from an open folder to the running parts. Nothing else wires anything.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use catalog_core::directory::Successions;
use catalog_core::ports::{
    AccountStore as _, CredentialStore as _, DirectoryStore as _, KeyRecord, NonceStore, SuccessionStore as _,
};
use catalog_core::services::Services;
use catalog_core::words::Receivers;
use catalog_core::{DepartmentId, Error, ErrorCode, OpContext, Result, Role, Timestamp};
use catalog_store::CatalogStore;
use datasets_samples::Divisions;
use datasets_store::DatasetStore;
use exchange_auth::{Authenticator, FirstCode, OneTimeCode, operator_context};
use exchange_crypto::Suite;
use exchange_ledger::{ConfidentialKeys, Filter, Ledger, NonceLog, Vault};
use exchange_query::{CatalogTables, EngineParts, IndexSecrets, Limits, QueryEngine, Revocations};
use openapi_http::{AccessLog, App, AppParts, HttpLimits, Messenger, Templates};

use crate::backup::{self, Source};
use crate::config::Config;
use crate::evidence;
use crate::folder::Folder;
use crate::{local, platform_key, settings, sign_in, subscriptions, words};

/// The secret of the indexes of look-ups.
pub(crate) const INDEX_KEY: &str = "index.key";

/// The address that signatures name where nothing is served.
const NOWHERE: &str = "http://localhost";

/// The parts of an opened folder, ready to answer.
pub(crate) struct Platform {
    folder: Folder,
    store: Arc<CatalogStore>,
    services: Services,
    evidence: Arc<Ledger>,
    records: u64,
    app: Arc<App>,
    receivers: Receivers,
    messenger: Arc<Messenger>,
    nonces: Arc<dyn NonceStore>,
}

/// How a platform is reached, where it is served.
pub(crate) struct Served {
    /// The address that clients write.
    pub(crate) base_url: String,
    /// Whether TLS is ended here, or by a trusted proxy in front.
    pub(crate) encrypted: bool,
}

impl Platform {
    /// Starts everything over the folder.
    pub(crate) async fn start(folder: Folder, served: Option<Served>) -> Result<Self> {
        let config = folder.config()?;
        let store = Arc::new(CatalogStore::connect(&folder.database(&config)).await?);
        platform_key::finish_rotation(&folder, &store).await?;
        let signer = Arc::new(platform_key::read(&folder)?);
        let (evidence, opened) = Ledger::open(evidence::settings(&folder, &config, &signer)?)?;
        if let Some(torn) = &opened.torn {
            tracing::warn!(bytes = torn.bytes, "a torn record at the end of the evidence was set aside");
        }
        let (evidence, records) = (Arc::new(evidence), opened.records);
        let vault = Arc::new(Vault::open(folder.root())?);
        let nonces = nonces(&folder, &config, &store)?;
        let services = Services::new(store.clone(), evidence.clone())
            .with_settings(settings::read(folder.root())?)
            .with_safe(Arc::new(ConfidentialKeys::open(folder.root())?))
            .with_history(evidence.clone());
        // Events that a crash left between catalogue and log come first.
        services.relay().await?;
        platform_key::register(&store, &services, &signer).await?;
        let (receivers, messenger) =
            (words::receivers(&config), Arc::new(words::messenger(folder.root(), &config, signer.clone())?));
        let objects_folder = folder.path("objects");
        let objects = datasets_store::local_objects(&objects_folder).map_err(Error::internal)?;
        let datasets = DatasetStore::new(objects);
        let revocations = Revocations::default();
        let engine = engine(&folder, &config, &services, &datasets, &revocations)?;
        let Served { base_url, encrypted } =
            served.unwrap_or_else(|| Served { base_url: NOWHERE.to_owned(), encrypted: false });
        let authenticator = Authenticator::new(store.clone(), store.clone(), store.clone(), &base_url)
            .map_err(Error::from)?
            .with_nonces(nonces.clone())
            .with_sessions(sign_in::sessions(&config, store.clone(), encrypted))
            .with_api_keys(store.clone());
        let spool = empty_spool(&folder)?;
        let subject_key = folder.secret("subject.key")?;
        let notifier = subscriptions::notifier(&config, signer.clone(), &subject_key, &base_url)?;
        let app = App::new(AppParts {
            services: services.clone(),
            engine,
            evidence: evidence.clone(),
            vault,
            revocations,
            datasets,
            objects_folder: Some(objects_folder),
            authenticator,
            encrypted,
            behind_proxy: config.server.behind_trusted_proxy,
            sign_in: sign_in::parts(&folder, &config)?,
            first_code: first_code(&folder),
            access_log: AccessLog::open(&folder.path("access"), config.access_log.days)?,
            signer,
            layout_key: folder.secret("layout.key")?,
            subject_key,
            divisions: Some(Arc::new(Divisions::load().with_years())),
            clock: Arc::new(Timestamp::now),
            spool,
            uploads: folder.path("uploads"),
            templates: Templates::load(&folder.path("notices"))?,
            notifier,
            identity: config.portal.clone(),
            limits: HttpLimits {
                extract_bytes: config.server.extracts_gib.saturating_mul(1 << 30),
                ..config.material.limits()
            },
        });
        Ok(Self { folder, store, services, evidence, records, app, receivers, messenger, nonces })
    }

    /// The routes.
    pub(crate) fn router(&self) -> Router {
        openapi_http::router(self.app.clone())
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The routes as the folder's operator calls them through its socket.
    pub(crate) fn local_router(&self) -> Router {
        local::router(self.router().merge(backup::door::routes(self.source())), Arc::clone(&self.store))
    }

    /// What a backup is made of.
    pub(crate) fn source(&self) -> Source {
        let root = self.folder.root().to_owned();
        Source { root, store: Arc::clone(&self.store), app: Arc::clone(&self.app) }
    }

    /// The catalogue, for whoever closes it.
    pub(crate) fn shared_store(&self) -> Arc<CatalogStore> {
        Arc::clone(&self.store)
    }

    /// A new code for the first administrator; `None` where one is waiting, or an administrator has come.
    pub(crate) async fn first_code(&self) -> Result<Option<OneTimeCode>> {
        let people = self.store.people().await?;
        if people.iter().any(|person| person.active && person.roles.contains(&Role::SystemAdministrator)) {
            return Ok(None);
        }
        first_code(&self.folder).issue(Timestamp::now()).map_err(Error::from)
    }

    /// Gives the platform a new key, see [`platform_key::rotate`].
    pub(crate) async fn rotate_key(&self, name: &str, suite: Option<Suite>) -> Result<KeyRecord> {
        let ctx = self.operator(name, Some(":security_administrator")).await?;
        platform_key::rotate(&self.folder, (&self.app.signer, suite), &self.services, &ctx).await
    }

    /// The catalogue, for the audit.
    pub(crate) fn store(&self) -> &CatalogStore {
        &self.store
    }

    /// The evidence log.
    pub(crate) fn evidence(&self) -> &Arc<Ledger> {
        &self.evidence
    }

    /// The salts and request texts beside it.
    pub(crate) fn vault(&self) -> &Vault {
        &self.app.vault
    }

    /// The stored objects.
    pub(crate) fn datasets(&self) -> &DatasetStore {
        &self.app.datasets
    }

    /// Records in the evidence log when it was opened.
    pub(crate) fn evidence_length(&self) -> u64 {
        self.records
    }

    /// The operator at the command line, see [`operator`].
    pub(crate) async fn operator(&self, name: &str, acting_as: Option<&str>) -> Result<OpContext> {
        operator(&self.store, name, acting_as).await
    }

    /// Forgets nonces and sessions whose time has passed, every `period`, for as long as it is polled.
    pub(crate) fn forget_nonces(&self, period: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (store, nonces) = (Arc::clone(&self.store), Arc::clone(&self.nonces));
        async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                if let Err(error) = nonces.forget_nonces(Timestamp::now()).await {
                    tracing::warn!(%error, "used nonces could not be forgotten");
                }
                if let Err(error) = store.forget_sessions(Timestamp::now()).await {
                    tracing::warn!(%error, "sessions that are over could not be forgotten");
                }
            }
        }
    }

    /// Prepares what look-ups need and removes what they no longer do, every `period`, for as long as it is polled. What was written
    /// under a secret that is being replaced is written anew.
    pub(crate) fn prepare_lookups(&self, period: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (app, retired) = (self.app.clone(), self.folder.retired_secret_file(INDEX_KEY));
        async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                let removed = match openapi_http::prepare_lookups(&app).await {
                    Ok(true) => std::fs::remove_file(&retired),
                    // Nothing is lost: they are built when they are asked for, and the old secret serves on.
                    Ok(false) => continue,
                    Err(error) => {
                        tracing::warn!(%error, cause = error.internal_cause(), "look-ups are not prepared");
                        continue;
                    }
                };
                match removed {
                    Ok(()) => {
                        tracing::info!("the indexes of look-ups are written anew under their new secret")
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(%error, "the old secret of the indexes could not be removed")
                    }
                }
            }
        }
    }

    /// Runs the clock of the matters every `period`, for as long as it is polled: what has expired ends, and limits follow
    /// a calendar that has changed. Addresses that nobody has confirmed are erased. Then departments are told what has changed.
    pub(crate) fn run_clock(&self, period: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (services, receivers) = (self.services.clone(), self.receivers.clone());
        async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                let ctx = clock_context(Timestamp::now());
                if let Err(error) = services.forget_applicants(&ctx).await {
                    tracing::error!(%error, "addresses that nobody confirmed were not erased");
                }
                match services.run_clock(&ctx).await {
                    Ok(round) => round.failed.iter().for_each(|(matter, error)| {
                        tracing::error!(matter, %error, cause = error.internal_cause(), "the clock left it out");
                    }),
                    Err(error) => tracing::error!(%error, "the clock did not run"),
                }
                if let Err(error) = services.tell(&ctx, &receivers).await {
                    tracing::error!(%error, "departments were not told what has changed");
                }
                match services.expire_versions(&ctx).await {
                    Ok(0) => {}
                    Ok(expired) => tracing::info!(expired, "versions whose time was over were withdrawn"),
                    Err(error) => {
                        tracing::error!(%error, cause = error.internal_cause(), "versions did not expire")
                    }
                }
            }
        }
    }

    /// Hands over the resources whose date has come, and delivers what departments are told, every `period`, for as long as it is polled.
    pub(crate) fn deliver_words(&self, period: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (services, messenger) = (self.services.clone(), Arc::clone(&self.messenger));
        async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                match services.hand_over(&clock_context(Timestamp::now())).await {
                    Ok(failed) => failed.iter().for_each(|(succession, error)| {
                        tracing::error!(succession, %error, cause = error.internal_cause(), "it was not handed over");
                    }),
                    Err(error) => tracing::error!(%error, "resources were not handed over"),
                }
                match services.deliver_words(&clock_context(Timestamp::now()), messenger.as_ref()).await {
                    Ok(round) if round.given_up > 0 => {
                        tracing::error!(
                            given_up = round.given_up,
                            "words were given up; see GET /api/v1/words"
                        );
                    }
                    Ok(_) => {}
                    Err(error) => tracing::error!(%error, "words were not delivered"),
                }
            }
        }
    }

    /// The time of the last record in the evidence log; reads the whole log.
    pub(crate) fn last_evidence(&self) -> Result<Option<Timestamp>> {
        let mut last = None;
        for leaf in self.evidence.scan(Filter::default())? {
            last = Some(leaf?.record.at);
        }
        Ok(last)
    }

    /// Writes down what is still in memory, covers it by a checkpoint, and gives the folder back.
    pub(crate) async fn close(self) -> Result<()> {
        self.app.drain().await?;
        self.services.relay().await?;
        self.evidence.checkpoint()?;
        Ok(())
    }
}

/// The operator whose clock runs.
pub(crate) fn clock_context(now: Timestamp) -> OpContext {
    let id = uuid::Uuid::now_v7().to_string();
    operator_context("operator:clock", None, BTreeSet::new(), id, now)
}

/// Where nonces of signatures are kept: beside the evidence, but in the database where other servers may share it.
fn nonces(folder: &Folder, config: &Config, store: &Arc<CatalogStore>) -> Result<Arc<dyn NonceStore>> {
    match &config.catalogue.database {
        Some(url) if !url.starts_with("sqlite:") => Ok(store.clone()),
        _ => Ok(Arc::new(NonceLog::open(folder.root())?)),
    }
}

/// The folder for uploads, without what a killed process left there.
fn empty_spool(folder: &Folder) -> Result<PathBuf> {
    let spool = folder.path("spool");
    let emptied = match std::fs::remove_dir_all(&spool) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(&spool),
    };
    emptied.map_err(|error| crate::folder::io(&spool, &error))?;
    Ok(spool)
}

/// The operator at the command line, acting for a department in roles: `scjg`, `scjg:reviewer,approver`, or
/// `:system_administrator` for none. Without roles: those of daily work in a department.
pub(crate) async fn operator(store: &CatalogStore, name: &str, acting_as: Option<&str>) -> Result<OpContext> {
    let (department, roles) = acting_as.unwrap_or(":system_administrator").split_once(':').map_or_else(
        || (acting_as.unwrap_or_default(), daily_roles()),
        |(department, roles)| (department, roles.split(',').map(role).collect()),
    );
    let roles = roles.into_iter().collect::<Result<BTreeSet<_>>>()?;
    if !Role::may_combine(&roles) {
        let message = "an administrator 三员 holds that role alone: --as :security_administrator";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let department = match department {
        "" => None,
        id => {
            let id = DepartmentId::new(id)?;
            let found = store.department(&id).await?;
            Some(found.ok_or_else(|| Error::not_found(format!("department `{id}`")))?)
        }
    };
    let request_id = uuid::Uuid::now_v7().to_string();
    let now = Timestamp::now();
    let successions = Successions::new(store.successions().await?);
    if let Some(end) = department.as_ref().and_then(|department| successions.end_of(&department.id, now)) {
        let message = format!("{} is continued by {}: act for that one", end.predecessor, end.successor);
        return Err(Error::new(ErrorCode::IllegalState, message));
    }
    let name = format!("operator:{name}");
    let mut ctx = operator_context(&name, department.as_ref(), roles, request_id, now);
    if let Some(department) = &department {
        for id in successions.predecessors_of(&department.id, now) {
            let found = store.department(&id).await?;
            let attributes = found.map(|found| found.subject_attributes()).unwrap_or_default();
            ctx.principal.predecessors.insert(id, attributes);
        }
    }
    Ok(ctx)
}

fn daily_roles() -> Vec<Result<Role>> {
    vec![Ok(Role::DirectoryEditor), Ok(Role::DataSteward), Ok(Role::Analyst)]
}

fn role(name: &str) -> Result<Role> {
    serde_json::from_value(serde_json::Value::String(name.trim().to_owned())).map_err(|_| {
        let all: Vec<_> = Role::ALL.iter().filter_map(|role| serde_json::to_string(role).ok()).collect();
        Error::new(ErrorCode::InvalidInput, format!("`{name}` is no role; there are {}", all.join(", ")))
    })
}

fn first_code(folder: &Folder) -> FirstCode {
    FirstCode::at(folder.path("keys").join("one-time-code.json"))
}

fn engine(
    folder: &Folder,
    config: &Config,
    services: &Services,
    datasets: &DatasetStore,
    revocations: &Revocations,
) -> Result<Arc<QueryEngine>> {
    let limits = Limits {
        time: Duration::from_secs(config.query.seconds),
        memory: config.query.memory_mib << 20,
        rows: config.query.rows,
        bytes: config.query.answer_mib << 20,
        ..Limits::default()
    };
    let engine = QueryEngine::new(EngineParts {
        tables: Arc::new(CatalogTables::new(services.clone(), datasets.clone())),
        objects: datasets.objects().clone(),
        mask_key: folder.secret("mask.key")?,
        cursor_key: folder.secret("cursor.key")?,
        limits,
        revocations: revocations.clone(),
        partitions: None,
        parquet_pushdown: false,
        rows_at_hand: exchange_query::SHORT_ROWS,
        lookups: folder.path("lookups"),
        index_secrets: IndexSecrets {
            current: folder.secret(INDEX_KEY)?,
            retired: folder.retired_secret(INDEX_KEY)?,
        },
    })?;
    Ok(Arc::new(engine))
}
