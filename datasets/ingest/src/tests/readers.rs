use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int32Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use catalog_core::ErrorCode;
use catalog_core::directory::ValueFormat;
use parquet::arrow::ArrowWriter;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::*;

const EXPECTED: [[&str; 4]; 2] = [["1", "九江", "1.50", "2026-01-31"], ["2", "黄石", "", ""]];

async fn expect_things(name: &str, content: impl AsRef<[u8]>) {
    let desk = Desk::new();
    let prepared = desk.ingest(&things(), name, content, &IngestOptions::new(1, NOW)).await.unwrap();
    assert_eq!(desk.sorted_rows(&prepared.manifest), EXPECTED, "{name}");
}

#[tokio::test]
async fn csv_in_every_usual_encoding_and_delimiter() {
    let text = "编号,城市,金额,日期\n1,九江,1.5,20260131\n2,黄石,,\n";
    expect_things("utf8.csv", text).await;
    expect_things("bom.csv", format!("\u{FEFF}{text}")).await;
    expect_things("gb18030.csv", encoding_rs::GB18030.encode(text).0).await;
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    expect_things("utf16.csv", utf16).await;
    for delimiter in ["\t", ";", "|", "^", "~", " ", "\u{1}"] {
        expect_things("delimited.csv", text.replace(',', delimiter)).await;
    }
    expect_things("crlf.csv", text.replace('\n', "\r\n").trim_end()).await;
    expect_things("quoted.csv", "id,\"city\",AMOUNT,day\n1,\"九江\",\"1.50\",2026-01-31\n\n2,黄石,\"\",\n")
        .await;
}

#[tokio::test]
async fn fields_keep_quotes_newlines_and_wide_characters() {
    let desk = Desk::new();
    let only = resource(vec![item("id", "编号", ItemType::sized(ItemKind::C, 6))], &[], &[]);
    let prepared = desk.lenient(&only, "a.csv", "id\n\"a\"\"b\nc\"\n汉字汉字汉字\n汉字汉字汉字汉\n").await;
    assert_eq!(desk.sorted_rows(&prepared.manifest), [["a\"b\nc"], ["汉字汉字汉字"]]);
    assert_eq!(desk.quarantine(&prepared.manifest), ["5 id length 汉字汉字汉字汉"]);
}

#[tokio::test]
async fn ragged_and_mangled_rows_are_bad_rows() {
    let desk = Desk::new();
    let mut content = b"id,city,amount,day\n1,a,1\n2,b,1,,\n3,".to_vec();
    content.extend_from_slice(&[0xFF, 0xFE]);
    content.extend_from_slice(b",1,\n4,d,1,\n");
    let prepared = desk.lenient(&things(), "a.csv", content).await;
    assert_eq!(prepared.manifest.rows, 1);
    let rules: Vec<_> = prepared.manifest.quality.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(rules, ["columns", "encoding"]);
}

#[tokio::test]
async fn lines_swallowed_by_a_quote_all_count_as_bad() {
    let desk = Desk::new();
    let content = "id,city,amount,day\n1,\"a,1,\n2,b,1,\n3,c,1,\n4,d\",1\n5,e,1,\n";
    let prepared = desk.lenient(&things(), "b.csv", content).await;
    assert_eq!(prepared.manifest.quality.rows_quarantined, 4);
}

#[tokio::test]
async fn json_lines_with_either_name() {
    let content = "{\"编号\":\"1\",\"city\":\"九江\",\"amount\":1.5,\"day\":\"2026-01-31\"}\n\n{\"id\":2,\"城市\":\"黄石\",\"day\":null}";
    expect_things("a.jsonl", content).await;
    let desk = Desk::new();
    let prepared =
        desk.lenient(&things(), "b.jsonl", "{\"id\":\"1\",\"more\":1}\n[1]\n{\"id\"\n{\"id\":\"2\"}\n").await;
    let expected = ["1 * columns `more` is no item of the resource", "2 * syntax [1]", "3 * syntax {\"id\""];
    assert_eq!(desk.quarantine(&prepared.manifest), expected);
}

#[tokio::test]
async fn xlsx_with_dates_numbers_and_lost_digits() {
    let desk = Desk::new();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(2, 1, ["编号", "城市", "金额", "日期"]).unwrap();
    sheet.write_row(3, 1, ["1", "九江"]).unwrap();
    sheet.write_number(3, 3, 1.1 + 0.1 + 0.3).unwrap();
    let day = ExcelDateTime::from_ymd(2026, 1, 31).unwrap();
    sheet.write_datetime_with_format(3, 4, day, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
    sheet.write_number(5, 1, 2).unwrap();
    sheet.write_string(5, 2, "黄石").unwrap();
    let content = workbook.save_to_buffer().unwrap();
    expect_things("a.xlsx", &content).await;

    let sheet = workbook.worksheet_from_index(0).unwrap();
    sheet.write_number(6, 1, 360_402_199_001_011_234_u64 as f64).unwrap();
    sheet.write_number(7, 1, 123_456_789_012_345_f64).unwrap();
    sheet.write_string(8, 7, "outside").unwrap();
    let prepared = desk.lenient(&things(), "b.xlsx", workbook.save_to_buffer().unwrap()).await;
    let quarantine = desk.quarantine(&prepared.manifest);
    assert!(quarantine[0].starts_with("7 id number_precision 3.6040219900"), "{}", quarantine[0]);
    assert_eq!(quarantine[1..], ["9 * columns a cell outside the table"]);
    assert_eq!(prepared.manifest.rows, 3);
}

#[tokio::test]
async fn a_number_of_a_spreadsheet_in_csv_is_recognised_too() {
    let desk = Desk::new();
    let prepared = desk.lenient(&things(), "a.csv", "id,amount\n4.20102E+17,1\nE+17,1\n1.5E+3,1\n").await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["2 id number_precision 4.20102E+17"]);
}

fn places() -> Resource {
    let mut shape = item("shape", "范围", ItemType::plain(ItemKind::G));
    shape.format = Some(ValueFormat::Geometry);
    let id = item("id", "编号", ItemType::sized(ItemKind::C, 6));
    let name = item("name", "名称", ItemType::sized(ItemKind::C, 20));
    resource(vec![id, name, shape], &["id"], &[])
}

const PLACES: &str = r#"{"type":"FeatureCollection","name":"x","features":[
  {"type":"Feature","id":"360402","properties":{"name":"濂溪区"},"geometry":{"type":"Point","coordinates":[116.0,29.6,12]}},
  {"type":"Feature","properties":{"id":"360403","名称":"浔阳区"},"geometry":{"type":"MultiPolygon","coordinates":
    [[[[116,29],[117,29],[117,30],[116,29]]]]}},
  {"type":"Feature","properties":{"id":"360404"},"geometry":null},
  {"type":"Feature","properties":{"id":"360405"},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}}
]}"#;

#[tokio::test]
async fn a_geometry_that_no_item_takes_is_refused() {
    let desk = Desk::new();
    let mut resource = places();
    for item in &mut resource.items {
        item.format = item.format.filter(|format| *format != ValueFormat::Geometry);
    }
    let refused = desk.ingest(&resource, "a.geojson", PLACES, &IngestOptions::new(1, NOW)).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.problems[0].rule.as_str()),
        (ErrorCode::InvalidInput, "header.unknown")
    );
}

#[tokio::test]
async fn geojson_becomes_geoparquet() {
    let desk = Desk::new();
    let prepared = desk.lenient(&places(), "a.geojson", PLACES).await;
    assert_eq!(prepared.manifest.rows, 3);
    assert_eq!(prepared.manifest.quality.rules[0].rule, "type");
    let rows = desk.sorted_rows(&prepared.manifest);
    assert_eq!((rows[0][0].as_str(), rows[0][1].as_str()), ("360402", "濂溪区"));
    assert_eq!(rows[0][2], "01010000000000000000005d409a99999999993d40");
    assert!(rows[1][2].starts_with("0106000000010000000103000000010000000400000"));

    let path = desk.folder.path().join("store").join(&prepared.manifest.parts[0].path);
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let metadata =
        geoparquet::metadata::GeoParquetMetadata::from_parquet_meta(builder.metadata().file_metadata())
            .unwrap()
            .unwrap();
    assert_eq!((metadata.version.as_str(), metadata.primary_column.as_str()), ("1.1.0", "shape"));
    // What the specification's own words are checked by: `null` is an unknown datum, a missing member OGC:CRS84.
    let geo = builder.metadata().file_metadata().key_value_metadata().unwrap();
    let geo = geo.iter().find(|entry| entry.key == "geo").and_then(|entry| entry.value.as_ref()).unwrap();
    let column = &serde_json::from_str::<serde_json::Value>(geo).unwrap()["columns"]["shape"];
    assert_eq!(column.get("crs"), Some(&serde_json::Value::Null), "{geo}");
    assert_eq!(column["geometry_types"], serde_json::json!(["Point", "MultiPolygon"]));
    assert_eq!(column["bbox"], serde_json::json!([116.0, 29.0, 117.0, 30.0]));
}

#[tokio::test]
async fn a_delivered_version_can_be_delivered_again() {
    let desk = Desk::new();
    let first = desk.lenient(&places(), "a.geojson", PLACES).await;
    let stored = desk.folder.path().join("store").join(&first.manifest.parts[0].path);
    let second = desk.lenient(&places(), "again.parquet", std::fs::read(stored).unwrap()).await;
    assert_eq!(desk.rows(&first.manifest), desk.rows(&second.manifest));
    assert_eq!(second.manifest.quality.rows_quarantined, 0);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test]
async fn parquet_columns_are_taken_over_where_nothing_is_lost() {
    let id: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
    let city: ArrayRef = Arc::new(StringArray::from(vec!["九江", "黄石"]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(20_484), None]));
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some("1.5"), None]));
    let columns = |amount: ArrayRef| {
        vec![("id", id.clone()), ("city", city.clone()), ("amount", amount), ("day", day.clone())]
    };
    expect_things("a.parquet", parquet(columns(text))).await;

    let desk = Desk::new();
    let whole: ArrayRef = Arc::new(Int32Array::from(vec![7, 8]));
    let prepared = desk.lenient(&things(), "b.parquet", parquet(columns(whole))).await;
    assert_eq!(desk.sorted_rows(&prepared.manifest)[0][2], "7.00");
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 2.5]));
    let options = IngestOptions::new(1, NOW);
    let error = desk.ingest(&things(), "c.parquet", parquet(columns(float)), &options).await.unwrap_err();
    assert_eq!((error.code, error.problems[0].at.as_str()), (ErrorCode::InvalidInput, "amount"));
}

#[tokio::test]
async fn a_parquet_dictionary_of_one_long_value_is_no_burden() {
    let desk = Desk::new();
    let rows = 3_000;
    let id: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| row.to_string())));
    let long = "九".repeat(2_000);
    let too_long = "x".repeat((1 << 20) + 1);
    let values = StringArray::from(vec![long.as_str(), too_long.as_str()]);
    let keys = Int32Array::from_iter_values((0..rows).map(|row| i32::from(row == 7)));
    let note: ArrayRef = Arc::new(DictionaryArray::new(keys, Arc::new(values)));
    let wide = resource(
        vec![
            item("id", "编号", ItemType::sized(ItemKind::C, 20)),
            item("note", "备注", ItemType::sized(ItemKind::C, 4_000)),
        ],
        &["id"],
        &["id"],
    );
    let prepared = desk.lenient(&wide, "a.parquet", parquet(vec![("id", id), ("note", note)])).await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["8 * syntax a value of over 1 MiB"]);
    assert_eq!(prepared.manifest.rows, 2_999);
    assert!(desk.rows(&prepared.manifest).iter().all(|row| row[1] == long));
}

#[tokio::test]
async fn a_parquet_column_of_lists_is_refused() {
    let desk = Desk::new();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)])]);
    let options = IngestOptions::new(1, NOW);
    let file = parquet(vec![("id", Arc::new(lists) as ArrayRef)]);
    let error = desk.ingest(&things(), "a.parquet", file, &options).await.unwrap_err();
    assert!(error.message.contains("one value in each cell"), "{}", error.message);
}

#[tokio::test]
async fn a_shared_text_in_every_cell_of_a_row_is_bounded() {
    let desk = Desk::new();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["编号", "城市", "金额", "日期"]).unwrap();
    sheet.write_row(1, 0, ["1", "九江"]).unwrap();
    let long = "x".repeat(32_000);
    for column in 0..1_000 {
        sheet.write_string(2, column, &long).unwrap();
    }
    let prepared = desk.lenient(&things(), "a.xlsx", workbook.save_to_buffer().unwrap()).await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["3 * syntax a row of over 16 MiB or 65,536 cells"]);
}

#[tokio::test]
async fn digits_that_json_numbers_have_lost_are_told() {
    let desk = Desk::new();
    let lines = [
        r#"{"id":"1","amount":1234567890123456.78}"#,
        r#"{"id":12345678901234567890123}"#,
        r#"{"id":"3","amount":1.5}"#,
        r#"{"id":"4","id":"5"}"#,
        r#"{"id":"6","amount":"1234567890123.25"}"#,
    ];
    let prepared = desk.lenient(&things(), "a.jsonl", lines.join("\n")).await;
    let expected = [
        "1 amount number_precision 1.2345678901234568E+15",
        "2 id number_precision 1.2345678901234568E+22",
        r#"4 * syntax {"id":"4","id":"5"}"#,
    ];
    assert_eq!(desk.quarantine(&prepared.manifest), expected);
    assert_eq!(prepared.manifest.rows, 2);
}

#[tokio::test]
async fn times_without_a_zone_are_local() {
    let only = resource(vec![item("at", "时间", ItemType::plain(ItemKind::T))], &[], &[]);
    let noon = 1_769_774_400_000_000_000;
    let local: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![noon]));
    let zoned: ArrayRef =
        Arc::new(TimestampMillisecondArray::from(vec![noon / 1_000_000]).with_timezone("UTC"));
    let desk = Desk::new();
    for (column, expected) in [(local, "2026-01-30T04:00:00Z"), (zoned, "2026-01-30T12:00:00Z")] {
        let prepared = desk.lenient(&only, "a.parquet", parquet(vec![("at", column)])).await;
        assert_eq!(desk.rows(&prepared.manifest), [[expected]]);
    }
    let prepared = desk.lenient(&only, "a.csv", "at\n2026-01-30T12:00:00\n").await;
    assert_eq!(desk.rows(&prepared.manifest), [["2026-01-30T04:00:00Z"]]);
}

#[tokio::test]
async fn a_header_that_does_not_fit_lists_every_problem() {
    let desk = Desk::new();
    let options = IngestOptions::new(1, NOW);
    let error = desk.ingest(&things(), "a.csv", "city,城市,more\n1,2,3\n", &options).await.unwrap_err();
    let rules: Vec<_> = error.problems.iter().map(|problem| problem.rule.as_str()).collect();
    assert_eq!(rules, ["header.twice", "header.unknown", "header.missing"]);
}
