use std::collections::BTreeSet;
use std::fs;

use openapi_dcat::Site;
use serde_json::json;

use super::document::PAGES;
use super::words::is_english;
use super::*;
use crate::Identity;
use crate::messages::{described, descriptions};
use crate::{Language, Page as _};

/// The document as it lies in git, which is that of the routes.
fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What a schema says in words.
fn said(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("description").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(said)).collect()
        }
        Value::Array(values) => values.iter().flat_map(said).collect(),
        _ => Vec::new(),
    }
}

/// All texts of the document that the page shows, but for what parts are for.
fn shown(tags: &[ApiTag]) -> BTreeSet<&str> {
    let mut texts = BTreeSet::new();
    for operation in tags.iter().flat_map(|tag| &tag.operations) {
        texts.extend([operation.summary.as_str(), &operation.description]);
        texts.extend(operation.parameters.iter().map(|parameter| parameter.description.as_str()));
        texts.extend(operation.answers.iter().map(|(_, meaning)| meaning.as_str()));
        texts.extend(operation.body_schema.iter().flat_map(said));
    }
    texts
}

fn page(tags: &[ApiTag], name: &str, language: Language) -> String {
    let site = Site::new("https://a.example").unwrap();
    let identity = Identity::default();
    let chosen = tags.iter().find(|tag| tag.name == name);
    let a = Around::plain(&site, &identity, language, "/api");
    ApiPage { a, tags, chosen, code: "301001-000001" }.write().unwrap()
}

fn tag(operation: ApiOperation) -> ApiTag {
    ApiTag { name: "new".to_owned(), description: String::new(), operations: vec![operation] }
}

#[test]
fn every_text_of_the_document_that_is_shown_is_in_the_catalogue() {
    let tags = ApiTag::all_of(&document());
    let shown = shown(&tags);
    let missing: Vec<_> = shown.iter().filter(|text| is_english(text) && described(text).is_none()).collect();
    assert!(missing.is_empty(), "not in words/api.zh_CN.po: {missing:#?}");
    let unused: Vec<_> = descriptions().filter(|(english, _)| !shown.contains(english)).collect();
    assert!(unused.is_empty(), "in words/api.zh_CN.po for nothing: {unused:#?}");
    let unnamed: Vec<_> = tags.iter().filter(|tag| part(tag).is_none()).map(|tag| &tag.name).collect();
    assert!(unnamed.is_empty(), "no names in PARTS: {unnamed:?}");
}

/// What stands between backticks is a name, and names are the same in every language.
#[test]
fn texts_in_chinese_keep_the_names_of_the_document() {
    let names = |text: &str| -> BTreeSet<String> {
        let pieces = text.split('`').skip(1).step_by(2);
        // A link of the sources is no name.
        pieces.filter(|name| !name.contains("::")).map(str::to_owned).collect()
    };
    // What the sources call it is nothing to callers.
    let of_sources = ["CLASSES", "Debug"];
    for (english, chinese) in descriptions() {
        let mut wanted = names(english);
        wanted.retain(|name| !of_sources.contains(&name.as_str()));
        assert!(wanted.is_subset(&names(chinese)), "{english}: {chinese}");
        assert!(chinese.contains(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{chinese}");
    }
}

#[test]
fn every_operation_but_pages_is_documented() {
    let document = document();
    let tags = ApiTag::all_of(&document);
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|item| item.as_object().unwrap().values());
    let is_of_api = |operation: &&Value| {
        operation["tags"][0].as_str().is_some_and(|tag| !tag.is_empty() && !PAGES.contains(&tag))
    };
    let shown: Vec<_> = tags.iter().flat_map(|tag| &tag.operations).collect();
    assert_eq!(shown.len(), operations.filter(is_of_api).count());
    assert!(shown.iter().all(|operation| !operation.summary.is_empty()));
    let sql = shown.iter().find(|operation| operation.path == "/api/v1/sql").unwrap();
    assert!(sql.body_schema.as_ref().unwrap()["properties"]["sql"].is_object());
}

#[test]
fn a_page_in_chinese_has_no_text_in_english() {
    let tags = ApiTag::all_of(&document());
    for tag in &tags {
        let html = page(&tags, &tag.name, Language::Chinese);
        assert!(!html.contains("<span lang=\"en\">"), "{}", tag.name);
    }
    let sql = page(&tags, "sql", Language::Chinese);
    assert!(sql.contains("<p>执行一条查询</p>") && sql.contains("查询文本：只能是一条查询"));
    assert!(!sql.contains("Run one query") && !sql.contains("One SQL query."));
    let sql = page(&tags, "sql", Language::English);
    assert!(sql.contains("<p>Run one query</p>") && sql.contains("One SQL query."));
}

#[test]
fn what_nobody_has_translated_is_marked() {
    let operation = ApiOperation {
        method: "POST".to_owned(),
        path: "/api/v1/new".to_owned(),
        summary: "Something `new`".to_owned(),
        description: "One\nline\n\n另一段".to_owned(),
        parameters: Vec::new(),
        bodies: vec!["application/json".to_owned()],
        body_schema: Some(
            json!({"description": "One SQL query.", "properties": {"description": {"type": "string"}}}),
        ),
        answers: vec![("200".to_owned(), "The rows".to_owned())],
    };
    let tags = [tag(operation)];
    let chinese = page(&tags, "new", Language::Chinese);
    assert!(chinese.contains("<p><span lang=\"en\">Something <code>new</code></span></p>"), "{chinese}");
    assert!(chinese.contains("<span lang=\"en\">One line</span>"), "{chinese}");
    assert!(
        chinese.contains("一条 SQL 查询") && chinese.contains("&#34;type&#34;: &#34;string&#34;"),
        "{chinese}"
    );
    let english = page(&tags, "new", Language::English);
    assert!(english.contains("<p>Something <code>new</code></p>"), "{english}");
}
