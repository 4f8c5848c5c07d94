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
use crate::ckan;
use crate::downloads::Extracts;
use crate::evidence::OpenCounts;
use crate::materials::staging::Staging;
use crate::meter::{Meter, Shares};
use crate::notices::Templates;
use crate::notifier::Notifier;
use crate::portal::{Lately, Overview, Returned, Usage};
use crate::public_gate::PublicGate;
use crate::records::Sheets;
use crate::replay::Replays;
use crate::sign_in::SignIn;
use crate::uploads::Following;
use crate::verifications::Enumeration;

/// Receipts and proofs made at the same time: each reads the disk.
const PROOFS: usize = 4;

/// Developers' subscriptions made at the same time: each looks at all that its search finds.
const SUBSCRIBING: usize = 2;
/// The longest wait of a developer for one of those places.
const SUBSCRIBING_WAIT: Duration = Duration::from_secs(5);
/// The longest wait of a stranger for a place for a page.
const PAGE_WAIT: Duration = Duration::from_secs(2);

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
    /// Bytes of a material.
    pub material_bytes: u64,
    /// Uploads of materials that a department has under way.
    pub material_uploads: usize,
    /// Seconds after its last chunk until an upload of a material is forgotten.
    pub material_seconds: i64,
    /// Queries of proven callers at the same time.
    pub queries: usize,
    /// Queries of the public at the same time.
    pub public_queries: usize,
    /// Pages and lists of the directory that are made for strangers at the same time.
    pub pages: usize,
    /// Requests and letters of the public in an hour.
    pub public_matters: u32,
    /// Bytes of the extracts that are kept; strangers make none once half of it is taken.
    pub extract_bytes: u64,
    /// Bytes of the sheets that are on their way; strangers get none once half of it is taken.
    pub sent_sheet_bytes: u64,
    /// The longest wait of a proven caller for one of those places; of a stranger for a page it is shorter.
    pub queue: Duration,
    /// The longest wait for a client to take the next piece of an answer.
    pub patience: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            sheet_bytes: 64 << 20,
            upload_bytes: 8 << 30,
            material_bytes: 2 << 30,
            material_uploads: 20,
            material_seconds: 7 * 86_400,
            queries: 32,
            public_queries: 8,
            pages: 16,
            public_matters: 200,
            extract_bytes: 128 << 30,
            sent_sheet_bytes: 16 << 30,
            queue: Duration::from_secs(30),
            patience: Duration::from_secs(300),
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
    /// Folder for uploads of materials until they are whole.
    pub uploads: PathBuf,
    /// What notices are made of.
    pub templates: Templates,
    /// Carries what subscribers are told.
    pub notifier: Notifier,
    /// Name and numbers of the portal.
    pub identity: openapi_portal::Identity,
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
    pub(crate) enumeration: Enumeration,
    /// Long lists of the directory, as everyone gets them.
    pub(crate) lists: ckan::Kept,
    /// What the portal's pages tell of many resources at once.
    pub(crate) overview: Arc<Lately<Overview>>,
    /// How much data are used, as pages tell it.
    pub(crate) usage: Arc<Lately<Usage>>,
    /// Forms that come back to those who have signed in again.
    pub(crate) returned: Returned,
    queries: Arc<Semaphore>,
    public_queries: Arc<Semaphore>,
    /// Who holds how many of those: at most half of them.
    shares: Shares,
    /// Places for developers who subscribe: these never take the public's queries.
    subscribing: Arc<Semaphore>,
    /// Places for what is made of the directory alone: slow queries of strangers leave its pages open.
    pages: Arc<Semaphore>,
    /// What the sheets take that are on their way.
    pub(crate) sheets: Sheets,
    /// Places for receipts and proofs; the next waits.
    proofs: Arc<Semaphore>,
    /// Each access whose end is still to be written down holds a receiver.
    unwritten: watch::Sender<()>,
    /// Places for answers that are computed again.
    pub(crate) replays: Replays,
    /// Uploads of materials that are under way.
    pub(crate) staging: Staging,
    /// Uploads of data that somebody follows.
    pub(crate) following: Following,
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
            enumeration: Enumeration::default(),
            lists: ckan::Kept::default(),
            overview: Arc::default(),
            usage: Arc::default(),
            returned: Returned::default(),
            queries: places(parts.limits.queries),
            public_queries: places(parts.limits.public_queries),
            shares: Shares::default(),
            subscribing: places(SUBSCRIBING),
            pages: places(parts.limits.pages),
            sheets: Sheets::new(parts.limits.sent_sheet_bytes),
            proofs: places(PROOFS),
            unwritten: watch::Sender::default(),
            replays: Replays::default(),
            staging: Staging::new(parts.uploads.clone()),
            following: Following::default(),
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
    /// waiting; where theirs are taken they come back later, and so does one who holds half of them.
    pub(crate) async fn place(&self, ctx: &OpContext) -> Result<Place> {
        let place = match ctx.principal.sees_whole_directory() {
            false => {
                let share = self.shares.take((self.limits.public_queries / 2).max(1));
                let place = Arc::clone(&self.public_queries).try_acquire_owned().ok();
                share.zip(place).map(|both| Arc::new(both) as Place)
            }
            true => {
                let place = Arc::clone(&self.queries).acquire_owned();
                let place = tokio::time::timeout(self.limits.queue, place).await.ok().and_then(Result::ok);
                place.map(|place| Arc::new(place) as Place)
            }
        };
        place.ok_or_else(too_many)
    }

    /// A place for a page or list that is made of the directory alone, which takes no query: after a short wait there is one, or
    /// too many ask. Who sees the whole directory takes one among their queries.
    pub(crate) async fn page(&self, ctx: &OpContext) -> Result<Place> {
        if ctx.principal.sees_whole_directory() {
            return self.place(ctx).await;
        }
        let (wait, place) = (self.limits.queue.min(PAGE_WAIT), Arc::clone(&self.pages).acquire_owned());
        let place = tokio::time::timeout(wait, place).await;
        place.ok().and_then(Result::ok).map(|place| Arc::new(place) as Place).ok_or_else(too_many)
    }

    /// A place to subscribe: a department's is that of a query, developers have few of their own and wait shortly.
    pub(crate) async fn subscribing_place(&self, ctx: &OpContext) -> Result<Place> {
        if ctx.principal.sees_whole_directory() {
            return self.place(ctx).await;
        }
        let place = Arc::clone(&self.subscribing).acquire_owned();
        let place = tokio::time::timeout(SUBSCRIBING_WAIT, place).await.ok().and_then(Result::ok);
        let too_many =
            || Error::new(ErrorCode::Unavailable, "too many are subscribing; try again in some seconds");
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

fn too_many() -> Error {
    Error::new(ErrorCode::Unavailable, "too many queries are running; try again in some seconds")
}
