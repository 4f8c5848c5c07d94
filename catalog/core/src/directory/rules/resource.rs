//! Rules for the core items of the resource itself.

use chrono::NaiveDate;

use super::super::classification::{name_of, number_of};
use super::super::{Opening, Resource, Sharing, format};
use super::Findings;
use crate::identity::is_division_code;

/// Separators between the types in one cell.
pub(crate) const LIST_SEPARATORS: [char; 6] = [',', '，', ';', '；', '、', '\n'];
/// Ways of the sharing platform; mail and media carry whatever type they like.
const PLATFORM_KINDS: [&str; 3] = ["数据库", "文件", "服务接口"];
/// The classes of sharing methods, by how their names begin.
const METHOD_CLASSES: [&str; 3] = ["共享平台", "邮件", "介质"];

/// Sources of a resource at most.
const MAX_SOURCES: usize = 100;

pub(super) fn check(resource: &Resource, found: &mut Findings) {
    classification(resource, found);
    let summary = "write what the resource holds, for whom and from which business";
    found.expect(!resource.summary.is_empty(), "abstract", "abstract.missing", summary);
    resource_format(resource, found);
    sharing_method(resource, found);
    opening(resource, found);
    relations(resource, found);
    coverage(resource, found);
}

fn classification(resource: &Resource, found: &mut Findings) {
    let names = &resource.classification;
    let count = (1..=4).contains(&names.len()) && names.iter().all(|name| !name.is_empty());
    let message = "name the 项 at least, then 目 and 细目 without a gap, four names at most";
    found.expect(count, "classification", "classification.names", message);
    for (place, name) in names.iter().enumerate() {
        let numbered = is_numbered(name);
        let message = format!("`{name}`: the number belongs in the code, not before the name");
        found.expect(!numbered, format!("classification[{place}]"), "classification.numbered", message);
    }
    let code = resource.code.classification();
    let (Some(category), Some(number), Some(name)) = (code.chars().next(), code.get(1..3), names.first())
    else {
        return;
    };
    if category == '1' || name_of(category, number).is_some() || number_of(category, name).is_some() {
        let same = number_of(category, name).as_deref() == Some(number);
        let wanted = name_of(category, number).unwrap_or("none");
        let message =
            format!("code {code} stands for 项 `{wanted}`, not `{name}`: correct the name or the code");
        found.expect(same, "classification[0]", "classification.code", message);
    }
}

fn is_numbered(name: &str) -> bool {
    let head = name.split_once(char::is_whitespace).map_or("", |(head, _)| head);
    !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit())
}

fn resource_format(resource: &Resource, found: &mut Findings) {
    let chosen = &resource.format;
    let Some((_, types)) = format::CLASSES.iter().find(|(class, _)| *class == chosen.class) else {
        let classes: Vec<_> = format::CLASSES.iter().map(|(class, _)| *class).collect();
        let message = format!("`{}` is not a format class; choose of {}", chosen.class, classes.join(" "));
        return found.expect(false, "format.class", "format.class", message);
    };
    let message = "name the format type, such as xlsx or mysql";
    found.expect(!chosen.kind.is_empty(), "format.kind", "format.kind", message);
    let of_class = |kind: &str| types.iter().any(|known| known.eq_ignore_ascii_case(kind.trim()));
    let known = types.is_empty() || chosen.kind.split(LIST_SEPARATORS).all(of_class);
    let message = format!(
        "`{}` is not a type of {}, so describe it in 其他类型资源格式描述; its types: {}",
        chosen.kind,
        chosen.class,
        types.join(" ")
    );
    found.expect(known || !chosen.other.is_empty(), "format.other", "format.other", message);
}

fn sharing_method(resource: &Resource, found: &mut Findings) {
    let method = &resource.sharing_method;
    let withheld = matches!(resource.sharing(), None | Some(Sharing::Withheld { .. }));
    if withheld && method.class.is_empty() && method.kind.is_empty() {
        return;
    }
    let known = METHOD_CLASSES.iter().any(|class| method.class.starts_with(class));
    let message = format!("begin the class of the sharing method with one of {}", METHOD_CLASSES.join(" "));
    found.expect(known, "sharing_method.class", "sharing_method.class", message);
    let on_platform = method.class.starts_with(METHOD_CLASSES[0]);
    let kinds = method.kind.split(LIST_SEPARATORS).map(str::trim);
    let good = if on_platform {
        kinds.into_iter().all(|kind| PLATFORM_KINDS.contains(&kind))
    } else {
        !method.kind.is_empty()
    };
    let message = format!("name how it is shared; on the platform: {}", PLATFORM_KINDS.join(" "));
    found.expect(good, "sharing_method.kind", "sharing_method.kind", message);
}

fn opening(resource: &Resource, found: &mut Findings) {
    let licensed = resource.licence.as_ref().is_some_and(|licence| !licence.is_empty());
    let message = "an item is open, so name the licence: an SPDX id or an address";
    let good = licensed || *resource.opening() == Opening::Closed;
    found.expect(good, "licence", "licence.missing", message);
    let empty = resource.licence.as_deref() == Some("");
    found.expect(!empty, "licence", "licence.empty", "leave the licence out or name one");
    let empty = resource.contact.as_deref() == Some("");
    found.expect(!empty, "contact", "contact.empty", "leave the contact out or name one");
    let highest = resource.items.iter().map(|item| item.data_class).max().unwrap_or_default();
    let message = "the whole is classed at least as high as its highest item (就高从严)";
    found.expect(resource.data_class >= highest, "data_class", "data_class.whole", message);
}

fn relations(resource: &Resource, found: &mut Findings) {
    let codes: Vec<_> = resource.related.iter().map(|code| code.as_str()).collect();
    found.expect_unique(&codes, "related", "related.unique", "name a related resource once");
    let itself = codes.contains(&resource.code.as_str());
    found.expect(!itself, "related", "related.itself", "a resource is not related to itself");
    let sources: Vec<_> = resource.derived_from.iter().map(|code| code.as_str()).collect();
    found.expect_unique(&sources, "derived_from", "derived_from.unique", "name a source once");
    let itself = sources.contains(&resource.code.as_str());
    found.expect(!itself, "derived_from", "derived_from.itself", "a resource is not made from itself");
    let few = sources.len() <= MAX_SOURCES;
    let message = format!("name {MAX_SOURCES} sources at most");
    found.expect(few, "derived_from", "derived_from.many", message);
    found.expect_unique(&resource.keywords, "keywords", "keywords.unique", "write a keyword once");
    for (place, keyword) in resource.keywords.iter().enumerate() {
        let good = !keyword.is_empty() && !keyword.contains(LIST_SEPARATORS);
        let message = format!("`{keyword}`: write one keyword per entry, without commas");
        found.expect(good, format!("keywords[{place}]"), "keywords.text", message);
    }
}

fn coverage(resource: &Resource, found: &mut Findings) {
    let message = "write the period as 2020-01-01/2025-12-31, or .. for an open end";
    let good = resource.temporal_coverage.as_deref().is_none_or(is_period);
    found.expect(good, "temporal_coverage", "temporal_coverage.shape", message);
    let good = resource.spatial_coverage.as_deref().is_none_or(is_division_code);
    let message = "write the area as a division code of 6, 9 or 12 digits";
    found.expect(good, "spatial_coverage", "spatial_coverage.shape", message);
}

/// A period of ISO 8601 with whole days: `start/end`, one of them possibly `..`.
fn is_period(text: &str) -> bool {
    let Some((start, end)) = text.split_once('/') else { return false };
    let day = |text: &str| text.len() == 10 && text.parse::<NaiveDate>().is_ok();
    match (start, end) {
        ("..", end) => day(end),
        (start, "..") => day(start),
        (start, end) => day(start) && day(end) && start <= end,
    }
}
