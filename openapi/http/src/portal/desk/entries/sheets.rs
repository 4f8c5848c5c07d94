//! The spreadsheet of 26 columns, in by a form: every problem at its cell.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use catalog_core::directory::sheet;
use catalog_core::policy::{Action, decide_action};
use catalog_core::{Error, ErrorCode, Result};
use catalog_sheet::write_xlsx;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use openapi_portal::{ImportPage, ReadSheet};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::directory::sheet::take_all;
use crate::portal::desk::sent::SentSheets;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_import, import_sheet)).routes(routes!(get_template))
}

/// Who brings spreadsheets.
fn writes(visit: &Visit) -> Result<()> {
    let principal = visit.signed_in()?;
    decide_action(principal, Action::EditDirectory, principal.department.as_ref()).into_permission()
}

/// The form by which a spreadsheet comes
#[utoipa::path(get, path = "/desk/directory/import", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_import(visit: Visit) -> Result<Response, Refusal> {
    writes(&visit)?;
    visit.page(&ImportPage { a: visit.around(), read: None })
}

/// Check a spreadsheet, and save what is right in it as drafts: all or nothing for each resource
#[utoipa::path(post, path = "/desk/directory/import", tag = "desk", params(LanguageParam),
    request_body(content = Object, content_type = "multipart/form-data"),
    responses((status = 200, description = "The sheet with every problem at its cell", content_type = "text/html")))]
async fn import_sheet(visit: Visit, sent: SentSheets) -> Result<Response, Refusal> {
    writes(&visit)?;
    match found(&visit, sent).await {
        Ok(read) => visit.page(&ImportPage { a: visit.around(), read: Some(&read) }),
        Err(error) => Err(visit.again(error, |a| ImportPage { a, read: None })),
    }
}

async fn found(visit: &Visit, mut sent: SentSheets) -> Result<ReadSheet> {
    let is_check = sent.field("do") == "check";
    let missing = || Error::new(ErrorCode::InvalidInput, "choose the spreadsheet");
    let (file, extension) = (sent.take("sheet").ok_or_else(missing)?, sent.take("extension"));
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let provider = visit.ctx.principal.department.clone();
    let read = move || -> Result<_> {
        let workbook = catalog_sheet::read(&file, extension.as_deref())?;
        let imported = sheet::read(&workbook, provider.as_ref(), &departments);
        Ok((workbook, imported))
    };
    let (workbook, imported) = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
    let (problems, taken) = match is_check {
        true => (imported.problems, None),
        false => {
            let report = take_all(&visit.app, &visit.ctx, imported).await?;
            (report.problems, Some(report.imported))
        }
    };
    let shown = move || ReadSheet::of(&workbook, problems, taken);
    tokio::task::spawn_blocking(shown).await.map_err(Error::internal)
}

/// The spreadsheet of 26 columns without a row
#[utoipa::path(get, path = "/desk/directory/template.xlsx", tag = "desk",
    responses((status = 200, description = "The empty spreadsheet", body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
async fn get_template(visit: Visit) -> Result<Response, Refusal> {
    writes(&visit)?;
    let content = write_xlsx(&sheet::write(&[], &[])?)?;
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers =
        [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, "attachment; filename=\"template.xlsx\"")];
    Ok((headers, content).into_response())
}
