//! Opening a matter by a form, and sending an application again.

use axum::response::Response;
use catalog_core::directory::{Department, Resource};
use catalog_core::matter::{Application, Content, Demand, Event, Objection};
use catalog_core::ports::{SearchHit, SearchQuery};
use catalog_core::services::{Act, MatterView};
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result, Role, Timestamp};
use chrono::NaiveDate;
use openapi_portal::{Around, NewMatterPage, Typed, asks_of, check_asks, typed_of, with_ask, without_ask};
use std::sync::Arc;

use super::authority;
use super::steps::{plain, word};
use super::{Form, Id, LanguageParam, Visit};
use crate::app::App;
use crate::extract::Params;
use crate::openings;
use crate::problem::Refusal;

/// Hits of a search for resources.
const HITS: u32 = 10;

/// What the page shows beside what is typed.
struct Loaded {
    kind: String,
    typed: Typed,
    resources: Vec<Resource>,
    found: Vec<SearchHit>,
    departments: Vec<Department>,
    amends: Option<String>,
    today: String,
    is_authority: bool,
}

impl Loaded {
    /// For what is typed: resources that are not there for the visitor leave it, and why is told.
    async fn of(visit: &Visit, typed: Typed, amends: Option<&str>) -> Result<(Self, Option<Error>)> {
        let (app, ctx) = (&visit.app, &visit.ctx);
        let mut kind = typed.of("kind").to_owned();
        if kind.is_empty() && (typed.filled("resource").is_some() || amends.is_some()) {
            kind = "application".to_owned();
        }
        let (mut typed, mut resources, mut trouble) = (typed, Vec::new(), None);
        if names_resources(&kind) {
            let codes: Vec<String> = typed.all("resource").map(str::to_owned).collect();
            for code in codes {
                let found = match ResourceCode::from_path(&code) {
                    Ok(code) => app.services.resource(ctx, &code).await,
                    Err(error) => Err(error),
                };
                match found {
                    Ok(resource) => resources.push(resource),
                    Err(error) => {
                        typed = without_ask(&typed, &code);
                        trouble = Some(error);
                    }
                }
            }
        }
        let found = match typed.filled("q").filter(|_| names_resources(&kind)) {
            Some(words) => {
                let _place = app.page(ctx).await?;
                let query = SearchQuery { text: words.to_owned(), limit: HITS, ..SearchQuery::default() };
                app.services.search(ctx, query).await?.hits
            }
            None => Vec::new(),
        };
        let departments = app.services.departments(ctx).await?;
        let (amends, today) = (amends.map(str::to_owned), ctx.now.shanghai_date().to_string());
        let is_authority = ctx.principal.has(Role::AuthorityOfficer);
        Ok((Self { kind, typed, resources, found, departments, amends, today, is_authority }, trouble))
    }

    fn page<'v>(&'v self, a: Around<'v>) -> NewMatterPage<'v> {
        NewMatterPage {
            a,
            kind: &self.kind,
            amends: self.amends.as_deref(),
            typed: &self.typed,
            resources: &self.resources,
            found: &self.found,
            departments: &self.departments,
            today: self.today.clone(),
            is_authority: self.is_authority,
        }
    }

    /// The page, with what went wrong on the way to it.
    fn shown(&self, visit: &Visit, trouble: Option<Error>) -> Result<Response, Refusal> {
        match trouble {
            None => visit.page(&self.page(visit.around())),
            Some(error) => Err(visit.again(error, |a| self.page(a))),
        }
    }
}

/// Whether a matter of the kind says which items and rows of a resource it is about.
fn names_resources(kind: &str) -> bool {
    kind == "application" || authority::names_one(kind)
}

/// The form of a new matter: `?resource=CODE` begins an application for it
#[utoipa::path(get, path = "/desk/matters/new", tag = "desk",
    params(LanguageParam, ("kind" = Option<String>, Query, description = "`application`, `objection` or `demand`; for the data authority `emergency_grant`, `grant_import` or `opening_item`"),
        ("resource" = Option<String>, Query, description = "Code of a resource")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
pub(super) async fn show_new_matter(
    mut visit: Visit,
    Params(fields): Params<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    if let Some((typed, full)) = taken_back(&mut visit) {
        let (loaded, trouble) = Loaded::of(&visit, typed, None).await?;
        return loaded.shown(&visit, full.or(trouble));
    }
    let asked = Typed::new(fields);
    check_asks(&asked)?;
    let mut typed = Typed::default();
    for name in ["kind", "q", "subject", "receipt"] {
        if let Some(value) = asked.filled(name) {
            typed = typed.with(name, value);
        }
    }
    for code in asked.all("resource") {
        let code = ResourceCode::from_path(code)?;
        typed = match asked.of("kind") {
            "" => with_ask(typed, code.as_str()),
            kind if names_resources(kind) => with_ask(typed, code.as_str()),
            _ => typed.with("resource", code.as_str()),
        };
    }
    match Loaded::of(&visit, typed, None).await? {
        (loaded, None) => loaded.shown(&visit, None),
        (_, Some(error)) => Err(error.into()),
    }
}

/// Open a matter by the form, or change what it is about
#[utoipa::path(post, path = "/desk/matters/new", tag = "desk", params(LanguageParam),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Opened"),
        (status = 200, description = "The form with another resource, or what was found", content_type = "text/html")))]
pub(super) async fn open_new_matter(
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let typed = Typed::new(fields);
    check_asks(&typed)?;
    let (typed, is_sent, full) = changed(typed);
    let (loaded, trouble) = Loaded::of(&visit, typed, None).await?;
    let trouble = full.or(trouble);
    if !is_sent || trouble.is_some() {
        return loaded.shown(&visit, trouble);
    }
    match opened(&visit, &loaded).await {
        Ok(view) => Ok(visit.go_on(format!("/desk/matters/{}", view.matter.number))),
        Err(error) => loaded.shown(&visit, Some(error)),
    }
}

/// What a button of the form has changed, whether it sends the form, and why the form takes no more. A button whose work is done is no
/// longer among the fields: the page that shows them has it no more.
fn changed(typed: Typed) -> (Typed, bool, Option<Error>) {
    let what = typed.of("do").to_owned();
    match what.split_once(' ') {
        Some(("add", code)) => {
            let (typed, full) = added(typed.without("do"), code);
            (typed, false, full)
        }
        Some(("remove", code)) => (without_ask(&typed.without("do"), code), false, None),
        _ if what == "search" => (typed, false, None),
        _ => (typed, true, None),
    }
}

/// The fields with one more resource; as they are where the form is full, so that nothing typed is lost.
fn added(typed: Typed, code: &str) -> (Typed, Option<Error>) {
    // A grant by the authority is of one resource: another takes its place.
    if authority::names_one(typed.of("kind")) {
        let others: Vec<_> =
            typed.all("resource").filter(|other| *other != code).map(str::to_owned).collect();
        let typed = others.iter().fold(typed, |typed, other| without_ask(&typed, other));
        return (with_ask(typed, code), None);
    }
    let more = with_ask(typed.clone(), code);
    match check_asks(&more) {
        Ok(()) => (more, None),
        Err(error) => (typed, Some(error)),
    }
}

/// What the visitor had typed here when their session ended, after what its button asked for; the page is filled with the same.
fn taken_back(visit: &mut Visit) -> Option<(Typed, Option<Error>)> {
    let returned = visit.returned().filter(|typed| check_asks(typed).is_ok())?.clone();
    let (typed, _, full) = changed(returned);
    visit.returns(typed.clone());
    Some((typed, full))
}

async fn opened(visit: &Visit, loaded: &Loaded) -> Result<MatterView> {
    let typed = &loaded.typed;
    let text = |name: &str| typed.of(name).trim().to_owned();
    let content = match loaded.kind.as_str() {
        "application" => Content::Application(application_of(typed)?),
        "objection" => Content::Objection(Objection {
            subject: word(typed.of("subject"), "事由")?,
            resource: ResourceCode::from_path(typed.of("resource").trim())?,
            user: typed.filled("user").map(DepartmentId::new).transpose()?,
            description: text("description"),
            receipt: typed.filled("receipt").map(str::to_owned),
            corrected_by: None,
            wrong_since: None,
        }),
        "demand" => Content::Demand(Demand {
            title: text("title"),
            items: typed
                .of("items")
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
            purpose: text("purpose"),
            legal_basis: text("legal_basis"),
            met_by: None,
        }),
        kind => authority::content(kind, typed)?,
    };
    visit.app.services.open_matter(&visit.ctx, content).await
}

/// The end of a term, by its last day.
pub(super) fn end_of_term(typed: &Typed) -> Result<Timestamp> {
    let wrong = || Error::new(ErrorCode::InvalidInput, "请填使用期限，写作 2026-12-31");
    let last: NaiveDate = typed.of("valid_until").trim().parse().map_err(|_| wrong())?;
    Ok(Timestamp::start_of_shanghai_day(last.succ_opt().ok_or_else(wrong)?))
}

fn application_of(typed: &Typed) -> Result<Application> {
    let number = |name: &str| {
        let wrong = |_| Error::new(ErrorCode::InvalidInput, format!("`{name}` 须填数字"));
        typed.filled(name).map(|text| text.parse::<u64>().map_err(wrong)).transpose()
    };
    Ok(Application {
        asks: asks_of(typed)?,
        purpose: typed.of("purpose").trim().to_owned(),
        legal_basis: typed.of("legal_basis").trim().to_owned(),
        valid_until: end_of_term(typed)?,
        calls_per_day: number("calls_per_day")?,
        rows_per_day: number("rows_per_day")?,
        renews: typed.filled("renews").map(str::to_owned),
    })
}

/// The fields that show an application.
fn typed_application(application: &Application) -> Typed {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let asks = application.asks.iter().enumerate();
    asks.fold(Typed::default(), |typed, (place, ask)| typed_of(typed, place, ask))
        .with("kind", "application")
        .with("purpose", application.purpose.as_str())
        .with("legal_basis", application.legal_basis.as_str())
        .with("valid_until", application.valid_until.plus_seconds(-1).shanghai_date().to_string())
        .with("calls_per_day", number(application.calls_per_day))
        .with("rows_per_day", number(application.rows_per_day))
        .with("renews", application.renews.as_deref().unwrap_or_default())
}

/// The application that the visitor may send again now.
async fn amendable(visit: &Visit, number: &str) -> Result<Application> {
    visit.signed_in()?;
    let matter = visit.app.services.matter(&visit.ctx, number).await?.matter;
    match (matter.barred(&visit.ctx.principal, Event::Complete), matter.content) {
        (Some(error), _) => Err(error),
        (None, Content::Application(application)) => Ok(application),
        (None, _) => Err(Error::not_found(format!("an application {number}"))),
    }
}

/// The form of an application that is to be completed 补正
#[utoipa::path(get, path = "/desk/matters/{id}/amend", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the matter")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
pub(super) async fn show_amendment(mut visit: Visit, Id(number): Id) -> Result<Response, Refusal> {
    let application = amendable(&visit, &number).await?;
    let back = taken_back(&mut visit);
    let (typed, full) = back.unwrap_or_else(|| (typed_application(&application), None));
    let (loaded, trouble) = Loaded::of(&visit, typed, Some(&number)).await?;
    loaded.shown(&visit, full.or(trouble))
}

/// Complete an application by the form
#[utoipa::path(post, path = "/desk/matters/{id}/amend", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the matter")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Completed")))]
pub(super) async fn amend_application(
    visit: Visit,
    Id(number): Id,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    amendable(&visit, &number).await?;
    let typed = Typed::new(fields);
    check_asks(&typed)?;
    let (typed, is_sent, full) = changed(typed);
    let (loaded, trouble) = Loaded::of(&visit, typed, Some(&number)).await?;
    let trouble = full.or(trouble);
    if !is_sent || trouble.is_some() {
        return loaded.shown(&visit, trouble);
    }
    match completed(&visit, &loaded.typed, &number).await {
        Ok(_) => Ok(visit.go_on(format!("/desk/matters/{number}"))),
        Err(error) => loaded.shown(&visit, Some(error)),
    }
}

async fn completed(visit: &Visit, typed: &Typed, number: &str) -> Result<MatterView> {
    let application = Some(application_of(typed)?);
    // Its legal basis is the application's, and none of the step's.
    let act = Act { application, legal_basis: None, ..plain(Event::Complete, typed) };
    let (app, ctx, number) = (Arc::clone(&visit.app), visit.ctx.clone(), number.to_owned());
    App::to_the_end(async move { openings::act(&app, &ctx, &number, &act).await }).await
}
