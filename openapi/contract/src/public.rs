//! What the public asks, and how it follows its matter.

use catalog_core::DepartmentId;
use catalog_core::confidential::Identity;
use catalog_core::matter::{ApplicantKind, Event};
use catalog_core::services::PublicMatter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A disclosure request 依申请公开.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureInput {
    /// Who asks. It is kept sealed, for the handling role alone, and erased after its term.
    pub applicant: Identity,
    /// As what.
    pub applicant_kind: ApplicantKind,
    /// What is asked for, in a line, without personal data.
    #[schema(example = "2025年度市级财政专项资金分配结果")]
    pub title: String,
    /// Name, document number or other features of the information asked for. Kept sealed too.
    pub text: String,
    /// In which form: paper, file.
    pub form: String,
    /// The department asked; without one the data authority routes the request.
    #[serde(default)]
    pub department: Option<DepartmentId>,
}

/// A letter or suggestion 来信.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterInput {
    /// Who writes. It is kept sealed, for the handling role alone, and erased after its term.
    pub applicant: Identity,
    /// Subject, in a line, without personal data.
    pub title: String,
    /// Text. Kept sealed too.
    pub text: String,
    /// To whom; without one the data authority routes the letter.
    #[serde(default)]
    pub department: Option<DepartmentId>,
}

/// A matter that was just opened, with the code that proves who opened it. The code is shown here and never again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct OpenedPublicMatter {
    /// The code 查询码.
    #[schema(example = "7K2PA-...")]
    pub code: String,
    /// The matter.
    #[serde(flatten)]
    pub matter: PublicMatter,
}

/// The code of a matter. It travels in the body, where no log or history of addresses keeps it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeProof {
    /// The code; case and hyphens do not count.
    pub code: String,
}

/// A step of the applicant.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicAct {
    /// The code.
    pub code: String,
    /// `complete` or `withdraw`.
    pub event: Event,
    /// For completion: what was missing. Kept sealed.
    #[serde(default)]
    pub text: Option<String>,
}
