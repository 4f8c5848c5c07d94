//! `log`: the evidence log's key and head, what was asked in a request, erasure, and a new start after a loss.

use std::path::Path;
use std::sync::Arc;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::ports::CredentialStore as _;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use catalog_store::CatalogStore;
use exchange_ledger::note::Note;
use exchange_ledger::{Archived, Committed, Kept, Ledger, SignedCheckpoint, opens, platform_actor};
use serde_json::json;

use super::audit::platform_keys;
use crate::cli::{Global, Log};
use crate::compose::Platform;
use crate::evidence::record;
use crate::folder::{Folder, io};
use crate::{evidence, output, platform_key};

/// Runs the command.
pub(crate) async fn run(global: &Global, command: &Log) -> Result<()> {
    if let Log::BeginEpoch { checkpoint } = command {
        return begin_epoch(global, checkpoint.as_deref()).await;
    }
    let platform = Platform::start(Folder::open(&global.data_dir)?, None).await?;
    let done = on(&platform, global, command).await;
    platform.close().await?;
    done
}

async fn on(platform: &Platform, global: &Global, command: &Log) -> Result<()> {
    let ledger = platform.evidence();
    match command {
        Log::Key => output::plain(global, "key", ledger.key().to_string()),
        Log::Checkpoint => {
            output::plain(global, "checkpoint", ledger.checkpoint()?.note.to_string().trim_end());
        }
        Log::Open { id } => {
            let ctx = platform.operator(&global.operator, Some(":auditor")).await?;
            open(platform, global, &ctx, id).await?;
        }
        Log::Erase { month } => {
            let ctx = platform.operator(&global.operator, Some(":security_administrator")).await?;
            platform.vault().check_erasable(month, ctx.now)?;
            record(ledger, &ctx, "texts.erased", &format!("month {month}")).await?;
            platform.vault().erase(month, ctx.now)?;
            let text =
                format!("the salts and request texts of {month} are gone; the log and its proofs stay");
            output::outcome(global, &json!({ "erased": month }), text);
        }
        Log::Archive => archive(platform, global).await?,
        Log::BeginEpoch { .. } => {}
    }
    Ok(())
}

async fn archive(platform: &Platform, global: &Global) -> Result<()> {
    let config = platform.folder().config()?.log;
    let Some(folder) = &config.archive else {
        let message =
            "there is no archive: set log.archive in shuqiao.toml to a folder on another disk or machine";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    };
    let Archived { copied, dropped } =
        evidence::archive(platform.evidence(), &config, Timestamp::now()).await?;
    let text = format!(
        "{copied} sealed segments copied to {} and read there again; {dropped} are there alone from now on",
        folder.display()
    );
    output::outcome(global, &json!({ "copied": copied, "dropped": dropped }), text);
    Ok(())
}

/// Shows what was asked. That it was looked at is evidence, and durable before it is shown.
async fn open(platform: &Platform, global: &Global, ctx: &OpContext, id: &str) -> Result<()> {
    let leaves = platform.evidence().find(id)?;
    if leaves.is_empty() {
        return Err(Error::not_found(format!("evidence {id}")));
    }
    record(platform.evidence(), ctx, "text.opened", &format!("request {id}")).await?;
    let mut opened = Vec::new();
    for leaf in leaves {
        let document = serde_json::to_string(&leaf.record).map_err(Error::internal)?;
        let mut texts = Vec::new();
        for kept in platform.vault().of_record(&leaf.record.id)? {
            texts.extend(asked(&leaf.record, &kept)?);
        }
        if !global.json {
            output::line(format!("{} {document}", leaf.index));
            texts.iter().for_each(output::line);
        }
        opened.push(json!({ "index": leaf.index, "record": leaf.record, "texts": texts }));
    }
    output::document_if_json(global, &opened);
    Ok(())
}

/// The text of the request, if that is what is kept.
fn asked(record: &EvidenceRecord, kept: &Kept) -> Result<Option<String>> {
    let (Committed::Request, Some(commitment)) = (kept.of, request_commitment(&record.event)) else {
        return Ok(None);
    };
    if !opens(commitment, &kept.salt, kept.committed()) {
        let message = format!("the text kept for record {} is not what it commits to", record.id);
        return Err(Error::new(ErrorCode::Corrupt, message));
    }
    Ok(Some(String::from_utf8_lossy(&kept.text).into_owned()))
}

fn request_commitment(event: &Event) -> Option<&str> {
    match event {
        Event::AccessStarted { request_commitment, .. }
        | Event::Access { request_commitment, .. }
        | Event::AccessRefused { request_commitment, .. } => Some(request_commitment),
        _ => None,
    }
}

async fn begin_epoch(global: &Global, checkpoint: Option<&Path>) -> Result<()> {
    let folder = Folder::open(&global.data_dir)?;
    let store = CatalogStore::connect(&folder.database(&folder.config()?)).await?;
    let keys: Vec<_> = platform_keys(&store.keys().await?).into_iter().map(|(_, key)| key).collect();
    store.close().await;
    let signer = Arc::new(platform_key::read(&folder)?);
    let settings = evidence::settings(&folder, &folder.config()?, &signer)?;
    let last = checkpoint
        .map(|path| {
            let note = read_note(path)?;
            // What ends an epoch must be a head that this log has stood for.
            note.checkpoint_by(&keys)?;
            Ok::<_, Error>(SignedCheckpoint::of(note)?)
        })
        .transpose()?;
    let actor = platform_actor(&format!("operator:{}", global.operator));
    let opened = Ledger::begin_epoch(settings, last, actor, Timestamp::now())?;
    let text = format!("a new epoch names the gap; the log holds {} records", opened.records);
    output::outcome(global, &json!({ "records": opened.records }), text);
    Ok(())
}

/// Reads a signed note.
pub(crate) fn read_note(path: &Path) -> Result<Note> {
    let text = std::fs::read_to_string(path).map_err(|error| io(path, &error))?;
    Ok(Note::parse(&text)?)
}
