//! A dataset in the terms of DCAT-AP 3.0.1, with the directory's own beside them.

use catalog_core::directory::{Department, Opening, Resource, ValueFormat, classification};
use catalog_core::{ResourceCode, Timestamp};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{NamedNode, NamedNodeRef};

use crate::entry;
use crate::site::Site;
use crate::statements::Statements;
use crate::vocabulary::{AUTHORITY, dcat, dct, foaf, prov, skos, spdx, vcard};

/// An entry of the directory as one reader sees it.
#[derive(Debug, Clone)]
pub struct Described {
    /// The entry, with the items that the reader sees.
    pub resource: Resource,
    /// Who provides it.
    pub provider: Department,
    /// The data that the reader may take; `None` where there are none for this reader.
    pub release: Option<Release>,
}

/// A version of the data with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Number of the version.
    pub number: i64,
    /// When it was published.
    pub published_at: Timestamp,
    /// Its files.
    pub files: Vec<File>,
}

/// A file with the whole of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its format, the ending of its name: `csv`.
    pub format: String,
    /// Its media type, with or without parameters.
    pub media_type: String,
    /// Size in bytes and SHA-256 in hex, where it has been written already.
    pub stored: Option<(u64, String)>,
}

impl Release {
    /// The name of a file below the dataset's address: `3.csv`.
    pub fn file_name(&self, file: &File) -> String {
        format!("{}.{}", self.number, file.format)
    }
}

impl File {
    /// The media type without parameters.
    pub(crate) fn essence(&self) -> &str {
        self.media_type.split(';').next().unwrap_or_default().trim()
    }
}

impl Described {
    /// The address of the licence of the files, where they have one: SPDX ids have addresses.
    pub fn licence_address(&self) -> Option<String> {
        let licence = self.resource.licence.as_deref()?;
        let is_address = ["https://", "http://"].iter().any(|scheme| licence.starts_with(scheme));
        let address =
            if is_address { licence.to_owned() } else { format!("https://spdx.org/licenses/{licence}") };
        NamedNode::new(address).ok().map(NamedNode::into_string)
    }
}

/// The entry as the public's directory describes it before there are data for everyone: items that are not open are
/// left out.
pub fn opened(mut resource: Resource) -> Resource {
    resource.items.retain(|item| item.opening != Opening::Closed);
    let items = resource.items.clone();
    let is_shown = |name: &catalog_core::ColumnName| items.iter().any(|item| item.column == *name);
    if !resource.key.iter().all(is_shown) {
        resource.key.clear();
    }
    resource.sort.retain(is_shown);
    resource.naming_only(is_shown)
}

/// Says everything of a dataset; answers the dataset.
pub(crate) fn describe(site: &Site, described: &Described, out: &mut Statements) -> NamedNode {
    let Described { resource, provider, release } = described;
    let code = &resource.code;
    let dataset = site.part(code, "dataset");
    if !out.begin(&dataset, dcat::DATASET) {
        return dataset;
    }
    out.text(&dataset, dct::IDENTIFIER, code.as_str());
    out.chinese(&dataset, dct::TITLE, &resource.title);
    let summary = if resource.summary.is_empty() { &resource.title } else { &resource.summary };
    out.chinese(&dataset, dct::DESCRIPTION, summary);
    for keyword in &resource.keywords {
        out.chinese(&dataset, dcat::KEYWORD, keyword);
    }
    publisher(site, provider, &dataset, out);
    theme(site, resource, &dataset, out);
    language(&dataset, out);
    let cycle = format!("frequency/{}", entry::frequency(resource.update_cycle));
    authority(&dataset, dct::ACCRUAL_PERIODICITY, &cycle, dct::FREQUENCY, out);
    let rights = match resource.opening() {
        Opening::Open => "access-right/PUBLIC",
        Opening::Conditional { .. } => "access-right/RESTRICTED",
        Opening::Closed => "access-right/NON_PUBLIC",
    };
    authority(&dataset, dct::ACCESS_RIGHTS, rights, dct::RIGHTS_STATEMENT, out);
    if let Some(day) = resource.published_on {
        out.typed(&dataset, dct::ISSUED, day, xsd::DATE);
    }
    for related in &resource.related {
        out.add(&dataset, dct::RELATION, site.part(related, "dataset"));
    }
    for source in &resource.derived_from {
        out.add(&dataset, prov::WAS_DERIVED_FROM, site.part(source, "dataset"));
    }
    coverage(site, resource, &dataset, out);
    if let Some(contact) = &resource.contact {
        let node = site.part(code, "contact");
        if out.link(&dataset, dcat::CONTACT_POINT, &node, vcard::KIND) {
            out.text(&node, vcard::FN, contact);
        }
    }
    let page = NamedNode::new_unchecked(site.dataset(code));
    out.link(&dataset, dcat::LANDING_PAGE, &page, foaf::DOCUMENT);
    entry::describe(site, resource, &dataset, out);
    if let Some(release) = release {
        data(site, described, release, &dataset, out);
    }
    dataset
}

/// The department as a publisher, of a dataset or a catalogue.
fn publisher(site: &Site, provider: &Department, dataset: &NamedNode, out: &mut Statements) {
    let agent = site.thing(&format!("/api/v1/departments/{}#department", provider.id));
    if out.link(dataset, dct::PUBLISHER, &agent, foaf::AGENT) {
        out.chinese(&agent, foaf::NAME, &provider.name);
        out.text(&agent, dct::IDENTIFIER, &provider.credit_code);
    }
}

/// The place in the directory's classification 类-项-目-细目.
fn theme(site: &Site, resource: &Resource, dataset: &NamedNode, out: &mut Statements) {
    let digits = resource.code.classification();
    let theme = site.thing(&format!("/catalog#class-{digits}"));
    if !out.link(dataset, dcat::THEME, &theme, skos::CONCEPT) {
        return;
    }
    let category = classification::CATEGORIES.iter().find(|(digit, _)| digits.starts_with(*digit));
    let category = category.map_or(digits, |(_, name)| *name);
    let name = resource.classification.iter().map(String::as_str).rfind(|name| !name.is_empty());
    out.chinese(&theme, skos::PREF_LABEL, name.unwrap_or(category));
    out.text(&theme, skos::NOTATION, digits);
    taxonomy(site, &theme, skos::IN_SCHEME, out);
}

/// Links something to the classification.
pub(crate) fn taxonomy(site: &Site, node: &NamedNode, predicate: NamedNodeRef<'_>, out: &mut Statements) {
    let scheme = site.thing("/catalog#classification");
    if out.link(node, predicate, &scheme, skos::CONCEPT_SCHEME) {
        out.chinese(&scheme, dct::TITLE, "政务信息资源分类");
    }
}

/// Everything here is in Chinese.
pub(crate) fn language(node: &NamedNode, out: &mut Statements) {
    authority(node, dct::LANGUAGE, "language/ZHO", dct::LINGUISTIC_SYSTEM, out);
}

/// Links something to a value of a table of the Publications Office.
fn authority(
    node: &NamedNode,
    predicate: NamedNodeRef<'_>,
    value: &str,
    class: NamedNodeRef<'_>,
    out: &mut Statements,
) {
    out.link(node, predicate, &NamedNode::new_unchecked(format!("{AUTHORITY}{value}")), class);
}

/// Time and space covered.
fn coverage(site: &Site, resource: &Resource, dataset: &NamedNode, out: &mut Statements) {
    if let Some((start, end)) =
        resource.temporal_coverage.as_deref().and_then(|period| period.split_once('/'))
    {
        let period = site.part(&resource.code, "period");
        out.link(dataset, dct::TEMPORAL, &period, dct::PERIOD_OF_TIME);
        for (predicate, day) in [(dcat::START_DATE, start), (dcat::END_DATE, end)] {
            if day != ".." {
                out.typed(&period, predicate, day, xsd::DATE);
            }
        }
    }
    if let Some(division) = &resource.spatial_coverage {
        let area = site.part(&resource.code, "area");
        out.link(dataset, dct::SPATIAL, &area, dct::LOCATION);
        out.text(&area, dct::IDENTIFIER, division);
    }
}

/// The data: version, files, and what describes them beside them.
fn data(site: &Site, described: &Described, release: &Release, dataset: &NamedNode, out: &mut Statements) {
    let code = &described.resource.code;
    out.typed(dataset, dct::MODIFIED, release.published_at, xsd::DATE_TIME);
    out.text(dataset, dcat::VERSION, &release.number.to_string());
    let beside = |name: &str| NamedNode::new_unchecked(format!("{}/{name}", site.dataset(code)));
    let schema = beside("schema.json");
    if out.link(dataset, dct::CONFORMS_TO, &schema, dct::STANDARD) {
        out.chinese(&schema, dct::TITLE, "JSON Schema");
    }
    for (name, title) in [("csv-metadata.json", "数据字典（CSV on the Web）"), ("quality.json", "质量报告")]
    {
        let page = beside(name);
        if out.link(dataset, foaf::PAGE, &page, foaf::DOCUMENT) {
            out.chinese(&page, dct::TITLE, title);
        }
    }
    for file in &release.files {
        let distribution = site.part(code, &file.format);
        if out.link(dataset, dcat::HAS_DISTRIBUTION, &distribution, dcat::DISTRIBUTION) {
            describe_file(site, described, release, file, &distribution, out);
        }
    }
    if names_materials(&described.resource) {
        materials(site, described, release, dataset, out);
    }
}

/// Whether rows name materials 附件 that the reader may take: what is masked has no format any more.
fn names_materials(resource: &Resource) -> bool {
    resource.items.iter().any(|item| item.format == Some(ValueFormat::Material))
}

/// Materials are as many as the rows that name them: one distribution says where each of them is.
fn materials(
    site: &Site,
    described: &Described,
    release: &Release,
    dataset: &NamedNode,
    out: &mut Statements,
) {
    let code = &described.resource.code;
    let distribution = site.part(code, "materials");
    if out.link(dataset, dcat::HAS_DISTRIBUTION, &distribution, dcat::DISTRIBUTION) {
        let page = site.dataset(code);
        let number = release.number;
        let text =
            format!("数据各行以 SHA-256 列出的附件，逐件取自 {page}/versions/{number}/materials/{{sha256}}");
        out.chinese(&distribution, dct::TITLE, "附件");
        out.chinese(&distribution, dct::DESCRIPTION, &text);
        out.add(&distribution, dcat::ACCESS_URL, NamedNode::new_unchecked(page));
        licence(described, &distribution, out);
        out.typed(&distribution, dct::ISSUED, release.published_at, xsd::DATE_TIME);
    }
}

/// What is open has a licence; what a grant shows may be shared and not passed on.
fn licence(described: &Described, distribution: &NamedNode, out: &mut Statements) {
    if let Some(licence) = described.licence_address() {
        let licence = NamedNode::new_unchecked(licence);
        out.link(distribution, dct::LICENSE, &licence, dct::LICENSE_DOCUMENT);
    }
}

fn describe_file(
    site: &Site,
    described: &Described,
    release: &Release,
    file: &File,
    distribution: &NamedNode,
    out: &mut Statements,
) {
    let code = &described.resource.code;
    let page = site.dataset(code);
    out.text(distribution, dct::TITLE, &file.format);
    out.add(distribution, dcat::ACCESS_URL, NamedNode::new_unchecked(page.as_str()));
    let address = format!("{page}/{}", release.file_name(file));
    out.add(distribution, dcat::DOWNLOAD_URL, NamedNode::new_unchecked(address));
    let media_type = format!("https://www.iana.org/assignments/media-types/{}", file.essence());
    let media_type = NamedNode::new_unchecked(media_type);
    if out.link(distribution, dcat::MEDIA_TYPE, &media_type, dct::MEDIA_TYPE) {
        out.add(&media_type, rdf::TYPE, dct::MEDIA_TYPE_OR_EXTENT.into_owned());
    }
    out.add(distribution, dct::FORMAT, media_type);
    licence(described, distribution, out);
    out.typed(distribution, dct::ISSUED, release.published_at, xsd::DATE_TIME);
    if let Some((bytes, sha256)) = &file.stored {
        out.typed(distribution, dcat::BYTE_SIZE, bytes, xsd::NON_NEGATIVE_INTEGER);
        checksum(site, code, file, sha256, distribution, out);
    }
}

fn checksum(
    site: &Site,
    code: &ResourceCode,
    file: &File,
    sha256: &str,
    distribution: &NamedNode,
    out: &mut Statements,
) {
    let node = site.part(code, &format!("{}-checksum", file.format));
    if out.link(distribution, spdx::CHECKSUM, &node, spdx::CHECKSUM_CLASS) {
        out.add(&node, spdx::ALGORITHM, spdx::SHA256.into_owned());
        out.typed(&node, spdx::CHECKSUM_VALUE, sha256, xsd::HEX_BINARY);
    }
}
