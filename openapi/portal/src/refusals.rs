//! Titles of errors, for people.

use catalog_core::ErrorCode;

use crate::around::Language;

/// What kind of trouble a code is, in the reader's language.
pub fn title_of(code: ErrorCode, language: Language) -> &'static str {
    let (chinese, english) = title(code);
    match language {
        Language::Chinese => chinese,
        Language::English => english,
    }
}

/// What a page calls a field otherwise than others do: page, field, Chinese, English.
pub(crate) const FIELDS_OF_PAGES: [(&str, &str, &str, &str); 5] = [
    ("/ask/disclosure", "title", "信息名称", "Title"),
    ("/ask/disclosure", "text", "名称、文号或者特征描述", "What you ask for"),
    ("/ask/letter", "title", "标题", "Title"),
    ("/ask/letter", "text", "内容", "What you want to say"),
    ("/gallery", "text", "简介", "What it is and what it is good for"),
];

/// What people call a field that the API calls so, in Chinese and in English.
pub(crate) fn field(at: &str) -> Option<(&'static str, &'static str)> {
    Some(match at {
        "applicant" => ("申请人", "Applicant"),
        "applicant.name" => ("姓名或者名称", "Name"),
        "applicant.id_number" => ("身份证明", "Identity"),
        "applicant.phone" => ("联系电话", "Telephone"),
        "applicant.email" => ("电子邮箱", "E-mail"),
        "applicant.address" => ("通信地址", "Postal address"),
        "title" => ("名称", "Title"),
        "text" => ("内容", "Text"),
        "link" => ("链接", "Link"),
        "resources" => ("使用的数据资源", "Datasets"),
        "contact" => ("联系方式", "How to reach you"),
        "rating" => ("评分", "Rating"),
        "reason" => ("理由", "Reason"),
        "legal_basis" => ("依据", "Legal basis"),
        "name" => ("名称", "Name"),
        "id" => ("用户名", "Login name"),
        "code" => ("代码", "Code"),
        "password" => ("口令", "Password"),
        "new_password" => ("新口令", "New password"),
        "page" => ("页码", "Page"),
        "from" => ("起", "From"),
        "until" => ("止", "Until"),
        "state" => ("状态", "State"),
        "number" => ("编号", "Number"),
        "days" => ("天数", "Days"),
        "credit_code" => ("统一社会信用代码", "Unified social credit code"),
        "division_code" => ("行政区划代码", "Division code"),
        _ => return None,
    })
}

/// What kind of trouble a code is, in Chinese and in English.
pub(crate) fn title(code: ErrorCode) -> (&'static str, &'static str) {
    match code {
        ErrorCode::InvalidInput => ("填写有误，请核对", "Something is not filled in right"),
        ErrorCode::TooLarge => ("内容过大", "This is too large"),
        ErrorCode::UnsupportedFormat => ("格式不支持", "This format is not supported"),
        ErrorCode::NotFound | ErrorCode::UnknownTable => ("没有找到", "There is nothing here"),
        ErrorCode::Conflict => ("与现有内容冲突", "The name or state is taken"),
        ErrorCode::IllegalState => ("当前状态不允许这一操作", "Not possible at this point"),
        ErrorCode::Unauthenticated => {
            ("尚未登录，或登录信息不正确", "Not signed in, or not with the right name and password")
        }
        ErrorCode::SignatureInvalid | ErrorCode::ClockSkew | ErrorCode::Replayed => {
            ("请先登录", "Please sign in")
        }
        ErrorCode::Forbidden => ("无权办理", "You are not allowed to do this"),
        ErrorCode::NotGranted | ErrorCode::ObligationMissing => ("没有获得授权", "No grant covers this"),
        ErrorCode::AmbiguousGrant => {
            ("有多项授权，请注明用途", "Several grants could answer: name the purpose")
        }
        ErrorCode::SqlSyntax | ErrorCode::SqlUnsupported | ErrorCode::UnknownColumn => {
            ("查询语句有误", "The query is not right")
        }
        ErrorCode::QueryFailed => ("查询未完成", "The query failed"),
        ErrorCode::LimitTime
        | ErrorCode::LimitMemory
        | ErrorCode::LimitRows
        | ErrorCode::LimitBytes
        | ErrorCode::LimitSql => ("超出限额", "A limit was reached"),
        ErrorCode::LimitRate => ("请求过于频繁，请稍后再试", "Too many requests: come again later"),
        ErrorCode::Revoked => ("授权已撤销", "The grant was revoked"),
        ErrorCode::Withdrawn => ("数据已撤回", "The data were withdrawn"),
        ErrorCode::NotReplayable => ("无法重新计算", "It can't be computed again"),
        ErrorCode::BreakingChange => ("数据结构变更须先审核", "A change of the shape needs a review"),
        ErrorCode::QualityThreshold => ("不合格的数据过多", "Too many rows are not valid"),
        ErrorCode::Corrupt | ErrorCode::Internal => ("系统故障", "A fault of the server"),
        ErrorCode::EvidenceUnavailable | ErrorCode::Unavailable => {
            ("暂时无法办理，请稍后再试", "Not available now: try again later")
        }
    }
}
