//! What a text gives away: numbers of people, of phones and of cards, addresses of mail, names.
//!
//! The check is one of shape: it finds what looks like it, in full-width digits and in groups too, and leaves it to people
//! to say that it is something else.

use std::collections::HashSet;
use std::sync::LazyLock;

use catalog_core::identity::CitizenId;
use chrono::{Datelike, NaiveDate};
use regex::Regex;

/// What a text can give away, in the order of the counts.
pub(super) const KINDS: [&str; 5] =
    ["identity_number", "mobile_number", "phone_number", "bank_card", "email"];

pub(super) const IDENTITY: usize = 0;
pub(super) const MOBILE: usize = 1;
const PHONE: usize = 2;
const CARD: usize = 3;
const EMAIL: usize = 4;

/// First years of birth that are believable.
const OLDEST: i32 = 1880;
/// Surnames of one character, by which names are told from other short words.
static SURNAMES: LazyLock<HashSet<char>> =
    LazyLock::new(|| include_str!("surnames.txt").chars().filter(|letter| !letter.is_whitespace()).collect());
/// Surnames of two characters.
const LONG_SURNAMES: [&str; 20] = [
    "欧阳", "上官", "司马", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯", "长孙",
    "宇文", "端木", "南宫", "申屠", "淳于", "轩辕", "独孤",
];
/// Middle dots as they are typed.
const DOTS: &str = "·•‧・･∙⋅．";
/// Last characters of places and bodies, which begin with surnames as well.
const PLACES: &str = "市县区镇乡村街道路省州旗盟局院校所厅部司社";

static FIXED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9])\(?0[1-9][0-9]{1,2}(?:\)|-| )[ ]?[1-9][0-9]{6,7}(?:[^0-9]|$)").ok()
});
static MAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]*[A-Za-z]").ok());

/// Which of [`KINDS`] stand in the text.
pub(super) fn kinds_in(text: &str) -> [bool; KINDS.len()] {
    let mut found = [false; KINDS.len()];
    if !text.chars().any(|letter| letter == '@' || letter == '＠' || is_digit(letter)) {
        return found;
    }
    let text: String = text.chars().map(narrow).collect();
    for run in runs(&text, false).iter().chain(&runs(&text, true)) {
        let all_digits = run.bytes().all(|byte| byte.is_ascii_digit());
        found[IDENTITY] |= is_identity_number(run);
        found[MOBILE] |= all_digits && is_mobile(run);
        found[CARD] |= all_digits && is_card(run);
    }
    found[PHONE] = FIXED.as_ref().is_some_and(|shape| shape.is_match(&text));
    found[EMAIL] = text.contains('@') && MAIL.as_ref().is_some_and(|shape| shape.is_match(&text));
    found
}

/// Whether the text is a person's name: two to four Chinese characters of which a surname is the first, or parts that a middle
/// dot joins (GB/T 36905), as many peoples write theirs.
pub(super) fn is_name(text: &str) -> bool {
    let letters: Vec<char> = text.trim().chars().collect();
    if letters.iter().any(|letter| DOTS.contains(*letter)) {
        return is_joined_name(&letters);
    }
    let (Some(first), Some(last)) = (letters.first(), letters.last()) else { return false };
    (2..=4).contains(&letters.len())
        && letters.iter().all(is_chinese)
        && !PLACES.contains(*last)
        && (letters.len() < 4 && SURNAMES.contains(first)
            || LONG_SURNAMES.iter().any(|name| letters.iter().take(2).copied().eq(name.chars())))
}

/// Two to five parts of one to ten Chinese characters, which no place or body ends.
fn is_joined_name(letters: &[char]) -> bool {
    let parts: Vec<_> = letters.split(|letter| DOTS.contains(*letter)).collect();
    (2..=5).contains(&parts.len())
        && parts.iter().all(|part| (1..=10).contains(&part.len()) && part.iter().all(is_chinese))
        && letters.last().is_some_and(|last| !PLACES.contains(*last))
}

fn is_chinese(letter: &char) -> bool {
    matches!(letter, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}')
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit() || ('０'..='９').contains(&letter)
}

/// Full-width digits and signs as narrow ones.
fn narrow(letter: char) -> char {
    match letter {
        '０'..='９' | '＠' | '（' | '）' | '－' | '＋' | '．' | 'Ｘ' | 'ｘ' => {
            char::from_u32(letter as u32 - 0xFEE0).unwrap_or(letter)
        }
        '\u{3000}' | '\u{a0}' => ' ',
        '–' | '—' | '−' => '-',
        other => other,
    }
}

/// The runs of digits, with an X where it can be a check character; where they are joined, across one space or hyphen.
fn runs(text: &str, is_joined: bool) -> Vec<String> {
    let (mut all, mut run, mut gap) = (Vec::new(), String::new(), false);
    for letter in text.chars().chain(['\n']) {
        match letter {
            '0'..='9' => {
                run.push(letter);
                gap = false;
            }
            'x' | 'X' if run.len() == 17 => run.push('X'),
            ' ' | '-' if is_joined && !gap && !run.is_empty() => gap = true,
            _ => {
                if run.len() >= 11 {
                    all.push(std::mem::take(&mut run));
                }
                run.clear();
                gap = false;
            }
        }
    }
    all
}

/// 18 characters with the right check character and a day of birth, or the 15 digits of before 1999.
fn is_identity_number(run: &str) -> bool {
    let bytes = run.as_bytes();
    let province = run.get(..2).and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    match bytes.len() {
        18 => CitizenId::parse(run).is_ok_and(|id| (OLDEST..2100).contains(&id.birth_date().year())),
        15 => {
            let part = |from: usize, to: usize| run.get(from..to).and_then(|text| text.parse::<u32>().ok());
            let date = (part(6, 8), part(8, 10), part(10, 12));
            let (Some(year), Some(month), Some(day)) = date else { return false };
            let born = i32::try_from(1900 + year).ok();
            (11..=82).contains(&province)
                && born.and_then(|year| NaiveDate::from_ymd_opt(year, month, day)).is_some()
        }
        _ => false,
    }
}

/// 11 digits from 13 to 19, with the country's 86 or without.
fn is_mobile(run: &str) -> bool {
    let number = match run.len() {
        13 => run.strip_prefix("86"),
        14 => run.strip_prefix("086"),
        15 => run.strip_prefix("0086"),
        _ => Some(run),
    };
    number.is_some_and(|number| {
        number.len() == 11
            && number.starts_with('1')
            && number.as_bytes().get(1).is_some_and(|digit| *digit >= b'3')
    })
}

/// 16 to 19 digits of a card's series with the right check digit (ISO/IEC 7812).
fn is_card(run: &str) -> bool {
    let is_series = run.starts_with("62") || run.starts_with('4') || {
        run.starts_with('5') && run.as_bytes().get(1).is_some_and(|digit| (b'1'..=b'5').contains(digit))
    };
    (16..=19).contains(&run.len()) && is_series && is_luhn(run)
}

fn is_luhn(digits: &str) -> bool {
    let doubled = |place: usize, digit: u32| match place % 2 {
        0 => digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    let digits = digits.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    digits.enumerate().map(|(place, digit)| doubled(place, digit)).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        let found = kinds_in(text);
        KINDS.iter().zip(found).filter(|(_, is_there)| *is_there).map(|(kind, _)| *kind).collect()
    }

    #[test]
    fn numbers_are_found_in_whatever_dress() {
        for text in [
            "11010519491231002X",
            "身份证11010519491231002x。",
            "１１０１０５１９４９１２３１００２Ｘ",
            "110105 19491231 002X",
            "110105-19491231-002X",
            "130503670401001",
        ] {
            assert_eq!(kinds(text), ["identity_number"], "{text}");
        }
        for text in [
            "13800138000",
            "+86 138-0013-8000",
            "电话：１３８００１３８０００",
            "8613800138000",
            "0086 13800138000",
        ] {
            assert_eq!(kinds(text), ["mobile_number"], "{text}");
        }
        for text in ["0792-8123456", "(010)12345678", "（0792）8123456", "传真 0792 8123456 转 2"] {
            assert_eq!(kinds(text), ["phone_number"], "{text}");
        }
        assert_eq!(kinds("6222 0212 3456 7890 128"), kinds("6222021234567890128"));
        assert_eq!(kinds("4111111111111111"), ["bank_card"]);
        assert_eq!(kinds("信箱 li.ming+a@example.gov.cn"), ["email"]);
        assert_eq!(kinds("13800138000 a@b.cn"), ["mobile_number", "email"]);
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        for text in [
            "",
            "九江市",
            "110105194912310021",
            "110105199913310023",
            "91110000600037341L",
            "2026-11-22 10:00:00",
            "12800138000",
            "4111111111111112",
            "九市监罚〔2026〕123号",
            "100.50",
            "a@b",
            "360481",
        ] {
            assert_eq!(kinds(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn names_begin_with_a_surname_and_are_no_places() {
        for name in [
            "王芳",
            "李小明",
            "欧阳修文",
            "司马光",
            "阿依·古丽",
            "阿依古丽·买买提",
            "阿依古丽•买买提",
            "买买提・阿不都热依木",
            "古丽·阿依·买买提",
        ] {
            assert!(is_name(name), "{name}");
        }
        for other in [
            "",
            "王",
            "江西省",
            "高新区",
            "行政处罚",
            "王某某某",
            "Li Ming",
            "石油公司",
            "王**",
            "张三(合成)",
            "伊宁·高新区",
            "·买买提",
            "阿依古丽·",
            "A·买买提",
            "第一季度·营业收入·万元·元·角·分",
        ] {
            assert!(!is_name(other), "{other}");
        }
    }
}
