//! No text leaves its place, whoever wrote it.

use catalog_core::ports::{SearchHit, SearchPage as Found};
use catalog_core::{Timestamp, fixtures};
use openapi_dcat::{Described, File, Release, Site};
use proptest::prelude::*;

use super::*;

fn around<'a>(site: &'a Site, identity: &'a Identity, language: Language) -> Around<'a> {
    Around::plain(site, identity, language, "/search")
}

/// The names of all elements of a page, in their order.
fn elements(html: &str) -> Vec<String> {
    let names = html.split('<').skip(1).map(|rest| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "/!".contains(*letter)).collect()
    });
    names.collect()
}

/// The page of a dataset and the hits of a search, in which somebody's text stands everywhere.
fn pages(text: &str, language: Language) -> [String; 2] {
    let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
    let mut resource = fixtures::resource("scjg", "301001/000001", "名").unwrap();
    resource.title = text.to_owned();
    resource.summary = text.to_owned();
    resource.contact = Some(text.to_owned());
    resource.items[0].title = text.to_owned();
    let mut provider = fixtures::department("scjg", "局").unwrap();
    provider.name = text.to_owned();
    let file = File { format: "csv".to_owned(), media_type: "text/csv".to_owned(), stored: None };
    let release = Release { number: 1, published_at: Timestamp(0), files: vec![file] };
    let code = resource.code.clone();
    let described = Described { resource, provider: provider.clone(), release: Some(release) };
    let dataset = DatasetPage { a: around(&site, &identity, language), described: &described, rows: Some(1) };
    let hit = SearchHit {
        code,
        title: text.to_owned(),
        summary: text.to_owned(),
        department: provider.id.clone(),
        sharing: 1,
        opening: "open".to_owned(),
    };
    let found = Found { hits: vec![hit], total: 1, facets: Vec::new() };
    let chosen =
        Chosen { words: text.to_owned(), topic: Some(text.to_owned()), page: 1, ..Chosen::default() };
    let a = around(&site, &identity, language);
    let search = SearchPage { a, chosen: &chosen, found: &found, departments: &[provider] };
    [dataset.write().unwrap(), search.write().unwrap()]
}

proptest! {
    #[test]
    fn no_text_leaves_its_place(text in "(<|>|\"|'|&|/|\\{|\\}|=| |script|img|a|\\PC){0,40}") {
        for language in [Language::Chinese, Language::English] {
            for (hostile, plain) in pages(&text, language).iter().zip(&pages("名", language)) {
                prop_assert_eq!(elements(hostile), elements(plain));
            }
        }
    }
}

#[test]
fn what_search_engines_read_ends_no_script() {
    let [page, _] = pages("</script><b>", Language::Chinese);
    assert_eq!(page.matches("</script>").count(), 1, "{page}");
    assert!(page.contains("\"name\":\"\\u003c/script>\\u003cb>\""), "{page}");
    assert_eq!(page.matches("\"@type\":\"Dataset\"").count(), 1, "{page}");
}

#[test]
fn everything_a_page_refers_to_is_there() {
    for page in pages("名", Language::English) {
        for name in page.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(asset(name).is_some(), "{name}");
        }
    }
    assert!(asset("../Cargo.toml").is_none());
}
