use super::*;

fn texts(text: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("title", text.to_owned()), ("number", "GK-1".to_owned())])
}

fn document(package: &[u8]) -> String {
    let mut archive = ZipArchive::new(Cursor::new(package)).unwrap();
    let mut text = String::new();
    archive.by_name("word/document.xml").unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_text_becomes_paragraphs_and_tables() {
    let package = from_text("# 标题\n> 右\n|甲|乙|\n|1|2|\n正文").unwrap();
    assert_eq!(package, from_text("# 标题\n> 右\n|甲|乙|\n|1|2|\n正文").unwrap(), "the same bytes");
    let xml = document(&package);
    assert_eq!(shown(&xml).trim(), "标题右甲乙12正文");
    assert_eq!((xml.matches("<w:tbl>").count(), xml.matches("<w:tc>").count()), (1, 4));
}

#[test]
fn hostile_texts_stay_texts() {
    let template = from_text("{{title}}（{{number}}）").unwrap();
    let hostile = "</w:t><w:evil/>&amp; \u{202e}倒\u{0}\u{8}\u{ffff} {{number}} \"'\n二";
    let xml = document(&filled(&template, &texts(hostile)).unwrap());
    assert!(!xml.contains("<w:evil/>") && !xml.contains('\u{202e}') && !xml.contains('\u{0}'), "{xml}");
    assert!(
        xml.contains("&lt;/w:t&gt;&lt;w:evil/&gt;&amp;amp; 倒 {{number}} &quot;&apos;</w:t><w:br/>"),
        "{xml}"
    );
    assert!(xml.contains("（GK-1）"));
}

#[test]
fn a_template_that_would_leave_a_place_empty_is_refused() {
    let refused = |text: &str| filled(&from_text(text).unwrap(), &texts("x")).unwrap_err().message;
    assert!(refused("{{titel}}").contains("number, title"));
    assert!(refused("{{title").contains("not closed"));
    let split = |from: &str, to: &str| {
        let parts = [(
            "word/document.xml".to_owned(),
            document(&from_text("{{title}}").unwrap()).replace(from, to).into_bytes(),
        )];
        filled(&packed(parts.into_iter()).unwrap(), &texts("x")).unwrap_err().message
    };
    assert!(split("{{title", "{{ti</w:t><w:t>tle").contains("split"));
    assert!(split("{{", "{</w:t><w:t>{").contains("split"));
    assert!(filled(b"PK nonsense", &texts("x")).is_err());
}
