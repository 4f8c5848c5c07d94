//! `restore`: catalogue and data of a backup, and the newest log. What the log knows to have ended since ends again
//! before the folder gets its name, so nobody is ever served without it.

mod folder;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use catalog_core::evidence::{Event, EvidenceRecord, entity};
use catalog_core::services::{EndedAgain, Services};
use catalog_core::{Error, ErrorCode, OpContext, Problem, Result, Role, Timestamp};
use catalog_store::CatalogStore;
use exchange_auth::operator_context;
use exchange_crypto::{PublicKey, SigningKey};
use exchange_ledger::note::{Checkpoint, Note};
use exchange_ledger::{
    ConfidentialKeys, Filter, Ledger, LedgerError, Settings, SignedCheckpoint, platform_actor,
};
use serde::Serialize;

use super::audit;
use super::backup::passphrase;
use super::log::read_note;
use crate::backup::CATALOGUE;
use crate::backup::keys::Keys;
use crate::backup::read::{Backup, Backups};
use crate::cli::{Global, Restore};
use crate::compose::Platform;
use crate::folder::{Folder, io};
use crate::{evidence, output, platform_key, progress};

/// What a restore did.
#[derive(Serialize)]
struct Restored {
    /// When the backup was made whose catalogue it is.
    made_at: Timestamp,
    /// Records of evidence that the restored log holds.
    records: u64,
    /// Whether the end of the log was lost, and a new epoch names the gap.
    new_epoch: bool,
    /// What ended again, because the log says that it had ended after the backup.
    ended_again: Vec<EndedAgain>,
    /// Changes after the backup that are undone by it, as the log names them.
    undone: Vec<String>,
    /// Months of request texts whose keys are in no file of keys.
    texts_lost: Vec<String>,
}

/// Restores into a folder that must not exist.
pub(crate) async fn run(global: &Global, options: &Restore) -> Result<()> {
    let target = &global.data_dir;
    folder::check_free(target)?;
    let at = options.at.as_deref().map(time).transpose()?;
    let keys = Keys::open(&options.keys, &passphrase(options.passphrase_file.as_deref(), false)?)?;
    let platform = keys.platform()?;
    let backups = Backups::open(&options.backup)?;
    let backup = backups.newest(at, &platform)?;
    let newest = backups.newest(None, &platform)?;
    let temp = folder::beside(target)?;
    put(temp.path(), &backup, &newest, options, &keys)?;
    let restored = restore(temp.path(), global, options, &backup, &newest, &platform).await?;
    folder::put_in_place(temp, target)?;
    report(global, &restored, target);
    Ok(())
}

/// Writes all files, each proven to be the backup's.
fn put(root: &Path, backup: &Backup, newest: &Backup, options: &Restore, keys: &Keys) -> Result<()> {
    let bar = progress::bytes("restoring")?;
    let sizes = backup.manifest.files.iter().map(|file| file.bytes);
    bar.set_length(sizes.sum());
    if backup.manifest.origin != newest.manifest.origin {
        let message =
            "the backups in the folder are of different logs: give each platform a folder of its own";
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    backup.unpack(root, |file| !file.is_of_the_log(), |bytes| bar.inc(bytes))?;
    match &options.log {
        Some(log) => folder::copy_log(log, root)?,
        None => newest.unpack(root, |file| file.is_of_the_log(), |bytes| bar.inc(bytes))?,
    }
    keys.put_into(root)?;
    if let Some(config) = &options.config {
        folder::replace_config(config, root)?;
    }
    if let Some(log) = &options.log {
        folder::copy_newer_keys(log, root)?;
    }
    bar.finish_and_clear();
    Ok(())
}

async fn restore(
    root: &Path,
    global: &Global,
    options: &Restore,
    backup: &Backup,
    newest: &Backup,
    platform: &[PublicKey],
) -> Result<Restored> {
    let folder = Folder::open(root)?;
    let config = folder.config()?;
    let signer = Arc::new(platform_key::read(&folder)?);
    let settings = evidence::settings(&folder, &config, &signer)?;
    let known = known(backup, newest, options, platform)?;
    let mut new_epoch = false;
    let ledger = match open(&settings, &known) {
        Err(Unfit::Lost(signed)) if options.begin_epoch => {
            let actor = platform_actor(&format!("operator:{}", global.operator));
            Ledger::begin_epoch(settings.clone(), Some(*signed), actor, Timestamp::now())?;
            new_epoch = true;
            Ledger::open(settings)?.0
        }
        opened => opened.map_err(Unfit::into_error)?,
    };
    let (epoch, place) = (ledger.check_holds(&known.catalogue)?, known.catalogue.size);
    let since = changes(&ledger, |leaf| (leaf.0, leaf.1) >= (epoch, place))?;
    check_signer(&signer, &since)?;
    let texts_lost = folder::settle_months(root, &erased(&ledger)?)?;
    let database = folder.database(&config);
    let store = Arc::new(CatalogStore::connect(&database).await?);
    if config.catalogue.database.is_some() {
        store.fill(&root.join(CATALOGUE)).await?;
        let file = root.join(CATALOGUE);
        std::fs::remove_file(&file).map_err(|error| io(&file, &error))?;
    }
    let ledger = Arc::new(ledger);
    let safe = Arc::new(ConfidentialKeys::open(root)?);
    let services = Services::new(store.clone(), ledger.clone()).with_safe(safe);
    let ctx = operator(&global.operator);
    services.restored(&ctx, (epoch, place), &backup.digest.to_hex()).await?;
    services.texts_lost(&ctx, &texts_lost).await?;
    know_signer(&services, &store, &ctx, &signer, &since).await?;
    let ended_again = services.end_again(&ctx, &since).await?;
    let records = ledger.checkpoint()?.checkpoint.size;
    store.close().await;
    drop((services, ledger));
    agree(folder).await?;
    let undone = undone(&since, &ended_again);
    Ok(Restored { made_at: backup.manifest.created_at, records, new_epoch, ended_again, undone, texts_lost })
}

/// What the log must hold.
struct Known {
    catalogue: Checkpoint,
    newest: Checkpoint,
    outside: Option<SignedCheckpoint>,
}

fn known(backup: &Backup, newest: &Backup, options: &Restore, platform: &[PublicKey]) -> Result<Known> {
    let outside = options.checkpoint.as_deref().map(|path| {
        let note = read_note(path)?;
        note.checkpoint_by(platform)?;
        Ok::<_, Error>(SignedCheckpoint::of(note)?)
    });
    let signed = |text: &str| Ok::<_, Error>(Note::parse(text)?.checkpoint_by(platform)?);
    Ok(Known {
        catalogue: signed(&backup.manifest.catalogue)?,
        newest: signed(&newest.manifest.log)?,
        outside: outside.transpose()?,
    })
}

/// Why a log is not the one to go on with.
enum Unfit {
    /// Its end is lost, as a checkpoint from outside says.
    Lost(Box<SignedCheckpoint>),
    /// Anything else.
    Error(Error),
}

/// Opens the log, which must be the backups' own and reach as far as every checkpoint known.
fn open(settings: &Settings, known: &Known) -> std::result::Result<Ledger, Unfit> {
    let (ledger, _) = Ledger::open(settings.clone()).map_err(|error| Unfit::Error(error.into()))?;
    for checkpoint in [&known.catalogue, &known.newest] {
        ledger.check_holds(checkpoint).map_err(|error| Unfit::Error(not_newer(error)))?;
    }
    match known.outside.as_ref().map(|signed| (signed, ledger.check_holds(&signed.checkpoint))) {
        None | Some((_, Ok(_))) => Ok(ledger),
        Some((signed, Err(LedgerError::LostTail { .. }))) => Err(Unfit::Lost(Box::new(signed.clone()))),
        Some((_, Err(error))) => Err(Unfit::Error(error.into())),
    }
}

fn not_newer(error: LedgerError) -> Error {
    match error {
        LedgerError::LostTail { kept, covered } => {
            let message = format!(
                "the log ends with record {kept}, and the newest backup knows {covered}: leave --log out, the backup's is newer"
            );
            Error::new(ErrorCode::Conflict, message)
        }
        error => error.into(),
    }
}

impl Unfit {
    fn into_error(self) -> Error {
        match self {
            Self::Error(error) => error,
            Self::Lost(signed) => {
                let message = format!(
                    "the log ends before the checkpoint over {} records: with --log name a newer copy of the evidence; if \
                     there is none, --begin-epoch names the gap, and what was revoked in it nobody knows",
                    signed.checkpoint.size
                );
                Error::new(ErrorCode::Corrupt, message)
            }
        }
    }
}

/// The changes at places of the log that are wanted, oldest first.
fn changes(ledger: &Ledger, is_wanted: impl Fn((u64, u64)) -> bool) -> Result<Vec<EvidenceRecord>> {
    let mut found = Vec::new();
    for leaf in ledger.scan(Filter::default())? {
        let leaf = leaf?;
        if matches!(leaf.record.event, Event::Changed { .. }) && is_wanted((leaf.epoch, leaf.index)) {
            found.push(leaf.record);
        }
    }
    Ok(found)
}

/// Months whose texts were ever erased.
fn erased(ledger: &Ledger) -> Result<BTreeSet<String>> {
    let filter = Filter { action: Some("texts.erased".to_owned()), ..Filter::default() };
    let mut months = BTreeSet::new();
    for leaf in ledger.scan(filter)? {
        if let Event::Changed { entity, .. } = leaf?.record.event {
            months.extend(entity.strip_prefix("month ").map(str::to_owned));
        }
    }
    Ok(months)
}

/// Refuses a key of the platform that the log knows to be over.
fn check_signer(signer: &SigningKey, since: &[EvidenceRecord]) -> Result<()> {
    let is_end = |action: &str| matches!(action, "key.rotated" | "key.retired");
    match about_key(signer, since).any(|(_, action)| is_end(action)) {
        false => Ok(()),
        true => {
            let message = "the platform has a newer key than the file of keys: restore with the file that was made after \
                           the rotation";
            Err(Error::new(ErrorCode::Conflict, message))
        }
    }
}

/// A platform key that is younger than the catalogue is registered as it was: the log knows since when.
async fn know_signer(
    services: &Services,
    store: &CatalogStore,
    ctx: &OpContext,
    signer: &SigningKey,
    since: &[EvidenceRecord],
) -> Result<()> {
    let since = about_key(signer, since).next().map_or(ctx.now, |(record, _)| record.at);
    platform_key::register_since(store, services, ctx, (signer, since)).await
}

/// What the log says of a key, with the names of the changes.
fn about_key<'a>(
    key: &SigningKey,
    since: &'a [EvidenceRecord],
) -> impl Iterator<Item = (&'a EvidenceRecord, &'a str)> {
    let own = entity::key(key.public().id());
    since.iter().filter_map(move |record| match &record.event {
        Event::Changed { action, entity, .. } if *entity == own => Some((record, action.as_str())),
        _ => None,
    })
}

/// Refuses a result in which catalogue, objects and log do not agree.
async fn agree(folder: Folder) -> Result<()> {
    let platform = Platform::start(folder, None).await?;
    let mut findings = Vec::new();
    let checked = audit::catalogue(&platform, &mut findings).await;
    let store = platform.shared_store();
    platform.close().await?;
    store.close().await;
    checked?;
    if findings.is_empty() {
        return Ok(());
    }
    let problems = findings.into_iter().map(|found| Problem::new(found.place, "audit", found.what)).collect();
    let message =
        "the backup does not agree with the log, and nothing was restored: take an earlier one with --at";
    Err(Error::new(ErrorCode::Corrupt, message).with_problems(problems))
}

/// Changes since the backup, without those that only ended something and that were done again.
fn undone(since: &[EvidenceRecord], again: &[EndedAgain]) -> Vec<String> {
    let mut undone = Vec::new();
    for record in since {
        let Event::Changed { action, entity, .. } = &record.event else { continue };
        if entity::is_kept(entity)
            && !again.iter().any(|ended| ended.entity == *entity && is_the_same(&ended.action, action))
        {
            undone.push(format!("{action} {entity}"));
        }
    }
    undone
}

/// A succession is entered again as far as it came, with all of its steps.
fn is_the_same(again: &str, action: &str) -> bool {
    again == action || again == "succession.entered_again"
}

fn operator(name: &str) -> OpContext {
    let roles = BTreeSet::from([Role::SecurityAdministrator]);
    let request_id = uuid::Uuid::now_v7().to_string();
    operator_context(&format!("operator:{name}"), None, roles, request_id, Timestamp::now())
}

fn time(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text).ok_or_else(|| {
        let message = format!("`{text}` is no time: write 2026-11-22T09:00:00+08:00");
        Error::new(ErrorCode::InvalidInput, message)
    })
}

fn report(global: &Global, restored: &Restored, target: &Path) {
    if global.json {
        output::document(restored);
        return;
    }
    output::done(format!(
        "{}: the catalogue of {}, {} records of evidence",
        target.display(),
        restored.made_at.shanghai_text(),
        restored.records
    ));
    if restored.new_epoch {
        output::doubt(
            "the end of the log was lost: what was revoked in the gap nobody knows, see what it was",
        );
    }
    for ended in &restored.ended_again {
        output::line(format!("  again: {} {}", ended.action, ended.entity));
    }
    for change in &restored.undone {
        output::line(format!("  undone: {change}"));
    }
    for month in &restored.texts_lost {
        output::doubt(format!("no key opens the request texts of {month}: secrets/{month}.unreadable"));
    }
    output::line(format!("  next: shuqiao audit --data-dir {}", target.display()));
}
