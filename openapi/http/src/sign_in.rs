//! Signing in: what is bounded, what is answered, and how a session begins.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use catalog_core::account::{Account, SignedInBy};
use catalog_core::ports::{Mailer, Person};
use catalog_core::services::Login;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use exchange_auth::{Sessions, verify_password};
use exchange_crypto::{MacKey, to_hex};
use http::{HeaderValue, header};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::portal;
use crate::problem::Refusal;
use crate::session::oidc::Oidc;

/// Passwords looked at in the same moment: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// Passwords that wait for it.
const WAITING: usize = 64;
/// The longest wait.
const WAIT: Duration = Duration::from_secs(10);
/// Letters to strangers in an hour.
const LETTERS: u32 = 120;
const HOUR: i64 = 3600;

/// How people sign in.
pub struct SignInParts {
    /// Secret by which addresses are sealed and found again, and cookies of a sign-in elsewhere are sealed.
    pub key: MacKey,
    /// Sends the codes of developers; without one they don't register by mail.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// The identity provider, if there is one.
    pub oidc: Option<Oidc>,
}

/// How people sign in, with what bounds them. One per server.
pub struct SignIn {
    pub(crate) parts: SignInParts,
    waiting: Semaphore,
    at_once: Semaphore,
    letters: Mutex<(Timestamp, u32)>,
}

impl SignIn {
    /// With its bounds.
    pub fn new(parts: SignInParts) -> Self {
        Self {
            parts,
            waiting: Semaphore::new(WAITING),
            at_once: Semaphore::new(AT_ONCE),
            letters: Mutex::default(),
        }
    }

    /// Does the work of a password on a thread of its own, when there is room: strangers can't exhaust the server.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let busy =
            || Error::new(ErrorCode::Unavailable, "too many are signing in; try again in some seconds");
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let place = tokio::time::timeout(WAIT, self.at_once.acquire()).await;
        let _place = place.ok().and_then(|place| place.ok()).ok_or_else(busy)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }

    /// Counts a letter to a stranger.
    pub(crate) fn count_letter(&self, now: Timestamp) -> Result<()> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if now < letters.0 || letters.0.plus_seconds(HOUR) <= now {
            *letters = (now, 0);
        }
        if letters.1 >= LETTERS {
            return Err(Error::new(ErrorCode::Unavailable, "too many are registering; try again in an hour"));
        }
        letters.1 += 1;
        Ok(())
    }

    /// What someone typed as their name: a login name, or an address, of which only the hash is looked for.
    pub(crate) fn login(&self, name: &str) -> Login {
        match name.contains('@') {
            true => Login::Contact(self.contact_hash(name)),
            false => Login::Name(name.to_owned()),
        }
    }

    /// The keyed hash by which an address is found again.
    pub(crate) fn contact_hash(&self, address: &str) -> String {
        to_hex(&self.parts.key.derive("contact hash").tag(address.to_lowercase().as_bytes()))
    }
}

/// The one answer to whoever does not get in: it says nothing of accounts.
fn not_in() -> Error {
    let message = "the name or what proves you is wrong, or the account is locked for a while; an administrator can \
                   invite you anew";
    Error::new(ErrorCode::Unauthenticated, message)
}

/// The account of someone who proves themselves. Whatever is wrong, the same work is done and the same is answered.
pub(crate) async fn prove(app: &App, ctx: &OpContext, name: &str, proof: ProofOfOwner) -> Result<Account> {
    // The order matters: a try is counted before it is looked at, and the work comes last, whoever it is.
    let account = app.services.count_try(ctx, &app.sign_in.login(name)).await?;
    let known = account.clone();
    let now = ctx.now;
    let is_right = app.sign_in.work(move || proof.is_right(known.as_ref(), now)).await?;
    match account {
        Some(account) if is_right => Ok(account),
        Some(account) => {
            app.services.try_failed(ctx, &account).await?;
            Err(not_in())
        }
        None => Err(not_in()),
    }
}

/// What someone proves an account with.
pub(crate) enum ProofOfOwner {
    Password(String),
    Code(String),
}

impl ProofOfOwner {
    fn is_right(&self, account: Option<&Account>, now: Timestamp) -> bool {
        let (password, code) = match self {
            Self::Password(password) => (password.as_str(), None),
            Self::Code(code) => ("", Some(code)),
        };
        // One hash for everyone, also where a code is shown: nobody learns from the time which of them exists.
        let by_password = verify_password(password, account.and_then(|account| account.password.as_deref()));
        let digest = account.and_then(|account| account.code_digest(now));
        let by_code = code.is_some_and(|code| exchange_auth::OneTimeCode::is(code, digest));
        match code {
            Some(_) => by_code,
            None => by_password,
        }
    }
}

/// Begins a session: always a new token, whatever cookie was sent. Its cookie, and the one that says who was here last.
pub(crate) async fn begin(
    app: &App,
    ctx: &OpContext,
    person: &Person,
    by: SignedInBy,
    account: Option<Account>,
) -> Result<[String; 2], Refusal> {
    let sessions = sessions(app)?;
    let (session, token) = sessions.begin(person, by, ctx.now)?;
    let theirs = app.authenticator.signed_in_context(&person.id, ctx.request_id.clone(), ctx.now).await?;
    app.services.begin_session(&theirs, &session, account).await?;
    let last = portal::last_person(&app.sign_in.parts.key, sessions.cookies, &person.id);
    Ok([sessions.cookies.session(&token), last])
}

/// The cookies of a browser that has signed out.
pub(crate) fn signed_out(app: &App) -> Result<[String; 2]> {
    let cookies = sessions(app)?.cookies;
    Ok([cookies.no_session(), portal::nobody(cookies)])
}

/// Where sessions are kept.
pub(crate) fn sessions(app: &App) -> Result<&Sessions> {
    let none = || Error::new(ErrorCode::NotFound, "nobody signs in at this server");
    app.authenticator.sessions().ok_or_else(none)
}

/// The person who signs in.
pub(crate) async fn person_of(app: &App, account: &Account) -> Result<Person> {
    app.services.active_person(&account.person).await?.ok_or_else(not_in)
}

/// Refuses where anyone on the way could read what is sent.
pub(crate) fn only_confidential(is_confidential: bool) -> Result<()> {
    match is_confidential {
        true => Ok(()),
        false => {
            let message = "anyone on the way could read it: sign in over https";
            Err(Error::new(ErrorCode::Forbidden, message))
        }
    }
}

/// A response with cookies.
pub(crate) fn with_cookies(response: impl IntoResponse, cookies: &[String]) -> Result<Response, Refusal> {
    let mut response = response.into_response();
    for cookie in cookies {
        let value = HeaderValue::try_from(cookie.as_str()).map_err(Error::internal)?;
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_wait_for_their_turn_and_too_many_are_sent_away() {
        let parts = SignInParts { key: MacKey::ephemeral().unwrap(), mailer: None, oidc: None };
        let signing_in = Arc::new(SignIn::new(parts));
        let all = signing_in.at_once.acquire_many(AT_ONCE as u32).await.unwrap();
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let signing_in = Arc::clone(&signing_in);
                tokio::spawn(async move { signing_in.work(|| ()).await })
            })
            .collect();
        while signing_in.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = signing_in.work(|| ()).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        drop(all);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
    }

    #[test]
    fn letters_to_strangers_are_few() {
        let parts = SignInParts { key: MacKey::ephemeral().unwrap(), mailer: None, oidc: None };
        let signing_in = SignIn::new(parts);
        let now = Timestamp(1_795_309_200_000_000);
        for _ in 0..LETTERS {
            signing_in.count_letter(now).unwrap();
        }
        assert!(signing_in.count_letter(now.plus_seconds(HOUR - 1)).is_err());
        signing_in.count_letter(now.plus_seconds(HOUR)).unwrap();
    }
}
