//! Classification 类-项-目-细目 and the numbers of the base items.

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
    "公共服务", "健康保障", "社会保障", "食品药品安全", "安全生产", "价格监管", "能源安全", "信用体系", "城乡建设",
    "社区治理", "生态环保", "应急维稳",
];
