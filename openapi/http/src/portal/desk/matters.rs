//! Matters 办件 on the desk: lists, one matter with its steps, its notices. What may be done is decided by the services alone.

mod authority;
mod grant;
mod new;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::confidential::Confidential;
use catalog_core::deadline::Light;
use catalog_core::directory::{Department, Resource};
use catalog_core::matter::{Applicant, By, Content, Event, Machine, Matter, MatterKind};
use catalog_core::notice::NoticeEntry;
use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::MatterPlace;
use catalog_core::services::{MatterFilter, MatterView, Services, Side};
use catalog_core::{Error, ErrorCode, Principal, ResourceCode, Result, Role};
use openapi_portal::{
    Around, DeskMatters, MatterLine, MatterPage, MattersChosen, MattersPage, Names, NoticePage, Typed,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Number, Params};
use crate::openings;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

/// Matters of a page.
const PAGE: usize = 25;
/// Matters that are counted for the desk's first page.
const COUNTED: usize = 500;
/// Matters that it shows.
const URGENT: usize = 5;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_desk_matters))
        .routes(routes!(show_desk_matter, take_desk_step))
        .routes(routes!(show_desk_notice))
        .routes(routes!(new::show_new_matter, new::open_new_matter))
        .routes(routes!(new::show_amendment, new::amend_application))
        .routes(routes!(grant::show_grant_builder, grant::build_grant))
}

/// What the list is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `waiting`, `handling`, `asking` or `all`.
    #[serde(default)]
    side: String,
    /// Of one kind.
    #[serde(default)]
    kind: String,
    /// With this light or a worse one: `yellow`, `red`.
    #[serde(default)]
    light: String,
    /// Settled ones too.
    #[serde(default)]
    settled: bool,
    /// The page behind this place.
    #[serde(default)]
    after: String,
    /// The number of one matter, which is shown then.
    #[serde(default)]
    number: String,
}

/// The matters that concern whoever is signed in
#[utoipa::path(get, path = "/desk/matters", tag = "desk", params(LanguageParam, Listing),
    responses((status = 200, description = "A page", content_type = "text/html"),
        (status = 303, description = "To the matter of that number")))]
async fn show_desk_matters(visit: Visit, Params(asked): Params<Listing>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let number = asked.number.trim();
    if !number.is_empty() {
        let found = app.services.matter(ctx, &number.to_uppercase()).await?;
        return Ok(visit.go_on(format!("/desk/matters/{}", found.matter.number)));
    }
    let side = match asked.side.as_str() {
        "handling" => Some(Side::Handling),
        "asking" => Some(Side::Asking),
        "all" => None,
        _ => Some(Side::Waiting),
    };
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let kind = kind_of(&asked.kind)?;
    let light = light_of(&asked.light)?;
    let filter = MatterFilter {
        kinds: kind.into_iter().collect(),
        side,
        light,
        settled: asked.settled,
        after: after.map(str::parse::<MatterPlace>).transpose()?,
        limit: PAGE,
        ..MatterFilter::default()
    };
    let page = app.services.matters(ctx, &filter).await?;
    let side = match side {
        Some(Side::Waiting) => "waiting".to_owned(),
        _ => asked.side,
    };
    let (light, settled) = (asked.light, asked.settled);
    let chosen = MattersChosen { side, kind, light, settled, after: asked.after };
    visit.page(&MattersPage {
        a: visit.around_at(chosen.address()),
        chosen: &chosen,
        lines: lines(&visit, &page.matters, titles(&visit, &page.matters).await),
        next: page.next.map(|next| next.to_string()),
        may_ask: decide_action(&ctx.principal, Action::Apply, None).into_permission().is_ok(),
    })
}

fn kind_of(word: &str) -> Result<Option<MatterKind>> {
    if word.is_empty() {
        return Ok(None);
    }
    let found = serde_json::from_value(serde_json::Value::String(word.to_owned()));
    found.map(Some).map_err(|_| Error::new(ErrorCode::InvalidInput, "there is no such kind of matter"))
}

fn light_of(word: &str) -> Result<Option<Light>> {
    match word {
        "" => Ok(None),
        "yellow" => Ok(Some(Light::Yellow)),
        "red" => Ok(Some(Light::Red)),
        _ => Err(Error::new(ErrorCode::InvalidInput, "`light` is `yellow` or `red`")),
    }
}

/// Lines of a list of matters; `titles` are those of resources by their codes.
fn lines<'v>(
    visit: &Visit,
    views: impl IntoIterator<Item = &'v MatterView>,
    titles: BTreeMap<String, String>,
) -> Vec<MatterLine<'v>> {
    let title = |view: &MatterView| titles.get(named_after(&view.matter.content)?.as_str()).cloned();
    let line = |view: &'v MatterView| MatterLine { view, days: days_left(visit, view), title: title(view) };
    views.into_iter().map(line).collect()
}

/// The titles of the resources after which matters are named, by their codes.
async fn titles<'v>(
    visit: &Visit,
    views: impl IntoIterator<Item = &'v MatterView>,
) -> BTreeMap<String, String> {
    let codes = views.into_iter().filter_map(|view| named_after(&view.matter.content).cloned()).collect();
    visit.titles(codes).await
}

/// The resource after which a matter is named, if it has no words of its own.
fn named_after(content: &Content) -> Option<&ResourceCode> {
    match content {
        Content::Objection(objection) => Some(&objection.resource),
        Content::SecrecyReview(review) => Some(&review.opening.resource),
        Content::CorrectionNotice(notice) => Some(&notice.resource),
        _ => None,
    }
}

fn days_left(visit: &Visit, view: &MatterView) -> Option<i64> {
    view.due.map(|due| visit.app.services.working_days_left(visit.ctx.now, due))
}

/// The open matters that concern whoever is signed in, those due first come first; nothing for those who have none.
pub(super) async fn open_matters(visit: &Visit) -> Result<Option<(Vec<MatterView>, bool)>> {
    let filter = MatterFilter { limit: COUNTED, ..MatterFilter::default() };
    match visit.app.services.matters(&visit.ctx, &filter).await {
        Ok(page) => Ok(Some((page.matters, page.next.is_some()))),
        Err(error) if error.code == ErrorCode::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

/// How they stand.
pub(super) async fn summary<'v>(visit: &Visit, views: &'v [MatterView], more: bool) -> DeskMatters<'v> {
    let principal = &visit.ctx.principal;
    let on = |side: Side| views.iter().filter(move |view| view.stands(side, principal));
    let urgent: Vec<_> = on(Side::Waiting).take(URGENT).collect();
    let titles = titles(visit, urgent.iter().copied()).await;
    let lit = |light: Light| on(Side::Handling).filter(|view| view.light == Some(light)).count();
    DeskMatters {
        waiting: on(Side::Waiting).count(),
        lights: [lit(Light::Red), lit(Light::Yellow), lit(Light::Green)],
        asked: on(Side::Asking).count(),
        more,
        urgent: lines(visit, urgent, titles),
    }
}

/// One matter as its page shows it.
struct Loaded {
    view: MatterView,
    days: Option<i64>,
    /// Steps for the visitor, and for others.
    steps: Vec<Event>,
    others: Vec<Event>,
    barred: Option<String>,
    notices: Vec<NoticeEntry>,
    departments: Vec<Department>,
    resources: Vec<Resource>,
    names: Names,
    may_open_seal: bool,
}

impl Loaded {
    async fn of(visit: &Visit, number: &str) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let view = services.matter(ctx, number).await?;
        let matter = &view.matter;
        let (mut steps, mut others, mut barred) = (Vec::new(), Vec::new(), None);
        let machine = Machine::of(matter.kind());
        let is_done = |event: &Event| {
            machine.once.contains(event) && matter.history.iter().any(|step| step.event == Some(*event))
        };
        for event in &view.next {
            let by = machine.rule(matter.state, *event).map(|rule| rule.by);
            match matter.barred(&ctx.principal, *event) {
                // What the platform does itself is nobody's step, nor what is done once and is done.
                _ if by == Some(By::Machine) || is_done(event) => {}
                None => steps.push(*event),
                Some(error) => {
                    others.push(*event);
                    let is_theirs = by.is_some_and(|by| is_on_side(matter, &ctx.principal, by));
                    barred = barred.or(Some(error.message).filter(|_| is_theirs));
                }
            }
        }
        let mut resources = Vec::new();
        for code in asked_about(&matter.content) {
            // Of what is closed to the visitor the code stands in the matter, and nothing else.
            resources.extend(services.resource(ctx, code).await.ok());
        }
        let people = matter.history.iter().filter_map(|step| step.by.as_deref());
        let developer = match &matter.applicant {
            Applicant::Developer(account) => Some(account.as_str()),
            _ => None,
        };
        Ok(Self {
            days: days_left(visit, &view),
            names: visit.names(people.chain(developer)).await?,
            steps,
            others,
            barred,
            resources,
            notices: services.notices(ctx, &matter.number).await?,
            departments: services.departments(ctx).await?,
            may_open_seal: Services::may_open_seal(ctx, matter),
            view,
        })
    }

    fn page<'v>(
        &'v self,
        a: Around<'v>,
        typed: &'v Typed,
        applicant: Option<&'v Confidential>,
    ) -> MatterPage<'v> {
        let Self { view, steps, others, notices, departments, resources, names, .. } = self;
        let (days, may_open_seal, barred) = (self.days, self.may_open_seal, self.barred.as_deref());
        MatterPage {
            a,
            view,
            days,
            steps,
            others,
            barred,
            resources,
            names,
            notices,
            departments,
            typed,
            applicant,
            may_open_seal,
        }
    }
}

/// Whether it is for somebody's side to take a step, if not for themselves.
fn is_on_side(matter: &Matter, principal: &Principal, by: By) -> bool {
    match by {
        By::Applicant => matter.applicant.covers(principal),
        By::Handler | By::SecondHandler => matter.handler.covers(principal),
        By::Authority | By::SecondAuthority => principal.has(Role::AuthorityOfficer),
        By::Machine => false,
    }
}

/// The resources that a matter is about.
fn asked_about(content: &Content) -> Vec<&ResourceCode> {
    match content {
        Content::Application(application) => application.asks.iter().map(|ask| &ask.resource).collect(),
        Content::Provision(part) => part.application.asks.iter().map(|ask| &ask.resource).collect(),
        Content::EmergencyGrant(emergency) => vec![&emergency.ask.resource],
        Content::GrantImport(import) => vec![&import.ask.resource],
        Content::Objection(objection) => vec![&objection.resource],
        Content::SecrecyReview(review) => vec![&review.opening.resource],
        Content::CorrectionNotice(notice) => vec![&notice.resource],
        Content::Demand(demand) => demand.met_by.iter().collect(),
        Content::Disclosure(disclosure) => disclosure.resource.iter().collect(),
        Content::OpeningItem(item) => item.resource.iter().collect(),
        Content::Letter(_) => Vec::new(),
    }
}

/// One matter with its history, and what can be done about it
#[utoipa::path(get, path = "/desk/matters/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the matter")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk_matter(visit: Visit, Id(number): Id) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, &number).await?;
    visit.page(&loaded.page(visit.around(), &Typed::default(), None))
}

/// Take a step in a matter by its form, or open the seal on who asks
#[utoipa::path(post, path = "/desk/matters/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the matter")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done"),
        (status = 200, description = "The page with the applicant", content_type = "text/html")))]
async fn take_desk_step(
    visit: Visit,
    Id(number): Id,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let typed = Typed::new(fields);
    let loaded = Loaded::of(&visit, &number).await?;
    if typed.of("event") == "open_seal" {
        let applicant = visit.app.services.confidential(&visit.ctx, &number).await;
        return match applicant {
            Ok(applicant) => visit.page(&loaded.page(visit.around(), &typed, Some(&applicant))),
            Err(error) => Err(visit.again(error, |a| loaded.page(a, &typed, None))),
        };
    }
    match step_taken(&visit, &loaded.view, &typed).await {
        Ok(address) => Ok(visit.go_on(address)),
        Err(error) => Err(visit.again(error, |a| loaded.page(a, &typed, None))),
    }
}

/// Refuses what is typed on a page of the matter as it was before: nobody decides about what they have not seen.
fn check_seen(view: &MatterView, typed: &Typed) -> Result<()> {
    if typed.filled("revision").is_some_and(|seen| seen != view.matter.revision.to_string()) {
        let message = "办件已有新进展，请核对后再办";
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    Ok(())
}

/// Takes the step that is typed, and says where to go on: whoever gives a matter back sees it no longer.
async fn step_taken(visit: &Visit, view: &MatterView, typed: &Typed) -> Result<String> {
    let matter = &view.matter;
    check_seen(view, typed)?;
    let act = steps::act_of(typed, matter)?;
    let (app, ctx, number) = (Arc::clone(&visit.app), visit.ctx.clone(), matter.number.clone());
    App::to_the_end(async move { openings::act(&app, &ctx, &number, &act).await }).await?;
    match visit.app.services.matter(&visit.ctx, &matter.number).await {
        Ok(_) => Ok(format!("/desk/matters/{}", matter.number)),
        Err(_) => Ok("/desk/matters".to_owned()),
    }
}

/// A notice to read and print
#[utoipa::path(get, path = "/desk/matters/{id}/notices/{number}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the matter"),
        ("number" = i64, Path, description = "Place among its notices, from 1")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk_notice(
    visit: Visit,
    Id(number): Id,
    Number(sequence): Number,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let sequence = usize::try_from(sequence).unwrap_or(0);
    let notice = visit.app.services.notice(&visit.ctx, &number, sequence).await?;
    visit.page(&NoticePage { a: visit.around(), number: &number, notice: &notice })
}
