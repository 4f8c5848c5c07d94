//! Local accounts and sessions.

use async_trait::async_trait;
use catalog_core::account::{Account, Session};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::AccountStore;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use sqlx::{AnyConnection, AnyPool};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl AccountStore for CatalogStore {
    async fn account(&self, person: &str) -> Result<Option<Account>> {
        self.document(sqlx::query_scalar("SELECT document FROM accounts WHERE person = $1").bind(person))
            .await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.documents(sqlx::query_scalar("SELECT document FROM accounts ORDER BY person")).await
    }

    async fn account_by_contact(&self, hash: &str) -> Result<Option<Account>> {
        self.document(sqlx::query_scalar("SELECT document FROM accounts WHERE contact = $1").bind(hash)).await
    }

    async fn save_account(
        &self,
        account: &Account,
        ends_sessions: bool,
        change: Option<&EvidenceRecord>,
    ) -> Result<()> {
        let Some(change) = change else {
            let mut connection = self.writer.acquire().await.map_err(failed)?;
            return write_account(&mut connection, account).await;
        };
        let mut write = Change::begin(self).await?;
        write_account(&mut write.tx, account).await?;
        if ends_sessions {
            sqlx::query("DELETE FROM sessions WHERE person = $1")
                .bind(&account.person)
                .execute(&mut *write.tx)
                .await
                .map_err(failed)?;
        }
        write.commit(change).await
    }

    async fn add_session(
        &self,
        session: &Session,
        account: Option<&Account>,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        if let Some(account) = account {
            write_account(&mut write.tx, account).await?;
        }
        let sql = "INSERT INTO sessions (id, token_digest, person, used_at, ends_at, document) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(&session.id)
            .bind(&session.token_digest)
            .bind(&session.person)
            .bind(session.used_at.0)
            .bind(session.ends_at.0)
            .bind(json::to_text(session)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated("this session exists"))?;
        write.commit(change).await
    }

    async fn session_by_digest(&self, token_digest: &str) -> Result<Option<Session>> {
        let sql = "SELECT document, used_at FROM sessions WHERE token_digest = $1";
        read_session(&self.reader, sql, token_digest).await
    }

    async fn session(&self, id: &str) -> Result<Option<Session>> {
        read_session(&self.reader, "SELECT document, used_at FROM sessions WHERE id = $1", id).await
    }

    async fn session_used(&self, id: &str, at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE sessions SET used_at = $1 WHERE id = $2 AND used_at < $1")
            .bind(at.0)
            .bind(id)
            .execute(&self.writer)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn end_session(&self, id: &str, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        if ended.rows_affected() == 0 {
            return Err(Error::not_found("this session"));
        }
        write.commit(change).await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<u64> {
        let forgotten = sqlx::query("DELETE FROM sessions WHERE ends_at <= $1")
            .bind(now.0)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(forgotten.rows_affected())
    }
}

async fn read_session(reader: &AnyPool, sql: &'static str, name: &str) -> Result<Option<Session>> {
    let row: Option<(String, i64)> =
        sqlx::query_as(sql).bind(name).fetch_optional(reader).await.map_err(failed)?;
    let Some((text, used_at)) = row else { return Ok(None) };
    Ok(Some(Session { used_at: Timestamp(used_at), ..json::from_text(&text)? }))
}

/// Writes an account over the revision that it was read with.
async fn write_account(connection: &mut AnyConnection, account: &Account) -> Result<()> {
    let next = Account { revision: account.revision + 1, ..account.clone() };
    let sql = match account.revision {
        0 => {
            "INSERT INTO accounts (person, contact, revision, document) VALUES ($1, $2, $3, $4) \
              ON CONFLICT (person) DO NOTHING"
        }
        _ => {
            "UPDATE accounts SET contact = $2, revision = $3, document = $4 \
              WHERE person = $1 AND revision = $5"
        }
    };
    let query = sqlx::query(sql)
        .bind(&next.person)
        .bind(next.contact.as_ref().map(|contact| contact.hash.as_str()))
        .bind(next.revision)
        .bind(json::to_text(&next)?);
    let query = if account.revision == 0 { query } else { query.bind(account.revision) };
    let written = query.execute(connection).await.map_err(violated("this address has an account"))?;
    match written.rows_affected() {
        0 => Err(Error::new(ErrorCode::Conflict, "the account was changed by another meanwhile; try again")),
        _ => Ok(()),
    }
}
