//! Row filters in words: 县区代码等于“360481”，且罚款金额大于 1000. What is exact is the filter itself, which pages show beside.

use catalog_core::policy::{Filter, Literal, Operand, TypedLiteral};

use crate::around::Around;

impl Around<'_> {
    /// A filter in words, with what `title` calls its columns.
    pub(crate) fn say_filter(&self, filter: &Filter, title: &dyn Fn(&str) -> String) -> String {
        Sentence { a: self, title, value: &|value: &Operand| self.operand(value) }.all(filter)
    }

    /// The same of one with its caller's attributes filled in.
    pub(crate) fn say_bound(&self, filter: &Filter<TypedLiteral>, title: &dyn Fn(&str) -> String) -> String {
        Sentence { a: self, title, value: &typed }.all(filter)
    }

    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Literal(Literal::Bool(value)) => value.to_string(),
            Operand::Literal(Literal::Int(value)) => value.to_string(),
            Operand::Literal(Literal::Float(value)) => value.to_string(),
            Operand::Literal(Literal::Text(value)) => quoted(value),
            Operand::Subject { subject } => {
                let (chinese, english) = match subject.as_str() {
                    "department" => ("使用部门", "the department that asks"),
                    "credit_code" => ("使用部门的统一社会信用代码", "the credit code of who asks"),
                    "level" => ("使用部门的行政层级", "the level of who asks"),
                    "division_code" => ("使用部门的行政区划代码", "the division code of who asks"),
                    "parent" => ("使用部门的上级部门", "the department above who asks"),
                    other => return format!("$subject.{other}"),
                };
                self.say(chinese, english).to_owned()
            }
        }
    }
}

/// A text in quotation marks, which it cannot close.
fn quoted(text: &str) -> String {
    format!("“{}”", text.replace('”', "””"))
}

fn typed(literal: &TypedLiteral) -> String {
    match literal {
        TypedLiteral::Text(value) => quoted(value),
        TypedLiteral::Int(value) => value.to_string(),
        TypedLiteral::Decimal { unscaled, scale, .. } => decimal(*unscaled, *scale),
        TypedLiteral::Double(value) => value.to_string(),
        TypedLiteral::Float(value) => value.to_string(),
        TypedLiteral::Date(value) => value.to_string(),
        TypedLiteral::Timestamp(value) => value.shanghai_text(),
        TypedLiteral::Bool(value) => value.to_string(),
    }
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale > 0) else {
        return unscaled.to_string();
    };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// How a filter is said.
struct Sentence<'s, V> {
    a: &'s Around<'s>,
    title: &'s dyn Fn(&str) -> String,
    value: &'s dyn Fn(&V) -> String,
}

impl<V> Sentence<'_, V> {
    fn all(&self, filter: &Filter<V>) -> String {
        let a = self.a;
        match filter {
            Filter::And(parts) if parts.is_empty() => a.say("全部行", "all rows").to_owned(),
            Filter::Or(parts) if parts.is_empty() => a.say("没有任何行", "no row").to_owned(),
            Filter::And(parts) => self.joined(parts, a.say("，且", ", and ")),
            Filter::Or(parts) => self.joined(parts, a.say("，或", ", or ")),
            Filter::Not(inner) => match inner.as_ref() {
                Filter::IsNull(column) => self.said(column, a.say("不为空", "is not empty"), ""),
                inner => format!("{}{}", a.say("并非", "not "), self.part(inner)),
            },
            Filter::Eq(column, value) => self.said(column, a.say("等于", "is"), &(self.value)(value)),
            Filter::Ne(column, value) => self.said(column, a.say("不等于", "is not"), &(self.value)(value)),
            Filter::Lt(column, value) => {
                self.said(column, a.say("小于", "is less than"), &(self.value)(value))
            }
            Filter::Le(column, value) => {
                self.said(column, a.say("不大于", "is at most"), &(self.value)(value))
            }
            Filter::Gt(column, value) => {
                self.said(column, a.say("大于", "is greater than"), &(self.value)(value))
            }
            Filter::Ge(column, value) => {
                self.said(column, a.say("不小于", "is at least"), &(self.value)(value))
            }
            Filter::In(column, values) => {
                let values: Vec<_> = values.iter().map(self.value).collect();
                self.said(column, a.say("属于", "is one of"), &values.join(a.say("、", ", ")))
            }
            Filter::Between(column, low, high) => {
                let range = [(self.value)(low), (self.value)(high)].join(a.say("至", " and "));
                self.said(column, a.say("介于", "is between"), &range)
            }
            Filter::Like(column, pattern) => self.said(column, a.say("形如", "is like"), &quoted(pattern)),
            Filter::IsNull(column) => self.said(column, a.say("为空", "is empty"), ""),
        }
    }

    fn said(&self, column: &str, is: &str, value: &str) -> String {
        let title = (self.title)(column);
        match (self.a.tag() == "en", value) {
            (true, "") => format!("{title} {is}"),
            (true, value) => format!("{title} {is} {value}"),
            (false, value) if value.starts_with(|sign: char| sign.is_ascii()) => {
                format!("{title}{is} {value}").trim_end().to_owned()
            }
            (false, value) => format!("{title}{is}{value}"),
        }
    }

    fn joined(&self, parts: &[Filter<V>], with: &str) -> String {
        parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(with)
    }

    /// A part of a greater one: in brackets where it has parts itself.
    fn part(&self, filter: &Filter<V>) -> String {
        let has_parts = match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.len() > 1,
            _ => false,
        };
        match has_parts {
            true => format!("{}{}{}", self.a.say("（", "("), self.all(filter), self.a.say("）", ")")),
            false => self.all(filter),
        }
    }
}

#[cfg(test)]
mod tests {
    use openapi_dcat::Site;

    use super::*;
    use crate::{Identity, Language};

    fn said(filter: &str) -> [String; 2] {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let filter: Filter = serde_json::from_str(filter).unwrap();
        let title = |column: &str| if column == "county" { "县区".to_owned() } else { column.to_owned() };
        [Language::Chinese, Language::English]
            .map(|language| Around::plain(&site, &identity, language, "/").say_filter(&filter, &title))
    }

    #[test]
    fn filters_are_said_in_words() {
        assert_eq!(said(r#"{"=":["county","360481"]}"#), ["县区等于“360481”", "县区 is “360481”"]);
        assert_eq!(
            said(
                r#"{"and":[{">":["amount",1000]},{"or":[{"is_null":"note"},{"in":["county",["a","b"]]}]}]}"#
            ),
            [
                "amount大于 1000，且（note为空，或县区属于“a”、“b”）",
                "amount is greater than 1000, and (note is empty, or 县区 is one of “a”, “b”)"
            ]
        );
        assert_eq!(
            said(r#"{"not":{"=":["county",{"subject":"division_code"}]}}"#)[0],
            "并非县区等于使用部门的行政区划代码"
        );
        assert_eq!(said(r#"{"not":{"is_null":"note"}}"#)[0], "note不为空");
        assert_eq!(said(r#"{"and":[]}"#)[0], "全部行");
    }

    #[test]
    fn a_value_cannot_end_its_quotation() {
        assert_eq!(said(r#"{"=":["county","x”，或县区不为“y"]}"#)[0], "县区等于“x””，或县区不为“y”");
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!([decimal(5, 2), decimal(-12345, 2), decimal(7, 0)], ["0.05", "-123.45", "7"]);
    }
}
