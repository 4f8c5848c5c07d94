//! The published entries in memory, as narrow as filters, facets and order need them. 100,000 take about 10 MB.

mod conditions;

use std::collections::{HashMap, HashSet};

use catalog_core::ports::{Facet, SearchOrder, SearchQuery};
use catalog_core::{Result, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::changes::CHANGED;
use crate::failure::failed;
use crate::json;

/// The facets with their columns in `search_entries`.
const FIELDS: [(&str, &str); 6] = [
    ("department", "department"),
    ("sharing", "sharing"),
    ("opening", "opening"),
    ("update_cycle", "update_cycle"),
    ("format", "format"),
    ("classification", "item"),
];

/// The fields of which an entry has any number of values, as `search_values` names them.
const WORDS: [&str; 2] = ["keyword", "licence"];

const DEPARTMENT: usize = 0;
const SHARING: usize = 1;
const OPENING: usize = 2;
const UPDATE_CYCLE: usize = 3;
const FORMAT: usize = 4;

/// All entries, at the places of their row numbers, as of some change.
#[derive(Debug, Default)]
pub(super) struct Listing {
    known: Option<i64>,
    rows: Vec<Option<Listed>>,
    fields: [Values; FIELDS.len()],
    words: [Values; WORDS.len()],
}

/// One published entry.
#[derive(Debug)]
struct Listed {
    code: String,
    /// Place among all codes.
    order: u32,
    title_length: u32,
    /// Numbers of its values, by field.
    values: [u32; FIELDS.len()],
    /// Numbers of its values, by field of [`WORDS`].
    words: [Vec<u32>; WORDS.len()],
    /// When the public saw it change, or will.
    changes: Vec<Timestamp>,
}

impl Listed {
    /// When it last changed; what nobody can date may do so at any time.
    fn changed(&self, now: Timestamp) -> Timestamp {
        let past = self.changes.iter().filter(|time| **time <= now);
        past.max().copied().unwrap_or(Timestamp(i64::MAX))
    }

    /// Its place in an order: lesser ones come first.
    fn place(&self, query: &SearchQuery, tier: Option<u8>) -> (i64, u32, u32) {
        let last_first = u32::MAX - self.order;
        match (query.order, tier) {
            (SearchOrder::Best, Some(tier)) => (-i64::from(tier), self.title_length, self.order),
            (SearchOrder::Best | SearchOrder::Code, _) => (0, 0, self.order),
            (SearchOrder::CodeDescending, _) => (0, 0, last_first),
            (SearchOrder::Changed, _) => (self.changed(query.now).0, 0, self.order),
            (SearchOrder::ChangedDescending, _) => {
                (self.changed(query.now).0.saturating_neg(), 0, last_first)
            }
        }
    }
}

/// The different values of a field.
#[derive(Debug, Default)]
struct Values {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

/// How well the words of a query match, by row number: 1 is anywhere, 3 in the name. What is not there does not match.
#[derive(Debug, Default)]
pub(super) struct Tiers(Vec<u8>);

/// What a search selects.
pub(super) struct Selection {
    /// The rows of the page, best first.
    pub(super) page: Vec<Found>,
    /// Number of all matching rows.
    pub(super) total: u64,
    /// Counts, if wanted.
    pub(super) facets: Vec<Facet>,
}

/// A row of a page.
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) department: String,
    pub(super) sharing: String,
    pub(super) opening: String,
}

impl Tiers {
    /// Raises the rows that match in a narrower place, too; answers the first and the last of them.
    pub(super) fn narrow(&mut self, ids: impl Iterator<Item = usize>) -> Option<(i64, i64)> {
        let (mut first, mut last) = (usize::MAX, 0);
        for id in ids {
            (first, last) = (first.min(id), last.max(id));
            if self.0.len() <= id {
                self.0.resize(id + 1, 0);
            }
            self.0[id] += 1;
        }
        Some((i64::try_from(first).ok()?, i64::try_from(last).ok()?))
    }
}

impl Values {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

impl Listing {
    /// The number of the last change that it holds; -1 before the first.
    pub(super) fn known(&self) -> i64 {
        self.known.unwrap_or(-1)
    }

    /// Takes over changed rows of `search_entries`, with theirs of `search_values`.
    pub(super) fn apply(&mut self, rows: &[AnyRow], values: &[AnyRow]) -> Result<()> {
        let mut has_new = false;
        let mut read = HashSet::with_capacity(rows.len());
        for row in rows {
            has_new |= self.apply_row(row).map_err(failed)?;
            read.insert(row.try_get::<i64, _>("id").map_err(failed)?);
        }
        for row in values {
            // What changed after the rows were read comes with its row the next time, and would be there twice.
            if read.contains(&row.try_get::<i64, _>("id").map_err(failed)?) {
                self.apply_value(row).map_err(failed)?;
            }
        }
        // What is changed keeps its place, and so do the others when one is withdrawn.
        if !has_new {
            return Ok(());
        }
        let mut codes: Vec<&mut Listed> = self.rows.iter_mut().flatten().collect();
        codes.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        for (order, listed) in (0..).zip(codes) {
            listed.order = order;
        }
        Ok(())
    }

    /// Whether the row is of an entry that was not listed before.
    fn apply_row(&mut self, row: &AnyRow) -> Result<bool, sqlx::Error> {
        let (id, changed): (i64, i64) = (row.try_get("id")?, row.try_get("changed")?);
        let place = usize::try_from(id).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let mut values = [0; FIELDS.len()];
        for (number, (field, (_, column))) in values.iter_mut().zip(self.fields.iter_mut().zip(FIELDS)) {
            *number = field.number(row.try_get(column)?);
        }
        let title_length = u32::try_from(row.try_get::<i64, _>("title_length")?).unwrap_or(u32::MAX);
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, || None);
        }
        let known = self.rows[place].take().map(|listed| listed.order);
        self.known = self.known.max(Some(changed));
        let is_listed = row.try_get::<i64, _>("listed")? == 1;
        if is_listed {
            let (words, changes) = Default::default();
            let (code, order) = (row.try_get("code")?, known.unwrap_or_default());
            self.rows[place] = Some(Listed { code, order, title_length, values, words, changes });
        }
        Ok(is_listed && known.is_none())
    }

    fn apply_value(&mut self, row: &AnyRow) -> Result<(), sqlx::Error> {
        let (id, field): (i64, &str) = (row.try_get("id")?, row.try_get("field")?);
        let Ok(place) = usize::try_from(id) else { return Ok(()) };
        // What is withdrawn has no values, though its row may have been read before that.
        let Some(Some(listed)) = self.rows.get_mut(place) else { return Ok(()) };
        if field == CHANGED {
            let time: &str = row.try_get("value")?;
            let time = time.parse::<i64>().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            listed.changes.push(Timestamp(time));
        } else if let Some(field) = WORDS.iter().position(|name| *name == field) {
            listed.words[field].push(self.words[field].number(row.try_get("value")?));
        }
        Ok(())
    }

    /// The rows that match the filters of a query and, if it has words, their tiers. Best are matches in narrower places, then
    /// shorter names; without words the order is that of the codes.
    pub(super) fn select(&self, query: &SearchQuery, tiers: Option<&Tiers>, limit: u32) -> Selection {
        let mut counts = self.fields.each_ref().map(|field| vec![0_u64; field.names.len()]);
        let mut word_counts = self.words.each_ref().map(|field| vec![0_u64; field.names.len()]);
        let conditions = self.conditions(&query.conditions);
        let mut matches = Vec::new();
        if let Some(wanted) = self.wanted(query) {
            let closed = self.fields[OPENING].numbers.get("closed").filter(|_| query.public_only);
            let prefix = query.classification.as_deref().unwrap_or("");
            for (id, listed) in self.rows.iter().enumerate() {
                let Some(listed) = listed else { continue };
                let tier = tiers.map_or(0, |tiers| tiers.0.get(id).copied().unwrap_or(0));
                if tiers.is_some() && tier == 0
                    || closed == Some(&listed.values[OPENING])
                    || !prefix.is_empty() && !listed.code.starts_with(prefix)
                    || wanted.iter().any(|(field, value)| listed.values[*field] != *value)
                    || !conditions.hold_for(listed)
                    || !query.changed.is_none_or(|(from, until)| {
                        let time = listed.changed(query.now);
                        time.0 == i64::MAX || (from..=until).contains(&time)
                    })
                {
                    continue;
                }
                matches.push((listed.place(query, tiers.map(|_| tier)), id));
                if query.facets {
                    for (count, value) in counts.iter_mut().zip(listed.values) {
                        count[value as usize] += 1;
                    }
                }
                if query.word_facets {
                    for (count, values) in word_counts.iter_mut().zip(&listed.words) {
                        values.iter().for_each(|value| count[*value as usize] += 1);
                    }
                }
            }
        }
        let total = matches.len() as u64;
        let mut facets = Vec::new();
        if query.facets {
            let names = FIELDS.map(|(field, _)| field);
            facets.extend(names.into_iter().zip(&self.fields).zip(&counts).map(facet));
        }
        if query.word_facets {
            facets.extend(WORDS.into_iter().zip(&self.words).zip(&word_counts).map(facet));
        }
        let page = page(matches, query.offset as usize, limit as usize);
        Selection { page: page.into_iter().filter_map(|id| self.found(id)).collect(), total, facets }
    }

    /// The values that a query fixes; `None` if one of them is nowhere.
    fn wanted(&self, query: &SearchQuery) -> Option<Vec<(usize, u32)>> {
        let cycle = query.update_cycle.and_then(|cycle| json::to_word(cycle).ok());
        let wanted = [
            (DEPARTMENT, query.department.as_ref().map(|department| department.to_string())),
            (SHARING, query.sharing.map(|digit| digit.to_string())),
            (OPENING, query.opening.clone()),
            (UPDATE_CYCLE, cycle),
            (FORMAT, query.format.clone()),
        ];
        let given = wanted.into_iter().filter_map(|(field, name)| Some((field, name?)));
        given.map(|(field, name)| Some((field, *self.fields[field].numbers.get(&name)?))).collect()
    }

    fn found(&self, id: usize) -> Option<Found> {
        let listed = self.rows.get(id)?.as_ref()?;
        let name = |field: usize| self.fields[field].names.get(listed.values[field] as usize).cloned();
        Some(Found {
            id: i64::try_from(id).ok()?,
            code: listed.code.clone(),
            department: name(DEPARTMENT)?,
            sharing: name(SHARING)?,
            opening: name(OPENING)?,
        })
    }
}

/// The counts of a field, most first, without what is nowhere.
fn facet(((field, values), counts): ((&str, &Values), &Vec<u64>)) -> Facet {
    let all = values.names.iter().cloned().zip(counts.iter().copied());
    let mut counts: Vec<(String, u64)> = all.filter(|(_, count)| *count > 0).collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    Facet { field: field.to_owned(), counts }
}

/// The row numbers of one page; only what stands before its end is sorted.
fn page<P: Ord>(mut matches: Vec<(P, usize)>, offset: usize, limit: usize) -> Vec<usize> {
    let end = offset.saturating_add(limit);
    if end < matches.len() {
        matches.select_nth_unstable(end);
        matches.truncate(end);
    }
    matches.sort_unstable();
    matches.into_iter().skip(offset).map(|(_, id)| id).collect()
}
