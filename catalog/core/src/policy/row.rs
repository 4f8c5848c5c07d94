//! Whether a row of which some values are known would be shown: a filter evaluated as SQL does, where what is not known stays
//! open.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::{BoundFilter, Filter, TypedLiteral};

/// Values of a row that are known, by column.
pub type KnownValues = BTreeMap<String, TypedLiteral>;

/// What a policy says of rows with some values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowVerdict {
    /// All rows with these values are shown.
    Shown,
    /// None of them is.
    Hidden,
    /// Other values decide.
    Depends,
}

impl RowVerdict {
    /// Of a policy's filter; without one every row is shown.
    pub fn of(filter: Option<&BoundFilter>, row: &KnownValues) -> Self {
        match filter.map_or(Some(true), |filter| holds(filter, row)) {
            Some(true) => Self::Shown,
            Some(false) => Self::Hidden,
            None => Self::Depends,
        }
    }
}

fn holds(filter: &BoundFilter, row: &KnownValues) -> Option<bool> {
    let is = |column: &String, value: &TypedLiteral, test: fn(Ordering) -> bool| {
        compare(row.get(column)?, value).map(test)
    };
    match filter {
        Filter::And(all) => joined(all, row, false),
        Filter::Or(any) => joined(any, row, true),
        Filter::Not(inner) => holds(inner, row).map(|held| !held),
        Filter::Eq(column, value) => is(column, value, Ordering::is_eq),
        Filter::Ne(column, value) => is(column, value, Ordering::is_ne),
        Filter::Lt(column, value) => is(column, value, Ordering::is_lt),
        Filter::Le(column, value) => is(column, value, Ordering::is_le),
        Filter::Gt(column, value) => is(column, value, Ordering::is_gt),
        Filter::Ge(column, value) => is(column, value, Ordering::is_ge),
        Filter::In(column, values) => {
            let known = row.get(column)?;
            Some(values.iter().any(|value| compare(known, value) == Some(Ordering::Equal)))
        }
        Filter::Between(column, low, high) => {
            Some(is(column, low, Ordering::is_ge)? && is(column, high, Ordering::is_le)?)
        }
        Filter::Like(column, pattern) => match row.get(column)? {
            TypedLiteral::Text(text) => Some(is_like(text, pattern)),
            _ => None,
        },
        // Who names a value says that there is one.
        Filter::IsNull(column) => row.get(column).map(|_| false),
    }
}

/// Of several: one that is `decisive` decides, and else one that is open leaves all open.
fn joined(filters: &[BoundFilter], row: &KnownValues, decisive: bool) -> Option<bool> {
    let mut open = false;
    for filter in filters {
        match holds(filter, row) {
            Some(held) if held == decisive => return Some(decisive),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(!decisive)
}

/// Values of the same column have the same type; text goes by its bytes, as in storage.
fn compare(one: &TypedLiteral, other: &TypedLiteral) -> Option<Ordering> {
    use TypedLiteral as T;
    match (one, other) {
        (T::Text(one), T::Text(other)) => Some(one.cmp(other)),
        (T::Int(one), T::Int(other)) => Some(one.cmp(other)),
        (T::Decimal { unscaled: one, .. }, T::Decimal { unscaled: other, .. }) => Some(one.cmp(other)),
        (T::Double(one), T::Double(other)) => one.partial_cmp(other),
        (T::Float(one), T::Float(other)) => one.partial_cmp(other),
        (T::Date(one), T::Date(other)) => Some(one.cmp(other)),
        (T::Timestamp(one), T::Timestamp(other)) => Some(one.cmp(other)),
        (T::Bool(one), T::Bool(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// `%` stands for any characters, `_` for one. What fits the pattern so far moves along the text.
fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for (place, _) in fits.iter().enumerate().filter(|(_, fits)| **fits) {
            match wanted {
                '%' => next[place..].fill(true),
                _ if text.get(place).is_some_and(|found| wanted == '_' || *found == wanted) => {
                    next[place + 1] = true;
                }
                _ => {}
            }
        }
        fits = next;
    }
    fits[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> TypedLiteral {
        TypedLiteral::Text(value.to_owned())
    }

    fn verdict(filter: BoundFilter, known: &[(&str, TypedLiteral)]) -> RowVerdict {
        let row = known.iter().map(|(column, value)| ((*column).to_owned(), value.clone())).collect();
        RowVerdict::of(Some(&filter), &row)
    }

    #[test]
    fn known_values_decide_and_unknown_ones_leave_it_open() {
        let county = || Filter::Eq("county".to_owned(), text("360481"));
        let old = || Filter::Ge("age".to_owned(), TypedLiteral::Int(60));
        let here = ("county", text("360481"));
        let there = ("county", text("360482"));
        let age = |years| ("age", TypedLiteral::Int(years));
        use RowVerdict::{Depends, Hidden, Shown};
        for (filter, known, expected) in [
            (county(), vec![here.clone()], Shown),
            (county(), vec![there.clone()], Hidden),
            (county(), vec![age(60)], Depends),
            (Filter::And(vec![county(), old()]), vec![here.clone()], Depends),
            (Filter::And(vec![old(), county()]), vec![there.clone()], Hidden),
            (Filter::And(vec![county(), old()]), vec![here.clone(), age(60)], Shown),
            (Filter::And(vec![]), vec![], Shown),
            (Filter::Or(vec![old(), county()]), vec![here.clone()], Shown),
            (Filter::Or(vec![county(), old()]), vec![there.clone()], Depends),
            (Filter::Or(vec![county(), old()]), vec![there.clone(), age(59)], Hidden),
            (Filter::Not(Box::new(county())), vec![there.clone()], Shown),
            (Filter::Not(Box::new(county())), vec![], Depends),
            (Filter::In("county".to_owned(), vec![text("1"), text("360481")]), vec![here.clone()], Shown),
            (
                Filter::Between("age".to_owned(), TypedLiteral::Int(1), TypedLiteral::Int(9)),
                vec![age(9)],
                Shown,
            ),
            (
                Filter::Between("age".to_owned(), TypedLiteral::Int(1), TypedLiteral::Int(9)),
                vec![age(10)],
                Hidden,
            ),
            (Filter::IsNull("county".to_owned()), vec![here.clone()], Hidden),
            (Filter::IsNull("age".to_owned()), vec![here.clone()], Depends),
            (Filter::Eq("age".to_owned(), text("60")), vec![age(60)], Depends),
        ] {
            assert_eq!(verdict(filter.clone(), &known), expected, "{filter:?} {known:?}");
        }
        assert_eq!(RowVerdict::of(None, &KnownValues::new()), Shown);
    }

    #[test]
    fn patterns_are_those_of_sql() {
        for (value, pattern, fits) in [
            ("九江市", "九%", true),
            ("九江市", "_江_", true),
            ("九江市", "九江", false),
            ("", "%", true),
            ("", "_", false),
            ("aXbXc", "a%X%c", true),
            ("aXbXc", "a%Y%c", false),
            ("ab", "%%b", true),
        ] {
            assert_eq!(is_like(value, pattern), fits, "{value} {pattern}");
        }
    }
}
