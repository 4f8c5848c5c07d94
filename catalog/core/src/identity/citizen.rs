//! Citizen identity numbers 公民身份号码, GB 11643.

use chrono::NaiveDate;

use super::IdentityFault;

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";

/// A well-formed citizen identity number: 6 digits region, 8 birth date, 3 order, 1 check.
///
/// Whether the region was ever assigned is another question, for a [`DivisionTable`](super::DivisionTable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitizenId<'a> {
    text: &'a str,
    birth_date: NaiveDate,
}

impl<'a> CitizenId<'a> {
    /// Checks shape, birth date and check character. The check character X is a capital letter.
    pub fn parse(text: &'a str) -> Result<Self, IdentityFault> {
        let bytes = text.as_bytes();
        let (digits, check) = bytes.split_at_checked(17).ok_or(IdentityFault::Shape)?;
        let [check] = check else { return Err(IdentityFault::Shape) };
        let wanted = citizen_check(digits).ok_or(IdentityFault::Shape)?;
        if !check.is_ascii_digit() && *check != b'X' {
            return Err(IdentityFault::Shape);
        }
        let birth_date = calendar_date(&digits[6..14]).ok_or(IdentityFault::Date)?;
        if *check == wanted { Ok(Self { text, birth_date }) } else { Err(IdentityFault::Check) }
    }

    /// The number.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// The six digits of the region of first registration.
    pub fn region(self) -> &'a str {
        &self.text[..6]
    }

    /// The date of birth.
    pub fn birth_date(self) -> NaiveDate {
        self.birth_date
    }

    /// Whether the order number is a man's: odd.
    pub fn is_male(self) -> bool {
        self.text.as_bytes()[16] % 2 == 1
    }
}

/// The check character of the first 17 digits, in ASCII; `None` unless they are 17 digits.
pub fn citizen_check(digits: &[u8]) -> Option<u8> {
    if digits.len() != 17 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECKS.get(sum as usize % 11).copied()
}

fn calendar_date(digits: &[u8]) -> Option<NaiveDate> {
    let number = |part: &[u8]| part.iter().fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    let year = i32::try_from(number(&digits[..4])).ok()?;
    NaiveDate::from_ymd_opt(year, number(&digits[4..6]), number(&digits[6..8]))
}
