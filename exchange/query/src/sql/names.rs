//! Tables are called `department.name`, or by the resource's code; columns by their names; Chinese names work too. Before
//! planning, every table becomes one version of one resource, and every Chinese column name the machine name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, ResourceCode, Result, Timestamp};
use chrono::{NaiveDate, NaiveDateTime};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableAlias, TableFactor, TableVersion, Value, VisitMut, VisitorMut,
};

use super::columns::{self, Shown};
use crate::export::Format;
use crate::tables::TableName;

/// A table as a query names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableUse {
    /// Department, as written; empty where the name is a code.
    pub(crate) department: String,
    /// Resource, as written.
    pub(crate) name: String,
    /// Version wanted.
    pub(crate) version: VersionSelector,
}

impl TableUse {
    /// How the catalogue is asked for it.
    pub(crate) fn table_name(&self) -> TableName {
        match code_in(&self.name).filter(|_| self.department.is_empty()) {
            Some(code) => TableName::Code(code),
            None => TableName::Sql { department: self.department.clone(), name: self.name.clone() },
        }
    }
}

/// The resource that is called by its code, `301001/000001` or as addresses have it `301001-000001`, or by a file of it:
/// `301001-000001-csv`.
fn code_in(name: &str) -> Option<ResourceCode> {
    let code = match name.rsplit_once('-') {
        Some((code, format)) if Format::parse(format).is_some() => code,
        _ => name,
    };
    ResourceCode::from_path(code).ok()
}

/// What a table use became.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// Schema and table under which the planner finds it.
    pub(crate) reference: [String; 2],
    /// Chinese names of its visible columns, with the machine names.
    pub(crate) titles: BTreeMap<String, String>,
}

/// The tables that a query reads, each once.
pub(crate) fn table_uses(query: &mut Query) -> Result<Vec<TableUse>> {
    let mut collector = Collector::default();
    if let ControlFlow::Break(error) = query.visit(&mut collector) {
        return Err(error);
    }
    if let Some(name) = collector.plain.iter().find(|name| !collector.ctes.contains(*name)) {
        let message = format!("there is no table {name}; tables are called department.name");
        return Err(Error::new(ErrorCode::UnknownTable, message));
    }
    Ok(collector.uses)
}

/// Whether a query reads tables of any kind: one that does not is over after a few rows.
pub(crate) fn has_tables(query: &mut Query) -> bool {
    query.visit(&mut AnyTable).is_break()
}

struct AnyTable;

impl VisitorMut for AnyTable {
    type Break = ();

    fn pre_visit_table_factor(&mut self, _: &mut TableFactor) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Puts the engine's names in place. The answer says what the columns are called where the planner says otherwise.
pub(crate) fn rename(query: &mut Query, tables: &HashMap<TableUse, Resolved>) -> Result<Shown> {
    let mut aliases = Aliases::default();
    let _ = query.visit(&mut aliases);
    let mut renamer =
        Renamer { tables, defined: aliases.0, titles: BTreeMap::new(), by_alias: HashMap::new() };
    renamer.learn(query)?;
    let shown = columns::name_answer(query, |qualifier, name| renamer.machine_name(qualifier, name))?;
    match query.visit(&mut renamer) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(shown),
    }
}

/// Unquoted names are in lower case, as the planner takes them.
pub(super) fn normal(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

fn parts(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0.iter().map(ObjectNamePart::as_ident).collect()
}

#[derive(Default)]
struct Collector {
    uses: Vec<TableUse>,
    plain: BTreeSet<String>,
    ctes: BTreeSet<String>,
}

impl VisitorMut for Collector {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(tables.map(|table| normal(&table.alias.name)));
        if let Some(name) = self.ctes.iter().find(|name| code_in(name).is_some()) {
            let message = format!("{name} is the code of a resource; call the table of WITH otherwise");
            return ControlFlow::Break(Error::new(ErrorCode::SqlUnsupported, message));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table { name, args: None, version, .. } = factor else {
            return ControlFlow::Continue(());
        };
        match (table_use(name, version.as_ref()), parts(name).as_deref()) {
            (Ok(Some(table)), _) if !self.uses.contains(&table) => self.uses.push(table),
            (Ok(Some(_)), _) => {}
            (Ok(None), Some([name])) => {
                self.plain.insert(normal(name));
            }
            (Ok(None), _) => {
                let message = format!("there is no table {name}; tables are called department.name");
                return ControlFlow::Break(Error::new(ErrorCode::UnknownTable, message));
            }
            (Err(error), _) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

/// The table that a name of two parts means, or a code; `None` for any other name.
fn table_use(name: &ObjectName, version: Option<&TableVersion>) -> Result<Option<TableUse>> {
    let selector = version.map_or(Ok(VersionSelector::Latest), selector)?;
    match parts(name).as_deref() {
        Some([department, name]) => {
            Ok(Some(TableUse { department: normal(department), name: normal(name), version: selector }))
        }
        Some([name]) if code_in(&normal(name)).is_some() => {
            Ok(Some(TableUse { department: String::new(), name: normal(name), version: selector }))
        }
        _ if version.is_some() => {
            Err(Error::new(ErrorCode::SqlUnsupported, "only a table department.name has versions"))
        }
        _ => Ok(None),
    }
}

/// `VERSION AS OF 3`, `TIMESTAMP AS OF '2026-01-01T00:00:00+08:00'`, `FOR SYSTEM_TIME AS OF '2026-01-01'`.
fn selector(version: &TableVersion) -> Result<VersionSelector> {
    let refused = || {
        let forms = "write VERSION AS OF 3, or TIMESTAMP AS OF '2026-01-31' or a full RFC 3339 time";
        Error::new(ErrorCode::SqlUnsupported, forms)
    };
    let literal = |expr: &Expr| match expr {
        Expr::Value(value) => Some(value.value.clone()),
        _ => None,
    };
    match version {
        TableVersion::VersionAsOf(expr) => match literal(expr) {
            Some(Value::Number(number, false)) => {
                number.to_string().parse().map(VersionSelector::Number).map_err(|_| refused())
            }
            _ => Err(refused()),
        },
        TableVersion::TimestampAsOf(expr) | TableVersion::ForSystemTimeAsOf(expr) => match literal(expr) {
            Some(Value::SingleQuotedString(text)) => time(&text).map(VersionSelector::At).ok_or_else(refused),
            _ => Err(refused()),
        },
        _ => Err(refused()),
    }
}

/// RFC 3339, or a date or time without zone, which is China's; a date means the end of that day.
fn time(text: &str) -> Option<Timestamp> {
    let in_china =
        |local: NaiveDateTime| Timestamp(local.and_utc().timestamp_micros()).plus_seconds(-8 * 3600);
    Timestamp::parse(text)
        .or_else(|| text.replace(' ', "T").parse::<NaiveDateTime>().ok().map(in_china))
        .or_else(|| {
            let day: NaiveDate = text.parse().ok()?;
            day.and_hms_micro_opt(23, 59, 59, 999_999).map(in_china)
        })
}

/// Every name that the query itself gives to a column.
#[derive(Default)]
struct Aliases(BTreeSet<String>);

impl VisitorMut for Aliases {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.extend(table.alias.columns.iter().map(|column| normal(&column.name)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.0.insert(normal(alias));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } = factor
        {
            self.0.extend(alias.columns.iter().map(|column| normal(&column.name)));
        }
        ControlFlow::Continue(())
    }
}

struct Renamer<'a> {
    tables: &'a HashMap<TableUse, Resolved>,
    /// Names that the query gives itself; they win over Chinese column names.
    defined: BTreeSet<String>,
    /// Chinese column name to machine name; `None` where tables disagree.
    titles: BTreeMap<String, Option<String>>,
    /// The same per table alias.
    by_alias: HashMap<String, BTreeMap<String, String>>,
}

impl Renamer<'_> {
    fn learn(&mut self, query: &mut Query) -> Result<()> {
        for table in self.tables.values() {
            for (title, column) in &table.titles {
                let entry = self.titles.entry(title.clone()).or_insert_with(|| Some(column.clone()));
                if entry.as_ref() != Some(column) {
                    *entry = None;
                }
            }
        }
        let mut learner = AliasLearner { tables: self.tables, by_alias: &mut self.by_alias };
        match query.visit(&mut learner) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// The machine name of a column called by its Chinese name, perhaps behind a table's alias.
    fn machine_name(&self, qualifier: Option<&Ident>, name: &Ident) -> Result<Option<String>> {
        if self.defined.contains(&name.value) {
            return Ok(None);
        }
        if let Some(titles) = qualifier.and_then(|qualifier| self.by_alias.get(&normal(qualifier))) {
            return Ok(titles.get(&name.value).cloned());
        }
        match self.titles.get(&name.value) {
            None => Ok(None),
            Some(Some(column)) => Ok(Some(column.clone())),
            Some(None) => {
                let message = format!("{} names different columns; write table.column", name.value);
                Err(Error::new(ErrorCode::UnknownColumn, message))
            }
        }
    }
}

impl VisitorMut for Renamer<'_> {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table { name, alias, args: None, version, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let table = match table_use(name, version.as_ref()) {
            Ok(Some(table)) => table,
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => return ControlFlow::Break(error),
        };
        let Some(resolved) = self.tables.get(&table) else {
            return ControlFlow::Break(Error::internal("a table of the query was not resolved"));
        };
        let written = name.0.last().and_then(ObjectNamePart::as_ident).cloned();
        if let (None, Some(written)) = (&alias, written) {
            *alias = Some(TableAlias { explicit: true, name: written, columns: Vec::new(), at: None });
        }
        *name = ObjectName::from(
            resolved.reference.iter().map(|part| Ident::with_quote('"', part)).collect::<Vec<_>>(),
        );
        *version = None;
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        columns::name_expressions(select);
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
                && name.0.len() == 2
            {
                name.0.remove(0);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let renamed = match expr {
            Expr::Identifier(name) => self.machine_name(None, name).map(|found| {
                if let Some(column) = found {
                    *name = Ident::with_quote('"', column);
                }
            }),
            Expr::CompoundIdentifier(names) => {
                // department.table.column: the table is known by its last part.
                if names.len() == 3 && self.by_alias.contains_key(&normal(&names[1])) {
                    names.remove(0);
                }
                match names.as_mut_slice() {
                    [qualifier, name] => self.machine_name(Some(qualifier), name).map(|found| {
                        if let Some(column) = found {
                            *name = Ident::with_quote('"', column);
                        }
                    }),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        };
        match renamed {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// Learns which table each alias stands for.
struct AliasLearner<'a> {
    tables: &'a HashMap<TableUse, Resolved>,
    by_alias: &'a mut HashMap<String, BTreeMap<String, String>>,
}

impl VisitorMut for AliasLearner<'_> {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table { name, alias, args: None, version, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let table = match table_use(name, version.as_ref()) {
            Ok(Some(table)) => table,
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => return ControlFlow::Break(error),
        };
        let called = alias.as_ref().map_or_else(|| table.name.clone(), |alias| normal(&alias.name));
        if let Some(resolved) = self.tables.get(&table) {
            self.by_alias.entry(called).or_default().extend(resolved.titles.clone());
        }
        ControlFlow::Continue(())
    }
}
