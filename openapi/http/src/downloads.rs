//! Whole files of data under `/datasets`: the one family of addresses that needs no key for what is open.

mod description;
mod extract;
mod range;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::evidence::SourceRead;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::{REPR_DIGEST, digest_field};
use exchange_query::export::Format;
use exchange_query::{OpenTable, TableName, Tables as _, Watch};
use futures::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::{GetOptions, GetRange, ObjectStore};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, parameter};
use crate::problem::Refusal;
pub(crate) use extract::Extracts;
use extract::{Stored, unreadable};
use range::{Asked, asked};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(download_dataset))
        .routes(routes!(description::get_data_package))
        .routes(routes!(description::get_dcat))
        .routes(routes!(description::show_dataset))
}

/// A whole dataset as one file, its manifest, or the manifest's signature
///
/// `latest.parquet`, `latest.csv`, `latest.jsonl`, or a version's number instead of `latest`; `latest.manifest.json` is
/// the manifest with the SHA-256 of each file, `latest.jws` its detached signature.
#[utoipa::path(get, path = "/datasets/{code}/{file}", tag = "downloads", params(CodePath,
        ("file" = String, Path, description = "`latest` or a version's number, and `.parquet`, `.csv`, `.jsonl`, \
            `.manifest.json` or `.jws`"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
        ("if-none-match" = Option<String>, Header, description = "Answered with 304 where nothing has changed")),
    responses((status = 200, description = "The file, with strong `ETag` and `Repr-Digest`",
            content((Vec<u8> = "application/vnd.apache.parquet"), (String = "text/csv"),
                (String = "application/jsonl"), (Object = "application/json"), (String = "application/jose"))),
        (status = 206, description = "The range"), (status = 304, description = "Nothing has changed"),
        (status = 412, description = "`if-match` names another file"),
        (status = 416, description = "No such range; `content-range` tells the size")))]
async fn download_dataset(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    File { version, kind }: File,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let watch = app.revocations.watch();
    let open = app.tables.open(&ctx, &TableName::Code(code), version).await?;
    // A refusal tells of the file, too.
    let source = open.dataset.source();
    let answered = answer(&app, &ctx, &open, kind, &Conditions { method, headers }, watch).await;
    answered.map_err(|refusal| refusal.after_opening([source]))
}

/// Under which conditions a file is asked for, and which part of it.
struct Conditions {
    method: Method,
    headers: HeaderMap,
}

async fn answer(
    app: &Arc<App>,
    ctx: &OpContext,
    open: &OpenTable,
    kind: Kind,
    Conditions { method, headers }: &Conditions,
    watch: Watch,
) -> Result<Response, Refusal> {
    let stored = extract::stored(app, ctx, open, kind).await?;
    let source = open.dataset.source();
    let mut response = Response::default();
    describe(response.headers_mut(), ctx, open, kind, &stored)?;
    // A head and a 304 tell of the data too: they leave the same evidence, without rows.
    let reading = Reading::of(vec![source.clone()]);
    let rows = Arc::clone(&reading.rows);
    response.extensions_mut().insert(reading);
    let tag = entity_tag(&stored);
    if headers.contains_key(header::IF_MATCH) && !matches(headers, header::IF_MATCH, &tag, false) {
        let message = "the file is no longer the one that `if-match` names; ask again without it";
        return Err(Refusal::with_status(StatusCode::PRECONDITION_FAILED, ErrorCode::Conflict, message));
    }
    if matches(headers, header::IF_NONE_MATCH, &tag, true) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    // Ranges are for GET alone (RFC 9110 section 14.2).
    let range = headers.get(header::RANGE).filter(|_| method == Method::GET && if_range(headers, &tag));
    let span = match asked(range.and_then(|value| value.to_str().ok()), stored.bytes) {
        Asked::Whole => 0..stored.bytes,
        Asked::Part(span) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let value = format!("bytes {}-{}/{}", span.start, span.end - 1, stored.bytes);
            insert(response.headers_mut(), header::CONTENT_RANGE, &value)?;
            span
        }
        Asked::Nothing => {
            let message = "the range lies beyond the file; a HEAD request tells its size";
            let size = format!("bytes */{}", stored.bytes);
            return Err(Refusal::with_status(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::InvalidInput,
                message,
            )
            .with_header(header::CONTENT_RANGE, size));
        }
    };
    insert(response.headers_mut(), header::CONTENT_LENGTH, &(span.end - span.start).to_string())?;
    if *method == Method::HEAD {
        return Ok(response);
    }
    rows.store(share(stored.rows, &span, stored.bytes), Ordering::Relaxed);
    *response.body_mut() = content(app, &stored, span, watch, source).await?;
    Ok(response)
}

/// What a file name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The rows.
    Data(Format),
    /// The manifest.
    Manifest,
    /// The manifest's detached signature.
    Signature,
}

impl Kind {
    fn media_type(self) -> &'static str {
        match self {
            Self::Data(format) => format.media_type(),
            Self::Manifest => "application/json",
            Self::Signature => "application/jose",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Data(format) => format.extension(),
            Self::Manifest => "manifest.json",
            Self::Signature => "jws",
        }
    }

    fn parse(extension: &str) -> Option<Self> {
        let data = [Format::Parquet, Format::Csv, Format::JsonLines].map(Self::Data);
        data.into_iter().chain([Self::Manifest, Self::Signature]).find(|kind| kind.extension() == extension)
    }
}

/// `{file}` in the path: `latest.csv`, `3.parquet`, `3.manifest.json`.
struct File {
    version: VersionSelector,
    kind: Kind,
}

impl<S: Send + Sync> FromRequestParts<S> for File {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let name = parameter(parts, state, "file").await?;
        let read = || {
            let (version, extension) = name.split_once('.')?;
            let version = match version {
                "latest" => VersionSelector::Latest,
                // One address per file: no sign and no leading zero.
                number if number.starts_with(|first: char| ('1'..='9').contains(&first)) => {
                    VersionSelector::Number(number.parse().ok()?)
                }
                _ => return None,
            };
            Some(Self { version, kind: Kind::parse(extension)? })
        };
        let offered =
            "a file is `latest` or a version's number with .parquet, .csv, .jsonl, .manifest.json or .jws";
        read().ok_or_else(|| Error::new(ErrorCode::NotFound, offered).into())
    }
}

/// The strong entity tag: the digest of the file.
fn entity_tag(stored: &Stored) -> String {
    format!("\"{}\"", stored.digest)
}

/// Whether a condition (RFC 9110 section 13.1) lists this very file; by the weak comparison `W/` does not count.
fn matches(headers: &HeaderMap, condition: HeaderName, tag: &str, weak: bool) -> bool {
    let listed = headers.get_all(condition).iter().filter_map(|value| value.to_str().ok());
    let strong = |one: &str| one.strip_prefix("W/").filter(|_| weak).unwrap_or(one) == tag;
    listed.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || strong(one))
}

/// Whether a range is to be honoured: `if-range`, where it stands, names this very file.
fn if_range(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes())
}

fn describe(
    headers: &mut HeaderMap,
    ctx: &OpContext,
    open: &OpenTable,
    kind: Kind,
    stored: &Stored,
) -> Result<(), Refusal> {
    let version = &open.dataset.version;
    let code = version.resource.path_form();
    let address = |extension: &str| format!("/datasets/{code}/{}.{extension}", version.number);
    let name = format!("attachment; filename=\"{code}.v{}.{}\"", version.number, kind.extension());
    let links = format!(
        "<{}>; rel=\"describedby\"; type=\"application/json\", <{}>; rel=\"https://www.iana.org/assignments/media-types/application/jose\"; type=\"application/jose\"",
        address(Kind::Manifest.extension()),
        address(Kind::Signature.extension()),
    );
    insert(headers, header::CONTENT_TYPE, kind.media_type())?;
    insert(headers, header::CONTENT_LOCATION, &address(kind.extension()))?;
    insert(headers, header::CONTENT_DISPOSITION, &name)?;
    insert(headers, header::ETAG, &entity_tag(stored))?;
    insert(headers, header::ACCEPT_RANGES, "bytes")?;
    insert(headers, header::LINK, &links)?;
    insert(headers, REPR_DIGEST, &digest_field(&stored.digest))?;
    if ctx.principal.kind == PrincipalKind::Public {
        // Caches ask each time, so that a withdrawal works at once.
        insert(headers, header::CACHE_CONTROL, "public, no-cache")?;
    }
    Ok(())
}

/// The rows that a part of a file counts for: its share of them, so that all parts together count for the whole.
fn share(rows: u64, span: &Range<u64>, bytes: u64) -> u64 {
    let part = u128::from(rows) * u128::from(span.end - span.start);
    u64::try_from(part.div_ceil(u128::from(bytes.max(1)))).unwrap_or(rows)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Refusal> {
    headers.insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    Ok(())
}

/// The bytes as they are stored, proven to be those of the digest that the answer states; cut when the access is
/// revoked or the version withdrawn.
async fn content(
    app: &App,
    stored: &Stored,
    span: Range<u64>,
    watch: Watch,
    source: SourceRead,
) -> Result<Body, Refusal> {
    if span.is_empty() {
        return Ok(Body::empty());
    }
    app.datasets.prove(&stored.part()).await?;
    let options = GetOptions { range: Some(GetRange::Bounded(span)), ..GetOptions::default() };
    let found = app.datasets.objects().get_opts(&stored.path, options).await.map_err(unreadable)?;
    let state = Some((found.into_stream(), watch, [source]));
    Ok(Body::from_stream(stream::unfold(state, |state| async {
        let (mut bytes, mut watch, sources) = state?;
        let chunk = tokio::select! {
            biased;
            () = watch.cut(&sources) => {
                let revoked = Error::new(ErrorCode::Revoked, "the access was revoked while the file was sent");
                return Some((Err(revoked), None));
            }
            chunk = bytes.next() => chunk?,
        };
        match chunk {
            Ok(chunk) => Some((Ok(chunk), Some((bytes, watch, sources)))),
            Err(error) => Some((Err(unreadable(error)), None)),
        }
    })))
}
