//! Whole files of data under `/datasets`: the one family of addresses that needs no key for what is open.

mod announced;
mod bundle;
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
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::evidence::SourceRead;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use datasets_store::{Part, in_pieces};
use exchange_auth::{REPR_DIGEST, digest_field};
use exchange_query::export::Format;
use exchange_query::{OpenTable, TableName, Tables as _, Watch};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::path::Path;
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
/// `latest.zip` holds all that somebody keeps of it: CSV, where there is a geometry GeoJSON, dictionary, JSON Schema, quality
/// report, licence, manifest and signature, and how to check them.
#[utoipa::path(get, path = "/datasets/{code}/{file}", tag = "downloads", params(CodePath,
        ("file" = String, Path, description = "`latest` or a version's number, and `.parquet`, `.csv`, `.jsonl`, \
            `.xlsx`, `.geojson`, `.csv.gz`, `.jsonl.gz`, `.geojson.gz`, `.manifest.json`, `.jws` or `.zip`"),
        ("bom" = Option<String>, Query, description = "`1` for CSV that begins with a byte order mark, by which \
            spreadsheets know that it is UTF-8"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
        ("if-none-match" = Option<String>, Header, description = "Answered with 304 where nothing has changed")),
    responses((status = 200, description = "The file, with strong `ETag` and, but for `.zip`, `Repr-Digest`; `latest` with \
                `Deprecation` and `Sunset` where another shape is announced",
            content((Vec<u8> = "application/vnd.apache.parquet"), (String = "text/csv"),
                (String = "application/jsonl"), (Object = "application/geo+json"),
                (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                (Vec<u8> = "application/gzip"), (Vec<u8> = "application/zip"), (Object = "application/json"),
                (String = "application/jose"))),
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
    let source = open.dataset.source();
    let announced = match version {
        VersionSelector::Latest => Announced::of(app, ctx, &source.resource).await,
        _ => None,
    };
    let sent = sent(kind, &conditions.headers);
    let head = Head { dataset: &open.dataset, kind, sent, announced };
    let mut response = Response::default();
    let (validators, whole) = match kind {
        Kind::Bundle => {
            let bundle = bundle::of(app, ctx, open).await?;
            (Validators { tag: bundle.tag.clone(), modified: None }, bundle.whole)
        }
        _ => {
            let stored = extract::stored(app, ctx, open, sent).await?;
            insert(response.headers_mut(), REPR_DIGEST, &digest_field(&stored.digest))?;
            (Validators::new(&stored.digest, stored.written, ctx.now), Whole::of(&stored))
        }
    };
    head.write(response.headers_mut(), &validators)?;
    if ctx.principal.kind == PrincipalKind::Public {
        // Caches ask each time, so that a withdrawal works at once.
        insert(response.headers_mut(), header::CACHE_CONTROL, "public, no-cache")?;
    }
    send(app, response, (&whole, &validators), conditions, (vec![source], watch)).await
}

/// What an answer is cut from: pieces one after the other.
pub(crate) struct Whole {
    pieces: Vec<Piece>,
    bytes: u64,
    /// Rows that all of it counts for.
    rows: u64,
}

/// A piece of an answer.
#[derive(Clone)]
pub(crate) enum Piece {
    /// Bytes that are known.
    Here(Bytes),
    /// These bytes of a stored file.
    Stored(Part, Range<u64>),
}

impl Piece {
    fn bytes(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::Stored(_, span) => span.end - span.start,
        }
    }

    /// These bytes of it.
    fn cut(&self, from: u64, to: u64) -> Option<Self> {
        Some(match self {
            Self::Here(bytes) => {
                Self::Here(bytes.slice(usize::try_from(from).ok()?..usize::try_from(to).ok()?))
            }
            Self::Stored(part, span) => Self::Stored(part.clone(), span.start + from..span.start + to),
        })
    }
}

impl Whole {
    /// A stored file.
    pub(crate) fn of(stored: &Stored) -> Self {
        Self::new(vec![Piece::Stored(stored.part(), 0..stored.bytes)], stored.rows)
    }

    fn new(pieces: Vec<Piece>, rows: u64) -> Self {
        let bytes = pieces.iter().map(Piece::bytes).sum();
        Self { pieces, bytes, rows }
    }

    /// What of the pieces lies in a span.
    fn within(&self, span: &Range<u64>) -> Vec<Piece> {
        let (mut at, mut found) = (0, Vec::new());
        for piece in &self.pieces {
            let end = at + piece.bytes();
            let (from, to) = (span.start.max(at), span.end.min(end));
            if from < to {
                found.extend(piece.cut(from - at, to - at));
            }
            at = end;
        }
        found
    }

    /// The rows that a span counts for: what of each stored file lies in it counts for a share of that file's rows. A file that
    /// holds the same rows once more in another format does not make them more than there are.
    fn rows_within(&self, span: &Range<u64>) -> u64 {
        let (mut at, mut rows) = (0, 0u64);
        for piece in &self.pieces {
            let end = at + piece.bytes();
            let (from, to) = (span.start.max(at), span.end.min(end));
            if let Piece::Stored(part, _) = piece
                && from < to
            {
                rows = rows.saturating_add(share(part.rows, &(from..to), piece.bytes()));
            }
            at = end;
        }
        rows.min(self.rows)
    }
}

/// What this head describes, or the part of it that is asked for, with its evidence.
pub(crate) async fn send(
    app: &App,
    mut response: Response,
    (whole, validators): (&Whole, &Validators),
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
    let span = match asked(range.and_then(|value| value.to_str().ok()), whole.bytes) {
        Asked::Whole => 0..whole.bytes,
        Asked::Part(span) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let value = format!("bytes {}-{}/{}", span.start, span.end - 1, whole.bytes);
            insert(response.headers_mut(), header::CONTENT_RANGE, &value)?;
            span
        }
        Asked::Nothing => {
            let message = "the range lies beyond the file; a HEAD request tells its size";
            let size = format!("bytes */{}", whole.bytes);
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
    rows.store(whole.rows_within(&span), Ordering::Relaxed);
    *response.body_mut() = content(app, whole.within(&span), watch, sources).await?;
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
                       .jsonl.gz, .geojson.gz, .manifest.json, .jws or .zip";
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
    fn write(&self, headers: &mut HeaderMap, validators: &Validators) -> Result<(), Refusal> {
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

/// The bytes as they are stored, proven to be those that their manifest states; cut when the access is revoked or the version
/// withdrawn.
async fn content(
    app: &App,
    pieces: Vec<Piece>,
    watch: Watch,
    sources: Vec<SourceRead>,
) -> Result<Body, Refusal> {
    if pieces.is_empty() {
        return Ok(Body::empty());
    }
    for piece in &pieces {
        if let Piece::Stored(part, _) = piece {
            app.datasets.prove(part).await?;
        }
    }
    let bytes = opened(app.datasets.objects().as_ref(), pieces).await?;
    let state = Some((bytes, watch, sources));
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
            Err(error) => Some((Err(error), None)),
        }
    })))
}

/// The pieces one after the other, all of them open before the first byte leaves: what can't be opened is refused while there
/// is still a status to say so, and what was proven is what is sent, though its file be written anew meanwhile.
async fn opened(objects: &dyn ObjectStore, pieces: Vec<Piece>) -> Result<BoxStream<'static, Result<Bytes>>> {
    let mut opened = Vec::with_capacity(pieces.len());
    for piece in pieces {
        opened.push(read(objects, piece).await?);
    }
    Ok(stream::iter(opened).flatten().boxed())
}

async fn read(objects: &dyn ObjectStore, piece: Piece) -> Result<BoxStream<'static, Result<Bytes>>> {
    let (part, span) = match piece {
        Piece::Here(bytes) => return Ok(stream::iter([Ok(bytes)]).boxed()),
        Piece::Stored(part, span) => (part, span),
    };
    let options = GetOptions { range: Some(GetRange::Bounded(span)), ..GetOptions::default() };
    let found = objects.get_opts(&Path::from(part.path.as_str()), options).await.map_err(unreadable)?;
    Ok(in_pieces(found).map(|bytes| bytes.map_err(unreadable)).boxed())
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use object_store::ObjectStoreExt as _;
    use object_store::memory::InMemory;

    use super::*;

    fn stored(path: &str, rows: u64, span: Range<u64>) -> Piece {
        Piece::Stored(Part { path: path.to_owned(), rows, bytes: 100, sha256: String::new() }, span)
    }

    #[test]
    fn each_file_of_rows_counts_by_itself_and_all_together_for_the_rows_there_are() {
        let here = || Piece::Here(Bytes::from_static(b"0123456789"));
        let pieces = vec![here(), stored("csv", 100, 10..50), here(), stored("geojson", 100, 10..90), here()];
        let whole = Whole::new(pieces, 100);
        let counted = |from, to| whole.rows_within(&(from..to));
        assert_eq!(counted(0, whole.bytes), 100);
        assert_eq!(counted(10, 50), 100, "all of one file is all rows, however much is beside it");
        assert_eq!(counted(0, 20), 25);
        assert_eq!(counted(40, 61), 27);
        assert_eq!((counted(0, 10), counted(50, 60), counted(5, 5)), (0, 0, 0), "no row is in what explains");
        assert_eq!(Whole::new(vec![stored("manifest", 0, 0..40)], 0).rows_within(&(0..40)), 0);
    }

    #[tokio::test]
    async fn pieces_are_open_before_the_first_is_sent() {
        let objects = InMemory::new();
        let put = |name: &'static str, text: &'static str| {
            let objects = &objects;
            async move { objects.put(&Path::from(name), text.into()).await.unwrap() }
        };
        put("a", "abcdef").await;
        put("b", "uvwxyz").await;
        let pieces = vec![stored("a", 1, 1..3), Piece::Here(Bytes::from_static(b"-")), stored("b", 1, 2..6)];
        let bytes = opened(&objects, pieces.clone()).await.unwrap();
        put("b", "UVWXYZ").await;
        assert_eq!(bytes.try_collect::<Vec<_>>().await.unwrap().concat(), b"bc-wxyz");
        objects.delete(&Path::from("b")).await.unwrap();
        assert!(opened(&objects, pieces).await.is_err(), "what is not there is told before anything is sent");
    }

    #[test]
    fn a_span_is_cut_from_pieces_wherever_it_lies() {
        let part = Part { path: "x".to_owned(), rows: 1, bytes: 100, sha256: String::new() };
        let here = |text: &'static str| Piece::Here(Bytes::from_static(text.as_bytes()));
        let whole = Whole::new(vec![here("abcd"), Piece::Stored(part, 10..20), here("xyz")], 1);
        assert_eq!(whole.bytes, 17);
        let told = |from: u64, to: u64| {
            let pieces = whole.within(&(from..to)).into_iter().map(|piece| match piece {
                Piece::Here(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Piece::Stored(_, span) => format!("{}-{}", span.start, span.end),
            });
            pieces.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(0, 17), "abcd 10-20 xyz");
        assert_eq!(told(2, 5), "cd 10-11");
        assert_eq!(told(6, 9), "12-15");
        assert_eq!(told(14, 17), "xyz");
        assert_eq!(told(13, 15), "19-20 x");
        assert_eq!(told(5, 5), "");
    }
}
