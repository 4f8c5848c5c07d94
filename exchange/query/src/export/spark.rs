//! The schema of Parquet files as Spark, and with it Delta Lake, writes schemas in JSON.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use catalog_core::{Error, Result};
use serde_json::{Value, json};

/// The text of the schema of an answer's Parquet file: what each column is called and holds, its title as comment.
///
/// Types are those of the Parquet files; a geometry is its WKB. Every column may be empty.
pub fn spark_schema(schema: &Schema, titles: &BTreeMap<&str, &str>) -> Result<String> {
    let fields = schema.fields().iter().map(|field| {
        let name = field.name().as_str();
        let comment = titles.get(name).copied().unwrap_or(name);
        Ok(json!({
            "name": name, "type": type_name(field.data_type())?, "nullable": true, "metadata": {"comment": comment},
        }))
    });
    let fields: Vec<Value> = fields.collect::<Result<_>>()?;
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

fn type_name(data_type: &DataType) -> Result<String> {
    Ok(match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "string".to_owned(),
        DataType::Int64 => "long".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int16 => "short".to_owned(),
        DataType::Int8 => "byte".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "binary".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => return Err(Error::internal(format!("no type of Spark holds {other}"))),
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn every_type_of_items_has_its_type_of_spark() {
        let zone = Some("UTC".into());
        let types = [
            (DataType::Utf8View, "string"),
            (DataType::Int64, "long"),
            (DataType::Float64, "double"),
            (DataType::Float32, "float"),
            (DataType::Date32, "date"),
            (DataType::Timestamp(TimeUnit::Microsecond, zone), "timestamp"),
            (DataType::Boolean, "boolean"),
            (DataType::Binary, "binary"),
            (DataType::Decimal128(18, 2), "decimal(18,2)"),
        ];
        let fields = types.iter().map(|(data_type, name)| Field::new(*name, data_type.clone(), true));
        let text =
            spark_schema(&Schema::new(fields.collect::<Vec<_>>()), &BTreeMap::from([("long", "整数")]));
        let schema: Value = serde_json::from_str(&text.unwrap()).unwrap();
        for field in schema["fields"].as_array().unwrap() {
            assert_eq!(field["type"], field["name"]);
        }
        assert_eq!(schema["fields"][1]["metadata"]["comment"], "整数");
        assert!(type_name(&DataType::Null).is_err());
    }
}
