//! Supervision and assessment: who may see them, and the lights of what runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::OpContext;
use crate::deadline::Light;
use crate::error::Result;
use crate::ids::DepartmentId;
use crate::policy::Action;
use crate::ports::MatterQuery;
use crate::settings::Settings;

/// How many open matters of a department show which light 红黄绿灯.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lights {
    /// The department; `authority` is the data authority.
    pub department: String,
    /// Standing still: the other side must act.
    pub paused: u64,
    /// In time.
    pub green: u64,
    /// Near the end of their time.
    pub yellow: u64,
    /// Late.
    pub red: u64,
}

impl Services {
    /// Permits somebody to supervise, and answers what it goes by. That it is done is durable before this
    /// returns.
    pub async fn supervise(&self, ctx: &OpContext, what: &str) -> Result<&Settings> {
        Self::permit(ctx, Action::Supervise, None)?;
        self.log.append(Self::change(ctx, "supervision.read", format!("supervision {what}"), &what)).await?;
        Ok(&self.settings)
    }

    /// The lights of all open matters, by the department that must act by now. Whoever asks for them has been permitted.
    pub async fn lights(&self, ctx: &OpContext) -> Result<Vec<Lights>> {
        let successions = self.all_successions().await?;
        let query = MatterQuery { open_only: true, ..MatterQuery::default() };
        let mut lights: BTreeMap<String, Lights> = BTreeMap::new();
        for matter in self.store.matters(&query).await? {
            let Some(light) = matter.light(ctx.now) else { continue };
            let heir = |department: &DepartmentId| successions.heir_of(department, ctx.now).to_string();
            let department = matter.handler.department.as_ref().map_or("authority".to_owned(), heir);
            let counts = lights
                .entry(department.clone())
                .or_insert_with(|| Lights { department, ..Lights::default() });
            match light {
                Light::Paused => counts.paused += 1,
                Light::Green => counts.green += 1,
                Light::Yellow => counts.yellow += 1,
                Light::Red => counts.red += 1,
            }
        }
        Ok(lights.into_values().collect())
    }
}
