//! The parameter `datetime`: an instant or an interval, both ends included.

use catalog_core::Timestamp;
use catalog_core::directory::ItemKind;
use catalog_core::policy::{Filter, Literal, Operand};
use chrono::NaiveDate;

use crate::extract::invalid;
use crate::problem::Refusal;

/// A point of time as it is written: a day is meant as a whole, in China.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Day(NaiveDate),
    Time(Timestamp),
}

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        match text.len() {
            10 => text.parse().ok().map(Self::Day),
            _ => Timestamp::parse(text).map(Self::Time),
        }
    }

    fn first(self) -> Timestamp {
        match self {
            Self::Day(day) => Timestamp::start_of_shanghai_day(day),
            Self::Time(time) => time,
        }
    }

    fn last(self) -> Timestamp {
        match self {
            Self::Day(day) => match day.succ_opt() {
                Some(next) => Timestamp(Timestamp::start_of_shanghai_day(next).0.saturating_sub(1)),
                None => Timestamp::start_of_shanghai_day(day),
            },
            Self::Time(time) => time,
        }
    }
}

/// Rows whose item of dates or times lies in the interval.
pub(super) fn lies_in(column: &str, kind: ItemKind, text: &str) -> Result<Filter, Refusal> {
    let wrong = || {
        invalid(
            "`datetime` is a time such as 2026-01-31T08:00:00%2B08:00 or a date, or two of them with `/` between; `..` is open",
        )
    };
    let (start, end) = text.split_once('/').unwrap_or((text, text));
    let moment = |text: &str| match text {
        "" | ".." => Some(None),
        text => Moment::parse(text).map(Some),
    };
    let (start, end) = moment(start).zip(moment(end)).ok_or_else(wrong)?;
    if (start.is_none() && end.is_none())
        || start.zip(end).is_some_and(|(one, other)| one.first() > other.last())
    {
        return Err(wrong());
    }
    let value = |time: Timestamp| {
        let text = match kind {
            ItemKind::D => time.shanghai_date().to_string(),
            _ => time.to_string(),
        };
        Operand::Literal(Literal::Text(text))
    };
    let from = start.map(|start| Filter::Ge(column.to_owned(), value(start.first())));
    let to = end.map(|end| Filter::Le(column.to_owned(), value(end.last())));
    Ok(Filter::And(from.into_iter().chain(to).collect()))
}
