//! Compares what the log commits to with what is kept sealed. Both are read once and side by side, for both are ordered by
//! time but for a little, so that only that little is remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use catalog_core::evidence::{Event, EvidenceRecord};

use super::{Audited, Finding};
use crate::LedgerError;
use crate::commitment::salted;
use crate::vault::{Committed, DISORDER, Kept, Vault, milliseconds, month_of};

/// The sealed texts beside a log that is being read.
pub(super) struct Texts<'a> {
    vault: &'a Vault,
    months: BTreeMap<String, Month<'a>>,
    /// Months whose texts the log says to be erased.
    erased: BTreeSet<String>,
    findings: Vec<Finding>,
}

/// Of which record, and what of it.
type Key = (String, Committed);

struct Month<'a> {
    path: PathBuf,
    is_erased: bool,
    /// The lines still to be read; none of an erased month, or without its file.
    lines: Option<Lines<'a>>,
    /// The time of the newest line that was read, in milliseconds.
    read_until: u64,
    /// Lines that came before their record: their numbers, and for a request what they open.
    early: HashMap<Key, (u64, Option<String>)>,
    /// Commitments whose lines may still come.
    awaited: HashMap<Key, String>,
    /// Commitments whose lines can't come any more, and the record of the first.
    missing: u64,
    first_missing: Option<String>,
    texts: u64,
    findings: Vec<Finding>,
}

type Lines<'a> = Box<dyn Iterator<Item = (u64, Result<Kept, LedgerError>)> + 'a>;

impl<'a> Texts<'a> {
    pub(super) fn of(vault: &'a Vault) -> Self {
        Self { vault, months: BTreeMap::new(), erased: BTreeSet::new(), findings: Vec::new() }
    }

    /// Takes the next record of the log.
    pub(super) fn record(&mut self, record: &EvidenceRecord) {
        match &record.event {
            Event::AccessStarted { request_commitment, .. }
            | Event::AccessRefused { request_commitment, .. } => {
                self.commitment(&record.id, Committed::Request, request_commitment);
            }
            Event::AccessEnded { answer_commitment, .. } => {
                self.commitment(&record.id, Committed::Answer, answer_commitment);
            }
            Event::Access { request_commitment, answer_commitment, .. } => {
                self.commitment(&record.id, Committed::Request, request_commitment);
                self.commitment(&record.id, Committed::Answer, answer_commitment);
            }
            Event::Changed { action, entity, .. } => match (action.as_str(), entity.strip_prefix("month ")) {
                ("texts.erased", Some(month)) => {
                    self.erased.insert(month.to_owned());
                }
                ("texts.lost", Some(month)) => self.month(month).forget(),
                _ => {}
            },
            Event::EpochStarted { .. } | Event::OpenDownloads { .. } => {}
        }
    }

    fn commitment(&mut self, id: &str, of: Committed, digest: &str) {
        match month_of(id) {
            Ok((month, time)) => self.month(&month).commitment((id.to_owned(), of), digest, time),
            Err(error) => {
                let place = format!("the record {id}");
                self.findings.push(Finding { place, what: error.to_string() });
            }
        }
    }

    fn month(&mut self, name: &str) -> &mut Month<'a> {
        let vault = self.vault;
        self.months.entry(name.to_owned()).or_insert_with(|| Month::of(vault, name))
    }

    /// Reads what is left, and says what was found.
    pub(super) fn finish(mut self, audited: &mut Audited) -> Result<(), LedgerError> {
        for (month, _) in self.vault.months()? {
            self.month(&month);
        }
        audited.findings.append(&mut self.findings);
        for (name, mut month) in self.months {
            month.finish();
            audited.texts += month.texts;
            audited.erased_months += u64::from(month.is_erased);
            audited.findings.append(&mut month.findings);
            let (mark, key) = (self.vault.erased_mark(&name), self.vault.key_file(&name));
            if month.is_erased && !self.erased.contains(&name) {
                let what =
                    format!("it says that the texts of {name} are erased, but no record of the log does");
                audited.findings.push(Finding::at(&mark, None, what));
            }
            if self.erased.contains(&name) && (!month.is_erased || key.exists()) {
                let what = format!(
                    "the log says that the texts of {name} are erased: do it with `shuqiao log erase`"
                );
                audited.findings.push(Finding::at(&key, None, what));
            }
        }
        Ok(())
    }
}

impl<'a> Month<'a> {
    fn of(vault: &'a Vault, name: &str) -> Self {
        let (path, is_erased) = (vault.file(name), vault.is_erased(name));
        let mut findings = Vec::new();
        let lines: Option<Lines<'a>> = match vault.read_month(name) {
            _ if is_erased || !path.exists() => None,
            Ok(lines) => Some(Box::new(lines)),
            Err(error) => {
                findings.push(Finding::at(&path, None, error.to_string()));
                None
            }
        };
        let (early, awaited) = (HashMap::new(), HashMap::new());
        let (read_until, missing, first_missing, texts) = (0, 0, None, 0);
        Self { path, is_erased, lines, read_until, early, awaited, missing, first_missing, texts, findings }
    }

    fn commitment(&mut self, key: Key, digest: &str, time: u64) {
        if self.is_erased {
            return;
        }
        loop {
            if let Some((line, opened)) = self.early.remove(&key) {
                return self.compare(&key, line, opened.as_deref(), digest);
            }
            if self.read_until > time + DISORDER || !self.read() {
                break;
            }
        }
        match self.lines.is_some() {
            true => drop(self.awaited.insert(key, digest.to_owned())),
            false => self.miss(key.0),
        }
    }

    /// Reads a line; whether there was one.
    fn read(&mut self) -> bool {
        let Some((line, kept)) = self.lines.as_mut().and_then(Iterator::next) else {
            self.lines = None;
            return false;
        };
        match kept {
            Ok(kept) => self.kept(line, kept),
            Err(error) => {
                self.findings.push(Finding::at(&self.path, Some(line), error.to_string()));
                // The file or its key can't be read, and so can no other line.
                if let LedgerError::Io { .. } = error {
                    self.lines = None;
                }
            }
        }
        true
    }

    fn kept(&mut self, line: u64, kept: Kept) {
        self.texts += 1;
        self.read_until = self.read_until.max(milliseconds(&kept.record).unwrap_or_default());
        // An answer is not kept: that its salt is there is all that can be asked.
        let opened = (kept.of == Committed::Request).then(|| salted(&kept.salt, kept.committed()));
        let key = (kept.record, kept.of);
        match self.awaited.remove(&key) {
            Some(digest) => self.compare(&key, line, opened.as_deref(), &digest),
            None => drop(self.early.insert(key, (line, opened))),
        }
    }

    fn compare(&mut self, key: &Key, line: u64, opened: Option<&str>, digest: &str) {
        if opened.is_some_and(|opened| opened != digest) {
            let what = format!("it is not what the record {} commits to", key.0);
            self.findings.push(Finding::at(&self.path, Some(line), what));
        }
    }

    fn miss(&mut self, record: String) {
        self.missing += 1;
        self.first_missing.get_or_insert(record);
    }

    /// The texts up to here are lost, and the log says so.
    fn forget(&mut self) {
        self.awaited.clear();
        (self.missing, self.first_missing) = (0, None);
    }

    fn finish(&mut self) {
        while self.read() {}
        for (record, _) in std::mem::take(&mut self.awaited).into_keys() {
            self.miss(record);
        }
        if let Some(first) = &self.first_missing {
            let missing = self.missing;
            let what =
                format!("nothing opens {missing} commitments of the log, one of them of the record {first}");
            self.findings.push(Finding::at(&self.path, None, what));
        }
    }
}
