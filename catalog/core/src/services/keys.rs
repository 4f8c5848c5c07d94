//! Public keys: registered, replaced, ended; never forgotten.

use super::Services;
use crate::context::{Channel, OpContext, Principal, PrincipalKind};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::policy::Action;
use crate::ports::{KeyOwner, KeyRecord};

/// The longest time that a key and its successor are both valid.
pub const MAX_OVERLAP_SECONDS: i64 = 90 * 86_400;

impl Services {
    /// All public keys ever registered, with their periods: what offline verification needs. Public to everyone.
    pub async fn key_history(&self, _ctx: &OpContext) -> Result<Vec<KeyRecord>> {
        self.store.keys().await
    }

    /// All names under which evidence may know a caller: a department's machine is named by its key, and keys have
    /// successors.
    pub async fn names_in_evidence(&self, principal: &Principal) -> Result<Vec<String>> {
        let department = principal.department.as_ref().filter(|_| principal.kind == PrincipalKind::Machine);
        let Some(department) = department else { return Ok(vec![principal.id.clone()]) };
        let owner = KeyOwner::Department(department.clone());
        let keys = self.store.keys().await?.into_iter().filter(|key| key.owner == owner);
        Ok(keys.map(|key| key.id).collect())
    }

    /// Registers a public key, or ends one by an earlier `valid_until`.
    pub async fn put_key(&self, ctx: &OpContext, key: &KeyRecord) -> Result<()> {
        Self::permit(ctx, Action::ManageKeys, None)?;
        self.check_key(ctx, key).await?;
        let change = Self::change(ctx, "key.put", entity::key(&key.id), key);
        self.store.put_key(key, &change).await?;
        self.relay().await
    }

    /// Registers the successor (base64url) of a key, valid from now on, and ends the old one after an overlap of
    /// seconds. For the security administrator, and for the key's own holder, whose new key ends when the old one would
    /// have. Answers the new record.
    ///
    /// # Errors
    /// `invalid_input` for no key or an overlap beyond [`MAX_OVERLAP_SECONDS`], `illegal_state` where the old key is
    /// over, `conflict` where the new one is registered.
    pub async fn rotate_key(
        &self,
        ctx: &OpContext,
        id: &str,
        public_key: &str,
        overlap_seconds: i64,
    ) -> Result<KeyRecord> {
        let mut old = self.own_key(ctx, id).await?;
        if !(0..=MAX_OVERLAP_SECONDS).contains(&overlap_seconds) {
            return Err(Error::new(ErrorCode::InvalidInput, "an overlap lasts 0 seconds to 90 days"));
        }
        let new = KeyRecord {
            id: thumbprint(public_key)?,
            owner: old.owner.clone(),
            public_key: public_key.to_owned(),
            valid_from: ctx.now,
            // A holder can't outlive the end that was set for it.
            valid_until: old.valid_until.filter(|_| Self::permit(ctx, Action::ManageKeys, None).is_err()),
        };
        if self.store.key(&new.id).await?.is_some() {
            return Err(Error::new(ErrorCode::Conflict, "this key is registered already: make a new one"));
        }
        let end = ctx.now.plus_seconds(overlap_seconds);
        old.valid_until = Some(old.valid_until.map_or(end, |earlier| earlier.min(end)));
        let ended = Self::change(ctx, "key.rotated", entity::key(&old.id), &old);
        let made = Self::change(ctx, "key.put", entity::key(&new.id), &new);
        self.store.replace_key((&old, &ended), (&new, &made)).await?;
        self.relay().await?;
        Ok(new)
    }

    /// Ends a key now. For the security administrator, and for the key's own holder. Answers the ended record.
    pub async fn retire_key(&self, ctx: &OpContext, id: &str) -> Result<KeyRecord> {
        let mut key = self.own_key(ctx, id).await?;
        if key.owner == KeyOwner::Platform {
            let message = "the platform always has a key: rotate it instead";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        key.valid_until = Some(ctx.now);
        let change = Self::change(ctx, "key.retired", entity::key(&key.id), &key);
        self.store.put_key(&key, &change).await?;
        self.relay().await?;
        Ok(key)
    }

    /// A key that is still valid and that the caller may change.
    async fn own_key(&self, ctx: &OpContext, id: &str) -> Result<KeyRecord> {
        let key = self.store.key(id).await?;
        let is_own = key.as_ref().is_some_and(|key| match &key.owner {
            KeyOwner::Department(_) => {
                ctx.principal.kind == PrincipalKind::Machine && ctx.principal.id == key.id
            }
            KeyOwner::Person(id) => {
                ctx.principal.kind == PrincipalKind::Person && ctx.principal.id == *id && ctx.ticket.is_none()
            }
            KeyOwner::Platform => false,
        });
        if !is_own {
            Self::permit(ctx, Action::ManageKeys, None)?;
        }
        let key = key.ok_or_else(|| Error::not_found(format!("key `{id}`")))?;
        if key.owner == KeyOwner::Platform {
            only_at_the_folder(ctx)?;
        }
        match key.is_valid_at(ctx.now) {
            true => Ok(key),
            false => Err(Error::new(ErrorCode::IllegalState, format!("the key {id} is over already"))),
        }
    }

    async fn check_key(&self, ctx: &OpContext, key: &KeyRecord) -> Result<()> {
        let id = thumbprint(&key.public_key)?;
        if id != key.id {
            let message = format!("the key's id must be its JWK thumbprint, `{id}`");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if let Some(known) = self.store.key(&key.id).await? {
            if known.owner != key.owner || known.public_key != key.public_key {
                return Err(Error::new(ErrorCode::Conflict, "the key is registered for another owner"));
            }
            let is_revived =
                known.valid_until.is_some_and(|end| key.valid_until.is_none_or(|later| end < later));
            if is_revived {
                let message = "the end of a key may come earlier, never later: register a new key";
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
        }
        match &key.owner {
            KeyOwner::Platform => only_at_the_folder(ctx),
            KeyOwner::Department(id) => self.department(ctx, id).await.map(|_| ()),
            KeyOwner::Person(id) => match self.store.person(id).await? {
                Some(_) => Ok(()),
                None => Err(Error::not_found(format!("person `{id}`"))),
            },
        }
    }
}

/// The platform's private key lies in its folder: whoever changes the public one must hold the folder too.
fn only_at_the_folder(ctx: &OpContext) -> Result<()> {
    if ctx.channel == Channel::CommandLine {
        return Ok(());
    }
    let message = "the platform's keys are made in its data folder: shuqiao key rotate --platform";
    Err(Error::new(ErrorCode::Forbidden, message))
}

/// The id of a public key (base64url): its JWK thumbprint.
fn thumbprint(public_key: &str) -> Result<String> {
    exchange_crypto::from_base64url(public_key)
        .and_then(|bytes| exchange_crypto::PublicKey::from_bytes(&bytes))
        .map(|key| key.id())
        .map_err(|error| Error::new(ErrorCode::InvalidInput, error.to_string()))
}
