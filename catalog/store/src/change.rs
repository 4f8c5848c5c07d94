//! One change of state and its event, in one transaction.

use catalog_core::Result;
use catalog_core::evidence::EvidenceRecord;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use crate::failure::{failed, violated};
use crate::json;

/// A change under way. Dropped without [`Change::commit`], nothing has happened.
pub(crate) struct Change {
    /// The transaction, for the statements of the change.
    pub(crate) tx: Transaction<'static, Any>,
    /// Place of the change among all changes.
    pub(crate) seq: i64,
}

impl Change {
    /// Begins a change, when all earlier ones have ended.
    ///
    /// The first statement takes the row that numbers events, and with it the row's lock until the end: on PostgreSQL
    /// as on SQLite there is one writer at a time. So numbers become visible in order (an `IDENTITY` column would
    /// show 7 before 6 is committed), what a change has read stays true until it ends, and no two changes deadlock.
    /// Changes to a catalogue are rare and short; reads wait for none of this.
    pub(crate) async fn begin(writer: &AnyPool) -> Result<Self> {
        let mut tx = writer.begin().await.map_err(failed)?;
        let seq = next(&mut tx).await?;
        Ok(Self { tx, seq })
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
        self.tx.commit().await.map_err(failed)
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
