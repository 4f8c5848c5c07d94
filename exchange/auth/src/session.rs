use std::sync::Arc;

use catalog_core::account::{Session, SignedInBy};
use catalog_core::ports::{AccountStore, Person};
use catalog_core::{OpContext, Timestamp};
use exchange_crypto::random;
use http::{HeaderMap, Method, header};
use uuid::Uuid;

use crate::AuthError;
use crate::ticket::token_digest;

/// Name of the cookie over TLS: the prefix makes browsers refuse one for a domain, from another path, or without TLS.
const COOKIE: &str = "__Host-shuqiao";
/// And where there is no TLS, on the loopback.
const LOCAL_COOKIE: &str = "shuqiao";
/// Seconds after which a use is noted again.
const NOTED_SECONDS: i64 = 60;

/// The cookies of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    /// Whether clients reach it over TLS.
    pub encrypted: bool,
}

impl Cookies {
    /// The cookie that holds a session's token: for this host, unreadable to scripts, not sent from other sites' forms.
    pub fn session(self, token: &str) -> String {
        self.cookie("", token)
    }

    /// Ends the cookie of a session.
    pub fn no_session(self) -> String {
        format!("{}; Max-Age=0", self.cookie("", ""))
    }

    /// A cookie of another purpose, for some seconds.
    pub fn short(self, purpose: &str, value: &str, seconds: u32) -> String {
        format!("{}; Max-Age={seconds}", self.cookie(purpose, value))
    }

    /// The value of a cookie of that purpose; `""` is the session's. None where two of that name stand.
    pub fn find<'a>(self, headers: &'a HeaderMap, purpose: &str) -> Option<&'a str> {
        let name = self.name(purpose);
        let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut found = all
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        found.next().filter(|_| found.next().is_none())
    }

    fn cookie(self, purpose: &str, value: &str) -> String {
        let secure = if self.encrypted { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", self.name(purpose))
    }

    fn name(self, purpose: &str) -> String {
        format!("{}{purpose}", if self.encrypted { COOKIE } else { LOCAL_COOKIE })
    }
}

/// Where sessions are kept, and how long they last.
#[derive(Clone)]
pub struct Sessions {
    /// The store.
    pub store: Arc<dyn AccountStore>,
    /// Seconds without use after which a session is over.
    pub idle_seconds: i64,
    /// Seconds after which it is over however much it was used.
    pub life_seconds: i64,
    /// How its token travels.
    pub cookies: Cookies,
}

impl Sessions {
    /// Makes a session for a person who has proven themselves, and the token that goes into its cookie and nowhere else.
    pub fn begin(
        &self,
        person: &Person,
        by: SignedInBy,
        now: Timestamp,
    ) -> Result<(Session, String), AuthError> {
        let token = random::token()?;
        let session = Session {
            id: Uuid::now_v7().to_string(),
            token_digest: token_digest(&token),
            person: person.id.clone(),
            standing: person.standing(),
            by,
            started_at: now,
            used_at: now,
            ends_at: now.plus_seconds(self.life_seconds),
        };
        Ok((session, token))
    }

    /// The running session of a token.
    pub(crate) async fn find(&self, token: &str, now: Timestamp) -> Result<Session, AuthError> {
        let over = || AuthError::Session("it is not known here, or it is over: sign in again");
        let session = self.store.session_by_digest(&token_digest(token)).await?.ok_or_else(over)?;
        let idle_end = session.used_at.plus_seconds(self.idle_seconds);
        if now < session.started_at || session.ends_at <= now || idle_end <= now {
            return Err(over());
        }
        Ok(session)
    }

    /// Notes the use of a session, at most once a minute.
    pub(crate) async fn used(&self, session: &Session, now: Timestamp) -> Result<(), AuthError> {
        if session.used_at.plus_seconds(NOTED_SECONDS.min(self.idle_seconds / 2)) <= now {
            self.store.session_used(&session.id, now).await?;
        }
        Ok(())
    }
}

/// Whether a request that changes something comes from a page of ours: a browser says so itself, in a field that no page can
/// set. What a cookie proves is who the browser belongs to, not who wrote the request.
pub(crate) fn is_of_this_site(method: &Method, headers: &HeaderMap, base_url: &str, is_needed: bool) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    let field = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (field("sec-fetch-site"), field("origin")) {
        (Some(site), _) if site != "same-origin" => false,
        (_, Some(origin)) => origin == origin_of(base_url),
        (Some(_), None) => true,
        (None, None) => !is_needed,
    }
}

/// Scheme and authority of an address.
fn origin_of(base_url: &str) -> &str {
    let path = base_url.find("://").and_then(|at| base_url[at + 3..].find('/').map(|path| at + 3 + path));
    path.map_or(base_url, |path| &base_url[..path])
}

/// The session by which a context was proven.
pub(crate) fn proven_by(session: &Session, mut context: OpContext) -> OpContext {
    context.session = Some(session.id.clone());
    context
}
