//! The first rows of a file, checked before it is uploaded.
//!
//! Whoever may upload it may have them checked. Nothing of them is kept: they and their bad cells lie in temporary files as long as
//! the request lasts. No other rows are opened for them, neither those of the dataset nor those that references lead to, so
//! nothing is read that evidence would tell of.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::{OpContext, Problem};
use datasets_ingest::{Ingest, Sample};
use http::HeaderMap;
use openapi_contract::{BadCell, SampleReport};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Quiet, Wanted, delivery, expected, options, quality};
use crate::app::App;
use crate::extract::{Code, CodePath, Params};
use crate::payload::Upload;
use crate::problem::Refusal;

/// Bytes of a sample at most.
pub(crate) const SAMPLE_BYTES: u64 = 1 << 20;
/// How the address of a sample ends.
pub(crate) const SAMPLE: &str = "/data/sample";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(check_sample))
}

/// Check the first rows of a file before it is uploaded
///
/// At most 1 MiB and 1,000 rows of CSV or JSON Lines. Nothing of it is kept, and no other rows are looked at: references and keys that the
/// dataset already has are checked when the whole file is uploaded.
#[utoipa::path(post, path = "/api/v1/resources/{code}/data/sample", tag = "data", params(CodePath, Wanted),
    request_body(content((String = "text/csv"), (String = "application/jsonl"))),
    responses((status = 200, description = "What is wrong with them", body = SampleReport)))]
async fn check_sample(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(upload): Extension<Arc<Upload>>,
    Code(code): Code,
    Params(wanted): Params<Wanted>,
    headers: HeaderMap,
) -> Result<Json<SampleReport>, Refusal> {
    let number = app.services.next_version(&ctx, &code).await?;
    let delivery = delivery(&upload, wanted.name.as_deref(), &headers)?;
    let options = options(&app, &ctx, &code, number, &wanted).await?;
    let resource = expected(&app, &ctx, &code, &options).await?;
    let ingest = Ingest {
        store: &app.datasets,
        resource: &resource,
        order_key: &app.layout_key,
        signing_key: &app.signer,
        divisions: app.divisions.clone(),
        references: None,
        progress: Arc::new(Quiet),
    };
    Ok(Json(report(ingest.check_sample(&delivery, &options).await?)))
}

fn report(Sample { header, quality: counts, cells }: Sample) -> SampleReport {
    let bad = |cell: datasets_ingest::Violation| BadCell {
        row: cell.row,
        column: cell.column,
        rule: cell.rule,
        value: cell.value,
        hint: cell.hint,
    };
    let header: Vec<Problem> = header;
    SampleReport { header, quality: quality(&counts), cells: cells.into_iter().map(bad).collect() }
}
