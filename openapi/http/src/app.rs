//! What the routes work with.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use catalog_core::directory::Reference;
use catalog_core::identity::DivisionTable;
use catalog_core::services::Services;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use datasets_store::DatasetStore;
use exchange_auth::{Authenticator, FirstCode};
use exchange_crypto::{MacKey, SigningKey};
use exchange_ledger::{Ledger, Vault};
use exchange_query::{CatalogTables, Place, QueryAnswer, QueryEngine, QueryRequest, Revocations};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, Semaphore, watch};

use crate::access_log::AccessLog;
use crate::downloads::Extracts;
use crate::evidence::OpenCounts;
use crate::meter::Meter;
use crate::notices::Templates;
use crate::public_gate::PublicGate;
use crate::replay::Replays;
use crate::sign_in::SignIn;

/// Receipts and proofs made at the same time: each reads the disk.
const PROOFS: usize = 4;

/// The longest wait for the last records at the end.
const LAST_RECORDS: Duration = Duration::from_secs(20);

/// Gives the time of each request.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Sizes that the door accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Bytes of a message.
    pub body_bytes: u64,
    /// Bytes of a spreadsheet of the directory.
    pub sheet_bytes: u64,
    /// Bytes of an uploaded file of data.
    pub upload_bytes: u64,
    /// Queries of proven callers at the same time.
    pub queries: usize,
    /// Queries of the public at the same time.
    pub public_queries: usize,
    /// Requests and letters of the public in an hour.
    pub public_matters: u32,
    /// The longest wait of a proven caller for one of those places.
    pub queue: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            sheet_bytes: 64 << 20,
            upload_bytes: 8 << 30,
            queries: 32,
            public_queries: 8,
            public_matters: 200,
            queue: Duration::from_secs(30),
        }
    }
}

/// What an application is made of.
pub struct AppParts {
    /// The operations.
    pub services: Services,
    /// The way to data.
    pub engine: Arc<QueryEngine>,
    /// The evidence log, which receipts are read from; the same as the services'.
    pub evidence: Arc<Ledger>,
    /// The salts of commitments, and the texts of requests.
    pub vault: Arc<Vault>,
    /// Ends running answers; the engine's own.
    pub revocations: Revocations,
    /// The stored versions.
    pub datasets: DatasetStore,
    /// Where they lie, if on this machine: writes that were cut short leave files there.
    pub objects_folder: Option<PathBuf>,
    /// Proves who calls; knows the address under which clients reach the server.
    pub authenticator: Authenticator,
    /// Whether TLS is ended by this server, or by a trusted proxy in front of it.
    pub encrypted: bool,
    /// Whether a trusted proxy stands in front of this server: then the field `x-forwarded-for` says who connected to it.
    pub behind_proxy: bool,
    /// How people sign in.
    pub sign_in: SignIn,
    /// The first administrator's code.
    pub first_code: FirstCode,
    /// Who called what.
    pub access_log: AccessLog,
    /// The platform's key, which signs every answer.
    pub signer: Arc<SigningKey>,
    /// Secret that orders the rows of new versions.
    pub layout_key: MacKey,
    /// Hashes the numbers of subjects in evidence; it lives as long as the evidence.
    pub subject_key: MacKey,
    /// Divisions that codes in data must be among; without them only the shape of a code is checked.
    pub divisions: Option<Arc<DivisionTable>>,
    /// The time.
    pub clock: Clock,
    /// Folder for uploads while they are read; its files vanish with their request.
    pub spool: PathBuf,
    /// What notices are made of.
    pub templates: Templates,
    /// Sizes accepted.
    pub limits: HttpLimits,
}

/// The HTTP door of one server.
pub struct App {
    parts: AppParts,
    pub(crate) tables: CatalogTables,
    pub(crate) open_counts: OpenCounts,
    pub(crate) public_gate: PublicGate,
    pub(crate) meter: Meter,
    queries: Arc<Semaphore>,
    public_queries: Arc<Semaphore>,
    /// Places for receipts and proofs; the next waits.
    proofs: Arc<Semaphore>,
    /// Each access whose end is still to be written down holds a receiver.
    unwritten: watch::Sender<()>,
    /// Places for answers that are computed again.
    pub(crate) replays: Replays,
    /// Extracts that are being written.
    pub(crate) extracts: Extracts,
    /// Held for reading while objects are written and until the catalogue knows whether they are needed, and for writing
    /// while garbage is found and erased.
    storage: Arc<RwLock<()>>,
}

impl App {
    /// The door over its parts.
    pub fn new(mut parts: AppParts) -> Arc<Self> {
        parts.services = parts.services.with_cutter(Arc::new(parts.revocations.clone()));
        let addresses = parts.subject_key.derive("signed addresses");
        parts.authenticator = parts.authenticator.with_addresses(addresses);
        let tables = CatalogTables::new(parts.services.clone(), parts.datasets.clone());
        let places = |count| Arc::new(Semaphore::new(count));
        Arc::new(Self {
            tables,
            open_counts: OpenCounts::default(),
            public_gate: PublicGate::default(),
            meter: Meter::default(),
            queries: places(parts.limits.queries),
            public_queries: places(parts.limits.public_queries),
            proofs: places(PROOFS),
            unwritten: watch::Sender::default(),
            replays: Replays::default(),
            extracts: Extracts::default(),
            storage: Arc::default(),
            parts,
        })
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.parts.clock)()
    }

    /// The values of an item that a reference names, when there is room for one more query.
    pub(crate) async fn known_values(&self, ctx: &OpContext, reference: &Reference) -> Result<QueryAnswer> {
        let place = self.place(ctx).await?;
        self.engine.known_values(place, &ctx.at(self.now()), reference).await
    }

    /// Runs a query when there is room for one more.
    pub(crate) async fn run(&self, ctx: &OpContext, request: QueryRequest) -> Result<QueryAnswer> {
        let place = self.place(ctx).await?;
        // The wait for a place counts: what has ended meanwhile is not read.
        self.engine.run_at(place, &ctx.at(self.now()), request).await
    }

    /// A place for one more query. The public and developers have places of their own, so that strangers never keep departments
    /// waiting; where theirs are taken they come back later.
    pub(crate) async fn place(&self, ctx: &OpContext) -> Result<Place> {
        let place = match ctx.principal.sees_whole_directory() {
            false => Arc::clone(&self.public_queries).try_acquire_owned().ok(),
            true => {
                let place = Arc::clone(&self.queries).acquire_owned();
                tokio::time::timeout(self.limits.queue, place).await.ok().and_then(Result::ok)
            }
        };
        let too_many =
            || Error::new(ErrorCode::Unavailable, "too many queries are running; try again in some seconds");
        place.map(|place| Arc::new(place) as Place).ok_or_else(too_many)
    }

    /// Does something to its end, even if nobody waits for it any longer: what a client begins and does not stay for is
    /// whole or not there, and whoever must hear of it does.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        tokio::spawn(work).await.map_err(Error::internal)?
    }

    /// Waits until no garbage is being erased, and lets none be erased while the answer is held. Take it last, and once:
    /// whoever waits for something else meanwhile makes the collection wait, and everyone behind it.
    pub async fn no_erasing(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.storage).read_owned().await
    }

    /// Waits until nobody writes objects, and lets nobody begin while the answer is held.
    pub(crate) async fn no_writing(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.storage).write_owned().await
    }

    /// Reads the evidence log on a thread that may block.
    pub(crate) async fn prove<T: Send + 'static>(
        self: Arc<Self>,
        read: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.proofs).acquire_owned().await.map_err(Error::internal)?;
        let found = tokio::task::spawn_blocking(move || {
            // It goes on when nobody waits for it any longer, and keeps its place until its end.
            let _place = place;
            read(&self)
        });
        found.await.map_err(Error::internal)?
    }

    /// Held until the end of an access has been written down.
    pub(crate) fn unwritten(&self) -> watch::Receiver<()> {
        self.unwritten.subscribe()
    }

    /// Waits until the end of every access has been written down, and writes what is still counted in memory. Call it
    /// when the last request has been answered or cut.
    pub async fn drain(&self) -> Result<()> {
        if tokio::time::timeout(LAST_RECORDS, self.unwritten.closed()).await.is_err() {
            tracing::error!("accesses are still open, and their ends go unrecorded");
        }
        let counted = self.open_counts.flush(self.services.evidence().as_ref(), self.now()).await;
        counted.and(self.meter.flush(self).await)
    }
}

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.parts
    }
}
