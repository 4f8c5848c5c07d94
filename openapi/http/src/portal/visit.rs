//! A visit of a page: who comes, in which language, and how they are answered.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use catalog_core::context::{Principal, PrincipalKind};
use catalog_core::directory::Department;
use catalog_core::{Channel, Error, ErrorCode, Fault, OpContext, Result};
use exchange_auth::public_context;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};
use openapi_dcat::Site;
use openapi_portal::{Around, ErrorPage, Language, Page, Typed, Visitor, returned};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CONTENT;
use super::desk::parts;
use crate::app::App;
use crate::catalogue::{public, site};
use crate::problem::Refusal;

/// The language of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LanguageParam {
    /// `en` for English; Chinese without it.
    #[expect(dead_code, reason = "documents the parameter; `Visit` reads it")]
    lang: Option<String>,
}

/// A visit of a page.
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    /// The visitor's own: what they may do is decided by it.
    pub(crate) ctx: OpContext,
    site: Site,
    language: Language,
    /// Path and query without the language.
    address: String,
    visitor: Option<Visitor>,
    /// Those by whose ids services may refuse something to who is signed in, or has sent a form.
    departments: Vec<Department>,
    /// What the visitor had typed here when their session ended.
    returned: Option<Typed>,
    /// Whether a form was sent.
    is_sent: bool,
}

impl Visit {
    /// What surrounds the page at this address.
    pub(crate) fn around(&self) -> Around<'_> {
        self.around_at(self.address.clone())
    }

    /// What surrounds a page that has another address.
    pub(crate) fn around_at(&self, address: String) -> Around<'_> {
        let plain = Around::plain(&self.site, &self.app.identity, self.language, address);
        Around { visitor: self.visitor.as_ref(), departments: &self.departments, ..plain }
    }

    /// The same visit as anyone makes it: public pages show the same to everybody.
    pub(crate) fn public(&self) -> OpContext {
        public(&self.ctx)
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// `unauthenticated` if nobody is.
    pub(crate) fn signed_in(&self) -> Result<&Principal> {
        match self.ctx.principal.kind {
            PrincipalKind::Public => Err(Error::new(ErrorCode::Unauthenticated, "sign in to see this page")),
            _ => Ok(&self.ctx.principal),
        }
    }

    /// Answers with a page: also a form that was done, such as one that makes a key, which is shown once.
    pub(crate) fn page(&self, page: &impl Page) -> Result<Response, Refusal> {
        if self.is_sent {
            self.forget_returned();
        }
        let policy = [(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT))];
        let page = page.write()?;
        let page = match &self.returned {
            Some(typed) => returned(&page, typed, &self.around()),
            None => page,
        };
        Ok((policy, Html(page)).into_response())
    }

    /// Answers a form with the page that it was on, what was typed in it, and why it was not done: also where it is not possible
    /// now and is sent again later. What is broken in the server has a page of its own.
    pub(crate) fn again<'v, P: Page>(&'v self, error: Error, page: impl FnOnce(Around<'v>) -> P) -> Refusal {
        if matches!(error.code, ErrorCode::Internal | ErrorCode::Corrupt) {
            return error.into();
        }
        let around = Around { trouble: Some(error.clone()), ..self.around() };
        match page(around).write() {
            Ok(page) => Refusal::from(error).on_page(page),
            Err(error) => error.into(),
        }
    }

    /// What the visitor had typed in a form of this page when their session ended. [`Visit::page`] puts it back into its form; pages
    /// whose form has as many fields as were asked for begin with it.
    pub(crate) fn returned(&self) -> Option<&Typed> {
        self.returned.as_ref()
    }

    /// Puts back this instead: the page has already done what a button of the form asked for, so what was sent no longer fits it.
    pub(crate) fn returns(&mut self, typed: Typed) {
        self.returned = Some(typed);
    }

    /// Answers a form that was done with the way to the page that shows it.
    pub(crate) fn go_on(&self, address: impl AsRef<str>) -> Response {
        self.forget_returned();
        Redirect::to(&self.around().to(address)).into_response()
    }

    /// What was typed here when the session ended has been sent again: it is no longer said to wait.
    fn forget_returned(&self) {
        self.app.returned.forget(&self.ctx.principal.id, &self.address);
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let ctx = parts.extensions.get::<OpContext>().cloned();
        let ctx = ctx.ok_or_else(|| Error::internal("a request without a context"))?;
        let (language, address) = address_of(&parts.uri);
        let visitor = visitor(app, &ctx, &ctx.principal).await?;
        let is_shown = visitor.is_some() && parts.method == Method::GET;
        let returned = is_shown.then(|| app.returned.of(&ctx.principal.id, &address, ctx.now)).flatten();
        let is_sent = parts.method == Method::POST;
        let departments = match visitor.is_some() || is_sent {
            true => app.services.departments(&ctx).await?,
            false => Vec::new(),
        };
        Ok(Self {
            app: Arc::clone(app),
            site: site(app)?,
            language,
            address,
            visitor,
            departments,
            returned,
            is_sent,
            ctx,
        })
    }
}

/// Language and address of a page. The address is another one with each way to write it, so nothing of it is decoded. Two slashes
/// at its begin would lead to another host.
pub(super) fn address_of(uri: &Uri) -> (Language, String) {
    let asked = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let (language, rest): (Vec<_>, Vec<_>) = asked.partition(|pair| pair.starts_with("lang="));
    let language = Language::read(language.last().and_then(|pair| pair.strip_prefix("lang=")));
    let path = format!("/{}", uri.path().trim_start_matches(['/', '\\']));
    match rest.join("&") {
        rest if rest.is_empty() => (language, path),
        rest => (language, format!("{path}?{rest}")),
    }
}

/// Who is signed in at a browser. A person who may do nothing any more is nobody.
async fn visitor(app: &App, ctx: &OpContext, who: &Principal) -> Result<Option<Visitor>> {
    if who.kind != PrincipalKind::Person {
        return Ok(None);
    }
    let department = match &who.department {
        Some(id) => Some(app.services.department(ctx, id).await?.name),
        None => None,
    };
    let person = app.services.active_person(&who.id).await?;
    let name = person.map_or_else(|| who.id.clone(), |person| person.name);
    Ok(Some(Visitor { name, department, parts: parts(who) }))
}

/// Who reads an answer: a person at a browser says so, programs get problem details.
pub(crate) struct Reader {
    language: Language,
    address: String,
    is_person: bool,
    /// Who they are, once that is known.
    pub(crate) who: Option<Principal>,
    /// The language of problem details, where the request prefers one.
    prefers: Option<Language>,
}

impl Reader {
    /// By the head of the request. Below `/api/` everything is for programs.
    pub(crate) fn of(parts: &Parts) -> Self {
        let (language, address) = address_of(&parts.uri);
        let is_person = is_for_people(&parts.headers) && !parts.uri.path().starts_with("/api/");
        Self { language, address, is_person, who: None, prefers: preferred(&parts.headers) }
    }

    /// The refusal, with a page if a person reads it.
    pub(crate) async fn told(&self, app: &App, refusal: Refusal, request_id: &str) -> Refusal {
        if !self.is_person || refusal.beside.page.is_some() {
            return refusal.in_language(self.prefers);
        }
        // A page that says what is wrong is shown without its reader's name sooner than not at all, and asks for nothing where too
        // much is asked already.
        let is_spent =
            refusal.error.code == ErrorCode::LimitRate || refusal.error.code.fault() == Fault::Server;
        let who = self.who.as_ref().filter(|who| who.kind == PrincipalKind::Person && !is_spent);
        let (visitor, departments) = match who {
            Some(who) => {
                let ctx = public_context(request_id.to_owned(), Channel::Api, app.now());
                let departments = app.services.departments(&ctx).await.unwrap_or_default();
                (visitor(app, &ctx, who).await.unwrap_or_default(), departments)
            }
            None => (None, Vec::new()),
        };
        let page = site(app).and_then(|site| {
            let plain = Around::plain(&site, &app.identity, self.language, self.address.clone());
            let trouble = Some(refusal.error.clone());
            let a = Around { trouble, visitor: visitor.as_ref(), departments: &departments, ..plain };
            ErrorPage { a, request_id }.write()
        });
        match page {
            Ok(page) => refusal.on_page(page),
            Err(_) => refusal,
        }
    }
}

/// Whether a page is wanted: a browser says so.
pub(super) fn is_for_people(headers: &HeaderMap) -> bool {
    let said = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|line| line.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// The language that a request prefers (RFC 9110, section 12.5.4): Chinese or English, and of two that it takes alike the first.
/// Nothing where it names neither.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let said = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, Language)> = None;
    for range in said.flat_map(|line| line.split(',')) {
        let (range, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let tag = range.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let language = match tag.as_str() {
            "zh" => Language::Chinese,
            "en" => Language::English,
            _ => continue,
        };
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        if weight > best.map_or(0.0, |(best, _)| best) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_which_language_it_prefers() {
        let prefers = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, said.parse().unwrap());
            preferred(&headers)
        };
        assert_eq!(prefers("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(prefers("en;q=0.8, zh;q=0.9"), Some(Language::Chinese));
        assert_eq!(prefers("en-GB, zh"), Some(Language::English));
        assert_eq!(prefers("fr, zh;q=0"), None);
        assert_eq!(prefers("*"), None);
        assert_eq!(prefers("zh;q=many"), None);
        assert_eq!(preferred(&HeaderMap::new()), None);
    }

    #[test]
    fn a_page_has_one_address_in_both_languages() {
        let read = |address: &str| address_of(&address.parse().unwrap());
        assert_eq!(read("/search?q=a&lang=en"), (Language::English, "/search?q=a".to_owned()));
        assert_eq!(read("/?lang=en"), (Language::English, "/".to_owned()));
        assert_eq!(read("/x?lang=zh&q=%26lang=en"), (Language::Chinese, "/x?q=%26lang=en".to_owned()));
        assert_eq!(read("/x?&&"), (Language::Chinese, "/x".to_owned()));
        assert_eq!(read("//evil.example/x?lang=en"), (Language::English, "/evil.example/x".to_owned()));
    }
}
