//! The keys' own file: everything in `keys/` and the configuration, sealed under a passphrase that people keep.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::CredentialStore as _;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_crypto::{Digest, PASSPHRASE_ROUNDS, PublicKey, SealingKey, from_base64, random, to_base64};
use serde::{Deserialize, Serialize};
use std::io::Write as _;

use super::blobs::new_file;
use super::make::{Source, record};
use crate::commands::platform_keys;
use crate::folder::io;

const KDF: &str = "PBKDF2-HMAC-SHA256";
/// What the seal is for.
const NAME: &[u8] = b"shuqiao-keys";
/// The shortest passphrase, in characters.
const SHORTEST: usize = 12;
/// More rounds than this only keep a reader busy.
const MOST_ROUNDS: u32 = 20_000_000;
/// What is of no use elsewhere, or is worth nothing once it was used.
const LEFT_OUT: [&str; 2] = ["one-time-code.json", "platform-successor.pem"];

/// Where keys lie; below `confidential` one for each matter of the public.
const FOLDERS: [&str; 2] = ["keys/", "keys/confidential/"];

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    kdf: String,
    rounds: NonZeroU32,
    salt: String,
    sealed: String,
}

/// What is sealed in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// Contents by name, base64.
    files: BTreeMap<String, String>,
    /// The platform's public keys, present and past, base64: whose signatures on backups count.
    platform: Vec<String>,
}

/// Writes the keys of a folder into a new file, those of this month's and the next one's texts among them. That it was done is evidence.
pub(crate) async fn write(source: &Source, ctx: &OpContext, to: &Path, passphrase: &str) -> Result<()> {
    decide_action(&ctx.principal, Action::MaintainStorage, None).into_permission()?;
    if passphrase.chars().count() < SHORTEST {
        let message = format!("a passphrase has at least {SHORTEST} characters: four or five words");
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    source.app.vault.prepare(ctx.now)?;
    let mut files = BTreeMap::new();
    let mut add = |name: String, path: &Path| {
        let content = std::fs::read(path).map_err(|error| io(path, &error))?;
        files.insert(name, to_base64(&content));
        Ok::<_, Error>(())
    };
    add("shuqiao.toml".to_owned(), &source.root.join("shuqiao.toml"))?;
    for folder in FOLDERS {
        for entry in source.root.join(folder).read_dir().into_iter().flatten() {
            let path = entry.map_err(|error| io(Path::new(folder), &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_file() && !LEFT_OUT.contains(&name) && !name.ends_with(".part") {
                add(format!("{folder}{name}"), &path)?;
            }
        }
    }
    let platform = platform_keys(&source.store.keys().await?);
    let platform = platform.iter().map(|(_, key)| to_base64(key.as_bytes())).collect();
    let content = serde_json::to_vec(&Keys { files, platform }).map_err(Error::internal)?;
    let salt = random::bytes::<32>().map_err(Error::internal)?;
    let sealed = seal(passphrase, &salt, PASSPHRASE_ROUNDS)?.seal(NAME, &content).map_err(Error::internal)?;
    let document = Sealed {
        kdf: KDF.to_owned(),
        rounds: PASSPHRASE_ROUNDS,
        salt: to_base64(&salt),
        sealed: to_base64(&sealed),
    };
    let document = serde_json::to_vec_pretty(&document).map_err(Error::internal)?;
    record(source, ctx, "keys.backed_up", "of keys", &Digest::of(&document)).await?;
    let mut file = new_file(to)?;
    file.write_all(&document).and_then(|()| file.sync_all()).map_err(|error| io(to, &error))
}

impl Keys {
    /// Opens a file of keys.
    pub(crate) fn open(path: &Path, passphrase: &str) -> Result<Self> {
        let damaged = || Error::new(ErrorCode::Corrupt, format!("{} is no file of keys", path.display()));
        let text = std::fs::read(path).map_err(|error| io(path, &error))?;
        let file: Sealed = serde_json::from_slice(&text).map_err(|_| damaged())?;
        if file.kdf != KDF || file.rounds.get() > MOST_ROUNDS {
            return Err(damaged());
        }
        let salt = from_base64(&file.salt).map_err(|_| damaged())?;
        let sealed = from_base64(&file.sealed).map_err(|_| damaged())?;
        let content = seal(passphrase, &salt, file.rounds)?.open(NAME, &sealed).map_err(|_| {
            let message =
                format!("{} does not open: another passphrase, or the file was changed", path.display());
            Error::new(ErrorCode::Unauthenticated, message)
        })?;
        serde_json::from_slice(&content).map_err(|_| damaged())
    }

    /// Writes the files into a data folder.
    pub(crate) fn put_into(&self, root: &Path) -> Result<()> {
        for (name, content) in &self.files {
            let is_plain =
                |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
            let is_key = FOLDERS.iter().any(|folder| name.strip_prefix(folder).is_some_and(is_plain));
            if name != "shuqiao.toml" && !is_key {
                let message = format!("the file of keys names `{}`, which is none", name.escape_debug());
                return Err(Error::new(ErrorCode::Corrupt, message));
            }
            let content = from_base64(content).map_err(Error::internal)?;
            let path = root.join(name);
            let mut file = new_file(&path)?;
            file.write_all(&content).and_then(|()| file.sync_all()).map_err(|error| io(&path, &error))?;
        }
        Ok(())
    }

    /// The platform's public keys.
    pub(crate) fn platform(&self) -> Result<Vec<PublicKey>> {
        let key = |text: &String| PublicKey::from_bytes(&from_base64(text)?);
        self.platform.iter().map(key).collect::<std::result::Result<_, _>>().map_err(Error::internal)
    }
}

fn seal(passphrase: &str, salt: &[u8], rounds: NonZeroU32) -> Result<SealingKey> {
    SealingKey::from_passphrase(passphrase.as_bytes(), salt, rounds).map_err(Error::internal)
}
