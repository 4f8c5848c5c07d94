//! Classification 类-项-目-细目 and the numbers of the base items.

/// 类: the first digit of a classification with its name, as the sheet writes it.
pub const CATEGORIES: [(char, &str); 3] =
    [('1', "基础信息资源类"), ('2', "主题信息资源类"), ('3', "部门信息资源类")];

/// 基础信息资源类: the numbers 01 to 06 of its 项, by the guide's order; shared materials 共享材料 are the cities' addition.
pub const BASE: [(&str, &str); 6] = [
    ("01", "人口信息资源"),
    ("02", "法人单位信息资源"),
    ("03", "自然资源和空间地理基础信息资源"),
    ("04", "社会信用信息资源"),
    ("05", "电子证照信息资源"),
    ("06", "共享材料信息资源"),
];

/// 主题信息资源类: its 项 in the guide's order, numbered from 01.
pub const TOPICS: [&str; 12] = [
    "公共服务",
    "健康保障",
    "社会保障",
    "食品药品安全",
    "安全生产",
    "价格监管",
    "能源安全",
    "信用体系",
    "城乡建设",
    "社区治理",
    "生态环保",
    "应急维稳",
];

/// The number of a 项 by its name, where the guide fixes it: base 项 (with or without `信息资源`) and topics.
pub fn number_of(category: char, name: &str) -> Option<String> {
    let short = |name: &str| name.trim_end_matches("信息资源").to_owned();
    match category {
        '1' => {
            BASE.iter().find(|(_, base)| short(base) == short(name)).map(|(number, _)| (*number).to_owned())
        }
        '2' => {
            let place = TOPICS.iter().position(|topic| *topic == short(name))?;
            Some(format!("{:02}", place + 1))
        }
        _ => None,
    }
}

/// The name that the guide gives to a number of a category; `None` where the city is free to name it.
pub fn name_of(category: char, number: &str) -> Option<&'static str> {
    let place = number.parse::<usize>().ok()?.checked_sub(1)?;
    match category {
        '1' => BASE.get(place).map(|(_, name)| *name),
        '2' => TOPICS.get(place).copied(),
        _ => None,
    }
}
