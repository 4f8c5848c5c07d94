//! Supervision and assessment: who may see them, and the lights of what runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use super::matters::sees_all;
use crate::context::OpContext;
use crate::deadline::Light;
use crate::directory::Successions;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::DepartmentId;
use crate::matter::Matter;
use crate::policy::Action;
use crate::ports::MatterQuery;
use crate::settings::Settings;
use crate::time::Timestamp;

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

    /// Permits somebody to read an annual report: of one department its own people, of any and of all those who supervise.
    /// Answers whose report it is, and its name. That it is read is durable before this returns.
    pub async fn report(
        &self,
        ctx: &OpContext,
        what: &str,
        department: Option<&DepartmentId>,
    ) -> Result<(Option<DepartmentId>, String)> {
        let own = ctx.principal.department.as_ref();
        let department = match (sees_all(ctx), department) {
            (true, department) => department,
            (false, None) if own.is_some() => own,
            (false, Some(department)) if own == Some(department) => own,
            _ => {
                let message = "the report of a department is for its own people, the authority and auditors";
                return Err(Error::new(ErrorCode::Forbidden, message));
            }
        };
        let whose = department.map_or("all", DepartmentId::as_str);
        self.log.append(Self::change(ctx, "report.read", format!("report {what} of {whose}"), &what)).await?;
        Ok((department.cloned(), self.department_name(department).await?))
    }

    /// The lights of all open matters, by the department that must act by now. Whoever asks for them has been permitted.
    pub async fn lights(&self, ctx: &OpContext) -> Result<Vec<Lights>> {
        let successions = self.all_successions().await?;
        let mut query = MatterQuery { open_only: true, ..MatterQuery::default() };
        let mut lights: BTreeMap<String, Lights> = BTreeMap::new();
        while let Some(page) = self.next_page(&mut query).await? {
            page.iter().for_each(|matter| count(&mut lights, &successions, matter, ctx.now));
        }
        Ok(lights.into_values().collect())
    }
}

fn count(lights: &mut BTreeMap<String, Lights>, successions: &Successions, matter: &Matter, now: Timestamp) {
    let Some(light) = matter.light(now) else { return };
    let heir = |department: &DepartmentId| successions.heir_of(department, now).to_string();
    let department = matter.handler.department.as_ref().map_or("authority".to_owned(), heir);
    let counts =
        lights.entry(department.clone()).or_insert_with(|| Lights { department, ..Lights::default() });
    match light {
        Light::Paused => counts.paused += 1,
        Light::Green => counts.green += 1,
        Light::Yellow => counts.yellow += 1,
        Light::Red => counts.red += 1,
    }
}
