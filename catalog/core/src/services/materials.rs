//! Who may upload materials 附件, and what is written down of it.

use serde::Serialize;

use super::Services;
use crate::context::OpContext;
use crate::directory::{Resource, ValueFormat};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::ResourceCode;
use crate::policy::Action;

impl Services {
    /// The resource to which the caller uploads materials: as its provider delivers data.
    ///
    /// `invalid_input` where no item of it holds any.
    pub async fn register_of_materials(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Resource> {
        Self::permit_any(ctx, Action::IngestData)?;
        let resource = self.published(code).await?;
        Self::permit(ctx, Action::IngestData, Some(&resource.provider))?;
        if resource.items.iter().any(|item| item.format == Some(ValueFormat::Material)) {
            return Ok(resource);
        }
        let message =
            format!("no item of {code} has the format `material`: enter one in the directory first");
        Err(Error::new(ErrorCode::InvalidInput, message))
    }

    /// Writes down that the upload of a material began, ended or was given up; `state` is what is known of it then.
    pub async fn record_upload(
        &self,
        ctx: &OpContext,
        action: &str,
        (id, code): (&str, &ResourceCode),
        state: &(impl Serialize + Sync),
    ) -> Result<()> {
        let event = Self::change(ctx, action, entity::upload(id, code), state);
        self.log.append(event).await.map(drop)
    }
}
