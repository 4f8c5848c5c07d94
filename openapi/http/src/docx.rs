//! Documents for word processors (Office Open XML, ISO/IEC 29500): made from plain text, or from a template whose places
//! are filled. The same input gives the same bytes.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use catalog_core::confidential::is_bidi_control;
use catalog_core::{Error, ErrorCode, Result};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Media type of a document.
pub(crate) const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// The most bytes of one part of a template, unpacked.
const PART_BYTES: u64 = 16 << 20;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;

const RELATIONSHIPS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>"#;

/// A4 with the margins of GB/T 9704.
const TAIL: &str = r#"<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="2098" w:right="1474" w:bottom="1984" w:left="1588" w:header="851" w:footer="992" w:gutter="0"/></w:sectPr></w:body></w:document>"#;

/// A document from lines of text: `# ` begins a title, `## ` a heading, `> ` stands on the right, `|a|b|` is a row of a
/// table, and anything else is a paragraph.
pub(crate) fn from_text(text: &str) -> Result<Vec<u8>> {
    let mut body = String::from(HEAD);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        match line.strip_prefix('|') {
            None => body.push_str(&paragraph(line)),
            Some(first) => {
                body.push_str(TABLE);
                let columns = "<w:gridCol/>".repeat(first.trim_end_matches('|').split('|').count());
                body.push_str(&format!("<w:tblGrid>{columns}</w:tblGrid>{}", row(first)));
                while let Some(next) = lines.next_if(|line| line.starts_with('|')) {
                    body.push_str(&row(next.trim_start_matches('|')));
                }
                body.push_str("</w:tbl>");
            }
        }
    }
    body.push_str(TAIL);
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONSHIPS),
        ("word/document.xml", body.as_str()),
    ];
    packed(parts.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())))
}

const TABLE: &str = r#"<w:tbl><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders><w:top w:val="single" w:sz="4"/><w:left w:val="single" w:sz="4"/><w:bottom w:val="single" w:sz="4"/><w:right w:val="single" w:sz="4"/><w:insideH w:val="single" w:sz="4"/><w:insideV w:val="single" w:sz="4"/></w:tblBorders></w:tblPr>"#;

fn row(cells: &str) -> String {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", run("left", 18, false, text));
    let cells: String = cells.trim_end_matches('|').split('|').map(cell).collect();
    format!("<w:tr>{cells}</w:tr>")
}

/// Sizes are in half points: 22 pt, 16 pt, 10.5 pt.
fn paragraph(line: &str) -> String {
    match line.split_once(' ') {
        Some(("#", title)) => run("center", 44, true, title),
        Some(("##", heading)) => run("left", 32, true, heading),
        Some((">", text)) => run("right", 32, false, text),
        _ => run("both", 32, false, line),
    }
}

fn run(align: &str, size: u8, is_bold: bool, text: &str) -> String {
    let bold = if is_bold { "<w:b/>" } else { "" };
    format!(
        "<w:p><w:pPr><w:jc w:val=\"{align}\"/></w:pPr><w:r><w:rPr><w:rFonts w:eastAsia=\"仿宋\"/>{bold}<w:sz w:val=\"{size}\"/>\
         </w:rPr><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
        escaped(text)
    )
}

/// A template with its places `{{name}}` filled, in the text and in headers and footers. A place is a run of text of its own
/// name; what a text holds is never taken for a place, nor for markup.
pub(crate) fn filled(template: &[u8], texts: &BTreeMap<&'static str, String>) -> Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(template)).map_err(broken)?;
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(broken)?;
        if file.is_dir() {
            continue;
        }
        let (name, mut content) = (file.name().to_owned(), Vec::new());
        let read = file.take(PART_BYTES + 1).read_to_end(&mut content);
        if read.map_err(|error| broken(error.into()))? as u64 > PART_BYTES {
            return Err(Error::new(ErrorCode::TooLarge, "the template has a part of more than 16 MiB"));
        }
        let has_places =
            name == "word/document.xml" || name.starts_with("word/header") || name.starts_with("word/footer");
        if has_places {
            let text = String::from_utf8(content).map_err(|_| wrong("its text is not UTF-8"))?;
            content = replaced(&text, texts)?.into_bytes();
        }
        parts.push((name, content));
    }
    if !parts.iter().any(|(name, _)| name == "word/document.xml") {
        return Err(wrong("it is no .docx document"));
    }
    packed(parts.into_iter())
}

fn replaced(xml: &str, texts: &BTreeMap<&'static str, String>) -> Result<String> {
    let (mut out, mut rest, mut found) = (String::with_capacity(xml.len()), xml, 0);
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").ok_or_else(|| wrong("a place is not closed by }}"))?;
        if name.contains('<') {
            return Err(wrong("a place is split by formatting: delete it and type it again in one go"));
        }
        let text = texts.get(name.trim()).ok_or_else(|| {
            let known: Vec<_> = texts.keys().copied().collect();
            wrong(&format!("it has an unknown place; there are {}", known.join(", ")))
        })?;
        out.push_str(before);
        out.push_str(&escaped(text));
        (rest, found) = (behind, found + 1);
    }
    out.push_str(rest);
    match shown(xml).matches("{{").count() == found {
        true => Ok(out),
        false => Err(wrong("a place is split by formatting: delete it and type it again in one go")),
    }
}

/// The text of a part without its markup.
fn shown(xml: &str) -> String {
    xml.split('<')
        .enumerate()
        .map(|(index, piece)| match (index, piece.split_once('>')) {
            (0, _) => piece,
            (_, Some((_, text))) => text,
            (_, None) => "",
        })
        .collect()
}

/// A text within `<w:t>`: markup is escaped, a new line breaks it, and what XML 1.0 can't hold or what turns the direction of
/// the text is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("</w:t><w:br/><w:t xml:space=\"preserve\">"),
            '\t' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if letter.is_control() || is_bidi_control(letter) => {}
            _ => out.push(letter),
        }
    }
    out
}

/// Packs parts in their order, all of one time, so that the same parts give the same bytes.
fn packed(parts: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(name, options).map_err(Error::internal)?;
        archive.write_all(&content).map_err(Error::internal)?;
    }
    Ok(archive.finish().map_err(Error::internal)?.into_inner())
}

fn broken(cause: ZipError) -> Error {
    wrong("it is no .docx document, or it is damaged").with_internal(cause)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, format!("the template can't be used: {what}"))
}
