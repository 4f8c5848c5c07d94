//! The one form in which identifiers and names are compared and hashed: two spellings of one value have one form.
//!
//! Nothing here guesses. What is folded is what keyboards, spreadsheets, fonts and character sets make of one and the same value:
//! width, case, blanks, invisible characters, the dots between the parts of a name, and characters that standards encode apart
//! for one shape. Simplified and traditional characters stay apart: 后 and 後 are two surnames.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// The dots that are written between the parts of a name, beside U+00B7 间隔号, which they become.
const DOTS: &str = "\u{2022}\u{2024}\u{2027}\u{2219}\u{22c5}\u{25cf}\u{25e6}\u{30fb}\u{16eb}\u{2e31}.。";

/// Characters that stand for others.
#[rustfmt::skip]
const SAME: &[(char, char)] = &[
    // private-use code points of GB 18030-2000, as GB 18030-2022 names them
    ('\u{e816}', '\u{20087}'), ('\u{e817}', '\u{20089}'), ('\u{e818}', '\u{200cc}'),
    ('\u{e81e}', '\u{9fb4}'), ('\u{e826}', '\u{9fb5}'), ('\u{e82b}', '\u{9fb6}'), ('\u{e82c}', '\u{9fb7}'),
    ('\u{e831}', '\u{215d7}'), ('\u{e832}', '\u{9fb8}'), ('\u{e83b}', '\u{2298f}'),
    ('\u{e843}', '\u{9fb9}'), ('\u{e854}', '\u{9fba}'), ('\u{e855}', '\u{241fe}'),
    ('\u{e864}', '\u{9fbb}'),
    // radicals
    ('⺠', '民'), ('⻄', '西'), ('⻅', '见'), ('⻉', '贝'), ('⻋', '车'), ('⻓', '长'), ('⻔', '门'), ('⻘', '青'),
    ('⻙', '韦'), ('⻚', '页'), ('⻛', '风'), ('⻜', '飞'), ('⻝', '食'), ('⻢', '马'), ('⻥', '鱼'), ('⻦', '鸟'),
    ('⻨', '麦'), ('⻩', '黄'), ('⻬', '齐'), ('⻮', '齿'), ('⻰', '龙'),
    // source separation
    ('兌', '兑'), ('兪', '俞'), ('內', '内'), ('冊', '册'), ('別', '别'), ('刪', '删'), ('卽', '即'), ('吳', '吴'),
    ('呂', '吕'), ('吿', '告'), ('姍', '姗'), ('姸', '妍'), ('娛', '娱'), ('媼', '媪'), ('尙', '尚'), ('巓', '巅'),
    ('幷', '并'), ('彥', '彦'), ('悅', '悦'), ('愼', '慎'), ('慍', '愠'), ('戶', '户'), ('戸', '户'), ('晩', '晚'),
    ('柵', '栅'), ('榲', '榅'), ('橫', '横'), ('歩', '步'), ('毀', '毁'), ('沒', '没'), ('淸', '清'), ('淥', '渌'),
    ('溫', '温'), ('熅', '煴'), ('爲', '為'), ('瑤', '瑶'), ('甁', '瓶'), ('產', '産'), ('眞', '真'), ('稅', '税'),
    ('絕', '絶'), ('綠', '緑'), ('緖', '緒'), ('緣', '縁'), ('脫', '脱'), ('蒕', '蒀'), ('蘊', '藴'), ('說', '説'),
    ('靑', '青'), ('靜', '静'), ('顏', '顔'), ('飮', '飲'), ('騈', '駢'), ('髙', '高'), ('黃', '黄'), ('黒', '黑'),
    ('﨑', '崎'), ('敎', '教'), ('旣', '既'), ('槪', '概'), ('強', '强'), ('硏', '研'), ('禿', '秃'), ('郞', '郎'),
];

/// The canonical form of an identifier: an identity number, a credit code, the number of a certificate.
///
/// NFKC (full width becomes half), without blanks and invisible characters, in upper case. Hyphens, brackets and dots stay: numbers of
/// certificates differ in them. No number is corrected, and none of 15 digits becomes one of 18.
pub fn canonical_identifier(text: &str) -> String {
    // Most are in it already.
    match text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_lowercase()) {
        true => text.to_owned(),
        false => folded_identifier(text),
    }
}

fn folded_identifier(text: &str) -> String {
    settled(text, |text| visible(text).flat_map(char::to_uppercase).collect())
}

/// The canonical form of a name, of a person or an organisation.
///
/// As an identifier's, and all dots between its parts are `·`, and characters that standards encode apart for one shape are one. Blanks
/// go altogether: 张 三 is 张三, and JOHN SMITH is JOHNSMITH.
pub fn canonical_name(text: &str) -> String {
    // Most are in it already: no unified ideograph has another normal form.
    let is_plain = |one: char| ('\u{4e00}'..='\u{9fff}').contains(&one) && same(one).is_none();
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => folded_name(text),
    }
}

fn folded_name(text: &str) -> String {
    let one = |character: char| match character {
        dot if DOTS.contains(dot) => '\u{b7}',
        other => same(other).unwrap_or(other),
    };
    settled(text, |text| visible(text).map(one).flat_map(char::to_uppercase).collect())
}

/// The character for which another stands.
fn same(character: char) -> Option<char> {
    static BY_CHARACTER: LazyLock<HashMap<char, char>> = LazyLock::new(|| SAME.iter().copied().collect());
    BY_CHARACTER.get(&character).copied()
}

/// What a step makes of the text until it makes nothing else of it: upper case can undo what normalising has done, in Greek.
fn settled(text: &str, step: impl Fn(&str) -> String) -> String {
    let mut form = step(text);
    for _ in 0..4 {
        let next = step(&form);
        if next == form {
            break;
        }
        form = next;
    }
    form
}

/// The characters that a reader sees, normalised.
fn visible(text: &str) -> impl Iterator<Item = char> {
    text.nfkc().filter(|character| {
        !character.is_whitespace() && !character.is_control() && !is_invisible(*character)
    })
}

/// Format characters, variation selectors and fillers: what is default-ignorable (Unicode, `Default_Ignorable_Code_Point`).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_case_and_blanks_make_no_other_identifier() {
        for text in [
            "11010519491231002X",
            "11010519491231002x",
            "１１０１０５１９４９１２３１００２Ｘ",
            " 110105 19491231 002x\u{200b}\t",
        ] {
            assert_eq!(canonical_identifier(text), "11010519491231002X");
        }
        assert_ne!(
            canonical_identifier("赣B-17"),
            canonical_identifier("赣B17"),
            "a certificate's hyphen is its own"
        );
        assert_ne!(
            canonical_identifier("130503670401001"),
            canonical_identifier("130503196704010016"),
            "no number is made of another"
        );
    }

    #[test]
    fn spellings_of_a_name_have_one_form() {
        for text in [
            "买买提·吐尔逊",
            "买买提•吐尔逊",
            "买买提・吐尔逊",
            "买买提･吐尔逊",
            "买买提．吐尔逊",
            "买买提.吐尔逊",
            "买买提。吐尔逊",
            "买买提 · 吐尔逊",
            "买买提\u{200d}‧吐尔逊",
        ] {
            assert_eq!(canonical_name(text), "买买提\u{b7}吐尔逊", "{text}");
        }
        for (text, form) in [
            ("张　三", "张三"),
            ("John Smith", "JOHNSMITH"),
            ("髙戸靑", "高户青"),
            ("⻢⻰", "马龙"),
            ("\u{e826}", "\u{9fb5}"),
            ("\u{f900}", "豈"),
            ("九江（示例）有限公司", "九江(示例)有限公司"),
            ("葛\u{e0100}城", "葛城"),
        ] {
            assert_eq!(canonical_name(text), form, "{text}");
        }
        assert_ne!(canonical_name("后羿"), canonical_name("後羿"), "two surnames");
    }

    #[test]
    fn the_table_leads_to_characters_that_it_does_not_name_again() {
        let names: BTreeMap<char, char> = SAME.iter().copied().collect();
        assert_eq!(names.len(), SAME.len(), "one that is named twice");
        for (from, to) in SAME {
            assert!(from != to && !names.contains_key(to), "{from} leads to {to}");
        }
    }

    proptest! {
        /// What is passed over as plain is what folding leaves alone.
        #[test]
        fn plain_spellings_are_in_their_form(number in "[ -~]{0,20}", name in "[\u{4e00}-\u{9fff}]{0,6}", any in any::<String>()) {
            for text in [&number, &name, &any] {
                prop_assert_eq!(canonical_identifier(text), folded_identifier(text));
                prop_assert_eq!(canonical_name(text), folded_name(text));
            }
            for (from, _) in SAME {
                let text = format!("{name}{from}");
                prop_assert_eq!(canonical_name(&text), folded_name(&text));
            }
        }

        /// Also of whatever cannot be a name.
        #[test]
        fn a_canonical_form_is_its_own(text in any::<String>(), name in "[\u{2e80}-\u{2fdf}\u{4e00}-\u{9fff}\u{f900}-\u{faff}\u{e810}-\u{e870}·•.ａ-ｚß ]{0,9}") {
            for text in [text, name] {
                for form in [canonical_identifier, canonical_name] {
                    let once = form(&text);
                    prop_assert_eq!(form(&once), once.clone());
                    prop_assert!(!once.contains('\u{1f}'), "what stands between values is in no form");
                }
            }
        }
    }
}
