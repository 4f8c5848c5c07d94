//! The words of the closed lists, in the reader's language.

use catalog_core::context::Role;
use catalog_core::deadline::{Light, LimitKind};
use catalog_core::matter::{Event, MatterKind, State};
use catalog_core::policy::{Grantee, Mask};
use catalog_core::{Channel, Timestamp};
use serde::Serialize;

use crate::around::{Around, Language};

/// The name by which the API calls it, with spaces.
fn spelled(word: &impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    }
}

impl Around<'_> {
    fn is_english(&self) -> bool {
        self.language == Language::English
    }

    /// A kind of matter.
    pub fn say_kind(&self, kind: &MatterKind) -> String {
        if self.is_english() { spelled(kind) } else { kind.label().to_owned() }
    }

    /// Where a matter stands.
    pub fn say_state(&self, state: &State) -> String {
        if self.is_english() { spelled(state) } else { state.label().to_owned() }
    }

    /// A step of a matter.
    pub fn say_event(&self, event: &Event) -> String {
        if self.is_english() { spelled(event) } else { event.label().to_owned() }
    }

    /// A light, in words.
    pub fn say_light(&self, light: &Light) -> &'static str {
        let (chinese, english) = match light {
            Light::Paused => ("计时暂停", "Paused"),
            Light::Green => ("绿灯 期限内", "Green: in time"),
            Light::Yellow => ("黄灯 即将到期", "Yellow: nearly due"),
            Light::Red => ("红灯 已超期", "Red: overdue"),
        };
        if self.is_english() { english } else { chinese }
    }

    /// A door.
    pub fn say_door(&self, door: &Channel) -> &'static str {
        let (chinese, english) = match door {
            Channel::Api => ("接口", "API"),
            Channel::Sql => ("SQL 查询", "SQL"),
            Channel::File => ("文件下载", "Files"),
            Channel::Verification => ("比对核验", "Verification"),
            Channel::CommandLine => ("命令行", "Command line"),
        };
        if self.is_english() { english } else { chinese }
    }

    /// A role.
    pub fn say_role(&self, role: &Role) -> String {
        let (english, chinese) = role.label().split_once(' ').unwrap_or_default();
        if self.is_english() { english.replace('_', " ") } else { chinese.to_owned() }
    }

    /// To whom a grant is given.
    pub fn say_grantee(&self, grantee: &Grantee) -> String {
        match grantee {
            Grantee::Department(department) => department.to_string(),
            Grantee::Developer(account) => account.clone(),
            Grantee::Public => self.say("社会公众", "the public").to_owned(),
        }
    }

    /// The end of a period: midnight is 24:00 of the day that ends.
    pub fn say_end(&self, at: &Timestamp) -> String {
        at.shanghai_end()
    }

    /// A mask.
    pub fn say_mask(&self, mask: &Mask) -> String {
        let pair = match mask {
            Mask::Null => ("置空".to_owned(), "empty".to_owned()),
            Mask::Constant { text } => (format!("固定为“{text}”"), format!("always “{text}”")),
            Mask::KeepFirst { count } => {
                (format!("只留前 {count} 位"), format!("the first {count} characters"))
            }
            Mask::KeepLast { count } => {
                (format!("只留后 {count} 位"), format!("the last {count} characters"))
            }
            Mask::Year => ("只留年份".to_owned(), "the year".to_owned()),
            Mask::Bucket { width } => (format!("按 {width} 取整"), format!("rounded down to {width}")),
            Mask::Pseudonym { .. } => ("假名".to_owned(), "a pseudonym".to_owned()),
        };
        if self.is_english() { pair.1 } else { pair.0 }
    }

    /// What a limit of time is for.
    pub fn say_limit(&self, limit: &LimitKind) -> String {
        if self.is_english() {
            return spelled(limit);
        }
        let chinese = match limit {
            LimitKind::FormalCheck => "形式审查",
            LimitKind::UnconditionalAccess => "无条件共享开通",
            LimitKind::ConditionalDecision => "有条件共享答复",
            LimitKind::Delivery => "数据交付",
            LimitKind::EmergencyDecision => "应急共享决定",
            LimitKind::EmergencyReview => "应急共享事后审查",
            LimitKind::Correction => "数据校核",
            LimitKind::Arbitration => "争议协调",
            LimitKind::DisclosureAnswer => "依申请公开答复",
            LimitKind::DisclosureCompletion => "补正告知",
            LimitKind::Completion => "补正期限",
            LimitKind::ThirdPartyOpinion => "第三方意见",
            LimitKind::ActivePublication => "主动公开",
            LimitKind::Letter => "来信答复",
            LimitKind::DirectoryChange => "目录更新",
            LimitKind::PenaltyWithdrawal => "处罚信息撤回",
            LimitKind::SecrecyReview => "保密审查",
            LimitKind::OpeningPlan => "开放计划",
            LimitKind::CorrectionConfirmation => "更正确认",
        };
        chinese.to_owned()
    }
}
