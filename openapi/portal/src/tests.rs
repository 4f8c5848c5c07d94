//! No text leaves its place, whoever wrote it.

mod design;
mod sql;

use catalog_core::dataset::{ChangeKind, Standing};
use catalog_core::directory::Opening;
use catalog_core::directory::diff::Change;
use catalog_core::policy::Mask;
use catalog_core::ports::{SearchHit, SearchPage as Found};
use catalog_core::{Error, ErrorCode, Timestamp, fixtures};
use openapi_dcat::{Described, File, Release, Site};
use proptest::prelude::*;

use super::*;

fn around<'a>(site: &'a Site, identity: &'a Identity, language: Language) -> Around<'a> {
    Around::plain(site, identity, language, "/search")
}

/// The names of all elements of a page and of their attributes, in their order.
fn elements(html: &str) -> Vec<String> {
    html.split('<').skip(1).flat_map(names).collect()
}

/// The name of an element and those of its attributes: what stands outside of quotes, up to its end.
fn names(tag: &str) -> Vec<String> {
    let mut quote = None;
    let mut bare = String::new();
    for letter in tag.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => (),
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if letter == '>' => break,
            None => bare.push(letter),
        }
    }
    bare.split([' ', '\n', '=']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn attributes_that_somebody_adds_are_seen() {
    assert_eq!(elements("<a href=\"/x\" lang=en>"), ["a", "href", "lang", "en"]);
    assert_ne!(elements("<a title=\"\" onclick=\"x\">"), elements("<a title=\"x\">"));
    assert_eq!(elements("<a title=\"x onclick=y > z\">"), elements("<a title=\"x\">"));
}

/// What is known of a dataset, in somebody's words.
fn about(text: &str) -> About {
    let said = || format!("因{text}");
    let resource = fixtures::resource("scjg", "301001/000001", "名").unwrap();
    let mut unseen = resource.items[0].clone();
    unseen.title = text.to_owned();
    unseen.opening = Opening::Conditional { condition: said() };
    let mask = Mask::Constant { text: text.to_owned() };
    let neighbour = Neighbour {
        code: resource.code.clone(),
        title: text.to_owned(),
        why: ("同一主题", "Same topic"),
        columns: vec![text.to_owned()],
    };
    let version = VersionLine {
        number: 2,
        published_at: Timestamp(0),
        change: ChangeKind::Replace,
        standing: Standing::Withdrawn,
        rows: Some(3),
        more: Some(-1),
        withdrawn_because: Some(text.to_owned()),
        breaking: Some((text.to_owned(), Some(Timestamp(0)))),
        before: Some(1),
    };
    let (basis, condition) = (text.to_owned(), Some(text.to_owned()));
    let violations = Bar::measured(vec![Bar::new(text, None, 2).noted("(1)")]);
    let delivery = Delivery { read: 3, accepted: 1, kept_out: 2, violations };
    let rules = vec![(text.to_owned(), text.to_owned()), ("name".to_owned(), "type".to_owned())];
    About {
        now: Timestamp(1),
        masks: vec![(resource.items[0].column.clone(), mask)],
        unseen: vec![unseen],
        quality: Some(Quality { checked_at: Timestamp(0), rules, delivery: Some(delivery) }),
        versions: vec![version],
        openings: vec![OpeningLine { since: Timestamp(0), items: vec![text.to_owned()], basis, condition }],
        due: Some(Timestamp(0)),
        sources: vec![neighbour.clone()],
        users: vec![neighbour.clone()],
        made_from: vec![neighbour.clone()],
        used_in: vec![neighbour.clone()],
        related: vec![neighbour],
        reads: Some(1),
    }
}

/// The pages that tell of many resources, and of versions, in somebody's words.
fn tables(text: &str, language: Language) -> [String; 5] {
    let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
    let a = || around(&site, &identity, language);
    let mut resource = fixtures::resource("scjg", "301001/000001", "名").unwrap();
    resource.title = text.to_owned();
    let mut provider = fixtures::department("scjg", "局").unwrap();
    provider.name = text.to_owned();
    let listing = Listing {
        code: resource.code.clone(),
        title: text.to_owned(),
        provider: provider.id.clone(),
        format: text.to_owned(),
        is_open: true,
        cycle: resource.update_cycle,
        contact: Some(text.to_owned()),
        release: Some((1, Timestamp(0))),
        rows: Some(1),
        due: Some(Timestamp(0)),
        refers: Vec::new(),
        derived_from: Vec::new(),
    };
    let bars = || Bar::measured(vec![Bar::new(text, Some(listing.address()), 1)]);
    let home = Home { latest: vec![listing.clone()], most_used: bars(), ..Home::default() };
    let figures = DepartmentFigures::of([&listing].into_iter(), Timestamp(1));
    let listings = [listing.clone()];
    let department = DepartmentPage {
        a: a(),
        department: &provider,
        parent: Some(&provider),
        figures: Some(&figures),
        listings: &listings,
        now: Timestamp(1),
    };
    let searches = || Bar::measured(vec![Bar::new(text, Some("/search?format=1".to_owned()), 1)]);
    let statistics = Statistics {
        by_department: bars(),
        by_format: searches(),
        by_topic: bars(),
        most_used: bars(),
        ..Statistics::default()
    };
    let described = Described { resource, provider: provider.clone(), release: None };
    let change = Change { at: text.to_owned(), before: Some(text.to_owned()), after: Some(text.to_owned()) };
    let counted = Some(Rows { added: 1, removed: 2, changed: Some(3) });
    let compared = Compared { from: 1, until: 2, columns: vec![change], counted, ..Compared::default() };
    let changes = ChangesPage { a: a(), described: &described, numbers: &[2, 1], compared: Some(&compared) };
    let trouble = Some(Error::new(ErrorCode::NotFound, text));
    let error = ErrorPage { a: Around { trouble, ..a() }, request_id: text };
    [
        HomePage { a: a(), home: &home }.write().unwrap(),
        department.write().unwrap(),
        StatisticsPage { a: a(), statistics: Some(&statistics) }.write().unwrap(),
        changes.write().unwrap(),
        error.write().unwrap(),
    ]
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
    let about = about(text);
    let a = around(&site, &identity, language);
    let first = FirstRows { columns: vec!["a".to_owned()], rows: vec![vec![text.to_owned()]] };
    let dataset = DatasetPage { a, described: &described, rows: Some(1), first: Some(&first), about: &about };
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
    let help =
        SearchHelp { alike: vec![(described.resource.code.clone(), text.to_owned())], without_conditions: 1 };
    let a = around(&site, &identity, language);
    let search =
        SearchPage { a, chosen: &chosen, found: &found, departments: &[provider], help: Some(&help) };
    [dataset.write().unwrap(), search.write().unwrap()]
}

proptest! {
    #[test]
    fn no_text_leaves_its_place(text in "(<|>|\"|'|&|/|\\{|\\}|=| |script|img|a|\\PC){0,40}") {
        for language in [Language::Chinese, Language::English] {
            for (hostile, plain) in pages(&text, language).iter().zip(&pages("名", language)) {
                prop_assert_eq!(elements(hostile), elements(plain));
            }
            for (hostile, plain) in tables(&text, language).iter().zip(&tables("名", language)) {
                prop_assert_eq!(elements(hostile), elements(plain));
            }
        }
    }
}

#[test]
fn what_search_engines_read_ends_no_script() {
    let [page, _] = pages("</script><b>", Language::Chinese);
    let [plain, _] = pages("名", Language::Chinese);
    assert_eq!(page.matches("</script>").count(), plain.matches("</script>").count(), "{page}");
    assert!(page.contains("\"name\":\"\\u003c/script>\\u003cb>\""), "{page}");
    assert_eq!(page.matches("\"@type\":\"Dataset\"").count(), 1, "{page}");
}

#[test]
fn everything_a_page_refers_to_is_there() {
    for page in pages("名", Language::English).into_iter().chain(tables("名", Language::English)) {
        for name in page.split("\"/assets/").skip(1).map(|rest| rest.split(['"', '#']).next().unwrap()) {
            assert!(asset(name).is_some(), "{name}");
        }
    }
    assert!(asset("../Cargo.toml").is_none());
}

/// What departments write is Chinese on English pages too, and says so; the guide's own words are translated.
#[test]
fn english_pages_say_which_words_are_chinese() {
    let [page, _] = pages("张三", Language::English);
    assert!(page.contains("<h1 lang=\"zh-CN\">张三</h1>"), "{page}");
    assert!(page.contains("hreflang=\"en\" href=\"https://a.example/search?lang=en\""), "{page}");
    let [.., statistics, _, _] = tables("数据库", Language::English);
    assert!(statistics.contains(">Databases<"), "{statistics}");
    let [.., statistics, _, _] = tables("数据库", Language::Chinese);
    assert!(statistics.contains("<span lang=\"zh-CN\">数据库</span>"), "{statistics}");
}

#[test]
fn a_department_is_as_prompt_as_its_updates() {
    let site = Timestamp(10);
    let listing = |due: Option<i64>| Listing {
        code: fixtures::resource("scjg", "301001/000001", "名").unwrap().code,
        title: "名".to_owned(),
        provider: fixtures::department("scjg", "局").unwrap().id,
        format: String::new(),
        is_open: false,
        cycle: catalog_core::directory::UpdateCycle::Daily,
        contact: Some("电话".to_owned()),
        release: due.map(|_| (1, Timestamp(0))),
        rows: None,
        due: due.map(Timestamp),
        refers: Vec::new(),
        derived_from: Vec::new(),
    };
    let all = [listing(None), listing(Some(10)), listing(Some(11)), listing(Some(12))];
    let figures = DepartmentFigures::of(all.iter(), site);
    assert_eq!((figures.resources, figures.with_data, figures.promised, figures.late), (4, 3, 3, 1));
    assert_eq!((figures.in_time(), figures.contacts.len()), (Some(666), 1));
    assert_eq!(DepartmentFigures::default().in_time(), None);
}
