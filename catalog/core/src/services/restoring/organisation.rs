//! Departments and substitutes: what the log holds whole is entered again, and who stood in no longer does.

use super::super::Services;
use super::{EndedAgain, digest};
use crate::context::OpContext;
use crate::directory::{Department, Succession};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{EvidenceRecord, Fact, entity};

impl Services {
    /// Enters a department as the record holds it, unless it is so.
    pub(super) async fn enter_department_again(
        &self,
        ctx: &OpContext,
        stated: &Department,
    ) -> Result<Option<EndedAgain>> {
        if self.store.department(&stated.id).await?.as_ref() == Some(stated) {
            return Ok(None);
        }
        let change = Self::change(ctx, "department.put", entity::department(&stated.id), stated)
            .stating(Fact::Department(stated.clone()));
        self.store.put_department(stated, &change).await?;
        Ok(Some(EndedAgain::of(&change)))
    }

    /// Enters that a department is continued by another, unless it is so: its keys and people can't act from the date on.
    pub(super) async fn succeed_again(
        &self,
        ctx: &OpContext,
        stated: &Succession,
    ) -> Result<Option<EndedAgain>> {
        let known = self.store.successions().await?;
        if known.iter().any(|known| known.predecessor == stated.predecessor) {
            return Ok(None);
        }
        for id in [&stated.predecessor, &stated.successor] {
            if self.store.department(id).await?.is_none() {
                let message = format!(
                    "the log says that `{}` is continued by `{}`, and `{id}` is not in the backup: take a later one with --at",
                    stated.predecessor, stated.successor
                );
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        let name = entity::succession(&stated.predecessor);
        let change =
            Self::change(ctx, "department.succeeded", name, stated).stating(Fact::Succession(stated.clone()));
        self.store.add_succession(stated, &change).await?;
        Ok(Some(EndedAgain::of(&change)))
    }

    /// Ends a substitution that is not what the log says it is, at the time of the record.
    pub(super) async fn end_substitution_again(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        id: &str,
        stated: &str,
    ) -> Result<bool> {
        let mut all = self.store.substitutions().await?.into_iter();
        let is_other = |known: &crate::substitution::Substitution| known.id == id && digest(known) != stated;
        let Some(mut known) = all.find(|known| is_other(known) && known.until > record.at) else {
            return Ok(false);
        };
        known.until = record.at;
        let change = Self::change(ctx, "substitute.ended", entity::substitution(id), &known);
        self.store.put_substitution(&known, &change).await?;
        Ok(true)
    }
}
