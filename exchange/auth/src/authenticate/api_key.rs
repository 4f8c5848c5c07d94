//! Developer keys: a secret that a developer's programs send with each request.

use std::collections::BTreeSet;

use catalog_core::api_key::{ApiKey, DEFAULT_DAYS, MAX_DAYS};
use catalog_core::{Error, ErrorCode, OpContext, Role};
use exchange_crypto::random;
use http::{HeaderMap, HeaderName};
use uuid::Uuid;

use super::{Arrival, Authenticator, Caller, Proof, context, only_reads};
use crate::AuthError;
use crate::assertion::read_assertion;
use crate::ticket::token_digest;

/// The field that takes a developer key where `authorization` is taken by something else.
pub const API_KEY_FIELD: HeaderName = HeaderName::from_static("x-api-key");

/// How every secret begins: by it programs that look for secrets in published code find it, and a ticket is told apart.
const PREFIX: &str = "sqk_";
const DAY_SECONDS: i64 = 86_400;

/// Makes a key for the developer of the context, and its secret, which is shown once and never stored. The caller stores
/// the key.
///
/// # Errors
/// `invalid_input` where it would live less than a day, or longer than [`MAX_DAYS`].
pub fn issue_api_key(
    ctx: &OpContext,
    name: String,
    days: Option<u32>,
) -> Result<(ApiKey, String), AuthError> {
    let days = days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        let message = format!("a key lives 1 to {MAX_DAYS} days");
        return Err(AuthError::Store(Error::new(ErrorCode::InvalidInput, message)));
    }
    let secret = format!("{PREFIX}{}", random::token()?);
    let key = ApiKey {
        id: Uuid::now_v7().to_string(),
        name,
        person: ctx.principal.id.clone(),
        digest: token_digest(&secret),
        created_at: ctx.now,
        expires_at: ctx.now.plus_seconds(i64::from(days) * DAY_SECONDS),
        revoked_at: None,
    };
    Ok((key, secret))
}

/// Whether a bearer token says of itself that it is a developer key.
pub(super) fn is_api_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// The developer key in its own field.
pub(super) fn in_field(headers: &HeaderMap) -> Result<Option<&str>, AuthError> {
    let mut all = headers.get_all(API_KEY_FIELD).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && all.next().is_none());
    text.map(Some).ok_or_else(|| AuthError::malformed("x-api-key", "send one developer key"))
}

impl Authenticator {
    /// The developer whose key this is, as one who only reads: what would write is theirs too, and is refused.
    pub(super) async fn by_api_key(&self, arrival: Arrival<'_>, secret: &str) -> Result<Caller, AuthError> {
        self.by_key_digest(arrival, &token_digest(secret)).await
    }

    /// The same, where the digest of the secret is known.
    pub(super) async fn by_key_digest(
        &self,
        arrival: Arrival<'_>,
        digest: &str,
    ) -> Result<Caller, AuthError> {
        let refused = |reason: &str| AuthError::ApiKey(reason.to_owned());
        if !arrival.confidential {
            return Err(refused("anyone on the way could read it: use https, revoke it, make a new one"));
        }
        let store = self.api_keys.as_ref().ok_or_else(|| refused("this server knows none"))?;
        let key = store.api_key_by_digest(digest).await?;
        let key = key.ok_or_else(|| refused("it is not known here"))?;
        if key.revoked_at.is_some() {
            return Err(refused("it was revoked"));
        }
        if !key.is_valid_at(arrival.now) {
            return Err(refused("it is over; make a new one"));
        }
        let mut principal = self.person(&key.person, arrival.now).await?;
        if !principal.has(Role::Developer) {
            return Err(refused("its owner is no developer any longer"));
        }
        principal.roles = BTreeSet::from([Role::Developer]);
        let purpose = read_assertion(&arrival.parts.headers, "shuqiao-purpose")?;
        let mut context = context(principal, arrival).asserting(purpose, None, None);
        context.ticket = Some(key.id.clone());
        let reads = only_reads(&arrival.parts.method, arrival.channel, arrival.asks);
        let refused = (!reads).then(|| refused("it only reads; sign in instead"));
        Ok(Caller {
            context,
            proof: Proof::ApiKey { key_id: key.id },
            signed_body: None,
            nonce: None,
            refused,
        })
    }
}
