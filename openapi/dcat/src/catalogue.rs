//! Pages of the catalogue.

use oxrdf::NamedNode;
use oxrdf::vocab::{rdf, xsd};

use crate::dataset::{Described, describe, language, taxonomy};
use crate::site::Site;
use crate::statements::Statements;
use crate::vocabulary::{dcat, dct, foaf, hydra};

/// Which page of the catalogue a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// The path of the document without parameters: `/catalog.ttl`.
    pub path: &'a str,
    /// Its number, from 1.
    pub number: u64,
    /// Number of the last page.
    pub last: u64,
    /// Datasets on all pages.
    pub total: u64,
}

impl Page<'_> {
    /// The path of a page; the first has no parameter.
    pub fn path_of(&self, number: u64) -> String {
        match number {
            1 => self.path.to_owned(),
            number => format!("{}?page={number}", self.path),
        }
    }

    /// The path of the page behind this one.
    pub fn next(&self) -> Option<String> {
        (self.number < self.last).then(|| self.path_of(self.number + 1))
    }

    /// The path of the page before this one.
    pub fn previous(&self) -> Option<String> {
        (self.number > 1).then(|| self.path_of(self.number - 1))
    }
}

/// One page: the catalogue, its datasets of this page, and where the other pages are.
pub fn catalogue(site: &Site, page: &Page<'_>, datasets: &[Described]) -> Statements {
    let mut out = Statements::default();
    let catalogue = site.thing("/catalog#catalogue");
    out.begin(&catalogue, dcat::CATALOG);
    out.chinese(&catalogue, dct::TITLE, "公共数据开放目录");
    out.chinese(&catalogue, dct::DESCRIPTION, "各政务部门向社会开放和有条件开放的数据集");
    let platform = site.thing("/#platform");
    if out.link(&catalogue, dct::PUBLISHER, &platform, foaf::AGENT) {
        out.chinese(&platform, foaf::NAME, "数桥公共数据平台");
    }
    out.link(&catalogue, foaf::HOMEPAGE, &site.thing("/"), foaf::DOCUMENT);
    language(&catalogue, &mut out);
    taxonomy(site, &catalogue, dcat::THEME_TAXONOMY, &mut out);
    pages(site, page, &catalogue, &mut out);
    for described in datasets {
        let dataset = describe(site, described, &mut out);
        out.add(&catalogue, dcat::HAS_DATASET, dataset);
    }
    out
}

/// Hydra's paging, under the class by which today's harvesters find it too.
fn pages(site: &Site, page: &Page<'_>, catalogue: &NamedNode, out: &mut Statements) {
    let view = site.thing(&page.path_of(page.number));
    out.link(catalogue, hydra::VIEW, &view, hydra::PAGED_COLLECTION);
    out.add(&view, rdf::TYPE, hydra::PARTIAL_VIEW.into_owned());
    for node in [catalogue, &view] {
        out.typed(node, hydra::TOTAL_ITEMS, page.total, xsd::INTEGER);
    }
    let others = [
        (hydra::FIRST, Some(page.path_of(1))),
        (hydra::LAST, Some(page.path_of(page.last))),
        (hydra::NEXT, page.next()),
        (hydra::PREVIOUS, page.previous()),
    ];
    for (predicate, path) in others {
        if let Some(path) = path {
            out.add(&view, predicate, site.thing(&path));
        }
    }
}

impl Statements {
    /// The document about one dataset, or about a whole directory.
    pub fn about<'a>(site: &Site, datasets: impl IntoIterator<Item = &'a Described>) -> Self {
        let mut out = Self::default();
        for described in datasets {
            describe(site, described, &mut out);
        }
        out
    }
}
