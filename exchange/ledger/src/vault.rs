//! What evidence commits to but does not say: salts and the texts of requests, sealed, apart from the log.
//!
//! Each month has a file and a key. Whoever destroys the key has erased the month's texts and salts, in every copy of the
//! file; the log and its proofs stay as they are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use catalog_core::Timestamp;
use catalog_core::evidence::SealedText;
use exchange_crypto::{MacKey, SealingKey, from_base64, from_hex, random, to_base64, to_hex};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::texts::{self, Texts};
use crate::{LedgerError, durable};

/// What a record commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Committed {
    /// The request.
    Request,
    /// The answer.
    Answer,
}

/// What is kept of one commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Id of the record.
    pub record: String,
    /// Of what it is.
    pub of: Committed,
    /// The salt.
    pub salt: [u8; 32],
    /// The text of the request; empty for an answer, which is not kept.
    pub text: Vec<u8>,
}

impl Kept {
    /// The part of a request's text that the commitment covers: method, address and the body's digest. The body follows.
    pub fn committed(&self) -> &[u8] {
        let ends = self.text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let end = ends.map(|(place, _)| place).nth(1).unwrap_or(self.text.len());
        &self.text[..end]
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    of: Committed,
    sealed: String,
}

/// Salts and request texts by record.
pub struct Vault {
    folder: PathBuf,
    keys: PathBuf,
    open_keys: Mutex<BTreeMap<String, Arc<MacKey>>>,
}

/// A file is ordered by time up to this many milliseconds: what a record waits to be written, at most.
pub(crate) const DISORDER: u64 = 60_000;

impl Vault {
    /// Opens the folder `secrets` and the keys in `keys`, and seals the salts that an older program kept in clear.
    pub fn open(data_folder: &Path) -> Result<Self, LedgerError> {
        let (folder, keys) = (data_folder.join(texts::FOLDER), data_folder.join("keys"));
        durable::make_folder(&folder)?;
        durable::make_folder(&keys)?;
        let vault = Self { folder, keys, open_keys: Mutex::default() };
        vault.seal_clear_salts()?;
        Ok(vault)
    }

    /// Seals the salt of what a record commits to, and the text of a request, for the log to keep.
    pub fn seal(
        &self,
        record_id: &str,
        of: Committed,
        salt: &[u8; 32],
        text: &[u8],
    ) -> Result<SealedText, LedgerError> {
        let (month, _) = month_of(record_id)?;
        let content = [salt.as_slice(), text].concat();
        let key = self.key(&month, true)?;
        let sealed = record_key(&key, record_id)?.seal(&name(record_id, of), &content)?;
        let line = Line { id: record_id.to_owned(), of, sealed: to_base64(&sealed) };
        let mut line = serde_json::to_vec(&line).map_err(|error| LedgerError::Record(error.to_string()))?;
        line.push(b'\n');
        Ok(SealedText { month, line })
    }

    /// What is kept of a record, for whoever may have it; nothing where its month is erased.
    pub fn of_record(&self, record_id: &str) -> Result<Vec<Kept>, LedgerError> {
        let (month, time) = month_of(record_id)?;
        if self.is_erased(&month) {
            return Ok(Vec::new());
        }
        let path = self.file(&month);
        let near = near(&path, record_id, time)?;
        let lines = if near.is_empty() { all(&path, record_id)? } else { near };
        let mut found: Vec<Kept> = Vec::new();
        for line in &lines {
            let kept = self.unseal(&month, line)?;
            if !found.contains(&kept) {
                found.push(kept);
            }
        }
        Ok(found)
    }

    /// Makes the keys of this month and the next, for whoever is about to copy the keys: what comes is sealed under them.
    pub fn prepare(&self, now: Timestamp) -> Result<(), LedgerError> {
        let this = month_at(now);
        let next =
            (1..=31).map(|days| month_at(now.plus_seconds(days * 86_400))).find(|month| *month != this);
        [this].into_iter().chain(next).try_for_each(|month| self.key(&month, true).map(drop))
    }

    /// The months that have a file, `2026-11`, and whether each is erased.
    pub fn months(&self) -> Result<Vec<(String, bool)>, LedgerError> {
        let mut months = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(LedgerError::io(&self.folder))? {
            let path = entry.map_err(LedgerError::io(&self.folder))?.path();
            if path.extension().is_some_and(|extension| extension == "sealed")
                && let Some(month) = path.file_stem().and_then(|stem| stem.to_str())
            {
                months.push((month.to_owned(), self.is_erased(month)));
            }
        }
        months.sort();
        Ok(months)
    }

    /// Refuses what is no month that is over and has texts.
    pub fn check_erasable(&self, month: &str, now: Timestamp) -> Result<(), LedgerError> {
        match month < month_at(now).as_str() && self.months()?.iter().any(|(known, _)| known == month) {
            true => Ok(()),
            false => {
                let reason = format!("`{month}` is no month that is over and has texts: write 2026-10");
                Err(LedgerError::Refused(reason))
            }
        }
    }

    /// Destroys the key of a month that is over. Its texts and salts are gone for ever. The caller has recorded before that it
    /// is done (`texts.erased` of `month 2026-10`): without that an audit takes the month for one that somebody made vanish.
    pub fn erase(&self, month: &str, now: Timestamp) -> Result<(), LedgerError> {
        self.check_erasable(month, now)?;
        let key = self.key_file(month);
        durable::replace(&self.erased_mark(month), b"erased\n")?;
        self.open_keys.lock().unwrap_or_else(PoisonError::into_inner).remove(month);
        if key.exists() {
            // Its blocks are overwritten too, as far as the file system does that in place.
            durable::overwrite_and_remove(&key)?;
        }
        Ok(())
    }

    /// The months that ended at least so many months ago and are not erased.
    pub fn months_over(&self, months: u32, now: Timestamp) -> Result<Vec<String>, LedgerError> {
        let this = ordinal(&month_at(now));
        let is_over = |month: &str| {
            ordinal(month).zip(this).is_some_and(|(month, this)| month + 1 + u64::from(months) <= this)
        };
        let known = self.months()?.into_iter();
        Ok(known.filter(|(month, erased)| !erased && is_over(month)).map(|(month, _)| month).collect())
    }

    /// Opens the lines of a month one by one: what is kept, or what is wrong with the line (counted from 1). An `Io` error is
    /// the last one.
    pub(crate) fn read_month<'a>(
        &'a self,
        month: &str,
    ) -> Result<impl Iterator<Item = (u64, Result<Kept, LedgerError>)> + use<'a>, LedgerError> {
        let (path, month) = (self.file(month), month.to_owned());
        let file = File::open(&path).map_err(LedgerError::io(&path))?;
        let read = move |line: io::Result<Vec<u8>>| {
            line.map_err(LedgerError::io(&path)).and_then(|line| self.read_line(&month, &line))
        };
        Ok((1..).zip(BufReader::new(file).split(b'\n').map(read)))
    }

    /// What a line holds. Only the one way to write it is accepted.
    fn read_line(&self, month: &str, line: &[u8]) -> Result<Kept, LedgerError> {
        let wrong = || LedgerError::Record("it is no line of sealed texts".to_owned());
        let read: Line = serde_json::from_slice(line).map_err(|_| wrong())?;
        match serde_json::to_vec(&read).is_ok_and(|again| again == line) {
            true => self.unseal(month, &read),
            false => Err(wrong()),
        }
    }

    /// The file of a month.
    pub(crate) fn file(&self, month: &str) -> PathBuf {
        texts::file_of(&self.folder, month)
    }

    pub(crate) fn key_file(&self, month: &str) -> PathBuf {
        self.keys.join(format!("evidence-{month}.key"))
    }

    pub(crate) fn erased_mark(&self, month: &str) -> PathBuf {
        self.keys.join(format!("evidence-{month}.erased"))
    }

    pub(crate) fn is_erased(&self, month: &str) -> bool {
        self.erased_mark(month).exists()
    }

    fn unseal(&self, month: &str, line: &Line) -> Result<Kept, LedgerError> {
        let key = self.key(month, false)?;
        let sealed = from_base64(&line.sealed)?;
        let content = record_key(&key, &line.id)?.open(&name(&line.id, line.of), &sealed)?;
        let (salt, text) = content
            .split_first_chunk()
            .ok_or_else(|| LedgerError::Record("a sealed text without a salt".to_owned()))?;
        Ok(Kept { record: line.id.clone(), of: line.of, salt: *salt, text: text.to_vec() })
    }

    fn key(&self, month: &str, make: bool) -> Result<Arc<MacKey>, LedgerError> {
        let mut keys = self.open_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(month) {
            return Ok(key.clone());
        }
        let path = self.key_file(month);
        if make && !path.exists() {
            if self.is_erased(month) {
                return Err(LedgerError::Record(format!("the texts of {month} are erased")));
            }
            durable::replace(&path, to_hex(&random::bytes::<32>()?).as_bytes())?;
        }
        let text = fs::read_to_string(&path).map_err(LedgerError::io(&path))?;
        let key = Arc::new(MacKey::from_bytes(&from_hex(text.trim())?)?);
        keys.insert(month.to_owned(), key.clone());
        Ok(key)
    }

    /// Seals `salts.jsonl` line by line and removes it. Safe to repeat after a crash: a salt may be kept twice.
    fn seal_clear_salts(&self) -> Result<(), LedgerError> {
        #[derive(Deserialize)]
        struct Clear {
            id: String,
            of: Committed,
            salt: String,
        }
        let path = self.folder.join("salts.jsonl");
        if !path.exists() {
            return Ok(());
        }
        let mut file = durable::open(&path)?;
        let mut sealed = Vec::new();
        durable::read_lines(&path, &mut file, |number, line| {
            let wrong = |error: &str| damaged(&path, number + 1, error);
            let clear: Clear = serde_json::from_slice(line).map_err(|error| wrong(&error.to_string()))?;
            let salt = from_hex(&clear.salt)?.try_into().map_err(|_| wrong("the salt has not 32 bytes"))?;
            sealed.push(self.seal(&clear.id, clear.of, &salt, b"")?);
            Ok(())
        })?;
        Texts::within(&self.folder).append(&sealed)?;
        durable::overwrite_and_remove(&path)
    }
}

/// A key that seals one record's texts alone.
fn record_key(month: &MacKey, id: &str) -> Result<SealingKey, LedgerError> {
    Ok(SealingKey::from_bytes(&month.tag(id.as_bytes()))?)
}

fn name(id: &str, of: Committed) -> Vec<u8> {
    let of = match of {
        Committed::Request => "request",
        Committed::Answer => "answer",
    };
    format!("{id}/{of}").into_bytes()
}

/// The lines of a record that stand where its time belongs: a search by halves.
fn near(path: &Path, id: &str, time: u64) -> Result<Vec<Line>, LedgerError> {
    let Ok(mut file) = File::open(path) else { return Ok(Vec::new()) };
    let length = file.metadata().map_err(LedgerError::io(path))?.len();
    let (mut low, mut high) = (0, length);
    while high - low > 1 << 16 {
        let middle = low + (high - low) / 2;
        match time_after(path, &mut file, middle)? {
            Some(found) if found + DISORDER < time => low = middle,
            _ => high = middle,
        }
    }
    let mut found = Vec::new();
    read_from(path, &mut file, low, |line| match line_of(line) {
        Some((line, at)) => {
            let goes_on = at <= time + DISORDER;
            if line.id == id {
                found.push(line);
            }
            goes_on
        }
        None => true,
    })?;
    Ok(found)
}

/// All lines of a record.
fn all(path: &Path, id: &str) -> Result<Vec<Line>, LedgerError> {
    let Ok(mut file) = File::open(path) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    read_from(path, &mut file, 0, |line| {
        found.extend(line_of(line).map(|(line, _)| line).filter(|line| line.id == id));
        true
    })?;
    Ok(found)
}

/// The time of the first whole line behind that byte.
fn time_after(path: &Path, file: &mut File, offset: u64) -> Result<Option<u64>, LedgerError> {
    let mut time = None;
    read_from(path, file, offset, |line| {
        time = line_of(line).map(|(_, at)| at);
        time.is_none()
    })?;
    Ok(time)
}

/// Reads whole lines behind that byte, as long as `each` wants more.
fn read_from(
    path: &Path,
    file: &mut File,
    offset: u64,
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<(), LedgerError> {
    file.seek(SeekFrom::Start(offset)).map_err(LedgerError::io(path))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(LedgerError::io(path))?;
        if line.pop_if(|last| *last == b'\n').is_none() || !each(&line) {
            return Ok(());
        }
    }
}

/// A line with its record's time in milliseconds. Half a line, at the start of a search, is none.
fn line_of(line: &[u8]) -> Option<(Line, u64)> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let time = milliseconds(&line.id)?;
    Some((line, time))
}

/// The time in a record's id (RFC 9562 section 5.7), in milliseconds since 1970.
pub(crate) fn milliseconds(id: &str) -> Option<u64> {
    let (seconds, nanos) = Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    Some(seconds * 1000 + u64::from(nanos / 1_000_000))
}

/// The month of a record, `2026-11` in UTC, and its time in milliseconds.
pub(crate) fn month_of(id: &str) -> Result<(String, u64), LedgerError> {
    let none = || LedgerError::Record(format!("the id `{id}` has no time in it"));
    let time = milliseconds(id).ok_or_else(none)?;
    let micros = i64::try_from(time * 1000).map_err(|_| none())?;
    Ok((month_at(Timestamp(micros)), time))
}

fn month_at(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// Months up to that one, `2026-11`, since the year 0.
fn ordinal(month: &str) -> Option<u64> {
    let (year, month) = month.split_once('-')?;
    Some(year.parse::<u64>().ok()? * 12 + month.parse::<u64>().ok()?)
}

fn damaged(path: &Path, line: u64, reason: &str) -> LedgerError {
    LedgerError::Damaged { path: path.to_owned(), line, reason: reason.to_owned() }
}
