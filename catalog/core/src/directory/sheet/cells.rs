//! The text of single cells, read as the values they stand for. Each reader says what to write where it can't.

use chrono::{Days, NaiveDate};
use unicode_normalization::UnicodeNormalization;

use super::super::{ItemKind, ItemType, Opening, Sharing, classification, format};
use crate::directory::rules::{LIST_SEPARATORS, OPEN_WITHOUT_CONDITION, VALUE_SEPARATORS};

/// A value, or the rule that the cell breaks and how to mend it.
pub(super) type Read<T> = Result<T, (&'static str, String)>;

/// Text in compatibility form: full-width digits, letters and slashes become plain ones.
pub(super) fn narrow(text: &str) -> String {
    text.nfkc().collect()
}

/// The entries of a cell that holds a list.
pub(super) fn list(text: &str) -> Vec<String> {
    entries(text, &LIST_SEPARATORS)
}

/// The allowed values of a cell, which may hold commas.
pub(super) fn values(text: &str) -> Vec<String> {
    entries(text, &VALUE_SEPARATORS)
}

fn entries(text: &str, separators: &[char]) -> Vec<String> {
    text.split(separators).map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// 是 or 否; empty is 否.
pub(super) fn flag(text: &str) -> Read<bool> {
    match text {
        "是" | "Y" | "y" | "1" => Ok(true),
        "" | "否" | "N" | "n" | "0" => Ok(false),
        other => Err(("cell.flag", format!("`{other}`: write 是 or 否"))),
    }
}

/// A day: `2026-01-31`, the same with `/`, `.` or `年月日`, or a spreadsheet's serial number.
pub(super) fn date(text: &str) -> Read<Option<NaiveDate>> {
    if text.is_empty() {
        return Ok(None);
    }
    let fault = || ("cell.date", format!("`{text}` is not a day; write it as 2026-01-31"));
    let text = narrow(text);
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    if let (5, Ok(serial)) = (day.len(), day.parse::<u64>()) {
        return serial_date(serial).map(Some).ok_or_else(fault);
    }
    if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return NaiveDate::parse_from_str(day, "%Y%m%d").map(Some).map_err(|_| fault());
    }
    let plain = day.replace(['/', '.', '年', '月'], "-").replace('日', "");
    NaiveDate::parse_from_str(&plain, "%Y-%m-%d").map(Some).map_err(|_| fault())
}

/// Spreadsheets count days from the end of 1899 and believe in a 29 February 1900; five digits are all later.
fn serial_date(serial: u64) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(serial))
}

/// Data type and length; the length of a type that has none of its own is ignored.
pub(super) fn item_type(kind: &str, length: &str) -> Read<ItemType> {
    let known = ItemKind::parse(&narrow(kind)).ok_or_else(|| {
        let kinds: Vec<_> = ItemKind::ALL.iter().map(|(kind, _)| kind.label()).collect();
        ("cell.type", format!("`{kind}` is not a data type; write one of {}", kinds.join(" ")))
    })?;
    if !matches!(known, ItemKind::C | ItemKind::M | ItemKind::N) {
        return Ok(ItemType::plain(known));
    }
    let text = narrow(length);
    let text = text.trim_matches(['(', ')']);
    let (digits, scale) = match text.split_once([',', '.']) {
        // A whole number that a spreadsheet shows with a fraction.
        Some((digits, "0")) => (digits, "0"),
        Some(parts) if known == ItemKind::N => parts,
        Some(_) => ("?", "0"),
        None => (text, "0"),
    };
    let digits = if matches!(digits, "" | "-" | "/") { "0" } else { digits };
    match (digits.trim().parse(), scale.trim().parse()) {
        (Ok(length), Ok(scale)) => Ok(ItemType { kind: known, length, scale }),
        _ => Err(("cell.length", format!("`{length}` is not a length; write digits, for 数值型N also 18,2"))),
    }
}

/// Sharing type, by name or digit, with its condition or basis.
pub(super) fn sharing(kind: &str, text: &str) -> Read<Sharing> {
    match narrow(kind).as_str() {
        "无条件共享" | "1" if says_nothing(text) => Ok(Sharing::Unconditional),
        "无条件共享" | "1" => {
            let message = "an unconditional item has no condition: empty the cell, or choose 有条件共享";
            Err(("cell.condition", message.to_owned()))
        }
        "有条件共享" | "2" => Ok(Sharing::Conditional { condition: text.to_owned() }),
        "不予共享" | "3" => Ok(Sharing::Withheld { basis: text.to_owned() }),
        other => Err(("cell.sharing", format!("`{other}`: write 无条件共享, 有条件共享 or 不予共享"))),
    }
}

/// Whether it is open, with its condition.
pub(super) fn opening(open: &str, text: &str) -> Read<Opening> {
    match (flag(open), says_nothing(text) || text == OPEN_WITHOUT_CONDITION) {
        (Ok(true), true) => Ok(Opening::Open),
        (Ok(true), false) => Ok(Opening::Conditional { condition: text.to_owned() }),
        (Ok(false), _) if says_nothing(text) || text == "不开放" => Ok(Opening::Closed),
        (Ok(false), _) => {
            let message = "an item that is not open has no condition: empty the cell, or write 是 before it";
            Err(("cell.condition", message.to_owned()))
        }
        (Err(fault), _) => Err(fault),
    }
}

fn says_nothing(text: &str) -> bool {
    matches!(text, "" | "无" | "/" | "-")
}

/// The name of a format class, which may be written by its number: `3`, `03 数据库`.
pub(super) fn format_class(text: &str) -> String {
    let narrow = narrow(text);
    let digits: String = narrow.chars().take_while(char::is_ascii_digit).collect();
    let class = digits.parse::<usize>().ok().and_then(|number| format::CLASSES.get(number.checked_sub(1)?));
    class.map_or_else(|| text.to_owned(), |(class, _)| (*class).to_owned())
}

/// The digit of a 类, written by digit or name.
pub(super) fn category(text: &str) -> Option<char> {
    let text = narrow(text);
    let known = |(digit, name): &&(char, &str)| text.starts_with(*digit) || text.contains(&name[..6]);
    classification::CATEGORIES.iter().find(known).map(|(digit, _)| *digit)
}

/// A classification name with its number before it: `001 登记信息`.
pub(super) fn numbered(text: &str) -> (Option<String>, String) {
    match text.split_once(char::is_whitespace) {
        Some((number, name)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(number.to_owned()), name.trim().to_owned())
        }
        _ => (None, text.to_owned()),
    }
}
