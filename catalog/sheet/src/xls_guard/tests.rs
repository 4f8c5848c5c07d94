use catalog_core::ErrorCode;
use catalog_core::directory::sheet::{Row, Workbook};

use super::*;

const NUMBER: u16 = 0x0203;

/// A record: type, length, content.
fn bytes(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    [&kind.to_le_bytes(), &length.to_le_bytes(), content].concat()
}

/// The version and kind of what begins: a workbook (5) or a sheet (16).
fn begin(kind: u8) -> Vec<u8> {
    let mut content = vec![0; 16];
    (content[1], content[2]) = (6, kind);
    bytes(BEGIN, &content)
}

/// A cell with a value behind its place and format.
fn cell(kind: u16, row: u16, column: u16, value: &[u8]) -> Vec<u8> {
    bytes(kind, &[&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], value].concat())
}

fn one(row: u16, column: u16) -> Vec<u8> {
    cell(NUMBER, row, column, &1.0_f64.to_le_bytes())
}

/// A workbook with shared texts whose sheets begin where `places` says among the parts that follow.
fn workbook(texts: &[&str], sheets: &[Vec<u8>], places: &[usize]) -> Vec<u8> {
    let mut shared = vec![0; 8];
    for text in texts {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        shared.extend(u16::try_from(units.len() / 2).unwrap().to_le_bytes());
        shared.push(1);
        shared.extend(units);
    }
    let globals = |offsets: &[usize]| {
        let mut stream = begin(5);
        stream.extend(bytes(CODE_PAGE, &936_u16.to_le_bytes()));
        for (number, offset) in offsets.iter().enumerate() {
            let name = [b's', b'0' + u8::try_from(number).unwrap()];
            let offset = u32::try_from(*offset).unwrap().to_le_bytes();
            stream.extend(bytes(SHEET, &[&offset[..], &[0, 0, 2, 0], &name].concat()));
        }
        stream.extend(bytes(SHARED_TEXTS, &shared[..shared.len().min(8_000)]));
        for (piece, more) in shared.get(8_000..).unwrap_or_default().chunks(8_000).enumerate() {
            // The first piece ends within a character, the flag says how it goes on.
            assert!(piece < 100);
            stream.extend(bytes(CONTINUE, &[&[1], more].concat()));
        }
        stream.extend(bytes(END, &[]));
        stream
    };
    let mut offsets = vec![globals(places).len()];
    for sheet in sheets {
        offsets.push(offsets[offsets.len() - 1] + sheet.len());
    }
    let offsets: Vec<_> = places.iter().map(|place| offsets[*place]).collect();
    let stream: Vec<u8> = globals(&offsets).into_iter().chain(sheets.concat()).collect();
    packed(&stream).unwrap()
}

fn sheet(records: &[Vec<u8>]) -> Vec<u8> {
    [begin(16), records.concat(), bytes(END, &[])].concat()
}

fn read(file: &[u8]) -> Result<Workbook> {
    crate::read(file, None)
}

fn code(file: &[u8]) -> ErrorCode {
    read(file).unwrap_err().code
}

fn rows(file: &[u8]) -> Vec<Row> {
    read(file).unwrap().directory.rows
}

#[test]
fn two_far_cells_do_not_make_a_table_between_them() {
    let spread = |row, column| workbook(&[], &[sheet(&[one(0, 0), one(row, column)])], &[0]);
    assert_eq!(rows(&spread(9, 25)).len(), 2);
    assert_eq!(rows(&spread(9_999, 63))[1].cells.len(), 64);
    for (row, column) in [(65_535, 63), (65_535, 65_535), (0, 64), (0, 65_535)] {
        assert_eq!(code(&spread(row, column)), ErrorCode::TooLarge, "{row} {column}");
    }
    let many = sheet(&[one(30_000, 30)]);
    assert_eq!(code(&workbook(&[], &[many.clone(), many.clone(), many], &[0, 1, 2])), ErrorCode::TooLarge);
}

#[test]
fn numbers_in_a_row_count_with_the_last_of_them() {
    let numbers = |first: u16| {
        let mut content = [0, first].map(u16::to_le_bytes).concat();
        content.extend([0; 3 * 6]);
        content.extend((first + 2).to_le_bytes());
        bytes(SEVERAL_NUMBERS, &content)
    };
    assert_eq!(rows(&workbook(&[], &[sheet(&[numbers(61)])], &[0]))[0].cells.len(), 64);
    assert_eq!(code(&workbook(&[], &[sheet(&[numbers(62)])], &[0])), ErrorCode::TooLarge);
}

#[test]
fn a_declared_area_is_not_believed() {
    let everything = [&u32::MAX.to_le_bytes()[..], &u32::MAX.to_le_bytes(), &[0, 0, 255, 255, 0, 0]].concat();
    let large = [&[0; 4][..], &60_000_000_u32.to_le_bytes(), &[0, 0, 255, 255, 0, 0]].concat();
    for declared in [everything, large] {
        let file = workbook(&[], &[sheet(&[bytes(DIMENSIONS, &declared), one(0, 0)])], &[0]);
        assert_eq!(rows(&file)[0].cells, ["1"]);
    }
}

#[test]
fn a_shared_text_counts_each_time_it_is_shown() {
    let long = "长".repeat(10_000);
    let showing = |times: u16| {
        let cells: Vec<_> = (0..times).map(|row| cell(SHARED_TEXT, row, 0, &[1, 0, 0, 0])).collect();
        workbook(&["短", &long], &[sheet(&cells)], &[0])
    };
    let few = rows(&showing(3));
    assert_eq!((few.len(), few[2].cells[0].as_str()), (3, long.as_str()), "whole, over two records");
    let many = showing(3_000);
    assert!(many.len() < 200_000, "a small file");
    assert_eq!(code(&many), ErrorCode::TooLarge);
}

#[test]
fn sheets_that_overlap_are_refused() {
    let sheet = sheet(&[one(0, 0)]);
    assert_eq!(code(&workbook(&[], &[sheet.clone(), sheet.clone()], &[0, 0])), ErrorCode::UnsupportedFormat);
    // The second begins within the first, which has no end of its own.
    let endless = [begin(16), one(0, 0)].concat();
    assert_eq!(code(&workbook(&[], &[endless, sheet], &[0, 1])), ErrorCode::UnsupportedFormat);
}

#[test]
fn a_damaged_container_or_record_is_refused() {
    let whole = include_bytes!("../tests/typed.xls");
    assert!(read(whole).is_ok());
    for place in (0..whole.len()).step_by(3) {
        let mut file = whole.to_vec();
        file[place] = file[place].wrapping_add(1);
        let _ = read(&file);
        let _ = read(&file[..place]);
    }
    let truncated = packed(&[begin(5), vec![0x85, 0, 200, 0, 1]].concat()).unwrap();
    assert_eq!(code(&truncated), ErrorCode::UnsupportedFormat);
}
