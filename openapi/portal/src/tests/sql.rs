//! The page of SQL, with somebody's text everywhere.

use catalog_core::policy::GrantKind;
use catalog_core::{ErrorCode, Timestamp};
use openapi_contract::{
    ColumnInView, PastQuery, PastState, SavedQueryView, TableInView, TableOutOfView, TablesInView,
};
use openapi_dcat::Site;
use proptest::prelude::*;

use super::{around, elements};
use crate::*;

/// What a query answered, what is in view and what was saved, with somebody's text everywhere.
fn sql_page(text: &str, a: Around<'_>) -> String {
    let own = || text.to_owned();
    let code = catalog_core::ResourceCode::new("301001/000001").unwrap();
    let column = ColumnInView { name: own(), title: own(), data_type: own(), mask: Some(own()) };
    let table = TableInView {
        department: own(),
        department_name: own(),
        name: own(),
        title: own(),
        code: code.clone(),
        version: 1,
        kind: GrantKind::Conditional,
        grant: Some(own()),
        article: Some(own()),
        columns: vec![column],
        hidden: 1,
        rows: Some(own()),
        is_cells: false,
    };
    let other = TableOutOfView {
        code: code.clone(),
        title: own(),
        department_name: own(),
        reason_code: ErrorCode::NotGranted,
        reason: own(),
    };
    let view = TablesInView { tables: vec![table], others: vec![other], next: Some(code) };
    let saved =
        SavedQueryView { id: "1".to_owned(), name: format!("名{text}"), sql: own(), saved_at: Timestamp(0) };
    let past = PastQuery {
        at: Timestamp(0),
        receipt: "1".to_owned(),
        sql: Some(own()),
        purpose: None,
        matter: None,
        tables: vec![own()],
        state: PastState::Stopped,
        rows: Some(1),
        code: Some(own()),
    };
    let answer = SqlAnswer {
        columns: vec![(own(), "text")],
        rows: vec![vec![Some(own())]],
        receipt: Some("1".to_owned()),
        versions: vec![(own(), 1)],
        ..SqlAnswer::default()
    };
    let page = SqlPage {
        a,
        sql: &format!("{text} "),
        purpose: text,
        matter: text,
        name: text,
        words: text,
        view: &view,
        saved: &[saved],
        history: Some(&[past]),
        answer: Some(&answer),
        is_writer: true,
    };
    page.write().unwrap()
}

proptest! {
    #[test]
    fn no_text_of_a_query_leaves_its_place(text in "(<|>|\"|'|&|/|\\{|\\}|=| |script|img|a|\\PC){0,40}") {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let visitor = Visitor { name: text.clone(), department: Some(text.clone()), parts: Vec::new() };
        for language in [Language::Chinese, Language::English] {
            let a = || Around { visitor: Some(&visitor), ..around(&site, &identity, language) };
            prop_assert_eq!(elements(&sql_page(&text, a())), elements(&sql_page("名", a())));
        }
    }
}
