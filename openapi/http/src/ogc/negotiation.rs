//! In which form an answer goes out, and the parameters of an address, each of which must be known.

use std::collections::BTreeMap;

use catalog_core::{Error, ErrorCode};
use http::{HeaderMap, header};

use crate::extract::invalid;
use crate::problem::Refusal;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Html,
}

/// The parameters of an address that nobody has taken yet.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// # Errors
    /// Where one stands twice: nobody could say which counts.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if all.insert(name.clone(), value).is_some() {
                return Err(invalid(&format!("the parameter `{}` stands twice", shown(&name))));
            }
        }
        Ok(Self(all))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// The form that `f` names, else the one that `Accept` prefers, else JSON.
    pub(super) fn form(&mut self, headers: &HeaderMap) -> Result<Form, Refusal> {
        match self.take("f").as_deref() {
            None => Ok(preferred(headers)),
            Some("json") => Ok(Form::Json),
            Some("html") => Ok(Form::Html),
            Some(_) => Err(invalid("`f` is `json` or `html`")),
        }
    }

    /// Passes over the language of a page, which is no question about data.
    pub(super) fn pass_language(&mut self, form: Form) {
        if form == Form::Html {
            self.take("lang");
        }
    }

    pub(super) fn rest(self) -> BTreeMap<String, String> {
        self.0
    }

    /// # Errors
    /// Where parameters are left that nobody knows.
    pub(super) fn none_left(self) -> Result<(), Refusal> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(unknown(&name)),
        }
    }
}

pub(super) fn unknown(name: &str) -> Refusal {
    let message = format!("there is no parameter or queryable `{}`", shown(name));
    Error::new(ErrorCode::UnknownColumn, message).into()
}

/// The start of a text of the caller's, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// HTML where `Accept` gives it a greater quality value than JSON (RFC 9110 section 12.5.1).
fn preferred(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let quality = |wanted: &[&str]| {
        let ranges =
            accept.split(',').filter(|range| wanted.contains(&crate::extract::essence(range).as_str()));
        let of = |range: &str| {
            let given = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
            given.map_or(Some(1.0), |text| text.parse::<f32>().ok()).unwrap_or(0.0)
        };
        ranges.map(of).fold(0.0, f32::max)
    };
    let json = quality(&["application/geo+json", "application/json", "application/schema+json"]);
    match quality(&["text/html", "application/xhtml+xml"]) > json {
        true => Form::Html,
        false => Form::Json,
    }
}
