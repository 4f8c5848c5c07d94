//! Charts: rows counted or measured by the values of a column, as one governed query. Names of columns are the only texts of a
//! caller in it, and stand in quotes.

use catalog_core::ResourceCode;
use catalog_core::directory::ItemKind;

/// How rows are put together by a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grouping {
    /// By each value, those with most first.
    Value,
    /// By the county that a code of a division begins with: its first six digits.
    County,
    /// By year, in China.
    Year,
    /// By month, in China.
    Month,
    /// By equal steps of a number.
    Steps {
        /// Where the first step begins; finite.
        low: f64,
        /// How wide each is; finite and above zero.
        width: f64,
    },
}

/// What is told of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How many rows it has.
    Count,
    /// The sum of a column.
    Sum,
    /// The mean of a column.
    Mean,
    /// The least value of a column.
    Least,
    /// The greatest value of a column.
    Greatest,
}

/// A chart of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The dataset.
    pub resource: ResourceCode,
    /// The machine name of the column that groups rows, and its kind.
    pub by: (String, ItemKind),
    /// How it groups them.
    pub grouping: Grouping,
    /// What is told of a group.
    pub measure: Measure,
    /// The machine name of the column that is measured; unused where rows are counted.
    pub of: Option<String>,
    /// The machine name of a column that splits each group by its values.
    pub split: Option<String>,
    /// How many groups there are at most; the rest is left out.
    pub limit: u32,
}

impl Chart {
    /// The query: its columns are group, split and measure; the split is NULL where there is none. Steps are numbered from 0.
    pub fn sql(&self) -> String {
        let (x, measured) = (self.x(), self.measured());
        let split = self.split.as_deref().map(|name| format!("cast({} as varchar)", quoted(name)));
        let (s, by_split) = match &split {
            Some(split) => (split.as_str(), format!(", {split}")),
            None => ("cast(null as varchar)", String::new()),
        };
        let order = match self.grouping {
            Grouping::Value | Grouping::County => "3 desc nulls last, 1",
            Grouping::Year | Grouping::Month | Grouping::Steps { .. } => "1",
        };
        let (table, limit) = (self.table(), self.limit);
        format!(
            "select {x} as \"chart.x\", {s} as \"chart.s\", {measured} as \"chart.y\" from {table} group by {x}{by_split} order by {order} limit {limit}"
        )
    }

    /// The query for the range of the column: its least and greatest value, as numbers or as texts of dates.
    pub fn range_sql(&self) -> String {
        let value = match self.is_dated() {
            true => self.dated(),
            false => format!("cast({} as double)", quoted(&self.by.0)),
        };
        format!("select min({value}) as \"chart.low\", max({value}) as \"chart.high\" from {}", self.table())
    }

    /// Whether the column holds dates or times.
    pub fn is_dated(&self) -> bool {
        matches!(self.by.1, ItemKind::D | ItemKind::T)
    }

    // Nothing that this names is called as a column may be, or GROUP BY could mean either.
    fn table(&self) -> String {
        quoted(&self.resource.path_form())
    }

    fn x(&self) -> String {
        let name = quoted(&self.by.0);
        match self.grouping {
            Grouping::Value => format!("cast({name} as varchar)"),
            Grouping::County => format!("substr({name}, 1, 6)"),
            Grouping::Year => format!("substr({}, 1, 4)", self.dated()),
            Grouping::Month => format!("substr({}, 1, 7)", self.dated()),
            Grouping::Steps { low, width } => {
                format!("floor((cast({name} as double) - ({low:e})) / {width:e})")
            }
        }
    }

    /// A date or time as text, by the clock of China.
    fn dated(&self) -> String {
        let name = quoted(&self.by.0);
        match self.by.1 {
            ItemKind::T => format!("cast({name} + interval '8 hours' as varchar)"),
            _ => format!("cast({name} as varchar)"),
        }
    }

    fn measured(&self) -> String {
        let Some(of) = self.of.as_deref().map(quoted) else { return "count(*)".to_owned() };
        match self.measure {
            Measure::Count => "count(*)".to_owned(),
            Measure::Sum => format!("sum({of})"),
            Measure::Mean => format!("avg({of})"),
            Measure::Least => format!("min({of})"),
            Measure::Greatest => format!("max({of})"),
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(column: &str, kind: ItemKind, grouping: Grouping) -> Chart {
        Chart {
            resource: ResourceCode::from_path("301001-000001").unwrap(),
            by: (column.to_owned(), kind),
            grouping,
            measure: Measure::Count,
            of: None,
            split: None,
            limit: 30,
        }
    }

    #[test]
    fn names_stay_inside_their_quotes() {
        let chart = chart("a\" from b; drop table c --", ItemKind::C, Grouping::Value);
        let sql = chart.sql();
        assert!(sql.contains("\"a\"\" from b; drop table c --\""), "{sql}");
        assert!(sql.contains("from \"301001-000001\" group by"), "{sql}");
    }

    #[test]
    fn groups_and_measures_are_written() {
        let mut amounts = chart("amount", ItemKind::Y, Grouping::Steps { low: -5.0, width: 2.5 });
        assert!(amounts.sql().contains("floor((cast(\"amount\" as double) - (-5e0)) / 2.5e0)"));
        amounts.measure = Measure::Sum;
        assert!(amounts.sql().contains("count(*)"), "nothing to measure");
        amounts.of = Some("amount".to_owned());
        amounts.split = Some("county".to_owned());
        let sql = amounts.sql();
        assert!(sql.contains("sum(\"amount\") as \"chart.y\""), "{sql}");
        assert!(sql.contains(", cast(\"county\" as varchar) order by 1 limit 30"), "{sql}");
        let times = chart("at", ItemKind::T, Grouping::Month);
        assert!(times.sql().contains("substr(cast(\"at\" + interval '8 hours' as varchar), 1, 7)"));
        assert!(times.range_sql().starts_with("select min(cast(\"at\" + interval"));
    }
}
