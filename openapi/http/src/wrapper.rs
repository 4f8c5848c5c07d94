//! The one wrapper around every operation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use catalog_core::context::PrincipalKind;
use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::Durable;
use catalog_core::{Channel, Error, ErrorCode, Fault, OpContext, Principal};
use exchange_auth::{
    Arrival, AuthError, Caller, Presented, Proof, RECEIPT_FIELD, RequestBinding, public_context,
    sign_response,
};
use exchange_crypto::Digest;
use futures::FutureExt;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use openapi_contract::header::REQUEST_ID;
use uuid::Uuid;

use crate::access_log::{self, Line};
use crate::app::{App, HttpLimits};
use crate::ckan;
use crate::contributions;
use crate::delta;
use crate::evidence::{self, Asked, Attempt, Sealed};
use crate::materials::tus;
use crate::matters;
use crate::meter::{self, Standing};
use crate::organisation;
use crate::patience;
use crate::payload::{self, Content, MESSAGE_TIME, Payload, SHEET_TIME};
use crate::portal;
use crate::problem::Refusal;
use crate::public;
use crate::queries;
use crate::records;
use crate::replay::Awaited;
use crate::subscriptions;
use crate::uploads::{SAMPLE, SAMPLE_BYTES};
use crate::verifications;
use crate::wire::Wire;

/// Proves who calls, bounds and reads the body, runs the operation, leaves evidence, and signs the answer.
pub(crate) async fn wrap(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let presented = Presented::of(&parts.headers);
    let binding = app.authenticator.binding(&parts, &presented);
    let proven = parts.extensions.get::<OpContext>();
    let request_id = proven.map_or_else(|| Uuid::now_v7().to_string(), |ctx| ctx.request_id.clone());
    let mut body = body.into_data_stream();
    let mut line = Line::of(&parts, request_id.clone(), app.now());
    let path = parts.uri.path().to_owned();
    let mut reader = portal::Reader::of(&parts);
    let (mut standing, mut nonce) = (None, None);
    let mut unsent = portal::Unsent::of(&app, &parts);
    let told = (&mut unsent, &mut reader);
    let proof = (&presented, &mut nonce);
    let serving = serve(&app, &mut line, &mut standing, told, proof, (parts, &mut body), next);
    let mut served = AssertUnwindSafe(serving).catch_unwind().await;
    if let Err(error) = used_up(nonce).await {
        // Nothing leaves that could be had again by the same signature. Evidence says more than has left then, as of an answer
        // that is lost on its way.
        served = Ok(Err(error.into()));
    }
    let served = match (served, unsent) {
        (Ok(Err(refusal)), Some(unsent)) => Ok(Err(unsent.told(&app, refusal, &mut body).await)),
        (served, _) => served,
    };
    if !matches!(served, Ok(Ok(_))) {
        payload::drain(&mut body).await;
    }
    let sealed = match served {
        Ok(Ok(sealed)) => sealed,
        Ok(Err(refusal)) => refused(&app, &path, reader.told(&app, refusal, &request_id).await, &request_id),
        Err(_) => {
            let refusal = Error::internal("a handler panicked").into();
            refused(&app, &path, reader.told(&app, refusal, &request_id).await, &request_id)
        }
    };
    let mut response = finished(&app, &binding, &request_id, sealed);
    if tus::is_here(&path) {
        tus::announce(response.headers_mut(), app.limits.material_bytes);
    }
    let response = match &standing {
        Some(standing) => standing.told(response),
        None => response,
    };
    let payers = standing.map(Standing::payers).unwrap_or_default();
    patience::within(app.limits.patience, access_log::follow(&app, line, payers, response))
}

async fn serve(
    app: &Arc<App>,
    line: &mut Line,
    standing: &mut Option<Standing>,
    (unsent, reader): (&mut Option<portal::Unsent>, &mut portal::Reader),
    (presented, nonce): (&Presented, &mut Option<Durable>),
    (mut parts, body): (Parts, &mut BodyDataStream),
    next: Next,
) -> Result<Sealed, Refusal> {
    let door = Door::of(&parts);
    // Each page asks for its looks, those too on which something is confided: their lines would tell who came there and when.
    let is_of_any_page = portal::is_of_any_page(parts.uri.path());
    if door.is_confidential || is_of_any_page {
        line.forget_address();
    }
    let wire = Wire::of(app, &parts);
    let mut arrived = caller(app, &line.request_id, (&mut parts, presented), &door, wire).await;
    if let Ok(Whose::Arrived(caller)) = &mut arrived {
        *nonce = caller.take_nonce();
    }
    if let Ok(caller) = &arrived
        && !is_of_any_page
    {
        let who = caller.principal();
        line.principal = (who.kind != PrincipalKind::Public).then(|| who.id.clone());
        line.api_key = caller.api_key().map(str::to_owned);
    }
    if let Ok(Whose::Arrived(caller)) = &arrived {
        // From here on a refusal is told to somebody known.
        reader.who = Some(caller.principal().clone());
    }
    *standing = counted(app, &arrived, &parts, &door, wire);
    if let Some(refusal) = standing.as_ref().and_then(Standing::refusal) {
        return Err(refusal);
    }
    let caller = arrived?;
    caller.check(parts.uri.path())?;
    if let Some(action) = door.body.needs() {
        let principal = caller.principal();
        decide_action(principal, action, principal.department.as_ref()).into_permission()?;
    }
    if caller.principal().kind == PrincipalKind::Public
        && let Some(message) = door.body.is_not_for_strangers()
    {
        return Err(Error::new(ErrorCode::Unauthenticated, message).into());
    }
    let Payload { digest, content } = taken(app, &mut parts, body, &door, caller.principal()).await?;
    let ctx = match caller {
        Whose::Proven(ctx) => *ctx,
        Whose::Arrived(caller) => caller.with_body(digest.as_ref())?,
    };
    // The body may have taken its time.
    let ctx = ctx.at(app.now());
    parts.extensions.insert(wire);
    let content = match content {
        Content::Memory(bytes) => Bytes::from(bytes),
        Content::Spooled(upload) => {
            parts.extensions.insert(Arc::new(upload));
            Bytes::new()
        }
    };
    if let Some(unsent) = unsent {
        unsent.body = Some(content.clone());
    }
    let ctx = match parts.uri.path() {
        portal::SQL => portal::asserted(ctx, &content),
        _ => ctx,
    };
    parts.extensions.insert(ctx.clone());
    if !door.only_asks {
        used_up(nonce.take()).await?;
    }
    let target_uri = app.authenticator.target_uri(&parts.uri);
    let kept = if door.keeps_nothing { &[] } else { content.as_ref() };
    let asked = Asked::of(&parts.method, &target_uri, digest.as_ref(), kept)?;
    let body = Body::from(content);
    parts.extensions.insert(asked.clone());
    let attempt = Attempt::new(app, &ctx, &asked);
    let payers = standing.as_ref().map_or_else(Vec::new, |standing| standing.counted_for().to_vec());
    let mut response = meter::paid_by(payers, next.run(Request::from_parts(parts, body))).await;
    let sealed = match Refusal::found_in(&mut response) {
        Some(refusal) => Err(refusal),
        None => evidence::seal(app, &ctx, asked.clone(), response).await.map_err(Refusal::from),
    };
    let recorded = match &sealed {
        Err(refusal) => evidence::record_refusal(app, &ctx, &refusal.error, asked).await,
        Ok(_) => Ok(()),
    };
    attempt.answered();
    recorded?;
    sealed
}

/// Waits until a signature's nonce is used up whatever happens to the server.
async fn used_up(nonce: Option<Durable>) -> Result<(), Error> {
    match nonce {
        Some(durable) => durable.await,
        None => Ok(()),
    }
}

/// Takes in what the address takes, within its limit.
async fn taken(
    app: &Arc<App>,
    parts: &mut Parts,
    body: &mut BodyDataStream,
    door: &Door,
    principal: &Principal,
) -> Result<Payload, Error> {
    let HttpLimits { body_bytes, sheet_bytes, upload_bytes, material_bytes, .. } = app.limits;
    match door.body {
        Taken::Message => {
            payload::check_declared(&parts.headers, body_bytes)?;
            payload::read_to_memory(body, body_bytes, MESSAGE_TIME).await
        }
        Taken::Pairs => {
            payload::check_declared(&parts.headers, verifications::BATCH_BYTES)?;
            payload::read_to_memory(body, verifications::BATCH_BYTES, MESSAGE_TIME).await
        }
        Taken::Sheet => {
            payload::check_declared(&parts.headers, sheet_bytes)?;
            payload::read_to_memory(body, sheet_bytes, SHEET_TIME).await
        }
        Taken::File => {
            payload::check_declared(&parts.headers, upload_bytes)?;
            payload::read_to_file(body, upload_bytes, &app.spool).await
        }
        Taken::Sample => {
            payload::check_declared(&parts.headers, SAMPLE_BYTES)?;
            payload::read_to_file(body, SAMPLE_BYTES, &app.spool).await
        }
        Taken::Material => {
            payload::check_declared(&parts.headers, material_bytes)?;
            payload::read_to_file(body, material_bytes, &app.spool).await
        }
        Taken::Answer => {
            let awaited = Arc::new(Awaited::at(app, principal, parts.uri.path()).await?);
            parts.extensions.insert(Arc::clone(&awaited));
            let explained = |error| awaited.explained(error);
            payload::check_declared(&parts.headers, awaited.bytes()).map_err(explained)?;
            payload::read_to_file(body, awaited.bytes(), &app.spool).await.map_err(explained)
        }
    }
}

/// Who calls.
enum Whose {
    /// Proven in this process: the operator's command line, which calls the routes without a network.
    Proven(Box<OpContext>),
    /// Proven by the request's head; its body is still to come.
    Arrived(Box<Caller>),
}

impl Whose {
    fn principal(&self) -> &Principal {
        match self {
            Self::Proven(ctx) => &ctx.principal,
            Self::Arrived(caller) => caller.principal(),
        }
    }

    /// The developer key by which they were proven.
    fn api_key(&self) -> Option<&str> {
        match self {
            Self::Arrived(caller) => match caller.proof() {
                Proof::ApiKey { key_id } => Some(key_id),
                _ => None,
            },
            Self::Proven(_) => None,
        }
    }

    /// Refuses where the proof holds and opens nothing at this address.
    fn check(&self, path: &str) -> Result<(), Refusal> {
        if let Self::Arrived(caller) = self {
            caller.check()?;
        }
        if self.api_key().is_some() && !meter::opens_to_keys(path) {
            let message = "a developer key opens the doors of data alone: sign in instead";
            return Err(Error::new(ErrorCode::Forbidden, message).into());
        }
        Ok(())
    }
}

/// Where the caller stands after this request, if anybody like them is limited at this door. A wrong proof counts as none, and at
/// every door and method, so that nobody guesses where nothing is counted; one that could not be looked at, through no fault of
/// the caller's, does not count. OPTIONS without a proof reads nothing.
fn counted(
    app: &App,
    arrived: &Result<Whose, Refusal>,
    parts: &Parts,
    door: &Door,
    wire: Wire,
) -> Option<Standing> {
    let has_own_gate = door.is_confidential || door.signs_in;
    if has_own_gate {
        return None;
    }
    let (quotas, now) = (app.services.quotas(), app.now());
    match arrived {
        Err(refusal) if refusal.error.code.fault() == Fault::Server => None,
        Err(_) => app.meter.count_address(wire, quotas, now),
        Ok(_) if !meter::is_metered(&parts.method, parts.uri.path()) => None,
        Ok(Whose::Arrived(caller)) => app.meter.count(caller, wire, quotas, now),
        Ok(Whose::Proven(_)) => None,
    }
}

/// No request from a network carries extensions: a context in them was put there by the composition of this process.
async fn caller(
    app: &App,
    request_id: &str,
    (parts, presented): (&mut Parts, &Presented),
    door: &Door,
    wire: Wire,
) -> Result<Whose, Refusal> {
    let channel = door.channel;
    if door.is_confidential {
        return Ok(Whose::Proven(Box::new(public_context(request_id.to_owned(), channel, app.now()))));
    }
    if door.signs_in {
        if !app.authenticator.is_of_this_site(parts) {
            return Err(AuthError::ForeignSite.into());
        }
        return Ok(Whose::Proven(Box::new(public_context(request_id.to_owned(), channel, app.now()))));
    }
    if let Some(mut ctx) = parts.extensions.remove::<OpContext>() {
        ctx.channel = channel;
        return Ok(Whose::Proven(Box::new(ctx)));
    }
    // Nor has a page of another site its visitors send forms that are anyone's.
    let is_form = parts.method == Method::POST && portal::takes_anyones_forms(parts.uri.path());
    if is_form && !app.authenticator.is_of_this_site(parts) {
        return Err(AuthError::ForeignSite.into());
    }
    let confidential = wire.confidential;
    let is_ckan = ckan::action_of(parts.uri.path()).is_some();
    if is_ckan {
        ckan::take_key(parts)?;
    }
    let asks = is_ckan || records::are_looked_up(parts.uri.path());
    let arrival = Arrival { parts, presented, channel, request_id, now: app.now(), confidential, asks };
    let caller = app.authenticator.authenticate(arrival).await.map_err(|error| match &error {
        // A browser forgets what is over, and goes on as the public.
        AuthError::Session(_) => without_session(app, error),
        _ => error.into(),
    })?;
    Ok(Whose::Arrived(Box::new(caller)))
}

fn without_session(app: &App, error: AuthError) -> Refusal {
    let refusal = Refusal::from(error);
    match app.authenticator.sessions() {
        Some(sessions) => refusal.with_header(header::SET_COOKIE, sessions.cookies.no_session()),
        None => refusal,
    }
}

/// What an address says before anything is read.
struct Door {
    channel: Channel,
    body: Taken,
    /// Whether nothing is changed here, whoever asks: then the request is served while its nonce is on the way to the disk.
    only_asks: bool,
    /// Whether what is sent is confided to a department: whoever sends it is anyone, and leaves no address.
    is_confidential: bool,
    /// Whether bodies are kept nowhere but where they belong: steps name third parties too.
    keeps_nothing: bool,
    /// Whether the proof of identity is in the request itself: whoever else the caller may be plays no part, and what is
    /// sent is kept nowhere.
    signs_in: bool,
}

/// What kind of body an address takes.
enum Taken {
    /// A message, in memory.
    Message,
    /// Pairs to be verified, in memory, from somebody known.
    Pairs,
    /// A spreadsheet of the directory, in memory.
    Sheet,
    /// A file of data, in the spool.
    File,
    /// The first rows of a file of data, in the spool.
    Sample,
    /// A chunk of a material, in the spool.
    Material,
    /// An answer that was given, in the spool: no more of it than evidence says.
    Answer,
}

impl Taken {
    /// What the caller must be allowed to do before a large body is read: strangers make the server store nothing.
    fn needs(&self) -> Option<Action> {
        match self {
            Self::Message | Self::Pairs | Self::Answer => None,
            Self::Sheet => Some(Action::EditDirectory),
            Self::File | Self::Sample | Self::Material => Some(Action::IngestData),
        }
    }

    /// Why a stranger sends no such body.
    fn is_not_for_strangers(&self) -> Option<&'static str> {
        match self {
            Self::Answer => Some("an answer is checked for its holder and for auditors: sign the request"),
            Self::Pairs => Some("pairs are verified for departments: sign the request"),
            _ => None,
        }
    }
}

impl Door {
    fn of(parts: &Parts) -> Self {
        let path = parts.uri.path();
        let channel = match path {
            "/api/v1/sql" | portal::SQL => Channel::Sql,
            _ if path.starts_with(verifications::PREFIX) => Channel::Verification,
            _ if ckan::action_of(path) == Some("datastore_search_sql") => Channel::Sql,
            // A dataset's pages are no files: rows are those of the API, a chart is a question in SQL.
            _ if path.starts_with("/datasets/") && path.ends_with("/rows") => Channel::Api,
            _ if path.starts_with("/datasets/") && path.ends_with("/chart") => Channel::Sql,
            // What is said of one is no file either: whoever only reads sends none.
            _ if path.starts_with("/datasets/") && path.ends_with("/feedback") => Channel::Api,
            _ if path.starts_with("/datasets/") || path.starts_with(delta::PREFIX) => Channel::File,
            _ => Channel::Api,
        };
        let is_post = parts.method == Method::POST;
        let body = match path {
            "/api/v1/directory/import" => Taken::Sheet,
            verifications::BATCH => Taken::Pairs,
            _ if is_post && portal::takes_sheet(path) => Taken::Sheet,
            _ if is_post && portal::takes_file(path) => Taken::File,
            _ if is_post && path.ends_with("/data") => Taken::File,
            _ if is_post && path.ends_with(SAMPLE) => Taken::Sample,
            _ if tus::is_here(path) && (is_post || parts.method == Method::PATCH) => Taken::Material,
            _ if is_post && path.starts_with("/receipts/") && path.ends_with("/replay") => Taken::Answer,
            _ => Taken::Message,
        };
        let is_confidential = [public::DISCLOSURES, public::LETTERS].contains(&path)
            || path.starts_with(public::MATTERS)
            || portal::is_confidential(path);
        let only_asks =
            channel == Channel::Verification || path == "/api/v1/sql" || records::are_looked_up(path);
        let is_step = path.starts_with(matters::MATTERS) && path.ends_with("/steps");
        let signs_in = match path {
            "/api/v1/session" | "/api/v1/session/password" | "/api/v1/developers" => is_post,
            "/api/v1/session/oidc" | "/api/v1/session/oidc/callback" => true,
            _ => is_post && portal::signs_in(path),
        };
        // Where somebody wants to be told is nobody else's business.
        let keeps_nothing = is_confidential
            || is_step
            || path.starts_with(subscriptions::PREFIX)
            || contributions::keeps_nothing(path)
            || path.starts_with(queries::PREFIX)
            || path == organisation::CLAIM
            || portal::keeps_nothing(path);
        Self { channel, body, only_asks, is_confidential, keeps_nothing, signs_in }
    }
}

/// The refusal in the format of its door.
fn refused(app: &App, path: &str, refusal: Refusal, request_id: &str) -> Sealed {
    let (response, content) = match ckan::action_of(path) {
        Some(action) => ckan::refused(app, action, &refusal, request_id),
        None if path.starts_with(delta::PREFIX) => delta::written(&refusal, request_id),
        None => refusal.written(request_id),
    };
    Sealed { response, content: Some(content), has_receipt: false }
}

fn finished(app: &App, binding: &RequestBinding, request_id: &str, sealed: Sealed) -> Response {
    let Sealed { mut response, content, has_receipt } = sealed;
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        if has_receipt {
            headers.insert(RECEIPT_FIELD, id.clone());
        }
        headers.insert(REQUEST_ID, id);
    }
    protect(headers);
    let has_content = !matches!(status, StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT);
    let digest = content.filter(|_| has_content).map(|content| Digest::of(&content));
    if let Err(error) = sign_response(&app.signer, binding, status, headers, digest.as_ref(), app.now()) {
        tracing::error!(request_id, %error, "an answer could not be signed");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    response
}

/// Header fields that a page of another origin may read.
const EXPOSED: &str = "accept-ranges, content-crs, content-digest, content-disposition, content-encoding, content-range, \
    delta-table-version, deprecation, etag, link, ratelimit, ratelimit-policy, repr-digest, retry-after, shuqiao-limits, \
    shuqiao-next, shuqiao-receipt, shuqiao-request-id, shuqiao-total, shuqiao-versions, signature, signature-input, sunset";

/// What a page may refer to: our own looks and pictures, and nothing that runs.
const CONTENT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// What is not said to be public is for this caller alone; nothing is sniffed, framed or referred. Any page may ask, and
/// read refusals too, as the public: with `*` no browser shows a page of another site what it asked for with a cookie.
fn protect(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers
        .append(header::VARY, HeaderValue::from_static("authorization, cookie, signature-input, x-api-key"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT));
}
