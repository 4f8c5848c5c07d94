//! Lists of matters, page by page: no list holds all of them in memory.

use std::collections::BTreeSet;

use super::{MatterView, Services, sees_all};
use crate::context::{OpContext, Role};
use crate::deadline::Light;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{Matter, MatterKind};
use crate::ports::{MatterPlace, MatterQuery};

/// Matters that are read in one go.
const PAGE: u32 = 500;

/// Which matters a caller wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatterFilter {
    /// Of these kinds; of all if empty.
    pub kinds: BTreeSet<MatterKind>,
    /// Handled by this role.
    pub role: Option<Role>,
    /// With this light or a worse one.
    pub light: Option<Light>,
    /// Settled ones too.
    pub settled: bool,
    /// Behind this place.
    pub after: Option<MatterPlace>,
    /// So many at most.
    pub limit: usize,
}

impl MatterFilter {
    fn takes(&self, view: &MatterView) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&view.matter.kind()))
            && self.role.is_none_or(|role| view.matter.handler.role == role)
            && self.light.is_none_or(|light| view.light >= Some(light))
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct MatterPage {
    /// The matters, those due first come first.
    pub matters: Vec<MatterView>,
    /// The place of the last of them, where there are more.
    pub next: Option<MatterPlace>,
}

impl Services {
    /// The matters that concern the caller, those due first come first. The authority and auditors see all.
    pub async fn matters(&self, ctx: &OpContext, filter: &MatterFilter) -> Result<MatterPage> {
        let parties = match sees_all(ctx) {
            true => vec![None],
            false => own_labels(ctx)?.into_iter().map(Some).collect(),
        };
        let kind = filter.kinds.first().copied().filter(|_| filter.kinds.len() == 1);
        let (open_only, after) = (!filter.settled, filter.after.clone());
        let mut query = MatterQuery { kind, open_only, after, ..MatterQuery::default() };
        let mut matters = Vec::new();
        while let Some(page) = self.next_of(&parties, &mut query).await? {
            let views = page.into_iter().map(|matter| MatterView::of(matter, ctx));
            for view in views.filter(|view| filter.takes(view)) {
                if matters.len() == filter.limit {
                    let next = matters.last().map(|last: &MatterView| MatterPlace::of(&last.matter));
                    return Ok(MatterPage { matters, next });
                }
                matters.push(view);
            }
        }
        Ok(MatterPage { matters, next: None })
    }

    /// The next page of what a query asks for, in its order; `None` behind the last.
    pub(in crate::services) async fn next_page(
        &self,
        query: &mut MatterQuery,
    ) -> Result<Option<Vec<Matter>>> {
        query.limit = Some(PAGE);
        let page = self.store.matters(query).await?;
        query.after = page.last().map(MatterPlace::of);
        Ok((!page.is_empty()).then_some(page))
    }

    /// The next page of the matters of several parties, each matter once.
    async fn next_of(
        &self,
        parties: &[Option<String>],
        query: &mut MatterQuery,
    ) -> Result<Option<Vec<Matter>>> {
        let mut matters = Vec::new();
        for party in parties {
            let mut of_party = MatterQuery { party: party.clone(), ..query.clone() };
            matters.extend(self.next_page(&mut of_party).await?.unwrap_or_default());
        }
        matters.sort_by_key(MatterPlace::of);
        matters.dedup_by(|one, other| one.number == other.number);
        matters.truncate(PAGE as usize);
        query.after = matters.last().map(MatterPlace::of);
        Ok((!matters.is_empty()).then_some(matters))
    }
}

/// The labels under which the caller's matters are listed.
fn own_labels(ctx: &OpContext) -> Result<Vec<String>> {
    match (&ctx.principal.department, ctx.principal.has(Role::Developer)) {
        (Some(_), _) => {
            Ok(ctx.principal.departments().map(|department| format!("department:{department}")).collect())
        }
        (None, true) => Ok(vec![format!("developer:{}", ctx.principal.id)]),
        _ => Err(Error::new(ErrorCode::Forbidden, "matters belong to departments and developers; sign in")),
    }
}
