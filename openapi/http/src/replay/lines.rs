//! Answers that are compared as they were written: features line by line, materials by their digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use catalog_core::{Error, Result};
use exchange_crypto::{Digest, Hasher};
use exchange_query::QueryAnswer;
use exchange_query::replay::Difference;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use openapi_contract::{VerificationAnswer, VerificationAnswers, VerificationResult};
use serde::Deserialize;

use super::refused;

/// How a collection, and how a feature, begins.
const COLLECTION: &[u8] = b"{\"type\":\"FeatureCollection\"";
const FEATURE: &[u8] = b"{\"type\":\"Feature\",";
/// What stands behind a feature that is asked for by itself.
const LINKS: &str = ",\"links\":[";

/// Compares the features of an answer, in whichever order, with those that came again. There are no more than a page has.
pub(super) async fn compare(
    answer: File,
    again: impl Stream<Item = Result<Vec<String>>>,
) -> Result<Difference> {
    let mut balance = BTreeMap::<String, i64>::new();
    let answered = tokio::task::spawn_blocking(move || features(answer)).await.map_err(Error::internal)??;
    let rows = answered.len() as u64;
    for feature in answered {
        *balance.entry(feature).or_default() += 1;
    }
    let mut again = std::pin::pin!(again);
    while let Some(some) = again.next().await {
        for feature in some? {
            *balance.entry(feature).or_default() -= 1;
        }
    }
    let sum = |sign: i64| balance.values().map(|count| (count * sign).max(0).unsigned_abs()).sum();
    Ok(Difference { rows, missing: sum(1), added: sum(-1), cut: false })
}

/// Compares what was said of pairs with what is said again, pair by pair.
pub(super) async fn results(answer: File, again: Vec<VerificationResult>) -> Result<Difference> {
    let read = tokio::task::spawn_blocking(move || serde_json::from_reader(BufReader::new(answer)));
    let answered: Answered =
        read.await.map_err(Error::internal)?.map_err(|_| refused("the answer is none of a verification"))?;
    let answered = match answered {
        Answered::One(VerificationAnswer { result }) => vec![result],
        Answered::Many(VerificationAnswers { results }) => results,
    };
    if answered.len() != again.len() {
        return Err(refused("the answer is of other pairs"));
    }
    let other = answered.iter().zip(&again).filter(|(before, now)| before != now).count() as u64;
    Ok(Difference { rows: answered.len() as u64, missing: other, added: other, cut: false })
}

/// What verification answered.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answered {
    One(VerificationAnswer),
    Many(VerificationAnswers),
}

/// The features of an answer as they were written.
fn features(answer: File) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut is_collection = false;
    for (place, line) in BufReader::new(answer).split(b'\n').enumerate() {
        let line = line.map_err(Error::internal)?;
        if place == 0 && line.starts_with(COLLECTION) {
            is_collection = true;
        } else if line.starts_with(FEATURE) {
            let text = String::from_utf8(line).map_err(|_| refused("the answer is no text"))?;
            found.push(match is_collection {
                true => text.strip_suffix(',').unwrap_or(&text).to_owned(),
                // Inside a text each quotation mark has a backslash before it.
                false => text.rfind(LINKS).map_or(text.clone(), |end| format!("{}}}", &text[..end])),
            });
        } else if place == 0 {
            return Err(refused("a page to read is not compared: ask for f=json"));
        }
    }
    Ok(found)
}

/// Whether an answer has a row.
pub(super) async fn has_rows(answer: QueryAnswer) -> Result<bool> {
    let batches: Vec<_> = answer.records.try_collect().await?;
    Ok(batches.iter().any(|batch| batch.num_rows() > 0))
}

/// Compares an answer with a material of that digest, which a row named then or not.
pub(super) async fn material(mut answer: File, digest: Digest, names_it: bool) -> Result<Difference> {
    let hashed = move || {
        let mut hasher = Hasher::new();
        std::io::copy(&mut answer, &mut hasher)?;
        Ok::<_, std::io::Error>(hasher.finish())
    };
    let found =
        tokio::task::spawn_blocking(hashed).await.map_err(Error::internal)?.map_err(Error::internal)?;
    if found != digest {
        return Err(refused("a part of the material may be its answer"));
    }
    Ok(Difference { rows: 1, missing: u64::from(!names_it), added: 0, cut: false })
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use catalog_core::ErrorCode;
    use futures::stream;

    use super::*;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        file
    }

    fn feature(number: u8) -> String {
        format!(
            "{{\"type\":\"Feature\",\"id\":{number},\"geometry\":null,\"properties\":{{\"name\":\",\\\"links\\\":[\"}}}}"
        )
    }

    async fn compared(text: &str, again: &[u8]) -> Result<Difference> {
        let again: Vec<_> = again.iter().map(|number| feature(*number)).collect();
        compare(file(text), stream::iter([Ok(again)])).await
    }

    #[tokio::test]
    async fn features_are_compared_in_any_order_and_alone() {
        let head = "{\"type\":\"FeatureCollection\",\"features\":[";
        let tail = "],\"numberReturned\":2,\"links\":[]}";
        let two = format!("{head}\n{},\n{}\n{tail}\n", feature(1), feature(2));
        let same = Difference { rows: 2, missing: 0, added: 0, cut: false };
        assert_eq!(compared(&two, &[2, 1]).await.unwrap(), same);
        assert_eq!(compared(&two, &[1]).await.unwrap(), Difference { missing: 1, ..same });
        assert_eq!(compared(&two, &[1, 2, 2]).await.unwrap(), Difference { added: 1, ..same });
        assert_eq!(
            compared(&format!("{head}\n{tail}\n"), &[]).await.unwrap(),
            Difference { rows: 0, ..same }
        );
        let feature = feature(1);
        let alone = format!("{},\"links\":[{{\"rel\":\"self\"}}]}}", feature.strip_suffix('}').unwrap());
        assert_eq!(compared(&alone, &[1]).await.unwrap(), Difference { rows: 1, ..same });
        assert_eq!(compared("<!DOCTYPE html>", &[1]).await.unwrap_err().code, ErrorCode::NotReplayable);
    }

    #[tokio::test]
    async fn a_material_is_its_digest_and_was_for_those_who_saw_a_row() {
        let digest = Digest::of(b"notice");
        let found = material(file("notice"), digest, true).await.unwrap();
        assert_eq!((found.rows, found.missing), (1, 0));
        assert_eq!(material(file("notice"), digest, false).await.unwrap().missing, 1);
        assert_eq!(material(file("not"), digest, true).await.unwrap_err().code, ErrorCode::NotReplayable);
    }
}
