//! A change of columns that is announced: from its date on `latest` is another shape. Told by `deprecation` (RFC 9745) and
//! `sunset` (RFC 8594) wherever `latest` is asked for; a version's own address does not change.

use catalog_core::dataset::{Standing, Version};
use catalog_core::{OpContext, ResourceCode, Timestamp};
use http::{HeaderMap, HeaderName};

use super::conditions::http_date;
use super::insert;
use crate::app::App;
use crate::problem::Refusal;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What is announced of a dataset.
pub(super) struct Announced {
    /// The version that comes into effect.
    number: i64,
    /// When the change was consented to: from then on nothing new should be built on the present shape.
    since: Timestamp,
    /// When it takes effect.
    until: Timestamp,
}

impl Announced {
    /// The next change that the caller may know of.
    pub(super) async fn of(app: &App, ctx: &OpContext, code: &ResourceCode) -> Option<Self> {
        let versions = app.services.versions(ctx, code).await.ok()?;
        let pending = versions.iter().filter(|version| version.standing(ctx.now) == Standing::Announced);
        pending.filter_map(Self::by).min_by_key(|announced| (announced.until, announced.number))
    }

    fn by(version: &Version) -> Option<Self> {
        let review = version.breaking.as_ref()?.review.as_ref()?;
        Some(Self { number: version.number, since: review.at, until: review.effective_from })
    }

    /// Writes the fields, but for the links.
    pub(super) fn tell(&self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        insert(headers, DEPRECATION, &format!("@{}", self.since.seconds()))?;
        insert(headers, SUNSET, &http_date(self.until))
    }

    /// Where its reason and columns stand, and what comes in place of this file.
    pub(super) fn links(&self, code: &str, extension: &str) -> String {
        format!(
            ", </api/v1/resources/{code}/versions>; rel=\"deprecation\"; type=\"application/json\", \
             </datasets/{code}/{}.{extension}>; rel=\"successor-version\"",
            self.number
        )
    }
}
