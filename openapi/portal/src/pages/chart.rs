//! Charts of a dataset: a table with bars, which scripts draw, and the form that builds them.

use askama::Template;
use catalog_core::directory::{InformationItem, Resource};

use super::looking::{Looking, is_division};
use crate::around::Around;

/// What a reader wants to see. Texts are machine names of columns, empty where none is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartWish {
    /// The column that groups rows.
    pub x: String,
    /// `count`, `sum`, `mean`, `least` or `greatest`.
    pub how: String,
    /// The column that is measured.
    pub y: String,
    /// The column that splits groups.
    pub split: String,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// Bars that stand apart.
    Bars,
    /// Bars without room between them: steps of a number.
    Steps,
    /// A line through time.
    Line,
}

/// The numbers of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// How it is drawn.
    pub drawing: Drawing,
    /// What is counted or measured, once for each value of the split; empty where nothing splits.
    pub series: Vec<String>,
    /// Each group with its numbers, one for each of the series. A group without a name has no value in the column.
    pub groups: Vec<(Option<String>, Vec<Option<f64>>)>,
    /// Whether there are more groups than these.
    pub is_cut: bool,
}

/// A chart with the form that builds it.
#[derive(Template)]
#[template(path = "dataset/chart.html")]
pub struct ChartPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry with the items that the reader sees.
    pub resource: &'a Resource,
    /// What the reader wants to see.
    pub wish: &'a ChartWish,
    /// The chart; nothing where no column is chosen yet.
    pub drawn: Option<&'a Drawn>,
}

impl ChartPage<'_> {
    fn code(&self) -> String {
        self.resource.code.path_form()
    }

    fn looking(&self) -> Looking<'_> {
        Looking { resource: self.resource }
    }

    fn title<'s>(&'s self, column: &'s str) -> &'s str {
        self.resource.item(column).map_or(column, |item| item.title.as_str())
    }

    /// What can be told of a group: name in the address, Chinese and English name.
    fn measures(&self) -> [(&'static str, &'static str, &'static str); 5] {
        [
            ("count", "行数", "Rows"),
            ("sum", "合计", "Sum"),
            ("mean", "平均", "Mean"),
            ("least", "最小", "Least"),
            ("greatest", "最大", "Greatest"),
        ]
    }

    /// Whether the form names this column to group by: before one is chosen, the first whose chart tells something.
    fn is_first(&self, item: &InformationItem) -> bool {
        let (charted, _) = self.looking().charted();
        match self.wish.x.as_str() {
            "" => charted.first().is_some_and(|first| first.column == item.column),
            chosen => item.column.as_str() == chosen,
        }
    }

    /// What the numbers are: 行数, 罚款金额合计.
    fn measured(&self) -> String {
        let all = self.measures();
        let (_, chinese, english) = all.iter().find(|(name, ..)| *name == self.wish.how).unwrap_or(&all[0]);
        let what = self.a.say(chinese, english);
        match self.wish.how.as_str() {
            "" | "count" => what.to_owned(),
            _ => self.a.say_of(self.title(&self.wish.y), what),
        }
    }

    /// What stands above the table.
    fn caption(&self) -> String {
        let by = self.title(&self.wish.x);
        match self.a.tag() {
            "en" => format!("{} by {by}", self.measured()),
            _ => format!("按{by}统计的{}", self.measured()),
        }
    }

    /// The heads of the columns with numbers.
    fn series(&self, drawn: &Drawn) -> Vec<String> {
        match drawn.series.as_slice() {
            [] => vec![self.measured()],
            several => several.to_vec(),
        }
    }

    fn kind(&self, drawn: &Drawn) -> &'static str {
        match drawn.drawing {
            Drawing::Bars | Drawing::Steps => "bars",
            Drawing::Line => "line",
        }
    }

    fn is_dense(&self, drawn: &Drawn) -> bool {
        drawn.drawing == Drawing::Steps
    }

    /// Where the outlines of divisions are, if divisions group or split rows and the city publishes them.
    fn outlines(&self) -> Option<&str> {
        let mut columns = [&self.wish.x, &self.wish.split].into_iter();
        let outlines = self.a.identity.boundaries.as_str();
        let is_named = columns.any(|column| self.resource.item(column).is_some_and(is_division));
        (is_named && !outlines.is_empty()).then_some(outlines)
    }

    /// The length of a bar in hundredths; nothing for what is no length.
    fn bar(&self, drawn: &Drawn, number: &Option<f64>) -> Option<u32> {
        let all = drawn.groups.iter().flat_map(|(_, numbers)| numbers.iter().flatten());
        let greatest = all.fold(0.0, |most: f64, number| most.max(*number));
        let share = (*number)? / greatest * 1000.0;
        // Between 0 and 1000 by now.
        (drawn.series.is_empty() && share.is_finite() && (0.0..=1000.0).contains(&share))
            .then(|| share.round() as u32)
    }

    /// A number as people read it.
    fn figure(&self, number: &Option<f64>) -> String {
        number.map_or_else(|| "–".to_owned(), readable)
    }

    /// A number as programs read it.
    fn value(&self, number: &Option<f64>) -> String {
        number.map(|number| number.to_string()).unwrap_or_default()
    }
}

/// At most two places behind the point, and thousands apart.
fn readable(number: f64) -> String {
    if number.abs() >= 1e15 || !number.is_finite() {
        return format!("{number:e}");
    }
    let written = format!("{:.2}", number.abs());
    let (whole, behind) = written.split_once('.').unwrap_or((&written, "00"));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let behind = behind.trim_end_matches('0');
    let sign = if number < 0.0 && written != "0.00" { "-" } else { "" };
    match behind {
        "" => format!("{sign}{out}"),
        behind => format!("{sign}{out}.{behind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, text) in [
            (0.0, "0"),
            (1234567.5, "1,234,567.5"),
            (-0.001, "0"),
            (-1000.0, "-1,000"),
            (99.999, "100"),
            (1e20, "1e20"),
        ] {
            assert_eq!(readable(number), text);
        }
    }
}
