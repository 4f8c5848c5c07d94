//! English names of the directory's vocabularies: what the guide and this product name, not what departments write.
//!
//! What is not here is shown in Chinese, and marked as such.

use catalog_core::directory::ItemKind;
use catalog_core::policy::Mask;

/// Names in Chinese and English.
type Names = &'static [(&'static str, &'static str)];

/// 类 and 项 of the guide, with and without `信息资源`.
const CLASSES: Names = &[
    ("基础信息资源类", "Base resources"),
    ("主题信息资源类", "Resources by topic"),
    ("部门信息资源类", "Resources of departments"),
    ("人口", "Population"),
    ("法人单位", "Legal entities"),
    ("自然资源和空间地理基础", "Natural resources and geography"),
    ("社会信用", "Social credit"),
    ("电子证照", "Electronic certificates"),
    ("共享材料", "Shared materials"),
    ("公共服务", "Public services"),
    ("健康保障", "Health"),
    ("社会保障", "Social security"),
    ("食品药品安全", "Food and drug safety"),
    ("安全生产", "Safety at work"),
    ("价格监管", "Prices"),
    ("能源安全", "Energy"),
    ("信用体系", "Credit system"),
    ("城乡建设", "Urban and rural development"),
    ("社区治理", "Communities"),
    ("生态环保", "Environment"),
    ("应急维稳", "Emergencies and public order"),
];

/// Format classes 信息资源格式分类.
const FORMATS: Names = &[
    ("电子文件", "Documents"),
    ("电子表格", "Spreadsheets"),
    ("数据库", "Databases"),
    ("图形图像", "Images"),
    ("流媒体", "Audio and video"),
    ("自描述格式", "Self-describing formats"),
    ("服务接口", "Service interfaces"),
];

/// Update cycles 更新周期.
const CYCLES: Names = &[
    ("实时", "In real time"),
    ("每日", "Daily"),
    ("每周", "Weekly"),
    ("每月", "Monthly"),
    ("每季度", "Quarterly"),
    ("每半年", "Every six months"),
    ("每年", "Yearly"),
    ("不定期", "At irregular times"),
];

/// Sharing 共享, opening 开放, data classes 数据分级.
const ATTRIBUTES: Names = &[
    ("无条件共享", "Shared unconditionally"),
    ("有条件共享", "Shared under a condition"),
    ("不予共享", "Withheld"),
    ("无条件开放", "Open to everyone"),
    ("有条件开放", "Open under a condition"),
    ("不开放", "Not open"),
    ("一般", "General"),
    ("重要", "Important"),
    ("核心", "Core"),
];

/// Value formats and item types.
const VALUES: Names = &[
    ("公民身份号码 GB 11643", "Citizen identity number, GB 11643"),
    ("统一社会信用代码 GB 32100", "Unified social credit code, GB 32100"),
    ("行政区划代码", "Division code, GB/T 2260"),
    ("几何图形（经度、纬度）", "Geometry, longitude and latitude"),
    ("经度（度）", "Longitude in degrees"),
    ("纬度（度）", "Latitude in degrees"),
    ("附件（SHA-256）", "Material, by its SHA-256"),
    ("附件文件名", "File name of the material"),
    ("字符型", "Text"),
    ("数值型", "Decimal number"),
    ("货币型", "Amount of money"),
    ("日期型", "Date"),
    ("日期时间型", "Date and time"),
    ("逻辑型", "True or false"),
    ("备注型", "Long text"),
    ("通用型", "Binary"),
    ("双精度型", "Floating point, 64 bits"),
    ("整型", "Whole number"),
    ("浮点型", "Floating point, 32 bits"),
];

/// Rules that deliveries are checked against, by their names in reports, in Chinese and English.
const RULES: [(&str, &str, &str); 15] = [
    ("type", "类型正确", "Right type"),
    ("required", "必填", "Required"),
    ("length", "长度", "Length"),
    ("range", "取值范围", "Range"),
    ("enumeration", "取值列表", "Allowed values"),
    ("format", "格式", "Value format"),
    ("reference", "引用有效", "Reference exists"),
    ("unique", "唯一", "Unique"),
    ("key", "主键唯一", "Key is unique"),
    ("columns", "列完整", "Complete columns"),
    ("exists", "记录不重复", "No record twice"),
    ("material", "附件已上传", "Material uploaded"),
    ("number_precision", "数字未丢失精度", "No digits lost"),
    ("encoding", "编码正确", "Right encoding"),
    ("syntax", "书写完整", "Well formed"),
];

/// The English name of a word of the vocabularies.
pub fn english(chinese: &str) -> Option<&'static str> {
    let short = chinese.trim_end_matches("信息资源");
    let all = [CLASSES, FORMATS, CYCLES, ATTRIBUTES, VALUES];
    let found = all.into_iter().flatten().find(|(name, _)| *name == chinese || *name == short);
    found.map(|(_, name)| *name)
}

/// What a rule demands, in Chinese and English; a rule that nobody knows by its own name.
pub(crate) fn rule(name: &str) -> (&str, &str) {
    RULES
        .iter()
        .find(|(rule, ..)| *rule == name)
        .map_or((name, name), |(_, chinese, english)| (chinese, english))
}

/// The name of a type, without its length.
pub(crate) fn kind(kind: ItemKind) -> &'static str {
    ItemKind::ALL.iter().find(|(other, _)| *other == kind).map_or("", |(_, name)| name)
}

/// What a mask does, in Chinese and English.
pub(crate) fn mask(mask: &Mask) -> (String, String) {
    let both = |chinese: &str, english: &str| (chinese.to_owned(), english.to_owned());
    match mask {
        Mask::Null => both("内容不显示", "Never shown"),
        Mask::Constant { text } => (format!("统一显示为“{text}”"), format!("Always shown as “{text}”")),
        Mask::KeepFirst { count } => {
            (format!("只显示前 {count} 个字符"), format!("Only its first {count} characters"))
        }
        Mask::KeepLast { count } => {
            (format!("只显示后 {count} 个字符"), format!("Only its last {count} characters"))
        }
        Mask::Year => both("只显示年份", "Only its year"),
        Mask::Bucket { width } => {
            (format!("向下取整到 {width} 的倍数"), format!("Rounded down to a multiple of {width}"))
        }
        Mask::Pseudonym { .. } => both("以假名代替", "Replaced by a pseudonym"),
    }
}

#[cfg(test)]
mod tests {
    use catalog_core::directory::resource::UpdateCycle;
    use catalog_core::directory::{DataClass, ValueFormat, classification, format};

    use super::*;

    #[test]
    fn every_word_of_the_vocabularies_has_an_english_name() {
        let categories = classification::CATEGORIES.iter().map(|(_, name)| *name);
        let base = classification::BASE.iter().map(|(_, name)| *name);
        let cycles = UpdateCycle::ALL.iter().map(|(_, name)| *name);
        let classes = format::CLASSES.iter().map(|(name, _)| *name);
        let kinds = ItemKind::ALL.iter().map(|(_, name)| *name);
        let data = DataClass::ALL.iter().map(|(_, name)| *name);
        let values = ValueFormat::ALL.into_iter().map(ValueFormat::label);
        let all = categories.chain(base).chain(classification::TOPICS).chain(cycles).chain(classes);
        for word in all.chain(kinds).chain(data).chain(values) {
            assert!(english(word).is_some(), "{word}");
        }
        assert_eq!(english("张三"), None);
        assert_eq!(english(""), None);
    }
}
