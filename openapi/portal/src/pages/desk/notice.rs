//! A notice 告知书 of a matter, as it is read and printed.

use askama::Template;
use catalog_core::notice::Notice;

use crate::around::Around;

/// A notice to read and print.
#[derive(Template)]
#[template(path = "desk/notice.html")]
pub struct NoticePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The matter's number.
    pub number: &'a str,
    /// The notice.
    pub notice: &'a Notice,
}

impl NoticePage<'_> {
    fn text(&self, place: &str) -> &str {
        self.notice.texts.get(place).map(String::as_str).unwrap_or_default()
    }

    fn lines(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("申请人", "applicant"),
            ("事项", "subject"),
            ("收到日期", "received"),
            ("理由", "reason"),
            ("办理结果", "outcome"),
            ("依据", "legal_basis"),
            ("救济途径", "remedy"),
        ];
        all.into_iter()
            .map(|(title, place)| (title, self.text(place)))
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }
}
