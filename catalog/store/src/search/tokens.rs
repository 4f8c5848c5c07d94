//! The tokenizer of both indexes.
//!
//! Text is normalised (NFKC, lower case) and cut into runs of letters and digits. A run of Chinese characters becomes
//! its overlapping pairs and its last character: 人口库 is 人口, 口库, 库. So every character begins a token, and a query of one
//! character is a prefix search. Any other run is one word.

use unicode_normalization::UnicodeNormalization;

/// Longest word in characters; what follows is cut off in index and query alike.
const MAX_WORD: usize = 64;

/// Most different tokens of one field; a PostgreSQL vector has at most 1 MB.
const MAX_WORDS: usize = 10_000;

/// Most tokens of a query.
const MAX_QUERY: usize = 64;

/// One token of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Letters and digits only.
    pub(super) text: String,
    /// Whether any token that begins so will do.
    pub(super) prefix: bool,
}

/// The different tokens of some texts, in the order of their first occurrence.
pub(super) fn index_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut words = Vec::new();
    for text in texts {
        for run in runs(text) {
            words.extend(pairs(&run, true).into_iter().filter(|word| seen.insert(word.clone())));
        }
    }
    words.truncate(MAX_WORDS);
    words
}

/// The tokens of a query; all must occur. `None` if the query has text but nothing to look for.
pub(super) fn query_tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    for run in runs(text) {
        let prefix = run.cjk && run.text.len() == 1;
        for text in pairs(&run, false) {
            let token = Token { text, prefix };
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
    }
    tokens.truncate(MAX_QUERY);
    (!tokens.is_empty() || text.trim().is_empty()).then_some(tokens)
}

/// Characters of one kind without a gap.
struct Run {
    text: Vec<char>,
    cjk: bool,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut gap = true;
    for letter in text.nfkc().flat_map(char::to_lowercase) {
        if !letter.is_alphanumeric() {
            gap = true;
            continue;
        }
        let cjk = is_cjk(letter);
        match runs.last_mut().filter(|run| !gap && run.cjk == cjk) {
            Some(run) => run.text.push(letter),
            None => runs.push(Run { text: vec![letter], cjk }),
        }
        gap = false;
    }
    runs
}

/// The tokens of a run; `last` adds the last character, which an index needs and a query does not.
fn pairs(run: &Run, last: bool) -> Vec<String> {
    if !run.cjk {
        return vec![run.text.iter().take(MAX_WORD).collect()];
    }
    let mut tokens: Vec<String> = run.text.windows(2).map(String::from_iter).collect();
    if last || tokens.is_empty() {
        tokens.extend(run.text.last().map(char::to_string));
    }
    tokens
}

/// Scripts written without spaces: Han, kana, hangul.
fn is_cjk(letter: char) -> bool {
    matches!(letter,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
