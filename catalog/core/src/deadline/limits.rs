//! The table of limits: defaults from law, replaced by configuration where a place has shorter ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Problem, Result};

/// What a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// 形式审查: the authority's check of an application or demand
    FormalCheck,
    /// 无条件共享: access after application
    UnconditionalAccess,
    /// 有条件共享答复: the provider's decision
    ConditionalDecision,
    /// 数据交付: after the decision
    Delivery,
    /// 应急共享决定: the authority's second person
    EmergencyDecision,
    /// 应急共享事后审查
    EmergencyReview,
    /// 数据校核: check, correction and answer
    Correction,
    /// 争议协调: the authority settles what applicant and provider can't
    Arbitration,
    /// 依申请公开答复
    DisclosureAnswer,
    /// 依申请公开补正告知: the one request for completion
    DisclosureCompletion,
    /// 补正期限: the applicant completes; before its end nobody settles the matter for want of it
    Completion,
    /// 第三方意见
    ThirdPartyOpinion,
    /// 主动公开: data exist of what is open
    ActivePublication,
    /// 群众来信; complex ones by its extension
    Letter,
    /// 目录更新: an objection against a directory entry
    DirectoryChange,
    /// 处罚信息撤回: a penalty that was published is no more
    PenaltyWithdrawal,
    /// 保密审查
    SecrecyReview,
    /// 数据开放计划: until the date that the plan names
    OpeningPlan,
    /// 更正通知确认: a department that received a wrong record
    CorrectionConfirmation,
}

/// How long something may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Working days.
    pub days: u32,
    /// Working days by which it may be extended, once; 0 if not at all.
    #[serde(default)]
    pub extension: u32,
    /// The law, regulation or rule it comes from.
    pub source: String,
}

/// The longest limit that is accepted, in working days.
const LONGEST: u32 = 500;

/// Kind, working days, extension, source. What law does not set is marked as the platform's own.
const DEFAULTS: [(LimitKind, u32, u32, &str); 19] = [
    (LimitKind::FormalCheck, 2, 0, "政务数据共享条例；县级规则 2 个工作日"),
    (LimitKind::UnconditionalAccess, 1, 0, "政务数据共享条例"),
    (LimitKind::ConditionalDecision, 10, 10, "政务数据共享条例"),
    (LimitKind::Delivery, 20, 0, "政务数据共享条例"),
    (LimitKind::EmergencyDecision, 1, 0, "平台规则"),
    (LimitKind::EmergencyReview, 5, 0, "平台规则"),
    (LimitKind::Correction, 10, 0, "政务数据共享条例"),
    (LimitKind::Arbitration, 10, 0, "平台规则"),
    (LimitKind::DisclosureAnswer, 20, 20, "政府信息公开条例 第三十三条"),
    (LimitKind::DisclosureCompletion, 7, 0, "政府信息公开条例 第三十条"),
    (LimitKind::Completion, 15, 0, "政府信息公开条例 第三十条：合理的补正期限；平台规则 15 个工作日"),
    (LimitKind::ThirdPartyOpinion, 15, 0, "政府信息公开条例 第三十二条"),
    (LimitKind::ActivePublication, 20, 0, "政府信息公开条例 第二十六条"),
    (LimitKind::Letter, 7, 8, "市级方案（2016）：7 个工作日，复杂的 15 个工作日"),
    (LimitKind::DirectoryChange, 10, 5, "政务数据共享条例"),
    (LimitKind::PenaltyWithdrawal, 3, 0, "行政处罚法 第四十八条、第八十五条"),
    (LimitKind::SecrecyReview, 10, 0, "平台规则"),
    (LimitKind::OpeningPlan, 20, 0, "年度数据开放计划；计划未定日期时 20 个工作日"),
    (LimitKind::CorrectionConfirmation, 5, 0, "平台规则"),
];

impl LimitKind {
    /// Whether the data authority keeps it, whoever handles the matter.
    pub fn is_of_authority(self) -> bool {
        matches!(
            self,
            Self::FormalCheck | Self::EmergencyDecision | Self::EmergencyReview | Self::Arbitration
        )
    }

    /// All kinds, in the order of documents.
    pub fn all() -> impl Iterator<Item = Self> {
        DEFAULTS.iter().map(|(kind, ..)| *kind)
    }
}

/// The limit of every kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitTable(BTreeMap<LimitKind, Limit>);

impl Default for LimitTable {
    fn default() -> Self {
        let limit = |(kind, days, extension, source): (_, _, _, &str)| {
            (kind, Limit { days, extension, source: source.to_owned() })
        };
        Self(DEFAULTS.map(limit).into())
    }
}

impl LimitTable {
    /// The defaults with those that a JSON file sets otherwise: `{"formal_check": {"days": 1, "source": "…"}}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let changed: BTreeMap<LimitKind, Limit> = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "limit.form", error.to_string());
            Error::invalid("the file is no table of limits", vec![problem])
        })?;
        let wrong = |limit: &Limit| {
            !(1..=LONGEST).contains(&limit.days)
                || limit.extension > LONGEST
                || limit.source.trim().is_empty()
        };
        let problems: Vec<_> = changed
            .iter()
            .filter(|(_, limit)| wrong(limit))
            .map(|(kind, _)| {
                let message =
                    format!("a limit has 1 to {LONGEST} working days, an extension up to that, and a source");
                Problem::new(format!("{kind:?}"), "limit.days", message)
            })
            .collect();
        if !problems.is_empty() {
            return Err(Error::invalid("the table of limits is not valid", problems));
        }
        let mut table = Self::default();
        table.0.extend(changed);
        Ok(table)
    }

    /// The limit of a kind.
    pub fn get(&self, kind: LimitKind) -> Limit {
        let missing = || Limit { days: 1, extension: 0, source: String::new() };
        self.0.get(&kind).cloned().unwrap_or_else(missing)
    }
}
