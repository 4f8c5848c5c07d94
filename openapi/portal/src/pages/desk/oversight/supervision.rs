//! Supervision 电子监察, assessment 考核评估, and the reports of a year.

use askama::Template;
use catalog_core::directory::Department;
use catalog_core::services::Lights;
use catalog_core::supervision::assessment::percent;
use catalog_core::supervision::{Anomaly, Assessment, Breach, Indicator, Indicators, Place, Ratio};

use super::evidence::EvidenceRow;
use crate::around::Around;
use crate::names::Names;

/// A period in days, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The first: `2026-01-01`.
    pub from: String,
    /// The last.
    pub until: String,
    /// Periods that are one click away: Chinese and English name, first and last day.
    pub offered: Vec<(&'static str, &'static str, String, String)>,
}

/// The most breaches and anomalies that a page lists.
const LISTED: usize = 200;

/// The board of supervision.
#[derive(Template)]
#[template(path = "desk/supervision.html")]
pub struct SupervisionPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The period.
    pub days: &'a Days,
    /// Open matters by department and light.
    pub lights: &'a [Lights],
    /// Limits that passed.
    pub breaches: &'a [Breach],
    /// What was out of the ordinary.
    pub anomalies: &'a [Anomaly],
    /// The newest record that was read.
    pub last: Option<Place>,
    /// Who the people, machines and departments are.
    pub names: Names,
    /// Whether the reader may open the records.
    pub may_open: bool,
}

impl SupervisionPage<'_> {
    fn listed(&self) -> usize {
        LISTED
    }

    /// The department that a light or a breach belongs to; the data authority has no row among departments.
    fn whose<'s>(&'s self, department: &'s str) -> &'s str {
        match self.names.department(department) {
            name if name == department => self.a.whose(department),
            name => name,
        }
    }

    fn total(&self) -> Lights {
        let mut total = Lights::default();
        for lights in self.lights {
            total.paused += lights.paused;
            total.green += lights.green;
            total.yellow += lights.yellow;
            total.red += lights.red;
        }
        total
    }
}

/// The assessment of departments.
#[derive(Template)]
#[template(path = "desk/assessment.html")]
pub struct AssessmentPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The period.
    pub days: &'a Days,
    /// The table.
    pub assessment: &'a Assessment,
    /// The departments, for their names.
    pub departments: &'a [Department],
}

/// A figure in the table.
struct Cell {
    indicator: Indicator,
    /// As text.
    text: String,
    /// Part and whole, where it is a share, as they fit a narrow column.
    of: Option<(String, String)>,
    /// The same to the last digit.
    exact: String,
    /// In thousandths, where it is a share.
    permille: Option<u64>,
}

impl AssessmentPage<'_> {
    fn indicators(&self) -> [Indicator; 10] {
        Indicator::ALL
    }

    fn cells(&self, row: &Indicators) -> Vec<Cell> {
        let a = &self.a;
        let share = |ratio: Ratio| {
            let exact = format!("{} / {}", a.number(&ratio.part), a.number(&ratio.of));
            (ratio.percent(), Some((a.brief(ratio.part), a.brief(ratio.of))), exact, ratio.permille())
        };
        let count = |count: u64| (a.brief(count), None, a.number(&count), None);
        let cell = |indicator: Indicator| {
            let (text, of, exact, permille) = match indicator {
                Indicator::Completeness => share(row.completeness),
                Indicator::Mounted => share(row.mounted),
                // Seconds say nothing to people.
                Indicator::TimelyUpdates => {
                    (row.timely_updates.percent(), None, String::new(), row.timely_updates.permille())
                }
                Indicator::TimelyAnswers => share(row.timely_answers),
                Indicator::Refusals => share(row.refusals),
                Indicator::ObjectionsSettled => share(row.objections_settled),
                Indicator::Quality => share(row.quality),
                Indicator::Open => share(row.open),
                Indicator::Calls => count(row.calls_served),
                Indicator::OpenDownloads => count(row.open_downloads),
            };
            Cell { indicator, text, of, exact, permille }
        };
        Indicator::ALL.map(cell).into()
    }

    fn score(&self, row: &Indicators) -> String {
        percent(row.score)
    }

    /// The name of a department as people call it.
    fn department<'d>(&'d self, id: &'d str) -> &'d str {
        let named = self.departments.iter().find(|department| department.id.as_str() == id);
        named.map_or_else(|| self.a.whose(id), |department| &department.name)
    }

    /// The departments by their score, the best first.
    fn ranked(&self) -> Vec<&Indicators> {
        let mut ranked: Vec<_> = self.assessment.departments.iter().collect();
        ranked.sort_by_key(|row| (std::cmp::Reverse(row.score), row.department.clone()));
        ranked
    }
}

/// The records behind a figure.
#[derive(Template)]
#[template(path = "desk/behind.html")]
pub struct BehindPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The period.
    pub days: &'a Days,
    /// The department's name.
    pub department: &'a str,
    /// The figure.
    pub indicator: Indicator,
    /// How many records there are.
    pub total: u64,
    /// Where the first of them stand.
    pub records: &'a [Place],
    /// What stands in the first of them, for who may open them.
    pub rows: Vec<EvidenceRow>,
    /// What people, departments and resources are called in them.
    pub names: Names,
}

impl BehindPage<'_> {
    /// Whether there are more records than are listed.
    fn is_part(&self) -> bool {
        self.total > self.listed() as u64
    }

    /// How many are listed.
    fn listed(&self) -> usize {
        self.records.len()
    }

    /// Those whose places alone are listed.
    fn others(&self) -> &[Place] {
        self.records.get(self.rows.len()..).unwrap_or_default()
    }
}

/// The reports that the law asks for every year 年度报告.
#[derive(Template)]
#[template(path = "desk/reports.html")]
pub struct ReportsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The year.
    pub year: i32,
    /// The department that is chosen; empty for all.
    pub department: &'a str,
    /// The departments to choose from; none where the reader sees their own alone.
    pub departments: &'a [Department],
}

impl ReportsPage<'_> {
    /// Whose report it is.
    fn whose(&self) -> &str {
        let chosen = self.departments.iter().find(|one| one.id.as_str() == self.department);
        match chosen {
            Some(chosen) => &chosen.name,
            None if self.department.is_empty() => self.a.say("全部部门", "All departments"),
            None => self.a.say("本部门", "Your department"),
        }
    }
}
