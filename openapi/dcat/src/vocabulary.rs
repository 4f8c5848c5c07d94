//! Terms of the vocabularies in use, and our own.

/// A vocabulary: its namespace and the terms of it that are used here.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $module:ident = $namespace:literal { $($name:ident = $local:literal),* $(,)? }) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use oxrdf::NamedNodeRef;

            pub(crate) const NAMESPACE: &str = $namespace;
            $(pub(crate) const $name: NamedNodeRef<'static> =
                NamedNodeRef::new_unchecked(concat!($namespace, $local));)*
        }
    };
}

vocabulary! {
    /// Data Catalog Vocabulary, version 3.
    dcat = "http://www.w3.org/ns/dcat#" {
        CATALOG = "Catalog", DATASET = "Dataset", DISTRIBUTION = "Distribution", HAS_DATASET = "dataset",
        HAS_DISTRIBUTION = "distribution", KEYWORD = "keyword", THEME = "theme", THEME_TAXONOMY = "themeTaxonomy",
        CONTACT_POINT = "contactPoint", LANDING_PAGE = "landingPage", ACCESS_URL = "accessURL",
        DOWNLOAD_URL = "downloadURL", MEDIA_TYPE = "mediaType", BYTE_SIZE = "byteSize", VERSION = "version",
        START_DATE = "startDate", END_DATE = "endDate",
    }
}
vocabulary! {
    /// DCMI Metadata Terms.
    dct = "http://purl.org/dc/terms/" {
        TITLE = "title", DESCRIPTION = "description", IDENTIFIER = "identifier", PUBLISHER = "publisher",
        ISSUED = "issued", MODIFIED = "modified", LANGUAGE = "language", LICENSE = "license", SPATIAL = "spatial",
        TEMPORAL = "temporal", RELATION = "relation", FORMAT = "format", CONFORMS_TO = "conformsTo",
        ACCRUAL_PERIODICITY = "accrualPeriodicity", ACCESS_RIGHTS = "accessRights",
        LINGUISTIC_SYSTEM = "LinguisticSystem", LICENSE_DOCUMENT = "LicenseDocument", LOCATION = "Location",
        PERIOD_OF_TIME = "PeriodOfTime", MEDIA_TYPE = "MediaType", MEDIA_TYPE_OR_EXTENT = "MediaTypeOrExtent",
        STANDARD = "Standard", FREQUENCY = "Frequency", RIGHTS_STATEMENT = "RightsStatement",
    }
}
vocabulary! {
    /// Friend of a Friend: agents and documents.
    foaf = "http://xmlns.com/foaf/0.1/" {
        AGENT = "Agent", DOCUMENT = "Document", NAME = "name", HOMEPAGE = "homepage", PAGE = "page",
    }
}
vocabulary! {
    /// Hydra: pages of a collection, as harvesters follow them.
    hydra = "http://www.w3.org/ns/hydra/core#" {
        PAGED_COLLECTION = "PagedCollection", PARTIAL_VIEW = "PartialCollectionView", VIEW = "view",
        TOTAL_ITEMS = "totalItems", FIRST = "first", LAST = "last", NEXT = "next", PREVIOUS = "previous",
    }
}
vocabulary! {
    /// Software Package Data Exchange: checksums.
    spdx = "http://spdx.org/rdf/terms#" {
        CHECKSUM = "checksum", CHECKSUM_CLASS = "Checksum", ALGORITHM = "algorithm",
        CHECKSUM_VALUE = "checksumValue", SHA256 = "checksumAlgorithm_sha256",
    }
}
vocabulary! {
    /// Provenance: what a dataset is made from.
    prov = "http://www.w3.org/ns/prov#" { WAS_DERIVED_FROM = "wasDerivedFrom" }
}
vocabulary! {
    /// Simple Knowledge Organization System: the directory's classification.
    skos = "http://www.w3.org/2004/02/skos/core#" {
        CONCEPT = "Concept", CONCEPT_SCHEME = "ConceptScheme", PREF_LABEL = "prefLabel", IN_SCHEME = "inScheme",
        NOTATION = "notation",
    }
}
vocabulary! {
    /// vCard: contact points.
    vcard = "http://www.w3.org/2006/vcard/ns#" { KIND = "Kind", FN = "fn" }
}
vocabulary! {
    /// Our own: what the directory of departments says and DCAT has no term for. `schemas/README.md` documents each.
    sq = "urn:shuqiao:directory#" {
        SQL_NAME = "sqlName", CLASSIFICATION = "classification", FORMAT_CLASS = "formatClass",
        FORMAT_KIND = "formatKind", FORMAT_OTHER = "formatOther", SHARING_METHOD_CLASS = "sharingMethodClass",
        SHARING_METHOD_KIND = "sharingMethodKind", RELATED = "related",
        DERIVED_FROM = "derivedFrom", BUSINESS_MATTER = "businessMatter",
        SUB_ORGANISATION = "subOrganisation", OPEN_TOPIC = "openTopic", KEYWORDS = "keywords",
        DATA_CLASS = "dataClass", PERSONAL = "personal", LICENCE = "licence", KEY = "key", SORT = "sort",
        SUBJECT = "subject", VERIFICATIONS = "verifications", ITEMS = "items", INFORMATION_ITEM = "InformationItem", COLUMN = "column", TYPE = "type",
        LENGTH = "length", SCALE = "scale", SHARING = "sharing", SHARING_CONDITION = "sharingCondition",
        OPENING = "opening", OPENING_CONDITION = "openingCondition", REQUIRED = "required", VALUE_FORMAT = "valueFormat",
        ENUMERATION = "enumeration", MINIMUM = "minimum", MAXIMUM = "maximum", REFERENCE = "reference",
    }
}

/// Tables of the Publications Office of the European Union, from which DCAT-AP takes its controlled values.
pub(crate) const AUTHORITY: &str = "http://publications.europa.eu/resource/authority/";

/// Prefixes with which documents are written.
pub(crate) const PREFIXES: [(&str, &str); 10] = [
    ("dcat", dcat::NAMESPACE),
    ("dct", dct::NAMESPACE),
    ("foaf", foaf::NAMESPACE),
    ("hydra", hydra::NAMESPACE),
    ("prov", prov::NAMESPACE),
    ("spdx", spdx::NAMESPACE),
    ("skos", skos::NAMESPACE),
    ("sq", sq::NAMESPACE),
    ("vcard", vcard::NAMESPACE),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];
