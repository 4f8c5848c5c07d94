use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::context::Channel;
use crate::matter::{Application, Provision};
use crate::time::Timestamp;

const ITEMS: [&str; 4] = ["amount", "case_no", "county", "person"];

/// Any ask of one resource.
fn ask() -> impl Strategy<Value = Ask> {
    let items = subsequence(ITEMS.to_vec(), 1..=ITEMS.len());
    let doors = subsequence(vec![Channel::Api, Channel::Sql, Channel::File], 1..=3);
    let filter = prop::option::of("[0-9]{2}");
    (items, doors, filter, prop::option::of(1_u16..3)).prop_map(|(items, doors, county, masked)| {
        let mut document = serde_json::json!({
            "resource": "301001/000001", "items": items, "doors": doors,
            "filter": county.map(|county| serde_json::json!({"=": ["county", county]})),
        });
        if let Some(count) = masked
            && items.contains(&"person")
        {
            document["masks"] = serde_json::json!({"person": {"mask": "keep_first", "count": count}});
        }
        serde_json::from_value(document).unwrap()
    })
}

/// The same without what another lacks, where anything is left.
fn within(asked: &Ask, other: &Ask) -> Option<Ask> {
    let mut ask = other.clone();
    ask.items.retain(|item| asked.items.contains(item));
    ask.doors = ask.doors.intersection(&asked.doors).copied().collect();
    ask.masks.retain(|item, mask| {
        asked.items.contains(item)
            && ask.items.contains(item)
            && asked.masks.get(item).is_none_or(|old| old == mask)
    });
    (!ask.items.is_empty() && !ask.doors.is_empty()).then_some(ask)
}

fn part(asked: &Ask, proposed: Option<Vec<Ask>>) -> Provision {
    let application = Application {
        asks: vec![asked.clone()],
        purpose: "办案".to_owned(),
        legal_basis: "法".to_owned(),
        valid_until: Timestamp(0),
        calls_per_day: None,
        rows_per_day: None,
        renews: None,
    };
    Provision { application, sensitive: true, proposed }
}

/// Each condition that a filter demands.
fn conditions(filter: Option<&Filter>) -> Vec<&Filter> {
    match filter {
        None => Vec::new(),
        Some(Filter::And(parts)) => parts.iter().flat_map(|part| conditions(Some(part))).collect(),
        Some(one) => vec![one],
    }
}

proptest! {
    /// What a second person grants of a proposal is what was proposed, or less of it; never what only one of both has seen.
    #[test]
    fn nothing_is_granted_that_was_not_proposed(asked in ask(), first in ask(), second in ask()) {
        let Some(built) = within(&asked, &first) else { return Ok(()) };
        let proposed = narrowed(std::slice::from_ref(&asked), &[built]).unwrap();
        let part = part(&asked, Some(proposed.clone()));
        prop_assert_eq!(part.on_the_table(State::Confirming), proposed.as_slice());
        prop_assert_eq!(part.on_the_table(State::Proposing), std::slice::from_ref(&asked));

        // The form begins with it, without the rows, which stay: sent as it is, it is the proposal.
        let begun = Ask { filter: None, ..proposed[0].clone() };
        prop_assert_eq!(&narrowed(&proposed, &[begun]).unwrap(), &proposed);
        prop_assert_eq!(&narrowed(&proposed, &proposed).unwrap(), &proposed);

        // Whatever else is sent gives less, or is refused.
        if let Ok(granted) = narrowed(&proposed, std::slice::from_ref(&second)) {
            let (granted, proposed) = (&granted[0], &proposed[0]);
            let items: BTreeSet<_> = proposed.items.iter().collect();
            prop_assert!(granted.items.iter().all(|item| items.contains(item)));
            prop_assert!(granted.doors.is_subset(&proposed.doors));
            for (item, mask) in proposed.masks.iter().filter(|(item, _)| granted.items.contains(item)) {
                prop_assert_eq!(granted.masks.get(item), Some(mask));
            }
            let demanded = conditions(granted.filter.as_ref());
            let kept = |condition: &&Filter| demanded.contains(condition);
            prop_assert!(conditions(proposed.filter.as_ref()).iter().all(kept));
        }
    }

    /// Only a proposal that leaves something out keeps what was asked from being granted as it was.
    #[test]
    fn a_proposal_of_all_is_no_narrowing(asked in ask()) {
        let mut turned = asked.clone();
        turned.items.reverse();
        let all = narrowed(std::slice::from_ref(&asked), &[turned]).unwrap();
        prop_assert!(!part(&asked, Some(all)).is_narrowed(State::Confirming));
        prop_assert!(!part(&asked, None).is_narrowed(State::Confirming));
        if asked.items.len() > 1 {
            let mut less = asked.clone();
            let gone = less.items.remove(0);
            less.masks.remove(&gone);
            let less = narrowed(std::slice::from_ref(&asked), &[less]).unwrap();
            prop_assert!(part(&asked, Some(less)).is_narrowed(State::Confirming));
        }
    }
}
