//! The history of an entry 目录历史, with what each step changed in words.

use askama::Template;
use catalog_core::directory::diff::Change;
use catalog_core::directory::history::HistoryStep;
use catalog_core::directory::resource::Entry;

use super::directory::word;
use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;

/// Two revisions beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The earlier one.
    pub from: i64,
    /// The later one.
    pub to: i64,
    /// What differs.
    pub changes: Vec<Change>,
}

/// The history of an entry.
#[derive(Template)]
#[template(path = "desk/history.html")]
pub struct HistoryPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry.
    pub entry: &'a Entry,
    /// A part of its steps, the newest first.
    pub history: &'a [HistoryStep],
    /// The revision behind which they begin, where they are not the newest.
    pub after: Option<i64>,
    /// The ways to the others.
    pub pager: Pager,
    /// Whether the reader is of its department, and may know what drafts say.
    pub is_own: bool,
    /// Two revisions that the reader compares.
    pub comparison: Option<&'a Comparison>,
    /// Who took the steps.
    pub names: &'a Names,
}

impl HistoryPage<'_> {
    fn code(&self) -> String {
        self.entry.draft.code.path_form()
    }

    fn told(&self, step: &HistoryStep) -> Told {
        Told::of(&self.a, step)
    }

    fn lines<'c>(&'c self, changes: &'c [Change]) -> Vec<Line<'c>> {
        lines(&self.a, changes)
    }

    fn is_from(&self, step: &HistoryStep) -> bool {
        match self.comparison {
            Some(comparison) => comparison.from == step.revision,
            None => self.history.get(1).is_some_and(|before| before.revision == step.revision),
        }
    }

    fn is_to(&self, step: &HistoryStep) -> bool {
        self.comparison.is_some_and(|comparison| comparison.to == step.revision)
    }
}

/// What a step was, in words.
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

impl Told {
    pub(crate) fn of(a: &Around<'_>, step: &HistoryStep) -> Self {
        let what = match (step.action.as_str(), step.from) {
            ("resource.edited", None) => a.say("新编目录", "Entry written").to_owned(),
            (action, _) => a.event(action),
        };
        let from = step.from.filter(|from| *from != step.to).map(|from| word(a, from.label()));
        Self { what, from, to: word(a, step.to.label()) }
    }
}

/// A difference in words.
pub(crate) struct Line<'c> {
    pub(crate) what: String,
    pub(crate) before: Option<&'c str>,
    pub(crate) after: Option<&'c str>,
}

/// Names of fields: as differences call them, in Chinese and English.
const FIELDS: [(&str, &str, &str); 37] = [
    ("sql_name", "机器名", "Machine name"),
    ("title", "名称", "Name"),
    ("provider", "提供方", "Provider"),
    ("classification", "分类", "Classification"),
    ("abstract", "摘要", "Abstract"),
    ("format.class", "格式分类", "Format class"),
    ("format.kind", "格式类型", "Format type"),
    ("format.other", "其他类型资源格式描述", "Other format"),
    ("sharing_method.class", "共享方式分类", "Class of the sharing method"),
    ("sharing_method.kind", "共享方式类型", "Type of the sharing method"),
    ("update_cycle", "更新周期", "Update cycle"),
    ("published_on", "发布日期", "Publication date"),
    ("related", "关联资源", "Related resources"),
    ("derived_from", "来源资源", "Sources"),
    ("business_matter", "关联业务事项", "Business matter"),
    ("sub_organisation", "下设机构", "Sub-organisation"),
    ("open_topic", "开放主题分类", "Topic under which it is open"),
    ("keywords", "关键字", "Keywords"),
    ("data_class", "数据分级", "Data class"),
    ("personal", "个人信息", "Personal information"),
    ("licence", "许可", "Licence"),
    ("contact", "联系方式", "Contact"),
    ("temporal_coverage", "时间范围", "Time covered"),
    ("spatial_coverage", "空间范围", "Space covered"),
    ("key", "主键", "Key"),
    ("sort", "排序", "Order"),
    ("subject", "数据主体", "Data subject"),
    ("verifications", "比对核验", "Verifications"),
    ("position", "次序", "Position"),
    ("type", "数据类型", "Data type"),
    ("sharing", "共享类型", "Sharing"),
    ("opening", "开放属性", "Opening"),
    ("required", "必填", "Required"),
    ("format", "值格式", "Value format"),
    ("enumeration", "取值范围", "Allowed values"),
    ("minimum", "最小值", "Minimum"),
    ("maximum", "最大值", "Maximum"),
];

fn name(a: &Around<'_>, field: &str) -> String {
    let known = FIELDS.iter().find(|(name, ..)| *name == field);
    match known {
        Some((_, chinese, english)) => a.say(chinese, english).to_owned(),
        None if field == "reference" => a.say("引用", "Reference").to_owned(),
        None => field.to_owned(),
    }
}

/// `items[legal_name].sharing` as `legal_name` and `sharing`.
fn of_item(at: &str) -> Option<(&str, &str)> {
    at.strip_prefix("items[")?.split_once("].")
}

/// The differences in words: an item that came or went is one line.
pub(crate) fn lines<'c>(a: &'c Around<'_>, changes: &'c [Change]) -> Vec<Line<'c>> {
    // Every item has a position, so one that has it in one state alone is in that state alone.
    let moved = |column: &str| {
        let position = format!("items[{column}].position");
        changes.iter().find(|change| change.at == position)
    };
    let mut lines = Vec::new();
    for change in changes {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        let Some((column, field)) = of_item(&change.at) else {
            let shown = |text: &'c str| if change.at == "provider" { a.department(text) } else { text };
            lines.push(Line {
                what: name(a, &change.at),
                before: before.map(shown),
                after: after.map(shown),
            });
            continue;
        };
        let came_or_went = moved(column).filter(|moved| moved.before.is_none() || moved.after.is_none());
        match came_or_went {
            Some(_) if field != "title" => {}
            Some(moved) => {
                let what = match moved.before {
                    None => a.say("增加信息项", "Item added"),
                    Some(_) => a.say("删除信息项", "Item removed"),
                };
                lines.push(Line { what: format!("{what} {column}"), before, after });
            }
            None => {
                let of = a.say("信息项", "Item");
                lines.push(Line { what: format!("{of} {column} · {}", name(a, field)), before, after });
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_can_differ_has_a_name() {
        let resource = catalog_core::fixtures::resource("scjg", "301001/000001", "样例").unwrap();
        let mut full = resource.clone();
        full.derived_from = vec!["301001/000002".parse().unwrap()];
        full.related = full.derived_from.clone();
        full.subject = Some(full.items[0].column.clone());
        for change in catalog_core::directory::diff::diff(None, &full) {
            let field = of_item(&change.at).map_or(change.at.as_str(), |(_, field)| field);
            assert!(FIELDS.iter().any(|(name, ..)| *name == field) || field == "reference", "{}", change.at);
        }
    }
}
