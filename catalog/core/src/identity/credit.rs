//! Unified social credit codes 统一社会信用代码, GB 32100, with the organisation code inside, GB 11714.

use super::IdentityFault;

/// Digits and capital letters without I, O, S, V and Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// A well-formed unified social credit code: 1 authority, 1 category, 6 region, 9 organisation code, 1 check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditCode<'a>(&'a str);

impl<'a> CreditCode<'a> {
    /// Checks alphabet, length and check character (GB 32100).
    pub fn parse(text: &'a str) -> Result<Self, IdentityFault> {
        let (body, check) = text.as_bytes().split_at_checked(17).ok_or(IdentityFault::Shape)?;
        let [check] = check else { return Err(IdentityFault::Shape) };
        let wanted = credit_check(body).ok_or(IdentityFault::Shape)?;
        if !ALPHABET.contains(check) || !body[2..8].iter().all(u8::is_ascii_digit) {
            return Err(IdentityFault::Shape);
        }
        if *check == wanted { Ok(Self(text)) } else { Err(IdentityFault::Check) }
    }

    /// The code.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The six digits of the region.
    pub fn region(self) -> &'a str {
        &self.0[2..8]
    }

    /// The organisation code inside, characters 9 to 17.
    pub fn organisation(self) -> &'a str {
        &self.0[8..17]
    }

    /// The stricter check: the organisation code inside carries its own check character (GB 11714).
    ///
    /// Apart from [`CreditCode::parse`], because codes issued without an earlier organisation code may miss it.
    pub fn has_organisation_check(self) -> bool {
        let organisation = self.organisation().as_bytes();
        organisation_check(&organisation[..8]) == Some(organisation[8])
    }
}

/// The check character of the first 17 characters, in ASCII; `None` unless they are 17 of the alphabet.
pub fn credit_check(body: &[u8]) -> Option<u8> {
    if body.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in body.iter().zip(WEIGHTS) {
        sum += ALPHABET.iter().position(|letter| letter == byte)? * weight;
    }
    ALPHABET.get((31 - sum % 31) % 31).copied()
}

/// The check character of the first 8 characters of an organisation code (GB 11714), in ASCII; `None` unless they
/// are 8 digits or capital letters.
pub fn organisation_check(body: &[u8]) -> Option<u8> {
    if body.len() != 8 {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in body.iter().zip(ORGANISATION_WEIGHTS) {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => return None,
        };
        sum += u32::from(value) * weight;
    }
    Some(match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        value => b'0' + u8::try_from(value).ok()?,
    })
}
