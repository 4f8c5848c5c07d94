//! Sheets to resources: all or nothing per resource, every problem with its cell.

use std::collections::HashSet;

use super::super::Department;
use super::build::{Builder, Sheets, classification_of};
use super::group::{Group, groups};
use super::header::{self, Header, Title};
use super::{
    DIRECTORY_COLUMNS, EXTENSION_COLUMNS, EXTENSION_SHEET, Grid, Imported, ImportedResource, LATER_COLUMNS,
    Workbook, extension,
};
use crate::error::Problem;
use crate::ids::DepartmentId;

/// Reads a workbook. The provider of a resource stands in its row of the sheet 扩展, else in the title rows, else it
/// is `default_provider`, who uploads.
pub fn read(
    workbook: &Workbook,
    default_provider: Option<&DepartmentId>,
    departments: &[Department],
) -> Imported {
    let nothing = Grid { name: EXTENSION_SHEET.to_owned(), rows: Vec::new() };
    let (grid, extra) = (&workbook.directory, workbook.extension.as_ref().unwrap_or(&nothing));
    // Without the columns of one sheet, everything in it would be lost silently.
    let (header, extra_header) = match headers(grid, extra) {
        Ok(headers) => headers,
        Err(problems) => return Imported { resources: Vec::new(), problems },
    };
    let mut problems = Vec::new();
    let mut groups = groups(grid, &header);
    if let Some(extra_header) = &extra_header {
        problems.extend(extension::assign(extra, extra_header, &header, &mut groups));
    }
    let provider = match provider_of(&header::title(grid, &header), departments) {
        Ok(provider) => provider.or(default_provider),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let sheets = Sheets {
        grid,
        header: &header,
        extra,
        extra_header: extra_header.as_ref(),
        provider,
        departments,
        classifications: &groups.iter().filter_map(|group| classification_of(group, &header)).collect(),
    };
    build_all(&sheets, &groups, problems)
}

pub(super) fn headers(grid: &Grid, extra: &Grid) -> Result<(Header, Option<Header>), Vec<Problem>> {
    let header = header::find(grid, &DIRECTORY_COLUMNS, 0)?;
    let find = || header::find(extra, &EXTENSION_COLUMNS, LATER_COLUMNS);
    let extra_header = (!extra.rows.is_empty()).then(find).transpose()?;
    Ok((header, extra_header))
}

fn build_all(sheets: &Sheets<'_>, groups: &[Group<'_>], mut problems: Vec<Problem>) -> Imported {
    let mut resources = Vec::new();
    let mut taken = HashSet::new();
    for group in groups {
        let built = Builder::new(sheets, group).build();
        match built.and_then(|imported| unique(imported, &mut taken)) {
            Ok(imported) => resources.push(imported),
            Err(mut found) => problems.append(&mut found),
        }
    }
    Imported { resources, problems }
}

/// The provider that the title rows name.
fn provider_of<'a>(
    title: &Title,
    departments: &'a [Department],
) -> Result<Option<&'a DepartmentId>, Problem> {
    let Some((at, _)) = title.code.as_ref().or(title.name.as_ref()) else { return Ok(None) };
    let by_code = |department: &&Department| {
        title.code.as_ref().is_none_or(|(_, code)| department.credit_code == *code)
            && title.name.as_ref().is_none_or(|(_, name)| title.code.is_some() || department.name == *name)
    };
    let Some(department) = departments.iter().find(by_code) else {
        let message = "no department with this name or credit code is registered; correct it or register it";
        return Err(Problem::new(at, "provider.unknown", message));
    };
    match &title.name {
        Some((at, name)) if *name != department.name => {
            let message =
                format!("the code belongs to {}, not to {name}; correct one of the two", department.name);
            Err(Problem::new(at, "provider.differs", message))
        }
        _ => Ok(Some(&department.id)),
    }
}

/// Refuses a code, name or machine name that a resource above has.
fn unique(imported: ImportedResource, taken: &mut HashSet<String>) -> Result<ImportedResource, Vec<Problem>> {
    let resource = &imported.resource;
    let provider = &resource.provider;
    let mut names = vec![("title", format!("the name {} of {provider}", resource.title))];
    if imported.allocate.is_none() {
        names.push(("code", format!("the code {}", resource.code)));
        names.push(("sql_name", format!("the machine name {} of {provider}", resource.sql_name)));
    }
    if let Some((field, name)) = names.iter().find(|(_, name)| taken.contains(name)) {
        let message = format!("{name} is taken by a resource above; keep the rows of one resource together");
        return Err(vec![Problem::new(imported.cells.of(field), "sheet.twice", message)]);
    }
    taken.extend(names.into_iter().map(|(_, name)| name));
    Ok(imported)
}
