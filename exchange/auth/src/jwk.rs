use catalog_core::Timestamp;
use catalog_core::ports::{KeyOwner, KeyRecord};
use exchange_crypto::{PublicKey, from_base64url, to_base64url};
use serde::{Deserialize, Serialize};

use crate::AuthError;

/// An Ed25519 public key as a JSON Web Key (RFC 7517, RFC 8037), with its period of validity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The 32 bytes, base64url.
    pub x: String,
    /// Key id: the thumbprint (RFC 7638).
    pub kid: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// First second of validity, since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// End of validity in seconds since 1970, excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
}

impl Jwk {
    /// The document of a public key without a period.
    pub fn of(key: &PublicKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: to_base64url(key.as_bytes()),
            kid: key.id(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            nbf: None,
            exp: None,
        }
    }

    /// The document of a registered key, with its period.
    pub fn of_record(record: &KeyRecord) -> Result<Self, AuthError> {
        let key = public_key(record)?;
        // The last second counts whole: what the key signed within it stays provable.
        let exp = record.valid_until.map(|end| Timestamp(end.0.saturating_add(999_999)).seconds());
        Ok(Self { nbf: Some(record.valid_from.seconds()), exp, ..Self::of(&key) })
    }

    /// The key itself. Refuses other kinds of keys, and a `kid` that is not the key's thumbprint.
    pub fn public_key(&self) -> Result<PublicKey, AuthError> {
        let malformed = |reason: &str| AuthError::malformed("jwk", reason);
        if self.kty != "OKP" || self.crv != "Ed25519" {
            return Err(malformed("only OKP keys on the curve Ed25519 are used here"));
        }
        let key = PublicKey::from_bytes(&from_base64url(&self.x)?)?;
        if key.id() != self.kid {
            return Err(malformed("`kid` must be the key's thumbprint (RFC 7638)"));
        }
        Ok(key)
    }

    /// Whether a signature made at `at` may come from this key.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.nbf.is_none_or(|start| start <= at.seconds()) && self.exp.is_none_or(|end| at.seconds() < end)
    }
}

/// The platform's keys, present and past: what `/.well-known/jwks.json` serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, oldest first.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// The platform's keys among all registered ones. Retired ones stay, so that old answers verify.
    pub fn of_platform(records: &[KeyRecord]) -> Result<Self, AuthError> {
        let platform = records.iter().filter(|record| record.owner == KeyOwner::Platform);
        Ok(Self { keys: platform.map(Jwk::of_record).collect::<Result<_, _>>()? })
    }

    /// The key of that id, if it was valid at the time.
    pub fn key_at(&self, id: &str, at: Timestamp) -> Option<PublicKey> {
        let jwk = self.keys.iter().find(|jwk| jwk.kid == id && jwk.is_valid_at(at))?;
        jwk.public_key().ok()
    }
}

/// The public key of a record.
pub(crate) fn public_key(record: &KeyRecord) -> Result<PublicKey, AuthError> {
    Ok(PublicKey::from_bytes(&from_base64url(&record.public_key)?)?)
}
