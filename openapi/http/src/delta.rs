//! Delta Sharing: the open protocol by which pandas, Spark and others read tables as files.
//!
//! A share is a department, its one schema is called `default`, a table is a resource that the holder of the token, a ticket or
//! a developer key, can read. Files are those of the version where the policy hides nothing, else a governed extract; their
//! addresses stand for the token, and every right is looked at again each time one is used.

mod actions;
mod capabilities;
mod changes;
mod error;
mod files;
mod governed;
mod history;
mod listing;
mod profile;
mod question;
mod table;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_query::{OpenTable, TableName, Tables as _};
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::invalid;
use crate::problem::Refusal;
pub(crate) use error::written;
use token::permit;

/// Where the door is.
pub(crate) const PREFIX: &str = "/delta-sharing/";
/// Its name in the API's description.
pub(crate) const TAG: &str = "delta-sharing";
/// The one schema of each share.
const SCHEMA: &str = "default";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(profile::create_profile))
        .routes(routes!(profile::get_profile))
        .routes(routes!(listing::list_shares))
        .routes(routes!(listing::get_share))
        .routes(routes!(listing::list_schemas))
        .routes(routes!(listing::list_tables))
        .routes(routes!(listing::list_all_tables))
        .routes(routes!(table::get_table_version))
        .routes(routes!(table::get_table_metadata))
        .routes(routes!(table::query_table))
        .routes(routes!(changes::list_table_changes))
        .routes(routes!(files::read_file))
        .routes(routes!(files::read_changes))
}

/// `{share}`, `{schema}` and `{table}` in the path, of which some may be absent. Names are the same in any case.
struct Named {
    share: String,
    schema: String,
    table: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(all) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| invalid("the address is not valid UTF-8"))?;
        let name = |key: &str| all.get(key).map(|name| name.to_lowercase()).unwrap_or_default();
        Ok(Self { share: name("share"), schema: name("schema"), table: name("table") })
    }
}

impl Named {
    /// The table's data, under the one policy by which the holder of the token reads it.
    async fn open(&self, app: &App, ctx: &OpContext, version: VersionSelector) -> Result<OpenTable> {
        permit(ctx)?;
        self.check_schema()?;
        let (department, name) = (self.share.clone(), self.table.clone());
        app.tables.open(ctx, &TableName::Sql { department, name }, version).await
    }

    fn check_schema(&self) -> Result<()> {
        match self.schema == SCHEMA {
            true => Ok(()),
            false => Err(Error::new(
                ErrorCode::NotFound,
                format!("each share has one schema, which is `{SCHEMA}`"),
            )),
        }
    }
}
