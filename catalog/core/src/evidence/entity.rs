//! Names of what changes, as events carry them: the kind, and which one of it.
//!
//! An audit compares every row with the newest event of its name. So an event about something else than the state of a row
//! has a name of another kind: that a matter's limit has passed is said of the limit, not of the matter.

use std::fmt::Display;

/// Kinds of which each has one row: the newest event of its name made the row as it is.
const ROWS: [&str; 12] = [
    "department",
    "succession",
    "person",
    "substitution",
    "account",
    "key",
    "ticket",
    "api_key",
    "resource",
    "grant",
    "version",
    "matter",
];

/// Whether the name is that of a row.
pub fn is_row(entity: &str) -> bool {
    entity.split_once(' ').is_some_and(|(kind, _)| ROWS.contains(&kind))
}

/// Whether something that the catalogue keeps has the name: a row, or records that are withdrawn.
pub fn is_kept(entity: &str) -> bool {
    is_row(entity) || entity.contains(" records of ")
}

/// A department.
pub fn department(id: impl Display) -> String {
    format!("department {id}")
}

/// That a department is continued by another, or hands resources over.
pub fn succession(id: impl Display) -> String {
    format!("succession {id}")
}

/// A person.
pub fn person(id: impl Display) -> String {
    format!("person {id}")
}

/// A substitute for a time.
pub fn substitution(id: impl Display) -> String {
    format!("substitution {id}")
}

/// The account of a person.
pub fn account(person: impl Display) -> String {
    format!("account {person}")
}

/// A public key.
pub fn key(id: impl Display) -> String {
    format!("key {id}")
}

/// A ticket.
pub fn ticket(id: impl Display) -> String {
    format!("ticket {id}")
}

/// A developer key.
pub fn api_key(id: impl Display) -> String {
    format!("api_key {id}")
}

/// An entry of the directory.
pub fn resource(code: impl Display) -> String {
    format!("resource {code}")
}

/// A grant.
pub fn grant(id: impl Display) -> String {
    format!("grant {id}")
}

/// A version of a dataset.
pub fn version(number: i64, resource: impl Display) -> String {
    format!("version {number} of {resource}")
}

/// A matter.
pub fn matter(number: impl Display) -> String {
    format!("matter {number}")
}

/// Records that are withdrawn, or reinstated: how many, not which.
pub fn records(count: usize, resource: impl Display) -> String {
    format!("{count} records of {resource}")
}

/// The upload of a material to a resource.
pub fn upload(id: impl Display, resource: impl Display) -> String {
    format!("upload {id} to {resource}")
}

/// A limit of a matter that has passed.
pub fn limit(matter: impl Display) -> String {
    format!("limit of matter {matter}")
}

/// A grant that is weighed and not made.
pub fn proposal(resource: impl Display) -> String {
    format!("proposal on {resource}")
}

/// Who asks in a matter of the public.
pub fn applicant(matter: impl Display) -> String {
    format!("applicant {matter}")
}

/// A notice of a matter.
pub fn notice(matter: impl Display) -> String {
    format!("notice {matter}")
}

/// A letter to somebody.
pub fn letter(to: impl Display) -> String {
    format!("letter to {to}")
}

/// A session at a browser.
pub fn session(id: impl Display) -> String {
    format!("session {id}")
}

/// A subscription, which is gone when it has ended.
pub fn subscription(id: impl Display) -> String {
    format!("subscription {id}")
}

/// An unfinished draft of an entry, which is gone when it is finished or discarded.
pub fn unfinished(id: impl Display) -> String {
    format!("unfinished {id}")
}

/// A query that somebody has saved, which is gone when it is deleted.
pub fn query(id: impl Display) -> String {
    format!("query {id}")
}

/// What a subscriber is told.
pub fn notification(id: impl Display) -> String {
    format!("notification {id}")
}

/// What somebody of the public contributed.
pub fn contribution(id: impl Display) -> String {
    format!("contribution {id}")
}

/// A data subject, by keyed hash.
pub fn subject(hash: impl Display) -> String {
    format!("subject {hash}")
}

/// An answer that was computed again, and what came of it.
pub fn replay(request: &str, outcome: &str) -> String {
    format!("answer of request {request}: {outcome}")
}

/// The evidence that somebody looked for.
pub fn search(looked_for: &str) -> String {
    format!("evidence {looked_for}")
}

/// The catalogue that knew the first `records` of an epoch, after a restore.
pub fn catalogue(epoch: u64, records: u64) -> String {
    format!("catalogue {epoch}-{records}")
}

/// Epoch and records of a [`catalogue`].
pub(super) fn catalogue_place(entity: &str) -> Option<(u64, u64)> {
    let (epoch, records) = entity.strip_prefix("catalogue ")?.split_once('-')?;
    Some((epoch.parse().ok()?, records.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_a_row_has_the_name_of_one() {
        for row in [
            department("gaj"),
            succession("1"),
            person("chen"),
            substitution("1"),
            account("chen"),
            key("k"),
            ticket("1"),
            api_key("1"),
            resource("301001/000001"),
            grant("1"),
            version(1, "301001/000001"),
            matter("SQ-2026-000001"),
        ] {
            assert!(is_row(&row) && is_kept(&row), "{row}");
        }
        for other in [
            limit("SQ-2026-000001"),
            proposal("301001/000001"),
            applicant("LX-2026-000001"),
            notice("LX-2026-000001"),
            letter("chen"),
            session("1"),
            subscription("1"),
            query("1"),
            unfinished("1"),
            notification("1"),
            contribution("1"),
            subject("00"),
            replay("1", "same"),
            search("resource 301001/000001"),
            catalogue(0, 12),
        ] {
            assert!(!is_row(&other) && !is_kept(&other), "{other}");
        }
        assert!(is_kept(&records(2, "301001/000001")) && !is_row(&records(2, "301001/000001")));
    }
}
