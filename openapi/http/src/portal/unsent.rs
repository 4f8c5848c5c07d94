//! A form that is sent after its session has ended: what was typed in it is kept until its writer has signed in again.
//!
//! Nothing of it lies on the server until then: it stands, sealed, in the page on which they sign in. Whoever signs in there and is
//! another person gets nothing of it. Nothing is done again by itself: the form comes back filled in, to be sent by a person.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::{BodyDataStream, Bytes};
use catalog_core::{Error, ErrorCode, Timestamp};
use exchange_auth::Cookies;
use exchange_crypto::{MacKey, SealingKey, from_base64url, to_base64url, to_hex};
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use openapi_portal::{Around, Language, Page as _, SignInPage, Typed, Unsent as Shown};
use serde::{Deserialize, Serialize};

use super::visit::{address_of, is_for_people};
use crate::app::App;
use crate::catalogue::site;
use crate::extract::essence;
use crate::payload::{self, Content, MESSAGE_TIME};
use crate::problem::Refusal;

/// Bytes of a form that is kept, as it was sent.
const FORM_BYTES: u64 = 128 << 10;
/// Fields of it: no form of ours has as many.
const FORM_FIELDS: usize = 20_000;
/// Seconds until a form that waits in a page is no longer taken back.
const SIGN_IN_SECONDS: i64 = 2 * 3600;
/// Seconds for which it comes back after its writer has signed in.
const RETURNED_SECONDS: i64 = 900;
/// People whose forms come back at the same time.
const MOST: usize = 200;
/// Purpose of the cookie that says who has signed in last at a browser, as a keyed hash.
const COOKIE: &str = "-last";
/// Seconds for which a browser says so.
const COOKIE_SECONDS: u32 = 7 * 86_400;
/// What is kept of no form.
const SECRETS: [&str; 2] = ["password", "new_password"];

/// The cookie that says who has signed in here.
pub(crate) fn last_person(key: &MacKey, cookies: Cookies, person: &str) -> String {
    cookies.short(COOKIE, &hash(key, person), COOKIE_SECONDS)
}

/// Ends that cookie: who signs out leaves nothing.
pub(crate) fn nobody(cookies: Cookies) -> String {
    cookies.short(COOKIE, "", 0)
}

fn hash(key: &MacKey, person: &str) -> String {
    to_hex(&key.derive("who signed in last").tag(person.as_bytes()))
}

fn sealing(key: &MacKey) -> Option<SealingKey> {
    SealingKey::from_bytes(&key.tag(b"forms that were not sent")).ok()
}

/// What was typed, as it stands sealed in the page.
#[derive(Serialize, Deserialize)]
struct Kept {
    address: String,
    /// Hash of who typed it.
    writer: String,
    until: Timestamp,
    fields: Vec<(String, String)>,
}

/// A form on its way in, of which nobody knows yet whether its session lasts.
pub(crate) struct Unsent {
    language: Language,
    address: String,
    writer: Option<String>,
    /// Whether nobody is proven at all: the session's cookie has gone.
    is_anyone: bool,
    has_file: bool,
    /// What was sent, once it has been read.
    pub(crate) body: Option<Bytes>,
}

impl Unsent {
    /// A form of the pages for people who have signed in, sent by a browser from our own page.
    pub(crate) fn of(app: &App, parts: &Parts) -> Option<Self> {
        let path = parts.uri.path();
        let is_ours =
            ["/desk", "/developer"].iter().any(|part| path.starts_with(part)) && !super::signs_in(path);
        let is_form = parts.method == Method::POST && is_ours && is_for_people(&parts.headers);
        if !is_form || !app.authenticator.is_of_this_site(parts) {
            return None;
        }
        let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let has_file = essence(media_type.unwrap_or_default()) != "application/x-www-form-urlencoded";
        let (language, address) = address_of(&parts.uri);
        let cookies = app.authenticator.sessions()?.cookies;
        let has_proof = ["signature", "authorization"].iter().any(|field| parts.headers.contains_key(*field));
        let is_anyone = !has_proof && cookies.find(&parts.headers, "").is_none();
        let writer = cookies.find(&parts.headers, COOKIE).filter(|hash| !hash.is_empty()).map(str::to_owned);
        Some(Self { language, address, writer, is_anyone, has_file, body: None })
    }

    /// The refusal of a form whose session has ended, with the page on which its writer signs in again; any other as it is.
    pub(crate) async fn told(mut self, app: &App, refusal: Refusal, stream: &mut BodyDataStream) -> Refusal {
        // Some doors ask for a role before they read a file: nobody has one.
        let refusal = match refusal.error.code {
            ErrorCode::Forbidden if self.is_anyone => {
                Error::new(ErrorCode::Unauthenticated, "sign in to see this page").into()
            }
            _ => refusal,
        };
        if refusal.error.code != ErrorCode::Unauthenticated || refusal.beside.page.is_some() {
            return refusal;
        }
        if self.body.is_none() && !self.has_file {
            let read = payload::read_to_memory(stream, FORM_BYTES, MESSAGE_TIME).await;
            self.body = match read.map(|read| read.content) {
                Ok(Content::Memory(bytes)) => Some(Bytes::from(bytes)),
                _ => None,
            };
        }
        match self.page(app) {
            Some(page) => refusal.on_page(page),
            None => refusal,
        }
    }

    fn page(&self, app: &App) -> Option<String> {
        let sealed = self.sealed(&app.sign_in.parts.key, app.now());
        let unsent = match &sealed {
            Some(sealed) => Shown::Kept(sealed),
            None if self.has_file => Shown::File,
            None => Shown::Lost,
        };
        let site = site(app).ok()?;
        let a = Around::plain(&site, &app.identity, self.language, "/sign-in");
        let has_provider = app.sign_in.parts.oidc.is_some();
        SignInPage { a, name: "", next: &self.address, has_provider, is_fresh: false, unsent }.write().ok()
    }

    fn sealed(&self, key: &MacKey, now: Timestamp) -> Option<String> {
        let body = self.body.as_ref().filter(|body| !self.has_file && body.len() as u64 <= FORM_BYTES)?;
        let fields: Vec<(String, String)> = serde_html_form::from_bytes(body).ok()?;
        if fields.len() > FORM_FIELDS {
            return None;
        }
        let fields = fields.into_iter().filter(|(name, _)| !SECRETS.contains(&name.as_str())).collect();
        let until = now.plus_seconds(SIGN_IN_SECONDS);
        let kept = Kept { address: self.address.clone(), writer: self.writer.clone()?, until, fields };
        let text = serde_json::to_vec(&kept).ok()?;
        Some(to_base64url(&sealing(key)?.seal(b"unsent", &text).ok()?))
    }
}

/// Forms that come back to those who have signed in again: in memory alone, one for each person, for a short time.
#[derive(Default)]
pub(crate) struct Returned(Mutex<HashMap<String, Back>>);

struct Back {
    address: String,
    until: Timestamp,
    typed: Typed,
}

impl Returned {
    /// Takes what stands sealed in the page on which this person has just signed in: the address to which they return. `None`
    /// where there is nothing, where it is too old, or another person's.
    pub(crate) fn take(&self, key: &MacKey, sealed: &str, person: &str, now: Timestamp) -> Option<String> {
        let text = sealing(key)?.open(b"unsent", &from_base64url(sealed).ok()?).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        if kept.until <= now || kept.writer != hash(key, person) {
            return None;
        }
        let back = Back {
            address: kept.address.clone(),
            until: now.plus_seconds(RETURNED_SECONDS),
            typed: Typed::new(kept.fields),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, back| now < back.until);
        // Who has just signed in looks at their form now; who came first has had the most time to.
        if all.len() >= MOST && !all.contains_key(person) {
            let first = all.iter().min_by_key(|(_, back)| back.until).map(|(person, _)| person.clone());
            if let Some(first) = first {
                all.remove(&first);
            }
        }
        all.insert(person.to_owned(), back);
        Some(kept.address)
    }

    /// What comes back to a person at this address.
    pub(crate) fn of(&self, person: &str, address: &str, now: Timestamp) -> Option<Typed> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Here too: it may be long until the next form comes back.
        all.retain(|_, back| now < back.until);
        let back = all.get(person).filter(|back| back.address == address)?;
        Some(back.typed.clone())
    }

    /// Forgets it: the form of this address was sent.
    pub(crate) fn forget(&self, person: &str, address: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(person).is_some_and(|back| back.address == address) {
            all.remove(person);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_309_200_000_000);

    fn unsent(key: &MacKey, writer: Option<&str>, body: &str) -> Unsent {
        Unsent {
            language: Language::Chinese,
            address: "/desk/people/li".to_owned(),
            writer: writer.map(|writer| hash(key, writer)),
            is_anyone: false,
            has_file: false,
            body: Some(Bytes::copy_from_slice(body.as_bytes())),
        }
    }

    #[test]
    fn a_form_comes_back_to_its_writer_alone_and_for_a_time() {
        let key = MacKey::ephemeral().unwrap();
        let returned = Returned::default();
        let sealed =
            unsent(&key, Some("li"), "name=%E6%9D%8E&items=a&items=b&password=x").sealed(&key, NOW).unwrap();
        assert!(!sealed.contains("%E6") && !sealed.contains("items"), "nobody reads it on the way");
        assert_eq!(returned.take(&key, &sealed, "wang", NOW), None);
        assert_eq!(returned.of("wang", "/desk/people/li", NOW), None);
        assert_eq!(returned.take(&key, &sealed, "li", NOW).unwrap(), "/desk/people/li");
        let typed = Typed::default().with("name", "李").with("items", "a").with("items", "b");
        assert_eq!(returned.of("li", "/desk/people/li", NOW), Some(typed));
        assert_eq!(returned.of("li", "/desk/people/wang", NOW), None);
        assert_eq!(returned.of("wang", "/desk", NOW.plus_seconds(RETURNED_SECONDS - 1)), None);
        assert_eq!(returned.0.lock().unwrap().len(), 1);
        assert_eq!(returned.of("wang", "/desk", NOW.plus_seconds(RETURNED_SECONDS)), None);
        assert!(returned.0.lock().unwrap().is_empty(), "it has left the memory");
        assert_eq!(returned.of("li", "/desk/people/li", NOW), None);
        assert!(returned.take(&key, &sealed, "li", NOW).is_some());
        returned.forget("li", "/desk/people/li");
        assert_eq!(returned.of("li", "/desk/people/li", NOW), None);
    }

    #[test]
    fn what_is_changed_old_foreign_or_too_long_does_not_come_back() {
        let key = MacKey::ephemeral().unwrap();
        let returned = Returned::default();
        let sealed = unsent(&key, Some("li"), "name=a").sealed(&key, NOW).unwrap();
        assert_eq!(returned.take(&key, &sealed, "li", NOW.plus_seconds(SIGN_IN_SECONDS)), None);
        assert_eq!(returned.take(&MacKey::ephemeral().unwrap(), &sealed, "li", NOW), None);
        assert_eq!(returned.take(&key, &sealed.replace(['a', 'b'], "c"), "li", NOW), None);
        assert_eq!(returned.take(&key, "", "li", NOW), None);
        assert_eq!(unsent(&key, None, "name=a").sealed(&key, NOW), None);
        let long = format!("name={}", "a".repeat(FORM_BYTES as usize));
        assert_eq!(unsent(&key, Some("li"), &long).sealed(&key, NOW), None);
        let many = "a&".repeat(FORM_FIELDS);
        assert!(unsent(&key, Some("li"), &many).sealed(&key, NOW).is_some());
        assert_eq!(unsent(&key, Some("li"), &format!("{many}a")).sealed(&key, NOW), None);
    }

    #[test]
    fn of_very_many_the_one_that_came_first_gives_way() {
        let key = MacKey::ephemeral().unwrap();
        let returned = Returned::default();
        for number in 0..=MOST {
            let (person, now) = (format!("p{number}"), NOW.plus_seconds(i64::from(number > 0)));
            let sealed = unsent(&key, Some(&person), "name=a").sealed(&key, now).unwrap();
            assert!(returned.take(&key, &sealed, &person, now).is_some());
        }
        let comes_back = |person: &str| returned.of(person, "/desk/people/li", NOW.plus_seconds(1)).is_some();
        assert!(!comes_back("p0") && comes_back("p1") && comes_back(&format!("p{MOST}")));
    }
}
