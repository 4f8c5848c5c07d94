use std::path::PathBuf;

use catalog_core::{Error, ErrorCode, Timestamp};
use exchange_crypto::CryptoError;

/// Why an identity was not accepted, or a key could not be used.
///
/// The messages are for the caller: they name what to change and never hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// A header field that is not what its standard says.
    #[error("the field `{field}` is not valid: {reason}")]
    Malformed {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A header field beyond the stated size.
    #[error("the field `{field}` is longer than {limit} bytes")]
    TooLarge {
        /// Name of the field.
        field: String,
        /// Most bytes accepted.
        limit: usize,
    },
    /// The signature does not cover something that it must.
    #[error("the signature must cover {0}")]
    NotCovered(String),
    /// A signature parameter that must stand there does not.
    #[error("the signature parameter `{0}` is missing")]
    MissingParameter(&'static str),
    /// A covered component that the message does not have, or of a kind not read here.
    #[error("the covered component {component} {reason}")]
    Component {
        /// The component as the signature names it.
        component: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No key of that id.
    #[error("no key `{0}` is registered: register the public key, then sign with its id as `keyid`")]
    UnknownKey(String),
    /// A key outside its period, or of someone who may not use it here.
    #[error("the key `{id}` may not be used: {reason}")]
    KeyNotUsable {
        /// Key id.
        id: String,
        /// Why.
        reason: String,
    },
    /// The signature does not match the message.
    #[error("the signature does not match; it was checked for @method {method} and @target-uri {target_uri}")]
    WrongSignature {
        /// Method it was checked for.
        method: String,
        /// Address it was checked for.
        target_uri: String,
    },
    /// The body is not the one whose digest was signed.
    #[error("the body does not match the signed content-digest")]
    WrongBody,
    /// The signature's time is outside the window.
    #[error(
        "the signature was made at {signed_at}, the clock here says {now}: they may differ by {window} seconds"
    )]
    ClockSkew {
        /// Time that the signature states.
        signed_at: Timestamp,
        /// Time here.
        now: Timestamp,
        /// Seconds accepted.
        window: i64,
    },
    /// The nonce was used before.
    #[error("this signature was used before: make a new one with a new nonce for each request")]
    Replayed,
    /// A bearer ticket that is unknown, over, revoked or for another door.
    #[error("the ticket is not accepted: {0}")]
    Ticket(String),
    /// A developer key that is unknown, over or revoked, or that would do more than read.
    #[error("the developer key is not accepted: {0}")]
    ApiKey(String),
    /// An address that stands for a bearer token, where it was changed, is over, or its token is.
    #[error("the address is not accepted: {0}")]
    Address(String),
    /// The cookie of a session that is unknown or over.
    #[error("the session is not accepted: {0}")]
    Session(&'static str),
    /// A request with a session's cookie that a page of another site has sent.
    #[error(
        "with a session, only pages of this server change anything: send `origin` with its address, or sign the request"
    )]
    ForeignSite,
    /// What an identity provider has said, where it can't be believed.
    #[error("the identity provider's answer is not accepted: {0}")]
    Oidc(String),
    /// A one-time code that is wrong, used or over.
    #[error("the one-time code is not accepted: {0}")]
    OneTimeCode(String),
    /// A key file that can't be used.
    #[error("{}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Bytes that are no key, or no randomness.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
}

impl AuthError {
    pub(crate) fn malformed(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { field, reason: reason.into() }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Malformed { field, .. } => match *field {
                "signature" | "signature-input" | "content-digest" | "repr-digest" => {
                    ErrorCode::SignatureInvalid
                }
                "authorization" | "x-api-key" => ErrorCode::Unauthenticated,
                _ => ErrorCode::InvalidInput,
            },
            Self::NotCovered(_)
            | Self::MissingParameter(_)
            | Self::Component { .. }
            | Self::WrongSignature { .. }
            | Self::WrongBody => ErrorCode::SignatureInvalid,
            Self::UnknownKey(_)
            | Self::KeyNotUsable { .. }
            | Self::Ticket(_)
            | Self::ApiKey(_)
            | Self::Session(_)
            | Self::Oidc(_)
            | Self::OneTimeCode(_) => ErrorCode::Unauthenticated,
            Self::ForeignSite | Self::Address(_) => ErrorCode::Forbidden,
            Self::ClockSkew { .. } => ErrorCode::ClockSkew,
            Self::Replayed => ErrorCode::Replayed,
            Self::KeyFile { .. } => ErrorCode::InvalidInput,
            Self::Crypto(_) => ErrorCode::Internal,
            Self::Store(error) => error.code,
        }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error,
            AuthError::Crypto(error) => Self::internal(error),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}
