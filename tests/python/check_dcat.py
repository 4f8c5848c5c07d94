"""Checks a DCAT document with two SHACL engines that share no code: pySHACL and rudof.

usage: check_dcat.py turtle|json-ld|xml SHAPES... < DOCUMENT

Prints, as JSON, what each engine finds against the shapes, and what rdflib reads: titles, next page.
"""

import json
import sys

import pyrudof
import pyshacl
import rdflib
from rdflib.namespace import DCTERMS, RDF

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
SHACL = rdflib.Namespace("http://www.w3.org/ns/shacl#")
FORMATS = {
    "turtle": pyrudof.RDFFormat.Turtle,
    "json-ld": pyrudof.RDFFormat.JsonLd,
    "xml": pyrudof.RDFFormat.RdfXml,
}


def by_pyshacl(graph, shapes):
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes, inference="none", advanced=False)
    results = report.subjects(RDF.type, SHACL.ValidationResult)
    return sorted(f"{report.value(r, SHACL.focusNode)} {report.value(r, SHACL.resultPath)}" for r in results)


def by_rudof(document, format, shapes):
    engine = pyrudof.Rudof(pyrudof.RudofConfig())
    engine.read_shacl(shapes.serialize(format="turtle"), pyrudof.ShaclFormat.Turtle)
    engine.read_data(document, FORMATS[format], reader_mode=pyrudof.ReaderMode.Strict)
    report = engine.validate_shacl()
    return [] if report.conforms else sorted(str(violation) for violation in report.violations)


def main():
    format, *files = sys.argv[1:]
    document = sys.stdin.read()
    shapes = rdflib.Graph()
    for file in files:
        shapes.parse(file)
    graph = rdflib.Graph().parse(data=document, format=format)
    datasets = graph.subjects(RDF.type, DCAT.Dataset)
    nexts = [o for view in graph.subjects(RDF.type, HYDRA.PagedCollection) for o in graph.objects(view, HYDRA.next)]
    found = {
        "pyshacl": by_pyshacl(graph, shapes),
        "rudof": by_rudof(document, format, shapes),
        "titles": sorted(str(graph.value(dataset, DCTERMS.title)) for dataset in datasets),
        "distributions": len(list(graph.subjects(RDF.type, DCAT.Distribution))),
        "next": [str(address) for address in nexts],
    }
    print(json.dumps(found, ensure_ascii=False))


main()
