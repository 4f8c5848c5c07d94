//! What the public contributes 公众参与: feedback 评价 on datasets, and works 应用成果 made of them.
//!
//! Everybody may contribute, and nothing is shown before a person has looked at it: for feedback somebody of the provider or of the
//! data authority, for works the authority. A refusal has its reason, and the authority may decide otherwise than a provider did.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::confidential::is_bidi_control;
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::ids::{DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// Contributions that wait for somebody to look at them, all together; the next is refused.
pub const MOST_WAITING: usize = 2000;
/// Of those, the ones about one dataset: the many about one keep none about others out.
pub const MOST_WAITING_ABOUT_ONE: usize = 100;
/// Datasets that a work names.
pub const MOST_RESOURCES: usize = 10;
/// Characters of a title.
pub const TITLE_LENGTH: usize = 100;
/// Characters of a text.
pub const TEXT_LENGTH: usize = 2000;
/// Characters of a link.
pub const LINK_LENGTH: usize = 500;
/// Characters of a contact.
pub const CONTACT_LENGTH: usize = 200;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContributionKind {
    /// 评价
    Feedback,
    /// 应用成果
    Work,
}

/// What somebody thinks of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The dataset.
    pub resource: ResourceCode,
    /// From 1 to 5; 5 is best.
    pub rating: u8,
    /// In words, at most 2000 characters.
    pub text: String,
}

/// What somebody has made of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Its name, at most 100 characters.
    pub title: String,
    /// What it is good for, at most 2000 characters.
    pub text: String,
    /// Where it is: an address of http or https.
    #[serde(default)]
    pub link: Option<String>,
    /// The datasets of which it is made, one to ten.
    pub resources: Vec<ResourceCode>,
}

/// What is contributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contributed {
    /// Feedback on a dataset.
    Feedback(Feedback),
    /// A work made of datasets.
    Work(Work),
}

/// Who contributes, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Author {
    /// Anyone.
    Public,
    /// A registered developer, by login name; only that it is one is shown.
    Developer(String),
    /// Somebody of a department.
    Department(DepartmentId),
}

/// How a contribution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContributionState {
    /// Nobody has looked at it yet.
    Waiting,
    /// Everybody sees it.
    Shown,
    /// It is not shown, for a reason.
    Refused,
}

/// A decision whether it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Look {
    /// Whether it is shown.
    pub is_shown: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Who decided.
    pub by: String,
    /// Whether for the data authority, which may decide otherwise than the provider did.
    pub for_authority: bool,
    /// When.
    pub at: Timestamp,
}

/// The provider's public answer to feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reply {
    /// In words.
    pub text: String,
    /// The department that answers.
    pub department: DepartmentId,
    /// Who wrote it; not shown to the public.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Identity, a UUID of version 7.
    pub id: String,
    /// When it came in.
    pub at: Timestamp,
    /// Who contributes.
    pub author: Author,
    /// What.
    pub content: Contributed,
    /// How to reach them, sealed under the identity; nothing where nobody left it, or where it was erased.
    pub contact: Option<String>,
    /// How it stands.
    pub state: ContributionState,
    /// The last decision.
    pub look: Option<Look>,
    /// The provider's answer.
    pub reply: Option<Reply>,
    /// Raised by each write: of two writers one wins.
    pub revision: i64,
}

impl Contributed {
    /// Which of the two it is.
    pub fn kind(&self) -> ContributionKind {
        match self {
            Self::Feedback(_) => ContributionKind::Feedback,
            Self::Work(_) => ContributionKind::Work,
        }
    }

    /// The datasets that it is about.
    pub fn resources(&self) -> &[ResourceCode] {
        match self {
            Self::Feedback(feedback) => std::slice::from_ref(&feedback.resource),
            Self::Work(work) => &work.resources,
        }
    }

    /// Its rating, where it is feedback.
    pub fn rating(&self) -> Option<u8> {
        match self {
            Self::Feedback(feedback) => Some(feedback.rating),
            Self::Work(_) => None,
        }
    }

    /// Checks lengths, the rating, the link.
    pub(crate) fn check(&self) -> Result<()> {
        let mut problems = Vec::new();
        match self {
            Self::Feedback(feedback) => {
                if !(1..=5).contains(&feedback.rating) {
                    problems.push(Problem::new("rating", "contribution.rating", "请选择 1 至 5 分"));
                }
                problems.extend(text_problem("text", &feedback.text));
            }
            Self::Work(work) => {
                problems.extend(line_problem("title", &work.title, TITLE_LENGTH));
                problems.extend(text_problem("text", &work.text));
                problems.extend(work.link.as_deref().and_then(link_problem));
                let mut named = work.resources.clone();
                named.sort();
                named.dedup();
                if named.len() != work.resources.len() || !(1..=MOST_RESOURCES).contains(&named.len()) {
                    let message = format!("请填写 1 至 {MOST_RESOURCES} 个不同的数据资源代码");
                    problems.push(Problem::new("resources", "contribution.resources", message));
                }
            }
        }
        whole(problems)
    }
}

impl Contribution {
    /// One that nobody has looked at yet. `contact` is sealed under `id`.
    pub(crate) fn new(
        id: String,
        at: Timestamp,
        author: Author,
        content: Contributed,
        contact: Option<String>,
    ) -> Self {
        let state = ContributionState::Waiting;
        Self { id, at, author, content, contact, state, look: None, reply: None, revision: 0 }
    }

    /// Takes a decision. What the authority has decided, or what was decided once, only the authority decides again.
    pub(crate) fn decide(&mut self, look: Look) -> Result<()> {
        if self.state != ContributionState::Waiting && !look.for_authority {
            let message = "it has been looked at: the data authority may decide otherwise";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        if !look.is_shown {
            whole(text_problem("reason", look.reason.as_deref().unwrap_or_default()).into_iter().collect())?;
        }
        self.state = match look.is_shown {
            true => ContributionState::Shown,
            false => ContributionState::Refused,
        };
        self.look = Some(look);
        Ok(())
    }

    /// Takes the provider's answer, or another one in its place. What is not shown is not answered.
    pub(crate) fn answer(&mut self, reply: Reply) -> Result<()> {
        if self.state != ContributionState::Shown {
            let message = "only what is shown is answered";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        whole(text_problem("text", &reply.text).into_iter().collect())?;
        self.reply = Some(reply);
        Ok(())
    }
}

/// Checks how to reach somebody: one line.
pub(crate) fn check_contact(contact: &str) -> Result<()> {
    whole(line_problem("contact", contact, CONTACT_LENGTH).into_iter().collect())
}

/// What is wrong with a line.
fn line_problem(at: &str, line: &str, most: usize) -> Option<Problem> {
    let is_hidden = |letter: char| letter.is_control() || is_bidi_control(letter);
    let wrong = line.trim().is_empty() || line.chars().count() > most || line.chars().any(is_hidden);
    let message = format!("请填写 1 至 {most} 个字，不含换行和控制字符");
    wrong.then(|| Problem::new(at, "contribution.line", message))
}

/// What is wrong with a text: lines may end in it.
fn text_problem(at: &str, text: &str) -> Option<Problem> {
    let is_hidden =
        |letter: char| (letter.is_control() && !matches!(letter, '\n' | '\r')) || is_bidi_control(letter);
    let wrong = text.trim().is_empty() || text.chars().count() > TEXT_LENGTH || text.chars().any(is_hidden);
    let message = format!("请填写 1 至 {TEXT_LENGTH} 个字，不含控制字符");
    wrong.then(|| Problem::new(at, "contribution.text", message))
}

/// What is wrong with a link: it is not an address of http or https, names a user, or holds what shows otherwise than it reads.
fn link_problem(link: &str) -> Option<Problem> {
    let rest = ["https://", "http://"].into_iter().find_map(|scheme| link.strip_prefix(scheme));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let is_host = |host: &str| {
        let is_sign = |sign: char| sign.is_ascii_alphanumeric() || ".-:[]".contains(sign);
        !host.is_empty() && host.chars().all(is_sign)
    };
    let is_plain = |sign: char| sign.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(sign);
    let is_right = link.len() <= LINK_LENGTH && link.chars().all(is_plain) && host.is_some_and(is_host);
    let message =
        format!("链接以 https:// 或者 http:// 开头，最长 {LINK_LENGTH} 个字符，域名和路径用 ASCII 书写");
    (!is_right).then(|| Problem::new("link", "contribution.link", message))
}

fn whole(problems: Vec<Problem>) -> Result<()> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid("填写的内容不完整或者过长", problems)),
    }
}
