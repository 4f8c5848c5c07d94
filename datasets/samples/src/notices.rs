//! Shared materials 共享材料 of the sample city: a register of the market supervision bureau's notices, and their files.
//! All of it is synthetic.

/// The register's entry in the sheet of 26 columns (UTF-8).
pub const REGISTER_CSV: &str = include_str!("../clerk/材料目录.csv");
/// Its sheet 扩展.
pub const REGISTER_EXTENSION_CSV: &str = include_str!("../clerk/材料扩展.csv");
/// The machine name of the register.
pub const REGISTER: &str = "notices";

/// A notice: a row of the register with its file.
#[derive(Debug, Clone, Copy)]
pub struct Notice {
    /// 公告编号.
    pub number: &'static str,
    /// 公告名称.
    pub title: &'static str,
    /// 文件名.
    pub file_name: &'static str,
    /// The file.
    pub content: &'static [u8],
}

/// Two texts, a picture and a PDF.
pub const NOTICES: [Notice; 4] = [
    Notice {
        number: "2026-001",
        title: "登记公告（示例）",
        file_name: "登记公告 2026-001.txt",
        content: include_bytes!("../clerk/公告.txt"),
    },
    Notice {
        number: "2026-002",
        title: "双随机抽查结果公告（示例）",
        file_name: "抽查公告 2026-002.txt",
        content: include_bytes!("../notices/抽查公告.txt"),
    },
    Notice {
        number: "2026-003",
        title: "抽查结果统计图（示例）",
        file_name: "统计图 2026-003.png",
        content: include_bytes!("../notices/统计图.png"),
    },
    Notice {
        number: "2026-004",
        title: "更正公告（示例）",
        file_name: "更正公告 2026-004.pdf",
        content: include_bytes!("../notices/更正公告.pdf"),
    },
];

/// The rows of the register as CSV, with the SHA-256 of each notice's file in hex, in the order of [`NOTICES`].
pub fn register_rows(digests: &[String]) -> String {
    let rows = NOTICES.iter().zip(digests).map(|(notice, digest)| {
        format!("{},{},{digest},{}\n", notice.number, notice.title, notice.file_name)
    });
    rows.fold("公告编号,公告名称,文件,文件名\n".to_owned(), |csv, row| csv + &row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_name_each_file_once() {
        let digests: Vec<String> = (0..NOTICES.len()).map(|place| format!("{place:064}")).collect();
        let rows = register_rows(&digests);
        assert_eq!(rows.lines().count(), NOTICES.len() + 1);
        assert!(rows.lines().all(|row| row.split(',').count() == 4), "{rows}");
        assert!(NOTICES.iter().all(|notice| !notice.content.is_empty()));
    }
}
