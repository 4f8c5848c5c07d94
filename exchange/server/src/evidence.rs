//! The evidence log of a folder: its name, its checkpoints in time, and the witnesses that cosign them.

use std::sync::Arc;
use std::time::Duration;

use catalog_core::evidence::{Event, EvidenceLog as _, EvidenceRecord};
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use exchange_crypto::SigningKey;
use exchange_ledger::note::{Note, NoteKey, NoteSignature, is_name};
use exchange_ledger::{AddCheckpoint, Archived, Ledger, Settings, SignedCheckpoint};
use openapi_http::App;

use crate::compose::clock_context;
use crate::config::{Config, Log, LogWitness};
use crate::folder::{Folder, io};

/// How often is looked whether a checkpoint is due.
const TICK: Duration = Duration::from_secs(1);
/// The longest that a witness may take.
const WITNESS_TIME: Duration = Duration::from_secs(10);

/// Where the folder's log lies and how it is called. The first name is kept: it stands in every checkpoint.
pub(crate) fn settings(folder: &Folder, config: &Config, signer: &Arc<SigningKey>) -> Result<Settings> {
    let path = folder.path("evidence-origin");
    let wanted = config.log.origin.clone();
    if !path.exists() {
        let origin = wanted.clone().unwrap_or_else(|| format!("shuqiao/{}", signer.public().id()));
        if !is_name(&origin) || origin.contains("/epoch/") {
            let message =
                format!("`{origin}` can't name a log: no spaces, no plus sign, no /epoch/; see log.origin");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        folder.write_new("evidence-origin", origin.as_bytes())?;
    }
    let origin = std::fs::read_to_string(&path).map_err(|error| io(&path, &error))?;
    match wanted {
        Some(wanted) if wanted != origin => {
            let message =
                format!("the log is called `{origin}`, in every checkpoint too: log.origin can't change it");
            Err(Error::new(ErrorCode::InvalidInput, message))
        }
        _ => Ok(Settings {
            archive: config.log.archive.clone(),
            ..Settings::new(folder.root(), &origin, signer.clone())
        }),
    }
}

/// The witnesses' keys, of former ones too.
pub(crate) fn witness_keys(config: &Log) -> Result<Vec<NoteKey>> {
    config.witness.iter().map(|witness| Ok(NoteKey::parse(&witness.key)?)).collect()
}

/// Makes checkpoints in time and has them cosigned, for as long as it is polled.
pub(crate) async fn keep_covered(ledger: Arc<Ledger>, config: Log) {
    let mut witnesses: Vec<_> = config.witness.iter().filter_map(Cosigner::of).collect();
    let mut ticks = tokio::time::interval(TICK);
    let mut waited = Duration::ZERO;
    loop {
        ticks.tick().await;
        waited += TICK;
        let uncovered = ledger.uncovered();
        let is_late = waited.as_secs() >= config.checkpoint_seconds;
        if uncovered >= config.checkpoint_records || (uncovered > 0 && is_late) {
            let log = ledger.clone();
            let made = tokio::task::spawn_blocking(move || log.checkpoint()).await;
            if let Ok(Err(error)) = made {
                tracing::error!(%error, "no checkpoint could be made");
            }
        }
        if is_late {
            waited = Duration::ZERO;
            have_cosigned(&ledger, &mut witnesses).await;
        }
    }
}

/// Archives sealed segments, and destroys the keys of texts whose time is over, every `period`, for as long as it is polled.
pub(crate) async fn keep_for_its_time(app: Arc<App>, config: Log, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    loop {
        ticks.tick().await;
        let now = (app.clock)();
        match archive(&app.evidence, &config, now).await {
            Ok(Archived { copied: 0, dropped: 0 }) => {}
            Ok(Archived { copied, dropped }) => tracing::info!(copied, dropped, "segments were archived"),
            Err(error) => tracing::error!(error = error.message, "segments were not archived"),
        }
        match erase_texts(&app, &config, now).await {
            Ok(months) if months.is_empty() => {}
            Ok(months) => tracing::info!(?months, "the keys of request texts were destroyed"),
            Err(error) => tracing::error!(error = error.message, "request texts were not erased"),
        }
    }
}

/// Copies sealed segments to the archive, and drops those here whose time is over.
pub(crate) async fn archive(ledger: &Arc<Ledger>, config: &Log, now: Timestamp) -> Result<Archived> {
    // Whoever hears that evidence can't be written looks at the log's own disk first: this is another.
    if let Some(folder) = config.archive.as_ref().filter(|folder| !folder.is_dir()) {
        let message = format!("the archive {} is not there: mount it, or set log.archive", folder.display());
        return Err(Error::new(ErrorCode::EvidenceUnavailable, message));
    }
    let (log, days) = (Arc::clone(ledger), config.local_days);
    let before = days.map(|days| now.plus_seconds(-86_400 * i64::from(days)));
    let archive = move || log.archive(before);
    Ok(tokio::task::spawn_blocking(archive).await.map_err(Error::internal)??)
}

/// Destroys the keys of the months whose time is over, and answers which.
async fn erase_texts(app: &App, config: &Log, now: Timestamp) -> Result<Vec<String>> {
    let over = app.vault.months_over(config.texts_months, now)?;
    for month in &over {
        record(&app.evidence, &clock_context(now), "texts.erased", &format!("month {month}")).await?;
        app.vault.erase(month, now)?;
    }
    Ok(over)
}

/// Writes down what was done to the evidence itself.
pub(crate) async fn record(ledger: &Ledger, ctx: &OpContext, action: &str, entity: &str) -> Result<()> {
    let entity_digest = exchange_crypto::Digest::of(entity.as_bytes()).to_hex();
    let event = Event::Changed { action: action.to_owned(), entity: entity.to_owned(), entity_digest };
    ledger.append(EvidenceRecord::new(ctx, event)).await.map(drop)
}

async fn have_cosigned(ledger: &Ledger, witnesses: &mut [Cosigner]) {
    let Some(signed) = ledger.latest() else { return };
    let mut cosignatures = Vec::new();
    for witness in witnesses.iter_mut().filter(|witness| witness.wants(&signed.note)) {
        match witness.cosign(ledger, &signed).await {
            Ok(line) => cosignatures.push(line),
            Err(error) => {
                tracing::error!(witness = witness.key.name(), error = error.message, "no cosignature")
            }
        }
    }
    if !cosignatures.is_empty()
        && let Err(error) = ledger.add_cosignatures(&signed, cosignatures)
    {
        tracing::error!(%error, "cosignatures could not be kept");
    }
}

/// A witness as the log sees it (C2SP tlog-witness).
struct Cosigner {
    url: String,
    key: NoteKey,
    http: reqwest::Client,
    /// Leaves of the head that it knows.
    known: u64,
}

impl Cosigner {
    fn of(witness: &LogWitness) -> Option<Self> {
        let url = witness.url.as_ref()?.trim_end_matches('/').to_owned();
        let http = reqwest::Client::builder().timeout(WITNESS_TIME).build();
        match (NoteKey::parse(&witness.key), http) {
            (Ok(key), Ok(http)) => Some(Self { url, key, http, known: 0 }),
            _ => {
                tracing::error!(url, "a witness in the configuration has no valid key, and is left out");
                None
            }
        }
    }

    fn wants(&self, note: &Note) -> bool {
        self.key.signed(note).is_none()
    }

    async fn cosign(&mut self, ledger: &Ledger, signed: &SignedCheckpoint) -> Result<NoteSignature> {
        // The first answer may only say which head it knows.
        for _ in 0..2 {
            let size = signed.checkpoint.size;
            if self.known > size {
                let message =
                    format!("it knows {} records, and the log has {size}: the end is lost", self.known);
                return Err(Error::new(ErrorCode::Corrupt, message));
            }
            let proof = ledger.consistency(self.known, size)?;
            let request = AddCheckpoint { old_size: self.known, proof, note: signed.note.clone() };
            let address = format!("{}/add-checkpoint", self.url);
            let sent = self.http.post(address).body(request.text()).send().await;
            let answer = sent.map_err(|error| unavailable(&error))?;
            let status = answer.status();
            let text = answer.text().await.map_err(|error| unavailable(&error))?;
            if status.is_success() {
                self.known = size;
                return self.checked(signed, &text);
            }
            match text.trim().parse() {
                Ok(known) if status == reqwest::StatusCode::CONFLICT => self.known = known,
                _ => {
                    return Err(Error::new(
                        ErrorCode::Conflict,
                        format!("it answers {status}: {}", text.trim()),
                    ));
                }
            }
        }
        Err(Error::new(ErrorCode::Conflict, "it changes its mind about the head that it knows"))
    }

    fn checked(&self, signed: &SignedCheckpoint, text: &str) -> Result<NoteSignature> {
        let lines = text.lines().filter_map(|line| NoteSignature::parse(line).ok());
        let own = lines.into_iter().find(|line| {
            let note = Note { text: signed.note.text.clone(), signatures: vec![line.clone()] };
            self.key.signed(&note).is_some()
        });
        own.ok_or_else(|| {
            Error::new(ErrorCode::SignatureInvalid, "its cosignature does not hold under its key")
        })
    }
}

fn unavailable(error: &reqwest::Error) -> Error {
    Error::new(ErrorCode::Unavailable, format!("the witness does not answer: {error}"))
}
