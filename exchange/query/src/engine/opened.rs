//! Tables opened for queries: decided on once, and again when the catalogue has changed or the time has come.

use std::sync::{Arc, OnceLock};

use catalog_core::context::Circumstances;
use catalog_core::remembered::{Remembered, Validity};
use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, Result};
use datafusion::datasource::TableProvider;

use super::{Core, QueryEngine};
use crate::tables::{OpenTable, TableName, Tables};

/// Files of a version beyond which it is opened anew each time: what is remembered stays small.
const FILES: usize = 256;

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
    provider: OnceLock<Arc<dyn TableProvider>>,
}

impl Opened {
    fn of(open: OpenTable) -> Arc<Self> {
        Arc::new(Self { open, provider: OnceLock::new() })
    }

    /// The version as the planner sees it.
    pub(super) fn provider(&self, core: &Core) -> Result<Arc<dyn TableProvider>> {
        if let Some(provider) = self.provider.get() {
            return Ok(Arc::clone(provider));
        }
        let provider = core.provider(&self.open)?;
        Ok(Arc::clone(self.provider.get_or_init(|| provider)))
    }

    fn validity(&self, ctx: &OpContext, revision: i64) -> Option<Validity> {
        let is_small = self.open.files.len() <= FILES;
        self.open.dataset.validity(ctx, revision).filter(|_| is_small)
    }
}

impl QueryEngine {
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
        let Some(revision) = revision else { return Ok(Opened::of(from.open(ctx, &table, version).await?)) };
        let wanted = Wanted { circumstances: ctx.circumstances(), table, version };
        if let Some(opened) = self.core.opened.get(&wanted, revision, ctx.now) {
            return Ok(opened);
        }
        let opened = Opened::of(from.open(ctx, &wanted.table, version).await?);
        if let Some(validity) = opened.validity(ctx, revision) {
            self.core.opened.put(wanted, validity, Arc::clone(&opened));
        }
        Ok(opened)
    }
}
