//! Departments and substitutes: what the log holds whole is entered again, and who stood in no longer does.

use super::super::Services;
use super::{EndedAgain, digest};
use crate::context::OpContext;
use crate::directory::{Department, Succession, SuccessionState};
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

    /// Enters a succession as far as the log says it came, unless it is so: keys and people of a department that ends can't
    /// act from its date on. Resources are handed over again by the clock. A proposal that nobody confirmed is made anew, for
    /// the log does not say whose it was.
    pub(super) async fn succeed_again(
        &self,
        ctx: &OpContext,
        stated: &Succession,
    ) -> Result<Option<EndedAgain>> {
        if stated.state == SuccessionState::Proposed {
            return Ok(None);
        }
        let known = self.store.successions().await?.into_iter().find(|known| known.id == stated.id);
        if known.as_ref().is_some_and(|known| known.state == stated.state && known.from == stated.from) {
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
        let proposed_by = known.as_ref().map_or(String::new(), |known| known.proposed_by.clone());
        let entered = Succession { proposed_by, carried_out: None, ..stated.clone() };
        let change = Self::succession_event(ctx, "succession.entered_again", &entered);
        match &known {
            Some(known) => self.store.change_succession(&entered, known, &change).await?,
            None => self.store.add_succession(&entered, &change).await?,
        }
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
