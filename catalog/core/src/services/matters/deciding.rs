//! Deciding a provider's part: what one person proposes, and what another grants of it.

use super::effects::missing;
use super::{Act, Services};
use crate::context::OpContext;
use crate::error::{Error, ErrorCode, Result};
use crate::matter::{Ask, Content, Event, Matter, State};
use crate::policy::{Filter, GrantKind, Statistics};
use crate::ports::MatterChange;

#[cfg(test)]
mod tests;

impl Services {
    /// A proposal, or a decision, about a provider's part; with the state before it.
    ///
    /// What was proposed binds the second person: less can be granted, never more, so that whatever is granted was seen by two.
    pub(super) async fn decide_part(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        (before, act): (State, &Act),
        change: &mut MatterChange,
    ) -> Result<()> {
        let Content::Provision(part) = &matter.content else { return Ok(()) };
        let (whole, is_narrowed) = (part.on_the_table(before).to_vec(), part.is_narrowed(before));
        let has_proposal = part.proposed.is_some() && before == State::Confirming;
        let kind = GrantKind::Conditional;
        match (act.event, act.asks.as_deref()) {
            (Event::Propose, scope) => self.propose_scope(ctx, matter, scope).await,
            (Event::Grant, Some(_)) => {
                let message =
                    "`grant` gives all that was asked: to give what is named in `asks`, grant in part";
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
            (Event::Grant, None) if is_narrowed => {
                let message =
                    "less was proposed than was asked: grant in part what is proposed, or return it";
                Err(Error::new(ErrorCode::IllegalState, message))
            }
            (Event::Grant, None) => self.make_grants(ctx, matter, (kind, &whole), change).await,
            // Nobody grants of a proposal that they have not seen: what they name of it stands under the rows and masks that it has.
            _ if has_proposal && act.revision.is_none() => {
                let message = "name in `revision` which one of the matter you have seen: of a proposal that has changed since, \
                               nothing is granted";
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
            (_, Some(asks)) => {
                let asks = narrowed(&whole, asks)?;
                self.make_grants(ctx, matter, (kind, &asks), change).await
            }
            // Of a part that was divided since, nothing may have been proposed.
            (_, None) if has_proposal && whole.is_empty() => {
                Err(Error::new(ErrorCode::IllegalState, "nothing of these resources was proposed: return it"))
            }
            (_, None) if has_proposal => self.make_grants(ctx, matter, (kind, &whole), change).await,
            (_, None) => Err(missing("asks", "what is granted")),
        }
    }

    /// Keeps what is proposed. What could not be granted now is refused now, and not by whoever decides about it.
    async fn propose_scope(&self, ctx: &OpContext, matter: &mut Matter, scope: Option<&[Ask]>) -> Result<()> {
        let Content::Provision(part) = &matter.content else { return Ok(()) };
        let proposed = scope.map(|scope| narrowed(&part.application.asks, scope)).transpose()?;
        if let Some(asks) = &proposed {
            let mut unsaved = MatterChange::default();
            self.make_grants(ctx, &mut matter.clone(), (GrantKind::Conditional, asks), &mut unsaved).await?;
        }
        if let Content::Provision(part) = &mut matter.content {
            part.proposed = proposed;
        }
        Ok(())
    }
}

/// The asks of a decision in part: each within what was asked. Rows are those of both filters.
pub(in crate::services) fn narrowed(asked: &[Ask], granted: &[Ask]) -> Result<Vec<Ask>> {
    let wider = |ask: &Ask, what: &str| {
        let message = format!("{}: {what} beyond what was asked or proposed can't be granted", ask.resource);
        Error::new(ErrorCode::InvalidInput, message)
    };
    let mut narrower: Vec<Ask> = Vec::new();
    for ask in granted {
        if narrower.iter().any(|other| other.resource == ask.resource) {
            return Err(wider(ask, "a resource twice"));
        }
        let whole = asked.iter().find(|whole| whole.resource == ask.resource);
        let whole = whole.ok_or_else(|| wider(ask, "a resource"))?;
        if !ask.items.iter().all(|item| whole.items.contains(item)) {
            return Err(wider(ask, "an item"));
        }
        if !ask.doors.is_subset(&whole.doors) {
            return Err(wider(ask, "a door"));
        }
        // Which of two masks shows more is a matter of the data: what was asked masked stays masked so.
        let other_mask = |(column, mask)| whole.masks.get(column).is_some_and(|asked| asked != mask);
        if ask.masks.iter().any(other_mask) {
            return Err(wider(ask, "another mask of an item"));
        }
        if whole.statistics.is_some() && ask.statistics.is_some() && whole.statistics != ask.statistics {
            return Err(wider(ask, "other statistics"));
        }
        let sums = |statistics: &Statistics| {
            let is_seen = |measure| whole.items.contains(measure) && !whole.masks.contains_key(measure);
            statistics.measures.iter().all(is_seen)
        };
        if whole.statistics.is_none() && !ask.statistics.iter().all(sums) {
            return Err(wider(ask, "the sum of an item"));
        }
        // Who names the rows that were asked for narrows nothing.
        let more = ask.filter.as_ref().filter(|filter| whole.filter.as_ref() != Some(*filter));
        let filters: Vec<Filter> = whole.filter.iter().chain(more).cloned().collect();
        let filter = match filters.len() {
            0 | 1 => filters.into_iter().next(),
            _ => Some(Filter::And(filters)),
        };
        let masks = whole.masks.iter().chain(&ask.masks).filter(|(column, _)| ask.items.contains(column));
        let masks = masks.map(|(column, mask)| (column.clone(), mask.clone())).collect();
        let statistics = ask.statistics.clone().or_else(|| whole.statistics.clone());
        let demands_matter = whole.demands_matter || ask.demands_matter;
        let demands_operator = whole.demands_operator || ask.demands_operator;
        narrower.push(Ask {
            filter,
            masks,
            statistics,
            accepted_terms: whole.accepted_terms.clone(),
            demands_matter,
            demands_operator,
            ..ask.clone()
        });
    }
    match narrower.is_empty() {
        true => Err(missing("asks", "at least one resource that is granted")),
        false => Ok(narrower),
    }
}
