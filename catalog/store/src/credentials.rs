//! People, keys, tickets and nonces.

use std::future::ready;

use async_trait::async_trait;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{CredentialStore, Durable, KeyRecord, NonceStore, Person, Ticket};
use catalog_core::substitution::Substitution;
use catalog_core::{Error, ErrorCode, Result, Timestamp};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl CredentialStore for CatalogStore {
    async fn person(&self, id: &str) -> Result<Option<Person>> {
        self.document(sqlx::query_scalar("SELECT document FROM people WHERE id = $1").bind(id)).await
    }

    async fn people(&self) -> Result<Vec<Person>> {
        self.documents(sqlx::query_scalar("SELECT document FROM people ORDER BY id")).await
    }

    async fn put_person(&self, person: &Person, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let sql = "INSERT INTO people (id, department, active, document) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (id) DO UPDATE SET department = excluded.department, active = excluded.active, \
                   document = excluded.document";
        sqlx::query(sql)
            .bind(&person.id)
            .bind(person.department.as_ref().map(|department| department.as_str()))
            .bind(i64::from(person.active))
            .bind(json::to_text(person)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated(format!("the account {} exists", person.id)))?;
        write.commit(change).await
    }

    async fn substitutions(&self) -> Result<Vec<Substitution>> {
        self.documents(sqlx::query_scalar("SELECT document FROM substitutions ORDER BY id")).await
    }

    async fn substitutions_of(&self, person: &str) -> Result<Vec<Substitution>> {
        let sql = "SELECT document FROM substitutions WHERE person = $1 ORDER BY id";
        self.documents(sqlx::query_scalar(sql).bind(person)).await
    }

    async fn put_substitution(&self, substitution: &Substitution, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let sql = "INSERT INTO substitutions (id, person, document) VALUES ($1, $2, $3) \
                   ON CONFLICT (id) DO UPDATE SET document = excluded.document";
        sqlx::query(sql)
            .bind(&substitution.id)
            .bind(&substitution.person)
            .bind(json::to_text(substitution)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated("the person does not exist"))?;
        write.commit(change).await
    }

    async fn key(&self, id: &str) -> Result<Option<KeyRecord>> {
        self.document(sqlx::query_scalar("SELECT document FROM public_keys WHERE id = $1").bind(id)).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.documents(sqlx::query_scalar("SELECT document FROM public_keys ORDER BY valid_from, id")).await
    }

    async fn put_key(&self, key: &KeyRecord, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        write_key(&mut write, key).await?;
        write.commit(change).await
    }

    async fn replace_key(
        &self,
        (old, ended): (&KeyRecord, &EvidenceRecord),
        (new, made): (&KeyRecord, &EvidenceRecord),
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        for key in [old, new] {
            write_key(&mut write, key).await?;
        }
        write.record(ended).await?;
        write.commit(made).await
    }

    async fn add_ticket(&self, ticket: &Ticket, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let sql = "INSERT INTO tickets (id, token_digest, principal_id, issued_at, document) \
                   VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(sql)
            .bind(&ticket.id)
            .bind(&ticket.token_digest)
            .bind(&ticket.principal_id)
            .bind(ticket.issued_at.0)
            .bind(json::to_text(ticket)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated("this ticket exists"))?;
        write.commit(change).await
    }

    async fn ticket_by_digest(&self, token_digest: &str) -> Result<Option<Ticket>> {
        let sql = "SELECT document FROM tickets WHERE token_digest = $1";
        self.document(sqlx::query_scalar(sql).bind(token_digest)).await
    }

    async fn tickets_of(&self, principal_id: &str) -> Result<Vec<Ticket>> {
        let sql = "SELECT document FROM tickets WHERE principal_id = $1 ORDER BY issued_at DESC, id DESC";
        self.documents(sqlx::query_scalar(sql).bind(principal_id)).await
    }

    async fn revoke_ticket(&self, id: &str, at: Timestamp, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let text: Option<String> = sqlx::query_scalar("SELECT document FROM tickets WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *write.tx)
            .await
            .map_err(failed)?;
        let mut ticket: Ticket = json::from_text(&text.ok_or_else(|| Error::not_found("this ticket"))?)?;
        if ticket.revoked_at.is_some() {
            return Err(Error::new(ErrorCode::IllegalState, "this ticket has been revoked already"));
        }
        ticket.revoked_at = Some(at);
        sqlx::query("UPDATE tickets SET document = $1 WHERE id = $2")
            .bind(json::to_text(&ticket)?)
            .bind(id)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        write.commit(change).await
    }
}

/// For servers that share a database; one that owns its folder keeps them beside the evidence, which is faster.
#[async_trait]
impl NonceStore for CatalogStore {
    async fn begin_nonce(&self, key_id: &str, nonce: &str, expires_at: Timestamp) -> Result<Option<Durable>> {
        let sql = "INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (key_id, nonce) DO NOTHING";
        let written = sqlx::query(sql)
            .bind(key_id)
            .bind(nonce)
            .bind(expires_at.0)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        let durable: Durable = Box::pin(ready(Ok(())));
        Ok((written.rows_affected() == 1).then_some(durable))
    }

    async fn forget_nonces(&self, now: Timestamp) -> Result<u64> {
        let forgotten = sqlx::query("DELETE FROM nonces WHERE expires_at < $1")
            .bind(now.0)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(forgotten.rows_affected())
    }
}

/// An id stands for one public key of one owner for ever: anything but its period is a `conflict`.
async fn write_key(write: &mut Change, key: &KeyRecord) -> Result<()> {
    let sql = "INSERT INTO public_keys (id, owner, public_key, valid_from, valid_until, document) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (id) DO UPDATE SET valid_until = excluded.valid_until, document = excluded.document \
               WHERE public_keys.owner = excluded.owner AND public_keys.public_key = excluded.public_key \
               AND public_keys.valid_from = excluded.valid_from AND (public_keys.valid_until IS NULL \
               OR excluded.valid_until <= public_keys.valid_until)";
    let written = sqlx::query(sql)
        .bind(&key.id)
        .bind(json::to_text(&key.owner)?)
        .bind(&key.public_key)
        .bind(key.valid_from.0)
        .bind(key.valid_until.map(|end| end.0))
        .bind(json::to_text(key)?)
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
    if written.rows_affected() == 0 {
        let message = format!(
            "the key {} is registered; only the end of its validity may change, and come earlier",
            key.id
        );
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    Ok(())
}
