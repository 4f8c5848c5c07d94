//! Substitutes 代办.

use super::Services;
use crate::context::{OpContext, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::policy::Action;
use crate::substitution::{NewSubstitution, Substitution};

/// The longest time of a substitute, in seconds: whoever does it for longer holds the role.
const LONGEST: i64 = 90 * 86_400;

impl Services {
    /// All substitutes, also those whose time is over, by time.
    pub async fn substitutions(&self, ctx: &OpContext) -> Result<Vec<Substitution>> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        self.store.substitutions().await
    }

    /// Names a substitute. What they do as such names the substitution in evidence.
    ///
    /// # Errors
    /// `invalid_input` for a person who can't hold the role beside their own, or a time that is over or too long.
    pub async fn name_substitute(&self, ctx: &OpContext, new: &NewSubstitution) -> Result<Substitution> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        let wrong = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
        if new.person == ctx.principal.id {
            return Err(Error::new(ErrorCode::Forbidden, "nobody changes their own roles"));
        }
        let person = self.store.person(&new.person).await?.filter(|person| person.active);
        let person = person.ok_or_else(|| Error::not_found(format!("person `{}`", new.person)))?;
        let mut roles = person.roles.clone();
        if person.department.is_none() || !new.role.is_of_a_department() {
            return wrong("a substitute holds a department's role, in the department that they belong to");
        }
        if !roles.insert(new.role) || !Role::may_combine(&roles) {
            return wrong("the person holds the role already, or can't hold it beside their own");
        }
        let from = new.from.unwrap_or(ctx.now);
        if from < ctx.now || new.until <= from || new.until > from.plus_seconds(LONGEST) {
            return wrong("a substitute's time begins now or later, and lasts at most 90 days");
        }
        if new.reason.trim().is_empty() {
            return wrong("say in `reason` why a substitute is needed");
        }
        let substitution = Substitution {
            id: uuid::Uuid::now_v7().to_string(),
            person: new.person.clone(),
            department: person.department,
            role: new.role,
            from,
            until: new.until,
            reason: new.reason.clone(),
            named_by: ctx.principal.id.clone(),
        };
        self.put_substitution(ctx, "substitute.named", &substitution).await?;
        Ok(substitution)
    }

    /// Ends a substitution before its time.
    pub async fn end_substitution(&self, ctx: &OpContext, id: &str) -> Result<Substitution> {
        Self::permit(ctx, Action::ManagePeople, None)?;
        let all = self.store.substitutions().await?;
        let found = all.into_iter().find(|substitution| substitution.id == id);
        let mut substitution = found.ok_or_else(|| Error::not_found(format!("substitution `{id}`")))?;
        if substitution.until <= ctx.now {
            return Err(Error::new(ErrorCode::IllegalState, "it is over already"));
        }
        substitution.until = ctx.now;
        self.put_substitution(ctx, "substitute.ended", &substitution).await?;
        Ok(substitution)
    }

    async fn put_substitution(&self, ctx: &OpContext, action: &str, new: &Substitution) -> Result<()> {
        let change = Self::change(ctx, action, entity::substitution(&new.id), new);
        self.store.put_substitution(new, &change).await?;
        self.relay().await
    }
}
