//! Word to every department that received a record which was wrong.

use super::Services;
use crate::context::OpContext;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{
    Applicant, Content, CorrectionNotice, Matter, MatterKind, Objection, ObjectionSubject, State,
};
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
            let number = self.new_number(ctx, MatterKind::CorrectionNotice).await?;
            let applicant = provider.cloned().map_or(Applicant::Authority, Applicant::Department);
            let opened = (Some(ctx.principal.id.clone()), ctx.now);
            let state = State::Notified;
            let mut notice = Matter::open(
                number,
                content,
                applicant,
                Some(department),
                state,
                opened,
                &self.settings.deadlines,
            )?;
            notice.parent = Some(matter.number.clone());
            let event = Self::matter_event(ctx, &notice);
            change.matters.push((notice, None, event));
        }
        Ok(())
    }
}
