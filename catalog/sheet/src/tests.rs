use std::io::{Cursor, Write};

use catalog_core::directory::sheet::{self, DIRECTORY_COLUMNS, Grid, Row};
use catalog_core::directory::{Opening, Resource, Sharing, rules};
use catalog_core::fixtures;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

fn grid(name: &str, rows: &[&[&str]]) -> Grid {
    let row = |(number, cells): (u32, &&[&str])| Row {
        number,
        cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
    };
    Grid { name: name.into(), rows: (1..).zip(rows).map(row).collect() }
}

fn workbook() -> Workbook {
    let directory = grid(
        DIRECTORY_SHEET,
        &[
            &["九江市市场监督管理局政务信息资源目录"],
            &["信息资源提供方：九江市市场监督管理局　信息资源提供方代码：11360400MB1D00000A"],
            &["序号", "信息资源名称", "信息资源代码"],
            &["1", "含,逗号;分号\"引号\"", "000000190001010000"],
            &["2", "两\n行", "=1+1"],
        ],
    );
    Workbook {
        directory,
        extension: Some(grid(EXTENSION_SHEET, &[&["信息资源代码", "许可"], &["102001/1", "CC0-1.0"]])),
    }
}

fn cells(grid: &Grid) -> Vec<Vec<String>> {
    grid.rows.iter().map(|row| row.cells.clone()).collect()
}

fn code(result: Result<Workbook>) -> ErrorCode {
    result.unwrap_err().code
}

#[test]
fn an_xlsx_file_carries_both_sheets() {
    let file = write_xlsx(&workbook()).unwrap();
    assert_eq!(read(&file, None).unwrap(), workbook());
    assert_eq!(code(read(&file, Some(b"a,b"))), ErrorCode::InvalidInput);
}

#[test]
fn csv_files_carry_one_sheet_each() {
    let workbook = workbook();
    let directory = write_csv(&workbook.directory);
    let extension = write_csv(workbook.extension.as_ref().unwrap());
    assert_eq!(read(&directory, Some(&extension)).unwrap(), workbook);
    assert_eq!(read(&directory, None).unwrap().extension, None);
}

#[test]
fn encodings_and_separators_are_found_out() {
    let expected = [["序号", "名称，甲"], ["1", "人口"]];
    for separator in [",", ";", "\t"] {
        let text = format!("序号{separator}名称，甲\r\n1{separator}人口\r\n");
        let (gb, _, _) = encoding_rs::GB18030.encode(&text);
        let wide: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for file in [text.as_bytes(), format!("\u{feff}{text}").as_bytes(), &gb, &wide] {
            assert_eq!(cells(&read(file, None).unwrap().directory), expected, "{separator:?}");
        }
    }
    for damaged in [b"a,b\n\x81\x00".as_slice(), b"\xff\xff\xff", b"a,\0"] {
        assert_eq!(code(read(damaged, None)), ErrorCode::UnsupportedFormat, "{damaged:?}");
    }
}

#[test]
fn rows_of_csv_count_as_a_spreadsheet_shows_them() {
    for line_end in ["\n", "\r\n"] {
        let file = "title\n\n\na,\"two\nlines\"\n\nb,c".replace('\n', line_end);
        let grid = read(file.as_bytes(), None).unwrap().directory;
        let numbers: Vec<_> = grid.rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [1, 4, 6], "{line_end:?}");
    }
}

/// A workbook whose first sheet has typed cells, as people's spreadsheets do.
fn typed_workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let plain = rust_xlsxwriter::Format::new();
    let date = plain.clone().set_num_format("yyyy-mm-dd");
    let sheet = book.add_worksheet();
    sheet.write_number(0, 0, 301_001.0).unwrap();
    sheet.write_number(0, 1, 18.2).unwrap();
    sheet.write_boolean(0, 2, true).unwrap();
    sheet.write_number_with_format(0, 3, 46_027.0, &date).unwrap();
    sheet.write_number_with_format(0, 4, 46_027.5, &date).unwrap();
    sheet.merge_range(1, 0, 2, 1, "合并", &plain).unwrap();
    sheet.write_string(2, 2, "行").unwrap();
    book.add_worksheet().set_name(EXTENSION_SHEET).unwrap().write_string(0, 0, "扩").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn typed_cells_become_the_text_people_see() {
    let workbook = read(&typed_workbook(), None).unwrap();
    let rows = cells(&workbook.directory);
    assert_eq!(rows[0], ["301001", "18.2", "是", "2026-01-05", "2026-01-05 12:00:00"]);
    assert_eq!(rows[1], ["合并", "合并"]);
    assert_eq!(rows[2], ["合并", "合并", "行"]);
    assert_eq!(workbook.extension.unwrap().name, EXTENSION_SHEET);
}

#[test]
fn an_old_workbook_is_read_too() {
    // Written with xlwt: typed cells, a merged area, a blank row, the sheet 扩展.
    let workbook = read(include_bytes!("tests/typed.xls"), None).unwrap();
    let rows = &workbook.directory.rows;
    assert_eq!(rows[0].cells, ["301001", "18.2", "是", "2026-01-05"]);
    assert_eq!(rows[1].cells, ["合并", "合并"]);
    assert_eq!(rows[2].cells, ["合并", "合并", "行"]);
    assert_eq!((rows[3].number, rows[3].cells[1].as_str()), (5, "360481199001010000"));
    assert_eq!(workbook.extension.unwrap().rows[0].cells, ["扩"]);
}

#[test]
fn a_formula_error_is_refused_at_its_cell() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name(DIRECTORY_SHEET).unwrap();
    sheet.write_formula(6, 7, rust_xlsxwriter::Formula::new("=A1").set_result("#REF!")).unwrap();
    let error = read(&book.save_to_buffer().unwrap(), None).unwrap_err();
    assert_eq!(error.problems[0].at, "目录!H7");
    assert_eq!(error.problems[0].rule, "sheet.error");
}

fn bomb(members: usize, size: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in 0..members {
        archive.start_file(format!("xl/{member}.xml"), SimpleFileOptions::default()).unwrap();
        archive.write_all(&vec![b' '; size]).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn what_unpacks_too_large_is_refused_before_it_is_parsed() {
    let half = bomb(1, 33 << 20);
    assert!(half.len() < 1 << 20);
    assert_eq!(code(read(&half, None)), ErrorCode::UnsupportedFormat, "small enough, but no workbook");
    assert_eq!(code(read(&bomb(2, 33 << 20), None)), ErrorCode::TooLarge);
    assert_eq!(code(read(&bomb(1_001, 1), None)), ErrorCode::TooLarge);
    let mut large = ZIP_MAGIC.to_vec();
    large.resize((16 << 20) + 1, 0);
    assert_eq!(code(read(&large, None)), ErrorCode::TooLarge);
}

#[test]
fn a_size_that_the_header_hides_is_counted_all_the_same() {
    let mut lying = bomb(1, 65 << 20);
    let central = lying.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[central + 24..central + 28].copy_from_slice(&1u32.to_le_bytes());
    assert!(read(&lying, None).is_err());
}

#[test]
fn far_cells_and_repeated_texts_are_bounded() {
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_string(1_048_575, 16_383, "far").unwrap();
    assert_eq!(code(read(&book.save_to_buffer().unwrap(), None)), ErrorCode::TooLarge);

    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let long = "长".repeat(10_000);
    for row in 0..3_000 {
        sheet.write_string(row, 0, &long).unwrap();
    }
    let file = book.save_to_buffer().unwrap();
    assert!(file.len() < 1 << 20, "one shared string");
    assert_eq!(code(read(&file, None)), ErrorCode::TooLarge);
}

#[test]
fn damaged_files_are_refused() {
    let whole = write_xlsx(&workbook()).unwrap();
    for end in (0..whole.len()).step_by(97) {
        let _ = read(&whole[..end], None);
    }
    assert_eq!(code(read(&whole[..whole.len() / 2], None)), ErrorCode::UnsupportedFormat);
    assert_eq!(code(read(OLE_MAGIC, None)), ErrorCode::UnsupportedFormat);
    assert!(read(b"", None).unwrap().directory.rows.is_empty());
}

#[test]
fn a_directory_survives_both_kinds_of_files() {
    let mut rows = workbook().directory.rows;
    rows[2].cells = DIRECTORY_COLUMNS.map(str::to_owned).to_vec();
    let header_only = Workbook {
        directory: Grid { name: DIRECTORY_SHEET.into(), rows: rows[..3].to_vec() },
        extension: None,
    };
    for file in [write_xlsx(&header_only).unwrap(), write_csv(&header_only.directory)] {
        let imported = sheet::read(&read(&file, None).unwrap(), None, &[]);
        assert_eq!(imported.problems[0].rule, "provider.unknown");
        assert_eq!(imported.problems[0].at, "目录!A2");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), kind in 0usize..3) {
        let magic = [b"".as_slice(), ZIP_MAGIC, OLE_MAGIC][kind];
        let _ = read(&[magic, &bytes].concat(), None);
    }

    #[test]
    fn a_damaged_workbook_never_panics(place in 0usize..10_000, byte in any::<u8>()) {
        let mut file = write_xlsx(&workbook()).unwrap();
        let place = place % file.len();
        file[place] = byte;
        let _ = read(&file, None);
    }

    #[test]
    fn any_text_survives(texts in proptest::collection::vec("[ -~一-十\\n]{1,12}", 4)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let directory = grid(DIRECTORY_SHEET, &[&["甲", "乙"], &[texts[0], texts[1]], &[texts[2], texts[3]]]);
        let workbook = Workbook { directory, extension: None };
        prop_assert_eq!(&read(&write_xlsx(&workbook).unwrap(), None).unwrap(), &workbook);
        let csv = write_csv(&workbook.directory);
        prop_assert_eq!(&read(&csv, None).unwrap(), &workbook);
    }
}

#[test]
fn the_sample_city_is_read_without_a_problem() {
    let directory = include_bytes!("../../../datasets/samples/directory/目录.csv");
    let extension = include_bytes!("../../../datasets/samples/directory/扩展.csv");
    let departments: Vec<catalog_core::directory::Department> =
        serde_json::from_str(include_str!("../../../datasets/samples/directory/departments.json")).unwrap();
    let imported = sheet::read(&read(directory, Some(extension)).unwrap(), None, &departments);
    assert_eq!(imported.problems, []);
    let resources: Vec<_> = imported.resources.into_iter().map(|imported| imported.resource).collect();
    assert_eq!(resources.len(), 48);
    // Real texts survive a real workbook.
    let file = write_xlsx(&sheet::write(&resources, &departments).unwrap()).unwrap();
    let again = sheet::read(&read(&file, None).unwrap(), None, &departments);
    let again: Vec<_> = again.resources.into_iter().map(|imported| imported.resource).collect();
    assert_eq!(again, resources);
}

/// A text as a rule accepts it, with everything in it that files, sheets and lists treat in a special way.
fn text() -> impl Strategy<Value = String> {
    "[一-十a-z（][一-十a-z0-9A-Z，；,;|（）/\"'#=+@\\t .-]{0,20}[一-十a-z0-9]"
        .prop_map(|text| text.replace('\t', ""))
}

prop_compose! {
    fn any_resource(number: u32)(
        texts in (text(), text(), text(), text(), text()),
        digits in "0{0,3}[1-9][0-9]{5,17}",
        free in 1u32..99_999,
        shares in proptest::collection::vec(0u8..3, 1..5),
    ) -> Resource {
        let items = shares.iter().zip(0..).map(|(share, place)| {
            let mut item = fixtures::item(&format!("信息项{place}"), &format!("column_{place}")).unwrap();
            let condition = texts.0.clone();
            (item.sharing, item.opening) = match share {
                0 => (Sharing::Withheld { basis: condition }, Opening::Closed),
                1 => (Sharing::Conditional { condition: condition.clone() }, Opening::Conditional { condition }),
                _ => (Sharing::Unconditional, Opening::Open),
            };
            item
        });
        Resource {
            summary: format!("{}\n第二行：{digits}", texts.1),
            contact: Some(texts.2),
            business_matter: texts.3,
            sub_organisation: digits,
            open_topic: texts.4,
            licence: Some("CC-BY-4.0".to_owned()),
            items: items.collect(),
            classification: vec!["公安局".to_owned(), "人口管理".to_owned()],
            ..fixtures::resource("gaj", &format!("30100{number}/{free}"), &format!("资源{number}")).unwrap()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_directory_comes_back_as_it_went_out(resources in (any_resource(1), any_resource(2), any_resource(3))) {
        let resources = [resources.0, resources.1, resources.2];
        for resource in &resources {
            prop_assert_eq!(rules::check(resource), []);
        }
        let departments = [fixtures::department("gaj", "九江市公安局").unwrap()];
        let workbook = sheet::write(&resources, &departments).unwrap();
        let csv = (write_csv(&workbook.directory), workbook.extension.as_ref().map(write_csv));
        let files = [read(&write_xlsx(&workbook).unwrap(), None), read(&csv.0, csv.1.as_deref())];
        for file in files {
            let imported = sheet::read(&file.unwrap(), None, &departments);
            prop_assert_eq!(imported.problems, []);
            let read: Vec<_> = imported.resources.into_iter().map(|imported| imported.resource).collect();
            prop_assert_eq!(&read[..], &resources[..]);
        }
    }
}
