//! Feedback on datasets, the gallery, and the desk's pages of those who decide about both.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use catalog_core::contribution::{Contributed, ContributionKind, ContributionState, Feedback, Work};
use catalog_core::services::Draft;
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use openapi_contract::ContributionDecision;
use openapi_portal::{ContributionsPage, FeedbackPage, GalleryPage, OfferPage, Opinion, Pager, WorkForm};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::contributions::{answer, decide, feedback_on, give, works};
use crate::extract::{Code, CodePath, Params};
use crate::problem::Refusal;
use crate::wire::Wire;

/// Works on one page; the API's lists have as many.
const PAGE: usize = 50;
/// Contributions on a page of those who decide about them.
const DECIDED: usize = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_feedback, send_feedback))
        .routes(routes!(show_gallery))
        .routes(routes!(show_offer, send_offer))
        .routes(routes!(review_feedback, act_on_feedback))
        .routes(routes!(review_gallery, act_on_gallery))
}

/// Whether forms sent there are kept nowhere but where they belong.
pub(super) fn keeps_nothing(path: &str) -> bool {
    path.starts_with("/gallery") || (path.starts_with("/datasets/") && path.ends_with("/feedback"))
}

/// What the page says.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Said {
    /// `1` where something was just received.
    #[serde(default)]
    received: String,
}

/// The feedback on a dataset, and the form for more 评价
#[utoipa::path(get, path = "/datasets/{code}/feedback", tag = "portal", params(CodePath, LanguageParam, Said),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_feedback(
    visit: Visit,
    Code(code): Code,
    Params(said): Params<Said>,
) -> Result<Response, Refusal> {
    feedback_page(&visit, &code, &Opinion::default(), None, said.received == "1").await
}

/// Say what one thinks of a dataset, by the form
#[utoipa::path(post, path = "/datasets/{code}/feedback", tag = "portal", params(CodePath, LanguageParam),
    request_body(content = String, description = "The fields of the form", content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Received")))]
async fn send_feedback(
    visit: Visit,
    Code(code): Code,
    Extension(wire): Extension<Wire>,
    Form(typed): Form<Opinion>,
) -> Result<Response, Refusal> {
    let rating = typed.rating.parse().unwrap_or(0);
    let feedback = Feedback { resource: code.clone(), rating, text: typed.text.trim().to_owned() };
    let draft = Draft { content: Contributed::Feedback(feedback), contact: None };
    match give(&visit.app, &visit.ctx, wire, draft).await {
        Ok(_) => Ok(visit.go_on(format!("/datasets/{}/feedback?received=1", code.path_form()))),
        Err(error) => feedback_page(&visit, &code, &typed, Some(error), false).await,
    }
}

async fn feedback_page(
    visit: &Visit,
    code: &ResourceCode,
    typed: &Opinion,
    error: Option<Error>,
    is_received: bool,
) -> Result<Response, Refusal> {
    let public = visit.public();
    let resource = visit.app.services.resource(&public, code).await?;
    let found = feedback_on(&visit.app, &public, code, None).await?;
    let path = code.path_form();
    let page = |a| FeedbackPage {
        a,
        code: &path,
        title: &resource.title,
        ratings: found.ratings,
        feedback: &found.feedback,
        typed,
        is_received,
    };
    match error {
        None => visit.page(&page(visit.around())),
        Some(error) => Err(visit.again(error, page)),
    }
}

/// Which works are shown.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those made of the dataset of this code.
    #[serde(default)]
    dataset: String,
    /// Only what came in before the one of this id.
    #[serde(default)]
    before: String,
    /// `1` where something was just received.
    #[serde(default)]
    received: String,
}

/// Works made of open data 应用成果
#[utoipa::path(get, path = "/gallery", tag = "portal", params(LanguageParam, Wanted),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_gallery(visit: Visit, Params(wanted): Params<Wanted>) -> Result<Response, Refusal> {
    let Wanted { dataset, before, received } = wanted;
    let code = match dataset.is_empty() {
        true => None,
        false => Some(ResourceCode::from_path(&dataset)?),
    };
    let before = Some(before.as_str()).filter(|before| !before.is_empty());
    let found = works(&visit.app, &visit.public(), code.as_ref(), before).await?;
    let path = code.as_ref().map(ResourceCode::path_form);
    let next = found.last().filter(|_| found.len() >= PAGE).map(|last| last.id.as_str());
    let (code, is_received) = (path.as_deref(), received == "1");
    visit.page(&GalleryPage { a: visit.around(), works: &found, code, next, is_received })
}

/// The form by which a work is offered
#[utoipa::path(get, path = "/gallery/submit", tag = "portal", params(LanguageParam, Wanted),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_offer(visit: Visit, Params(wanted): Params<Wanted>) -> Result<Response, Refusal> {
    let code = ResourceCode::from_path(&wanted.dataset).ok();
    let resources = code.map(|code| code.to_string()).unwrap_or_default();
    visit.page(&OfferPage { a: visit.around(), typed: &WorkForm { resources, ..WorkForm::default() } })
}

/// Offer a work for the gallery, by the form
#[utoipa::path(post, path = "/gallery/submit", tag = "portal", params(LanguageParam),
    request_body(content = String, description = "The fields of the form", content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Received")))]
async fn send_offer(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(typed): Form<WorkForm>,
) -> Result<Response, Refusal> {
    let sent = async { give(&visit.app, &visit.ctx, wire, draft(&typed)?).await };
    match sent.await {
        Ok(_) => Ok(visit.go_on("/gallery?received=1")),
        Err(error) => Err(visit.again(error, |a| OfferPage { a, typed: &typed })),
    }
}

fn draft(typed: &WorkForm) -> Result<Draft> {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let codes = typed.resources.split([',', '，', ' ', '\n', '\r']).filter(|code| !code.is_empty());
    let code = |code: &str| ResourceCode::from_path(code).or_else(|_| ResourceCode::new(code));
    let work = Work {
        title: typed.title.trim().to_owned(),
        text: typed.text.trim().to_owned(),
        link: filled(&typed.link),
        resources: codes.map(code).collect::<Result<_>>()?,
    };
    Ok(Draft { content: Contributed::Work(work), contact: filled(&typed.contact) })
}

/// How those stand that are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Standing {
    /// `waiting`, `shown` or `refused`; `waiting` without it.
    state: Option<ContributionState>,
    /// Those that came in before this one, by its id.
    before: Option<String>,
}

/// What is done with one of them.
#[derive(Deserialize, ToSchema)]
struct Decided {
    id: String,
    act: String,
    #[serde(default)]
    text: String,
}

/// Feedback, for those who decide about it and answer it
#[utoipa::path(get, path = "/desk/feedback", tag = "desk", params(LanguageParam, Standing),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn review_feedback(visit: Visit, Params(asked): Params<Standing>) -> Result<Response, Refusal> {
    review(&visit, ContributionKind::Feedback, asked, None, None).await
}

/// Show, refuse or answer feedback, by the form
#[utoipa::path(post, path = "/desk/feedback", tag = "desk", params(LanguageParam, Standing),
    request_body(content = Decided, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn act_on_feedback(
    visit: Visit,
    Params(asked): Params<Standing>,
    Form(decided): Form<Decided>,
) -> Result<Response, Refusal> {
    act(&visit, ContributionKind::Feedback, asked, decided).await
}

/// Works, for the data authority
#[utoipa::path(get, path = "/desk/gallery", tag = "desk", params(LanguageParam, Standing),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn review_gallery(visit: Visit, Params(asked): Params<Standing>) -> Result<Response, Refusal> {
    review(&visit, ContributionKind::Work, asked, None, None).await
}

/// Show or refuse a work, or read how to reach its maker, by the form
#[utoipa::path(post, path = "/desk/gallery", tag = "desk", params(LanguageParam, Standing),
    request_body(content = Decided, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn act_on_gallery(
    visit: Visit,
    Params(asked): Params<Standing>,
    Form(decided): Form<Decided>,
) -> Result<Response, Refusal> {
    act(&visit, ContributionKind::Work, asked, decided).await
}

async fn act(
    visit: &Visit,
    kind: ContributionKind,
    asked: Standing,
    decided: Decided,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let Decided { id, act, text } = &decided;
    let reason = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let done = match act.as_str() {
        "show" => {
            decide(app, ctx, id.clone(), ContributionDecision { show: true, reason: None }).await.map(drop)
        }
        "refuse" => {
            decide(app, ctx, id.clone(), ContributionDecision { show: false, reason }).await.map(drop)
        }
        "answer" => answer(app, ctx, id.clone(), text.trim().to_owned()).await.map(drop),
        "contact" => match app.services.contribution_contact(ctx, id).await {
            Ok(contact) => return review(visit, kind, asked, None, Some((id, &contact))).await,
            Err(error) => Err(error),
        },
        _ => Err(Error::new(ErrorCode::InvalidInput, "the form says nothing to do")),
    };
    match done {
        Ok(()) => Ok(visit.go_on(&visit.around().address)),
        Err(error) => review(visit, kind, asked, Some((error, &decided)), None).await,
    }
}

async fn review(
    visit: &Visit,
    kind: ContributionKind,
    Standing { state, before }: Standing,
    failed: Option<(Error, &Decided)>,
    contact: Option<(&str, &str)>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let state = state.unwrap_or(ContributionState::Waiting);
    let before = before.as_deref().filter(|id| !id.is_empty());
    let mut found = visit.app.services.contributions_to_review(&visit.ctx, kind, Some(state), before).await?;
    let has_more = found.len() > DECIDED;
    found.truncate(DECIDED);
    let next = found.last().filter(|_| has_more).map(|last| last.id.clone());
    let name = match state {
        ContributionState::Waiting => "waiting",
        ContributionState::Shown => "shown",
        ContributionState::Refused => "refused",
    };
    let is_gallery = kind == ContributionKind::Work;
    let typed = failed.as_ref().map_or(("", ""), |(_, decided)| (decided.id.as_str(), decided.text.as_str()));
    let looked = found.iter().filter_map(|one| Some(one.look.as_ref()?.by.as_str()));
    let names = &visit.names(looked).await?;
    let pager = Pager::of(&visit.around().address, "before", next.as_deref());
    let page =
        |a| ContributionsPage { a, names, is_gallery, state: name, found: &found, typed, contact, pager };
    match failed {
        None => visit.page(&page(visit.around())),
        Some((error, _)) => Err(visit.again(error, page)),
    }
}
