//! The three syntaxes in which graphs are written and read.

use catalog_core::{Error, ErrorCode, Result};
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument, JsonLdSerializer};
use oxrdf::{Graph, GraphNameRef, Triple};
use oxrdfxml::{RdfXmlParser, RdfXmlSerializer};
use oxttl::{TurtleParser, TurtleSerializer};

use crate::site::Site;
use crate::statements::Statements;
use crate::vocabulary::PREFIXES;
use crate::xml;

/// The JSON-LD context of the directory's terms: with it, a department writes entries under the names of the API.
pub const CONTEXT: &str = include_str!("../../../schemas/directory.jsonld");

/// The path at which every server serves [`CONTEXT`]; documents to be read may refer to it and to no other.
const CONTEXT_PATH: &str = "/schemas/directory.jsonld";

/// The most triples that are read from one document: about three thousand entries, and 400 MB of memory.
const MAX_TRIPLES: usize = 500_000;

/// The deepest nesting of JSON: contexts and nodes are read recursively.
const MAX_JSON_DEPTH: usize = 64;

/// The deepest nesting of Turtle: each level makes all further ones slower.
const MAX_TURTLE_DEPTH: usize = 1_000;

/// A syntax of RDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Turtle.
    Turtle,
    /// JSON-LD 1.1.
    JsonLd,
    /// RDF/XML.
    RdfXml,
}

impl Syntax {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Turtle, Self::JsonLd, Self::RdfXml];

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Turtle => "text/turtle",
            Self::JsonLd => "application/ld+json",
            Self::RdfXml => "application/rdf+xml",
        }
    }

    /// How names of files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Turtle => "ttl",
            Self::JsonLd => "jsonld",
            Self::RdfXml => "rdf",
        }
    }

    /// The syntax of that media type or ending.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|syntax| [syntax.media_type(), syntax.extension()].contains(&name))
    }

    /// Writes a document.
    ///
    /// # Errors
    /// `internal`: what is said here can be written.
    pub fn write(self, statements: Statements) -> Result<Vec<u8>> {
        let triples = statements.into_triples();
        match self {
            Self::Turtle => turtle(&triples),
            Self::JsonLd => json_ld(&triples),
            Self::RdfXml => rdf_xml(&triples),
        }
        .map_err(Error::internal)
    }

    /// Reads a document; relative addresses in it are those of `site`. Nothing is fetched for it.
    ///
    /// # Errors
    /// `invalid_input` where it is not well formed, nested too deep, declares entities or refers to a context elsewhere; `too_large` beyond
    /// 500,000 triples.
    pub fn read(self, document: &[u8], site: &Site) -> Result<Graph> {
        let base = site.address("/");
        match self {
            Self::Turtle => {
                check_depth(document, MAX_TURTLE_DEPTH)?;
                let parser = TurtleParser::new().with_base_iri(base).map_err(Error::internal)?;
                collected(parser.for_slice(document))
            }
            Self::JsonLd => {
                check_depth(document, MAX_JSON_DEPTH)?;
                let parser = JsonLdParser::new().with_base_iri(base).map_err(Error::internal)?;
                let quads =
                    parser.for_slice(document).with_load_document_callback(|address, _| context(address));
                // Everything is read as one graph, whatever graph of the document it stands in.
                collected(quads.map(|quad| quad.map(Triple::from)))
            }
            Self::RdfXml => {
                // An entity that names others can stand for gigabytes.
                if document.windows(8).any(|bytes| bytes.eq_ignore_ascii_case(b"<!ENTITY")) {
                    return Err(Error::new(ErrorCode::InvalidInput, "write the document without entities"));
                }
                xml::check_depth(document)?;
                let parser = RdfXmlParser::new().with_base_iri(base).map_err(Error::internal)?;
                collected(parser.for_slice(document))
            }
        }
    }
}

/// Refuses a document whose brackets outside of quoted text are nested too deep.
fn check_depth(document: &[u8], most: usize) -> Result<()> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in document {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'[' | b'{' | b'(' if !is_text => depth += 1,
            b']' | b'}' | b')' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            let message = format!("the document is nested deeper than {most} levels");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
    }
    Ok(())
}

fn collected<E: std::fmt::Display>(triples: impl Iterator<Item = Result<Triple, E>>) -> Result<Graph> {
    let mut graph = Graph::new();
    for (count, triple) in triples.enumerate() {
        let triple = triple.map_err(|error| {
            let message = format!("the document can't be read: {error}");
            Error::new(ErrorCode::InvalidInput, message.chars().take(400).collect::<String>())
        })?;
        if count >= MAX_TRIPLES {
            let message = format!("the document has more than {MAX_TRIPLES} statements; send it in parts");
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        graph.insert(&triple);
    }
    Ok(graph)
}

fn context(address: &str) -> Result<JsonLdRemoteDocument, Box<dyn std::error::Error + Send + Sync>> {
    match address.ends_with(CONTEXT_PATH) {
        true => Ok(JsonLdRemoteDocument { document: CONTEXT.into(), document_url: address.to_owned() }),
        false => Err(format!("no other context than {CONTEXT_PATH} is read").into()),
    }
}

fn turtle(triples: &[Triple]) -> std::io::Result<Vec<u8>> {
    let mut serializer = TurtleSerializer::new();
    for (prefix, namespace) in PREFIXES {
        serializer = serializer.with_prefix(prefix, namespace).map_err(std::io::Error::other)?;
    }
    let mut writer = serializer.for_writer(Vec::new());
    for triple in triples {
        writer.serialize_triple(triple)?;
    }
    writer.finish()
}

fn json_ld(triples: &[Triple]) -> std::io::Result<Vec<u8>> {
    let mut serializer = JsonLdSerializer::new();
    for (prefix, namespace) in PREFIXES {
        serializer = serializer.with_prefix(prefix, namespace).map_err(std::io::Error::other)?;
    }
    let mut writer = serializer.for_writer(Vec::new());
    for triple in triples {
        writer.serialize_quad(triple.as_ref().in_graph(GraphNameRef::DefaultGraph))?;
    }
    writer.finish()
}

fn rdf_xml(triples: &[Triple]) -> std::io::Result<Vec<u8>> {
    let mut serializer = RdfXmlSerializer::new();
    for (prefix, namespace) in PREFIXES {
        serializer = serializer.with_prefix(prefix, namespace).map_err(std::io::Error::other)?;
    }
    let mut writer = serializer.for_writer(Vec::new());
    for triple in triples {
        writer.serialize_triple(&xml::writable(triple))?;
    }
    writer.finish()
}
