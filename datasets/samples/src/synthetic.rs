//! Rule `synthetic`: identity numbers and credit codes that are valid in every digit and can belong to nobody.
//!
//! Both carry a region of GB/T 2260 after which the check digits are computed like those of real ones. Region codes
//! beginning with 99 were never assigned: provinces are 11 to 82, and the identity numbers of foreign residents since
//! 2023 begin with a 9 that is followed by such a province. So `99nnnn` marks an identity number as made up, and
//! `99` with the last four digits of the county a credit code: `91990481MA...` says "Ruichang, made up".

use std::fmt;

use catalog_core::identity::{CitizenId, CreditCode, citizen_check, credit_check, organisation_check};

/// First two digits of every region in this sample.
const REGION: &str = "99";
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
    CitizenId::parse(code).is_ok_and(|id| id.region().starts_with(REGION))
        || CreditCode::parse(code).is_ok_and(|code| code.region().starts_with(REGION))
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
    code[..2].copy_from_slice(REGION.as_bytes());
    digits(&mut code[2..6], slot / ORDERS);
    digits(&mut code[6..14], u64::from(born));
    digits(&mut code[14..17], slot % ORDERS * 2 + u64::from(male));
    code[17] = citizen_check(&code[..17]).unwrap_or_default();
    Code18(code)
}

/// Credit code of entity number `entity` (below 16^6), registered by an authority (`kind`: first two characters) in a
/// county. The organisation code inside is MA and six hexadecimal digits.
pub(crate) fn credit_code(entity: u64, kind: [u8; 2], county: &str) -> Code18 {
    let mut code = [b'0'; 18];
    code[..2].copy_from_slice(&kind);
    code[2..4].copy_from_slice(REGION.as_bytes());
    for (to, from) in code[4..8].iter_mut().zip(county.bytes().skip(2)) {
        *to = from;
    }
    code[8..10].copy_from_slice(b"MA");
    // An odd factor visits every number below a power of two once.
    let mut left = entity.wrapping_mul(0x9E37_79B1);
    for character in &mut code[10..16] {
        *character = b"0123456789ABCDEF"[(left % 16) as usize];
        left /= 16;
    }
    code[16] = organisation_check(&code[8..16]).unwrap_or_default();
    code[17] = credit_check(&code[..17]).unwrap_or_default();
    Code18(code)
}

/// Writes a number with leading zeros.
fn digits(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests;
