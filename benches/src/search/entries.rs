//! A directory as a province might have it: real places, common subjects, no two titles alike.

use std::time::Instant;

use catalog_core::directory::format::CLASSES;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{Department, InformationItem, Opening, Sharing, UpdateCycle};
use catalog_core::fixtures;
use catalog_core::ports::{DirectoryStore as _, Outbox as _, SearchQuery};
use catalog_core::{Error, Result};
use catalog_store::CatalogStore;
use datasets_samples::Divisions;

/// What a department keeps records of, with an English word for its columns.
const SUBJECTS: [(&str, &str); 40] = [
    ("人口", "population"),
    ("法人单位", "legal_entity"),
    ("社会保险", "social_insurance"),
    ("住房公积金", "housing_fund"),
    ("不动产权属", "real_estate"),
    ("行政许可", "licence"),
    ("行政处罚", "penalty"),
    ("学籍", "enrolment"),
    ("医疗机构", "hospital"),
    ("食品经营", "food_business"),
    ("道路运输", "transport"),
    ("企业信用", "credit"),
    ("婚姻", "marriage"),
    ("低保对象", "welfare"),
    ("残疾人证", "disability"),
    ("殡葬服务", "funeral"),
    ("户籍迁移", "migration"),
    ("机动车", "vehicle"),
    ("驾驶证", "driver"),
    ("出入境", "border"),
    ("环境监测", "environment"),
    ("排污许可", "emission"),
    ("水质", "water"),
    ("气象预警", "weather"),
    ("林权", "forest"),
    ("耕地保护", "farmland"),
    ("农药经营", "pesticide"),
    ("畜禽养殖", "livestock"),
    ("建设工程", "construction"),
    ("房屋租赁", "rental"),
    ("特种设备", "equipment"),
    ("药品零售", "pharmacy"),
    ("文物保护", "heritage"),
    ("旅游景区", "tourism"),
    ("体育场馆", "stadium"),
    ("职业技能", "skill"),
    ("就业失业", "employment"),
    ("科技项目", "research"),
    ("财政补贴", "subsidy"),
    ("税务登记", "taxation"),
];

/// What about it.
const KINDS: [&str; 12] = [
    "基本信息",
    "登记信息",
    "缴费明细",
    "变更记录",
    "年度统计",
    "证照目录",
    "监督检查结果",
    "公示名录",
    "核验数据",
    "办件数据",
    "预警信息",
    "空间分布",
];

const PURPOSES: [&str; 6] = [
    "用于跨部门核验",
    "供统计分析使用",
    "支撑一网通办减材料",
    "用于信用联合奖惩",
    "服务基层治理",
    "按年度向社会公布",
];

/// Items with the endings of their columns.
const ITEMS: [(&str, &str); 24] = [
    ("姓名", "name"),
    ("公民身份号码", "id_number"),
    ("统一社会信用代码", "credit_code"),
    ("登记日期", "registered_on"),
    ("状态", "status"),
    ("金额", "amount"),
    ("办理机关", "office"),
    ("备注", "remark"),
    ("行政区划代码", "division_code"),
    ("地址", "address"),
    ("联系电话", "phone"),
    ("有效期起", "valid_from"),
    ("有效期止", "valid_until"),
    ("证照编号", "certificate"),
    ("类别", "category"),
    ("等级", "grade"),
    ("面积", "area"),
    ("数量", "quantity"),
    ("经度", "longitude"),
    ("纬度", "latitude"),
    ("决定文书号", "document"),
    ("审批结果", "decision"),
    ("变更事项", "change"),
    ("更新时间", "updated_at"),
];

const OFFICES: [&str; 15] = [
    "公安局",
    "市场监督管理局",
    "民政局",
    "人力资源和社会保障局",
    "自然资源局",
    "发展和改革委员会",
    "教育局",
    "卫生健康委员会",
    "交通运输局",
    "文化广电旅游局",
    "统计局",
    "应急管理局",
    "生态环境局",
    "农业农村局",
    "住房和城乡建设局",
];
const CITIES: [&str; 4] = ["九江市", "黄石市", "梧州市", "瑞昌市"];

/// Entries between two times that the outbox is emptied.
const OUTBOX: usize = 1_000;

/// Fills a catalogue with departments and so many entries, as far as it is not filled yet.
pub(crate) async fn fill(store: &CatalogStore, count: usize) -> Result<()> {
    let present = store.search(&SearchQuery::default()).await?.total;
    let present = usize::try_from(present).map_err(Error::internal)?;
    if present == 0 {
        for number in 0..departments() {
            store.put_department(&department(number)?, &fixtures::event("department.created")).await?;
        }
    }
    let began = Instant::now();
    for number in present..count {
        store.save_entry(&entry(number)?, None, &fixtures::event("resource.published")).await?;
        if number % OUTBOX == OUTBOX - 1 {
            let events = store.pending(2 * OUTBOX as u32).await?;
            store.moved(&events.into_iter().map(|event| event.id).collect::<Vec<_>>()).await?;
            eprintln!("{} of {count} entries, {:.0?}", number + 1, began.elapsed());
        }
    }
    Ok(())
}

/// How many departments there are.
pub(crate) fn departments() -> usize {
    OFFICES.len() * CITIES.len()
}

/// The department of that number, or of its remainder.
pub(crate) fn department(number: usize) -> Result<Department> {
    let number = number % departments();
    let name = format!("{}{}", CITIES[number / OFFICES.len()], OFFICES[number % OFFICES.len()]);
    fixtures::department(&format!("dept{number}"), &name)
}

/// The name of a subject.
pub(crate) fn subject(number: usize) -> &'static str {
    SUBJECTS[number % SUBJECTS.len()].0
}

/// An English word of some entries' columns.
pub(crate) fn english(number: usize) -> &'static str {
    SUBJECTS[number % SUBJECTS.len()].1
}

/// The name of a street, township or county.
pub(crate) fn place(number: usize) -> &'static str {
    let all = Divisions::load().all();
    all.get(number * 31 % all.len().max(1)).map_or("", |division| division.name)
}

/// The published entry of that number.
pub(crate) fn entry(number: usize) -> Result<Entry> {
    // Odd steps, so that subject, kind and place do not go round together.
    let (name, english) = SUBJECTS[number % SUBJECTS.len()];
    let kind = KINDS[number / SUBJECTS.len() % KINDS.len()];
    let place = place(number / (SUBJECTS.len() * KINDS.len()) * 13 + number % 13);
    let classification = format!("3{:02}{:03}", number % 12 + 1, number % 5 + 1);
    let code = format!("{classification}/{:06}", number + 1);
    let title = format!("{place}{name}{kind}（{}号）", number + 1);
    let mut resource = fixtures::resource(&format!("dept{}", number * 7 % departments()), &code, &title)?;
    let purpose = PURPOSES[number % PURPOSES.len()];
    resource.summary =
        format!("{place}各部门在履行职责过程中形成的{name}{kind}数据，经归集治理后{purpose}。");
    resource.keywords = vec![name.to_owned(), place.to_owned()];
    resource.update_cycle = UpdateCycle::ALL[number % UpdateCycle::ALL.len()].0;
    resource.format.class = CLASSES[number % CLASSES.len()].0.to_owned();
    resource.items = (0..6 + number % 7)
        .map(|place| item(number, english, (number + place * 5) % ITEMS.len()))
        .collect::<Result<_>>()?;
    Ok(fixtures::published(resource))
}

fn item(number: usize, english: &str, place: usize) -> Result<InformationItem> {
    let (title, column) = ITEMS[place];
    let condition = "按协议使用".to_owned();
    let mut item = fixtures::item(title, &format!("{english}_{column}"))?;
    item.opening = match number % 5 {
        0 => Opening::Closed,
        1 => Opening::Conditional { condition: condition.clone() },
        _ => Opening::Open,
    };
    item.sharing = match number % 3 {
        0 => Sharing::Conditional { condition },
        1 => Sharing::Withheld { basis: "保守国家秘密法".to_owned() },
        _ => Sharing::Unconditional,
    };
    Ok(item)
}
