//! What the columns of an answer are called: as the caller wrote them, and each name once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use catalog_core::Result;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr};

use super::names::normal;

/// The longest name made of an expression, in characters; JSON repeats it in every row.
const NAME_CHARS: usize = 128;

/// By the name that the planner uses, the one that the caller wrote, where they differ.
pub(crate) type Shown = BTreeMap<String, String>;

/// Gives the columns of the answer names under which the planner can tell them apart.
///
/// `machine` finds the machine name of a column called by its Chinese name, perhaps behind a table's alias.
pub(super) fn name_answer(
    query: &mut Query,
    machine: impl Fn(Option<&Ident>, &Ident) -> Result<Option<String>>,
) -> Result<Shown> {
    let (mut taken, mut shown) = (BTreeSet::new(), Shown::new());
    let Some(select) = first_select(&mut query.body) else { return Ok(shown) };
    let is_wildcard =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let beside_wildcard = select.projection.iter().any(is_wildcard);
    for (place, item) in select.projection.iter_mut().enumerate() {
        let Some(Item { mut planned, wanted, is_column, is_called }) = Item::of(item, &machine)? else {
            continue;
        };
        // A wildcard may bring the same column; what it brings is not known yet.
        let is_again = taken.contains(&planned) || (is_column && beside_wildcard);
        if is_again {
            planned = format!("{planned} #{place}");
        }
        if is_again || !is_called {
            call(item, &planned);
        }
        if planned != wanted {
            shown.insert(planned.clone(), wanted);
        }
        taken.insert(planned);
    }
    Ok(shown)
}

/// One item of a select list that is no wildcard.
struct Item {
    /// Its name to the planner.
    planned: String,
    /// Its name to the caller.
    wanted: String,
    is_column: bool,
    /// Whether the planner calls it so by itself.
    is_called: bool,
}

impl Item {
    fn of(
        item: &SelectItem,
        machine: impl Fn(Option<&Ident>, &Ident) -> Result<Option<String>>,
    ) -> Result<Option<Self>> {
        let (planned, wanted, is_column, is_called) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (normal(alias), normal(alias), false, true),
            SelectItem::UnnamedExpr(expr) => match (column_of(expr), text_of(expr)) {
                (Some((qualifier, name)), _) => match machine(qualifier, name)? {
                    Some(machine) => (machine, name.value.clone(), true, true),
                    None => (normal(name), normal(name), true, true),
                },
                (None, text) if is_count(&text) => (text.to_lowercase(), text, false, true),
                (None, text) => (text.clone(), text, false, false),
            },
            _ => return Ok(None),
        };
        Ok(Some(Self { planned, wanted, is_column, is_called }))
    }
}

/// Calls every expression without a name by its text, as far as that leaves names apart.
pub(super) fn name_expressions(select: &mut Select) {
    let mut taken = BTreeSet::new();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && column_of(expr).is_none()
            && let text = text_of(expr)
            && !is_count(&text)
            && taken.insert(text.clone())
        {
            call(item, &text);
        }
    }
}

/// Makes names unique: what is there already gets `_1`, `_2` and so on, unless a column is called so.
pub(crate) fn unique(names: Vec<String>) -> Vec<String> {
    let given: HashSet<String> = names.iter().cloned().collect();
    let (mut taken, mut counts) = (HashSet::new(), HashMap::<String, usize>::new());
    let once = names.into_iter().map(|name| {
        let mut free = name.clone();
        let count = counts.entry(name.clone()).or_default();
        while taken.contains(&free) || (*count > 0 && given.contains(&free)) {
            *count += 1;
            free = format!("{name}_{count}");
        }
        taken.insert(free.clone());
        free
    });
    once.collect()
}

/// The select list that names the columns of a query.
fn first_select(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => first_select(left),
        SetExpr::Query(inner) => first_select(&mut inner.body),
        _ => None,
    }
}

/// Qualifier and name of an expression that is a column and nothing more.
fn column_of(expr: &Expr) -> Option<(Option<&Ident>, &Ident)> {
    match expr {
        Expr::Identifier(name) => Some((None, name)),
        Expr::CompoundIdentifier(names) => {
            let (name, qualifiers) = names.split_last()?;
            Some((qualifiers.last(), name))
        }
        _ => None,
    }
}

/// The planner itself gives this one its name; a second one would hide it from ORDER BY.
fn is_count(text: &str) -> bool {
    text.eq_ignore_ascii_case("count(*)")
}

fn text_of(expr: &Expr) -> String {
    expr.to_string().chars().take(NAME_CHARS).collect()
}

fn call(item: &mut SelectItem, name: &str) {
    let alias = Ident::with_quote('"', name);
    match item {
        SelectItem::UnnamedExpr(expr) => {
            let expr = std::mem::replace(expr, Expr::Identifier(alias.clone()));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        SelectItem::ExprWithAlias { alias: given, .. } => *given = alias,
        _ => {}
    }
}
