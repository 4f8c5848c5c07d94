//! The audit: reads everything, believes nothing that it can compute, and names what does not agree.

mod walk;

use std::collections::BTreeMap;
use std::path::Path;

use catalog_core::evidence::Event;
use exchange_crypto::{Digest, PublicKey};

use crate::checkpoints::read_line;
use crate::files::EpochFiles;
use crate::note::{Checkpoint, Note, NoteKey};
use crate::vault::Vault;
use crate::{LedgerError, Settings, durable};
use walk::{Walk, Walked};

/// Something that does not agree, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A file, with a line counted from 1 where that helps.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl Finding {
    fn at(path: &Path, line: Option<u64>, what: impl Into<String>) -> Self {
        let line = line.map(|line| format!(" line {line}")).unwrap_or_default();
        Self { place: format!("{}{line}", path.display()), what: what.into() }
    }
}

/// Whose signatures count.
#[derive(Debug, Clone, Copy)]
pub struct AuditKeys<'a> {
    /// The platform's keys, present and past.
    pub log: &'a [PublicKey],
    /// The witnesses'.
    pub witnesses: &'a [NoteKey],
}

/// What an audit has read, and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audited {
    /// Epochs of the log; more than one where its end was once lost.
    pub epochs: u64,
    /// Records.
    pub records: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Sealed texts and salts that open.
    pub texts: u64,
    /// Months whose texts are erased.
    pub erased_months: u64,
    /// What does not agree; nothing, if all is well.
    pub findings: Vec<Finding>,
}

/// Audits log, checkpoints and sealed texts of a data folder. `outside` is a checkpoint from elsewhere, such as the one a
/// witness has: the log must hold what it covers.
///
/// # Errors
/// Only where a folder can't be read at all: what is wrong with the content is a finding.
pub fn audit(
    settings: &Settings,
    keys: AuditKeys<'_>,
    outside: Option<&Note>,
) -> Result<Audited, LedgerError> {
    let mut audited = Audited::default();
    let newest = EpochFiles::newest(&settings.data_folder);
    let mut before: Option<EpochEnd> = None;
    for number in 0..=newest {
        let origin = settings.origin_of(number);
        let end = epoch(settings, number, &origin, (keys, outside), before.as_ref(), &mut audited)?;
        if number == newest {
            audited.findings.extend(end.beyond.iter().cloned());
        }
        before = Some(end);
    }
    audited.epochs = newest + 1;
    texts(settings, &mut audited)?;
    Ok(audited)
}

/// Where an epoch ends, for the one behind it.
struct EpochEnd {
    origin: String,
    records: u64,
    /// Checkpoints that cover more: wrong, unless the next epoch begins with saying so.
    beyond: Vec<Finding>,
}

fn epoch(
    settings: &Settings,
    number: u64,
    origin: &str,
    (keys, outside): (AuditKeys<'_>, Option<&Note>),
    before: Option<&EpochEnd>,
    audited: &mut Audited,
) -> Result<EpochEnd, LedgerError> {
    let files = settings.files(number);
    let mut heads = checkpoints(&files, origin, keys, audited)?;
    if let Some(outside) = outside.map(Note::checkpoint).transpose()?.filter(|head| head.origin == origin) {
        let place = "the checkpoint from outside".to_owned();
        heads.entry(outside.size).or_default().push((place, outside.root));
    }
    let Walked { records, first, findings } = Walk::over(&files, &heads)?;
    audited.findings.extend(findings);
    audited.records += records;
    if let Some(before) = before {
        let wrong = match first.map(|record| record.event) {
            Some(Event::EpochStarted { checkpoint, kept, lost, .. }) => {
                named_gap(&checkpoint, kept, lost, before, keys).err()
            }
            _ => Some("the epoch does not begin with a record of what was lost before it".to_owned()),
        };
        audited.findings.extend(wrong.map(|what| Finding::at(&files.segment_path(0), Some(1), what)));
    }
    let beyond = heads.range(records + 1..).flat_map(|(size, places)| {
        places.iter().map(move |(place, _)| Finding {
            place: place.clone(),
            what: format!("covers {size} records, but the log holds {records}: its end is lost"),
        })
    });
    Ok(EpochEnd { origin: origin.to_owned(), records, beyond: beyond.collect() })
}

fn named_gap(note: &str, kept: u64, lost: u64, before: &EpochEnd, keys: AuditKeys<'_>) -> Result<(), String> {
    let named = Note::parse(note).and_then(|note| note.checkpoint_by(keys.log));
    let named = named.map_err(|error| format!("the checkpoint it names: {error}"))?;
    let is_right =
        named.origin == before.origin && kept == before.records && named.size.checked_sub(kept) == Some(lost);
    match is_right {
        true => Ok(()),
        false => Err("the gap it names is not the one between the epochs".to_owned()),
    }
}

/// What heads the checkpoints claim, by size: each with its place and root.
type Heads = BTreeMap<u64, Vec<(String, Digest)>>;

fn checkpoints(
    files: &EpochFiles,
    origin: &str,
    keys: AuditKeys<'_>,
    audited: &mut Audited,
) -> Result<Heads, LedgerError> {
    let path = files.checkpoints();
    let mut heads = Heads::new();
    // A log without a checkpoint yet has no file.
    let content = durable::read_if_there(&path)?;
    let (whole, torn) = lines(&content);
    if !torn.is_empty() {
        audited.findings.push(Finding::at(&path, None, "its last line is torn"));
    }
    for (number, line) in (1..).zip(whole) {
        audited.checkpoints += 1;
        match signed_head(line, origin, keys) {
            Ok(head) => {
                let place = format!("{} line {number}", path.display());
                heads.entry(head.size).or_default().push((place, head.root));
            }
            Err(what) => audited.findings.push(Finding::at(&path, Some(number), what)),
        }
    }
    Ok(heads)
}

fn signed_head(line: &[u8], origin: &str, keys: AuditKeys<'_>) -> Result<Checkpoint, String> {
    let signed = read_line(line).map_err(|error| error.to_string())?;
    let head = signed.note.checkpoint_by(keys.log).map_err(|error| error.to_string())?;
    if head.origin != origin {
        return Err(format!("it is of another log, `{}`", head.origin));
    }
    let own = keys.log.iter().map(|key| NoteKey::of_log(origin, *key));
    let known: Vec<_> = own.chain(keys.witnesses.iter().cloned()).collect();
    for signature in &signed.note.signatures {
        let alone = Note { text: signed.note.text.clone(), signatures: vec![signature.clone()] };
        if !known.iter().any(|key| key.signed(&alone).is_some()) {
            return Err(format!(
                "the signature of `{}` does not hold, or its key is not known",
                signature.name
            ));
        }
    }
    Ok(head)
}

/// The whole lines of a file without their line feeds, and what follows the last line feed.
fn lines(content: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut lines: Vec<_> = content.split(|byte| *byte == b'\n').collect();
    let rest = lines.pop().unwrap_or_default();
    (lines, rest)
}

fn texts(settings: &Settings, audited: &mut Audited) -> Result<(), LedgerError> {
    let vault = Vault::open(&settings.data_folder)?;
    for (month, is_erased) in vault.months()? {
        if is_erased {
            audited.erased_months += 1;
            continue;
        }
        let path = vault.file(&month);
        vault.read_month(&month, |number, kept| {
            match kept {
                Ok(_) => audited.texts += 1,
                Err(error) => audited.findings.push(Finding::at(&path, Some(number), error.to_string())),
            }
            Ok(())
        })?;
    }
    Ok(())
}
