use proptest::prelude::*;

use super::*;

#[test]
fn known_codes_pass() {
    // The example of GB 11643-1999 and the code of a company that publishes it.
    let id = CitizenId::parse("11010519491231002X").unwrap();
    assert_eq!(id.region(), "110105");
    assert_eq!(id.birth_date().to_string(), "1949-12-31");
    assert!(!id.is_male());
    let code = CreditCode::parse("91110000600037341L").unwrap();
    assert_eq!(code.region(), "110000");
    assert_eq!(code.organisation(), "600037341");
    assert!(code.has_organisation_check());
}

#[test]
fn faults_are_told_apart() {
    let fault = |text| CitizenId::parse(text).unwrap_err();
    assert_eq!(fault(""), IdentityFault::Shape);
    assert_eq!(fault("11010519491231002x"), IdentityFault::Shape);
    assert_eq!(fault("１1010519491231002X"), IdentityFault::Shape);
    assert_eq!(fault("110105194912310021"), IdentityFault::Check);
    assert_eq!(fault("110105190002290021"), IdentityFault::Date);
    let fault = |text| CreditCode::parse(text).unwrap_err();
    assert_eq!(fault("91110000600037341l"), IdentityFault::Shape);
    assert_eq!(fault("9111000060003734IL"), IdentityFault::Shape);
    assert_eq!(fault("91110000600037341M"), IdentityFault::Check);
    assert_eq!(fault("911100006000373"), IdentityFault::Shape);
}

#[test]
fn an_organisation_code_is_checked_on_its_own() {
    // D2143569-X is the example of GB 11714.
    assert_eq!(organisation_check(b"D2143569"), Some(b'X'));
    assert_eq!(organisation_check(b"d2143569"), None);
}

#[test]
fn a_division_is_valid_in_its_years() {
    let division = |code: &str, name: &str, valid_from, valid_to| Division {
        code: code.into(),
        name: name.into(),
        valid_from,
        valid_to,
    };
    let table: DivisionTable =
        [division("360421", "九江县", 1949, Some(2017)), division("360404", "柴桑区", 2017, None)]
            .into_iter()
            .collect();
    assert_eq!(table.lookup("360421", 2017).unwrap().name, "九江县");
    assert!(table.lookup("360421", 2018).is_none() && table.knows("360421"));
    assert!(table.lookup("360404", 2016).is_none());
    assert!(table.lookup("360404", 2026).is_some());
    assert!(!table.knows("360499"));
    assert!(is_division_code("360404001002") && !is_division_code("3604") && !is_division_code("36040a"));
}

proptest! {
    #[test]
    fn a_computed_check_is_verified_and_no_other(
        region in 100_000u32..700_000, days in 0i64..45_000, order in 0u32..1000, place in 0usize..17, shift in 1u8..10,
    ) {
        let date = chrono::NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Duration::days(days);
        let body = format!("{region}{}{order:03}", date.format("%Y%m%d"));
        let check = citizen_check(body.as_bytes()).unwrap();
        let id = format!("{body}{}", check as char);
        let parsed = CitizenId::parse(&id).unwrap();
        prop_assert_eq!(parsed.birth_date(), date);
        prop_assert_eq!(parsed.is_male(), order % 2 == 1);
        // Every weight is prime to 11, so a single wrong digit never passes.
        let mut wrong = id.into_bytes();
        wrong[place] = b'0' + (wrong[place] - b'0' + shift) % 10;
        prop_assert!(CitizenId::parse(std::str::from_utf8(&wrong).unwrap()).is_err());
    }

    #[test]
    fn a_credit_code_with_one_wrong_character_never_passes(
        head in "[1-9A-N][1-9][1-6][0-9]{5}", organisation in "[0-9A-HJ-NPQRTUWXY]{9}", place in 0usize..17, shift in 1usize..31,
    ) {
        const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
        let head = head.replace('I', "A");
        let body = format!("{head}{organisation}");
        let code = format!("{body}{}", credit_check(body.as_bytes()).unwrap() as char);
        prop_assert!(CreditCode::parse(&code).is_ok());
        let mut wrong = code.into_bytes();
        let value = ALPHABET.iter().position(|letter| *letter == wrong[place]).unwrap();
        wrong[place] = ALPHABET[(value + shift) % 31];
        prop_assert!(CreditCode::parse(std::str::from_utf8(&wrong).unwrap()).is_err());
    }

    #[test]
    fn any_text_is_judged_without_panic(text in "\\PC{0,24}") {
        let _ = CitizenId::parse(&text);
        let _ = CreditCode::parse(&text);
        let _ = is_division_code(&text);
    }
}
