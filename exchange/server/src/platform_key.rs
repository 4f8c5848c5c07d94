//! The key that signs answers and manifests: made on the first start, replaced by hand.
//!
//! A successor is written beside the key, registered, and then takes its place. Whatever a crash interrupts is taken up
//! at the next start: the catalogue says which of the two is valid.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use catalog_core::ports::{CredentialStore as _, KeyOwner, KeyRecord};
use catalog_core::services::Services;
use catalog_core::{Error, ErrorCode, OpContext, Result, Role, Timestamp};
use catalog_store::CatalogStore;
use exchange_auth::{generate_key_file, generate_key_file_for, operator_context, read_key_file};
use exchange_crypto::{SigningKey, Suite, to_base64url};

use crate::folder::{Folder, io};

/// Seconds for which the old key stays valid: what it signed in its last moments is still being checked.
const OVERLAP: i64 = 60;

/// The platform's key, made on the first start.
pub(crate) fn read(folder: &Folder) -> Result<SigningKey> {
    let file = key_file(folder);
    let key = if file.exists() { read_key_file(&file) } else { generate_key_file(&file) };
    key.map_err(Error::from)
}

/// Makes the platform's key in a suite, before the first start. A key of another suite that is there stays.
pub(crate) fn make(folder: &Folder, suite: Suite) -> Result<()> {
    let file = key_file(folder);
    let key = if file.exists() { read_key_file(&file) } else { generate_key_file_for(suite, &file) };
    match key?.suite() {
        present if present == suite => Ok(()),
        present => {
            let message = format!(
                "the platform signs with {present} already: replace its key by `shuqiao key rotate --platform --suite {suite}`"
            );
            Err(Error::new(ErrorCode::Conflict, message))
        }
    }
}

/// Ends a rotation that a crash interrupted: a registered successor takes its place, another one goes.
pub(crate) async fn finish_rotation(folder: &Folder, store: &CatalogStore) -> Result<()> {
    let successor = successor_file(folder);
    if !successor.exists() {
        return Ok(());
    }
    let key = read_key_file(&successor)?;
    match store.key(&key.public().id()).await? {
        Some(_) => take_place(folder),
        None => fs::remove_file(&successor).map_err(|error| io(&successor, &error)),
    }
}

/// Registers the platform's key on its first use.
pub(crate) async fn register(store: &CatalogStore, services: &Services, key: &SigningKey) -> Result<()> {
    let roles = BTreeSet::from([Role::SecurityAdministrator]);
    let (now, request_id) = (Timestamp::now(), uuid::Uuid::now_v7().to_string());
    let ctx = operator_context("platform", None, roles, request_id, now);
    register_since(store, services, &ctx, (key, now)).await
}

/// Registers the platform's key as valid from a time, unless it is known.
pub(crate) async fn register_since(
    store: &CatalogStore,
    services: &Services,
    ctx: &OpContext,
    (key, valid_from): (&SigningKey, Timestamp),
) -> Result<()> {
    let public = key.public();
    if store.key(&public.id()).await?.is_some() {
        return Ok(());
    }
    let record = KeyRecord {
        id: public.id(),
        owner: KeyOwner::Platform,
        public_key: to_base64url(public.as_bytes()),
        valid_from,
        valid_until: None,
    };
    services.put_key(ctx, &record).await
}

/// Gives the platform a new key, of its old one's suite if none is named. The old private key is gone afterwards; its public half stays in the history, so that
/// files and answers that it signed still verify.
pub(crate) async fn rotate(
    folder: &Folder,
    (current, suite): (&SigningKey, Option<Suite>),
    services: &Services,
    ctx: &OpContext,
) -> Result<KeyRecord> {
    let suite = suite.unwrap_or(current.suite());
    let public = generate_key_file_for(suite, &successor_file(folder))?.public();
    let public_key = to_base64url(public.as_bytes());
    let record = services.rotate_key(ctx, &current.public().id(), &public_key, OVERLAP).await?;
    take_place(folder)?;
    Ok(record)
}

fn take_place(folder: &Folder) -> Result<()> {
    let (from, to) = (successor_file(folder), key_file(folder));
    fs::rename(&from, &to)
        .and_then(|()| fs::File::open(folder.path("keys"))?.sync_all())
        .map_err(|error| io(&to, &error))
}

fn key_file(folder: &Folder) -> PathBuf {
    folder.path("keys").join("platform.pem")
}

fn successor_file(folder: &Folder) -> PathBuf {
    folder.path("keys").join("platform-successor.pem")
}
