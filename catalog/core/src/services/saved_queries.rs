//! Saved queries: saved, listed and deleted by the people who wrote them.

use super::Services;
use crate::context::{OpContext, PrincipalKind};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::saved_query::{MOST_QUERIES, SavedQuery, too_many};

impl Services {
    /// Who saves queries and looks back on those that were asked: a person, by a proof that is theirs.
    ///
    /// # Errors
    /// `unauthenticated` to the public, `forbidden` to machines and to those who show a ticket.
    pub fn query_writer(ctx: &OpContext) -> Result<&str> {
        let who = &ctx.principal;
        match who.kind {
            PrincipalKind::Person if ctx.ticket.is_none() => Ok(&who.id),
            PrincipalKind::Public => {
                let message = "queries are kept for people who have signed in";
                Err(Error::new(ErrorCode::Unauthenticated, message))
            }
            _ => {
                let message = "queries are kept for people who have signed in, not for machines and tickets";
                Err(Error::new(ErrorCode::Forbidden, message))
            }
        }
    }

    /// Saves a query of the caller's, whose name and text are sealed under `id`.
    ///
    /// # Errors
    /// `limit_rate` where the caller has as many as one may have.
    pub async fn save_query(&self, ctx: &OpContext, id: String, sealed: String) -> Result<SavedQuery> {
        let person = Self::query_writer(ctx)?.to_owned();
        if self.store.saved_queries(&person).await?.len() >= MOST_QUERIES {
            return Err(too_many());
        }
        let query = SavedQuery { id, person, sealed, saved_at: ctx.now };
        let change = Self::change(ctx, "query.saved", entity::query(&query.id), &query);
        self.store.add_saved_query(&query, &change).await?;
        self.relay().await?;
        Ok(query)
    }

    /// The queries that the caller has saved, the newest first.
    pub async fn saved_queries(&self, ctx: &OpContext) -> Result<Vec<SavedQuery>> {
        self.store.saved_queries(Self::query_writer(ctx)?).await
    }

    /// One of them. Those of others are as if they were not there.
    pub async fn saved_query(&self, ctx: &OpContext, id: &str) -> Result<SavedQuery> {
        let person = Self::query_writer(ctx)?;
        let found = self.store.saved_query(id).await?.filter(|query| query.person == person);
        found.ok_or_else(|| Error::not_found("saved query of that id"))
    }

    /// Deletes one of them.
    pub async fn delete_query(&self, ctx: &OpContext, id: &str) -> Result<()> {
        let query = self.saved_query(ctx, id).await?;
        let change = Self::change(ctx, "query.deleted", entity::query(id), &query);
        self.store.delete_saved_query(id, &change).await?;
        self.relay().await
    }

    /// Deletes after a restore what its owner had deleted: whether it was there again.
    pub(super) async fn delete_query_again(&self, ctx: &OpContext, id: &str) -> Result<bool> {
        let Some(query) = self.store.saved_query(id).await? else { return Ok(false) };
        let change = Self::change(ctx, "query.deleted", entity::query(id), &query);
        self.store.delete_saved_query(id, &change).await.map(|()| true)
    }
}
