//! The audit: reads everything, believes nothing that it can compute, and names what does not agree.

mod texts;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;

use catalog_core::evidence::{Event, EvidenceRecord};
use exchange_crypto::{Digest, PublicKey};

use crate::checkpoints::read_line;
use crate::files::EpochFiles;
use crate::note::{Checkpoint, Note, NoteKey};
use crate::vault::Vault;
use crate::{LedgerError, Settings, durable};
use texts::Texts;
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
    let origins: Vec<_> = (0..=newest).map(|number| settings.origin_of(number)).collect();
    let outside = outside.and_then(|note| match outside_head(note, &origins, keys) {
        Ok(head) => Some(head),
        Err(what) => {
            audited.findings.push(Finding { place: OUTSIDE.to_owned(), what });
            None
        }
    });
    let vault = Vault::open(&settings.data_folder)?;
    let mut texts = Texts::of(&vault);
    let mut before: Option<EpochEnd> = None;
    for (number, origin) in (0..).zip(&origins) {
        let files = settings.files(number);
        let mut heads = checkpoints(&files, origin, keys, &mut audited)?;
        if let Some(outside) = outside.as_ref().filter(|head| head.origin == *origin) {
            heads.entry(outside.size).or_default().push((OUTSIDE.to_owned(), outside.root));
        }
        let Walked { records, first, findings } = Walk::over(&files, &heads, &mut texts)?;
        audited.findings.extend(findings);
        audited.records += records;
        if let Some(before) = before {
            let wrong = before.gap(first, keys).map(|named| before.lost_more(&named));
            audited.findings.extend(
                wrong.unwrap_or_else(|what| vec![Finding::at(&files.segment_path(0), Some(1), what)]),
            );
        }
        before = Some(EpochEnd { origin: origin.clone(), records, beyond: heads.split_off(&(records + 1)) });
    }
    audited.findings.extend(before.iter().flat_map(EpochEnd::lost));
    audited.epochs = newest + 1;
    texts.finish(&mut audited)?;
    Ok(audited)
}

/// How a finding names the checkpoint from outside.
const OUTSIDE: &str = "the checkpoint from outside";

/// The head of a checkpoint from outside, if it is one that the log can be held to.
fn outside_head(note: &Note, origins: &[String], keys: AuditKeys<'_>) -> Result<Checkpoint, String> {
    let head = note.checkpoint().map_err(|error| error.to_string())?;
    if !origins.contains(&head.origin) {
        return Err(format!("it is of `{}`, which is no epoch of this log", head.origin));
    }
    match known_keys(&head.origin, keys).iter().any(|key| key.signed(note).is_some()) {
        true => Ok(head),
        false => Err("neither a key of the log nor one of a witness has signed it".to_owned()),
    }
}

/// The keys whose signatures count on checkpoints of an epoch.
fn known_keys(origin: &str, keys: AuditKeys<'_>) -> Vec<NoteKey> {
    let own = keys.log.iter().map(|key| NoteKey::of_log(origin, *key));
    own.chain(keys.witnesses.iter().cloned()).collect()
}

/// Where an epoch ends, for the one behind it.
struct EpochEnd {
    origin: String,
    records: u64,
    /// Heads that cover more: wrong, unless the next epoch begins with saying so.
    beyond: Heads,
}

impl EpochEnd {
    /// That its end is lost, for each head that says so.
    fn lost(&self) -> impl Iterator<Item = Finding> {
        self.beyond.iter().flat_map(move |(size, claims)| {
            claims.iter().map(move |(place, _)| Finding {
                place: place.clone(),
                what: format!("covers {size} records, but the log holds {}: its end is lost", self.records),
            })
        })
    }

    /// The last head of it that the next epoch names, and with it the gap.
    fn gap(&self, first: Option<EvidenceRecord>, keys: AuditKeys<'_>) -> Result<Checkpoint, String> {
        let Some(Event::EpochStarted { checkpoint, kept, lost, .. }) = first.map(|record| record.event)
        else {
            return Err("the epoch does not begin with a record of what was lost before it".to_owned());
        };
        let named = Note::parse(&checkpoint).and_then(|note| note.checkpoint_by(keys.log));
        let named = named.map_err(|error| format!("the checkpoint it names: {error}"))?;
        let is_right =
            named.origin == self.origin && kept == self.records && named.size.checked_sub(kept) == Some(lost);
        match is_right {
            true => Ok(named),
            false => Err("the gap it names is not the one between the epochs".to_owned()),
        }
    }

    /// Heads that the named last one does not cover: more was lost than is said.
    fn lost_more(&self, named: &Checkpoint) -> Vec<Finding> {
        let covering = self
            .beyond
            .range(named.size..)
            .flat_map(|(size, claims)| claims.iter().map(move |(place, root)| (place, (*size, *root))));
        let other = covering.filter(|(_, head)| *head != (named.size, named.root));
        let finding = |(place, (size, _)): (&String, (u64, Digest))| Finding {
            place: place.clone(),
            what: format!(
                "covers {size} records, but the next epoch says that the last head was another, of {} records: more was \
                 lost than it names",
                named.size
            ),
        };
        other.map(finding).collect()
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
    let known = known_keys(origin, keys);
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
