use catalog_core::policy::TypedLiteral;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use chrono::{Days, NaiveDate};
use datafusion::common::ScalarValue;
use exchange_crypto::{MacKey, SealingKey, from_base64url, to_base64url};
use serde::{Deserialize, Serialize};

/// What the sealing of cursors is named by.
const NAME: &[u8] = b"cursor";
/// Characters of a text that a cursor holds.
const TEXT_CHARS: usize = 32;
/// Bytes of values after which no more are put into a cursor: it travels in addresses and header fields.
const PLACE_BYTES: usize = 600;

/// A place in an ordered answer. It travels sealed: cursors end in addresses, and addresses in logs of all kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Digest of selection, version and bound policy.
    pub(crate) digest: String,
    /// The version of the first page.
    pub(crate) version: i64,
    /// The order's first values in the last row, as many as a cursor holds; `None` is NULL.
    pub(crate) values: Vec<Option<TypedLiteral>>,
    /// Whether the last of them is only the start of a text.
    pub(crate) cut: bool,
    /// Rows already delivered that have just these values.
    pub(crate) delivered: usize,
}

/// Where a row stands in an order: by its first values, up to a long text or as many as a cursor holds. Rows in one place
/// are neighbours, for it depends on nothing but their values in the order's own sequence.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) values: Vec<ScalarValue>,
    pub(super) cut: bool,
}

impl Place {
    pub(super) fn of(values: impl Iterator<Item = Result<ScalarValue>>) -> Result<Self> {
        let mut place = Self { values: Vec::new(), cut: false };
        let mut bytes = 0;
        for value in values {
            let value = value?;
            let start = value.try_as_str().flatten().and_then(start);
            place.cut = start.is_some();
            let value = match start {
                Some(start) => ScalarValue::Utf8View(Some(start)),
                None => value,
            };
            bytes += serde_json::to_vec(&literal(&value)?).map_err(Error::internal)?.len();
            place.values.push(value);
            if place.cut || bytes >= PLACE_BYTES {
                break;
            }
        }
        Ok(place)
    }

    pub(super) fn literals(&self) -> Result<Vec<Option<TypedLiteral>>> {
        self.values.iter().map(literal).collect()
    }
}

/// The start of a long text; `None` where the text is short.
fn start(text: &str) -> Option<String> {
    text.chars().nth(TEXT_CHARS - 1).is_some().then(|| text.chars().take(TEXT_CHARS).collect())
}

impl Cursor {
    /// The cursor as text.
    pub(crate) fn seal(&self, key: &MacKey) -> Result<String> {
        let body = serde_json::to_vec(self).map_err(Error::internal)?;
        let sealed = sealing_key(key)?.seal(NAME, &body).map_err(Error::internal)?;
        Ok(to_base64url(&sealed))
    }

    /// Reads a cursor that this server made.
    pub(crate) fn open(text: &str, key: &MacKey) -> Result<Self> {
        let refused = || Error::new(ErrorCode::InvalidInput, "the cursor is not one of this server");
        let sealed = from_base64url(text).map_err(|_| refused())?;
        let body = sealing_key(key)?.open(NAME, &sealed).map_err(|_| refused())?;
        serde_json::from_slice(&body).map_err(|_| refused())
    }
}

fn sealing_key(key: &MacKey) -> Result<SealingKey> {
    SealingKey::from_bytes(&key.tag(NAME)).map_err(Error::internal)
}

/// A value as a cursor keeps it.
pub(super) fn literal(value: &ScalarValue) -> Result<Option<TypedLiteral>> {
    Ok(match value {
        other if other.is_null() => None,
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(TypedLiteral::Text(text.clone()))
        }
        ScalarValue::Int64(Some(number)) => Some(TypedLiteral::Int(*number)),
        ScalarValue::Decimal128(Some(unscaled), precision, scale) => {
            Some(TypedLiteral::Decimal { unscaled: *unscaled, precision: *precision, scale: *scale })
        }
        ScalarValue::Float64(Some(number)) => Some(TypedLiteral::Double(*number)),
        ScalarValue::Float32(Some(number)) => Some(TypedLiteral::Float(*number)),
        ScalarValue::Date32(Some(days)) => Some(TypedLiteral::Date(date(*days)?)),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            Some(TypedLiteral::Timestamp(Timestamp(*micros)))
        }
        ScalarValue::Boolean(Some(flag)) => Some(TypedLiteral::Bool(*flag)),
        other => return Err(Error::internal(format!("no cursor over {}", other.data_type()))),
    })
}

fn date(days: i32) -> Result<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(u64::from(days.unsigned_abs()));
    let date = match days < 0 {
        true => epoch.checked_sub_days(distance),
        false => epoch.checked_add_days(distance),
    };
    date.ok_or_else(|| Error::internal("a date out of range"))
}
