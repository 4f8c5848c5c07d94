//! The files of a table: those of the version where the policy hides nothing of it, else an extract in several files.
//!
//! An extract is what one bound policy shows of one version, or what differs between two versions as it shows them. It is
//! written once, with a signed manifest of its own, and is a cache as downloads are: `gc` may erase it.

use std::sync::Arc;

use axum::body::Bytes;
use catalog_core::evidence::SourceRead;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use datasets_store::{Manifest, Part, Quality};
use exchange_crypto::{Digest, Hasher};
use exchange_query::export::ParquetFile;
use exchange_query::{OpenTable, QueryAnswer, QueryRequest, StoredFile};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};

use super::actions::{is_named, is_placed};
use crate::app::App;
use crate::downloads::extract::{
    IN_FLIGHT, everything, is_in, manifest, manifest_path, object, sight, signature_path, unreadable, whole,
};
use crate::downloads::kept::make_room;

/// Rows after which a file ends: clients read files side by side.
const FILE_ROWS: u64 = 1 << 20;

/// What is wanted of a table.
#[derive(Clone)]
pub(super) struct Wanted {
    /// The version that changes lead away from; without one, all rows.
    before: Option<OpenTable>,
    open: OpenTable,
}

impl Wanted {
    /// All rows.
    pub(super) fn rows(open: OpenTable) -> Self {
        Self { before: None, open }
    }

    /// What differs from an earlier version.
    pub(super) fn changes(before: OpenTable, open: OpenTable) -> Self {
        Self { before: Some(before), open }
    }

    /// What is read for it.
    pub(super) fn sources(&self) -> Vec<SourceRead> {
        self.before.iter().chain([&self.open]).map(|open| open.dataset.source()).collect()
    }

    /// Its Parquet files; written now if they are not there yet.
    pub(super) async fn files(&self, app: &Arc<App>, ctx: &OpContext) -> Result<Vec<Part>> {
        match self.known(app).await? {
            Some(parts) => Ok(parts),
            None => self.written(app, ctx, self.folder()).await,
        }
    }

    /// Its Parquet files, where they are there.
    pub(super) async fn known(&self, app: &App) -> Result<Option<Vec<Part>>> {
        match self.stored() {
            Some(files) => Ok(Some(files.iter().map(part).collect())),
            None => self.found(app, &self.folder()).await,
        }
    }

    /// The file of that id, where it is there: of a version of thousands of files no more than this one is looked at.
    pub(super) async fn file(&self, app: &App, id: &str) -> Result<Option<Part>> {
        match self.stored() {
            Some(files) => Ok(files.iter().find(|file| is_named(id, &file.path, &file.sha256)).map(part)),
            None => {
                let files = self.found(app, &self.folder()).await?.unwrap_or_default();
                let file = files.into_iter().find(|file| is_named(id, &file.path, &file.sha256));
                let Some(file) = file else { return Ok(None) };
                match app.datasets.objects().head(&Path::from(file.path.as_str())).await {
                    Ok(_) => Ok(Some(file)),
                    // It gives way just now.
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(error) => Err(unreadable(error)),
                }
            }
        }
    }

    /// Whether the id is of a file in the extract of what is wanted now, be it there or not.
    pub(super) fn is_of_extract(&self, id: &str) -> bool {
        if self.stored().is_some() {
            return false;
        }
        let folder = self.folder();
        let files = self.before.iter().chain([&self.open]).flat_map(|open| &open.files);
        let rows = files.map(|file| file.rows).sum::<u64>();
        (0..=rows / FILE_ROWS).any(|number| is_placed(id, file_path(&folder, number).as_ref()))
    }

    /// The version's own files, where nothing of them is hidden.
    pub(super) fn stored(&self) -> Option<&[StoredFile]> {
        let is_whole = self.before.is_none() && self.open.dataset.granted.policy.is_transparent();
        is_whole.then_some(self.open.files.as_slice())
    }

    /// One folder for each version, or pair of them, and what the policy shows of it.
    fn folder(&self) -> String {
        let datasets = self.before.iter().chain([&self.open]).map(|open| &open.dataset);
        let seen =
            datasets.map(|dataset| format!("{}{}\n", dataset.source().manifest_digest, sight(dataset)));
        let digest = Digest::of(seen.collect::<String>().as_bytes());
        let version = &self.open.dataset.version;
        let name = self.before.as_ref().map_or_else(
            || "rows".to_owned(),
            |before| format!("changes-{:06}", before.dataset.version.number),
        );
        format!("extracts/{}/{:06}/{name}-{digest}", version.resource.path_form(), version.number)
    }

    /// The extract's manifest with these files in it.
    fn manifest(&self, parts: Vec<Part>, created_at: Timestamp) -> Result<Manifest> {
        let rows = parts.iter().map(|part| part.rows).sum();
        let quality = Quality { rows_read: rows, rows_accepted: rows, ..Quality::default() };
        let based_on = self.before.as_ref().map(|before| before.dataset.version.number);
        Ok(Manifest { rows, quality, based_on, ..manifest(&self.open.dataset, parts, created_at)? })
    }

    /// The files of an extract that is whole and genuine; what is not is a cache miss. Its manifest is written last and
    /// erased first, and each file is proven when it is sent.
    async fn found(&self, app: &App, folder: &str) -> Result<Option<Vec<Part>>> {
        // Before it is looked for: what is noted is not erased from then on.
        app.extracts.note(folder, app.now());
        let Some(document) = object(app, &manifest_path(folder)).await? else { return Ok(None) };
        let Some(signature) = object(app, &signature_path(folder)).await? else { return Ok(None) };
        let Ok(stored) = serde_json::from_slice::<Manifest>(&document) else { return Ok(None) };
        let is_genuine = stored.verify(&String::from_utf8_lossy(&signature), &app.signer.public()).is_ok()
            && stored.canonical()? == document
            && stored.parts.iter().all(|part| is_in(folder, &part.path))
            && self.manifest(stored.parts.clone(), stored.created_at)? == stored;
        Ok(is_genuine.then_some(stored.parts))
    }

    /// Writes the extract in a task of its own: it is finished even if nobody waits for it any longer.
    async fn written(&self, app: &Arc<App>, ctx: &OpContext, folder: String) -> Result<Vec<Part>> {
        let (wanted, app, ctx) = (self.clone(), Arc::clone(app), ctx.clone());
        App::to_the_end(async move {
            let lock = app.extracts.of(&folder);
            let _one_at_a_time = lock.lock().await;
            if let Some(parts) = wanted.found(&app, &folder).await? {
                return Ok(parts);
            }
            // Before the place: who waits for a collection keeps nobody else waiting.
            let _no_erasing = app.no_erasing().await;
            let _place = app.extracts.place(&ctx).await?;
            make_room(&app, &ctx, &folder).await?;
            whole(&app, &folder, wanted.write(&app, &ctx, &folder)).await
        })
        .await
    }

    async fn write(&self, app: &App, ctx: &OpContext, folder: &str) -> Result<Vec<Part>> {
        let answer = self.ask(app, ctx).await?;
        if answer.sources != self.sources() {
            let message = "the dataset or its policy changed while its files were written; try again";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        let parts = write_files(app, folder, answer).await?;
        let manifest = self.manifest(parts.clone(), app.now())?;
        let objects = app.datasets.objects();
        let (document, signature) =
            (Bytes::from(manifest.canonical()?), Bytes::from(manifest.sign(&app.signer)?));
        objects.put(&signature_path(folder), signature.into()).await.map_err(unreadable)?;
        objects.put(&manifest_path(folder), document.into()).await.map_err(unreadable)?;
        Ok(parts)
    }

    async fn ask(&self, app: &App, ctx: &OpContext) -> Result<QueryAnswer> {
        let Some(before) = &self.before else {
            return app.run(ctx, QueryRequest::Selection(everything(&self.open.dataset))).await;
        };
        let versions = (before.dataset.version.number, self.open.dataset.version.number);
        let place = app.place(ctx).await?;
        // The wait for a place counts: what has ended meanwhile is not read.
        app.engine.changes(place, &ctx.at(app.now()), &self.open.dataset.resource.code, versions).await
    }
}

/// A file of the version as its manifest names it.
pub(super) fn part(StoredFile { path, bytes, rows, sha256 }: &StoredFile) -> Part {
    Part { path: path.clone(), rows: *rows, bytes: *bytes, sha256: sha256.clone() }
}

/// Where a file of an extract lies.
fn file_path(folder: &str, number: u64) -> Path {
    Path::from(format!("{folder}/part-{number:05}.parquet"))
}

/// Writes the rows as one file after another, at least one.
async fn write_files(app: &App, folder: &str, answer: QueryAnswer) -> Result<Vec<Part>> {
    let QueryAnswer { schema, geo, mut records, .. } = answer;
    let start = async |number: u64| {
        File::start(app, file_path(folder, number), ParquetFile::new(&schema, geo.clone())?).await
    };
    let (mut parts, mut open) = (Vec::new(), start(0).await?);
    while let Some(batch) = records.next().await {
        if open.rows >= FILE_ROWS {
            parts.push(open.finish().await?);
            open = start(parts.len() as u64).await?;
        }
        let encoded = batch.and_then(|batch| {
            open.rows += batch.num_rows() as u64;
            open.encoder.write(&batch)
        });
        match encoded {
            Ok(bytes) => open.put(bytes).await?,
            Err(error) => {
                open.upload.abort().await.map_err(unreadable)?;
                return Err(error);
            }
        }
    }
    parts.push(open.finish().await?);
    Ok(parts)
}

/// A file that is being written.
struct File<'a> {
    app: &'a App,
    path: Path,
    encoder: ParquetFile,
    upload: WriteMultipart,
    hasher: Hasher,
    bytes: u64,
    rows: u64,
}

impl<'a> File<'a> {
    async fn start(app: &'a App, path: Path, encoder: ParquetFile) -> Result<Self> {
        let upload = app.datasets.objects().put_multipart(&path).await.map_err(unreadable)?;
        let upload = WriteMultipart::new(upload);
        app.extracts.start(&path, app.now());
        Ok(Self { app, path, encoder, upload, hasher: Hasher::new(), bytes: 0, rows: 0 })
    }

    async fn put(&mut self, bytes: Bytes) -> Result<()> {
        self.hasher.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.app.extracts.grow(&self.path, bytes.len(), self.app.now());
        self.upload.wait_for_capacity(IN_FLIGHT).await.map_err(unreadable)?;
        self.upload.put(bytes);
        Ok(())
    }

    async fn finish(self) -> Result<Part> {
        let Self { app, path, encoder, mut upload, mut hasher, bytes, rows } = self;
        let last = encoder.finish()?;
        app.extracts.grow(&path, last.len(), app.now());
        hasher.update(&last);
        let bytes = bytes + last.len() as u64;
        upload.put(last);
        upload.finish().await.map_err(unreadable)?;
        Ok(Part { path: path.to_string(), rows, bytes, sha256: hasher.finish().to_hex() })
    }
}
