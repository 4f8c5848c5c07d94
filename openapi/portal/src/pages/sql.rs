//! Asking by SQL, and what is in view.

use std::collections::BTreeMap;

use askama::Template;
use catalog_core::ErrorCode;
use catalog_core::evidence::DISCONNECTED;
use catalog_core::policy::GrantKind;
use openapi_contract::{ColumnInView, PastQuery, PastState, SavedQueryView, TableInView, TablesInView};

use crate::around::Around;
use crate::refusals::title;

/// Tables that are listed without a click on their departments.
const FEW: usize = 20;

/// The first rows of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlAnswer {
    /// The columns with their types.
    pub columns: Vec<(String, &'static str)>,
    /// The cells; nothing for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    pub more: bool,
    /// How long it took.
    pub milliseconds: u64,
    /// The id of the receipt, where there is one.
    pub receipt: Option<String>,
    /// The datasets read, by code, with the number of the version.
    pub versions: Vec<(String, i64)>,
}

/// The page of SQL: a form, its answer, the tables in view, saved queries.
#[derive(Template)]
#[template(path = "sql.html")]
pub struct SqlPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The text in the form.
    pub sql: &'a str,
    /// The purpose in the form.
    pub purpose: &'a str,
    /// The matter in the form.
    pub matter: &'a str,
    /// The name in the form.
    pub name: &'a str,
    /// What tables are looked for by.
    pub words: &'a str,
    /// The tables in view, and others.
    pub view: &'a TablesInView,
    /// The reader's saved queries.
    pub saved: &'a [SavedQueryView],
    /// What the reader has asked, where they want to see it.
    pub history: Option<&'a [PastQuery]>,
    /// The answer, where something was asked.
    pub answer: Option<&'a SqlAnswer>,
    /// Whether the reader may save queries.
    pub is_writer: bool,
}

impl SqlPage<'_> {
    /// The formats of export: name in the form, and for people.
    const FORMATS: [(&'static str, &'static str); 6] = [
        ("csv", "CSV"),
        ("xlsx", "Excel"),
        ("parquet", "Parquet"),
        ("arrow", "Arrow"),
        ("jsonl", "JSON Lines"),
        ("json", "JSON"),
    ];

    /// The tables in view by department, in the order of their names.
    fn departments(&self) -> Vec<(&str, Vec<&TableInView>)> {
        let mut all: BTreeMap<&str, Vec<&TableInView>> = BTreeMap::new();
        for table in &self.view.tables {
            all.entry(&table.department_name).or_default().push(table);
        }
        all.into_iter().collect()
    }

    /// Whether a column of this type holds numbers.
    fn is_number(&self, kind: &str) -> bool {
        ["int", "float", "numeric"].iter().any(|number| kind.starts_with(number))
    }

    /// Whether the tables of all departments are listed at once.
    fn is_few(&self) -> bool {
        self.view.tables.len() <= FEW
    }

    /// Whether parts of the list are unfolded: where there is little to see.
    fn is_short(&self) -> bool {
        self.view.tables.len() <= 3
    }

    fn is_of_department(&self) -> bool {
        self.a.visitor.is_some_and(|visitor| visitor.department.is_some())
    }

    /// A query to begin with.
    fn example(&self) -> String {
        let table = self.view.tables.first();
        table.map_or_else(
            || "select 1".to_owned(),
            |table| format!("select *\nfrom {}.{}\nlimit 20", table.department, table.name),
        )
    }

    fn kind(&self, table: &TableInView) -> &str {
        let english = match table.kind {
            GrantKind::Own => "Own department's data",
            GrantKind::Unconditional => "Shared unconditionally",
            GrantKind::Conditional => "Shared on application",
            GrantKind::Public => "Open to everyone",
        };
        self.a.say(table.kind.label(), english)
    }

    /// The name of a type with its length, without the letter that the directory has for it: `字符型C(18)`.
    fn data_type(&self, column: &ColumnInView) -> String {
        let whole = column.data_type.as_str();
        let end = whole.find(|letter: char| letter.is_ascii()).unwrap_or(whole.len());
        let (name, rest) = whole.split_at(end);
        let length = rest.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        format!("{}{length}", self.a.english(name).unwrap_or(name))
    }

    fn mask(&self, column: &ColumnInView) -> Option<&str> {
        let (chinese, english) = match column.mask.as_deref()? {
            "null" => ("不显示值", "no values"),
            "constant" => ("固定文字", "fixed text"),
            "keep_first" => ("仅留开头", "first characters"),
            "keep_last" => ("仅留结尾", "last characters"),
            "year" => ("仅到年份", "year alone"),
            "bucket" => ("取整分段", "rounded down"),
            _ => ("假名", "pseudonym"),
        };
        Some(self.a.say(chinese, english))
    }

    fn reason(&self, code: &ErrorCode) -> &'static str {
        let (chinese, english) = title(*code);
        if self.a.tag() == "en" { english } else { chinese }
    }

    /// What a dataset with its version is called: `301001-000001=1` in evidence.
    fn source(&self, table: &str) -> String {
        match table.rsplit_once('=') {
            Some((code, version)) if self.a.tag() == "en" => format!("{code} version {version}"),
            Some((code, version)) => format!("{code} 第 {version} 版"),
            None => table.to_owned(),
        }
    }

    /// Why a query was refused, by the text of the code.
    fn refusal<'c>(&'c self, code: &'c str) -> &'c str {
        if code == DISCONNECTED {
            return self.a.say("已停止，或者连接中断", "stopped, or cut off");
        }
        ErrorCode::ALL.iter().find(|known| known.as_str() == code).map_or(code, |known| self.reason(known))
    }

    fn state(&self, past: &PastQuery) -> &str {
        match past.state {
            PastState::Complete => self.a.say("完成", "Complete"),
            PastState::Stopped => self.a.say("中断", "Stopped"),
            PastState::Refused => self.a.say("未执行", "Refused"),
            PastState::Running => self.a.say("进行中", "Running"),
        }
    }

    /// The beginning of a text, in one line.
    fn beginning(&self, text: &str) -> String {
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = words.char_indices().nth(120) {
            words.truncate(end);
            words.push('…');
        }
        words
    }

    /// The address of the next page of tables.
    fn next(&self) -> Option<String> {
        let next = self.view.next.as_ref()?;
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        if !self.words.is_empty() {
            pairs.append_pair("tables", self.words);
        }
        Some(format!("/sql?{}#tables", pairs.append_pair("after", &next.path_form()).finish()))
    }
}
