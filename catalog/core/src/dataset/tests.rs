use super::*;
use crate::fixtures;

fn version(number: i64, published: i64) -> Version {
    fixtures::version(&ResourceCode::new("301001/000001").unwrap(), number, Timestamp(published))
}

fn announced(number: i64, published: i64, reviewed: Option<i64>) -> Version {
    let notice = Notice::new("统一编码", Some(7)).unwrap();
    let mut change = BreakingChange { notice, columns: Vec::new(), shape: String::new(), review: None };
    change.review = reviewed.map(|at| change.reviewed("reviewer", Timestamp(at)));
    Version { breaking: Some(change), ..version(number, published) }
}

fn withdrawn(version: Version, at: Timestamp) -> Version {
    let tombstone = Some(Tombstone { at, by: "steward".to_owned(), reason: "有误".to_owned() });
    Version { state: VersionState::Withdrawn, tombstone, ..version }
}

const WEEK: i64 = 7 * 86_400_000_000;

#[test]
fn versions_take_effect_in_the_order_of_their_times() {
    let follow_up = announced(4, 40, Some(20));
    let versions = [version(1, 10), announced(2, 15, Some(20)), version(3, 30), follow_up, version(5, 50)];
    let numbers = |now| in_effect(&versions, Timestamp(now)).iter().map(|one| one.number).collect::<Vec<_>>();
    let date = 20 + WEEK;
    assert_eq!(numbers(date - 1), [1, 3, 5]);
    assert_eq!(numbers(date), [1, 3, 5, 2, 4]);
    assert_eq!(latest(&versions, Timestamp(date - 1)).unwrap().number, 5);
    assert_eq!(latest(&versions, Timestamp(date)).unwrap().number, 4, "of one announcement the newest");
    assert_eq!(numbers(0), [1, 3, 5], "a clock that was set back hides nothing");
}

#[test]
fn a_change_stands_as_its_review_and_notice_say() {
    let date = Timestamp(20 + WEEK);
    let waiting = announced(2, 15, None);
    assert_eq!(waiting.standing(Timestamp(i64::MAX)), Standing::AwaitsReview);
    let reviewed = announced(2, 15, Some(20));
    assert_eq!(reviewed.standing(Timestamp(date.0 - 1)), Standing::Announced);
    assert_eq!(reviewed.standing(date), Standing::Published);
    let early = withdrawn(reviewed.clone(), Timestamp(date.0 - 1));
    assert_eq!((early.effective_from(), early.standing(date)), (None, Standing::Withdrawn));
    let late = withdrawn(reviewed, Timestamp(date.0 + 1));
    assert_eq!(late.effective_from(), Some(date), "it was the dataset's data once");
    let all = [version(1, 10), late];
    assert_eq!(latest(&all, Timestamp(i64::MAX)).unwrap().number, 1);
}

#[test]
fn a_notice_says_why_and_lasts() {
    assert_eq!(Notice::new("统一编码", None).unwrap().days, Notice::DEFAULT_DAYS);
    for (reason, days) in [(" ", None), ("x", Some(6)), ("x", Some(366))] {
        assert_eq!(Notice::new(reason, days).unwrap_err().code, ErrorCode::InvalidInput);
    }
}
