//! Column names for items that the sheet gives none.

use exchange_crypto::Digest;

use crate::error::Result;
use crate::ids::ColumnName;

/// Names that many resources share.
const COMMON: [(&str, &str); 16] = [
    ("姓名", "name"),
    ("名称", "name"),
    ("性别", "sex"),
    ("民族", "ethnicity"),
    ("出生日期", "birth_date"),
    ("公民身份号码", "id_number"),
    ("身份证号", "id_number"),
    ("身份证号码", "id_number"),
    ("统一社会信用代码", "credit_code"),
    ("行政区划代码", "division_code"),
    ("地址", "address"),
    ("住址", "address"),
    ("联系电话", "phone"),
    ("状态", "status"),
    ("备注", "remark"),
    ("更新时间", "updated_at"),
];

/// The column of a title: a common name, else a hash of the title. It depends on nothing but the title, so that a
/// row inserted later moves no other item to another column.
pub(super) fn column(title: &str) -> Result<ColumnName> {
    if let Some((_, name)) = COMMON.iter().find(|(known, _)| *known == title) {
        return ColumnName::new(*name);
    }
    let hash = Digest::of(title.as_bytes()).to_hex();
    ColumnName::new(format!("c_{}", &hash[..8]))
}
