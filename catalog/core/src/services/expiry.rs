//! Versions whose time is over become withdrawn, and `gc` erases them.

use super::Services;
use crate::context::{OpContext, PrincipalKind};
use crate::dataset::Tombstone;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Fact, entity};
use crate::ports::Cut;

/// What their tombstones say.
const REASON: &str = "保存期满 (retention)";

impl Services {
    /// Withdraws every version whose time is over, and answers how many. By the operator, and safe to repeat.
    pub async fn expire_versions(&self, ctx: &OpContext) -> Result<usize> {
        if ctx.principal.kind != PrincipalKind::Operator {
            return Err(Error::new(ErrorCode::Forbidden, "the clock is run by the operator"));
        }
        let mut expired = 0;
        for code in &self.store.with_versions().await? {
            let versions = self.store.versions(code).await?;
            for number in self.settings.retention.expired(code, &versions, ctx.now) {
                let by = ctx.principal.id.clone();
                let tombstone = Tombstone { at: ctx.now, by, reason: REASON.to_owned() };
                let name = entity::version(number, code);
                let change = Self::change(ctx, "version.withdrawn", name, &tombstone)
                    .stating(Fact::of_withdrawn(code, number));
                let withdrawn = self.store.withdraw_version(code, number, &tombstone, &change).await;
                self.cut(Cut::Version(code.clone(), number));
                match withdrawn {
                    // Somebody was faster.
                    Err(error) if error.code == ErrorCode::IllegalState => {}
                    withdrawn => expired += withdrawn.map(|()| 1)?,
                }
            }
        }
        self.relay().await?;
        Ok(expired)
    }
}
