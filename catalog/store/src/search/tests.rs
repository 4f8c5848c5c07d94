use proptest::prelude::*;

use super::tokens::{Token, index_words, query_tokens};

fn index(text: &str) -> Vec<String> {
    index_words([text])
}

#[test]
fn chinese_becomes_pairs_and_a_last_character() {
    assert_eq!(index("人口库"), ["人口", "口库", "库"]);
    assert_eq!(index("人"), ["人"]);
    assert_eq!(index("人口，人口"), ["人口", "口"]);
    assert_eq!(index("ＧＢ11643 号Ａ证"), ["gb11643", "号", "a", "证"]);
    assert_eq!(index("  ,。"), [""; 0]);
}

#[test]
fn a_query_of_one_character_is_a_prefix() {
    let token = |text: &str, prefix| Token { text: text.to_owned(), prefix };
    assert_eq!(
        query_tokens("人口库 GB"),
        Some(vec![token("人口", false), token("口库", false), token("gb", false)])
    );
    assert_eq!(query_tokens("库"), Some(vec![token("库", true)]));
    assert_eq!(query_tokens(" "), Some(vec![]), "no text matches everything");
    assert_eq!(query_tokens("。"), None, "text without a word matches nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is quoted in both query languages holds letters and digits only, so it can't end a quotation.
    #[test]
    fn tokens_are_letters_and_digits(text in "\\PC*|[人口库ａA1'\"\\\\*:&| ]{0,40}") {
        let words = index(&text);
        let query = query_tokens(&text).unwrap_or_default();
        for word in words.iter().chain(query.iter().map(|token| &token.text)) {
            prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric), "{word:?}");
        }
    }

    /// A text is found by any part of it that begins and ends with whole words.
    #[test]
    fn a_text_contains_its_own_query(text in "[人口库信息A1b ]{0,30}", from in 0..30usize, to in 0..30usize) {
        let chinese: Vec<char> = text.chars().filter(|letter| !letter.is_ascii()).collect();
        let part: String = chinese.iter().take(to).skip(from).collect();
        let words = index(&chinese.iter().collect::<String>());
        for token in query_tokens(&part).unwrap_or_default() {
            let found = words.iter().any(|word| *word == token.text || token.prefix && word.starts_with(&token.text));
            prop_assert!(found, "{token:?} of {part:?} in {words:?}");
        }
    }
}
