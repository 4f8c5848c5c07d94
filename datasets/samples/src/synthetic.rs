//! Rule `synthetic`: identity numbers and credit codes that are valid in every digit and can belong to nobody.
//!
//! Both carry a region of GB/T 2260 after which the check digits are computed like those of real ones. Region codes
//! beginning with 99 were never assigned: provinces are 11 to 82, and the identity numbers of foreign residents since
//! 2023 begin with a 9 that is followed by such a province. So `99nnnn` marks an identity number as made up, and
//! `99` with the last four digits of the county a credit code: `91990481MA...` says "Ruichang, made up".

use std::fmt;

/// First two digits of every region in this sample.
const REGION: [u8; 2] = *b"99";
/// The characters of GB 32100: digits and capitals without I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Orders 000 to 999 of one birth date, by sex.
const ORDERS: u64 = 500;
/// Regions 990000 to 999999.
const REGIONS: u64 = 10_000;
/// Identity numbers of one sex and birth date.
const SLOTS: u64 = REGIONS * ORDERS;
/// Birth dates are moved by less than this many days to make numbers unique.
const DATE_CLASSES: u64 = 32;
/// The most people that get identity numbers of their own.
pub(crate) const CAPACITY: u64 = SLOTS * DATE_CLASSES;

/// An identity number or credit code: 18 ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code18([u8; 18]);

impl Code18 {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Code18 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code18 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a code is one of this sample's: a valid identity number or credit code of a region that was never assigned.
pub fn is_synthetic(code: &str) -> bool {
    let Ok(code) = <&[u8; 18]>::try_from(code.as_bytes()) else { return false };
    let citizen = code[..2] == REGION && citizen_check(code) == Some(code[17]);
    let credit = code[2..4] == REGION && credit_check(code) == Some(code[17]);
    citizen || credit
}

/// The slot of a person among all with the same sex and birth date, and the class of the birth date. Two people
/// share a slot only if their numbers differ by a multiple of `SLOTS`, and then their classes differ.
fn slot(person: u64) -> (u64, u64) {
    let (turn, place) = (person / SLOTS, person % SLOTS);
    // An odd factor that 5 does not divide visits every slot once; neighbours lie far apart.
    let slot = place * 2_654_435_761 % SLOTS;
    let class = (slot.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) + turn;
    (slot, class % DATE_CLASSES)
}

/// The birth date (days since 1970) at most 31 days before the wished one that makes the identity number unique.
pub(crate) fn birth_date(person: u64, wish: i32) -> i32 {
    let (_, class) = slot(person);
    wish - (i64::from(wish) - class as i64).rem_euclid(DATE_CLASSES as i64) as i32
}

/// Identity number of a person born on a day that [`birth_date`] gave. `born` is the date as YYYYMMDD.
pub(crate) fn citizen_id(person: u64, born: u32, male: bool) -> Code18 {
    let (slot, _) = slot(person);
    let mut code = [0; 18];
    code[..2].copy_from_slice(&REGION);
    digits(&mut code[2..6], slot / ORDERS);
    digits(&mut code[6..14], u64::from(born));
    digits(&mut code[14..17], slot % ORDERS * 2 + u64::from(male));
    code[17] = citizen_check(&code).unwrap_or_default();
    Code18(code)
}

/// Credit code of entity number `entity` (below 31^6), registered by an authority (`kind`: first two characters) in a county.
pub(crate) fn credit_code(entity: u64, kind: [u8; 2], county: &str) -> Code18 {
    const ORGANISATIONS: u64 = 31 * 31 * 31 * 31 * 31 * 31;
    let mut code = [b'0'; 18];
    code[..2].copy_from_slice(&kind);
    code[2..4].copy_from_slice(&REGION);
    for (to, from) in code[4..8].iter_mut().zip(county.bytes().skip(2)) {
        *to = from;
    }
    code[8..10].copy_from_slice(b"MA");
    let mut left = entity % ORGANISATIONS * 387_420_489 % ORGANISATIONS;
    for character in code[10..16].iter_mut().rev() {
        *character = ALPHABET[(left % 31) as usize];
        left /= 31;
    }
    code[16] = organisation_check(&code[8..16]);
    code[17] = credit_check(&code).unwrap_or_default();
    Code18(code)
}

/// Writes a number with leading zeros.
fn digits(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Check character of GB 11643; `None` if one of the first 17 is no digit.
fn citizen_check(code: &[u8; 18]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let mut sum = 0;
    for (character, weight) in code.iter().zip(WEIGHTS) {
        sum += char::from(*character).to_digit(10)? * weight;
    }
    Some(b"10X98765432"[(sum % 11) as usize])
}

/// Check character of GB 32100; `None` if a character is not of its alphabet.
fn credit_check(code: &[u8; 18]) -> Option<u8> {
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let mut sum = 0;
    for (character, weight) in code.iter().zip(WEIGHTS) {
        sum += ALPHABET.iter().position(|known| known == character)? * weight;
    }
    Some(ALPHABET[(31 - sum % 31) % 31])
}

/// Check character of GB 11714 over eight digits and capitals (A is 10, Z is 35).
fn organisation_check(code: &[u8]) -> u8 {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let value = |character: u8| char::from(character).to_digit(36).unwrap_or_default();
    let sum: u32 = code.iter().zip(WEIGHTS).map(|(character, weight)| value(*character) * weight).sum();
    b"0X987654321"[(sum % 11) as usize]
}
