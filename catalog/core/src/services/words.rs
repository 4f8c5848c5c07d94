//! Telling departments of lights that changed, and delivering what they are told.

use std::collections::BTreeMap;

use super::Services;
use crate::attempts::Attempts;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::DepartmentId;
use crate::matter::{Handler, Matter};
use crate::policy::Action;
use crate::ports::{Courier, MatterQuery, Telling};
use crate::words::{Delivery, MORNING, Receivers, Told, Word, WordKind, WordLine, worst};

/// Deliveries of one round.
const ROUND: u32 = 200;

/// Matters for one word, by department and role.
type Letters = BTreeMap<(Option<DepartmentId>, Role), Vec<WordLine>>;

/// How a round of deliveries went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Those that arrived.
    pub arrived: usize,
    /// Those that will be tried again.
    pub waiting: usize,
    /// Those that were given up.
    pub given_up: usize,
}

impl Services {
    /// The operator's round: tells the handling roles which lights have changed since they were told last, the data
    /// authority which limits have passed (once for each, with its evidence), and everyone their morning list.
    pub async fn tell(&self, ctx: &OpContext, receivers: &Receivers) -> Result<()> {
        only_operator(ctx)?;
        let query = MatterQuery { open_only: true, ..MatterQuery::default() };
        let matters = self.store.matters(&query).await?;
        let known = self.store.told().await?;
        let successions = self.all_successions().await?;
        let handler = |matter: &Matter| {
            let department = matter.handler.department.as_ref();
            (department.map(|department| successions.heir_of(department, ctx.now)), matter.handler.role)
        };
        let mut telling = Telling::default();
        let (mut changed, mut late) = (Letters::new(), Letters::new());
        let mut open = Vec::new();
        for matter in &matters {
            for (now, line) in lines(ctx, matter) {
                let before = known.iter().find(|told| told.is_of(&now)).map(|told| told.light);
                open.push(now.clone());
                if before == Some(now.light) {
                    continue;
                }
                if now.light == crate::deadline::Light::Red {
                    let name = entity::limit(&matter.number);
                    telling.events.push(Self::change(ctx, "matter.escalated", name, &now));
                    late.entry((None, Role::AuthorityOfficer)).or_default().push(line.clone());
                }
                // A limit that begins in green is no news.
                if before.is_some() || now.light != crate::deadline::Light::Green {
                    changed.entry(handler(matter)).or_default().push(line);
                }
                telling.told.push(now);
            }
        }
        telling.over = known.into_iter().filter(|told| !open.iter().any(|limit| limit.is_of(told))).collect();
        self.write(ctx, receivers, WordKind::LightChanged, changed, &mut telling).await?;
        self.write(ctx, receivers, WordKind::Escalated, late, &mut telling).await?;
        self.morning(ctx, receivers, (&matters, handler), &mut telling).await?;
        self.store.tell(&telling).await?;
        self.relay().await
    }

    /// Adds the morning list of a working day that has had none.
    async fn morning(
        &self,
        ctx: &OpContext,
        receivers: &Receivers,
        (matters, handler): (&[Matter], impl Fn(&Matter) -> (Option<DepartmentId>, Role)),
        telling: &mut Telling,
    ) -> Result<()> {
        let day = ctx.now.shanghai_date();
        let is_time =
            self.settings.deadlines.calendar.is_working_day(day) && ctx.now.shanghai_time() >= MORNING;
        if !is_time || self.store.is_listed(day).await? {
            return Ok(());
        }
        let mut lists = Letters::new();
        for matter in matters {
            if let Some(line) = worst(lines(ctx, matter).into_iter().map(|(_, line)| line)) {
                lists.entry(handler(matter)).or_default().push(line);
            }
        }
        telling.listed = Some(day);
        self.write(ctx, receivers, WordKind::MorningList, lists, telling).await
    }

    async fn write(
        &self,
        ctx: &OpContext,
        receivers: &Receivers,
        kind: WordKind,
        letters: Letters,
        telling: &mut Telling,
    ) -> Result<()> {
        for ((department, role), matters) in letters {
            let name = match &department {
                None => "政务数据共享主管部门".to_owned(),
                Some(id) => self.store.department(id).await?.map_or(id.to_string(), |found| found.name),
            };
            let to = Handler { department, role };
            let word = Word::new(kind, ctx.now, (&to, name), matters);
            telling.deliveries.extend(receivers.of(kind, &to).into_iter().map(|destination| Delivery {
                id: uuid::Uuid::now_v7().to_string(),
                destination,
                word: word.clone(),
                attempts: Attempts::due(ctx.now),
            }));
        }
        Ok(())
    }

    /// The operator's round: carries what is to be tried by now. What arrives is forgotten; a crash between makes it
    /// arrive twice, with the same id.
    pub async fn deliver_words(&self, ctx: &OpContext, courier: &dyn Courier) -> Result<Deliveries> {
        only_operator(ctx)?;
        let mut round = Deliveries::default();
        for mut delivery in self.store.due_deliveries(ctx.now, ROUND).await? {
            match courier.carry(&delivery, ctx.now).await {
                Ok(()) => {
                    self.store.delivered(&delivery.id).await?;
                    round.arrived += 1;
                }
                Err(error) => {
                    delivery.attempts.fail(error.message, ctx.now);
                    self.store.put_delivery(&delivery).await?;
                    match delivery.attempts.next_at {
                        Some(_) => round.waiting += 1,
                        None => round.given_up += 1,
                    }
                }
            }
        }
        Ok(round)
    }

    /// What could not be delivered yet, and what was given up, for the system administrator.
    pub async fn words(&self, ctx: &OpContext) -> Result<Vec<Delivery>> {
        Self::permit(ctx, Action::MaintainStorage, None)?;
        self.store.deliveries().await
    }
}

pub(super) fn only_operator(ctx: &OpContext) -> Result<()> {
    match ctx.principal.kind {
        PrincipalKind::Operator => Ok(()),
        _ => Err(Error::new(ErrorCode::Forbidden, "this is done by the operator's clock")),
    }
}

/// The open limits of a matter with their lights at the time of the round.
fn lines(ctx: &OpContext, matter: &Matter) -> Vec<(Told, WordLine)> {
    let open = matter.limits.iter().filter_map(|limit| limit.light(ctx.now).map(|light| (limit, light)));
    open.map(|(limit, light)| {
        let number = matter.number.clone();
        let told = Told { matter: number.clone(), limit: limit.kind, since: limit.since, light };
        let due = limit.reckoning.due;
        (told, WordLine { number, kind: matter.kind(), limit: limit.kind, light, due })
    })
    .collect()
}
