//! Segments: the files of records, the seals that close them, and the index that finds records in them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use catalog_core::Timestamp;
use catalog_core::evidence::EvidenceRecord;
use exchange_crypto::{Digest, Hasher};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::LedgerError;

/// What a sealed segment holds. The line of it in `segments.jsonl` is canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seal {
    /// Its number, counted from 0.
    pub(crate) number: u64,
    /// Place of its first record.
    pub(crate) first: u64,
    /// Records.
    pub(crate) records: u64,
    /// Bytes.
    pub(crate) bytes: u64,
    /// SHA-256 of the file, hex.
    pub(crate) sha256: String,
    /// Root of the log's Merkle tree up to its last record, hex.
    pub(crate) root: String,
    /// Time of its earliest record.
    pub(crate) from: Timestamp,
    /// Time of its latest record.
    pub(crate) until: Timestamp,
}

impl Seal {
    /// Place behind its last record.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.records
    }

    /// The line that says it, with its line feed.
    pub(crate) fn line(&self) -> Result<Vec<u8>, LedgerError> {
        let mut line = canonical(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// What a seal will say of a segment that is being written or read.
#[derive(Clone)]
pub(crate) struct Growing {
    number: u64,
    first: u64,
    records: u64,
    bytes: u64,
    hasher: Hasher,
    from: Timestamp,
    until: Timestamp,
}

impl Growing {
    /// An empty segment whose first record will be at that place.
    pub(crate) fn new(number: u64, first: u64) -> Self {
        let (from, until) = (Timestamp(i64::MAX), Timestamp(i64::MIN));
        Self { number, first, records: 0, bytes: 0, hasher: Hasher::new(), from, until }
    }

    /// Adds a line without its line feed.
    pub(crate) fn add(&mut self, line: &[u8], at: Timestamp) {
        self.records += 1;
        self.bytes += line.len() as u64 + 1;
        self.hasher.update(line);
        self.hasher.update(b"\n");
        self.from = self.from.min(at);
        self.until = self.until.max(at);
    }

    /// Its number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Place of the next record.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records
    }

    /// SHA-256 of its file so far, hex.
    pub(crate) fn digest(&self) -> String {
        self.hasher.clone().finish().to_hex()
    }

    /// The seal, with the root of the tree up to here.
    pub(crate) fn seal(&self, root: &Digest) -> Seal {
        Seal {
            number: self.number,
            first: self.first,
            records: self.records,
            bytes: self.bytes,
            sha256: self.digest(),
            root: root.to_hex(),
            from: self.from,
            until: self.until,
        }
    }
}

/// Where a record stands that belongs to an id: its own, or its request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The start of the id's hash. Other ids may share it, so the record is looked at.
    pub(crate) key: u64,
    /// Its place in the log.
    pub(crate) place: u64,
    /// Its first byte in the segment.
    pub(crate) offset: u64,
}

const ENTRY_BYTES: usize = 24;

impl Entry {
    /// The key of an id.
    pub(crate) fn key_of(id: &str) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *Digest::of(id.as_bytes()).as_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// What comes before all entries of a key.
    pub(crate) fn first_of(key: u64) -> Self {
        Self { key, place: 0, offset: 0 }
    }

    /// The keys under which a record is found.
    pub(crate) fn keys_of(record: &EvidenceRecord) -> [u64; 2] {
        [Self::key_of(&record.id), Self::key_of(&record.request_id)]
    }

    fn bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        for (part, value) in bytes.chunks_exact_mut(8).zip([self.key, self.place, self.offset]) {
            part.copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    fn read(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let part = |number: usize| {
            bytes[number * 8..][..8].iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        Self { key: part(0), place: part(1), offset: part(2) }
    }
}

/// The content of an index file: entries in order.
pub(crate) fn index(mut entries: Vec<Entry>) -> Vec<u8> {
    entries.sort_unstable();
    entries.dedup();
    entries.iter().flat_map(Entry::bytes).collect()
}

/// The entries under a key in an index file: a search by halves.
pub(crate) fn look_up(path: &Path, key: u64) -> Result<Vec<Entry>, LedgerError> {
    let search = || -> io::Result<Vec<Entry>> {
        let file = File::open(path)?;
        let entry = |number: u64| -> io::Result<Entry> {
            let mut bytes = [0; ENTRY_BYTES];
            file.read_exact_at(&mut bytes, number * ENTRY_BYTES as u64)?;
            Ok(Entry::read(&bytes))
        };
        let count = file.metadata()?.len() / ENTRY_BYTES as u64;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match entry(middle)?.key < key {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let mut found = Vec::new();
        while low < count {
            let entry = entry(low)?;
            if entry.key != key {
                break;
            }
            found.push(entry);
            low += 1;
        }
        Ok(found)
    };
    search().map_err(LedgerError::io(path))
}

/// The lines of a segment, in bounded memory.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// Number of the line read last, counted from 1.
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    /// The lines from that byte on.
    pub(crate) fn open(path: PathBuf, mut file: File, offset: u64) -> Result<Self, LedgerError> {
        file.seek(SeekFrom::Start(offset)).map_err(LedgerError::io(&path))?;
        Ok(Self { path, reader: BufReader::with_capacity(1 << 16, file), number: 0, line: Vec::new() })
    }

    /// The next line without its line feed. An end that is still being written is not read.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, LedgerError> {
        self.line.clear();
        self.reader.read_until(b'\n', &mut self.line).map_err(LedgerError::io(&self.path))?;
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(&self.line))
    }

    /// The line read last, if it is no record.
    pub(crate) fn damaged(&self, reason: String) -> LedgerError {
        LedgerError::Damaged { path: self.path.clone(), line: self.number, reason }
    }
}

/// Reads the record of a line.
pub(crate) fn read_record(line: &[u8]) -> Result<EvidenceRecord, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

/// The greatest whole number that every reader of JSON knows from its neighbours (RFC 8785 section 3.2.2.3): 2^53 - 1.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// The line of a record: canonical JSON. A record has only text, whole numbers below 2^53 and ASCII names, for which sorted
/// names are all that RFC 8785 asks; the general way takes three times as long, and is what readers compare with.
///
/// # Errors
/// `Record` for a greater number: RFC 8785 would write another one.
pub(crate) fn line_of(record: &EvidenceRecord) -> Result<Vec<u8>, LedgerError> {
    let wrong = |error: serde_json::Error| LedgerError::Record(error.to_string());
    let mut value = serde_json::to_value(record).map_err(wrong)?;
    if !is_exact(&value) {
        return Err(LedgerError::Record("it has a number that is not whole, or beyond 2^53".to_owned()));
    }
    value.sort_all_objects();
    serde_json::to_vec(&value).map_err(wrong)
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            size.is_some_and(|size| size <= MAX_EXACT)
        }
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Canonical JSON (RFC 8785).
pub(crate) fn canonical(value: &impl Serialize) -> Result<Vec<u8>, LedgerError> {
    serde_json_canonicalizer::to_vec(value).map_err(|error| LedgerError::Record(error.to_string()))
}
