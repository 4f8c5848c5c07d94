//! The desk of a department's directory 目录编制: the list, one entry with its next steps, its form, the spreadsheet.

use std::collections::{HashMap, HashSet};

use askama::Template;
use catalog_core::directory::diff::Change;
use catalog_core::directory::history::HistoryStep;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::sheet::Workbook;
use catalog_core::directory::sheet::form::{EntryCells, RowProblems, entries};
use catalog_core::directory::unfinished::Unfinished;
use catalog_core::directory::{LifecycleState, LifecycleStep};
use catalog_core::{Error, Problem, ResourceCode};

use super::history::{Line, Told, lines};
use crate::around::Around;
use crate::names::Names;

/// Entries of a page of the list.
pub const PAGE_ENTRIES: usize = 100;
/// The editor's field of the title.
const TITLE: &str = "d-0-7";
/// Rows of a sheet that are shown, where it is longer those with problems first.
const SHOWN_ROWS: usize = 300;
/// Of a longer one, rows that are shown whatever is in them: its header.
const HEAD_ROWS: usize = 3;
/// Problems of a sheet that are listed; all of them are counted.
const LISTED: usize = 2_000;
/// Characters of a cell that are shown.
const SHOWN_LETTERS: usize = 120;
/// Entries of a sheet that can be mended by form at once.
const MENDED: usize = 50;

/// A label of both languages, `draft 草稿`, in the reader's.
pub(crate) fn word(a: &Around<'_>, label: &str) -> String {
    let (english, chinese) = label.split_once(' ').unwrap_or((label, label));
    a.say(chinese, &english.replace('_', " ")).to_owned()
}

/// What a step is called on its button.
fn step_word(a: &Around<'_>, step: LifecycleStep) -> String {
    let english = match step {
        LifecycleStep::Edit => "Edit",
        LifecycleStep::SubmitRegistration => "Submit for registration",
        LifecycleStep::ApproveRegistration => "Approve the registration",
        LifecycleStep::SubmitPublication => "Submit for publication",
        LifecycleStep::ApprovePublication => "Approve the publication",
        LifecycleStep::Return => "Return",
        LifecycleStep::Reject => "Reject",
        LifecycleStep::Withdraw => "Withdraw",
    };
    a.say(&word(a, step.label()), english).to_owned()
}

/// What the reader has chosen of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChosenEntries {
    /// Entries in this state alone.
    pub state: Option<LifecycleState>,
    /// Words of the title, or a part of the code.
    pub words: String,
    /// The page, from 1.
    pub page: usize,
}

impl ChosenEntries {
    /// Whether an entry is among them.
    pub fn takes(&self, entry: &Entry) -> bool {
        let draft = &entry.draft;
        let is_called = draft.title.contains(&self.words) || draft.code.as_str().contains(&self.words);
        self.state.is_none_or(|state| entry.state == state) && is_called
    }

    /// The address of a page of them.
    pub fn address(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(state) = self.state {
            query.append_pair("state", wire(state.label()));
        }
        if !self.words.is_empty() {
            query.append_pair("q", &self.words);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/desk/directory".to_owned(),
            query => format!("/desk/directory?{query}"),
        }
    }
}

/// The name of a state or step in addresses and forms.
fn wire(label: &str) -> &str {
    label.split(' ').next().unwrap_or_default()
}

/// What became of one entry of a bulk step: its new state, or why not.
pub type Outcome = (ResourceCode, Result<LifecycleState, String>);

/// The entries of the reader's department.
#[derive(Template)]
#[template(path = "desk/entries.html")]
pub struct EntriesPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Those of this page.
    pub entries: &'a [&'a Entry],
    /// How many there are in each state.
    pub counts: Vec<(LifecycleState, usize)>,
    /// What the reader has chosen.
    pub chosen: &'a ChosenEntries,
    /// How many are chosen, on all pages.
    pub total: usize,
    /// Whether the reader writes entries.
    pub may_edit: bool,
    /// What became of a bulk step.
    pub outcomes: &'a [Outcome],
    /// The codes that were ticked.
    pub ticked: &'a [String],
    /// The remark that was typed.
    pub remark: &'a str,
    /// The step that was chosen.
    pub step: &'a str,
    /// The steps that the reader may take now with entries of this page, each with how many of them.
    pub steps: Vec<(LifecycleStep, usize)>,
    /// Unfinished drafts of the department.
    pub unfinished: &'a [Unfinished],
    /// Who has written them.
    pub names: &'a Names,
}

impl EntriesPage<'_> {
    fn unfinished_title<'d>(&'d self, draft: &'d Unfinished) -> &'d str {
        let title = draft.fields.get(TITLE).map_or("", |title| title.trim());
        if title.is_empty() { self.a.say("未命名", "Without a title") } else { title }
    }

    fn unfinished_address(&self, draft: &Unfinished) -> String {
        // Also of a known entry: one that was handed over has no form of its own here, and its draft can still be discarded.
        format!("/desk/directory/unfinished/{}", draft.id)
    }

    fn state(&self, state: &LifecycleState) -> String {
        word(&self.a, state.label())
    }

    fn is_of(&self, state: &LifecycleState) -> bool {
        self.chosen.state == Some(*state)
    }

    /// The title of one of this page's entries; empty for others.
    fn titled(&self, code: &ResourceCode) -> &str {
        let found = self.entries.iter().find(|entry| entry.draft.code == *code);
        found.map_or("", |entry| &entry.draft.title)
    }

    fn of_state(&self, state: &LifecycleState) -> String {
        ChosenEntries { state: Some(*state), words: self.chosen.words.clone(), page: 1 }.address(1)
    }

    fn steps(&self) -> Vec<(&'static str, String)> {
        let named = |(step, count): &(LifecycleStep, usize)| {
            let name = step_word(&self.a, *step);
            let how_many = match self.a.tag() {
                "en" => format!(" ({count} of this page)"),
                _ => format!("（本页 {count} 条可办）"),
            };
            (wire(step.label()), name + &how_many)
        };
        self.steps.iter().map(named).collect()
    }

    /// Whether the step that was chosen before is no longer offered: nothing else is chosen in its place.
    fn is_step_gone(&self) -> bool {
        !self.step.is_empty() && !self.steps().iter().any(|(name, _)| self.is_step(name))
    }

    fn is_step(&self, name: &str) -> bool {
        self.step == name
    }

    fn is_ticked(&self, entry: &Entry) -> bool {
        self.ticked.iter().any(|code| *code == entry.draft.code.as_str())
    }

    fn wire_state(&self) -> &str {
        self.chosen.state.map_or("", |state| wire(state.label()))
    }

    fn page(&self) -> usize {
        self.chosen.page.max(1)
    }

    fn last(&self) -> usize {
        self.total.div_ceil(PAGE_ENTRIES).max(1)
    }
}

/// One entry: where it stands, what it changes, and what can be done with it.
#[derive(Template)]
#[template(path = "desk/entry.html")]
pub struct EntryPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry.
    pub entry: &'a Entry,
    /// The difference of its draft to what is published.
    pub changes: &'a [Change],
    /// The next steps, each with what keeps the reader from taking it.
    pub steps: &'a [(LifecycleStep, Option<Error>)],
    /// Whether the reader may write it now.
    pub may_edit: bool,
    /// Its steps, the newest first.
    pub history: &'a [HistoryStep],
    /// The remark that was typed.
    pub remark: &'a str,
    /// Who its editors are.
    pub names: &'a Names,
}

impl EntryPage<'_> {
    fn code(&self) -> String {
        self.entry.draft.code.path_form()
    }

    fn state(&self) -> String {
        word(&self.a, self.entry.state.label())
    }

    fn told(&self, step: &HistoryStep) -> Told {
        Told::of(&self.a, step)
    }

    fn lines<'c>(&'c self, changes: &'c [Change]) -> Vec<Line<'c>> {
        lines(&self.a, changes)
    }

    fn authors(&self) -> String {
        self.entry.authors.iter().map(|id| self.names.principal(&self.a, id)).collect::<Vec<_>>().join("、")
    }

    fn open_steps(&self) -> Vec<(&'static str, String)> {
        let open = self.steps.iter().filter(|(_, hindrance)| hindrance.is_none());
        open.map(|(step, _)| (wire(step.label()), step_word(&self.a, *step))).collect()
    }

    /// Whether one of the steps that the reader may take is told why.
    fn needs_remark(&self) -> bool {
        let told = [LifecycleStep::Return, LifecycleStep::Reject, LifecycleStep::Withdraw];
        self.steps.iter().any(|(step, hindrance)| hindrance.is_none() && told.contains(step))
    }

    fn hindered_steps(&self) -> Vec<(String, &str)> {
        let mut hindered = Vec::new();
        for (step, hindrance) in self.steps {
            hindered.extend(hindrance.as_ref().map(|why| (step_word(&self.a, *step), why.message.as_str())));
        }
        hindered
    }
}

/// The spreadsheet 目录模板 in and out.
#[derive(Template)]
#[template(path = "desk/import.html")]
pub struct ImportPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What was read of the file that was sent.
    pub read: Option<&'a ReadSheet>,
}

/// A sheet as it was read, every problem at its cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSheet {
    /// Its problems, in its order.
    pub problems: Vec<Problem>,
    /// Its resources.
    pub entries: Vec<ReadEntry>,
    /// Those that were saved as drafts; `None` where it was only looked at.
    pub taken: Option<Vec<ResourceCode>>,
    grids: Vec<ShownGrid>,
    /// Places in the page of the cells with problems.
    places: HashSet<String>,
}

/// A resource of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEntry {
    /// Its title, as the sheet writes it.
    pub title: String,
    /// Its code, as the sheet writes it; empty where it has none yet.
    pub code: String,
    /// How many problems it has.
    pub problems: usize,
    /// Its cells, where it has any and the form can take them.
    mended: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownGrid {
    name: String,
    letters: Vec<String>,
    rows: Vec<ShownRow>,
    left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownRow {
    number: u32,
    cells: Vec<ShownCell>,
}

impl ShownRow {
    /// The text of a row that is one line above the table.
    fn heading(&self) -> Option<&str> {
        let (first, rest) = self.cells.split_first()?;
        let is_alone = rest.iter().all(|cell| cell.text.is_empty() && cell.wrong.is_empty());
        let is_heading = is_alone && !rest.is_empty() && first.wrong.is_empty() && self.number < 3;
        is_heading.then_some(first.text.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownCell {
    id: String,
    text: String,
    /// Numbers of the problems, from 0.
    wrong: Vec<usize>,
}

impl ReadSheet {
    /// What a workbook holds, with its problems.
    pub fn of(workbook: &Workbook, problems: Vec<Problem>, taken: Option<Vec<ResourceCode>>) -> Self {
        let rows = entries(workbook);
        let counts = RowProblems::of(workbook, problems.iter().map(|problem| problem.at.as_str()));
        let mut mended = 0;
        let entry = |rows: &catalog_core::directory::sheet::form::EntryRows| {
            let count = rows.problems(&counts);
            mended += usize::from(count > 0);
            let cells = if count > 0 && mended <= MENDED { sent(&rows.cells) } else { Vec::new() };
            let first = &rows.cells.directory[0];
            ReadEntry { title: first[7].clone(), code: first[8].clone(), problems: count, mended: cells }
        };
        let entries = rows.iter().map(entry).collect();
        let mut grids = vec![ShownGrid::of(0, &workbook.directory, &problems)];
        grids.extend(workbook.extension.as_ref().map(|grid| ShownGrid::of(1, grid, &problems)));
        let cells = grids.iter().flat_map(|grid| &grid.rows).flat_map(|row| &row.cells);
        let places = cells.filter(|cell| !cell.wrong.is_empty()).map(|cell| cell.id.clone()).collect();
        Self { entries, taken, grids, problems, places }
    }

    /// The first problems.
    fn listed(&self) -> &[Problem] {
        self.problems.get(..LISTED).unwrap_or(&self.problems)
    }

    /// The place in the page of the cell of a problem.
    fn place(&self, problem: &Problem) -> Option<String> {
        let (sheet, cell) = problem.at.rsplit_once('!')?;
        let grid = self.grids.iter().position(|grid| grid.name == sheet)?;
        let id = format!("c-{grid}-{cell}");
        self.places.contains(&id).then_some(id)
    }
}

impl ReadEntry {
    fn can_be_mended(&self) -> bool {
        !self.mended.is_empty()
    }
}

/// The fields of a form that hold something.
fn sent(cells: &EntryCells) -> Vec<(String, String)> {
    use catalog_core::directory::sheet::form::Field;
    let directory = cells.directory.iter().enumerate().flat_map(|(row, cells)| {
        cells.iter().enumerate().map(move |(column, cell)| (Field::Directory(row, column), cell))
    });
    let extension = cells.extension.iter().enumerate().flat_map(|(row, cells)| {
        cells.iter().enumerate().map(move |(column, cell)| (Field::Extension(row, column), cell))
    });
    let said = directory.chain(extension).filter(|(_, cell)| !cell.is_empty());
    said.map(|(field, cell)| (field.to_string(), cell.clone())).collect()
}

impl ShownGrid {
    fn of(place: usize, grid: &catalog_core::directory::sheet::Grid, problems: &[Problem]) -> Self {
        let width = grid.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0).min(80);
        let cell = |row: u32, column: usize| {
            let address = grid.address(row, column);
            address.rsplit_once('!').map_or(address.clone(), |(_, cell)| cell.to_owned())
        };
        let letters = (0..width).map(|column| cell(0, column).trim_end_matches('0').to_owned()).collect();
        let (mut at_cell, mut wrong_rows) = (HashMap::<&str, Vec<usize>>::new(), HashSet::new());
        for (number, problem) in problems.iter().enumerate() {
            at_cell.entry(&problem.at).or_default().push(number);
            wrong_rows.extend(grid.row_at(&problem.at));
        }
        let shown = |row: &catalog_core::directory::sheet::Row| {
            let cells = (0..width).map(|column| {
                let address = grid.address(row.number, column);
                let wrong = at_cell.get(address.as_str()).cloned().unwrap_or_default();
                let text = row.cells.get(column).map_or("", |text| text.trim());
                ShownCell {
                    id: format!("c-{place}-{}", cell(row.number, column)),
                    text: clipped(text),
                    wrong,
                }
            });
            ShownRow { number: row.number, cells: cells.collect() }
        };
        let all = grid.rows.len();
        let (head, rest) = grid.rows.split_at(if all > SHOWN_ROWS { HEAD_ROWS } else { all });
        let wrong = rest.iter().filter(|row| wrong_rows.contains(&row.number)).take(SHOWN_ROWS - HEAD_ROWS);
        let rows: Vec<_> = head.iter().chain(wrong).map(shown).collect();
        Self { name: grid.name.clone(), letters, left_out: all - rows.len(), rows }
    }
}

/// The beginning of a text.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
