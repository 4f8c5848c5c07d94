//! What credit records say: offences with the article that punishes them, permits, reasons of listing, honours.

/// All industries of GB/T 4754 that the sample has.
pub(super) const ANY: &str = "ABCDEFGHIJKLMNOPQRS";

/// An offence and its penalty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    /// Industries whose entities commit it (letters of GB/T 4754); natural persons do if there are none.
    pub(super) sections: Sections,
    /// What the case is called after the party's name.
    pub(super) title: &'static str,
    pub(super) facts: &'static str,
    pub(super) kind: &'static str,
    pub(super) basis: &'static str,
    /// Lowest and highest fine in yuan; none for a warning.
    pub(super) fine: Option<(i32, i32)>,
    /// The authority, after the county's name.
    pub(super) authority: &'static str,
    /// Its mark in document numbers.
    pub(super) mark: &'static str,
}

type Fine = Option<(i32, i32)>;

/// Letters of GB/T 4754.
pub(super) type Sections = Option<&'static str>;

const fn case(
    sections: Sections,
    [title, facts, kind, basis]: [&'static str; 4],
    fine: Fine,
    by: [&'static str; 2],
) -> Case {
    Case { sections, title, facts, kind, basis, fine, authority: by[0], mark: by[1] }
}

const MARKET: [&str; 2] = ["市场监督管理局", "市监"];
const TRANSPORT: [&str; 2] = ["交通运输局", "交运"];
const ENVIRONMENT: [&str; 2] = ["生态环境局", "环"];
const EMERGENCY: [&str; 2] = ["应急管理局", "应急"];
const TRAFFIC: [&str; 2] = ["公安局交通警察大队", "公交"];
const CITY: [&str; 2] = ["城市管理局", "城管"];

/// Offences by weight.
pub(super) const CASES: [(u32, Case); 10] = [
    (
        22,
        case(
            Some("H"),
            [
                "未取得食品经营许可从事食品经营活动",
                "起在未取得食品经营许可证的情况下从事食品经营活动",
                "罚款；没收违法所得、非法财物",
                "《中华人民共和国食品安全法》第一百二十二条第一款",
            ],
            Some((50_000, 100_000)),
            MARKET,
        ),
    ),
    (
        12,
        case(
            Some("FHO"),
            [
                "发布虚假广告",
                "在经营场所和网络店铺发布含有虚假内容的商品广告",
                "罚款",
                "《中华人民共和国广告法》第五十五条第一款",
            ],
            Some((200_000, 300_000)),
            MARKET,
        ),
    ),
    (
        12,
        case(
            Some("FHO"),
            ["不按规定明码标价", "销售商品未按照规定标明价格", "罚款", "《中华人民共和国价格法》第四十二条"],
            Some((200, 5_000)),
            MARKET,
        ),
    ),
    (
        10,
        case(
            Some("EFG"),
            [
                "违法超限运输",
                "使用车货总质量超过公路限定标准的车辆在公路上行驶",
                "罚款",
                "《公路安全保护条例》第六十四条",
            ],
            Some((500, 30_000)),
            TRANSPORT,
        ),
    ),
    (
        8,
        case(
            Some("CB"),
            [
                "超过水污染物排放标准排放水污染物",
                "外排废水中化学需氧量超过国家规定的排放标准",
                "罚款",
                "《中华人民共和国水污染防治法》第八十三条",
            ],
            Some((100_000, 1_000_000)),
            ENVIRONMENT,
        ),
    ),
    (
        8,
        case(
            Some("E"),
            [
                "施工工地未采取有效防尘降尘措施",
                "在施工工地未采取覆盖、洒水抑尘等有效防尘降尘措施",
                "罚款",
                "《中华人民共和国大气污染防治法》第一百一十五条",
            ],
            Some((10_000, 100_000)),
            CITY,
        ),
    ),
    (
        8,
        case(
            Some("BCE"),
            [
                "特种作业人员未取得资格上岗作业",
                "安排未取得特种作业操作证的人员上岗作业",
                "罚款",
                "《中华人民共和国安全生产法》第九十七条",
            ],
            Some((10_000, 100_000)),
            EMERGENCY,
        ),
    ),
    (
        5,
        case(
            Some("BCEG"),
            [
                "未按规定开展事故隐患排查治理",
                "未如实记录事故隐患排查治理情况，情节轻微并及时改正",
                "警告",
                "《中华人民共和国行政处罚法》第九条、第三十三条",
            ],
            None,
            EMERGENCY,
        ),
    ),
    (
        20,
        case(
            None,
            [
                "饮酒后驾驶机动车",
                "饮酒后驾驶机动车在城区道路上行驶",
                "罚款；暂扣许可证件",
                "《中华人民共和国道路交通安全法》第九十一条第一款",
            ],
            Some((1_000, 2_000)),
            TRAFFIC,
        ),
    ),
    (
        10,
        case(
            None,
            ["擅自占用城市道路", "未经批准占用城市道路摆摊经营", "罚款", "《城市道路管理条例》第四十二条"],
            Some((200, 5_000)),
            CITY,
        ),
    ),
];

/// A licensed activity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permit {
    pub(super) matter: &'static str,
    /// Industries that need it.
    pub(super) sections: &'static str,
    pub(super) content: &'static str,
    pub(super) authority: &'static str,
    pub(super) mark: &'static str,
    /// Years of validity.
    pub(super) years: i32,
}

const fn permit(
    matter: &'static str,
    sections: &'static str,
    content: &'static str,
    by: [&'static str; 2],
    years: i32,
) -> Permit {
    Permit { matter, sections, content, authority: by[0], mark: by[1], years }
}

/// Permits by weight.
pub(super) const PERMITS: [(u32, Permit); 7] = [
    (40, permit("食品经营许可", "FH", "热食类食品制售；预包装食品销售", ["市场监督管理局", "JY"], 5)),
    (12, permit("公共场所卫生许可", "HO", "住宿场所；理发店、美容店", ["卫生健康委员会", "WS"], 4)),
    (14, permit("道路货物运输经营许可", "G", "普通货运", ["交通运输局", "YS"], 4)),
    (10, permit("药品经营许可", "F", "零售：中成药、化学药制剂", ["市场监督管理局", "YP"], 5)),
    (8, permit("人力资源服务许可", "L", "职业中介活动", ["人力资源和社会保障局", "RL"], 5)),
    (8, permit("排污许可", "BC", "水污染物、大气污染物排放", ["生态环境局", "PW"], 5)),
    (8, permit("危险化学品经营许可", "F", "汽油、柴油零售", ["应急管理局", "WH"], 3)),
];

/// Why someone is on a list of the dishonest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing {
    /// Industries of those listed; natural persons if there are none.
    pub(super) sections: Sections,
    /// Name of the list.
    pub(super) list: &'static str,
    pub(super) reason: &'static str,
    /// The authority, after the county's name.
    pub(super) authority: &'static str,
}

const fn listing(sections: Sections, [list, reason, authority]: [&'static str; 3]) -> Listing {
    Listing { sections, list, reason, authority }
}

const DEBTORS: [&str; 3] = ["失信被执行人名单", "有履行能力而拒不履行生效法律文书确定义务", "人民法院"];
const FORGERS: [&str; 3] = ["市场监督管理严重违法失信名单", "提交虚假材料取得市场主体登记", "市场监督管理局"];
const WAGES: [&str; 3] =
    ["拖欠农民工工资失信联合惩戒对象名单", "拖欠农民工工资达到规定数额且拒不支付", "人力资源和社会保障局"];
const TAXES: [&str; 3] = ["重大税收违法失信主体名单", "虚开增值税专用发票", "税务局"];

/// Listings by weight.
pub(super) const LISTINGS: [(u32, Listing); 5] = [
    (30, listing(None, DEBTORS)),
    (20, listing(Some(ANY), DEBTORS)),
    (25, listing(Some(ANY), FORGERS)),
    (15, listing(Some("BCEFGL"), WAGES)),
    (10, listing(Some("CFL"), TAXES)),
];

/// Honours by weight, with the authority.
pub(super) const HONOURS: [(u32, (&str, &str)); 3] = [
    (70, ("A级纳税人", "税务局")),
    (20, ("劳动保障守法诚信A级单位", "人力资源和社会保障局")),
    (10, ("诚信示范企业", "发展和改革委员会")),
];
