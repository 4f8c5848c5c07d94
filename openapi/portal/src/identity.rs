//! What a city changes of the portal.

use serde::Deserialize;

/// Name, colour and registration numbers of a city's portal. What is empty is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Name of the platform: 九江市公共数据开放平台.
    pub name: String,
    /// The same in English.
    pub english_name: String,
    /// Who runs it 主办单位.
    pub operator: String,
    /// Filing number of the site 网站备案号: 赣ICP备12345678号-1.
    pub icp: String,
    /// Filing number of public security 公安备案号.
    pub public_security: String,
    /// Code of the government's site 政府网站标识码, of ten digits.
    pub site_code: String,
    /// The open dataset with the outlines of the city's divisions, by its code in addresses: maps are drawn on it, and numbers by
    /// division on its areas. Without it they are bars.
    pub boundaries: String,
}

impl Default for Identity {
    fn default() -> Self {
        let empty = String::new;
        Self {
            name: "公共数据开放平台".to_owned(),
            english_name: "Open Public Data".to_owned(),
            operator: empty(),
            icp: empty(),
            public_security: empty(),
            site_code: empty(),
            boundaries: empty(),
        }
    }
}
