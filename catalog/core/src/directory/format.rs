//! Format classes 信息资源格式 and their types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The seven classes of the guide with the types it names.
pub const CLASSES: [(&str, &[&str]); 7] = [
    ("电子文件", &["OFD", "wps", "xml", "txt", "doc", "docx", "html", "pdf", "ppt", "pptx"]),
    ("电子表格", &["et", "xls", "xlsx"]),
    (
        "数据库",
        &["Dm", "KingbaseES", "access", "dbf", "dbase", "sysbase", "oracle", "sql server", "db2", "mysql"],
    ),
    ("图形图像", &["jpg", "gif", "bmp"]),
    ("流媒体", &["swf", "rm", "mpg"]),
    ("自描述格式", &[]),
    ("服务接口", &[]),
];

/// The format of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceFormat {
    /// 信息资源格式分类: one of [`CLASSES`].
    pub class: String,
    /// 信息资源格式类型: a type of the class, or any word where the class names none.
    pub kind: String,
    /// 其他类型资源格式描述: mandatory where the type is not one of the class.
    #[serde(default)]
    pub other: String,
}
