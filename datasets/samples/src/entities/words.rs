//! Kinds, industries and words of names of legal entities.

/// A kind of legal entity.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) title: &'static str,
    /// First two characters of its credit code: registering authority and category.
    pub(crate) prefix: [u8; 2],
    pub(crate) suffix: &'static str,
    /// Whether it has registered capital.
    pub(crate) capital: bool,
    /// Whether people are insured through it.
    pub(crate) employs: bool,
}

const fn kind(title: &'static str, prefix: [u8; 2], suffix: &'static str, flags: [bool; 2]) -> Kind {
    let [capital, employs] = flags;
    Kind { title, prefix, suffix, capital, employs }
}

/// Kinds of businesses and private institutions with their share in percent.
pub(crate) static KINDS: [(u32, Kind); 5] = [
    (55, kind("个体工商户", *b"92", "", [false, false])),
    (38, kind("有限责任公司", *b"91", "有限公司", [true, true])),
    (1, kind("股份有限公司", *b"91", "股份有限公司", [true, true])),
    (5, kind("农民专业合作社", *b"93", "专业合作社", [true, false])),
    (1, kind("民办非企业单位", *b"52", "", [false, true])),
];

pub(crate) static AUTHORITY: Kind = kind("机关", *b"11", "", [false, true]);
pub(crate) static INSTITUTION: Kind = kind("事业单位", *b"12", "", [false, true]);
pub(crate) static ASSOCIATION: Kind = kind("社会团体", *b"51", "", [false, false]);

/// Sections in which one person alone does business.
pub(crate) const INDIVIDUAL: &str = "ACFGHO";

/// What private institutions do: section and word.
pub(crate) const PRIVATE: [(&str, &str); 7] = [
    ("P", "幼儿园"),
    ("P", "培训学校"),
    ("P", "艺术培训中心"),
    ("Q", "养老服务中心"),
    ("Q", "护理院"),
    ("R", "体育俱乐部"),
    ("S", "社会工作服务中心"),
];

/// What stands at the end of the name of an individual's business, by its word.
pub(crate) fn shop(section: &str, word: &str) -> &'static str {
    match (section, word) {
        (_, "超市" | "酒店" | "宾馆" | "茶楼") => "",
        (_, "小吃" | "五金" | "百货" | "服饰" | "电器" | "汽车修理" | "美容美发" | "家电维修") => {
            "店"
        }
        ("C", _) => "厂",
        (_, "种植" | "养殖") => "场",
        _ => "经营部",
    }
}

/// Share in tenths of a percent, section letter of GB/T 4754, name of the section, words of names.
pub(crate) static INDUSTRIES: [(u32, &str, &str, &[&str]); 19] = [
    (70, "A", "农、林、牧、渔业", &["种植", "养殖", "茶叶", "水产", "果蔬", "油茶"]),
    (6, "B", "采矿业", &["矿业", "石材"]),
    (95, "C", "制造业", &["纺织", "机械制造", "电子", "新材料", "食品加工", "建材", "家具", "服装"]),
    (6, "D", "电力、热力、燃气及水生产和供应业", &["供水", "新能源", "燃气"]),
    (72, "E", "建筑业", &["建筑工程", "装饰", "建筑劳务", "园林"]),
    (340, "F", "批发和零售业", &["商贸", "超市", "五金", "百货", "医药", "建材经营", "服饰", "电器"]),
    (34, "G", "交通运输、仓储和邮政业", &["物流", "运输", "仓储"]),
    (120, "H", "住宿和餐饮业", &["餐饮", "小吃", "酒店", "宾馆", "茶楼"]),
    (32, "I", "信息传输、软件和信息技术服务业", &["软件", "网络科技", "信息技术"]),
    (5, "J", "金融业", &["投资咨询", "融资担保"]),
    (18, "K", "房地产业", &["房地产开发", "物业管理"]),
    (68, "L", "租赁和商务服务业", &["商务服务", "人力资源", "广告", "租赁"]),
    (30, "M", "科学研究和技术服务业", &["工程设计", "检测技术", "农业技术"]),
    (6, "N", "水利、环境和公共设施管理业", &["环保", "水利", "市政"]),
    (62, "O", "居民服务、修理和其他服务业", &["汽车修理", "美容美发", "家政", "家电维修"]),
    (12, "P", "教育", &["教育咨询", "培训"]),
    (8, "Q", "卫生和社会工作", &["诊所", "养老", "健康管理"]),
    (12, "R", "文化、体育和娱乐业", &["文化传媒", "体育", "旅游"]),
    (4, "S", "公共管理、社会保障和社会组织", &["档案服务", "社区服务"]),
];

/// Characters of trade names, three bytes each.
pub(crate) const TRADE: &str = "鑫源恒达宏兴盛隆泰安顺和瑞祥福康华诚信义博远通汇丰润泽天地人民中正大明光辉金银宝玉江山\
                                湖海龙凤鹏程万里千秋百世永昌裕茂嘉德仁爱美好佳乐优品良友联合众创新科智慧云星";
