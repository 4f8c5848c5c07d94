//! The life cycle of a directory entry.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[cfg(test)]
mod tests;

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleState {
    /// 草稿: being written, also after a change to a published entry
    Draft,
    /// 登记审核中
    RegistrationReview,
    /// 已登记
    Registered,
    /// 发布审核中
    PublicationReview,
    /// 已发布
    Published,
    /// 已退回: the author mends it
    Returned,
    /// 已驳回: refused for good, unless written anew
    Rejected,
    /// 已撤销: no longer in force
    Withdrawn,
}

/// What moves an entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleStep {
    /// Write or change the draft (author)
    Edit,
    /// Submit for registration (author)
    SubmitRegistration,
    /// Approve the registration (reviewer)
    ApproveRegistration,
    /// Submit for publication (author)
    SubmitPublication,
    /// Approve the publication (reviewer)
    ApprovePublication,
    /// Send back with a remark (reviewer)
    Return,
    /// Refuse for good with a reason (reviewer)
    Reject,
    /// Take what is published out of force (reviewer)
    Withdraw,
}

impl LifecycleState {
    /// All states, in order.
    pub const ALL: [LifecycleState; 8] = [
        Self::Draft,
        Self::RegistrationReview,
        Self::Registered,
        Self::PublicationReview,
        Self::Published,
        Self::Returned,
        Self::Rejected,
        Self::Withdrawn,
    ];

    /// The state as people and the command line call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "draft 草稿",
            Self::RegistrationReview => "registration_review 登记审核中",
            Self::Registered => "registered 已登记",
            Self::PublicationReview => "publication_review 发布审核中",
            Self::Published => "published 已发布",
            Self::Returned => "returned 已退回",
            Self::Rejected => "rejected 已驳回",
            Self::Withdrawn => "withdrawn 已撤销",
        }
    }

    /// The state after a step; `None` where the step is illegal.
    pub fn after(self, step: LifecycleStep) -> Option<Self> {
        use LifecycleStep as Step;
        match (self, step) {
            (
                Self::Draft
                | Self::Registered
                | Self::Published
                | Self::Returned
                | Self::Rejected
                | Self::Withdrawn,
                Step::Edit,
            ) => Some(Self::Draft),
            (Self::Draft, Step::SubmitRegistration) => Some(Self::RegistrationReview),
            (Self::RegistrationReview, Step::ApproveRegistration) => Some(Self::Registered),
            (Self::Registered, Step::SubmitPublication) => Some(Self::PublicationReview),
            (Self::PublicationReview, Step::ApprovePublication) => Some(Self::Published),
            (Self::RegistrationReview | Self::PublicationReview, Step::Return) => Some(Self::Returned),
            (Self::RegistrationReview | Self::PublicationReview, Step::Reject) => Some(Self::Rejected),
            // Whatever happens to a change: what is published can be taken out of force at any time.
            (state, Step::Withdraw) if state != Self::Withdrawn => Some(Self::Withdrawn),
            _ => None,
        }
    }
}

impl LifecycleStep {
    /// All steps, in order.
    pub const ALL: [LifecycleStep; 8] = [
        Self::Edit,
        Self::SubmitRegistration,
        Self::ApproveRegistration,
        Self::SubmitPublication,
        Self::ApprovePublication,
        Self::Return,
        Self::Reject,
        Self::Withdraw,
    ];

    /// The step as people and the command line call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Edit => "edit 编辑",
            Self::SubmitRegistration => "submit_registration 提交登记",
            Self::ApproveRegistration => "approve_registration 通过登记",
            Self::SubmitPublication => "submit_publication 提交发布",
            Self::ApprovePublication => "approve_publication 通过发布",
            Self::Return => "return 退回",
            Self::Reject => "reject 驳回",
            Self::Withdraw => "withdraw 撤销",
        }
    }

    /// Whether the step is the reviewer's, who must be none of the authors.
    pub fn is_review(self) -> bool {
        !matches!(self, Self::Edit | Self::SubmitRegistration | Self::SubmitPublication)
    }

    /// Whether whoever takes the step must say why.
    pub fn needs_remark(self) -> bool {
        matches!(self, Self::Return | Self::Reject | Self::Withdraw)
    }
}
