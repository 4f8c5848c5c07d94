//! The desk of a department's data 数据挂接: versions, deliveries with their quality, materials.

mod delivery;

use std::sync::Arc;

use axum::response::Response;
use catalog_core::dataset::{self, RecordWithdrawal, RecordsWithdrawal, Standing, Version};
use catalog_core::directory::Resource;
use catalog_core::matter::{Content, MatterKind};
use catalog_core::policy::{Action, decide_action};
use catalog_core::services::{MatterFilter, MatterView};
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use openapi_contract::WaitingVersion;
use openapi_portal::{DataRights, DatasetDeskPage, DatasetLine, DatasetsPage, Names, TypedAct};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::datasets::withdraw;
use crate::extract::{Code, CodePath, Params};
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::uploads::waiting_versions;

/// Datasets of a page.
const PAGE: usize = 50;
/// Secrecy reviews of the department that are looked at for those of one dataset.
const REVIEWS: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_datasets))
        .routes(routes!(show_own_dataset, act_on_dataset))
        .merge(delivery::routes())
}

/// Which page is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Paged {
    /// The page, from 1.
    page: Option<usize>,
}

/// The datasets of the reader's department
#[utoipa::path(get, path = "/desk/datasets", tag = "desk", params(LanguageParam, Paged),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_datasets(visit: Visit, Params(paged): Params<Paged>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let entries = app.services.entries(ctx).await?;
    let published: Vec<_> = entries.into_iter().filter_map(|entry| entry.published).collect();
    let (page, last) = (paged.page.unwrap_or(1).max(1), published.len().div_ceil(PAGE).max(1));
    let mut datasets = Vec::new();
    for resource in published.into_iter().skip((page - 1).saturating_mul(PAGE)).take(PAGE) {
        // Who may know of no version is shown none.
        let versions = app.services.versions(ctx, &resource.code).await.unwrap_or_default();
        let latest = dataset::latest(&versions, ctx.now).cloned();
        let awaits_review =
            versions.iter().any(|version| version.standing(ctx.now) == Standing::AwaitsReview);
        datasets.push(DatasetLine { code: resource.code, title: resource.title, latest, awaits_review });
    }
    visit.page(&DatasetsPage { a: visit.around(), datasets: &datasets, page, last })
}

/// The published resource, if the reader's department provides it.
async fn provided(visit: &Visit, code: &ResourceCode) -> Result<Resource> {
    visit.signed_in()?;
    let entry = visit.app.services.entry(&visit.ctx, code).await?;
    entry.published.ok_or_else(|| Error::not_found(format!("published resource {code}")))
}

/// What the page of a dataset shows.
struct Shown {
    resource: Resource,
    versions: Vec<Version>,
    waiting: Vec<WaitingVersion>,
    reviews: Vec<MatterView>,
    hindrance: Option<String>,
    acts: Vec<RecordWithdrawal>,
    rights: DataRights,
    names: Names,
}

async fn shown(visit: &Visit, code: &ResourceCode) -> Result<Shown> {
    let resource = provided(visit, code).await?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let mut versions = app.services.versions(ctx, code).await?;
    versions.reverse();
    let acts = app.services.record_acts(ctx, code).await?;
    let may =
        |action| decide_action(&ctx.principal, action, Some(&resource.provider)).into_permission().is_ok();
    let rights = DataRights {
        delivers: may(Action::IngestData),
        publishes: may(Action::PublishData),
        reviews: may(Action::ReviewData),
    };
    let waiting = match rights.delivers {
        true => waiting_versions(app, ctx, code).await?,
        false => Vec::new(),
    };
    let (reviews, hindrance) = (secrecy_reviews(visit, code).await?, hindrance(visit, &versions));
    let names = visit.names(versions.iter().map(|version| version.published_by.as_str())).await?;
    Ok(Shown { resource, versions, waiting, reviews, hindrance, acts, rights, names })
}

/// The secrecy reviews of a resource that are under way.
async fn secrecy_reviews(visit: &Visit, code: &ResourceCode) -> Result<Vec<MatterView>> {
    let kinds = [MatterKind::SecrecyReview].into();
    let filter = MatterFilter { kinds, limit: REVIEWS, ..MatterFilter::default() };
    let mut found = visit.app.services.matters(&visit.ctx, &filter).await?.matters;
    let is_of_it = |view: &MatterView| matches!(&view.matter.content, Content::SecrecyReview(review) if review.opening.resource == *code);
    found.retain(is_of_it);
    Ok(found)
}

/// What keeps the reader from reviewing the change of columns that awaits it.
fn hindrance(visit: &Visit, versions: &[Version]) -> Option<String> {
    let mut oldest_first = versions.to_vec();
    oldest_first.reverse();
    visit.app.services.review_hindrance(&visit.ctx, &oldest_first).map(|error| error.message)
}

impl Shown {
    fn page<'a>(&'a self, visit: &'a Visit, typed: &'a TypedAct) -> DatasetDeskPage<'a> {
        DatasetDeskPage {
            a: visit.around(),
            resource: &self.resource,
            versions: &self.versions,
            waiting: &self.waiting,
            reviews: &self.reviews,
            hindrance: self.hindrance.as_deref(),
            acts: &self.acts,
            rights: self.rights,
            typed,
            now: visit.ctx.now,
            names: &self.names,
        }
    }
}

/// The versions of a dataset, with what can be done about them
#[utoipa::path(get, path = "/desk/datasets/{code}", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_own_dataset(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    let shown = shown(&visit, &code).await?;
    visit.page(&shown.page(&visit, &TypedAct::default()))
}

/// What a form of the page sends.
#[derive(Deserialize, ToSchema)]
struct Acted {
    /// `withdraw`, `review`, `withdraw_records` or `reinstate_records`.
    r#do: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    reason: String,
    /// Key values, one record a line.
    #[serde(default)]
    keys: String,
}

/// Withdraw a version or records, reinstate records, or consent to a change of columns
#[utoipa::path(post, path = "/desk/datasets/{code}", tag = "desk", params(CodePath, LanguageParam),
    request_body(content = Acted, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn act_on_dataset(
    visit: Visit,
    Code(code): Code,
    Form(acted): Form<Acted>,
) -> Result<Response, Refusal> {
    // What is refused to strangers is not there for them.
    let before = shown(&visit, &code).await?;
    match act(&visit, &before.resource, &acted).await {
        Ok(()) => Ok(visit.go_on(format!("/desk/datasets/{}", code.path_form()))),
        Err(error) => {
            let typed = TypedAct { number: acted.number, reason: acted.reason, keys: acted.keys };
            Err(visit.again(error, |a| DatasetDeskPage { a, ..before.page(&visit, &typed) }))
        }
    }
}

async fn act(visit: &Visit, resource: &Resource, acted: &Acted) -> Result<()> {
    let (app, ctx, code) = (Arc::clone(&visit.app), visit.ctx.clone(), resource.code.clone());
    let number = || {
        let message = "choose a version";
        acted.number.parse::<i64>().map_err(|_| Error::new(ErrorCode::InvalidInput, message))
    };
    match acted.r#do.as_str() {
        "withdraw" => {
            let (number, reason) = (number()?, acted.reason.clone());
            App::to_the_end(async move { withdraw(&app, &ctx, &code, number, &reason).await }).await
        }
        "review" => app.services.review_version(&ctx, &code, number()?).await.map(drop),
        "withdraw_records" => {
            let said = records(resource, acted);
            let done = async move { app.services.withdraw_records(&ctx, &app.datasets, &code, said).await };
            App::to_the_end(done).await
        }
        "reinstate_records" => app.services.reinstate_records(&ctx, &code, records(resource, acted)).await,
        _ => Err(Error::new(ErrorCode::InvalidInput, "choose what to do")),
    }
}

/// The records that a form names, one a line. A key of one column is the whole line.
fn records(resource: &Resource, acted: &Acted) -> RecordsWithdrawal {
    let columns = resource.key.len();
    let key = |line: &str| -> Vec<String> {
        match columns > 1 {
            true => line.split(['\t', ',']).map(|value| value.trim().to_owned()).collect(),
            false => vec![line.trim().to_owned()],
        }
    };
    let keys = acted.keys.lines().filter(|line| !line.trim().is_empty()).map(key).collect();
    RecordsWithdrawal { keys, reason: acted.reason.clone(), ..RecordsWithdrawal::default() }
}
