//! The closed lists of kinds, states and events, shared by all matters.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Role;

/// Defines a closed list with its Chinese names.
macro_rules! words {
    ($(#[$doc:meta])* $list:ident { $($name:ident = $chinese:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $list {
            $(#[doc = $chinese] $name,)+
        }

        impl $list {
            /// All of them, in the order of documents.
            pub const ALL: &'static [$list] = &[$($list::$name,)+];

            /// The Chinese name.
            pub fn label(self) -> &'static str {
                match self { $($list::$name => $chinese,)+ }
            }
        }

        impl fmt::Display for $list {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.label())
            }
        }
    };
}

words! {
    /// The kind of a matter 办件.
    MatterKind {
        Application = "数据共享申请",
        Provision = "数据提供",
        EmergencyGrant = "应急共享",
        GrantImport = "存量协议登记",
        Objection = "数据异议",
        Demand = "数据需求",
        Disclosure = "依申请公开",
        Letter = "来信建议",
        SecrecyReview = "保密审查",
        OpeningItem = "开放计划项",
        CorrectionNotice = "更正通知",
    }
}

words! {
    /// Where a matter stands. Each kind uses some of them.
    State {
        Submitted = "待形式审查",
        Completing = "待补正",
        Accepted = "已受理",
        NotAccepted = "不予受理",
        Routing = "待分派",
        Proposing = "待初审",
        Confirming = "待复核",
        Deciding = "待答复",
        Consulting = "征求意见中",
        Activating = "待开通",
        Delivering = "待交付",
        InUse = "使用中",
        Checking = "核查中",
        Correcting = "更正中",
        Arbitrating = "协调中",
        Examining = "待审查",
        Planned = "已列入计划",
        Notified = "待确认",
        Answered = "已答复",
        Passed = "审查通过",
        Opened = "已开放",
        Refused = "不予同意",
        Withdrawn = "已撤回",
        Revoked = "已撤销",
        Expired = "已到期",
        Ended = "已办结",
    }
}

words! {
    /// What moves a matter on.
    Event {
        AskCompletion = "告知补正",
        Complete = "补正",
        Abandon = "逾期不补正",
        Accept = "受理",
        AcceptAtOnce = "自动受理",
        Reject = "不予受理",
        Route = "分派",
        Return = "退回",
        Propose = "提出初审意见",
        Grant = "同意",
        GrantInPart = "部分同意",
        GrantAtOnce = "自动授权",
        Refuse = "不同意",
        Extend = "延长期限",
        Consult = "征求第三方意见",
        Consulted = "收到第三方意见",
        Deliver = "交付",
        Feedback = "使用反馈",
        End = "办结",
        Withdraw = "撤回",
        Revoke = "撤销",
        Expire = "到期",
        Uphold = "认定属实",
        Correct = "更正",
        Answer = "答复",
        Escalate = "提请协调",
        Publish = "转主动公开",
        Fulfil = "完成开放",
        Find = "机器检查发现问题",
        Clear = "机器检查通过",
        Justify = "说明理由",
        Start = "启动",
        Postpone = "调整时间",
        Cancel = "取消",
        Confirm = "确认",
    }
}

words! {
    /// As what the public asks: the columns of the annual report on disclosure.
    ApplicantKind {
        NaturalPerson = "自然人",
        Enterprise = "商业企业",
        Research = "科研机构",
        Welfare = "社会公益组织",
        LegalService = "法律服务机构",
        OtherBody = "其他组织",
    }
}

words! {
    /// Why information is not disclosed: the rows of the annual report on disclosure (政府信息公开条例, articles 14 to 16,
    /// 36 and 39).
    Ground {
        StateSecret = "属于国家秘密",
        OtherLaw = "其他法律行政法规禁止公开",
        Safety = "危及“三安全一稳定”",
        ThirdParty = "保护第三方合法权益",
        InternalAffairs = "属于三类内部事务信息",
        Process = "属于四类过程性信息",
        EnforcementFile = "属于行政执法案卷",
        Inquiry = "属于行政查询事项",
        NotHeld = "本机关不掌握相关政府信息",
        ToBeMade = "没有现成信息需要另行制作",
        StillUnclear = "补正后申请内容仍不明确",
        Petition = "信访举报投诉类申请",
        Repeated = "重复申请",
        Publication = "要求提供公开出版物",
        Excessive = "无正当理由大量反复申请",
        Confirmation = "要求行政机关确认或重新出具已获取信息",
        Other = "其他",
    }
}

impl MatterKind {
    /// The letters that begin its numbers.
    pub fn series(self) -> &'static str {
        match self {
            Self::Application => "SQ",
            Self::Provision => "TG",
            Self::EmergencyGrant => "YJ",
            Self::GrantImport => "CL",
            Self::Objection => "YY",
            Self::Demand => "XQ",
            Self::Disclosure => "GK",
            Self::Letter => "LX",
            Self::SecrecyReview => "SC",
            Self::OpeningItem => "JH",
            Self::CorrectionNotice => "GZ",
        }
    }

    /// The role in the handling department whose matter it is.
    pub fn handling_role(self) -> Role {
        match self {
            Self::Application | Self::GrantImport => Role::AuthorityOfficer,
            Self::Objection | Self::OpeningItem | Self::CorrectionNotice => Role::DataSteward,
            Self::SecrecyReview => Role::Reviewer,
            Self::Provision | Self::EmergencyGrant | Self::Demand | Self::Disclosure | Self::Letter => {
                Role::Approver
            }
        }
    }
}

impl State {
    /// Whether nobody has anything left to do until somebody wants something new.
    pub fn is_settled(self) -> bool {
        matches!(
            self,
            Self::NotAccepted
                | Self::InUse
                | Self::Answered
                | Self::Passed
                | Self::Opened
                | Self::Refused
                | Self::Withdrawn
                | Self::Revoked
                | Self::Expired
                | Self::Ended
        )
    }
}

impl Event {
    /// Whether a reason for people goes with it.
    pub fn needs_reason(self) -> bool {
        matches!(
            self,
            Self::AskCompletion
                | Self::Abandon
                | Self::Reject
                | Self::Return
                | Self::GrantInPart
                | Self::Refuse
                | Self::Extend
                | Self::Feedback
                | Self::Revoke
                | Self::Uphold
                | Self::Answer
                | Self::Escalate
                | Self::Find
                | Self::Justify
                | Self::Postpone
                | Self::Cancel
        )
    }

    /// Whether the grants that the matter has made end with it.
    pub fn ends_grants(self) -> bool {
        matches!(self, Self::Revoke | Self::End)
    }

    /// Whether a legal basis goes with it: what is refused, also in part, names the article.
    pub fn needs_legal_basis(self) -> bool {
        matches!(self, Self::GrantInPart | Self::Refuse | Self::Revoke)
    }
}
