use proptest::prelude::*;

use super::*;

fn read(text: &str, takes_words: bool) -> Result<Asked, Wrong> {
    let mut asked = Asked::default();
    asked.and(text, takes_words).map(|()| asked)
}

/// Conditions as `organization=a|organization!=b`, one list a text.
fn conditions(text: &str) -> Vec<String> {
    let asked = read(text, false).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
    let one = |condition: &Condition| {
        let sign = if condition.negated { "!=" } else { "=" };
        format!("{:?}{sign}{}", condition.field, condition.value)
    };
    asked.conditions.iter().map(|list| list.iter().map(one).collect::<Vec<_>>().join("|")).collect()
}

#[test]
fn filters_are_conditions() {
    for (text, expected) in [
        ("", vec![]),
        ("*:*", vec![]),
        ("organization:scjg", vec!["Department=scjg"]),
        ("+organization:scjg +groups:301", vec!["Department=scjg", "Classification=301"]),
        ("organization:\"scjg\" AND tags:\"企业 登记\"", vec!["Department=scjg", "Keyword=企业 登记"]),
        ("-organization:scjg NOT tags:a", vec!["Department!=scjg", "Keyword!=a"]),
        (
            "organization:a OR organization:b groups:301",
            vec!["Department=a|Department=b", "Classification=301"],
        ),
        ("(tags:a OR tags:\"b\") AND license_id:CC0-1.0", vec!["Keyword=a|Keyword=b", "Licence=CC0-1.0"]),
        ("tags:(a OR \"b c\" OR d)", vec!["Keyword=a|Keyword=b c|Keyword=d"]),
        ("-tags:(a OR b)", vec!["Keyword!=a", "Keyword!=b"]),
        ("name:301001-000001", vec!["Code=301001/000001"]),
        ("id:x", vec!["Code=x"]),
        ("groups:3", vec!["Classification=none"]),
        ("+dataset_type:dataset +state:active", vec!["Classification=", "Classification="]),
        ("dataset_type:harvest", vec!["Classification!="]),
        ("tags:a\\:b\\\"", vec!["Keyword=a:b\""]),
        ("tags:2026-01-31T08:00:00Z", vec!["Keyword=2026-01-31T08:00:00Z"]),
    ] {
        assert_eq!(conditions(text), expected, "{text}");
    }
}

#[test]
fn words_are_for_q_and_ranges_for_the_time_of_change() {
    let asked = read("人口 organization:gaj \"AND\" 2026", true).unwrap();
    assert_eq!(asked.words, ["人口", "AND", "2026"]);
    assert_eq!(asked.conditions.len(), 1);
    let asked = read("metadata_modified:[2026-01-31T08:00:00.5Z TO *] tags:a", false).unwrap();
    let from = Timestamp::parse("2026-01-31T08:00:00.5Z").unwrap();
    assert_eq!(asked.modified, Some((from, Timestamp(i64::MAX))));
    let mut asked = read("metadata_modified:[* TO 2026-01-31T08:00:00]", false).unwrap();
    asked.and("metadata_modified:[2026-01-30T00:00:00Z TO *]", false).unwrap();
    let (from, until) = asked.modified.unwrap();
    assert_eq!(
        (from.to_string().as_str(), until.to_string().as_str()),
        ("2026-01-30T00:00:00Z", "2026-01-31T08:00:00Z")
    );
}

#[test]
fn what_is_not_understood_is_an_error() {
    for text in [
        "人口",
        "title:x",
        "res_format:CSV",
        "tags:",
        "tags:*",
        "tags:a*",
        "tags:a~2",
        "tags:a^2",
        "tags:\"a",
        "tags:(a OR",
        "tags:(a b)",
        "tags:(a AND b)",
        "tags:(OR a)",
        "(a)",
        "(tags:a OR (tags:b))",
        "tags:a)",
        "tags:a OR",
        "OR tags:a",
        "AND",
        "tags:a AND OR tags:b",
        "tags:a AND tags:b OR tags:c",
        "-",
        "tags:a OR -tags:(b OR c)",
        "tags:[a TO b]",
        "metadata_modified:[x TO *]",
        "metadata_modified:[NOW-1DAY TO *]",
        "metadata_modified:{* TO *}",
        "-metadata_modified:[* TO *]",
        "metadata_modified:2026",
        "{!func}x",
        "_query_:\"x\"",
    ] {
        assert!(read(text, false).is_err(), "{text}: {:?}", read(text, false));
    }
    for text in ["a OR b", "-a", "\"a b\"", "人口*", "(a)"] {
        assert!(read(text, true).is_err(), "{text}");
    }
    assert!(read(&"tags:a ".repeat(101), false).is_err());
    assert!(read(&"x".repeat(4_001), true).is_err());
    assert!(read(&"(".repeat(4_000), false).is_err());
    assert!(read(&"+".repeat(4_000), false).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any text is read or refused.
    #[test]
    fn no_text_panics(text in "(tags|organization|metadata_modified|AND|OR|NOT|TO|[ :()\\[\\]{}\"\\\\+*!~a人-]){0,40}") {
        let _ = read(&text, false);
        let _ = read(&text, true);
    }
}
