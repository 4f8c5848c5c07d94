//! The departments' directory, in and out: as the spreadsheet and as linked data.

use std::sync::Arc;

use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::directory::sheet::{self, Imported, ImportedResource, NameCells};
use catalog_core::directory::{Department, Resource, rules};
use catalog_core::{DepartmentId, Error, ErrorCode, OpContext, Problem, ResourceCode};
use catalog_sheet::{write_csv, write_xlsx};
use http::header;
use openapi_contract::ImportReport;
use openapi_dcat::{Described, Graph, Site, Statements, Syntax};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::catalogue::site;
use crate::extract::{Params, essence, invalid};
use crate::problem::Refusal;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const CSV: &str = "text/csv; charset=utf-8";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(import_directory)).routes(routes!(export_directory))
}

/// Import the spreadsheet of 26 columns, or the same as linked data, as drafts: all or nothing for each resource
///
/// One file as the body (`.xlsx`, `.xls`, `.csv`, or DCAT in Turtle, JSON-LD or RDF/XML by its content type), or a form with the
/// parts `sheet` and, beside a CSV, `extension` (the sheet 扩展). What names no provider takes the caller's department.
#[utoipa::path(post, path = "/api/v1/directory/import", tag = "directory",
    request_body(content((Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Vec<u8> = "application/vnd.ms-excel"), (String = "text/csv"), (String = "text/turtle"),
        (Object = "application/ld+json"), (String = "application/rdf+xml"), (Object = "multipart/form-data"))),
    responses((status = 200, description = "What was taken, and every problem of the rest", body = ImportReport)))]
async fn import_directory(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    files: Files,
) -> Result<Json<ImportReport>, Refusal> {
    let departments = app.services.departments(&ctx).await?;
    let (site, provider) = (site(&app)?, ctx.principal.department.clone());
    let read = move || files.read(&site, provider.as_ref(), &departments);
    let imported = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
    Ok(Json(take_all(&app, &ctx, imported).await?))
}

/// Saves what was read as drafts; what the directory refuses is a problem at its cell.
pub(crate) async fn take_all(app: &App, ctx: &OpContext, imported: Imported) -> Result<ImportReport, Error> {
    let mut report = ImportReport { imported: Vec::new(), refused: Vec::new(), problems: imported.problems };
    for found in imported.resources {
        let (title, cells) = (found.resource.title.clone(), found.cells.clone());
        match take(app, ctx, found).await {
            Ok(code) => report.imported.push(code),
            Err(error) if error.code == ErrorCode::Internal => return Err(error),
            Err(error) => {
                report.problems.extend(problems_of(&cells, error));
                report.refused.push(title);
            }
        }
    }
    Ok(report)
}

async fn take(app: &App, ctx: &OpContext, found: ImportedResource) -> Result<ResourceCode, Error> {
    let resource = match &found.allocate {
        None => with_what_is_known(app, ctx, found).await?,
        Some(classification) => {
            let code = app.services.allocate_code(ctx, &found.resource.provider, classification).await?;
            found.with_code(code)?
        }
    };
    app.services.save_draft(ctx, resource).await.map(|entry| entry.draft.code)
}

/// The resource of a sheet, with what its draft says where the sheet is older than the columns for it: what a sheet can't say, it does
/// not take away.
async fn with_what_is_known(app: &App, ctx: &OpContext, found: ImportedResource) -> Result<Resource, Error> {
    let ImportedResource { mut resource, says_sources, says_verifications, .. } = found;
    if says_sources && says_verifications {
        return Ok(resource);
    }
    match app.services.entry(ctx, &resource.code).await {
        Ok(entry) if !says_sources => {
            resource.derived_from = entry.draft.derived_from;
            resource.verifications = entry.draft.verifications;
        }
        Ok(entry) => resource.verifications = entry.draft.verifications,
        Err(error) if error.code == ErrorCode::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(resource)
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
    /// The syntax, where it is no sheet.
    syntax: Option<Syntax>,
}

impl Files {
    fn read(
        &self,
        site: &Site,
        provider: Option<&DepartmentId>,
        departments: &[Department],
    ) -> Result<Imported, Error> {
        match self.syntax {
            Some(syntax) => Ok(entries(&syntax.read(&self.sheet, site)?, provider, departments)),
            None => {
                let workbook = catalog_sheet::read(&self.sheet, self.extension.as_deref())?;
                Ok(sheet::read(&workbook, provider, departments))
            }
        }
    }
}

/// The entries of a graph that break no rule.
fn entries(graph: &Graph, provider: Option<&DepartmentId>, departments: &[Department]) -> Imported {
    let found = openapi_dcat::read(graph, provider, departments);
    let mut imported = Imported { resources: Vec::new(), problems: found.problems };
    for (node, resource) in found.resources {
        let broken = rules::check(&resource);
        if broken.is_empty() {
            let cells = NameCells::at(&node);
            imported.resources.push(ImportedResource {
                resource,
                allocate: None,
                says_sources: true,
                says_verifications: true,
                cells,
            });
        }
        let placed = |problem: Problem| Problem { at: format!("{node} {}", problem.at), ..problem };
        imported.problems.extend(broken.into_iter().map(placed));
    }
    imported
}

impl FromRequest<Arc<App>> for Files {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = essence(media_type.unwrap_or_default());
        if media_type == "multipart/form-data" {
            return from_form(request, app).await;
        }
        let cut = |_| invalid("the body ended early");
        // The wrapper has bounded the body.
        let sheet = axum::body::to_bytes(request.into_body(), usize::MAX).await.map_err(cut)?;
        if sheet.is_empty() {
            return Err(invalid("send the spreadsheet as the body"));
        }
        Ok(Self { sheet: sheet.into(), extension: None, syntax: Syntax::named(&media_type) })
    }
}

async fn from_form(request: Request, app: &Arc<App>) -> Result<Files, Refusal> {
    let broken = |_| invalid("the form can't be read: it ends early, or a part of it does");
    let mut form = Multipart::from_request(request, app)
        .await
        .map_err(|_| invalid("the form can't be read: its boundary is missing"))?;
    let (mut sheet, mut extension, mut syntax) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let ending =
            field.file_name().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_owned());
        let content = field.bytes().await.map_err(broken)?.to_vec();
        match name.as_str() {
            "sheet" => {
                sheet = Some(content);
                syntax = ending.as_deref().and_then(Syntax::named);
            }
            "extension" => extension = Some(content),
            _ => return Err(invalid("the parts of the form are called `sheet` and `extension`")),
        }
    }
    let sheet = sheet.ok_or_else(|| invalid("the form has no part `sheet`"))?;
    Ok(Files { sheet, extension, syntax })
}

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Export {
    /// `xlsx`, with both sheets, `csv`; or as linked data `ttl`, `jsonld` or `rdf`.
    format: String,
    /// For CSV: `sheet` or `extension`, the sheet 扩展.
    part: Option<String>,
}

/// Export the published entries of the caller's department, drafts where nothing is published yet
#[utoipa::path(get, path = "/api/v1/directory/export", tag = "directory", params(Export),
    responses((status = 200, description = "The spreadsheet of 26 columns", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/csv"),
        (String = "text/turtle"), (Object = "application/ld+json"), (String = "application/rdf+xml")))))]
async fn export_directory(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Export { format, part }): Params<Export>,
) -> Result<Response, Refusal> {
    let entries = app.services.entries(&ctx).await?;
    let resources =
        entries.into_iter().map(|entry| entry.published.unwrap_or(entry.draft)).collect::<Vec<_>>();
    let departments = app.services.departments(&ctx).await?;
    let site = site(&app)?;
    let write = move || match Syntax::ALL.into_iter().find(|syntax| syntax.extension() == format) {
        Some(syntax) => linked(&site, resources, &departments, syntax),
        None => written(&resources, &departments, &format, part.as_deref()),
    };
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
            let message = "offered are format=xlsx, format=csv with part=sheet or part=extension, and format=ttl, jsonld or rdf";
            Err(Error::new(ErrorCode::UnsupportedFormat, message))
        }
    }
}

/// The whole directory as linked data.
fn linked(
    site: &Site,
    resources: Vec<Resource>,
    departments: &[Department],
    syntax: Syntax,
) -> Result<Written, Error> {
    let describe = |resource: Resource| -> Result<Described, Error> {
        let provider = departments.iter().find(|department| department.id == resource.provider).cloned();
        let missing = || Error::not_found(format!("department {}", resource.provider));
        Ok(Described { provider: provider.ok_or_else(missing)?, resource, release: None })
    };
    let described = resources.into_iter().map(describe).collect::<Result<Vec<_>, _>>()?;
    let name = match syntax {
        Syntax::Turtle => "directory.ttl",
        Syntax::JsonLd => "directory.jsonld",
        Syntax::RdfXml => "directory.rdf",
    };
    Ok((syntax.media_type(), name, syntax.write(Statements::about(site, &described))?))
}
