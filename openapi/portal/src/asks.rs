//! An ask as a form: what is wanted of one resource, in fields that need no script, there and back.

use std::collections::{BTreeMap, BTreeSet};

use catalog_core::directory::{InformationItem, ItemKind, Resource, Sharing};
use catalog_core::matter::Ask;
use catalog_core::policy::{Filter, Literal, Mask, Operand, Statistics};
use catalog_core::{Channel, ColumnName, Error, ErrorCode, Problem, ResourceCode, Result};

use crate::around::Around;
use crate::typed::Typed;
use crate::words;

/// Resources that a form names at most: each costs a read, and a part of the page.
const MOST_RESOURCES: usize = 100;
/// Fields that a form of asks has at most: taking a resource away writes all of them anew.
const MOST_FIELDS: usize = 20_000;
/// Conditions that the row filter has fields for; more of them are written as JSON.
const CONDITIONS: usize = 4;
/// Operators, each with its Chinese and English words.
const OPERATORS: [(&str, &str, &str); 11] = [
    ("=", "等于", "is"),
    ("<>", "不等于", "is not"),
    ("<", "小于", "is less than"),
    ("<=", "不大于", "is at most"),
    (">", "大于", "is greater than"),
    (">=", "不小于", "is at least"),
    ("in", "属于（逗号分隔）", "is one of (with commas)"),
    ("between", "介于（逗号分隔两值）", "is between (two, with a comma)"),
    ("like", "形如（% 代表任意）", "is like (% for anything)"),
    ("is_null", "为空", "is empty"),
    ("not_null", "不为空", "is not empty"),
];
/// Begins a value that stands for an attribute of whoever asks: `$division_code`.
const SUBJECT: char = '$';

/// The doors of an ask.
pub(crate) const DOORS: [Channel; 4] = [Channel::Api, Channel::Sql, Channel::File, Channel::Verification];

/// The form of one ask. Its fields begin with its place, so that a page may have several.
#[derive(Debug, Clone, Copy)]
pub struct AskForm<'a> {
    /// Its place on the page.
    pub place: usize,
    /// The resource, as the one who fills it in sees it.
    pub resource: &'a Resource,
    /// What is typed in the whole page's form.
    pub typed: &'a Typed,
    /// What was asked, where somebody decides about it: nothing beyond is offered.
    pub asked: Option<&'a Ask>,
}

impl AskForm<'_> {
    pub(crate) fn of(&self, field: impl AsRef<str>) -> &str {
        self.typed.of(name(self.place, field.as_ref()))
    }

    pub(crate) fn has(&self, field: impl AsRef<str>, value: impl AsRef<str>) -> bool {
        self.typed.has(name(self.place, field.as_ref()), value)
    }

    /// The items that can be named: not those that are withheld; of an ask those that were asked for.
    pub(crate) fn items(&self) -> Vec<&InformationItem> {
        let can_be_named = |item: &&InformationItem| match self.asked {
            Some(ask) => ask.items.contains(&item.column),
            None => !matches!(item.sharing, Sharing::Withheld { .. }),
        };
        self.resource.items.iter().filter(can_be_named).collect()
    }

    pub(crate) fn doors(&self) -> Vec<Channel> {
        let is_offered = |door: &Channel| self.asked.is_none_or(|ask| ask.doors.contains(door));
        DOORS.into_iter().filter(is_offered).collect()
    }

    pub(crate) fn operators(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &OPERATORS
    }

    pub(crate) fn conditions(&self) -> std::ops::Range<usize> {
        0..CONDITIONS
    }

    /// What was asked of the rows already, which a decision can only narrow: in words, and as it is kept.
    pub(crate) fn fixed_filter(&self, a: &Around<'_>) -> Option<(String, String)> {
        let filter = self.asked?.filter.as_ref()?;
        let title = |column: &str| {
            let found = self.resource.items.iter().find(|item| item.column.as_str() == column);
            found.map_or(column, |item| &item.title).to_owned()
        };
        Some((a.say_filter(filter, &title), serde_json::to_string(filter).unwrap_or_default()))
    }

    /// A mask that was asked for stays as it is.
    pub(crate) fn has_fixed_mask(&self, item: &InformationItem) -> bool {
        self.asked.is_some_and(|ask| ask.masks.contains_key(&item.column))
    }

    /// Whether a condition on the rows is typed.
    pub(crate) fn narrows(&self) -> bool {
        let has_condition = (0..CONDITIONS).any(|index| !self.of(format!("column-{index}")).is_empty());
        has_condition || !self.of("filter").is_empty()
    }

    /// The name of an item's type, and its length.
    pub(crate) fn kind(&self, item: &InformationItem) -> (&'static str, String) {
        let whole = item.item_type.to_string();
        let length = whole.find('(').map_or("", |place| &whole[place..]).to_owned();
        (words::kind(item.item_type.kind), length)
    }

    /// The masks that fit an item.
    pub(crate) fn masks(&self, item: &InformationItem) -> Vec<(&'static str, &'static str, &'static str)> {
        let all = [
            ("null", "置空", "empty", Mask::Null),
            ("keep_first", "只留前几位", "keep the first", Mask::KeepFirst { count: 1 }),
            ("keep_last", "只留后几位", "keep the last", Mask::KeepLast { count: 1 }),
            ("year", "只留年份", "the year alone", Mask::Year),
            ("bucket", "按区间取整", "round down to", Mask::Bucket { width: 1 }),
            ("pseudonym", "假名", "pseudonym", Mask::Pseudonym { application: String::new() }),
            ("constant", "固定文字", "a fixed text", Mask::Constant { text: String::new() }),
        ];
        let fits = all.into_iter().filter(|(.., mask)| mask.output_type(item.item_type).is_some());
        fits.map(|(value, chinese, english, _)| (value, chinese, english)).collect()
    }

    /// Items that can be summed.
    pub(crate) fn measures(&self) -> Vec<&InformationItem> {
        let is_number = |item: &&InformationItem| {
            let kind = item.item_type.kind;
            item.item_type.decimal().is_some() || matches!(kind, ItemKind::I | ItemKind::B | ItemKind::F)
        };
        self.items().into_iter().filter(is_number).collect()
    }
}

fn name(place: usize, field: &str) -> String {
    format!("{place}-{field}")
}

/// The fields that show an ask.
pub fn typed_of(typed: Typed, place: usize, ask: &Ask) -> Typed {
    let mut typed = typed.with("resource", ask.resource.as_str());
    let mut add = |field: &str, value: &str| {
        typed = std::mem::take(&mut typed).with(name(place, field), value);
    };
    ask.items.iter().for_each(|item| add("items", item.as_str()));
    for (item, mask) in &ask.masks {
        let (word, with) = mask_words(mask);
        add(&format!("mask-{item}"), word);
        add(&format!("mask_with-{item}"), &with);
    }
    ask.doors.iter().for_each(|door| add("doors", &word(door)));
    if let Some(filter) = &ask.filter {
        match simple(filter) {
            Some((join, conditions)) => {
                add("join", join);
                for (index, (column, operator, value)) in conditions.iter().enumerate() {
                    add(&format!("column-{index}"), column);
                    add(&format!("operator-{index}"), operator);
                    add(&format!("value-{index}"), value);
                }
            }
            None => add("filter", &serde_json::to_string(filter).unwrap_or_default()),
        }
    }
    if let Some(statistics) = &ask.statistics {
        add("statistics", "yes");
        statistics.measures.iter().for_each(|item| add("measures", item.as_str()));
        add("subject", statistics.subject.as_str());
        add("min_group", &statistics.min_group.to_string());
    }
    if let Some(terms) = &ask.accepted_terms {
        add("accepted_terms", terms);
    }
    if ask.demands_matter {
        add("demands", "matter");
    }
    if ask.demands_operator {
        add("demands", "operator");
    }
    typed
}

/// Checks that a form is small enough to be gone through: whoever sends it says how many resources and fields it has.
///
/// # Errors
/// `too_large` beyond 100 resources or 20,000 fields.
pub fn check_asks(typed: &Typed) -> Result<()> {
    let has_more =
        typed.all("resource").nth(MOST_RESOURCES).is_some() || typed.fields().nth(MOST_FIELDS).is_some();
    match has_more {
        true => Err(Error::new(ErrorCode::TooLarge, "a form names at most 100 resources")),
        false => Ok(()),
    }
}

/// Reads the asks of a form: one for each `resource`, in their order.
///
/// # Errors
/// `invalid_input` with every field that is not right; `too_large` as [`check_asks`].
pub fn asks_of(typed: &Typed) -> Result<Vec<Ask>> {
    check_asks(typed)?;
    let mut problems = Vec::new();
    let mut asks = Vec::new();
    for (place, resource) in typed.all("resource").enumerate() {
        match ask_of(typed, place, resource) {
            Ok(ask) => asks.push(ask),
            Err(error) if error.problems.is_empty() => {
                problems.push(Problem::new(resource, "ask.form", error.message));
            }
            Err(error) => problems.extend(error.problems),
        }
    }
    match problems.is_empty() {
        true => Ok(asks),
        false => Err(Error::invalid("所填内容有误", problems)),
    }
}

/// The fields without the ask of one resource: the asks behind it move up.
pub fn without_ask(typed: &Typed, code: &str) -> Typed {
    let Some(gone) = typed.all("resource").position(|resource| resource == code) else {
        return typed.clone();
    };
    let place_of = |name: &str| {
        let (place, field) = name.split_once('-')?;
        Some((place.parse::<usize>().ok()?, field.to_owned()))
    };
    let mut kept = Typed::default();
    for (name, value) in typed.fields() {
        kept = match place_of(name) {
            Some((place, _)) if place == gone => kept,
            Some((place, field)) if place > gone => kept.with(self::name(place - 1, &field), value),
            _ if name == "resource" && value == code => kept,
            _ => kept.with(name, value),
        };
    }
    kept
}

/// The fields with a fresh ask behind the others.
pub fn with_ask(typed: Typed, code: &str) -> Typed {
    if typed.has("resource", code) {
        return typed;
    }
    let place = typed.all("resource").count();
    let typed = typed.with("resource", code);
    let usual = [Channel::Api, Channel::Sql];
    usual.iter().fold(typed, |typed, door| typed.with(name(place, "doors"), word(door)))
}

fn ask_of(typed: &Typed, place: usize, resource: &str) -> Result<Ask> {
    let fields = Fields { typed, place, resource };
    let items = fields.columns("items")?;
    let mut masks = BTreeMap::new();
    for item in &items {
        if let Some(mask) = fields.mask(item)? {
            masks.insert(item.clone(), mask);
        }
    }
    let doors: BTreeSet<_> =
        DOORS.into_iter().filter(|door| typed.has(name(place, "doors"), word(door))).collect();
    Ok(Ask {
        resource: ResourceCode::from_path(resource)?,
        items,
        filter: fields.filter()?,
        masks,
        doors,
        statistics: fields.statistics()?,
        accepted_terms: fields.filled("accepted_terms").map(str::to_owned),
        demands_matter: typed.has(name(place, "demands"), "matter"),
        demands_operator: typed.has(name(place, "demands"), "operator"),
    })
}

struct Fields<'a> {
    typed: &'a Typed,
    place: usize,
    resource: &'a str,
}

impl<'a> Fields<'a> {
    fn filled(&self, field: &str) -> Option<&'a str> {
        self.typed.filled(name(self.place, field))
    }

    fn wrong(&self, field: &str, message: impl Into<String>) -> Error {
        let at = format!("{} {field}", self.resource);
        let problem = Problem::new(at.trim_end(), "ask.form", message);
        Error::invalid("所填内容有误", vec![problem])
    }

    fn columns(&self, field: &str) -> Result<Vec<ColumnName>> {
        self.typed.all(&name(self.place, field)).map(ColumnName::new).collect()
    }

    fn mask(&self, item: &ColumnName) -> Result<Option<Mask>> {
        let Some(kind) = self.filled(&format!("mask-{item}")) else { return Ok(None) };
        let with = self.filled(&format!("mask_with-{item}")).unwrap_or_default();
        let wrong = |message: &str| self.wrong(item.as_str(), message);
        let number = || with.parse().map_err(|_| wrong("脱敏方式须填数字：位数，或者区间的宽度"));
        let text = || with.to_owned();
        Ok(Some(match kind {
            "null" => Mask::Null,
            "constant" => Mask::Constant { text: text() },
            "year" => Mask::Year,
            "bucket" => Mask::Bucket { width: number()? },
            "pseudonym" => Mask::Pseudonym { application: text() },
            "keep_first" | "keep_last" => {
                let number: u32 = number()?;
                let count = u16::try_from(number).map_err(|_| wrong("脱敏方式的数字过大"))?;
                if kind == "keep_first" { Mask::KeepFirst { count } } else { Mask::KeepLast { count } }
            }
            other => return Err(wrong(&format!("没有这种脱敏方式：{other}"))),
        }))
    }

    fn statistics(&self) -> Result<Option<Statistics>> {
        if self.filled("statistics").is_none() {
            return Ok(None);
        }
        let subject =
            self.filled("subject").ok_or_else(|| self.wrong("", "仅提供统计结果的，须指明主体信息项"))?;
        let min_group = self.filled("min_group").and_then(|number| number.parse().ok());
        let min_group =
            min_group.ok_or_else(|| self.wrong("", "仅提供统计结果的，须填每组至少多少个主体"))?;
        let measures = self.columns("measures")?;
        Ok(Some(Statistics { measures, subject: ColumnName::new(subject)?, min_group }))
    }

    fn filter(&self) -> Result<Option<Filter>> {
        let mut conditions = Vec::new();
        for index in 0..CONDITIONS {
            if let Some(column) = self.filled(&format!("column-{index}")) {
                conditions.push(self.condition(index, column)?);
            }
        }
        let written = self.filled("filter");
        if let Some(text) = written {
            if !conditions.is_empty() {
                return Err(self.wrong("", "行范围的条件和 JSON 只能填一种"));
            }
            let found = serde_json::from_str(text);
            return found.map(Some).map_err(|found| self.wrong("", format!("行范围的 JSON 有误：{found}")));
        }
        Ok(match (conditions.len(), self.filled("join")) {
            (0, _) => None,
            (1, _) => conditions.pop(),
            (_, Some("or")) => Some(Filter::Or(conditions)),
            _ => Some(Filter::And(conditions)),
        })
    }

    fn condition(&self, index: usize, column: &str) -> Result<Filter> {
        let text = self.filled(&format!("value-{index}")).unwrap_or_default();
        let (column, values) = (column.to_owned(), || listed(text).map(operand).collect::<Vec<_>>());
        Ok(match self.filled(&format!("operator-{index}")).unwrap_or("=") {
            "=" => Filter::Eq(column, operand(text)),
            "<>" => Filter::Ne(column, operand(text)),
            "<" => Filter::Lt(column, operand(text)),
            "<=" => Filter::Le(column, operand(text)),
            ">" => Filter::Gt(column, operand(text)),
            ">=" => Filter::Ge(column, operand(text)),
            "in" => Filter::In(column, values()),
            "between" => match <[Operand; 2]>::try_from(values()) {
                Ok([low, high]) => Filter::Between(column, low, high),
                Err(_) => return Err(self.wrong("", "行范围：“介于”须填两个值，用逗号隔开")),
            },
            "like" => Filter::Like(column, text.to_owned()),
            "is_null" => Filter::IsNull(column),
            "not_null" => Filter::Not(Box::new(Filter::IsNull(column))),
            other => return Err(self.wrong("", format!("没有这种条件：{other}"))),
        })
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '，', '、']).map(str::trim).filter(|value| !value.is_empty())
}

fn operand(text: &str) -> Operand {
    match text.strip_prefix(SUBJECT) {
        Some(subject) => Operand::Subject { subject: subject.to_owned() },
        None => Operand::Literal(Literal::Text(text.to_owned())),
    }
}

/// How one value is typed; `None` where it would be read as something else.
fn value(operand: &Operand) -> Option<String> {
    let text = match operand {
        Operand::Subject { subject } => return Some(format!("{SUBJECT}{subject}")),
        Operand::Literal(Literal::Text(text)) => text.clone(),
        Operand::Literal(Literal::Int(number)) => number.to_string(),
        Operand::Literal(Literal::Float(number)) => number.to_string(),
        Operand::Literal(Literal::Bool(flag)) => flag.to_string(),
    };
    (!text.starts_with(SUBJECT) && text.trim() == text).then_some(text)
}

type Condition = (String, &'static str, String);

/// A filter as the fields hold it, if they can.
fn simple(filter: &Filter) -> Option<(&'static str, Vec<Condition>)> {
    let (join, parts) = match filter {
        Filter::And(parts) => ("and", parts.as_slice()),
        Filter::Or(parts) => ("or", parts.as_slice()),
        one => ("and", std::slice::from_ref(one)),
    };
    let conditions: Option<Vec<_>> = parts.iter().map(condition).collect();
    conditions.filter(|all| (1..=CONDITIONS).contains(&all.len())).map(|all| (join, all))
}

fn condition(filter: &Filter) -> Option<Condition> {
    let list = |values: &[&Operand]| {
        let texts: Option<Vec<_>> = values.iter().map(|one| value(one)).collect();
        let is_plain = |texts: &Vec<String>| texts.iter().all(|text| listed(text).count() == 1);
        texts.filter(is_plain).map(|texts| texts.join(","))
    };
    Some(match filter {
        Filter::Eq(column, one) => (column.clone(), "=", value(one)?),
        Filter::Ne(column, one) => (column.clone(), "<>", value(one)?),
        Filter::Lt(column, one) => (column.clone(), "<", value(one)?),
        Filter::Le(column, one) => (column.clone(), "<=", value(one)?),
        Filter::Gt(column, one) => (column.clone(), ">", value(one)?),
        Filter::Ge(column, one) => (column.clone(), ">=", value(one)?),
        Filter::In(column, all) => (column.clone(), "in", list(&all.iter().collect::<Vec<_>>())?),
        Filter::Between(column, low, high) => (column.clone(), "between", list(&[low, high])?),
        Filter::Like(column, text) if text.trim() == text => (column.clone(), "like", text.clone()),
        Filter::IsNull(column) => (column.clone(), "is_null", String::new()),
        Filter::Not(inner) => match inner.as_ref() {
            Filter::IsNull(column) => (column.clone(), "not_null", String::new()),
            _ => return None,
        },
        _ => return None,
    })
}

/// A mask as its fields hold it.
fn mask_words(mask: &Mask) -> (&'static str, String) {
    match mask {
        Mask::Null => ("null", String::new()),
        Mask::Constant { text } => ("constant", text.clone()),
        Mask::KeepFirst { count } => ("keep_first", count.to_string()),
        Mask::KeepLast { count } => ("keep_last", count.to_string()),
        Mask::Year => ("year", String::new()),
        Mask::Bucket { width } => ("bucket", width.to_string()),
        Mask::Pseudonym { application } => ("pseudonym", application.clone()),
    }
}

/// The word of a door in forms and in the API.
pub(crate) fn word(door: &Channel) -> String {
    match serde_json::to_value(door) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(value: serde_json::Value) -> Ask {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_ask_is_the_same_after_its_form() {
        let filters = [
            serde_json::json!(null),
            serde_json::json!({"=": ["county", "360481"]}),
            serde_json::json!({"and": [{"in": ["county", ["360481", "360402"]]}, {"between": ["amount", "1", "9"]}]}),
            serde_json::json!({"or": [{"=": ["county", {"subject": "division_code"}]}, {"not": {"is_null": "note"}}]}),
            serde_json::json!({"not": {"or": [{"=": ["county", "1"]}, {"like": ["note", "a%"]}]}}),
            serde_json::json!({"=": ["note", " $x, y"]}),
        ];
        for filter in filters {
            let ask = ask(serde_json::json!({
                "resource": "301001/000001", "items": ["county", "person"], "filter": filter,
                "masks": {"person": {"mask": "keep_first", "count": 1}}, "doors": ["api", "sql"],
                "statistics": {"measures": ["amount"], "subject": "person", "min_group": 5},
                "demands_matter": true,
            }));
            assert_eq!(asks_of(&typed_of(Typed::default(), 0, &ask)).unwrap(), [ask]);
        }
    }

    #[test]
    fn asks_come_and_go() {
        let typed = with_ask(with_ask(with_ask(Typed::default(), "a"), "b"), "c")
            .with("2-items", "x")
            .with("1-items", "y");
        let typed = without_ask(&typed, "b");
        assert_eq!(typed.all("resource").collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((typed.of("1-items"), typed.of("2-items")), ("x", ""));
        assert_eq!(with_ask(typed.clone(), "a"), typed);
    }

    #[test]
    fn a_form_of_very_many_resources_or_fields_is_not_gone_through() {
        let of =
            |name: &str, count: usize| Typed::new(vec![(name.to_owned(), "301001/000001".to_owned()); count]);
        for (name, most) in [("resource", MOST_RESOURCES), ("0-items", MOST_FIELDS)] {
            assert!(check_asks(&of(name, most)).is_ok(), "{name}");
            let refused = check_asks(&of(name, most + 1)).unwrap_err();
            assert_eq!(refused.code, ErrorCode::TooLarge, "{name}");
            assert_eq!(asks_of(&of(name, most + 1)).unwrap_err().code, ErrorCode::TooLarge, "{name}");
        }
        let mut fields = vec![("resource".to_owned(), "301001/000001".to_owned())];
        fields.resize(MOST_FIELDS, ("0-items".to_owned(), "person".to_owned()));
        let asks = asks_of(&Typed::new(fields)).unwrap();
        assert_eq!(asks[0].items.len(), MOST_FIELDS - 1);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let typed = Typed::default().with("resource", "301001-000001").with("resource", "nonsense");
        let typed = typed
            .with("0-items", "person")
            .with("0-mask-person", "keep_first")
            .with("0-mask_with-person", "x");
        let refused = asks_of(&typed).unwrap_err();
        assert_eq!(refused.problems.len(), 2, "{refused:?}");
        let both =
            Typed::default().with("resource", "301001/000001").with("0-column-0", "a").with("0-filter", "{}");
        assert!(asks_of(&both).unwrap_err().problems[0].message.contains("JSON"));
    }
}
