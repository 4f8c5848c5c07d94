//! `audit`: evidence, catalogue rows and manifests are read whole, and compared with each other.

mod rows;

use std::path::Path;
use std::sync::Arc;

use catalog_core::dataset::{Version, VersionState};
use catalog_core::evidence::entity;
use catalog_core::ports::{
    CredentialStore as _, DirectoryStore as _, KeyOwner, KeyRecord, VersionStore as _,
};
use catalog_core::{Error, ErrorCode, Problem, Result};
use catalog_store::CatalogStore;
use datasets_store::{DatasetStore, jws};
use exchange_crypto::{PublicKey, from_base64url};
use exchange_ledger::{AuditKeys, Audited, Finding};
use serde_json::json;

use super::log::read_note;
use crate::cli::Global;
use crate::compose::Platform;
use crate::folder::Folder;
use crate::{evidence, output, platform_key};

/// Runs every check; any finding makes the command fail, with all of them named.
pub(crate) async fn run(global: &Global, checkpoint: Option<&Path>) -> Result<()> {
    let folder = Folder::open(&global.data_dir)?;
    let mut audited = log(&folder, checkpoint).await?;
    let (mut versions, mut rows) = (0, 0);
    match Platform::start(folder, None).await {
        Ok(platform) => {
            let checked = catalogue(&platform, &mut audited.findings).await;
            platform.close().await?;
            (versions, rows) = checked?;
        }
        Err(error) => {
            let what = format!("rows and manifests were not checked: {}", error.message);
            audited.findings.push(Finding { place: "the platform does not start".to_owned(), what });
        }
    }
    report(global, &audited, versions, rows)
}

/// The log itself, before anything opens it to write.
async fn log(folder: &Folder, checkpoint: Option<&Path>) -> Result<Audited> {
    let config = folder.config()?;
    let settings = evidence::settings(folder, &config, &Arc::new(platform_key::read(folder)?))?;
    let store = CatalogStore::connect(&folder.database(&config)).await?;
    let keys = platform_keys(&store.keys().await?);
    let witnesses = evidence::witness_keys(&config.log)?;
    let outside = checkpoint.map(read_note).transpose()?;
    let read = move || {
        let keys: Vec<_> = keys.iter().map(|(_, key)| *key).collect();
        exchange_ledger::audit(&settings, AuditKeys { log: &keys, witnesses: &witnesses }, outside.as_ref())
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(Error::internal)??)
}

/// The platform's keys by id, present and past.
pub(crate) fn platform_keys(records: &[KeyRecord]) -> Vec<(String, PublicKey)> {
    let platform = records.iter().filter(|record| record.owner == KeyOwner::Platform);
    let key = |record: &KeyRecord| {
        let bytes = from_base64url(&record.public_key).ok()?;
        PublicKey::from_bytes(&bytes).ok().map(|key| (record.id.clone(), key))
    };
    platform.filter_map(key).collect()
}

/// Checks rows against the events that made them, and every version's objects; answers how many of each.
pub(super) async fn catalogue(platform: &Platform, findings: &mut Vec<Finding>) -> Result<(u64, u64)> {
    let store = platform.store();
    let rows = rows::check(store, platform.evidence(), findings).await?;
    let keys = platform_keys(&store.keys().await?);
    let mut checked = 0;
    for entry in store.entries(None).await? {
        for version in store.versions(&entry.draft.code).await? {
            checked += 1;
            if let Err(error) = objects(platform.datasets(), &version, &keys).await {
                let place = entity::version(version.number, &version.resource);
                findings.push(Finding { place, what: error.to_string() });
            }
        }
    }
    Ok((checked, rows))
}

/// Checks everything that a version has, and the manifests that it had before records were erased from it.
async fn objects(
    datasets: &DatasetStore,
    version: &Version,
    keys: &[(String, PublicKey)],
) -> Result<(), datasets_store::Error> {
    for named in version.by_manifest() {
        let signature = datasets.signature(&named).await?;
        let id = jws::key_id(&signature)?;
        let unknown = datasets_store::Error::Signature("it is made with a key that is not the platform's");
        let (_, key) = keys.iter().find(|(known, _)| *known == id).ok_or(unknown)?;
        // What is withdrawn or erased may be gone; manifest and signature stay for old receipts.
        match version.state == VersionState::Published && named == *version {
            true => drop(datasets.verify(&named, key).await?),
            false => datasets.manifest(&named).await?.verify(&signature, key)?,
        }
    }
    Ok(())
}

fn report(global: &Global, audited: &Audited, versions: u64, rows: u64) -> Result<()> {
    let Audited { epochs, records, checkpoints, texts, erased_months, findings } = audited;
    if global.json {
        let listed: Vec<_> =
            findings.iter().map(|found| json!({ "place": found.place, "what": found.what })).collect();
        output::document(&json!({
            "epochs": epochs, "records": records, "checkpoints": checkpoints, "texts": texts,
            "erased_months": erased_months, "rows": rows, "versions": versions, "findings": listed,
        }));
    }
    if !findings.is_empty() {
        let problems =
            findings.iter().map(|found| Problem::new(found.place.as_str(), "audit", found.what.as_str()));
        let message = format!("{} findings: what is named was changed or lost", findings.len());
        return Err(Error::new(ErrorCode::Corrupt, message).with_problems(problems.collect()));
    }
    if !global.json {
        output::done(format!(
            "{records} records in {epochs} epoch(s) agree with their tree and {checkpoints} checkpoints"
        ));
        output::done(format!("{texts} sealed texts open; {erased_months} months are erased"));
        output::done(format!(
            "{rows} rows agree with the events that made them; {versions} versions are whole"
        ));
    }
    Ok(())
}
