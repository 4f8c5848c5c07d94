//! Public bodies 机关、事业单位、社会团体: every county and street has its own, each once.

use super::words::{ASSOCIATION, AUTHORITY, INSTITUTION, Kind};
use crate::villages::Village;

/// A public body of a county or street.
pub(crate) struct Body {
    pub(crate) kind: &'static Kind,
    /// Section letter of GB/T 4754.
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) village: usize,
}

/// Departments of a county government, the government first.
const DEPARTMENTS: [&str; 28] = [
    "人民政府",
    "公安局",
    "教育局",
    "财政局",
    "民政局",
    "市场监督管理局",
    "人力资源和社会保障局",
    "卫生健康委员会",
    "自然资源局",
    "发展和改革委员会",
    "住房和城乡建设局",
    "交通运输局",
    "农业农村局",
    "应急管理局",
    "生态环境局",
    "水利局",
    "司法局",
    "审计局",
    "统计局",
    "商务局",
    "税务局",
    "医疗保障局",
    "城市管理局",
    "文化广电旅游局",
    "工业和信息化局",
    "退役军人事务局",
    "林业局",
    "数据局",
];

/// Institutions of a county with their section.
const INSTITUTIONS: [(&str, &str); 22] = [
    ("人民医院", "Q"),
    ("第一中学", "P"),
    ("中医院", "Q"),
    ("妇幼保健院", "Q"),
    ("图书馆", "R"),
    ("疾病预防控制中心", "Q"),
    ("第二中学", "P"),
    ("文化馆", "R"),
    ("不动产登记中心", "S"),
    ("职业技术学校", "P"),
    ("公共资源交易中心", "S"),
    ("融媒体中心", "R"),
    ("农业技术推广中心", "M"),
    ("社会福利院", "Q"),
    ("博物馆", "R"),
    ("公路事业发展中心", "G"),
    ("就业创业服务中心", "S"),
    ("特殊教育学校", "P"),
    ("水利工程建设服务中心", "N"),
    ("林业技术推广中心", "M"),
    ("社会保险服务中心", "S"),
    ("机关事务服务中心", "S"),
];

/// Associations of a county.
const ASSOCIATIONS: [&str; 36] = [
    "商会",
    "企业家协会",
    "慈善会",
    "志愿者协会",
    "餐饮行业协会",
    "建筑业协会",
    "茶叶协会",
    "物流协会",
    "老年人体育协会",
    "书法家协会",
    "摄影家协会",
    "作家协会",
    "电子商务协会",
    "篮球协会",
    "乒乓球协会",
    "羽毛球协会",
    "钓鱼协会",
    "太极拳协会",
    "中医药学会",
    "教育学会",
    "会计学会",
    "护理学会",
    "油茶产业协会",
    "水产养殖协会",
    "养蜂协会",
    "果业协会",
    "旅游协会",
    "民宿协会",
    "家政服务行业协会",
    "汽车维修行业协会",
    "美容美发行业协会",
    "房地产业协会",
    "物业管理协会",
    "广告协会",
    "道路运输协会",
    "农村专业技术协会",
];

/// The public bodies of all counties: the governments first, then round by round one of each list for every county,
/// so that those of a small city too are spread over its counties and kinds.
pub(crate) fn public_bodies(villages: &[Village]) -> Vec<Body> {
    let mut rounds: Vec<(usize, Body)> = Vec::new();
    for (seat, county) in first_of(villages, |village| village.county) {
        let mut add = |round, kind, section, name: &str| {
            let name = [county.county_name, name].concat();
            rounds.push((round, Body { kind, section, name, village: seat }));
        };
        DEPARTMENTS.iter().enumerate().for_each(|(round, name)| add(round, &AUTHORITY, "S", name));
        let institutions = INSTITUTIONS.iter().enumerate();
        institutions.for_each(|(round, (name, section))| add(round + 1, &INSTITUTION, section, name));
        ASSOCIATIONS.iter().enumerate().for_each(|(round, name)| add(round + 2, &ASSOCIATION, "S", name));
    }
    for (place, (seat, street)) in first_of(villages, |village| village.street).enumerate() {
        for (kind, section, name) in of_street(street) {
            let name = [street.county_name, &name].concat();
            rounds.push((3 + place % 24, Body { kind, section, name, village: seat }));
        }
    }
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().map(|(_, body)| body).collect()
}

/// The bodies of a street, after the county's name; a farm or a development zone has a school and no government.
fn of_street(street: &Village) -> Vec<(&'static Kind, &'static str, String)> {
    let (name, stem) = (street.street_name, street.street_stem());
    let school = (&INSTITUTION, "P", format!("{stem}中心小学"));
    let (government, clinic) = match name {
        _ if name.ends_with("街道") => ("办事处", "社区卫生服务中心"),
        _ if name.ends_with(['镇', '乡']) => ("人民政府", "卫生院"),
        _ => return vec![school],
    };
    vec![
        (&AUTHORITY, "S", format!("{name}{government}")),
        (&INSTITUTION, "P", format!("{stem}中学")),
        school,
        (&INSTITUTION, "Q", format!("{name}{clinic}")),
        (&INSTITUTION, "S", format!("{name}便民服务中心")),
    ]
}

/// The first village of each group, with its place; groups stand together.
pub(crate) fn first_of(
    villages: &[Village],
    group: impl Fn(&Village) -> &'static str,
) -> impl Iterator<Item = (usize, &Village)> {
    let mut last = "";
    villages.iter().enumerate().filter(move |(_, village)| {
        let is_first = group(village) != last;
        last = group(village);
        is_first
    })
}
