//! What somebody has typed into a form, as it was sent: a page that shows the form again shows all of it.

/// The fields of a form, in their order; one that may be ticked several times stands there several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// The fields that a browser has sent.
    pub fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first value of a field; nothing where it is missing.
    pub fn of(&self, name: impl AsRef<str>) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name.as_ref());
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The first value of a field without the spaces around it, if anything is left.
    pub fn filled(&self, name: impl AsRef<str>) -> Option<&str> {
        Some(self.of(name).trim()).filter(|value| !value.is_empty())
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All fields with their values, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a field was ticked with a value.
    pub fn has(&self, name: impl AsRef<str>, value: impl AsRef<str>) -> bool {
        self.all(name.as_ref()).any(|ticked| ticked == value.as_ref())
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
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
    }
}
