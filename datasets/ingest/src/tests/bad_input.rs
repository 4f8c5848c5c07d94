use std::io::{Cursor, Write};

use catalog_core::ErrorCode;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

async fn code(name: &str, content: impl AsRef<[u8]>) -> ErrorCode {
    let desk = Desk::new();
    let error = desk.ingest(&things(), name, content, &IngestOptions::new(1, NOW)).await.unwrap_err();
    assert!(
        !error.message.is_empty()
            && std::fs::read_dir(desk.folder.path().join("store")).unwrap().count() == 0
    );
    error.code
}

#[tokio::test]
async fn empty_and_foreign_files_are_refused() {
    for name in ["a.csv", "a.xlsx", "a.jsonl", "a.geojson", "a.parquet"] {
        assert_eq!(code(name, "").await, ErrorCode::InvalidInput, "{name}");
    }
    for name in ["a.xlsx", "a.geojson", "a.parquet", "a.csv"] {
        assert_eq!(code(name, "\u{1}nonsense").await, ErrorCode::InvalidInput, "{name}");
    }
    assert_eq!(code("a.jsonl", "nonsense").await, ErrorCode::QualityThreshold);
    for name in ["a.xls", "a.doc", "a"] {
        assert_eq!(code(name, "id").await, ErrorCode::UnsupportedFormat, "{name}");
    }
    assert_eq!(code("a.csv", "id,city,amount,day\n").await, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn truncated_files_are_refused() {
    assert_eq!(code("a.csv", "id,city\n1,a\n2,\"b").await, ErrorCode::InvalidInput);
    assert_eq!(
        code("a.geojson", r#"{"type":"FeatureCollection","features":[{"type":"Fea"#).await,
        ErrorCode::InvalidInput
    );
    assert_eq!(code("a.geojson", r#"{"type":"FeatureCollection"}"#).await, ErrorCode::InvalidInput);
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().write_row(0, 0, ["id", "city"]).unwrap();
    let whole = workbook.save_to_buffer().unwrap();
    assert_eq!(code("a.xlsx", &whole[..whole.len() / 2]).await, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn huge_fields_and_records_are_refused() {
    let field = "x".repeat(1024 * 1024 + 1);
    assert_eq!(code("a.csv", format!("id,city\n1,{field}\n")).await, ErrorCode::InvalidInput);
    let endless = format!("id,city\n1,\"{}", "x\n".repeat(9 * 1024 * 1024));
    assert_eq!(code("a.csv", endless).await, ErrorCode::InvalidInput);
    let line = format!("{{\"id\":\"{}\"}}", "x".repeat(17 * 1024 * 1024));
    assert_eq!(code("a.jsonl", &line).await, ErrorCode::InvalidInput);
    let feature = format!("{{\"type\":\"FeatureCollection\",\"features\":[{{\"properties\":{line}}}]}}");
    assert_eq!(code("a.geojson", feature).await, ErrorCode::InvalidInput);
}

/// A workbook whose sheet unpacks to `megabytes` of zeros.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("xl/workbook.xml", SimpleFileOptions::default()).unwrap();
    for _ in 0..megabytes {
        archive.write_all(&vec![0; 1024 * 1024]).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn zip_bombs_are_refused_whatever_they_declare() {
    let honest = bomb(65);
    assert!(honest.len() < 1024 * 1024);
    assert_eq!(code("a.xlsx", &honest).await, ErrorCode::TooLarge);

    // The same archive, declaring 1 byte wherever it declared the true size.
    let declared = (65u32 * 1024 * 1024).to_le_bytes();
    let mut lying = honest;
    let places: Vec<usize> = (0..lying.len() - 4).filter(|at| lying[*at..*at + 4] == declared).collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
    }
    let refused = code("a.xlsx", &lying).await;
    assert!(matches!(refused, ErrorCode::TooLarge | ErrorCode::InvalidInput), "{refused}");
}

#[tokio::test]
async fn deep_json_is_refused_without_exhausting_the_stack() {
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(code("a.jsonl", &deep).await, ErrorCode::QualityThreshold);
    let feature = format!("{{\"type\":\"FeatureCollection\",\"features\":[{{\"properties\":{deep}}}]}}");
    assert_eq!(code("a.geojson", feature).await, ErrorCode::InvalidInput);
}

fn runs_to_an_end(name: &str, content: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let desk = Desk::new();
    let options = IngestOptions { max_bad_share: 1.0, ..IngestOptions::new(1, NOW) };
    // A panic in the reading thread would come back as an error, so look for it in the cause.
    if let Err(error) = runtime.block_on(desk.ingest(&things(), name, content, &options)) {
        let cause = error.internal_cause().unwrap_or_default();
        assert!(!cause.contains("panicked"), "{error:?}");
        assert_ne!(error.code, ErrorCode::Internal, "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_text_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut content = b"id,city,amount,day\n".to_vec();
        content.extend_from_slice(&body);
        runs_to_an_end("a.csv", &content);
        runs_to_an_end("a.csv", &body);
        runs_to_an_end("a.jsonl", &body);
        runs_to_an_end("a.geojson", &body);
    }

    #[test]
    fn no_change_of_a_workbook_makes_the_reader_panic(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_row(0, 0, ["id", "city", "amount", "day"]).unwrap();
        sheet.write_row(1, 0, ["1", "九江", "1.5", "2026-01-31"]).unwrap();
        let mut content = workbook.save_to_buffer().unwrap();
        for (place, byte) in changes {
            let length = content.len();
            content[place % length] = byte;
        }
        runs_to_an_end("a.xlsx", &content);
    }
}
