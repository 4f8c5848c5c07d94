//! How people sign in, from the configuration.

use std::path::Path;
use std::sync::Arc;

use catalog_core::ports::{AccountStore, Mailer};
use catalog_core::{Error, ErrorCode, Result};
use exchange_auth::{Cookies, Sessions};
use openapi_http::{MailFolder, Oidc, OidcSettings, SignIn, SignInParts};

use crate::config::Config;
use crate::folder::{Folder, secret_text};
use crate::mail::OUTBOX;

/// The variable with our secret at the identity provider, where no file has it.
const SECRET: &str = "SHUQIAO_OIDC_SECRET";

/// Where sessions are kept, and how long they last.
pub(crate) fn sessions(config: &Config, store: Arc<dyn AccountStore>, encrypted: bool) -> Sessions {
    Sessions {
        store,
        idle_seconds: i64::from(config.sign_in.idle_minutes) * 60,
        life_seconds: i64::from(config.sign_in.hours) * 3600,
        cookies: Cookies { encrypted },
    }
}

/// What signing in needs.
pub(crate) fn parts(folder: &Folder, config: &Config) -> Result<SignIn> {
    let key = folder.secret("accounts.key")?;
    let oidc = oidc(folder.root(), config)?;
    Ok(SignIn::new(SignInParts { key, mailer: mailer(folder.root(), config)?, oidc }))
}

/// The identity provider; asks it nothing yet.
pub(crate) fn oidc(root: &Path, config: &Config) -> Result<Option<Oidc>> {
    let Some(oidc) = &config.sign_in.oidc else { return Ok(None) };
    if !oidc.scopes.split(' ').any(|scope| scope == "openid") {
        let message = "sign_in.oidc.scopes must contain openid";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let client_secret = secret_text(root, oidc.client_secret_file.as_deref(), SECRET)?;
    Oidc::new(OidcSettings {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret,
        claim: oidc.claim.clone(),
        scopes: oidc.scopes.clone(),
        developers: oidc.developers,
    })
    .map(Some)
}

/// Where letters go.
pub(crate) fn mailer(root: &Path, config: &Config) -> Result<Option<Arc<dyn Mailer>>> {
    let Some(from) = &config.mail.from else { return Ok(None) };
    let folder = MailFolder::open(&root.join(OUTBOX), from)?;
    Ok(Some(Arc::new(folder)))
}
