use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fixtures;

const MANY: usize = 7;

fn code(number: usize) -> ResourceCode {
    format!("301001/{number}").parse().unwrap()
}

fn made_from(number: usize, sources: &[usize]) -> Resource {
    let mut resource = fixtures::resource("scjg", code(number).as_str(), "样例").unwrap();
    resource.derived_from = sources.iter().copied().map(code).collect();
    resource
}

fn comes_back(resource: &Resource, directory: &BTreeMap<ResourceCode, Resource>) -> bool {
    let mut walk = Walk::from(resource);
    while let Some(code) = walk.next_code() {
        walk.found(directory.get(&code).iter().flat_map(|source| &source.derived_from));
    }
    walk.comes_back()
}

/// Whether rounds of removing what has no source left remove everything: then nothing goes round in circles.
fn has_no_circle(directory: &BTreeMap<ResourceCode, Resource>) -> bool {
    let mut left = directory.clone();
    loop {
        let before = left.len();
        let codes: Vec<_> = left.keys().cloned().collect();
        left.retain(|_, resource| resource.derived_from.iter().any(|source| codes.contains(source)));
        if left.len() == before {
            return left.is_empty();
        }
    }
}

proptest! {
    /// Whatever is written into a directory in whatever order, what the walk lets in never goes round, and what it keeps out would.
    #[test]
    fn the_walk_lets_in_exactly_what_does_not_go_round(
        writes in proptest::collection::vec((0..MANY, proptest::collection::vec(0..MANY, 0..4)), 1..25)
    ) {
        let mut directory = BTreeMap::new();
        for (number, sources) in writes {
            let resource = made_from(number, &sources);
            let mut after = directory.clone();
            after.insert(resource.code.clone(), resource.clone());
            prop_assert_eq!(comes_back(&resource, &directory), !has_no_circle(&after));
            if has_no_circle(&after) {
                directory = after;
            }
        }
    }
}

#[test]
fn a_walk_ends_where_others_go_round() {
    // A restore may bring what no walk would have let in.
    let directory = BTreeMap::from([(code(1), made_from(1, &[2])), (code(2), made_from(2, &[1]))]);
    assert!(!comes_back(&made_from(3, &[1]), &directory));
    assert!(comes_back(&made_from(1, &[2]), &directory));
}
