//! What a whole file is, for programs and people: Data Package, DCAT, a page. All of it comes from the extract's own manifest,
//! so it says no more than the files do.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use catalog_core::directory::{ItemKind, Resource};
use catalog_core::services::VersionSelector;
use catalog_core::{Error, OpContext, Result, Timestamp};
use datasets_store::Manifest;
use exchange_query::export::Format;
use exchange_query::{TableName, Tables as _};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::extract::{self, FORMATS};
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath};
use crate::problem::Refusal;

/// A dataset as the caller sees it.
struct Described {
    resource: Resource,
    provider: String,
    manifest: Manifest,
    published: Timestamp,
}

/// The newest version as a Data Package (Data Package 2.0), with paths relative to this address
#[utoipa::path(get, path = "/datasets/{code}/datapackage.json", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Files, digests, columns, licence", body = Object)))]
pub(super) async fn get_data_package(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Response, Refusal> {
    let (described, reading) = read(&app, &ctx, Code(code)).await?;
    Ok(answer("application/json", data_package(&described).to_string(), reading))
}

/// The newest version as a DCAT dataset (DCAT 3, JSON-LD), with addresses relative to this one
#[utoipa::path(get, path = "/datasets/{code}/dcat.jsonld", tag = "downloads", params(CodePath),
    responses((status = 200, description = "Dataset and distributions",
        content((Object = "application/ld+json")))))]
pub(super) async fn get_dcat(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Response, Refusal> {
    let (described, reading) = read(&app, &ctx, Code(code)).await?;
    Ok(answer("application/ld+json", dcat(&described).to_string(), reading))
}

/// The newest version as a page
#[utoipa::path(get, path = "/datasets/{code}", tag = "downloads", params(CodePath),
    responses((status = 200, description = "A page", content_type = "text/html")))]
pub(super) async fn show_dataset(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Response, Refusal> {
    let (described, reading) = read(&app, &ctx, Code(code)).await?;
    let mut response = Html(page(&described)).into_response();
    response.extensions_mut().insert(reading);
    Ok(response)
}

fn answer(media_type: &'static str, body: String, reading: Reading) -> Response {
    let mut response = ([(CONTENT_TYPE, media_type)], body).into_response();
    response.extensions_mut().insert(reading);
    response
}

async fn read(app: &Arc<App>, ctx: &OpContext, Code(code): Code) -> Result<(Described, Reading), Error> {
    let open = app.tables.open(ctx, &TableName::Code(code), VersionSelector::Latest).await?;
    let source = open.dataset.source();
    let told = |error: Error| error.after_opening([source.clone()]);
    let manifest = extract::described(app, ctx, &open).await.map_err(told)?;
    let (resource, published) = (open.dataset.resource.clone(), open.dataset.version.published_at);
    let departments = app.services.departments(ctx).await.map_err(told)?;
    let provider = departments.into_iter().find(|department| department.id == resource.provider);
    let provider = provider.map_or_else(|| resource.provider.to_string(), |department| department.name);
    Ok((Described { resource, provider, manifest, published }, Reading::of(vec![source])))
}

impl Described {
    /// Name, format, size and SHA-256 of each file.
    fn files(&self) -> impl Iterator<Item = (String, Format, u64, &str)> {
        FORMATS.into_iter().zip(&self.manifest.parts).map(|(format, part)| {
            let name = format!("{}.{}", self.manifest.version, format.extension());
            (name, format, part.bytes, part.sha256.as_str())
        })
    }

    fn licence(&self) -> &str {
        self.manifest.licence.as_deref().unwrap_or_default()
    }

    fn has_address(&self) -> bool {
        ["https://", "http://"].iter().any(|scheme| self.licence().starts_with(scheme))
    }

    /// The address of the licence: an SPDX id has one.
    fn licence_address(&self) -> String {
        match self.has_address() {
            true => self.licence().to_owned(),
            false => format!("https://spdx.org/licenses/{}", self.licence()),
        }
    }
}

fn data_package(described: &Described) -> Value {
    let Described { resource, provider, manifest, published } = described;
    let licences: Vec<_> = manifest
        .licence
        .iter()
        .map(|licence| match described.has_address() {
            true => json!({ "path": licence }),
            false => json!({ "name": licence, "path": described.licence_address() }),
        })
        .collect();
    let fields: Vec<_> = manifest
        .columns
        .iter()
        .map(|column| {
            let item = &column.item;
            json!({ "name": item.column, "title": item.title, "type": field_type(item.item_type.kind) })
        })
        .collect();
    let schema = json!({ "fields": fields, "primaryKey": manifest.key });
    let files: Vec<_> = described.files().map(|(path, format, bytes, sha256)| json!({
        "name": format.extension(), "path": path, "format": format.extension(), "mediatype": format.media_type(),
        "bytes": bytes, "hash": format!("sha256:{sha256}"), "schema": schema,
    })).collect();
    json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": resource.code.path_form(), "title": resource.title, "description": resource.summary,
        "version": manifest.version.to_string(), "created": published, "keywords": resource.keywords,
        "licenses": licences, "contributors": [{ "title": provider, "roles": ["publisher"] }], "resources": files,
    })
}

/// The Table Schema type.
fn field_type(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::N | ItemKind::Y | ItemKind::B | ItemKind::F => "number",
        ItemKind::I => "integer",
        ItemKind::D => "date",
        ItemKind::T => "datetime",
        ItemKind::L => "boolean",
        ItemKind::C | ItemKind::M => "string",
        ItemKind::G => "any",
    }
}

fn dcat(described: &Described) -> Value {
    let Described { resource, provider, manifest, published } = described;
    // Only what is open has one: what a grant shows may be shared and not passed on.
    let licence = manifest.licence.as_ref().map(|_| json!({ "@id": described.licence_address() }));
    let chinese = |text: &str| json!({ "@value": text, "@language": "zh" });
    let distributions: Vec<_> = described.files().map(|(path, format, bytes, sha256)| json!({
        "@type": "dcat:Distribution",
        "dcat:downloadURL": { "@id": path }, "dcat:accessURL": { "@id": path },
        "dcat:mediaType": { "@id": format!("https://www.iana.org/assignments/media-types/{}", format.media_type()) },
        "dcat:byteSize": { "@value": bytes.to_string(), "@type": "xsd:nonNegativeInteger" },
        "dct:license": licence,
        "spdx:checksum": {
            "@type": "spdx:Checksum", "spdx:algorithm": { "@id": "spdx:checksumAlgorithm_sha256" },
            "spdx:checksumValue": { "@value": sha256, "@type": "xsd:hexBinary" },
        },
    })).collect();
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
            "spdx": "http://spdx.org/rdf/terms#", "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": format!("../{}", resource.code.path_form()),
        "@type": "dcat:Dataset",
        "dct:identifier": resource.code, "dct:title": chinese(&resource.title),
        "dct:description": chinese(&resource.summary),
        "dcat:keyword": resource.keywords.iter().map(|word| chinese(word)).collect::<Vec<_>>(),
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": chinese(provider) },
        "dct:license": licence,
        "dct:issued": { "@value": published, "@type": "xsd:dateTime" },
        "dcat:version": manifest.version.to_string(),
        "dcat:distribution": distributions,
    })
}

fn page(described: &Described) -> String {
    let Described { resource, provider, manifest, published } = described;
    let code = resource.code.path_form();
    let file = |(name, _, bytes, sha256): (String, Format, u64, &str)| {
        format!("<tr><td><a href=\"/datasets/{code}/{name}\">{name}</a><td>{bytes}<td><code>{sha256}</code>")
    };
    let files: String = described.files().map(file).collect();
    let column = |column: &datasets_store::Column| {
        format!("<tr><td>{}<td><code>{}</code>", escaped(&column.item.title), column.item.column)
    };
    let columns: String = manifest.columns.iter().map(column).collect();
    let licence = manifest.licence.as_deref().map_or_else(
        || "无：仅按授权使用 none: used under a grant alone".to_owned(),
        |name| {
            let address = escaped(&described.licence_address());
            format!("<a rel=\"license\" href=\"{address}\">{}</a>", escaped(name))
        },
    );
    include_str!("dataset.html")
        .replace("{code}", &code)
        .replace("{files}", &files)
        .replace("{columns}", &columns)
        .replace("{version}", &manifest.version.to_string())
        .replace("{rows}", &manifest.rows.to_string())
        .replace("{published}", &published.shanghai_text())
        .replace("{licence}", &licence)
        .replace("{provider}", &escaped(provider))
        .replace("{title}", &escaped(&resource.title))
        .replace("{summary}", &escaped(&resource.summary))
}

/// Text that an HTML parser reads as nothing but text, in an element or a quoted attribute.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A brace would begin a place of the template.
            '{' => out.push_str("&#123;"),
            other => out.push(other),
        }
        out
    })
}
