//! The files of sealed texts, one a month: the writing side.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use catalog_core::evidence::SealedText;

use crate::{LedgerError, durable};

/// The folder of a data folder in which they lie.
pub(crate) const FOLDER: &str = "secrets";

/// Appends to the files of the months. Whoever has appended to one holds it locked: nobody else does meanwhile.
pub(crate) struct Texts {
    folder: PathBuf,
    files: BTreeMap<String, File>,
}

impl Texts {
    /// Of a data folder.
    pub(crate) fn of(data_folder: &Path) -> Self {
        Self::within(&data_folder.join(FOLDER))
    }

    /// In the folder itself.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// Appends texts to the files of their months, each made durable once.
    pub(crate) fn append<'a>(
        &mut self,
        texts: impl IntoIterator<Item = &'a SealedText>,
    ) -> Result<(), LedgerError> {
        let mut months: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for text in texts {
            months.entry(&text.month).or_default().extend_from_slice(&text.line);
        }
        for (month, lines) in months {
            let path = file_of(&self.folder, month);
            if !self.files.contains_key(month) {
                durable::make_folder(&self.folder)?;
                let mut file = durable::open_locked(&path)?;
                durable::at_end(&path, &mut file)?;
                self.files.insert(month.to_owned(), file);
            }
            let Some(file) = self.files.get_mut(month) else { continue };
            durable::append(&path, file, &lines)?;
        }
        Ok(())
    }
}

/// The file of a month.
pub(crate) fn file_of(folder: &Path, month: &str) -> PathBuf {
    folder.join(format!("{month}.sealed"))
}
