//! Whole files of data under `/datasets`: the one family of addresses that needs no key for what is open.

mod announced;
mod conditions;
mod description;
pub(crate) mod extract;
pub(crate) mod kept;
mod kind;
mod material;
mod naming;
mod range;
mod variant;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::evidence::SourceRead;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::{REPR_DIGEST, digest_field};
use exchange_query::export::Format;
use exchange_query::{OpenTable, TableName, Tables as _, Watch};
use futures::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::{GetOptions, GetRange, ObjectStore};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Params, invalid, parameter};
use crate::problem::Refusal;
use announced::Announced;
pub(crate) use conditions::{Validators, http_date, matches};
use conditions::{Verdict, takes_gzip};
pub(crate) use extract::Extracts;
use extract::{Stored, unreadable};
pub(crate) use kind::{Kind, OF_ROWS};
pub(crate) use material::{named_by as material_named, selection as material_selection};
use range::{Asked, asked};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(download_dataset))
        .merge(description::routes())
        .merge(material::routes())
}

/// A whole dataset as one file, its manifest, or the manifest's signature
///
/// `latest.parquet`, `latest.csv`, `latest.jsonl`, `latest.xlsx`, where there is a geometry `latest.geojson`, or a version's
/// number instead of `latest`; `.csv.gz`, `.jsonl.gz` and `.geojson.gz` are compressed, and are what `accept-encoding: gzip`
/// gets of these. `latest.manifest.json` is the manifest with the SHA-256 of each file, `latest.jws` its detached signature.
#[utoipa::path(get, path = "/datasets/{code}/{file}", tag = "downloads", params(CodePath,
        ("file" = String, Path, description = "`latest` or a version's number, and `.parquet`, `.csv`, `.jsonl`, \
            `.xlsx`, `.geojson`, `.csv.gz`, `.jsonl.gz`, `.geojson.gz`, `.manifest.json` or `.jws`"),
        ("bom" = Option<String>, Query, description = "`1` for CSV that begins with a byte order mark, by which \
            spreadsheets know that it is UTF-8"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
        ("if-none-match" = Option<String>, Header, description = "Answered with 304 where nothing has changed")),
    responses((status = 200, description = "The file, with strong `ETag` and `Repr-Digest`; `latest` with `Deprecation` \
                and `Sunset` where another shape is announced",
            content((Vec<u8> = "application/vnd.apache.parquet"), (String = "text/csv"),
                (String = "application/jsonl"), (Object = "application/geo+json"),
                (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                (Vec<u8> = "application/gzip"), (Object = "application/json"), (String = "application/jose"))),
        (status = 206, description = "The range"), (status = 304, description = "Nothing has changed"),
        (status = 412, description = "`if-match` names another file"),
        (status = 416, description = "No such range; `content-range` tells the size"),
        (status = 422, description = "More rows than a sheet has, or a text longer than a cell")))]
async fn download_dataset(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    File { version, kind }: File,
    Params(FileQuery { bom }): Params<FileQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let kind = marked(kind, bom.as_deref())?;
    let watch = app.revocations.watch();
    let open = app.tables.open(&ctx, &TableName::Code(code), version).await?;
    // A refusal tells of the file, too.
    let source = open.dataset.source();
    let conditions = Conditions { method, headers };
    let answered = answer(&app, &ctx, &open, (version, kind), &conditions, watch).await;
    answered.map_err(|refusal| refusal.after_opening([source]))
}

/// What the address of a file asks for behind the question mark.
#[derive(Debug, Deserialize)]
struct FileQuery {
    bom: Option<String>,
}

/// The kind with a byte order mark, where one is asked for.
fn marked(kind: Kind, bom: Option<&str>) -> Result<Kind, Refusal> {
    match (bom, kind) {
        (None | Some("0"), kind) => Ok(kind),
        (Some("1"), Kind::Data(Format::Csv)) => Ok(Kind::MarkedCsv),
        (Some("1"), _) => Err(invalid("`bom=1` is for `.csv` alone; a spreadsheet opens `.xlsx` as it is")),
        _ => Err(invalid("`bom` is 1 or 0")),
    }
}

/// The kind of the file that is sent: compressed where the client takes it so. A range is one of the plain file, whatever
/// else the client takes: programs that read Parquet and CSV by ranges count on that.
fn sent(kind: Kind, headers: &HeaderMap) -> Kind {
    let compressed = kind.compressed().filter(|_| !headers.contains_key(header::RANGE));
    compressed.filter(|_| takes_gzip(headers)).unwrap_or(kind)
}

/// Under which conditions a file is asked for, and which part of it.
pub(crate) struct Conditions {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

async fn answer(
    app: &Arc<App>,
    ctx: &OpContext,
    open: &OpenTable,
    asked_for: (VersionSelector, Kind),
    conditions: &Conditions,
    watch: Watch,
) -> Result<Response, Refusal> {
    let (version, kind) = asked_for;
    let sent = sent(kind, &conditions.headers);
    let stored = extract::stored(app, ctx, open, sent).await?;
    let source = open.dataset.source();
    let announced = match version {
        VersionSelector::Latest => Announced::of(app, ctx, &source.resource).await,
        _ => None,
    };
    let validators = Validators::new(&stored.digest, stored.written, ctx.now);
    let mut response = Response::default();
    let head = Head { dataset: &open.dataset, kind, sent, announced };
    head.write(response.headers_mut(), &stored, &validators)?;
    if ctx.principal.kind == PrincipalKind::Public {
        // Caches ask each time, so that a withdrawal works at once.
        insert(response.headers_mut(), header::CACHE_CONTROL, "public, no-cache")?;
    }
    send(app, response, (&stored, &validators), conditions, (vec![source], watch)).await
}

/// The stored file that this head describes, or the part of it that is asked for, with its evidence.
pub(crate) async fn send(
    app: &App,
    mut response: Response,
    (stored, validators): (&Stored, &Validators),
    Conditions { method, headers }: &Conditions,
    (sources, watch): (Vec<SourceRead>, Watch),
) -> Result<Response, Refusal> {
    // A head and a 304 tell of the data too: they leave the same evidence, without rows.
    let reading = Reading::of(sources.clone());
    let rows = Arc::clone(&reading.rows);
    response.extensions_mut().insert(reading);
    match validators.verdict(headers) {
        Verdict::Holds => {}
        Verdict::Known => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Verdict::Failed => {
            let message = "the file is no longer the one that the condition names; ask again without it";
            return Err(Refusal::with_status(StatusCode::PRECONDITION_FAILED, ErrorCode::Conflict, message));
        }
    }
    // Ranges are for GET alone (RFC 9110 section 14.2).
    let range =
        headers.get(header::RANGE).filter(|_| method == Method::GET && validators.takes_range(headers));
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
    *response.body_mut() = content(app, stored, span, watch, sources).await?;
    Ok(response)
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
            Some(Self { version: version_named(version)?, kind: Kind::parse(extension)? })
        };
        let offered = "a file is `latest` or a version's number with .parquet, .csv, .jsonl, .xlsx, .geojson, .csv.gz, \
                       .jsonl.gz, .geojson.gz, .manifest.json or .jws";
        read().ok_or_else(|| Error::new(ErrorCode::NotFound, offered).into())
    }
}

/// `latest`, or a version's number. One address per file: no sign and no leading zero.
fn version_named(text: &str) -> Option<VersionSelector> {
    match text {
        "latest" => Some(VersionSelector::Latest),
        number if number.starts_with(|first: char| ('1'..='9').contains(&first)) => {
            Some(VersionSelector::Number(number.parse().ok()?))
        }
        _ => None,
    }
}

/// What the head of an answer tells of a file.
struct Head<'a> {
    dataset: &'a Dataset,
    kind: Kind,
    /// The kind of the stored file: the same, or compressed.
    sent: Kind,
    announced: Option<Announced>,
}

impl Head<'_> {
    fn write(
        &self,
        headers: &mut HeaderMap,
        stored: &Stored,
        validators: &Validators,
    ) -> Result<(), Refusal> {
        let Self { dataset, kind, sent, announced } = self;
        let version = &dataset.version;
        let code = version.resource.path_form();
        let address = |extension: &str| format!("/datasets/{code}/{}.{extension}", version.number);
        let mut links = format!(
            "<{}>; rel=\"describedby\"; type=\"application/json\", <{}>; rel=\"https://www.iana.org/assignments/media-types/application/jose\"; type=\"application/jose\"",
            address(&Kind::Manifest.extension()),
            address(&Kind::Signature.extension()),
        );
        if let Some(announced) = announced {
            announced.tell(headers)?;
            links.push_str(&announced.links(&code, &kind.extension()));
        }
        insert(headers, header::CONTENT_TYPE, kind.media_type())?;
        insert(headers, header::CONTENT_LOCATION, &kind.address(&address(&kind.extension())))?;
        insert(headers, header::CONTENT_DISPOSITION, &naming::disposition(dataset, *kind))?;
        insert(headers, header::ETAG, &validators.tag)?;
        insert(headers, header::ACCEPT_RANGES, "bytes")?;
        insert(headers, header::LINK, &links)?;
        insert(headers, REPR_DIGEST, &digest_field(&stored.digest))?;
        if let Some(modified) = validators.last_modified() {
            insert(headers, header::LAST_MODIFIED, &modified)?;
        }
        if kind.compressed().is_some() {
            insert(headers, header::VARY, "accept-encoding")?;
        }
        if sent != kind {
            insert(headers, header::CONTENT_ENCODING, "gzip")?;
        }
        Ok(())
    }
}

/// The rows that a part of a file counts for: its share of them, so that all parts together count for the whole.
fn share(rows: u64, span: &Range<u64>, bytes: u64) -> u64 {
    let part = u128::from(rows) * u128::from(span.end - span.start);
    u64::try_from(part.div_ceil(u128::from(bytes.max(1)))).unwrap_or(rows)
}

pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Refusal> {
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
    sources: Vec<SourceRead>,
) -> Result<Body, Refusal> {
    if span.is_empty() {
        return Ok(Body::empty());
    }
    app.datasets.prove(&stored.part()).await?;
    let options = GetOptions { range: Some(GetRange::Bounded(span)), ..GetOptions::default() };
    let found = app.datasets.objects().get_opts(&stored.path, options).await.map_err(unreadable)?;
    let state = Some((found.into_stream(), watch, sources));
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
