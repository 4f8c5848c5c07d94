//! The published entries in memory, as narrow as filters, facets and order need them. 100,000 take about 10 MB.

mod conditions;

use std::collections::HashMap;

use catalog_core::Result;
use catalog_core::ports::{Facet, SearchOrder, SearchQuery};
use sqlx::Row;
use sqlx::any::AnyRow;

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
        for row in rows {
            self.apply_row(row).map_err(failed)?;
        }
        for row in values {
            self.apply_value(row).map_err(failed)?;
        }
        let mut codes: Vec<&mut Listed> = self.rows.iter_mut().flatten().collect();
        codes.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        for (order, listed) in (0..).zip(codes) {
            listed.order = order;
        }
        Ok(())
    }

    fn apply_row(&mut self, row: &AnyRow) -> Result<(), sqlx::Error> {
        let (id, changed): (i64, i64) = (row.try_get("id")?, row.try_get("changed")?);
        let place = usize::try_from(id).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let mut values = [0; FIELDS.len()];
        for (number, (field, (_, column))) in values.iter_mut().zip(self.fields.iter_mut().zip(FIELDS)) {
            *number = field.number(row.try_get(column)?);
        }
        let title_length = u32::try_from(row.try_get::<i64, _>("title_length")?).unwrap_or(u32::MAX);
        let words = Default::default();
        let listed = Listed { code: row.try_get("code")?, order: 0, title_length, values, words };
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, || None);
        }
        self.rows[place] = (row.try_get::<i64, _>("listed")? == 1).then_some(listed);
        self.known = self.known.max(Some(changed));
        Ok(())
    }

    fn apply_value(&mut self, row: &AnyRow) -> Result<(), sqlx::Error> {
        let (id, field): (i64, &str) = (row.try_get("id")?, row.try_get("field")?);
        let Ok(place) = usize::try_from(id) else { return Ok(()) };
        let Some(field) = WORDS.iter().position(|name| *name == field) else { return Ok(()) };
        let number = self.words[field].number(row.try_get("value")?);
        // What is withdrawn has no values, though its row may have been read before that.
        if let Some(Some(listed)) = self.rows.get_mut(place) {
            listed.words[field].push(number);
        }
        Ok(())
    }

    /// The codes of all entries, or of those that are not closed, in order.
    pub(super) fn codes(&self, public_only: bool) -> Vec<String> {
        let closed = self.fields[OPENING].numbers.get("closed").filter(|_| public_only);
        let listed = self.rows.iter().flatten().filter(|listed| closed != Some(&listed.values[OPENING]));
        let mut listed: Vec<&Listed> = listed.collect();
        listed.sort_unstable_by_key(|listed| listed.order);
        listed.into_iter().map(|listed| listed.code.clone()).collect()
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
                {
                    continue;
                }
                matches.push(match query.order {
                    SearchOrder::Best if tiers.is_some() => {
                        (u8::MAX - tier, listed.title_length, listed.order, id)
                    }
                    SearchOrder::Best | SearchOrder::Code => (0, 0, listed.order, id),
                    SearchOrder::CodeDescending => (0, 0, u32::MAX - listed.order, id),
                });
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
fn page(mut matches: Vec<(u8, u32, u32, usize)>, offset: usize, limit: usize) -> Vec<usize> {
    let end = offset.saturating_add(limit);
    if end < matches.len() {
        matches.select_nth_unstable(end);
        matches.truncate(end);
    }
    matches.sort_unstable();
    matches.into_iter().skip(offset).map(|(.., id)| id).collect()
}
