//! Laws and standards that the platform follows, and what each means here.

use askama::Template;

use crate::around::Around;

/// Laws and standards.
#[derive(Template)]
#[template(path = "standards.html")]
pub struct StandardsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
}

/// A law or a standard: its name in Chinese and English, and what it means here in both.
type Line = (&'static str, &'static str, &'static str, &'static str);

const LAWS: [Line; 8] = [
    (
        "政务数据共享条例（2025）",
        "Regulation on the sharing of government data (2025)",
        "部门之间共享数据的申请、答复和提供都有期限；无条件共享 1 个工作日，有条件共享 10 个工作日答复、批准后 20 个工作日内提供。",
        "Departments apply for data and are answered in time: within 1 working day where sharing is unconditional, else 10 working \
         days, and 20 more to deliver.",
    ),
    (
        "政府信息公开条例",
        "Regulation on open government information",
        "主动公开在信息形成后 20 个工作日内；依申请公开 20 个工作日内答复，可延长一次；能区分处理的，公开可公开的部分并说明理由。",
        "What is to be public is published within 20 working days; requests are answered within 20, extendable once; what can be \
         separated is given, with the reason for the rest.",
    ),
    (
        "数据安全法",
        "Data security law",
        "数据分为一般、重要、核心三级，重要和核心数据不开放。",
        "Data are general, important or core; important and core data are never open.",
    ),
    (
        "个人信息保护法",
        "Personal information protection law",
        "个人信息项单独标注、按授权脱敏；开放前由机器检查能否识别到个人，再由人审核。",
        "Items about persons are marked and masked by grant; before anything opens a machine checks whether somebody could be \
         recognised, and a person decides.",
    ),
    (
        "网络数据安全管理条例",
        "Regulation on network data security",
        "提供个人信息和重要数据的记录保存三年以上；每次访问都留有存证。",
        "Records of what was provided are kept for at least three years; every access leaves evidence.",
    ),
    (
        "行政处罚法 第四十八条",
        "Administrative penalties law, article 48",
        "处罚决定被撤销或变更的，公开的信息在三日内撤回；撤回立即在所有接口生效。",
        "Where a decision is revoked its publication ends within three days; a withdrawal works at every door at once.",
    ),
    (
        "政务信息资源目录编制指南（2017）",
        "Guide to the directory of government information resources (2017)",
        "目录的十三项核心元数据、分类、代码和 26 列目录表。",
        "The directory's thirteen core elements, its classification, its codes and its sheet of 26 columns.",
    ),
    (
        "密码法；GB/T 32918、GB/T 32905",
        "Cryptography law; GB/T 32918, GB/T 32905",
        "签名可用 SM2/SM3，也可用 Ed25519/SHA-256。",
        "Signatures by SM2 and SM3, or by Ed25519 and SHA-256.",
    ),
];

const IDENTIFIERS: [Line; 4] = [
    (
        "GB 11643 公民身份号码",
        "GB 11643 citizen identity number",
        "入库时校验末位；身份核验只回答一致、不一致或库中无此号。",
        "Its check digit is verified; verification of a person answers only whether it fits, not what is stored.",
    ),
    (
        "GB 32100 统一社会信用代码",
        "GB 32100 unified social credit code",
        "部门和法人的代码，按校验码检查。",
        "Of departments and legal entities, verified by its check characters.",
    ),
    (
        "GB/T 2260、GB/T 10114 行政区划代码",
        "GB/T 2260, GB/T 10114 division codes",
        "按数据所属年份核对；区划变更的前后代码都认得。",
        "Checked by the year of the data; codes before and after a change are both known.",
    ),
    (
        "GB/T 43697 数据分类分级",
        "GB/T 43697 classes of data",
        "每个信息项有自己的数据级别。",
        "Every item has its own class.",
    ),
];

/// A standard of interfaces: an anchor, its name, what it means here in Chinese and English, and where it is seen.
type Interface = (&'static str, &'static str, &'static str, &'static str, &'static str);

const INTERFACES: [Interface; 11] = [
    (
        "openapi",
        "OpenAPI 3.1",
        "接口说明由程序生成，可直接生成客户端。",
        "The API's description is made by the program itself.",
        "/api/v1/openapi.json",
    ),
    (
        "dcat",
        "DCAT-AP 3.0.1 · schema.org",
        "目录以 Turtle、JSON-LD、RDF/XML 提供，可被其他门户采集。",
        "The catalogue as Turtle, JSON-LD and RDF/XML, for other portals.",
        "/catalog.ttl",
    ),
    (
        "ckan",
        "CKAN Action API v3",
        "现有采集工具和 CKAN 客户端直接可用。",
        "Harvesters and CKAN clients just work.",
        "/api/3/action/package_list",
    ),
    (
        "ogc",
        "OGC API – Features 1, 2, 3 · CQL2",
        "地图软件（如 QGIS）直接打开有空间位置的数据。",
        "Map software such as QGIS opens data that have places.",
        "/ogc?f=html",
    ),
    (
        "delta",
        "Delta Sharing",
        "大表按文件共享，并能取得两个版本之间变化的行；需要开发者密钥或凭证。",
        "Large tables as files, and the rows that differ between versions; by a developer key or a ticket.",
        "/developer",
    ),
    (
        "package",
        "Data Package 2.0 · CSV on the Web · JSON Schema",
        "每个数据集附有机器可读的字典和结构。",
        "Every dataset has a dictionary and a schema for programs.",
        "/search",
    ),
    (
        "atom",
        "Atom (RFC 4287)",
        "数据更新可订阅；也可用签名的 Webhook。",
        "Updates as feeds; signed webhooks beside them.",
        "/feed.atom",
    ),
    (
        "jwks",
        "JWK · JWS (RFC 7517, RFC 7515)",
        "每个文件都在签名清单中，公钥长期公布。",
        "Every file stands in a signed manifest; the keys are published, old ones too.",
        "/.well-known/jwks.json",
    ),
    (
        "signatures",
        "HTTP Message Signatures (RFC 9421, RFC 9530)",
        "每个应答都由平台签名，系统之间的请求也要签名。",
        "Every answer is signed by the platform, and systems sign their requests.",
        "/api/v1/openapi.json",
    ),
    (
        "log",
        "Merkle Tree (RFC 9162) · tlog-checkpoint",
        "每次访问和变更都记入只增不改的存证日志，任何人可核对它没有被改写。",
        "Every access and change is a leaf of a log that only grows; anyone can check that it was not rewritten.",
        "/log/checkpoint",
    ),
    (
        "problems",
        "Problem Details (RFC 9457)",
        "错误有固定的代码，程序可以据此处理。",
        "Errors have codes of a closed list.",
        "/api/v1/openapi.json",
    ),
];

impl StandardsPage<'_> {
    /// An address of a page in the reader's language; those of documents have none.
    fn place(&self, address: &str) -> String {
        let is_page = matches!(address, "/search" | "/developer" | "/ogc?f=html");
        if is_page { self.a.to(address) } else { address.to_owned() }
    }

    fn laws(&self) -> &'static [Line] {
        &LAWS
    }

    fn identifiers(&self) -> &'static [Line] {
        &IDENTIFIERS
    }

    fn interfaces(&self) -> &'static [Interface] {
        &INTERFACES
    }
}
