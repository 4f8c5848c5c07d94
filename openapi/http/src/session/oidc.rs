//! Signing in at an identity provider: OpenID Connect, authorization code flow with PKCE.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::account::{DEVELOPER_PREFIX, SignedInBy};
use catalog_core::ports::Person;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use exchange_auth::{Identity, OidcClient, PendingSignIn, Provider};
use exchange_crypto::Digest;
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;
use crate::sign_in::{self, only_confidential, with_cookies};
use crate::wire::Wire;

/// Path to which the provider sends people back.
const CALLBACK: &str = "/api/v1/session/oidc/callback";
/// The claim that a provider gives to one person and never again.
pub const SUBJECT: &str = "sub";
/// Purpose in the name of the cookie of a sign-in under way.
const COOKIE: &str = "-oidc";
/// Seconds for which it is kept.
const COOKIE_SECONDS: u32 = 600;
/// Bytes of an answer of the provider.
const ANSWER_BYTES: usize = 1 << 20;
/// The longest wait for one.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Seconds for which what the provider publishes is kept.
const KEPT_SECONDS: i64 = 300;
/// Requests to it at the same time.
const AT_ONCE: usize = 8;

/// The configuration of an identity provider.
#[derive(Clone)]
pub struct OidcSettings {
    /// Its identifier, as it writes it itself; `/.well-known/openid-configuration` lies below.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: Option<String>,
    /// The claim that holds a person's login name: [`SUBJECT`], or another that nobody there chooses or changes.
    pub claim: String,
    /// What is asked for, with spaces between.
    pub scopes: String,
    /// Whether people whom nobody knows here become developers.
    pub developers: bool,
}

/// An identity provider, and the way to it.
pub struct Oidc {
    settings: OidcSettings,
    http: reqwest::Client,
    known: Mutex<Option<(Timestamp, Arc<Published>)>>,
    at_once: Semaphore,
}

/// What the provider publishes.
struct Published {
    provider: Provider,
    keys: Value,
}

impl Oidc {
    /// A provider by its configuration.
    ///
    /// # Errors
    /// `invalid_input` for an issuer that is neither https nor on this machine, and where strangers may come who could call
    /// themselves what an official here is called: no claim but `sub` is a provider's word for one person (OpenID Connect
    /// Core 1.0, section 5.7).
    pub fn new(settings: OidcSettings) -> Result<Self> {
        same_host(&settings.issuer, &settings.issuer)?;
        names_one_person(&settings.claim, settings.developers)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIME)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { settings, http, known: Mutex::default(), at_once: Semaphore::new(AT_ONCE) })
    }

    fn client(&self, app: &App) -> OidcClient {
        OidcClient {
            issuer: self.settings.issuer.clone(),
            client_id: self.settings.client_id.clone(),
            redirect_uri: app.authenticator.target_uri(&Uri::from_static(CALLBACK)),
            scopes: self.settings.scopes.clone(),
        }
    }

    /// What the provider publishes; kept for some minutes, so that strangers can't make us ask it again and again.
    async fn published(&self, now: Timestamp) -> Result<Arc<Published>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, published)) = known
            && at <= now
            && now < at.plus_seconds(KEPT_SECONDS)
        {
            return Ok(published);
        }
        let issuer = &self.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let provider: Provider = serde_json::from_value(self.get(&address).await?).map_err(unusable)?;
        if provider.issuer != *issuer {
            return Err(unusable(format!("it calls itself {}", provider.issuer)));
        }
        for address in [&provider.authorization_endpoint, &provider.token_endpoint, &provider.jwks_uri] {
            same_host(issuer, address)?;
        }
        let keys = self.get(&provider.jwks_uri).await?;
        let published = Arc::new(Published { provider, keys });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&published)));
        Ok(published)
    }

    /// Forgets what the provider published: it may have changed its keys.
    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn get(&self, address: &str) -> Result<Value> {
        self.ask(self.http.get(address)).await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let _place = self.at_once.acquire().await.map_err(Error::internal)?;
        let response = request.header(header::ACCEPT, "application/json").send().await;
        // Without its address: that of a token request is no secret, but a rule without exceptions is simpler.
        let response = response.map_err(|error| unusable(error.without_url()))?;
        let status = response.status();
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(|error| unusable(error.without_url()))?);
            if body.len() > ANSWER_BYTES {
                return Err(unusable("its answer is too large"));
            }
        }
        if status.is_client_error() {
            let error = serde_json::from_slice::<Value>(&body).ok();
            let error = error.and_then(|body| {
                body["error"].as_str().map(|code| code.chars().take(60).collect::<String>())
            });
            let message = "the identity provider has refused the sign-in: begin again";
            let error = error.unwrap_or_else(|| status.to_string());
            return Err(Error::new(ErrorCode::Unauthenticated, message).with_internal(error));
        }
        if !status.is_success() {
            return Err(unusable(status));
        }
        serde_json::from_slice(&body).map_err(unusable)
    }

    /// Exchanges a code, and reads who it is.
    async fn identify(
        &self,
        app: &App,
        code: &str,
        pending: &PendingSignIn,
        now: Timestamp,
    ) -> Result<Identity> {
        let client = self.client(app);
        let published = self.published(now).await?;
        let mut request = self
            .http
            .post(&published.provider.token_endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(client.token_form(code, pending));
        if let Some(secret) = &self.settings.client_secret {
            request = request.header(header::AUTHORIZATION, client.basic(secret));
        }
        let answer = self.ask(request).await?;
        let token = answer["id_token"].as_str().ok_or_else(|| unusable("it gave no ID token"))?;
        let checked = client.check_id_token(token, &published.keys, &pending.nonce, now);
        if checked.is_err() {
            self.forget();
        }
        checked.map_err(Error::from)
    }
}

fn names_one_person(claim: &str, developers: bool) -> Result<()> {
    if !developers || claim == SUBJECT {
        return Ok(());
    }
    let message = format!(
        "sign_in.oidc.developers lets strangers in, and `{claim}` may be a name that they choose: leave \
         sign_in.oidc.claim at `sub`, or developers at false"
    );
    Err(Error::new(ErrorCode::InvalidInput, message))
}

fn unusable(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Unavailable, "the identity provider can't be used now; try again later")
        .with_internal(cause)
}

/// Outbound requests go only to the configured issuer: the same host and port, over TLS unless it is this machine.
fn same_host(issuer: &str, address: &str) -> Result<()> {
    let parse = |text: &str| text.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let (Some(issuer), Some(address)) = (parse(issuer), parse(address)) else {
        return Err(Error::new(ErrorCode::InvalidInput, "an identity provider has an address with a host"));
    };
    let is_local = matches!(address.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_safe = address.scheme_str() == Some("https") || (address.scheme_str() == Some("http") && is_local);
    match is_safe && issuer.authority() == address.authority() && issuer.scheme() == address.scheme() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::InvalidInput,
            "an identity provider answers over https, at one host, that of its issuer",
        )),
    }
}

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(begin_oidc)).routes(routes!(end_oidc))
}

/// Where to return to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Going {
    /// A path of this server; `/` without it.
    #[serde(default, rename = "return")]
    path: Option<String>,
}

/// What the provider sends people back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Coming {
    /// The code.
    #[serde(default)]
    code: Option<String>,
    /// The state that we sent.
    #[serde(default)]
    state: Option<String>,
    /// Who the provider says it is (RFC 9207).
    #[serde(default)]
    iss: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    error: Option<String>,
}

/// Sign in at the identity provider 统一身份认证: a redirect there
#[utoipa::path(get, path = "/api/v1/session/oidc", tag = "session", params(Going),
    responses((status = 303, description = "Go there")))]
async fn begin_oidc(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Params(Going { path }): Params<Going>,
) -> Result<Response, Refusal> {
    only_confidential(wire.confidential)?;
    let oidc = oidc(&app)?;
    let pending = PendingSignIn::begin(path.as_deref().unwrap_or("/"), ctx.now)?;
    let published = oidc.published(ctx.now).await?;
    let address = oidc.client(&app).authorization_url(&published.provider, &pending);
    let sealed = pending.seal(&app.sign_in.parts.key)?;
    let cookie = sign_in::sessions(&app)?.cookies.short(COOKIE, &sealed, COOKIE_SECONDS);
    with_cookies((StatusCode::SEE_OTHER, [(header::LOCATION, address)]), &[cookie])
}

/// Come back from the identity provider
#[utoipa::path(get, path = "/api/v1/session/oidc/callback", tag = "session", params(Coming),
    responses((status = 303, description = "Signed in; the cookie is set")))]
async fn end_oidc(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    headers: HeaderMap,
    Params(Coming { code, state, iss, error }): Params<Coming>,
) -> Result<Response, Refusal> {
    only_confidential(wire.confidential)?;
    let oidc = oidc(&app)?;
    let refused = |reason: &str| Error::new(ErrorCode::Unauthenticated, reason);
    let cookies = sign_in::sessions(&app)?.cookies;
    let cookie =
        cookies.find(&headers, COOKIE).ok_or_else(|| refused("this browser has not begun to sign in"))?;
    let state = state.unwrap_or_default();
    let pending = PendingSignIn::open(&app.sign_in.parts.key, cookie, &state, ctx.now)?;
    // From here on this state is used up, whatever becomes of it.
    if !app.services.use_sign_in_state(&ctx, &pending.state, pending.expires_at).await? {
        return Err(refused("this sign-in was used before: begin again").into());
    }
    if iss.is_some_and(|iss| iss != oidc.settings.issuer) {
        return Err(refused("the answer is of another identity provider: begin again").into());
    }
    if error.is_some() {
        return Err(refused("the identity provider has refused the sign-in").into());
    }
    let code = code.ok_or_else(|| refused("the answer holds no code: begin again"))?;
    let identity = oidc.identify(&app, &code, &pending, ctx.now).await?;
    let person = person(&app, &ctx, oidc, &identity).await?;
    let [session, last] = sign_in::begin(&app, &ctx, &person, SignedInBy::Oidc, None).await?;
    let gone = cookies.short(COOKIE, "", 0);
    with_cookies((StatusCode::SEE_OTHER, [(header::LOCATION, pending.path)]), &[session, last, gone])
}

fn oidc(app: &App) -> Result<&Oidc> {
    let none = || Error::new(ErrorCode::NotFound, "this server has no identity provider");
    app.sign_in.parts.oidc.as_ref().ok_or_else(none)
}

/// The person of an identity: by the claim that names them here, else the developer of that subject.
async fn person(app: &App, ctx: &OpContext, oidc: &Oidc, identity: &Identity) -> Result<Person> {
    let refused = || {
        let message = "nobody of that name has an active account here: ask your security administrator";
        Error::new(ErrorCode::Unauthenticated, message)
    };
    let named = identity.claim(&oidc.settings.claim).filter(|name| !name.starts_with(DEVELOPER_PREFIX));
    if let Some(person) = match named {
        Some(name) => app.services.active_person(name).await?,
        None => None,
    } {
        return Ok(person);
    }
    if !oidc.settings.developers {
        return Err(refused());
    }
    let id = developer_id(&oidc.settings.issuer, &identity.subject);
    let name = identity.claim("name").unwrap_or("开发者").chars().take(64).collect::<String>();
    match app.services.active_person(&id).await? {
        Some(person) => Ok(person),
        // A developer who was deactivated is a person still: it conflicts, and stays out.
        None => app.services.add_developer(ctx, &id, &name).await.map_err(|error| match error.code {
            ErrorCode::Conflict => refused(),
            _ => error,
        }),
    }
}

/// The login name of a developer who comes from elsewhere: always the same, and no one else's.
fn developer_id(issuer: &str, subject: &str) -> String {
    let digest = Digest::of(format!("{issuer}\n{subject}").as_bytes()).to_hex();
    format!("{DEVELOPER_PREFIX}{}", &digest[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_the_issuers_host_alone() {
        let issuer = "https://id.example.gov.cn/realm";
        same_host(issuer, "https://id.example.gov.cn/other/token").unwrap();
        for address in [
            "https://evil.example.com/token",
            "https://id.example.gov.cn.evil.example.com/token",
            "https://id.example.gov.cn:8443/token",
            "http://id.example.gov.cn/token",
            "https://169.254.169.254/token",
            "file:///etc/passwd",
            "/token",
        ] {
            assert!(same_host(issuer, address).is_err(), "{address}");
        }
        same_host("http://localhost:9400", "http://localhost:9400/token").unwrap();
        assert!(same_host("http://id.example.gov.cn", "http://id.example.gov.cn/token").is_err());
    }

    #[test]
    fn where_strangers_come_a_name_that_can_be_chosen_names_nobody() {
        for claim in ["preferred_username", "email", "name", ""] {
            assert_eq!(names_one_person(claim, true).unwrap_err().code, ErrorCode::InvalidInput, "{claim}");
            names_one_person(claim, false).unwrap();
        }
        names_one_person(SUBJECT, true).unwrap();
    }

    #[test]
    fn developers_from_elsewhere_have_names_of_their_own() {
        let id = developer_id("https://a", "1");
        assert!(id.starts_with(DEVELOPER_PREFIX) && id.len() == 28);
        assert_eq!(id, developer_id("https://a", "1"));
        assert_ne!(id, developer_id("https://b", "1"));
        assert_ne!(id, developer_id("https://a", "2"));
    }
}
