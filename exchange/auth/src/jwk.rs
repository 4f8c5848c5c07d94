use catalog_core::Timestamp;
use catalog_core::ports::{KeyOwner, KeyRecord};
use exchange_crypto::{PublicKey, Suite, from_base64url, to_base64url};
use serde::{Deserialize, Serialize};

use crate::AuthError;

/// A public key as a JSON Web Key (RFC 7517), with its period of validity: an Ed25519 key as in RFC 8037, an SM2 key with a
/// curve and an algorithm of names that nobody registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`, of SM2 `EC`.
    pub kty: String,
    /// `Ed25519` or `SM2`.
    pub crv: String,
    /// 32 bytes, base64url: the Ed25519 key, or a coordinate of the SM2 point.
    pub x: String,
    /// The point's other coordinate; Ed25519 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Key id: the thumbprint (RFC 7638).
    pub kid: String,
    /// `EdDSA` or `SM2SM3`.
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
        let (kty, crv) = match key.suite() {
            Suite::Ed25519 => ("OKP", "Ed25519"),
            Suite::Sm2 => ("EC", "SM2"),
        };
        let (x, y) = key.coordinates();
        Self {
            kty: kty.to_owned(),
            crv: crv.to_owned(),
            x: to_base64url(x),
            y: y.map(to_base64url),
            kid: key.id(),
            alg: key.suite().jose_algorithm().to_owned(),
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

    /// The key itself. Refuses other kinds of keys, a `kid` that is not the key's thumbprint, and a key that states the
    /// kind or algorithm of another suite.
    pub fn public_key(&self) -> Result<PublicKey, AuthError> {
        let y = self.y.as_deref().map(from_base64url).transpose()?;
        let key = PublicKey::from_coordinates(&from_base64url(&self.x)?, y.as_deref())?;
        if *self != (Self { nbf: self.nbf, exp: self.exp, ..Self::of(&key) }) {
            let reason = "only keys OKP Ed25519 EdDSA and EC SM2 SM2SM3 are used here, with the thumbprint (RFC 7638) as `kid`";
            return Err(AuthError::malformed("jwk", reason));
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
