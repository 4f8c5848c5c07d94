//! Departments that continue others 机构改革.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::OpContext;
use crate::directory::{Resource, Succession, Successions};
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::evidence::{Fact, entity};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::{Action, Sight};
use crate::time::Timestamp;

/// A time after every succession: those that lie ahead count too.
pub(super) const EVER: Timestamp = Timestamp(i64::MAX);

/// Who continues a department, from when on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heir {
    /// The department that continues it, which exists.
    pub successor: DepartmentId,
    /// From when on; at once without it. It can't lie behind.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The document that orders it.
    pub basis: String,
}

impl Services {
    /// All successions, by date. Public to everyone, as departments are.
    pub async fn successions(&self, _ctx: &OpContext) -> Result<Vec<Succession>> {
        self.store.successions().await
    }

    /// Enters that a department is continued by another. From the date on its keys and people can't act, and the successor
    /// has its data, grants and matters.
    ///
    /// # Errors
    /// `conflict` where it has a successor, or where the two together would see what their grants keep apart: the problems
    /// name the grants that must end first.
    pub async fn succeed(
        &self,
        ctx: &OpContext,
        predecessor: &DepartmentId,
        heir: &Heir,
    ) -> Result<Succession> {
        Self::permit(ctx, Action::ManageDepartments, None)?;
        let wrong = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
        self.department(ctx, predecessor).await?;
        self.department(ctx, &heir.successor).await?;
        let from = heir.from.unwrap_or(ctx.now);
        if from < ctx.now {
            return wrong("`from` lies behind: what was done since was done by the department itself");
        }
        if heir.basis.trim().is_empty() {
            return wrong("name in `basis` the document that orders it");
        }
        let known = self.store.successions().await?;
        let before = Successions::new(known.clone());
        if before.heir_of(&heir.successor, EVER) == *predecessor || *predecessor == heir.successor {
            return wrong("a department can't continue itself");
        }
        let (successor, basis) = (heir.successor.clone(), heir.basis.clone());
        let succession = Succession { predecessor: predecessor.clone(), successor, from, basis };
        let after = Successions::new(known.into_iter().chain([succession.clone()]).collect());
        self.check_merger(ctx, &before, &after).await?;
        let change = Self::change(ctx, "department.succeeded", entity::succession(predecessor), &succession)
            .stating(Fact::Succession(succession.clone()));
        self.store.add_succession(&succession, &change).await?;
        self.relay().await?;
        Ok(succession)
    }

    /// Refuses a merger that would show one holder what two holders see apart.
    async fn check_merger(&self, ctx: &OpContext, before: &Successions, after: &Successions) -> Result<()> {
        let grants = self.store.grants().await?;
        let entries = self.store.entries(None).await?;
        let published: BTreeMap<&ResourceCode, &Resource> = entries
            .iter()
            .filter_map(|entry| entry.published.as_ref())
            .map(|resource| (&resource.code, resource))
            .collect();
        let given = grants.iter().filter(|grant| !grant.has_ended(ctx.now)).filter_map(|grant| {
            let resource = published.get(&grant.terms.resource)?;
            Some((format!("grant {}", grant.id), Sight { resource, terms: Some(&grant.terms) }))
        });
        let own = published
            .values()
            .map(|own| (format!("own data {}", own.code), Sight { resource: own, terms: None }));
        let sights: Vec<_> = given.chain(own).collect();
        let mut problems = Vec::new();
        for (index, (name, one)) in sights.iter().enumerate() {
            for (other_name, other) in sights.iter().skip(index + 1) {
                if one.may_meet(other, before) || !one.may_meet(other, after) {
                    continue;
                }
                let message = match one.undoes(other) {
                    Some(column) => {
                        format!("with {other_name}, `{column}` is seen in clear and as a pseudonym")
                    }
                    None if one.differs_in_cells(other) => {
                        format!("with {other_name}, cells of the same data differ")
                    }
                    None => continue,
                };
                problems.push(Problem::new(name.clone(), "succession.linkage", message));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => {
                let message = "the successor would see what the departments see apart: end one of each pair of grants first";
                Err(Error::new(ErrorCode::Conflict, message).with_problems(problems))
            }
        }
    }

    /// Who holds what at some time, for the rules about what one holder sees.
    pub(super) async fn all_successions(&self) -> Result<Successions> {
        Ok(Successions::new(self.store.successions().await?))
    }
}
