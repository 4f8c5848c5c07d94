use std::fmt::Write;

use super::*;

/// Every state with every step: what is not in the table is illegal.
const TABLE: &str = "\
Draft Edit Draft
Draft SubmitRegistration RegistrationReview
Draft Withdraw Withdrawn
RegistrationReview ApproveRegistration Registered
RegistrationReview Return Returned
RegistrationReview Reject Rejected
RegistrationReview Withdraw Withdrawn
Registered Edit Draft
Registered SubmitPublication PublicationReview
Registered Withdraw Withdrawn
PublicationReview ApprovePublication Published
PublicationReview Return Returned
PublicationReview Reject Rejected
PublicationReview Withdraw Withdrawn
Published Edit Draft
Published Withdraw Withdrawn
Returned Edit Draft
Returned Withdraw Withdrawn
Rejected Edit Draft
Rejected Withdraw Withdrawn
Withdrawn Edit Draft
";

#[test]
fn the_whole_life_cycle_is_this_table() {
    let mut table = String::new();
    for state in LifecycleState::ALL {
        for step in LifecycleStep::ALL {
            if let Some(next) = state.after(step) {
                writeln!(table, "{state:?} {step:?} {next:?}").unwrap();
            }
        }
    }
    assert_eq!(table, TABLE);
}

#[test]
fn only_the_authors_steps_need_no_reviewer() {
    let own: Vec<_> = LifecycleStep::ALL.into_iter().filter(|step| !step.is_review()).collect();
    assert_eq!(
        own,
        [LifecycleStep::Edit, LifecycleStep::SubmitRegistration, LifecycleStep::SubmitPublication]
    );
}

#[test]
fn nothing_is_published_without_two_reviews() {
    let reviews_to = |path: &[LifecycleStep]| path.iter().filter(|step| step.is_review()).count();
    let mut paths = vec![(LifecycleState::Draft, Vec::new())];
    for _ in 0..6 {
        let longer = |(state, path): &(LifecycleState, Vec<LifecycleStep>)| {
            let (state, path) = (*state, path.clone());
            LifecycleStep::ALL.into_iter().filter_map(move |step| {
                let mut path = path.clone();
                path.push(step);
                state.after(step).map(|next| (next, path))
            })
        };
        paths = paths.iter().flat_map(longer).collect();
        let published = paths.iter().filter(|(state, _)| *state == LifecycleState::Published);
        published.for_each(|(_, path)| assert!(reviews_to(path) >= 2, "{path:?}"));
    }
}
