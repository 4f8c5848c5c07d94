//! Resources to sheets. What is written is read back as the same resources.

use std::collections::BTreeSet;

use super::super::{Department, InformationItem, Opening, Resource, Sharing, ValueFormat, classification};
use super::extension::ext;
use super::{DIRECTORY_COLUMNS, DIRECTORY_SHEET, EXTENSION_COLUMNS, EXTENSION_SHEET, Grid, Row, Workbook};
use crate::error::{Error, Result};
use crate::ids::ColumnName;

/// Writes the resources, in order. An error names a provider that is not among the departments.
pub fn write(resources: &[Resource], departments: &[Department]) -> Result<Workbook> {
    let mut directory = Sheet::new(DIRECTORY_SHEET);
    let mut extension = Sheet::new(EXTENSION_SHEET);
    let providers: BTreeSet<_> = resources.iter().map(|resource| &resource.provider).collect();
    let one = providers.first().filter(|_| providers.len() == 1);
    let one = one.map(|provider| find(departments, provider)).transpose()?;
    directory.add([format!("{}政务信息资源目录", one.map_or("", |department| department.name.as_str()))]);
    if let Some(department) = one {
        let (name, code) = (&department.name, &department.credit_code);
        directory.add([format!("信息资源提供方：{name}　信息资源提供方代码：{code}")]);
    }
    directory.add(DIRECTORY_COLUMNS.map(str::to_owned));
    extension.add(EXTENSION_COLUMNS.map(str::to_owned));
    let mut number = 0;
    for resource in resources {
        let provider = find(departments, &resource.provider)?;
        extension.add(resource_extension(resource, provider));
        for item in &resource.items {
            number += 1;
            directory.add(item_row(number, resource, item));
            extension.add(item_extension(resource, item));
        }
    }
    Ok(Workbook { directory: directory.0, extension: Some(extension.0) })
}

struct Sheet(Grid);

impl Sheet {
    fn new(name: &str) -> Self {
        Self(Grid { name: name.to_owned(), rows: Vec::new() })
    }

    fn add<const N: usize>(&mut self, cells: [String; N]) {
        let number = u32::try_from(self.0.rows.len() + 1).unwrap_or(u32::MAX);
        self.0.rows.push(Row { number, cells: cells.into() });
    }
}

fn find<'a>(departments: &'a [Department], id: &crate::DepartmentId) -> Result<&'a Department> {
    let known = departments.iter().find(|department| department.id == *id);
    known.ok_or_else(|| Error::not_found(format!("department {id}")))
}

/// Every row is whole, so that sorting and filtering in a spreadsheet does no harm.
fn item_row(number: usize, resource: &Resource, item: &InformationItem) -> [String; 26] {
    let category = resource.code.classification().chars().next();
    let category = classification::CATEGORIES.iter().find(|(digit, _)| Some(*digit) == category);
    let level = |place: usize| resource.classification.get(place).cloned().unwrap_or_default();
    let text = match &item.sharing {
        Sharing::Unconditional => String::new(),
        Sharing::Conditional { condition: text } | Sharing::Withheld { basis: text } => text.clone(),
    };
    let condition = match &item.opening {
        Opening::Conditional { condition } => condition.clone(),
        _ => String::new(),
    };
    let ty = item.item_type;
    let length = match (ty.length, ty.scale) {
        (0, _) => String::new(),
        (length, 0) => length.to_string(),
        (length, scale) => format!("{length},{scale}"),
    };
    [
        number.to_string(),
        category.map_or("", |(_, name)| name).to_owned(),
        level(0),
        level(1),
        level(2),
        level(3),
        resource.business_matter.clone(),
        resource.title.clone(),
        resource.code.to_string(),
        resource.sub_organisation.clone(),
        resource.summary.clone(),
        resource.format.class.clone(),
        resource.format.kind.clone(),
        resource.format.other.clone(),
        item.title.clone(),
        ty.kind.label(),
        length,
        item.sharing.label().to_owned(),
        text,
        resource.sharing_method.class.clone(),
        resource.sharing_method.kind.clone(),
        yes(item.opening != Opening::Closed),
        condition,
        resource.update_cycle.label().to_owned(),
        resource.published_on.map(|date| date.to_string()).unwrap_or_default(),
        resource.open_topic.clone(),
    ]
}

fn resource_extension(resource: &Resource, provider: &Department) -> [String; 24] {
    let mut row = EXTENSION_COLUMNS.map(|_| String::new());
    let related: Vec<_> = resource.related.iter().map(ToString::to_string).collect();
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        resource.code.to_string(),
        resource.title.clone(),
        String::new(),
        provider.credit_code.clone(),
        resource.keywords.join("，"),
        related.join("，"),
        resource.sql_name.to_string(),
        resource.data_class.label().to_owned(),
        yes(resource.personal),
        optional(&resource.licence),
        optional(&resource.contact),
        optional(&resource.temporal_coverage),
        optional(&resource.spatial_coverage),
    ];
    for (to, from) in row.iter_mut().zip(cells) {
        *to = from;
    }
    let sources: Vec<_> = resource.derived_from.iter().map(ToString::to_string).collect();
    row[ext::SOURCES] = sources.join("，");
    let verifications: Vec<_> = resource.verifications.iter().map(ToString::to_string).collect();
    row[ext::VERIFICATIONS] = verifications.join("，");
    row
}

fn item_extension(resource: &Resource, item: &InformationItem) -> [String; 24] {
    let place = |columns: &[ColumnName]| {
        let place = columns.iter().position(|column| *column == item.column);
        place.map(|place| (place + 1).to_string()).unwrap_or_default()
    };
    let empty = String::new;
    let subject = resource.subject.as_ref() == Some(&item.column);
    [
        resource.code.to_string(),
        resource.title.clone(),
        item.title.clone(),
        empty(),
        empty(),
        empty(),
        item.column.to_string(),
        item.data_class.label().to_owned(),
        yes(item.personal),
        empty(),
        empty(),
        empty(),
        empty(),
        item.format.map_or("", ValueFormat::as_str).to_owned(),
        yes(item.required),
        place(&resource.key),
        place(&resource.sort),
        if subject { yes(true) } else { empty() },
        item.enumeration.join("|"),
        item.minimum.clone().unwrap_or_default(),
        item.maximum.clone().unwrap_or_default(),
        item.reference.as_ref().map(ToString::to_string).unwrap_or_default(),
        empty(),
        empty(),
    ]
}

fn yes(value: bool) -> String {
    if value { "是" } else { "否" }.to_owned()
}
