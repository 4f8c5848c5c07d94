//! Keys for what the public confides: one file for each matter, so that erasing one erases nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use catalog_core::confidential::Safe;
use exchange_crypto::{SealingKey, from_base64, from_hex, random, to_base64, to_hex};

use crate::{LedgerError, durable};

/// The folder `keys/confidential`, with a key for each matter until it is erased.
pub struct ConfidentialKeys {
    folder: PathBuf,
}

impl ConfidentialKeys {
    /// Opens the folder, which is made for its owner alone.
    pub fn open(data_folder: &Path) -> Result<Self, LedgerError> {
        let folder = data_folder.join("keys").join("confidential");
        durable::make_folder(&folder)?;
        Ok(Self { folder })
    }

    /// The file of a matter's key. The number becomes a name of a file, so it is nothing but letters, digits and hyphens.
    fn file(&self, number: &str) -> Result<PathBuf, LedgerError> {
        match number.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            && !number.is_empty()
        {
            true => Ok(self.folder.join(format!("{number}.key"))),
            false => Err(LedgerError::Record("not the number of a matter".to_owned())),
        }
    }

    fn read(path: &Path) -> Result<SealingKey, LedgerError> {
        let text = fs::read_to_string(path).map_err(LedgerError::io(path))?;
        let secret = from_hex(text.trim())?.try_into();
        let secret =
            secret.map_err(|_| LedgerError::Record("a key of a matter has not 32 bytes".to_owned()))?;
        Ok(SealingKey::from_bytes(&secret)?)
    }
}

impl Safe for ConfidentialKeys {
    fn seal(&self, number: &str, content: &[u8]) -> catalog_core::Result<String> {
        let path = self.file(number)?;
        if !path.exists() {
            let secret = random::bytes::<32>().map_err(LedgerError::from)?;
            durable::replace(&path, to_hex(&secret).as_bytes())?;
        }
        let sealed = Self::read(&path)?.seal(number.as_bytes(), content).map_err(LedgerError::from)?;
        Ok(to_base64(&sealed))
    }

    fn open(&self, number: &str, sealed: &str) -> catalog_core::Result<Vec<u8>> {
        let sealed = from_base64(sealed).map_err(LedgerError::from)?;
        let key = Self::read(&self.file(number)?)?;
        Ok(key.open(number.as_bytes(), &sealed).map_err(LedgerError::from)?)
    }

    fn destroy(&self, number: &str) -> catalog_core::Result<()> {
        let path = self.file(number)?;
        match path.exists() {
            // Its blocks are overwritten too, as far as the file system does that in place.
            true => Ok(durable::overwrite_and_remove(&path)?),
            false => Ok(()),
        }
    }
}
