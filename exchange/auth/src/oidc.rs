use catalog_core::{Error, Timestamp};
use exchange_crypto::{Digest, ForeignKey, MacKey, SealingKey, from_base64url, random, to_base64url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AuthError, encode_assertion};

/// Seconds by which an identity provider's clock and ours may differ.
const SKEW_SECONDS: i64 = 60;
/// Seconds that a person has at the identity provider.
const PENDING_SECONDS: i64 = 600;
/// Bytes of the longest ID token.
const LONGEST_TOKEN: usize = 64 << 10;

/// This platform as a client of an identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcClient {
    /// The provider's identifier, exactly as it writes it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// The address to which it sends people back.
    pub redirect_uri: String,
    /// What is asked for, with spaces between: `openid profile`.
    pub scopes: String,
}

/// What a provider publishes of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, Deserialize)]
pub struct Provider {
    /// Its identifier.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Where its public keys are.
    pub jwks_uri: String,
}

/// One redirect to the provider, as it waits, sealed, in the browser's cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// Comes back in the address.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves that the code is ours (RFC 7636).
    pub verifier: String,
    /// The path of ours to which the person returns.
    pub path: String,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// Who an ID token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person's identity at the provider, never given to another.
    pub subject: String,
    /// All claims.
    pub claims: Value,
}

impl Identity {
    /// A claim that names a person. An address counts only where the provider has seen that it is theirs.
    pub fn claim(&self, name: &str) -> Option<&str> {
        let is_believed = name != "email" || self.claims["email_verified"] == Value::Bool(true);
        self.claims[name].as_str().filter(|_| is_believed)
    }
}

impl PendingSignIn {
    /// A new one, which returns to `path`.
    ///
    /// # Errors
    /// `invalid_input` for anything but a path of this server: nobody is sent elsewhere by us.
    pub fn begin(path: &str, now: Timestamp) -> Result<Self, AuthError> {
        let is_path = path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= 1024
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !is_path {
            return Err(AuthError::malformed("return", "it must be a path of this server, such as `/`"));
        }
        Ok(Self {
            state: random::token()?,
            nonce: random::token()?,
            verifier: random::token()?,
            path: path.to_owned(),
            expires_at: now.plus_seconds(PENDING_SECONDS),
        })
    }

    /// Seals it for the cookie.
    pub fn seal(&self, key: &MacKey) -> Result<String, AuthError> {
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(to_base64url(&sealing(key)?.seal(b"sign-in", &text)?))
    }

    /// Opens the cookie of whoever comes back with this state.
    pub fn open(key: &MacKey, cookie: &str, state: &str, now: Timestamp) -> Result<Self, AuthError> {
        let refused = |reason: &str| AuthError::Oidc(format!("{reason}: begin again"));
        let pending: Self = from_base64url(cookie)
            .ok()
            .and_then(|sealed| sealing(key).ok()?.open(b"sign-in", &sealed).ok())
            .and_then(|text| serde_json::from_slice(&text).ok())
            .ok_or_else(|| refused("this browser has not begun to sign in"))?;
        if pending.expires_at <= now {
            return Err(refused("it took too long"));
        }
        match pending.state == state {
            true => Ok(pending),
            false => Err(refused("it belongs to another sign-in")),
        }
    }
}

impl OidcClient {
    /// Where a person signs in.
    pub fn authorization_url(&self, provider: &Provider, pending: &PendingSignIn) -> String {
        let challenge = to_base64url(Digest::of(pending.verifier.as_bytes()).as_bytes());
        let separator = if provider.authorization_endpoint.contains('?') { '&' } else { '?' };
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scopes),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        format!("{}{separator}{query}", provider.authorization_endpoint)
    }

    /// The form by which a code is exchanged for an ID token.
    pub fn token_form(&self, code: &str, pending: &PendingSignIn) -> String {
        form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.client_id),
            ("code_verifier", &pending.verifier),
        ])
    }

    /// The value of `authorization` that proves us to the provider (RFC 6749 section 2.3.1).
    pub fn basic(&self, secret: &str) -> String {
        let text = format!("{}:{}", encode_assertion(&self.client_id), encode_assertion(secret));
        format!("Basic {}", exchange_crypto::to_base64(text.as_bytes()))
    }

    /// Reads an ID token (OpenID Connect Core 1.0 section 3.1.3.7): signed by a key of the provider's, made by this issuer for
    /// us alone, now, and for this very sign-in.
    pub fn check_id_token(
        &self,
        token: &str,
        keys: &Value,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        let refused = |reason: &str| AuthError::Oidc(reason.to_owned());
        let claims = verified_claims(token, keys)?;
        if claims["iss"] != self.issuer.as_str() {
            return Err(refused("its ID token is of another issuer"));
        }
        let audience = match &claims["aud"] {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let is_ours = audience.iter().any(|one| *one == self.client_id.as_str());
        let is_shared = audience.len() > 1 || !claims["azp"].is_null();
        if !is_ours || (is_shared && claims["azp"] != self.client_id.as_str()) {
            return Err(refused("its ID token is for another client"));
        }
        let seconds = |name: &str| claims[name].as_f64().map(|seconds| seconds as i64);
        let (Some(end), Some(made)) = (seconds("exp"), seconds("iat")) else {
            return Err(refused("its ID token does not say when it was made and when it ends"));
        };
        if end.saturating_add(SKEW_SECONDS) <= now.seconds() || made > now.seconds() + SKEW_SECONDS {
            return Err(refused("its ID token is over, or not valid yet: compare the clocks"));
        }
        if claims["nonce"] != nonce {
            return Err(refused("its ID token is of another sign-in"));
        }
        let subject = claims["sub"].as_str().filter(|subject| (1..=255).contains(&subject.len()));
        let subject = subject.ok_or_else(|| refused("its ID token names nobody"))?.to_owned();
        Ok(Identity { subject, claims })
    }
}

/// The claims of a JWS in the compact form (RFC 7515) that one of the keys has signed.
fn verified_claims(token: &str, keys: &Value) -> Result<Value, AuthError> {
    let refused = |reason: &str| AuthError::Oidc(reason.to_owned());
    let malformed = || refused("its ID token is no JWT");
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts[..] else { return Err(malformed()) };
    if token.len() > LONGEST_TOKEN {
        return Err(malformed());
    }
    let decode = |part: &str| from_base64url(part).map_err(|_| malformed());
    let document = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|_| malformed());
    let (head, claims, signature) = (document(head)?, document(body)?, decode(signature)?);
    let algorithm = head["alg"].as_str().ok_or_else(malformed)?;
    if !head["crit"].is_null() {
        return Err(refused("its ID token demands extensions"));
    }
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    let all = keys["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |key: &&Value| head["kid"].is_null() || key["kid"] == head["kid"];
    let usable = |key: &&Value| key["use"].is_null() || key["use"] == "sig";
    let fits = |key: &&Value| key["alg"].is_null() || key["alg"] == algorithm;
    let verifies = |key: &Value| {
        foreign_key(key).is_some_and(|key| key.verify(algorithm, signed.as_bytes(), &signature).is_ok())
    };
    match all.iter().filter(named).filter(usable).filter(fits).any(verifies) {
        true => Ok(claims),
        false => Err(refused("no key of the provider has signed its ID token")),
    }
}

/// A public key in JWK (RFC 7517); `None` for kinds that are not read here, shared secrets among them.
fn foreign_key(key: &Value) -> Option<ForeignKey> {
    let bytes = |name: &str| from_base64url(key[name].as_str()?).ok();
    match (key["kty"].as_str()?, key["crv"].as_str()) {
        ("RSA", _) => Some(ForeignKey::Rsa { n: bytes("n")?, e: bytes("e")? }),
        ("EC", Some("P-256")) => Some(ForeignKey::P256([vec![4], bytes("x")?, bytes("y")?].concat())),
        ("OKP", Some("Ed25519")) => Some(ForeignKey::Ed25519(bytes("x")?)),
        _ => None,
    }
}

fn sealing(key: &MacKey) -> Result<SealingKey, AuthError> {
    Ok(SealingKey::from_bytes(&key.tag(b"sign-in cookie"))?)
}

/// `application/x-www-form-urlencoded`, with more encoded than must be.
fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{name}={}", encode_assertion(value))).collect();
    pairs.join("&")
}
