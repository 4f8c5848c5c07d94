//! An agreement from before the platform becomes a grant: one person of the authority enters it, another confirms.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::Ask;
use super::machine::{By, Clock, Machine, Rule, rule};
use super::vocabulary::{Event, State};
use crate::deadline::LimitKind;
use crate::ids::DepartmentId;
use crate::time::Timestamp;

/// An agreement from before the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantImport {
    /// Who holds it.
    pub grantee: DepartmentId,
    /// What it gives.
    pub ask: Ask,
    /// Purpose.
    pub purpose: String,
    /// Legal basis.
    pub legal_basis: String,
    /// The authority that approved it then.
    pub approved_by: String,
    /// Number of its document: 九数据函〔2023〕12号.
    pub document_number: String,
    /// End of the term, excluded.
    pub valid_until: Timestamp,
}

pub(super) const MACHINE: Machine =
    Machine { initial: &[State::Confirming], rules: RULES, clocks: CLOCKS, once: &[], within: &[] };

const CLOCKS: &[Clock] = &[Clock { limit: LimitKind::FormalCheck, runs: &[State::Confirming], stands: &[] }];

const RULES: &[Rule] = &[
    rule(State::Confirming, Event::Grant, State::InUse, By::SecondAuthority),
    rule(State::Confirming, Event::Refuse, State::Refused, By::SecondAuthority),
    rule(State::InUse, Event::Revoke, State::Revoked, By::Authority),
    rule(State::InUse, Event::Expire, State::Expired, By::Machine),
];
