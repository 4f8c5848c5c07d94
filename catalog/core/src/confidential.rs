//! What the public confides to a department: who asks, and what they wrote. It stands in no matter, no log and no evidence;
//! it is sealed under a key of its own for each matter, opened for the handling role alone, and erased after its term by
//! destroying the key.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Problem, Result};
use crate::evidence::EvidenceRecord;
use crate::time::Timestamp;

/// The most characters of a name, an address or another line.
const LINE: usize = 200;
/// The most characters of a text.
const TEXT: usize = 5000;

/// Who asks, and how to reach them (政府信息公开条例, article 29). `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Name of the person or body.
    pub name: String,
    /// Identity number or unified credit code.
    #[serde(default)]
    pub id_number: Option<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(default)]
    pub email: Option<String>,
    /// Postal address.
    #[serde(default)]
    pub address: Option<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(confidential)")
    }
}

/// What a third party was asked, and said (article 32).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consultation {
    /// The third party.
    pub with: String,
    /// What it was asked.
    pub asked: String,
    /// When.
    pub at: Timestamp,
    /// What it answered, or that it did not.
    #[serde(default)]
    pub answered: Option<String>,
}

/// All of it. `Debug` shows none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confidential {
    /// Who asks.
    pub applicant: Identity,
    /// What they wrote.
    pub text: String,
    /// What they wrote when they were asked for more.
    #[serde(default)]
    pub supplements: Vec<String>,
    /// Whom the department consulted.
    #[serde(default)]
    pub consultations: Vec<Consultation>,
}

impl std::fmt::Debug for Confidential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Confidential")
    }
}

impl Confidential {
    /// What an applicant writes first.
    pub fn new(applicant: Identity, text: String) -> Self {
        Self { applicant, text, supplements: Vec::new(), consultations: Vec::new() }
    }

    /// Checks lengths, and that there is a way to answer. The messages quote nothing.
    pub(crate) fn check(&self) -> Result<()> {
        let Identity { name, id_number, phone, email, address } = &self.applicant;
        let mut problems = Vec::new();
        problems.extend(line_problem("applicant.name", name));
        for (at, line) in [
            ("applicant.id_number", id_number),
            ("applicant.phone", phone),
            ("applicant.email", email),
            ("applicant.address", address),
        ] {
            problems.extend(line.as_ref().and_then(|line| line_problem(at, line)));
        }
        if [phone, email, address].into_iter().all(Option::is_none) {
            let message = "请留下电话、电子邮箱或者通信地址中的至少一项，以便答复";
            problems.push(Problem::new("applicant", "public.contact", message));
        }
        problems.extend(text_problem("text", &self.text));
        whole(problems)
    }
}

/// What is wrong with a line: it is empty, too long, or holds characters that show otherwise than they read.
pub(crate) fn line_problem(at: &str, line: &str) -> Option<Problem> {
    let is_hidden = |letter: char| letter.is_control() || is_bidi_control(letter);
    let wrong = line.trim().is_empty() || line.chars().count() > LINE || line.chars().any(is_hidden);
    wrong.then(|| Problem::new(at, "public.line", format!("请填写 1 至 {LINE} 个字，不含换行和控制字符")))
}

/// What is wrong with a text: it is empty or too long.
pub(crate) fn text_problem(at: &str, text: &str) -> Option<Problem> {
    let wrong = text.trim().is_empty() || text.chars().count() > TEXT;
    wrong.then(|| Problem::new(at, "public.text", format!("请填写 1 至 {TEXT} 个字")))
}

/// Characters that turn the direction of what follows (Unicode UAX #9).
pub fn is_bidi_control(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// All right, or all that is wrong.
pub(crate) fn whole(problems: Vec<Problem>) -> Result<()> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid("填写的内容不完整或者过长", problems)),
    }
}

/// Keys for what is confided, one for each matter, and one for each contribution of the public that left a contact.
pub trait Safe: Send + Sync {
    /// Seals a content under the matter's key, which is made if it is new; the answer is text.
    fn seal(&self, number: &str, content: &[u8]) -> Result<String>;
    /// Opens what was sealed for the matter.
    fn open(&self, number: &str, sealed: &str) -> Result<Vec<u8>>;
    /// Destroys the matter's key, if there is one: whatever copies there are of what it sealed, nobody opens them again.
    fn destroy(&self, number: &str) -> Result<()>;
}

/// What is confided, sealed, by the number of its matter. It is written with the matter's step, see
/// [`MatterChange`](crate::ports::MatterChange).
#[async_trait]
pub trait ConfidentialStore: Send + Sync {
    /// What was confided with the matter, sealed; `None` once it is erased.
    async fn confidential(&self, number: &str) -> Result<Option<String>>;
    /// The matters of which something is kept, by number.
    async fn confidential_numbers(&self) -> Result<Vec<String>>;
    /// Erases it; nothing where it is erased already.
    async fn erase_confidential(&self, number: &str, change: &EvidenceRecord) -> Result<()>;
}
