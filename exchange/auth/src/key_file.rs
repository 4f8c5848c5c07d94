use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use exchange_crypto::{SigningKey, Suite, from_base64, random, to_base64};

use crate::AuthError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// Makes a fresh Ed25519 key and writes it to a new file, see [`write_key_file`].
pub fn generate_key_file(path: &Path) -> Result<SigningKey, AuthError> {
    generate_key_file_for(Suite::Ed25519, path)
}

/// Makes a fresh key of a suite and writes it to a new file, see [`write_key_file`].
pub fn generate_key_file_for(suite: Suite, path: &Path) -> Result<SigningKey, AuthError> {
    let (key, document) = SigningKey::generate_for(suite)?;
    write_key_file(path, &document)?;
    Ok(key)
}

/// Writes a PKCS#8 document as PEM (RFC 7468; openssl reads it) to a new file, see [`write_secret_file`].
pub fn write_key_file(path: &Path, pkcs8: &[u8]) -> Result<(), AuthError> {
    let encoded = to_base64(pkcs8);
    let mut pem = format!("{BEGIN}\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str(END);
    pem.push('\n');
    write_secret_file(path, pem.as_bytes())
}

/// Writes a new file of mode 0600 that is there either whole or not at all. An existing file is never replaced.
pub fn write_secret_file(path: &Path, content: &[u8]) -> Result<(), AuthError> {
    let fault = |error: io::Error| AuthError::KeyFile {
        path: path.to_owned(),
        reason: match error.kind() {
            io::ErrorKind::AlreadyExists => "the file exists; a secret is never overwritten".to_owned(),
            _ => format!("can't be written: {error}"),
        },
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let temporary = folder.join(format!(".{}.tmp", random::token()?));
    let written = write_whole(&temporary, content)
        // A link, unlike a rename, fails where the name is taken.
        .and_then(|()| fs::hard_link(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    let removed = fs::remove_file(&temporary);
    written.and(removed).map_err(fault)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Reads a private key file (PKCS#8 PEM). A file that others than its owner may read or write is refused.
pub fn read_key_file(path: &Path) -> Result<SigningKey, AuthError> {
    let fault = |reason: String| AuthError::KeyFile { path: PathBuf::from(path), reason };
    let open = || -> io::Result<(File, String)> {
        let file = File::open(path)?;
        let mut text = String::new();
        (&file).take(MAX_KEY_FILE_BYTES).read_to_string(&mut text)?;
        Ok((file, text))
    };
    let (file, text) = open().map_err(|error| fault(format!("can't be read: {error}")))?;
    check_mode(path, &file)?;
    let document = pem_body(&text).ok_or_else(|| fault(format!("holds no `{BEGIN}` block (PKCS#8 PEM)")))?;
    SigningKey::from_pkcs8(&document).map_err(|error| fault(error.to_string()))
}

/// Refuses a private key or secret that others than its owner may read or write.
pub fn check_secret_file(path: &Path) -> Result<(), AuthError> {
    let fault = |error: io::Error| AuthError::KeyFile {
        path: path.to_owned(),
        reason: format!("can't be read: {error}"),
    };
    check_mode(path, &File::open(path).map_err(fault)?)
}

fn check_mode(path: &Path, file: &File) -> Result<(), AuthError> {
    let fault = |reason: String| AuthError::KeyFile { path: path.to_owned(), reason };
    let metadata = file.metadata().map_err(|error| fault(format!("can't be read: {error}")))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let advice = format!("run `chmod 600 {}`", path.display());
    Err(fault(format!("others may access this private key (mode {mode:04o}): {advice}")))
}

fn pem_body(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let compact: String = body.split_ascii_whitespace().collect();
    from_base64(&compact).ok()
}
