use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::directory::rules::tests::sample;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const PEOPLE: [&str; 3] = ["甲", "乙", "丙"];

/// A step that was taken, and by whom.
type Deed = (LifecycleStep, &'static str);

/// Tries one step; answers whether it was taken.
fn tried(entry: &mut Entry, (step, by): Deed) -> Result<()> {
    let before = entry.clone();
    let result = match step {
        LifecycleStep::Edit => entry.edit(sample(), by, NOW),
        _ => entry.advance(step, by, Some("理由".to_owned()), NOW),
    };
    match &result {
        Ok(()) => assert_eq!(entry.revision, before.revision + 1),
        Err(_) => assert_eq!(*entry, before, "a refused step changes nothing"),
    }
    result
}

/// Whether `by` has edited since the last publication, read from the history alone.
fn has_edited(history: &[Deed], by: &str) -> bool {
    let since = history.iter().rev().take_while(|(step, _)| *step != LifecycleStep::ApprovePublication);
    since.into_iter().any(|deed| *deed == (LifecycleStep::Edit, by))
}

/// Takes the deed if it may be taken, and checks the verdict against the history.
fn checked(entry: &mut Entry, history: &mut Vec<Deed>, deed: Deed) {
    let (step, by) = deed;
    match tried(entry, deed) {
        Ok(()) => {
            assert!(!step.is_review() || !has_edited(history, by), "{by} reviews: {history:?}");
            history.push(deed);
        }
        Err(error) if error.code == ErrorCode::Forbidden => {
            assert!(step.is_review());
            assert!(history.contains(&(LifecycleStep::Edit, by)), "{by} never edited: {history:?}");
        }
        Err(error) => assert_eq!(error.code, ErrorCode::IllegalState),
    }
}

/// Tries every sequence of so many deeds.
fn all_sequences(entry: &Entry, history: &[Deed], depth: u8) {
    for step in LifecycleStep::ALL {
        for by in PEOPLE {
            let (mut entry, mut history) = (entry.clone(), history.to_vec());
            let before = history.len();
            checked(&mut entry, &mut history, (step, by));
            if depth > 1 && history.len() > before {
                all_sequences(&entry, &history, depth - 1);
            }
        }
    }
}

#[test]
fn nobody_reviews_what_they_wrote_in_any_short_sequence() {
    all_sequences(&Entry::new(sample(), "甲", NOW), &[(LifecycleStep::Edit, "甲")], 5);
}

#[test]
fn the_first_author_stays_an_author_when_another_edits() {
    let mut entry = Entry::new(sample(), "甲", NOW);
    entry.edit(sample(), "乙", NOW).unwrap();
    entry.advance(LifecycleStep::SubmitRegistration, "乙", None, NOW).unwrap();
    for author in ["甲", "乙"] {
        let refused = entry.advance(LifecycleStep::ApproveRegistration, author, None, NOW);
        assert_eq!(refused.unwrap_err().code, ErrorCode::Forbidden);
    }
    entry.advance(LifecycleStep::ApproveRegistration, "丙", None, NOW).unwrap();
}

#[test]
fn a_publication_ends_the_list_of_its_authors() {
    use LifecycleStep as Step;
    let mut entry = Entry::new(sample(), "甲", NOW);
    for (step, by) in [
        (Step::SubmitRegistration, "甲"),
        (Step::ApproveRegistration, "乙"),
        (Step::SubmitPublication, "甲"),
        (Step::ApprovePublication, "乙"),
    ] {
        entry.advance(step, by, None, NOW).unwrap();
    }
    let own = entry.advance(Step::Withdraw, "甲", Some("理由".to_owned()), NOW).unwrap_err();
    assert_eq!(own.code, ErrorCode::Forbidden, "nor does an author withdraw alone what they wrote");
    entry.edit(sample(), "乙", NOW).unwrap();
    entry.advance(Step::SubmitRegistration, "乙", None, NOW).unwrap();
    entry.advance(Step::ApproveRegistration, "甲", None, NOW).unwrap();
}

#[test]
fn a_return_says_why() {
    let mut entry = Entry::new(sample(), "甲", NOW);
    entry.advance(LifecycleStep::SubmitRegistration, "甲", None, NOW).unwrap();
    for remark in [None, Some(" ".to_owned())] {
        let refused = entry.advance(LifecycleStep::Return, "乙", remark, NOW).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidInput);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Long sequences, with several publications in them.
    #[test]
    fn nobody_reviews_what_they_wrote(
        choices in proptest::collection::vec((any::<prop::sample::Index>(), select(PEOPLE.to_vec())), 1..80)
    ) {
        let mut entry = Entry::new(sample(), "甲", NOW);
        let mut history = vec![(LifecycleStep::Edit, "甲")];
        for (choice, by) in choices {
            let possible: Vec<_> =
                LifecycleStep::ALL.into_iter().filter(|step| entry.state.after(*step).is_some()).collect();
            checked(&mut entry, &mut history, (*choice.get(&possible), by));
        }
    }
}
