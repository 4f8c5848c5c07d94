use crate::fixtures;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::directory::format::ResourceFormat;
use crate::directory::rules::tests::sample;
use crate::directory::{
    DataClass, Department, InformationItem, ItemKind, ItemType, Level, Opening, Reference, Sharing,
    SharingMethod, UpdateCycle, VerificationProfile, rules,
};
use crate::ids::{ColumnName, DepartmentId};

fn department(id: &str, name: &str, credit_code: &str) -> Department {
    Department {
        id: id.parse().unwrap(),
        name: name.into(),
        credit_code: credit_code.into(),
        level: Level::City,
        parent: None,
        division_code: "360400".into(),
    }
}

fn departments() -> Vec<Department> {
    vec![
        department("scjg", "九江市市场监督管理局", "11360400MB1D00000A"),
        department("gaj", "九江市公安局", "11360400014850000B"),
    ]
}

/// The sample written as a workbook, changed cell by cell: rows and columns as people name them.
fn sheet(changes: &[(&str, u32, &str)]) -> Workbook {
    let mut workbook = write(&[sample()], &departments()).unwrap();
    for (column, row, text) in changes {
        let letter = column.as_bytes()[column.len() - 1] - b'A';
        let grid = match column.strip_prefix("扩展!") {
            Some(_) => workbook.extension.as_mut().unwrap(),
            None => &mut workbook.directory,
        };
        grid.rows[*row as usize - 1].cells[usize::from(letter)] = (*text).to_owned();
    }
    workbook
}

fn import(workbook: &Workbook) -> Imported {
    read(workbook, None, &departments())
}

fn problems(workbook: &Workbook) -> Vec<String> {
    let imported = import(workbook);
    imported.problems.into_iter().map(|problem| format!("{} {}", problem.at, problem.rule)).collect()
}

#[test]
fn the_sheet_has_26_columns_and_the_title_rows_name_the_provider() {
    let workbook = sheet(&[]);
    let rows = &workbook.directory.rows;
    assert_eq!(rows[0].cells, ["九江市市场监督管理局政务信息资源目录"]);
    assert_eq!(
        rows[1].cells[0],
        "信息资源提供方：九江市市场监督管理局　信息资源提供方代码：11360400MB1D00000A"
    );
    assert_eq!(rows[2].cells, DIRECTORY_COLUMNS);
    assert_eq!(rows.len(), 3 + 6);
    assert_eq!(
        (column_letters(0), column_letters(25), column_letters(26)),
        ("A".into(), "Z".into(), "AA".into())
    );
}

#[test]
fn what_is_written_is_read_back() {
    let imported = import(&sheet(&[]));
    assert_eq!(imported.problems, []);
    let [imported] = &imported.resources[..] else { panic!("one resource") };
    assert_eq!((&imported.resource, &imported.allocate), (&sample(), &None));
    let cells = ["code", "title", "sql_name", "abstract"].map(|field| imported.cells.of(field));
    assert_eq!(cells, ["目录!I4", "目录!H4", "扩展!G2", "目录!I4"]);
}

#[test]
fn cells_below_the_first_row_are_filled_down() {
    let mut workbook = sheet(&[]);
    for row in &mut workbook.directory.rows[4..] {
        for column in (1..=13).chain([19, 20, 23, 24, 25]) {
            row.cells[column].clear();
        }
    }
    assert_eq!(import(&workbook).resources[0].resource, sample());
}

#[test]
fn a_differing_value_refuses_the_resource_and_no_other() {
    let mut workbook = sheet(&[("K", 6, "另一摘要"), ("X", 9, "每年")]);
    assert_eq!(problems(&workbook), ["目录!K6 sheet.differs", "目录!X9 sheet.differs"]);
    assert!(import(&workbook).resources.is_empty());
    let mut other = sample();
    other.code = "102001/000002".parse().unwrap();
    other.title = "个体工商户基本信息".into();
    other.sql_name = "individual_business".parse().unwrap();
    let more = write(std::slice::from_ref(&other), &departments()).unwrap();
    let renumber = |rows: &[Row], by: u32| -> Vec<Row> {
        rows.iter().map(|row| Row { number: row.number + by, cells: row.cells.clone() }).collect()
    };
    workbook.directory.rows.extend(renumber(&more.directory.rows[3..], 6));
    workbook.extension.as_mut().unwrap().rows.extend(renumber(&more.extension.unwrap().rows[1..], 7));
    let imported = import(&workbook);
    assert_eq!(imported.resources.len(), 1);
    assert_eq!(imported.resources[0].resource, other);
    assert_eq!(imported.problems.len(), 2);
}

#[test]
fn every_problem_names_its_cell() {
    let cases = [
        (("I", 4, "102001"), "目录!I4 cell.code"),
        (("B", 4, "部门信息资源类"), "目录!B4 cell.classification"),
        (("D", 4, "002 登记信息"), "目录!D4 cell.classification"),
        (("K", 4, ""), "目录!K4 abstract.missing"),
        (("L", 4, "纸"), "目录!L4 format.class"),
        (("P", 6, "文字"), "目录!P6 cell.type"),
        (("Q", 4, "十八"), "目录!Q4 cell.length"),
        (("R", 5, "看情况"), "目录!R5 cell.sharing"),
        (("S", 5, ""), "目录!S5 sharing.condition"),
        (("S", 4, "凭函"), "目录!S4 cell.condition"),
        (("V", 7, "是"), "目录!V7 opening.withheld"),
        (("V", 7, "也许"), "目录!V7 cell.flag"),
        (("X", 4, "偶尔"), "目录!X4 cell.cycle"),
        (("Y", 4, "2026-02-30"), "目录!Y4 cell.date"),
        (("扩展!J", 2, ""), "扩展!J2 licence.missing"),
        (("扩展!D", 2, "11360400MB1D00000X"), "扩展!D2 provider.unknown"),
        (("扩展!G", 3, "Credit Code"), "扩展!G3 cell.name"),
        (("扩展!G", 2, "1a"), "扩展!G2 cell.name"),
        (("扩展!H", 3, "绝密"), "扩展!H3 cell.data_class"),
        (("扩展!I", 4, "否"), "扩展!I4 personal.citizen_id"),
        (("扩展!N", 3, "uuid"), "扩展!N3 cell.format"),
        (("扩展!O", 3, "否"), "扩展!P3 key.required"),
        (("扩展!Q", 7, "第一"), "扩展!Q7 cell.position"),
        (("扩展!T", 8, "五"), "扩展!T8 range.value"),
        (("扩展!V", 8, "102001"), "扩展!V8 cell.reference"),
        (("扩展!C", 8, "没有的项"), "扩展!C8 extension.unmatched"),
        (("扩展!C", 8, "状态"), "扩展!C8 extension.twice"),
        (("扩展!A", 8, "102001/000009"), "扩展!A8 extension.unmatched"),
    ];
    for (change, expected) in cases {
        let found = problems(&sheet(&[change]));
        assert!(found.contains(&expected.to_owned()), "{change:?}: {found:?}");
    }
}

#[test]
fn a_bare_sheet_takes_its_provider_from_who_uploads() {
    let mut workbook = sheet(&[]);
    workbook.extension = None;
    workbook.directory.rows.remove(1);
    for row in &mut workbook.directory.rows[2..] {
        // Nothing opens without a licence, for which a bare sheet has no column.
        row.cells[21] = "否".into();
    }
    assert_eq!(problems(&workbook), ["目录!H4 provider.missing"]);
    let uploader: DepartmentId = "gaj".parse().unwrap();
    let imported = read(&workbook, Some(&uploader), &departments());
    assert_eq!(imported.problems, []);
    let resource = &imported.resources[0].resource;
    assert_eq!(resource.provider, uploader);
    assert_eq!(resource.sql_name.as_str(), "r102001_000001");
    let columns: Vec<_> = resource.items.iter().map(|item| item.column.as_str()).collect();
    assert_eq!(columns[0], "credit_code");
    assert!(columns[1].starts_with("c_") && columns[4] == "status", "{columns:?}");
}

#[test]
fn an_empty_code_asks_for_one_in_its_classification() {
    let nameless = |changes: &[(&str, u32, &str)]| {
        let mut workbook = sheet(changes);
        workbook.directory.rows[3..].iter_mut().for_each(|row| row.cells[8].clear());
        let extension = workbook.extension.as_mut().unwrap();
        extension.rows[1..].iter_mut().for_each(|row| row.cells[0].clear());
        extension.rows[1].cells[6].clear();
        workbook
    };
    assert_eq!(problems(&nameless(&[])), ["目录!D4 cell.classification"]);
    let mut workbook = nameless(&[]);
    workbook.directory.rows[3..].iter_mut().for_each(|row| row.cells[3] = "001 登记信息".into());
    let mut imported = import(&workbook);
    assert_eq!(imported.problems, []);
    let imported = imported.resources.remove(0);
    assert_eq!(imported.allocate.as_deref(), Some("102001"));
    let resource = imported.with_code("102001/000007".parse().unwrap()).unwrap();
    assert_eq!(resource.classification, sample().classification);
    assert_eq!((resource.code.as_str(), resource.sql_name.as_str()), ("102001/000007", "r102001_000007"));
}

#[test]
fn sheets_as_people_fill_them_are_understood() {
    let workbook = sheet(&[
        ("B", 4, "1 基础类"),
        ("C", 4, "02 法人单位"),
        ("I", 4, "１０２００１／000001"),
        ("L", 4, "03"),
        ("P", 4, "c"),
        ("Q", 4, "18.0"),
        ("R", 4, "1"),
        ("S", 4, "无"),
        ("W", 4, "无条件开放"),
        ("Y", 4, "46027"),
    ]);
    let mut workbook = workbook;
    for row in &mut workbook.directory.rows[4..] {
        for column in [1, 2, 8, 11, 24] {
            row.cells[column].clear();
        }
    }
    let imported = import(&workbook);
    assert_eq!(imported.problems, []);
    let resource = &imported.resources[0].resource;
    assert_eq!(resource.classification[0], "法人单位");
    assert_eq!(resource.items, sample().items);
    assert_eq!(resource.published_on.unwrap().to_string(), "2026-01-05");
    for date in ["2026/1/5", "2026年1月5日", "20260105", "2026.01.05", "2026-01-05 00:00:00"] {
        assert_eq!(cells::date(date).unwrap(), resource.published_on, "{date}");
    }
}

#[test]
fn the_header_is_found_by_its_names() {
    let mut workbook = sheet(&[]);
    let header = &mut workbook.directory.rows[2].cells;
    header[18] = "共享条件／\n不予共享依据 *".into();
    header[4] = "细目 分类１（可空）".into();
    // A second header row, with a merged title above some columns and 序号 in the upper row alone.
    let mut upper = vec![String::new(); 26];
    upper[0] = std::mem::take(&mut header[0]);
    upper[1] = "信息资源分类".into();
    workbook.directory.rows.insert(2, Row { number: 3, cells: upper });
    assert_eq!(import(&workbook).resources[0].resource, sample());

    workbook.directory.rows[3].cells[23] = "周期".into();
    assert_eq!(problems(&workbook), ["目录!A3 sheet.column"]);
    workbook.directory.rows.truncate(2);
    assert_eq!(problems(&workbook), ["目录!A1 sheet.header"]);
}

#[test]
fn one_sheet_may_hold_several_providers() {
    let mut other = sample();
    other.code = "101001/000001".parse().unwrap();
    other.classification[0] = "人口信息资源".into();
    other.provider = "gaj".parse().unwrap();
    let both = [sample(), other];
    let imported = import(&write(&both, &departments()).unwrap());
    assert_eq!(imported.problems, []);
    let resources: Vec<_> = imported.resources.into_iter().map(|imported| imported.resource).collect();
    assert_eq!(resources, both);
    assert!(write(&both, &departments()[..1]).is_err());
}

#[test]
fn a_code_or_name_twice_is_refused() {
    let mut workbook = sheet(&[]);
    let mut between = workbook.directory.rows[3].clone();
    between.cells[7] = "另一资源".into();
    between.cells[8] = "102001/000002".into();
    let again = workbook.directory.rows[3].clone();
    workbook.directory.rows.extend([between, again]);
    let found = problems(&workbook);
    assert!(found.iter().any(|line| line.ends_with("extension.ambiguous")), "{found:?}");
    let mut other = sample();
    other.code = "102001/000002".parse().unwrap();
    let found = problems(&write(&[sample(), other.clone()], &departments()).unwrap());
    assert_eq!(found, ["目录!H10 sheet.twice"], "one name for two codes");
    other.title = "个体工商户基本信息".into();
    let found = problems(&write(&[sample(), other], &departments()).unwrap());
    assert_eq!(found, ["扩展!G9 sheet.twice"], "one machine name for two resources");
}

#[test]
fn a_free_code_that_is_well_formed_is_kept() {
    for code in ["102001/7", "102001/000000123456789012", "1020010203/1", "10200109/000001"] {
        let mut moved = sample();
        moved.code = code.parse().unwrap();
        let imported = import(&write(&[moved], &departments()).unwrap());
        assert_eq!(imported.problems, []);
        let [imported] = &imported.resources[..] else { panic!("one resource") };
        assert_eq!((imported.resource.code.as_str(), &imported.allocate), (code, &None));
    }
    for code in ["102001", "402001/1", "10200/1", "102001/1a", "102001/"] {
        assert_eq!(problems(&sheet(&[("I", 4, code)]))[0], "目录!I4 cell.code", "{code}");
    }
}

#[test]
fn all_problems_are_reported_at_once_and_say_what_to_do() {
    let cells = [("P", 6, "文字"), ("R", 5, "看情况"), ("X", 4, "偶尔"), ("扩展!H", 3, "绝密")];
    let rules = [("I", 4, "102001"), ("K", 4, ""), ("S", 5, ""), ("X", 4, "偶尔"), ("扩展!J", 2, "")];
    for (changes, expected) in [
        (&cells[..], &["目录!P6", "目录!R5", "目录!X4", "扩展!H3"][..]),
        (&rules, &["目录!I4", "目录!K4", "目录!S5", "目录!X4", "扩展!J2"]),
    ] {
        let imported = import(&sheet(changes));
        let found: BTreeSet<_> = imported.problems.iter().map(|problem| problem.at.as_str()).collect();
        assert!(expected.iter().all(|cell| found.contains(cell)), "{found:?}");
        assert!(imported.resources.is_empty());
        for problem in &imported.problems {
            assert!(problem.message.chars().count() > 15 && !problem.rule.is_empty(), "{problem:?}");
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    "[一-十甲乙丙a-zA-Z（][一-十甲乙丙a-zA-Z0-9，；,、|（）/\" ']{0,12}[一-十甲乙丙a-z]"
}

fn word() -> impl Strategy<Value = String> {
    "[一-十甲乙丙丁][一-十甲乙丙a-zA-Z0-9]{1,8}"
}

fn any_item() -> impl Strategy<Value = InformationItem> {
    let kinds = select(ItemKind::ALL.to_vec());
    let flags = (any::<bool>(), any::<bool>(), 0usize..3, 0usize..3);
    (kinds, flags, text(), 1u16..39, proptest::collection::btree_set("[a-z一-十]", 0..3)).prop_map(
        |((kind, _), (personal, required, share, open), text, length, values)| {
            let condition = text.clone();
            let sharing = match share {
                0 => Sharing::Withheld { basis: text },
                1 => Sharing::Conditional { condition: text },
                _ => Sharing::Unconditional,
            };
            let opening = match open {
                _ if share == 0 => Opening::Closed,
                0 => Opening::Closed,
                1 => Opening::Conditional { condition },
                _ => Opening::Open,
            };
            let item_type = match kind {
                ItemKind::C => ItemType::sized(kind, length),
                ItemKind::N => ItemType { kind, length, scale: (length / 2) as u8 },
                ItemKind::M if personal => ItemType::sized(kind, length),
                _ => ItemType::plain(kind),
            };
            let enumeration = if kind == ItemKind::C { values.into_iter().collect() } else { Vec::new() };
            let number = matches!(kind, ItemKind::I | ItemKind::Y);
            InformationItem {
                title: String::new(),
                column: "c".parse().unwrap(),
                item_type,
                sharing,
                opening,
                data_class: DataClass::General,
                personal,
                required,
                format: None,
                enumeration,
                minimum: number.then(|| "-5".to_owned()),
                maximum: number.then(|| "12".to_owned()),
                reference: required.then(|| Reference {
                    resource: "301001/77".parse().unwrap(),
                    column: "elsewhere".parse().unwrap(),
                }),
            }
        },
    )
}

prop_compose! {
    fn any_resource()(
        number in 1u32..1000,
        provider in select(vec!["scjg", "gaj"]),
        classification in proptest::collection::vec(word(), 2..5),
        texts in (text(), text(), text(), text(), text()),
        keywords in proptest::collection::btree_set(word(), 0..4),
        items in proptest::collection::vec(any_item(), 1..8),
        cycle in select(UpdateCycle::ALL.to_vec()),
        day in proptest::option::of(0i64..20_000),
        options in proptest::option::of(text()),
        personal in any::<bool>(),
    ) -> Resource {
        let mut items = items;
        for (place, item) in items.iter_mut().enumerate() {
            item.title = format!("信息项 {place}");
            item.column = format!("column_{place}").parse().unwrap();
        }
        let columns = |keep: &dyn Fn(&InformationItem) -> bool| -> Vec<ColumnName> {
            let orderable = |item: &&InformationItem| {
                !matches!(item.item_type.kind, ItemKind::G | ItemKind::M | ItemKind::B | ItemKind::F)
            };
            items.iter().rev().filter(orderable).filter(|item| keep(item)).map(|item| item.column.clone()).collect()
        };
        let key = columns(&|item| item.required);
        let sort = columns(&|item| item.sharing == Sharing::Unconditional && !item.personal);
        let texts_of_items: Vec<_> =
            items.iter().filter(|item| item.item_type.kind == ItemKind::C).map(|item| &item.column).collect();
        let verifications = match texts_of_items[..] {
            [identifier, attribute, ..] => {
                vec![VerificationProfile { identifier: identifier.clone(), attribute: attribute.clone() }]
            }
            _ => Vec::new(),
        };
        Resource {
            code: format!("301{:03}/{number:06}", number % 7).parse().unwrap(),
            sql_name: format!("table_{number}").parse().unwrap(),
            title: format!("资源{number}"),
            provider: provider.parse().unwrap(),
            classification,
            summary: format!("{}\n第二行", texts.0),
            format: ResourceFormat { class: "数据库".into(), kind: "mysql,其他".into(), other: texts.1 },
            subject: key.first().cloned(),
            items,
            sharing_method: SharingMethod { class: "共享平台方式".into(), kind: "数据库，文件".into() },
            update_cycle: cycle.0,
            published_on: day.and_then(|day| {
                chrono::NaiveDate::from_ymd_opt(2000, 1, 1)?.checked_add_signed(chrono::Duration::days(day))
            }),
            related: vec!["101001/3".parse().unwrap()],
            derived_from: vec!["101001/4".parse().unwrap(), "101001/3".parse().unwrap()],
            business_matter: texts.2,
            sub_organisation: texts.3,
            open_topic: texts.4,
            keywords: keywords.into_iter().collect(),
            data_class: DataClass::General,
            personal,
            licence: Some("CC-BY-4.0".into()),
            contact: options,
            temporal_coverage: Some("../2025-12-31".into()),
            spatial_coverage: Some("360481".into()),
            verifications,
            key,
            sort,
        }
    }
}

#[test]
fn a_sheet_from_before_sources_is_read_as_before() {
    let mut resource = fixtures::resource("scjg", "301001/000001", "样例").unwrap();
    resource.derived_from = vec!["101001/3".parse().unwrap()];
    let mut workbook = write(std::slice::from_ref(&resource), &departments()).unwrap();
    for row in &mut workbook.extension.as_mut().unwrap().rows {
        assert_eq!(row.cells.len(), EXTENSION_COLUMNS.len());
        row.cells.pop();
    }
    let imported = import(&workbook);
    assert!(
        imported.problems.iter().all(|problem| problem.rule != "sheet.column"),
        "{:?}",
        imported.problems
    );
    // A column between the others is no longer there by mistake.
    for row in &mut workbook.extension.as_mut().unwrap().rows {
        row.cells.remove(5);
    }
    assert!(import(&workbook).problems.iter().any(|problem| problem.rule == "sheet.column"));
}

#[test]
fn a_sheet_says_whether_it_knows_of_sources() {
    let says = |workbook: &Workbook| {
        import(workbook).resources.iter().map(|found| found.says_sources).collect::<Vec<_>>()
    };
    let mut workbook = sheet(&[]);
    assert_eq!(says(&workbook), [true], "none is none");
    for row in &mut workbook.extension.as_mut().unwrap().rows {
        row.cells.truncate(EXTENSION_COLUMNS.len() - LATER_COLUMNS);
    }
    assert_eq!(says(&workbook), [false], "what is known of them stays");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn export_then_import_gives_the_same_directory(
        resources in proptest::collection::vec(any_resource(), 1..5)
    ) {
        let mut resources = resources;
        for (place, resource) in resources.iter_mut().enumerate() {
            resource.title.push_str(&format!("之{place}"));
            resource.sql_name = format!("table_{place}").parse().unwrap();
            resource.code = format!("301001/{place}").parse().unwrap();
            prop_assert_eq!(rules::check(resource), []);
        }
        let imported = import(&write(&resources, &departments()).unwrap());
        prop_assert_eq!(imported.problems, []);
        let read: Vec<_> = imported.resources.into_iter().map(|imported| imported.resource).collect();
        prop_assert_eq!(read, resources);
    }

    #[test]
    fn any_cell_is_read_or_refused_without_panic(column in 0usize..26, row in 0usize..9, text in "\\PC{0,12}") {
        let mut workbook = sheet(&[]);
        if let Some(cell) = workbook.directory.rows[row].cells.get_mut(column) {
            *cell = text.clone();
        }
        import(&workbook);
        let mut workbook = sheet(&[]);
        if let Some(cell) = workbook.extension.as_mut().unwrap().rows[row % 8].cells.get_mut(column) {
            *cell = text;
        }
        import(&workbook);
    }
}
