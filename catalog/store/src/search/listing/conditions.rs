//! Conditions of a search, with their values looked up once.

use catalog_core::ports::{Condition, SearchField};

use super::{DEPARTMENT, FORMAT, Listed, Listing, OPENING, SHARING, UPDATE_CYCLE};

/// Places in [`super::WORDS`].
const KEYWORD: usize = 0;
const LICENCE: usize = 1;

/// Of each list one must hold.
pub(super) struct Conditions<'a>(Vec<Vec<Test<'a>>>);

struct Test<'a> {
    value: Value<'a>,
    negated: bool,
}

/// A value of an entry by its number; `None` is a value that no entry has.
enum Value<'a> {
    Field(usize, Option<u32>),
    Word(usize, Option<u32>),
    Code(&'a str),
    Classification(&'a str),
}

impl Listing {
    pub(super) fn conditions<'a>(&self, all: &'a [Vec<Condition>]) -> Conditions<'a> {
        let test = |one: &'a Condition| Test { value: self.value(one), negated: one.negated };
        Conditions(all.iter().map(|alternatives| alternatives.iter().map(test).collect()).collect())
    }

    fn value<'a>(&self, condition: &'a Condition) -> Value<'a> {
        let text = condition.value.as_str();
        let field = |place: usize| Value::Field(place, self.fields[place].numbers.get(text).copied());
        let word = |place: usize| Value::Word(place, self.words[place].numbers.get(text).copied());
        match condition.field {
            SearchField::Code => Value::Code(text),
            SearchField::Classification => Value::Classification(text),
            SearchField::Department => field(DEPARTMENT),
            SearchField::Sharing => field(SHARING),
            SearchField::Opening => field(OPENING),
            SearchField::UpdateCycle => field(UPDATE_CYCLE),
            SearchField::Format => field(FORMAT),
            SearchField::Keyword => word(KEYWORD),
            SearchField::Licence => word(LICENCE),
        }
    }
}

impl Conditions<'_> {
    pub(super) fn hold_for(&self, listed: &Listed) -> bool {
        self.0.iter().all(|alternatives| alternatives.iter().any(|test| test.holds_for(listed)))
    }
}

impl Test<'_> {
    fn holds_for(&self, listed: &Listed) -> bool {
        let has = match self.value {
            Value::Field(place, number) => number == Some(listed.values[place]),
            Value::Word(place, number) => number.is_some_and(|number| listed.words[place].contains(&number)),
            Value::Code(code) => listed.code == code,
            Value::Classification(prefix) => listed.code.starts_with(prefix),
        };
        has != self.negated
    }
}
