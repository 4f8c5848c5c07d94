//! The departments' spreadsheet, in and out.

use std::sync::Arc;

use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::directory::sheet::{self, ImportedResource, NameCells};
use catalog_core::directory::{Department, Resource};
use catalog_core::{Error, ErrorCode, OpContext, Problem, ResourceCode};
use catalog_sheet::{write_csv, write_xlsx};
use http::header;
use openapi_contract::ImportReport;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Params, essence, invalid};
use crate::problem::Refusal;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const CSV: &str = "text/csv; charset=utf-8";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import_directory)).routes(routes!(export_directory))
}

/// Import the spreadsheet of 26 columns as drafts: all or nothing for each resource
///
/// One file as the body (`.xlsx`, `.xls` or `.csv`), or a form with the parts `sheet` and, beside a CSV, `extension` (the
/// sheet 扩展). A sheet that names no provider takes the caller's department.
#[utoipa::path(post, path = "/api/v1/directory/import", tag = "directory",
    request_body(content((Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Vec<u8> = "application/vnd.ms-excel"), (String = "text/csv"), (Object = "multipart/form-data"))),
    responses((status = 200, description = "What was taken, and every problem of the rest", body = ImportReport)))]
async fn import_directory(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Files { sheet, extension }: Files,
) -> Result<Json<ImportReport>, Refusal> {
    let departments = app.services.departments(&ctx).await?;
    let read = move || catalog_sheet::read(&sheet, extension.as_deref());
    let workbook = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
    let imported = sheet::read(&workbook, ctx.principal.department.as_ref(), &departments);
    let mut report = ImportReport { imported: Vec::new(), refused: Vec::new(), problems: imported.problems };
    for found in imported.resources {
        let (title, cells) = (found.resource.title.clone(), found.cells.clone());
        match take(&app, &ctx, found).await {
            Ok(code) => report.imported.push(code),
            Err(error) if error.code == ErrorCode::Internal => return Err(error.into()),
            Err(error) => {
                report.problems.extend(problems_of(&cells, error));
                report.refused.push(title);
            }
        }
    }
    Ok(Json(report))
}

async fn take(app: &App, ctx: &OpContext, found: ImportedResource) -> Result<ResourceCode, Error> {
    let resource = match &found.allocate {
        None => found.resource,
        Some(classification) => {
            let code = app.services.allocate_code(ctx, &found.resource.provider, classification).await?;
            found.with_code(code)?
        }
    };
    app.services.save_draft(ctx, resource).await.map(|entry| entry.draft.code)
}

/// What the directory refused, at the cells of the sheet.
fn problems_of(cells: &NameCells, error: Error) -> Vec<Problem> {
    if error.problems.is_empty() {
        return vec![Problem::new(cells.of("code"), error.code.as_str(), error.message)];
    }
    let placed = |problem: Problem| Problem { at: cells.of(&problem.at).to_owned(), ..problem };
    error.problems.into_iter().map(placed).collect()
}

/// The file or files of an import.
struct Files {
    sheet: Vec<u8>,
    extension: Option<Vec<u8>>,
}

impl FromRequest<Arc<App>> for Files {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if essence(media_type.unwrap_or_default()) == "multipart/form-data" {
            return from_form(request, app).await;
        }
        let cut = |_| invalid("the body ended early");
        // The wrapper has bounded the body.
        let sheet = axum::body::to_bytes(request.into_body(), usize::MAX).await.map_err(cut)?;
        if sheet.is_empty() {
            return Err(invalid("send the spreadsheet as the body"));
        }
        Ok(Self { sheet: sheet.into(), extension: None })
    }
}

async fn from_form(request: Request, app: &Arc<App>) -> Result<Files, Refusal> {
    let broken = |_| invalid("the form can't be read: it ends early, or a part of it does");
    let mut form = Multipart::from_request(request, app)
        .await
        .map_err(|_| invalid("the form can't be read: its boundary is missing"))?;
    let (mut sheet, mut extension) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let content = field.bytes().await.map_err(broken)?.to_vec();
        match name.as_str() {
            "sheet" => sheet = Some(content),
            "extension" => extension = Some(content),
            _ => return Err(invalid("the parts of the form are called `sheet` and `extension`")),
        }
    }
    let sheet = sheet.ok_or_else(|| invalid("the form has no part `sheet`"))?;
    Ok(Files { sheet, extension })
}

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Export {
    /// `xlsx`, with both sheets, or `csv`.
    format: String,
    /// For CSV: `sheet` or `extension`, the sheet 扩展.
    part: Option<String>,
}

/// Export the published entries of the caller's department, drafts where nothing is published yet
#[utoipa::path(get, path = "/api/v1/directory/export", tag = "directory", params(Export),
    responses((status = 200, description = "The spreadsheet of 26 columns", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/csv")))))]
async fn export_directory(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Export { format, part }): Params<Export>,
) -> Result<Response, Refusal> {
    let entries = app.services.entries(&ctx).await?;
    let resources =
        entries.into_iter().map(|entry| entry.published.unwrap_or(entry.draft)).collect::<Vec<_>>();
    let departments = app.services.departments(&ctx).await?;
    let write = move || written(&resources, &departments, &format, part.as_deref());
    let (media_type, name, content) = tokio::task::spawn_blocking(write).await.map_err(Error::internal)??;
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, content).into_response())
}

/// Media type, file name and content.
type Written = (&'static str, &'static str, Vec<u8>);

fn written(
    resources: &[Resource],
    departments: &[Department],
    format: &str,
    part: Option<&str>,
) -> Result<Written, Error> {
    let workbook = sheet::write(resources, departments)?;
    match (format, part.unwrap_or("sheet")) {
        ("xlsx", "sheet") => Ok((XLSX, "directory.xlsx", write_xlsx(&workbook)?)),
        ("csv", "sheet") => Ok((CSV, "directory.csv", write_csv(&workbook.directory))),
        ("csv", "extension") => {
            let extension = workbook.extension.as_ref().map(write_csv).unwrap_or_default();
            Ok((CSV, "extension.csv", extension))
        }
        _ => {
            let message = "offered are format=xlsx, and format=csv with part=sheet or part=extension";
            Err(Error::new(ErrorCode::UnsupportedFormat, message))
        }
    }
}
