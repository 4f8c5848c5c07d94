//! The design system says all that there is, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use openapi_dcat::Site;

use super::around;
use crate::*;

const CSS: &str = include_str!("../../assets/portal.css");

/// What frames a page, or stands on one page alone as a part of a component that `/design` shows.
const FRAME: [&str; 51] = [
    "answered",
    "ask",
    "beside",
    "broad",
    "bulk",
    "canvas",
    "charted",
    "code",
    "condition",
    "desk",
    "entries-found",
    "entry-form",
    "fields",
    "first-rows",
    "figures-table",
    "found",
    "found-nothing",
    "hindered",
    "icon",
    "in-line",
    "inline",
    "insert",
    "key",
    "link",
    "long",
    "main",
    "meaning",
    "no-print",
    "operation",
    "others",
    "pairs",
    "path",
    "picture",
    "places",
    "problems",
    "profiles",
    "query",
    "remembered",
    "row",
    "schema",
    "side",
    "slip",
    "sort",
    "sql",
    "table",
    "text",
    "views",
    "voices",
    "wide-form",
    "with-side",
    "works",
];

/// What `/design` alone writes: its own frame, and colours by the names of their tokens; a map numbers the steps of its legend.
const ON_DESIGN_ALONE: [&str; 10] =
    ["night", "on-primary", "step-1", "step-2", "step-3", "step-4", "step-5", "sunken", "swatch", "themes"];

/// All classes that the style sheet selects.
fn styled() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut rest = CSS;
    // A comment may hold anything; what stands between braces is declarations, or rules that have selectors of their own.
    while let Some(open) = rest.find('{') {
        let before = &rest[..open];
        let selector = before.rsplit(['}', ';', '/']).next().unwrap_or(before);
        found.extend(classes(selector));
        rest = &rest[open + 1..];
        let nested = selector.trim_start().starts_with('@');
        if !nested && let Some(close) = rest.find('}') {
            rest = &rest[close..];
        }
    }
    found
}

/// The classes of one selector.
fn classes(selector: &str) -> impl Iterator<Item = &str> {
    selector.split('.').skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        let name = &rest[..end.unwrap_or(rest.len())];
        name.starts_with(|letter: char| letter.is_ascii_lowercase()).then_some(name)
    })
}

/// All words that stand between quotes in the files below a folder that have one of these endings, but for those of `/design`.
fn quoted(folder: &Path, endings: &[&str], words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("design")) {
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !path.ends_with("tests") {
                quoted(&path, endings, words);
            }
        } else if endings.contains(&ending) {
            let text = fs::read_to_string(&path).unwrap();
            let letters = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
            let pieces = text.lines().flat_map(|line| line.split(['"', '\'', '`']).skip(1));
            words.extend(pieces.flat_map(|piece| piece.split(letters)).map(str::to_owned));
        }
    }
}

/// The classes of the elements of a page.
fn shown(html: &str) -> BTreeSet<&str> {
    let values = html.split(" class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    values.flat_map(str::split_whitespace).collect()
}

fn design() -> String {
    let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
    DesignPage { a: around(&site, &identity, Language::Chinese) }.write().unwrap()
}

#[test]
fn classes_are_read_from_selectors() {
    assert_eq!(classes(".a .b-c:has(> .d), e.f::before").collect::<Vec<_>>(), ["a", "b-c", "d", "f"]);
    assert!(classes("@media (min-width: 52.5rem)").next().is_none());
    let styled = styled();
    assert!(["tag", "no-print", "digest", "lamp-counts", "night"].iter().all(|class| styled.contains(class)));
    assert!(styled.len() > 100, "{styled:?}");
}

#[test]
fn every_class_of_the_style_sheet_is_used_by_a_page_or_an_island() {
    let mut words = BTreeSet::new();
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    quoted(&crate_folder.join("templates"), &["html"], &mut words);
    quoted(&crate_folder.join("islands/src"), &["ts"], &mut words);
    quoted(&crate_folder.join("src"), &["rs"], &mut words);
    let unused: Vec<_> = styled().into_iter().filter(|class| !words.contains(*class)).collect();
    assert_eq!(unused, ON_DESIGN_ALONE, "what nothing else uses goes out of portal.css");
}

#[test]
fn the_design_page_shows_every_component_of_the_style_sheet() {
    let page = design();
    let shown = shown(&page);
    let missing: Vec<_> =
        styled().into_iter().filter(|class| !shown.contains(class) && !FRAME.contains(class)).collect();
    assert!(missing.is_empty(), "show {missing:?} on /design");
    let styled = styled();
    let gone: Vec<_> = FRAME.iter().filter(|class| !styled.contains(*class)).collect();
    assert!(gone.is_empty(), "{gone:?} are no classes any more");
    assert!(page.contains("class=\"theme day\"") && page.contains("class=\"theme night\""), "both themes");
}

#[test]
fn the_style_sheet_stays_small() {
    assert!(CSS.len() < 60_000, "{} bytes", CSS.len());
}

#[test]
fn ids_of_the_design_page_are_unique() {
    let page = design();
    let mut seen = BTreeSet::new();
    for id in page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(seen.insert(id), "{id} twice");
    }
}
