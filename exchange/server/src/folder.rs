//! A data folder: its layout, its format version, and the lock by which it has one owner.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result};
use exchange_crypto::MacKey;

use crate::config::{self, Config};

/// The format of the folder that this binary writes. A newer binary raises it and migrates.
const FORMAT: u32 = 2;

/// An open data folder, owned by this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder with configuration and format mark. An existing data folder is left as it is.
    pub(crate) fn create(root: &Path) -> Result<Self> {
        for part in ["keys", "objects", "spool"] {
            fs::create_dir_all(root.join(part)).map_err(|error| io(root, &error))?;
        }
        restrict(root)?;
        let lock = lock(root)?.ok_or_else(|| in_use(root))?;
        let folder = Self { root: root.to_owned(), _lock: lock };
        write_new(&root.join("shuqiao.toml"), config::TEMPLATE.as_bytes())?;
        // The mark comes last: a folder without it is not finished, and `init` may be called again.
        write_new(&root.join("format"), FORMAT.to_string().as_bytes())?;
        folder.migrate()?;
        Ok(folder)
    }

    /// Opens an existing folder as its only owner.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        Self::open_unless_owned(root)?.ok_or_else(|| in_use(root))
    }

    /// Opens an existing folder, unless another process owns it.
    pub(crate) fn open_unless_owned(root: &Path) -> Result<Option<Self>> {
        if !Self::exists(root) {
            let message =
                format!("{} is no data folder: make one with `shuqiao init --data-dir …`", root.display());
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        let Some(lock) = lock(root)? else { return Ok(None) };
        let folder = Self { root: root.to_owned(), _lock: lock };
        folder.migrate()?;
        folder.check_private()?;
        Ok(Some(folder))
    }

    /// Refuses a folder that other users of the machine can enter: rows, keys and evidence lie in it.
    fn check_private(&self) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = fs::metadata(&self.root).map_err(|error| io(&self.root, &error))?;
            if metadata.permissions().mode() & 0o077 != 0 {
                let path = self.root.display();
                let message = format!("others can enter {path}, where rows and keys lie: chmod 700 {path}");
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
        }
        Ok(())
    }

    /// Whether a finished data folder is there.
    pub(crate) fn exists(root: &Path) -> bool {
        root.join("format").is_file()
    }

    /// The format that the folder has, and the one that this program writes.
    pub(crate) fn format(&self) -> Result<(u32, u32)> {
        let path = self.path("format");
        let text = fs::read_to_string(&path).map_err(|error| io(&path, &error))?;
        let format = text
            .trim()
            .parse()
            .map_err(|_| Error::new(ErrorCode::Corrupt, format!("{} is damaged", path.display())))?;
        Ok((format, FORMAT))
    }

    /// Brings an older folder to this program's format, and refuses a newer one. The catalogue's database has
    /// migrations of its own and is copied before them.
    fn migrate(&self) -> Result<()> {
        let (format, known) = self.format()?;
        if format > known {
            let message =
                format!("the folder has format {format}, this program knows {known}: use a newer program");
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        if format < 2 {
            // Nothing redeemed the code of format 1, and it had no end: `init` makes one that does.
            remove(&self.path("keys").join("one-time-code.sha256"))?;
        }
        match format < known {
            true => write(&self.path("format"), known.to_string().as_bytes()),
            false => Ok(()),
        }
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path within the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder's configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        Config::read(&self.path("shuqiao.toml"))
    }

    /// The address of the catalogue's database.
    pub(crate) fn database(&self, config: &Config) -> String {
        match &config.catalogue.database {
            Some(url) => url.clone(),
            None => format!("sqlite://{}", self.path("catalogue.sqlite").display()),
        }
    }

    /// The secret of that name, made on first use: 32 random bytes, mode 0600.
    pub(crate) fn secret(&self, name: &str) -> Result<MacKey> {
        let path = self.path("keys").join(name);
        if !path.exists() {
            let fresh = exchange_crypto::random::bytes::<32>().map_err(Error::internal)?;
            exchange_auth::write_secret_file(&path, exchange_crypto::to_hex(&fresh).as_bytes())?;
        }
        read_secret(&path)
    }

    /// The one that a secret of that name replaces, until it is forgotten.
    pub(crate) fn retired_secret(&self, name: &str) -> Result<Option<MacKey>> {
        let path = self.retired_secret_file(name);
        path.exists().then(|| read_secret(&path)).transpose()
    }

    /// Where the one before is kept.
    pub(crate) fn retired_secret_file(&self, name: &str) -> PathBuf {
        self.path("keys").join(format!("{name}.retired"))
    }

    /// Replaces the secret of that name; the one before stays beside it. Whatever a crash interrupts, one of both is there.
    pub(crate) fn retire_secret(&self, name: &str) -> Result<()> {
        let (path, retired) = (self.path("keys").join(name), self.retired_secret_file(name));
        if retired.exists() {
            let message = "the secret before is still being replaced: start the server, which does the rest";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        self.secret(name)?;
        fs::rename(&path, &retired).map_err(|error| io(&path, &error))?;
        self.secret(name).map(drop)
    }

    /// Writes a file of the folder once: an existing one is left as it is.
    pub(crate) fn write_new(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_new(&self.path(name), bytes)
    }

    /// Marks the folder as a demo: it never serves off the loopback.
    pub(crate) fn mark_demo(&self, people: u64) -> Result<()> {
        write_new(&self.path("demo"), people.to_string().as_bytes())
    }

    /// The number of people of a finished demo.
    pub(crate) fn demo(&self) -> Option<u64> {
        fs::read_to_string(self.path("demo")).ok()?.trim().parse().ok()
    }
}

fn read_secret(path: &Path) -> Result<MacKey> {
    let text = fs::read_to_string(path).map_err(|error| io(path, &error))?;
    exchange_crypto::from_hex(text.trim())
        .and_then(|bytes| MacKey::from_bytes(&bytes))
        .map_err(|_| Error::new(ErrorCode::Corrupt, format!("{} is damaged", path.display())))
}

/// The lock of the folder; `None` where another process holds it.
fn lock(root: &Path) -> Result<Option<File>> {
    let path = root.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(io(&path, &error)),
    }
}

/// That another process owns the folder, and is no server that would speak for it.
pub(crate) fn in_use(root: &Path) -> Error {
    let message = format!(
        "{} is in use by another command, or by a server that this one can't work beside: stop it, or try again when it has ended",
        root.display()
    );
    Error::new(ErrorCode::Conflict, message)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    match path.exists() {
        true => Ok(()),
        false => write(path, bytes),
    }
}

/// Writes a file that is there either whole or as it was.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let whole = || -> std::io::Result<()> {
        let part = path.with_extension("part");
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(part, path)
    };
    whole().map_err(|error| io(path, &error))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(path, &error)),
        _ => Ok(()),
    }
}

fn restrict(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(folder, mode).map_err(|error| io(folder, &error))?;
    }
    Ok(())
}

/// A secret that others gave us: what a file below the folder says, of mode 0600, or else a variable of the environment.
pub(crate) fn secret_text(root: &Path, file: Option<&Path>, variable: &str) -> Result<Option<String>> {
    let Some(file) = file else { return Ok(std::env::var(variable).ok()) };
    let path = root.join(file);
    exchange_auth::check_secret_file(&path)?;
    let text = fs::read_to_string(&path).map_err(|error| io(&path, &error))?;
    Ok(Some(text.trim().to_owned()))
}

/// An IO error with its path.
pub(crate) fn io(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, format!("{}: {error}", path.display()))
}
