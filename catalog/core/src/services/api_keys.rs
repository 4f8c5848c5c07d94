//! Developer keys: made, listed and revoked by their owner, ended by the security administrator too.

use super::Services;
use crate::api_key::{ApiKey, KeyUsage, NAME_LENGTH};
use crate::context::{OpContext, PrincipalKind, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::policy::Action;
use crate::quota::Quotas;

/// Days for which it is kept how keys were used.
const USAGE_DAYS: u64 = 400;

impl Services {
    /// How much may be asked without a proof of identity, and with a developer key.
    pub fn quotas(&self) -> Quotas {
        self.settings.quotas
    }

    /// The caller's keys, newest first, each with how it was used, the latest day first.
    pub async fn api_keys(&self, ctx: &OpContext) -> Result<Vec<(ApiKey, Vec<KeyUsage>)>> {
        check_developer(ctx)?;
        let mut keys = Vec::new();
        for key in self.store.api_keys(Some(&ctx.principal.id)).await? {
            let usage = self.store.key_usage(&key.id).await?;
            keys.push((key, usage));
        }
        Ok(keys)
    }

    /// Keeps a new key of the caller.
    ///
    /// # Errors
    /// `forbidden` to all but registered developers, `invalid_input` for a name that is none, `limit_rate` where the
    /// developer has as many keys as the city allows.
    pub async fn add_api_key(&self, ctx: &OpContext, key: &ApiKey) -> Result<()> {
        check_developer(ctx)?;
        if key.person != ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "a key is for oneself"));
        }
        let length = key.name.chars().count();
        if key.name.trim().is_empty() || length > NAME_LENGTH || key.name.chars().any(char::is_control) {
            let message = format!("`name` has 1 to {NAME_LENGTH} characters");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let own = self.store.api_keys(Some(&key.person)).await?;
        let most = self.settings.quotas.keys_per_developer;
        if own.iter().filter(|key| key.is_valid_at(ctx.now)).count() >= most as usize {
            let message = format!("a developer has {most} keys at most: revoke one that is not used");
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        let change = Self::change(ctx, "api_key.created", entity::api_key(&key.id), key);
        self.store.put_api_key(key, &change).await?;
        self.relay().await
    }

    /// Ends a key at once: one's own, or anyone's for the security administrator.
    pub async fn revoke_api_key(&self, ctx: &OpContext, id: &str) -> Result<()> {
        let manages = Self::permit(ctx, Action::ManageKeys, None).is_ok();
        let owner = match manages {
            true => None,
            false => Some(check_developer(ctx)?),
        };
        let keys = self.store.api_keys(owner).await?;
        let found = keys.into_iter().find(|key| key.id == id);
        let mut key = found.ok_or_else(|| Error::not_found(format!("developer key `{id}`")))?;
        if key.revoked_at.is_some() {
            return Err(Error::new(ErrorCode::IllegalState, "this key has been revoked already"));
        }
        key.revoked_at = Some(ctx.now);
        let change = Self::change(ctx, "api_key.revoked", entity::api_key(&key.id), &key);
        self.store.put_api_key(&key, &change).await?;
        self.relay().await
    }

    /// Keeps what the doors have counted, for the owners of the keys.
    pub async fn count_key_usage(&self, usage: &[KeyUsage]) -> Result<()> {
        let Some(newest) = usage.iter().map(|usage| usage.day).max() else { return Ok(()) };
        let since = newest.checked_sub_days(chrono::Days::new(USAGE_DAYS)).unwrap_or(newest);
        self.store.count_key_usage(usage, since).await
    }
}

/// Who signed in as a developer; a key makes no key, and neither does a ticket.
fn check_developer(ctx: &OpContext) -> Result<&str> {
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
