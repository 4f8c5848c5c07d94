//! Deliveries by form: the file, its quality, its publication; and materials.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::response::Response;
use catalog_core::dataset::ChangeKind;
use catalog_core::directory::Resource;
use catalog_core::policy::{Action, decide_action};
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use datasets_store::{Manifest, Quality};
use futures::TryStreamExt as _;
use http::HeaderMap;
use object_store::ObjectStoreExt as _;
use openapi_contract::PreparedVersion;
use openapi_portal::{BadCell, MaterialPage, QualityCounts, QualityPage, TypedDelivery, UploadPage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::provided;
use crate::app::App;
use crate::evidence::{Asked, Reading};
use crate::extract::{Code, CodePath, Number, NumberPath, Params};
use crate::materials::put_whole;
use crate::portal::desk::sent::SentFile;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::uploads::{self, Wanted};

/// Cells that were set aside and are shown.
const EXAMPLES: usize = 50;
/// Bytes of the file of what was set aside that are looked at for them.
const EXAMPLE_BYTES: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_upload, deliver_data_form))
        .routes(routes!(show_waiting, publish_waiting))
        .routes(routes!(show_quality))
        .routes(routes!(show_material_form, upload_material))
}

/// The resource, for who may deliver its data.
async fn delivered(visit: &Visit, code: &ResourceCode) -> Result<Resource> {
    let resource = provided(visit, code).await?;
    decide_action(&visit.ctx.principal, Action::IngestData, Some(&resource.provider)).into_permission()?;
    Ok(resource)
}

/// The form of a delivery
#[utoipa::path(get, path = "/desk/datasets/{code}/upload", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_upload(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    let most = visit.app.limits.upload_bytes;
    visit.page(&UploadPage { a: visit.around(), resource: &resource, typed: &TypedDelivery::default(), most })
}

/// How a delivery is followed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Follow {
    /// The name under which `/api/v1/resources/{code}/data/progress` tells how far it is.
    follow: Option<String>,
}

/// Deliver a file: it is checked row by row and becomes a version that waits to be published
#[utoipa::path(post, path = "/desk/datasets/{code}/upload", tag = "desk", params(CodePath, LanguageParam, Follow),
    request_body(content = Object, content_type = "multipart/form-data"),
    responses((status = 200, description = "The quality report", content_type = "text/html")))]
async fn deliver_data_form(
    visit: Visit,
    Code(code): Code,
    Params(follow): Params<Follow>,
    Extension(asked): Extension<Asked>,
    sent: SentFile,
) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    let typed = TypedDelivery {
        change: sent.field("change").to_owned(),
        threshold: sent.field("threshold").to_owned(),
        breaking: sent.field("breaking") == "true",
        reason: sent.field("reason").to_owned(),
        notice_days: sent.field("notice_days").to_owned(),
    };
    match taken(&visit, &resource, &asked, (sent, follow), &typed).await {
        Ok(response) => Ok(response),
        Err(refusal) => {
            let most = visit.app.limits.upload_bytes;
            let page = |a| UploadPage { a, resource: &resource, typed: &typed, most };
            Err(visit.again(titled(refusal.error, &resource), page))
        }
    }
}

/// The same refusal, with items by the titles that people know them by.
fn titled(mut error: Error, resource: &Resource) -> Error {
    for problem in &mut error.problems {
        let Some((row, column)) = problem.at.rsplit_once(", ") else { continue };
        if let Some(item) = resource.item(column) {
            problem.at = format!("{row}, {}", item.title);
        }
    }
    error
}

/// What was typed, as the API takes it.
fn wanted(typed: &TypedDelivery) -> Result<Wanted> {
    let wrong = |what: &str| Error::new(ErrorCode::InvalidInput, format!("{what} is not right"));
    let change = match typed.change.as_str() {
        "" | "replace" => ChangeKind::Replace,
        "append" => ChangeKind::Append,
        "upsert" => ChangeKind::Upsert,
        _ => return Err(wrong("how it changes the data")),
    };
    let threshold = Some(typed.threshold.trim()).filter(|text| !text.is_empty());
    let threshold =
        threshold.map(|text| text.parse().map_err(|_| wrong("the share of bad rows"))).transpose()?;
    let days = Some(typed.notice_days.trim()).filter(|text| typed.breaking && !text.is_empty());
    let notice_days = days.map(|text| text.parse().map_err(|_| wrong("the number of days"))).transpose()?;
    let reason = Some(typed.reason.clone()).filter(|reason| typed.breaking && !reason.is_empty());
    let change = Some(change);
    Ok(Wanted { change, threshold, breaking: typed.breaking, reason, notice_days, ..Wanted::default() })
}

async fn taken(
    visit: &Visit,
    resource: &Resource,
    asked: &Asked,
    (sent, Follow { follow }): (SentFile, Follow),
    typed: &TypedDelivery,
) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let wanted = Wanted { follow, ..wanted(typed)? };
    let missing = || Error::new(ErrorCode::InvalidInput, "choose the file");
    let (name, file) = sent.file.filter(|(_, file)| file.bytes > 0).ok_or_else(missing)?;
    let delivery = uploads::delivery(&file, Some(&name), &HeaderMap::new());
    let (report, reading) =
        uploads::deliver(app, ctx, asked, delivery, &resource.code, &wanted, None).await?;
    // What was read of others for it has begun in evidence: a refusal from here on names it, and ends it.
    let sources = reading.as_ref().map(|reading| reading.sources.clone()).unwrap_or_default();
    let shown = async {
        let PreparedVersion { number, manifest_digest } = report.prepared.clone();
        let prepared = uploads::waiting_version(app, ctx, resource.code.clone(), report.prepared).await?;
        // Whoever has just sent them is shown what they sent.
        let examples = examples(app, &prepared.manifest).await?;
        visit.page(&QualityPage {
            a: visit.around(),
            resource,
            number,
            waits: Some(&manifest_digest),
            breaks: wanted.breaking,
            quality: &counts(&prepared.manifest.quality),
            examples: &examples,
        })
    };
    let mut response = shown.await.map_err(|refusal: Refusal| refusal.after_opening(sources))?;
    if let Some(reading) = reading {
        response.extensions_mut().insert(reading);
    }
    Ok(response)
}

fn counts(quality: &Quality) -> QualityCounts {
    QualityCounts {
        read: quality.rows_read,
        accepted: quality.rows_accepted,
        quarantined: quality.rows_quarantined,
        rules: quality
            .rules
            .iter()
            .map(|rule| (rule.column.clone(), rule.rule.clone(), rule.count))
            .collect(),
        unchecked: quality.unchecked_references.clone(),
    }
}

/// The first cells that were set aside.
async fn examples(app: &App, manifest: &Manifest) -> Result<Vec<BadCell>> {
    let Some(part) = &manifest.quarantine else { return Ok(Vec::new()) };
    let path = object_store::path::Path::from(part.path.as_str());
    let found = app.datasets.objects().get(&path).await.map_err(datasets_store::Error::from)?;
    let mut stream = found.into_stream();
    let mut begin = Vec::new();
    while let Some(chunk) = stream.try_next().await.map_err(datasets_store::Error::from)? {
        begin.extend_from_slice(&chunk);
        if begin.len() >= EXAMPLE_BYTES {
            break;
        }
    }
    let lines = begin.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    // The last line may be cut.
    Ok(lines.map_while(|line| serde_json::from_slice(line).ok()).take(EXAMPLES).collect())
}

/// A version that waits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Waiting {
    /// Its number.
    number: i64,
    /// The digest of its manifest.
    digest: String,
}

/// The counts of a version that waits to be published
#[utoipa::path(get, path = "/desk/datasets/{code}/waiting", tag = "desk", params(CodePath, LanguageParam, Waiting),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_waiting(
    visit: Visit,
    Code(code): Code,
    Params(waiting): Params<Waiting>,
) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    let prepared = PreparedVersion { number: waiting.number, manifest_digest: waiting.digest.clone() };
    let prepared = uploads::waiting_version(&visit.app, &visit.ctx, code, prepared).await?;
    visit.page(&QualityPage {
        a: visit.around(),
        resource: &resource,
        number: waiting.number,
        waits: Some(&waiting.digest),
        breaks: prepared.manifest.breaking.is_some(),
        quality: &counts(&prepared.manifest.quality),
        examples: &[],
    })
}

/// Publish a version that waits
#[utoipa::path(post, path = "/desk/datasets/{code}/waiting", tag = "desk", params(CodePath, LanguageParam, Waiting),
    responses((status = 303, description = "Published")))]
async fn publish_waiting(
    visit: Visit,
    Code(code): Code,
    Params(waiting): Params<Waiting>,
) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    let prepared = PreparedVersion { number: waiting.number, manifest_digest: waiting.digest.clone() };
    match uploads::publish_waiting(&visit.app, &visit.ctx, code.clone(), prepared).await {
        Ok(_) => Ok(visit.go_on(format!("/desk/datasets/{}/versions/{}", code.path_form(), waiting.number))),
        Err(refusal) => {
            // What waits is shown as before, if it still waits.
            let prepared =
                PreparedVersion { number: waiting.number, manifest_digest: waiting.digest.clone() };
            let waits = uploads::waiting_version(&visit.app, &visit.ctx, code, prepared).await.ok();
            let breaks = waits.as_ref().is_some_and(|waits| waits.manifest.breaking.is_some());
            let quality = waits.map_or_else(QualityCounts::default, |waits| counts(&waits.manifest.quality));
            let page = |a| QualityPage {
                a,
                resource: &resource,
                number: waiting.number,
                waits: Some(&waiting.digest),
                breaks,
                quality: &quality,
                examples: &[],
            };
            Err(visit.again(refusal.error, page))
        }
    }
}

/// The quality of a version's delivery, with examples of what was set aside
#[utoipa::path(get, path = "/desk/datasets/{code}/versions/{number}", tag = "desk",
    params(CodePath, NumberPath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_quality(visit: Visit, Code(code): Code, Number(number): Number) -> Result<Response, Refusal> {
    let resource = provided(&visit, &code).await?;
    let dataset = uploads::own(&visit.app, &visit.ctx, &code, number).await?;
    let manifest = visit.app.datasets.manifest(&dataset.version).await?;
    let examples = examples(&visit.app, &manifest).await?;
    let mut response = visit.page(&QualityPage {
        a: visit.around(),
        resource: &resource,
        number,
        waits: None,
        breaks: false,
        quality: &counts(&manifest.quality),
        examples: &examples,
    })?;
    let reading = Reading::of(vec![dataset.source()]);
    reading.rows.store(examples.len() as u64, Ordering::Relaxed);
    response.extensions_mut().insert(reading);
    Ok(response)
}

/// The form by which a material comes
#[utoipa::path(get, path = "/desk/datasets/{code}/materials", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_material_form(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    visit.page(&MaterialPage { a: visit.around(), resource: &resource, digest: None })
}

/// Take in one material by a form; large ones come by `/api/v1/resources/{code}/materials`
#[utoipa::path(post, path = "/desk/datasets/{code}/materials", tag = "desk", params(CodePath, LanguageParam),
    request_body(content = Object, content_type = "multipart/form-data"),
    responses((status = 200, description = "Its SHA-256", content_type = "text/html")))]
async fn upload_material(visit: Visit, Code(code): Code, sent: SentFile) -> Result<Response, Refusal> {
    let resource = delivered(&visit, &code).await?;
    let taken = async {
        let missing = || Error::new(ErrorCode::InvalidInput, "choose the file");
        let (_, file) = sent.file.filter(|(_, file)| file.bytes > 0).ok_or_else(missing)?;
        put_whole(&visit.app, &visit.ctx, &code, Arc::new(file)).await
    };
    match taken.await {
        Ok(digest) => {
            visit.page(&MaterialPage { a: visit.around(), resource: &resource, digest: Some(&digest) })
        }
        Err(error) => Err(visit.again(error, |a| MaterialPage { a, resource: &resource, digest: None })),
    }
}
