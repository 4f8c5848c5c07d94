use std::collections::{BTreeSet, HashSet};

use catalog_core::directory::Level;
use proptest::prelude::*;

use super::*;

fn file() -> &'static [(String, String)] {
    static FILE: LazyLock<Vec<(String, String)>> =
        LazyLock::new(|| entries(include_str!("../../words/zh_CN.po")));
    &FILE
}

fn places(text: &Text) -> Vec<usize> {
    let place = |part: &Part| match part {
        Part::Words(_) => None,
        Part::Value(number, _) => Some(*number),
    };
    text.0.iter().filter_map(place).collect()
}

fn in_english(text: &Text, values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(String::as_str).enumerate().collect();
    text.filled(&values, (Language::English, &[]), 0)
}

#[test]
fn both_texts_of_a_message_have_the_same_places() {
    let mut seen = HashSet::new();
    for (english, chinese) in file() {
        let (from, to) = (Text::of(english), Text::of(chinese));
        let numbers = |text: &Text| places(text).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(numbers(&from), numbers(&to), "{english}");
        assert!(
            places(&from).is_empty() || Pattern::of(&from).is_some(),
            "its values can't be told apart: {english}"
        );
        assert!(seen.insert(english.clone()), "it stands twice: {english}");
        let is_written = chinese.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
        // Words of SQL and of formats are the same in both.
        let is_a_name = chinese.starts_with(' ') || chinese == "FeatureCollection";
        assert!(is_written || is_a_name, "{chinese}");
    }
    assert!(seen.len() > 1000, "{}", seen.len());
}

#[test]
fn a_message_is_told_in_the_language_of_the_page() {
    let chinese = |text| told(text, Language::Chinese).into_owned();
    assert_eq!(chinese("matter 2026-0007 does not exist"), "没有办件 2026-0007");
    assert_eq!(chinese("version 3 of 301001/000001 awaits no review"), "301001/000001 第 3 版不在待审核状态");
    assert_eq!(chinese("something that nobody has said"), "something that nobody has said");
    assert_eq!(
        chinese("deciding on grants 授权 needs one of the roles 审批人"),
        "授权须由下列角色之一办理：审批人",
    );
    assert_eq!(
        chinese("the session is not accepted: it is not known here, or it is over: sign in again"),
        "登录状态无效：本平台没有登记，或者已经过期，请重新登录",
    );
    let english = |text| told(text, Language::English).into_owned();
    assert_eq!(english("“催办”只能进行一次"), "“催办” is possible once");
    assert_eq!(english("matter 7 does not exist"), "matter 7 does not exist");
    assert_eq!(english("这一步由申请人完成"), "who applied takes this step");
    assert_eq!(
        english("您已参与此事项的前序步骤，这一步须由另一人完成（双人复核）"),
        "you took part in an earlier step of this matter: another person takes this one (four eyes)",
    );
}

#[test]
fn departments_are_called_by_their_names() {
    let departments = [Department {
        id: "gaj".parse().unwrap(),
        name: "示例市公安局".to_owned(),
        credit_code: "113604000000000001".to_owned(),
        level: Level::City,
        parent: None,
        division_code: "360400".to_owned(),
    }];
    let message = "no grant lets you read 101001/000001 人口 through the SQL door; apply to its provider `gaj`, \
                   naming items, rows, purpose and legal basis";
    let chinese = told_naming(message, (Language::Chinese, &departments));
    assert!(chinese.contains("请向提供部门“示例市公安局”申请"), "{chinese}");
    let english = told_naming(message, (Language::English, &departments));
    assert!(english.contains("apply to its provider `示例市公安局`, naming"), "{english}");
    // Who knows no names, and what is no department's.
    assert!(told(message, Language::Chinese).contains("“gaj”"));
    let other = "there is no table gaj.x; tables are called department.name";
    assert!(told_naming(other, (Language::Chinese, &departments)).contains("gaj.x"));
}

#[test]
fn what_is_wider_than_it_may_be_is_told_with_its_bound() {
    for (what, expected) in [
        ("a resource twice", "同一数据资源出现两次"),
        ("an item", "信息项"),
        ("a door", "使用方式"),
        ("another mask of an item", "脱敏方式"),
    ] {
        let message = format!("301001/000001: {what} beyond what was asked or proposed can't be granted");
        let expected = format!("301001/000001：不能授予超出申请或者初审拟定范围的内容（{expected}）");
        assert_eq!(told(&message, Language::Chinese), expected);
    }
}

/// One thing has one name, on pages and in messages, and it is the one that offices use.
#[test]
fn messages_use_the_words_of_pages() {
    for (english, chinese) in file() {
        let strange = ["渠道", "四眼"].iter().find(|word| chinese.contains(*word));
        assert!(strange.is_none(), "{english}: {chinese}");
    }
}

#[test]
fn a_message_that_can_be_read_in_two_ways_stays_as_it_came() {
    let text = "`a` is a name of b at c at d: rename one first";
    assert_eq!(told(text, Language::Chinese), text);
    assert_eq!(
        told("`a` is a name of b at c: rename one first", Language::Chinese),
        "“a”与 c 的 b 重名，请先改名"
    );
}

#[test]
fn values_are_not_read_as_messages_or_places() {
    let hostile = "{1} {2!} {} no grant";
    let text = format!("resource {hostile} does not exist");
    assert_eq!(told(&text, Language::Chinese), format!("没有数据资源 {hostile}"));
    let text = "no column `it was revoked` of it";
    assert_eq!(told(text, Language::Chinese), text);
    assert_eq!(
        told("department it was revoked does not exist", Language::Chinese),
        "没有部门 it was revoked"
    );
}

#[test]
fn a_long_text_takes_its_length_of_time() {
    // Each pattern looks for what stands between its values; one that goes back would outlast every runner's patience.
    let text = format!("`{}: rename one first", "` is a name of at  at : ".repeat(500_000));
    assert_eq!(told(&text, Language::Chinese), text);
}

#[test]
fn a_file_is_read_as_gettext_reads_it() {
    let file = "# a remark\nmsgid \"\"\nmsgstr \"Language: zh_CN\\n\"\n\n#: a.rs\nmsgid \"\"\n\"a \\\"b\\\" \"\n\"c\\\\\"\nmsgstr \"甲\"\n\nmsgid \"open\"\nmsgstr \"\"\n";
    assert_eq!(entries(file), [("a \"b\" c\\".to_owned(), "甲".to_owned())]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Braces, quotes, Chinese, and pieces of other messages: a message is told with all of its values, or stays as it came.
    #[test]
    fn any_values_come_through_unharmed(
        which in any::<prop::sample::Index>(),
        value in prop::collection::vec("([{}!`“”\"'\\\\:;, ]|[0-9]|数据|does not exist|`|is|at|of){0,12}|\\PC{0,40}", 6),
    ) {
        let file = file();
        let (english, chinese) = &file[which.index(file.len())];
        let (from, to) = (Text::of(english), Text::of(chinese));
        let text = in_english(&from, &value);
        let shown = told(&text, Language::Chinese);
        if shown == text.as_str() {
            return Ok(());
        }
        // Another message may have more of its words in these values; it then shows them in what it has as values.
        let values: Vec<_> = value.iter().map(String::as_str).enumerate().collect();
        let expected = to.filled(&values, (Language::Chinese, &[]), DEEPEST);
        let is_other = file.iter().any(|(other, _)| {
            other != english
                && Pattern::of(&Text::of(other)).is_some_and(|pattern| !matches!(pattern.values(&text), Found::Nothing))
        });
        prop_assert!(shown == expected.as_str() || is_other, "{text} -> {shown}, not {expected}");
    }

    /// What holds none of the words of messages is told, however long it is.
    #[test]
    fn a_message_with_quiet_values_is_always_told(
        which in any::<prop::sample::Index>(),
        value in "[甲乙丙{}\"“”]{1,8}",
        times in prop::sample::select(vec![1_usize, 3, 2000]),
    ) {
        let file = file();
        let (english, chinese) = &file[which.index(file.len())];
        let value = value.repeat(times);
        let values: Vec<_> = (0..6).map(|_| value.clone()).collect();
        let text = in_english(&Text::of(english), &values);
        let shown = told(&text, Language::Chinese);
        let numbered: Vec<_> = values.iter().map(String::as_str).enumerate().collect();
        let expected = Text::of(chinese).filled(&numbered, (Language::Chinese, &[]), DEEPEST);
        let brackets = english.contains('“');
        prop_assert!(shown == expected.as_str() || brackets, "{shown}, not {expected}");
    }
}
