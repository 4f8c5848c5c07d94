//! Why somebody may do something, or not: for themselves, or asked by whoever answers for the data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{Channel, OpContext, Principal};
use crate::directory::Resource;
use crate::error::{Error, Problem, Result};
use crate::ids::{ColumnName, ResourceCode};
use crate::policy::filter::typed_literal;
use crate::policy::{
    Action, Decision, ItemVerdict, KnownValues, Literal, RowVerdict, decide_action, decide_read,
};

/// A question about an access.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessQuestion {
    /// The resource.
    pub resource: ResourceCode,
    /// About whom: a login name, or a key id of a department's machine; about the caller without it.
    #[serde(default)]
    pub principal: Option<String>,
    /// What they would do, as the matrix of roles names it; reading without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub action: Option<Action>,
    /// The door of a read; the API without it.
    #[serde(default)]
    pub door: Option<Channel>,
    /// The purpose that they would state.
    #[serde(default)]
    pub purpose: Option<String>,
    /// An item of which it is asked what would be seen.
    #[serde(default)]
    pub item: Option<ColumnName>,
    /// Values of a row of which it is asked whether it would be seen: `{"county_code": "360481"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub row: BTreeMap<ColumnName, Literal>,
}

/// The verdict about an access, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccessAnswer {
    /// About whom.
    pub principal: String,
    /// The verdict with the grant, role or rule that decided; a permitted read shows its items, masks and rows.
    pub decision: Decision,
    /// The article that it rests on, where the grant or the directory names one.
    pub article: Option<String>,
    /// What would be seen of the item asked for.
    pub item: Option<ItemVerdict>,
    /// Whether rows with the values asked for would be seen, for a read that is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<RowVerdict>,
}

impl Services {
    /// Permits a question about somebody else to auditors, the authority, and the approvers of the provider. That it is asked
    /// is durable before this returns.
    pub async fn permit_question(&self, ctx: &OpContext, asked: &AccessQuestion, about: &str) -> Result<()> {
        let provider = self.resource(ctx, &asked.resource).await?.provider;
        Self::permit(ctx, Action::Supervise, None)
            .or_else(|_| Self::permit(ctx, Action::ManageGrants, Some(&provider)))?;
        let is_known = self.store.person(about).await?.is_some() || self.store.key(about).await?.is_some();
        // What is written in place of a name may be anything, and the values of a row a person's.
        let about = if is_known { about } else { "nobody known" };
        let entity = format!("access of {about} to {}", asked.resource);
        let told =
            AccessQuestion { principal: Some(about.to_owned()), row: BTreeMap::new(), ..asked.clone() };
        self.log.append(Self::change(ctx, "why.asked", entity, &told)).await.map(drop)
    }

    /// The verdict about a principal, whom the caller may ask about.
    pub async fn explain(
        &self,
        ctx: &OpContext,
        about: Principal,
        asked: &AccessQuestion,
    ) -> Result<AccessAnswer> {
        let id = about.id.clone();
        let channel = asked.door.unwrap_or(Channel::Api);
        let purpose = asked.purpose.clone();
        let ctx = OpContext { principal: about, channel, purpose, ..ctx.clone() };
        let resource = self.resource(&ctx, &asked.resource).await?;
        if let Some(action) = asked.action {
            let decision = decide_action(&ctx.principal, action, Some(&resource.provider));
            return Ok(AccessAnswer { principal: id, decision, article: None, item: None, row: None });
        }
        let grants = self.store.grants_on(&asked.resource).await?;
        let decision = decide_read(&ctx, &resource, &grants);
        let article = decision.article(&resource, &grants);
        let item = asked.item.as_ref().map(|column| decision.item(&resource, &grants, column));
        let row = match (&decision.obligations, asked.row.is_empty()) {
            (Some(granted), false) => {
                let filter = granted.policy.filter.as_ref();
                let verdict = RowVerdict::of(filter, &known_values(&resource, &asked.row)?);
                let withdrawn = !self.store.record_withdrawals(&asked.resource).await?.is_empty();
                // Withdrawn records are hidden from everybody, and which they are is not told here.
                Some(if withdrawn && verdict == RowVerdict::Shown { RowVerdict::Depends } else { verdict })
            }
            _ => None,
        };
        Ok(AccessAnswer { principal: id, decision, article, item, row })
    }
}

/// The values in the types of their columns.
fn known_values(resource: &Resource, row: &BTreeMap<ColumnName, Literal>) -> Result<KnownValues> {
    let wrong = |column: &ColumnName, message: String| {
        let problem = Problem::new(format!("row.{column}"), "why.row", message);
        Error::invalid("the row's values are not those of the resource's items", vec![problem])
    };
    let mut known = KnownValues::new();
    for (column, value) in row {
        let item = resource.items.iter().find(|item| item.column == *column);
        let item = item.ok_or_else(|| wrong(column, "the resource has no such item".to_owned()))?;
        let value = typed_literal(value, item.item_type).map_err(|message| wrong(column, message))?;
        known.insert(column.to_string(), value);
    }
    Ok(known)
}
