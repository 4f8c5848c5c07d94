//! Addresses that stand for a ticket: each opens one path for its holder, for a short while.

use catalog_core::Timestamp;
use catalog_core::ports::Ticket;
use exchange_crypto::{MacKey, from_base64url, to_base64url};
use http::Uri;

use crate::AuthError;

/// Names the ticket, by the digest of its token: it is known to nobody but the store, and opens nothing.
const TICKET: &str = "shuqiao-ticket";
/// The second from which on the address is over.
const UNTIL: &str = "shuqiao-until";
/// The tag over path, ticket and end. Delta's kernel reads files over HTTP only where it sees a name that it knows, and of those
/// it knows this is the most common.
const TAG: &str = "X-Amz-Signature";

/// What an address says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedAddress {
    /// Digest of the ticket's token.
    pub(crate) ticket: String,
    until: i64,
    tag: String,
}

impl SignedAddress {
    /// Reads an address that names a ticket; of others nothing is said.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        let ticket = value(TICKET)?;
        let until = value(UNTIL).and_then(|until| until.parse().ok()).unwrap_or_default();
        Some(Self { ticket, until, tag: value(TAG).unwrap_or_default() })
    }

    /// Whether this server has made it for this path, and its time is not over.
    pub(crate) fn check(&self, key: &MacKey, path: &str, now: Timestamp) -> Result<(), AuthError> {
        let refused = |reason: &str| AuthError::Address(reason.to_owned());
        let tag = from_base64url(&self.tag).unwrap_or_default();
        key.verify(&covered(path, &self.ticket, self.until), &tag)
            .map_err(|_| refused("it was changed, or is of another server"))?;
        match now < Timestamp(0).plus_seconds(self.until) {
            true => Ok(()),
            false => Err(refused("its time is over; ask for another")),
        }
    }
}

/// The query of an address that opens a path until then, in the name of whoever holds the ticket.
pub(crate) fn signed_query(key: &MacKey, path: &str, ticket: &Ticket, until: Timestamp) -> String {
    let (ticket, until) = (&ticket.token_digest, until.seconds());
    let tag = to_base64url(&key.tag(&covered(path, ticket, until)));
    format!("{TICKET}={ticket}&{UNTIL}={until}&{TAG}={tag}")
}

/// No part can hold a line feed: paths are percent-encoded, digests are hex.
fn covered(path: &str, ticket: &str, until: i64) -> Vec<u8> {
    format!("{path}\n{ticket}\n{until}").into_bytes()
}
