//! What an action is given: names and values, from the address or from a JSON body.

use axum::extract::Query;
use catalog_core::{Error, ErrorCode, Problem};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value};

use crate::extract::essence;
use crate::problem::Refusal;

/// What would add nothing here, and changes no answer.
const WITHOUT_EFFECT: [&str; 15] = [
    "_",
    "include_deleted",
    "include_drafts",
    "include_extras",
    "include_followers",
    "include_groups",
    "include_plugin_data",
    "include_private",
    "include_tags",
    "include_tracking",
    "include_users",
    "order_by",
    "type",
    "use_default_schema",
    "use_cache",
];

/// The arguments of one call. What is not taken is not understood.
#[derive(Debug, Default)]
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// From the address, else from the body.
    pub(super) fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let in_address = pairs(uri)?;
        match (in_address.is_empty(), body.is_empty()) {
            (_, true) => Ok(Self(in_address)),
            (false, false) => Err(unreadable("send arguments in the address or in the body, not in both")),
            (true, false) => Self::in_body(headers, body),
        }
    }

    fn in_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_json = body.trim_ascii_start().starts_with(b"{");
        match essence(media_type).as_str() {
            // What `curl -d '{"id": ..}'` says of JSON.
            "application/x-www-form-urlencoded" if !is_json => {
                let form = std::str::from_utf8(body).ok().and_then(|form| form_of(form).ok());
                form.ok_or_else(|| unreadable("the form can't be read"))
            }
            "multipart/form-data" => Err(unreadable("nothing is uploaded here: send a JSON object")),
            _ => match serde_json::from_slice(body) {
                Ok(Value::Object(arguments)) => Ok(Self(arguments)),
                Ok(_) => Err(unreadable("JSON Error: the body is not a JSON object")),
                Err(found) => Err(unreadable(&format!("JSON Error: {found}"))),
            },
        }
    }

    /// The action with these arguments, as answers are kept by it.
    pub(super) fn question(&self, action: &str) -> String {
        format!("{action} {}", Value::Object(self.0.clone()))
    }

    /// The value of a name; null is as good as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A text; numbers are taken by their digits.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(invalid(name, "send one text")),
        }
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(name, "Missing value"))
    }

    /// A number that is not negative.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        let text = self.text(name)?.filter(|text| !text.trim().is_empty());
        let wrong = || invalid(name, "Must be a natural number");
        text.map(|text| text.trim().parse().map_err(|_| wrong())).transpose()
    }

    /// A flag.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        let word = match self.take(name) {
            None => return Ok(None),
            Some(Value::Bool(flag)) => return Ok(Some(flag)),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(word)) => word.to_lowercase(),
            Some(_) => return Err(invalid(name, "send true or false")),
        };
        match word.as_str() {
            "true" | "yes" | "t" | "y" | "1" | "on" => Ok(Some(true)),
            "false" | "no" | "f" | "n" | "0" | "off" | "" => Ok(Some(false)),
            _ => Err(invalid(name, "send true or false")),
        }
    }

    /// Texts: a list, one in a text as JSON, or one text, which `separator` takes apart.
    pub(super) fn texts(&mut self, name: &str, separator: Option<char>) -> Result<Vec<String>, Refusal> {
        let items = match self.structure(name)? {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(Value::String(text)) => {
                let parts: Vec<&str> = match separator {
                    Some(separator) => text.split(separator).collect(),
                    None => vec![&text],
                };
                let parts = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
                return Ok(parts.map(str::to_owned).collect());
            }
            Some(_) => return Err(invalid(name, "send a list of texts")),
        };
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            _ => Err(invalid(name, "send a list of texts")),
        };
        items.into_iter().map(text).collect()
    }

    /// An object or a list, in an address written as JSON; or a plain text.
    pub(super) fn structure(&mut self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.take(name) {
            Some(Value::String(text)) if text.trim_start().starts_with(['{', '[']) => {
                let wrong = |found| invalid(name, &format!("Cannot parse JSON: {found}"));
                serde_json::from_str(&text).map(Some).map_err(wrong)
            }
            value => Ok(value),
        }
    }

    /// Refuses what nobody has asked for: a filter that is not understood must not be as good as none.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        let unknown = self.0.keys().find(|name| !WITHOUT_EFFECT.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => {
                let shown: String = name.chars().take(60).collect();
                Err(invalid(&shown, "this action does not know the parameter; see help_show"))
            }
        }
    }
}

fn pairs(uri: &Uri) -> Result<Map<String, Value>, Refusal> {
    let wrong = |_| unreadable("the parameters behind the question mark can't be read");
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(wrong)?;
    Ok(collected(pairs))
}

fn form_of(form: &str) -> Result<Arguments, Refusal> {
    let uri = Uri::try_from(format!("/?{form}")).map_err(|_| unreadable("the form can't be read"))?;
    pairs(&uri).map(Arguments)
}

/// A name that comes again has a list of values.
fn collected(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut arguments = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value);
        match arguments.get_mut(&name) {
            None => drop(arguments.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    arguments
}

/// A Validation Error about one parameter.
pub(super) fn invalid(parameter: &str, message: &str) -> Refusal {
    let problem = Problem::new(parameter, "ckan.parameter", message);
    Error::invalid(format!("{parameter}: {message}"), vec![problem]).into()
}

/// A request that can't be read at all, which is no Validation Error.
pub(super) fn unreadable(message: &str) -> Refusal {
    Refusal::with_status(StatusCode::BAD_REQUEST, ErrorCode::UnsupportedFormat, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(query: &str) -> Arguments {
        let uri = Uri::try_from(format!("/api/3/action/x?{query}")).unwrap();
        Arguments::read(&uri, &HeaderMap::new(), b"").unwrap()
    }

    fn body(media_type: &str, body: &str) -> Result<Arguments, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media_type.parse().unwrap());
        Arguments::read(&Uri::from_static("/api/3/action/x"), &headers, body.as_bytes())
    }

    #[test]
    fn addresses_and_bodies_say_the_same() {
        for mut given in [
            address("id=a&limit=3&facet=false&fq_list=x&fq_list=y&filters=%7B%22a%22%3A1%7D"),
            body("application/json", r#"{"id":"a","limit":3,"facet":false,"fq_list":["x","y"],"filters":{"a":1}}"#).unwrap(),
            body("application/x-www-form-urlencoded", r#" {"id":"a","limit":"3","facet":"False","fq_list":["x","y"],"filters":"{\"a\":1}","q":null}"#)
                .unwrap(),
            body("application/x-www-form-urlencoded", "id=a&limit=3&facet=0&fq_list=[%22x%22,%22y%22]&filters=%7B%22a%22:1%7D").unwrap(),
        ] {
            assert_eq!(given.needed("id").unwrap(), "a");
            assert_eq!(given.count("limit").unwrap(), Some(3));
            assert_eq!(given.flag("facet").unwrap(), Some(false));
            assert_eq!(given.texts("fq_list", None).unwrap(), ["x", "y"]);
            assert_eq!(given.structure("filters").unwrap(), Some(serde_json::json!({"a": 1})));
            assert_eq!(given.text("q").unwrap(), None);
            assert!(given.finish().is_ok());
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for bad in ["[1]", "{", "null", "\"x\"", "{\"a\":1}x", "\u{0}"] {
            let refused = body("application/json", bad).unwrap_err();
            assert_eq!(
                (refused.status, refused.error.code),
                (StatusCode::BAD_REQUEST, ErrorCode::UnsupportedFormat)
            );
        }
        assert!(body("multipart/form-data; boundary=x", "--x--").is_err());
        for query in ["limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999999", "limit=1&limit=2"]
        {
            assert!(address(query).count("limit").is_err(), "{query}");
        }
        assert!(address("facet=perhaps").flag("facet").is_err());
        assert!(address("filters=%7B").structure("filters").is_err());
        assert!(address("ids=[1]").texts("ids", None).is_err());
        assert!(address("id=").needed("id").is_err());
        assert!(address("ext_bbox=1").finish().is_err());
        assert!(address("_=123&include_private=true").finish().is_ok());
    }
}
