//! Addresses that stand for a bearer token: each opens one path for its holder, for a short while.

use catalog_core::Timestamp;
use catalog_core::api_key::ApiKey;
use catalog_core::ports::Ticket;
use exchange_crypto::{MacKey, from_base64url, to_base64url};
use http::Uri;

use crate::AuthError;

/// The second from which on the address is over.
const UNTIL: &str = "shuqiao-until";
/// The tag over path, token and end. Delta's kernel reads files over HTTP only where it sees a name that it knows, and of those
/// it knows this is the most common.
const TAG: &str = "X-Amz-Signature";

/// The kinds of bearer tokens, by the names under which addresses tell of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ticket,
    ApiKey,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ticket => "shuqiao-ticket",
            Self::ApiKey => "shuqiao-key",
        }
    }
}

/// A bearer token for which an address may stand. It is named by its digest, which is known to nobody but the store, and opens
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    kind: Kind,
    digest: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl From<&Ticket> for Token {
    fn from(ticket: &Ticket) -> Self {
        let (digest, expires_at) = (ticket.token_digest.clone(), ticket.expires_at);
        Self { kind: Kind::Ticket, digest, expires_at }
    }
}

impl From<&ApiKey> for Token {
    fn from(key: &ApiKey) -> Self {
        Self { kind: Kind::ApiKey, digest: key.digest.clone(), expires_at: key.expires_at }
    }
}

/// What an address says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedAddress {
    pub(crate) kind: Kind,
    /// Digest of the token.
    pub(crate) digest: String,
    until: i64,
    tag: String,
}

impl SignedAddress {
    /// Reads an address that names a token; of others nothing is said.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        let named = |kind: Kind| value(kind.name()).map(|digest| (kind, digest));
        let (kind, digest) = [Kind::Ticket, Kind::ApiKey].into_iter().find_map(named)?;
        let until = value(UNTIL).and_then(|until| until.parse().ok()).unwrap_or_default();
        Some(Self { kind, digest, until, tag: value(TAG).unwrap_or_default() })
    }

    /// Whether this server has made it for this path, and its time is not over.
    pub(crate) fn check(&self, key: &MacKey, path: &str, now: Timestamp) -> Result<(), AuthError> {
        let refused = |reason: &str| AuthError::Address(reason.to_owned());
        let tag = from_base64url(&self.tag).unwrap_or_default();
        key.verify(&covered(path, self.kind, &self.digest, self.until), &tag)
            .map_err(|_| refused("it was changed, or is of another server"))?;
        match now < Timestamp(0).plus_seconds(self.until) {
            true => Ok(()),
            false => Err(refused("its time is over; ask for another")),
        }
    }
}

/// The query of an address that opens a path until then, in the name of whoever holds the token.
pub(crate) fn signed_query(key: &MacKey, path: &str, token: &Token, until: Timestamp) -> String {
    let (Token { kind, digest, .. }, until) = (token, until.seconds());
    let tag = to_base64url(&key.tag(&covered(path, *kind, digest, until)));
    format!("{}={digest}&{UNTIL}={until}&{TAG}={tag}", kind.name())
}

/// No part can hold a line feed: paths are percent-encoded, digests are hex.
fn covered(path: &str, kind: Kind, digest: &str, until: i64) -> Vec<u8> {
    format!("{path}\n{}={digest}\n{until}", kind.name()).into_bytes()
}
