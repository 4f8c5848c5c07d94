//! `[sign_in]` and `[mail]`.

use std::path::PathBuf;

use catalog_core::{Error, ErrorCode, Result};
use openapi_http::SUBJECT;
use serde::Deserialize;

/// How people sign in at a browser.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignIn {
    /// Minutes without use after which a session is over.
    pub(crate) idle_minutes: u32,
    /// Hours after which it is over in any case.
    pub(crate) hours: u32,
    /// The identity provider, if there is one.
    pub(crate) oidc: Option<Oidc>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { idle_minutes: 30, hours: 12, oidc: None }
    }
}

impl SignIn {
    /// Refuses sessions that no one could use, or that hardly end.
    pub(super) fn check(&self) -> Result<()> {
        let message = match (self.idle_minutes, self.hours) {
            (1..=1440, 1..=168) => return Ok(()),
            (1..=1440, _) => "sign_in.hours is 1 to 168, a week",
            _ => "sign_in.idle_minutes is 1 to 1440, a day",
        };
        Err(Error::new(ErrorCode::InvalidInput, message))
    }
}

/// An identity provider (OpenID Connect).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    /// Its identifier.
    pub(crate) issuer: String,
    /// Our name there.
    pub(crate) client_id: String,
    /// The file with our secret there, below the data folder.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// The claim that holds a person's login name.
    #[serde(default = "claim")]
    pub(crate) claim: String,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub(crate) scopes: String,
    /// Whether whoever is unknown here becomes a developer.
    #[serde(default)]
    pub(crate) developers: bool,
}

fn claim() -> String {
    SUBJECT.to_owned()
}

fn scopes() -> String {
    "openid profile".to_owned()
}

/// Letters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    /// Their sender; none are written without one.
    pub(crate) from: Option<String>,
    /// The mail server that takes them; without one they stay in the outbox.
    pub(crate) smtp: Option<String>,
    /// Our login name there.
    pub(crate) user: Option<String>,
    /// The file with our password there, below the data folder.
    pub(crate) password_file: Option<PathBuf>,
    /// Certificates of authorities (PEM) that are trusted beside those of the system, below the data folder.
    pub(crate) authority: Option<PathBuf>,
}
