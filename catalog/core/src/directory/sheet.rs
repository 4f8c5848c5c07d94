//! The departments' spreadsheet of 26 columns (and the second sheet 扩展) as grids of cells, to and from resources.
//!
//! One row per information item. What belongs to the resource stands in its first row; below it the cells are empty or
//! say the same. Files are another crate's business: here a sheet is text in rows.

mod build;
mod cells;
mod extension;
pub mod form;
mod group;
mod header;
mod names;
mod place;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::read;
pub use write::write;

use super::Resource;
use crate::error::{Problem, Result};
use crate::ids::ResourceCode;

/// Name of the sheet with the 26 columns, as written and as problems name it.
pub const DIRECTORY_SHEET: &str = "目录";
/// Name of the second sheet.
pub const EXTENSION_SHEET: &str = "扩展";

/// The 26 columns of the directory sheet, A to Z.
pub const DIRECTORY_COLUMNS: [&str; 26] = [
    "序号",
    "部门类信息资源分类",
    "项分类",
    "目分类",
    "细目分类1",
    "细目分类1.1",
    "关联业务事项",
    "信息资源名称",
    "信息资源代码",
    "下设机构",
    "信息资源摘要",
    "信息资源格式分类",
    "信息资源格式类型",
    "其他类型资源格式描述",
    "信息项名称",
    "数据类型",
    "数据长度",
    "共享类型",
    "共享条件/不予共享依据",
    "共享方式分类",
    "共享方式类型",
    "是否向社会开放",
    "开放条件",
    "更新周期",
    "发布日期",
    "开放主题分类",
];

/// The columns of the sheet 扩展. A row without 信息项名称 is about the resource, one with it about the item.
pub const EXTENSION_COLUMNS: [&str; 24] = [
    "信息资源代码",
    "信息资源名称",
    "信息项名称",
    "提供方代码",
    "关键字",
    "关联资源代码",
    "机器名",
    "数据分级",
    "个人信息",
    "许可",
    "联系方式",
    "时间范围",
    "空间范围",
    "值格式",
    "必填",
    "主键",
    "排序",
    "主体",
    "取值范围",
    "最小值",
    "最大值",
    "引用",
    "来源资源代码",
    "比对核验",
];
/// How many of them, the last, a sheet may leave out: they came later.
const LATER_COLUMNS: usize = 2;

/// A row of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Row number in the file, counted from 1.
    pub number: u32,
    /// Text of the cells from column A on; trailing empty ones may be missing.
    pub cells: Vec<String>,
}

impl Row {
    /// The trimmed text of a cell, empty where there is none.
    fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |text| text.trim())
    }
}

/// A sheet as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Name of the sheet or file, with which problems begin.
    pub name: String,
    /// Its rows from the top.
    pub rows: Vec<Row>,
}

impl Grid {
    /// The address of a cell: `目录!H12`. Rows count from 1, columns from 0.
    pub fn address(&self, row: u32, column: usize) -> String {
        format!("{}!{}{row}", self.name, column_letters(column))
    }

    /// The row of an address, if it is one of this sheet.
    pub fn row_at(&self, address: &str) -> Option<u32> {
        let (sheet, cell) = address.rsplit_once('!')?;
        let row = cell.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        row.parse().ok().filter(|_| sheet == self.name)
    }
}

/// The two sheets of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workbook {
    /// The 26 columns.
    pub directory: Grid,
    /// The sheet 扩展, where there is one.
    pub extension: Option<Grid>,
}

/// What a workbook gives: the resources that are whole and valid, and everything that is wrong with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Valid resources, in the order of the sheet.
    pub resources: Vec<ImportedResource>,
    /// Every problem, by sheet, row and column. A resource with a problem is not among the resources.
    pub problems: Vec<Problem>,
}

/// A resource from a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedResource {
    /// The resource. Without a code in the sheet, its code is a placeholder with the sequence 0.
    pub resource: Resource,
    /// The classification in which it needs a code; `None` where the sheet gives one.
    pub allocate: Option<String>,
    /// Whether the sheet says what it is made from; where it has no column for that, what is known of it stays.
    pub says_sources: bool,
    /// The same of what may be verified against it.
    pub says_verifications: bool,
    /// Where the sheet names it, for what only the store can refuse.
    pub cells: NameCells,
}

/// The cells of a resource's names, each as `目录!H12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCells {
    code: String,
    title: String,
    sql_name: String,
    derived_from: String,
}

impl NameCells {
    /// One place for all names: of a resource in a document that is no sheet.
    pub fn at(place: &str) -> Self {
        let place = || place.to_owned();
        Self { code: place(), title: place(), sql_name: place(), derived_from: place() }
    }

    /// The cell of a field of the resource: `title`, `sql_name` and `derived_from`; everything else is said where the code stands.
    pub fn of(&self, field: &str) -> &str {
        match field {
            "title" => &self.title,
            "sql_name" => &self.sql_name,
            "derived_from" => &self.derived_from,
            _ => &self.code,
        }
    }
}

impl ImportedResource {
    /// The resource under a code that was allocated for it, with the machine name of that code unless the sheet
    /// names one.
    pub fn with_code(self, code: ResourceCode) -> Result<Resource> {
        let mut resource = self.resource;
        if resource.sql_name == resource.code.default_sql_name()? {
            resource.sql_name = code.default_sql_name()?;
        }
        resource.code = code;
        Ok(resource)
    }
}

/// The letters of a column: 0 is `A`, 26 is `AA`.
fn column_letters(column: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(column % 26).unwrap_or(0));
    match (column / 26).checked_sub(1) {
        Some(head) => column_letters(head) + &letter.to_string(),
        None => letter.to_string(),
    }
}
