//! What the directory says of an entry and DCAT has no term for, in our own terms. [`crate::read()`] reads it back.

use catalog_core::ColumnName;
use catalog_core::directory::{Resource, UpdateCycle};
use oxrdf::NamedNode;

use crate::item;
use crate::site::Site;
use crate::statements::Statements;
use crate::vocabulary::sq;

/// Update cycles with their names in the table of frequencies of the Publications Office.
const FREQUENCIES: [(UpdateCycle, &str); 8] = [
    (UpdateCycle::RealTime, "UPDATE_CONT"),
    (UpdateCycle::Daily, "DAILY"),
    (UpdateCycle::Weekly, "WEEKLY"),
    (UpdateCycle::Monthly, "MONTHLY"),
    (UpdateCycle::Quarterly, "QUARTERLY"),
    (UpdateCycle::HalfYearly, "ANNUAL_2"),
    (UpdateCycle::Yearly, "ANNUAL"),
    (UpdateCycle::Irregular, "IRREG"),
];

/// The frequency of an update cycle.
pub(crate) fn frequency(cycle: UpdateCycle) -> &'static str {
    FREQUENCIES.iter().find(|(known, _)| *known == cycle).map_or("IRREG", |(_, name)| name)
}

/// The update cycle of a frequency.
pub(crate) fn cycle(frequency: &str) -> Option<UpdateCycle> {
    FREQUENCIES.iter().find(|(_, name)| *name == frequency).map(|(cycle, _)| *cycle)
}

/// The word by which the API knows a value.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

/// Says it.
pub(crate) fn describe(site: &Site, resource: &Resource, dataset: &NamedNode, out: &mut Statements) {
    out.text(dataset, sq::SQL_NAME, resource.sql_name.as_str());
    let method = &resource.sharing_method;
    for (predicate, text) in [
        (sq::FORMAT_CLASS, resource.format.class.as_str()),
        (sq::FORMAT_KIND, &resource.format.kind),
        (sq::FORMAT_OTHER, &resource.format.other),
        (sq::SHARING_METHOD_CLASS, &method.class),
        (sq::SHARING_METHOD_KIND, &method.kind),
        (sq::BUSINESS_MATTER, &resource.business_matter),
        (sq::SUB_ORGANISATION, &resource.sub_organisation),
        (sq::OPEN_TOPIC, &resource.open_topic),
    ] {
        out.chinese(dataset, predicate, text);
    }
    out.text(dataset, sq::DATA_CLASS, &word(&resource.data_class));
    out.flag(dataset, sq::PERSONAL, resource.personal);
    out.text(dataset, sq::LICENCE, resource.licence.as_deref().unwrap_or_default());
    out.text(dataset, sq::SUBJECT, resource.subject.as_ref().map_or("", |column| column.as_str()));
    // In RDF several values have no order; these have.
    out.texts(dataset, sq::CLASSIFICATION, &resource.classification);
    out.texts(dataset, sq::KEYWORDS, &resource.keywords);
    out.texts(dataset, sq::RELATED, &resource.related);
    out.texts(dataset, sq::DERIVED_FROM, &resource.derived_from);
    out.texts(dataset, sq::KEY, &resource.key);
    out.texts(dataset, sq::SORT, &resource.sort);
    out.texts(dataset, sq::VERIFICATIONS, &resource.verifications);
    let named = |column: &ColumnName| site.part(&resource.code, &format!("item-{column}"));
    out.list(dataset, sq::ITEMS, resource.items.iter().map(|item| named(&item.column).into()));
    for item in &resource.items {
        item::describe(item, &named(&item.column), out);
    }
}
