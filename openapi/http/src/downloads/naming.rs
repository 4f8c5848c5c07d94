//! What a file is called where it is kept (RFC 6266), in Chinese (RFC 8187) beside a name that every program reads.

use catalog_core::confidential::is_bidi_control;
use catalog_core::services::Dataset;
use exchange_auth::encode_assertion;

use super::kind::Kind;

/// Characters of a title in a file's name.
const TITLE_LENGTH: usize = 80;

/// The value of `content-disposition`.
pub(super) fn disposition(dataset: &Dataset, kind: Kind) -> String {
    let (code, number) = (dataset.resource.code.path_form(), dataset.version.number);
    let ending = format!("v{number}.{}", kind.extension());
    let title = titled(&dataset.resource.title);
    let name = if title.is_empty() { &code } else { &title };
    let encoded = encode_assertion(&format!("{name}.{ending}"));
    format!("attachment; filename=\"{code}.{ending}\"; filename*=UTF-8''{encoded}")
}

/// The same of a material: as its register calls it, else as the dataset is called.
pub(super) fn material_disposition(
    dataset: &Dataset,
    digest: &str,
    name: Option<&str>,
    ending: &str,
) -> String {
    let short: String = digest.chars().take(12).collect();
    let plain = format!("{}-{short}.{ending}", dataset.resource.code.path_form());
    let given = name.map(titled).filter(|name| !name.is_empty());
    let named = given.unwrap_or_else(|| match titled(&dataset.resource.title) {
        title if title.is_empty() => plain.clone(),
        title => format!("{title}-{short}.{ending}"),
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encode_assertion(&named))
}

/// A title as a part of a file's name on any system: without separators, and with nothing that shows it in another order.
fn titled(title: &str) -> String {
    let kept = title.chars().filter(|letter| !is_bidi_control(*letter)).map(|letter| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        letter if letter.is_control() => '_',
        letter => letter,
    });
    let name: String = kept.take(TITLE_LENGTH).collect();
    name.trim_matches(|edge: char| edge == '.' || edge.is_whitespace()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_a_name_on_any_system() {
        for (title, name) in [
            ("行政处罚信息", "行政处罚信息"),
            ("企业/个体: 名录?", "企业_个体_ 名录_"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\r\nb", "a__b"),
            ("名录\u{202e}vsc.exe", "名录vsc.exe"),
            (" . ", ""),
        ] {
            assert_eq!(titled(title), name);
        }
        assert_eq!(titled(&"长".repeat(200)).chars().count(), TITLE_LENGTH);
    }
}
