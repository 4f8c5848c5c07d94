//! When an item of the yearly opening plan is done.

use super::effects::missing;
use super::{Act, Services};
use crate::context::OpContext;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{Content, Matter};

impl Services {
    /// An item of the plan is done when its resource is open: a secrecy review of it has passed, the directory opens what
    /// that review named, and there is a version to read.
    pub(super) async fn publish_item(&self, ctx: &OpContext, matter: &mut Matter, act: &Act) -> Result<()> {
        let Content::OpeningItem(item) = &mut matter.content else { return Ok(()) };
        let code = item.resource.as_ref().or(act.resource.as_ref());
        let code = code.ok_or_else(|| missing("resource", "what has been opened"))?;
        if act.resource.as_ref().is_some_and(|named| named != code) {
            let message = format!("the plan names {code}, and that is what is to be open");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let resource = self.published(code).await?;
        if !ctx.principal.acts_for(&resource.provider) {
            let message = format!("{code} is another department's");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let versions = self.store.versions(code).await?;
        let mut lacks =
            "no secrecy review of it has passed: ask for one at /api/v1/secrecy-reviews".to_owned();
        for opening in self.openings_of(ctx, &resource).await? {
            match opening.lacks(&resource, &versions, ctx.now)? {
                Some(what) => lacks = what,
                None => {
                    item.resource = Some(resource.code);
                    return Ok(());
                }
            }
        }
        let message = format!("{code} is not open: {lacks}");
        Err(Error::new(ErrorCode::IllegalState, message))
    }
}
