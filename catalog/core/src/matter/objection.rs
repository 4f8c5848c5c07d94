//! Wrong data, a wrong directory entry, a wrong use, a penalty that is no more: the provider checks, corrects and answers
//! (校核). An objection against the provider's own use is the data authority's to check.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::{DepartmentId, ResourceCode};

/// What an objection is against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectionSubject {
    /// 数据有误: a record is wrong
    Data,
    /// 目录有误: the directory entry is wrong
    Directory,
    /// 使用不当: a department uses the data otherwise than it was granted
    Use,
    /// 处罚决定已撤销或变更: what was published of it is withdrawn
    Penalty,
}

impl ObjectionSubject {
    /// The limit of law within which it is checked and corrected.
    pub fn limit(self) -> LimitKind {
        match self {
            Self::Data | Self::Use => LimitKind::Correction,
            Self::Directory => LimitKind::DirectoryChange,
            Self::Penalty => LimitKind::PenaltyWithdrawal,
        }
    }
}

/// An objection 数据异议.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// What it is against.
    pub subject: ObjectionSubject,
    /// The resource.
    pub resource: ResourceCode,
    /// The department whose use is wrong, for that subject.
    #[serde(default)]
    pub user: Option<DepartmentId>,
    /// What is wrong. No personal identifiers: name the receipt instead.
    pub description: String,
    /// Request id of the answer that showed it.
    #[serde(default)]
    pub receipt: Option<String>,
    /// The version that corrected it.
    #[serde(default)]
    pub corrected_by: Option<i64>,
    /// The first version that holds the wrong record, as the provider found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_since: Option<i64>,
}

impl Objection {
    /// The department whose use is said to be wrong.
    pub fn accused(&self) -> Option<&DepartmentId> {
        self.user.as_ref().filter(|_| self.subject == ObjectionSubject::Use)
    }
}

pub(super) const MACHINE: Machine = Machine {
    initial: &[State::Checking],
    rules: RULES,
    clocks: &[
        Clock {
            limit: LimitKind::Correction,
            runs: &[State::Checking, State::Correcting],
            stands: &[State::Completing],
        },
        Clock { limit: LimitKind::Arbitration, runs: &[State::Arbitrating], stands: &[] },
    ],
    once: &[Event::AskCompletion, Event::Extend, Event::Escalate],
    within: &[],
};

const RULES: &[Rule] = &[
    rule(State::Checking, Event::AskCompletion, State::Completing, By::Handler),
    rule(State::Checking, Event::Extend, State::Checking, By::Handler),
    rule(State::Checking, Event::Uphold, State::Correcting, By::Handler),
    rule(State::Checking, Event::Refuse, State::Refused, By::Handler),
    rule(State::Checking, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Completing, Event::Complete, State::Checking, By::Applicant),
    rule(State::Completing, Event::Abandon, State::Withdrawn, By::Handler),
    rule(State::Completing, Event::Withdraw, State::Withdrawn, By::Applicant),
    rule(State::Correcting, Event::Extend, State::Correcting, By::Handler),
    rule(State::Correcting, Event::Correct, State::Answered, By::Handler),
    rule(State::Answered, Event::End, State::Ended, By::Applicant),
    rule(State::Answered, Event::Escalate, State::Arbitrating, By::Applicant),
    rule(State::Refused, Event::Escalate, State::Arbitrating, By::Applicant),
    rule(State::Arbitrating, Event::Uphold, State::Correcting, By::Authority),
    rule(State::Arbitrating, Event::Refuse, State::Ended, By::Authority),
];
