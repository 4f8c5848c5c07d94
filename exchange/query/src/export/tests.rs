use std::io::Cursor;

use arrow::array::{Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, Int64Array, StringViewArray};
use arrow::ipc::reader::StreamReader;
use catalog_core::ErrorCode;
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::Limits;

fn batch(from: i64, rows: i64) -> RecordBatch {
    let ids: Vec<i64> = (from..from + rows).collect();
    let name = |id: &i64| (id % 3 != 0).then(|| format!("欧阳\"{id}\",\n"));
    let money: Decimal128Array = ids.iter().map(|id| Some(i128::from(*id) * 101)).collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("id", Arc::new(Int64Array::from(ids.clone())), false),
        ("姓名", Arc::new(ids.iter().map(name).collect::<StringViewArray>()), true),
        ("money", Arc::new(money.with_precision_and_scale(18, 2).unwrap()), true),
        ("day", Arc::new(Date32Array::from(vec![20_000; ids.len()])), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn answer(batches: Vec<Result<RecordBatch>>, next: Option<&str>) -> QueryAnswer {
    QueryAnswer {
        now: catalog_core::Timestamp(0),
        schema: batch(0, 0).schema(),
        sources: Vec::new(),
        limits: Limits::default(),
        geo: GeoColumns::default(),
        next: next.map(str::to_owned),
        total: None,
        subjects: Vec::new(),
        records: stream::iter(batches).boxed(),
    }
}

async fn bytes(batches: Vec<RecordBatch>, format: Format) -> Vec<u8> {
    let stream = encode(answer(batches.into_iter().map(Ok).collect(), Some("next")), format);
    stream.try_collect::<Vec<_>>().await.unwrap().concat()
}

#[tokio::test]
async fn json_carries_rows_cursor_and_its_own_completeness() {
    let text = bytes(vec![batch(0, 2), batch(2, 0), batch(2, 1)], Format::Json).await;
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["complete"], true);
    assert_eq!(document["next"], "next");
    assert_eq!(document["data"].as_array().unwrap().len(), 3);
    assert_eq!(document["data"][0]["姓名"], serde_json::Value::Null, "every row has every column");
    assert_eq!(document["data"][1]["姓名"], "欧阳\"1\",\n");
    let empty: serde_json::Value = serde_json::from_slice(&bytes(vec![], Format::Json).await).unwrap();
    assert_eq!(empty["data"], serde_json::json!([]));
}

#[tokio::test]
async fn lines_and_csv_have_one_row_each() {
    let text = String::from_utf8(bytes(vec![batch(0, 3), batch(3, 2)], Format::JsonLines).await).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[4]["id"], 4);
    let text = bytes(vec![batch(0, 3), batch(3, 2)], Format::Csv).await;
    let reader =
        csv::ReaderBuilder::new(batch(0, 0).schema()).with_header(true).build(Cursor::new(text)).unwrap();
    let rows: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
    let empty = String::from_utf8(bytes(vec![], Format::Csv).await).unwrap();
    assert_eq!(empty, "id,姓名,money,day\n");
}

#[tokio::test]
async fn arrow_and_parquet_give_the_same_rows_in_plain_types() {
    let batches = || vec![batch(0, 300), batch(300, 1)];
    let arrow = StreamReader::try_new(Cursor::new(bytes(batches(), Format::Arrow).await), None).unwrap();
    let arrow: Vec<RecordBatch> = arrow.map(|batch| batch.unwrap()).collect();
    let parquet = Bytes::from(bytes(batches(), Format::Parquet).await);
    let parquet =
        ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().with_batch_size(1000).build().unwrap();
    let parquet: Vec<RecordBatch> = parquet.map(|batch| batch.unwrap()).collect();
    let schema = arrow[0].schema();
    assert_eq!(schema.field(1).data_type(), &DataType::Utf8);
    let arrow = arrow::compute::concat_batches(&schema, &arrow).unwrap();
    assert_eq!(arrow.num_rows(), 301);
    assert_eq!(arrow.columns(), parquet[0].columns());
    assert!(arrow.column(1).is_null(0));
    for format in [Format::Arrow, Format::Parquet] {
        assert!(!bytes(vec![], format).await.is_empty(), "an empty answer still has its schema");
    }
}

#[tokio::test]
async fn a_cut_answer_never_looks_whole() {
    for format in Format::ALL {
        let limit = || Err(Error::new(ErrorCode::LimitRows, "too many"));
        let parts: Vec<Result<Bytes>> =
            encode(answer(vec![Ok(batch(0, 5)), limit()], None), format).collect().await;
        let (last, sent) = parts.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().code, ErrorCode::LimitRows, "the last thing is the error");
        let sent: Vec<u8> = sent.iter().flat_map(|bytes| bytes.as_ref().unwrap().to_vec()).collect();
        match format {
            Format::Json => assert!(serde_json::from_slice::<serde_json::Value>(&sent).is_err()),
            Format::Parquet => assert!(ParquetRecordBatchReaderBuilder::try_new(Bytes::from(sent)).is_err()),
            Format::JsonLines | Format::Csv | Format::Arrow | Format::GeoJson | Format::Xlsx => {}
        }
    }
}

#[test]
fn formats_are_found_by_extension_and_media_type() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.extension()), Some(format));
        assert_eq!(Format::parse(format.media_type()), Some(format));
    }
    assert_eq!(Format::parse("text/csv"), Some(Format::Csv));
    assert_eq!(Format::parse("application/xml"), None);
}

#[tokio::test]
async fn a_format_that_does_not_hold_a_type_says_so_and_names_those_that_do() {
    let lists = arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(vec![
        Some(vec![Some(1)]),
    ]);
    let batch = RecordBatch::try_from_iter(vec![("all", Arc::new(lists) as ArrayRef)]).unwrap();
    for format in Format::ALL {
        let answer = QueryAnswer { schema: batch.schema(), ..answer(vec![Ok(batch.clone())], None) };
        let encoded: Result<Vec<Bytes>> = encode(answer, format).try_collect().await;
        match format {
            Format::Csv => {
                let error = encoded.unwrap_err();
                assert_eq!(error.code, ErrorCode::UnsupportedFormat);
                assert!(error.message.contains("`all`") && error.message.contains("json, jsonl"), "{error}");
            }
            _ => assert!(encoded.is_ok(), "{format:?}"),
        }
    }
}

fn geometries() -> (RecordBatch, GeoColumns) {
    use catalog_core::directory::ValueFormat;
    let mut item = catalog_core::fixtures::item("位置", "shape").unwrap();
    item.format = Some(ValueFormat::Geometry);
    let point = [&[1, 1, 0, 0, 0][..], &115.5_f64.to_le_bytes(), &29.0_f64.to_le_bytes()].concat();
    let shapes = BinaryArray::from(vec![Some(point.as_slice()), None]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("id", Arc::new(Int64Array::from(vec![1, 2]))), ("shape", Arc::new(shapes))];
    (RecordBatch::try_from_iter(columns).unwrap(), GeoColumns::of([&item]))
}

async fn geojson(batches: Vec<RecordBatch>, schema: SchemaRef, geo: GeoColumns) -> Result<String> {
    let answer = QueryAnswer { schema, geo, ..answer(batches.into_iter().map(Ok).collect(), None) };
    let bytes = encode(answer, Format::GeoJson).try_collect::<Vec<_>>().await?;
    Ok(String::from_utf8(bytes.concat()).unwrap())
}

#[tokio::test]
async fn geojson_is_a_collection_of_features_or_says_that_there_is_no_geometry() {
    let (rows, geo) = geometries();
    let schema = rows.schema();
    let text = geojson(vec![rows.clone(), rows.clone()], schema.clone(), geo.clone()).await.unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let features = document["features"].as_array().unwrap();
    assert_eq!(features.len(), 4);
    assert_eq!(features[2]["geometry"]["coordinates"], serde_json::json!([115.5, 29.0]));
    assert_eq!(features[3]["geometry"], serde_json::Value::Null);
    assert_eq!(features[3]["properties"], serde_json::json!({"id": 2}));
    let empty: serde_json::Value =
        serde_json::from_str(&geojson(vec![], schema.clone(), geo.clone()).await.unwrap()).unwrap();
    assert_eq!(empty, serde_json::json!({"type": "FeatureCollection", "features": []}));
    let alone = rows.project(&[1]).unwrap();
    let text = geojson(vec![alone.clone()], alone.schema(), geo).await.unwrap();
    assert_eq!(text.matches("\"properties\":{}").count(), 2, "{text}");
    let refused = geojson(vec![rows], schema, GeoColumns::default()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnsupportedFormat);
}

#[tokio::test]
async fn rows_for_other_documents_have_nothing_around_them() {
    // Three of the names hold a line end.
    for (format, expected, lines) in [
        (RowFormat::Lists, "[0,null,", 5),
        (RowFormat::Objects, "{\"id\":0,\"姓名\":null,", 5),
        (RowFormat::Csv, "0,,", 8),
        (RowFormat::Tsv, "0\t\t", 8),
    ] {
        let pieces: Vec<Bytes> =
            rows(answer(vec![Ok(batch(0, 0)), Ok(batch(0, 3)), Ok(batch(3, 2))], None), format)
                .try_collect()
                .await
                .unwrap();
        let text = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!((pieces.len(), text.lines().count()), (2, lines));
        assert!(text.starts_with(expected), "{text}");
    }
    let types = column_types(&answer(vec![], None));
    assert_eq!(types[0], ("id".to_owned(), "int8"));
}
