//! Developer keys: made, listed and revoked by their owner, ended by the security administrator too.

use super::Services;
use crate::api_key::{ApiKey, KeyUsage, NAME_LENGTH};
use crate::context::{OpContext, PrincipalKind, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::policy::Action;
use crate::quota::Quotas;
use crate::time::Timestamp;

/// Days for which it is kept how keys were used.
const USAGE_DAYS: u64 = 400;

impl Services {
    /// How much may be asked without a proof of identity, and with a developer key.
    pub fn quotas(&self) -> Quotas {
        self.settings.quotas
    }

    /// The caller's keys, newest first, each with how it was used, the latest day first.
    pub async fn api_keys(&self, ctx: &OpContext) -> Result<Vec<(ApiKey, Vec<KeyUsage>)>> {
        Self::check_developer(ctx)?;
        let mut keys = Vec::new();
        for key in self.store.api_keys(Some(&ctx.principal.id)).await? {
            let usage = self.store.key_usage(&key.id).await?;
            keys.push((key, usage));
        }
        Ok(keys)
    }

    /// The key by which the caller asks, where it is one.
    pub async fn key_asked_by(&self, ctx: &OpContext) -> Result<Option<ApiKey>> {
        let Some(id) = &ctx.ticket else { return Ok(None) };
        // A ticket stands there too: no key has its id.
        Ok(self.store.api_key(id).await?.filter(|key| key.person == ctx.principal.id))
    }

    /// Keeps a new key of the caller.
    ///
    /// # Errors
    /// `forbidden` to all but registered developers, `invalid_input` for a name that is none, `limit_rate` where the
    /// developer has as many keys as the city allows.
    pub async fn add_api_key(&self, ctx: &OpContext, key: &ApiKey) -> Result<()> {
        Self::check_developer(ctx)?;
        if key.person != ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "a key is for oneself"));
        }
        let length = key.name.chars().count();
        if key.name.trim().is_empty() || length > NAME_LENGTH || key.name.chars().any(char::is_control) {
            let message = format!("`name` has 1 to {NAME_LENGTH} characters");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let change = Self::change(ctx, "api_key.created", entity::api_key(&key.id), key);
        self.store.add_api_key(key, self.settings.quotas.keys_per_developer, &change).await?;
        self.relay().await
    }

    /// Ends a key at once: one's own, or anyone's for the security administrator.
    pub async fn revoke_api_key(&self, ctx: &OpContext, id: &str) -> Result<()> {
        let manages = Self::permit(ctx, Action::ManageKeys, None).is_ok();
        let owner = match manages {
            true => None,
            false => Some(Self::check_developer(ctx)?),
        };
        let is_theirs = |key: &ApiKey| owner.is_none_or(|owner| key.person == owner);
        let found = self.store.api_key(id).await?.filter(is_theirs);
        let key = found.ok_or_else(|| Error::not_found(format!("developer key `{id}`")))?;
        self.end_api_key(ctx, key, ctx.now).await?;
        self.relay().await
    }

    /// Ends all keys of a person.
    pub(super) async fn revoke_api_keys_of(&self, ctx: &OpContext, person: &str) -> Result<()> {
        let keys = self.store.api_keys(Some(person)).await?;
        for key in keys.into_iter().filter(|key| key.revoked_at.is_none()) {
            match self.end_api_key(ctx, key, ctx.now).await {
                Err(error) if error.code == ErrorCode::IllegalState => {}
                done => done?,
            }
        }
        self.relay().await
    }

    /// Writes that a key ended at that time.
    pub(super) async fn end_api_key(&self, ctx: &OpContext, mut key: ApiKey, at: Timestamp) -> Result<()> {
        key.revoked_at = Some(at);
        let change = Self::change(ctx, "api_key.revoked", entity::api_key(&key.id), &key);
        self.store.revoke_api_key(&key, &change).await
    }

    /// Keeps what the doors have counted, for the owners of the keys.
    pub async fn count_key_usage(&self, usage: &[KeyUsage]) -> Result<()> {
        let Some(newest) = usage.iter().map(|usage| usage.day).max() else { return Ok(()) };
        let since = newest.checked_sub_days(chrono::Days::new(USAGE_DAYS)).unwrap_or(newest);
        self.store.count_key_usage(usage, since).await
    }

    /// Who signed in as a developer, by login name; a key makes no key, and neither does a ticket.
    ///
    /// # Errors
    /// `forbidden` to everyone else.
    pub fn check_developer(ctx: &OpContext) -> Result<&str> {
        let who = &ctx.principal;
        match who.kind == PrincipalKind::Person && who.has(Role::Developer) && ctx.ticket.is_none() {
            true => Ok(&who.id),
            false => {
                let message = "developer keys are for registered developers who have signed in: register at \
                               POST /api/v1/developers, sign in at POST /api/v1/session";
                Err(Error::new(ErrorCode::Forbidden, message))
            }
        }
    }
}
