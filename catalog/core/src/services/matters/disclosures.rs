//! What follows from the steps of a disclosure request.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::effects::missing;
use super::{Act, Services};
use crate::confidential::{Consultation, line_problem, text_problem, whole};
use crate::context::OpContext;
use crate::deadline::{LimitKind, RunningLimit};
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::matter::{Applicant, Content, Event, Matter, OpeningItem, Outcome, State};
use crate::ports::MatterChange;

/// A third party as a step names it. It is kept sealed with the applicant's own words.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThirdParty {
    /// Who.
    pub name: String,
    /// What it is asked, or has answered.
    pub text: String,
}

impl std::fmt::Debug for ThirdParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ThirdParty(confidential)")
    }
}

impl Services {
    /// What a third party is asked, or has answered, goes to what is sealed.
    pub(super) async fn consult(&self, matter: &Matter, act: &Act, change: &mut MatterChange) -> Result<()> {
        let party = act.third_party.as_ref().ok_or_else(|| missing("third_party", "whom, and what"))?;
        let name = line_problem("third_party.name", &party.name);
        whole(name.into_iter().chain(text_problem("third_party.text", &party.text)).collect())?;
        let mut confidential = self.confided(&matter.number).await?;
        let at = matter.history.last().map(|step| step.at).unwrap_or_default();
        match act.event {
            Event::Consult => confidential.consultations.push(Consultation {
                with: party.name.clone(),
                asked: party.text.clone(),
                at,
                answered: None,
            }),
            _ => {
                let asked = confidential.consultations.iter_mut().rev();
                let asked =
                    asked.into_iter().find(|asked| asked.with == party.name && asked.answered.is_none());
                let wrong = || {
                    Error::new(ErrorCode::InvalidInput, "没有向这个第三方征求意见的记录：名称须与征求时一致")
                };
                asked.ok_or_else(wrong)?.answered = Some(party.text.clone());
            }
        }
        change.confidential = Some((matter.number.clone(), self.sealed(&matter.number, &confidential)?));
        Ok(())
    }

    /// A granted request leads to opening what was asked for to everyone: an item of the plan, due as active publication is.
    pub(super) async fn plan_opening(
        &self,
        ctx: &OpContext,
        matter: &Matter,
        act: &Act,
        change: &mut MatterChange,
    ) -> Result<()> {
        let (Content::Disclosure(disclosure), Some(department)) =
            (&matter.content, matter.handler.department.clone())
        else {
            return Ok(());
        };
        let limit = RunningLimit::start(LimitKind::ActivePublication, ctx.now, &self.settings.deadlines);
        let last = limit.reckoning.due.map(|end| end.plus_seconds(-1).shanghai_date());
        let due = act.due.or(last).unwrap_or(ctx.now.shanghai_date());
        let item = OpeningItem {
            year: chrono::Datelike::year(&due),
            department: department.clone(),
            title: disclosure.title.clone(),
            due,
            resource: act.resource.clone().or(disclosure.resource.clone()),
            data_since: None,
        };
        let (content, parties) = (Content::OpeningItem(item), (Applicant::Authority, Some(department)));
        let mut item = self.new_matter(ctx, content, parties, State::Planned).await?;
        item.parent = Some(matter.number.clone());
        let event = Self::matter_event(ctx, &item);
        change.matters.push((item, None, event));
        Ok(())
    }
}

/// Keeps what a decision gives and withholds, and refuses one that leaves it open.
pub(super) fn decide(matter: &mut Matter, act: &Act) -> Result<()> {
    let Content::Disclosure(disclosure) = &mut matter.content else { return Ok(()) };
    let outcome = act.outcome.clone().ok_or_else(|| missing("outcome", "what is given and withheld"))?;
    let Outcome { given, withheld, ground } = &outcome;
    let gives = !given.trim().is_empty();
    let parts = withheld.iter().all(|part| !part.what.trim().is_empty() && !part.article.trim().is_empty());
    let (is_right, message) = match act.event {
        Event::Grant => (
            gives && withheld.is_empty() && ground.is_none(),
            "a request that is granted names in `given` what is disclosed and how, and nothing withheld",
        ),
        Event::GrantInPart => (
            gives && !withheld.is_empty() && parts && ground.is_none(),
            "a request that is granted in part names in `given` what is disclosed, and in `withheld` every other part \
             with its ground and article",
        ),
        _ => (
            !gives && withheld.is_empty() && ground.is_some(),
            "a request that is refused names its `ground` alone",
        ),
    };
    if !is_right {
        return Err(Error::invalid(message, vec![Problem::new("outcome", "disclosure.outcome", message)]));
    }
    if act.resource.is_some() {
        disclosure.resource.clone_from(&act.resource);
    }
    disclosure.outcome = Some(outcome);
    Ok(())
}
