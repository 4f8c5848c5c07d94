//! The composition root: from an open folder to the running parts. Nothing else wires anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use catalog_core::ports::{CredentialStore as _, DirectoryStore as _, KeyOwner, KeyRecord};
use catalog_core::services::Services;
use catalog_core::{DepartmentId, Error, ErrorCode, OpContext, Result, Role, Timestamp};
use catalog_store::CatalogStore;
use datasets_samples::Divisions;
use datasets_store::DatasetStore;
use exchange_auth::{Authenticator, generate_key_file, operator_context, read_key_file};
use exchange_crypto::{SigningKey, to_base64url};
use exchange_ledger::{Ledger, Vault};
use exchange_query::{CatalogTables, EngineParts, Limits, QueryEngine, Revocations};
use openapi_http::{App, AppParts, HttpLimits};

use crate::config::Config;
use crate::evidence;
use crate::folder::Folder;

/// The address that signatures name where nothing is served.
const NOWHERE: &str = "http://localhost";

/// The parts of an opened folder, ready to answer.
pub(crate) struct Platform {
    folder: Folder,
    store: Arc<CatalogStore>,
    services: Services,
    datasets: DatasetStore,
    evidence: Arc<Ledger>,
    records: u64,
    app: Arc<App>,
}

impl Platform {
    /// Opens the folder at that path, see [`Platform::start`].
    pub(crate) async fn open(root: &Path, base_url: Option<String>) -> Result<Self> {
        Self::start(Folder::open(root)?, base_url).await
    }

    /// Starts everything over the folder. `base_url` is the address that clients write, if it is served.
    pub(crate) async fn start(folder: Folder, base_url: Option<String>) -> Result<Self> {
        let config = folder.config()?;
        let store = Arc::new(CatalogStore::connect(&folder.database(&config)).await?);
        let signer = Arc::new(platform_key(&folder)?);
        let (evidence, opened) = Ledger::open(evidence::settings(&folder, &config, &signer)?)?;
        if let Some(torn) = &opened.torn {
            tracing::warn!(bytes = torn.bytes, "a torn record at the end of the evidence was set aside");
        }
        let (evidence, records) = (Arc::new(evidence), opened.records);
        let vault = Arc::new(Vault::open(folder.root())?);
        let services = Services::new(store.clone(), evidence.clone());
        // Events that a crash left between catalogue and log come first.
        services.relay().await?;
        register_platform_key(&store, &services, &signer).await?;
        let objects = datasets_store::local_objects(&folder.path("objects")).map_err(Error::internal)?;
        let datasets = DatasetStore::new(objects);
        let revocations = Revocations::default();
        let engine = engine(&folder, &config, &services, &datasets, &revocations)?;
        let base_url = base_url.unwrap_or_else(|| NOWHERE.to_owned());
        let authenticator =
            Authenticator::new(store.clone(), store.clone(), &base_url).map_err(Error::from)?;
        let spool = empty_spool(&folder)?;
        let app = App::new(AppParts {
            services: services.clone(),
            engine,
            evidence: evidence.clone(),
            vault,
            revocations,
            datasets: datasets.clone(),
            authenticator,
            signer,
            layout_key: folder.secret("layout.key")?,
            divisions: Some(Arc::new(Divisions::load().with_years())),
            clock: Arc::new(Timestamp::now),
            spool,
            limits: HttpLimits::default(),
        });
        Ok(Self { folder, store, services, datasets, evidence, records, app })
    }

    /// The routes.
    pub(crate) fn router(&self) -> Router {
        openapi_http::router(self.app.clone())
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The services, for what has no route: maintenance of the folder.
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// The stored objects.
    pub(crate) fn datasets(&self) -> &DatasetStore {
        &self.datasets
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

    /// Records in the evidence log when it was opened.
    pub(crate) fn evidence_length(&self) -> u64 {
        self.records
    }

    /// The operator at the command line, acting for a department in roles: `scjg`, `scjg:reviewer,approver`, or
    /// `:system_administrator` for none. Without roles: those of daily work in a department.
    pub(crate) async fn operator(&self, name: &str, acting_as: Option<&str>) -> Result<OpContext> {
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
                let found = self.store.department(&id).await?;
                Some(found.ok_or_else(|| Error::not_found(format!("department `{id}`")))?)
            }
        };
        let request_id = uuid::Uuid::now_v7().to_string();
        Ok(operator_context(
            &format!("operator:{name}"),
            department.as_ref(),
            roles,
            request_id,
            Timestamp::now(),
        ))
    }

    /// Forgets nonces whose time has passed, every `period`, for as long as it is polled.
    pub(crate) fn forget_nonces(&self, period: Duration) -> impl Future<Output = ()> + Send + use<> {
        let store = Arc::clone(&self.store);
        async move {
            let mut ticks = tokio::time::interval(period);
            loop {
                ticks.tick().await;
                if let Err(error) = store.forget_nonces(Timestamp::now()).await {
                    tracing::warn!(%error, "used nonces could not be forgotten");
                }
            }
        }
    }

    /// Writes down what is still in memory, covers it by a checkpoint, and gives the folder back.
    pub(crate) async fn close(self) -> Result<()> {
        self.app.drain().await?;
        self.services.relay().await?;
        self.evidence.checkpoint()?;
        Ok(())
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

fn daily_roles() -> Vec<Result<Role>> {
    vec![Ok(Role::DirectoryEditor), Ok(Role::DataSteward), Ok(Role::Analyst)]
}

fn role(name: &str) -> Result<Role> {
    serde_json::from_value(serde_json::Value::String(name.trim().to_owned())).map_err(|_| {
        let all: Vec<_> = Role::ALL.iter().filter_map(|role| serde_json::to_string(role).ok()).collect();
        Error::new(ErrorCode::InvalidInput, format!("`{name}` is no role; there are {}", all.join(", ")))
    })
}

/// The key that signs answers, manifests and checkpoints, made on the first start.
pub(crate) fn platform_key(folder: &Folder) -> Result<SigningKey> {
    let path = folder.path("keys").join("platform.pem");
    let key = if path.exists() { read_key_file(&path) } else { generate_key_file(&path) };
    key.map_err(Error::from)
}

async fn register_platform_key(store: &CatalogStore, services: &Services, key: &SigningKey) -> Result<()> {
    let public = key.public();
    if store.key(&public.id()).await?.is_some() {
        return Ok(());
    }
    let record = KeyRecord {
        id: public.id(),
        owner: KeyOwner::Platform,
        public_key: to_base64url(public.as_bytes()),
        valid_from: Timestamp::now(),
        valid_until: None,
    };
    let roles = BTreeSet::from([Role::SecurityAdministrator]);
    let request_id = uuid::Uuid::now_v7().to_string();
    let ctx = operator_context("platform", None, roles, request_id, Timestamp::now());
    services.put_key(&ctx, &record).await
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
    })?;
    Ok(Arc::new(engine))
}
