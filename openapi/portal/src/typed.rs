//! What somebody has typed into a form, as it was sent: a page that shows the form again shows all of it.

use std::collections::HashMap;

/// The fields of a form, in their order; one that may be ticked several times stands there several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    fields: Vec<(String, String)>,
    /// Where each name stands: a stranger says how many fields there are, and a page looks for hundreds of them.
    places: HashMap<String, Vec<usize>>,
}

impl Typed {
    /// The fields that a browser has sent.
    pub fn new(fields: Vec<(String, String)>) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, (name, _)) in fields.iter().enumerate() {
            match places.get_mut(name) {
                Some(of_name) => of_name.push(place),
                None => drop(places.insert(name.clone(), vec![place])),
            }
        }
        Self { fields, places }
    }

    /// The first value of a field; nothing where it is missing.
    pub fn of(&self, name: impl AsRef<str>) -> &str {
        self.all(name.as_ref()).next().unwrap_or_default()
    }

    /// The first value of a field without the spaces around it, if anything is left.
    pub fn filled(&self, name: impl AsRef<str>) -> Option<&str> {
        Some(self.of(name).trim()).filter(|value| !value.is_empty())
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.fields.get(*place)).map(|(_, value)| value.as_str())
    }

    /// All fields with their values, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a field was ticked with a value.
    pub fn has(&self, name: impl AsRef<str>, value: impl AsRef<str>) -> bool {
        self.all(name.as_ref()).any(|ticked| ticked == value.as_ref())
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.places.entry(name.clone()).or_default().push(self.fields.len());
        self.fields.push((name, value.into()));
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        Self::new(self.fields.into_iter().filter(|(field, _)| field != name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_kept_as_they_were_sent() {
        let typed = Typed::default().with("items", "a").with("items", "b").with("reason", "  ");
        assert_eq!(typed.all("items").collect::<Vec<_>>(), ["a", "b"]);
        assert!(typed.has("items", "b") && !typed.has("items", "c"));
        assert_eq!((typed.of("reason"), typed.filled("reason"), typed.of("none")), ("  ", None, ""));
        assert_eq!(typed.clone().without("items"), Typed::default().with("reason", "  "));
        assert_eq!(
            Typed::new(typed.fields().map(|(name, value)| (name.into(), value.into())).collect()),
            typed
        );
    }
}
