//! Whether pairs agree with records.

use catalog_core::identity::{canonical_identifier, canonical_name};
use datasets_index::{Entry, Index, IndexError, Records};

use super::opened::Failure;
use super::rows::RowPolicy;

/// Rows at which is looked together.
const TOGETHER: usize = 8_192;
/// Rows of one identifier; one that has more names no record.
const ROWS: usize = 10_000;

/// Two values of whoever asks, in any spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// Of the item that names the record.
    pub identifier: String,
    /// Of the item that must agree.
    pub attribute: String,
}

/// What verification says of a pair. There is nothing else that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// 一致: a record has both values.
    Match,
    /// 不一致: records have the identifier, and none of them the other value.
    Mismatch,
    /// 库中无此号: no record has the identifier.
    Unknown,
}

impl std::fmt::Debug for Pair {
    /// Pairs are personal: no log shows them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair")
    }
}

/// A pair as the index knows it.
struct Hashed {
    id: [u8; 16],
    tag: [u8; 8],
    place: usize,
}

/// The verdicts on pairs, in their order. Whether a record is there costs the same work: where there is none, another one is
/// looked at.
pub(super) fn of(
    pairs: &[Pair],
    index: &Index,
    records: &Records,
    policy: &RowPolicy,
) -> Result<Vec<Verdict>, Failure> {
    let hash = |(place, Pair { identifier, attribute }): (usize, &Pair)| {
        let identifier = canonical_identifier(identifier);
        let tag = index.key().tag(&identifier, [canonical_name(attribute).as_str()]);
        Hashed { id: index.key().id(&identifier), tag, place }
    };
    let mut hashed: Vec<_> = pairs.iter().enumerate().map(hash).collect();
    // An identifier is looked for once, however often it is asked for.
    hashed.sort_unstable_by_key(|pair| pair.id);
    let mut looking =
        Looking { records, policy, looks: Vec::new(), verdicts: vec![Verdict::Unknown; pairs.len()] };
    for alike in hashed.chunk_by(|one, other| one.id == other.id) {
        let Some(Hashed { id, .. }) = alike.first() else { continue };
        let entries = index.find(id)?;
        if entries.len() > ROWS {
            return Err(Failure::Crowded);
        }
        match entries.len() {
            0 if !records.is_empty() => {
                let row = u64::from_be_bytes(std::array::from_fn(|byte| id[byte])) % records.len();
                looking.at(row, &[], [0; 8])?;
            }
            _ => entries.into_iter().try_for_each(|Entry { row, tag, .. }| looking.at(row, alike, tag))?,
        }
    }
    looking.settled()
}

/// A row at which is looked, with what it holds, for these pairs.
struct Look<'a> {
    row: u64,
    tag: [u8; 8],
    pairs: &'a [Hashed],
}

/// Rows at which is looked together, and what came of those before.
struct Looking<'a> {
    records: &'a Records,
    policy: &'a RowPolicy,
    looks: Vec<Look<'a>>,
    verdicts: Vec<Verdict>,
}

impl<'a> Looking<'a> {
    fn at(&mut self, row: u64, pairs: &'a [Hashed], tag: [u8; 8]) -> Result<(), IndexError> {
        self.looks.push(Look { row, tag, pairs });
        if self.looks.len() == TOGETHER { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<(), IndexError> {
        let looks = std::mem::take(&mut self.looks);
        let rows: Vec<_> = looks.iter().map(|look| look.row).collect();
        let shown = self.policy.shows(self.records, &rows)?;
        for (place, Look { tag, pairs, .. }) in looks.into_iter().enumerate() {
            if shown.as_ref().is_some_and(|shown| !shown.value(place)) {
                continue;
            }
            for pair in pairs {
                let verdict = &mut self.verdicts[pair.place];
                if pair.tag == tag {
                    *verdict = Verdict::Match;
                } else if *verdict == Verdict::Unknown {
                    *verdict = Verdict::Mismatch;
                }
            }
        }
        Ok(())
    }

    fn settled(mut self) -> Result<Vec<Verdict>, Failure> {
        self.settle()?;
        Ok(self.verdicts)
    }
}
