//! A graph back to entries of the directory.

use std::collections::BTreeSet;

use catalog_core::directory::format::ResourceFormat;
use catalog_core::directory::{Department, InformationItem, Resource, SharingMethod, UpdateCycle};
use catalog_core::{ColumnName, DepartmentId, Problem, ResourceCode, SqlName};
use oxrdf::vocab::rdf;
use oxrdf::{Graph, NamedNodeRef, NamedOrBlankNodeRef};

use crate::entry::cycle;
use crate::item;
use crate::node::{Node, subject};
use crate::vocabulary::{AUTHORITY, dcat, dct, sq, vcard};

/// What a graph gives: the entries that are whole, by code, and everything that is wrong with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Each entry with the node that describes it, as problems name it.
    pub resources: Vec<(String, Resource)>,
    /// Every problem, at its node and term.
    pub problems: Vec<Problem>,
}

/// Reads every `dcat:Dataset` of a graph. Its provider is the publisher whose credit code it names, else `provider`, who
/// uploads. The rules of the directory are not asked here.
pub fn read(graph: &Graph, provider: Option<&DepartmentId>, departments: &[Department]) -> Imported {
    let mut imported = Imported { resources: Vec::new(), problems: Vec::new() };
    let mut codes = BTreeSet::new();
    for subject in graph.subjects_for_predicate_object(rdf::TYPE, dcat::DATASET) {
        let mut reader = Reader { node: Node::new(graph, subject), graph, provider, departments };
        let resource = reader.resource();
        if let Some(resource) = &resource
            && !codes.insert(resource.code.clone())
        {
            let message = format!("{} is described twice; keep one of them", resource.code);
            reader.node.problem(dct::IDENTIFIER, "code.twice", message);
        }
        match resource {
            Some(resource) if reader.node.problems.is_empty() => {
                imported.resources.push((subject.to_string(), resource));
            }
            _ => imported.problems.append(&mut reader.node.problems),
        }
    }
    imported.resources.sort_by(|(_, one), (_, other)| one.code.cmp(&other.code));
    imported.problems.sort_by(|one, other| one.at.cmp(&other.at));
    if imported.resources.is_empty() && imported.problems.is_empty() {
        let problem =
            Problem::new(dcat::DATASET.to_string(), "graph.empty", "the document describes no dataset");
        imported.problems.push(problem);
    }
    imported
}

struct Reader<'a> {
    node: Node<'a>,
    graph: &'a Graph,
    provider: Option<&'a DepartmentId>,
    departments: &'a [Department],
}

impl Reader<'_> {
    fn resource(&mut self) -> Option<Resource> {
        let code = self.node.needed::<ResourceCode>(dct::IDENTIFIER);
        let title = self.node.needed_text(dct::TITLE);
        let summary = self.node.needed_text(dct::DESCRIPTION);
        let provider = self.provider();
        let update_cycle = self.update_cycle();
        let items = self.items();
        let sql_name = self.node.parsed::<SqlName>(sq::SQL_NAME);
        let contact = self.of_part(dcat::CONTACT_POINT, vcard::FN);
        let spatial_coverage = self.of_part(dct::SPATIAL, dct::IDENTIFIER);
        let temporal_coverage = self.temporal_coverage();
        let node = &mut self.node;
        let keywords = node.texts(sq::KEYWORDS);
        let mut text = |term| node.text(term).unwrap_or_default();
        let format = ResourceFormat {
            class: text(sq::FORMAT_CLASS),
            kind: text(sq::FORMAT_KIND),
            other: text(sq::FORMAT_OTHER),
        };
        let sharing_method =
            SharingMethod { class: text(sq::SHARING_METHOD_CLASS), kind: text(sq::SHARING_METHOD_KIND) };
        let (business_matter, sub_organisation) = (text(sq::BUSINESS_MATTER), text(sq::SUB_ORGANISATION));
        let open_topic = text(sq::OPEN_TOPIC);
        let code = code?;
        Some(Resource {
            sql_name: sql_name.or_else(|| code.default_sql_name().ok())?,
            code,
            title: title?,
            summary: summary?,
            provider: provider?,
            update_cycle: update_cycle?,
            format,
            items,
            sharing_method,
            business_matter,
            sub_organisation,
            open_topic,
            contact,
            spatial_coverage,
            temporal_coverage,
            keywords: if keywords.is_empty() { self.node.set(dcat::KEYWORD) } else { keywords },
            classification: self.node.texts(sq::CLASSIFICATION),
            published_on: self.node.parsed(dct::ISSUED),
            related: self.node.values(sq::RELATED),
            derived_from: self.node.values(sq::DERIVED_FROM),
            data_class: self.node.worded(sq::DATA_CLASS).unwrap_or_default(),
            personal: self.node.flag(sq::PERSONAL),
            licence: self.node.text(sq::LICENCE),
            key: self.node.values(sq::KEY),
            sort: self.node.values(sq::SORT),
            subject: self.node.parsed::<ColumnName>(sq::SUBJECT),
            verifications: self.node.values(sq::VERIFICATIONS),
        })
    }

    fn provider(&mut self) -> Option<DepartmentId> {
        let named = self.of_part(dct::PUBLISHER, dct::IDENTIFIER);
        let known = match &named {
            Some(code) => {
                self.departments.iter().find(|one| one.credit_code == *code).map(|one| one.id.clone())
            }
            None => self.provider.cloned(),
        };
        if known.is_none() {
            let message = match named {
                Some(code) => {
                    let code: String = code.chars().take(60).collect();
                    format!("no department with the credit code `{code}` is registered")
                }
                None => "say who provides it: the publisher's credit code, as its dct:identifier".to_owned(),
            };
            self.node.problem(dct::PUBLISHER, "provider.unknown", message);
        }
        known
    }

    fn update_cycle(&mut self) -> Option<UpdateCycle> {
        let frequency = match self.node.thing(dct::ACCRUAL_PERIODICITY) {
            Some(NamedOrBlankNodeRef::NamedNode(node)) => {
                node.as_str().strip_prefix(AUTHORITY).and_then(|name| name.strip_prefix("frequency/"))
            }
            _ => None,
        };
        let cycle = frequency.and_then(cycle);
        if cycle.is_none() {
            let message =
                format!("say one of the frequencies of {AUTHORITY}frequency that schemas/README.md lists");
            self.node.problem(dct::ACCRUAL_PERIODICITY, "term.value", message);
        }
        cycle
    }

    fn items(&mut self) -> Vec<InformationItem> {
        let members = self.node.members(sq::ITEMS);
        if members.is_empty() {
            self.node.problem(sq::ITEMS, "term.missing", "say the information items 信息项, as a list");
        }
        let mut items = Vec::with_capacity(members.len());
        for member in members {
            match subject(member) {
                Some(member) => items.extend(item::read(self.graph, member, &mut self.node.problems)),
                None => {
                    self.node.problem(sq::ITEMS, "term.list", "an information item is a node, not a text")
                }
            }
        }
        items
    }

    /// A term of something that belongs to the dataset.
    fn of_part(&mut self, link: NamedNodeRef<'_>, term: NamedNodeRef<'_>) -> Option<String> {
        let mut part = Node::new(self.graph, self.node.thing(link)?);
        let text = part.text(term);
        self.node.problems.append(&mut part.problems);
        text
    }

    fn temporal_coverage(&mut self) -> Option<String> {
        self.node.thing(dct::TEMPORAL)?;
        let mut day = |term| self.of_part(dct::TEMPORAL, term).unwrap_or_else(|| "..".to_owned());
        let (start, end) = (day(dcat::START_DATE), day(dcat::END_DATE));
        Some(format!("{start}/{end}"))
    }
}
