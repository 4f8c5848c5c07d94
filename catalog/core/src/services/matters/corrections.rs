//! Word to everyone who received a record which was wrong: departments confirm it, developers are written to.

use super::Services;
use crate::account::Account;
use crate::context::{OpContext, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::matter::{Applicant, Content, CorrectionNotice, Matter, Objection, ObjectionSubject, State};
use crate::ports::MatterChange;

impl Services {
    /// One notice for each department that evidence shows to have received the resource in a version from the first wrong
    /// one to the corrected one, to be confirmed in time. The provider itself needs none.
    pub(super) async fn tell_receivers(
        &self,
        ctx: &OpContext,
        matter: &Matter,
        change: &mut MatterChange,
    ) -> Result<()> {
        let Content::Objection(objection) = &matter.content else { return Ok(()) };
        let Objection { subject: ObjectionSubject::Data, corrected_by: Some(corrected_by), .. } = objection
        else {
            return Ok(());
        };
        let (wrong_since, corrected_by) = (objection.wrong_since.unwrap_or(1), *corrected_by);
        let resource = &objection.resource;
        let message = "earlier accesses can't be read here, so nobody could be told of the correction";
        let history = self.history.as_ref().ok_or_else(|| Error::new(ErrorCode::Unavailable, message))?;
        let shown_by = objection.receipt.as_deref();
        let received = history.received(resource, wrong_since..corrected_by, shown_by).await?;
        let provider = matter.handler.department.as_ref();
        for (department, received) in received.into_iter().filter(|(id, _)| Some(id) != provider) {
            let content = Content::CorrectionNotice(CorrectionNotice {
                resource: resource.clone(),
                objection: matter.number.clone(),
                wrong_since,
                corrected_by,
                received,
            });
            let applicant = provider.cloned().map_or(Applicant::Authority, Applicant::Department);
            let parties = (applicant, Some(department));
            let mut notice = self.new_matter(ctx, content, parties, State::Notified).await?;
            notice.parent = Some(matter.number.clone());
            let event = Self::matter_event(ctx, &notice);
            change.matters.push((notice, None, event));
        }
        Ok(())
    }

    /// The accounts of developers who received the resource of a corrected objection while it was wrong. They belong to no
    /// department, so they are told by letter and confirm nothing.
    pub async fn misled_developers(&self, matter: &Matter) -> Result<Vec<Account>> {
        let Content::Objection(objection) = &matter.content else { return Ok(Vec::new()) };
        let (Some(corrected_by), Some(history)) = (objection.corrected_by, &self.history) else {
            return Ok(Vec::new());
        };
        let versions = objection.wrong_since.unwrap_or(1)..corrected_by;
        let mut developers = Vec::new();
        for id in history.received_by_people(&objection.resource, versions).await? {
            let person = self.store.person(&id).await?;
            if person.is_some_and(|person| person.roles.contains(&Role::Developer)) {
                developers.push(self.store.account(&id).await?.unwrap_or_else(|| Account::of(&id)));
            }
        }
        Ok(developers)
    }

    /// Leaves evidence that a developer was told of a correction, or could not be.
    pub async fn developer_told(
        &self,
        ctx: &OpContext,
        person: &str,
        matter: &str,
        is_told: bool,
    ) -> Result<()> {
        let action = if is_told { "developer.told" } else { "developer.not_told" };
        let change = Self::change(ctx, action, entity::letter(person), &matter);
        self.log.append(change).await.map(drop)
    }
}
