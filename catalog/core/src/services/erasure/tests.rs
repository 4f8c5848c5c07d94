use super::*;
use crate::dataset::{RecordAct, Tombstone};
use crate::fixtures;
use crate::ids::ResourceCode;
use crate::time::Timestamp;

fn code() -> ResourceCode {
    ResourceCode::new("301001/000001").unwrap()
}

/// Of the items `number` and `part`.
fn stored() -> Resource {
    let mut resource = fixtures::resource("scjg", code().as_str(), "样例").unwrap();
    resource.items.push(fixtures::item("部分", "part").unwrap());
    resource
}

fn act(act: RecordAct, id: &str, at: i64, column: &str, keys: &[&str]) -> RecordWithdrawal {
    RecordWithdrawal {
        id: id.to_owned(),
        resource: code(),
        act,
        columns: vec![ColumnName::new(column).unwrap()],
        again: None,
        keys: keys.iter().map(|key| vec![(*key).to_owned()]).collect(),
        tombstone: Tombstone {
            at: Timestamp(at), by: "steward".to_owned(), reason: "信用修复".to_owned()
        },
    }
}

fn withdrawal(id: &str, at: i64, keys: &[&str]) -> RecordWithdrawal {
    act(RecordAct::Withdraw, id, at, "number", keys)
}

/// A whole delivery, whose making began at that time.
fn version(number: i64, at: i64) -> Version {
    fixtures::version(&code(), number, Timestamp(at))
}

/// The keys that are due in a version, and the act through which it is done then.
fn due(
    acts: &[RecordWithdrawal],
    over: usize,
    version: &Version,
    versions: &[Version],
) -> (Vec<String>, String) {
    let found = erasure(&stored(), acts, over, version, versions).unwrap().unwrap();
    let text = |values: &Vec<TypedLiteral>| match values.as_slice() {
        [TypedLiteral::Text(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    (found.records.values().flatten().map(text).collect(), found.through)
}

#[test]
fn only_what_acts_hide_whose_time_is_over_is_erased() {
    let one = version(1, 10);
    let acts = [withdrawal("a", 20, &["A", "B"]), withdrawal("b", 30, &["C"])];
    let versions = std::slice::from_ref(&one);
    assert_eq!(due(&acts, 1, &one, versions), (vec!["A".to_owned(), "B".to_owned()], "a".to_owned()));
    assert_eq!(due(&acts, 2, &one, versions).0, ["A", "B", "C"]);
    // Said again meanwhile: it waits for the later act.
    let acts = [withdrawal("a", 20, &["A", "B"]), withdrawal("b", 30, &["B"])];
    assert_eq!(due(&acts, 1, &one, versions).0, ["A"]);
    assert_eq!(due(&acts, 2, &one, versions).0, ["A", "B"]);
}

#[test]
fn what_was_delivered_after_a_reinstatement_stays() {
    let mut appended = version(3, 50);
    appended.based_on = Some(1);
    let versions = [version(1, 10), version(2, 40), appended];
    let acts = [
        withdrawal("a", 20, &["A", "B"]),
        // Not over itself: what it shows again counts at once.
        act(RecordAct::Reinstate, "b", 30, "number", &["A"]),
    ];
    assert_eq!(due(&acts, 1, &versions[0], &versions).0, ["A", "B"]);
    assert_eq!(due(&acts, 1, &versions[1], &versions), (vec!["B".to_owned()], "a".to_owned()));
    assert_eq!(due(&acts, 1, &versions[2], &versions).0, ["A", "B"], "it goes back to the first delivery");
}

#[test]
fn a_closed_version_waits_until_the_withdrawal_is_said_by_its_columns() {
    let one = version(1, 10);
    let versions = std::slice::from_ref(&one);
    let mut acts = vec![act(RecordAct::Withdraw, "a", 20, "old_number", &["A"])];
    assert_eq!(erasure(&stored(), &acts, 1, &one, versions).unwrap(), None);
    let again = RecordWithdrawal { again: Some("a".to_owned()), ..withdrawal("b", 30, &["X"]) };
    acts.push(again);
    assert_eq!(due(&acts, 1, &one, versions), (Vec::new(), "a".to_owned()));
    assert_eq!(due(&acts, 2, &one, versions), (vec!["X".to_owned()], "b".to_owned()));
}
