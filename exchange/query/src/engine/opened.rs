//! Tables opened for queries: decided on once, and again when the catalogue has changed or the time has come.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use catalog_core::context::Circumstances;
use catalog_core::remembered::{Remembered, Validity};
use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, Result};
use datafusion::datasource::TableProvider;
use tokio::sync::OnceCell;

use super::{Core, QueryEngine};
use crate::table::Reach;
use crate::tables::{OpenTable, StoredFile, StoredVersion, TableName, Tables};

/// Files of a version beyond which it is opened anew each time: what is remembered stays small.
const FILES: usize = 256;
/// Bytes of a version's objects beyond which its rows are not brought to hand, however few they are: geometries are large.
const BYTES: u64 = 32 << 20;

/// What is opened, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    circumstances: Circumstances,
    table: TableName,
    version: VersionSelector,
}

/// What was opened lately. Nothing of it outlives a change to the catalogue.
pub(super) type Remembering = Remembered<Wanted, Arc<Opened>>;

/// A version under the one policy of its caller.
pub(super) struct Opened {
    pub(super) open: OpenTable,
    /// Whether it is the version in effect now: of others nothing is kept.
    is_current: bool,
    /// All its rows where they are at hand; `None` where they are read from its objects.
    rows: OnceCell<Option<Vec<RecordBatch>>>,
    provider: OnceLock<Arc<dyn TableProvider>>,
}

impl Opened {
    fn of(open: OpenTable, is_current: bool) -> Arc<Self> {
        Arc::new(Self { open, is_current, rows: OnceCell::new(), provider: OnceLock::new() })
    }

    /// The version as the planner sees it.
    pub(super) fn provider(&self, core: &Core) -> Result<Arc<dyn TableProvider>> {
        if let Some(provider) = self.provider.get() {
            return Ok(Arc::clone(provider));
        }
        let decided = self.rows.get();
        let rows = decided.cloned().flatten();
        let provider = core.reaching(&self.open, Reach::default(), rows)?;
        match decided {
            Some(_) => Ok(Arc::clone(self.provider.get_or_init(|| provider))),
            None => Ok(provider),
        }
    }

    /// Whether it has at least one row and so few that they are brought to hand.
    fn is_small(&self, most: u64) -> bool {
        let files = &self.open.files;
        let sum = |of: fn(&StoredFile) -> u64| files.iter().map(of).fold(0, u64::saturating_add);
        let (rows, bytes) = (sum(|file| file.rows), sum(|file| file.bytes));
        self.is_current && (1..=most).contains(&rows) && bytes <= BYTES
    }

    fn validity(&self, ctx: &OpContext, revision: i64) -> Option<Validity> {
        let is_small = self.open.files.len() <= FILES;
        self.open.dataset.validity(ctx, revision).filter(|_| is_small)
    }
}

impl QueryEngine {
    /// Brings all rows of a small version to hand, built where they are not there. While something else is built nobody waits for
    /// them: what is not at hand is read from the version's objects.
    pub(super) async fn bring_to_hand(&self, opened: &Opened) {
        if opened.rows.initialized() {
            return;
        }
        if !opened.is_small(self.core.parts.rows_at_hand) {
            return drop(opened.rows.set(None));
        }
        let version = StoredVersion::from(&opened.open);
        if !self.kept().would_wait(&version.digest) {
            opened.rows.get_or_init(|| self.all_rows(&version)).await;
        }
    }

    /// Opens a version for the caller. What was decided on before the newest change to the catalogue is decided on again: the
    /// revision is that from before anything was read, so that what a change overtakes serves this request alone.
    ///
    /// A version at a time past is never remembered: nothing says until when that is the one.
    pub(super) async fn open(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        table: TableName,
        version: VersionSelector,
    ) -> Result<Arc<Opened>> {
        let revision = match version {
            VersionSelector::At(_) => None,
            VersionSelector::Latest | VersionSelector::Number(_) => from.revision().await?,
        };
        let Some(revision) = revision else {
            return Ok(Opened::of(from.open(ctx, &table, version).await?, false));
        };
        let wanted = Wanted { circumstances: ctx.circumstances(), table, version };
        if let Some(opened) = self.core.opened.get(&wanted, revision, ctx.now) {
            return Ok(opened);
        }
        let is_current = version == VersionSelector::Latest;
        let opened = Opened::of(from.open(ctx, &wanted.table, version).await?, is_current);
        if let Some(validity) = opened.validity(ctx, revision) {
            self.core.opened.put(wanted, validity, Arc::clone(&opened));
        }
        Ok(opened)
    }
}
