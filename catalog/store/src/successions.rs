//! Departments that continue others, or take over resources of theirs.

use async_trait::async_trait;
use catalog_core::directory::{Succession, SuccessionState};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{Handover, SuccessionStore};
use catalog_core::{Error, ErrorCode, Result};

use crate::change::Change;
use crate::failure::violated;
use crate::store::CatalogStore;
use crate::{json, matters};

#[async_trait]
impl SuccessionStore for CatalogStore {
    async fn successions(&self) -> Result<Vec<Succession>> {
        let sql = "SELECT document FROM department_successions ORDER BY begins, id";
        let mut all: Vec<Succession> = self.documents(sqlx::query_scalar(sql)).await?;
        // Those from before they had an identity are named by the department that ends.
        for old in all.iter_mut().filter(|succession| succession.id.is_empty()) {
            old.id = old.predecessor.to_string();
        }
        Ok(all)
    }

    async fn add_succession(&self, succession: &Succession, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let sql = "INSERT INTO department_successions (ends, begins, document, stage, id) \
                   VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(sql)
            .bind(ends(succession))
            .bind(succession.from.0)
            .bind(json::to_text(succession)?)
            .bind(stage(succession)?)
            .bind(&succession.id)
            .execute(&mut *write.tx)
            .await
            .map_err(violated(second(succession)))?;
        write.commit(change).await
    }

    async fn change_succession(
        &self,
        succession: &Succession,
        seen: &Succession,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        replace(&mut write, succession, seen).await?;
        write.commit(change).await
    }

    async fn hand_over(&self, handover: &Handover) -> Result<()> {
        let mut write = Change::begin(self).await?;
        for (entry, seen, event) in &handover.entries {
            self.write_entry(&mut write, entry, Some(*seen), event).await?;
            write.record(event).await?;
        }
        for (matter, seen, event) in &handover.matters {
            matters::save(&mut write, matter, *seen).await?;
            write.record(event).await?;
        }
        let (succession, seen) = &handover.succession;
        replace(&mut write, succession, seen).await?;
        write.commit(&handover.change).await
    }
}

async fn replace(write: &mut Change, succession: &Succession, seen: &Succession) -> Result<()> {
    let sql = "UPDATE department_successions SET ends = $1, begins = $2, document = $3, stage = $4 \
               WHERE id = $5 AND stage = $6";
    let changed = sqlx::query(sql)
        .bind(ends(succession))
        .bind(succession.from.0)
        .bind(json::to_text(succession)?)
        .bind(stage(succession)?)
        .bind(&succession.id)
        .bind(stage(seen)?)
        .execute(&mut *write.tx)
        .await
        .map_err(violated(second(succession)))?
        .rows_affected();
    match changed {
        0 => {
            let message = "somebody else has changed the succession meanwhile; read it again";
            Err(Error::new(ErrorCode::Conflict, message))
        }
        _ => Ok(()),
    }
}

/// How far it has come, in one word.
fn stage(succession: &Succession) -> Result<String> {
    match succession.carried_out {
        Some(_) => Ok("carried_out".to_owned()),
        None => json::to_word(succession.state),
    }
}

/// The department that a succession ends; of these there is one each.
fn ends(succession: &Succession) -> Option<&str> {
    let ends = succession.is_whole() && succession.state == SuccessionState::Confirmed;
    ends.then(|| succession.predecessor.as_str())
}

fn second(succession: &Succession) -> String {
    format!("{} has a successor already", succession.predecessor)
}
