//! `verify`: is this file what the platform published? Offline, with nothing but public keys.

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, ResourceCode, Result, Timestamp};
use datasets_store::Manifest;
use exchange_auth::{Jwk, JwkSet};
use serde::Serialize;

use super::{exact, receipt};
use crate::cli::{Global, Verify};
use crate::client::file_digest;
use crate::folder::io;
use crate::output;

/// What a proof says.
#[derive(Debug, Serialize)]
pub(crate) struct Proven {
    /// The resource.
    pub(crate) resource: ResourceCode,
    /// Its version.
    pub(crate) version: i64,
    /// When the manifest was made.
    pub(crate) created_at: Timestamp,
    /// The licence.
    pub(crate) licence: Option<String>,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
    /// Id of the key that signed.
    pub(crate) key: String,
}

/// Checks the file's digest against its manifest, and the manifest's signature against the keys.
pub(crate) fn run(global: &Global, options: &Verify) -> Result<()> {
    let keys = key_set(&options.keys)?;
    if let Some(receipt) = receipt::read(&options.file)? {
        return receipt::run(global, options, &receipt, &keys);
    }
    if let Some(error) = receipt::mistaken(&options.file)? {
        return Err(error);
    }
    let manifest_path = options.manifest.clone().unwrap_or_else(|| beside(&options.file, "manifest.json"));
    let jws_path = options.jws.clone().unwrap_or_else(|| beside(&options.file, "jws"));
    if let Some(what) = unlike(options, &manifest_path) {
        return Err(Error::new(
            ErrorCode::InvalidInput,
            format!("{} is no receipt: {what}", options.file.display()),
        ));
    }
    let manifest = read(&manifest_path)?;
    let signature = String::from_utf8_lossy(&read(&jws_path)?).trim().to_owned();
    let outcome = genuine(&options.file, &manifest, &signature, &keys)?;
    if global.json {
        output::document(&outcome);
    } else {
        output::done(format!("genuine: {}", options.file.display()));
        let licence = outcome.licence.as_deref().unwrap_or("no licence stated");
        output::line(format!("  {} version {}, {licence}", outcome.resource, outcome.version));
        output::line(format!("  made {}", outcome.created_at.shanghai_text()));
        output::line(format!("  sha256 {}", outcome.sha256));
        output::line(format!("  signed by key {}", outcome.key));
    }
    Ok(())
}

/// What is missing where a file is no receipt.
fn unlike(options: &Verify, manifest: &Path) -> Option<String> {
    match (&options.answer, manifest.exists()) {
        (Some(_), _) => Some("only a receipt has an answer".to_owned()),
        (None, true) => None,
        (None, false) => Some(format!(
            "to verify it as a downloaded file, download its manifest to {} or name it by --manifest",
            manifest.display()
        )),
    }
}

/// The platform's keys in a file.
pub(super) fn key_set(path: &Path) -> Result<JwkSet> {
    serde_json::from_slice(&read(path)?).map_err(|error| {
        Error::new(ErrorCode::InvalidInput, format!("{} is no JWK set: {error}", path.display()))
    })
}

/// The file with another ending beside it: `latest.csv` and `latest.csv.gz` have one manifest.
fn beside(file: &Path, ending: &str) -> PathBuf {
    match file.extension().is_some_and(|found| found == "gz") {
        true => file.with_extension("").with_extension(ending),
        false => file.with_extension(ending),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| io(path, &error))
}

/// What is proven of the file, or what is wrong.
pub(crate) fn genuine(file: &Path, manifest: &[u8], signature: &str, keys: &JwkSet) -> Result<Proven> {
    let forged = |message: String| Error::new(ErrorCode::Corrupt, message);
    let manifest: Manifest = exact::read(manifest, "the manifest")?;
    let signed_by =
        |key: &&Jwk| key.public_key().is_ok_and(|public| manifest.verify(signature, &public).is_ok());
    let key = keys
        .keys
        .iter()
        .find(signed_by)
        .ok_or_else(|| forged("the manifest's signature is not made by any of these keys".to_owned()))?;
    if !key.is_valid_at(manifest.created_at) {
        return Err(forged(format!("the key {} was not valid when the manifest was made", key.kid)));
    }
    let sha256 = file_digest(file)?.to_hex();
    if !manifest.parts.iter().any(|part| part.sha256 == sha256) {
        let message =
            format!("{} is not genuine: its sha256 {sha256} is not in the manifest", file.display());
        return Err(forged(message));
    }
    let (resource, version, created_at) = (manifest.resource, manifest.version, manifest.created_at);
    Ok(Proven { resource, version, created_at, licence: manifest.licence, sha256, key: key.kid.clone() })
}
