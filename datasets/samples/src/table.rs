//! The tables of the sample city: names, schemas, sizes.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::batch::Rows;
use crate::city::SampleCity;
use crate::divisions::Divisions;
use crate::error::Error;
use crate::tables::{certificates, credit, places, reference, registry, social_security};

/// The kind of a column, as the directory's item types map to Arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// C, M
    Text,
    /// D
    Date,
    /// T
    Time,
    /// Y, and N with 18 digits of which 2 stand after the point
    Decimal,
    /// I
    Integer,
    /// B
    Double,
    /// L
    Flag,
}

impl Kind {
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8View,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal => DataType::Decimal128(18, 2),
            Self::Integer => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Flag => DataType::Boolean,
        }
    }
}

/// A column of a table.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    nullable: bool,
}

/// A column that has a value in every row.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

/// A column that may lack a value.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: true }
}

/// A table of the sample city. People, entities and what is theirs are synthetic; divisions are real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// 人口基础信息: one row per person
    Population,
    /// 法人单位基础信息
    LegalEntities,
    /// 行政处罚
    Penalties,
    /// 行政许可
    Licences,
    /// 严重失信主体名单
    Dishonest,
    /// 守信激励名单
    Honest,
    /// 电子证照目录
    Certificates,
    /// 社会保险参保信息: one row per person
    SocialSecurity,
    /// 行政区划: all of China to the street, villages of three prefectures; real
    Divisions,
    /// 学校
    Schools,
    /// 医疗卫生机构
    MedicalInstitutions,
    /// 旅游景区
    ScenicSpots,
    /// 公交站点
    BusStops,
    /// 经济运行月度统计
    MonthlyStatistics,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 14] = [
        Self::Population,
        Self::LegalEntities,
        Self::Penalties,
        Self::Licences,
        Self::Dishonest,
        Self::Honest,
        Self::Certificates,
        Self::SocialSecurity,
        Self::Divisions,
        Self::Schools,
        Self::MedicalInstitutions,
        Self::ScenicSpots,
        Self::BusStops,
        Self::MonthlyStatistics,
    ];

    /// The table's machine name, which is also that of the resource it fills.
    pub fn name(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::LegalEntities => "legal_entities",
            Self::Penalties => "penalties",
            Self::Licences => "licences",
            Self::Dishonest => "dishonest",
            Self::Honest => "honest",
            Self::Certificates => "certificates",
            Self::SocialSecurity => "social_security",
            Self::Divisions => "divisions",
            Self::Schools => "schools",
            Self::MedicalInstitutions => "medical_institutions",
            Self::ScenicSpots => "scenic_spots",
            Self::BusStops => "bus_stops",
            Self::MonthlyStatistics => "monthly_statistics",
        }
    }

    /// The table of a machine name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its Arrow schema.
    pub fn schema(self) -> SchemaRef {
        let field = |column: &Column| Field::new(column.name, column.kind.arrow(), column.nullable);
        Arc::new(Schema::new(self.columns().iter().map(field).collect::<Vec<_>>()))
    }

    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Population => registry::POPULATION,
            Self::LegalEntities => registry::LEGAL_ENTITIES,
            Self::Penalties => credit::PENALTIES,
            Self::Licences => credit::LICENCES,
            Self::Dishonest => credit::DISHONEST,
            Self::Honest => credit::HONEST,
            Self::Certificates => certificates::COLUMNS,
            Self::SocialSecurity => social_security::COLUMNS,
            Self::Divisions => reference::DIVISIONS,
            Self::Schools => places::SCHOOLS,
            Self::MedicalInstitutions => places::MEDICAL_INSTITUTIONS,
            Self::ScenicSpots => places::SCENIC_SPOTS,
            Self::BusStops => places::BUS_STOPS,
            Self::MonthlyStatistics => reference::MONTHLY_STATISTICS,
        }
    }

    pub(crate) fn rows(self, city: &SampleCity) -> u64 {
        let per = |people: u64, least: u64| (city.people() / people).max(least);
        match self {
            Self::Population | Self::SocialSecurity => city.people(),
            Self::LegalEntities => city.entities(),
            Self::Penalties => per(100, 50),
            Self::Licences => per(40, 50),
            Self::Dishonest => per(2_000, 20),
            Self::Honest => per(1_000, 20),
            Self::Certificates => city.entities() + per(2, 0),
            Self::Divisions => Divisions::load().all().len() as u64,
            Self::Schools => per(2_500, 60),
            Self::MedicalInstitutions => per(2_000, 60),
            Self::ScenicSpots => per(20_000, 40),
            Self::BusStops => per(400, 200),
            Self::MonthlyStatistics => reference::statistics_rows(city),
        }
    }

    pub(crate) fn fill(self, city: &SampleCity, rows: Range<u64>, out: &mut Rows) -> Result<(), Error> {
        let row: fn(&SampleCity, u64, &mut Rows) -> Result<(), Error> = match self {
            Self::Population => return registry::population(city, rows, out),
            Self::SocialSecurity => return social_security::fill(city, rows, out),
            Self::LegalEntities => registry::legal_entity,
            Self::Penalties => credit::penalty,
            Self::Licences => credit::licence,
            Self::Dishonest => credit::dishonest,
            Self::Honest => credit::honest,
            Self::Certificates => certificates::row,
            Self::Divisions => reference::division,
            Self::Schools => places::school,
            Self::MedicalInstitutions => places::medical_institution,
            Self::ScenicSpots => places::scenic_spot,
            Self::BusStops => places::bus_stop,
            Self::MonthlyStatistics => reference::statistic,
        };
        rows.into_iter().try_for_each(|number| row(city, number, out))
    }
}
