//! Who is a party to a matter: nobody decides for their own side, nor settles a dispute in which they took part.

use super::{By, Content, EmergencyGrant, Event, GrantImport, Machine, Matter, MatterKind, State};
use crate::context::Principal;
use crate::error::{Error, ErrorCode, Result};

impl Matter {
    /// Refuses whoever would decide about what is theirs.
    pub(super) fn check_impartial(&self, principal: &Principal, by: By) -> Result<()> {
        let forbid = |message: &str| Err(Error::new(ErrorCode::Forbidden, message));
        let is_authority = matches!(by, By::Authority | By::SecondAuthority);
        match by {
            By::Applicant | By::Machine => Ok(()),
            _ if self.gives_to(principal) || is_authority && self.asks_for(principal) => {
                forbid("审批人不得是申请人，也不得属于申请部门")
            }
            _ if self.accuses(principal) => forbid("被指使用不当的部门不得处理针对本部门的异议"),
            _ if self.state == State::Arbitrating && self.took_part(principal) => {
                forbid("争议由未参与过本办件的人员协调：申请方、承办方和经办过的人不得协调")
            }
            _ => Ok(()),
        }
    }

    /// Whether a grant of this matter would be the principal's own, or its department's.
    fn gives_to(&self, principal: &Principal) -> bool {
        match &self.content {
            Content::Provision(_) => self.applicant.covers(principal),
            Content::EmergencyGrant(EmergencyGrant { grantee, .. })
            | Content::GrantImport(GrantImport { grantee, .. }) => principal.acts_for(grantee),
            _ => false,
        }
    }

    /// Whether the principal, or its department, has asked for it.
    fn asks_for(&self, principal: &Principal) -> bool {
        self.applicant.grantee().is_some_and(|side| side.covers(principal))
    }

    /// Whether an objection is against the use that the principal's department makes of data.
    fn accuses(&self, principal: &Principal) -> bool {
        match &self.content {
            Content::Objection(objection) => {
                objection.accused().is_some_and(|department| principal.acts_for(department))
            }
            _ => false,
        }
    }

    /// Whether the principal or its department is a side of the dispute, or has taken a step for one.
    fn took_part(&self, principal: &Principal) -> bool {
        let department = self.handler.department.as_ref();
        let handles = department.is_some_and(|department| principal.acts_for(department));
        let before = std::iter::once(None).chain(self.history.iter().map(|step| Some(step.state)));
        let acted = before.zip(&self.history).any(|(before, step)| {
            step.by.as_ref() == Some(&principal.id) && self.is_of_a_side(before, step.event)
        });
        handles || self.asks_for(principal) || acted
    }

    /// Whether a step is one of the applicant or the handler. The parts of an application are opened by the authority, which
    /// takes no side by that.
    fn is_of_a_side(&self, before: Option<State>, event: Option<Event>) -> bool {
        let (Some(before), Some(event)) = (before, event) else {
            return self.kind() != MatterKind::Provision;
        };
        let by = Machine::of(self.kind()).rule(before, event).map(|rule| rule.by);
        matches!(by, Some(By::Applicant | By::Handler | By::SecondHandler))
    }
}
