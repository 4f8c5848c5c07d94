//! One change of state and its event, in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use catalog_core::evidence::EvidenceRecord;
use catalog_core::{Error, Result};
use sqlx::{Any, AnyConnection, Transaction};

use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

/// A change under way. Dropped without [`Change::commit`], nothing has happened.
pub(crate) struct Change {
    /// The transaction, for the statements of the change.
    pub(crate) tx: Transaction<'static, Any>,
    /// Place of the change among all changes.
    pub(crate) seq: i64,
    revision: Revision,
}

/// A number that each change makes greater, where this process alone makes them: on SQLite, whose folder has one owner. On
/// PostgreSQL others change the catalogue too, and the database is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revision(Option<Arc<AtomicI64>>);

impl Revision {
    pub(crate) fn known(number: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(number))))
    }

    pub(crate) fn get(&self) -> Option<i64> {
        self.0.as_ref().map(|number| number.load(Ordering::SeqCst))
    }

    /// One more: never the number of the event, which a commit that fails gives back, and the next change takes again.
    fn advance(&self) {
        if let Some(known) = &self.0 {
            known.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Change {
    /// Begins a change, when all earlier ones have ended.
    ///
    /// The first statement takes the row that numbers events, and with it the row's lock until the end: on PostgreSQL
    /// as on SQLite there is one writer at a time. So numbers become visible in order (an `IDENTITY` column would
    /// show 7 before 6 is committed), what a change has read stays true until it ends, and no two changes deadlock.
    /// Changes to a catalogue are rare and short; reads wait for none of this.
    pub(crate) async fn begin(store: &CatalogStore) -> Result<Self> {
        let mut tx = store.writer.begin().await.map_err(failed)?;
        let seq = next(&mut tx).await?;
        Ok(Self { tx, seq, revision: store.revision.clone() })
    }

    /// Writes one of several events of the change; the last is given to [`Change::commit`].
    pub(crate) async fn record(&mut self, event: &EvidenceRecord) -> Result<()> {
        self.write(event).await?;
        self.seq = next(&mut self.tx).await?;
        Ok(())
    }

    /// Writes the event and makes both durable.
    pub(crate) async fn commit(mut self, event: &EvidenceRecord) -> Result<()> {
        self.write(event).await?;
        self.commit_silently().await
    }

    /// Makes a change durable of which there is no event.
    ///
    /// It goes to its end where its caller goes away: what is remembered of the catalogue is given up with each change, whether
    /// or not somebody waits for it, and one that failed may have happened all the same.
    pub(crate) async fn commit_silently(self) -> Result<()> {
        let Self { tx, revision, .. } = self;
        let committing = tokio::spawn(async move {
            let committed = tx.commit().await;
            revision.advance();
            committed
        });
        committing.await.map_err(Error::internal)?.map_err(failed)
    }

    async fn write(&mut self, event: &EvidenceRecord) -> Result<()> {
        sqlx::query("INSERT INTO outbox (seq, id, document) VALUES ($1, $2, $3)")
            .bind(self.seq)
            .bind(&event.id)
            .bind(json::to_text(event)?)
            .execute(&mut *self.tx)
            .await
            .map_err(violated("this event has been written before"))?;
        Ok(())
    }
}

/// The next number of an event.
async fn next(connection: &mut AnyConnection) -> Result<i64> {
    sqlx::query_scalar("UPDATE sequences SET taken = taken + 1 WHERE name = 'outbox' RETURNING taken")
        .fetch_one(connection)
        .await
        .map_err(failed)
}

/// The number of the newest event.
pub(crate) async fn newest(connection: &mut AnyConnection) -> Result<i64> {
    sqlx::query_scalar("SELECT taken FROM sequences WHERE name = 'outbox'")
        .fetch_one(connection)
        .await
        .map_err(failed)
}
