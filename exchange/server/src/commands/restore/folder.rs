//! The folder that is restored, until it has its name.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use catalog_core::{Error, ErrorCode, Result};
use tempfile::TempDir;

use crate::backup::LOG_FOLDERS;
use crate::backup::blobs::new_file;
use crate::folder::io;

/// Refuses a folder in which anything lies.
pub(super) fn check_free(target: &Path) -> Result<()> {
    let is_free = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    match is_free {
        true => Ok(()),
        false => {
            let message = format!(
                "{} is there: a restore makes a new folder, name it with --data-dir",
                target.display()
            );
            Err(Error::new(ErrorCode::Conflict, message))
        }
    }
}

/// A folder beside the one to come, mode 0700. It goes when anything fails.
pub(super) fn beside(target: &Path) -> Result<TempDir> {
    let above = target.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
    let own = fs::Permissions::from_mode(0o700);
    fs::create_dir_all(above)
        .and_then(|()| tempfile::Builder::new().prefix(".restoring-").permissions(own).tempdir_in(above))
        .map_err(|error| io(above, &error))
}

/// Gives the folder its name.
pub(super) fn put_in_place(temp: TempDir, target: &Path) -> Result<()> {
    let done = fs::rename(temp.path(), target).and_then(|()| {
        let above = target.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
        File::open(above)?.sync_all()
    });
    done.map_err(|error| io(target, &error))?;
    // Nothing is left under the old name.
    drop(temp.keep());
    Ok(())
}

/// Copies the log of a data folder that nobody uses.
pub(super) fn copy_log(from: &Path, root: &Path) -> Result<()> {
    let lock = from.join("lock");
    if let Ok(file) = File::open(&lock)
        && matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    {
        let message = format!("{} is in use: stop its server first", from.display());
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    let evidence = from.join("evidence");
    if !evidence.is_dir() {
        let message = format!("{} holds no evidence: name the data folder", from.display());
        return Err(Error::new(ErrorCode::NotFound, message));
    }
    LOG_FOLDERS.iter().try_for_each(|folder| copy_folder(&from.join(folder), &root.join(folder)))
}

/// Copies what a folder holds; links are not followed.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| io(from, &error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| io(from, &error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| io(from, &error))?);
        let name = entry.file_name();
        if kind.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else if kind.is_file() && name != "lock" {
            copy_file(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let mut file = new_file(to)?;
    let copied = File::open(from).and_then(|mut content| std::io::copy(&mut content, &mut file));
    copied.and_then(|_| file.sync_all()).map_err(|error| io(from, &error))
}

/// Puts another configuration in the place of the one that is there.
pub(super) fn replace_config(from: &Path, root: &Path) -> Result<()> {
    let to = root.join("shuqiao.toml");
    fs::remove_file(&to).map_err(|error| io(&to, &error))?;
    copy_file(from, &to)
}

/// Copies the keys of months and of the public's matters that lie beside a newer log, where they are: the file of keys may
/// be older.
pub(super) fn copy_newer_keys(from: &Path, root: &Path) -> Result<()> {
    for entry in from.join("keys/confidential").read_dir().into_iter().flatten() {
        let entry = entry.map_err(|error| io(from, &error))?;
        let to = root.join("keys/confidential").join(entry.file_name());
        if !to.exists() {
            copy_file(&entry.path(), &to)?;
        }
    }
    for entry in from.join("keys").read_dir().into_iter().flatten() {
        let path = entry.map_err(|error| io(from, &error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let to = root.join("keys").join(name);
        let is_of_a_month =
            name.starts_with("evidence-") && (name.ends_with(".key") || name.ends_with(".erased"));
        if is_of_a_month && !to.exists() {
            copy_file(&path, &to)?;
        }
    }
    Ok(())
}

/// Destroys the keys of erased months again, and sets texts aside that no key opens: new ones of the month get a new key.
/// Answers the months of the latter.
pub(super) fn settle_months(root: &Path, erased: &BTreeSet<String>) -> Result<Vec<String>> {
    let keys = root.join("keys");
    for month in erased {
        let (key, mark) =
            (keys.join(format!("evidence-{month}.key")), keys.join(format!("evidence-{month}.erased")));
        if key.exists() {
            fs::remove_file(&key).map_err(|error| io(&key, &error))?;
        }
        if !mark.exists() {
            exchange_auth::write_secret_file(&mark, b"erased\n")?;
        }
    }
    let mut lost = Vec::new();
    for entry in root.join("secrets").read_dir().into_iter().flatten() {
        let path = entry.map_err(|error| io(root, &error))?.path();
        let month = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let has = |ending: &str| keys.join(format!("evidence-{month}.{ending}")).exists();
        if path.extension().is_some_and(|ending| ending == "sealed") && !has("key") && !has("erased") {
            fs::rename(&path, path.with_extension("unreadable")).map_err(|error| io(&path, &error))?;
            lost.push(month);
        }
    }
    lost.sort();
    Ok(lost)
}
