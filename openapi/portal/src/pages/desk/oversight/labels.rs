//! What closed lists of the platform are called in both languages.

use catalog_core::Role;
use catalog_core::deadline::LimitKind;
use catalog_core::directory::{Level, SuccessionState};
use catalog_core::policy::Action;
use catalog_core::supervision::{AnomalyKind, Indicator};

use crate::around::Around;

impl Around<'_> {
    /// The name of a role.
    pub(crate) fn role(&self, role: &Role) -> String {
        self.say_role(role)
    }

    /// The name of a role in addresses and forms.
    pub(crate) fn role_value(&self, role: &Role) -> &'static str {
        role.label().split(' ').next().unwrap_or_default()
    }

    /// What somebody may do.
    pub(crate) fn action(&self, action: &Action) -> String {
        let label = action.label();
        let begin = label.find(|letter: char| !letter.is_ascii()).unwrap_or(label.len());
        let (english, chinese) = label.split_at(begin);
        self.say(chinese, english.trim()).to_owned()
    }

    /// What a limit is for.
    pub(crate) fn limit(&self, limit: &LimitKind) -> &'static str {
        let (chinese, english) = match limit {
            LimitKind::FormalCheck => ("形式审查", "Formal check"),
            LimitKind::UnconditionalAccess => ("无条件共享开通", "Unconditional access"),
            LimitKind::ConditionalDecision => ("有条件共享答复", "Provider's decision"),
            LimitKind::Delivery => ("数据交付", "Delivery"),
            LimitKind::EmergencyDecision => ("应急共享决定", "Emergency decision"),
            LimitKind::EmergencyReview => ("应急共享事后审查", "Emergency review"),
            LimitKind::Correction => ("数据校核", "Correction"),
            LimitKind::Arbitration => ("争议协调", "Arbitration"),
            LimitKind::DisclosureAnswer => ("依申请公开答复", "Disclosure answer"),
            LimitKind::DisclosureCompletion => ("补正告知", "Request for completion"),
            LimitKind::Completion => ("补正", "Completion"),
            LimitKind::ThirdPartyOpinion => ("第三方意见", "Third party's opinion"),
            LimitKind::ActivePublication => ("主动公开", "Active publication"),
            LimitKind::Letter => ("来信答复", "Letter"),
            LimitKind::DirectoryChange => ("目录更新", "Directory change"),
            LimitKind::PenaltyWithdrawal => ("处罚信息撤回", "Penalty withdrawal"),
            LimitKind::SecrecyReview => ("保密审查", "Secrecy review"),
            LimitKind::OpeningPlan => ("数据开放计划", "Opening plan"),
            LimitKind::CorrectionConfirmation => ("更正通知确认", "Correction confirmed"),
        };
        if self.tag() == "en" { english } else { chinese }
    }

    /// What is out of the ordinary.
    pub(crate) fn anomaly(&self, kind: &AnomalyKind) -> &'static str {
        let (chinese, english) = match kind {
            AnomalyKind::RefusedAttempts => ("越权尝试", "Refused attempts"),
            AnomalyKind::OffHoursBulk => ("非工作时间批量读取", "Bulk read off hours"),
            AnomalyKind::MoreCallsThanDeclared => ("超申报调用", "More calls than declared"),
            AnomalyKind::MoreRowsThanDeclared => ("超申报数据量", "More rows than declared"),
            AnomalyKind::SubjectBurst => ("集中查询同一人", "Same person looked up often"),
        };
        if self.tag() == "en" { english } else { chinese }
    }

    /// A figure of the assessment.
    pub(crate) fn indicator(&self, indicator: &Indicator) -> &'static str {
        let (chinese, english) = match indicator {
            Indicator::Completeness => ("目录完整率", "Entries complete"),
            Indicator::Mounted => ("数据挂接率", "With data"),
            Indicator::TimelyUpdates => ("更新及时率", "Updated in time"),
            Indicator::TimelyAnswers => ("按时办结率", "Answered in time"),
            Indicator::Refusals => ("拒绝率", "Refused"),
            Indicator::ObjectionsSettled => ("异议办结率", "Objections settled"),
            Indicator::Quality => ("数据质量", "Rows valid"),
            Indicator::Open => ("开放率", "Open"),
            Indicator::Calls => ("服务调用", "Calls served"),
            Indicator::OpenDownloads => ("开放下载", "Open downloads"),
        };
        if self.tag() == "en" { english } else { chinese }
    }

    /// A level of administration.
    pub(crate) fn level(&self, level: &Level) -> &'static str {
        let (chinese, english) = match level {
            Level::Province => ("省级", "Province"),
            Level::City => ("市级", "City"),
            Level::County => ("县级", "County"),
            Level::Township => ("乡镇级", "Township"),
        };
        if self.tag() == "en" { english } else { chinese }
    }

    /// How far a succession has come.
    pub(crate) fn succession(&self, state: &SuccessionState) -> &'static str {
        let (chinese, english) = match state {
            SuccessionState::Proposed => ("待复核", "Proposed"),
            SuccessionState::Confirmed => ("已确认", "Confirmed"),
            SuccessionState::Cancelled => ("已取消", "Called off"),
        };
        if self.tag() == "en" { english } else { chinese }
    }

    /// Who is meant by a department's name in the log: `authority` is the data authority.
    pub(crate) fn whose<'w>(&self, name: &'w str) -> &'w str {
        match (name, self.tag()) {
            ("authority", "en") => "data authority",
            ("authority", _) => "主管部门",
            (name, _) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use openapi_dcat::Site;

    use super::*;
    use crate::{Identity, Language};

    #[test]
    fn roles_and_actions_have_names_in_both_languages() {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let chinese = Around::plain(&site, &identity, Language::Chinese, "/");
        let english = Around { language: Language::English, ..chinese.clone() };
        assert_eq!(chinese.role(&Role::Auditor), "审计员");
        assert_eq!(english.role(&Role::SecurityAdministrator), "Security administrator");
        for action in Action::ALL {
            assert!(!chinese.action(&action).is_ascii() && english.action(&action).is_ascii(), "{action:?}");
        }
    }
}
