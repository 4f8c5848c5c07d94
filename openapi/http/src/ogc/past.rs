//! Features that are computed again: what a kept address asked for, over the version and under the policy of then.

use std::collections::BTreeMap;

use axum::extract::Query;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, Result};
use exchange_query::{QueryAnswer, Selection};
use futures::{Stream, TryStreamExt as _};
use http::Uri;

use super::asked::{Asked, one};
use super::collection::Collection;
use super::crs::Crs;
use super::features::{key_of, written};
use super::negotiation::Parameters;
use crate::extract::invalid;
use crate::problem::Refusal;

/// How features are written, line by line.
pub(crate) struct FeatureLines {
    collection: Collection,
    crs: Crs,
}

impl FeatureLines {
    /// The features of an answer.
    pub(crate) fn of(self, answer: QueryAnswer) -> impl Stream<Item = Result<Vec<String>>> + Send {
        let features = self.collection.features(self.crs.latitude_first()).of(answer);
        features.map_ok(move |some| some.iter().map(|feature| written(&self.collection, feature)).collect())
    }
}

/// The code in the address of features.
pub(crate) fn code_of_features(path: &str) -> Option<&str> {
    let (code, rest) = path.strip_prefix("/ogc/collections/")?.split_once('/')?;
    (rest == "items" || rest.starts_with("items/")).then_some(code)
}

/// What an address asked of a dataset as its reader saw it; `None` where it is not one of features.
pub(crate) fn asked_again(
    address: &Uri,
    dataset: &Dataset,
) -> Result<Option<(Selection, FeatureLines)>, Refusal> {
    let Some(collection) = Collection::of(dataset) else { return Ok(None) };
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(address)
        .map_err(|_| invalid("the address of the request can't be read"))?;
    let mut parameters = Parameters::of(pairs)?;
    if parameters.take("f").is_some_and(|form| form != "json") {
        let message = "a page to read is not compared: ask for f=json";
        return Err(Error::new(ErrorCode::NotReplayable, message).into());
    }
    let code = dataset.resource.code.clone();
    let version = VersionSelector::Number(dataset.version.number);
    let Some((_, id)) = address.path().split_once("/items/") else {
        let asked = Asked::of(parameters)?;
        let crs = asked.crs;
        let selection = asked.selection(code, version, &collection)?;
        return Ok(Some((selection, FeatureLines { collection, crs })));
    };
    let crs = Crs::named("crs", parameters.take("crs").as_deref())?;
    parameters.none_left()?;
    let key = decoded(id).and_then(|id| key_of(&collection, &id));
    Ok(key.map(|key| (one(code, version, &collection, key), FeatureLines { collection, crs })))
}

/// A segment of a path as text.
fn decoded(segment: &str) -> Option<String> {
    let value = segment.replace('+', "%2B").replace('&', "%26");
    let address: Uri = format!("/?id={value}").parse().ok()?;
    let Query(mut values) = Query::<BTreeMap<String, String>>::try_from_uri(&address).ok()?;
    values.remove("id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_features_are_known_and_their_ids_read_as_they_were_written() {
        assert_eq!(code_of_features("/ogc/collections/301001-000007/items"), Some("301001-000007"));
        assert_eq!(code_of_features("/ogc/collections/301001-000007/items/P1"), Some("301001-000007"));
        for other in ["/ogc/collections/301001-000007", "/ogc/collections/301001-000007/queryables", "/ogc"] {
            assert_eq!(code_of_features(other), None, "{other}");
        }
        assert_eq!(decoded("%E7%94%B2+1&b=c").as_deref(), Some("甲+1&b=c"));
    }
}
