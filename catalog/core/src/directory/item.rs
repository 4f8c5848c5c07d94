//! Information items 信息项: the columns of a resource, each with its own sharing, opening and data class.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, ErrorCode};
use crate::ids::{ColumnName, ResourceCode};

/// The eleven data types of the guide, by their letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum ItemKind {
    /// 字符型
    C,
    /// 数值型
    N,
    /// 货币型
    Y,
    /// 日期型
    D,
    /// 日期时间型
    T,
    /// 逻辑型
    L,
    /// 备注型
    M,
    /// 通用型: binary, or a geometry when the item's format says so
    G,
    /// 双精度型
    B,
    /// 整型
    I,
    /// 浮点型
    F,
}

impl ItemKind {
    /// All kinds with their Chinese names, in the guide's order.
    pub const ALL: [(ItemKind, &'static str); 11] = [
        (Self::C, "字符型"),
        (Self::N, "数值型"),
        (Self::Y, "货币型"),
        (Self::D, "日期型"),
        (Self::T, "日期时间型"),
        (Self::L, "逻辑型"),
        (Self::M, "备注型"),
        (Self::G, "通用型"),
        (Self::B, "双精度型"),
        (Self::I, "整型"),
        (Self::F, "浮点型"),
    ];

    /// `字符型C`, as the sheet writes it.
    pub fn label(self) -> String {
        let name = Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name);
        format!("{name}{self:?}")
    }

    /// Reads `字符型C`, `字符型` or `C`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let wanted = |kind: &ItemKind, name: &str| {
            text == name || text.eq_ignore_ascii_case(&format!("{kind:?}")) || text == kind.label()
        };
        Self::ALL.iter().find(|(kind, name)| wanted(kind, name)).map(|(kind, _)| *kind)
    }
}

/// Type and length of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ItemType {
    /// The data type.
    pub kind: ItemKind,
    /// Length in characters, or total digits for `N`; 0 where the type has none.
    pub length: u16,
    /// Digits after the point for `N`; 0 elsewhere (`Y` always has 2).
    #[serde(default)]
    pub scale: u8,
}

impl ItemType {
    /// A type without length: dates, flags, integers.
    pub const fn plain(kind: ItemKind) -> Self {
        Self { kind, length: 0, scale: 0 }
    }

    /// A type with length.
    pub const fn sized(kind: ItemKind, length: u16) -> Self {
        Self { kind, length, scale: 0 }
    }

    /// Precision and scale of the decimal types `N` and `Y`. `N` without a length has 18 digits.
    pub fn decimal(self) -> Option<(u8, i8)> {
        match self.kind {
            ItemKind::Y => Some((18, 2)),
            ItemKind::N => {
                let precision = if self.length == 0 { 18 } else { self.length.min(38) };
                Some((u8::try_from(precision).unwrap_or(38), i8::try_from(self.scale).unwrap_or(0)))
            }
            _ => None,
        }
    }
}

/// `字符型C(20)`, `数值型N(18,2)`, `日期型D`.
impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.kind.label();
        match (self.length, self.scale) {
            (0, _) => write!(f, "{label}"),
            (length, 0) => write!(f, "{label}({length})"),
            (length, scale) => write!(f, "{label}({length},{scale})"),
        }
    }
}

/// Sharing 共享 of an item, ordered from the least to the most permissive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Sharing {
    /// 不予共享, with the law or document that forbids it.
    Withheld {
        /// Legal basis 不予共享依据, mandatory.
        basis: String,
    },
    /// 有条件共享, with its condition.
    Conditional {
        /// Condition 共享条件, mandatory.
        condition: String,
    },
    /// 无条件共享.
    Unconditional,
}

impl Sharing {
    /// The digit of the guide: 1 unconditional, 2 conditional, 3 withheld.
    pub fn digit(&self) -> u8 {
        match self {
            Self::Unconditional => 1,
            Self::Conditional { .. } => 2,
            Self::Withheld { .. } => 3,
        }
    }

    /// The Chinese name of the type.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unconditional => "无条件共享",
            Self::Conditional { .. } => "有条件共享",
            Self::Withheld { .. } => "不予共享",
        }
    }
}

/// Opening 开放 of an item to society, ordered from the least to the most permissive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Opening {
    /// 不开放.
    Closed,
    /// 有条件开放.
    Conditional {
        /// Condition 开放条件, mandatory.
        condition: String,
    },
    /// 无条件开放.
    Open,
}

/// Data class 数据分级 (数据安全法 art. 21, GB/T 43697). Important and core data are never open.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// 一般
    #[default]
    General,
    /// 重要
    Important,
    /// 核心
    Core,
}

impl DataClass {
    /// All classes with their Chinese names.
    pub const ALL: [(DataClass, &'static str); 3] =
        [(Self::General, "一般"), (Self::Important, "重要"), (Self::Core, "核心")];

    /// The Chinese name.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(class, _)| *class == self).map_or("", |(_, name)| name)
    }

    /// Reads the Chinese name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(class, _)| *class)
    }
}

/// A rule about the values of an item beyond its type, by the name under which JSON Schema calls it in `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValueFormat {
    /// 公民身份号码 GB 11643
    CitizenId,
    /// 统一社会信用代码 GB 32100
    CreditCode,
    /// 行政区划代码, valid in the year of the data
    DivisionCode,
    /// Geometry in lon/lat, stored as WKB with GeoParquet metadata
    Geometry,
    /// Longitude of a row's place in degrees, beside an item with its latitude
    Longitude,
    /// Latitude of a row's place in degrees
    Latitude,
    /// A material 附件: the SHA-256 of a stored object, in lower-case hex
    Material,
    /// What the material in the nearest such item before it is called where it is kept
    FileName,
}

impl ValueFormat {
    /// All formats, in the order of documents.
    pub const ALL: [ValueFormat; 8] = [
        Self::CitizenId,
        Self::CreditCode,
        Self::DivisionCode,
        Self::Geometry,
        Self::Longitude,
        Self::Latitude,
        Self::Material,
        Self::FileName,
    ];

    /// The name in `format`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CitizenId => "citizen-id",
            Self::CreditCode => "credit-code",
            Self::DivisionCode => "division-code",
            Self::Geometry => "geometry",
            Self::Longitude => "longitude",
            Self::Latitude => "latitude",
            Self::Material => "material",
            Self::FileName => "file-name",
        }
    }

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::CitizenId => "公民身份号码 GB 11643",
            Self::CreditCode => "统一社会信用代码 GB 32100",
            Self::DivisionCode => "行政区划代码",
            Self::Geometry => "几何图形（经度、纬度）",
            Self::Longitude => "经度（度）",
            Self::Latitude => "纬度（度）",
            Self::Material => "附件（SHA-256）",
            Self::FileName => "附件文件名",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// The smallest and the largest value of a format of numbers.
    fn range(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Longitude => Some(("-180", "180")),
            Self::Latitude => Some(("-90", "90")),
            Self::CitizenId | Self::CreditCode | Self::DivisionCode | Self::Geometry => None,
            Self::Material | Self::FileName => None,
        }
    }
}

/// A declared reference of an item into another resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// The resource referred to.
    pub resource: ResourceCode,
    /// Its item.
    pub column: ColumnName,
}

/// `301001/000001#credit_code`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.resource, self.column)
    }
}

impl FromStr for Reference {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let shape = "a reference names resource and column, as 301001/000001#credit_code";
        let (resource, column) =
            text.split_once('#').ok_or_else(|| Error::new(ErrorCode::InvalidInput, shape))?;
        Ok(Self { resource: ResourceCode::new(resource)?, column: ColumnName::new(column)? })
    }
}

/// One information item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InformationItem {
    /// Chinese name 信息项名称, unique within the resource.
    pub title: String,
    /// Machine name, the column in SQL and files, unique within the resource.
    pub column: ColumnName,
    /// Type and length.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Its own sharing attribute.
    pub sharing: Sharing,
    /// Its own opening attribute.
    pub opening: Opening,
    /// Its data class.
    #[serde(default)]
    pub data_class: DataClass,
    /// Whether it is personal information 个人信息: then filters on it travel in bodies only.
    #[serde(default)]
    pub personal: bool,
    /// Whether every row must have a value.
    #[serde(default)]
    pub required: bool,
    /// Value format beyond the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ValueFormat>,
    /// The only values allowed, as text; empty for no restriction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enumeration: Vec<String>,
    /// Smallest value allowed, as the text of a number, date or time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// Largest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<String>,
    /// Reference into another resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

impl InformationItem {
    /// Smallest and largest value allowed: the item's own, else those of its format.
    pub fn bounds(&self) -> (Option<&str>, Option<&str>) {
        let range = self.format.and_then(ValueFormat::range);
        let (low, high) = range.map_or((None, None), |(low, high)| (Some(low), Some(high)));
        (self.minimum.as_deref().or(low), self.maximum.as_deref().or(high))
    }

    /// What decides how values lie in files: kind, digits, geometry. The length of a text is a rule about new rows,
    /// not about their shape.
    pub fn stored(&self) -> (ItemKind, Option<(u8, i8)>, bool) {
        let kind = match self.item_type.kind {
            ItemKind::M => ItemKind::C,
            ItemKind::Y => ItemKind::N,
            kind => kind,
        };
        (kind, self.item_type.decimal(), self.format == Some(ValueFormat::Geometry))
    }

    /// The item as a version holds it, shown by the directory of today: `published` is what the directory says of the
    /// column now, `retired` what it said last of a column that it has no more.
    ///
    /// Who may see it is decided by the directory of today, and by nothing where that knows nothing: it is closed.
    pub fn as_stored(self, published: Option<&Self>, retired: Option<&Self>) -> Self {
        let Some(known) = published.or(retired) else {
            let basis = "信息资源目录中无此信息项".to_owned();
            let (sharing, opening) = (Sharing::Withheld { basis }, Opening::Closed);
            return Self { sharing, opening, personal: true, ..self };
        };
        let same = published.filter(|item| item.stored() == self.stored());
        Self {
            title: same.map_or(self.title, |item| item.title.clone()),
            sharing: known.sharing.clone(),
            opening: known.opening.clone(),
            data_class: known.data_class,
            personal: self.personal || known.personal,
            ..self
        }
    }
}
