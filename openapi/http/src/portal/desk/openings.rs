//! The desk of the secrecy reviews 保密审查 by which items become open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use catalog_core::context::Channel;
use catalog_core::matter::{CheckAnswer, Content, Event, MatterKind, OpeningTerms};
use catalog_core::policy::Mask;
use catalog_core::ports::MatterPlace;
use catalog_core::services::{Act, MatterFilter, MatterView};
use catalog_core::{ColumnName, Error, ErrorCode, ResourceCode, Result, Timestamp};
use openapi_portal::{OpeningFormPage, OpeningsPage, Pager, SecrecyPage, TypedOpening, TypedStep};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Params};
use crate::openings;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

/// Reviews of a page.
const LISTED: usize = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_openings))
        .routes(routes!(show_opening_form, ask_to_open))
        .routes(routes!(show_secrecy_review, act_on_secrecy_review))
}

/// Which reviews are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Settled ones too.
    #[serde(default)]
    settled: bool,
    /// The page behind this place.
    #[serde(default)]
    after: String,
}

/// The secrecy reviews of the reader's department
#[utoipa::path(get, path = "/desk/openings", tag = "desk", params(LanguageParam, Listed),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_openings(visit: Visit, Params(listed): Params<Listed>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let after = Some(listed.after.as_str()).filter(|after| !after.is_empty());
    let filter = MatterFilter {
        kinds: BTreeSet::from([MatterKind::SecrecyReview]),
        settled: listed.settled,
        after: after.map(str::parse::<MatterPlace>).transpose()?,
        limit: LISTED,
        ..MatterFilter::default()
    };
    let page = visit.app.services.matters(&visit.ctx, &filter).await?;
    let a = visit.around();
    let pager = Pager::of(&a.address, "after", page.next.map(|next| next.to_string()).as_deref());
    let titles = titles(&visit, &page.matters).await;
    visit.page(&OpeningsPage { a, openings: &page.matters, settled: listed.settled, pager, titles: &titles })
}

/// The titles of the resources of secrecy reviews, by their codes, as far as the visitor is told them.
pub(super) async fn titles(visit: &Visit, views: &[MatterView]) -> BTreeMap<String, String> {
    let mut titles = BTreeMap::new();
    for view in views {
        let Content::SecrecyReview(review) = &view.matter.content else { continue };
        let code = &review.opening.resource;
        if !titles.contains_key(code.as_str())
            && let Ok(resource) = visit.app.services.resource(&visit.ctx, code).await
        {
            titles.insert(code.to_string(), resource.title);
        }
    }
    titles
}

/// What is to be opened.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfResource {
    /// Code of the resource, with `-` for the slash.
    #[serde(default)]
    resource: String,
}

/// The form by which items become open
#[utoipa::path(get, path = "/desk/openings/new", tag = "desk", params(LanguageParam, OfResource),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_opening_form(visit: Visit, Params(of): Params<OfResource>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let code = ResourceCode::from_path(&of.resource)?;
    let resource = visit.app.services.entry(&visit.ctx, &code).await?.published;
    let resource = resource.ok_or_else(|| Error::not_found(format!("published resource {code}")))?;
    let doors = ["file", "api", "sql"].map(str::to_owned).into();
    let typed = TypedOpening { doors, ..TypedOpening::default() };
    visit.page(&OpeningFormPage { a: visit.around(), resource: &resource, typed: &typed })
}

/// What the form sends.
#[derive(Deserialize, ToSchema)]
struct Asked {
    #[serde(default)]
    items: BTreeSet<String>,
    #[serde(default)]
    quasi: BTreeSet<String>,
    #[serde(default)]
    doors: BTreeSet<String>,
    /// `column=mask` for each item.
    #[serde(default)]
    masks: BTreeSet<String>,
    #[serde(default)]
    legal_basis: String,
    #[serde(default)]
    condition: String,
    /// The last day, `2030-12-31`.
    #[serde(default)]
    until: String,
}

/// Ask that items become open: the machine checks them at once
#[utoipa::path(post, path = "/desk/openings/new", tag = "desk", params(LanguageParam, OfResource),
    request_body(content = Asked, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Checked; the review has a page")))]
async fn ask_to_open(
    visit: Visit,
    Params(of): Params<OfResource>,
    Form(asked): Form<Asked>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let code = ResourceCode::from_path(&of.resource)?;
    let resource = visit.app.services.entry(&visit.ctx, &code).await?.published;
    let resource = resource.ok_or_else(|| Error::not_found(format!("published resource {code}")))?;
    let opened = async {
        let terms = terms(&code, &asked)?;
        openings::ask(&visit.app, &visit.ctx, terms).await
    };
    match opened.await {
        Ok(view) => Ok(visit.go_on(format!("/desk/openings/{}", view.matter.number))),
        Err(error) => {
            let Asked { items, quasi, doors, masks, legal_basis, condition, until } = asked;
            let typed = TypedOpening { items, quasi, doors, masks, legal_basis, condition, until };
            Err(visit.again(error, |a| OpeningFormPage { a, resource: &resource, typed: &typed }))
        }
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

/// One of a closed list, by its name.
fn named<T: DeserializeOwned>(name: &str, message: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::from(name)).map_err(|_| wrong(message))
}

fn terms(code: &ResourceCode, asked: &Asked) -> Result<OpeningTerms> {
    let columns = |names: &BTreeSet<String>| {
        names.iter().map(|name| ColumnName::new(name.clone())).collect::<Result<Vec<_>>>()
    };
    let mut masks = BTreeMap::new();
    for chosen in &asked.masks {
        let (column, mask) = chosen.split_once('=').ok_or_else(|| wrong("choose a mask"))?;
        let mask = match mask {
            "" => continue,
            "null" => Mask::Null,
            "keep_first" => Mask::KeepFirst { count: 1 },
            "year" => Mask::Year,
            _ => return Err(wrong("choose a mask")),
        };
        if asked.items.contains(column) {
            masks.insert(ColumnName::new(column.to_owned())?, mask);
        }
    }
    let doors = asked.doors.iter().map(|door| named::<Channel>(door, "choose a door"));
    let valid_until = match asked.until.trim() {
        "" => None,
        // The end of that day in Shanghai.
        day => Some(end_of(day)?),
    };
    Ok(OpeningTerms {
        resource: code.clone(),
        items: columns(&asked.items)?,
        filter: None,
        masks,
        doors: doors.collect::<Result<_>>()?,
        legal_basis: asked.legal_basis.trim().to_owned(),
        valid_until,
        condition: Some(asked.condition.trim().to_owned()).filter(|condition| !condition.is_empty()),
        quasi_identifiers: Some(columns(&asked.quasi)?).filter(|columns| !columns.is_empty()),
    })
}

fn end_of(day: &str) -> Result<Timestamp> {
    let begin = Timestamp::parse(&format!("{day}T00:00:00+08:00"));
    begin.map(|begin| begin.plus_seconds(86_400)).ok_or_else(|| wrong("write the day as 2030-12-31"))
}

/// What a page of a secrecy review shows.
async fn shown(
    visit: &Visit,
    view: &MatterView,
) -> Result<(catalog_core::matter::SecrecyReview, Option<catalog_core::directory::Resource>)> {
    let Content::SecrecyReview(review) = view.matter.content.clone() else {
        return Err(Error::not_found("a secrecy review of this number"));
    };
    let resource = visit.app.services.resource(&visit.ctx, &review.opening.resource).await.ok();
    Ok((review, resource))
}

/// One secrecy review: findings, check list, decision
#[utoipa::path(get, path = "/desk/openings/{id}", tag = "desk", params(LanguageParam,
        ("id" = String, Path, description = "Number of the matter: SC-2026-000001")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_secrecy_review(visit: Visit, Id(number): Id) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let view = visit.app.services.matter(&visit.ctx, &number).await?;
    let (review, resource) = shown(&visit, &view).await?;
    visit.page(&SecrecyPage {
        names: &visit.names(view.matter.history.iter().filter_map(|step| step.by.as_deref())).await?,
        a: visit.around(),
        view: &view,
        review: &review,
        resource: resource.as_ref(),
        typed: &TypedStep::default(),
    })
}

/// What a step's form sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecrecyStepForm)]
struct Stepped {
    /// The revision of the matter that was shown.
    #[serde(default)]
    revision: String,
    /// `justify`, `grant`, `return`, `refuse`, `withdraw`, `complete` or `revoke`; `check` has a machine check that was cut short run again.
    event: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    legal_basis: String,
    /// `yes` or `no` for each question.
    #[serde(default)]
    answers: Vec<String>,
    /// A remark for each question.
    #[serde(default)]
    notes: Vec<String>,
}

/// Take a step in a secrecy review
#[utoipa::path(post, path = "/desk/openings/{id}", tag = "desk", params(LanguageParam,
        ("id" = String, Path, description = "Number of the matter")),
    request_body(content = Stepped, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn act_on_secrecy_review(
    visit: Visit,
    Id(number): Id,
    Form(stepped): Form<Stepped>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let view = visit.app.services.matter(&visit.ctx, &number).await?;
    let (review, resource) = shown(&visit, &view).await?;
    let taken = async {
        if !stepped.revision.is_empty() && stepped.revision != view.matter.revision.to_string() {
            let message = "办件已有新进展，请核对后再办";
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        if stepped.event == "check" {
            return openings::check_again(&visit.app, &visit.ctx, number.clone()).await;
        }
        let act = act(&stepped, &review.opening)?;
        let (app, ctx, number) = (Arc::clone(&visit.app), visit.ctx.clone(), number.clone());
        App::to_the_end(async move { openings::act(&app, &ctx, &number, &act).await }).await
    };
    match taken.await {
        Ok(_) => Ok(visit.go_on(format!("/desk/openings/{number}"))),
        Err(error) => {
            let Stepped { reason, legal_basis, answers, notes, .. } = stepped;
            let typed = TypedStep { reason, legal_basis, answers, notes };
            let people = view.matter.history.iter().filter_map(|step| step.by.as_deref());
            let names = visit.names(people).await?;
            let page = |a| SecrecyPage {
                names: &names,
                a,
                view: &view,
                review: &review,
                resource: resource.as_ref(),
                typed: &typed,
            };
            Err(visit.again(error, page))
        }
    }
}

fn act(stepped: &Stepped, opening: &OpeningTerms) -> Result<Act> {
    let event: Event = named(&stepped.event, "choose a step")?;
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let answers = match event {
        Event::Grant => Some(answers(stepped)?),
        _ => None,
    };
    Ok(Act {
        answers,
        // The data were mended; what becomes open stays as it was asked.
        opening: (event == Event::Complete).then(|| opening.clone()),
        ..Act::new(event, said(&stepped.reason), said(&stepped.legal_basis))
    })
}

fn answers(stepped: &Stepped) -> Result<Vec<CheckAnswer>> {
    let answer = |(place, answer): (usize, &String)| {
        let answer = match answer.as_str() {
            "yes" => true,
            "no" => false,
            _ => return Err(wrong("answer every question of the check list")),
        };
        Ok(CheckAnswer { answer, note: stepped.notes.get(place).cloned().unwrap_or_default() })
    };
    stepped.answers.iter().enumerate().map(answer).collect()
}
