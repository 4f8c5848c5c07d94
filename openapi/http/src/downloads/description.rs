//! What a dataset is, for programs and people: a page, DCAT, Data Package. All of it comes from the extract's own manifest and
//! from the directory, so it says no more than the files do. Where there are no data for the caller, page and DCAT
//! describe what is to be open.

mod about;
mod changes;
mod documents;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use catalog_core::schema::visible;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, OpContext, Result};
use datasets_store::Manifest;
use exchange_query::{OpenTable, TableName, Tables as _};
use http::header::{CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use openapi_dcat::{Described, File, Release, Statements, Syntax, opened};
use openapi_portal::DatasetPage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract;
use crate::app::App;
use crate::catalogue::listed::is_without_data;
use crate::catalogue::site;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath};
use crate::negotiation::negotiated;
use crate::portal::{LanguageParam, Visit, first_rows};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_dataset))
        .routes(routes!(get_dcat_turtle))
        .routes(routes!(get_dcat))
        .routes(routes!(get_dcat_rdf_xml))
        .merge(changes::routes())
        .merge(documents::routes())
}

/// A dataset as the caller sees it.
struct Seen {
    described: Described,
    data: Option<Data>,
}

/// The data that the caller may take.
struct Data {
    open: OpenTable,
    release: Release,
    /// Of the extract, which holds what the caller sees.
    manifest: Manifest,
    reading: Reading,
}

/// A dataset: a page for people, or a DCAT document in the syntax that `accept` prefers
#[utoipa::path(get, path = "/datasets/{code}", tag = "downloads", params(CodePath, LanguageParam),
    responses((status = 200, description = "The newest version, where there are data for the caller",
        content((String = "text/html"), (String = "text/turtle"), (Object = "application/ld+json"),
            (String = "application/rdf+xml")))))]
async fn show_dataset(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    visit: Visit,
    code: Code,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let syntaxes = Syntax::ALL.map(|syntax| (syntax.media_type(), Some(syntax)));
    let offered: Vec<_> = [("text/html", None)].into_iter().chain(syntaxes).collect();
    let mut response = match negotiated(&headers, &offered)? {
        Some(syntax) => dcat(&app, &ctx, code, syntax).await?,
        None => {
            let Seen { described, data } = seen(&app, &ctx, code).await?;
            let rows = data.as_ref().map(|data| data.manifest.rows);
            let told = |refusal: Refusal| {
                refusal.after_opening(data.as_ref().map(|data| data.open.dataset.source()))
            };
            let about = about::about(&app, &ctx, &described, data.as_ref()).await.map_err(told)?;
            let first = match &data {
                Some(data) => first_rows(&app, &ctx, &data.open).await.map_err(|error| told(error.into()))?,
                None => None,
            };
            let (first, reading) = first.unzip();
            let page = DatasetPage {
                a: visit.around(),
                described: &described,
                rows,
                first: first.as_ref(),
                about: &about,
            };
            let mut page = visit.page(&page)?;
            // One read: of the page, and of the rows on it.
            read(&mut page, reading.or(data.map(|data| data.reading)));
            page
        }
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// A dataset as DCAT-AP 3.0.1 in Turtle
#[utoipa::path(get, path = "/datasets/{code}/dcat.ttl", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Dataset and distributions", body = String, content_type = "text/turtle")))]
async fn get_dcat_turtle(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    dcat(&app, &ctx, code, Syntax::Turtle).await
}

/// A dataset as DCAT-AP 3.0.1 in JSON-LD
#[utoipa::path(get, path = "/datasets/{code}/dcat.jsonld", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Dataset and distributions",
        content((Object = "application/ld+json")))))]
async fn get_dcat(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    dcat(&app, &ctx, code, Syntax::JsonLd).await
}

/// A dataset as DCAT-AP 3.0.1 in RDF/XML
#[utoipa::path(get, path = "/datasets/{code}/dcat.rdf", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Dataset and distributions", body = String,
        content_type = "application/rdf+xml")))]
async fn get_dcat_rdf_xml(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    code: Code,
) -> Result<Response, Refusal> {
    dcat(&app, &ctx, code, Syntax::RdfXml).await
}

async fn dcat(app: &Arc<App>, ctx: &OpContext, code: Code, syntax: Syntax) -> Result<Response, Refusal> {
    let Seen { described, data } = seen(app, ctx, code).await?;
    let written = syntax.write(Statements::about(&site(app)?, [&described]))?;
    Ok(answer(syntax.media_type(), written, data.map(|data| data.reading)))
}

fn answer(media_type: &'static str, body: impl IntoResponse, reading: Option<Reading>) -> Response {
    let mut response = ([(CONTENT_TYPE, media_type)], body).into_response();
    read(&mut response, reading);
    response
}

fn read(response: &mut Response, reading: Option<Reading>) {
    if let Some(reading) = reading {
        response.extensions_mut().insert(reading);
    }
}

/// The dataset, with data where the caller may read them.
async fn seen(app: &Arc<App>, ctx: &OpContext, Code(code): Code) -> Result<Seen> {
    match with_data(app, ctx, Code(code.clone())).await {
        Ok((described, data)) => Ok(Seen { described, data: Some(data) }),
        Err(error) if is_without_data(&error) => {
            // What the caller may not know of is still not found.
            let resource = opened(app.services.resource(ctx, &code).await?);
            let provider = app.services.department(ctx, &resource.provider).await?;
            Ok(Seen { described: Described { resource, provider, release: None }, data: None })
        }
        Err(error) => Err(error),
    }
}

/// The dataset with its data, or why the caller gets none.
async fn with_data(app: &Arc<App>, ctx: &OpContext, Code(code): Code) -> Result<(Described, Data)> {
    let open = app.tables.open(ctx, &TableName::Code(code), VersionSelector::Latest).await?;
    data_of(app, ctx, open).await
}

/// The same of a version that was opened.
async fn data_of(app: &Arc<App>, ctx: &OpContext, open: OpenTable) -> Result<(Described, Data)> {
    let source = open.dataset.source();
    let told = |error: Error| error.after_opening([source.clone()]);
    let manifest = extract::described(app, ctx, &open).await.map_err(told)?;
    let resource = visible(&open.dataset.resource, &open.dataset.granted.policy);
    let provider = app.services.department(ctx, &resource.provider).await.map_err(told)?;
    let release = release(&open, &manifest);
    let described = Described { resource, provider, release: Some(release.clone()) };
    Ok((described, Data { open, release, manifest, reading: Reading::of(vec![source]) }))
}

/// The documents of a version that stand in its bundle beside the files, by their names: as they are under `/datasets/{code}`, but
/// of this version, and naming no files but those of the bundle.
pub(super) async fn bundled(
    app: &Arc<App>,
    ctx: &OpContext,
    open: &OpenTable,
    formats: &[&str],
) -> Result<(Described, Vec<(&'static str, String)>)> {
    let (mut described, mut data) = data_of(app, ctx, open.clone()).await?;
    data.release.files.retain(|file| formats.contains(&file.format.as_str()));
    described.release = Some(data.release.clone());
    let whole = app.datasets.manifest(&open.dataset.version).await?;
    let documents = documents::bundled(&described, &data, &whole);
    Ok((described, documents))
}

fn release(open: &OpenTable, manifest: &Manifest) -> Release {
    let files = extract::files_of(manifest).map(|(format, part)| File {
        format: format.extension().to_owned(),
        media_type: format.media_type().to_owned(),
        stored: Some((part.bytes, part.sha256.clone())),
    });
    let version = &open.dataset.version;
    Release { number: version.number, published_at: version.published_at, files: files.collect() }
}
