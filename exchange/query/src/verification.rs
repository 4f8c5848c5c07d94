//! Whether values exist in another department's data: asked under a grant for verification, never otherwise.

use catalog_core::directory::Reference;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, Result};

use crate::answer::QueryAnswer;
use crate::engine::{Place, QueryEngine, QueryRequest};
use crate::selection::Selection;
use crate::tables::TableName;

impl QueryEngine {
    /// The values of the item that a reference names, as its check needs them: for comparing, not for showing.
    ///
    /// `not_granted` unless one grant of the caller, among whose doors is verification, shows the item in clear: a mask or
    /// cells would answer wrongly. Rows that the grant hides are as if they were not there.
    pub async fn known_values(
        &self,
        place: Place,
        ctx: &OpContext,
        reference: &Reference,
    ) -> Result<QueryAnswer> {
        let ctx = ctx.verifying();
        let table = TableName::Code(reference.resource.clone());
        let open = self.tables().open(&ctx, &table, VersionSelector::Latest).await?;
        let policy = &open.dataset.granted.policy;
        let in_clear = policy
            .stored_columns()
            .iter()
            .any(|column| column.column == reference.column && column.mask.is_none());
        if policy.statistics.is_some() || !in_clear {
            let message = format!("no grant for verification shows {reference} in clear");
            return Err(Error::new(ErrorCode::NotGranted, message));
        }
        let selection = Selection {
            version: VersionSelector::Number(open.dataset.version.number),
            columns: vec![reference.column.to_string()],
            ..Selection::of(table)
        };
        let answer = self.run_at(place, &ctx, QueryRequest::Selection(selection)).await?;
        match answer.sources == [open.dataset.source()] {
            true => Ok(answer),
            false => {
                Err(Error::new(ErrorCode::Unavailable, "the grant changed while it was used; try again"))
            }
        }
    }
}
