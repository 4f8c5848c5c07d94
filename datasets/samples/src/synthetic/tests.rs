//! Codes of nobody; uniqueness beyond the size that a test can generate.

use super::*;

#[test]
fn real_codes_are_not_synthetic() {
    for code in ["11010519491231002X", "91110000600037341L", "", "99", "99000019900101001x9"] {
        assert!(!is_synthetic(code), "{code}");
    }
}

#[test]
fn entities_have_codes_of_their_own_with_both_check_characters() {
    let codes: std::collections::HashSet<Code18> =
        (0..100_000).map(|entity| credit_code(entity * 167, *b"91", "360481")).collect();
    assert_eq!(codes.len(), 100_000);
    for code in codes {
        assert!(CreditCode::parse(code.as_str()).is_ok_and(CreditCode::has_organisation_check), "{code}");
        assert_eq!(&code.as_str()[2..8], "990481");
    }
}

#[test]
fn every_slot_is_used_once_before_any_is_used_again() {
    let mut seen = vec![false; SLOTS as usize];
    for person in 0..SLOTS {
        let (slot, _) = slot(person);
        assert!(!std::mem::replace(&mut seen[slot as usize], true), "{person}");
    }
}

#[test]
fn people_who_share_a_slot_never_share_a_birth_date() {
    for place in [0, 1, 77_777, SLOTS - 1] {
        let turns = (0..DATE_CLASSES).map(|turn| place + turn * SLOTS);
        let mut classes: Vec<i32> = turns.map(|person| birth_date(person, 10_000).rem_euclid(32)).collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(classes.len() as u64, DATE_CLASSES);
    }
}

#[test]
fn a_birth_date_is_moved_by_less_than_a_month_and_never_forward() {
    for person in 0..10_000 {
        let moved = 9_000 - birth_date(person, 9_000);
        assert!((0..32).contains(&moved), "{person} {moved}");
    }
}
