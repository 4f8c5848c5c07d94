use std::borrow::Cow;

use http::{HeaderMap, Method, StatusCode, Uri};
use sfv::{BareItem, Item, ItemSerializer};

use crate::AuthError;
use crate::fields::{field_value, parse_dictionary};
use crate::signature::{Covered, member_text};

/// A request as signatures see it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    /// The absolute address. On the server it is made from configuration, never from the `host` field.
    pub(crate) target_uri: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// A response as signatures see it.
#[derive(Clone, Copy)]
pub(crate) struct Response<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
}

/// What is signed: a request, or a response together with its request.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) response: Option<Response<'a>>,
}

/// The component as the signature base names it: `"@method";req`.
pub(crate) fn identifier(item: &Item) -> String {
    ItemSerializer::new().bare_item(&item.bare_item).parameters(&item.params).finish()
}

impl Message<'_> {
    /// The value of a component (RFC 9421 sections 2.1, 2.2 and 2.4).
    pub(crate) fn value(&self, item: &Item) -> Result<String, AuthError> {
        self.find(item).map_err(|fault| match fault {
            Fault::Component(reason) => AuthError::Component { component: identifier(item), reason },
            Fault::Field(error) => error,
        })
    }

    fn find(&self, item: &Item) -> Result<String, Fault> {
        let name = item.bare_item.as_string().ok_or(Fault::Component("must be a string"))?.as_str();
        let mut of_request = self.response.is_none();
        let mut key = None;
        for (parameter, value) in &item.params {
            match (parameter.as_str(), value) {
                ("req", BareItem::Boolean(true)) if self.response.is_some() => of_request = true,
                ("key", BareItem::String(text)) => key = Some(text.as_str()),
                _ => return Err(Fault::Component("has a parameter that is not supported here")),
            }
        }
        match (&self.response, name.strip_prefix('@')) {
            (Some(response), Some("status")) if !of_request => Ok(response.status.as_str().to_owned()),
            (_, Some(derived)) if of_request && key.is_none() => self.request.derived(derived),
            (_, Some(_)) => Err(Fault::Component("is not a component of this message")),
            (Some(response), None) if !of_request => field(response.headers, name, key),
            (_, None) => field(self.request.headers, name, key),
        }
    }
}

enum Fault {
    Component(&'static str),
    Field(AuthError),
}

impl<'a> Request<'a> {
    /// A component that is about to be signed, by its name.
    pub(crate) fn covered(&self, name: &'static str) -> Result<Covered<'a>, AuthError> {
        let value = match name {
            "@method" => Cow::Borrowed(self.method.as_str()),
            "@target-uri" => Cow::Borrowed(self.target_uri),
            _ => covered_field(self.headers, name)?,
        };
        Ok((Cow::Owned(format!("\"{name}\"")), value))
    }

    fn derived(&self, name: &str) -> Result<String, Fault> {
        if name == "method" {
            return Ok(self.method.as_str().to_owned());
        }
        if name == "target-uri" {
            return Ok(self.target_uri.to_owned());
        }
        let uri: Uri = self.target_uri.parse().map_err(|_| Fault::Component("is no address"))?;
        let path = uri.path();
        match name {
            "scheme" => uri.scheme_str().map(str::to_lowercase).ok_or(Fault::Component("is missing")),
            "authority" => authority(&uri).ok_or(Fault::Component("is missing")),
            "path" => Ok(path.to_owned()),
            "query" => Ok(format!("?{}", uri.query().unwrap_or_default())),
            "request-target" => {
                Ok(uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
            }
            _ => Err(Fault::Component("is not supported here")),
        }
    }
}

/// Host in lower case, with the port unless it is the scheme's own (RFC 9421 section 2.2.3).
pub(crate) fn authority(uri: &Uri) -> Option<String> {
    let host = uri.host()?.to_lowercase();
    let usual = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    match uri.port_u16() {
        Some(port) if Some(port) != usual => Some(format!("{host}:{port}")),
        _ => Some(host),
    }
}

/// The value of a field that is about to be signed.
pub(crate) fn covered_field<'a>(headers: &'a HeaderMap, name: &str) -> Result<Cow<'a, str>, AuthError> {
    let value = field_value(headers, name)?;
    value.ok_or_else(|| AuthError::Component { component: format!("\"{name}\""), reason: "is missing" })
}

fn field(headers: &HeaderMap, name: &str, key: Option<&str>) -> Result<String, Fault> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Fault::Component("must be in lower case"));
    }
    let value = field_value(headers, name).map_err(Fault::Field)?.ok_or(Fault::Component("is missing"))?;
    let Some(key) = key else { return Ok(value.into_owned()) };
    let members = parse_dictionary("signature", &value).map_err(Fault::Field)?;
    members.get(key).map(member_text).ok_or(Fault::Component("is missing"))
}
