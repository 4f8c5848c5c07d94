//! Governed extracts: what one bound policy shows of one version, written once and handed out as files.
//!
//! An extract is a cache: `gc` may erase it, the next request writes it anew. Its manifest and everything in it come
//! from the extract itself, never from the source (DESIGN.md rule 8).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::Bytes;
use catalog_core::dataset::ChangeKind;
use catalog_core::policy::VisibleColumn;
use catalog_core::schema::visible;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, Result, Timestamp};
use datasets_store::{Column, GeoColumns, Manifest, Part, Quality, Source};
use exchange_crypto::{Digest, Hasher};
use exchange_query::export::{Format, SHEET_ROWS, encode};
use exchange_query::{OpenTable, QueryRequest, Selection, SortKey, TableName};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::kept::{Uses, erase, make_room};
use super::kind::{COMPRESSED, Kind, WHERE_THEY_FIT};
use super::variant;
use crate::app::App;

/// The formats of every extract, in the order of its parts.
pub(crate) const FORMATS: [Format; 3] = [Format::Parquet, Format::Csv, Format::JsonLines];
/// Extracts written at the same time: each may sort a whole dataset.
const EXTRACTS: usize = 4;
/// And those of the public beside them.
const PUBLIC_EXTRACTS: usize = 2;
/// Uploads to the object store in flight.
pub(crate) const IN_FLIGHT: usize = 4;

/// A stored file with what its answer says of it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) path: Path,
    pub(crate) bytes: u64,
    pub(crate) digest: Digest,
    pub(crate) rows: u64,
    /// When the extract was written.
    pub(crate) written: Timestamp,
}

impl Stored {
    /// The object as a manifest would name it.
    pub(super) fn part(&self) -> Part {
        let (path, sha256) = (self.path.to_string(), self.digest.to_hex());
        Part { path, rows: self.rows, bytes: self.bytes, sha256 }
    }
}

/// The file of that kind, of an extract that is written now if it is not there yet.
pub(super) async fn stored(app: &Arc<App>, ctx: &OpContext, open: &OpenTable, kind: Kind) -> Result<Stored> {
    let folder = folder(&open.dataset);
    match found(app, open, &folder, kind).await? {
        Some(stored) => Ok(stored),
        None => written(app, ctx, open, &folder, kind).await,
    }
}

/// What the extract says of itself; it is written now if it is not there yet.
pub(super) async fn described(app: &Arc<App>, ctx: &OpContext, open: &OpenTable) -> Result<Manifest> {
    let folder = folder(&open.dataset);
    stored(app, ctx, open, Kind::Manifest).await?;
    match Extract::read(app, &folder).await? {
        // Somebody may have written it anew since.
        Some(extract) if extract.is_genuine(app, open, &folder).await? => Ok(extract.manifest),
        _ => Err(Error::new(ErrorCode::Unavailable, "the files are being written anew; try again")),
    }
}

/// The file of that kind where the extract is whole and genuine; what is not is a cache miss. The file itself is proven
/// when it is sent.
async fn found(app: &App, open: &OpenTable, folder: &str, kind: Kind) -> Result<Option<Stored>> {
    // Before it is looked for: what is noted is not erased from then on.
    app.extracts.note(folder, app.now());
    let Some(extract) = Extract::read(app, folder).await? else { return Ok(None) };
    if !extract.is_genuine(app, open, folder).await? {
        return Ok(None);
    }
    let stored = extract.stored(folder, kind)?;
    if !is_in(folder, stored.path.as_ref()) {
        return Ok(Some(stored));
    }
    match app.datasets.objects().head(&stored.path).await {
        Ok(_) => Ok(Some(stored)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

/// An extract as it is stored: its manifest, with the very bytes of it and of its signature.
struct Extract {
    manifest: Manifest,
    document: Bytes,
    signature: Bytes,
}

impl Extract {
    /// The manifest is written last and erased first: where it is, the extract is whole.
    async fn read(app: &App, folder: &str) -> Result<Option<Self>> {
        let Some(document) = object(app, &manifest_path(folder)).await? else { return Ok(None) };
        let Some(signature) = object(app, &signature_path(folder)).await? else { return Ok(None) };
        let manifest = serde_json::from_slice(&document).ok();
        Ok(manifest.map(|manifest| Self { manifest, document, signature }))
    }

    /// Whether this server's key has signed it, it says of this version what the directory says now, and it names files of
    /// its own folder, or the version's own where the policy hides nothing of it.
    async fn is_genuine(&self, app: &App, open: &OpenTable, folder: &str) -> Result<bool> {
        let parts = &self.manifest.parts;
        let signature = String::from_utf8_lossy(&self.signature);
        if self.manifest.verify(&signature, &app.signer.public()).is_err()
            || self.manifest.canonical()? != self.document
            || !is_whole(parts)
            || manifest(&open.dataset, parts.clone(), self.manifest.created_at)? != self.manifest
        {
            return Ok(false);
        }
        let mut foreign = parts.iter().filter(|part| !is_in(folder, &part.path));
        match (foreign.next(), foreign.next()) {
            (None, _) => Ok(true),
            (Some(part), None) => Ok(raw(app, open, Format::Parquet).await?.as_ref() == Some(part)),
            _ => Ok(false),
        }
    }

    fn stored(&self, folder: &str, kind: Kind) -> Result<Stored> {
        let (path, content) = match kind {
            Kind::Manifest => (manifest_path(folder), &self.document),
            Kind::Signature => (signature_path(folder), &self.signature),
            Kind::Data(_) | Kind::Gzip(_) | Kind::MarkedCsv | Kind::Bundle => return self.file(kind),
        };
        let written = self.manifest.created_at;
        Ok(Stored { path, bytes: content.len() as u64, digest: Digest::of(content), rows: 0, written })
    }

    fn file(&self, kind: Kind) -> Result<Stored> {
        let part = file_of(&self.manifest.parts, kind).ok_or_else(|| unfit(kind, self.manifest.rows))?;
        let digest = Digest::from_hex(&part.sha256).map_err(Error::internal)?;
        let (path, written) = (Path::from(part.path.as_str()), self.manifest.created_at);
        Ok(Stored { path, bytes: part.bytes, digest, rows: part.rows, written })
    }
}

/// Why a genuine extract has no file of that kind.
fn unfit(kind: Kind, rows: u64) -> Error {
    match kind {
        Kind::Data(Format::Xlsx) if rows > SHEET_ROWS => {
            let message = format!(
                "a sheet has {SHEET_ROWS} rows and this version has {rows}: take .csv or .parquet, or a page of its records"
            );
            Error::new(ErrorCode::LimitRows, message)
        }
        Kind::Data(Format::Xlsx) => {
            let message = "this version has a text that is longer than a cell, or more columns than a sheet: take .csv or \
                           .parquet";
            Error::new(ErrorCode::LimitBytes, message)
        }
        _ => Error::new(ErrorCode::NotFound, "this dataset has no geometry: take .csv, .jsonl or .parquet"),
    }
}

/// The bytes of an object, if it is there.
pub(crate) async fn object(app: &App, path: &Path) -> Result<Option<Bytes>> {
    match app.datasets.objects().get(path).await {
        Ok(found) => Ok(Some(found.bytes().await.map_err(unreadable)?)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

pub(crate) fn is_in(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|name| name.starts_with('/'))
}

/// The file of that kind among the parts of an extract.
pub(super) fn file_of(parts: &[Part], kind: Kind) -> Option<&Part> {
    let suffix = kind.suffix();
    parts.iter().find(|part| part.path.ends_with(&suffix))
}

/// The files of an extract as they are described: without their variants.
pub(super) fn files_of(manifest: &Manifest) -> impl Iterator<Item = (Format, &Part)> {
    let formats = FORMATS.into_iter().chain(WHERE_THEY_FIT);
    formats.filter_map(move |format| file_of(&manifest.parts, Kind::Data(format)).map(|part| (format, part)))
}

/// Whether nothing is missing that every extract has.
fn is_whole(parts: &[Part]) -> bool {
    let has = |kind: Kind| file_of(parts, kind).is_some();
    FORMATS.iter().all(|format| has(Kind::Data(*format)))
        && COMPRESSED.iter().all(|format| has(Kind::Data(*format)) == has(Kind::Gzip(*format)))
        && has(Kind::MarkedCsv)
}

/// One folder per version, and what its reader sees of it.
fn folder(dataset: &Dataset) -> String {
    let version = &dataset.version;
    format!("extracts/{}/{:06}/{}", version.resource.path_form(), version.number, sight(dataset))
}

/// What its reader sees of a version: the bound policy, and what items refer to, of which strangers are told less than
/// departments under the very same policy.
pub(crate) fn sight(dataset: &Dataset) -> String {
    let policy = dataset.granted.policy.digest().to_string();
    let items = dataset.resource.items.iter();
    let references = items
        .filter_map(|item| item.reference.as_ref().map(|reference| format!("{} {reference}\n", item.column)));
    match references.collect::<String>() {
        references if references.is_empty() => policy,
        references => Digest::of(format!("{policy}\n{references}").as_bytes()).to_string(),
    }
}

pub(crate) fn manifest_path(folder: &str) -> Path {
    Path::from(format!("{folder}/manifest.json"))
}

pub(crate) fn signature_path(folder: &str) -> Path {
    Path::from(format!("{folder}/manifest.jws"))
}

/// Extracts that are being written: each once, and few of the public's at the same time.
pub(crate) struct Extracts {
    /// By folder; held while its extract is written.
    writing: Mutex<HashMap<String, Weak<Writing>>>,
    places: Semaphore,
    public: Semaphore,
    pub(super) uses: Uses,
}

pub(crate) type Writing = tokio::sync::Mutex<()>;

impl Default for Extracts {
    fn default() -> Self {
        let [places, public] = [EXTRACTS, PUBLIC_EXTRACTS].map(Semaphore::new);
        Self { writing: Mutex::default(), places, public, uses: Uses::default() }
    }
}

impl Extracts {
    /// The lock of one folder, the same for all who write there now.
    pub(crate) fn of(&self, folder: &str) -> Arc<Writing> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.retain(|_, lock| lock.strong_count() > 0);
        let known = writing.get(folder).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::<Writing>::default();
            writing.insert(folder.to_owned(), Arc::downgrade(&lock));
            lock
        })
    }

    /// Says that an extract is used now.
    pub(crate) fn note(&self, folder: &str, now: Timestamp) {
        self.uses.note(folder, now);
    }

    /// Says that an object of an extract is written from its begin.
    pub(crate) fn start(&self, path: &Path, now: Timestamp) {
        self.uses.start(path, now);
    }

    /// Forgets an object of an extract that was not written to its end.
    pub(crate) fn forget_object(&self, path: &Path) {
        self.uses.forget_object(path);
    }

    /// Counts bytes that are written into an object of an extract.
    pub(crate) fn grow(&self, path: &Path, bytes: usize, now: Timestamp) {
        self.uses.grow(path, bytes, now);
    }

    /// Has the room that extracts take found out anew: some were erased by others.
    pub(crate) fn ask_again(&self) {
        self.uses.ask_again();
    }

    /// Whether somebody writes the extract of a folder now, or waits to.
    pub(super) fn is_being_written(&self, folder: &str) -> bool {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.get(folder).is_some_and(|lock| lock.strong_count() > 0)
    }

    /// A place for one more extract. Departments wait for theirs, and never for strangers.
    pub(crate) async fn place(&self, ctx: &OpContext) -> Result<SemaphorePermit<'_>> {
        if ctx.principal.sees_whole_directory() {
            return self.places.acquire().await.map_err(Error::internal);
        }
        let message = "the file is not written yet, and others are being written; try again in some seconds";
        let place = self.public.try_acquire();
        place.map_err(|_| Error::new(ErrorCode::Unavailable, message))
    }
}

/// Writes the extract in a task of its own: it is finished even if nobody waits for it any longer.
async fn written(
    app: &Arc<App>,
    ctx: &OpContext,
    open: &OpenTable,
    folder: &str,
    kind: Kind,
) -> Result<Stored> {
    let (app, ctx, open, folder) = (Arc::clone(app), ctx.clone(), open.clone(), folder.to_owned());
    App::to_the_end(async move {
        let lock = app.extracts.of(&folder);
        let _one_at_a_time = lock.lock().await;
        if let Some(stored) = found(&app, &open, &folder, kind).await? {
            return Ok(stored);
        }
        // Before the place: who waits for a collection keeps nobody else waiting.
        let _no_erasing = app.no_erasing().await;
        let _place = app.extracts.place(&ctx).await?;
        make_room(&app, &ctx, &folder).await?;
        whole(&app, &folder, write(&app, &ctx, &open, &folder)).await?.stored(&folder, kind)
    })
    .await
}

/// What is written into a folder to its end; of what fails nothing stays there.
pub(crate) async fn whole<T>(app: &App, folder: &str, writing: impl Future<Output = Result<T>>) -> Result<T> {
    let written = writing.await;
    if written.is_err()
        && let Err(error) = erase(app, folder).await
    {
        tracing::error!(folder, cause = error.internal_cause(), "what was written of an extract stays there");
    }
    written
}

async fn write(app: &App, ctx: &OpContext, open: &OpenTable, folder: &str) -> Result<Extract> {
    let mut parts = Vec::with_capacity(FORMATS.len());
    for format in FORMATS {
        parts.push(match raw(app, open, format).await? {
            Some(part) => part,
            None => write_file(app, ctx, open, folder, format).await?,
        });
    }
    for format in WHERE_THEY_FIT {
        let rows = parts.first().map_or(0, |part| part.rows);
        parts.extend(write_fitting(app, ctx, open, folder, format, rows).await?);
    }
    let variants = variant::write_all(app, folder, &parts).await?;
    parts.extend(variants);
    let manifest = manifest(&open.dataset, parts, app.now())?;
    let objects = app.datasets.objects();
    let (document, signature) =
        (Bytes::from(manifest.canonical()?), Bytes::from(manifest.sign(&app.signer)?));
    objects.put(&signature_path(folder), signature.clone().into()).await.map_err(unreadable)?;
    objects.put(&manifest_path(folder), document.clone().into()).await.map_err(unreadable)?;
    Ok(Extract { manifest, document, signature })
}

/// The stored Parquet file itself, where the policy hides nothing of it.
async fn raw(app: &App, open: &OpenTable, format: Format) -> Result<Option<Part>> {
    if format != Format::Parquet || !open.dataset.granted.policy.is_transparent() {
        return Ok(None);
    }
    let manifest = app.datasets.manifest(&open.dataset.version).await?;
    Ok(match manifest.parts.as_slice() {
        [part] => Some(part.clone()),
        _ => None,
    })
}

/// The file in that format, where the rows fit it.
async fn write_fitting(
    app: &App,
    ctx: &OpContext,
    open: &OpenTable,
    folder: &str,
    format: Format,
    rows: u64,
) -> Result<Option<Part>> {
    let fits = match format {
        Format::GeoJson => {
            let seen = visible(&open.dataset.resource, &open.dataset.granted.policy);
            GeoColumns::of(&seen.items).place().is_some()
        }
        _ => rows <= SHEET_ROWS,
    };
    if !fits {
        return Ok(None);
    }
    match write_file(app, ctx, open, folder, format).await {
        // What does not fit is known by its absence; all else that fails, fails.
        Err(error) if matches!(error.code, ErrorCode::UnsupportedFormat | ErrorCode::LimitBytes) => Ok(None),
        written => written.map(Some),
    }
}

async fn write_file(
    app: &App,
    ctx: &OpContext,
    open: &OpenTable,
    folder: &str,
    format: Format,
) -> Result<Part> {
    let answer = app.run(ctx, QueryRequest::Selection(everything(&open.dataset))).await?;
    if answer.sources != [open.dataset.source()] {
        let message = "the dataset or its policy changed while the file was written; try again";
        return Err(Error::new(ErrorCode::Unavailable, message));
    }
    let path = Path::from(format!("{folder}/data.{}", format.extension()));
    let (answer, counted) = crate::records::counted(answer);
    let (sha256, bytes) = store(app, &path, encode(answer, format)).await?;
    let rows = counted.load(std::sync::atomic::Ordering::Relaxed);
    Ok(Part { path: path.to_string(), rows, bytes, sha256 })
}

/// Writes an object, or nothing of it; answers its SHA-256 and its size.
pub(super) async fn store(
    app: &App,
    path: &Path,
    bytes: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<(String, u64)> {
    let upload = app.datasets.objects().put_multipart(path).await.map_err(unreadable)?;
    let mut writer = WriteMultipart::new(upload);
    app.extracts.start(path, app.now());
    let counted = bytes.inspect_ok(|chunk| app.extracts.grow(path, chunk.len(), app.now()));
    match fill(&mut writer, counted).await {
        Ok(written) => {
            writer.finish().await.map_err(unreadable)?;
            Ok(written)
        }
        Err(error) => {
            writer.abort().await.map_err(unreadable)?;
            // What was counted of it is not there.
            app.extracts.forget_object(path);
            Err(error)
        }
    }
}

async fn fill(
    writer: &mut WriteMultipart,
    mut stream: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<(String, u64)> {
    let (mut hasher, mut bytes) = (Hasher::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        hasher.update(&chunk);
        bytes += chunk.len() as u64;
        writer.wait_for_capacity(IN_FLIGHT).await.map_err(unreadable)?;
        writer.put(chunk);
    }
    Ok((hasher.finish().to_hex(), bytes))
}

/// All that the policy shows of this very version, in an order that tells nothing about what it hides.
pub(crate) fn everything(dataset: &Dataset) -> Selection {
    let sort = order(dataset).into_iter().map(|column| SortKey { column, descending: false });
    Selection {
        version: VersionSelector::Number(dataset.version.number),
        sort: sort.collect(),
        ..Selection::of(TableName::Code(dataset.resource.code.clone()))
    }
}

/// By sort columns and key where all of them are seen in clear, else by everything that is seen.
fn order(dataset: &Dataset) -> Vec<String> {
    let resource = &dataset.resource;
    let visible = &dataset.granted.policy.columns;
    let is_clear =
        |name: &&ColumnName| visible.iter().any(|seen| seen.column == **name && seen.mask.is_none());
    let unsorted = resource.key.iter().filter(|column| !resource.sort.contains(column));
    let natural: Vec<&ColumnName> = resource.sort.iter().chain(unsorted).collect();
    if !natural.is_empty() && natural.iter().all(is_clear) {
        return natural.into_iter().map(ToString::to_string).collect();
    }
    let is_ordered = |seen: &&VisibleColumn| seen.stored_type.kind != catalog_core::directory::ItemKind::G;
    visible.iter().filter(is_ordered).map(|seen| seen.column.to_string()).collect()
}

/// `created_at` is when it is signed, for a key proves nothing from before its own time: the version may be older.
pub(crate) fn manifest(dataset: &Dataset, parts: Vec<Part>, created_at: Timestamp) -> Result<Manifest> {
    let (resource, version) = (&dataset.resource, &dataset.version);
    let first = parts.first().ok_or_else(|| Error::internal("an extract without files"))?;
    let (rows, bytes) = (first.rows, parts.iter().map(|part| part.bytes).sum());
    let source = Source {
        name: format!("{}.parquet", resource.code.path_form()),
        sha256: first.sha256.clone(),
        bytes: first.bytes,
    };
    // A masked column has the mask's type and no rules about the hidden values.
    let seen = visible(resource, &dataset.granted.policy);
    Ok(Manifest {
        resource: resource.code.clone(),
        version: version.number,
        change: ChangeKind::Replace,
        based_on: None,
        created_at,
        columns: seen.items.into_iter().map(|item| Column { item, statistics: None }).collect(),
        key: seen.key,
        sort: Vec::new(),
        places: None,
        parts,
        rows,
        bytes,
        source,
        licence: resource.licence.clone(),
        quality: Quality { rows_read: rows, rows_accepted: rows, ..Quality::default() },
        quarantine: None,
        materials: None,
        breaking: None,
        erased: Vec::new(),
    })
}

pub(crate) fn unreadable(error: object_store::Error) -> Error {
    datasets_store::Error::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_writes_a_folder_and_others_are_written_beside_it() {
        let extracts = Extracts::default();
        let first = extracts.of("a");
        let held = first.lock().await;
        assert!(extracts.of("a").try_lock().is_err(), "the same folder is written once");
        assert!(extracts.of("b").try_lock().is_ok(), "another one beside it");
        drop(held);
        drop(first);
        assert!(extracts.of("a").try_lock().is_ok());
        assert_eq!(extracts.writing.lock().unwrap().len(), 1, "what is written is forgotten");
    }
}
