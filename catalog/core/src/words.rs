//! Words 告知: what departments are told without asking: lights that changed, what is late, the list of the morning.
//!
//! A word names matters by number and kind. It never carries a title, a reason, or a value of data.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::attempts::Attempts;
use crate::context::Role;
use crate::deadline::{Light, LimitKind};
use crate::ids::DepartmentId;
use crate::matter::{Handler, MatterKind};
use crate::ports::Mail;
use crate::time::Timestamp;

/// When the morning list of a working day is made, in Asia/Shanghai.
pub(crate) const MORNING: NaiveTime = match NaiveTime::from_hms_opt(8, 30, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// Matters that one word lists; the others are counted.
const LINES: usize = 500;

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordKind {
    /// 变灯: lights of matters in hand changed.
    LightChanged,
    /// 升级督办: limits have passed; told to the data authority.
    Escalated,
    /// 每日清单: all open matters in hand.
    MorningList,
}

impl WordKind {
    fn label(self) -> &'static str {
        match self {
            Self::LightChanged => "办件变灯",
            Self::Escalated => "升级督办",
            Self::MorningList => "每日清单",
        }
    }
}

/// One matter in a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WordLine {
    /// Its number.
    pub number: String,
    /// Its kind.
    pub kind: MatterKind,
    /// The limit that the light is of.
    pub limit: LimitKind,
    /// The light.
    pub light: Light,
    /// When the limit ends; `None` while it stands still.
    pub due: Option<Timestamp>,
}

/// One word to the people of a role in a department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// Identity, by which a receiver knows a repetition.
    pub id: String,
    /// What it is about.
    pub kind: WordKind,
    /// When it was written.
    pub at: Timestamp,
    /// The department; `None` is the data authority.
    pub department: Option<DepartmentId>,
    /// Its name as shown.
    pub department_name: String,
    /// The role.
    pub role: Role,
    /// How many matters it is about.
    pub total: usize,
    /// The first of them, by light and end of the limit.
    pub matters: Vec<WordLine>,
}

impl Word {
    /// A word to a role about matters, of which it names the first.
    pub(crate) fn new(
        kind: WordKind,
        at: Timestamp,
        (to, department_name): (&Handler, String),
        mut matters: Vec<WordLine>,
    ) -> Self {
        let total = matters.len();
        matters.sort_by_key(|line| (Reverse(line.light), line.due, line.number.clone()));
        matters.truncate(LINES);
        let (id, department, role) = (uuid::Uuid::now_v7().to_string(), to.department.clone(), to.role);
        Self { id, kind, at, department, department_name, role, total, matters }
    }

    /// The word as a letter to an address.
    pub fn letter(&self, to: &str) -> Mail {
        let subject = format!("数桥：{}（{}，{} 件）", self.kind.label(), self.department_name, self.total);
        let mut text = format!("{}（{}）：\n\n", self.department_name, self.role.label());
        for line in &self.matters {
            let due =
                line.due.map_or("计时中止".to_owned(), |due| format!("{} 前办结", due.shanghai_text()));
            text.push_str(&format!("{}  {}  {}  {due}\n", light(line.light), line.number, line.kind));
        }
        if self.total > self.matters.len() {
            text.push_str(&format!("……共 {} 件，其余请登录平台查看。\n", self.total));
        }
        text.push_str("\n本信由平台自动发出，不含业务数据；办理请登录平台。\n");
        Mail { to: to.to_owned(), subject, text }
    }
}

/// The line of a matter whose limits are these: that of the worst light.
pub(crate) fn worst(lines: impl Iterator<Item = WordLine>) -> Option<WordLine> {
    lines.max_by_key(|line| line.light)
}

fn light(light: Light) -> &'static str {
    match light {
        Light::Paused => "【中止】",
        Light::Green => "【绿灯】",
        Light::Yellow => "【黄灯】",
        Light::Red => "【红灯】",
    }
}

/// The light of a limit that was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The matter's number.
    pub matter: String,
    /// The limit.
    pub limit: LimitKind,
    /// Since when it runs: a limit that starts again is another.
    pub since: Timestamp,
    /// Its light.
    pub light: Light,
}

impl Told {
    /// Whether both are about the same limit.
    pub(crate) fn is_of(&self, other: &Told) -> bool {
        (&self.matter, self.limit, self.since) == (&other.matter, other.limit, other.since)
    }
}

/// Where a word goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", content = "to", rename_all = "snake_case")]
pub enum Destination {
    /// A letter to this address.
    Mail(String),
    /// A signed request to this address.
    Webhook(String),
}

/// One word on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Identity.
    pub id: String,
    /// Where it goes.
    pub destination: Destination,
    /// The word.
    pub word: Word,
    /// The tries.
    #[serde(flatten)]
    pub attempts: Attempts,
}

/// Who is told by letter: staff of a role in a department.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The department; the data authority without one.
    pub department: Option<DepartmentId>,
    /// The role.
    pub role: Role,
    /// The address.
    pub address: String,
}

/// A system that is told by signed request: 政务钉钉, an SMS gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its address.
    pub url: String,
    /// The kinds of words that it takes; all without one.
    #[serde(default)]
    pub kinds: Vec<WordKind>,
}

/// Everyone who is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receivers {
    /// By letter.
    pub contacts: Vec<Contact>,
    /// By signed request.
    pub webhooks: Vec<Webhook>,
}

impl Receivers {
    /// Where words of the kind to the people of a role go.
    pub(crate) fn of(&self, kind: WordKind, to: &Handler) -> Vec<Destination> {
        let contacts = self.contacts.iter().filter(|contact| contact.department == to.department);
        let letters = contacts
            .filter(|contact| contact.role == to.role)
            .map(|contact| Destination::Mail(contact.address.clone()));
        let takes = |hook: &&Webhook| hook.kinds.is_empty() || hook.kinds.contains(&kind);
        let requests = self.webhooks.iter().filter(takes).map(|hook| Destination::Webhook(hook.url.clone()));
        letters.chain(requests).collect()
    }
}
