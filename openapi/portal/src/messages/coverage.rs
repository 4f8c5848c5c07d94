//! Every message of the sources is in the catalogue.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::is_known;

/// What is said to people at pages is written in these.
const SOURCES: [&str; 9] = [
    "catalog/core/src",
    "catalog/sheet/src",
    "catalog/store/src",
    "datasets/ingest/src",
    "datasets/store/src",
    "exchange/auth/src",
    "exchange/query/src",
    "openapi/http/src",
    "openapi/contract/src",
];

/// What nobody at a page meets: doors of programs with formats of their own, letters, logs, and files of operators.
const ELSEWHERE: &[&str] = &[
    "catalog/core/src/evidence/",
    "catalog/core/src/fixtures",
    "catalog/core/src/services/restoring",
    "catalog/store/src/conformance",
    "catalog/store/src/migration.rs",
    "catalog/store/src/search",
    "catalog/store/src/snapshot.rs",
    "catalog/store/src/store.rs",
    "datasets/store/src/",
    "openapi/http/src/downloads/bundle/readme.rs",
    "exchange/auth/src/key_file.rs",
    "exchange/auth/src/signature",
    "exchange/auth/src/fields.rs",
    "exchange/auth/src/jwk.rs",
    "exchange/auth/src/request.rs",
    "exchange/auth/src/response.rs",
    "exchange/auth/src/content_digest.rs",
    "exchange/query/src/barrier.rs",
    "exchange/query/src/chart.rs",
    "exchange/query/src/information.rs",
    "exchange/query/src/secrecy/text.rs",
    "exchange/query/src/step.rs",
    "exchange/query/src/table/",
    // Says everything in both languages itself, as pages do.
    "openapi/http/src/ogc/pages.rs",
    "openapi/http/src/ckan",
    "openapi/http/src/delta",
    "openapi/http/src/document",
    "openapi/http/src/ogc/document.rs",
    "openapi/http/src/ogc/metadata.rs",
    "openapi/http/src/ogc/features.rs",
    "openapi/http/src/courier.rs",
    "openapi/http/src/corrections.rs",
    "openapi/http/src/patience.rs",
    "openapi/http/src/postman.rs",
    "openapi/http/src/smtp.rs",
    "openapi/http/src/portal/desk.rs",
];

/// Titles of codes, which pages have words of their own for.
const TITLES: &str = "openapi/http/src/problem.rs";

/// What looks like a message and is none, or is a piece of one that the catalogue has as a whole.
const NO_MESSAGES: &[&str] = &[
    // Pieces: the catalogue has what they make.
    "the resource {} {}",
    "records that it read were withdrawn since{}",
    "the covered component {} {}",
    "; {} {} and {} more",
    "did you mean",
    "there are",
    "the function {} is not offered{}; see {}",
    "there is no column {}{}",
    "{}: {} in {} seconds; try again in {} seconds{}",
    // What the query engine says to us.
    "Cannot find column with position",
    "Error evaluating filter predicate",
    "No function matches",
    "aborted task",
    "cannot be nested",
    "common type",
    "data type",
    "different number of columns",
    "is not defined!",
    "is not in grouping columns",
    "must appear in select list",
    "must appear in the GROUP BY",
    "not allowed in the WHERE clause",
    "out of bounds",
    "should only return one column",
    "unique expression names",
    // Words of the directory, reasons in evidence, fields of answers, and letters.
    "sql server",
    "申请人办结",
    "report {} of {}",
    "time={}, rows={}, bytes={}",
    "{} from={} until={}",
    "{} of {} in the assessment",
    "can't read {}: {}",
    "Refers to it",
    "Login name or key",
    "To, that day included",
    "attachment; filename=\"{}\"",
    "attachment; filename=\"{}\"; filename*=UTF-8''{}",
    "attachment; filename=\"{}.{}\"; filename*=UTF-8''{}",
    "authorization, cookie, signature-input, x-api-key",
];

/// Calls and macros whose words are for logs, for the operator, or for machines.
const NOT_FOR_PEOPLE: &[&str] = &[
    "internal",
    "with_internal",
    "internal_err",
    "internal_datafusion_err",
    "error",
    "warn",
    "info",
    "debug",
    "trace",
    "expect",
    "assert",
    "concat",
    "write",
    "write_str",
    "derive",
    "query",
    "query_as",
    "execute",
    "split_once",
    "trim_start_matches",
    "contains",
    "starts_with",
    "ends_with",
    "header",
    "insert_str",
];

#[test]
fn every_message_of_the_sources_has_a_translation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for file in SOURCES.iter().flat_map(|folder| files(&root.join(folder))) {
        let place = file.strip_prefix(&root).unwrap().display().to_string();
        if ELSEWHERE.iter().any(|elsewhere| place.starts_with(elsewhere))
            || is_of_tests(&place)
            || place == TITLES
        {
            continue;
        }
        let tokens: TokenStream = fs::read_to_string(&file).unwrap().parse().unwrap();
        for words in messages(tokens) {
            count += 1;
            if !is_known(&words) && !NO_MESSAGES.contains(&words.as_str()) {
                missing.insert(format!("{place}: {words}"));
            }
        }
    }
    assert!(count > 800, "the sources are not read: {count}");
    let missing: Vec<_> = missing.into_iter().collect();
    assert!(missing.is_empty(), "not in words/zh_CN.po ({}):\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn the_scan_finds_messages() {
    let found = |source: &str| messages(source.parse().unwrap());
    let nothing: [&str; 0] = [];
    assert_eq!(
        found(r#"fn f() { Err(Error::new(Code::A, format!("the key {id:?} is over"))) }"#),
        ["the key {} is over"]
    );
    assert_eq!(found(r#"fn f() { Error::not_found(format!("key {id}")) }"#), ["key {} does not exist"]);
    assert_eq!(found("fn f() { wrong(\"over \\\n    two lines\") }"), ["over two lines"]);
    assert_eq!(found(r#"#[error("the field {0} is not valid")] struct E;"#), ["the field {} is not valid"]);
    assert_eq!(found(r#"fn f() { Error::new(Code::A, "请先登录") }"#), ["请先登录"]);
    assert_eq!(
        found(
            r#"#[doc = "the key is over"] #[cfg(test)] mod t { const A: &str = "the key is over"; } const B: &str = "a";"#
        ),
        nothing
    );
    assert_eq!(
        found(r#"fn f() { tracing::error!("the key is over"); Error::internal("the key is over") }"#),
        nothing
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

fn is_of_tests(place: &str) -> bool {
    place.contains("/tests/") || place.ends_with("/tests.rs")
}

/// The messages of a source, `{}` where values stand.
fn messages(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    scan(tokens, Around::default(), &mut found);
    found
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    /// In the parentheses of something that makes an error or a problem.
    is_error: bool,
    /// In those of `not_found`.
    is_absent: bool,
}

fn scan(tokens: TokenStream, around: Around, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let (mut at, mut called, mut is_of_test, mut is_message) = (0, String::new(), false, false);
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                let is_inner =
                    matches!(tokens.get(at), Some(TokenTree::Punct(sign)) if sign.as_char() == '!');
                at += usize::from(is_inner);
                if let Some(TokenTree::Group(attribute)) = tokens.get(at) {
                    at += 1;
                    let written = attribute.stream().to_string().replace(' ', "");
                    is_of_test |= written == "cfg(test)";
                    if written.starts_with("error(") {
                        scan(attribute.stream(), Around { is_error: true, ..around }, found);
                    }
                }
            }
            TokenTree::Punct(sign) if sign.as_char() == ';' => (is_of_test, is_message) = (false, false),
            TokenTree::Punct(sign) => {
                if !matches!(sign.as_char(), '!' | ':' | '=') {
                    called.clear();
                }
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                is_message |= name == "message" || name == "reason";
                called = name;
            }
            TokenTree::Group(group) => {
                let is_skipped = is_of_test || NOT_FOR_PEOPLE.contains(&called.as_str());
                let is_call = group.delimiter() == Delimiter::Parenthesis;
                let makes_errors =
                    ["new", "invalid", "wrong", "malformed", "refuse", "missing", "with_status"];
                let inside = Around {
                    is_error: around.is_error
                        || is_message
                        || (is_call && makes_errors.contains(&called.as_str())),
                    is_absent: (around.is_absent && called != "map_err") || called == "not_found",
                };
                // The message of `#[error("…")]` is in the parentheses of that word.
                if !is_skipped || (around.is_error && called == "error") {
                    scan(group.stream(), inside, found);
                }
                if group.delimiter() == Delimiter::Brace {
                    is_of_test = false;
                }
                called.clear();
            }
            TokenTree::Literal(literal) => {
                if let Some(text) = text(&literal.to_string()) {
                    let around = Around { is_error: around.is_error || is_message, ..around };
                    found.extend(message(&text, around).filter(|_| !is_of_test));
                }
            }
        }
    }
}

/// A text as a message, if it looks like one: words of English that follow each other, or Chinese in an error.
fn message(text: &str, around: Around) -> Option<String> {
    let words = without_names(text);
    if around.is_absent {
        return Some(format!("{words} does not exist"));
    }
    let is_word = |word: &&str| {
        let word = word.trim_matches(|sign: char| !sign.is_alphanumeric());
        word.len() > 1 && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '\'')
    };
    let not_said =
        ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "default-src", "accept-ranges", "您好：", "<"];
    let is_said = !not_said.iter().any(|begin| words.trim_start().starts_with(begin));
    let is_english = is_said && words.split(' ').filter(is_word).count() >= 2;
    let is_chinese =
        is_said && around.is_error && words.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    (is_english || is_chinese).then_some(words)
}

/// `{name:?}` as `{}`.
fn without_names(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..=open]);
        rest = &rest[open + 1..];
        if let Some(close) = rest.find('}') {
            let is_place = |letter: char| letter.is_ascii_alphanumeric() || "_:?.#e".contains(letter);
            if rest[..close].chars().all(is_place) {
                rest = &rest[close..];
            }
        }
    }
    out + rest
}

/// The text of a literal; nothing for other literals.
fn text(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return Some(raw.trim_matches('#').trim_matches('"').to_owned());
    }
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    let (mut out, mut letters) = (String::new(), inside.chars().peekable());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '\n' => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
            other => out.push(other),
        }
    }
    Some(out)
}
