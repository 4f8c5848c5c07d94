//! What is wrong with a query, in words of ours. The planner's words are matched and never passed on.

use std::collections::BTreeSet;

use catalog_core::{Error, ErrorCode};
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{Column, SchemaError};

/// Where the functions are listed.
pub(crate) const FUNCTIONS: &str = "/api/v1/sql/functions";
/// Where the dialect is described.
const DIALECT: &str = "/api/v1/sql/dialect";
/// The longest name for which similar ones are looked up, in bytes.
const NAME_BYTES: usize = 200;
/// How many names a message offers.
const OFFERED: usize = 8;

/// By a part of the planner's words: what to tell instead.
const MISTAKES: [(&str, &str); 17] = [
    ("unique expression names", SAME_NAME),
    ("must appear in the GROUP BY", "a column is neither in GROUP BY nor within an aggregate function"),
    ("must appear in select list", "ORDER BY of a SELECT DISTINCT goes by what is not in the select list"),
    ("different number of columns", "the queries of a set operation have different numbers of columns"),
    ("out of bounds", "ORDER BY goes by a column number that the select list does not have"),
    (
        "Cannot find column with position",
        "GROUP BY goes by a column number that the select list does not have",
    ),
    ("not allowed in the WHERE clause", "an aggregate function stands in WHERE; write HAVING"),
    ("cannot be nested", "an aggregate function stands within another; aggregate in a subquery first"),
    ("is not in grouping columns", "GROUPING takes columns of GROUP BY"),
    ("Invalid function", "a window function stands without OVER"),
    ("SELECT * with no tables", "SELECT * needs a table"),
    ("is not defined!", "OVER names a window that the query does not define"),
    ("LIMIT", "LIMIT and OFFSET take whole numbers"),
    ("Unsupported SQL type", "CAST names a type that is not offered"),
    ("non-boolean predicate", "a condition is neither true nor false; compare it with a value"),
    ("should only return one column", "a subquery that stands for a value or a list gives one column"),
    ("subquery", "a subquery of this form is not offered; write a join"),
];

const SAME_NAME: &str = "two columns of a select list have one name; give one of them another with AS";
const TYPES: &str = "values of types that do not fit are compared or put together; convert them with CAST";

/// By a part of the planner's words: these are about types.
const OF_TYPES: [&str; 6] = ["coerce", "coercion", "common type", "Cannot infer", "cast", "data type"];
/// By a part of the planner's words: these are about a function's arguments.
const OF_ARGUMENTS: [&str; 4] = ["arguments", "No function matches", "signature", "expects"];

/// What the planner refuses.
pub(crate) fn refused(words: &str) -> Error {
    let known = MISTAKES.iter().find(|(part, _)| words.contains(part)).map(|(_, told)| (*told).to_owned());
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let told = known.unwrap_or_else(|| {
        if has(&OF_ARGUMENTS) {
            format!("a function is called with arguments of a number or type that it does not take; see {FUNCTIONS}")
        } else if has(&OF_TYPES) {
            TYPES.to_owned()
        } else {
            format!("this form of query is not offered; {DIALECT} says what is")
        }
    });
    Error::new(ErrorCode::SqlUnsupported, told)
}

/// A name that the planner can't place. `visible` are the columns of the query's tables that the caller sees.
pub(crate) fn name(found: &SchemaError, visible: &BTreeSet<String>) -> Error {
    match found {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields, visible),
        SchemaError::AmbiguousReference { field } if field.relation.is_none() => {
            let message =
                format!("several tables of the query have a column {}; write table.column", field.name);
            Error::new(ErrorCode::UnknownColumn, message)
        }
        _ => Error::new(ErrorCode::SqlUnsupported, SAME_NAME),
    }
}

fn unknown_column(field: &Column, valid: &[Column], visible: &BTreeSet<String>) -> Error {
    let qualified = |column: &Column| match &column.relation {
        Some(table) => format!("{}.{}", table.table(), column.name),
        None => column.name.clone(),
    };
    let elsewhere: Vec<String> =
        valid.iter().filter(|column| column.name == field.name).map(qualified).collect();
    let hint = match elsewhere.is_empty() {
        false => offer("write", elsewhere.iter().map(String::as_str)),
        true => {
            let here: BTreeSet<&str> = valid.iter().map(|column| column.name.as_str()).collect();
            let visible: BTreeSet<&str> = visible.iter().map(String::as_str).collect();
            let others = here.union(&visible).copied().filter(|name| *name != field.name);
            match similar(&field.name, others) {
                near if !near.is_empty() => offer("did you mean", near.into_iter()),
                _ if here.is_empty() => offer("there are", visible.into_iter()),
                _ => offer("there are", here.into_iter()),
            }
        }
    };
    let written: String = qualified(field).chars().take(NAME_BYTES).collect();
    Error::new(ErrorCode::UnknownColumn, format!("there is no column {written}{hint}"))
}

/// A clause that the planner would drop.
pub(crate) fn no_window(name: &str) -> Error {
    let message = format!("{name} is no window function and takes no OVER; see {FUNCTIONS}");
    Error::new(ErrorCode::SqlUnsupported, message)
}

/// A function that is not offered, with those of like names.
pub(crate) fn unknown_function(name: &str) -> Error {
    let hint =
        offer("did you mean", similar(name, crate::functions().map(|function| function.name)).into_iter());
    let written: String = name.chars().take(NAME_BYTES).collect();
    let message = format!("the function {written} is not offered{hint}; see {FUNCTIONS}");
    Error::new(ErrorCode::SqlUnsupported, message)
}

fn offer<'a>(how: &str, names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    match all.split_at_checked(OFFERED) {
        Some((first, more)) if !more.is_empty() => {
            format!("; {how} {} and {} more", first.join(", "), more.len())
        }
        _ if all.is_empty() => String::new(),
        _ => format!("; {how} {}", all.join(", ")),
    }
}

/// Names that differ from this one in at most a third of their letters, the nearest first.
fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > NAME_BYTES {
        return Vec::new();
    }
    let name = name.to_lowercase();
    let most = |other: &str| name.chars().count().max(other.chars().count()) / 3;
    let mut near: Vec<(usize, &str)> = known
        .map(|other| (levenshtein(&name, &other.to_lowercase()), other))
        .filter(|(distance, other)| *distance <= most(other))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, other)| other).collect()
}
