//! One resource from its rows.

use std::collections::HashMap;

use super::super::format::ResourceFormat;
use super::super::{
    DataClass, Department, InformationItem, Reference, Resource, SharingMethod, UpdateCycle, ValueFormat,
    VerificationProfile, classification, rules,
};
use super::cells::{self, Read, narrow, numbered};
use super::extension::ext;
use super::group::{Group, at};
use super::header::Header;
use super::{Grid, ImportedResource, Row, names};
use crate::error::{Error, Problem};
use crate::ids::{ColumnName, DepartmentId, ResourceCode, SqlName};

/// The digit of the 类 with the names below it.
pub(super) type ClassificationPath = (char, Vec<String>);

/// What all resources of a workbook are read with.
pub(super) struct Sheets<'a> {
    pub(super) grid: &'a Grid,
    pub(super) header: &'a Header,
    pub(super) extra: &'a Grid,
    /// `None` without a sheet 扩展.
    pub(super) extra_header: Option<&'a Header>,
    /// The provider of resources for which 扩展 names none.
    pub(super) provider: Option<&'a DepartmentId>,
    pub(super) departments: &'a [Department],
    pub(super) classifications: &'a HashMap<ClassificationPath, String>,
}

/// Reads one resource.
pub(super) struct Builder<'a> {
    pub(super) sheets: &'a Sheets<'a>,
    pub(super) group: &'a Group<'a>,
    problems: Vec<Problem>,
}

/// The classification that a resource with a code gives to its names, for resources that have only the names.
pub(super) fn classification_of(group: &Group<'_>, header: &Header) -> Option<(ClassificationPath, String)> {
    let code = ResourceCode::new(group.code(header)).ok()?;
    let category = code.classification().chars().next()?;
    let names = levels(group, header).into_iter().map(|(_, name)| name).collect();
    Some(((category, names), code.classification().to_owned()))
}

/// Numbers and names below the 类, without empty trailing ones.
fn levels(group: &Group<'_>, header: &Header) -> Vec<(Option<String>, String)> {
    let mut levels: Vec<_> =
        (0..4).map(|level| numbered(header.cell(group.first(), at::LEVELS + level))).collect();
    while levels.last().is_some_and(|(_, name)| name.is_empty()) {
        levels.pop();
    }
    levels
}

impl<'a> Builder<'a> {
    pub(super) fn new(sheets: &'a Sheets<'a>, group: &'a Group<'a>) -> Self {
        Self { sheets, group, problems: group.problems.clone() }
    }

    /// The resource, if nothing is wrong with it.
    pub(super) fn build(mut self) -> Result<ImportedResource, Vec<Problem>> {
        let code = self.code();
        let provider = self.provider();
        let fields = self.fields();
        let items = self.items();
        let Some(mut resource) = fields else { return Err(self.problems) };
        if let Some((code, _)) = &code {
            resource.code = code.clone();
        }
        match self.extra_cell(None, ext::NAME) {
            "" => match resource.code.default_sql_name() {
                Ok(name) => resource.sql_name = name,
                Err(error) => self.problem(at::CODE, "cell.code", error.message),
            },
            name => match SqlName::new(name) {
                Ok(name) => resource.sql_name = name,
                Err(error) => self.extra_problem(None, ext::NAME, "cell.name", error.message),
            },
        }
        resource.key = self.ordered(&items, ext::KEY);
        resource.sort = self.ordered(&items, ext::SORT);
        resource.subject = self.ordered(&items, ext::SUBJECT).into_iter().next();
        resource.items = items;
        // The rules speak of items by position, so an item that could not be read leaves them no say.
        if resource.items.len() == self.group.items.len() {
            let broken = rules::check(&resource).into_iter().map(|problem| self.placed(&resource, problem));
            let broken: Vec<_> = broken.collect();
            self.problems.extend(broken);
        }
        match (code, provider) {
            (Some((_, allocate)), Some(provider)) if self.problems.is_empty() => {
                resource.provider = provider;
                let cells = self.name_cells(&resource);
                let has = |column| self.sheets.extra_header.is_some_and(|header| header.has(column));
                let (says_sources, says_verifications) = (has(ext::SOURCES), has(ext::VERIFICATIONS));
                Ok(ImportedResource { resource, allocate, says_sources, says_verifications, cells })
            }
            _ => Err(self.problems),
        }
    }

    /// The code of the sheet, or a placeholder with the classification in which one is allocated.
    fn code(&mut self) -> Option<(ResourceCode, Option<String>)> {
        let written = self.group.code(self.sheets.header);
        let category = cells::category(self.sheets.header.cell(self.group.first(), at::CATEGORY));
        if written.is_empty() {
            let classification = self.classification(category)?;
            let placeholder = ResourceCode::new(format!("{classification}/0"));
            return placeholder.ok().map(|code| (code, Some(classification)));
        }
        let code = match ResourceCode::new(written) {
            Ok(code) => code,
            Err(error) => {
                self.problem(at::CODE, "cell.code", error.message);
                return None;
            }
        };
        let digits = code.classification();
        if category.is_some_and(|category| !digits.starts_with(category)) {
            let message = format!("this 类 is not the one of the code {code}; correct one of the two");
            self.problem(at::CATEGORY, "cell.classification", message);
        }
        for (level, digits) in [digits.get(1..3), digits.get(3..6)].into_iter().enumerate() {
            let written =
                levels(self.group, self.sheets.header).into_iter().nth(level).and_then(|(number, _)| number);
            if written.is_some() && written.as_deref() != digits {
                let message =
                    format!("this number is not the one of the code {code}; correct one of the two");
                self.problem(at::LEVELS + level, "cell.classification", message);
            }
        }
        Some((code, None))
    }

    /// The digits of the classification of a resource without a code: written before the names, fixed by the guide,
    /// or known from a resource of the same sheet that has a code.
    fn classification(&mut self, category: Option<char>) -> Option<String> {
        let Some(category) = category else {
            let names: Vec<_> = classification::CATEGORIES.iter().map(|(_, name)| *name).collect();
            self.problem(at::CATEGORY, "cell.classification", format!("write one of {}", names.join(" ")));
            return None;
        };
        let levels = levels(self.group, self.sheets.header);
        let names = levels.iter().map(|(_, name)| name.clone()).collect();
        if let Some(known) = self.sheets.classifications.get(&(category, names)) {
            return Some(known.clone());
        }
        let mut digits = category.to_string();
        for (level, (number, name)) in levels.into_iter().enumerate() {
            let fixed = || classification::number_of(category, &name).filter(|_| level == 0);
            let number = number.or_else(fixed).filter(|number| match level {
                0 => number.len() == 2,
                1 => number.len() == 3,
                _ => true,
            });
            let Some(number) = number else {
                let digits = if level == 0 { "two" } else { "three" };
                let message = format!(
                    "the number of `{name}` is not known: write {digits} digits and a space before the name \
                     (001 登记信息), or fill in the code"
                );
                self.problem(at::LEVELS + level, "cell.classification", message);
                return None;
            };
            digits.push_str(&number);
        }
        if digits.len() < 6 {
            let message = "a resource without a code needs its 目 too, with three digits before the name";
            self.problem(at::LEVELS + 1, "cell.classification", message);
            return None;
        }
        Some(digits)
    }

    fn provider(&mut self) -> Option<DepartmentId> {
        let code = self.extra_cell(None, ext::PROVIDER);
        if code.is_empty() {
            if self.sheets.provider.is_none() {
                let message =
                    "say who provides it: in the title row (信息资源提供方代码：…) or in the sheet 扩展";
                self.problem(at::TITLE, "provider.missing", message);
            }
            return self.sheets.provider.cloned();
        }
        let department = self.sheets.departments.iter().find(|department| department.credit_code == code);
        if department.is_none() {
            let message = format!("no department with the credit code {code} is registered");
            self.extra_problem(None, ext::PROVIDER, "provider.unknown", message);
        }
        department.map(|department| department.id.clone())
    }

    /// The fields of the resource itself; code, provider, names and items are set by the caller. A field on which no rule
    /// depends may be unreadable: the rules are asked about the others all the same.
    fn fields(&mut self) -> Option<Resource> {
        let text = |column| self.sheets.header.cell(self.group.first(), column).to_owned();
        let optional =
            |column| Some(self.extra_cell(None, column).to_owned()).filter(|text| !text.is_empty());
        let resource = Resource {
            code: ResourceCode::new("300000/0").ok()?,
            sql_name: SqlName::new("r").ok()?,
            provider: DepartmentId::new("d").ok()?,
            title: text(at::TITLE),
            classification: levels(self.group, self.sheets.header)
                .into_iter()
                .map(|(_, name)| name)
                .collect(),
            summary: text(at::ABSTRACT),
            format: ResourceFormat {
                class: cells::format_class(&text(at::FORMAT_CLASS)),
                kind: text(at::FORMAT_KIND),
                other: text(at::FORMAT_OTHER),
            },
            items: Vec::new(),
            sharing_method: SharingMethod { class: text(at::METHOD_CLASS), kind: text(at::METHOD_KIND) },
            update_cycle: UpdateCycle::Irregular,
            published_on: None,
            related: Vec::new(),
            derived_from: Vec::new(),
            business_matter: text(at::MATTER),
            sub_organisation: text(at::SUB_ORGANISATION),
            open_topic: text(at::OPEN_TOPIC),
            keywords: cells::list(self.extra_cell(None, ext::KEYWORDS)),
            data_class: DataClass::General,
            personal: false,
            licence: optional(ext::LICENCE),
            contact: optional(ext::CONTACT),
            temporal_coverage: optional(ext::TIME).map(|text| narrow(&text)),
            spatial_coverage: optional(ext::SPACE).map(|text| narrow(&text)),
            key: Vec::new(),
            sort: Vec::new(),
            subject: None,
            verifications: Vec::new(),
        };
        let (cycle, date) = (text(at::CYCLE), text(at::PUBLISHED));
        let cycle = UpdateCycle::parse(&cycle).ok_or_else(|| {
            let cycles: Vec<_> = UpdateCycle::ALL.iter().map(|(_, name)| *name).collect();
            ("cell.cycle", format!("`{cycle}` is not an update cycle; write one of {}", cycles.join(" ")))
        });
        let first = self.group.first();
        let update_cycle = self.checked(first, at::CYCLE, cycle);
        let published_on = self.checked(first, at::PUBLISHED, cells::date(&date));
        let data_class = self.extra(None, ext::DATA_CLASS, data_class);
        let personal = self.extra(None, ext::PERSONAL, cells::flag);
        let related = self.extra(None, ext::RELATED, codes);
        let derived_from = self.extra(None, ext::SOURCES, codes);
        let verifications = self.extra(None, ext::VERIFICATIONS, verifications);
        Some(Resource {
            update_cycle: update_cycle.unwrap_or(UpdateCycle::Irregular),
            published_on: published_on.flatten(),
            data_class: data_class?,
            personal: personal?,
            related: related.unwrap_or_default(),
            derived_from: derived_from.unwrap_or_default(),
            verifications: verifications.unwrap_or_default(),
            ..resource
        })
    }

    /// The items that could be read.
    fn items(&mut self) -> Vec<InformationItem> {
        (0..self.group.items.len()).filter_map(|place| self.item(place)).collect()
    }

    fn item(&mut self, place: usize) -> Option<InformationItem> {
        let row = self.group.items[place].0;
        let text = |column| self.sheets.header.cell(row, column);
        let title = text(at::ITEM).to_owned();
        let item_type = cells::item_type(text(at::KIND), text(at::LENGTH));
        let sharing = cells::sharing(text(at::SHARING), text(at::CONDITION));
        let opening = cells::opening(text(at::OPEN), text(at::OPEN_CONDITION));
        let item_type = self.checked(row, at::KIND, item_type);
        let sharing = self.checked(row, at::SHARING, sharing);
        let opening = self.checked(row, at::OPEN, opening);
        let here = Some(place);
        let column = self.extra(here, ext::NAME, |name| {
            let name = if name.is_empty() { names::column(&title) } else { ColumnName::new(name) };
            name.map_err(|error| ("cell.name", error.message))
        });
        let data_class = self.extra(here, ext::DATA_CLASS, data_class);
        let personal = self.extra(here, ext::PERSONAL, cells::flag);
        let required = self.extra(here, ext::REQUIRED, cells::flag);
        let format = self.extra(here, ext::FORMAT, value_format);
        let reference = self.extra(here, ext::REFERENCE, |text| {
            let parsed = (!text.is_empty()).then(|| narrow(text).parse::<Reference>()).transpose();
            parsed.map_err(|error| ("cell.reference", error.message))
        });
        let optional =
            |column| Some(self.extra_cell(here, column).to_owned()).filter(|text| !text.is_empty());
        Some(InformationItem {
            enumeration: cells::values(self.extra_cell(here, ext::VALUES)),
            minimum: optional(ext::MINIMUM),
            maximum: optional(ext::MAXIMUM),
            title,
            column: column?,
            item_type: item_type?,
            sharing: sharing?,
            opening: opening?,
            data_class: data_class?,
            personal: personal?,
            required: required?,
            format: format?,
            reference: reference?,
        })
    }

    /// The columns of the items marked in a column of 扩展, in the order of the numbers there; 是 comes last.
    fn ordered(&mut self, items: &[InformationItem], column: usize) -> Vec<ColumnName> {
        let mut marked = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let position = self.extra(Some(place), column, |text| match text {
                "" | "否" => Ok(None),
                "是" => Ok(Some(usize::MAX)),
                number => number.parse().map(Some).map_err(|_| {
                    ("cell.position", format!("`{number}`: write 是, or the position 1, 2 and so on"))
                }),
            });
            marked.extend(position.flatten().map(|position| (position, place, item.column.clone())));
        }
        marked.sort();
        marked.into_iter().map(|(_, _, column)| column).collect()
    }

    /// The row of 扩展 about the resource, or about one of its items.
    pub(super) fn extra_row(&self, item: Option<usize>) -> Option<&Row> {
        match item {
            Some(place) => self.group.items.get(place).and_then(|(_, row)| *row),
            None => self.group.extension,
        }
    }

    fn extra_cell(&self, item: Option<usize>, column: usize) -> &str {
        match (self.extra_row(item), self.sheets.extra_header) {
            (Some(row), Some(header)) => header.cell(row, column),
            _ => "",
        }
    }

    /// Reads a cell of 扩展; a fault is noted and gives nothing.
    fn extra<T>(&mut self, item: Option<usize>, column: usize, read: impl Fn(&str) -> Read<T>) -> Option<T> {
        match read(self.extra_cell(item, column)) {
            Ok(value) => Some(value),
            Err((rule, message)) => {
                self.extra_problem(item, column, rule, message);
                None
            }
        }
    }

    /// The value of a cell; a fault is noted and gives nothing.
    fn checked<T>(&mut self, row: &Row, column: usize, read: Read<T>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err((rule, message)) => {
                // Length and condition stand right of the cell that they belong to.
                let column = column + usize::from(matches!(rule, "cell.length" | "cell.condition"));
                let at = self.sheets.grid.address(row.number, self.sheets.header.place(column));
                self.problems.push(Problem::new(at, rule, message));
                None
            }
        }
    }

    fn problem(&mut self, column: usize, rule: &str, message: impl Into<String>) {
        let at = self.sheets.grid.address(self.group.first().number, self.sheets.header.place(column));
        self.problems.push(Problem::new(at, rule, message));
    }

    fn extra_problem(&mut self, item: Option<usize>, column: usize, rule: &str, message: String) {
        let problem = Problem::new(String::new(), rule, message);
        let problem = self.in_extension(problem, item, column);
        self.problems.push(problem);
    }
}

fn codes(text: &str) -> Read<Vec<ResourceCode>> {
    let codes = cells::list(text).into_iter().map(|code| ResourceCode::new(narrow(&code)));
    codes.collect::<Result<_, _>>().map_err(|error| ("cell.code", error.message))
}

fn verifications(text: &str) -> Read<Vec<VerificationProfile>> {
    let profiles = cells::list(text).into_iter().map(|profile| narrow(&profile).parse());
    profiles.collect::<Result<_, Error>>().map_err(|error| ("cell.verifications", error.message))
}

fn data_class(text: &str) -> Read<DataClass> {
    let wrong = || ("cell.data_class", format!("`{text}`: write 一般, 重要 or 核心"));
    if text.is_empty() { Ok(DataClass::General) } else { DataClass::parse(text).ok_or_else(wrong) }
}

fn value_format(text: &str) -> Read<Option<ValueFormat>> {
    let names = ValueFormat::ALL.map(ValueFormat::as_str).join(" ");
    let wrong = || ("cell.format", format!("`{text}` is not a value format; write one of {names}"));
    if text.is_empty() { Ok(None) } else { ValueFormat::parse(text).map(Some).ok_or_else(wrong) }
}
