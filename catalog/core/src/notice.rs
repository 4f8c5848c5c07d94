//! Notices 告知书: what a department tells the applicant in writing about a step, and where the applicant may turn to.
//!
//! A notice is not stored: it follows from the matter, whose steps never change, and from the rules. Its bytes are made by
//! the door from a template; their digest is evidence each time that one is handed out.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Problem, Result};
use crate::matter::{Applicant, Content, Event, Matter, Step};
use crate::time::Timestamp;

/// The kind of a notice; each has a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// 受理通知书
    Acceptance,
    /// 补正告知书
    Completion,
    /// 延期告知书
    Extension,
    /// 同意告知书
    Grant,
    /// 部分同意告知书
    GrantInPart,
    /// 不同意告知书
    Refusal,
    /// 答复书
    Answer,
    /// 撤销告知书
    Revocation,
    /// 更正答复书
    Correction,
}

impl NoticeKind {
    /// All kinds, in the order of documents.
    pub const ALL: [Self; 9] = [
        Self::Acceptance,
        Self::Completion,
        Self::Extension,
        Self::Grant,
        Self::GrantInPart,
        Self::Refusal,
        Self::Answer,
        Self::Revocation,
        Self::Correction,
    ];

    /// The title.
    pub fn label(self) -> &'static str {
        match self {
            Self::Acceptance => "受理通知书",
            Self::Completion => "补正告知书",
            Self::Extension => "延期告知书",
            Self::Grant => "同意告知书",
            Self::GrantInPart => "部分同意告知书",
            Self::Refusal => "不予同意告知书",
            Self::Answer => "答复书",
            Self::Revocation => "撤销告知书",
            Self::Correction => "更正答复书",
        }
    }

    /// The notice that a step gives, if it gives one.
    fn of(step: &Step, matter: &Matter) -> Option<Self> {
        match step.event {
            None => matter.is_public().then_some(Self::Acceptance),
            Some(Event::Accept) => Some(Self::Acceptance),
            Some(Event::AskCompletion) => Some(Self::Completion),
            Some(Event::Extend) => Some(Self::Extension),
            Some(Event::Grant | Event::GrantAtOnce) => Some(Self::Grant),
            Some(Event::GrantInPart) => Some(Self::GrantInPart),
            Some(Event::Refuse | Event::Reject) => Some(Self::Refusal),
            Some(Event::Answer) => Some(Self::Answer),
            Some(Event::Revoke) => Some(Self::Revocation),
            Some(Event::Correct) => Some(Self::Correction),
            Some(_) => None,
        }
    }

    /// Whether it decides, so that remedies go with it.
    fn decides(self) -> bool {
        !matches!(self, Self::Acceptance | Self::Completion | Self::Extension)
    }
}

/// A notice of a matter, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeEntry {
    /// Its place among the matter's notices, counted from 1.
    pub sequence: usize,
    /// Its own number 文号: `GK-2026-000001-2`.
    pub number: String,
    /// Its kind.
    pub kind: NoticeKind,
    /// Its title.
    pub title: String,
    /// Its date.
    pub at: Timestamp,
}

/// A notice as its template is filled: texts by the names of places, see [`Notice::PLACES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its entry in the list.
    pub entry: NoticeEntry,
    /// What stands in the places.
    pub texts: BTreeMap<&'static str, String>,
}

impl Notice {
    /// The places that a template may have, each written `{{name}}`.
    pub const PLACES: [&'static str; 12] = [
        "title",
        "number",
        "matter",
        "applicant",
        "department",
        "subject",
        "received",
        "reason",
        "outcome",
        "legal_basis",
        "remedy",
        "date",
    ];

    /// The notices of a matter with the steps that gave them, oldest first.
    pub fn of(matter: &Matter) -> Vec<(NoticeEntry, &Step)> {
        let told = matter.history.iter().filter_map(|step| Some((NoticeKind::of(step, matter)?, step)));
        let entry = |(sequence, (kind, step)): (usize, (NoticeKind, _))| {
            let step: &Step = step;
            let number = format!("{}-{sequence}", matter.number);
            let title = format!("{}{}", matter.kind(), kind.label());
            (NoticeEntry { sequence, number, kind, title, at: step.at }, step)
        };
        (1..).zip(told).map(entry).collect()
    }

    /// Fills in one of them, for an applicant and from a department as they are named.
    pub fn filled(
        matter: &Matter,
        sequence: usize,
        (applicant, department): (&str, &str),
        rules: &NoticeRules,
    ) -> Result<Self> {
        let found = Self::of(matter).into_iter().find(|(entry, _)| entry.sequence == sequence);
        let (entry, step) = found
            .ok_or_else(|| Error::not_found(format!("notice {sequence} of the matter {}", matter.number)))?;
        let none = || "（无）".to_owned();
        let texts = BTreeMap::from([
            ("title", entry.title.clone()),
            ("number", entry.number.clone()),
            ("matter", matter.number.clone()),
            ("applicant", applicant.to_owned()),
            ("department", department.to_owned()),
            ("subject", subject(&matter.content)),
            ("received", chinese_date(matter.received().shanghai_date())),
            ("reason", step.reason.clone().unwrap_or_else(none)),
            ("outcome", outcome(matter, entry.kind)),
            ("legal_basis", step.legal_basis.clone().unwrap_or_else(|| rules.basis(matter, entry.kind))),
            ("remedy", rules.remedy(matter, entry.kind)),
            ("date", chinese_date(step.at.shanghai_date())),
        ]);
        Ok(Self { entry, texts })
    }
}

/// What a matter is about, in a line.
pub fn subject(content: &Content) -> String {
    match content {
        Content::Application(application) => application.purpose.clone(),
        Content::Provision(provision) => provision.application.purpose.clone(),
        Content::EmergencyGrant(emergency) => emergency.purpose.clone(),
        Content::GrantImport(import) => import.purpose.clone(),
        Content::Objection(objection) => format!("对 {} 的异议", objection.resource),
        Content::Demand(demand) => demand.title.clone(),
        Content::Disclosure(disclosure) => disclosure.title.clone(),
        Content::Letter(letter) => letter.title.clone(),
        Content::SecrecyReview(review) => format!("{} 的保密审查", review.opening.resource),
        Content::OpeningItem(item) => item.title.clone(),
        Content::CorrectionNotice(notice) => format!("{} 的更正", notice.resource),
    }
}

/// What was decided about a disclosure request: given, withheld with their grounds.
fn outcome(matter: &Matter, kind: NoticeKind) -> String {
    let Content::Disclosure(disclosure) = &matter.content else { return String::new() };
    let Some(outcome) = disclosure.outcome.as_ref().filter(|_| kind.decides()) else { return String::new() };
    let mut lines = Vec::new();
    if !outcome.given.is_empty() {
        lines.push(format!("予以公开：{}", outcome.given));
    }
    for part in &outcome.withheld {
        lines.push(format!("不予公开：{}。{}（{}）", part.what, part.ground, part.article));
    }
    lines.extend(outcome.ground.map(|ground| format!("不予公开的情形：{ground}")));
    lines.join("\n")
}

/// A text of law with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What the applicant may do, where and until when.
    pub text: String,
    /// The articles it rests on.
    pub source: String,
}

/// What notices say beside the matter, and how long identities are kept: defaults from law, replaced by configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoticeRules {
    /// The name of the data authority.
    pub authority: String,
    /// Months after the end of a matter for which an applicant's identity and words are kept.
    pub identity_months: u32,
    /// For a disclosure request that is refused, also in part: administrative review comes first.
    pub disclosure_refused: Remedy,
    /// For any other decision about a disclosure request.
    pub disclosure: Remedy,
    /// For letters.
    pub letter: Remedy,
    /// For registered developers.
    pub developer: Remedy,
    /// Between departments.
    pub department: Remedy,
}

/// The longest time for which identities are kept, in months.
const LONGEST_MONTHS: u32 = 120;

impl Default for NoticeRules {
    fn default() -> Self {
        let remedy = |text: &str, source: &str| Remedy { text: text.to_owned(), source: source.to_owned() };
        let review_or_court = "如不服本决定，可以自收到本文书之日起六十日内向有管辖权的行政复议机关申请行政复议，或者自收到本文书之日起六个月内\
             向有管辖权的人民法院提起行政诉讼。";
        Self {
            authority: "政务数据共享主管部门".to_owned(),
            identity_months: 12,
            disclosure_refused: remedy(
                "如不服本决定，可以自收到本文书之日起六十日内先向有管辖权的行政复议机关申请行政复议；对行政复议决定仍不服的，可以自收到行政\
                 复议决定书之日起十五日内向有管辖权的人民法院提起行政诉讼。",
                "政府信息公开条例 第五十一条；行政复议法（2023） 第二十条、第二十三条；行政诉讼法 第四十五条",
            ),
            disclosure: remedy(
                review_or_court,
                "政府信息公开条例 第五十一条；行政复议法（2023） 第二十条；行政诉讼法 第四十六条",
            ),
            letter: remedy("如对本答复有异议，可以向上一级行政机关反映。", "平台规则"),
            developer: remedy(review_or_court, "行政复议法（2023） 第二十条；行政诉讼法 第四十六条"),
            department: remedy("如有异议，可以提请政务数据共享主管部门协调处理。", "政务数据共享条例"),
        }
    }
}

impl NoticeRules {
    /// The defaults with what a JSON file sets otherwise: `{"identity_months": 6}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let rules: Self = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "notices.form", error.to_string());
            Error::invalid("the file is no set of rules for notices", vec![problem])
        })?;
        let remedies = [
            &rules.disclosure_refused,
            &rules.disclosure,
            &rules.letter,
            &rules.developer,
            &rules.department,
        ];
        let is_empty = |text: &str| text.trim().is_empty();
        let lacks = remedies.iter().any(|remedy| is_empty(&remedy.text) || is_empty(&remedy.source));
        if lacks || is_empty(&rules.authority) || !(1..=LONGEST_MONTHS).contains(&rules.identity_months) {
            let message = format!(
                "every remedy has a text and a source, the authority a name, and identities are kept for 1 to {LONGEST_MONTHS} months"
            );
            return Err(Error::invalid(message, Vec::new()));
        }
        Ok(rules)
    }

    fn remedy(&self, matter: &Matter, kind: NoticeKind) -> String {
        if !kind.decides() {
            return String::new();
        }
        let is_refused = matches!(kind, NoticeKind::Refusal | NoticeKind::GrantInPart);
        let remedy = match (&matter.content, &matter.applicant) {
            (Content::Disclosure(_), _) if is_refused => &self.disclosure_refused,
            (Content::Disclosure(_), _) => &self.disclosure,
            (_, Applicant::Public(_)) => &self.letter,
            (_, Applicant::Developer(_)) => &self.developer,
            (_, Applicant::Department(_) | Applicant::Authority) => &self.department,
        };
        format!("{}（依据：{}）", remedy.text, remedy.source)
    }

    /// The article of a step that names none.
    fn basis(&self, matter: &Matter, kind: NoticeKind) -> String {
        match (&matter.content, kind) {
            (Content::Disclosure(_), NoticeKind::Completion) => "政府信息公开条例 第三十条",
            (Content::Disclosure(_), NoticeKind::Extension | NoticeKind::Acceptance) => {
                "政府信息公开条例 第三十三条"
            }
            (Content::Disclosure(_), _) => "政府信息公开条例 第三十六条",
            (Content::Letter(_), _) => "平台规则",
            _ => "政务数据共享条例",
        }
        .to_owned()
    }
}

/// A date as official documents write it: 二〇二六年三月二日.
pub fn chinese_date(day: NaiveDate) -> String {
    const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |number: u32| DIGITS.get(number as usize % 10).copied().unwrap_or_default();
    let year: String =
        day.year().to_string().chars().filter_map(|digit| digit.to_digit(10)).map(digit).collect();
    let number = |number: u32| match (number / 10, number % 10) {
        (0, ones) => digit(ones).to_owned(),
        (tens, ones) => {
            let tens = if tens == 1 { "" } else { digit(tens) };
            let ones = if ones == 0 { "" } else { digit(ones) };
            format!("{tens}十{ones}")
        }
    };
    format!("{year}年{}月{}日", number(day.month()), number(day.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_chinese() {
        for (date, text) in [
            ("2026-03-02", "二〇二六年三月二日"),
            ("2030-10-10", "二〇三〇年十月十日"),
            ("2027-12-31", "二〇二七年十二月三十一日"),
            ("2027-11-20", "二〇二七年十一月二十日"),
        ] {
            assert_eq!(chinese_date(date.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_file_replaces_what_it_names_and_nothing_else() {
        let rules = NoticeRules::with_file(r#"{"identity_months": 6}"#).unwrap();
        assert_eq!(rules, NoticeRules { identity_months: 6, ..NoticeRules::default() });
        for wrong in
            [r#"{"identity_months": 0}"#, r#"{"letter": {"text": " ", "source": "x"}}"#, r#"{"letters": {}}"#]
        {
            assert!(NoticeRules::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
