use super::*;

fn id(name: &str) -> DepartmentId {
    DepartmentId::new(name).unwrap()
}

fn code(number: u8) -> ResourceCode {
    ResourceCode::new(format!("301001/00000{number}")).unwrap()
}

fn succession(from: i64, predecessor: &str, successor: &str, resources: &[u8]) -> Succession {
    Succession {
        id: format!("{from}"),
        predecessor: id(predecessor),
        successor: id(successor),
        resources: resources.iter().map(|number| code(*number)).collect(),
        from: Timestamp(from),
        basis: "方案".to_owned(),
        state: SuccessionState::Confirmed,
        proposed_by: String::new(),
        carried_out: None,
    }
}

#[test]
fn only_what_is_confirmed_counts_and_from_its_date_on() {
    for (state, counts) in [
        (SuccessionState::Proposed, false),
        (SuccessionState::Confirmed, true),
        (SuccessionState::Cancelled, false),
    ] {
        let all = Successions::new(vec![Succession { state, ..succession(5, "a", "b", &[]) }]);
        assert_eq!(all.end_of(&id("a"), Timestamp(5)).is_some(), counts, "{state:?}");
        assert_eq!(all.heir_of(&id("a"), Timestamp(9)) == id("b"), counts, "{state:?}");
        assert_eq!(all.heir_of(&id("a"), Timestamp(4)), id("a"), "{state:?}");
        assert_eq!(all.predecessors_of(&id("b"), Timestamp(5)).contains(&id("a")), counts, "{state:?}");
    }
}

#[test]
fn a_department_that_hands_resources_over_goes_on() {
    let all = Successions::new(vec![succession(5, "a", "b", &[1])]);
    assert_eq!(all.end_of(&id("a"), Timestamp(9)), None);
    assert_eq!(all.heir_of(&id("a"), Timestamp(9)), id("a"));
    assert!(all.predecessors_of(&id("b"), Timestamp(9)).is_empty(), "it gains nothing else");
    assert_eq!(all.provider_of(&code(1), &id("a"), Timestamp(4)), id("a"));
    assert_eq!(all.provider_of(&code(1), &id("a"), Timestamp(5)), id("b"));
    assert_eq!(all.provider_of(&code(2), &id("a"), Timestamp(5)), id("a"));
    assert_eq!(all.provider_of(&code(1), &id("c"), Timestamp(5)), id("c"), "it was another's already");
}

#[test]
fn a_department_can_be_split_on_the_day_on_which_it_ends() {
    let all = Successions::new(vec![
        succession(5, "a", "c", &[]),
        succession(5, "a", "b", &[1]),
        succession(7, "b", "d", &[]),
    ]);
    assert_eq!(all.provider_of(&code(1), &id("a"), Timestamp(5)), id("b"));
    assert_eq!(all.provider_of(&code(1), &id("a"), Timestamp(7)), id("d"));
    assert_eq!(all.provider_of(&code(2), &id("a"), Timestamp(7)), id("c"));
    // What has been carried out is entered, and goes on from there.
    let done = Succession { carried_out: Some(Timestamp(6)), ..succession(5, "a", "b", &[1]) };
    let back = succession(8, "b", "a", &[1]);
    let all = Successions::new(vec![done, back]);
    assert_eq!(all.provider_of(&code(1), &id("b"), Timestamp(7)), id("b"));
    assert_eq!(all.provider_of(&code(1), &id("b"), Timestamp(8)), id("a"));
}

#[test]
fn a_succession_from_before_there_were_two_persons_counts() {
    let text = r#"{"predecessor":"a","successor":"b","from":"1970-01-01T00:00:00.000005Z","basis":"x"}"#;
    let old: Succession = serde_json::from_str(text).unwrap();
    assert_eq!(Successions::new(vec![old]).heir_of(&id("a"), Timestamp(5)), id("b"));
}
