use openapi_dcat::Site;

use super::*;
use crate::around::Language;
use crate::identity::Identity;

const PAGE: &str = r#"<main id="content">
<form action="/search"><input name="q" value="x"></form>
<form method="post" action="/a"><input type="hidden" name="grant" value="1"><textarea name="reason"></textarea><button>End</button></form>
<form method="post" action="/a"><input type="hidden" name="grant" value="2 &#38; 3"><textarea name="reason" required>
old</textarea><button name="do" value="end">End</button></form>
<form class="form" method="post" action="/a"><input id="t" name="title" value="old" required>
<input type="checkbox" name="items" value="a" checked><input type="checkbox" name="items" value="b"><input type="password" name="word">
<select name="kind"><option value="x" selected>X</option><option>y &lt;</option></select><input name="line"><input name="line" value="2"></form></main>"#;

fn shown(fields: &[(&str, &str)]) -> String {
    let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
    let a = Around::plain(&site, &identity, Language::Chinese, "/a");
    let typed = fields.iter().fold(Typed::default(), |typed, (name, value)| typed.with(*name, *value));
    returned(PAGE, &typed, &a)
}

#[test]
fn the_form_that_was_sent_takes_back_what_was_typed() {
    let page = shown(&[
        ("title", "\"><script>alert(1)</script>"),
        ("items", "b"),
        ("kind", "y <"),
        ("line", "甲"),
        ("line", "乙"),
        ("word", "secret"),
    ]);
    assert!(
        page.contains(
            r#"<input id="t" name="title" required value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">"#
        ),
        "{page}"
    );
    assert!(page.contains(r#"<input type="checkbox" name="items" value="a"><input type="checkbox" name="items" value="b" checked>"#));
    assert!(page.contains(r#"<option value="x">X</option><option selected>y &lt;</option>"#), "{page}");
    assert!(page.contains(r#"<input name="line" value="甲"><input name="line" value="乙">"#), "{page}");
    assert!(page.contains(r#"<input type="password" name="word">"#));
    assert!(page.contains(r#"<input name="q" value="x">"#), "a search stays as it is");
}

#[test]
fn of_forms_with_the_same_fields_the_one_for_the_same_thing_takes_it() {
    let page = shown(&[("grant", "2 & 3"), ("reason", "不再需要\n第二行"), ("do", "end")]);
    assert!(page.contains("<textarea name=\"reason\"></textarea>"), "the other row stays empty");
    assert!(page.contains("<textarea name=\"reason\" required>\n不再需要\n第二行</textarea>"), "{page}");
    assert!(page.contains(r#"name="grant" value="2 &amp; 3">"#), "{page}");
}

#[test]
fn the_form_of_another_row_takes_nothing_of_a_row_that_has_gone() {
    let page = shown(&[("grant", "9"), ("reason", "不再需要"), ("do", "end")]);
    assert!(
        page.contains(r#"name="grant" value="1">"#) && page.contains(r#"name="grant" value="2 &#38; 3">"#)
    );
    assert!(
        page.contains("<textarea name=\"reason\"></textarea>") && page.contains("required>\nold</textarea>")
    );
    assert!(page.contains("不再需要"), "it stands beside: {page}");
}

#[test]
fn a_form_that_was_made_from_what_has_changed_since_takes_it_back() {
    let page = r#"<form method="post"><input type="hidden" name="revision" value="6"><input type="hidden" name="kept" value="">
<input type="hidden" name="0-mask-name" value="all"><input name="title" value="old"></form>"#;
    let fields = [("revision", "5"), ("kept", "1"), ("0-mask-name", "part"), ("title", "new")];
    let sent = Sent::of(&fields);
    let form = &forms(page)[0];
    assert!(!is_for_another(form, &sent));
    let filled = fill(page, form, &sent);
    assert!(filled.contains(r#"name="title" value="new""#), "{filled}");
    assert!(filled.contains(r#"name="revision" value="5""#), "it conflicts when it is sent: {filled}");
}

#[test]
fn very_many_fields_take_no_time() {
    // Comparing each with each would outlast every runner's patience.
    let fields: Vec<(&str, &str)> = std::iter::repeat_n(("a", "x"), 1_000_000).collect();
    let page = shown(&fields);
    assert!(page.contains("<code>a</code>"));
}

#[test]
fn what_has_no_place_any_more_is_shown() {
    let page = shown(&[
        ("title", "t"),
        ("line", "1"),
        ("line", "2"),
        ("line", "第三个 <b>"),
        ("gone", "仍在这里"),
        ("empty", " "),
    ]);
    assert!(page.contains("第三个 &#60;b&#62;") || page.contains("第三个 &lt;b&gt;"), "{page}");
    assert!(page.contains("仍在这里"));
    assert!(!page.contains("empty"));
    let page = shown(&[("nothing", "没有表单")]);
    assert!(page.contains("没有表单") && page.contains(r#"name="title" value="old" required"#));
}
