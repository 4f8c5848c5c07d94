//! Cells to values of the items' Arrow types. What cannot be converted becomes null and a fault.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use catalog_core::policy::filter::parse_decimal;
use catalog_core::{Error, Result};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datasets_store::wkb_of_geojson;
use exchange_crypto::from_base64;

use crate::fault::Rule;

/// Rows of one column with the rules they break.
pub(crate) type Faults = Vec<(usize, Rule)>;

/// What becomes of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryText {
    /// Base64 (RFC 4648).
    Base64,
    /// GeoJSON, stored as WKB.
    GeoJson,
}

/// Whether a column of the source type can be taken over without losing anything.
pub(crate) fn is_convertible(source: &DataType, target: &DataType) -> bool {
    use DataType as T;
    match (source, target) {
        (T::Dictionary(_, values), _) => is_convertible(values, target),
        (T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Null, _) => true,
        (T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64, _) => {
            matches!(target, T::Int64 | T::Decimal128(..))
        }
        (T::Decimal128(_, from), T::Decimal128(_, to)) => from <= to,
        (T::Float16 | T::Float32, T::Float32 | T::Float64) | (T::Float64, T::Float64) => true,
        (T::Date32, T::Date32) | (T::Boolean, T::Boolean) => true,
        // Nanoseconds are cut to microseconds: no register means them.
        (T::Timestamp(..), T::Timestamp(..)) => true,
        (T::Binary | T::LargeBinary | T::BinaryView, T::Binary) => true,
        _ => false,
    }
}

/// The column in the target type.
pub(crate) fn convert(
    source: &ArrayRef,
    target: &DataType,
    binary: BinaryText,
    faults: &mut Faults,
) -> Result<ArrayRef> {
    let source = match source.data_type() {
        DataType::Dictionary(_, values) => cast(source, values).map_err(Error::internal)?,
        _ => Arc::clone(source),
    };
    match source.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(&source, &DataType::Utf8View).map_err(Error::internal)?;
            Ok(parse(text.as_string_view(), &text, target, binary, faults))
        }
        same if same == target => Ok(source),
        // As in text, a time without a zone is one of Asia/Shanghai.
        DataType::Timestamp(_, None) => {
            let local = DataType::Timestamp(TimeUnit::Microsecond, Some("+08:00".into()));
            let local = cast(&source, &local).map_err(Error::internal)?;
            cast(&local, target).map_err(Error::internal)
        }
        _ => {
            let converted = cast(&source, target).map_err(Error::internal)?;
            let lost = (0..source.len()).filter(|row| source.is_valid(*row) && converted.is_null(*row));
            faults.extend(lost.map(|row| (row, Rule::Type)));
            Ok(converted)
        }
    }
}

fn parse(
    text: &StringViewArray,
    same: &ArrayRef,
    target: &DataType,
    binary: BinaryText,
    faults: &mut Faults,
) -> ArrayRef {
    match target {
        DataType::Int64 => primitive::<Int64Type>(text, target, faults, integer),
        DataType::Float64 => primitive::<Float64Type>(text, target, faults, double),
        DataType::Float32 => primitive::<Float32Type>(text, target, faults, |text| {
            double(text).map(|value| value as f32).filter(|value| value.is_finite())
        }),
        DataType::Decimal128(precision, scale) => {
            primitive::<Decimal128Type>(text, target, faults, |text| parse_decimal(text, *precision, *scale))
        }
        DataType::Date32 => {
            primitive::<Date32Type>(text, target, faults, |text| date(text).map(Date32Type::from_naive_date))
        }
        DataType::Timestamp(..) => primitive::<TimestampMicrosecondType>(text, target, faults, time),
        DataType::Boolean => Arc::new(values(text, faults, flag).into_iter().collect::<BooleanArray>()),
        DataType::Binary => {
            let bytes = values(text, faults, |text| match binary {
                BinaryText::Base64 => from_base64(text).ok(),
                BinaryText::GeoJson => wkb_of_geojson(text),
            });
            Arc::new(bytes.into_iter().collect::<BinaryArray>())
        }
        _ => Arc::clone(same),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    target: &DataType,
    faults: &mut Faults,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> ArrayRef {
    let array = values(text, faults, parse).into_iter().collect::<PrimitiveArray<T>>();
    Arc::new(array.with_data_type(target.clone()))
}

fn values<V>(
    text: &StringViewArray,
    faults: &mut Faults,
    parse: impl Fn(&str) -> Option<V>,
) -> Vec<Option<V>> {
    let value = |(row, cell): (usize, Option<&str>)| {
        let cell = cell?.trim();
        let value = parse(cell);
        if value.is_none() {
            faults.push((row, if has_lost_digits(cell) { Rule::NumberPrecision } else { Rule::Type }));
        }
        value
    };
    text.iter().enumerate().map(value).collect()
}

/// Digits that a double keeps for certain.
pub(crate) const CERTAIN_DIGITS: usize = 15;

/// Whether the text is a number of over 15 digits as spreadsheets write it: `4.20102E+17`, `1.2345678901234568E+3`.
pub(crate) fn has_lost_digits(text: &str) -> bool {
    if !text.as_bytes().contains(&b'E') {
        return false;
    }
    let Some((mantissa, exponent)) = text.split_once("E+").or_else(|| text.split_once("E-")) else {
        return false;
    };
    let is_large = text.contains("E+");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, "0"));
    whole.len() == 1
        && digits(whole)
        && digits(fraction)
        && digits(exponent)
        && (whole.len() + fraction.len() > CERTAIN_DIGITS
            || is_large && exponent.parse::<u16>().is_ok_and(|exponent| exponent >= 15))
}

/// An integer; a spreadsheet's `3.0` is none.
fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn double(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

/// A date by GB/T 7408: `2026-01-31` or `20260131`.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = match text.len() {
        8 => (digits(0..4)?, digits(4..6)?, digits(6..8)?),
        10 if text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' => {
            (digits(0..4)?, digits(5..7)?, digits(8..10)?)
        }
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// A time: RFC 3339, or local time of Asia/Shanghai without an offset, in microseconds.
fn time(text: &str) -> Option<i64> {
    const SHANGHAI_MICROS: i64 = 8 * 3_600 * 1_000_000;
    const LOCAL: [&str; 4] =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y%m%dT%H%M%S%.f", "%Y-%m-%d %H:%M"];
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Some(date) = date(text) {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros() - SHANGHAI_MICROS);
    }
    let local = LOCAL.iter().find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())?;
    Some(local.and_utc().timestamp_micros() - SHANGHAI_MICROS)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "TRUE" | "True" | "1" | "是" => Some(true),
        "false" | "FALSE" | "False" | "0" | "否" => Some(false),
        _ => None,
    }
}
