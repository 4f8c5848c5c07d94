//! What an access leaves behind (DESIGN.md rule 3), written by the wrapper alone.

mod metered;
mod open_counts;

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::evidence::{DISCONNECTED, Event, EvidenceRecord, SourceRead};
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use exchange_auth::REPR_DIGEST;
use exchange_crypto::{Digest, Hasher, random};
use exchange_ledger::{Commitment, Committed};
use futures::StreamExt;
use http::{Method, header};
use tokio::sync::watch;

use crate::app::App;
use metered::Metered;
pub(crate) use open_counts::OpenCounts;

/// Answers up to this size are buffered, so that their signature covers their content.
const BUFFERED_BYTES: usize = 1 << 20;

/// What a handler says about the data in its answer; it travels in the response's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The datasets read.
    pub(crate) sources: Vec<SourceRead>,
    /// Rows that have left so far.
    pub(crate) rows: Arc<AtomicU64>,
    /// Whether its start is written down already, see [`begin`].
    pub(crate) is_begun: bool,
    /// The `now` of the query that gave it.
    pub(crate) now: Option<Timestamp>,
    /// Keyed hashes of the subjects that are looked up by their numbers.
    pub(crate) subjects: Vec<String>,
    /// The matter for which a page of the portal reads; a program says it in a field of its request.
    pub(crate) matter: Option<String>,
}

impl Reading {
    /// A read of these datasets, before its first row.
    pub(crate) fn of(sources: Vec<SourceRead>) -> Self {
        Self { sources, rows: Arc::default(), is_begun: false, now: None, subjects: Vec::new(), matter: None }
    }

    fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// Whether each access of the caller is recorded by itself. The public reads nothing but what is open to everyone,
/// and is counted.
fn is_recorded(ctx: &OpContext) -> bool {
    ctx.principal.kind != PrincipalKind::Public
}

/// A response ready to be signed.
pub(crate) struct Sealed {
    /// Head and body.
    pub(crate) response: Response,
    /// The whole body, where it is buffered.
    pub(crate) content: Option<Bytes>,
    /// Whether evidence names this answer.
    pub(crate) has_receipt: bool,
}

/// What was asked: the commitment that the log holds, and the text that is kept sealed beside it.
#[derive(Clone)]
pub(crate) struct Asked {
    commitment: Commitment,
    text: Bytes,
}

/// Bodies up to this size are kept with the text of a request; of larger ones the digest is.
const KEPT_BODY_BYTES: usize = 4 << 20;

impl Asked {
    /// Commits to method, address and the body's digest. The body is kept with them for auditors.
    pub(crate) fn of(
        method: &Method,
        target_uri: &str,
        body: Option<&Digest>,
        content: &[u8],
    ) -> Result<Self> {
        let digest = body.map(Digest::to_hex).unwrap_or_default();
        let mut text = format!("{method} {target_uri}\n{digest}").into_bytes();
        let commitment = exchange_ledger::commit(&text)?;
        text.push(b'\n');
        if content.len() <= KEPT_BODY_BYTES {
            text.extend_from_slice(content);
        }
        Ok(Self { commitment, text: text.into() })
    }

    fn salt(&self) -> Secret<'_> {
        (Committed::Request, self.commitment.salt, &self.text)
    }
}

/// What is kept of one commitment: of what it is, its salt, and its text.
type Secret<'a> = (Committed, [u8; 32], &'a [u8]);

/// A commitment to something that passes by: SHA-256 of a random salt and the content.
struct Committing {
    salt: [u8; 32],
    hasher: Hasher,
}

impl Committing {
    fn new() -> Result<Self> {
        let salt = random::bytes::<32>().map_err(Error::internal)?;
        let mut hasher = Hasher::new();
        hasher.update(&salt);
        Ok(Self { salt, hasher })
    }

    fn finish(self) -> Commitment {
        Commitment { salt: self.salt, digest: self.hasher.finish().to_hex() }
    }
}

/// Writes down what the answer owes, before its first byte leaves. Without evidence there is no answer.
pub(crate) async fn seal(
    app: &Arc<App>,
    ctx: &OpContext,
    asked: Asked,
    mut response: Response,
) -> Result<Sealed> {
    let reading = response.extensions_mut().remove::<Reading>();
    let for_matter = reading.as_ref().and_then(|reading| reading.matter.clone()).map(|matter| {
        let OpContext { purpose, operator, .. } = ctx;
        ctx.clone().asserting(purpose.clone(), Some(matter), operator.clone())
    });
    let ctx = for_matter.as_ref().unwrap_or(ctx);
    let sources = reading.as_ref().map(|reading| reading.sources.clone()).unwrap_or_default();
    sealed(app, ctx, asked, response, reading).await.map_err(|error| error.after_opening(sources))
}

async fn sealed(
    app: &Arc<App>,
    ctx: &OpContext,
    asked: Asked,
    response: Response,
    reading: Option<Reading>,
) -> Result<Sealed> {
    let (parts, body) = response.into_parts();
    let has_receipt = reading.is_some() && is_recorded(ctx);
    // A stored file is signed by the digest of the whole, whatever part of it leaves.
    let is_stored = parts.headers.contains_key(REPR_DIGEST);
    let is_empty = body.is_end_stream();
    let mut rest = body.into_data_stream();
    let (read, whole) = match (is_stored, is_empty) {
        (true, false) => (Vec::new(), false),
        _ => read_ahead(&mut rest).await?,
    };
    if whole {
        let content = Bytes::from(read.concat());
        if let Some(reading) = reading {
            record_whole(app, ctx, asked, reading, &content).await?;
        }
        let response = Response::from_parts(parts, Body::from(content.clone()));
        return Ok(Sealed { response, content: (!is_stored).then_some(content), has_receipt });
    }
    let body = match reading {
        Some(reading) => {
            let ending = record_start(app, ctx, asked, reading).await?;
            let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
            let length = length.and_then(|length| length.parse().ok());
            Metered::new(read, rest, ending, length).into_body()
        }
        None => {
            let read = futures::stream::iter(read.into_iter().map(Ok));
            Body::from_stream(read.chain(rest))
        }
    };
    Ok(Sealed { response: Response::from_parts(parts, body), content: None, has_receipt })
}

/// Reads until the end or the size of a buffered answer; whether the end was reached.
async fn read_ahead(body: &mut BodyDataStream) -> Result<(Vec<Bytes>, bool)> {
    let (mut read, mut size) = (Vec::new(), 0);
    while size <= BUFFERED_BYTES {
        let Some(chunk) = body.next().await else { return Ok((read, true)) };
        let chunk = chunk.map_err(|found| error_in(&found))?;
        size += chunk.len();
        read.push(chunk);
    }
    Ok((read, false))
}

async fn record_whole(
    app: &Arc<App>,
    ctx: &OpContext,
    asked: Asked,
    reading: Reading,
    content: &Bytes,
) -> Result<()> {
    let (rows, bytes) = (reading.rows(), content.len() as u64);
    if !is_recorded(ctx) {
        return count(app, &reading, bytes).await;
    }
    let answered = exchange_ledger::commit(content)?;
    let answer_salt = (Committed::Answer, answered.salt, [].as_slice());
    if reading.is_begun {
        let answer_commitment = answered.digest;
        let event = Event::AccessEnded { rows, bytes, answer_commitment, complete: true, stopped_by: None };
        return append(app, ctx, event, &[answer_salt]).await;
    }
    let event = Event::Access {
        sources: reading.sources,
        request_commitment: asked.commitment.digest.clone(),
        rows,
        bytes,
        answer_commitment: answered.digest,
        now: reading.now,
        subjects: reading.subjects,
    };
    append(app, ctx, event, &[asked.salt(), answer_salt]).await
}

/// Writes down that these datasets are read for something that is done before there is an answer. Its end is what is
/// written of the answer, of a refusal, or of a client that went away.
pub(crate) async fn begin(
    app: &App,
    ctx: &OpContext,
    asked: &Asked,
    sources: Vec<SourceRead>,
) -> Result<Reading> {
    let reading = Reading { is_begun: true, ..Reading::of(sources) };
    if is_recorded(ctx) {
        record_opening(app, ctx, asked, &reading).await?;
    }
    Ok(reading)
}

async fn record_opening(app: &App, ctx: &OpContext, asked: &Asked, reading: &Reading) -> Result<()> {
    let request_commitment = asked.commitment.digest.clone();
    let event = Event::AccessStarted {
        sources: reading.sources.clone(),
        request_commitment,
        now: reading.now,
        subjects: reading.subjects.clone(),
    };
    append(app, ctx, event, &[asked.salt()]).await
}

async fn record_start(app: &Arc<App>, ctx: &OpContext, asked: Asked, reading: Reading) -> Result<Ending> {
    let unwritten = app.unwritten();
    let (app, answer) = (Arc::clone(app), Committing::new()?);
    let end = End { app, ctx: ctx.clone(), answer, bytes: 0, reading, unwritten };
    if is_recorded(ctx) && !end.reading.is_begun {
        record_opening(&end.app, ctx, &asked, &end.reading).await?;
    }
    Ok(Ending(Some(end)))
}

/// Records that a proven caller was refused: whatever tells of data that was opened for the request, and who asked for
/// what is not theirs. What strangers try is in the access log alone, for each record costs a write to the disk.
pub(crate) async fn record_refusal(app: &App, ctx: &OpContext, error: &Error, asked: Asked) -> Result<()> {
    let is_overreach = matches!(
        error.code,
        ErrorCode::Forbidden
            | ErrorCode::NotGranted
            | ErrorCode::AmbiguousGrant
            | ErrorCode::ObligationMissing
            | ErrorCode::UnknownTable
            | ErrorCode::UnknownColumn
            | ErrorCode::Revoked
    );
    if !is_recorded(ctx) || (error.opened().is_empty() && !is_overreach) {
        return Ok(());
    }
    let event = Event::AccessRefused {
        code: error.code.to_string(),
        sources: error.opened().to_vec(),
        request_commitment: asked.commitment.digest.clone(),
    };
    append(app, ctx, event, &[asked.salt()]).await
}

/// Keeps a record, and before it, apart and sealed, what opens its commitments: wherever the log has one, it can be opened.
async fn append(app: &App, ctx: &OpContext, event: Event, secrets: &[Secret<'_>]) -> Result<()> {
    let record = EvidenceRecord { at: app.now(), ..EvidenceRecord::new(ctx, event) };
    let id = record.id.clone();
    let sealed = secrets.iter().map(|(of, salt, text)| app.vault.seal(&id, *of, salt, text));
    let written = async {
        let texts = sealed.collect::<std::result::Result<_, _>>()?;
        app.services.evidence().append_with(record, texts).await
    };
    written.await.map(drop).map_err(|error| {
        let message = "evidence can't be written, so the access did not happen; try again later";
        Error::new(ErrorCode::EvidenceUnavailable, message).with_internal(error)
    })
}

/// An access under way. If it is dropped without an answer, because the client is gone, evidence says that it was tried.
pub(crate) struct Attempt(Option<Pending>);

struct Pending {
    app: Arc<App>,
    ctx: OpContext,
    asked: Asked,
    unwritten: watch::Receiver<()>,
}

impl Attempt {
    pub(crate) fn new(app: &Arc<App>, ctx: &OpContext, asked: &Asked) -> Self {
        Self(is_recorded(ctx).then(|| Pending {
            app: Arc::clone(app),
            ctx: ctx.clone(),
            asked: asked.clone(),
            unwritten: app.unwritten(),
        }))
    }

    /// The operation has answered, which leaves evidence of its own.
    pub(crate) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(Pending { app, ctx, asked, unwritten }) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let request_commitment = asked.commitment.digest.clone();
            let code = DISCONNECTED.to_owned();
            let event = Event::AccessRefused { code, sources: Vec::new(), request_commitment };
            runtime.spawn(async move {
                if let Err(error) = append(&app, &ctx, event, &[asked.salt()]).await {
                    tracing::error!(request_id = ctx.request_id, cause = error.internal_cause(), "no record");
                }
                drop(unwritten);
            });
        }
    }
}

async fn count(app: &App, reading: &Reading, bytes: u64) -> Result<()> {
    let mut is_full = false;
    for source in &reading.sources {
        is_full |= app.open_counts.add(&source.resource, bytes);
    }
    match is_full {
        true => app.open_counts.flush(app.services.evidence().as_ref(), app.now()).await,
        false => Ok(()),
    }
}

/// What is written when a stream ends.
struct End {
    app: Arc<App>,
    ctx: OpContext,
    reading: Reading,
    answer: Committing,
    bytes: u64,
    unwritten: watch::Receiver<()>,
}

impl End {
    async fn write(self, stopped_by: Option<&str>) -> Result<()> {
        // Held to the end of this function.
        let Self { app, ctx, reading, answer, bytes, unwritten: _unwritten } = self;
        if !is_recorded(&ctx) {
            return count(&app, &reading, bytes).await;
        }
        let answered = answer.finish();
        let event = Event::AccessEnded {
            rows: reading.rows(),
            bytes,
            answer_commitment: answered.digest,
            complete: stopped_by.is_none(),
            stopped_by: stopped_by.map(str::to_owned),
        };
        append(&app, &ctx, event, &[(Committed::Answer, answered.salt, &[])]).await.inspect_err(|error| {
            tracing::error!(request_id = ctx.request_id, cause = error.internal_cause(), "no end record");
        })
    }
}

/// The end of a stream, written exactly once: by whoever reads to the end, else when the stream is dropped.
struct Ending(Option<End>);

impl Ending {
    fn count(&mut self, chunk: &Bytes) {
        if let Some(end) = &mut self.0 {
            end.bytes += chunk.len() as u64;
            end.answer.hasher.update(chunk);
        }
    }

    async fn write(&mut self, stopped_by: Option<&str>) -> Result<()> {
        match self.0.take() {
            Some(end) => end.write(stopped_by).await,
            None => Ok(()),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(end) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { end.write(Some(DISCONNECTED)).await });
        }
    }
}

/// The domain's error inside one of the framework.
fn error_in(found: &axum::Error) -> Error {
    let mut inner = found.source();
    while let Some(error) = inner {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.clone();
        }
        inner = error.source();
    }
    Error::internal(found)
}
